"""What the programs above the services need of the database itself: a transaction, a lease, the names of its
trouble, and to wait for the schema."""

from __future__ import annotations

from core.db.engine import DATABASE_TROUBLE, engine, statement, took_too_long, transaction, trust_recent_connections
from core.db.leases import release_lease, take_lease
from core.db.migrate import wait_until_current

__all__ = [
    "DATABASE_TROUBLE",
    "release_lease",
    "statement",
    "take_lease",
    "took_too_long",
    "transaction",
    "trust_recent_connections",
    "wait_for_schema",
]


def wait_for_schema(*, seconds: float = 60) -> None:
    """Return once another process has migrated. Raises ``RuntimeError`` with a sentence when none does."""
    wait_until_current(engine(), seconds=seconds)
