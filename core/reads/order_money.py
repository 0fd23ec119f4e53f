"""An order's money on both sides, line by line and to the penny, with what explains a difference (law 14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.domain.orders import Payment

_PENNY = Decimal("0.01")
# What each discount of TikTok is called in the store order.
_DISCOUNTS = (
    ("Seller discount", "seller_discount", "TikTok seller discount"),
    ("Platform discount", "platform_discount", "TikTok platform discount"),
    ("Seller shipping discount", "shipping_seller_discount", "TikTok seller shipping discount"),
    ("Platform shipping discount", "shipping_platform_discount", "TikTok platform shipping discount"),
)
_ADDED_BACK = "TikTok's own discount is added back, as the setting says."
_EQUAL = "Both sides are equal."


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """One line: ``shop`` what TikTok says, ``store`` what the store order says; None where a side has no such line."""

    label: str
    shop: Decimal | None
    store: Decimal | None


@dataclass(frozen=True, slots=True)
class Money:
    """``lines`` in order; ``difference`` is the store's total less TikTok's, None while there is no store order."""

    currency: str
    lines: tuple[MoneyLine, ...]
    shop_total: Decimal
    store_total: Decimal | None
    difference: Decimal | None
    explained: str


def money_of(payment: Payment, draft: Mapping[str, Any] | None, store_total: Decimal | None) -> Money:
    """``draft`` is the store order as it was meant, None without one; ``store_total`` what the store answered."""
    lines = [*_common(payment, draft), *_extras(payment, draft)]
    total = _amount(draft["total"]) if draft and store_total is None else store_total
    difference = None if total is None else total - payment.total
    return Money(
        payment.currency,
        tuple(line for line in lines if line.shop or line.store),
        payment.total,
        total,
        difference,
        "" if difference is None else _explained(payment, difference),
    )


def _common(payment: Payment, draft: Mapping[str, Any] | None) -> list[MoneyLine]:
    named = _named(draft, "discounts")
    products = sum((_amount(one["price"]) * one["quantity"] for one in draft["lines"]), Decimal(0)) if draft else None
    lines = [MoneyLine("Products at their original price", payment.original_products, products)]
    lines.append(MoneyLine("Shipping", payment.original_shipping, _amount(draft["shipping"]) if draft else None))
    for label, field, name in _DISCOUNTS:
        theirs = -getattr(payment, field)
        lines.append(MoneyLine(label, theirs, -named.get(name, Decimal(0)) if draft else None))
    return lines


def _extras(payment: Payment, draft: Mapping[str, Any] | None) -> list[MoneyLine]:
    """Tax and fees of either side, and lines that only the store order has, such as the rounding."""
    fees = {"Tax": payment.tax} if payment.tax else {}
    fees |= {name.replace("_", " ").capitalize(): amount for name, amount in payment.fees}
    added, taken = _named(draft, "fees"), _named(draft, "discounts")
    known = {name for _, _, name in _DISCOUNTS}
    own = added | {name: -amount for name, amount in taken.items() if name not in known}
    names = dict.fromkeys([*fees, *own])
    included = "Tax" in fees and payment.tax and "Tax" not in own
    return [
        MoneyLine(
            "Tax, included in the prices" if name == "Tax" and included and draft else name,
            fees.get(name),
            own.get(name, Decimal(0)) if draft and not (name == "Tax" and included) else None,
        )
        for name in names
    ]


def _explained(payment: Payment, difference: Decimal) -> str:
    """Why the totals differ, as far as the parts say."""
    if not difference:
        return _EQUAL
    if difference == payment.platform_discount + payment.shipping_platform_discount:
        return _ADDED_BACK
    if abs(difference) <= _PENNY:
        return "The store rounded its VAT to the penny."
    return "Nothing on either side explains it: compare the order with Seller Center."


def _named(draft: Mapping[str, Any] | None, part: str) -> dict[str, Decimal]:
    return {one["name"]: _amount(one["amount"]) for one in draft[part]} if draft else {}


def _amount(value: Any) -> Decimal:
    return Decimal(str(value))
