"""The call journal in Postgres: every exchange is a row, written at once and by itself: one statement, one commit."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy.exc import OperationalError

from core.db.engine import statement
from core.db.tables import api_calls
from core.logs import log
from core.ports import Exchange

_INSERT = api_calls.insert().inline()
_NAMES = [field.name for field in fields(Exchange)]


class PostgresJournal:
    """Implements ``ports.Journal``."""

    def keep(self, exchange: Exchange) -> None:
        """A call that cannot be kept is logged: the work it belongs to goes on."""
        values = {name: getattr(exchange, name) for name in _NAMES}
        values["at"] = values.pop("started_at")
        for name in ("request", "response", "error"):
            values[name] = values[name].replace("\x00", "")
        try:
            with statement() as connection:
                connection.execute(_INSERT, values)
        except OperationalError as error:
            log().error("a call was not kept", action="journal", endpoint=exchange.endpoint, error=str(error.orig))
