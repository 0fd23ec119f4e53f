"""Exclusive work as leases on database time (law 6): one short UPDATE, no lock held during a call.

The number that comes back fences the work: an outcome is saved only ``WHERE attempt = mine``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, Float, bindparam, func, text
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import transaction
from core.db.tables import leases

# For statements that are built once, as text and as an expression: ``lease_seconds`` is given with their values.
LEASE_SQL: Final = "now() + make_interval(secs => :lease_seconds)"
LEASE_UNTIL = text(LEASE_SQL).bindparams(bindparam("lease_seconds", type_=Float))


def take_lease(name: str, *, seconds: float, holder: str = "") -> int | None:
    """Take the lease ``name`` for ``seconds`` unless somebody holds it; the attempt number, or None."""
    until = func.now() + text("make_interval(secs => :seconds)").bindparams(seconds=seconds)
    wanted = insert(leases).values(name=name, lease_until=until, attempt=1, holder=holder)
    wanted = wanted.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"lease_until": until, "attempt": leases.c.attempt + 1, "holder": holder},
        where=leases.c.lease_until <= func.now(),
    )
    with transaction() as connection:
        attempt: int | None = connection.execute(wanted.returning(leases.c.attempt)).scalar()
    return attempt


def renew_lease(name: str, attempt: int, *, seconds: float) -> bool:
    """Hold on for ``seconds`` more; False when somebody else has taken it since."""
    until = func.now() + text("make_interval(secs => :seconds)").bindparams(seconds=seconds)
    mine = (leases.c.name == name) & (leases.c.attempt == attempt)
    with transaction() as connection:
        return connection.execute(leases.update().where(mine).values(lease_until=until)).rowcount == 1


def holds_lease(connection: Connection, name: str, attempt: int) -> bool:
    """Whether the lease is still this attempt's, seen and locked in the caller's transaction."""
    mine = leases.select().where(leases.c.name == name, leases.c.attempt == attempt).with_for_update()
    return connection.execute(mine).first() is not None


def is_free(connection: Connection, name: str) -> bool:
    """Whether nobody holds the lease; if so, nobody takes it before the caller's transaction ends."""
    held = leases.c.lease_until > func.now()
    return not connection.scalar(leases.select().with_only_columns(held).where(leases.c.name == name).with_for_update())


def release_lease(name: str, attempt: int) -> None:
    """Let others have it now; nothing happens when it is no longer ours."""
    mine = (leases.c.name == name) & (leases.c.attempt == attempt)
    with transaction() as connection:
        connection.execute(leases.update().where(mine).values(lease_until=func.now()))


def take_leases(connection: Connection, names: Sequence[str], *, seconds: float) -> dict[str, int]:
    """Take those of the leases that nobody holds, in the caller's transaction; their attempt numbers by name."""
    wanted = text(
        "INSERT INTO leases AS kept (name, lease_until, attempt, holder) "
        "SELECT one, now() + make_interval(secs => :seconds), 1, '' FROM unnest(CAST(:names AS text[])) AS one "
        "ORDER BY one ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until, attempt = kept.attempt + 1 "
        "WHERE kept.lease_until <= now() RETURNING name, attempt"
    )
    rows = connection.execute(wanted, {"names": list(names), "seconds": seconds})
    return {row.name: row.attempt for row in rows}


def release_leases(connection: Connection, attempts: Mapping[str, int]) -> None:
    """Let others have those of these leases that are still ours."""
    renew_leases(connection, attempts, seconds=0)


def renew_leases(connection: Connection, attempts: Mapping[str, int], *, seconds: float) -> dict[str, int]:
    """Hold on for ``seconds`` more to those of these leases that are still ours: they, with their attempt numbers.

    Their rows are locked by name, as when taken.
    """
    held = text(
        "WITH mine AS (SELECT leases.name FROM leases "
        "JOIN unnest(CAST(:names AS text[]), CAST(:attempts AS int[])) AS ours (name, attempt) USING (name, attempt) "
        "ORDER BY leases.name FOR UPDATE OF leases) "
        "UPDATE leases SET lease_until = now() + make_interval(secs => :seconds) FROM mine "
        "WHERE leases.name = mine.name RETURNING leases.name"
    )
    given = {"names": list(attempts), "attempts": list(attempts.values()), "seconds": seconds}
    return {name: attempts[name] for name in connection.scalars(held, given)}
