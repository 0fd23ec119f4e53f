"""Buyers who come by themselves: so many orders a minute, of all kinds, some unpaid, some regretted."""

from __future__ import annotations

from random import Random

from sandbox.tiktok.orders import book, buying, times
from sandbox.tiktok.orders.book import Order
from sandbox.tiktok.orders.buying import Purchase
from sandbox.world import World

LONGEST_GAP_MINUTES = 1.0
# Shares of the stream: orders that begin unpaid (a quarter of them is never paid), and buyers who change their mind.
UNPAID, NEVER_PAID = 0.05, 0.25
REGRET_ON_HOLD, REGRET_LATER = 0.04, 0.02


def per_minute(world: World) -> float:
    """Orders a minute: what a control call set, else what the sandbox was started with."""
    return float(world.setting("tiktok.orders_per_minute", world.orders_per_minute))


class Stream:
    """Buys so many orders a minute of the sandbox clock, in shops that have something on sale."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = world.clock.now()
        self._owed = 0.0

    def tick(self) -> None:
        """Make what is due. A clock shifted far ahead brings a minute's worth, not a flood."""
        now = self._world.clock.now()
        minutes = min(max(now - self._last, 0.0) / 60, LONGEST_GAP_MINUTES)
        self._last = now
        self._owed += minutes * per_minute(self._world)
        if self._owed >= 1:
            count = int(self._owed)
            self._owed -= count
            some_buy(self._world, count)


def some_buy(world: World, count: int) -> None:
    """So many orders, one after the other, in shops by chance."""
    shops = [
        row["shop_id"]
        for row in world.db.query("SELECT DISTINCT shop_id FROM tt_products WHERE status = 'ACTIVATE' ORDER BY shop_id")
    ]
    made = world.setting("tiktok.orders_made", 0)
    for number in range(made, made + count) if shops else ():
        chance = world.random(f"tiktok.stream.{number}")
        is_paid = chance.random() >= UNPAID
        orders = buying.buy(world, Purchase(chance.choice(shops), paid=is_paid))
        for order in orders:
            _decide_future(world, order, chance)


def _decide_future(world: World, order: Order, chance: Random) -> None:
    """Some pay later, some cancel; the rest takes its course."""
    now = world.clock.now()
    if order.status == "UNPAID" and chance.random() >= NEVER_PAID:
        order.plan("pay", now + chance.uniform(20, 300))
    elif order.status == "ON_HOLD" and chance.random() < REGRET_ON_HOLD:
        order.plan("buyer_cancels", now + chance.uniform(0.1, 0.9) * times.seconds(world, "hold_seconds"))
    elif order.status == "AWAITING_SHIPMENT" and chance.random() < REGRET_LATER:
        order.plan("buyer_cancels", now + chance.uniform(60, 3600))
    else:
        return
    book.save(world, [order])
