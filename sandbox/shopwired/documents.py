"""Product documents: how they are read from the database, put together with embeds, and written back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.catalogue import BASE_MARK
from sandbox.shopwired.answers import ApiError, dump, rfc2822
from sandbox.shopwired.asks import Ask, project
from sandbox.shopwired.events import happened
from sandbox.world import World

# Embeds the demo shops have nothing for; they are there all the same when asked for.
_EMPTY_EMBEDS = {
    "choices": "[]",
    "extras": "[]",
    "customization_fields": "[]",
    "bulk_prices": "[]",
    "tags": "[]",
    "related_products": "[]",
    "vat_relief": "false",
}
_EMPTY_KEYS = {
    "customization_fields": "customizationFields",
    "bulk_prices": "bulkPrices",
    "related_products": "relatedProducts",
    "vat_relief": "vatRelief",
}


@dataclass
class Product:
    """A product taken apart for changing; `save` puts it back. `categories` are ids, `brand` an id or None."""

    business: int
    created: float
    lean: dict[str, Any]
    variations: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    categories: list[int] = field(default_factory=list)
    brand: int | None = None
    custom_fields: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The product's id."""
        return int(self.lean["id"])


def product_row(world: World, business: int, ident: int) -> dict[str, Any]:
    """The stored row. Raises ApiError 404 when this business has no such product."""
    row = world.db.one("SELECT * FROM sw_products WHERE id = ? AND business = ?", (ident, business))
    if row is None:
        raise ApiError(404, f"There is no product with the id {ident}")
    return row


def load(world: World, business: int, ident: int) -> Product:
    """A product taken apart. Raises ApiError 404 when there is none."""
    row = product_row(world, business, ident)
    parts = ("lean", "variations", "images", "options", "categories", "custom_fields", "filters")
    return Product(business, row["created"], brand=row["brand"], **{part: json.loads(row[part]) for part in parts})


def save(world: World, product: Product) -> None:
    """Store a product with a new `updatedAt` and its SKUs; call it inside a transaction."""
    lean = product.lean
    lean["url"] = product_url(world, product.business, lean["slug"])
    lean["updatedAt"] = rfc2822(world.clock.now())
    parts = (lean, product.variations, product.images, product.options, product.categories, product.custom_fields)
    world.db.execute(
        "INSERT OR REPLACE INTO sw_products VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (product.id, product.business, lean["title"], lean["slug"], int(lean["active"]), product.created,
         product.brand, *(dump(part) for part in parts), dump(product.filters)),
    )  # fmt: skip
    world.db.execute("DELETE FROM sw_skus WHERE product = ?", (product.id,))
    skus = [(lean["sku"], 0), *((item["sku"], item["id"]) for item in product.variations)]
    world.db.execute_many(
        "INSERT INTO sw_skus VALUES (?, ?, ?, ?)",
        [(product.business, sku, product.id, variation) for sku, variation in skus if sku],
    )


def product_url(world: World, business: int, slug: str) -> str:
    """The product's page in the shop window."""
    shop = world.db.value("SELECT slug FROM sw_businesses WHERE id = ?", (business,))
    return f"{BASE_MARK}/shop/{shop}/{slug}"


def announce(world: World, product: Product, topic: str) -> None:
    """Raise `product.created`, `.updated` or `.deleted` with the object without embeds."""
    happened(world, product.business, topic, product.id, dump({"object": product.lean}))


def announce_stock(
    world: World, product: Product, sku: str, quantity: int, *, is_variation: bool, order_id: int | None = None
) -> None:
    """Raise `product.stock_changed`."""
    data: dict[str, Any] = {"sku": sku, "isVariation": is_variation, "newQuantity": quantity}
    if order_id is not None:
        data["orderId"] = order_id
    happened(world, product.business, "product.stock_changed", product.id, dump(data))


class Embedding:
    """What one call wants of its products: `embed` in snake_case, `fields` in camelCase.

    An embedded key must be in `fields` too when both are given; without custom values `customFields` is left out.
    """

    def __init__(self, ask: Ask) -> None:
        self._embeds = ask.names("embed")
        self._fields = ask.names("fields")
        self._categories = _shelves(ask, "category") if "categories" in self._embeds else {}
        self._brands = _shelves(ask, "brand") if "brand" in self._embeds else {}

    def text(self, row: dict[str, Any]) -> str:
        """The document of a stored row."""
        lean = row["lean"]
        return project(f"{lean[:-1]}{self._extra(row)}}}" if self._embeds else lean, self._fields)

    def _extra(self, row: dict[str, Any]) -> str:
        embeds, parts = self._embeds, []
        for name in ("variations", "images", "filters"):
            if name in embeds:
                parts.append(f',"{name}":{row[name]}')
        if "options" in embeds:
            parts.append(f',"options":{options_text(row["options"], "product_option_values" in embeds)}')
        if "categories" in embeds:
            known = (self._categories.get(ident) for ident in json.loads(row["categories"]))
            parts.append(f',"categories":[{",".join(text for text in known if text)}]')
        if "brand" in embeds:
            parts.append(f',"brand":{self._brands.get(row["brand"], "null")}')
        if "custom_fields" in embeds and row["custom_fields"] != "{}":
            parts.append(f',"customFields":{row["custom_fields"]}')
        parts += [f',"{_EMPTY_KEYS.get(name, name)}":{text}' for name, text in _EMPTY_EMBEDS.items() if name in embeds]
        return "".join(parts)


def _shelves(ask: Ask, kind: str) -> dict[int, str]:
    rows = ask.world.db.query("SELECT id, lean FROM sw_shelves WHERE business = ? AND kind = ?", (ask.business, kind))
    return {row["id"]: row["lean"] for row in rows}


def options_text(stored: str, with_values: bool) -> str:
    """Options as the API shows them: their values only on request."""
    if with_values:
        return stored
    plain = [{key: option[key] for key in ("id", "name", "sortOrder")} for option in json.loads(stored)]
    return dump(plain)
