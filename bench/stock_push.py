"""A push of 20,000 SKUs over 4,000 listings at 50 calls a second, against the time that limit alone takes.

A real worker with its clock and its usual concurrency works on the jobs that a pull would have queued. It ends when
every SKU was read back from the Shop with the number it should have; the sandbox enforces the 50 calls itself, and is
asked afterwards, by another client, what it really holds.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
from PIL import Image

from bench.results import Row, bounded
from bench.stage import Stage, staged

LISTINGS, EACH, PER_SECOND, BOUND = 4_000, 5, 50, 1.15
SHOP = "7495001122334455667"
# The catalogue as a pull leaves it. The account counts as refused, so that the clock does not pull the real one.
_CATALOGUE = f"""
INSERT INTO products (store_account_id, remote_id, title, description, active, url, custom_fields, variant_count,
    search_text, content_hash)
SELECT (SELECT max(id) FROM store_accounts), 'b' || n, 'Bench product ' || n, '', true, '', '{{}}', {EACH}, '', 'x'
FROM generate_series(1, {LISTINGS}) AS n;
INSERT INTO variants (product_id, store_account_id, remote_id, position, sku, price, stock)
SELECT p.id, p.store_account_id, k.n::text, k.n, 'BENCH-' || p.id || '-' || k.n, 9.99, 10
FROM products p, generate_series(1, {EACH}) AS k (n) WHERE p.content_hash = 'x' ORDER BY p.id, k.n;
UPDATE store_accounts SET status = 'refused'
"""
_PERMITS = """
INSERT INTO rate_buckets (key, capacity, per_second, tokens) VALUES (%s, 5, %s, 0)
ON CONFLICT (key) DO UPDATE SET capacity = 5, per_second = excluded.per_second, tokens = 0
"""
_LEFT = """
SELECT count(*) FROM listing_skus s JOIN variants v ON v.id = s.variant_id
WHERE s.shop_quantity IS DISTINCT FROM v.stock OR s.read_back_at IS NULL OR s.read_back_at < s.quantity_sent_at
"""


def measure() -> list[Row]:
    with staged(1) as stage:
        stage.environment["CROSSDOCK_OWN_RATES"] = "on"
        stage.control("limits", {"off": True, "tiktok": {"daily_products": {SHOP: 1_000_000}}})
        stage.control("review", {"delay_seconds": 0, "reject_rate": 0})
        gateway = stage.start("gateway.py")
        try:
            stage.run("bench.stock_push", "prepare")
        finally:
            gateway.terminate()
            gateway.wait(timeout=30)
        rates = {"reads_per_second": PER_SECOND, "writes_per_second": PER_SECOND}
        stage.control("limits", {"off": False, "tiktok": rates})
        seconds = _push(stage)
        wrong = stage.run("bench.stock_push", "wrong")["wrong"]
    alone = LISTINGS / PER_SECOND
    raw = {"seconds": seconds, "limit_alone_s": alone, "wrong_skus": wrong}
    if wrong:
        raise RuntimeError(f"{wrong} SKUs have another quantity in the Shop than they should")
    return [
        bounded(
            "stock_push",
            f"A push of {LISTINGS * EACH:,} SKUs over {LISTINGS:,} listings at {PER_SECOND} calls a second, from "
            f"queueing to the last read-back, no SKU wrong, one worker with its clock; the limit takes {alone:.0f} s.",
            ours=seconds, below=alone * BOUND, units="s", raw=raw,
        )
    ]  # fmt: skip


def _push(stage: Stage) -> float:
    worker = stage.start("worker.py")
    try:
        with psycopg.connect(stage.database_url, autocommit=True) as connection:
            while connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,):
                time.sleep(0.2)
            time.sleep(5)  # what the clock begins with
            connection.execute(_PERMITS, (f"tiktok:{SHOP}:write:inventory_update", PER_SECOND))
            connection.execute(_PERMITS, (f"tiktok:{SHOP}:read:inventory_search", PER_SECOND))
            stage.run("bench.stock_push", "change")
            began = stage.run("bench.stock_push", "queue")["at"]
            while connection.execute(_LEFT).fetchone() != (0,):
                time.sleep(0.25)
            return time.time() - began
    finally:
        worker.terminate()
        worker.wait(timeout=90)


def prepare() -> dict[str, Any]:
    """Connect the demo, fill the catalogue, and put every product of it on the Shop's shelf."""
    from core import wiring
    from core.db.engine import transaction
    from core.jobs import demo
    from core.services.live import live

    connection_id = demo.ensure_demo()
    assert connection_id is not None
    market = wiring.marketplace(live(connection_id).shop_id)
    with transaction() as connection:
        connection.exec_driver_sql("TRUNCATE procrastinate_jobs CASCADE")
        connection.exec_driver_sql(_CATALOGUE)
        connection.exec_driver_sql(
            "INSERT INTO connection_settings (connection_id, name, value)"
            " SELECT id, 'nightly_stock_check', 'false' FROM connections"
        )
        connection.exec_driver_sql(
            "INSERT INTO rate_buckets (key, capacity, per_second, tokens)"
            f" VALUES ('tiktok:{SHOP}:write:product_create', 1000, 1000, 1000)"
        )
        wanted = "SELECT product_id, array_agg(id ORDER BY id), array_agg(sku ORDER BY id) FROM variants"
        rows = connection.exec_driver_sql(f"{wanted} WHERE sku LIKE 'BENCH-%%' GROUP BY product_id").all()
    pattern, pictures = _pattern(market)

    def create(row: Any) -> None:
        _create(market, connection_id, pattern, pictures, row)

    with ThreadPoolExecutor(6) as hands:
        list(hands.map(create, rows))
    _gather_statistics()
    return {"listings": len(rows)}


