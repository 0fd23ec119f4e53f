"""What a seller does by hand in Seller Center: lists products without the API."""

from __future__ import annotations

import json
from typing import Any

from sandbox.faults import ControlError
from sandbox.tiktok import accounts, documents, shelf
from sandbox.tiktok.orders.documents import default_warehouse
from sandbox.world import World

CATEGORY = "853000"
_SKU_KEYS = ("seller_sku", "quantity", "price", "title")


def live_sku(world: World, shop_id: str, seller_sku: str) -> str:
    """The id of the live SKU with this seller SKU."""
    id = world.db.value(
        "SELECT id FROM tt_skus WHERE shop_id = ? AND seller_sku = ? AND is_live = 1", (shop_id, seller_sku)
    )
    if id is None:
        raise ControlError(f"Shop {shop_id} has no live SKU with the seller SKU {seller_sku!r}.")
    return str(id)


def put_on_shelf(world: World, shop_id: str, skus: Any) -> list[dict[str, str]]:
    """One live product for every SKU given: `seller_sku`, and if wanted `quantity`, `price` (text), `title`."""
    if not isinstance(skus, list) or not skus:
        raise ControlError(f"The key 'skus' needs a list of objects, not {skus!r}.")
    for one in skus:
        if not isinstance(one, dict) or set(one) - set(_SKU_KEYS) or "seller_sku" not in one:
            raise ControlError(f"A SKU needs seller_sku and may have {', '.join(_SKU_KEYS[1:])}; {one!r} does not fit.")
    with world.db.transaction():
        return [_put(world, shop_id, one) for one in skus]


def _put(world: World, shop_id: str, one: dict[str, Any]) -> dict[str, str]:
    shop = accounts.shop(world, shop_id)
    title = one.get("title") or f"Goods called {one['seller_sku']} from stock"
    product_id, now = documents.new_id(), int(world.clock.now())
    sku = {"id": documents.new_id(), "seller_sku": one["seller_sku"], "sales_attributes": []}
    document = {"title": title, "description": f"<p>{title}.</p>", "category_id": CATEGORY, "main_images": [],
                "product_attributes": [], "skus": [sku]}  # fmt: skip
    world.db.execute(
        "INSERT INTO tt_products (id, shop_id, title, status, product_status, audit_status, document, create_time,"
        " update_time) VALUES (?, ?, ?, 'ACTIVATE', 'ACTIVATE', 'APPROVED', ?, ?, ?)",
        (product_id, shop_id, title, json.dumps(document), now, now),
    )
    given = {
        "price": {"amount": one.get("price", "10.00"), "currency": shop.currency},
        "inventory": [{"warehouse_id": default_warehouse(shop_id), "quantity": one.get("quantity", 100)}],
    }
    shelf.put_skus(world, shop_id, product_id, document, [given], is_live=True)
    return {"product_id": product_id, "sku_id": str(sku["id"]), "seller_sku": str(one["seller_sku"])}
