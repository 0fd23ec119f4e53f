"""`/products/{id}/variations` and `/products/{id}/options` with their values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.responses import Response

from sandbox.shopwired.answers import ApiError, answer, dump, no_content, text_answer
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.documents import (
    Product,
    announce,
    announce_stock,
    load,
    options_text,
    product_row,
    product_url,
    save,
)
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.writing import VARIATION_FIELDS, id_list, plain_values, required_text


@contextmanager
def changing(ask: Ask) -> Iterator[Product]:
    """The product of the path, saved and announced as updated when the block ends well."""
    with ask.world.db.transaction():
        product = load(ask.world, ask.business, ask.ident("id"))
        yield product
        save(ask.world, product)
        announce(ask.world, product, "product.updated")


def pick(items: list[dict[str, Any]], ident: int, what: str) -> dict[str, Any]:
    """The item with this id. Raises ApiError 404."""
    for item in items:
        if item["id"] == ident:
            return item
    raise ApiError(404, f"There is no {what} with the id {ident}")


def list_variations(ask: Ask) -> Response:
    """All variations of a product, paged."""
    count, offset = ask.page()
    product = load(ask.world, ask.business, ask.ident("id"))
    return answer(ask.world, product.variations[offset : offset + count])


def get_variation(ask: Ask) -> Response:
    """One variation."""
    product = load(ask.world, ask.business, ask.ident("id"))
    return answer(ask.world, pick(product.variations, ask.ident("vid"), "variation"))


def create_variation(ask: Ask) -> Response:
    """`values` (ids of option values, one per option) are required; stock is 0 when not given."""
    values = plain_values(ask.given, VARIATION_FIELDS, nullable=True)
    with changing(ask) as product:
        made: dict[str, Any] = {"id": next_id(ask.world, "variation")}
        made |= {name: default for name, (_, default) in VARIATION_FIELDS.items()}
        made |= values | {"url": product_url(ask.world, ask.business, product.lean["slug"])}
        made["stock"] = made["stock"] or 0
        made["values"] = _option_values(product, id_list(ask.given, "values"))
        if any(item["values"] == made["values"] for item in product.variations):
            raise ApiError(422, "There is a variation with these values already")
        product.variations.append(made)
    return answer(ask.world, made, 201)


def update_variation(ask: Ask) -> Response:
    """A partial change, like that of a product."""
    values = plain_values(ask.given, VARIATION_FIELDS, nullable=True)
    with changing(ask) as product:
        item = pick(product.variations, ask.ident("vid"), "variation")
        before = item["stock"]
        item |= values
        item["stock"] = item["stock"] or 0
        if "values" in ask.given:
            item["values"] = _option_values(product, id_list(ask.given, "values"))
        if item["stock"] != before and item["sku"]:
            announce_stock(ask.world, product, item["sku"], item["stock"], is_variation=True)
    return answer(ask.world, item)


def delete_variation(ask: Ask) -> Response:
    """204."""
    with changing(ask) as product:
        product.variations.remove(pick(product.variations, ask.ident("vid"), "variation"))
    return no_content()


def _option_values(product: Product, idents: list[int]) -> list[dict[str, Any]]:
    known = {
        value["id"]: {"id": value["id"], "name": value["name"], "option": {"id": option["id"], "name": option["name"]}}
        for option in product.options
        for value in option["values"]
    }
    if not idents or any(ident not in known for ident in idents):
        raise ApiError(422, "The field 'values' must name option values of this product")
    chosen = [known[ident] for ident in idents]
    if len({value["option"]["id"] for value in chosen}) != len(chosen):
        raise ApiError(422, "The field 'values' must name one value per option")
    return chosen


def list_options(ask: Ask) -> Response:
    """Options of a product; `embed=product_option_values` adds their values."""
    row = product_row(ask.world, ask.business, ask.ident("id"))
    return text_answer(ask.world, options_text(row["options"], "product_option_values" in ask.names("embed")))


def create_option(ask: Ask) -> Response:
    """`name` is required."""
    name = required_text(ask.given, "name")
    with changing(ask) as product:
        order = plain_values(ask.given, {"sortOrder": ("whole", 0)}).get("sortOrder", len(product.options))
        option = {"id": next_id(ask.world, "option"), "name": name, "sortOrder": order, "values": []}
        product.options.append(option)
    return text_answer(ask.world, dump({key: option[key] for key in ("id", "name", "sortOrder")}), 201)


def delete_option(ask: Ask) -> Response:
    """204; refused with 422 while variations use the option."""
    with changing(ask) as product:
        option = pick(product.options, ask.ident("oid"), "option")
        if any(value["option"]["id"] == option["id"] for item in product.variations for value in item["values"]):
            raise ApiError(422, "The option is in use by variations")
        product.options.remove(option)
    return no_content()


def list_option_values(ask: Ask) -> Response:
    """Values of one option."""
    product = load(ask.world, ask.business, ask.ident("id"))
    return answer(ask.world, pick(product.options, ask.ident("oid"), "option")["values"])


def create_option_value(ask: Ask) -> Response:
    """`name` is required."""
    name = required_text(ask.given, "name")
    with changing(ask) as product:
        option = pick(product.options, ask.ident("oid"), "option")
        order = plain_values(ask.given, {"sortOrder": ("whole", 0)}).get("sortOrder", len(option["values"]))
        value = {"id": next_id(ask.world, "value"), "name": name, "sortOrder": order}
        option["values"].append(value)
    return answer(ask.world, value, 201)
