"""`/products`: list, count, search, get, create, update, delete."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from sandbox.catalogue import slug_of
from sandbox.shopwired.answers import ApiError, answer, list_answer, no_content, rfc2822, text_answer
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.documents import Embedding, Product, announce, announce_stock, load, product_row, save
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.writing import PRODUCT_FIELDS, id_list, plain_values, required_text, value_map
from sandbox.world import World


def list_products(ask: Ask) -> Response:
    """Products in the order of their creation, or by `sort`."""
    count, offset = ask.page()
    where, params = _active(ask)
    order = ask.order(title="title COLLATE NOCASE")
    # Skipping happens inside the index; the documents are read for this page only.
    rows = ask.world.db.query(
        f"SELECT * FROM sw_products WHERE id IN (SELECT id FROM sw_products WHERE {where}"
        f" ORDER BY {order} LIMIT ? OFFSET ?) ORDER BY {order}",
        (*params, count, offset),
    )
    embedding = Embedding(ask)
    return list_answer(ask.world, [embedding.text(row) for row in rows])


def count_products(ask: Ask) -> Response:
    """`{"count": n}` under the same filter."""
    where, params = _active(ask)
    return answer(ask.world, {"count": ask.world.db.value(f"SELECT COUNT(*) FROM sw_products WHERE {where}", params)})


def _active(ask: Ask) -> tuple[str, tuple[int, ...]]:
    active = ask.flag("active")
    if active is None:
        return "business = ?", (ask.business,)
    return "business = ? AND active = ?", (ask.business, active)


def search_products(ask: Ask) -> Response:
    """Products whose title, or any of whose SKUs, contains the keywords; a bare list."""
    keywords = ask.call.query.get("keywords", "").strip()
    if not keywords:
        raise ApiError(422, "The field 'keywords' is required")
    count, offset = ask.page()
    order = ask.order(title="title COLLATE NOCASE")
    rows = ask.world.db.query(
        # Both halves look through an index only, never through the documents.
        "SELECT * FROM sw_products WHERE id IN"
        " (SELECT id FROM sw_products WHERE business = ? AND instr(lower(title), lower(?))"
        " UNION SELECT product FROM sw_skus WHERE business = ? AND instr(lower(sku), lower(?)))"
        f" ORDER BY {order} LIMIT ? OFFSET ?",
        (ask.business, keywords, ask.business, keywords, count, offset),
    )
    embedding = Embedding(ask)
    return list_answer(ask.world, [embedding.text(row) for row in rows])


def get_product(ask: Ask) -> Response:
    """One product; 404 for a moment after its creation when the sandbox is told to lag."""
    row = product_row(ask.world, ask.business, ask.ident())
    lag = ask.world.setting("shopwired.lag_seconds", 0)
    if lag and row["created"] > ask.world.clock.now() - lag:
        raise ApiError(404, f"There is no product with the id {row['id']}")
    return text_answer(ask.world, Embedding(ask).text(row))


def create_product(ask: Ask) -> Response:
    """`title` is all that is required; 201 with the new product."""
    required_text(ask.given, "title")
    values = plain_values(ask.given, PRODUCT_FIELDS)
    with ask.world.db.transaction():
        now = ask.world.clock.now()
        lean: dict[str, Any] = {"id": next_id(ask.world, "product")}
        lean |= {name: default for name, (_, default) in PRODUCT_FIELDS.items()}
        lean |= {"url": "", "createdAt": rfc2822(now), "updatedAt": rfc2822(now)}
        product = Product(ask.business, now, lean)
        lean["slug"] = free_slug(ask.world, product, values.get("slug") or slug_of(ask.given["title"]))
        apply_values(ask.world, product, values, ask.given)
        save(ask.world, product)
        announce(ask.world, product, "product.created")
    return _shown(ask, product.id, 201)


def update_product(ask: Ask) -> Response:
    """Absent keys stay; `customFields`, `filters` and `categories` are replaced as a whole."""
    if "title" in ask.given:
        required_text(ask.given, "title")
    change_product(ask.world, ask.business, ask.ident(), ask.given)
    return _shown(ask, ask.ident(), 200)


def change_product(world: World, business: int, ident: int, given: dict[str, Any]) -> None:
    """Change a product from a PUT body, with its events. Raises ApiError 404 or 422."""
    values = plain_values(given, PRODUCT_FIELDS)
    with world.db.transaction():
        product = load(world, business, ident)
        stock = product.lean["stock"]
        apply_values(world, product, values, given)
        save(world, product)
        announce(world, product, "product.updated")
        if product.lean["stock"] != stock and product.lean["sku"]:
            announce_stock(world, product, product.lean["sku"], product.lean["stock"], is_variation=False)


def delete_product(ask: Ask) -> Response:
    """204; a later GET answers 404."""
    with ask.world.db.transaction():
        product = load(ask.world, ask.business, ask.ident())
        for table, column in (("sw_products", "id"), ("sw_skus", "product"), ("sw_old_slugs", "product")):
            ask.world.db.execute(f"DELETE FROM {table} WHERE {column} = ?", (product.id,))
        announce(ask.world, product, "product.deleted")
    return no_content()


def _shown(ask: Ask, ident: int, status: int) -> Response:
    return text_answer(ask.world, Embedding(ask).text(product_row(ask.world, ask.business, ident)), status)


def apply_values(world: World, product: Product, values: dict[str, Any], given: dict[str, Any]) -> None:
    """Write checked plain values and the related keys of a body into a product."""
    lean = product.lean
    if "slug" in values and values["slug"] != lean["slug"]:
        _rename(world, product, slug_of(values["slug"]))
    lean |= {name: value for name, value in values.items() if name != "slug"}
    if lean["deliveryPrice"] == -1:
        lean["deliveryPrice"] = None
    if lean["comparePrice"] == 0:
        lean["comparePrice"] = None
    if "categories" in given:
        product.categories = _known_shelves(world, product.business, "category", id_list(given, "categories"))
    if "brand" in given:
        wanted = [] if given["brand"] is None else id_list({"brand": [given["brand"]]}, "brand")
        product.brand = next(iter(_known_shelves(world, product.business, "brand", wanted)), None)
    if "customFields" in given:
        # Keys left out are lost; an empty text clears its field.
        product.custom_fields = {name: item for name, item in value_map(given, "customFields").items() if item != ""}
    if "filters" in given:
        product.filters = value_map(given, "filters")


def _known_shelves(world: World, business: int, kind: str, idents: list[int]) -> list[int]:
    for ident in idents:
        found = world.db.one(
            "SELECT id FROM sw_shelves WHERE kind = ? AND id = ? AND business = ?", (kind, ident, business)
        )
        if found is None:
            raise ApiError(422, f"There is no {kind} with the id {ident}")
    return list(dict.fromkeys(idents))


def _rename(world: World, product: Product, slug: str) -> None:
    """Take a new slug; the old one keeps leading to the product."""
    old = product.lean["slug"]
    product.lean["slug"] = free_slug(world, product, slug)
    world.db.execute("DELETE FROM sw_old_slugs WHERE business = ? AND slug = ?", (product.business, slug))
    world.db.execute("INSERT OR REPLACE INTO sw_old_slugs VALUES (?, ?, ?)", (product.business, old, product.id))


def free_slug(world: World, product: Product, wanted: str) -> str:
    """`wanted`, or with a number behind it when another product of the shop has it."""
    slug, number = slug_of(wanted), 1
    test = "SELECT id FROM sw_products WHERE business = ? AND slug = ? AND id <> ?"
    while world.db.one(test, (product.business, slug, product.id)):
        number += 1
        slug = f"{slug_of(wanted)}-{number}"
    return slug
