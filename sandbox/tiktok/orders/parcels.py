"""Packages in the database, and what orders show of them (Partner Center, Fulfillment API)."""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Row
from sandbox.tiktok.logistics import PROVIDERS
from sandbox.tiktok.orders import ids
from sandbox.tiktok.orders.book import Order
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_packages (
    id TEXT PRIMARY KEY, shop_id TEXT NOT NULL, order_id TEXT NOT NULL, status TEXT NOT NULL, line_ids TEXT NOT NULL,
    tracking_number TEXT NOT NULL, provider_id TEXT NOT NULL, provider_name TEXT NOT NULL,
    create_time INTEGER NOT NULL, update_time INTEGER NOT NULL, order_pay_time INTEGER NOT NULL, shipped_at REAL,
    changes INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS tt_packages_order ON tt_packages (order_id);
CREATE INDEX IF NOT EXISTS tt_packages_updated ON tt_packages (shop_id, update_time, id);
CREATE INDEX IF NOT EXISTS tt_packages_tracking ON tt_packages (shop_id, tracking_number);
"""


def announce(world: World, order: Order) -> None:
    """TikTok's own shipping: the package has its id before anybody ships it."""
    if not order.document["packages"]:
        put(world, order, live_line_ids(order), "TO_FULFILL")


def put(world: World, order: Order, line_ids: list[str], status: str, tracking_number: str = "",
        provider: tuple[str, str] = ("", ""), shipped_at: float | None = None) -> str:  # fmt: skip
    """A new package with those lines; gives its id. The order's document follows, the caller saves it."""
    id, now = ids.package_id(next(ids.take(1))), int(world.clock.now())
    world.db.execute(
        "INSERT INTO tt_packages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (
            id,
            order.shop_id,
            order.id,
            status,
            json.dumps(line_ids),
            tracking_number,
            *provider,
            now,
            now,
            order.document.get("paid_time", 0),
            shipped_at,
        ),
    )
    order.document["packages"] = [*order.document["packages"], {"id": id}]
    for line in _lines(order, line_ids):
        line |= {"package_id": id, "package_status": status}
    _show_shipping(order, line_ids, tracking_number, provider)
    return id


def ship(world: World, order: Order, row: Row, tracking_number: str, provider: tuple[str, str]) -> None:
    """A known package goes out, or gets another number."""
    now = world.clock.now()
    world.db.execute(
        "UPDATE tt_packages SET status = 'PROCESSING', tracking_number = ?, provider_id = ?, provider_name = ?,"
        " update_time = ?, shipped_at = COALESCE(shipped_at, ?) WHERE id = ?",
        (tracking_number, *provider, int(now), now, row["id"]),
    )
    line_ids = json.loads(row["line_ids"])
    for line in _lines(order, line_ids):
        line["package_status"] = "PROCESSING"
    _show_shipping(order, line_ids, tracking_number, provider)


def split(world: World, order: Order, groups: list[list[str]]) -> list[str]:
    """Packages of an order that nobody has shipped yet, one for each group of lines, instead of those it had."""
    world.db.execute("DELETE FROM tt_packages WHERE order_id = ? AND shipped_at IS NULL", (order.id,))
    kept = {row["id"] for row in of_order(world, order.id)}
    order.document["packages"] = [one for one in order.document["packages"] if one["id"] in kept]
    made = [put(world, order, group, "TO_FULFILL") for group in groups]
    order.document["split_or_combine_tag"] = "SPLIT"
    return made


def _show_shipping(order: Order, line_ids: list[str], tracking_number: str, provider: tuple[str, str]) -> None:
    if not tracking_number:
        return
    id, name = provider
    for line in _lines(order, line_ids):
        line |= {"tracking_number": tracking_number, "shipping_provider_id": id, "shipping_provider_name": name}
    order.document |= {"tracking_number": tracking_number, "shipping_provider_id": id, "shipping_provider": name}


def platform_ships(world: World, order: Order, at: float) -> None:
    """TikTok's warehouse sends what it keeps."""
    for row in of_order(world, order.id):
        ship(world, order, row, platform_number(row), platform_provider())
    for line in order.lines:
        line["rts_time"] = int(at)


def platform_number(row: Row) -> str:
    """The tracking number that TikTok gives a package."""
    return f"TT{row['id'][-9:]}GB"


def platform_provider() -> tuple[str, str]:
    """Who carries for TikTok: id and name."""
    return PROVIDERS["GB"][0]


def set_status(world: World, order: Order, status: str) -> None:
    """All packages of an order change together, as the order does."""
    if not order.document["packages"]:
        return
    world.db.execute(
        "UPDATE tt_packages SET status = ?, update_time = ? WHERE order_id = ? AND status <> 'CANCELLED'",
        (status, int(world.clock.now()), order.id),
    )
    for line in order.lines:
        if line.get("package_id"):
            line["package_status"] = status


def of_order(world: World, order_id: str) -> list[Row]:
    """Packages of an order that still exist."""
    return world.db.query("SELECT * FROM tt_packages WHERE order_id = ? ORDER BY id", (order_id,))


def live_line_ids(order: Order) -> list[str]:
    """Lines that nobody cancelled."""
    return [line["id"] for line in order.lines if line["display_status"] != "CANCELLED"]


def _lines(order: Order, line_ids: list[str]) -> list[dict[str, Any]]:
    wanted = set(line_ids)
    return [line for line in order.lines if line["id"] in wanted]
