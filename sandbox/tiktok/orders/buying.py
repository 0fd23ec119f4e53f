"""Somebody buys: orders come into being, take stock, and are told of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from sandbox.tiktok import accounts
from sandbox.tiktok.accounts import Shop
from sandbox.tiktok.orders import (
    book,
    documents,
    events,
    holdings,
    ids,
    kinds,
    machine,
    people,
    stock,
    stock_events,
    times,
)
from sandbox.tiktok.orders.book import Order
from sandbox.tiktok.orders.documents import BY_TIKTOK, Plan
from sandbox.tiktok.orders.kinds import Basket, Wish
from sandbox.tiktok.orders.wares import Shelf
from sandbox.world import World

# Buyers who find their goods sold out before the rest gives up.
MOST_MISSES = 20
CHUNK = 250


@dataclass(frozen=True)
class Purchase:
    """What shall be bought. Without `kind` each order draws one by its share; `skus` are seller SKUs, all of which
    every order buys; `on_hold` None leaves it to the kind; `is_rush` sells also what is sold out."""

    shop_id: str
    count: int = 1
    kind: str | None = None
    skus: tuple[str, ...] = ()
    quantity: int | None = None
    paid: bool = True
    on_hold: bool | None = None
    is_rush: bool = False


def buy(world: World, purchase: Purchase) -> list[Order]:
    """The orders made, all placed in one second; fewer than asked for when the shop is sold out."""
    now = int(world.clock.now())
    orders: list[Order] = []
    while len(orders) < purchase.count:
        count = min(purchase.count - len(orders), CHUNK)
        made = _buy_some(world, purchase, count, now)
        orders += made
        if len(made) < count:
            break
    return orders


def _buy_some(world: World, purchase: Purchase, count: int, now: int) -> list[Order]:
    """One transaction's worth; a longer one would hold up every call."""
    with world.db.transaction():
        made: int = world.setting("tiktok.orders_made", 0)
        shop = accounts.shop(world, purchase.shop_id)
        shelf = Shelf(world, shop.id, _chance(world, made, "shelf"), purchase.count, list(purchase.skus))
        earlier = world.db.value(
            "SELECT id FROM tt_orders WHERE shop_id = ? AND status <> 'CANCELLED' LIMIT 1", (shop.id,)
        )
        orders: list[Order] = []
        missed = 0
        while len(orders) < count and missed < MOST_MISSES:
            number = made + len(orders) + missed
            order = _order(world, shop, purchase, shelf, _chance(world, number, "order"), earlier, now)
            if order is None:
                missed += 1
            else:
                orders.append(order)
        _open(world, shop.id, orders, shelf)
        world.set_setting("tiktok.orders_made", made + len(orders) + missed)
    return orders


def _chance(world: World, number: int, what: str) -> Random:
    """The same order for the same number, however many are bought at once."""
    return world.random(f"tiktok.{what}.{number}")


def _open(world: World, shop_id: str, orders: list[Order], shelf: Shelf) -> None:
    moved = stock_events.deltas(shelf.taken, available=-1, committed=1)
    shelf.write()
    stock_events.tell(world, shop_id, moved, "order_created")
    book.save(world, orders)
    stock.count_sold(world, shop_id, holdings.sold(orders))
    world.count("tiktok.orders_created", len(orders))
    # An order is told of at its creation, unpaid, and again once it is paid.
    changes = [(order, status) for order in orders for status in dict.fromkeys(("UNPAID", order.status))]
    events.statuses_changed(world, shop_id, changes)


def _order(
    world: World, shop: Shop, purchase: Purchase, shelf: Shelf, chance: Random, earlier: str | None, now: int
) -> Order | None:
    wish = Wish(
        kind=purchase.kind or kinds.draw_kind(chance),
        shelf=shelf,
        chance=chance,
        named=bool(purchase.skus),
        quantity=purchase.quantity,
        now=now,
        earlier_order_id=earlier or kinds.stranger_order_id(),
        release_seconds=times.seconds(world, "release_seconds"),
    )
    basket = kinds.basket(wish)
    if basket is None or not (purchase.is_rush or _is_there(basket, shelf)):
        return None
    plan = Plan(
        kind=wish.kind,
        shop=shop,
        buyer=people.buyer(chance, shop.region),
        units=basket.units,
        carriage=basket.carriage,
        now=now,
        paid=purchase.paid,
        on_hold=basket.on_hold if purchase.on_hold is None else purchase.on_hold,
        fulfilment=basket.fulfilment,
        shipping_type=basket.shipping_type,
        warehouse_id=basket.warehouse_id,
        payment_method=chance.choice(documents.PAYMENT_METHODS),
        extra=basket.extra,
        more=basket.more,
    )
    return _made(world, plan, shelf)


def _is_there(basket: Basket, shelf: Shelf) -> bool:
    """Whether the shop's page would still sell all of it. FBT goods lie elsewhere."""
    if basket.fulfilment == BY_TIKTOK:
        return True
    wanted: dict[str, int] = {}
    for unit in basket.units:
        for ware, count in unit.parts or ((unit.ware, 1),):
            wanted[ware.sku_id] = wanted.get(ware.sku_id, 0) + count
    return all(not shelf.knows(sku_id) or shelf.in_shop(sku_id) >= count for sku_id, count in wanted.items())


def _made(world: World, plan: Plan, shelf: Shelf) -> Order:
    numbers = ids.take(1 + sum(1 + sum(count for _, count in unit.parts) for unit in plan.units))
    document = documents.order_document(plan, numbers)
    takes = [list(take) for take in _takes(plan, document["line_items"], shelf)]
    order = Order(document["id"], plan.shop.id, plan.kind, document, plan.buyer.address, {"takes": takes})
    machine.enter(world, order, order.status, plan.now)
    return order


def _takes(plan: Plan, lines: list[dict[str, str]], shelf: Shelf) -> Iterator[tuple[str, str, str, int, str]]:
    for unit, line in zip(plan.units, lines, strict=True):
        for ware, count in unit.parts or ((unit.ware, 1),):
            held = plan.fulfilment != BY_TIKTOK and shelf.knows(ware.sku_id)
            yield line["id"], ware.sku_id, ware.seller_sku, count, shelf.take(ware, count) if held else ""
