"""Order drafts and goods for the store tests, and the sandbox's switches for orders."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.domain.orders import Address, Named, StoreLine, StoreOrderDraft
from core.ports import Store
from tests.store_harness import StoreAtSandbox

ADDRESS = Address(
    "Ann Example", "(+44)7000000000", ("1 Sample Street", "Flat 2"), "Leeds", "West Yorkshire", "LS1 1AA", "GB"
)
# The switches as every test finds them.
USUAL = {
    "hide_order_comments": False,
    "order_search_delay_seconds": 0,
    "orders_deduct_stock": True,
    "lag_seconds": 0,
}


def switch(there: StoreAtSandbox, **values: Any) -> None:
    there.control(f"{there.platform.name}/switches", values)


def break_calls(there: StoreAtSandbox, endpoint: str, fault: str, times: int = 1) -> None:
    rule = {"vendor": there.platform.name, "endpoint": endpoint, "fault": fault, "rate": 1, "times": times}
    there.control("faults", {"rules": [rule]})


def fresh(prefix: str) -> str:
    return f"{prefix}-{random.randrange(10**12):012d}"


def goods(there: StoreAtSandbox, *, stock: int = 20, net_prices: bool = False) -> tuple[str, str]:
    """(product id, SKU) of something new on the shelf."""
    sku = fresh("MUG")
    return there.merchant.create("Harbour Mug", sku, stock, net_prices=net_prices), sku


def line(product_id: str, sku: str, quantity: int = 2, price: str = "14.99", **more: Any) -> StoreLine:
    return StoreLine(1, product_id, "0", sku, "Harbour Mug", quantity, Decimal(price), **more)


def draft(there: StoreAtSandbox, *lines: StoreLine, **changes: Any) -> StoreOrderDraft:
    """A draft that adds up, like those the rules make."""
    number = str(random.randrange(576 * 10**15, 577 * 10**15))
    kept = lines or (line(*goods(there)),)
    parts = {
        "shipping": Decimal("3.99"),
        "discounts": (Named("TikTok seller discount", Decimal("1.50")),),
        "fees": (Named("Small order fee", Decimal("0.31")),),
    } | changes
    total = sum((one.price * one.quantity for one in kept), parts["shipping"])
    total += sum((fee.amount for fee in parts["fees"]), Decimal(0))
    total -= sum((discount.amount for discount in parts["discounts"]), Decimal(0))
    plain: dict[str, Any] = {
        "marker": f"TikTok order {number}",
        "shop_order_id": number,
        "status_id": status_of(there.store(), "paid"),
        "address": ADDRESS,
        "email": "abc123@chat.seller.tiktok.com",
        "lines": kept,
        "shipping_name": "Standard Shipping",
        "total": total,
        "currency": "GBP",
        "comments": f"TikTok order {number}\nBuyer: leave it at the back",
    }
    return StoreOrderDraft(**plain | parts)


def status_of(store: Store, kind: str) -> str:
    return next(status.remote_id for status in store.order_statuses() if status.kind == kind)


def recently() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)
