"""The engine of this process and the transactions on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg import Connection as PsycopgConnection
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from core.config import settings

DATABASE_TROUBLE: Final = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)
"""Of the database and over before long: it is away, or has ended a deadlock. psycopg's own come from COPY, from the
queue, and from whatever else is sent past SQLAlchemy."""


def took_too_long(trouble: Exception) -> bool:
    """Whether a statement ran into its time limit. A busy database gets over that; rows that have grown do not."""
    return isinstance(getattr(trouble, "orig", trouble), psycopg.errors.QueryCanceled)


def make_engine(url: str, *, name: str = "crossdock", pool_size: int = 6, statement_timeout_s: int = 60) -> Engine:
    """An engine that survives a restart of Postgres and never leaves a transaction hanging."""
    options = f"-c statement_timeout={statement_timeout_s}s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    made = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=6,
        pool_timeout=10,
        pool_recycle=1800,
        connect_args={"application_name": name, "options": options, "connect_timeout": 5},
    )
    _ping_what_was_idle(made)
    return made


def _ping_what_was_idle(made: Engine) -> None:
    """SQLAlchemy's pre-ping, which ``trust_recent_connections`` limits to connections that were idle.

    When one does not answer, all that are in the pool are replaced.
    """

    @event.listens_for(made, "checkin")
    def note(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(made, "checkout")
    def look(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        used = record.info.get("used")
        trusted_s = made.get_execution_options().get("trusted_s", 0.0)
        if used is None or time.monotonic() - used < trusted_s:
            return
        try:
            made.dialect.do_ping(connection)
        except psycopg.Error as gone:
            raise InvalidatePoolError from gone


def trust_recent_connections(seconds: float = 1.0) -> None:
    """For a process whose work is done again when a connection is lost: one used so recently is not pinged."""
    engine().update_execution_options(trusted_s=seconds)


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


@contextmanager
def statement() -> Iterator[Connection]:
    """A connection for one statement that commits by itself, without the two further turns of a transaction."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def raw(connection: Connection) -> PsycopgConnection[Any]:
    """psycopg's own connection under SQLAlchemy's, for COPY and for the queue."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, PsycopgConnection)
    return driver


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)
