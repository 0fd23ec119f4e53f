"""A store order as ShopWired takes it (ShopWired's API reference, "Create an order").

ShopWired keeps what shipping costs without VAT, in whole pence, and adds VAT when it totals; the same goes for the
lines of products that are marked ``vatExclusive``. Some gross amounts, such as 3.99, cannot be reached that way, so the
pence that are missing or too many become a line of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.domain.errors import Refused
from core.domain.orders import Address, Named, StoreLine, StoreOrderDraft

ROUNDING = "VAT rounding"
_CENT = Decimal("0.01")
_MOST_LINES = 3  # of an address


def order_body(draft: StoreOrderDraft, *, country_ids: Mapping[str, int], country: str, vat: Decimal) -> dict[str, Any]:
    """The body of ``POST /orders``. ``vat`` is the factor from net to gross, such as 1.20; ``country`` the store's own.

    Raises ``Refused`` for what ShopWired has no way to hold, naming it.
    """
    address = _address(draft.address, draft.email, country_ids, country)
    discounts, fees = _with_rounding(draft, vat)
    return {
        "status": _whole(draft.status_id, "order status"),
        "billingAddress": address,
        "shippingAddress": address,
        "shippingRate": {"name": draft.shipping_name, "value": _number(_net(draft.shipping, vat))},
        "products": [_line(line, vat) for line in draft.lines],
        "discounts": [_named(discount) for discount in discounts],
        "fees": [_named(fee) for fee in fees],
        "paymentMethod": draft.payment_method,
        "comments": draft.comments,
        "sendEmails": draft.send_emails,
    } | ({"customFields": dict(draft.custom_fields)} if draft.custom_fields else {})


def _address(address: Address, email: str, country_ids: Mapping[str, int], own_country: str) -> dict[str, Any]:
    """Without a country (a hidden address, digital goods) the store's own stands in: ShopWired wants one."""
    country = address.country or own_country
    if country not in country_ids:
        sentence = f"ShopWired does not know the country {country!r} of the address: enter this order by hand."
        raise Refused(sentence, code="country")
    first, second, third = _three(address.lines)
    told = {
        "name": address.name,
        "emailAddress": email,
        "telephone": address.phone,
        "addressLine1": first,
        "addressLine2": second,
        "addressLine3": third,
        "city": address.town,
        "province": address.county,
        "postcode": address.postcode,
        "countryId": country_ids[country],
    }
    return told | ({"state": address.county} if country == "US" else {})


def _three(lines: tuple[str, ...]) -> tuple[str, str, str]:
    kept = [*lines[: _MOST_LINES - 1], ", ".join(lines[_MOST_LINES - 1 :])]
    first, second, third = (*kept, "", "")[:_MOST_LINES]
    return first, second, third


def _line(line: StoreLine, vat: Decimal) -> dict[str, Any]:
    price = _net(line.price, vat) if line.vat_exclusive else line.price
    return _goods(line) | {"title": line.title, "quantity": line.quantity, "price": _number(price)}


def _goods(line: StoreLine) -> dict[str, Any]:
    """By SKU, as ShopWired's lines name no variation; a product without variations can go by its id."""
    if line.sku:
        return {"sku": line.sku}
    if line.variant_remote_id not in ("", "0"):
        sentence = f"ShopWired finds a variation by its SKU, and {line.title} has none: give it a SKU in the store."
        raise Refused(sentence, code="sku")
    return {"id": _whole(line.product_remote_id, "product")}


def _with_rounding(draft: StoreOrderDraft, vat: Decimal) -> tuple[tuple[Named, ...], tuple[Named, ...]]:
    """Discounts and fees with the line that brings ShopWired's total to the draft's.

    Raises ``Refused`` when more is missing than rounding can explain.
    """
    goods = sum((_reached(line.price, vat, line.vat_exclusive) * line.quantity for line in draft.lines), Decimal(0))
    reached = goods + _reached(draft.shipping, vat, True) + _sum(draft.fees) - _sum(draft.discounts)
    missing = draft.total - reached
    if abs(missing) > _CENT * (1 + sum(line.quantity for line in draft.lines)):
        sentence = f"The parts of {draft.marker} add up to {reached:.2f} in ShopWired, not to {draft.total:.2f}."
        raise Refused(sentence, code="total")
    if missing > 0:
        return draft.discounts, (*draft.fees, Named(ROUNDING, missing))
    if missing < 0:
        return (*draft.discounts, Named(ROUNDING, -missing)), draft.fees
    return draft.discounts, draft.fees


def _reached(gross: Decimal, vat: Decimal, kept_net: bool) -> Decimal:
    """What a gross amount comes to in ShopWired's total."""
    return _rounded(_net(gross, vat) * vat) if kept_net else gross


def _net(gross: Decimal, vat: Decimal) -> Decimal:
    return _rounded(gross / vat)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _sum(named: tuple[Named, ...]) -> Decimal:
    return sum((one.amount for one in named), Decimal(0))


def _named(one: Named) -> dict[str, Any]:
    return {"name": one.name, "value": _number(one.amount)}


def _number(amount: Decimal) -> float:
    """ShopWired writes money as JSON numbers; a float keeps the pence of any amount it takes."""
    return float(amount)


def _whole(remote_id: str, what: str) -> int:
    if not (remote_id.isascii() and remote_id.isdigit()):
        raise Refused(f"ShopWired has no {what} {remote_id!r}: its ids are whole numbers.", code="422")
    return int(remote_id)
