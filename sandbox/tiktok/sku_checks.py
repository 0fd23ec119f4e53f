"""Business rules of the `skus` of a product: variants, prices, stock, identifiers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sandbox.tiktok import logistics, pictures
from sandbox.tiktok.accounts import Shop
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.category_rules import KINDS
from sandbox.tiktok.text_checks import CHINESE, breaks_format
from sandbox.world import World

MANY_SKU_REGIONS = ("BR", "DE", "ES", "FR", "IE", "IT", "JP", "MX", "GB", "US")
KINDS_OF_VARIATION = 3
NAME_LONGEST, VALUE_LONGEST, SELLER_SKU_LONGEST = 20, 50, 50
PRICE_RANGES = {"GBP": (Decimal("0.01"), Decimal(5600)), "USD": (Decimal("0.01"), Decimal(7600))}
MONEY = re.compile(r"\d+(\.\d{1,2})?")
QUANTITY = (0, 99_999)
IDENTIFIERS = {
    "GTIN": r"\d{14}",
    "EAN": r"\d{8}|\d{13}|\d{14}",
    "UPC": r"\d{12}",
    "ISBN": r"\d{13}|\d{9}[\dX]",
    "JAN": r"\d{8}|\d{13}",
}
Sku = dict[str, Any]


def problems(world: World, shop: Shop, skus: list[Sku], product_id: str | None) -> Iterator[Refused]:
    """Every broken rule. SKUs with an id (edits) may leave out price and inventory, which then stay."""
    if not skus:
        yield Refused(12052902, "The SKU list is empty.")
        return
    most = 300 if shop.region in MANY_SKU_REGIONS else 100
    if len(skus) > most:
        yield Refused(12052558, f"There are too many SKUs. The maximum is {most}.")
    yield from _check_variation(world, skus)
    for sku in skus:
        yield from _check_seller_sku(sku.get("seller_sku") or "")
        if sku.get("price") or not sku.get("id"):
            yield from check_price(shop, sku.get("price") or {})
        if sku.get("inventory") or not sku.get("id"):
            yield from check_inventory(shop, sku.get("inventory") or [])
        if sku.get("list_price") and shop.region != "US":
            yield Refused(12052376, "A list price is not supported in this region.")
        yield from _check_identifier(sku.get("identifier_code") or {})
    yield from _check_unique_identifiers(world, shop, skus, product_id)


def _check_variation(world: World, skus: list[Sku]) -> Iterator[Refused]:
    kinds = [tuple(sorted(_kind(one) for one in sku.get("sales_attributes") or [])) for sku in skus]
    if len(skus) > 1 and not any(kinds):
        yield Refused(12052559, "The default SKU is duplicated. Several SKUs need sales attributes.")
        return
    if len(set(kinds)) > 1:
        yield Refused(12052550, "All SKUs must have the same kinds of sales attributes.")
    if max(len(one) for one in kinds) > KINDS_OF_VARIATION:
        yield Refused(12052525, "There are more than 3 kinds of sales attributes.")
    combinations = [
        tuple(sorted((_kind(one), _value(one)) for one in sku.get("sales_attributes") or [])) for sku in skus
    ]
    if len(set(combinations)) < len(combinations):
        yield Refused(12052560, "A combination of sales attributes is duplicated.")
    attributes = [one for sku in skus for one in sku.get("sales_attributes") or []]
    for one in attributes:
        yield from _check_sales_attribute(one)
    yield from _check_variation_images(world, attributes)


def _kind(attribute: dict[str, Any]) -> str:
    return str(attribute.get("id") or attribute.get("name") or "")


def _value(attribute: dict[str, Any]) -> str:
    return str(attribute.get("value_id") or attribute.get("value_name") or "")


def _check_sales_attribute(one: dict[str, Any]) -> Iterator[Refused]:
    name, value = one.get("name") or "", one.get("value_name") or ""
    if not _kind(one) or not _value(one):
        yield Refused(12019019, "A sales attribute needs an id or a name, and a value id or a value name.")
        return
    if one.get("id") and (one["id"] not in KINDS or not KINDS[one["id"]].sales) and not is_own_id(one["id"]):
        yield Refused(12052527, f"The sales attribute id {one['id']} does not exist.")
    if len(name) > NAME_LONGEST or len(value) > VALUE_LONGEST:
        yield Refused(12019019, "The name of a sales attribute is over 20 or its value over 50 characters.")
    if name and (breaks_format(name) or CHINESE.search(name)):
        yield Refused(12052933, f"The sales attribute name {name!r} does not follow the formatting rules.")
    if value and (breaks_format(value) or CHINESE.search(value)):
        yield Refused(12052934, f"The sales attribute value {value!r} does not follow the formatting rules.")


def is_own_id(id: str) -> bool:
    """Whether this is the 19-digit id of a custom attribute or value, made when a product was created."""
    return len(id) == 19 and id.isdigit()


def _check_variation_images(world: World, attributes: list[dict[str, Any]]) -> Iterator[Refused]:
    pictured = [one for one in attributes if one.get("sku_img")]
    if len({_kind(one) for one in pictured}) > 1:
        yield Refused(12052528, "Only one kind of sales attribute may have images.")
    for one in pictured:
        uri = one["sku_img"]["uri"]
        if not pictures.URI.fullmatch(uri):
            yield Refused(12052520, f"The SKU image URI {uri!r} is illegal.")
        elif pictures.find_image(world, uri) is None:
            yield Refused(12052722, f"The image URI {uri} is unknown to TikTok Shop.")
    for one in attributes:
        if one.get("supplementary_sku_images") and not one.get("sku_img"):
            yield Refused(12052357, "Supplementary SKU images need a SKU image.")
        if len(one.get("supplementary_sku_images") or []) > 8:
            yield Refused(12052356, "There are too many supplementary SKU images.")


def _check_seller_sku(seller_sku: str) -> Iterator[Refused]:
    if len(seller_sku) > SELLER_SKU_LONGEST:
        yield Refused(12052054, "The seller SKU is too long. The maximum is 50 characters.")
    if CHINESE.search(seller_sku):
        yield Refused(12052554, "The seller SKU contains Chinese characters.")
    elif re.search(r"\s", seller_sku):
        yield Refused(12019059, f"The seller SKU {seller_sku!r} is invalid. It must not contain spaces.")


def check_price(shop: Shop, price: dict[str, str], *, bad_format: int = 12052073) -> Iterator[Refused]:
    """Currency, format and range. Price updates call a wrong format by another code."""
    amount = price.get("amount")
    if not amount:
        yield Refused(12052571, "The price is missing.")
        return
    if price.get("currency") != shop.currency:
        yield Refused(
            12052084, f"The currency {price.get('currency')} is not available for the shop, use {shop.currency}."
        )
        return
    if not MONEY.fullmatch(amount):
        yield Refused(bad_format, f"The price {amount!r} is invalid.")
        return
    low, high = PRICE_RANGES[shop.currency]
    if not low <= Decimal(amount) <= high:
        yield Refused(12052570, f"The price exceeds the limit. It must be within {low} to {high}.")


def check_inventory(shop: Shop, inventory: list[dict[str, Any]]) -> Iterator[Refused]:
    """Warehouses are known, of this shop, enabled, for sales, and named once; quantities are within limits."""
    if not inventory:
        yield Refused(12052486, "Inventory is required for all SKUs.")
    ids = Counter(one["warehouse_id"] for one in inventory)
    for id, times in ids.items():
        if times > 1:
            yield Refused(12052555, f"The warehouse {id} is duplicated.")
        yield from check_warehouse(shop, id)
    for one in inventory:
        if one.get("quantity") is None:
            yield Refused(12052486, "Inventory is required for all SKUs.")
        elif not QUANTITY[0] <= one["quantity"] <= QUANTITY[1]:
            yield Refused(12052055, "The SKU inventory quantity for the warehouse must be within allowed limits.")


def check_warehouse(shop: Shop, id: str) -> Iterator[Refused]:
    """Why this warehouse cannot hold stock of a listing."""
    warehouse = logistics.BY_ID.get(id)
    if warehouse is None:
        yield Refused(12052097, "The warehouse does not exist")
    elif warehouse.shop_id != shop.id:
        yield Refused(12052530, "The warehouse does not belong to this shop.")
    elif warehouse.type != "SALES_WAREHOUSE":
        yield Refused(12052532, "The warehouse is not a sales warehouse.")
    elif warehouse.effect_status != "ENABLED":
        yield Refused(12052531, "The warehouse is disabled.")


def _check_identifier(code: dict[str, str]) -> Iterator[Refused]:
    value, kind = code.get("code") or "", code.get("type") or ""
    if not value:
        return
    if kind not in IDENTIFIERS:
        yield Refused(12052600, "The type of the identifier code is missing.")
    elif "X" in value[:-1]:
        yield Refused(12052598, "X is allowed only as the last character of an identifier code.")
    elif not re.fullmatch(IDENTIFIERS[kind], value):
        yield Refused(12052591, f"The identifier code {value!r} has a wrong length for {kind}.")


def _check_unique_identifiers(world: World, shop: Shop, skus: list[Sku], product_id: str | None) -> Iterator[Refused]:
    codes = Counter(code for sku in skus if (code := (sku.get("identifier_code") or {}).get("code")))
    for code, times in codes.items():
        taken = world.db.one(
            "SELECT 1 FROM tt_skus WHERE shop_id = ? AND identifier = ? AND is_live = 1 AND product_id <> ?",
            (shop.id, code, product_id or ""),
        )
        if times > 1 or taken:
            yield Refused(12052592, f"The identifier code {code} is used by another SKU.")
