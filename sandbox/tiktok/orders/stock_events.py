"""Webhooks about stock: topics 68 (inventory changed) and 27 (inventory status). The Event API does not offer them:
their address stands in the app's settings in Partner Center, here set by `POST /_sandbox/tiktok/console_webhooks`."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sandbox.database import Row
from sandbox.tiktok import product_events
from sandbox.tiktok.orders import ids, stock
from sandbox.world import World

CHANGED, STATUS = "INVENTORY_UPDATE", "INVENTORY_STATUS_CHANGE"
LOW = 5
Deltas = dict[str, dict[str, int]]


def deltas(units: Counter[stock.Place], *, available: int, committed: int) -> Deltas:
    """Changes by SKU when each of the units moves `available` and `committed` by so much."""
    found: Deltas = {}
    for (sku_id, _), count in units.items():
        one = found.setdefault(sku_id, {"total_available_delta": 0, "total_committed_delta": 0})
        one["total_available_delta"] += available * count
        one["total_committed_delta"] += committed * count
    return found


def tell(world: World, shop_id: str, changes: Deltas, trigger: str) -> None:
    """Tell of SKUs whose stock has just changed; `trigger` is what topic 68 calls it, such as order_created."""
    wanted = world.db.query(
        "SELECT DISTINCT event_type FROM tt_webhooks WHERE shop_id = ? AND event_type IN (?, ?)",
        (shop_id, CHANGED, STATUS),
    )
    if not wanted or not changes:
        return
    snapshots = _snapshots(world, list(changes))
    for event_type, make in ((CHANGED, _changed), (STATUS, _status)):
        events = [
            event
            for sku_id, row in snapshots.items()
            if (event := make(world, shop_id, row, changes[sku_id], trigger)) is not None
        ]
        product_events.send_many(world, event_type, shop_id, events)


def _snapshots(world: World, sku_ids: list[str]) -> dict[str, Row]:
    committed, reserved = stock.committed(world, sku_ids), stock.reserved(world, sku_ids)
    marks = ",".join("?" * len(sku_ids))
    found = {}
    for row in world.db.query(f"SELECT id, product_id, inventory FROM tt_skus WHERE id IN ({marks})", sku_ids):
        available = sum(one["quantity"] for one in json.loads(row["inventory"]))
        held = sum(committed.get(row["id"], {}).values())
        locked = {kind: _sum(reserved.get(row["id"], []), kind) for kind in stock.KINDS}
        found[row["id"]] = row | {
            "total_quantity": available + held,
            "total_available_quantity": available,
            "total_committed_quantity": held,
            "in_shop_quantity": max(available - sum(locked.values()), 0),
            "campaign_locked_quantity": locked["campaign"],
            "creator_locked_quantity": locked["creator"],
        }
    return found


def _sum(rows: Iterable[Row], kind: str) -> int:
    return sum(one["quantity"] for one in rows if one["kind"] == kind)


def _changed(world: World, shop_id: str, row: Row, delta: dict[str, int], trigger: str) -> dict[str, Any]:
    """Topic 68. Event ids rise with time; the time has nanoseconds."""
    now = world.clock.now()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 10**9):09d}Z"
    event_id = str(next(ids.take(1)))
    detail = {"idempotency_key": f"{event_id}-0", "trigger_source": trigger, "occurred_at": stamp} | delta
    return {
        "event_id": event_id,
        "occurred_at": stamp,
        "seller_id": shop_id,
        "product_id": row["product_id"],
        "sku_id": row["id"],
        "quantity_snapshot_after_change": {name: row[name] for name in row if name.endswith("_quantity")},
        "change_detail": [detail],
    }


def _status(world: World, shop_id: str, row: Row, delta: dict[str, int], trigger: str) -> dict[str, Any] | None:
    """Topic 27, when a SKU crosses the line of low or no stock."""
    after, status = row["total_available_quantity"], _word(row["total_available_quantity"])
    if status == _word(after - delta.get("total_available_delta", 0)):
        return None
    distribution = {
        "total_quantity": row["total_quantity"],
        "available_quantity": row["in_shop_quantity"],
        "creator_reserved_quantity": row["creator_locked_quantity"],
        "campaign_reserved_quantity": row["campaign_locked_quantity"],
        "committed_quantity": row["total_committed_quantity"],
    }
    return {
        "product_id": row["product_id"],
        "sku_id": row["id"],
        "trigger_reason": {"alert_type": "REALTIME", "lead_days": 0, "low_stock_threshold": LOW},
        "current_inventory_status": status,
        "inventory_distribution": distribution,
        "update_time": int(world.clock.now()),
    }


def _word(available: int) -> str:
    if available <= 0:
        return "OUT_OF_STOCK"
    return "LOW_STOCK" if available <= LOW else "SUFFICIENT_STOCK"
