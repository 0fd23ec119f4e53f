"""Mark Package As Shipped, Ship Package, Update Shipping Info and Split (Partner Center, Fulfillment API)."""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Row
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import book, cancelling, carriers, events, holdings, machine, parcels, times
from sandbox.tiktok.orders.book import Order
from sandbox.tiktok.orders.detail import own_order
from sandbox.tiktok.orders.documents import BY_TIKTOK

MOST_ORDERS_A_NUMBER = 20
OPEN_STATES = ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING")
WRONG_STATE = {
    "UNPAID": Refused(21011003, "The action is not allowed in the current state of the package."),
    "ON_HOLD": Refused(21011044, "The order is on hold. Ship it once it is AWAITING_SHIPMENT."),
    "AWAITING_COLLECTION": Refused(21011020, "The package has been shipped already."),
    "IN_TRANSIT": Refused(21011020, "The package has been shipped already."),
    "DELIVERED": Refused(21011027, "The package has been delivered already."),
    "COMPLETED": Refused(21011027, "The package has been delivered already."),
    "CANCELLED": Refused(21011041, "The order has been cancelled."),
}
NOT_FOUND = Refused(21011001, "The package is not found.")
BAD_LINES = Refused(21011005, "The parameters are invalid: the order line items do not belong to the order.")


def mark_shipped(ask: Ask) -> dict[str, Any]:
    """Mark Package As Shipped: the whole order, or some of its lines, which splits it."""
    with ask.world.db.transaction():
        order = own_order(ask, ask.params["order_id"])
        _need_seller_shipping(order)
        line_ids, number = _chosen(ask, order), ask.body["tracking_number"]
        provider = _provider(ask, number)
        _need_free_number(ask, order, number)
        package_id = _send(ask, order, line_ids, number, provider)
        warning = carriers.warning(number, provider[1])
    answer = {"order_id": order.id, "order_line_item_ids": line_ids, "package_id": package_id}
    return answer | ({"warning": {"message": warning}} if warning else {})


def _need_seller_shipping(order: Order) -> None:
    if order.document["fulfillment_type"] == BY_TIKTOK:
        raise Refused(21008025, "The order is fulfilled by the platform.")
    if order.document["shipping_type"] == "TIKTOK":
        raise Refused(21011004, "The order is shipped by the platform. Use Ship Package.")


def _need_open(ask: Ask, order: Order) -> None:
    if order.status not in OPEN_STATES:
        raise WRONG_STATE[order.status]
    if order.document["is_buyer_request_cancel"] and ask.shop.region != "US":
        raise Refused(21011007, "There is an open after-sales request. Handle it first.")


def _chosen(ask: Ask, order: Order) -> list[str]:
    """The lines to ship: those named by either list, else all that wait."""
    _need_open(ask, order)
    named = list(ask.body.get("order_line_item_ids") or [])
    for one in ask.body.get("order_line_list") or []:
        line = next((line for line in order.lines if line["id"] == one["order_line_id"]), {})
        if line.get("sub_item_info") and not one.get("sub_item_id"):
            raise Refused(21001001, "The parameters are invalid: a bundle line needs its sub_item_id.")
        named.append(one["order_line_id"])
    status = {line["id"]: line["display_status"] for line in order.lines}
    if not set(named) <= set(status):
        raise BAD_LINES
    for id in named:
        if status[id] != "AWAITING_SHIPMENT":
            raise WRONG_STATE["CANCELLED" if status[id] == "CANCELLED" else "IN_TRANSIT"]
    waiting = [id for id, state in status.items() if state == "AWAITING_SHIPMENT"]
    if not named and len({line.get("package_id") for line in order.lines if line["id"] in waiting}) > 1:
        raise Refused(21011048, "The order has several packages. Name the order line items.")
    return list(dict.fromkeys(named)) or waiting


def _provider(ask: Ask, tracking_number: str) -> tuple[str, str]:
    if not carriers.TRACKING_NUMBER.fullmatch(tracking_number):
        raise Refused(21004012, "The tracking number is invalid. Special characters are not allowed.")
    provider = carriers.provider(ask.shop.region, ask.body["shipping_provider_id"])
    if provider is None:
        raise Refused(21004015, "The shipping provider does not match.")
    return provider


