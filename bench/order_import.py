"""Reading 15,000 orders of a Shop and storing them, against a bare httpx loop with COPY; and the storing alone.

The bare loop signs and asks for the same pages one after the other, parses them and copies the same columns of orders
and lines into two tables without keys or indexes, a commit a page. Ours also keeps every call, compares with what is
there, seals every customer, links every line to the store, holds its stock and queues what follows. Each run is a
process of its own on empty tables; the time excludes the start of Python.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
from psycopg.types.json import Jsonb

from bench.results import Row, compared
from bench.stage import Stage, alternating, staged

ORDERS, ROUNDS, PRODUCTS = 15_000, 3, 500
APP_KEY, APP_SECRET = "6f0demo1key", "demo-app-secret-0001"
SEARCH = "/order/202309/orders/search"
EMPTY = """
TRUNCATE shop_orders, api_calls, issues, procrastinate_jobs CASCADE; DELETE FROM cursors;
DROP TABLE IF EXISTS bare_orders, bare_lines;
CREATE TABLE bare_orders (id text, status text, type text, shipping text, fulfilment text, currency text, total numeric,
    payment jsonb, address jsonb, email text, created bigint, paid bigint, updated bigint, ship_by bigint,
    collect_by bigint, deliver_by bigint, tracking text, provider text, rest jsonb);
CREATE TABLE bare_lines (order_id text, id text, product_id text, sku_id text, seller_sku text, title text,
    sku_title text, gift boolean, original numeric, sale numeric, seller_off numeric, platform_off numeric, status text,
    components jsonb);
"""


def measure() -> list[Row]:
    with staged(PRODUCTS) as stage:
        gateway = stage.start("gateway.py")
        try:
            stage.run("bench.order_import", "prepare")
        finally:
            gateway.terminate()
            gateway.wait(timeout=30)
        return [_drain(stage), _write(stage)]


def _drain(stage: Stage) -> Row:
    speeds, samples = _measured(stage, "ours", "bare")
    return compared(
        "order_drain_speed",
        f"Reading {ORDERS:,} orders of all kinds and storing them in empty tables; other: httpx and COPY, same pages, "
        f"one after the other; median of {ROUNDS} runs each, in turn; the sandbox's rates and our own are off.",
        ours=speeds["ours"], other=speeds["bare"], at_least=0.4, units="orders/s", raw=samples,
    )  # fmt: skip


def _write(stage: Stage) -> Row:
    speeds, samples = _measured(stage, "batches", "singly")
    return compared(
        "order_write_speed",
        f"Writing the rows of {ORDERS:,} orders that are in memory and of their lines, 500 orders at a time, each "
        "compared with what is here; other: a transaction an order that inserts the same rows, sealed alike; "
        f"median of {ROUNDS} runs each, in turn.",
        ours=speeds["batches"], other=speeds["singly"], at_least=3.0, units="orders/s", raw=samples,
    )  # fmt: skip


def _measured(stage: Stage, *sides: str) -> tuple[dict[str, list[float]], dict[str, list[dict[str, Any]]]]:
    samples: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for side in alternating(ROUNDS, *sides):
        with psycopg.connect(stage.database_url, autocommit=True) as connection:
            connection.execute(EMPTY)
        sample = stage.run("bench.order_import", side)
        if sample["orders"] != ORDERS:
            raise RuntimeError(f"{side} stored {sample['orders']} orders instead of {ORDERS}")
        samples[side].append(sample)
    return {side: [ORDERS / one["seconds"] for one in taken] for side, taken in samples.items()}, samples


def prepare() -> dict[str, Any]:
    """Connect the demo, read its catalogue, put 300 of its SKUs on the Shop's shelf, and let buyers order."""
    from core import wiring
    from core.jobs import demo
    from core.services.catalogue_pull import pull_catalogue
    from core.services.live import live

    connection_id = demo.ensure_demo()
    assert connection_id is not None
    account = live(connection_id).store_account_id
    pull_catalogue(wiring.store(account), account, full=True)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        wanted = "SELECT sku FROM variants WHERE sku <> '' GROUP BY sku HAVING count(*) = 1 ORDER BY sku LIMIT 300"
        skus = [{"seller_sku": sku, "quantity": 90_000, "price": "12.99"} for (sku,) in connection.execute(wanted)]
    with httpx.Client(base_url=os.environ["CROSSDOCK_SANDBOX_URL"], timeout=600) as control:
        control.post("/_sandbox/tiktok/shelf", json={"skus": skus}).raise_for_status()
        bought = control.post("/_sandbox/tiktok/buy", json={"count": ORDERS, "ignore_stock": True}).raise_for_status()
    return {"orders": bought.json()["created"], "seconds": 0.0}


def ours() -> dict[str, Any]:
    from core import wiring
    from core.services.live import live
    from core.services.order_drain import drain_orders

    market = wiring.marketplace(live(1).shop_id)
    market.shops()  # the token is there before the clock starts, as on the other side
    began = time.perf_counter()
    drained = drain_orders(market, 1)
    return {"seconds": time.perf_counter() - began, "orders": drained.new, "read": drained.read}


