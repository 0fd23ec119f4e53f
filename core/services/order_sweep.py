"""order_sweep: whatever happened, no order is forgotten (law 6). Runs by the clock."""

from __future__ import annotations

from sqlalchemy import Connection, text

from core.db.engine import transaction
from core.queue import STOCK, defer
from core.services.live import require_live
from core.services.order_follow_up import defer_once
from core.services.order_holds import close_causes, wake, wake_linked
from core.services.stock_writes import close_needless

# Enough for all units that this order needs, by what we last read of the store.
_STOCKED = """
o.hold = 'out_of_stock' AND NOT EXISTS (
SELECT 1 FROM shop_order_lines l JOIN variants v ON v.id = l.variant_id
WHERE l.order_id = o.id AND l.status <> 'CANCELLED' AND v.stock IS NOT NULL
GROUP BY v.id, v.stock HAVING v.stock < count(*))
"""
_LATE = "o.hold = 'out_of_stock' AND o.ship_by < now()"
_DUE = """
SELECT
EXISTS (SELECT 1 FROM shop_orders WHERE connection_id = :id AND import_state IN ('waiting', 'importing', 'unknown')
 AND coalesce(lease_until, now()) <= now() AND coalesce(not_before, now()) <= now()) AS importing,
EXISTS (SELECT 1 FROM store_orders s JOIN shop_orders o ON o.id = s.order_id
 WHERE s.behind AND o.connection_id = :id AND s.state = 'created' AND coalesce(o.not_before, now()) <= now()) AS behind,
EXISTS (SELECT 1 FROM store_orders s JOIN shop_orders o ON o.id = s.order_id
 WHERE s.state = 'created' AND s.referred_at IS NULL AND s.refer_tries < 5 AND o.connection_id = :id) AS unreferred,
EXISTS (SELECT 1 FROM stock_deductions d JOIN connections c ON c.store_account_id = d.store_account_id
 WHERE c.id = :id AND d.wanted <> '') AS unwritten
"""
# Orders without an address are read again now and then: it comes when the hold is over.
_ADDRESSES = """
UPDATE shop_orders SET not_before = now() + interval '10 minutes' WHERE id IN (
SELECT id FROM shop_orders WHERE connection_id = :id AND import_state = 'held' AND hold = 'no_address'
AND coalesce(not_before, now()) <= now() ORDER BY ordered_at LIMIT 50) RETURNING remote_id
"""
# A shipping rate that is missing is looked for now and then: it may have been added again.
_RATES = """
UPDATE shop_orders SET not_before = now() + interval '10 minutes' WHERE connection_id = :id AND import_state = 'held'
AND hold = 'missing_shipping_rate' AND coalesce(not_before, now()) <= now()
"""


def sweep_orders(connection_id: int) -> None:
    """The job ``order_sweep``: link what can be linked by now, wake what need not wait, queue what has no job."""
    with transaction() as conn:
        target = require_live(conn, connection_id)
        wake_linked(conn, connection_id)
        wake(conn, connection_id, _STOCKED)
        wake(conn, connection_id, _LATE)
        close_causes(conn, connection_id)
        close_needless(conn)
        _queue_due(conn, connection_id, target.store_account_id)
        if conn.execute(text(_RATES), {"id": connection_id}).rowcount:
            defer_once(conn, "order_statuses", connection_id)
        again = list(conn.scalars(text(_ADDRESSES), {"id": connection_id}))
        if again:
            defer(conn, "order_hints", connection_id=connection_id, order_ids=again)


def _queue_due(conn: Connection, connection_id: int, store_account_id: int) -> None:
    due = conn.execute(text(_DUE), {"id": connection_id}).one()
    if due.importing:
        defer_once(conn, "order_import", connection_id)
    if due.behind:
        defer_once(conn, "order_status", connection_id)
    if due.unreferred:
        defer_once(conn, "order_reference", connection_id)
    if due.unwritten:
        key = f"stock_writes:{store_account_id}"
        defer(conn, "stock_writes", once=key, priority=STOCK, store_account_id=store_account_id)
