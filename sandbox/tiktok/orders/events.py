"""Webhooks about orders: topics 1, 3, 4 and 11 (Partner Center, Webhooks). None carries amounts or lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.tiktok import product_events
from sandbox.tiktok.orders.book import Order
from sandbox.world import World

# Topic 1 has a spelling of its own, and does not know partly shipped orders.
SPELLINGS = {"CANCELLED": "CANCEL"}
UNTOLD = frozenset({"PARTIALLY_SHIPPING"})


def status_changed(world: World, order: Order, status: str = "") -> None:
    """Topic 1 for one order."""
    statuses_changed(world, order.shop_id, [(order, status or order.status)])


def statuses_changed(world: World, shop_id: str, changes: Iterable[tuple[Order, str]]) -> None:
    """Topic 1 for many orders of a shop."""
    now = int(world.clock.now())
    events = [
        {
            "is_on_hold_order": order.document["is_on_hold_order"],
            "order_id": order.id,
            "order_status": SPELLINGS.get(status, status),
            "update_time": now,
        }
        for order, status in changes
        if status not in UNTOLD
    ]
    product_events.send_many(world, "ORDER_STATUS_CHANGE", shop_id, events)


def address_changed(world: World, order: Order) -> None:
    """Topic 3."""
    data = {"order_id": order.id, "update_time": int(world.clock.now())}
    product_events.send(world, "RECIPIENT_ADDRESS_UPDATE", order.shop_id, data)


def packages_changed(world: World, order: Order, change: str, role: str, package_ids: list[str]) -> None:
    """Topic 4; `change` is its `sc_type`, such as SPLIT."""
    packages = [{"package_id": id, "order_id_list": [order.id]} for id in package_ids]
    data = {"sc_type": change, "role_type": role, "package_list": packages, "update_time": int(world.clock.now())}
    product_events.send(world, "PACKAGE_UPDATE", order.shop_id, data)


def cancellation_changed(world: World, shop_id: str, cancellation: dict[str, Any]) -> None:
    """Topic 11."""
    data = {
        "order_id": cancellation["order_id"],
        "cancellations_role": cancellation["role"],
        "cancel_status": cancellation["cancel_status"],
        "cancel_id": cancellation["cancel_id"],
        "create_time": cancellation["create_time"],
    }
    product_events.send(world, "CANCELLATION_STATUS_CHANGE", shop_id, data)