def bare() -> dict[str, Any]:
    """The least that brings the same orders into Postgres."""
    base, query = os.environ["CROSSDOCK_TIKTOK_API_URL"], _credentials()
    stored = 0
    with httpx.Client(base_url=base, timeout=30) as client, psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        began = time.perf_counter()
        for page in _pages(client, query):
            _copy(connection, page)
            connection.commit()
            stored += len(page)
        return {"seconds": time.perf_counter() - began, "orders": stored}


def _credentials() -> dict[str, str]:
    """The shop's cipher, and a token under the name that the request header has."""
    from core.db.engine import transaction
    from core.db.tables import shops
    from core.services.live import live
    from core.services.shop_token import ShopTokenVault
    from core.wiring import marketplace_auth

    shop_id = live(1).shop_id
    with transaction() as connection:
        row = connection.execute(shops.select().where(shops.c.id == shop_id)).one()
    return {"cipher": row.cipher, "token": ShopTokenVault(shop_id, marketplace_auth(row.app_id)).access_token()}


def _pages(client: httpx.Client, known: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    since = int(time.time()) - 30 * 86_400
    body = json.dumps({"update_time_ge": since, "update_time_lt": int(time.time()) + 60}).encode()
    token = ""
    while True:
        query = {"app_key": APP_KEY, "timestamp": str(int(time.time())), "shop_cipher": known["cipher"],
                 "page_size": "100", "sort_field": "update_time", "sort_order": "ASC"}  # fmt: skip
        query |= {"page_token": token} if token else {}
        message = f"{SEARCH}{''.join(name + query[name] for name in sorted(query))}".encode() + body
        secret = APP_SECRET.encode()
        query["sign"] = hmac.new(secret, secret + message + secret, hashlib.sha256).hexdigest()
        headers = {"x-tts-access-token": known["token"], "content-type": "application/json"}
        answer = client.post(SEARCH, params=query, content=body, headers=headers).json()
        if answer["code"] != 0:
            raise RuntimeError(answer["message"])
        yield answer["data"]["orders"]
        token = answer["data"]["next_page_token"]
        if not token:
            return


def _copy(connection: psycopg.Connection[Any], page: list[dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        with cursor.copy("COPY bare_orders FROM STDIN") as copy:
            for found in page:
                copy.write_row((
                    found["id"], found["status"], found["order_type"], found["shipping_type"],
                    found["fulfillment_type"], found["payment"]["currency"], found["payment"]["total_amount"],
                    json.dumps(found["payment"]), json.dumps(found["recipient_address"]), found["buyer_email"],
                    found["create_time"], found.get("paid_time"), found["update_time"], found.get("rts_sla_time"),
                    found.get("tts_sla_time"), found.get("delivery_sla_time"), found.get("tracking_number"),
                    found.get("shipping_provider"),
                    json.dumps({key: item for key, item in found.items() if key != "line_items"}),
                ))  # fmt: skip
        with cursor.copy("COPY bare_lines FROM STDIN") as copy:
            for found in page:
                for line in found["line_items"]:
                    copy.write_row((
                        found["id"], line["id"], line["product_id"], line["sku_id"], line["seller_sku"],
                        line["product_name"], line["sku_name"], line["is_gift"], line["original_price"],
                        line["sale_price"], line["seller_discount"], line["platform_discount"],
                        line["display_status"], json.dumps(line.get("combined_listing_skus")),
                    ))  # fmt: skip


def _in_memory() -> list[Any]:
    from datetime import UTC, datetime, timedelta

    from core import wiring
    from core.services.live import live

    market, present = wiring.marketplace(live(1).shop_id), datetime.now(UTC)
    pages = market.orders_updated(present - timedelta(days=30), present + timedelta(minutes=1))
    return list({order.id: order for page in pages for order in page}.values())


def batches() -> dict[str, Any]:
    from core.db.engine import transaction
    from core.db.orders import save_orders

    orders, stored = _in_memory(), 0
    began = time.perf_counter()
    for start in range(0, len(orders), 500):
        with transaction() as connection:
            stored += len(save_orders(connection, 1, orders[start : start + 500], {}).new)
    return {"seconds": time.perf_counter() - began, "orders": stored}


def singly() -> dict[str, Any]:
    """A transaction an order: insert it, insert its lines, commit."""
    from core.db.order_rows import line_rows, order_row, told
    from core.secrets import sealer

    orders, seal = _in_memory(), sealer()
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        began = time.perf_counter()
        for number, order in enumerate(orders, start=1):
            with connection.cursor() as cursor:
                _insert(cursor, "shop_orders", order_row(number, 1, told(order, seal), seal))
                for line in line_rows(number, order, {}):
                    _insert(cursor, "shop_order_lines", line)
            connection.commit()
        return {"seconds": time.perf_counter() - began, "orders": len(orders)}


def _insert(cursor: psycopg.Cursor[Any], table: str, row: dict[str, Any]) -> None:
    values = [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
    marks = ", ".join(["%s"] * len(values))
    cursor.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", values)


SIDES: dict[str, Callable[[], dict[str, Any]]] = {
    "prepare": prepare,
    "ours": ours,
    "bare": bare,
    "batches": batches,
    "singly": singly,
}

if __name__ == "__main__":
    if len(sys.argv) == 1:
        from bench.__main__ import main

        sys.exit(main(["order_import"]))
    print(json.dumps(SIDES[sys.argv[1]]()))
