"""Cancellations: by the buyer in the remorse hour, as a request later, by the seller, by time (Partner Center,
Cancellation API). A request that nobody answers is approved when its time is up."""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Row
from sandbox.tiktok import accounts
from sandbox.tiktok.orders import book, events, holdings, ids, machine, money, parcels, reasons, times
from sandbox.tiktok.orders.book import Order
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_cancellations (
    id TEXT PRIMARY KEY, shop_id TEXT NOT NULL, order_id TEXT NOT NULL, user_id TEXT NOT NULL, type TEXT NOT NULL,
    status TEXT NOT NULL, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL, due REAL,
    document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tt_cancellations_order ON tt_cancellations (order_id);
CREATE INDEX IF NOT EXISTS tt_cancellations_created ON tt_cancellations (shop_id, create_time, id);
CREATE INDEX IF NOT EXISTS tt_cancellations_due ON tt_cancellations (due) WHERE due IS NOT NULL;
"""
PENDING, SUCCESS = "CANCELLATION_REQUEST_PENDING", "CANCELLATION_REQUEST_SUCCESS"
REJECTED, COMPLETE = "CANCELLATION_REQUEST_CANCELLED", "CANCELLATION_REQUEST_COMPLETE"
# The refund takes a moment, so a success is not complete at once.
REFUND_SECONDS = 60.0
WHO = {"BUYER": "BUYER_CANCEL", "SELLER": "CANCEL", "SYSTEM": "CANCEL"}


def buyer_cancels(world: World, order: Order, reason: str = "") -> dict[str, Any] | None:
    """At once while unpaid or on hold; as a request while the seller has not shipped; later not at all (None)."""
    region = accounts.shop(world, order.shop_id).region
    stem = reasons.BUYER_UNPAID[1] if order.status == "UNPAID" else reasons.BUYER_PAID[1]
    reason = reason or reasons.key(stem, region)
    if order.status in ("UNPAID", "ON_HOLD"):
        return cancel(world, order, "BUYER", reason)
    if order.status != "AWAITING_SHIPMENT" or order.document["is_buyer_request_cancel"]:
        return None
    now = world.clock.now()
    order.document |= {"is_buyer_request_cancel": True, "request_cancel_time": int(now)}
    order.plan("overdue", order.document["shipping_due_time"])
    book.save(world, [order])
    deadline = now + times.seconds(world, "request_seconds")
    return _open(world, order, "BUYER", reason, parcels.live_line_ids(order), PENDING, deadline)


def system_cancels(world: World, order: Order, stem: str) -> dict[str, Any]:
    """Time ran out. Of a partly shipped order only the rest is cancelled."""
    region = accounts.shop(world, order.shop_id).region
    waiting = [line["id"] for line in order.lines if line["display_status"] == "AWAITING_SHIPMENT"]
    rest = waiting if order.status == "PARTIALLY_SHIPPING" else None
    return cancel(world, order, "SYSTEM", reasons.key(stem, region), rest)


def cancel(world: World, order: Order, role: str, reason: str, line_ids: list[str] | None = None) -> dict[str, Any]:
    """Cancel lines (all that live, when none are named) now; gives the cancellation."""
    chosen = parcels.live_line_ids(order) if line_ids is None else line_ids
    status, due = (COMPLETE, None) if order.status == "UNPAID" else (SUCCESS, world.clock.now() + REFUND_SECONDS)
    end_request(world, order, SUCCESS)
    _cancel_lines(world, order, role, reason, chosen)
    return _open(world, order, role, reason, chosen, status, due)


def _cancel_lines(world: World, order: Order, role: str, reason: str, line_ids: list[str]) -> None:
    """The order itself is cancelled with its last line."""
    wanted, text = set(line_ids), reasons.words(reason)
    for line in order.lines:
        if line["id"] in wanted:
            line |= {"display_status": "CANCELLED", "cancel_reason": text, "cancel_user": role}
    holdings.give_back(world, order, wanted)
    left = {line["display_status"] for line in order.lines} - {"CANCELLED"}
    if order.status == "PARTIALLY_SHIPPING" and left and "AWAITING_SHIPMENT" not in left:
        machine.move(world, order, "AWAITING_COLLECTION")
        return
    if left:
        book.save(world, [order])
        return
    order.document |= {"cancel_reason": text, "cancellation_initiator": role}
    machine.move(world, order, "CANCELLED")


def _open(
    world: World, order: Order, role: str, reason: str, line_ids: list[str], status: str, due: float | None
) -> dict[str, Any]:
    now = int(world.clock.now())
    numbers = ids.take(1 + len(line_ids))
    document: dict[str, Any] = {
        "cancel_id": ids.cancel_id(next(numbers)),
        "order_id": order.id,
        "cancel_type": WHO[role],
        "cancel_status": status,
        "role": role,
        "cancel_reason": reason,
        "cancel_reason_text": reasons.words(reason),
        "create_time": now,
        "update_time": now,
        "should_replenish_stock": True,
        "refund_amount": _refund(order, line_ids),
        "cancel_line_items": [
            _line(order, line, ids.cancel_id(next(numbers))) for line in order.lines if line["id"] in set(line_ids)
        ],
    }
    if status == PENDING:
        document["seller_next_action_response"] = [{"action": "SELLER_RESPOND_CANCEL", "deadline": int(due or 0)}]
    world.db.execute(
        "INSERT INTO tt_cancellations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (document["cancel_id"], order.shop_id, order.id, order.document["user_id"], WHO[role], status, now, now, due,
         json.dumps(document, ensure_ascii=False)),
    )  # fmt: skip
    events.cancellation_changed(world, order.shop_id, document)
    return document


def _refund(order: Order, line_ids: list[str]) -> dict[str, str]:
    """Prices of the lines; with the whole order also its shipping, and then exactly what was paid."""
    payment, wanted = order.document["payment"], set(line_ids)
    subtotal = sum(money.pence(line["sale_price"]) for line in order.lines if line["id"] in wanted)
    tax, carriage = 0, 0
    if len(wanted) == len(order.lines):
        subtotal, carriage = money.pence(payment["sub_total"]), money.pence(payment["shipping_fee"])
        tax = money.pence(payment["tax"])
    return _amounts(payment["currency"], subtotal, carriage, tax)


def _amounts(currency: str, subtotal: int, carriage: int = 0, tax: int = 0) -> dict[str, str]:
    return {
        "currency": currency,
        "refund_total": money.text(subtotal + carriage + tax),
        "refund_subtotal": money.text(subtotal),
        "refund_shipping_fee": money.text(carriage),
        "refund_tax": money.text(tax),
        "retail_delivery_fee": "0",
        "buyer_service_fee": "0",
    }


def _line(order: Order, line: dict[str, Any], id: str) -> dict[str, Any]:
    named = {name: line[name] for name in ("sku_id", "sku_name", "product_name", "seller_sku")}
    return named | {
        "cancel_line_item_id": id,
        "order_line_item_id": line["id"],
        "product_image": {"url": line["sku_image"], "width": 200, "height": 200},
        "refund_amount": _amounts(line["currency"], money.pence(line["sale_price"])),
    }


def find(world: World, cancel_id: str) -> Row | None:
    """The cancellation with this id, of whatever shop."""
    return world.db.one("SELECT * FROM tt_cancellations WHERE id = ?", (cancel_id,))


def approve(world: World, row: Row, order: Order) -> None:
    """The seller agrees, or said nothing for too long."""
    document = json.loads(row["document"])
    line_ids = [one["order_line_item_id"] for one in document["cancel_line_items"]]
    live = set(parcels.live_line_ids(order))
    set_status(world, row, SUCCESS, world.clock.now() + REFUND_SECONDS)
    order.document["is_buyer_request_cancel"] = False
    _cancel_lines(world, order, document["role"], document["cancel_reason"], [id for id in line_ids if id in live])


def reject(world: World, row: Row, order: Order) -> None:
    """The seller refuses; the order goes on."""
    set_status(world, row, REJECTED, None)
    order.document["is_buyer_request_cancel"] = False
    book.save(world, [order])


def end_request(world: World, order: Order, status: str) -> None:
    """An open request ends with what became of the order: cancelled anyway, or shipped (then it is rejected)."""
    if not order.document["is_buyer_request_cancel"]:
        return
    order.document["is_buyer_request_cancel"] = False
    for row in world.db.query("SELECT * FROM tt_cancellations WHERE order_id = ? AND status = ?", (order.id, PENDING)):
        set_status(world, row, status, None)


def set_status(world: World, row: Row, status: str, due: float | None) -> None:
    """A cancellation moves on and is told of."""
    now = int(world.clock.now())
    document = json.loads(row["document"]) | {"cancel_status": status, "update_time": now}
    document.pop("seller_next_action_response", None)
    world.db.execute(
        "UPDATE tt_cancellations SET status = ?, update_time = ?, due = ?, document = ? WHERE id = ?",
        (status, now, due, json.dumps(document, ensure_ascii=False), row["id"]),
    )
    events.cancellation_changed(world, row["shop_id"], document)


def run_due(world: World, limit: int) -> int:
    """Approve requests whose time is up and complete refunds; gives how many."""
    rows = world.db.query(
        "SELECT * FROM tt_cancellations WHERE due <= ? ORDER BY due LIMIT ?", (world.clock.now(), limit)
    )
    for row in rows:
        with world.db.transaction():
            _take_turn(world, row["id"])
    return len(rows)


def _take_turn(world: World, cancel_id: str) -> None:
    row = find(world, cancel_id)
    if row is None or row["due"] is None or row["due"] > world.clock.now():
        return
    order = book.find(world, row["order_id"])
    if row["status"] == PENDING and order is not None:
        approve(world, row, order)
    else:
        set_status(world, row, COMPLETE, None)
