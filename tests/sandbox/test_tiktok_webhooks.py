"""Webhooks: registration, signature, payloads, retries on the sandbox's clock, and faults."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.tiktok_caller import APP_KEY, APP_SECRET, Caller, product_body
from tests.waiting import wait_until
from tests.webhook_receiver import Received, Receiver, receiving

HOOKS = "/event/202309/webhooks"
HARBOUR = "7495001122334455667"
STATUS, AUDIT = "PRODUCT_STATUS_CHANGE", "PRODUCT_AUDIT_STATUS_CHANGE"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def register(caller: Caller, receiver: Receiver, *events: str) -> None:
    for event in events:
        caller.data("PUT", HOOKS, {"event_type": event, "address": receiver.address})


def reviewed_product(caller: Caller, verdict: str = "approve", **more: str) -> str:
    id = caller.create(product_body(caller.image()))["product_id"]
    order: dict[str, Any] = {"product_ids": [id], "verdict": verdict, **more}
    assert caller.http.post("/_sandbox/review", json=order).status_code == 200
    return str(id)


def content(received: Received) -> dict[str, Any]:
    """The envelope, once its signature over the raw body has been checked."""
    message = APP_KEY.encode() + received.body
    assert received.headers["authorization"] == hmac.new(APP_SECRET.encode(), message, hashlib.sha256).hexdigest()
    parsed: dict[str, Any] = json.loads(received.body)
    assert json.dumps(parsed, separators=(",", ":"), ensure_ascii=False).encode() == received.body
    return parsed


def pass_time(sandbox: httpx.Client, seconds: float) -> None:
    sandbox.post("/_sandbox/clock", json={"shift_seconds": seconds})


def sent(sandbox: httpx.Client) -> dict[str, int]:
    found: dict[str, int] = sandbox.get("/_sandbox/state").json()["webhooks"].get("tiktok", {})
    return found


def test_registration_is_listed_replaced_and_deleted(caller: Caller, receiver: Receiver) -> None:
    assert caller.data("GET", HOOKS) == {"total_count": 0, "webhooks": []}
    register(caller, receiver, STATUS, AUDIT, STATUS)
    listed = caller.data("GET", HOOKS)
    assert listed["total_count"] == 2
    assert {one["address"] for one in listed["webhooks"]} == {receiver.address}
    for _ in range(2):
        assert caller.data("DELETE", HOOKS, {"event_type": STATUS}) == {}
    assert [one["event_type"] for one in caller.data("GET", HOOKS)["webhooks"]] == [AUDIT]
    assert caller.call("POST", HOOKS, {}).json()["code"] == 36009010


@pytest.mark.parametrize(
    ("address", "taken", "taken_when_strict"),
    [
        ("https://shop.example.com/hooks", True, True),
        ("http://127.0.0.1:8502/webhooks/tiktok", True, False),
        ("http://shop.example.com/hooks", False, False),
        ("https://shop.example.com:8443/hooks", False, False),
        ("https://192.0.2.7/hooks", False, False),
        ("http://192.168.1.5/hooks", False, False),
        ("https://shop.example.com/" + "x" * 255, False, False),
    ],
)
def test_addresses(caller: Caller, sandbox: httpx.Client, address: str, taken: bool, taken_when_strict: bool) -> None:
    def accepted() -> bool:
        return bool(caller.answer("PUT", HOOKS, {"event_type": STATUS, "address": address})["code"] == 0)

    assert accepted() is taken
    sandbox.post("/_sandbox/limits", json={"strict_https": True})
    assert accepted() is taken_when_strict


def test_an_unknown_event_type(caller: Caller, receiver: Receiver) -> None:
    answer = caller.answer("PUT", HOOKS, {"event_type": "PRODUCT_GONE", "address": receiver.address})
    assert answer["code"] == 98001004


def test_approval_is_told_twice(caller: Caller, receiver: Receiver) -> None:
    register(caller, receiver, STATUS, AUDIT)
    id = reviewed_product(caller)
    by_type = {one["type"]: one for one in map(content, receiver.wait_for(2))}
    assert set(by_type) == {5, 37}
    assert all(one["shop_id"] == HARBOUR and one["tts_notification_id"].isdigit() for one in by_type.values())
    status, audit = by_type[5]["data"], by_type[37]["data"]
    assert (status["product_id"], status["status"]) == (int(id), "PRODUCT_FIRST_PASS_REVIEW")
    assert (audit["product_id"], audit["audit"]["status"]) == (int(id), "APPROVED")


def test_rejection_carries_its_reason(caller: Caller, receiver: Receiver) -> None:
    register(caller, receiver, STATUS)
    reviewed_product(caller, "reject", reason="Picture is blurred")
    data = content(receiver.wait_for(1)[0])["data"]
    assert (data["status"], data["suspended_reason"]) == ("PRODUCT_AUDIT_FAILURE", "Picture is blurred")


def test_only_registered_events_are_sent(caller: Caller, receiver: Receiver, sandbox: httpx.Client) -> None:
    register(caller, receiver, AUDIT)
    reviewed_product(caller)
    receiver.wait_for(1)
    time.sleep(0.5)
    assert [content(one)["type"] for one in receiver.requests] == [37]
    assert sent(sandbox)["done"] == 1


def test_revocation_is_the_last_thing_an_app_hears(caller: Caller, receiver: Receiver, sandbox: httpx.Client) -> None:
    register(caller, receiver, "SELLER_DEAUTHORIZATION")
    sandbox.post("/_sandbox/revoke", json={"app_key": APP_KEY, "shop_id": HARBOUR})
    told = content(receiver.wait_for(1)[0])
    assert told["type"] == 6
    assert HARBOUR in told["data"]["message"]
    assert caller.call("GET", HOOKS).status_code == 400


def test_the_end_of_an_authorization_is_announced_once_a_day(
    caller: Caller, receiver: Receiver, sandbox: httpx.Client
) -> None:
    register(caller, receiver, "UPCOMING_AUTHORIZATION_EXPIRATION")
    sandbox.post("/_sandbox/expire", json={"shop_id": HARBOUR, "refresh_in_seconds": 20 * 86400})
    told = content(receiver.wait_for(1)[0])
    assert told["type"] == 7
    assert isinstance(told["data"]["expiration_time"], str)
    pass_time(sandbox, 86400)
    receiver.wait_for(2)
    time.sleep(0.5)
    assert len(receiver.requests) == 2


def test_retries_follow_the_documented_schedule_and_end(
    caller: Caller, receiver: Receiver, sandbox: httpx.Client
) -> None:
    register(caller, receiver, STATUS)
    receiver.status = 500
    reviewed_product(caller)
    receiver.wait_for(1)
    for count, (too_early, then) in enumerate([(110, 20), (1780, 30), (10_780, 30), (43_180, 30)], start=2):
        wait_until(lambda expected=count - 1: sent(sandbox)["attempts"] == expected)  # type: ignore[misc]
        pass_time(sandbox, too_early)
        time.sleep(0.4)
        assert len(receiver.requests) == count - 1, "no retry before its time"
        pass_time(sandbox, then)
        receiver.wait_for(count)
    wait_until(lambda: sent(sandbox)["failed"] == 1)
    pass_time(sandbox, 10 * 86400)
    time.sleep(0.4)
    assert len(receiver.requests) == 5
    assert len({one.body for one in receiver.requests}) == 1, "retries repeat the same bytes"


@pytest.mark.parametrize(("status", "taken"), [(200, True), (401, True), (204, False), (302, False), (503, False)])
def test_what_counts_as_an_answer(
    caller: Caller, receiver: Receiver, sandbox: httpx.Client, status: int, taken: bool
) -> None:
    register(caller, receiver, STATUS)
    receiver.status = status
    reviewed_product(caller)
    wait_until(lambda: sent(sandbox)["attempts"] == 1)
    assert (sent(sandbox)["done"], sent(sandbox)["waiting"]) == ((1, 0) if taken else (0, 1))


def test_a_slow_receiver_has_not_answered(caller: Caller, receiver: Receiver, sandbox: httpx.Client) -> None:
    register(caller, receiver, STATUS)
    receiver.wait_seconds = 3.5
    reviewed_product(caller)
    wait_until(lambda: sent(sandbox)["attempts"] == 1)
    assert sent(sandbox)["waiting"] == 1


def with_fault(sandbox: httpx.Client, fault: str, **more: Any) -> None:
    rule = {"vendor": "tiktok", "endpoint": f"WEBHOOK {STATUS}", "fault": fault, "times": 1} | more
    assert sandbox.post("/_sandbox/faults", json={"rules": [rule]}).status_code == 200


def test_duplicates_share_their_notification(caller: Caller, receiver: Receiver, sandbox: httpx.Client) -> None:
    register(caller, receiver, STATUS)
    with_fault(sandbox, "duplicate")
    reviewed_product(caller)
    first, second = receiver.wait_for(2)
    assert first.body == second.body


def test_lost_ones_never_come(caller: Caller, receiver: Receiver, sandbox: httpx.Client) -> None:
    register(caller, receiver, STATUS, AUDIT)
    with_fault(sandbox, "lost")
    reviewed_product(caller)
    assert content(receiver.wait_for(1)[0])["type"] == 37
    assert sent(sandbox)["lost"] == 1


def test_late_ones_come_on_the_clock(caller: Caller, receiver: Receiver, sandbox: httpx.Client) -> None:
    register(caller, receiver, STATUS)
    with_fault(sandbox, "late", seconds=600)
    reviewed_product(caller)
    time.sleep(0.5)
    assert receiver.requests == []
    pass_time(sandbox, 601)
    receiver.wait_for(1)


def test_reordered_ones_are_overtaken(caller: Caller, receiver: Receiver, sandbox: httpx.Client) -> None:
    register(caller, receiver, STATUS, AUDIT)
    with_fault(sandbox, "reordered", seconds=1)
    reviewed_product(caller)
    assert [content(one)["type"] for one in receiver.wait_for(2)] == [37, 5]


def test_forged_ones_fail_verification(caller: Caller, receiver: Receiver, sandbox: httpx.Client) -> None:
    register(caller, receiver, STATUS)
    with_fault(sandbox, "forged")
    reviewed_product(caller)
    true, forged = sorted(receiver.wait_for(2), key=lambda one: len(one.body))
    assert content(true)["type"] == 5
    with pytest.raises(AssertionError):
        content(forged)
    assert json.loads(forged.body) == json.loads(true.body)
