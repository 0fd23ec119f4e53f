"""catalogue_pull against a bare httpx loop with COPY, and the worker's memory while it pulls 200,000 products.

The bare loop asks for the same pages, four at a time as we do, parses them and copies them straight into tables with
the same columns and indexes as ours. Ours also keeps every call, checks every value, compares with what is stored,
can be killed at any moment and go on, and holds a lease. The account is not joined to a Shop, so readiness has
nothing to do. Each run is a process of its own on empty tables; the time excludes the start of Python.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.results import Row, bounded, compared
from bench.stage import Stage, alternating, staged

PRODUCTS, ROUNDS = 20_000, 3
MANY, BOUND_MIB = 200_000, 300.0
KEYS = ("sw-key-harbour", "sw-secret-harbour")
EMBED = "variations,images,categories,brand,custom_fields"
EMPTY = "TRUNCATE store_accounts, shops, tiktok_apps, procrastinate_jobs CASCADE; TRUNCATE api_calls"
BARE_TABLES = """
DROP TABLE IF EXISTS bare_products, bare_variants;
CREATE TABLE bare_products (LIKE products INCLUDING ALL);
CREATE TABLE bare_variants (LIKE variants INCLUDING ALL);
"""
COPY_PRODUCTS = """COPY bare_products (id, store_account_id, remote_id, title, description, active, url, category_ids,
    brand_id, brand_name, custom_fields, pictures, vat_exclusive, variant_count, sku, price, stock, search_text,
    content_hash, remote_created_at, remote_updated_at) FROM STDIN"""
COPY_VARIANTS = """COPY bare_variants (product_id, store_account_id, remote_id, position, sku, price, sale_price, stock,
    gtin, mpn, weight_kg, picture, options) FROM STDIN"""


def measure() -> list[Row]:
    with staged(PRODUCTS) as stage:
        speed = measure_speed(stage)
    with staged(MANY) as stage:
        return [speed, measure_memory(stage)]


def measure_speed(stage: Stage) -> Row:
    samples: dict[str, list[dict[str, Any]]] = {"ours": [], "bare": []}
    for side in alternating(ROUNDS, "ours", "bare"):
        with psycopg.connect(stage.database_url, autocommit=True) as connection:
            connection.execute(EMPTY)
            connection.execute(BARE_TABLES)
        samples[side].append(stage.run("bench.catalogue_pull", side, stage.sandbox))
    speeds = {side: [PRODUCTS / sample["seconds"] for sample in taken] for side, taken in samples.items()}
    return compared(
        "catalogue_pull_speed",
        f"Full pull of {PRODUCTS:,} products into empty tables; other: httpx and COPY, the same pages, four at once, "
        f"into tables of the same columns and indexes; median of {ROUNDS} runs each, in turn; the sandbox's rates and "
        "our own are off.",
        ours=speeds["ours"], other=speeds["bare"], at_least=0.5, units="products/s", raw=samples,
    )  # fmt: skip


def measure_memory(stage: Stage) -> Row:
    """A real worker with one job: its resident memory twice a second, and the kernel's own high-water mark."""
    stage.run("bench.catalogue_pull", "queue", stage.sandbox)
    worker = stage.start("worker.py", without=("CROSSDOCK_SANDBOX_URL",))  # with it, the worker sets up the demo too
    began, series = time.monotonic(), []
    try:
        with psycopg.connect(stage.database_url, autocommit=True) as connection:
            while (stored := _progress(connection)) is not None:
                memory = _memory(worker.pid)
                series.append({"s": round(time.monotonic() - began, 1), "products": stored, **memory})
                time.sleep(0.5)
            peak = _memory(worker.pid)["peak_mib"]
    finally:
        worker.terminate()
        worker.wait(timeout=30)
    return bounded(
        "catalogue_pull_memory",
        f"Peak resident memory of the worker process during a full pull of {MANY:,} products (from its start; VmHWM); "
        "the sandbox's rates and our own are off.",
        ours=peak, below=BOUND_MIB, units="MiB", raw={"peak_mib": peak, "series": series},
    )  # fmt: skip


def _progress(connection: psycopg.Connection[Any]) -> int | None:
    """How many products the pull has stored, None when it is done. Raises when its job failed."""
    row = connection.execute(
        "SELECT full_offset, full_finished_at IS NOT NULL, "
        "(SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed') FROM pull_states"
    ).fetchone()
    if row is None:
        return 0
    if row[2]:
        raise RuntimeError("the pull failed: see processes.log")
    return None if row[1] else int(row[0])


