"""order_holds: what orders wait for, said to people by cause, and waking them when the cause is gone (O5, O6, O16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, text, update

from core.db.tables import connections, shop_orders
from core.domain.order_import import Decision
from core.domain.order_tabs import IN_TROUBLE, PASSING
from core.services.issues import open_issue
from core.services.order_follow_up import defer_once
from core.services.order_links import link_changed, link_waiting
from core.services.stock_deductions import hold_units

# Causes that a person or the Shop takes away, each an issue; the others only wait for the order's own progress.
_ISSUES = {
    "unlinked_sku": ("Map the SKU to a product of the store, or correct its SKU there.", "mappings"),
    "unmapped_status": ("Map the status to one of the store's.", "mappings"),
    "currency": ("Set the store's currency to the Shop's.", "settings"),
    "out_of_stock": ("Put the stock right in the store, or switch on continue selling.", "stock"),
    "out_of_stock_late": ("Fulfil it in Seller Center.", "orders"),
    "total_difference": ("Compare the order with Seller Center.", "orders"),
    "missing_shipping_rate": ("Choose another rate in Settings, or add it in the store again.", "settings"),
    "picture_refused": ("Replace the picture in the store: the order is tried again by itself.", "orders"),
    "refused": ("Correct what the store names, then retry the order.", "orders"),
    IN_TROUBLE: ("Look at the order's calls and in the store: it is tried again by itself.", "orders"),
}
MANY_TRIES = 8  # from which on a person is told of an order that the store fails with: after two minutes and more
_WAKE = """
UPDATE shop_orders o SET import_state = 'waiting', not_before = NULL
WHERE o.connection_id = :connection_id AND ({states}) AND ({condition})
"""
_HELD = "o.import_state = 'held'"
_LEFT_OUT = "o.import_state = 'not_wanted' AND o.hold = 'import_off'"
# Enough on the shelf for at least one line that was short; the import looks again at all of them.
_RESTOCKED = """
o.hold = 'out_of_stock' AND EXISTS (
SELECT 1 FROM shop_order_lines l JOIN variants v ON v.id = l.variant_id
WHERE l.order_id = o.id AND v.product_id = ANY(:product_ids))
"""
_ALLOWED = """
o.hold IN ('out_of_stock', 'out_of_stock_late') AND EXISTS (
SELECT 1 FROM shop_order_lines l WHERE l.order_id = o.id AND l.variant_id = ANY(:variant_ids))
"""
# Recent store orders (``s``) whose status is another than the mapped one.
_LACKING = """
FROM shop_orders o, mappings m
WHERE o.id = s.order_id AND o.connection_id = :connection_id AND o.remote_updated_at > now() - interval '30 days'
AND m.connection_id = o.connection_id AND m.kind = 'order_status' AND m.source_id = o.status
AND s.state = 'created' AND s.status_id <> m.target_id AND m.target_id <> '' AND NOT s.behind
"""
_OTHER_STATUS = f"UPDATE store_orders s SET behind = true {_LACKING}"
# That only the mapping moved is noted: what staff have set since is left alone then.
_REMAPPED = f"""
UPDATE store_orders s SET behind = true, noted = s.noted || jsonb_build_object('remapped', o.status) {_LACKING}
AND o.status = ANY(:statuses) AND o.status <> 'CANCELLED'
"""
# Tracking that the store orders were not told of, once it is wanted.
_UNTRACKED = """
UPDATE store_orders s SET behind = true FROM shop_orders o, connection_settings c
WHERE o.id = s.order_id AND o.connection_id = :connection_id AND o.remote_updated_at > now() - interval '30 days'
AND o.tracking_number <> '' AND NOT jsonb_exists(s.noted, 'tracking') AND s.state = 'created' AND NOT s.behind
AND c.connection_id = o.connection_id AND c.name = 'query_shipping_change' AND c.value = 'true'::jsonb
"""
_CLOSE = """
UPDATE issues i SET closed_at = now() WHERE i.connection_id = :connection_id AND i.closed_at IS NULL AND (
(i.subject_kind = 'sku' AND i.code = 'unlinked_sku' AND NOT EXISTS (SELECT 1 FROM shop_orders o
 WHERE o.connection_id = :connection_id AND o.import_state = 'held' AND o.missing_skus @> ARRAY[i.subject_id]))
OR (i.subject_kind = 'order_status' AND i.code = 'unmapped_status' AND EXISTS (SELECT 1 FROM mappings m
 WHERE m.connection_id = :connection_id AND m.kind = 'order_status' AND m.source_id = i.subject_id)))
