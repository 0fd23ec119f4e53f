"""What a control call can do to one order."""

from __future__ import annotations

from typing import Any

from sandbox.control import allow_keys, number
from sandbox.faults import ControlError
from sandbox.tiktok import accounts
from sandbox.tiktok.orders import book, cancelling, events, holdings, machine, parcels, people
from sandbox.tiktok.orders.book import Order
from sandbox.world import World

STEPS = ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")


def _order(world: World, order_id: str) -> Order:
    order = book.find(world, order_id)
    if order is None:
        raise ControlError(f"There is no order {order_id}.")
    return order


def advance(world: World, order_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """Move an order on to a later status, through all between; shipping is done as if in Seller Center."""
    allow_keys(given, "to")
    wanted = given.get("to")
    if wanted not in (*STEPS, "CANCELLED"):
        raise ControlError(f"The status {wanted!r} is unknown here; use one of {', '.join(STEPS)}, CANCELLED.")
    with world.db.transaction():
        order = _order(world, order_id)
        if wanted == "CANCELLED":
            _need_open(order)
            cancelling.system_cancels(world, order, "platform_cancel")
        else:
            _walk(world, order, str(wanted))
    return {"order_id": order_id, "status": order.status}


def _need_open(order: Order) -> None:
    if order.status in ("CANCELLED", "COMPLETED"):
        raise ControlError(f"Order {order.id} is {order.status} and stays so.")


def _walk(world: World, order: Order, wanted: str) -> None:
    _need_open(order)
    if machine.PATH.index(wanted) <= machine.PATH.index(order.status):
        raise ControlError(f"Order {order.id} is {order.status} already and never goes back to {wanted}.")
    while order.status != wanted:
        if order.status == "UNPAID":
            machine.pay(world, order, world.clock.now())
            if wanted == "ON_HOLD" and order.status != "ON_HOLD":
                return
        elif order.status in ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"):
            _ship_by_hand(world, order)
        else:
            machine.move(world, order, _after(order.status))


def _after(status: str) -> str:
    return STEPS[STEPS.index(status) + 1]


def _ship_by_hand(world: World, order: Order) -> None:
    provider = ("6671794738251726849", "Royal Mail")
    waiting = [line["id"] for line in order.lines if line["display_status"] == "AWAITING_SHIPMENT"]
    if order.document["shipping_type"] == "TIKTOK":
        parcels.platform_ships(world, order, world.clock.now())
    else:
        parcels.put(world, order, waiting, "PROCESSING", f"RM{order.id[-9:]}GB", provider, world.clock.now())
    holdings.ship(world, order, set(waiting))
    cancelling.end_request(world, order, cancelling.REJECTED)
    machine.move(world, order, "AWAITING_COLLECTION")


def cancel_request(world: World, order_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """The buyer wants out: at once while unpaid or on hold, as a request while it waits for shipment."""
    allow_keys(given, "reason")
    with world.db.transaction():
        order = _order(world, order_id)
        made = cancelling.buyer_cancels(world, order, str(given.get("reason", "")))
    if made is None:
        raise ControlError(
            f"Order {order_id} is {order.status}: the buyer can cancel it no more, or has asked already."
        )
    return {"order_id": order_id, "cancel_id": made["cancel_id"], "cancel_status": made["cancel_status"]}


def change_address(world: World, order_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """The buyer moves: given members of the address replace the old ones; without any a new address is drawn."""
    with world.db.transaction():
        order = _order(world, order_id)
        allow_keys(given, *order.address)
        chance = world.random(f"tiktok.address.{order_id}.{order.document['update_time']}")
        drawn = people.buyer(chance, accounts.shop(world, order.shop_id).region).address
        order.address |= given or drawn
        order.document["has_updated_recipient_address"] = True
        book.save(world, [order])
        events.address_changed(world, order)
    return {"order_id": order_id, "address": order.address}


def split(world: World, order_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """Somebody splits the order in Seller Center: each line becomes a package of its own, not shipped yet."""
    allow_keys(given)
    with world.db.transaction():
        order = _order(world, order_id)
        if order.status != "AWAITING_SHIPMENT" or len(order.lines) < 2:
            raise ControlError(f"Order {order_id} cannot be split: it needs two lines and AWAITING_SHIPMENT.")
        package_ids = parcels.split(world, order, [[id] for id in parcels.live_line_ids(order)])
        book.save(world, [order])
        events.packages_changed(world, order, "SPLIT", "ROLE_SELLER", package_ids)
    return {"order_id": order_id, "package_ids": package_ids}


def set_hold(world: World, order_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """How long this order still stays on hold, from now."""
    allow_keys(given, "seconds")
    with world.db.transaction():
        order = _order(world, order_id)
        if order.status != "ON_HOLD":
            raise ControlError(f"Order {order_id} is {order.status} and not on hold.")
        order.plan("release", world.clock.now() + number(given, "seconds"))
        book.save(world, [order])
    return {"order_id": order_id, "released_at": order.next_due}
