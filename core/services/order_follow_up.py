"""order_follow_up: what hangs on an order of the Shop that is new or changed, in the transaction that stored it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, text

from core.db.orders import SavedOrders
from core.db.tables import connections, shop_order_lines
from core.domain.order_import import SHIPPED_BEFORE
from core.queue import defer
from core.services.price_stock_queue import queue_push_of_variants
from core.services.stock_deductions import free_cancelled, hold_units

# Orders that had left already when the connection was made.
_SHIPPED_BEFORE = """
UPDATE shop_orders o SET import_state = :state, hold = :code, hold_sentence = :sentence
FROM connections c WHERE c.id = o.connection_id AND o.id = ANY(:ids)
AND o.status IN ('IN_TRANSIT', 'DELIVERED', 'COMPLETED') AND o.ordered_at < c.connected_at
"""
# A change may be what an order waited for; whether importing is wanted is asked again each time.
_WAKE = """
UPDATE shop_orders SET import_state = 'waiting', not_before = NULL
WHERE id = ANY(:ids) AND (import_state = 'held' OR (import_state = 'not_wanted' AND hold = 'import_off'))
"""
_BEHIND = "UPDATE store_orders SET behind = true WHERE order_id = ANY(:ids)"
_ANY_WAITING = "SELECT 1 FROM shop_orders WHERE id = ANY(:ids) AND import_state = 'waiting' LIMIT 1"


def follow_up(conn: Connection, connection_id: int, saved: SavedOrders) -> None:
    """Hold stock, wake what waited, and queue the import and the status of the orders that changed."""
    changed = list(saved.changed)
    if saved.new:
        left_out = {"state": SHIPPED_BEFORE.state, "code": SHIPPED_BEFORE.code, "sentence": SHIPPED_BEFORE.sentence}
        conn.execute(text(_SHIPPED_BEFORE), {"ids": list(saved.new), **left_out})
    hold_units(conn, changed)
    tell_stock(conn, connection_id, changed)
    old = sorted(set(changed) - set(saved.new))
    if old:
        free_cancelled(conn, old)
        conn.execute(text(_WAKE), {"ids": old})
        if conn.execute(text(_BEHIND), {"ids": old}).rowcount:
            defer_once(conn, "order_status", connection_id)
    if conn.execute(text(_ANY_WAITING), {"ids": changed}).first():
        defer_once(conn, "order_import", connection_id)


def tell_stock(conn: Connection, connection_id: int, order_ids: Sequence[int]) -> None:
    """What is held changed, so what is offered changes, in every Shop that sells these products (K5, K8)."""
    line, c = shop_order_lines.c, connections.c
    account = conn.execute(select(c.store_account_id).where(c.id == connection_id)).scalar_one()
    linked = (line.order_id == func.any(list(order_ids)), line.variant_id.is_not(None))
    sold = select(line.variant_id).distinct().where(*linked)
    queue_push_of_variants(conn, account, list(conn.scalars(sold)))


def defer_once(conn: Connection, task: str, connection_id: int) -> None:
    defer(conn, task, once=f"{task}:{connection_id}", connection_id=connection_id)
