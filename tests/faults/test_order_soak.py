"""Orders and stock through crashes, floods and lost webhooks: a seeded run, and the invariants at its end.

A short run, and a long one by ``run.py soak``. The remote systems' rates are raised fifty times, ours are off:
what is proven is that nothing is lost or doubled, not how fast it is.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from core.config import Settings
from core.db import embedded
from core.db.engine import engine, transaction
from core.db.tables import connections, inbox, listing_skus, listings, product_states, runs, shop_orders, variants
from core.domain.filters import ProductFilter, Selection
from core.services.product_export import start_send
from tests.conftest import TEMPLATE, execute, migrate, with_database
from tests.running_system import System, running_system, wait_until

WEBHOOKS = [
    {"vendor": "*", "endpoint": "WEBHOOK *", "fault": "lost", "rate": 0.10},
    {"vendor": "*", "endpoint": "WEBHOOK *", "fault": "duplicate", "rate": 0.20},
    {"vendor": "*", "endpoint": "WEBHOOK *", "fault": "reordered", "rate": 0.10, "seconds": 5},
    {"vendor": "*", "endpoint": "WEBHOOK *", "fault": "forged", "rate": 0.05},
    {"vendor": "shopwired", "endpoint": "POST /v1/orders", "fault": "cut_after", "rate": 0.03},
    {
        "vendor": "tiktok",
        "endpoint": "POST /product/202309/products/*/inventory/update",
        "fault": "cut_after",
        "rate": 0.03,
    },
]
_store = httpx.Client(auth=("sw-key-harbour", "sw-secret-harbour"), timeout=60, trust_env=False)


@dataclass(frozen=True)
class Size:
    """How much happens: orders bought, stock changes made in the store, and how long the quiet may take."""

    orders: int
    changes: int
    kills: int
    quiet_seconds: float


@pytest.fixture(scope="module")
def cluster(open_folder: Path) -> Iterator[embedded.Cluster]:
    """A server of this module's own, because it is restarted in the middle."""
    home = open_folder / "soak"
    home.mkdir(mode=0o711)
    made = embedded.Cluster(home)
    yield made
    embedded.stop(made)


@pytest.fixture(scope="module")
def database_url(cluster: embedded.Cluster, open_folder: Path) -> str:
    url = embedded.start(cluster)
    execute(with_database(url, "postgres"), "CREATE DATABASE {}", TEMPLATE)
    migrate(with_database(url, TEMPLATE), open_folder)
    return with_database(url, TEMPLATE)


@pytest.mark.timeout(900)
def test_a_short_run_of_orders_and_stock_through_faults(
    database: Settings, home: Path, database_url: str, cluster: embedded.Cluster
) -> None:
    soak(home, database_url, cluster, Size(orders=60, changes=120, kills=3, quiet_seconds=300), seed=11)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_two_thousand_orders_and_five_thousand_stock_changes_through_faults(
    database: Settings, home: Path, database_url: str, cluster: embedded.Cluster
) -> None:
    soak(home, database_url, cluster, Size(orders=2_000, changes=5_000, kills=40, quiet_seconds=1800), seed=12)


def soak(home: Path, database_url: str, cluster: embedded.Cluster, size: Size, *, seed: int) -> None:
    quick = {
        "CROSSDOCK_HEARTBEAT_SECONDS": "2",
        "CROSSDOCK_STALL_SECONDS": "6",
        "CROSSDOCK_SWEEP_SECONDS": "2",
        "CROSSDOCK_OWN_RATES": "off",
        "CROSSDOCK_ORDER_RECHECK_SECONDS": "15",
    }
    with running_system(home, database_url, products=60, workers=2, **quick) as system:
        fast = {"tiktok": {"reads_per_second": 500, "writes_per_second": 150}}
        system.control("POST", "limits", fast | {"shopwired": {"bucket": 2000, "leak_per_second": 100}})
        skus = list_products(system)
        system.control("POST", "tiktok/hold_seconds", {"seconds": 2})
        system.control("POST", "shopwired/switches", {"stock_changes_per_minute": 0})
        system.control("POST", "faults", {"seed": seed, "rules": WEBHOOKS})
        disturb(system, cluster, skus, size, random.Random(seed))
        system.control("DELETE", "faults")
        wait_for_quiet(system, size.quiet_seconds)
        check_orders(system, home)
        check_forged()


