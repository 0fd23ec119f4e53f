"""Who acts, and the record of what they did: what every action begins and ends with."""

from __future__ import annotations

from typing import Any

from console import session
from core.domain.people import Actor, Forbidden, Role
from core.services import audit
from core.services.database import transaction


def acting(role: Role) -> Actor:
    """Who is signed in now, as the database has it. Raises ``Forbidden`` without the role or the session."""
    actor = session.signed_in()
    if actor is None:
        raise Forbidden("Your session has ended: sign in again.")
    actor.require(role)
    return actor


def record(actor: Actor, action: str, connection_id: int | None, subject: str = "", **detail: Any) -> None:
    """Keep who did what; ``subject`` is such as ``order:5``."""
    with transaction() as connection:
        audit.record(connection, user=actor, action=action, connection_id=connection_id, subject=subject, detail=detail)
