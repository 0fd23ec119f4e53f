"""The record of who did what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from core.db.tables import audit
from core.domain.people import Actor

_SECRET_WORDS = ("password", "secret", "token", "credential")


def record(
    conn: Connection,
    *,
    user: Actor,
    action: str,
    connection_id: int | None = None,
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one row in the caller's transaction, so that the act and its record stand or fall together.

    ``action`` is a short stable word (``send_products``), ``subject`` what it was about (``run:12``). Values of
    ``detail`` under a secret's name are not kept.
    """
    kept = {name: "[not kept]" if _is_secret(name) else value for name, value in (detail or {}).items()}
    row = {"user_id": user.id, "login": user.login, "action": action, "subject": subject, "detail": kept}
    conn.execute(insert(audit).values(connection_id=connection_id, **row))


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)
