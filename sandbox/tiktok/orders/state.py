"""Tables of orders, and what `GET /_sandbox/state` tells of them."""

from __future__ import annotations

from typing import Any

from sandbox.tiktok.orders import book, cancelling, parcels, references, stock
from sandbox.world import World

SCHEMA = book.SCHEMA + stock.SCHEMA + parcels.SCHEMA + cancelling.SCHEMA + references.SCHEMA


def report(world: World) -> dict[str, Any]:
    """Orders over all shops; `units_sold` by seller SKU are those the seller must deduct: ordered, not cancelled,
    not sent by TikTok's own warehouse."""
    return {
        "orders": world.db.value("SELECT COUNT(*) FROM tt_orders"),
        "orders_by_status": _by_status(world),
        "orders_by_kind": _counts(world, "SELECT kind AS name, COUNT(*) AS n FROM tt_orders GROUP BY kind"),
        "units_sold": _units_sold(world),
        "units_committed": world.db.value("SELECT COALESCE(SUM(quantity), 0) FROM tt_committed"),
        "external_references": world.db.value("SELECT COUNT(*) FROM tt_references"),
        "packages": _counts(world, "SELECT status AS name, COUNT(*) AS n FROM tt_packages GROUP BY status"),
        "cancellations": _counts(world, "SELECT status AS name, COUNT(*) AS n FROM tt_cancellations GROUP BY status"),
    }


def _counts(world: World, sql: str) -> dict[str, int]:
    return {row["name"]: row["n"] for row in world.db.query(sql)}


def _by_status(world: World) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in world.db.query("SELECT shop_id, status, COUNT(*) AS n FROM tt_orders GROUP BY shop_id, status"):
        found.setdefault(row["shop_id"], {})[row["status"]] = row["n"]
    return found


def _units_sold(world: World) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in world.db.query("SELECT * FROM tt_sold WHERE by_tiktok = 0 ORDER BY shop_id, seller_sku"):
        found.setdefault(row["shop_id"], {})[row["seller_sku"]] = row["ordered"] - row["cancelled"]
    return found
