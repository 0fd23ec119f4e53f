"""Prices of an order in whole pence, so that every sum is exact; on the wire they are decimal strings."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox.tiktok.orders.wares import Ware

TAX_RATE = 0.08
DISCOUNTED, SPREAD = 0.40, 0.03


@dataclass
class Unit:
    """One line item: one unit of a SKU. Amounts in pence; `parts` are the components of a virtual bundle."""

    ware: Ware
    original: int
    seller_discount: int = 0
    platform_discount: int = 0
    is_gift: bool = False
    parts: tuple[tuple[Ware, int], ...] = ()

    @property
    def sale(self) -> int:
        """What the buyer pays for it."""
        return self.original - self.seller_discount - self.platform_discount


@dataclass(frozen=True)
class Shipping:
    """The shipping fee and who pays which part of it, in pence."""

    original: int = 0
    seller: int = 0
    platform: int = 0
    cofunded: int = 0

    @property
    def fee(self) -> int:
        """What the buyer pays."""
        return self.original - self.seller - self.platform - self.cofunded


def text(pence: int) -> str:
    """`1299` as `12.99`; nothing at all is `0`, as live answers have it."""
    sign, size = ("-" if pence < 0 else ""), abs(pence)
    return f"{sign}{size // 100}.{size % 100:02d}" if pence else "0"


def discount(chance: Random, units: list[Unit]) -> None:
    """Promotions: a tenth off by the seller, a little by the platform, or a voucher spread over all units.

    A voucher over units of one price rarely divides: then units of one SKU carry different discounts.
    """
    draw = chance.random()
    if draw < SPREAD and len(units) > 1:
        spread(units, min(1000, sum(unit.original for unit in units) // 2))
    elif draw < DISCOUNTED:
        by_seller, by_platform = draw < 0.25, draw > 0.18
        for unit in units:
            unit.seller_discount = (unit.original + 5) // 10 if by_seller else 0
            unit.platform_discount = (unit.original * 7 + 50) // 100 if by_platform else 0


def spread(units: list[Unit], amount: int) -> None:
    """Spread a seller's voucher by value; what does not divide goes to the last unit."""
    total, left = sum(unit.original for unit in units), amount
    for unit in units[:-1]:
        unit.seller_discount = amount * unit.original // total if total else 0
        left -= unit.seller_discount
    units[-1].seller_discount = left


def shipping(chance: Random) -> Shipping:
    """Who pays for delivery: mostly the buyer, else seller, platform, or both through co-funded free shipping."""
    original = chance.choice((299, 349, 399, 599))
    draw = chance.random()
    if draw < 0.60:
        return Shipping(original)
    if draw < 0.75:
        return Shipping(original, seller=original)
    if draw < 0.95:
        return Shipping(original, platform=original if draw < 0.90 else 100)
    return Shipping(original, cofunded=original)


def payment(units: list[Unit], carriage: Shipping, currency: str, extra: int = 0) -> dict[str, Any]:
    """The `payment` object. `extra` pence stand in the order's total but in no line: three for 10.00 are 3 x 3.33.

    Prices of GB include VAT. In US, tax comes on top.
    """
    original = sum(unit.original for unit in units) + extra
    by_seller = sum(unit.seller_discount for unit in units)
    by_platform = sum(unit.platform_discount for unit in units)
    sub_total = original - by_seller - by_platform
    is_us = currency == "USD"
    product_tax = sum(line_tax(unit) for unit in units) if is_us else 0
    shipping_tax = round(carriage.fee * TAX_RATE) if is_us else 0
    tax = product_tax + shipping_tax
    amounts = {
        "total_amount": sub_total + carriage.fee + tax,
        "sub_total": sub_total,
        "original_total_product_price": original,
        "seller_discount": by_seller,
        "platform_discount": by_platform,
        "original_shipping_fee": carriage.original,
        "shipping_fee": carriage.fee,
        "shipping_fee_seller_discount": carriage.seller,
        "shipping_fee_platform_discount": carriage.platform,
        "shipping_fee_cofunded_discount": carriage.cofunded,
        "tax": tax,
    }
    amounts |= {"product_tax": product_tax, "shipping_fee_tax": shipping_tax} if is_us else {}
    return {"currency": currency} | {name: text(amount) for name, amount in amounts.items()}


def line_tax(unit: Unit) -> int:
    """Sales tax of a unit in US, in cents."""
    return round(unit.sale * TAX_RATE)


def pence(amount: str) -> int:
    """The reverse of `text`."""
    whole, _, rest = amount.partition(".")
    return int(whole) * 100 + int(rest or 0)
