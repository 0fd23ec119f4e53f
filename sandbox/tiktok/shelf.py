"""Products and SKUs in the database."""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Row
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.documents import Document
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_products (
    id TEXT PRIMARY KEY, shop_id TEXT NOT NULL, title TEXT NOT NULL,
    status TEXT NOT NULL, product_status TEXT NOT NULL, audit_status TEXT NOT NULL,
    document TEXT NOT NULL, review_document TEXT, draft_document TEXT,
    reasons TEXT NOT NULL DEFAULT '[]', pre_approved_reasons TEXT NOT NULL DEFAULT '[]',
    create_time INTEGER NOT NULL, update_time INTEGER NOT NULL,
    review_due REAL, submissions INTEGER NOT NULL DEFAULT 0, external_product_id TEXT);
CREATE INDEX IF NOT EXISTS tt_products_recent ON tt_products (shop_id, update_time DESC, id DESC);
CREATE INDEX IF NOT EXISTS tt_products_review ON tt_products (review_due) WHERE review_due IS NOT NULL;
CREATE INDEX IF NOT EXISTS tt_products_scheduled ON tt_products (id) WHERE status = 'SCHEDULED';
CREATE INDEX IF NOT EXISTS tt_products_external ON tt_products (shop_id, external_product_id)
    WHERE external_product_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS tt_skus (
    id TEXT PRIMARY KEY, product_id TEXT NOT NULL, shop_id TEXT NOT NULL, place INTEGER NOT NULL,
    seller_sku TEXT NOT NULL, identifier TEXT, is_live INTEGER NOT NULL,
    amount TEXT NOT NULL, currency TEXT NOT NULL, inventory TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tt_skus_product ON tt_skus (product_id, place);
CREATE INDEX IF NOT EXISTS tt_skus_seller ON tt_skus (shop_id, seller_sku);
CREATE INDEX IF NOT EXISTS tt_skus_identifier ON tt_skus (shop_id, identifier) WHERE identifier IS NOT NULL;
CREATE TABLE IF NOT EXISTS tt_idempotency (
    shop_id TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, answer TEXT NOT NULL, made REAL NOT NULL,
    PRIMARY KEY (shop_id, key));
CREATE TABLE IF NOT EXISTS tt_allowance (
    shop_id TEXT NOT NULL, day INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (shop_id, day));
"""
NOT_LIVE = ("DELETED", "DRAFT")


def product(world: World, shop_id: str, product_id: str) -> Row:
    """The product of this shop, or Refused with 12052032 (unknown) or 12052048 (of another shop)."""
    row = world.db.one("SELECT * FROM tt_products WHERE id = ?", (product_id,))
    if row is None:
        raise Refused(12052032, "The product does not exist")
    if row["shop_id"] != shop_id:
        raise Refused(12052048, "The product cannot be edited. It is not listed in your account or shop.")
    return row


def insert(world: World, shop_id: str, product_id: str, document: Document, *, is_draft: bool) -> None:
    """A new product: a draft, or pending until its review."""
    now = int(world.clock.now())
    status, product_status, audit = ("DRAFT", "DRAFT", "NONE") if is_draft else ("PENDING", "INITIAL", "AUDITING")
    world.db.execute(
        "INSERT INTO tt_products (id, shop_id, title, status, product_status, audit_status, document, create_time,"
        " update_time, review_due, submissions, external_product_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            product_id, shop_id, document.get("title", ""), status, product_status, audit, json.dumps(document), now,
            now, None if is_draft else review_due(world), 0 if is_draft else 1, document.get("external_product_id"),
        ),
    )  # fmt: skip


def review_due(world: World) -> float:
    """When something submitted now is reviewed, on the sandbox clock."""
    return world.clock.now() + float(world.setting("tiktok.review_delay", 20.0))


def change(world: World, product_id: str, **columns: Any) -> None:
    """Set columns of a product; `document`, `review_document`, `draft_document` and `reasons` are given as values.

    Any change moves `update_time`, and always forward, so that a reader of windows never misses one.
    """
    for name in ("document", "review_document", "draft_document", "reasons", "pre_approved_reasons"):
        if columns.get(name) is not None:
            columns[name] = json.dumps(columns[name])
    columns["update_time"] = int(world.clock.now())
    names = ", ".join(f"{name} = :{name}" for name in columns)
    world.db.execute(f"UPDATE tt_products SET {names} WHERE id = :id", columns | {"id": product_id})
    if "status" in columns:
        live = int(columns["status"] not in NOT_LIVE)
        world.db.execute("UPDATE tt_skus SET is_live = ? WHERE product_id = ?", (live, product_id))


def skus(world: World, product_id: str) -> dict[str, Row]:
    """SKU rows of a product by id, in order, with `inventory` as a list."""
    rows = world.db.query("SELECT * FROM tt_skus WHERE product_id = ? ORDER BY place", (product_id,))
    return {row["id"]: row | {"inventory": json.loads(row["inventory"])} for row in rows}


def skus_of_many(world: World, product_ids: list[str]) -> dict[str, list[Row]]:
    """SKU rows of several products by product id."""
    marks = ",".join("?" * len(product_ids))
    found: dict[str, list[Row]] = {}
    for row in world.db.query(f"SELECT * FROM tt_skus WHERE product_id IN ({marks}) ORDER BY place", product_ids):
        found.setdefault(row["product_id"], []).append(row | {"inventory": json.loads(row["inventory"])})
    return found


def put_skus(
    world: World, shop_id: str, product_id: str, document: Document, given: list[dict[str, Any]], *, is_live: bool
) -> None:
    """Make the SKU rows follow the document: add, keep, remove. `given` are the SKUs of the request, in the order of
    the document's, whose price and inventory count where present."""
    before = skus(world, product_id)
    world.db.execute("DELETE FROM tt_skus WHERE product_id = ?", (product_id,))
    rows = []
    for place, (sku, asked) in enumerate(zip(document["skus"], given, strict=True)):
        old = before.get(sku["id"])
        price, inventory = asked.get("price") or {}, asked.get("inventory")
        rows.append(
            (
                sku["id"], product_id, shop_id, place, sku.get("seller_sku", ""),
                (sku.get("identifier_code") or {}).get("code") or None, int(is_live),
                price.get("amount") or (old["amount"] if old else "0"),
                price.get("currency") or (old["currency"] if old else ""),
                json.dumps(inventory if inventory else (old["inventory"] if old else [])),
            )
        )  # fmt: skip
    for row in rows:
        world.db.execute("INSERT INTO tt_skus VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def set_price(world: World, sku_id: str, price: dict[str, str]) -> None:
    """A new price, at once."""
    world.db.execute(
        "UPDATE tt_skus SET amount = ?, currency = ? WHERE id = ?", (price["amount"], price["currency"], sku_id)
    )


def set_inventory(world: World, sku_id: str, inventory: list[dict[str, Any]]) -> None:
    """New stock, at once."""
    world.db.execute("UPDATE tt_skus SET inventory = ? WHERE id = ?", (json.dumps(inventory), sku_id))


def take_allowance(world: World, shop_id: str, daily: int) -> None:
    """Count one submission of today (UTC), or Refused with 12052093 when the day's allowance is used up."""
    day = int(world.clock.now() // 86400)
    used = world.db.value("SELECT used FROM tt_allowance WHERE shop_id = ? AND day = ?", (shop_id, day)) or 0
    if used >= daily:
        raise Refused(12052093, f"The listing limit is exceeded. The shop may submit {daily} products a day.")
    world.db.execute("INSERT OR REPLACE INTO tt_allowance VALUES (?, ?, ?)", (shop_id, day, used + 1))
