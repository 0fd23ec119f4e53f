"""The engine of this process and the transactions on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from psycopg import Connection as PsycopgConnection
from sqlalchemy import Connection, Engine, create_engine

from core.config import settings


def make_engine(url: str, *, name: str = "crossdock", pool_size: int = 6, statement_timeout_s: int = 60) -> Engine:
    """An engine that survives a restart of Postgres (pre-ping) and never leaves a transaction hanging."""
    options = f"-c statement_timeout={statement_timeout_s}s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=6,
        pool_timeout=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={"application_name": name, "options": options, "connect_timeout": 5},
    )


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The process's engine, made at first use from ``DATABASE_URL``."""
    config = settings()
    return make_engine(config.database_url, pool_size=config.worker_concurrency + 4)


@contextmanager
def transaction() -> Iterator[Connection]:
    """A transaction on the process's engine: commits at the end, rolls back on any exception."""
    with engine().begin() as connection:
        yield connection


def raw(connection: Connection) -> PsycopgConnection[Any]:
    """psycopg's own connection under SQLAlchemy's, for COPY and for the queue."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, PsycopgConnection)
    return driver


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)
