"""Sessions of the console and the links that start one. Only the SHA-256 of a token is stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from core.db.tables import sessions, sign_in_links, users
from core.domain.people import Actor, Role

IDLE = timedelta(minutes=60)  # without a click
ABSOLUTE = timedelta(hours=12)  # after signing in, whatever happens
LINK = timedelta(minutes=15)
# A click within this time of the last counted one writes nothing.
_TOUCH_EVERY = timedelta(seconds=30)


def hashed_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def start_session(conn: Connection, user_id: int, address: str) -> str:
    """The token of a new session, for the cookie."""
    token = secrets.token_urlsafe(32)
    row = {"token_hash": hashed_token(token), "user_id": user_id, "address": address}
    conn.execute(insert(sessions).values(expires_at=func.now() + ABSOLUTE, **row))
    return token


def session_user(conn: Connection, token: str, *, touch: bool) -> Actor | None:
    """Who the token belongs to, or None when the session has ended or the user is disabled.

    ``touch`` is for what a person did; reruns that a page makes by itself must not keep a session alive.
    """
    if not token:
        return None
    row = conn.execute(
        select(users.c.id, users.c.login, users.c.role, (sessions.c.seen_at < func.now() - _TOUCH_EVERY).label("old"))
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(
            sessions.c.token_hash == hashed_token(token),
            sessions.c.expires_at > func.now(),
            sessions.c.seen_at > func.now() - IDLE,
            users.c.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    if touch and row.old:
        conn.execute(update(sessions).where(sessions.c.token_hash == hashed_token(token)).values(seen_at=func.now()))
    return Actor(row.id, row.login, Role(row.role))


def end_session(conn: Connection, token: str) -> None:
    conn.execute(delete(sessions).where(sessions.c.token_hash == hashed_token(token)))


def make_sign_in_link(conn: Connection, user_id: int) -> str:
    """The token of a link that signs ``user_id`` in once within 15 minutes."""
    token = secrets.token_urlsafe(32)
    row = {"token_hash": hashed_token(token), "user_id": user_id}
    conn.execute(insert(sign_in_links).values(expires_at=func.now() + LINK, **row))
    return token


def link_is_good(conn: Connection, token: str) -> bool:
    """Whether the link could be spent now; looking does not spend it."""
    good = select(sign_in_links.c.user_id).where(
        sign_in_links.c.token_hash == hashed_token(token),
        sign_in_links.c.used_at.is_(None),
        sign_in_links.c.expires_at > func.now(),
    )
    return conn.execute(good).first() is not None


def spend_sign_in_link(conn: Connection, token: str, address: str) -> str | None:
    """The token of a new session, or None for a link that is unknown, old, spent, or of a disabled user."""
    spent = conn.execute(
        update(sign_in_links)
        .where(
            sign_in_links.c.token_hash == hashed_token(token),
            sign_in_links.c.used_at.is_(None),
            sign_in_links.c.expires_at > func.now(),
            sign_in_links.c.user_id.in_(select(users.c.id).where(users.c.disabled_at.is_(None))),
        )
        .values(used_at=func.now())
        .returning(sign_in_links.c.user_id)
    ).scalar_one_or_none()
    return None if spent is None else start_session(conn, spent, address)


def forget_ended(conn: Connection) -> None:
    """Remove sessions and links that can no longer be used."""
    conn.execute(
        delete(sessions).where(or_(sessions.c.expires_at <= func.now(), sessions.c.seen_at <= func.now() - IDLE))
    )
    conn.execute(delete(sign_in_links).where(sign_in_links.c.expires_at <= func.now()))
