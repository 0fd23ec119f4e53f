"""One SQLite connection shared by all threads of the sandbox."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Params = Sequence[Any] | dict[str, Any]


class Database:
    """Autocommit SQLite in WAL mode. Every call holds one lock, so a transaction is never seen half done.

    Writes are not flushed to the disk (`synchronous=OFF`): the sandbox must be quick, and a power cut may empty it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
        self._connection.row_factory = _as_dict
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run one statement; gives the number of rows it changed."""
        with self._lock:
            return self._connection.execute(sql, params).rowcount

    def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement for every row, in one transaction."""
        with self.transaction():
            self._connection.executemany(sql, rows)

    def script(self, sql: str) -> None:
        """Run several statements, such as a schema."""
        with self._lock:
            self._connection.executescript(sql)

    def query(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows of a select, each a dict."""
        with self._lock:
            return self._connection.execute(sql, params).fetchall()

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """The first row of a select, or None."""
        with self._lock:
            row: Row | None = self._connection.execute(sql, params).fetchone()
            return row

    def value(self, sql: str, params: Params = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, params)
        return None if row is None else next(iter(row.values()))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Transactions of one thread nest; only the outermost commits."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1
            if outermost:
                self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Empty every table."""
        tables = self.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        with self.transaction():
            for table in tables:
                self.execute(f'DELETE FROM "{table["name"]}"')

    def close(self) -> None:
        """Close the file; nothing may be called afterwards."""
        with self._lock:
            self._connection.close()


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
