"""Search Package, Get Package Detail and Get Tracking (Partner Center, Fulfillment API)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from sandbox.database import Row
from sandbox.tiktok import logistics
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import book, masks, paging
from sandbox.tiktok.orders.book import Order
from sandbox.tiktok.orders.detail import own_order
from sandbox.tiktok.orders.paging import Condition
from sandbox.tiktok.orders.search import TIMES, one_of
from sandbox.tiktok.orders.shipping import own_package

SORT_FIELDS = ("create_time", "update_time", "order_pay_time")
FILTERS = ("PROCESSING", "FULFILLING", "COMPLETED", "CANCELLED")
ADDRESS = (
    "full_address", "phone_number", "name", "postal_code", "address_detail", "region_code", "address_line1",
    "address_line2", "address_line3", "address_line4",
)  # fmt: skip
SUB_STATUS = {"TO_FULFILL": "CREATED", "PROCESSING": "STOCKING", "FULFILLING": "TTS", "COMPLETED": "Delivery"}
TRACKS = (
    ("create_time", "Your order has been placed.", 10101),
    ("rts_time", "The seller has prepared your package.", 20101),
    ("collection_time", "Your package is on its way.", 30301),
    ("delivery_time", "Your package has been delivered.", 40101),
)


def search(ask: Ask) -> dict[str, Any]:
    """Search Package."""
    sort = paging.sorting(ask.query, SORT_FIELDS, most=50, order="DESC")
    one_of(ask.body, "package_status", FILTERS)
    conditions = [Condition("shop_id", "=", (ask.shop.id,)), *paging.windows(ask.body, TIMES)]
    if ask.body.get("package_status"):
        conditions.append(Condition("status", "=", (ask.body["package_status"],)))
    found = paging.read(ask, "tt_packages", conditions, sort)
    packages = [_in_list(row, book.find(ask.world, row["order_id"])) for row in found.rows]
    return {"total_count": found.total, "next_page_token": found.next_token, "packages": packages}


def _in_list(row: Row, order: Order | None) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": row["status"],
        "orders": [_content(row, order)] if order is not None else [],
        "order_line_item_ids": json.loads(row["line_ids"]),
        "tracking_number": row["tracking_number"],
        "shipping_provider_id": row["provider_id"],
        "shipping_provider_name": row["provider_name"],
        "create_time": row["create_time"],
        "update_time": row["update_time"],
    }


def _content(row: Row, order: Order) -> dict[str, Any]:
    line_ids = set(json.loads(row["line_ids"]))
    lines = [line for line in order.lines if line["id"] in line_ids]
    counts = Counter(line["sku_id"] for line in lines)
    by_sku = {line["sku_id"]: line for line in lines}
    skus = [
        {"id": id, "name": by_sku[id]["sku_name"], "image_url": by_sku[id]["sku_image"], "quantity": count}
        for id, count in counts.items()
    ]
    return {"id": order.id, "skus": skus}


def detail(ask: Ask) -> dict[str, Any]:
    """Get Package Detail, with other names than the search: `package_id`, `package_status`."""
    row, order = own_package(ask)
    content, document = _content(row, order), order.document
    shown = masks.shown_address(document, order.address)
    return {
        "package_id": row["id"],
        "package_status": row["status"],
        "package_sub_status": SUB_STATUS.get(row["status"], "ISSUE"),
        "orders": [content],
        "order_line_item_ids": json.loads(row["line_ids"]),
        "has_multi_skus": len(content["skus"]) > 1,
        "split_and_combine_tag": "SPLIT" if document.get("split_or_combine_tag") == "SPLIT" else "DEFAULT",
        "note_tag": "BUYER_NOTED" if document["buyer_message"] else "BUYER_UNNOTED",
        "shipping_type": document["shipping_type"],
        "shipping_provider_id": row["provider_id"],
        "shipping_provider_name": row["provider_name"],
        "tracking_number": row["tracking_number"],
        "last_mile_tracking_number": "",
        "delivery_option_id": document["delivery_option_id"],
        "delivery_option_name": document["delivery_option_name"],
        "handover_method": "DROP_OFF",
        "recipient_address": {name: shown[name] for name in ADDRESS},
        "sender_address": _sender(document["warehouse_id"]),
        "weight": {"value": "500", "unit": "GRAM"},
        "dimension": {"length": "20", "width": "15", "height": "10", "unit": "CM"},
        "create_time": row["create_time"],
        "update_time": row["update_time"],
    }


def _sender(warehouse_id: str) -> dict[str, str]:
    place = logistics.BY_ID.get(warehouse_id)
    if place is None:
        return dict.fromkeys(ADDRESS, "")
    known = {"postal_code": place.postal_code, "region_code": place.region, "address_line1": "12 Quay Row"}
    known |= {"name": "Goods In", "full_address": f"12 Quay Row, {place.city}, {place.postal_code}"}
    return dict.fromkeys(ADDRESS, "") | known


def tracking(ask: Ask) -> dict[str, Any]:
    """Get Tracking: newest first, in milliseconds, with the action code that live answers carry."""
    document = own_order(ask, ask.params["order_id"]).document
    found = [
        {"description": words, "update_time_millis": document[name] * 1000, "action_code": code}
        for name, words, code in TRACKS
        if name in document
    ]
    return {"tracking": found[::-1]}