def _need_free_number(ask: Ask, order: Order, tracking_number: str) -> None:
    """One number may serve up to 20 orders to the same recipient."""
    rows = ask.world.db.query(
        "SELECT DISTINCT order_id FROM tt_packages WHERE shop_id = ? AND tracking_number = ? AND order_id <> ?",
        (ask.shop.id, tracking_number, order.id),
    )
    if len(rows) >= MOST_ORDERS_A_NUMBER:
        raise Refused(21011026, "The tracking number has been used too often.")
    for row in rows:
        other = book.find(ask.world, row["order_id"])
        if other is not None and _recipient(other) != _recipient(order):
            raise Refused(21011025, "The tracking number is used by another order.")


def _recipient(order: Order) -> tuple[str, str]:
    return order.address["name"], order.address["full_address"]


def _send(ask: Ask, order: Order, line_ids: list[str], number: str, provider: tuple[str, str]) -> str:
    """Make or find the package, let go of the stock, move the order; gives the package id."""
    now = ask.world.clock.now()
    row = next((one for one in parcels.of_order(ask.world, order.id)
                if one["shipped_at"] is None and set(json.loads(one["line_ids"])) == set(line_ids)), None)  # fmt: skip
    if row is None:
        package_id = parcels.put(ask.world, order, line_ids, "PROCESSING", number, provider, now)
    else:
        package_id = row["id"]
        parcels.ship(ask.world, order, row, number, provider)
    order.inner["is_untrackable"] = carriers.is_untrackable(number, provider[1])
    cancelling.end_request(ask.world, order, cancelling.REJECTED)
    holdings.ship(ask.world, order, set(line_ids))
    for line in order.lines:
        if line["id"] in line_ids:
            line |= {"display_status": "AWAITING_COLLECTION", "rts_time": int(now)}
    _move_on(ask, order)
    return package_id


def _move_on(ask: Ask, order: Order) -> None:
    waits = any(line["display_status"] == "AWAITING_SHIPMENT" for line in order.lines)
    if len(order.document["packages"]) > 1 or waits:
        order.document["split_or_combine_tag"] = "SPLIT"
    if not waits:
        machine.move(ask.world, order, "AWAITING_COLLECTION")
        return
    machine.move(ask.world, order, "PARTIALLY_SHIPPING")
    package_ids = [one["id"] for one in order.document["packages"]]
    events.packages_changed(ask.world, order, "SPLIT", "ROLE_SELLER", package_ids)


def ship_package(ask: Ask) -> dict[str, Any]:
    """Ship Package: TikTok's own shipping names the carrier itself; seller shipping needs `self_shipment`."""
    with ask.world.db.transaction():
        row, order = own_package(ask)
        if order.document["fulfillment_type"] == BY_TIKTOK:
            raise Refused(21008025, "The order is fulfilled by the platform.")
        _need_open(ask, order)
        if row["shipped_at"] is not None:
            raise WRONG_STATE["IN_TRANSIT"]
        line_ids = json.loads(row["line_ids"])
        if order.document["shipping_type"] == "TIKTOK":
            number, provider = parcels.platform_number(row), parcels.platform_provider()
        else:
            number, provider = _own_shipment(ask)
        _send(ask, order, line_ids, number, provider)
    return {}


def _own_shipment(ask: Ask) -> tuple[str, tuple[str, str]]:
    given = ask.body.get("self_shipment")
    if not given:
        raise Refused(21011022, "The tracking number or shipping provider is missing.")
    provider = carriers.provider(ask.shop.region, given["shipping_provider_id"])
    if provider is None or not carriers.TRACKING_NUMBER.fullmatch(given["tracking_number"]):
        raise Refused(21011022, "The tracking number or shipping provider is wrong.")
    return given["tracking_number"], provider


def own_package(ask: Ask) -> tuple[Row, Order]:
    """The package of the path with its order; Refused with 21011001 (unknown) or 21011028 (another shop's)."""
    row = ask.world.db.one("SELECT * FROM tt_packages WHERE id = ?", (ask.params["package_id"],))
    if row is None:
        raise NOT_FOUND
    if row["shop_id"] != ask.shop.id:
        raise Refused(21011028, "The package does not belong to this shop.")
    return row, own_order(ask, row["order_id"])


