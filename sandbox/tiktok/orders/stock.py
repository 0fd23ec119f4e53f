"""What orders hold of the stock: units committed to orders, and units reserved for campaigns and creators.

The quantity of a listing (`tt_skus.inventory`) is what is available, as Get Product, Update Inventory and Inventory
Search call it. An order takes units from available to committed; shipping ends the commitment, cancelling gives the
units back. Reservations for campaigns and creators are a part of the available quantity that the Shop's own page does
not sell: in-shop = available - campaign - creator.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sandbox.database import Row
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_committed (
    sku_id TEXT NOT NULL, warehouse_id TEXT NOT NULL, quantity INTEGER NOT NULL,
    PRIMARY KEY (sku_id, warehouse_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tt_reserved (
    sku_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, quantity INTEGER NOT NULL,
    PRIMARY KEY (sku_id, kind, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tt_sold (
    shop_id TEXT NOT NULL, seller_sku TEXT NOT NULL, by_tiktok INTEGER NOT NULL, ordered INTEGER NOT NULL,
    cancelled INTEGER NOT NULL, PRIMARY KEY (shop_id, seller_sku, by_tiktok)) WITHOUT ROWID;
"""
KINDS = ("campaign", "creator")
# Units of a SKU in a warehouse: how an order notes what it holds.
Place = tuple[str, str]


def committed(world: World, sku_ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """Committed units by SKU and warehouse."""
    found: dict[str, dict[str, int]] = {}
    for row in _of(world, "tt_committed", sku_ids):
        found.setdefault(row["sku_id"], {})[row["warehouse_id"]] = row["quantity"]
    return found


def reserved(world: World, sku_ids: Iterable[str]) -> dict[str, list[Row]]:
    """Reservations (`kind`, `name`, `quantity`) by SKU."""
    found: dict[str, list[Row]] = {}
    for row in _of(world, "tt_reserved", sku_ids):
        found.setdefault(row["sku_id"], []).append(row)
    return found


def _of(world: World, table: str, sku_ids: Iterable[str]) -> list[Row]:
    ids = list(sku_ids)
    return world.db.query(f"SELECT * FROM {table} WHERE sku_id IN ({','.join('?' * len(ids))})", ids)


def reserve(world: World, sku_id: str, kind: str, name: str, quantity: int) -> int:
    """Set a reservation; 0 ends it. Gives what it was before."""
    place = (sku_id, kind, name)
    condition = "sku_id = ? AND kind = ? AND name = ?"
    before: int = world.db.value(f"SELECT quantity FROM tt_reserved WHERE {condition}", place) or 0
    world.db.execute(f"DELETE FROM tt_reserved WHERE {condition}", place)
    if quantity:
        world.db.execute("INSERT INTO tt_reserved VALUES (?, ?, ?, ?)", (*place, quantity))
    return before


def commit(world: World, units: Counter[Place]) -> None:
    """Take units from available to committed; available never falls below 0."""
    move(world, Counter({place: -count for place, count in units.items()}))
    _commit(world, units)


def release(world: World, units: Counter[Place]) -> None:
    """A cancellation gives units back: committed falls, available rises."""
    move(world, units)
    ship(world, units)


def ship(world: World, units: Counter[Place]) -> None:
    """Shipped units are committed no more."""
    _commit(world, Counter({place: -count for place, count in units.items()}))


def _commit(world: World, units: Counter[Place]) -> None:
    world.db.execute_many(
        "INSERT INTO tt_committed VALUES (?, ?, MAX(?, 0)) ON CONFLICT DO UPDATE SET quantity = MAX(quantity + ?, 0)",
        [(sku_id, warehouse_id, count, count) for (sku_id, warehouse_id), count in units.items()],
    )


def move(world: World, units: Counter[Place]) -> None:
    """Add to the available quantity of SKUs that are on the shelf."""
    ids = list({sku_id for sku_id, _ in units})
    marks = ",".join("?" * len(ids))
    rows = world.db.query(f"SELECT id, inventory FROM tt_skus WHERE id IN ({marks})", ids)
    world.db.execute_many(
        "UPDATE tt_skus SET inventory = ? WHERE id = ?", [(_moved(row, units), row["id"]) for row in rows]
    )


def _moved(row: Row, units: Counter[Place]) -> str:
    inventory: list[dict[str, Any]] = json.loads(row["inventory"])
    for one in inventory:
        one["quantity"] = max(one["quantity"] + units[(row["id"], one["warehouse_id"])], 0)
    return json.dumps(inventory)


def count_sold(world: World, shop_id: str, ordered: Counter[tuple[str, bool]], column: str = "ordered") -> None:
    """Keep the books of units per (seller SKU, fulfilled by TikTok); `column` is `ordered` or `cancelled`."""
    other = {"ordered": "?, 0", "cancelled": "0, ?"}[column]
    world.db.execute_many(
        f"INSERT INTO tt_sold VALUES (?, ?, ?, {other}) ON CONFLICT DO UPDATE"
        f" SET {column} = {column} + excluded.{column}",
        [(shop_id, sku, int(by_tiktok), count) for (sku, by_tiktok), count in ordered.items()],
    )
