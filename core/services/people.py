"""Users of the console: passwords, roles, and who is the last administrator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.db.tables import sessions, sign_in_links, users
from core.domain.people import Actor, Role
from core.services.sessions import (
    end_session,
    hashed_token,
    link_is_good,
    make_sign_in_link,
    session_user,
    spend_sign_in_link,
    start_session,
)
from core.services.sign_in_limits import blocked_until, count_attempt, forgive

__all__ = [
    "PeopleError",
    "SignIn",
    "User",
    "add_user",
    "disable_user",
    "enable_user",
    "end_session",
    "ensure_first_admin",
    "link_is_good",
    "list_users",
    "make_sign_in_link",
    "session_user",
    "set_password",
    "set_role",
    "sign_in",
    "sign_in_url",
    "spend_sign_in_link",
]

SHORTEST_PASSWORD, LONGEST_PASSWORD, LONGEST_LOGIN = 10, 200, 100
WRONG = "The user name or the password is wrong."


class PeopleError(Exception):
    """What was asked of a user cannot be done; ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class User:
    id: int
    login: str
    name: str
    role: Role
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """``token`` of the new session, or None and the ``sentence`` to show."""

    token: str | None
    sentence: str = ""


def sign_in(conn: Connection, login: str, password: str, address: str) -> SignIn:
    """Check a password and start a session.

    The attempt is counted before the password is looked at, so that parallel guesses cannot outrun the limit. A
    refusal is returned, not raised: the count must be committed.
    """
    login = login.strip()[:LONGEST_LOGIN]
    count_attempt(conn, login, address)
    until = blocked_until(conn, login, address)
    if until is not None:
        return SignIn(None, f"Too many wrong sign-ins. Try again after {until:%H:%M} GMT.")
    found = conn.execute(
        select(users.c.id, users.c.password_hash, users.c.disabled_at).where(func.lower(users.c.login) == login.lower())
    ).one_or_none()
    known = found is not None and found.disabled_at is None and found.password_hash is not None
    stored = found.password_hash if found is not None and known else _hash_of_nobody()
    if not _matches(stored, password) or found is None or not known:
        return SignIn(None, WRONG)
    forgive(conn, login, address)
    if _hasher().check_needs_rehash(stored):
        conn.execute(update(users).where(users.c.id == found.id).values(password_hash=_hasher().hash(password)))
    return SignIn(start_session(conn, found.id, address))


def list_users(conn: Connection) -> Sequence[User]:
    """All users, those who may sign in first."""
    rows = conn.execute(select(users).order_by(users.c.disabled_at.is_not(None), func.lower(users.c.login)))
    return [
        User(
            row.id, row.login, row.name, Role(row.role), row.password_hash is not None, row.created_at, row.disabled_at
        )
        for row in rows
    ]


def add_user(conn: Connection, login: str, role: Role, *, name: str = "", password: str | None = None) -> int:
    """A new user's id. Without a password the user signs in by a link until one is set.

    Raises ``PeopleError`` for a login that is taken or malformed, or a password too short.
    """
    login = login.strip()
    if not login or len(login) > LONGEST_LOGIN or any(letter.isspace() for letter in login):
        raise PeopleError(f"The user name {login!r} must have 1 to {LONGEST_LOGIN} characters and no spaces.")
    hashed = _hasher().hash(_acceptable(password)) if password is not None else None
    row = {"login": login, "name": name.strip(), "role": role, "password_hash": hashed}
    made = conn.execute(upsert(users).values(row).on_conflict_do_nothing().returning(users.c.id)).scalar_one_or_none()
    if made is None:
        raise PeopleError(f"There is already a user named {login}: choose another name, or enable that one again.")
    return int(made)


def set_role(conn: Connection, user_id: int, role: Role) -> None:
    """Counts from the user's next click on. Raises ``PeopleError`` when nobody would be administrator any more."""
    if role != Role.ADMIN:
        _keep_an_admin(conn, user_id)
    conn.execute(update(users).where(users.c.id == user_id).values(role=role))


def set_password(conn: Connection, user_id: int, password: str, *, keep_token: str = "") -> None:
    """Also ends the user's sessions, all but the one of ``keep_token``. Raises ``PeopleError`` when too short."""
    hashed = _hasher().hash(_acceptable(password))
    conn.execute(update(users).where(users.c.id == user_id).values(password_hash=hashed))
    _end_all(conn, user_id, keep_token)


def disable_user(conn: Connection, user_id: int) -> None:
    """The user's sessions and links end at once. Raises ``PeopleError`` for the last administrator."""
    _keep_an_admin(conn, user_id)
    conn.execute(update(users).where(users.c.id == user_id).values(disabled_at=func.now()))
    _end_all(conn, user_id)


def enable_user(conn: Connection, user_id: int) -> None:
    conn.execute(update(users).where(users.c.id == user_id).values(disabled_at=None))


def ensure_first_admin(conn: Connection) -> Actor:
    """The administrator to hand the first sign-in link to; made when there is no user at all."""
    conn.execute(select(func.pg_advisory_xact_lock(func.hashtext("first_admin"))))
    if not conn.execute(select(func.count()).select_from(users)).scalar_one():
        conn.execute(insert(users).values(login="admin", name="Administrator", role=Role.ADMIN))
    admins = select(users.c.id, users.c.login).where(users.c.role == Role.ADMIN, users.c.disabled_at.is_(None))
    first = conn.execute(admins.order_by(users.c.id).limit(1)).one()
    return Actor(first.id, first.login, Role.ADMIN)


def sign_in_url(conn: Connection, console_url: str) -> str:
    """An address of the console that signs the first administrator in, once and within 15 minutes."""
    token = make_sign_in_link(conn, ensure_first_admin(conn).id or 0)
    return f"{console_url}/sign-in?token={token}"


def _keep_an_admin(conn: Connection, user_id: int) -> None:
    """The rows are locked, so that two administrators cannot remove each other at the same moment."""
    enabled = select(users.c.id).where(users.c.role == Role.ADMIN, users.c.disabled_at.is_(None))
    admins = set(conn.execute(enabled.order_by(users.c.id).with_for_update()).scalars())
    if admins == {user_id}:
        raise PeopleError("This is the last administrator: make somebody else administrator first.")


def _end_all(conn: Connection, user_id: int, keep_token: str = "") -> None:
    ending = delete(sessions).where(sessions.c.user_id == user_id)
    if keep_token:
        ending = ending.where(sessions.c.token_hash != hashed_token(keep_token))
    conn.execute(ending)
    conn.execute(delete(sign_in_links).where(sign_in_links.c.user_id == user_id))


def _acceptable(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PeopleError(
            f"The password has {len(password)} characters: it must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}."
        )
    return password


def _matches(stored: str, password: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    """Verified for unknown users, so that they take as long as known ones."""
    return _hasher().hash("nobody's password")