"""


def complain(conn: Connection, connection_id: int, order_id: int, status: str, decision: Decision) -> None:
    """Open the issue of a held order's cause: one for all orders with the same missing SKU or unmapped status."""
    if decision.code in PASSING:
        return
    fix, link = _ISSUES.get(decision.code, _ISSUES["refused"])
    subjects = [("order", str(order_id))]
    if decision.code == "unlinked_sku":
        subjects = [("sku", sku) for sku in decision.missing]
    elif decision.code == "unmapped_status":
        subjects = [("order_status", status)]
    for kind, subject in subjects:
        sentence = decision.sentence if kind != "sku" else f"Orders wait: the SKU {subject} is not linked to the store."
        open_issue(
            conn,
            connection_id=connection_id,
            subject=(kind, subject),
            code=decision.code,
            sentence=sentence,
            fix=fix,
            link=link,
        )


def tell_of_trouble(conn: Connection, connection_id: int, order_id: int, tries: int, said: str) -> None:
    """The store fails with an order that is not held time and again: a person is told, and it is tried on."""
    if tries < MANY_TRIES:
        return
    o = shop_orders.c
    tried = update(shop_orders).where(o.id == order_id, o.import_state != "held").values(hold=IN_TROUBLE)
    if conn.execute(tried).rowcount:
        sentence = f"After {tries} tries it is not in the store, and it is tried again: {said}"
        complain(conn, connection_id, order_id, "", Decision("", IN_TROUBLE, sentence))


def settle_complaints(conn: Connection, order_id: int) -> None:
    """The order waits no longer: its own issues are closed."""
    closing = (
        "UPDATE issues SET closed_at = now() WHERE subject_kind = 'order' AND subject_id = :id"
        " AND code = ANY(:codes) AND closed_at IS NULL"
    )
    conn.execute(text(closing), {"id": str(order_id), "codes": list(_ISSUES)})


def wake_linked(conn: Connection, connection_id: int, changed: Sequence[str] = ()) -> int:
    """Link again what waits for a link, and the SKUs whose mapping ``changed``; hold the stock of the orders that
    stand for something else now, and wake them; how many."""
    relinked = link_changed(conn, connection_id, changed) if changed else []
    linked = sorted({*relinked, *link_waiting(conn, connection_id)})
    if not linked:
        return 0
    hold_units(conn, linked)
    return wake(conn, connection_id, "o.id = ANY(:order_ids)", order_ids=linked)


def wake_restocked(conn: Connection, store_account_id: int, product_ids: Sequence[int]) -> None:
    """The stock of these products changed: what was short of them is looked at again, in every connection."""
    for connection_id in live_of(conn, store_account_id):
        wake_held(conn, connection_id, _RESTOCKED, product_ids=list(product_ids))


def wake_allowed(conn: Connection, store_account_id: int, variant_ids: Sequence[int]) -> None:
    """These variants may be sold without stock from now on: orders that were short of them are looked at again."""
    for connection_id in live_of(conn, store_account_id):
        wake_held(conn, connection_id, _ALLOWED, variant_ids=list(variant_ids))


def live_of(conn: Connection, store_account_id: int) -> Sequence[int]:
    """The ids of the store account's live connections."""
    c = connections.c
    live = select(c.id).where(c.store_account_id == store_account_id, c.disconnected_at.is_(None))
    return conn.scalars(live).all()


def mark_remapped(conn: Connection, connection_id: int, statuses: Sequence[str]) -> int:
    """Have recent store orders of these TikTok statuses brought to what they are mapped to now; how many."""
    given = {"connection_id": connection_id, "statuses": list(statuses)}
    return conn.execute(text(_REMAPPED), given).rowcount


def wake_all(conn: Connection, connection_id: int) -> int:
    """The job ``order_wake``: a setting changed, so what is held, or was left out because importing was off, is
    decided again, and recent store orders that lack the mapped status or the tracking are looked at; how many woke."""
    given = {"connection_id": connection_id}
    if sum(conn.execute(text(late), given).rowcount for late in (_OTHER_STATUS, _UNTRACKED)):
        defer_once(conn, "order_status", connection_id)
    return wake(conn, connection_id, "true")


def wake(conn: Connection, connection_id: int, condition: str, **values: object) -> int:
    """Let orders that are held, or left out while importing is off, and that meet an SQL condition on ``o`` try again
    by themselves; how many."""
    return _woken(conn, connection_id, _WAKE.format(states=f"{_HELD} OR {_LEFT_OUT}", condition=condition), values)


def wake_held(conn: Connection, connection_id: int, condition: str, **values: object) -> int:
    """Like ``wake`` for held orders alone, which are few and indexed; for what happens often."""
    return _woken(conn, connection_id, _WAKE.format(states=_HELD, condition=condition), values)


def _woken(conn: Connection, connection_id: int, statement: str, values: Mapping[str, object]) -> int:
    woken = conn.execute(text(statement), {"connection_id": connection_id, **values}).rowcount
    if woken:
        defer_once(conn, "order_import", connection_id)
    return int(woken)


def close_causes(conn: Connection, connection_id: int) -> None:
    """Close the issues of missing SKUs that no order waits for, and of statuses that are mapped by now."""
    conn.execute(text(_CLOSE), {"connection_id": connection_id})
