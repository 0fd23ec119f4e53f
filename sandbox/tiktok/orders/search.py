"""Get Order List: pages of orders by time (Partner Center, Order API)."""

from __future__ import annotations

import json
from typing import Any

from sandbox.tiktok.answers import Refused, Rendered
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import paging, shaking
from sandbox.tiktok.orders.paging import Condition

STATUSES = (
    "UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED",
    "COMPLETED", "CANCELLED",
)  # fmt: skip
SHIPPING_TYPES = ("TIKTOK", "SELLER", "TIKTOK_DIGITAL")
TIMES = ("create_time", "update_time")
COLUMNS = (("order_status", "status"), ("shipping_type", "shipping_type"), ("buyer_user_id", "user_id"))
MOST_WAREHOUSES = 100


def search(ask: Ask) -> Rendered:
    """Get Order List."""
    sort = paging.sorting(ask.query, TIMES, most=100, order="DESC")
    found = paging.read(ask, "tt_orders", _conditions(ask.shop.id, ask.body), sort)
    if ask.fault == "moved":
        shaking.move_some(ask.world, [row["id"] for row in found.rows])
    documents = ",".join(row["document"] for row in found.rows)
    head = f'"total_count":{found.total},"next_page_token":{json.dumps(found.next_token)}'
    return Rendered(f'{{{head},"orders":[{documents}]}}')


def _conditions(shop_id: str, body: dict[str, Any]) -> list[Condition]:
    one_of(body, "order_status", STATUSES)
    one_of(body, "shipping_type", SHIPPING_TYPES)
    found = [Condition("shop_id", "=", (shop_id,)), *paging.windows(body, TIMES)]
    found += [Condition(column, "=", (body[name],)) for name, column in COLUMNS if body.get(name)]
    if body.get("is_buyer_request_cancel") is not None:
        found.append(Condition("is_cancel_requested", "=", (int(body["is_buyer_request_cancel"]),)))
    warehouse_ids = body.get("warehouse_ids") or []
    if len(warehouse_ids) > MOST_WAREHOUSES:
        raise Refused(36009004, f"Invalid parameter. 'warehouse_ids' takes at most {MOST_WAREHOUSES} ids.")
    if warehouse_ids:
        found.append(Condition("warehouse_id", "IN", tuple(warehouse_ids)))
    return found


def one_of(body: dict[str, Any], name: str, known: tuple[str, ...]) -> None:
    """Refused when the word under `name` is none of the documented ones."""
    if body.get(name) and body[name] not in known:
        raise Refused(36009004, f"Invalid parameter. '{name}' must be one of {', '.join(known)}.")
