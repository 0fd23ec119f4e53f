"""The gateway as a process of its own, called over sockets like the outside world calls it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, insert, select, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import inbox, products, short_links, store_accounts
from core.domain.version import BUILT, TIKTOK_API, VERSION
from core.services import authorisation
from core.services.short_links import ensure_codes
from core.services.webhook_registration import register_webhooks
from tests.connect_rig import APP_KEY, HARBOUR, Rig, running_rig
from tests.integration.test_webhook_intake import shop_push, shop_signed, signed, store_event
from tests.severable import Wire, severable
from tests.waiting import HTTP_S, status_of, wait_until

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Door:
    """The running gateway: ``web`` calls it, ``wire`` leads from it to the database."""

    rig: Rig
    web: httpx.Client
    wire: Wire
    url: str


@pytest.fixture(scope="module")
def running(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home = tmp_path_factory.mktemp("sandbox")
    address = f"http://127.0.0.1:{database.gateway_port}"
    with running_rig(home, METRICS_TOKEN="let-me-read") as rig, severable(os.environ["DATABASE_URL"]) as (wire, url):
        process = subprocess.Popen(
            [sys.executable, "gateway.py"], cwd=ROOT, env=dict(os.environ) | {"DATABASE_URL": url}
        )
        with httpx.Client(base_url=address, timeout=HTTP_S) as web:
            try:
                wait_until(lambda: status_of(f"{address}/healthz") == 200, "the gateway's start")
                yield Door(rig, web, wire, address)
            finally:
                process.terminate()
                assert process.wait(timeout=60) in (0, -15)


@pytest.fixture
def door(running: Door) -> Door:
    running.rig.forget_all()
    return running


def hints() -> int:
    with transaction() as conn:
        return int(conn.execute(select(func.count()).select_from(inbox)).scalar_one())


def test_health_names_versions_and_the_database(door: Door) -> None:
    told = door.web.get("/healthz").json()
    assert told.pop("database_time")
    assert told == {
        "status": "ok", "version": VERSION, "built": BUILT, "tiktok_api": TIKTOK_API, "database": "ok",
    }  # fmt: skip


def test_genuine_push_is_answered_empty_and_kept(door: Door) -> None:
    door.rig.connect(door.rig.add_store().store_account_id)
    body = shop_push(5, product_id=1)
    answer = door.web.post(f"/webhooks/tiktok/{APP_KEY}", content=body, headers=shop_signed(body))
    assert (answer.status_code, answer.content) == (200, b"")
    assert hints() == 1


def test_forgeries_are_refused_and_the_database_does_not_grow(door: Door) -> None:
    account = door.rig.add_store().store_account_id
    door.rig.connect(account)
    body, event = shop_push(5, product_id=1), store_event(1)
    tries = [
        (f"/webhooks/tiktok/{APP_KEY}", body, {}),
        (f"/webhooks/tiktok/{APP_KEY}", body, {"authorization": ""}),
        (f"/webhooks/tiktok/{APP_KEY}", body + b" ", shop_signed(body)),
        (f"/webhooks/tiktok/{APP_KEY}", body, {"authorization": "é" * 32}),
        ("/webhooks/tiktok/another", body, shop_signed(body)),
        ("/webhooks/tiktok/a%00", body, shop_signed(body)),
        (f"/webhooks/shopwired/{account}", event, signed(event, "another")),
        (f"/webhooks/shopwired/{account + 99}", event, signed(event)),
        (f"/webhooks/shopwired/{2**80}", event, signed(event)),
        (f"/webhooks/unheard-of/{account}", event, signed(event)),
    ]
    for path, content, headers in tries:
        given = {name: value.encode() for name, value in headers.items()}
        answer = door.web.post(path, content=content, headers=given)
        assert (answer.status_code, answer.content) == (401, b""), path
    assert hints() == 0


def test_unknown_shop_is_answered_well_and_only_counted(door: Door) -> None:
    door.rig.app()
    body = shop_push(5, product_id=1)
    answer = door.web.post(f"/webhooks/tiktok/{APP_KEY}", content=body, headers=shop_signed(body))
    assert (answer.status_code, answer.content) == (200, b"")
    assert hints() == 0
    assert counted(door, 'crossdock_webhooks_total{outcome="unknown_account",source="tiktok"}') >= 1


def test_huge_bodies_are_not_read(door: Door) -> None:
    account = door.rig.add_store().store_account_id
    body = b"x" * (1024 * 1024 + 1)
    answer = door.web.post(f"/webhooks/shopwired/{account}", content=body, headers=signed(body))
    assert answer.status_code == 413
    chunked = door.web.post(f"/webhooks/shopwired/{account}", content=iter([b"x" * 65536] * 40))
    assert chunked.status_code == 413
    just_fits = b" " * (1024 * 1024 - 2) + b"{}"
    answer = door.web.post(f"/webhooks/shopwired/{account}", content=just_fits, headers=signed(just_fits))
    assert answer.status_code == 200
    assert hints() == 0


def test_a_hundred_repeats_in_parallel_are_one_row(door: Door) -> None:
    account = door.rig.add_store().store_account_id
    body = store_event(7)

    def send(_: int) -> int:
        return door.web.post(f"/webhooks/shopwired/{account}", content=body, headers=signed(body)).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(send, range(100))) == {200}
    assert hints() == 1


def test_sender_that_stops_half_way_harms_nobody(door: Door) -> None:
    host, port = door.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(b"POST /webhooks/shopwired/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        assert door.web.get("/healthz").status_code == 200


def test_store_verifies_its_webhooks_with_us_and_real_ones_come_in(door: Door) -> None:
    account = door.rig.add_store().store_account_id
    connection_id = door.rig.connect(account)
    with transaction() as conn:
        cipher = conn.exec_driver_sql("SELECT cipher FROM shops").scalar_one()
        shop_id = conn.exec_driver_sql("SELECT id FROM shops").scalar_one()
    store = door.rig.store()
    register_webhooks(door.rig.shop(shop_id, cipher=cipher), store, connection_id, store_signs=True)
    keys = ("sw-key-harbour", "sw-secret-harbour")
    hooks = httpx.get(f"{door.rig.url}/v1/webhooks", auth=keys, timeout=HTTP_S).json()
    assert hooks
    assert all(hook["verified"] for hook in hooks)
    product = httpx.get(f"{door.rig.url}/v1/products", auth=keys, params={"count": 1}, timeout=HTTP_S).json()[0]
    address = f"{door.rig.url}/v1/products/{product['id']}"
    httpx.put(address, auth=keys, json={"title": "Another"}, timeout=HTTP_S).raise_for_status()
    wait_until(lambda: hints() > 0, "the arrival of the hint")
    with transaction() as conn:
        assert f"product:{product['id']}" in conn.execute(select(inbox.c.subject)).scalars().all()


def test_return_from_the_shop_is_kept_for_the_one_who_started(door: Door) -> None:
    rig = door.rig
    started = rig.start(rig.add_store().store_account_id)
    address = {"app_key": APP_KEY, "redirect_url": f"{door.url}/oauth/tiktok/return"}
    rig.control.post("/_sandbox/apps", json=address).raise_for_status()
    location = rig.decide(started.url, "harbour.lane").headers["location"]
    page = httpx.get(location, timeout=HTTP_S)
    assert page.status_code == 200
    assert "Go back to the console to confirm" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    code = httpx.URL(location).params["code"]
    assert code not in page.text
    again = httpx.get(location, timeout=HTTP_S)
    assert again.status_code == 400
    assert "used already" in again.text
    assert authorisation.exchange(rig.auth(), started.key, rig.boss).shops[0].id == HARBOUR


@pytest.mark.parametrize(
    "query",
    ["", "?state=made-up&code=x", "?state=%00&code=%00&error=%00", "?state=a&code=b&error=<script>alert(1)</script>"],
)
def test_return_nobody_asked_for_is_refused_politely(door: Door, query: str) -> None:
    page = door.web.get(f"/oauth/tiktok/return{query}")
    assert page.status_code == 400
    assert "Start again in the console" in page.text
    assert "<script>" not in page.text


def test_refusal_at_the_shop_is_told_and_its_words_cannot_become_markup(door: Door) -> None:
    started = door.rig.start(door.rig.add_store().store_account_id)
    state = httpx.URL(started.url).params["state"]
    given = {"state": state, "code": "null", "error": "<b>auth_denied\x00</b>"}
    page = door.web.get("/oauth/tiktok/return", params=given)
    assert page.status_code == 400
    assert "refused in TikTok Shop (&lt;b&gt;auth_denied&lt;/b&gt;)" in page.text


def linked_product(url: str, account: int) -> str:
    row = {
        "store_account_id": account, "remote_id": "1", "title": "t", "description": "", "active": True, "url": url,
        "variant_count": 1, "search_text": "t", "content_hash": "x",
    }  # fmt: skip
    with transaction() as conn:
        conn.execute(insert(products).values(row))
        ensure_codes(conn, account)
        return str(conn.execute(select(short_links.c.code)).scalar_one())


def test_short_link_leads_to_the_present_page_and_never_elsewhere(door: Door) -> None:
    account = door.rig.add_store().store_account_id
    with transaction() as conn:
        domain = conn.execute(select(store_accounts.c.domain)).scalar_one()
    code = linked_product(f"https://{domain}/mug", account)
    answer = door.web.get(f"/tiktok-{code}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"https://{domain}/mug")
    with transaction() as conn:
        conn.execute(update(products).values(url=f"https://www.{domain}/moved"))
    assert door.web.get(f"/tiktok-{code}").headers["location"] == f"https://www.{domain}/moved"
    assert door.web.head(f"/tiktok-{code}").status_code == 302
    with transaction() as conn:
        assert conn.execute(select(short_links.c.clicks)).scalar_one() == 2
        conn.execute(update(products).values(url="https://evil.example/"))
    for path in (
        f"/tiktok-{code}",
        "/tiktok-aaaaaa",
        "/tiktok-%2e%2e",
        "/tiktok-",
        f"/tiktok-{code}?to=//evil.example",
    ):
        answer = door.web.get(path)
        assert answer.status_code == 404
        assert "location" not in answer.headers


def test_product_of_the_sandbox_store_opens(door: Door) -> None:
    account = door.rig.add_store().store_account_id
    product = next(iter(door.rig.store().products()))[0]
    answer = door.web.get(f"/tiktok-{linked_product(product.url, account)}")
    assert answer.headers["location"] == product.url
    assert httpx.get(answer.headers["location"], timeout=HTTP_S).status_code == 200


def test_too_many_clicks_from_one_address_wait(door: Door) -> None:
    given = {"x-forwarded-for": "198.51.100.7"}
    statuses = [door.web.get("/tiktok-aaaaaa", headers=given).status_code for _ in range(40)]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert door.web.get("/tiktok-aaaaaa", headers={"x-forwarded-for": "198.51.100.8"}).status_code == 404
    six = [{"x-forwarded-for": f"2001:db8::{number:x}"} for number in range(40)]
    assert door.web.get("/tiktok-aaaaaa", headers=six[0]).status_code == 404
    assert [door.web.get("/tiktok-aaaaaa", headers=one).status_code for one in six][-1] == 429


def counted(door: Door, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", door.web.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_metrics_are_for_this_machine_or_the_token(door: Door) -> None:
    assert counted(door, "crossdock_jobs_todo") == 0.0
    assert "crossdock_hints_waiting" in door.web.get("/metrics").text
    outside = {"x-forwarded-for": "198.51.100.7"}
    assert door.web.get("/metrics", headers=outside).status_code == 403
    assert door.web.get("/metrics", headers={"host": "shop.example"}).status_code == 403
    assert door.web.get("/metrics", headers=outside | {"authorization": "Bearer wrong"}).status_code == 403
    assert door.web.get("/metrics", headers=outside | {"authorization": "Bearer let-me-read"}).status_code == 200


def test_database_that_goes_and_comes_back(door: Door) -> None:
    account = door.rig.add_store().store_account_id
    body = store_event(1)

    def send() -> int:
        return door.web.post(f"/webhooks/shopwired/{account}", content=body, headers=signed(body)).status_code

    door.wire.cut()
    try:
        told = door.web.get("/healthz")
        assert (told.status_code, told.json()["database"]) == (503, "unreachable")
        assert send() == 503
        assert door.web.get("/tiktok-aaaaaa").status_code == 503
        assert door.web.get("/oauth/tiktok/return?state=a&code=b").status_code == 503
    finally:
        door.wire.mend()
    wait_until(lambda: status_of(f"{door.url}/healthz") == 200, "the gateway's return")
    assert send() == 200
    assert hints() == 1


def test_connections_ended_by_the_server_are_replaced(door: Door) -> None:
    account = door.rig.add_store().store_account_id
    with transaction() as conn:
        conn.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
    body = store_event(1)
    answer = door.web.post(f"/webhooks/shopwired/{account}", content=body, headers=signed(body))
    assert answer.status_code == 200
