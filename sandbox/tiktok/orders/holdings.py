"""What an order holds of the stock, line by line, and how it lets go of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sandbox.tiktok.orders import stock, stock_events
from sandbox.tiktok.orders.book import Order
from sandbox.tiktok.orders.documents import BY_TIKTOK
from sandbox.world import World

# A take is [line id, SKU id, seller SKU, units, warehouse id]; without a warehouse nothing on the shelf is held.
LINE, SKU, SELLER_SKU, UNITS, WAREHOUSE = range(5)


def sold(orders: Iterable[Order], line_ids: set[str] | None = None) -> Counter[tuple[str, bool]]:
    """Units by seller SKU and by whether TikTok's own warehouse sends them."""
    counts: Counter[tuple[str, bool]] = Counter()
    for order in orders:
        by_tiktok = order.document["fulfillment_type"] == BY_TIKTOK
        for take in order.inner["takes"]:
            if line_ids is None or take[LINE] in line_ids:
                counts[(take[SELLER_SKU], by_tiktok)] += take[UNITS]
    return counts


def give_back(world: World, order: Order, line_ids: set[str]) -> None:
    """Cancelled lines put their units back on the shelf."""
    units = _let_go(order, line_ids)
    stock.release(world, units)
    changes = stock_events.deltas(units, available=1, committed=-1)
    stock_events.tell(world, order.shop_id, changes, "order_canceled")
    stock.count_sold(world, order.shop_id, sold([order], line_ids), "cancelled")


def ship(world: World, order: Order, line_ids: set[str]) -> None:
    """Shipped lines hold nothing any more."""
    units = _let_go(order, line_ids)
    stock.ship(world, units)
    changes = stock_events.deltas(units, available=0, committed=-1)
    stock_events.tell(world, order.shop_id, changes, "order_shipped")


def _let_go(order: Order, line_ids: set[str]) -> Counter[stock.Place]:
    """What those lines still hold; they hold nothing afterwards."""
    units: Counter[stock.Place] = Counter()
    for take in order.inner["takes"]:
        if take[LINE] in line_ids and take[WAREHOUSE]:
            units[(take[SKU], take[WAREHOUSE])] += take[UNITS]
            take[WAREHOUSE] = ""
    return units
