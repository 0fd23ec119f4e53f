"""stock_hints: a signed quantity is used at once, ordered by event id, and read again soon after (law 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, tuple_, update

from core.db.tables import products, variants
from core.domain.stock import is_newer_event
from core.services.price_stock_queue import queue_push

# The store's clock may be a little behind ours: what it told this shortly before we read is used all the same, and
# the read that follows every hint has the last word.
_CLOCKS_DIFFER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Told:
    """A quantity that a signed hint told of a SKU of a product. ``event_id`` orders the hints of one account."""

    product: str
    sku: str
    quantity: int
    event_id: str
    at: datetime


def use_quantities(conn: Connection, store_account_id: int, told: Iterable[Told]) -> set[str]:
    """Store what hints told and queue its push; the store's ids of the products whose quantity was used.

    A hint that is older than the last one used, or than our last reading of the product, is passed over, and so is
    one whose SKU the product has more than once.
    """
    newest: dict[tuple[str, str], Told] = {}
    for one in told:
        kept = newest.get((one.product, one.sku))
        if kept is None or is_newer_event(one.event_id, kept.event_id):
            newest[(one.product, one.sku)] = one
    used = []
    for key, rows in _variants(conn, store_account_id, list(newest)).items():
        if len(rows) == 1 and _is_news(newest[key], rows[0]):
            _store(conn, newest[key], rows[0])
            used.append(rows[0])
    queue_push(conn, store_account_id, sorted({row.product_id for row in used}))
    return {row.product for row in used}


def _variants(
    conn: Connection, store_account_id: int, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], list[Any]]:
    """The live variants of each (product, SKU). Their products are locked first, in the order of a reading's."""
    if not keys:
        return {}
    v, p = variants.c, products.c
    theirs = (p.store_account_id == store_account_id, p.remote_id.in_({remote_id for remote_id, _ in keys}))
    conn.execute(select(p.id).where(*theirs).order_by(p.remote_id).with_for_update(key_share=True))
    columns = (v.id, v.product_id, v.sku, v.stock, v.stock_event, p.remote_id.label("product"), p.seen_at)
    wanted = select(*columns).join(products, p.id == v.product_id).where(
        p.store_account_id == store_account_id, tuple_(p.remote_id, v.sku).in_(keys), v.deleted_at.is_(None)
    )  # fmt: skip
    found: dict[tuple[str, str], list[Any]] = {}
    for row in conn.execute(wanted):
        found.setdefault((row.product, row.sku), []).append(row)
    return found


def _is_news(told: Told, row: Any) -> bool:
    return is_newer_event(told.event_id, row.stock_event) and told.at > row.seen_at - _CLOCKS_DIFFER


def _store(conn: Connection, told: Told, row: Any) -> None:
    """The product's fingerprint is cleared, so that the next reading stores its variants whatever they are."""
    mine = update(variants).where(variants.c.id == row.id)
    conn.execute(mine.values(stock_event=told.event_id))
    if row.stock == told.quantity:
        return
    conn.execute(mine.values(stock=told.quantity, stock_at=told.at, changed_at=func.now()))
    counted = select(func.coalesce(func.sum(func.greatest(variants.c.stock, 0)), 0)).where(
        variants.c.product_id == row.product_id, variants.c.deleted_at.is_(None)
    )
    conn.execute(
        update(products).where(products.c.id == row.product_id).values(stock=counted.scalar_subquery(), content_hash="")
    )
