"""kill -9 of workers in the middle of a send: nothing is sent twice, nothing is lost."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import connections, listings, product_states, run_items, runs
from core.domain.filters import Selection
from core.services.product_export import start_send
from tests.running_system import System, running_system
from tests.waiting import wait_until

KILLS = 20
PRODUCTS = 200
TROUBLE = [
    {"vendor": "tiktok", "endpoint": "*", "fault": "rate_429", "rate": 0.05, "retry_after": "1"},
    {"vendor": "tiktok", "endpoint": "POST /product/202309/products", "fault": "cut_after", "rate": 0.15},
    {"vendor": "tiktok", "endpoint": "POST /product/202309/products", "fault": "cut_before", "rate": 0.05},
]


def assessed() -> int:
    with transaction() as connection:
        done = product_states.c.assessed_hash.is_not(None)
        return connection.execute(select(func.count()).select_from(product_states).where(done)).scalar_one()


def ready() -> int:
    with transaction() as connection:
        done = product_states.c.status == "ready"
        return connection.execute(select(func.count()).select_from(product_states).where(done)).scalar_one()


def status_of(run_id: int) -> str:
    with transaction() as connection:
        return connection.execute(select(runs.c.status).where(runs.c.id == run_id)).scalar_one()


def first_products(count: int) -> tuple[int, tuple[int, ...]]:
    with transaction() as connection:
        connection_id = connection.execute(select(func.min(connections.c.id))).scalar_one()
        wanted = select(product_states.c.product_id).where(product_states.c.connection_id == connection_id)
        ids = connection.execute(wanted.order_by(product_states.c.product_id).limit(count)).scalars()
        return connection_id, tuple(ids)


def kill_at_random(system: System, run_id: int, seed: int) -> int:
    """Kill a worker at random moments while the run goes on; how many were killed."""
    chance, killed = random.Random(seed), 0
    while killed < KILLS and status_of(run_id) not in ("done", "stopped"):
        time.sleep(chance.uniform(3, 9))  # a worker needs about three seconds to begin
        system.kill_worker(chance.randrange(len(system.workers)))
        killed += 1
    return killed


@pytest.mark.timeout(1800)
def test_twenty_kills_during_a_send_make_no_duplicate_and_lose_nothing(
    database: Settings, home: Path, database_url: str
) -> None:
    quick = {
        "CROSSDOCK_HEARTBEAT_SECONDS": "2",
        "CROSSDOCK_STALL_SECONDS": "6",
        "CROSSDOCK_SWEEP_SECONDS": "2",
    }
    with running_system(home, database_url, products=PRODUCTS + 20, workers=2, **quick) as system:
        wait_until(lambda: assessed() >= PRODUCTS, "the catalogue's arrival")
        wait_until(lambda: ready() > PRODUCTS / 2, "the demo's category mapping")
        connection_id, product_ids = first_products(PRODUCTS)
        system.control("POST", "faults", {"seed": 7, "rules": TROUBLE})
        run_id = start_send(connection_id, Selection(ids=product_ids), "test")
        killed = kill_at_random(system, run_id, seed=7)
        wait_until(lambda: status_of(run_id) == "done", "the end of the run", seconds=600)
        state = system.control("GET", "state")["tiktok"]
    assert killed == KILLS, f"only {killed} kills happened before the run ended"
    assert state["duplicates"] == 0
    assert_every_product_ended(run_id, len(product_ids), state["live_products"])


def assert_every_product_ended(run_id: int, asked: int, live_in_shop: int) -> None:
    ended = select(run_items.c.status, func.count()).where(run_items.c.run_id == run_id).group_by(run_items.c.status)
    wordless = (run_items.c.run_id == run_id) & (run_items.c.status != "done") & (run_items.c.sentence == "")
    open_ones = listings.c.state.in_(("intended", "sending", "unknown"))
    with transaction() as connection:
        counts = {row[0]: row[1] for row in connection.execute(ended)}
        silent = connection.execute(select(func.count()).select_from(run_items).where(wordless)).scalar_one()
        unsettled = connection.execute(select(func.count()).select_from(listings).where(open_ones)).scalar_one()
        sent = connection.execute(
            select(func.count()).select_from(listings).where(listings.c.state == "sent")
        ).scalar_one()
    assert set(counts) <= {"done", "failed", "skipped"}
    assert sum(counts.values()) == asked
    assert counts["done"] > asked / 2, counts
    assert silent == 0, "an item ended without a reason"
    assert unsettled == 0
    assert sent == live_in_shop
