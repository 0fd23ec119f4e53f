"""How often a password may be tried: counted by user and by address, on the database's clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db.tables import login_attempts

WINDOW = timedelta(minutes=15)
USER_LIMIT, ADDRESS_LIMIT = 8, 40


def count_attempt(conn: Connection, login: str, address: str) -> None:
    """Count one more attempt and block a key that had too many. Keys that are blocked count no further, so that
    nobody can keep a user out for longer than ``WINDOW`` at a time without starting anew."""
    for key, limit in _keys(login, address):
        moment = func.clock_timestamp()
        blocked = login_attempts.c.blocked_until > moment
        failures = case(
            (blocked, login_attempts.c.failures),
            (login_attempts.c.updated_at < moment - WINDOW, 1),
            else_=login_attempts.c.failures + 1,
        )
        until = case((blocked, login_attempts.c.blocked_until), (failures > limit, moment + WINDOW), else_=None)
        row = insert(login_attempts).values(key=key, failures=1)
        conn.execute(
            row.on_conflict_do_update(
                index_elements=["key"], set_={"failures": failures, "blocked_until": until, "updated_at": moment}
            )
        )


def blocked_until(conn: Connection, login: str, address: str) -> datetime | None:
    """When the next attempt may be made, or None for now."""
    keys = [key for key, _ in _keys(login, address)]
    latest = select(func.max(login_attempts.c.blocked_until)).where(
        login_attempts.c.key.in_(keys), login_attempts.c.blocked_until > func.clock_timestamp()
    )
    found: datetime | None = conn.execute(latest).scalar_one()
    return found


def forgive(conn: Connection, login: str, address: str) -> None:
    """After a right password: the user starts at nought, the address gets this attempt back."""
    (by_address, _), (by_user, _) = _keys(login, address)
    conn.execute(delete(login_attempts).where(login_attempts.c.key == by_user))
    fewer = func.greatest(login_attempts.c.failures - 1, 0)
    conn.execute(update(login_attempts).where(login_attempts.c.key == by_address).values(failures=fewer))


def forget_old_attempts(conn: Connection) -> None:
    conn.execute(delete(login_attempts).where(login_attempts.c.updated_at < func.now() - 2 * WINDOW))


def _keys(login: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    """Always in this order, so that two sign-ins never wait for each other's row."""
    return (f"address:{address}", ADDRESS_LIMIT), (f"user:{login.lower()}", USER_LIMIT)
