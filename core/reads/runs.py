"""Runs and their items, as Activity and the progress bars show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, case, func, select

from core.db.tables import listings, products, run_items, runs
from core.reads.paging import Count, count_capped, page_of, reading

UNDER_WAY = ("queued", "running", "stopping")
STATUSES = ("waiting", "running", "done", "failed", "skipped", "unknown")


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with how many of its ``total`` items are in each state."""

    id: int
    kind: str
    title: str
    status: str
    note: str
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    total: int
    waiting: int
    running: int
    done: int
    failed: int
    skipped: int
    unknown: int

    @property
    def under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def ended_items(self) -> int:
        return self.done + self.failed + self.skipped

    def seconds_left(self, at: datetime) -> float | None:
        """At the rate so far; None before anything has ended."""
        if self.started_at is None or not self.ended_items:
            return None
        spent = (at - self.started_at).total_seconds()
        return spent / self.ended_items * (self.total - self.ended_items)


@dataclass(frozen=True, slots=True)
class RunPage:
    rows: tuple[RunRow, ...]
    count: Count
    read_at: datetime


@dataclass(frozen=True, slots=True)
class ItemRow:
    id: int
    subject_kind: str
    subject_id: int
    title: str
    sku: str | None
    status: str
    code: str
    sentence: str
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Group:
    """Items of a run that ended alike: the same state for the same cause, with one of their sentences."""

    status: str
    code: str
    sentence: str
    number: int


def _with_counts(which: Select[Any]) -> Select[Any]:
    """Counts only for the runs of ``which``: a run may have thousands of items."""
    chosen = which.subquery()
    tally = (
        select(
            run_items.c.run_id,
            *(func.count().filter(run_items.c.status == status).label(status) for status in STATUSES),
        )
        .where(run_items.c.run_id.in_(select(chosen.c.id)))
        .group_by(run_items.c.run_id)
        .subquery()
    )
    columns = [column for column in runs.c if column.name not in ("connection_id", "parameters")]
    counted = [func.coalesce(tally.c[status], 0).label(status) for status in STATUSES]
    joined = runs.join(chosen, chosen.c.id == runs.c.id).outerjoin(tally, tally.c.run_id == runs.c.id)
    return select(*columns, *counted).select_from(joined).order_by(runs.c.id.desc())


def _run(row: RowMapping) -> RunRow:
    return RunRow(**{str(name): value for name, value in row.items()})


def _mine(connection_id: int) -> Select[Any]:
    about = (runs.c.connection_id == connection_id) | runs.c.connection_id.is_(None)
    return select(runs.c.id).where(about).order_by(runs.c.id.desc())


def runs_page(connection_id: int, *, status: str = "", page: int = 1) -> RunPage:
    """The newest runs first; ``status`` is one of theirs or empty."""
    which = _mine(connection_id)
    if status:
        which = which.where(runs.c.status == status)
    with reading() as connection:
        rows = connection.execute(_with_counts(page_of(which, page))).mappings()
        found = tuple(_run(row) for row in rows)
        return RunPage(found, count_capped(connection, which), connection.execute(select(func.now())).scalar_one())


def runs_under_way(connection_id: int) -> tuple[RunRow, ...]:
    which = _mine(connection_id).where(runs.c.status.in_(UNDER_WAY)).limit(5)
    with reading() as connection:
        return tuple(_run(row) for row in connection.execute(_with_counts(which)).mappings())


def run_row(run_id: int) -> RunRow | None:
    with reading() as connection:
        row = connection.execute(_with_counts(select(runs.c.id).where(runs.c.id == run_id))).mappings().first()
        return _run(row) if row else None


def groups(run_id: int) -> tuple[Group, ...]:
    """How the items of a run ended, by cause: failures first, then what is unknown, skipped, done, under way."""
    order = case({"failed": 0, "unknown": 1, "skipped": 2, "done": 3}, value=run_items.c.status, else_=4)
    number = func.count()
    statement = (
        select(run_items.c.status, run_items.c.code, func.min(run_items.c.sentence), number)
        .where(run_items.c.run_id == run_id)
        .group_by(run_items.c.status, run_items.c.code)
        .order_by(order, number.desc())
    )
    with reading() as connection:
        return tuple(Group(*row) for row in connection.execute(statement))


def _items(run_id: int, status: str) -> Select[Any]:
    listed = (run_items.c.subject_kind == "listing") & (listings.c.id == run_items.c.subject_id)
    sold = case((run_items.c.subject_kind == "product", run_items.c.subject_id), else_=listings.c.product_id)
    joined = run_items.outerjoin(listings, listed).outerjoin(products, products.c.id == sold)
    columns = [
        run_items.c.id,
        run_items.c.subject_kind,
        run_items.c.subject_id,
        func.coalesce(products.c.title, "").label("title"),
        products.c.sku,
        run_items.c.status,
        run_items.c.code,
        run_items.c.sentence,
        run_items.c.attempt,
        run_items.c.started_at,
        run_items.c.finished_at,
    ]
    wanted = select(*columns).select_from(joined).where(run_items.c.run_id == run_id)
    return wanted.where(run_items.c.status == status) if status else wanted


def items_page(run_id: int, *, status: str = "", page: int = 1) -> tuple[tuple[ItemRow, ...], Count]:
    """50 items of a run in the order they were queued; ``status`` is one of theirs or empty."""
    which = select(run_items.c.id).where(run_items.c.run_id == run_id)
    counted = which.where(run_items.c.status == status) if status else which
    rows = page_of(_items(run_id, status).order_by(run_items.c.position), page)
    with reading() as connection:
        found = tuple(ItemRow(*row) for row in connection.execute(rows))
        return found, count_capped(connection, counted)


def all_items(run_id: int, *, status: str = "", most: int) -> tuple[ItemRow, ...]:
    """For a download: at most ``most`` items."""
    with reading() as connection:
        rows = connection.execute(_items(run_id, status).order_by(run_items.c.position).limit(most))
        return tuple(ItemRow(*row) for row in rows)
