"""Tables, seed, counts and limits of TikTok Shop."""

from __future__ import annotations

from typing import Any

from sandbox.faults import ControlError
from sandbox.tiktok import accounts, pictures, product_events, shelf
from sandbox.tiktok.orders import state as orders_state
from sandbox.world import World

SCHEMA = accounts.SCHEMA + pictures.SCHEMA + shelf.SCHEMA + product_events.SCHEMA + orders_state.SCHEMA
NUMBERS = ("reads_per_second", "writes_per_second", "calls_per_hour")
SWITCHES = ("retry_after", "rotate_refresh", "strict_cipher", "strict_order_ids", "refuse_below_committed")


def seed(world: World) -> None:
    """The demo app and shops."""
    accounts.seed(world)


def report(world: World) -> dict[str, Any]:
    """Counts for `GET /_sandbox/state`."""
    created = world.counts("tiktok.products_created.")
    return (
        {
            "products_created": sum(created.values()),
            "rejected_signatures": world.counts("tiktok.").get("rejected_signatures", 0),
            "idempotent_replays": world.counts("tiktok.").get("idempotent_replays", 0),
            "refused_by_code": world.counts("tiktok.refused."),
            "ignored_fields": world.counts("tiktok.ignored_fields."),
            "images": world.db.value("SELECT COUNT(*) FROM tt_images"),
            "waiting_for_review": world.db.value("SELECT COUNT(*) FROM tt_products WHERE review_due IS NOT NULL"),
            "shops": {
                row["id"]: _shop_report(world, row["id"], created)
                for row in world.db.query("SELECT id FROM tt_shops ORDER BY id")
            },
        }
        | _over_all_shops(world)
        | orders_state.report(world)
    )


def _shop_report(world: World, shop_id: str, created: dict[str, int]) -> dict[str, Any]:
    by_status = world.db.query(
        "SELECT status, COUNT(*) AS n FROM tt_products WHERE shop_id = ? GROUP BY status", (shop_id,)
    )
    today = int(world.clock.now() // 86400)
    used = world.db.value("SELECT used FROM tt_allowance WHERE shop_id = ? AND day = ?", (shop_id, today))
    return {
        "products_created": created.get(shop_id, 0),
        "products_by_status": {row["status"]: row["n"] for row in by_status},
        "allowance_used_today": used or 0,
        "daily_products": world.db.value("SELECT daily_products FROM tt_shops WHERE id = ?", (shop_id,)),
    }


def _over_all_shops(world: World) -> dict[str, Any]:
    """Live products are those neither deleted nor draft. A duplicate is a live product beyond the first that has the
    same seller SKU in the same shop."""
    rows = world.db.query(
        "SELECT shop_id, seller_sku, COUNT(DISTINCT product_id) AS n FROM tt_skus"
        " WHERE is_live = 1 AND seller_sku <> '' GROUP BY shop_id, seller_sku HAVING n > 1"
    )
    return {
        "live_products": world.db.value("SELECT COUNT(*) FROM tt_products WHERE status NOT IN ('DELETED', 'DRAFT')"),
        "duplicates": sum(row["n"] - 1 for row in rows),
        "duplicate_seller_skus": [row["seller_sku"] for row in rows[:50]],
    }


def set_limits(world: World, section: dict[str, Any]) -> None:
    """Take the `tiktok` part of `POST /_sandbox/limits`."""
    for name, value in section.items():
        if name in NUMBERS:
            _set_number(world, name, value)
        elif name in SWITCHES:
            world.set_setting(f"tiktok.{name}", bool(value))
        elif name == "daily_products":
            _set_daily(world, value)
        else:
            known = ", ".join((*NUMBERS, *SWITCHES, "daily_products"))
            raise ControlError(f"The key {name!r} is unknown under tiktok; use {known}.")


def _set_number(world: World, name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
        raise ControlError(f"The key {name!r} needs a number above 0, not {value!r}.")
    if value is None and name != "calls_per_hour":
        raise ControlError(f"The key {name!r} needs a number; only calls_per_hour may be null.")
    world.set_setting(f"tiktok.{name}", value)


def _set_daily(world: World, value: Any) -> None:
    if not isinstance(value, dict):
        raise ControlError(f"The key 'daily_products' needs an object of shop id and number, not {value!r}.")
    for shop_id, daily in value.items():
        if not isinstance(daily, int) or daily < 0:
            raise ControlError(f"The allowance of shop {shop_id} must be a whole number, not {daily!r}.")
        changed = world.db.execute("UPDATE tt_shops SET daily_products = ? WHERE id = ?", (daily, shop_id))
        if not changed:
            raise ControlError(f"There is no shop {shop_id}.")
