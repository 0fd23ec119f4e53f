"""The fault `moved`: an order changes between the list that names it and the detail that is asked for next."""

from __future__ import annotations

from sandbox.tiktok.orders import book, machine
from sandbox.world import World

NEXT = {"UNPAID": "pay", "ON_HOLD": "AWAITING_SHIPMENT", "IN_TRANSIT": "DELIVERED", "DELIVERED": "COMPLETED"}
NOTE = "Changed by the seller while the list was read."


def move_some(world: World, order_ids: list[str]) -> None:
    """Move the first order of the page on; one that only waits gets a note, and a newer update time."""
    order = book.find(world, order_ids[0]) if order_ids else None
    if order is None:
        return
    step = NEXT.get(order.status)
    with world.db.transaction():
        if step == "pay":
            machine.pay(world, order, world.clock.now())
        elif step is not None:
            machine.move(world, order, step)
        else:
            order.document["seller_note"] = NOTE
            book.save(world, [order])