def update_order_shipping(ask: Ask) -> dict[str, Any]:
    """Update Shipping Info of an unsplit order: within 72 hours after shipping, and once."""
    with ask.world.db.transaction():
        order = own_order(ask, ask.params["order_id"])
        _need_correctable(order, Refused(21011041, "The order has been cancelled."))
        rows = [row for row in parcels.of_order(ask.world, order.id) if row["shipped_at"] is not None]
        if len(rows) != 1:
            raise Refused(21011043, "The order has not been shipped yet, or has several packages.")
        over = Refused(21011049, "The shipping information can no longer be changed.")
        _correct(ask, order, rows[0], over, over)
    return {}


def update_package_shipping(ask: Ask) -> dict[str, Any]:
    """Update Package Shipping Info."""
    with ask.world.db.transaction():
        row, order = own_package(ask)
        _need_correctable(order, Refused(21011042, "The order has been cancelled."))
        if row["shipped_at"] is None:
            raise Refused(21011043, "The package has not been shipped yet.")
        _correct(
            ask, order, row, Refused(21011050, "More than 72 hours have passed since shipping."),
            Refused(21011051, "The shipping information can be changed only once."),
        )  # fmt: skip
    return {}


def _need_correctable(order: Order, cancelled: Refused) -> None:
    if order.document["shipping_type"] == "TIKTOK":
        raise Refused(21011004, "The order is shipped by the platform.")
    if order.status == "CANCELLED":
        raise cancelled
    if order.status in ("DELIVERED", "COMPLETED"):
        raise Refused(21011030, "The package has been delivered already.")


def _correct(ask: Ask, order: Order, row: Row, too_late: Refused, too_often: Refused) -> None:
    number, now = ask.body["tracking_number"], ask.world.clock.now()
    if now - row["shipped_at"] > times.seconds(ask.world, "tracking_change_seconds"):
        raise too_late
    if row["changes"]:
        raise too_often
    provider = carriers.provider(ask.shop.region, ask.body["shipping_provider_id"])
    if provider is None or not carriers.TRACKING_NUMBER.fullmatch(number):
        raise Refused(21011022, "The tracking number or shipping provider is wrong.")
    parcels.ship(ask.world, order, row, number, provider)
    ask.world.db.execute("UPDATE tt_packages SET changes = changes + 1 WHERE id = ?", (row["id"],))
    order.inner["is_untrackable"] = carriers.is_untrackable(number, provider[1])
    if order.status == "AWAITING_COLLECTION" and not order.inner["is_untrackable"]:
        order.plan("scan", now + times.seconds(ask.world, "scan_seconds"))
    book.save(ask.world, [order])


def split_attributes(ask: Ask) -> dict[str, Any]:
    """Get Order Split Attributes."""
    found = []
    for order_id in ask.query["order_ids"]:
        order = own_order(ask, order_id)
        can = order.status == "AWAITING_SHIPMENT" and len(parcels.live_line_ids(order)) > 1
        attributes = {"order_id": order_id, "can_split": can, "must_split": False, "must_split_reasons": []}
        found.append(attributes | ({} if can else {"reason": "The order has one line item or is shipped already."}))
    return {"split_attributes": found}


def split(ask: Ask) -> dict[str, Any]:
    """Split Orders: every line that lives is in exactly one group, and there are at least two."""
    with ask.world.db.transaction():
        order = own_order(ask, ask.params["order_id"])
        groups = {one["id"]: list(one["order_line_item_ids"]) for one in ask.body.get("splittable_groups") or []}
        for one in ask.body.get("splittable_groups_v2") or []:
            groups[one["id"]] = [line["order_line_id"] for line in one["order_line_list"]]
        named = [id for group in groups.values() for id in group]
        if sorted(named) != sorted(parcels.live_line_ids(order)) or len(groups) < 2 or not all(groups.values()):
            raise Refused(21011005, "The parameters are invalid: each line item must be in exactly one group.")
        if order.status != "AWAITING_SHIPMENT" or order.document["fulfillment_type"] == BY_TIKTOK:
            raise Refused(21011035, "The order cannot be split.")
        package_ids = parcels.split(ask.world, order, list(groups.values()))
        book.save(ask.world, [order])
        events.packages_changed(ask.world, order, "SPLIT", "ROLE_SELLER", package_ids)
    return {
        "packages": [{"id": id, "splittable_group_id": group} for id, group in zip(package_ids, groups, strict=True)]
    }
