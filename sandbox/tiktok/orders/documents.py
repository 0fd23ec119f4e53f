"""The order object as Get Order Detail and Get Order List show it (Partner Center, Order API)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.tiktok.accounts import Shop
from sandbox.tiktok.logistics import DELIVERY_OPTIONS, SEND_BY_SELLER, WAREHOUSES
from sandbox.tiktok.orders import ids, money
from sandbox.tiktok.orders.money import Shipping, Unit
from sandbox.tiktok.orders.people import Buyer

TIKTOK_WAREHOUSE = "7068517275539730016"
BY_SELLER, BY_TIKTOK = "FULFILLMENT_BY_SELLER", "FULFILLMENT_BY_TIKTOK"
PAYMENT_METHODS = ("Card", "PayPal", "Klarna", "Apple Pay", "Google Pay")


@dataclass(frozen=True)
class Plan:
    """Everything that is settled about an order before it exists; `extra` in pence, see `money.payment`."""

    kind: str
    shop: Shop
    buyer: Buyer
    units: list[Unit]
    carriage: Shipping
    now: int
    paid: bool
    on_hold: bool
    fulfilment: str = BY_SELLER
    shipping_type: str = "SELLER"
    warehouse_id: str = ""
    payment_method: str = "Card"
    extra: int = 0
    more: dict[str, Any] = field(default_factory=dict)


def status_of(plan: Plan) -> str:
    """Where the order stands once the checkout is over."""
    if not plan.paid:
        return "UNPAID"
    return "ON_HOLD" if plan.on_hold else "AWAITING_SHIPMENT"


def order_document(plan: Plan, numbers: Iterator[int]) -> dict[str, Any]:
    """The document without its address. Members that do not apply yet are absent, as in live answers."""
    sold_by_seller = plan.shipping_type == "SELLER"
    option = next(one for one in DELIVERY_OPTIONS if (one[0] == SEND_BY_SELLER) == sold_by_seller)
    document: dict[str, Any] = {
        "id": ids.order_id(next(numbers)),
        "status": status_of(plan),
        "order_type": "NORMAL",
        "commerce_platform": "TIKTOK_SHOP",
        "create_time": plan.now,
        "update_time": plan.now,
        "fulfillment_type": plan.fulfilment,
        "shipping_type": plan.shipping_type,
        "delivery_type": "HOME_DELIVERY",
        "delivery_option_id": option[0],
        "delivery_option_name": "Standard Shipping",
        "delivery_option_required_delivery_time": plan.now + 10 * 86400,
        "shipping_provider": "",
        "shipping_provider_id": "",
        "tracking_number": "",
        "packages": [],
        "warehouse_id": plan.warehouse_id or default_warehouse(plan.shop.id),
        "user_id": plan.buyer.id,
        "buyer_email": plan.buyer.email,
        "buyer_message": plan.buyer.note,
        "seller_note": "",
        "cpf": "",
        "cpf_name": "",
        "need_upload_invoice": "UNKNOWN",
        "payment": money.payment(plan.units, plan.carriage, plan.shop.currency, plan.extra),
        "payment_method_name": plan.payment_method,
        "is_cod": False,
        "is_sample_order": False,
        "is_on_hold_order": plan.on_hold,
        "is_buyer_request_cancel": False,
        "is_replacement_order": False,
        "is_exchange_order": False,
        "has_updated_recipient_address": False,
        "handling_duration": {"days": "2", "type": "BUSINESS_DAY"},
        "line_items": [_line(plan, unit, numbers) for unit in plan.units],
    }
    if plan.paid:
        document["paid_time"] = plan.now
    return document | plan.more


def default_warehouse(shop_id: str) -> str:
    """The shop's enabled sales warehouse."""
    return next(
        one.id for one in WAREHOUSES
        if one.shop_id == shop_id and one.type == "SALES_WAREHOUSE" and one.effect_status == "ENABLED"
    )  # fmt: skip


def _line(plan: Plan, unit: Unit, numbers: Iterator[int]) -> dict[str, Any]:
    ware = unit.ware
    line: dict[str, Any] = {
        "id": ids.order_id(next(numbers)),
        "sku_id": ware.sku_id,
        "product_id": ware.product_id,
        "seller_sku": ware.seller_sku,
        "product_name": ware.product_name,
        "sku_name": ware.sku_name,
        "sku_image": ware.image,
        "sku_type": "NORMAL",
        "currency": plan.shop.currency,
        "original_price": money.text(unit.original),
        "sale_price": money.text(unit.sale),
        "seller_discount": money.text(unit.seller_discount),
        "platform_discount": money.text(unit.platform_discount),
        "display_status": "AWAITING_SHIPMENT" if plan.paid else "UNPAID",
        "is_gift": unit.is_gift,
        "gift_retail_price": money.text(ware.price) if unit.is_gift else "0",
        "tracking_number": "",
        "shipping_provider_id": "",
        "shipping_provider_name": "",
        "is_dangerous_good": False,
        "needs_prescription": False,
        "small_order_fee": "0",
        "buyer_service_fee": "0",
        "retail_delivery_fee": "0",
    }
    if plan.shop.currency == "USD":
        tax = money.text(money.line_tax(unit))
        line["item_tax"] = [{"tax_type": "SALES_TAX", "tax_amount": tax, "tax_rate": f"{money.TAX_RATE:.2f}"}]
    if unit.parts:
        line |= _bundle(plan, unit, numbers)
    return line


def _bundle(plan: Plan, unit: Unit, numbers: Iterator[int]) -> dict[str, Any]:
    """A virtual bundle names its composition, and one entry for every physical unit in it."""
    listed = [
        {
            "product_id": ware.product_id,
            "sku_id": ware.sku_id,
            "seller_sku": ware.seller_sku,
            "sku_count": count,
        }
        for ware, count in unit.parts
    ]
    whole = sum(ware.price * count for ware, count in unit.parts) or 1
    return {
        "combined_listing_skus": listed,
        "sub_item_info": [
            {
                "id": ids.order_id(next(numbers)),
                "sku_id": ware.sku_id,
                "product_id": ware.product_id,
                "seller_sku": ware.seller_sku,
                "product_name": ware.product_name,
                "sku_name": ware.sku_name,
                "sku_image": ware.image,
                "currency": plan.shop.currency,
                "original_price": money.text(unit.original * ware.price // whole),
                "sale_price": money.text(unit.sale * ware.price // whole),
                "seller_discount": money.text(unit.seller_discount * ware.price // whole),
                "platform_discount": money.text(unit.platform_discount * ware.price // whole),
                "display_status": "AWAITING_SHIPMENT" if plan.paid else "UNPAID",
                "warehouse_id": plan.warehouse_id or default_warehouse(plan.shop.id),
            }
            for ware, count in unit.parts
            for _ in range(count)
        ],
    }
