"""What stock checks found: over time by cause, by size, the worst SKUs, the drift; the checks and their log (K4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, RowMapping, Select, and_, case, cast, func, select

from core.db.tables import listing_skus, stock_check_items, stock_checks
from core.domain.stock import LEFT_ALONE
from core.reads.paging import Count, count_capped, page_of, reading

DAYS: Final = 30
# How far the Shop's number was off, in pieces, either way.
SIZES: Final = {"1": (1, 1), "2 to 5": (2, 5), "6 to 20": (6, 20), "21 to 100": (21, 100), "over 100": (101, 10**9)}


@dataclass(frozen=True, slots=True)
class CauseDay:
    day: date
    cause: str
    skus: int


@dataclass(frozen=True, slots=True)
class SizeCount:
    size: str
    skus: int


@dataclass(frozen=True, slots=True)
class WorstSku:
    """``times`` it differed in the last 30 days, ``pieces`` by which it was off in all."""

    sku: str
    times: int
    pieces: int


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """One check: by how many pieces all SKUs together were off, and how many of them were."""

    at: datetime
    pieces: int
    skus: int


@dataclass(frozen=True, slots=True)
class CheckRow:
    id: int
    kind: str
    late: bool
    started_by: str
    due_at: datetime | None
    started_at: datetime
    finished_at: datetime | None
    compared: int
    found: int
    corrected: int
    remaining: int
    sentence: str
    run_id: int | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One SKU of a check: what the Shop said ``before`` and ``after``; None where it did not name the SKU."""

    id: int
    sku: str
    expected: int
    before: int | None
    after: int | None
    cause: str
    outcome: str
    sentence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Charts:
    by_cause: tuple[CauseDay, ...]
    by_size: tuple[SizeCount, ...]
    worst: tuple[WorstSku, ...]
    drift: tuple[DriftPoint, ...]


def left_over() -> ColumnElement[bool]:
    """The items of a check that are wrong and still so; those that are ``LEFT_ALONE`` need nobody."""
    i = stock_check_items.c
    return and_(i.outcome.in_(("found", "refused")), i.cause.not_in(sorted(LEFT_ALONE)))


def _items(connection_id: int) -> Select[Any]:
    """The items of all checks of the last 30 days."""
    c = stock_checks.c
    joined = stock_check_items.join(stock_checks, c.id == stock_check_items.c.check_id)
    recent = (c.connection_id == connection_id, c.started_at > func.now() - timedelta(days=DAYS))
    return select(stock_check_items.c.id).select_from(joined).where(*recent)


def charts(connection_id: int) -> Charts:
    """All four; the sizes are those of the latest check that compared anything, the rest of the last 30 days."""
    i, c = stock_check_items.c, stock_checks.c
    off = func.abs(i.expected - i.before)
    day, number = cast(func.timezone("UTC", c.started_at), Date), func.count()
    latest = select(func.max(c.id)).where(c.connection_id == connection_id, c.compared > 0).scalar_subquery()
    pieces = func.coalesce(func.sum(off), 0)
    size = case(*((off.between(least, most), name) for name, (least, most) in SIZES.items()), else_="")
    items = _items(connection_id)
    by_cause = items.with_only_columns(day, i.cause, number).group_by(day, i.cause).order_by(day, i.cause)
    worst = (
        items.join(listing_skus, listing_skus.c.id == i.listing_sku_id)
        .with_only_columns(listing_skus.c.seller_sku, number, pieces)
        .group_by(listing_skus.c.seller_sku)
        .order_by(number.desc(), pieces.desc(), listing_skus.c.seller_sku)
        .limit(10)
    )
    with reading() as conn:
        sizes = {row[0]: row[1] for row in conn.execute(
            select(size, number).where(i.check_id == latest).group_by(size))}  # fmt: skip
        return Charts(
            tuple(CauseDay(*row) for row in conn.execute(by_cause)),
            tuple(SizeCount(name, sizes[name]) for name in SIZES if name in sizes),
            tuple(WorstSku(row[0], row[1], int(row[2])) for row in conn.execute(worst)),
            tuple(DriftPoint(row[0], int(row[1]), row[2]) for row in conn.execute(_drift(connection_id))),
        )


def _drift(connection_id: int) -> Select[Any]:
    i, c = stock_check_items.c, stock_checks.c
    joined = stock_checks.outerjoin(stock_check_items, i.check_id == c.id)
    recent = (c.connection_id == connection_id, c.compared > 0, c.started_at > func.now() - timedelta(days=DAYS))
    pieces = func.coalesce(func.sum(func.abs(i.expected - i.before)), 0)
    wanted = select(c.started_at, pieces, func.count(i.id)).select_from(joined).where(*recent)
    return wanted.group_by(c.id, c.started_at).order_by(c.started_at)


def _check_columns() -> tuple[Any, ...]:
    c = stock_checks.c
    return tuple(c[name] for name in CheckRow.__slots__)


def _check(row: RowMapping) -> CheckRow:
    return CheckRow(**{str(name): value for name, value in row.items()})


def checks(connection_id: int, *, most: int = 30) -> tuple[CheckRow, ...]:
    """The latest checks, newest first."""
    c = stock_checks.c
    wanted = select(*_check_columns()).where(c.connection_id == connection_id).order_by(c.id.desc()).limit(most)
    with reading() as conn:
        return tuple(_check(row) for row in conn.execute(wanted).mappings())


def check_row(connection_id: int, check_id: int) -> CheckRow | None:
    c = stock_checks.c
    wanted = select(*_check_columns()).where(c.connection_id == connection_id, c.id == check_id)
    with reading() as conn:
        row = conn.execute(wanted).mappings().first()
    return _check(row) if row else None


def under_way(connection_id: int) -> CheckRow | None:
    """The check that has not ended yet, if any."""
    return next((row for row in checks(connection_id, most=3) if row.finished_at is None), None)


def check_items(check_id: int, *, page: int = 1) -> tuple[tuple[ItemRow, ...], Count]:
    """50 SKUs of a check's log, the most off first."""
    i = stock_check_items.c
    joined = stock_check_items.join(listing_skus, listing_skus.c.id == i.listing_sku_id)
    columns = (i.id, listing_skus.c.seller_sku, i.expected, i.before, i.after, i.cause, i.outcome, i.sentence, i.at)
    wanted = select(*columns).select_from(joined).where(i.check_id == check_id)
    order = (func.abs(i.expected - i.before).desc().nulls_last(), i.id)
    with reading() as conn:
        rows = conn.execute(page_of(wanted.order_by(*order), page)).all()
        return tuple(ItemRow(*row) for row in rows), count_capped(conn, wanted)
