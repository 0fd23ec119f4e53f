"""The demo of a first start: the same services a person uses, against the sandbox and a running gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core import config
from core.config import Settings
from core.db.engine import transaction
from core.db.tables import connections, mappings, products, short_links, users
from core.jobs.demo import Demo, DemoFailed, ensure_demo, map_categories
from core.jobs.handlers import JOBS, shop_of
from core.services.live import require_live
from tests.connect_rig import Rig, jobs, running_rig

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def world(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A sandbox of 120 products and a gateway that is still starting when the first test begins."""
    with running_rig(tmp_path_factory.mktemp("sandbox"), products=120) as rig:
        process = subprocess.Popen([sys.executable, "gateway.py"], cwd=ROOT, env=dict(os.environ))
        try:
            yield rig
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture
def rig(world: Rig) -> Rig:
    world.forget_all()
    with transaction() as conn:
        conn.execute(users.delete())
    return world


def test_first_start_connects_once_and_later_starts_change_nothing(rig: Rig) -> None:
    connection_id = ensure_demo()
    assert connection_id
    with transaction() as conn:
        live = require_live(conn, connection_id)
        assert conn.execute(select(connections.c.connected_by)).scalar_one() == "admin"
    assert live.name == "Harbour Lane – Harbour Lane Goods"
    assert ensure_demo() is None
    assert ("demo_mappings", {"connection_id": connection_id}) in jobs()


def test_two_workers_that_start_together_connect_once(rig: Rig) -> None:
    with ThreadPoolExecutor(2) as pool:
        made = [one for one in pool.map(lambda _: ensure_demo(), range(2)) if one]
    assert len(made) == 1
    assert rig.calls("GET /api/v2/token/get") == 1


def test_demo_that_cannot_be_connected_says_why(rig: Rig) -> None:
    with pytest.raises(DemoFailed, match="refuses this key or secret"):
        ensure_demo(Demo(api_key="sw-key-wrong"))
    assert ensure_demo() is not None


def test_most_categories_are_mapped_and_some_wait(rig: Rig) -> None:
    connection_id = ensure_demo()
    assert connection_id
    market = shop_of(connection_id)
    map_categories(market, connection_id)
    with transaction() as conn:
        assert conn.execute(select(func.count()).select_from(mappings)).scalar_one() == 0
        account = require_live(conn, connection_id).store_account_id
    JOBS["catalogue_pull"](store_account_id=account, full=True)
    JOBS["shop_metadata"](connection_id=connection_id)
    map_categories(market, connection_id)
    with transaction() as conn:
        mapped = set(conn.execute(select(mappings.c.source_id).where(mappings.c.kind == "category")).scalars())
        used = set(conn.execute(select(func.unnest(products.c.category_ids))).scalars())
        assert conn.execute(select(func.count()).select_from(short_links)).scalar_one() == 120
    assert mapped <= used
    assert 0.4 < len(mapped) / len(used) < 0.95
    map_categories(market, connection_id)
    with transaction() as conn:
        assert conn.execute(select(func.count()).select_from(mappings)).scalar_one() == len(mapped)


def test_without_a_sandbox_nothing_happens(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CROSSDOCK_SANDBOX_URL")
    config.settings.cache_clear()
    try:
        assert ensure_demo() is None
    finally:
        monkeypatch.undo()
        config.settings.cache_clear()
    with transaction() as conn:
        assert conn.execute(select(func.count()).select_from(connections)).scalar_one() == 0
