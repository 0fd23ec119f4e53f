"""Reading the Orders page with 1,000,000 orders in the database: list, filter, search, deep page.

Each reading is what the page does for one view: the rows with the names opened, the count, and the counts on its
tabs. The orders are generated in Postgres, 2,000 a day, with lines' words to search by; one in ten has a customer
sealed for its row, as only those of the shown page are opened.
"""

from __future__ import annotations

import json
import os
import sys
import time
from statistics import median
from typing import Any

import psycopg

from bench.results import Row, bounded
from bench.stage import staged

ORDERS, ROUNDS, BELOW_MS = 1_000_000, 15, 150.0
# Views by name: the filter, the sort, the page. Common and rare words, ids, and pages as deep as paging goes.
VIEWS: dict[str, dict[str, Any]] = {
    "list": {},
    "list_deep_page": {"page": 200},
    "list_past_the_pages": {"before": "2026-03-01T00:00:00+00:00/900000"},
    "status": {"status": "IN_TRANSIT"},
    "status_deep_page": {"status": "COMPLETED", "page": 200},
    "tab_to_ship": {"tab": "To ship", "sort": "ship", "descending": False},
    "tab_needs_a_person": {"tab": "Needs a person"},
    "tab_waiting": {"tab": "Waiting for stock or mapping"},
    "store_status": {"store": "3"},
    "not_imported": {"store": "none"},
    "dates": {"first": "2026-03-01", "last": "2026-03-31"},
    "search_order_id": {"text": "576400000000123456"},
    "search_store_number": {"text": "#600123"},
    "search_sku": {"text": "SKU-04242"},
    "search_common_word": {"text": "mug"},
    "search_two_words": {"text": "blue teapot"},
    "search_nothing": {"text": "zeppelin"},
    "search_tracking": {"text": "JD0000777777"},
    "search_in_status": {"text": "teapot", "status": "COMPLETED"},
}
_FILL = """
INSERT INTO shop_orders (connection_id, remote_id, status, currency, total, payment, unit_count, area, country, detail,
    ordered_at, remote_updated_at, ship_by, fulfilment, import_state, hold, hold_sentence, search_text, received_at)
SELECT %(connection)s, (576400000000000000 + n)::text, s.status, 'GBP', 5 + n %% 90, '{{}}', 1 + n %% 3,
    (ARRAY['AB', 'B', 'LS', 'M', 'SE', 'SW', 'YO'])[1 + n %% 7], 'GB', '{{"package_ids": [], "parcels": {{}}}}',
    at, at + interval '1 hour', at + interval '2 days',
    CASE WHEN s.status IN ('UNPAID', 'ON_HOLD', 'AWAITING_SHIPMENT') THEN 'unshipped' ELSE 'shipped' END,
    i.state, i.hold, i.hold,
    lower(concat_ws(E'\\n', (576400000000000000 + n)::text,
        CASE WHEN n %% 3 = 0 THEN 'jd' || lpad(n::text, 10, '0') END,
        (577000000000000000 + n * 7)::text, 'SKU-' || lpad((n * 7919 %% 20000)::text, 5, '0'),
        (1729000000000000000 + n * 7919 %% 20000)::text,
        (ARRAY['Blue', 'Red', 'Green', 'Plain', 'Striped', 'Oak', 'Linen'])[1 + n * 13 %% 7] || ' '
        || (ARRAY['mug', 'teapot', 'plate', 'bowl', 'towel', 'lamp', 'rug', 'tray', 'jar'])[1 + n * 31 %% 9]
        || ' number ' || n * 7919 %% 20000)),
    at
FROM generate_series(1::bigint, {orders}) AS n,
LATERAL (SELECT now() - make_interval(secs => ({orders} - n) * 43.2) AS at) t,
LATERAL (SELECT CASE WHEN n %% 25 = 0 THEN 'CANCELLED' WHEN n > {orders} - 60 THEN 'ON_HOLD'
    WHEN n > {orders} - 3000 THEN 'AWAITING_SHIPMENT' WHEN n > {orders} - 12000 THEN 'IN_TRANSIT'
    WHEN n > {orders} - 30000 THEN 'DELIVERED' ELSE 'COMPLETED' END AS status) s,
LATERAL (SELECT CASE WHEN s.status = 'CANCELLED' AND n %% 2 = 0 THEN 'not_wanted' WHEN n %% 997 = 0 THEN 'held'
    WHEN s.status = 'ON_HOLD' THEN 'held' ELSE 'imported' END AS state,
    CASE WHEN s.status = 'ON_HOLD' THEN 'on_hold' WHEN n %% 997 <> 0 THEN '' WHEN n %% 2 = 0 THEN 'unlinked_sku'
    ELSE 'refused' END AS hold) i
"""
_MAKE = """
INSERT INTO store_orders (order_id, store_account_id, state, remote_id, number, marker, status_id, status, total,
    created_at)
SELECT o.id, %(account)s, 'created', (9000000 + o.id)::text, (500000 + o.id)::text, '',
    CASE o.status WHEN 'CANCELLED' THEN '9' WHEN 'AWAITING_SHIPMENT' THEN '3' ELSE '4' END,
    CASE o.status WHEN 'CANCELLED' THEN 'Cancelled' WHEN 'AWAITING_SHIPMENT' THEN 'Paid' ELSE 'Dispatched' END,
    o.total, o.received_at
FROM shop_orders o WHERE o.import_state = 'imported'
"""
# Open issues: of a hundred orders that the store has, and more of other things.
_COMPLAIN = """
INSERT INTO issues (connection_id, subject_kind, subject_id, code, sentence)
SELECT %(connection)s, 'order', id::text, 'address_changed', '' FROM shop_orders
WHERE import_state = 'imported' AND id %% 10007 = 0
UNION ALL SELECT %(connection)s, 'variant', n::text, 'low_stock', '' FROM generate_series(1, 20000) AS n
"""
_CONNECT = """
WITH app AS (INSERT INTO tiktok_apps (app_key, app_secret, service_id) VALUES ('k', '', '1') RETURNING id),
account AS (INSERT INTO store_accounts (platform, base_url, business_id, name, country, currency, credentials)
    VALUES ('shopwired', '', '1', 'Store', 'GB', 'GBP', '') RETURNING id),
shop AS (INSERT INTO shops (app_id, remote_id, name, region, cipher) SELECT id, '74', 'Shop', 'GB', 'c' FROM app
    RETURNING id)
INSERT INTO connections (store_account_id, shop_id, name) SELECT account.id, shop.id, 'Bench' FROM account, shop
RETURNING id, store_account_id
"""


