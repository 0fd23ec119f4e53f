"""Does what is due by itself: releases, scans, deliveries, time-outs, buyers who pay or change their mind."""

from __future__ import annotations

import time

from sandbox.tiktok.orders import book, cancelling, holdings, machine, parcels
from sandbox.tiktok.orders.book import Order
from sandbox.world import World

# A transaction holds up every call, so it stays short.
BATCH, TICK_SECONDS = 20, 0.4
MOVES = {"release": "AWAITING_SHIPMENT", "scan": "IN_TRANSIT", "deliver": "DELIVERED", "complete": "COMPLETED"}
SYSTEM_REASONS = {
    "payment_timeout": "system_cancel_unpaid_time_out",
    "overdue": "system_cancel_order_reason_shipping_timeout",
    "untracked": "system_cancel_order_untracked",
}


def run_due(world: World) -> None:
    """Do what is due, for at most a part of a second; what is left waits for the next tick."""
    stop = time.monotonic() + TICK_SECONDS
    while time.monotonic() < stop:
        rows = world.db.query(
            "SELECT * FROM tt_orders WHERE next_due <= ? ORDER BY next_due LIMIT ?", (world.clock.now(), BATCH)
        )
        done = cancelling.run_due(world, BATCH)
        if not rows and not done:
            return
        for row in rows:
            _take_turn(world, row["id"])


def _take_turn(world: World, order_id: str) -> None:
    """Read the order again inside the transaction: a call may have moved it since."""
    with world.db.transaction():
        order = book.find(world, order_id)
        if order is not None and order.next_due is not None and order.next_due <= world.clock.now():
            _do(world, order, str(order.next_step), order.next_due)


def _do(world: World, order: Order, step: str, due: float) -> None:
    if step in MOVES:
        machine.move(world, order, MOVES[step], due)
    elif step == "pay":
        machine.pay(world, order, due)
    elif step == "platform_ships":
        parcels.platform_ships(world, order, due)
        holdings.ship(world, order, {line["id"] for line in order.lines})
        machine.move(world, order, "AWAITING_COLLECTION", due)
    elif step == "buyer_cancels":
        _regret(world, order)
    else:
        cancelling.system_cancels(world, order, SYSTEM_REASONS[step])


def _regret(world: World, order: Order) -> None:
    """Who has asked already does not ask again."""
    if cancelling.buyer_cancels(world, order) is None:
        order.plan("overdue", order.document["shipping_due_time"])
        book.save(world, [order])
