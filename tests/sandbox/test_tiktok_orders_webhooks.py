"""Webhooks about orders: topics 1, 3, 4, 11, and 27 and 68 about stock; their payloads, spellings and signature."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.shop_floor import HARBOUR, ROYAL_MAIL, ShopFloor
from tests.tiktok_caller import APP_KEY, APP_SECRET, Caller
from tests.waiting import wait_until
from tests.webhook_receiver import Receiver, receiving

EVENTS = ("ORDER_STATUS_CHANGE", "RECIPIENT_ADDRESS_UPDATE", "PACKAGE_UPDATE", "CANCELLATION_STATUS_CHANGE")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def floor(caller: Caller, receiver: Receiver) -> ShopFloor:
    floor = ShopFloor(caller)
    floor.shelf("A", "B", quantity=20)
    for event in EVENTS:
        caller.data("PUT", "/event/202309/webhooks", {"event_type": event, "address": receiver.address})
    return floor


def received(receiver: Receiver, topic: int, count: int) -> list[dict[str, Any]]:
    """The data of so many webhooks of a topic, in the order they were made; signatures are checked."""

    def found() -> list[dict[str, Any]]:
        return [one for one in map(_open, list(receiver.requests)) if one["type"] == topic]

    wait_until(lambda: len(found()) >= count)
    envelopes = found()
    assert len(envelopes) == count
    assert {one["shop_id"] for one in envelopes} == {HARBOUR}
    return [one["data"] for one in envelopes]


def _open(request: Any) -> dict[str, Any]:
    message = APP_KEY.encode() + request.body
    assert request.headers["authorization"] == hmac.new(APP_SECRET.encode(), message, hashlib.sha256).hexdigest()
    parsed: dict[str, Any] = json.loads(request.body)
    return parsed


def test_an_order_is_told_of_unpaid_and_again_paid(floor: ShopFloor, receiver: Receiver) -> None:
    id = floor.buy(kind="on_hold")
    events = received(receiver, 1, 2)
    assert {event["order_id"] for event in events} == {id}
    assert {event["order_status"] for event in events} == {"UNPAID", "ON_HOLD"}
    assert all(event["is_on_hold_order"] for event in events)
    assert set(events[0]) == {"is_on_hold_order", "order_id", "order_status", "update_time"}


def test_a_cancelled_order_is_spelled_cancel(floor: ShopFloor, receiver: Receiver) -> None:
    id = floor.buy(kind="on_hold")
    cancel_id = floor.act(id, "cancel_request")["cancel_id"]
    assert "CANCEL" in {event["order_status"] for event in received(receiver, 1, 3)}
    (event,) = received(receiver, 11, 1)
    assert (event["order_id"], event["cancel_id"]) == (id, cancel_id)
    assert (event["cancellations_role"], event["cancel_status"]) == ("BUYER", "CANCELLATION_REQUEST_SUCCESS")
    floor.pass_time(61)
    received(receiver, 11, 2)


def test_partly_shipped_is_no_word_of_topic_1(floor: ShopFloor, receiver: Receiver) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"]))
    body = {"tracking_number": "AB000000001GB", "shipping_provider_id": ROYAL_MAIL}
    body |= {"order_line_item_ids": [order["line_items"][0]["id"]]}  # type: ignore[dict-item]
    made = floor.caller.data("POST", f"/fulfillment/202309/orders/{order['id']}/packages", body)
    (event,) = received(receiver, 4, 1)
    assert (event["sc_type"], event["role_type"]) == ("SPLIT", "ROLE_SELLER")
    assert event["package_list"] == [{"package_id": made["package_id"], "order_id_list": [order["id"]]}]
    assert {one["order_status"] for one in received(receiver, 1, 2)} == {"UNPAID", "AWAITING_SHIPMENT"}


def test_a_new_address_and_a_split_are_told_of(floor: ShopFloor, receiver: Receiver) -> None:
    id = floor.buy(kind="normal", skus=["A", "B"])
    floor.act(id, "address")
    (event,) = received(receiver, 3, 1)
    assert (event["order_id"], set(event)) == (id, {"order_id", "update_time"})
    package_ids = floor.act(id, "split")["package_ids"]
    (event,) = received(receiver, 4, 1)
    assert [one["package_id"] for one in event["package_list"]] == package_ids


def test_the_frames_faults_strike_orders_too(sandbox: httpx.Client, floor: ShopFloor, receiver: Receiver) -> None:
    rule = {"vendor": "tiktok", "endpoint": "WEBHOOK ORDER_STATUS_CHANGE", "rate": 1}
    sandbox.post("/_sandbox/faults", json={"rules": [rule | {"fault": "duplicate", "times": 1}]})
    floor.buy(kind="normal")
    wait_until(lambda: len(receiver.requests) >= 3)
    ids = [_open(request)["tts_notification_id"] for request in receiver.requests]
    assert (len(ids), len(set(ids))) == (3, 2)
    sandbox.post("/_sandbox/faults", json={"rules": [rule | {"fault": "lost"}]})
    floor.buy(kind="normal")
    assert sandbox.get("/_sandbox/state").json()["webhooks"]["tiktok"]["lost"] == 2


def test_stock_webhooks_come_from_the_apps_settings(floor: ShopFloor, receiver: Receiver) -> None:
    floor.control("tiktok/console_webhooks", {"address": receiver.address})
    listed = floor.caller.data("GET", "/event/202309/webhooks")["webhooks"]
    assert {one["event_type"] for one in listed} == set(EVENTS)
    body = {"event_type": "INVENTORY_UPDATE", "address": receiver.address}
    assert floor.caller.answer("PUT", "/event/202309/webhooks", body)["code"] != 0
    id = floor.buy(kind="on_hold", skus=["A"], quantity=3)
    (made,) = received(receiver, 68, 1)
    assert made["sku_id"] == floor.products["A"]["sku_id"]
    assert made["quantity_snapshot_after_change"] == {
        "total_quantity": 20, "total_available_quantity": 17, "total_committed_quantity": 3, "in_shop_quantity": 17,
        "campaign_locked_quantity": 0, "creator_locked_quantity": 0,
    }  # fmt: skip
    (detail,) = made["change_detail"]
    assert (detail["trigger_source"], detail["total_available_delta"]) == ("order_created", -3)
    floor.act(id, "cancel_request")
    events = sorted(received(receiver, 68, 2), key=lambda one: int(one["event_id"]))
    assert events[1]["change_detail"][0]["trigger_source"] == "order_canceled"
    assert events[1]["quantity_snapshot_after_change"]["total_available_quantity"] == 20


def test_low_stock_is_told_of_when_the_line_is_crossed(floor: ShopFloor, receiver: Receiver) -> None:
    floor.control("tiktok/console_webhooks", {"address": receiver.address})
    floor.buy(kind="normal", skus=["A"], quantity=10)
    floor.buy(kind="normal", skus=["A"], quantity=7)
    (event,) = received(receiver, 27, 1)
    assert event["current_inventory_status"] == "LOW_STOCK"
    assert event["inventory_distribution"]["available_quantity"] == 3
    floor.buy(kind="normal", skus=["A"], quantity=3)
    assert "OUT_OF_STOCK" in {one["current_inventory_status"] for one in received(receiver, 27, 2)}
