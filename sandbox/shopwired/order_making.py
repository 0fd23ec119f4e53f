"""Makes the document of a new order: lines, VAT, shipping, discounts, totals.

Prices of lines are gross unless the product is `vatExclusive`; `subTotal` and shipping values are net, `total` gross.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.shopwired.answers import ApiError
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.documents import Product, load
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.shop import COUNTRIES
from sandbox.shopwired.stock import find_sku
from sandbox.shopwired.writing import is_id, plain_values, value_map

VAT_RATE = 20
REQUIRED = ("status", "billingAddress", "shippingAddress", "shippingRate", "products")
ADDRESS_TEXTS = (
    "name", "emailAddress", "telephone", "companyName", "addressLine1", "addressLine2", "addressLine3", "city",
    "province", "state", "postcode",
)  # fmt: skip
EXTRA_FIELDS: dict[str, tuple[str, Any]] = {
    "paymentMethod": ("text", "Offline"),
    "comments": ("text", ""),
    "deliveryDate": ("text", None),
    "partialPaymentTotal": ("number", 0),
    "earnedRewardPoints": ("number", 0),
}
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Line:
    """One line of goods. `price` is gross per unit."""

    product: Product
    title: str
    sku: str
    quantity: int
    price: Decimal
    holder: dict[str, Any]
    comments: str


def money(value: Any) -> Decimal:
    """Pounds, rounded to pence."""
    return Decimal(str(value)).quantize(CENT, ROUND_HALF_UP)


def net_of(gross: Decimal) -> Decimal:
    """The amount without VAT."""
    return (gross / (1 + Decimal(VAT_RATE) / 100)).quantize(CENT, ROUND_HALF_UP)


def order_document(ask: Ask, ident: int, created: str, status: dict[str, Any]) -> dict[str, Any]:
    """The whole order with every embed. Raises ApiError 422 for anything missing or wrong."""
    given = ask.given
    lines = [read_line(ask, item) for item in _list_of(given, "products", required=True)]
    check_pictures(ask, [line.product.id for line in lines])
    shipping = _shipping(ask, given["shippingRate"])
    extras = {name: default for name, (_, default) in EXTRA_FIELDS.items()} | plain_values(given, EXTRA_FIELDS)
    discounts = [_adjustment(item, "voucherId", "offerId", "code") for item in _list_of(given, "discounts")]
    fees = [_adjustment(item) for item in _list_of(given, "fees")]
    return {
        "id": ident,
        "reference": given["reference"] if is_id(given.get("reference")) else next_id(ask.world, "reference"),
        "created": created,
        "archived": bool(given.get("archived", False)),
        "anonymized": False,
        "preOrder": False,
        **extras,
        **_totals(lines, shipping, discounts, fees),
        "packageWeight": None,
        "marketing": bool(given.get("acceptsMarketing", False)),
        "trackingUrl": None,
        "invoiceUrl": None,
        "transactionId": None,
        "referrerId": 0,
        "customerSource": None,
        "lineItemVatCalculation": True,
        "status": status,
        "billingAddress": _address(given, "billingAddress"),
        "shippingAddress": _address(given, "shippingAddress"),
        "customer": {"id": given.get("customer") or 0, "type": 0, "dateOfBirth": None, "deviceInfo": {}},
        "shipping": [shipping],
        "discounts": discounts,
        "fees": fees,
        "refunds": [],
        "partialPayments": [],
        "adminComments": [],
        "fileArchives": [],
        "products": [_line_document(ask, line) for line in lines],
        "customFields": value_map(given, "customFields") if "customFields" in given else {},
    }


def check_required(given: dict[str, Any]) -> None:
    """Raises ApiError 422 naming the first required field that is missing."""
    for name in REQUIRED:
        if given.get(name) in (None, "", [], {}):
            raise ApiError(422, f"The field '{name}' is required")


def _list_of(given: dict[str, Any], name: str, *, required: bool = False) -> list[dict[str, Any]]:
    items = given.get(name) or []
    if not isinstance(items, list) or any(not isinstance(item, dict) for item in items) or (required and not items):
        raise ApiError(422, f"The field '{name}' must be a list of objects")
    return items


def check_pictures(ask: Ask, product_ids: list[int]) -> None:
    """Where the sandbox is told to, nothing is done with an order that holds a product with a GIF: ApiError 422."""
    if not ask.world.setting("shopwired.order_picture_rules", False):
        return
    for ident in product_ids:
        row = ask.world.db.one("SELECT images FROM sw_products WHERE id = ?", (ident,))
        for image in json.loads(row["images"]) if row is not None else []:
            if image["url"].endswith(".gif"):
                name = image["url"].rpartition("/")[2]
                raise ApiError(422, f"The image '{name}' of a product does not comply with the image rules")


def read_line(ask: Ask, item: dict[str, Any]) -> Line:
    """A line of the body, by `sku` or by product `id`. Raises ApiError 422 when the shop knows neither."""
    quantity = item.get("quantity", 1)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 1:
        raise ApiError(422, "The field 'quantity' must be a whole number from 1")
    product, holder = _goods(ask, item)
    price = item.get("price")
    if price is None:
        price = _own_price(product, holder)
    if isinstance(price, bool) or not isinstance(price, int | float):
        raise ApiError(422, f"The field 'price' cannot be {price!r}")
    gross = money(price)
    if product.lean["vatExclusive"]:
        gross = money(gross * (100 + VAT_RATE) / 100)
    title = str(item.get("title") or product.lean["title"])
    return Line(product, title, holder["sku"] or "", quantity, gross, holder, str(item.get("comments") or ""))


def _goods(ask: Ask, item: dict[str, Any]) -> tuple[Product, dict[str, Any]]:
    sku, ident = item.get("sku"), item.get("id", item.get("productId"))
    if isinstance(sku, str) and sku:
        found = find_sku(ask.world, ask.business, sku)
        if found is None:
            raise ApiError(422, f"There is nothing with the SKU '{sku}'")
        return found[0], found[1]
    if not is_id(ident):
        raise ApiError(422, "A product line needs 'sku' or 'id'")
    try:
        product = load(ask.world, ask.business, ident)
    except ApiError as error:
        raise ApiError(422, error.message) from error
    return product, product.lean


def _own_price(product: Product, holder: dict[str, Any]) -> Any:
    if holder.get("salePrice") is not None:
        return holder["salePrice"]
    return product.lean["price"] if holder["price"] is None else holder["price"]


def _line_document(ask: Ask, line: Line) -> dict[str, Any]:
    product, gross = line.product, line.price
    vat = gross - net_of(gross)
    values = line.holder.get("values", [])
    return {
        "id": product.id,
        "itemId": next_id(ask.world, "order_item"),
        "title": line.title,
        "sku": line.sku,
        "gtin": line.holder["gtin"],
        "mpn": line.holder["mpn"],
        "price": float(gross),
        "priceVat": float(vat),
        "total": float(gross * line.quantity),
        "totalVat": float(gross * line.quantity - net_of(gross * line.quantity)),
        "originalPrice": float(gross),
        "costPrice": line.holder["costPrice"],
        "quantity": line.quantity,
        "vatRate": VAT_RATE,
        "comments": line.comments,
        "choices": [],
        "extras": [],
        "variation": [{"name": value["option"]["name"], "value": value["name"]} for value in values],
        "customFields": [],
    }


def _shipping(ask: Ask, given: Any) -> dict[str, Any]:
    """A rate's id, or an object `{name, value}` (net) or `{name, cost, vatExclusive}` (gross unless it says so)."""
    if isinstance(given, dict) and ("value" in given or "cost" in given):
        rate = {"id": given.get("id", 0), "name": given.get("name"), **given}
        if "value" in given:
            rate |= {"cost": given["value"], "vatExclusive": True}
    else:
        rate = _stored_rate(ask, given.get("id") if isinstance(given, dict) else given)
    if isinstance(rate["cost"], bool) or not isinstance(rate["cost"], int | float):
        raise ApiError(422, "The field 'shippingRate' has no cost")
    cost = money(rate["cost"])
    net = cost if rate.get("vatExclusive") else net_of(cost)
    return {"id": rate["id"], "name": rate["name"], "value": float(net), "vatRate": VAT_RATE}