def _memory(pid: int) -> dict[str, float]:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {key: int(status[name].split()[0]) / 1024 for key, name in (("mib", "VmRSS"), ("peak_mib", "VmHWM"))}


def pull_ours(sandbox: str) -> float:
    from core import wiring
    from core.services.catalogue_pull import pull_catalogue

    account = connect(sandbox)
    store = wiring.store(account)
    began = time.perf_counter()
    pulled = pull_catalogue(store, account, full=True)
    seconds = time.perf_counter() - began
    assert pulled.changed == PRODUCTS, pulled
    return seconds


def queue_pull(sandbox: str) -> float:
    from core.db.engine import transaction
    from core.queue import defer

    account = connect(sandbox)
    with transaction() as connection:
        defer(connection, "catalogue_pull", store_account_id=account, full=True)
    return 0.0


def connect(sandbox: str) -> int:
    """The demo store's account, not yet joined to a Shop: pulling is measured, not what readiness does with it."""
    from core import wiring
    from core.domain.people import SYSTEM
    from core.services.connect_store import connect_store

    keys = {"api_key": KEYS[0], "api_secret": KEYS[1], "webhook_secret": ""}
    store = wiring.new_store("shopwired", f"{sandbox}/v1", keys)
    added = connect_store(store, platform="shopwired", base_url=f"{sandbox}/v1", credentials=keys, by=SYSTEM)
    return added.store_account_id


def pull_bare(sandbox: str) -> float:
    import os

    with httpx.Client(auth=KEYS, timeout=30) as client, psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        began = time.perf_counter()
        for page in bare_pages(client, sandbox):
            bare_copy(connection, page)
            connection.commit()
        return time.perf_counter() - began


def bare_pages(client: httpx.Client, sandbox: str) -> Iterator[list[dict[str, Any]]]:
    def read(offset: int) -> list[dict[str, Any]]:
        query: dict[str, str | int] = {"count": 100, "offset": offset, "embed": EMBED}
        found: list[dict[str, Any]] = client.get(f"{sandbox}/v1/products", params=query).json()
        return found

    waiting: deque[Future[list[dict[str, Any]]]] = deque()
    offset = 0
    with ThreadPoolExecutor(4) as readers:
        while True:
            while len(waiting) < 4:
                waiting.append(readers.submit(read, offset))
                offset += 100
            page = waiting.popleft().result()
            yield page
            if len(page) < 100:
                return


def bare_copy(connection: psycopg.Connection[Any], page: list[dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(COPY_PRODUCTS) as copy:
            for found in page:
                copy.write_row(bare_product(found))
        with cursor.copy(COPY_VARIANTS) as copy:
            for found in page:
                for place, item in enumerate(bare_variants(found)):
                    copy.write_row((
                        found["id"], 1, str(item["id"]), place, item["sku"], item["price"], item["salePrice"],
                        item["stock"], item["gtin"], item["mpn"], item["weight"], item["image"],
                        json.dumps(item["values"]),
                    ))  # fmt: skip


def bare_product(found: dict[str, Any]) -> tuple[Any, ...]:
    brand, variants = found["brand"] or {"id": None, "title": None}, bare_variants(found)
    words = " ".join([found["title"], *(item["sku"] or "" for item in variants)]).lower()
    return (
        found["id"], 1, str(found["id"]), found["title"], found["description"], found["active"], found["url"],
        [str(category["id"]) for category in found["categories"]], brand["id"], brand["title"],
        json.dumps(found.get("customFields", {})), json.dumps(found["images"]), found["vatExclusive"], len(variants),
        found["sku"], found["price"], found["stock"], words, "", found["createdAt"], found["updatedAt"],
    )  # fmt: skip


def bare_variants(found: dict[str, Any]) -> list[dict[str, Any]]:
    return found["variations"] or [found | {"image": None, "values": []}]


SIDES = {"ours": pull_ours, "bare": pull_bare, "queue": queue_pull}

if __name__ == "__main__":
    if len(sys.argv) == 1:
        from bench.__main__ import main

        sys.exit(main(["catalogue_pull"]))
    print(json.dumps({"seconds": SIDES[sys.argv[1]](sys.argv[2])}))