def list_products(system: System) -> list[str]:
    """Send what is ready, have it approved, and return the SKUs on sale."""
    wait_until(lambda: count_states("ready") >= 10, seconds=180, what="ready products")
    with transaction() as connection:
        connection_id = connection.execute(select(func.min(connections.c.id))).scalar_one()
    run_id = start_send(connection_id, Selection(products=ProductFilter(tab="Ready")), "soak")
    wait_until(lambda: run_status(run_id) == "done", seconds=180, what="the end of the sending")
    with transaction() as connection:
        sent = select(listings.c.remote_id).where(listings.c.remote_id.is_not(None))
        remote_ids = list(connection.execute(sent).scalars())
    system.control("POST", "review", {"product_ids": remote_ids, "verdict": "approve"})
    wait_until(lambda: count_states("active") >= 10, seconds=120, what="approved listings")
    live = select(listing_skus.c.seller_sku).join(listings, listings.c.id == listing_skus.c.listing_id)
    with transaction() as connection:
        return list(connection.execute(live.where(listings.c.tiktok_status == "ACTIVATE")).scalars())


def count_states(status: str) -> int:
    with transaction() as connection:
        wanted = select(func.count()).select_from(product_states).where(product_states.c.status == status)
        return connection.execute(wanted).scalar_one()


def run_status(run_id: int) -> str:
    with transaction() as connection:
        return connection.execute(select(runs.c.status).where(runs.c.id == run_id)).scalar_one()


