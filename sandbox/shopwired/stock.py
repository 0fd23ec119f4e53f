"""`/stock` and `POST /products/prices`: writes by SKU, in batches of at most 15."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from sandbox.shopwired.answers import ApiError, answer
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.documents import Product, announce, announce_stock, load, save
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.writing import plain_values
from sandbox.world import World

MAXIMUM_ITEMS = 15
PRICE_FIELDS: dict[str, tuple[str, Any]] = {"price": ("number", None), "salePrice": ("number", None)}


def find_sku(world: World, business: int, sku: str) -> tuple[Product, dict[str, Any], bool] | None:
    """The product with this SKU, the document that holds stock and price, and whether that is a variation.

    A SKU that several products share means the oldest of them.
    """
    row = world.db.one(
        "SELECT product, variation FROM sw_skus WHERE business = ? AND sku = ? ORDER BY product, variation LIMIT 1",
        (business, sku),
    )
    if row is None:
        return None
    product = load(world, business, row["product"])
    if not row["variation"]:
        return product, product.lean, False
    return product, next(item for item in product.variations if item["id"] == row["variation"]), True


def set_stock(world: World, business: int, sku: str, quantity: int, order_id: int | None = None) -> bool:
    """Store a SKU's stock and tell everybody; False when it had that value already or no such SKU exists."""
    with world.db.transaction():
        found = find_sku(world, business, sku)
        if found is None or found[1]["stock"] == quantity:
            return False
        product, holder, is_variation = found
        holder["stock"] = quantity
        save(world, product)
        announce_stock(world, product, sku, quantity, is_variation=is_variation, order_id=order_id)
    return True


def lower_stock(world: World, business: int, sku: str, quantity: int, order_id: int | None = None) -> int | None:
    """Take units away, below zero if need be; gives the stock left, None when no such SKU exists."""
    with world.db.transaction():
        found = find_sku(world, business, sku)
        if found is None:
            return None
        left = int(found[1]["stock"]) - quantity
        set_stock(world, business, sku, left, order_id)
    return left


def sell(world: World, business: int, sku: str, quantity: int) -> int | None:
    """Somebody buys in the shop window: as `lower_stock`, told with the number of an order, which is not kept."""
    with world.db.transaction():
        return lower_stock(world, business, sku, quantity, next_id(world, "order"))


def get_stock(ask: Ask) -> Response:
    """`GET /stock?sku=`: `{"sku", "quantity"}`."""
    sku = ask.call.query.get("sku", "")
    if not sku:
        raise ApiError(422, "The field 'sku' is required")
    return answer(ask.world, _current(ask, sku))


def _current(ask: Ask, sku: str) -> dict[str, Any]:
    found = find_sku(ask.world, ask.business, sku)
    if found is None:
        raise ApiError(404, f"There is nothing with the SKU '{sku}'")
    return {"sku": sku, "quantity": found[1]["stock"]}


def post_stock(ask: Ask) -> Response:
    """Absolute stock by SKU. 201 `{"updated": n}`; n counts values that changed, unknown SKUs are passed over."""
    items = [_stock_item(item) for item in _items(ask)]
    with ask.world.db.transaction():
        updated = sum(set_stock(ask.world, ask.business, sku, quantity) for sku, quantity in items)
    return answer(ask.world, {"updated": updated}, 201)


def put_stock(ask: Ask) -> Response:
    """The older form: one SKU, echoed."""
    sku, quantity = _stock_item(ask.given)
    _current(ask, sku)
    set_stock(ask.world, ask.business, sku, quantity)
    return answer(ask.world, _current(ask, sku))


def _items(ask: Ask) -> list[Any]:
    items = ask.given.get("items", [ask.given])
    if not isinstance(items, list) or not items:
        raise ApiError(422, "The field 'items' must be a list")
    if len(items) > MAXIMUM_ITEMS:
        raise ApiError(422, f"The field 'items' takes at most {MAXIMUM_ITEMS} items")
    return items


def _sku_of(item: Any) -> str:
    if not isinstance(item, dict) or not isinstance(item.get("sku"), str) or not item["sku"]:
        raise ApiError(422, "The field 'sku' is required")
    return str(item["sku"])


def _stock_item(item: Any) -> tuple[str, int]:
    sku, quantity = _sku_of(item), item.get("quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        raise ApiError(422, "The field 'quantity' must be a whole number")
    return sku, quantity


def post_prices(ask: Ask) -> Response:
    """Prices by SKU; one answer per SKU, with the product's id only where the SKU is known."""
    items = [(_sku_of(item), plain_values(item, PRICE_FIELDS, nullable=True)) for item in _items(ask)]
    with ask.world.db.transaction():
        results = [_set_price(ask, sku, values) for sku, values in items]
    return answer(ask.world, results)


def _set_price(ask: Ask, sku: str, values: dict[str, Any]) -> dict[str, Any]:
    found = find_sku(ask.world, ask.business, sku)
    if found is None:
        return {"sku": sku, "updated": False}
    product, holder, is_variation = found
    changes = {name: value for name, value in values.items() if value is not None or name == "salePrice"}
    changed = any(holder[name] != value for name, value in changes.items())
    if changed:
        holder |= changes
        save(ask.world, product)
        announce(ask.world, product, "product.updated")
    return {"sku": sku, "updated": changed, "productId": product.id, "variation": is_variation}