def _gather_statistics() -> None:
    """As autovacuum has them within a minute: nobody fills a catalogue and pushes all of it in the same breath."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ANALYZE")


def _pattern(market: Any) -> tuple[Any, Any]:
    """A listing that the sandbox accepts, to be given ids and SKUs."""
    from core.domain.listing import AttributeValue, ListingDraft, Package

    painted = io.BytesIO()
    Image.effect_noise((800, 800), 60).convert("RGB").save(painted, "JPEG")
    picture = market.upload_picture(painted.getvalue(), "main.jpg")
    category_id = _simple_category(market)
    attributes = tuple(
        AttributeValue(one.id, value_id=one.values[0][0]) if one.values else AttributeValue(one.id, name="Plain")
        for one in market.category_attributes(category_id)
        if one.required
    )
    (warehouse,) = [one for one in market.warehouses() if one.kind == "SALES_WAREHOUSE" and one.default]
    draft = ListingDraft(
        product_id="", title="", description="<p>Holds 350 ml, dishwasher safe.</p>", category_id=category_id,
        skus=(), picture_urls=("main",), package=Package(Decimal("0.45"), 12, 12, 18), warehouse_id=warehouse.id,
        attributes=attributes,
    )  # fmt: skip
    return draft, {"main": picture}


def _simple_category(market: Any) -> str:
    for category in market.categories():
        if category.leaf and category.permission == "AVAILABLE":
            rule = market.category_rule(category.id)
            if not rule.size_chart_required and not any(needed for _, _, needed in rule.certifications):
                return str(category.id)
    raise RuntimeError("the sandbox has no simple category")


def _create(market: Any, connection_id: int, pattern: Any, pictures: Any, row: Any) -> None:
    """One listing in the Shop, and its rows as the export leaves them."""
    from core.db.engine import transaction
    from core.domain.listing import SalesAttribute, SkuDraft
    from core.domain.money import Money

    product_id, variant_ids, seller_skus = row
    skus = tuple(
        SkuDraft(str(variant_id), seller_sku, Money(Decimal("9.99"), "GBP"), 10, None,
                 (SalesAttribute("Colour", f"Colour {number}"),))
        for number, (variant_id, seller_sku) in enumerate(zip(variant_ids, seller_skus, strict=True))
    )  # fmt: skip
    title = f"Stoneware mug for coffee and tea {product_id}"
    draft = replace(pattern, product_id=str(product_id), title=title, skus=skus)
    made = market.create_product(market.listing_body(draft, pictures, idempotency_key=str(uuid4())))
    with transaction() as connection:
        listing_id = connection.exec_driver_sql(
            "INSERT INTO listings (connection_id, product_id, state, remote_id, draft, tiktok_status)"
            " VALUES (%s, %s, 'sent', %s, %s, 'ACTIVATE') RETURNING id",
            (connection_id, product_id, made.id, json.dumps({"warehouse_id": draft.warehouse_id})),
        ).scalar_one()
        remote = {sku.seller_sku: sku.id for sku in made.skus}
        connection.exec_driver_sql(
            "INSERT INTO listing_skus (listing_id, connection_id, variant_id, seller_sku, remote_id, sent_price,"
            " price_sent_at, price_acknowledged_at, sent_quantity, shop_quantity, quantity_sent_at,"
            " quantity_acknowledged_at, read_back_at)"
            " VALUES (%s, %s, %s, %s, %s, 9.99, now(), now(), 10, 10, now(), now(), now())",
            [(listing_id, connection_id, int(one.variant_id), one.seller_sku, remote[one.seller_sku]) for one in skus],
        )


def change() -> dict[str, Any]:
    """The store's stock changes, every SKU to a number of its own."""
    from core.db.engine import transaction

    with transaction() as connection:
        connection.exec_driver_sql("UPDATE variants SET stock = 11 + id %% 900, changed_at = now()")
    return {}


def queue() -> dict[str, Any]:
    """What a pull does after it stored new stock."""
    from core.db.engine import transaction
    from core.services.price_stock_queue import queue_push

    with transaction() as connection:
        ids = list(connection.exec_driver_sql("SELECT id FROM products WHERE content_hash = 'x' ORDER BY id").scalars())
        account = connection.exec_driver_sql("SELECT max(id) FROM store_accounts").scalar_one()
        queue_push(connection, account, ids)
    return {"at": time.time()}


def wrong() -> dict[str, Any]:
    """How many SKUs the Shop really has with another quantity than the store."""
    from core import wiring
    from core.db.engine import transaction
    from core.services.live import live

    with transaction() as connection:
        wanted = "SELECT s.remote_id, v.stock FROM listing_skus s JOIN variants v ON v.id = s.variant_id"
        stock: dict[str, int] = dict(tuple(row) for row in connection.exec_driver_sql(wanted))
    market = wiring.marketplace(live(1).shop_id)
    ids: Sequence[str] = list(stock)
    shown: dict[str, int] = {}
    for start in range(0, len(ids), 600):
        shown |= {level.sku_id: level.in_shop for level in market.inventory(ids[start : start + 600])}
    return {"wrong": sum(shown.get(sku_id) != quantity for sku_id, quantity in stock.items())}


SIDES = {"prepare": prepare, "change": change, "queue": queue, "wrong": wrong}

if __name__ == "__main__":
    print(json.dumps(SIDES[sys.argv[1]]()))
