"""The demo shops live: from time to time somebody buys, or a delivery arrives."""

from __future__ import annotations

import random

from sandbox import demo
from sandbox.shopwired.stock import find_sku, sell, set_stock
from sandbox.world import World

LONGEST_GAP_MINUTES = 1.0
LOW_STOCK = 3
DELIVERY = 24


def per_minute(world: World) -> float:
    """Stock changes a minute: what a control call set, else what the sandbox was started with."""
    return float(world.setting("shopwired.stock_changes_per_minute", world.stock_changes_per_minute))


class StockLife:
    """Changes the stock of a random SKU so many times a minute of the sandbox clock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.random("shopwired.stock")
        self._last = world.clock.now()
        self._owed = 0.0

    def tick(self) -> None:
        """Make the changes that are due. A clock shifted far ahead brings a minute's worth, not a flood."""
        now = self._world.clock.now()
        minutes = min(max(now - self._last, 0.0) / 60, LONGEST_GAP_MINUTES)
        self._last = now
        self._owed += minutes * per_minute(self._world)
        while self._owed >= 1:
            self._owed -= 1
            change_some_stock(self._world, self._random)


def change_some_stock(world: World, chance: random.Random) -> None:
    """One or two units of a random SKU are sold; a SKU that runs low is filled up."""
    business = chance.choice(demo.SHOPWIRED_BUSINESSES).id
    with world.db.transaction():
        last = world.db.value("SELECT MAX(rowid) FROM sw_skus")
        if last is None:
            return
        row = world.db.one(
            "SELECT sku FROM sw_skus WHERE rowid >= ? AND business = ? LIMIT 1",
            (chance.randrange(1, last + 1), business),
        )
        found = None if row is None else find_sku(world, business, row["sku"])
        if row is None or found is None:
            return
        stock = int(found[1]["stock"])
        sold = chance.randrange(1, 3)
        if stock <= LOW_STOCK:
            set_stock(world, business, row["sku"], stock + DELIVERY)
        else:
            sell(world, business, row["sku"], sold)
