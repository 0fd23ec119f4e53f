"""ShopWired's webhooks, sent to a real receiver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.shopwired_clients import Receiver, shop_client, webhook_receiver
from tests.waiting import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


@pytest.fixture
def shop(sandbox: httpx.Client) -> Iterator[httpx.Client]:
    sandbox.post("/_sandbox/limits", json={"off": True}).raise_for_status()
    sandbox.post("/_sandbox/shopwired/switches", json={"stock_changes_per_minute": 0}).raise_for_status()
    with shop_client(str(sandbox.base_url)) as client:
        yield client


def register(shop: httpx.Client, receiver: Receiver, topic: str) -> dict[str, Any]:
    made = shop.post("/webhooks", json={"topic": topic, "url": receiver.url, "enabled": True})
    assert made.status_code == 201
    hook: dict[str, Any] = made.json()
    return hook


def a_sku(shop: httpx.Client) -> str:
    return next(str(product["sku"]) for product in shop.get("/products").json() if product["sku"])


def test_handshake_verifies_and_events_arrive_signed(shop: httpx.Client, receiver: Receiver) -> None:
    hook = register(shop, receiver, "product.stock_changed")
    assert (hook["verified"], hook["enabled"], receiver.handshakes) == (True, True, 1)
    sku = a_sku(shop)
    shop.post("/stock", json={"sku": sku, "quantity": 321})
    wait_until(lambda: len(receiver.events) == 1)
    event = receiver.events[0]
    assert all(receiver.signatures_right)
    assert event["data"] == {"sku": sku, "isVariation": False, "newQuantity": 321}
    assert set(event) == {"id", "businessId", "createdAt", "topic", "subjectType", "subjectId", "data"}
    assert shop.get("/events").json()[-1]["id"] == event["id"]


def test_a_wrong_proof_gets_no_events_until_it_is_verified_again(shop: httpx.Client, receiver: Receiver) -> None:
    receiver.secret = "not the secret"
    hook = register(shop, receiver, "product.created")
    assert hook["verified"] is False
    shop.post("/products", json={"title": "Unheard of"})
    receiver.secret = "sw-hook-harbour"
    assert shop.post(f"/webhooks/{hook['id']}/verify").json()["verified"] is True
    heard = shop.post("/products", json={"title": "Heard of"}).json()
    wait_until(lambda: len(receiver.events) > 0)
    assert [event["subjectId"] for event in receiver.events] == [heard["id"]]
    assert "variations" not in receiver.events[0]["data"]["object"]
    assert receiver.events[0]["data"]["object"]["url"].startswith("http://127.0.0.1:")


def test_one_topic_each_and_ten_of_a_topic(shop: httpx.Client, receiver: Receiver) -> None:
    hooks = [register(shop, receiver, "brand.updated") for _ in range(10)]
    body = {"topic": "brand.updated", "url": receiver.url}
    assert shop.post("/webhooks", json=body).status_code == 422
    assert shop.post("/webhooks", json={**body, "topic": "brand.created"}).status_code == 201
    assert shop.post("/webhooks", json={**body, "topic": "brand.painted"}).status_code == 422
    assert shop.delete(f"/webhooks/{hooks[0]['id']}").status_code == 204
    assert len(shop.get("/webhooks").json()) == 10
    assert shop.post("/webhooks", json=body).status_code == 201


def test_addresses_must_be_https_but_loopback_may_not_when_relaxed(
    sandbox: httpx.Client, shop: httpx.Client, receiver: Receiver
) -> None:
    def status(url: str) -> int:
        return shop.post("/webhooks", json={"topic": "order.created", "url": url}).status_code

    assert status("http://shop.example/hook") == 422
    assert status("not an address") == 422
    assert status(receiver.url) == 201
    sandbox.post("/_sandbox/limits", json={"strict_https": True}).raise_for_status()
    assert status(receiver.url) == 422


def test_a_disabled_hook_is_silent_and_a_new_address_proves_itself(shop: httpx.Client, receiver: Receiver) -> None:
    hook = register(shop, receiver, "category.created")
    path = f"/webhooks/{hook['id']}"
    assert shop.put(path, json={"enabled": False}).json()["enabled"] is False
    shop.post("/categories", json={"title": "Silent"})
    assert shop.put(path, json={"enabled": True, "url": f"{receiver.url}/new"}).json()["verified"] is True
    assert receiver.handshakes == 2
    loud = shop.post("/categories", json={"title": "Loud"}).json()["id"]
    wait_until(lambda: len(receiver.events) > 0)
    assert [event["subjectId"] for event in receiver.events] == [loud]


def test_failures_are_retried_hourly_and_24_switch_the_hook_off(
    sandbox: httpx.Client, shop: httpx.Client, receiver: Receiver
) -> None:
    hook = register(shop, receiver, "product.stock_changed")
    receiver.status = 500
    shop.post("/stock", json={"sku": a_sku(shop), "quantity": 654})
    for tries in range(1, 25):
        wait_until(lambda wanted=tries: len(receiver.events) == wanted)  # type: ignore[misc]
        wait_until(lambda wanted=tries: attempts(sandbox) == wanted)  # type: ignore[misc]
        assert shop.get(f"/webhooks/{hook['id']}").json()["enabled"] is (tries < 24)
        sandbox.post("/_sandbox/clock", json={"shift_seconds": 3600})
    assert len({event["id"] for event in receiver.events}) == 1
    shop.post("/stock", json={"sku": a_sku(shop), "quantity": 655})
    assert sandbox.get("/_sandbox/state").json()["webhooks"]["shopwired"]["waiting"] == 0


def attempts(sandbox: httpx.Client) -> int:
    return int(sandbox.get("/_sandbox/state").json()["webhooks"]["shopwired"]["attempts"])


def test_nothing_is_retried_before_the_hour(sandbox: httpx.Client, shop: httpx.Client, receiver: Receiver) -> None:
    register(shop, receiver, "product.stock_changed")
    receiver.status = 204
    shop.post("/stock", json={"sku": a_sku(shop), "quantity": 654})
    wait_until(lambda: attempts(sandbox) == 1)
    receiver.status = 200
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 3000})
    assert attempts(sandbox) == 1
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 601})
    wait_until(lambda: sandbox.get("/_sandbox/state").json()["webhooks"]["shopwired"]["done"] == 1)


def test_an_answer_after_five_seconds_is_a_failure(
    sandbox: httpx.Client, shop: httpx.Client, receiver: Receiver
) -> None:
    register(shop, receiver, "product.stock_changed")
    receiver.seconds = 5.5
    shop.post("/stock", json={"sku": a_sku(shop), "quantity": 654})
    wait_until(lambda: attempts(sandbox) == 1)
    counts = sandbox.get("/_sandbox/state").json()["webhooks"]["shopwired"]
    assert (counts["done"], counts["waiting"]) == (0, 1)


def test_without_a_secret_webhooks_are_unsigned(sandbox: httpx.Client, shop: httpx.Client, receiver: Receiver) -> None:
    register(shop, receiver, "product.created")
    sandbox.post("/_sandbox/shopwired/secret", json={"business": 1, "secret": None}).raise_for_status()
    shop.post("/products", json={"title": "Unsigned"})
    wait_until(lambda: len(receiver.events) == 1)
    assert receiver.signatures_right == [True, False]


def test_webhook_faults_duplicate_and_forge(sandbox: httpx.Client, shop: httpx.Client, receiver: Receiver) -> None:
    register(shop, receiver, "product.stock_changed")
    sku = a_sku(shop)
    for fault, quantity in (("duplicate", 801), ("forged", 802), ("lost", 803)):
        rule = {"vendor": "shopwired", "endpoint": "WEBHOOK product.stock_changed", "fault": fault, "times": 1}
        sandbox.post("/_sandbox/faults", json={"rules": [rule]}).raise_for_status()
        shop.post("/stock", json={"sku": sku, "quantity": quantity})
    shop.post("/stock", json={"sku": sku, "quantity": 804})
    wait_until(lambda: any(event["data"]["newQuantity"] == 804 for event in receiver.events))
    wait_until(lambda: len(receiver.events) == 5)
    assert sorted(event["data"]["newQuantity"] for event in receiver.events) == [801, 801, 802, 802, 804]
    assert receiver.signatures_right.count(False) == 1
