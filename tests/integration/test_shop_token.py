"""A Shop's tokens against the sandbox's token host: one refresh however many want it, and what happens when refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import issues, shops
from core.domain.errors import Expired, Temporary
from core.secrets import sealer
from core.services.live import NotLive, require_live
from core.services.shop_token import EARLY, LEASE, ShopTokenVault, save_token
from tests.connect_rig import APP_KEY, APP_SECRET, HARBOUR, SERVICE_ID, Rig, environment, running_rig

ROOT = Path(__file__).resolve().parents[2]
REFRESH = "GET /api/v2/token/refresh"
# What another process does: read the token, wait for the word, and have it renewed.
RACER = """
import sys
from core.db.journal import PostgresJournal
from core.http.client import HttpClient
from core.services.shop_token import ShopTokenVault
from core.tiktok.auth import TikTokAuth
url, shop, key, secret, service = sys.argv[1:]
auth = TikTokAuth(HttpClient(PostgresJournal(), None), auth_url=url, authorize_url=url, api_url=url, app_key=key,
                  app_secret=secret, service_id=service)
vault = ShopTokenVault(int(shop), auth)
rejected = vault.access_token()
print("ready", flush=True)
sys.stdin.readline()
print(vault.refresh(rejected), flush=True)
"""


@pytest.fixture(scope="module")
def world(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("sandbox")) as rig:
        yield rig


@pytest.fixture
def rig(world: Rig) -> Rig:
    world.forget_all()
    return world


@pytest.fixture
def shop_id(rig: Rig) -> int:
    """Harbour Lane's Shop, connected; its refresh tokens change with every use."""
    rig.control.post("/_sandbox/limits", json={"tiktok": {"rotate_refresh": True}}).raise_for_status()
    rig.connect(rig.add_store().store_account_id)
    with transaction() as conn:
        return int(conn.execute(select(shops.c.id)).scalar_one())


def vault_of(rig: Rig, shop_id: int) -> ShopTokenVault:
    return ShopTokenVault(shop_id, rig.auth())


def set_shop(**values: object) -> None:
    with transaction() as conn:
        conn.execute(update(shops).values(**values))


def shop_row() -> dict[str, object]:
    with transaction() as conn:
        return dict(conn.execute(select(shops)).one()._mapping)


def test_tokens_are_sealed_and_belong_to_their_place(rig: Rig, shop_id: int) -> None:
    token = vault_of(rig, shop_id).access_token()
    row = shop_row()
    assert token.encode() not in bytes(row["access_token"])  # type: ignore[arg-type]
    set_shop(access_token=row["refresh_token"])
    with pytest.raises(Exception, match=f"shops/{shop_id}/access_token was altered or belongs elsewhere"):
        vault_of(rig, shop_id).access_token()


