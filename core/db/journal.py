"""The call journal in Postgres: every exchange is a row, written at once and by itself: one statement, one commit."""

from __future__ import annotations

import threading
import time
from dataclasses import fields
from typing import Any

import psycopg
from sqlalchemy import Engine

from core.db.engine import DATABASE_TROUBLE, engine
from core.logs import log
from core.ports import Exchange

_NAMES = [field.name for field in fields(Exchange)]
_COLUMNS = ["at" if name == "started_at" else name for name in _NAMES]
_INSERT = f"INSERT INTO api_calls ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
_TRUSTED_S = 1.0  # a connection used so recently is not looked at first


class PostgresJournal:
    """Implements ``ports.Journal``. Nothing else is written so often, so this keeps a connection of its own for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[Engine, psycopg.Connection[Any]] | None = None
        self._used = 0.0

    def keep(self, exchange: Exchange) -> None:
        """A call that cannot be kept is logged: the work it belongs to goes on."""
        values = [_clean(getattr(exchange, name)) for name in _NAMES]
        try:
            with self._lock:
                self._connection().execute(_INSERT, values, prepare=True)
                self._used = time.monotonic()
        except DATABASE_TROUBLE as error:
            self._used = 0.0
            log().error("a call was not kept", action="journal", endpoint=exchange.endpoint, error=str(error))

    def _connection(self) -> psycopg.Connection[Any]:
        """The one in use, when it answers; else a new one."""
        if self._kept is not None:
            made_by, connection = self._kept
            trusted = time.monotonic() - self._used < _TRUSTED_S
            if made_by is engine() and not connection.closed and (trusted or _answers(connection)):
                return connection
            connection.close()
        self._kept = (engine(), _own_connection())
        return self._kept[1]


def _own_connection() -> psycopg.Connection[Any]:
    """One of the engine's that it will not give to anybody else, and that commits each statement by itself."""
    taken = engine().raw_connection()
    connection = taken.driver_connection
    assert isinstance(connection, psycopg.Connection)
    taken.detach()
    connection.rollback()  # of the transaction in which the engine had a look at it
    connection.autocommit = True
    return connection


def _answers(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("")
    except psycopg.OperationalError:
        return False
    return True


def _clean(value: Any) -> Any:
    """Postgres keeps no NUL in a text."""
    return value.replace("\x00", "") if isinstance(value, str) else value
