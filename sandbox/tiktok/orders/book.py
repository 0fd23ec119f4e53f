"""The order book: orders in the database, each with the JSON document that reads hand out as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.database import Row
from sandbox.tiktok.orders import masks
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_orders (
    id TEXT PRIMARY KEY, shop_id TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
    create_time INTEGER NOT NULL, update_time INTEGER NOT NULL, shipping_type TEXT NOT NULL,
    warehouse_id TEXT NOT NULL, user_id TEXT NOT NULL, is_cancel_requested INTEGER NOT NULL,
    next_step TEXT, next_due REAL, document TEXT NOT NULL, address TEXT NOT NULL, inner TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tt_orders_updated ON tt_orders (shop_id, update_time, id);
CREATE INDEX IF NOT EXISTS tt_orders_created ON tt_orders (shop_id, create_time, id);
CREATE INDEX IF NOT EXISTS tt_orders_status ON tt_orders (shop_id, status, update_time, id);
CREATE INDEX IF NOT EXISTS tt_orders_kind ON tt_orders (kind);
CREATE INDEX IF NOT EXISTS tt_orders_due ON tt_orders (next_due) WHERE next_due IS NOT NULL;
"""
# One encoder for all: `json.dumps` with options builds a new one each time.
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
_INSERT = f"INSERT OR REPLACE INTO tt_orders VALUES ({', '.join('?' * 15)})"


@dataclass
class Order:
    """One order in memory. `document` is what the API shows but with the clear address; `inner` is what only the
    platform knows: `takes` (what stock it holds), times, what the buyer is about to do.

    `next_step` is the name of what happens at `next_due` (unix seconds of the sandbox clock) if nobody acts.
    """

    id: str
    shop_id: str
    kind: str
    document: dict[str, Any]
    address: dict[str, Any]
    inner: dict[str, Any]
    next_step: str | None = None
    next_due: float | None = None

    @property
    def status(self) -> str:
        """The order's status, such as AWAITING_SHIPMENT."""
        return str(self.document["status"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The line items, each one unit."""
        lines: list[dict[str, Any]] = self.document["line_items"]
        return lines

    def plan(self, step: str | None, due: float | None = None) -> None:
        """What happens next by itself, instead of whatever was planned."""
        self.next_step, self.next_due = step, due


def save(world: World, orders: Iterable[Order]) -> None:
    """Write orders; their `update_time` becomes now."""
    now = int(world.clock.now())
    world.db.execute_many(_INSERT, [_row(order, now) for order in orders])


def _row(order: Order, now: int) -> Sequence[Any]:
    document = order.document
    document["update_time"] = now
    shown = masks.shown_address(document, order.address)
    text = _encode(document | {"recipient_address": shown})
    return (
        order.id, order.shop_id, order.kind, document["status"], document["create_time"], now,
        document["shipping_type"], document["warehouse_id"], document["user_id"],
        int(document["is_buyer_request_cancel"]), order.next_step, order.next_due, text,
        "" if shown is order.address else _encode(order.address), _encode(order.inner),
    )  # fmt: skip


def load(row: Row) -> Order:
    """An order of a row of `tt_orders`. The clear address stands beside the document only where that hides it."""
    document = json.loads(row["document"])
    address = json.loads(row["address"]) if row["address"] else document["recipient_address"]
    return Order(
        row["id"], row["shop_id"], row["kind"], document, address, json.loads(row["inner"]), row["next_step"],
        row["next_due"],
    )  # fmt: skip


def find(world: World, order_id: str) -> Order | None:
    """The order with this id, of whatever shop."""
    row = world.db.one("SELECT * FROM tt_orders WHERE id = ?", (order_id,))
    return None if row is None else load(row)