def _stored_rate(ask: Ask, ident: Any) -> dict[str, Any]:
    row = ask.world.db.one(
        "SELECT document FROM sw_rates WHERE id = ? AND business = ?",
        (ident if is_id(ident) else -1, ask.business),
    )
    if row is None:
        raise ApiError(422, f"There is no shipping rate {ident!r}")
    rate: dict[str, Any] = json.loads(row["document"])
    return rate


def _adjustment(item: dict[str, Any], *more: str) -> dict[str, Any]:
    value = item.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError(422, "A discount or fee needs a number as 'value'")
    kind = item.get("type", "fixed")
    return {"name": item.get("name"), "value": value, "type": kind, **{name: item.get(name) for name in more}}


def _totals(
    lines: list[Line], shipping: dict[str, Any], discounts: list[dict[str, Any]], fees: list[dict[str, Any]]
) -> dict[str, Any]:
    goods = sum((line.price * line.quantity for line in lines), Decimal(0))
    carriage = money(shipping["value"])
    carriage_gross = money(carriage * (100 + VAT_RATE) / 100)
    off = sum((_amount(item, goods) for item in discounts), Decimal(0))
    more = sum((_amount(item, goods) for item in fees), Decimal(0))
    total = goods + carriage_gross - off + more
    return {
        "total": float(money(total)),
        "subTotal": float(net_of(goods)),
        "shippingTotal": float(carriage),
        "originalShippingTotal": float(carriage),
        "tax": {"type": "vat", "value": float(money(total - net_of(total)))},
    }


def _amount(item: dict[str, Any], goods: Decimal) -> Decimal:
    """Discounts and fees are pounds off the gross total, or a percentage of the goods."""
    return money(goods * Decimal(str(item["value"])) / 100) if item["type"] == "percentage" else money(item["value"])


def _address(given: dict[str, Any], name: str) -> dict[str, Any]:
    address = given[name]
    if not isinstance(address, dict):
        raise ApiError(422, f"The field '{name}' must be an object")
    ident = address.get("countryId", address.get("country"))
    country = next((found for found in COUNTRIES if found[0] == ident), None)
    if country is None:
        raise ApiError(422, f"The field '{name}' needs a known countryId, not {ident!r}")
    texts = {key: address.get(key) for key in ADDRESS_TEXTS}
    return {**texts, "country": country[2], "countryId": country[0]}
