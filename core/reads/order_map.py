"""Where orders go, by area, for the filter of the Orders page (O13)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from core.db.order_filters import find_text, order_clauses
from core.db.tables import shop_orders
from core.domain.filters import OrderFilter
from core.reads.paging import reading

MOST = 100_000


@dataclass(frozen=True, slots=True)
class Area:
    """``area`` is the letters of a British postcode, elsewhere a state or county; "" where TikTok tells none."""

    country: str
    area: str
    orders: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class OrderMap:
    """``capped``: only the newest ``MOST`` orders that match are counted."""

    areas: tuple[Area, ...]
    orders: int
    capped: bool


def order_map(connection_id: int, wanted: OrderFilter, *, customers: bool = False) -> OrderMap:
    """The newest ``MOST`` orders that match, counted by area, the busiest first."""
    o = shop_orders.c
    with reading() as conn:
        clauses = order_clauses(connection_id, wanted, find_text(conn, connection_id, wanted.text, customers=customers))
        newest = select(o.country, o.area, o.total).where(*clauses).order_by(o.ordered_at.desc(), o.id.desc())
        some = newest.limit(MOST + 1).subquery()
        number = func.count()
        grouped = select(some.c.country, some.c.area, number, func.sum(some.c.total)).group_by(
            some.c.country, some.c.area
        )
        rows = conn.execute(grouped.order_by(number.desc(), some.c.area)).all()
    found = tuple(Area(*row) for row in rows)
    orders = sum(area.orders for area in found)
    return OrderMap(found, min(orders, MOST), orders > MOST)
