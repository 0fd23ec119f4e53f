"""Update Inventory and Inventory Search (Partner Center, Products API)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.database import Row
from sandbox.tiktok import shelf, sku_checks
from sandbox.tiktok.answers import Refused, missing_field
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import stock as holdings
from sandbox.tiktok.orders import stock_events
from sandbox.world import World

MOST_PRODUCT_IDS, MOST_SKU_IDS = 100, 600


def update_inventory(ask: Ask) -> dict[str, Any]:
    """Absolute quantities. A SKU that fails is named inside a success; the others take effect."""
    with ask.world.db.transaction():
        row = shelf.product(ask.world, ask.shop.id, ask.params["product_id"])
        if row["status"] in ("FREEZE", "DELETED"):
            raise Refused(12052901, "The operation is not available in the current status of the product.")
        asked = ask.body["skus"]
        if not asked:
            raise Refused(12052902, "The SKU list is empty.")
        if max(Counter(sku["id"] for sku in asked).values()) > 1:
            raise Refused(12052553, "A SKU id is duplicated.")
        known = shelf.skus(ask.world, row["id"])
        errors = [error for place, sku in enumerate(asked) if (error := _set_sku(ask, sku, known, place))]
        shelf.change(ask.world, row["id"])
        stock_events.tell(ask.world, ask.shop.id, _changes(ask, row["id"], known), "api_sync")
    return {"errors": errors} if errors else {}


def _set_sku(ask: Ask, asked: dict[str, Any], known: dict[str, Row], place: int) -> dict[str, Any] | None:
    """Set one SKU, or tell what is wrong with it."""
    sku = known.get(asked["id"])
    if sku is None:
        return _error(asked["id"], 12052556, "The SKU does not belong to the product.", [])
    if ask.fault == "hidden_errors" and place == 0:
        return _error(asked["id"], 12052037, "The inventory could not be updated.", [])
    wanted = _with_warehouses(asked["inventory"], sku)
    problems = _problems(ask, wanted, sku) or _below_open(ask, wanted, sku)
    if problems:
        return _error(asked["id"], *_outer(problems), problems)
    old = {one["warehouse_id"]: one for one in sku["inventory"]}
    shelf.set_inventory(ask.world, asked["id"], [old.get(one["warehouse_id"], {}) | one for one in wanted])
    return None


def _changes(ask: Ask, product_id: str, before: dict[str, Row]) -> stock_events.Deltas:
    """By how much each SKU that changed did."""
    return {
        sku_id: {"total_available_delta": difference, "total_committed_delta": 0}
        for sku_id, sku in shelf.skus(ask.world, product_id).items()
        if (difference := _total(sku) - _total(before[sku_id]))
    }


def _total(sku: Row) -> int:
    return sum(one["quantity"] for one in sku["inventory"])


def _with_warehouses(inventory: list[dict[str, Any]], sku: Row) -> list[dict[str, Any]]:
    """The warehouse may be left out when the SKU has exactly one."""
    only = sku["inventory"][0]["warehouse_id"] if len(sku["inventory"]) == 1 else ""
    return [one | {"warehouse_id": one.get("warehouse_id") or only} for one in inventory]


def _problems(ask: Ask, wanted: list[dict[str, Any]], sku: Row) -> list[dict[str, Any]]:
    low, high = sku_checks.QUANTITY
    found = []
    for one in wanted:
        for problem in sku_checks.check_warehouse(ask.shop, one["warehouse_id"]):
            found.append(_extra(problem.code, problem.message, one["warehouse_id"]))
        if not low <= one["quantity"] <= high:
            words = "The SKU inventory quantity for the warehouse must be within allowed limits."
            found.append(_extra(12052055, words, one["warehouse_id"]))
    named = {one["warehouse_id"] for one in wanted}
    for missing in sorted({one["warehouse_id"] for one in sku["inventory"]} ^ named):
        found.append(_extra(12019028, "All warehouses of the SKU must be listed, and no other.", missing))
    return found


def _below_open(ask: Ask, wanted: list[dict[str, Any]], sku: Row) -> list[dict[str, Any]]:
    """Units set aside for campaigns and creators cannot be taken away. Whether units committed to orders count too
    is not clear from what is published: the switch `refuse_below_committed` says yes."""
    held = Held(ask.world, [sku["id"]])
    open_stock = held.open_stock(sku["id"])
    if ask.world.setting("tiktok.refuse_below_committed", False):
        open_stock += sum(held.committed(sku["id"]).values())
    if sum(one["quantity"] for one in wanted) >= open_stock:
        return []
    words = f"The stock cannot be lower than the open stock {open_stock}."
    return [_extra(12019024, words, one["warehouse_id"]) for one in wanted]


def _outer(problems: list[dict[str, Any]]) -> tuple[int, str]:
    if any(problem["code"] == 12052055 for problem in problems):
        return 12019024, "stock count is invalid"
    if problems[0]["code"] == 12019024:
        return 12019024, f"stock count is invalid: {problems[0]['message']}"
    return int(problems[0]["code"]), str(problems[0]["message"])


def _extra(code: int, message: str, warehouse_id: str) -> dict[str, Any]:
    return {"code": code, "message": message, "warehouse_id": warehouse_id}


def _error(sku_id: str, code: int, message: str, extra: list[dict[str, Any]]) -> dict[str, Any]:
    return {"code": code, "message": message, "detail": {"sku_id": sku_id, "extra_errors": extra}}


def search_inventory(ask: Ask) -> dict[str, Any]:
    """Inventory Search: by SKU ids, or else by product ids; unknown ones are left out."""
    product_ids, sku_ids = ask.body.get("product_ids") or [], ask.body.get("sku_ids") or []
    if not product_ids and not sku_ids:
        raise missing_field("ProductIds")
    if len(sku_ids) > MOST_SKU_IDS or len(product_ids) > MOST_PRODUCT_IDS:
        raise Refused(12019015, "There are too many ids in one call.")
    if sku_ids:
        product_ids = _products_of(ask, sku_ids)
    rows = shelf.skus_of_many(ask.world, product_ids)
    held = Held(ask.world, [sku["id"] for skus in rows.values() for sku in skus])
    found = []
    for product_id, skus in rows.items():
        wanted = [sku for sku in skus if sku["shop_id"] == ask.shop.id and (not sku_ids or sku["id"] in sku_ids)]
        if wanted:
            found.append({"product_id": product_id, "skus": [_stock_of(sku, held) for sku in wanted]})
    return {"inventory": found}


def _products_of(ask: Ask, sku_ids: list[str]) -> list[str]:
    marks = ",".join("?" * len(sku_ids))
    rows = ask.world.db.query(f"SELECT DISTINCT product_id FROM tt_skus WHERE id IN ({marks})", sku_ids)
    return [row["product_id"] for row in rows]


class Held:
    """What orders, campaigns and creators hold of some SKUs."""

    def __init__(self, world: World, sku_ids: list[str]) -> None:
        self._committed = holdings.committed(world, sku_ids)
        self._reserved = holdings.reserved(world, sku_ids)

    def committed(self, sku_id: str) -> dict[str, int]:
        """Committed units by warehouse."""
        return self._committed.get(sku_id, {})

    def reserved(self, sku_id: str, kind: str) -> list[Row]:
        """Reservations for a `campaign` or a `creator`."""
        return [one for one in self._reserved.get(sku_id, []) if one["kind"] == kind]

    def open_stock(self, sku_id: str) -> int:
        """Units set aside for campaigns and creators."""
        return sum(one["quantity"] for one in self._reserved.get(sku_id, []))


def _stock_of(sku: Row, held: Held) -> dict[str, Any]:
    """Available is what Get Product calls quantity; its distribution tells which part the shop's own page sells."""
    total = _total(sku)
    committed = held.committed(sku["id"])
    return {
        "id": sku["id"],
        "seller_sku": sku["seller_sku"],
        "total_available_quantity": total,
        "total_committed_quantity": sum(committed.values()),
        "total_available_inventory_distribution": {
            "in_shop_inventory": {"quantity": max(total - held.open_stock(sku["id"]), 0)},
            "campaign_inventory": [
                {"campaign_name": one["name"], "quantity": one["quantity"]}
                for one in held.reserved(sku["id"], "campaign")
            ],
            "creator_inventory": [
                {"creator_name": one["name"], "quantity": one["quantity"]}
                for one in held.reserved(sku["id"], "creator")
            ],
        },
        "warehouse_inventory": [
            {
                "warehouse_id": one["warehouse_id"],
                "available_quantity": one["quantity"],
                "committed_quantity": committed.get(one["warehouse_id"], 0),
            }
            for one in sku["inventory"]
        ],
    }