def measure() -> list[Row]:
    with staged(1) as stage:
        stage.run("bench.orders_page", "fill")
        taken: dict[str, list[float]] = stage.run("bench.orders_page", "read")
    return [_row(name, times) for name, times in taken.items()]


def _row(name: str, times: list[float]) -> Row:
    return bounded(
        f"orders_page_{name}",
        f"Server time of one reading of the Orders page ({name.replace('_', ' ')}) with {ORDERS:,} orders stored: rows "
        f"with opened names, count and the counts on all tabs; median of {ROUNDS} after one to warm up.",
        ours=median(times), below=BELOW_MS, units="ms", raw={"ms": times},
    )  # fmt: skip


def fill(database_url: str, orders: int) -> None:
    """A connection with so many orders, one every 43.2 seconds until now."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(_CONNECT).fetchone()
        assert row is not None
        connection.execute(_FILL.format(orders=orders), {"connection": row[0]})
        connection.execute(_MAKE, {"account": row[1]})
        connection.execute(_COMPLAIN, {"connection": row[0]})
        _seal_customers(connection)
        connection.execute("VACUUM ANALYZE shop_orders")
        connection.execute("VACUUM ANALYZE store_orders")
        connection.execute("VACUUM ANALYZE issues")


def _seal_customers(connection: psycopg.Connection[Any]) -> None:
    """The newest 20,000, which are those that the pages below show."""
    from core.db.order_rows import customer_key_of, customer_place
    from core.secrets import sealer

    rows = connection.execute("SELECT id FROM shop_orders ORDER BY id DESC LIMIT 20000").fetchall()
    seal = sealer()
    sealed = [
        (seal.seal(json.dumps({"name": f"Buyer {row[0]}"}), customer_place(row[0])),
         customer_key_of(f"Buyer {row[0]}", seal), row[0])
        for row in rows
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE shop_orders SET customer = %s, customer_key = %s WHERE id = %s", sealed)


def read_all() -> dict[str, list[float]]:
    """Milliseconds of each reading of each view."""
    return {name: [_timed(view) for _ in range(ROUNDS + 1)][1:] for name, view in VIEWS.items()}


def _timed(view: dict[str, Any]) -> float:
    from core.domain.filters import OrderFilter
    from core.reads.orders import orders_page, tab_counts

    given = dict(view)
    page, sort, descending = given.pop("page", 1), given.pop("sort", "date"), given.pop("descending", True)
    wanted = OrderFilter(**given)
    began = time.perf_counter()
    orders_page(1, wanted, sort=sort, descending=descending, page=page, customers=True)
    tab_counts(1, wanted, customers=True)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    if len(sys.argv) == 1:
        from bench.__main__ import main

        sys.exit(main(["orders_page"]))
    if sys.argv[1] == "fill":
        fill(os.environ["DATABASE_URL"], ORDERS)
        print(json.dumps({"orders": ORDERS}))
    else:
        print(json.dumps(read_all()))
