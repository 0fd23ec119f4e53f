"""Puts the two demo businesses and their catalogues into the database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sandbox import demo
from sandbox.catalogue import BASE_MARK, DemoProduct, demo_products, slug_of
from sandbox.catalogue_words import BRANDS, SHELVES
from sandbox.shopwired.answers import dump, rfc2822
from sandbox.shopwired.sequences import last_id, set_last_id
from sandbox.shopwired.writing import PRODUCT_FIELDS, SHELF_FIELDS
from sandbox.world import World

SECOND_SHOP_PRODUCTS = 60
FIRST_CREATED = 1717232400.0  # 1 June 2024, 09:00 UTC
CREATED_EVERY = 180.0
BATCH = 2000
LIMITED_PERMISSIONS = ["read_business", "read_categories", "read_brands", "read_orders", "read_shipping"]
STATUSES = (
    ("Not Paid", "unpaid"), ("Paid", "paid"), ("Processing", "custom"), ("Dispatched", "shipped"),
    ("Completed", "shipped"), ("Cancelled", "cancelled"), ("Refunded", "cancelled"), ("Part Refunded", "cancelled"),
)  # fmt: skip
RATES = (("Tracked 48", 3.95), ("Tracked 24", 5.95), ("Free delivery", 0.0))
CUSTOM_FIELDS = (
    ("tiktok_length", "TikTok Length", "text", None),
    ("tiktok_width", "TikTok Width", "text", None),
    ("tiktok_height", "TikTok Height", "text", None),
    ("tiktok_unit", "TikTok Unit", "choice", ["CENTIMETER", "INCH"]),
    ("tiktok_video", "TikTok Video", "text", None),
    ("google_product_category", "Google product category", "text", None),
    ("gift_wrap", "Gift wrap", "toggle", None),
    ("care", "Care instructions", "text", None),
)
CATALOGUE_TABLES = ("sw_products", "sw_skus", "sw_old_slugs", "sw_shelves", "sw_custom_fields")
EMPTY_PRODUCT = {name: default for name, (_, default) in PRODUCT_FIELDS.items()}
EMPTY_SHELF = {name: default for name, (_, default) in SHELF_FIELDS.items()}


def seed_shops(world: World) -> None:
    """Businesses, keys, order statuses and shipping rates; what is there already stays."""
    if world.db.value("SELECT COUNT(*) FROM sw_businesses"):
        return
    world.set_setting("shopwired.generation", time.time_ns())
    for business in demo.SHOPWIRED_BUSINESSES:
        world.db.execute(
            "INSERT INTO sw_businesses VALUES (?, ?, ?, ?, ?, ?)",
            (business.id, business.name, slug_of(business.name), business.currency, business.country,
             business.webhook_secret),
        )  # fmt: skip
        _add_key(world, business.key, business.secret, business.id, ["*"])
        _seed_orders_desk(world, business.id)
    harbour = demo.SHOPWIRED_HARBOUR
    _add_key(world, demo.SHOPWIRED_LIMITED_KEY, harbour.secret, harbour.id, LIMITED_PERMISSIONS)


def _add_key(world: World, key: str, secret: str, business: int, permissions: list[str]) -> None:
    world.db.execute("INSERT INTO sw_keys VALUES (?, ?, ?, ?)", (key, secret, business, json.dumps(permissions)))


def _seed_orders_desk(world: World, business: int) -> None:
    # Ids differ between businesses, so that nobody gets away with fixed ones.
    for place, (name, kind) in enumerate(STATUSES):
        world.db.execute(
            "INSERT INTO sw_statuses VALUES (?, ?, ?, ?, ?)", (business * 500 + place, business, name, kind, place)
        )
    for place, (name, cost) in enumerate(RATES):
        rate = {"id": business * 20 + place, "name": name, "criteria": "price", "from": 0, "to": 0, "cost": cost}
        world.db.execute(
            "INSERT INTO sw_rates VALUES (?, ?, ?, ?)",
            (rate["id"], business, name, dump({**rate, "vatExclusive": False})),
        )
    set_last_id(world, "status", 2000)
    set_last_id(world, "rate", 200)


def seed_catalogue(world: World, products: int) -> None:
    """Replace the catalogues: `products` in business 1, 60 (or fewer) in business 2. 200,000 take under a minute."""
    with world.db.transaction():
        for table in CATALOGUE_TABLES:
            world.db.execute(f"DELETE FROM {table}")
        for name in ("product", "variation", "image", "option", "value", "category", "brand", "custom_field"):
            world.db.execute("DELETE FROM sw_sequences WHERE name = ?", (name,))
        for business, count in ((1, products), (2, min(SECOND_SHOP_PRODUCTS, products))):
            _Shop(world, business).fill(count)


class _Shop:
    """Gives ids to the demo products of one business and stores them."""

    def __init__(self, world: World, business: int) -> None:
        self._world = world
        self._business = business
        self._slug = world.db.value("SELECT slug FROM sw_businesses WHERE id = ?", (business,))
        self._ids = {name: last_id(world, name) for name in ("product", "variation", "image", "option", "value")}

    def fill(self, count: int) -> None:
        self._add_custom_fields()
        self._shelf_ids = self._add_categories()
        self._brand_ids = {name: self._add_shelf("brand", name, []) for name in BRANDS}
        rows = self._rows(count)
        while batch := list(islice(rows, BATCH)):
            self._world.db.execute_many(
                "INSERT INTO sw_products VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}')",
                [product for product, _ in batch],
            )
            self._world.db.execute_many(
                "INSERT INTO sw_skus VALUES (?, ?, ?, ?)", [sku for _, skus in batch for sku in skus]
            )
        for name, last in self._ids.items():
            set_last_id(self._world, name, last)

    def _next(self, name: str) -> int:
        self._ids[name] += 1
        return self._ids[name]

    def _add_custom_fields(self) -> None:
        last = last_id(self._world, "custom_field")
        for place, (name, label, kind, allowed) in enumerate(CUSTOM_FIELDS):
            last += 1
            document = {
                "id": last, "name": name, "label": label, "type": kind, "itemType": "product", "sortOrder": place,
                "allowedValues": allowed,
            }  # fmt: skip
            self._world.db.execute(
                "INSERT INTO sw_custom_fields VALUES (?, ?, ?, ?)", (last, self._business, name, dump(document))
            )
        set_last_id(self._world, "custom_field", last)

    def _add_categories(self) -> dict[tuple[str, str], int]:
        found = {}
        for top, leaves in SHELVES.items():
            parent = self._add_shelf("category", top, [])
            for leaf in leaves:
                found[(top, leaf)] = self._add_shelf("category", leaf, [parent])
        return found

    def _add_shelf(self, kind: str, title: str, parents: list[int]) -> int:
        ident = last_id(self._world, kind) + 1
        set_last_id(self._world, kind, ident)
        slug = slug_of(title)
        url = f"{BASE_MARK}/shop/{self._slug}/{kind[0]}/{slug}"
        lean = {"id": ident, **EMPTY_SHELF, "title": title, "slug": slug, "url": url}
        lean["createdAt"] = rfc2822(FIRST_CREATED - 86400)
        self._world.db.execute(
            "INSERT INTO sw_shelves VALUES (?, ?, ?, ?, 1, ?, ?, '{}')",
            (ident, self._business, kind, title, dump(lean), dump(parents)),
        )
        return ident

    def _rows(self, count: int) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
        for number, product in enumerate(demo_products(self._business, count)):
            yield self._row(product, FIRST_CREATED + number * CREATED_EVERY)

    def _row(self, product: DemoProduct, created: float) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
        ident, moment, fields = self._next("product"), rfc2822(created), product.fields
        url = f"{BASE_MARK}/shop/{self._slug}/{fields['slug']}"
        lean = {"id": ident, **EMPTY_PRODUCT, **fields, "url": url, "createdAt": moment, "updatedAt": moment}
        options = self._options(product)
        variations = self._variations(product, options, url)
        images = [
            {"id": self._next("image"), "url": BASE_MARK + path, "description": alt, "sortOrder": place}
            for place, (path, alt) in enumerate(product.images)
        ]
        shelf = [] if product.shelf is None else [self._shelf_ids[product.shelf]]
        brand = None if product.brand is None else self._brand_ids[product.brand]
        row = (
            ident, self._business, fields["title"], fields["slug"], int(lean["active"]), created, brand, dump(lean),
            dump(variations), dump(images), dump(options), dump(shelf), dump(product.custom_fields),
        )  # fmt: skip
        skus = [(self._business, lean["sku"], ident, 0)] if lean["sku"] else []
        skus += [(self._business, item["sku"], ident, item["id"]) for item in variations if item["sku"]]
        return row, skus

    def _options(self, product: DemoProduct) -> list[dict[str, Any]]:
        names: dict[str, dict[str, None]] = {}
        for variation in product.variations:
            for option, value in variation["values"]:
                names.setdefault(option, {})[value] = None
        return [
            {"id": self._next("option"), "name": option, "sortOrder": place,
             "values": [{"id": self._next("value"), "name": value, "sortOrder": at} for at, value in enumerate(values)]}
            for place, (option, values) in enumerate(names.items())
        ]  # fmt: skip

    def _variations(self, product: DemoProduct, options: list[dict[str, Any]], url: str) -> list[dict[str, Any]]:
        found = {
            (option["name"], value["name"]): {
                "id": value["id"], "name": value["name"], "option": {"id": option["id"], "name": option["name"]},
            }
            for option in options
            for value in option["values"]
        }  # fmt: skip
        return [
            {"id": self._next("variation"), **item, "url": url, "values": [found[pair] for pair in item["values"]]}
            for item in product.variations
        ]
