"""What an order of the Shop is called and how it is summed up for people: statuses, fulfilment, tags, area."""

from __future__ import annotations

import re
from typing import Final

from core.domain.orders import Address, ShopLine, ShopOrder

# In the order an order goes through them: no edge leads backwards (TikTok Shop Partner Center, Order status).
ORDER_STATUSES: Final = (
    "UNPAID",
    "ON_HOLD",
    "AWAITING_SHIPMENT",
    "PARTIALLY_SHIPPING",
    "AWAITING_COLLECTION",
    "IN_TRANSIT",
    "DELIVERED",
    "COMPLETED",
    "CANCELLED",
)
NOT_YET_PAID_OR_RELEASED: Final = ("UNPAID", "ON_HOLD")
ON_ITS_WAY: Final = ("IN_TRANSIT", "DELIVERED", "COMPLETED")
CANCELLED: Final = "CANCELLED"
# TikTok status: (kind of store status it means, names preferred among several of that kind).
STATUS_DEFAULTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "UNPAID": ("unpaid", ("awaiting payment", "not paid")),
    "ON_HOLD": ("unpaid", ("awaiting payment", "not paid")),
    "AWAITING_SHIPMENT": ("paid", ("paid", "awaiting shipment")),
    "PARTIALLY_SHIPPING": ("paid", ("paid", "awaiting shipment")),
    "AWAITING_COLLECTION": ("paid", ("paid", "awaiting shipment")),
    "IN_TRANSIT": ("shipped", ("dispatched", "shipped", "completed")),
    "DELIVERED": ("shipped", ("dispatched", "shipped", "completed")),
    "COMPLETED": ("shipped", ("dispatched", "shipped", "completed")),
    "CANCELLED": ("cancelled", ("cancelled",)),
}
_FULFILMENT: Final = {
    "PARTIALLY_SHIPPING": "partly_shipped",
    "AWAITING_COLLECTION": "awaiting_collection",
    "IN_TRANSIT": "shipped",
    "DELIVERED": "delivered",
    "COMPLETED": "delivered",
    "CANCELLED": "cancelled",
}
_AREA: Final = re.compile(r"^([A-Z]{1,2})[0-9]")


def fulfilment_of(status: str) -> str:
    """unshipped, partly_shipped, awaiting_collection, shipped, delivered, cancelled; unknown words are unshipped."""
    return _FULFILMENT.get(status, "unshipped")


def tags_of(order: ShopOrder) -> list[str]:
    """What sets the order apart: bundle, replacement, exchange, sample, gift, preorder."""
    marks = {
        "bundle": any(line.components for line in order.lines),
        "replacement": bool(order.replaced_order_id),
        "exchange": bool(order.exchanged_order_id),
        "sample": order.sample,
        "gift": any(line.gift for line in order.lines),
        "preorder": order.order_type == "PRE_ORDER",
    }
    return [name for name, there in marks.items() if there]


def area_of(address: Address | None) -> str:
    """Where on the map: the letters that begin a British postcode, elsewhere the state or county; "" when hidden."""
    if address is None:
        return ""
    if address.country == "GB":
        found = _AREA.match(address.postcode.strip().upper())
        return found[1] if found else ""
    return "" if "*" in address.county else address.county


def search_text_of(order: ShopOrder) -> str:
    """Ids, SKUs, titles and tracking numbers in lower case, each once."""
    words = [order.id, order.tracking_number]
    for line in order.lines:
        words += [line.id, line.seller_sku, line.sku_id, line.title, line.tracking_number]
        words += [component.seller_sku for component in line.components]
    return "\n".join(dict.fromkeys(filter(None, words))).lower()


def is_cancelled(line: ShopLine) -> bool:
    return line.status == CANCELLED
