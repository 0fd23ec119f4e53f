"""What an action on orders would touch, and what it would leave and why: the dry run before it (P21)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from core.db.order_filters import is_held
from core.db.tables import shop_orders
from core.domain.order_import import SHIPPED_BEFORE
from core.reads.paging import reading


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """``ids`` would be worked on; ``skipped`` says why others would not, with how many."""

    ids: tuple[int, ...]
    skipped: tuple[tuple[str, int], ...]


def import_plan(connection_id: int, ids: Sequence[int]) -> OrderPlan:
    """Importing again: whatever the store does not have yet, and may get."""
    o = shop_orders.c
    why = case(
        (o.import_state == "imported", "Already in the store"),
        (o.status == "CANCELLED", "Cancelled on TikTok"),
        (o.import_state == "importing", "Being imported just now"),
        (o.hold == SHIPPED_BEFORE.code, "Shipped before the connection"),
        else_="",
    )
    return _plan(connection_id, ids, why)


def count_held(connection_id: int, hold: str) -> int:
    """How many orders wait for one cause."""
    o = shop_orders.c
    held = (o.connection_id == connection_id, is_held(o), o.hold == hold)
    with reading() as conn:
        return int(conn.scalar(select(func.count()).select_from(shop_orders).where(*held)) or 0)


def status_plan(connection_id: int, ids: Sequence[int]) -> OrderPlan:
    """Syncing the status: whatever the store has."""
    why = case((shop_orders.c.import_state == "imported", ""), else_="Not in the store")
    return _plan(connection_id, ids, why)


def _plan(connection_id: int, ids: Sequence[int], why: ColumnElement[Any]) -> OrderPlan:
    o = shop_orders.c
    mine = (o.connection_id == connection_id, o.id == func.any(list(ids)))
    with reading() as conn:
        rows = conn.execute(select(o.id, why).where(*mine).order_by(o.ordered_at, o.id)).all()
    skipped: dict[str, int] = {}
    for _, reason in rows:
        if reason:
            skipped[reason] = skipped.get(reason, 0) + 1
    return OrderPlan(tuple(row[0] for row in rows if not row[1]), tuple(sorted(skipped.items())))
