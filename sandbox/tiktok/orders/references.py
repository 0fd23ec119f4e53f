"""External order references: which merchant order stands for which TikTok order (Partner Center, version 202406)."""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Row
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import book
from sandbox.tiktok.orders.detail import own_order

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_references (
    shop_id TEXT NOT NULL, order_id TEXT NOT NULL, platform TEXT NOT NULL, external_id TEXT NOT NULL,
    lines TEXT NOT NULL, PRIMARY KEY (order_id, platform, external_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tt_references_external ON tt_references (shop_id, platform, external_id);
"""
PLATFORMS = (
    "SHOPIFY", "WOOCOMMERCE", "BIGCOMMERCE", "MAGENTO", "SALESFORCE_COMMERCE_CLOUD", "CHANNEL_ADVISOR", "AMAZON",
    "ORDER_MANAGEMENT_SYSTEM", "WAREHOUSE_MANAGEMENT_SYSTEM", "ERP_SYSTEM",
)  # fmt: skip
MOST_ORDERS, MOST_LINES = 100, 100


def add(ask: Ask) -> dict[str, Any]:
    """Add External Order References: up to 100 orders; one that fails is named inside a success, with a code that is
    text here."""
    orders = ask.body["orders"]
    if not orders or len(orders) > MOST_ORDERS:
        raise Refused(36009004, f"Invalid parameter. 'orders' takes 1 to {MOST_ORDERS} orders.")
    errors = []
    with ask.world.db.transaction():
        for place, one in enumerate(orders):
            problem = _problem(ask, one) or (ask.fault == "hidden_errors" and place == 0 and "The order is locked.")
            if problem:
                errors.append(_error(one, problem))
            else:
                _keep(ask, one)
    return {"errors": errors}


def _problem(ask: Ask, one: dict[str, Any]) -> str:
    external = one["external_order"]
    order = book.find(ask.world, one["id"])
    if order is None or order.shop_id != ask.shop.id:
        return "The order id is invalid."
    if external["platform"] not in PLATFORMS:
        return f"The platform {external['platform']} is unknown."
    if not 1 <= len(external["line_items"]) <= MOST_LINES:
        return f"An order takes 1 to {MOST_LINES} line items."
    known = {line["id"] for line in order.lines}
    unknown = [line["origin_id"] for line in external["line_items"] if line["origin_id"] not in known]
    return f"The line item {unknown[0]} is not of this order." if unknown else ""


def _error(one: dict[str, Any], problem: str) -> dict[str, Any]:
    external = one["external_order"]
    detail = {"order_id": one["id"], "external_order": {"id": external["id"], "platform": external["platform"]}}
    return {"code": "36020001", "message": problem, "detail": detail}


def _keep(ask: Ask, one: dict[str, Any]) -> None:
    external = one["external_order"]
    lines = [{"id": line["id"], "origin_id": line["origin_id"]} for line in external["line_items"]]
    ask.world.db.execute(
        "INSERT OR REPLACE INTO tt_references VALUES (?, ?, ?, ?, ?)",
        (ask.shop.id, one["id"], external["platform"], external["id"], json.dumps(lines)),
    )


def get(ask: Ask) -> dict[str, Any]:
    """Get External Order References of one order on one platform."""
    order = own_order(ask, ask.params["order_id"])
    rows = ask.world.db.query(
        "SELECT * FROM tt_references WHERE order_id = ? AND platform = ?", (order.id, ask.query["platform"])
    )
    return {"external_orders": [_external(row) for row in rows]}


def search(ask: Ask) -> dict[str, Any]:
    """Search Order By External Order Reference: its parameters are in the query, its body is empty."""
    rows = ask.world.db.query(
        "SELECT * FROM tt_references WHERE shop_id = ? AND platform = ? AND external_id = ?",
        (ask.shop.id, ask.query["platform"], ask.query["external_order_id"]),
    )
    return {"orders": [{"id": row["order_id"], "external_order": _external(row)} for row in rows]}


def _external(row: Row) -> dict[str, Any]:
    return {"id": row["external_id"], "platform": row["platform"], "line_items": json.loads(row["lines"])}
