"""Alembic's entry: one migration at a time over all processes, held by an advisory lock."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import create_engine, pool, text

from core.config import normalised_database_url
from core.db.tables import metadata

LOCK = 7_203_114_009  # any constant of our own


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or normalised_database_url(os.environ["DATABASE_URL"])
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": LOCK})
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.commit()
        try:
            context.configure(
                connection=connection,
                target_metadata=metadata,
                transaction_per_migration=True,
                include_name=_ours,
            )
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": LOCK})
            connection.commit()


def _ours(name: str | None, kind: str, parents: object) -> bool:
    """What is compared with our tables: not Procrastinate's, nor the search indexes a server may refuse."""
    theirs = kind == "table" and name is not None and name.startswith("procrastinate_")
    return not theirs and name not in ("ix_products_search", "ix_shop_orders_search")


run()
