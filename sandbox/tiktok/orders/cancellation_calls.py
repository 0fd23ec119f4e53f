"""Cancel Order, Search Cancellations, Approve and Reject Cancellation (Partner Center, Return and Refund API)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sandbox.database import Row
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import book, cancelling, paging, parcels, reasons
from sandbox.tiktok.orders.book import Order
from sandbox.tiktok.orders.documents import BY_TIKTOK
from sandbox.tiktok.orders.paging import Condition
from sandbox.tiktok.orders.search import TIMES

LISTS = (("cancel_ids", "id"), ("order_ids", "order_id"), ("buyer_user_ids", "user_id"), ("cancel_types", "type"),
         ("cancel_status", "status"))  # fmt: skip
# The filter spells it in its own way.
SPELLINGS = {"CANCELLATION_REQUEST_CANCEL": cancelling.REJECTED}
SHIPPED = ("AWAITING_COLLECTION", "IN_TRANSIT")
DONE = ("DELIVERED", "COMPLETED", "CANCELLED")
NO_PERMISSION = Refused(25020005, "You have no permission for this operation.")


def create(ask: Ask) -> dict[str, Any]:
    """Cancel Order: the whole order, or some lines when they are out of stock."""
    with ask.world.db.transaction():
        order = book.find(ask.world, ask.body["order_id"])
        if order is None or order.shop_id != ask.shop.id or order.document["fulfillment_type"] == BY_TIKTOK:
            raise NO_PERMISSION
        _need_cancellable(order)
        reason = ask.body["cancel_reason"]
        _need_fitting(reason, ask.shop.region, is_paid=order.status != "UNPAID")
        made = cancelling.cancel(ask.world, order, "SELLER", reason, _chosen(ask, order))
    return {"cancel_id": made["cancel_id"], "cancel_status": made["cancel_status"]}


def _need_cancellable(order: Order) -> None:
    if order.document["is_buyer_request_cancel"]:
        raise Refused(25001011, "There is an open request for this order already.")
    if order.status in DONE:
        raise Refused(25001051, "The order has been completed or cancelled.")
    if order.status in SHIPPED:
        raise Refused(25001045, "The courier shipment cannot be stopped.")


def _need_fitting(reason: str, region: str, *, is_paid: bool) -> None:
    if reasons.is_of_buyer(reason, region):
        raise Refused(25001015, "The reason is not available for sellers.")
    if not reasons.is_known(reason, region):
        raise Refused(25001014, "The reason does not exist.")
    if reason not in reasons.seller_reasons(region, is_paid=is_paid):
        raise Refused(25001021, "The reason does not fit the status of the order.")


def _chosen(ask: Ask, order: Order) -> list[str] | None:
    """Line ids by any of the three ways to name them; None for the whole order."""
    body, live = ask.body, parcels.live_line_ids(order)
    named = list(body.get("order_line_item_ids") or [])
    named += [one["order_line_item_id"] for one in body.get("order_line_list") or []]
    for sku in body.get("skus") or []:
        of_sku = [line["id"] for line in order.lines if line["id"] in live and line["sku_id"] == sku["sku_id"]]
        if len(of_sku) < sku["quantity"]:
            raise Refused(25005011, "There are more items selected than the order has.")
        named += of_sku[: sku["quantity"]]
    if not named:
        return None
    waiting = [line["id"] for line in order.lines if line["display_status"] == "AWAITING_SHIPMENT"]
    if not set(named) <= set(waiting) or "out_of_stock" not in body["cancel_reason"]:
        raise Refused(25005010, "These items cannot be cancelled individually.")
    return list(dict.fromkeys(named))


def search(ask: Ask) -> dict[str, Any]:
    """Search Cancellations: the oldest first unless told otherwise."""
    sort = paging.sorting(ask.query, TIMES, most=50, order="ASC", size=10)
    conditions = [Condition("shop_id", "=", (ask.shop.id,)), *paging.windows(ask.body, TIMES)]
    for name, column in LISTS:
        if ask.body.get(name):
            values = tuple(SPELLINGS.get(one, one) for one in ask.body[name])
            conditions.append(Condition(column, "IN", values))
    found = paging.read(ask, "tt_cancellations", conditions, sort)
    cancellations = [json.loads(row["document"]) for row in found.rows]
    return {"total_count": found.total, "next_page_token": found.next_token, "cancellations": cancellations}


def approve(ask: Ask) -> dict[str, Any]:
    """Approve Cancellation."""
    return _decide(ask, cancelling.approve, Refused(25020009, "The cancellation has been approved already."))


def reject(ask: Ask) -> dict[str, Any]:
    """Reject Cancellation; in US it is retired: there a seller rejects by shipping."""
    if ask.shop.region == "US":
        raise NO_PERMISSION
    if ask.body["reject_reason"] not in reasons.REJECT[ask.shop.region]:
        raise Refused(25001014, "The reason does not exist.")
    return _decide(ask, cancelling.reject, Refused(25020010, "The cancellation has been approved already."))


def _decide(ask: Ask, decision: Callable[..., None], approved: Refused) -> dict[str, Any]:
    with ask.world.db.transaction():
        if _is_replay(ask):
            return {}
        row = cancelling.find(ask.world, ask.params["cancel_id"])
        order = None if row is None else book.find(ask.world, row["order_id"])
        if row is None or order is None or row["shop_id"] != ask.shop.id:
            raise Refused(25007006, "The request is not found.")
        _need_pending(row, approved)
        decision(ask.world, row, order)
        _remember(ask)
    return {}


def _need_pending(row: Row, approved: Refused) -> None:
    if row["status"] in (cancelling.SUCCESS, cancelling.COMPLETE):
        raise approved
    if row["status"] != cancelling.PENDING:
        raise Refused(25020003, "The decision does not fit the state of the request.")


def _is_replay(ask: Ask) -> bool:
    return ask.world.db.one(
        "SELECT 1 FROM tt_idempotency WHERE shop_id = ? AND key = ?", (ask.shop.id, _key(ask))
    ) is not None  # fmt: skip


def _remember(ask: Ask) -> None:
    if ask.query.get("idempotency_key"):
        row = (ask.shop.id, _key(ask), "", "{}", ask.world.clock.now())
        ask.world.db.execute("INSERT OR REPLACE INTO tt_idempotency VALUES (?, ?, ?, ?, ?)", row)


def _key(ask: Ask) -> str:
    """The caller's key together with what it was used for."""
    given = f"{ask.query.get('idempotency_key')}:{ask.params['cancel_id']}:{json.dumps(ask.body, sort_keys=True)}"
    return "decision:" + hashlib.sha256(given.encode()).hexdigest()