def test_four_processes_want_a_new_token_and_one_call_is_made(rig: Rig, shop_id: int) -> None:
    before = vault_of(rig, shop_id).access_token()
    command = [sys.executable, "-c", RACER, rig.url, str(shop_id), APP_KEY, APP_SECRET, SERVICE_ID]
    racers = [
        subprocess.Popen(command, cwd=ROOT, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    try:
        assert [racer.stdout.readline() for racer in racers if racer.stdout] == ["ready\n"] * 4
        for racer in racers:
            assert racer.stdin
            racer.stdin.write("go\n")
            racer.stdin.flush()
        tokens = {racer.communicate(timeout=120)[0].strip() for racer in racers}
    finally:
        for racer in racers:
            racer.kill()
    assert len(tokens) == 1
    assert tokens != {before}
    assert rig.calls(REFRESH) == 1
    assert vault_of(rig, shop_id).access_token() in tokens
    assert rig.shop(shop_id).shops()[0].id == HARBOUR


def test_threads_agree_too_even_when_the_token_host_is_slow(rig: Rig, shop_id: int) -> None:
    vaults = [vault_of(rig, shop_id) for _ in range(6)]
    rejected = vaults[0].access_token()
    rule = {"vendor": "tiktok", "endpoint": REFRESH, "fault": "slow", "rate": 1.0, "times": 1}
    rig.control.post("/_sandbox/faults", json={"seed": 1, "rules": [rule]}).raise_for_status()
    with ThreadPoolExecutor(6) as pool:
        tokens = set(pool.map(lambda vault: vault.refresh(rejected), vaults))
    assert len(tokens) == 1
    assert rig.calls(REFRESH) == 1


def test_a_call_with_a_dead_token_is_repeated_once_with_a_new_one(rig: Rig, shop_id: int) -> None:
    before = vault_of(rig, shop_id).access_token()
    rig.control.post("/_sandbox/expire", json={"shop_id": HARBOUR, "access": True}).raise_for_status()
    assert rig.shop(shop_id).shops()[0].id == HARBOUR
    assert vault_of(rig, shop_id).access_token() != before
    assert rig.calls(REFRESH) == 1


def test_token_with_less_than_a_day_left_is_renewed_first(rig: Rig, shop_id: int) -> None:
    vault = vault_of(rig, shop_id)
    before = vault.access_token()
    set_shop(access_expires_at=func.now() + EARLY + timedelta(minutes=1))
    assert vault.access_token() == before
    set_shop(access_expires_at=func.now() + EARLY - timedelta(minutes=1))
    assert vault.access_token() != before
    assert rig.calls(REFRESH) == 1


def test_while_the_token_works_a_failed_renewal_stops_nothing_and_is_not_repeated_at_once(
    rig: Rig, shop_id: int
) -> None:
    vault = vault_of(rig, shop_id)
    before = vault.access_token()
    rig.control.post("/_sandbox/expire", json={"shop_id": HARBOUR, "refresh_in_seconds": -1}).raise_for_status()
    set_shop(access_expires_at=func.now() + timedelta(hours=3))
    assert [vault.access_token() for _ in range(3)] == [before] * 3
    assert rig.calls(REFRESH) == 1
    with transaction() as conn:
        assert "must be reconnected before" in conn.execute(select(issues.c.sentence)).scalar_one()
    assert shop_row()["status"] == "ok"


def test_refused_renewal_parks_the_shop_with_one_issue(rig: Rig, shop_id: int) -> None:
    vault = vault_of(rig, shop_id)
    rejected = vault.access_token()
    rig.control.post("/_sandbox/expire", json={"shop_id": HARBOUR, "refresh_in_seconds": -1}).raise_for_status()
    for _ in range(2):
        with pytest.raises(Expired, match="Harbour Lane Goods no longer lets Crossdock in: reconnect it in Settings"):
            vault.refresh(rejected)
    assert rig.calls(REFRESH) == 1
    with transaction() as conn:
        row = conn.execute(select(issues).where(issues.c.closed_at.is_(None))).one()
        assert (row.subject_kind, row.subject_id, row.code, row.link) == (
            "shop",
            str(shop_id),
            "shop_expired",
            "settings",
        )
        with pytest.raises(NotLive, match="reconnect it"):
            require_live(conn, row.connection_id)


def test_connecting_again_lifts_the_parking(rig: Rig, shop_id: int) -> None:
    test_refused_renewal_parks_the_shop_with_one_issue(rig, shop_id)
    with transaction() as conn:
        connection_id = conn.execute(select(issues.c.connection_id)).scalar_one()
    rig.connect(rig.add_store().store_account_id)
    with transaction() as conn:
        assert require_live(conn, connection_id).shop_id == shop_id
        assert conn.execute(select(func.count()).where(issues.c.closed_at.is_(None))).scalar_one() == 0
    assert rig.shop(shop_id).shops()[0].id == HARBOUR


def test_trouble_at_the_token_host_is_temporary(rig: Rig, shop_id: int) -> None:
    vault = vault_of(rig, shop_id)
    rejected = vault.access_token()
    rule = {"vendor": "tiktok", "endpoint": REFRESH, "fault": "http_503", "rate": 1.0, "times": 1}
    rig.control.post("/_sandbox/faults", json={"seed": 1, "rules": [rule]}).raise_for_status()
    with pytest.raises(Temporary, match="could not be renewed"):
        vault.refresh(rejected)
    assert vault.refresh(rejected) != rejected


def test_lease_of_a_dead_process_is_taken_over(rig: Rig, shop_id: int) -> None:
    vault = vault_of(rig, shop_id)
    rejected = vault.access_token()
    set_shop(refresh_lease_until=func.now() + LEASE, refresh_attempt=shops.c.refresh_attempt + 1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(vault.refresh, rejected)
        set_shop(refresh_lease_until=func.now() - timedelta(seconds=1))
        assert waiting.result(timeout=120) != rejected


def test_late_answer_does_not_overwrite_a_newer_pair(rig: Rig, shop_id: int) -> None:
    token = rig.auth().refresh(_opened_refresh(rig, shop_id))
    set_shop(refresh_attempt=7)
    with transaction() as conn:
        assert not save_token(conn, shop_id, token, attempt=6)
    assert vault_of(rig, shop_id).access_token() != token.access_token
    with transaction() as conn:
        assert save_token(conn, shop_id, token, attempt=7)
    assert vault_of(rig, shop_id).access_token() == token.access_token


def _opened_refresh(rig: Rig, shop_id: int) -> str:
    return sealer().open(shop_row()["refresh_token"], f"shops/{shop_id}/refresh_token")  # type: ignore[arg-type]
