"""The fields of a TikTok Shop order that can be copied into a custom field of the store order (M6): all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.domain.orders import Address, ShopOrder


@dataclass(frozen=True, slots=True)
class OrderField:
    """``read`` gives None or an empty text for nothing. ``customer``: it tells of the buyer."""

    label: str
    read: Callable[[ShopOrder], Any]
    customer: bool = False


def _own(name: str, label: str, *, customer: bool = False) -> tuple[str, OrderField]:
    return name, OrderField(label, lambda order: getattr(order, name), customer)


def _paid(name: str, label: str) -> tuple[str, OrderField]:
    return f"payment.{name}", OrderField(label, lambda order: getattr(order.payment, name))


def _delivered(name: str, label: str) -> tuple[str, OrderField]:
    """Of the address, unless TikTok hides it: asterisks are of no use in the store."""

    def read(order: ShopOrder) -> Any:
        shown: Address | None = order.address if order.address is not None and not order.address.masked else None
        return getattr(shown, name) if shown is not None else None

    return f"address.{name}", OrderField(label, read, customer=True)


def _of_lines(name: str, label: str) -> tuple[str, OrderField]:
    """Of every line, each value once."""
    return f"lines.{name}", OrderField(label, lambda order: _once(getattr(line, name) for line in order.lines))


def _once(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


ORDER_FIELDS: Final[Mapping[str, OrderField]] = dict(
    (
        _own("id", "TikTok order id"),
        _own("status", "TikTok status at import"),
        _own("order_type", "Order type"),
        _own("created_at", "Placed"),
        _own("paid_at", "Paid"),
        _own("updated_at", "Last changed on TikTok"),
        _own("delivery_option", "Delivery option"),
        _own("delivery_option_id", "Delivery option id"),
        _own("shipping_type", "Shipping type"),
        _own("by_tiktok", "Fulfilled by TikTok"),
        _own("warehouse_id", "TikTok warehouse id"),
        _own("payment_method", "Payment method"),
        _own("ship_by", "Ship by"),
        _own("collect_by", "Collect by"),
        _own("deliver_by", "Deliver by"),
        _own("on_hold", "In the hold hour"),
        _own("sample", "Creator sample"),
        _own("replaced_order_id", "Replaced order id"),
        _own("exchanged_order_id", "Exchanged order id"),
        _own("cancel_requested", "Buyer asked to cancel"),
        _own("cancel_reason", "Reason for cancelling"),
        _own("cancelled_by", "Cancelled by"),
        _own("address_changed", "Address was changed"),
        _own("tracking_number", "Tracking number"),
        _own("provider_name", "Carrier"),
        _own("package_ids", "Package ids"),
        _paid("currency", "Currency"),
        _paid("total", "Total paid"),
        _paid("sub_total", "Goods after discounts"),
        _paid("original_products", "Goods before discounts"),
        _paid("seller_discount", "Seller discount"),
        _paid("platform_discount", "TikTok discount"),
        _paid("shipping_fee", "Shipping paid"),
        _paid("original_shipping", "Shipping before discounts"),
        _paid("shipping_seller_discount", "Seller discount on shipping"),
        _paid("shipping_platform_discount", "TikTok discount on shipping"),
        _paid("tax", "Tax"),
        _paid("fees", "Fees"),
        _of_lines("id", "Line ids"),
        _of_lines("product_id", "TikTok product ids"),
        _of_lines("sku_id", "TikTok SKU ids"),
        _of_lines("seller_sku", "Seller SKUs"),
        _of_lines("title", "Product names"),
        _of_lines("sku_title", "Variant names"),
        _own("seller_note", "Note in Seller Center", customer=True),
        _own("buyer_message", "Buyer's message", customer=True),
        _own("buyer_email", "Buyer's e-mail address", customer=True),
        _delivered("name", "Recipient's name"),
        _delivered("phone", "Recipient's telephone"),
        _delivered("lines", "Recipient's street"),
        _delivered("town", "Recipient's town"),
        _delivered("county", "Recipient's county"),
        _delivered("postcode", "Recipient's postcode"),
        _delivered("country", "Recipient's country"),
    )
)


def field_text(order: ShopOrder, name: str) -> str:
    """The value as a custom field holds it; empty when there is none. Raises ``KeyError`` for an unknown field."""
    return _text(ORDER_FIELDS[name].read(order))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, tuple):
        return ", ".join(": ".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in value)
    return str(value)
