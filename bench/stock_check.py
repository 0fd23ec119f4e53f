"""The comparison step of the stock check over 1,000,000 SKUs against the bare SQL join of the same two tables.

The bare join asks only which SKUs have another quantity in the Shop than in the store. Ours also takes off what
orders hold, the buffer and the cap of each SKU or of the connection, knows what ended in the store, and clamps to the
market's range. Both write what differs into a temporary table.
"""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg

from bench.results import Row, at_most
from bench.stage import alternating, staged

SKUS, PER_PRODUCT, WRONG, HELD, ROUNDS = 1_000_000, 5, 4_000, 3_000, 9
_FILL = """
INSERT INTO tiktok_apps (app_key, app_secret, service_id) VALUES ('k', '', '1');
INSERT INTO store_accounts (platform, base_url, business_id, name, country, currency, credentials)
VALUES ('shopwired', 'http://127.0.0.1:1/v1', '1', 'Bench', 'GB', 'GBP', '');
INSERT INTO shops (app_id, remote_id, name, region, cipher) SELECT id, '1', 'Bench', 'GB', 'c' FROM tiktok_apps;
INSERT INTO connections (store_account_id, shop_id, name) SELECT a.id, s.id, 'Bench' FROM store_accounts a, shops s;
INSERT INTO products (store_account_id, remote_id, title, description, active, url, custom_fields, variant_count,
    search_text, content_hash)
SELECT (SELECT max(id) FROM store_accounts), n::text, 'Product ' || n, repeat('A plain description. ', 20),
    n %% 200 <> 0, 'https://store/' || n, '{{}}', {per_product}, 'product ' || n, md5(n::text)
FROM generate_series(1, {products}) AS n;
INSERT INTO variants (product_id, store_account_id, remote_id, position, sku, price, stock)
SELECT p.id, p.store_account_id, k.n::text, k.n, 'SKU-' || p.remote_id || '-' || k.n, 9.99, (p.id * 7 + k.n) %% 90
FROM products p, generate_series(1, {per_product}) AS k (n) ORDER BY p.id, k.n;
INSERT INTO listings (connection_id, product_id, state, remote_id, draft, tiktok_status)
SELECT (SELECT max(id) FROM connections), id, 'sent', (1729000000000000000 + id)::text, '{{"warehouse_id": "W1"}}',
    'ACTIVATE' FROM products ORDER BY id;
INSERT INTO sku_rules (variant_id, store_account_id, buffer, cap)
SELECT id, store_account_id, 1, 50 FROM variants WHERE id %% 1000 = 0;
INSERT INTO shop_orders (connection_id, remote_id, status, currency, total, unit_count, ordered_at, remote_updated_at)
SELECT (SELECT max(id) FROM connections), '1', 'AWAITING_SHIPMENT', 'GBP', 1, {held}, now(), now();
INSERT INTO shop_order_lines (order_id, remote_id, original_price, sale_price, seller_discount, platform_discount)
SELECT (SELECT max(id) FROM shop_orders), n::text, 1, 1, 0, 0 FROM generate_series(1, {held}) AS n;
INSERT INTO stock_deductions (line_id, store_account_id, variant_id)
SELECT l.id, (SELECT max(id) FROM store_accounts), (SELECT min(id) FROM variants) + l.remote_id::bigint * 300
FROM shop_order_lines l;
INSERT INTO listing_skus (listing_id, connection_id, variant_id, seller_sku, remote_id, sent_quantity, shop_quantity,
    quantity_sent_at, quantity_acknowledged_at, read_back_at)
SELECT l.id, l.connection_id, v.id, v.sku, (1729700000000000000 + v.id)::text, v.stock,
    v.stock + CASE WHEN v.id %% {every} = 0 THEN 3 ELSE 0 END, now(), now(), now()
FROM variants v JOIN listings l ON l.product_id = v.product_id ORDER BY v.id;
"""
_BARE = """
CREATE TEMP TABLE bare_differences ON COMMIT DROP AS
SELECT s.id, v.stock FROM listing_skus s JOIN variants v ON v.id = s.variant_id
WHERE s.connection_id = 1 AND s.ended_at IS NULL AND s.shop_quantity <> v.stock
"""


def measure() -> list[Row]:
    with staged(1) as stage:
        fill(stage.database_url)
        taken = stage.run("bench.stock_check")
    found = taken["found"]
    return [
        at_most(
            "stock_check_compare",
            f"Comparing {SKUS:,} SKUs of {SKUS // PER_PRODUCT:,} products in one statement, {found['ours']:,} of them "
            f"differ ({HELD:,} units held, a rule of its own for one SKU in 1,000, one product in 200 ended); other: "
            f"the bare join of the two tables, {found['bare']:,} differ; median of {ROUNDS} rounds in turn.",
            ours=taken["ours"], other=taken["bare"], ratio_at_most=1.5, units="s", raw=taken,
        )
    ]  # fmt: skip


def fill(database_url: str) -> None:
    every = SKUS // WRONG
    words = {"products": SKUS // PER_PRODUCT, "per_product": PER_PRODUCT, "held": HELD, "every": every}
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in _FILL.format(**words).replace("%%", "%").split(";\n"):
            if statement.strip():
                connection.execute(statement)
        for name in ("products", "variants", "listings", "listing_skus", "sku_rules", "stock_deductions"):
            connection.execute(f"VACUUM ANALYZE {name}")


def sides() -> dict[str, Any]:
    """Seconds of each side in turn, and how many SKUs each found; the first round only warms the memory."""
    from core.db.engine import transaction
    from core.services.live import require_live
    from core.services.stock_compare import compare
    from core.services.stock_offers import load_ground

    seconds: dict[str, list[float]] = {"ours": [], "bare": []}
    found: dict[str, int] = {}
    for side in alternating(ROUNDS + 1, "ours", "bare"):
        with transaction() as connection:
            ground = load_ground(connection, require_live(connection, 1))
            began = time.perf_counter()
            if side == "ours":
                compare(connection, ground)
            else:
                connection.exec_driver_sql(_BARE)
            seconds[side].append(time.perf_counter() - began)
            table = "stock_differences" if side == "ours" else "bare_differences"
            found[side] = int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
    return {side: times[1:] for side, times in seconds.items()} | {"found": found}


if __name__ == "__main__":
    print(json.dumps(sides()))