def disturb(system: System, cluster: embedded.Cluster, skus: list[str], size: Size, chance: random.Random) -> None:
    """Buy, change stock in the store, kill workers and the gateway, restart Postgres twice: in a seeded order."""
    steps = ["buy"] * (size.orders // 10) + ["change"] * (size.changes // 20) + ["kill"] * size.kills
    steps += ["gateway", "postgres", "postgres"]
    chance.shuffle(steps)
    for step in steps:
        if step == "buy":
            system.control("POST", "tiktok/buy", {"count": 10})
        elif step == "change":
            for sku in chance.sample(skus, min(20, len(skus))):
                change_stock(system, sku, chance.randrange(0, 60))
        elif step == "kill":
            system.kill_worker(chance.randrange(len(system.workers)))
        elif step == "gateway":
            system.kill_gateway()
        else:
            embedded.stop(cluster)
            embedded.start(cluster)
            engine().dispose()
        time.sleep(chance.uniform(0.1, 1.5))


def change_stock(system: System, sku: str, quantity: int) -> None:
    answer = _store.post(f"{system.sandbox}/v1/stock", json={"sku": sku, "quantity": quantity})
    assert answer.status_code == 201, answer.text


def wait_for_quiet(system: System, seconds: float) -> None:
    """Until nothing moves any more; an assertion naming what still does."""
    ends = time.monotonic() + seconds
    while left := unrest(system):
        assert time.monotonic() < ends, f"after {seconds:.0f} s still: {left}"
        time.sleep(1)


def unrest(system: System) -> list[str]:
    """What was bought and is not known or decided, and what is on its way to either side."""
    o, s = shop_orders.c, listing_skus.c
    moving = o.import_state.in_(("waiting", "importing", "unknown")) | o.hold.in_(("on_hold", "unpaid"))
    unsaid = s.quantity_acknowledged_at.is_(None) & s.ended_at.is_(None)
    with transaction() as connection:
        known = set(connection.execute(select(o.remote_id)).scalars())
        undecided = connection.execute(select(o.remote_id, o.status, o.import_state, o.hold).where(moving)).all()
        unsent = connection.execute(select(s.seller_sku).where(unsaid)).scalars().all()
    placed = placed_orders(Path(system.environment["CROSSDOCK_HOME"]))
    left = [f"order {one} is not known" for one in sorted(placed.keys() - known)]
    left += [f"order {one.remote_id} is {one.status}, {one.import_state} {one.hold}" for one in undecided]
    left += [f"{sku}: its quantity is not acknowledged" for sku in unsent]
    return left + stock_differences(system)


def placed_orders(home: Path) -> dict[str, dict[str, Any]]:
    """Every order of the Shop by id, as the sandbox itself keeps it."""
    with sqlite3.connect(f"file:{home / 'sandbox.db'}?mode=ro", uri=True, timeout=30) as database:
        rows = database.execute("SELECT id, status, document FROM tt_orders").fetchall()
    return {id: json.loads(document) | {"status": status} for id, status, document in rows}


def store_orders(system: System) -> list[dict[str, Any]]:
    """Every order of the store, by its own API."""
    found: list[dict[str, Any]] = []
    while True:
        query = {"count": "100", "offset": str(len(found))}
        page = _store.get(f"{system.sandbox}/v1/orders", params=query).json()
        found += page
        if len(page) < 100:
            return found


def check_orders(system: System, home: Path) -> None:
    """Each order of the Shop has exactly one store order with the same total, or a named reason why not."""
    markers = Counter(order["comments"].splitlines()[0] for order in store_orders(system) if order["comments"])
    totals = {order["comments"].splitlines()[0]: Decimal(str(order["total"])) for order in store_orders(system)}
    with transaction() as connection:
        ours = {row.remote_id: row for row in connection.execute(select(shop_orders))}
    for id, order in placed_orders(home).items():
        marker = f"TikTok order {id}"
        if ours[id].import_state == "imported":
            assert markers[marker] == 1, f"{marker} has {markers[marker]} store orders"
            assert totals[marker] == Decimal(order["payment"]["total_amount"]), marker
        else:
            assert markers[marker] == 0, f"{marker} is {ours[id].import_state} and has a store order"
            assert ours[id].hold, f"{marker} is {ours[id].import_state} without a reason"
    assert all(count == 1 for count in markers.values())


def stock_differences(system: System) -> list[str]:
    """SKUs whose quantity in the Shop is not what the store's stock and the open orders make it."""
    wanted = (
        select(listing_skus.c.seller_sku, variants.c.id)
        .join(variants, variants.c.id == listing_skus.c.variant_id)
        .join(listings, listings.c.id == listing_skus.c.listing_id)
        .where(listing_skus.c.ended_at.is_(None), listings.c.tiktok_status == "ACTIVATE")
    )
    held = text(
        "SELECT variant_id, count(*) FROM stock_deductions WHERE outcome IN ('held', 'unknown') GROUP BY variant_id"
    )
    with transaction() as connection:
        skus = connection.execute(wanted).all()
        reserved = {row[0]: row[1] for row in connection.execute(held)}
    shown = shop_quantities(Path(system.environment["CROSSDOCK_HOME"]))
    wrong = []
    for seller_sku, variant_id in skus:
        stock = _store.get(f"{system.sandbox}/v1/stock", params={"sku": seller_sku}).json()
        expected = max(0, min(stock["quantity"] - reserved.get(variant_id, 0), 99_999))
        if shown[seller_sku] != expected:
            wrong.append(f"{seller_sku}: {shown[seller_sku]} in the Shop, {expected} expected")
    return wrong


def shop_quantities(home: Path) -> dict[str, int]:
    """What the Shop offers of each seller SKU, as the sandbox itself keeps it."""
    wanted = """
        SELECT s.seller_sku, s.inventory FROM tt_skus s JOIN tt_products p ON p.id = s.product_id
        WHERE p.status <> 'DELETED'
    """
    with sqlite3.connect(f"file:{home / 'sandbox.db'}?mode=ro", uri=True, timeout=30) as database:
        rows = database.execute(wanted).fetchall()
    return {seller_sku: sum(place["quantity"] for place in json.loads(inventory)) for seller_sku, inventory in rows}


def check_forged() -> None:
    """A forged body ends in a space the sandbox never signs: none of them was stored."""
    with transaction() as connection:
        bodies = connection.execute(select(inbox.c.body)).scalars().all()
    assert not [body for body in bodies if bytes(body).endswith(b" ")]
