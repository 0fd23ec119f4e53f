"""What buyers can choose from: a look at the shop's live SKUs, kept in memory while somebody buys."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox.database import Row
from sandbox.faults import ControlError
from sandbox.tiktok import pictures
from sandbox.tiktok.orders import ids, stock
from sandbox.world import World

SAMPLE_SIZE = 300
_LIVE = (
    "SELECT s.rowid AS place, s.id, s.product_id, s.seller_sku, s.amount, s.inventory, p.title, p.document"
    " FROM tt_skus s JOIN tt_products p ON p.id = s.product_id"
    " WHERE s.shop_id = ? AND s.is_live = 1 AND p.status = 'ACTIVATE'"
)


@dataclass(frozen=True)
class Ware:
    """A SKU as it looked when it was bought; `price` in pence."""

    sku_id: str
    product_id: str
    seller_sku: str
    price: int
    product_name: str
    sku_name: str
    image: str


class Shelf:
    """Live SKUs of a shop with what the page still sells of them. `take` counts in memory; `write` makes it true."""

    def __init__(self, world: World, shop_id: str, chance: Random, orders: int, seller_skus: list[str]) -> None:
        self._world = world
        self._rows = self._named(shop_id, seller_skus) if seller_skus else self._some(shop_id, chance, orders)
        self._left = {row["id"]: self._places(row) for row in self._rows}
        self._documents: dict[str, dict[str, Any]] = {}
        self._in_shop = self._sellable()
        self._open = [number for number, row in enumerate(self._rows) if self._in_shop[row["id"]] > 0]
        self.taken: Counter[stock.Place] = Counter()

    def _named(self, shop_id: str, seller_skus: list[str]) -> list[Row]:
        marks = ",".join("?" * len(seller_skus))
        rows = self._world.db.query(f"{_LIVE} AND s.seller_sku IN ({marks})", [shop_id, *seller_skus])
        missing = sorted(set(seller_skus) - {row["seller_sku"] for row in rows})
        if missing:
            raise ControlError(f"Shop {shop_id} has no live SKU with the seller SKU {missing[0]!r}.")
        by_sku = {row["seller_sku"]: row for row in rows}
        return [by_sku[one] for one in dict.fromkeys(seller_skus)]

    def _some(self, shop_id: str, chance: Random, orders: int) -> list[Row]:
        """All live SKUs for many orders; for a few a sample, so that buying in a large shop stays cheap."""
        if orders > SAMPLE_SIZE // 3:
            return self._world.db.query(f"{_LIVE} ORDER BY s.rowid", (shop_id,))
        last = self._world.db.value("SELECT MAX(rowid) FROM tt_skus") or 0
        start = chance.randrange(last + 1)
        tail = f"{_LIVE} AND s.rowid >= ? ORDER BY s.rowid LIMIT {SAMPLE_SIZE}"
        rows = self._world.db.query(tail, (shop_id, start))
        if len(rows) < SAMPLE_SIZE:
            head = f"{_LIVE} AND s.rowid < ? ORDER BY s.rowid LIMIT {SAMPLE_SIZE - len(rows)}"
            rows += self._world.db.query(head, (shop_id, start))
        return rows

    @staticmethod
    def _places(row: Row) -> dict[str, int]:
        return {one["warehouse_id"]: one["quantity"] for one in json.loads(row["inventory"])}

    def _sellable(self) -> dict[str, int]:
        held = stock.reserved(self._world, self._left)
        return {
            id: sum(places.values()) - sum(one["quantity"] for one in held.get(id, []))
            for id, places in self._left.items()
        }

    def pick(self, chance: Random) -> Ware | None:
        """A SKU that is not sold out, or None when everything is."""
        while self._open:
            place = chance.randrange(len(self._open))
            row = self._rows[self._open[place]]
            if self._in_shop[row["id"]] > 0:
                return self._ware(row)
            self._open[place] = self._open[-1]
            self._open.pop()
        return None

    def all(self) -> list[Ware]:
        """Every SKU of the look, sold out or not."""
        return [self._ware(row) for row in self._rows]

    def knows(self, sku_id: str) -> bool:
        """Whether the SKU is on the shelf."""
        return sku_id in self._in_shop

    def in_shop(self, sku_id: str) -> int:
        """What the shop's own page still sells of a SKU on the shelf."""
        return self._in_shop[sku_id]

    def take(self, ware: Ware, count: int) -> str:
        """Note units as sold; gives the warehouse that holds them, the fullest one."""
        places = self._left[ware.sku_id]
        warehouse_id = max(places, key=lambda id: places[id], default="")
        if warehouse_id:
            places[warehouse_id] -= count
        self._in_shop[ware.sku_id] -= count
        self.taken[(ware.sku_id, warehouse_id)] += count
        return warehouse_id

    def write(self) -> None:
        """Commit what was taken."""
        stock.commit(self._world, self.taken)
        self.taken = Counter()

    def _ware(self, row: Row) -> Ware:
        document = self._documents.get(row["product_id"])
        if document is None:
            document = self._documents[row["product_id"]] = json.loads(row["document"])
        images = document.get("main_images") or []
        none: dict[str, Any] = {"sales_attributes": []}
        sku = next((one for one in document["skus"] if one["id"] == row["id"]), none)
        names = [one["value_name"] for one in sku["sales_attributes"] if one.get("value_name")]
        return Ware(
            sku_id=row["id"],
            product_id=row["product_id"],
            seller_sku=row["seller_sku"],
            price=round(float(row["amount"]) * 100),
            product_name=row["title"],
            sku_name=", ".join(names) or "Default",
            image=pictures.image_url(self._world, images[0]["uri"]) if images else "",
        )


def unknown_ware(chance: Random) -> Ware:
    """Something the seller once listed by hand: half of these have no seller SKU, the others one that no store has."""
    number = chance.randrange(1, 60)
    name = f"Clearance find {number}"
    return Ware(
        sku_id=ids.foreign_id("sku", name),
        product_id=ids.foreign_id("product", name),
        seller_sku="" if number % 2 else f"OLD-{number:04d}",
        price=500 + 25 * number,
        product_name=name,
        sku_name="Default",
        image="",
    )


def bundle_of(parts: list[tuple[Ware, int]]) -> Ware:
    """A virtual bundle made in Seller Center: a product and SKU of its own, a tenth cheaper than its parts."""
    name = " + ".join(f"{count} x {ware.product_name}" for ware, count in parts)
    key = "/".join(f"{ware.sku_id}:{count}" for ware, count in parts)
    return Ware(
        sku_id=ids.foreign_id("bundle sku", key),
        product_id=ids.foreign_id("bundle", key),
        seller_sku=f"BUNDLE-{ids.foreign_id(key)[-5:]}",
        price=sum(ware.price * count for ware, count in parts) * 9 // 10,
        product_name=f"Bundle: {name}"[:255],
        sku_name="Default",
        image=parts[0][0].image,
    )
