"""What every list has in common: a page of 50 rows, and a count that stops at 10,000."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from core.db.engine import engine

PAGE_SIZE = 50
COUNT_CAP = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """``number`` rows, or more than that when ``capped``."""

    number: int
    capped: bool = False

    def text(self) -> str:
        return f"{self.number:,}" + ("+" if self.capped else "")

    @property
    def pages(self) -> int:
        """How many pages of the list can be opened; past the cap the filter has to be narrowed."""
        return max(1, -(-self.number // PAGE_SIZE))


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection for one read; nothing is ever written through it."""
    with engine().connect() as connection:
        yield connection


def count_capped(connection: Connection, rows: Select[Any]) -> Count:
    """How many rows ``rows`` has, looking at no more than the cap and one."""
    inner = rows.order_by(None).limit(COUNT_CAP + 1).subquery()
    found = connection.execute(select(func.count()).select_from(inner)).scalar_one()
    return Count(min(found, COUNT_CAP), found > COUNT_CAP)


def page_of(statement: Select[Any], page: int) -> Select[Any]:
    """The ``page``-th 50 rows, counted from 1; pages past the cap do not exist."""
    last = COUNT_CAP // PAGE_SIZE
    return statement.limit(PAGE_SIZE).offset((min(max(page, 1), last) - 1) * PAGE_SIZE)
