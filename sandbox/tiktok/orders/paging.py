"""Pages of rows by time, with tokens bound to the search and to a place in its order.

Rows that change meanwhile move: with the oldest update first they come again on a later page, with the newest first
they may be missed, as with TikTok Shop's own cursors.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.database import Row
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import times
from sandbox.world import World

BAD_TOKEN = Refused(36009004, "Invalid parameter. The 'page_token' query parameter is invalid or has expired.")

# What pages need of the widest table.
COLUMNS = {"tt_orders": "id, document"}


@dataclass(frozen=True)
class Condition:
    """`column sign value`; several values mean any one of them. Columns and signs are our own words."""

    column: str
    sign: str
    values: tuple[Any, ...]

    def text(self) -> str:
        """SQL with a mark for every value."""
        if self.sign == "IN":
            return f"{self.column} IN ({','.join('?' * len(self.values))})"
        return f"{self.column} {self.sign} ?"


@dataclass(frozen=True)
class Sorting:
    """By which column, in which order (`ASC` or `DESC`), how many rows."""

    field: str
    order: str
    size: int


@dataclass(frozen=True)
class Page:
    """Rows with their sort value as `place`; the token of the next page is empty on the last one."""

    rows: list[Row]
    total: int
    next_token: str


def sorting(query: dict[str, Any], fields: tuple[str, ...], *, most: int, order: str, size: int = 0) -> Sorting:
    """Sort field, order and page size of a query; Refused when they are none of the documented ones."""
    chosen = Sorting(
        query.get("sort_field") or fields[0], query.get("sort_order") or order, query.get("page_size", size)
    )
    if chosen.field not in fields:
        raise Refused(36009004, f"Invalid parameter. 'sort_field' must be one of {', '.join(fields)}.")
    if chosen.order not in ("ASC", "DESC"):
        raise Refused(36009004, "Invalid parameter. 'sort_order' must be ASC or DESC.")
    if not 1 <= chosen.size <= most:
        raise Refused(36009004, f"Invalid parameter. 'page_size' must be within 1 to {most}.")
    return chosen


def windows(body: dict[str, Any], fields: Iterable[str]) -> list[Condition]:
    """Windows of time: `_ge` is inclusive, `_lt` is not; several are all meant."""
    return [
        Condition(field, sign, (body[name],))
        for field in fields
        for name, sign in ((f"{field}_ge", ">="), (f"{field}_lt", "<"))
        if body.get(name) is not None
    ]


def read(ask: Ask, table: str, conditions: list[Condition], sort: Sorting) -> Page:
    """The page that the query's token asks for; the total is counted on the first page and travels in the token."""
    key = _fingerprint(table, [(one.text(), one.values) for one in conditions], sort.field, sort.order)
    place = _read_token(ask, key)
    total = place["total"] if place else _count(ask.world, table, conditions)
    rows = _rows(ask.world, table, conditions, sort, place)
    token = _make_token(ask, key, rows[sort.size - 1], total) if len(rows) > sort.size else ""
    return Page(rows[: sort.size], total, token)


def _count(world: World, table: str, conditions: list[Condition]) -> int:
    where, params = _where(conditions)
    count: int = world.db.value(f"SELECT COUNT(*) FROM {table} WHERE {where}", params)
    return count


def _rows(
    world: World, table: str, conditions: list[Condition], sort: Sorting, place: dict[str, Any] | None
) -> list[Row]:
    """One row more than the page. What is left of the last page's second comes first, then the seconds after it:
    SQLite seeks by one range only, and thousands of orders may share a second."""
    field, size = sort.field, sort.size + 1
    if place is None:
        return _select(world, table, conditions, sort, size)
    sign, implied = (">", ">=") if sort.order == "ASC" else ("<", "<")
    others = [one for one in conditions if one.column != field]
    same = [*others, Condition(field, "=", (place["place"],)), Condition("id", sign, (place["id"],))]
    rows = _select(world, table, same, sort, size)
    if len(rows) < size:
        beyond = [one for one in conditions if (one.column, one.sign) != (field, implied)]
        beyond.append(Condition(field, sign, (place["place"],)))
        rows += _select(world, table, beyond, sort, size - len(rows))
    return rows


def _select(world: World, table: str, conditions: list[Condition], sort: Sorting, size: int) -> list[Row]:
    where, params = _where(conditions)
    return world.db.query(
        f"SELECT {COLUMNS.get(table, '*')}, {sort.field} AS place FROM {table} WHERE {where}"
        f" ORDER BY {sort.field} {sort.order}, id {sort.order} LIMIT ?",
        [*params, size],
    )


def _where(conditions: list[Condition]) -> tuple[str, list[Any]]:
    return " AND ".join(one.text() for one in conditions), [value for one in conditions for value in one.values]


def _fingerprint(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _make_token(ask: Ask, key: str, last: Row, total: int) -> str:
    parts = [key, last["place"], last["id"], total, int(ask.world.clock.now())]
    return base64.b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode()


def _read_token(ask: Ask, key: str) -> dict[str, Any] | None:
    """What the token says; None on the first page. Refused when it is foreign, of another search, or too old."""
    text = ask.query.get("page_token") or ""
    if not text:
        return None
    try:
        bound, place, id, total, made = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, TypeError) as error:
        raise BAD_TOKEN from error
    age = ask.world.clock.now() - made
    if bound != key or age > times.seconds(ask.world, "page_token_seconds") or ask.fault == "token_expired":
        raise BAD_TOKEN
    return {"place": place, "id": id, "total": total}
