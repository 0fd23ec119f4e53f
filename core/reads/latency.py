"""How long things really took: a store change to the Shop's read-back, a TikTok order to the store's (R12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Date, cast, func, or_, select

from core.db.order_filters import has_issue, stands_still
from core.db.tables import api_calls, connections, latencies, pull_states, shop_orders, stock_check_items, stock_checks
from core.reads.paging import Count, count_capped, reading
from core.reads.stock_charts import left_over

KINDS = ("stock", "price", "order")
_OVER = timedelta(days=7)
_DAYS = 14
_ORDER_SEARCH = "/order/%/orders/search"
_ASKED_OVER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds over the last seven days; None where nothing was measured. ``measured`` is how many were."""

    kind: str
    measured: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    number: int


@dataclass(frozen=True, slots=True)
class OrderNumbers:
    """Orders placed since midnight UTC, and those of the last 14 days by day."""

    today: int
    by_day: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Freshness:
    """When the Shop was last asked for orders and answered (within a day, else None), when the newest order was read,
    and when the store last told what changed in its catalogue."""

    orders_asked_at: datetime | None
    order_read_at: datetime | None
    store_read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Drift:
    """What the latest ended stock check found; None before the first."""

    check_id: int
    at: datetime
    compared: int
    found: int
    remaining: int


def measured(connection_id: int) -> tuple[Latency, ...]:
    """Of each of ``KINDS``, in their order."""
    c = latencies.c
    took = func.extract("epoch", c.ended_at - c.began_at)
    statement = (
        select(
            c.kind,
            func.count(),
            func.percentile_cont(0.5).within_group(took),
            func.percentile_cont(0.95).within_group(took),
        )
        .where(c.connection_id == connection_id, c.kind.in_(KINDS), c.ended_at > func.now() - _OVER)
        .group_by(c.kind)
    )
    with reading() as conn:
        found = {row[0]: Latency(row[0], row[1], float(row[2]), float(row[3])) for row in conn.execute(statement)}
    return tuple(found.get(kind) or Latency(kind, 0, None, None) for kind in KINDS)


def order_numbers(connection_id: int) -> OrderNumbers:
    o = shop_orders.c
    day = cast(func.timezone("UTC", o.ordered_at), Date)
    today = cast(func.timezone("UTC", func.now()), Date)
    recent = (o.connection_id == connection_id, o.ordered_at > func.now() - timedelta(days=_DAYS))
    with reading() as conn:
        rows = conn.execute(select(day, func.count()).where(*recent).group_by(day).order_by(day)).all()
        present = conn.execute(select(today)).scalar_one()
    by_day = {row[0]: row[1] for row in rows}
    days = [present - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
    return OrderNumbers(by_day.get(present, 0), tuple(Day(one, by_day.get(one, 0)) for one in days))


def freshness(connection_id: int) -> Freshness:
    """How far behind both sides we may be. A Shop without new orders is asked as often as a busy one."""
    a, o, p, c = api_calls.c, shop_orders.c, pull_states.c, connections.c
    answered = (a.connection_id == connection_id, a.endpoint.like(_ORDER_SEARCH), a.error == "", a.status < 400)
    asked = select(func.max(a.at)).where(*answered, a.at > func.now() - _ASKED_OVER)
    newest = select(o.received_at).where(o.connection_id == connection_id).order_by(o.ordered_at.desc()).limit(1)
    pulled = select(func.greatest(p.incremental_at, p.full_finished_at)).join_from(
        pull_states, connections, c.store_account_id == p.store_account_id
    )
    with reading() as conn:
        return Freshness(conn.scalar(asked), conn.scalar(newest), conn.scalar(pulled.where(c.id == connection_id)))


def drift(connection_id: int) -> Drift | None:
    c = stock_checks.c
    ended = select(c.id, c.finished_at, c.compared, c.found, c.remaining).where(
        c.connection_id == connection_id, c.finished_at.is_not(None)
    )
    with reading() as conn:
        row = conn.execute(ended.order_by(c.id.desc()).limit(1)).first()
    return Drift(*row) if row else None


def mismatches(connection_id: int) -> tuple[int, ...]:
    """How many SKUs differed at each ended stock check of the last 14 days, oldest first."""
    c = stock_checks.c
    recent = (c.connection_id == connection_id, c.compared > 0, c.started_at > func.now() - timedelta(days=_DAYS))
    found = select(c.found).where(*recent, c.finished_at.is_not(None)).order_by(c.id)
    with reading() as conn:
        return tuple(conn.scalars(found))


def orders_waiting(connection_id: int) -> Count:
    """Orders that do not get on without a person: for the sidebar."""
    o = shop_orders.c
    stuck = or_(stands_still(), has_issue(connection_id, o))
    with reading() as conn:
        return count_capped(conn, select(o.id).where(o.connection_id == connection_id, stuck))


def orders_held(connection_id: int) -> Count:
    """Orders that the store does not have and that stand still."""
    o = shop_orders.c
    with reading() as conn:
        return count_capped(conn, select(o.id).where(o.connection_id == connection_id, stands_still()))


def orders_left_out(connection_id: int) -> Count:
    """Orders that are not in the store because importing is off: they are decided again once it is on."""
    o = shop_orders.c
    left = (o.connection_id == connection_id, o.import_state == "not_wanted", o.hold == "import_off")
    with reading() as conn:
        return count_capped(conn, select(o.id).where(*left))


def stock_waiting(connection_id: int) -> Count:
    """SKUs that the latest ended stock check found wrong and that were not corrected: for the sidebar."""
    i, found = stock_check_items.c, drift(connection_id)
    if found is None:
        return Count(0)
    with reading() as conn:
        return count_capped(conn, select(i.id).where(i.check_id == found.check_id, left_over()))
