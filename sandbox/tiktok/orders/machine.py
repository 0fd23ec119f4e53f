"""What happens to an order by itself, on the sandbox clock (Partner Center, Order status).

`enter` moves an order into a status: its own times, the status of its lines, and what happens next if nobody acts
(`running.run_due` does it then). No order ever goes backwards.
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.tiktok.orders import book, events, parcels, times
from sandbox.tiktok.orders.book import Order
from sandbox.tiktok.orders.documents import BY_TIKTOK
from sandbox.world import World

PATH = ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT",
        "DELIVERED", "COMPLETED")  # fmt: skip
_NOT_OF_LINES = frozenset({"ON_HOLD", "PARTIALLY_SHIPPING"})


def enter(world: World, order: Order, status: str, at: float) -> None:
    """Put the order into a status that began at `at` (unix seconds). The caller saves it and tells of it."""
    order.document["status"] = status
    if status not in _NOT_OF_LINES:
        _set_lines(order, status)
    _ENTRIES[status](world, order, at)


def _set_lines(order: Order, status: str) -> None:
    for line in order.lines:
        if line["display_status"] != "CANCELLED":
            line["display_status"] = status
            for part in line.get("sub_item_info", ()):
                part["display_status"] = status


def _unpaid(world: World, order: Order, at: float) -> None:
    order.plan("payment_timeout", at + times.seconds(world, "payment_seconds"))


def _on_hold(world: World, order: Order, at: float) -> None:
    """The lines of a paid order are no longer unpaid; ON_HOLD itself is no word of lines."""
    _set_lines(order, "AWAITING_SHIPMENT")
    release = at + times.seconds(world, "hold_seconds")
    order.plan("release", max(release, order.document.get("release_date", 0)))


def _awaiting_shipment(world: World, order: Order, at: float) -> None:
    promised = {
        "rts_sla_time": "rts_seconds",
        "tts_sla_time": "tts_seconds",
        "delivery_sla_time": "delivery_seconds",
        "shipping_due_time": "shipping_due_seconds",
        "collection_due_time": "collection_due_seconds",
        "delivery_due_time": "delivery_due_seconds",
    }
    order.document |= {name: int(at + times.seconds(world, length)) for name, length in promised.items()}
    if order.document["shipping_type"] == "TIKTOK":
        parcels.announce(world, order)
    _wait_for_shipping(world, order, at)


def _wait_for_shipping(world: World, order: Order, at: float) -> None:
    if order.document["fulfillment_type"] == BY_TIKTOK:
        order.plan("platform_ships", at + times.seconds(world, "platform_ships_seconds"))
    else:
        order.plan("overdue", order.document["shipping_due_time"])


def _awaiting_collection(world: World, order: Order, at: float) -> None:
    """A number that no carrier knows is never scanned: the order stays here until it is cancelled."""
    order.document["rts_time"] = int(at)
    if order.inner.get("is_untrackable"):
        order.plan("untracked", order.document["collection_due_time"])
    else:
        order.plan("scan", at + times.seconds(world, "scan_seconds"))


def _in_transit(world: World, order: Order, at: float) -> None:
    order.document["collection_time"] = int(at)
    parcels.set_status(world, order, "FULFILLING")
    order.plan("deliver", at + times.seconds(world, "transit_seconds"))


def _delivered(world: World, order: Order, at: float) -> None:
    order.document["delivery_time"] = int(at)
    parcels.set_status(world, order, "COMPLETED")
    order.plan("complete", at + times.seconds(world, "after_sales_seconds"))


def _completed(world: World, order: Order, at: float) -> None:
    order.plan(None)


def _cancelled(world: World, order: Order, at: float) -> None:
    order.document |= {"cancel_time": int(at), "is_buyer_request_cancel": False}
    parcels.set_status(world, order, "CANCELLED")
    order.plan(None)


_ENTRIES: dict[str, Callable[[World, Order, float], None]] = {
    "UNPAID": _unpaid,
    "ON_HOLD": _on_hold,
    "AWAITING_SHIPMENT": _awaiting_shipment,
    "PARTIALLY_SHIPPING": _wait_for_shipping,
    "AWAITING_COLLECTION": _awaiting_collection,
    "IN_TRANSIT": _in_transit,
    "DELIVERED": _delivered,
    "COMPLETED": _completed,
    "CANCELLED": _cancelled,
}


def move(world: World, order: Order, status: str, at: float | None = None) -> None:
    """Enter a status, save, tell. Without `at` it happens now."""
    enter(world, order, status, world.clock.now() if at is None else at)
    book.save(world, [order])
    events.status_changed(world, order)


def pay(world: World, order: Order, at: float) -> None:
    """The buyer pays an unpaid order."""
    order.document["paid_time"] = int(at)
    move(world, order, "ON_HOLD" if order.document["is_on_hold_order"] else "AWAITING_SHIPMENT", at)
