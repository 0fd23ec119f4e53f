"""The order's states on the sandbox clock: payment, the remorse hour, time-outs, cancellations, background buyers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shop_floor import DAY, OUT_OF_STOCK, ROYAL_MAIL, ShopFloor
from tests.tiktok_caller import Caller
from tests.waiting import wait_until

CANCEL = "/return_refund/202602/cancellations"
PENDING, SUCCESS = "CANCELLATION_REQUEST_PENDING", "CANCELLATION_REQUEST_SUCCESS"
REJECTED, COMPLETE = "CANCELLATION_REQUEST_CANCELLED", "CANCELLATION_REQUEST_COMPLETE"
PACKED = "seller_reject_apply_product_has_been_packed"


@pytest.fixture
def floor(caller: Caller) -> ShopFloor:
    floor = ShopFloor(caller)
    floor.shelf("A", "B", "C")
    return floor


def cancellation(floor: ShopFloor, order_id: str) -> dict[str, Any]:
    found = floor.caller.data("POST", f"{CANCEL}/search", {"order_ids": [order_id]}, page_size="10")
    (one,) = found["cancellations"]
    return dict(one)


def cancel(floor: ShopFloor, order_id: str, reason: str = OUT_OF_STOCK, **more: Any) -> int:
    body = {"order_id": order_id, "cancel_reason": reason, **more}
    return int(floor.caller.answer("POST", CANCEL, body)["code"])


def decide(floor: ShopFloor, cancel_id: str, decision: str, body: dict[str, Any] | None = None, **query: str) -> int:
    path = f"/return_refund/202309/cancellations/{cancel_id}/{decision}"
    return int(floor.caller.answer("POST", path, body or {}, **query)["code"])


def test_the_remorse_hour_ends_after_an_hour(floor: ShopFloor) -> None:
    id = floor.buy(kind="on_hold")
    before = floor.order(id)
    floor.pass_time(3500)
    assert floor.status(id) == "ON_HOLD"
    floor.pass_time(110)
    after = floor.order(id)
    assert (after["status"], after["is_on_hold_order"]) == ("AWAITING_SHIPMENT", True)
    assert after["update_time"] > before["update_time"]


def test_the_remorse_hour_can_be_set_for_all_and_for_one(floor: ShopFloor) -> None:
    floor.control("tiktok/hold_seconds", {"seconds": 50})
    short = floor.buy(kind="on_hold")
    floor.control("tiktok/times", {"hold_seconds": 500})
    long = floor.buy(kind="on_hold")
    floor.act(long, "hold_seconds", seconds=20)
    floor.pass_time(30)
    assert (floor.status(long), floor.status(short)) == ("AWAITING_SHIPMENT", "ON_HOLD")
    floor.pass_time(30)
    assert floor.status(short) == "AWAITING_SHIPMENT"


def test_an_unpaid_order_is_cancelled_by_time(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal", paid=False)
    floor.pass_time(3610)
    order = floor.order(id)
    assert (order["status"], order["cancellation_initiator"]) == ("CANCELLED", "SYSTEM")
    assert order["cancel_reason"] == "The order was not paid in time"
    assert cancellation(floor, id)["cancel_reason"] == "system_cancel_unpaid_time_out_uk"
    assert cancellation(floor, id)["cancel_status"] == COMPLETE


@pytest.mark.parametrize(("on_hold", "status"), [(True, "ON_HOLD"), (False, "AWAITING_SHIPMENT")])
def test_paying_leads_through_the_hold_or_past_it(floor: ShopFloor, on_hold: bool, status: str) -> None:
    id = floor.buy(kind="normal", paid=False, on_hold=on_hold)
    floor.act(id, "advance", to=status)
    order = floor.order(id)
    assert (order["status"], "paid_time" in order) == (status, True)


def test_an_order_nobody_ships_is_cancelled(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    due = floor.order(id)["shipping_due_time"]
    floor.pass_time(4 * DAY)
    assert floor.status(id) == "AWAITING_SHIPMENT"
    floor.pass_time(DAY + 60)
    order = floor.order(id)
    assert order["status"] == "CANCELLED"
    assert order["cancel_time"] >= due
    assert cancellation(floor, id)["cancel_reason"] == "system_cancel_order_reason_shipping_timeout_uk"


def test_the_whole_way_by_the_clock(floor: ShopFloor) -> None:
    id = floor.buy(kind="fbt", on_hold=True)
    seen = []
    for _ in range(24):
        status = floor.status(id)
        if not seen or seen[-1] != status:
            seen.append(status)
        floor.pass_time(3600 if len(seen) < 5 else DAY)
    assert seen == [
        "ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED",
    ][: len(seen)]  # fmt: skip
    floor.pass_time(20 * DAY)
    order = floor.order(id)
    assert order["status"] == "COMPLETED"
    assert order["create_time"] < order["rts_time"] < order["collection_time"] < order["delivery_time"]


def test_a_long_sleep_is_caught_up_with(floor: ShopFloor) -> None:
    id = floor.buy(kind="fbt", on_hold=True)
    floor.pass_time(40 * DAY)
    wait_until(lambda: floor.status(id) == "COMPLETED")
    order = floor.order(id)
    assert order["status"] == "COMPLETED"
    assert order["delivery_time"] < order["create_time"] + 5 * DAY


def test_no_order_goes_backwards(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    floor.act(id, "advance", to="DELIVERED")
    response = floor.caller.http.post(f"/_sandbox/tiktok/orders/{id}/advance", json={"to": "IN_TRANSIT"})
    assert response.status_code == 422
    assert id in response.json()["error"]


@pytest.mark.parametrize(("kind", "paid"), [("on_hold", True), ("normal", False)])
def test_the_buyer_cancels_at_once_before_the_hour_is_over(floor: ShopFloor, kind: str, paid: bool) -> None:
    id = floor.buy(kind=kind, paid=paid)
    floor.act(id, "cancel_request")
    order = floor.order(id)
    assert (order["status"], order["cancellation_initiator"]) == ("CANCELLED", "BUYER")
    assert order["is_buyer_request_cancel"] is False
    assert {line["display_status"] for line in order["line_items"]} == {"CANCELLED"}
    assert {line["cancel_user"] for line in order["line_items"]} == {"BUYER"}
    found = cancellation(floor, id)
    assert (found["cancel_type"], found["role"]) == ("BUYER_CANCEL", "BUYER")
    assert found["cancel_status"] == (SUCCESS if paid else COMPLETE)
    assert found["refund_amount"]["refund_total"] == order["payment"]["total_amount"]
    floor.pass_time(61)
    assert cancellation(floor, id)["cancel_status"] == COMPLETE


def test_later_the_buyer_asks_and_the_seller_decides(floor: ShopFloor) -> None:
    agreed, refused = floor.buy(kind="normal"), floor.buy(kind="normal")
    for id in (agreed, refused):
        floor.act(id, "cancel_request", reason="ecom_order_to_ship_canceled_reason_better_price_uk")
        order = floor.order(id)
        assert (order["status"], order["is_buyer_request_cancel"]) == ("AWAITING_SHIPMENT", True)
        found = cancellation(floor, id)
        assert (found["cancel_status"], found["cancel_reason_text"]) == (PENDING, "Better price")
        (action,) = found["seller_next_action_response"]
        assert action["action"] == "SELLER_RESPOND_CANCEL"
        assert action["deadline"] == pytest.approx(found["create_time"] + 2 * DAY, abs=2)
    assert decide(floor, cancellation(floor, agreed)["cancel_id"], "approve") == 0
    assert decide(floor, cancellation(floor, refused)["cancel_id"], "reject", {"reject_reason": PACKED}) == 0
    assert (floor.status(agreed), floor.status(refused)) == ("CANCELLED", "AWAITING_SHIPMENT")
    assert floor.order(refused)["is_buyer_request_cancel"] is False
    assert cancellation(floor, refused)["cancel_status"] == REJECTED
    assert "seller_next_action_response" not in cancellation(floor, refused)


def test_silence_is_consent(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    floor.act(id, "cancel_request")
    floor.pass_time(2 * DAY + 5)
    assert floor.status(id) == "CANCELLED"
    assert cancellation(floor, id)["cancel_status"] == SUCCESS


def test_decisions_are_checked(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    asked = floor.act(id, "cancel_request")["cancel_id"]
    assert decide(floor, "4035000000000000001", "approve") == 25007006
    assert decide(floor, asked, "reject", {"reject_reason": "no_such_reason"}) == 25001014
    assert decide(floor, asked, "reject", {}) == 36009004
    assert decide(floor, asked, "approve", idempotency_key="one") == 0
    assert decide(floor, asked, "approve", idempotency_key="one") == 0
    assert decide(floor, asked, "approve", idempotency_key="two") == 25020009
    assert decide(floor, asked, "reject", {"reject_reason": PACKED}) == 25020010


def test_while_a_request_is_open_nothing_is_shipped_or_cancelled(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    floor.act(id, "cancel_request")
    body = {"tracking_number": "AB123456789GB", "shipping_provider_id": ROYAL_MAIL}
    assert floor.caller.answer("POST", f"/fulfillment/202309/orders/{id}/packages", body)["code"] == 21011007
    assert cancel(floor, id) == 25001011
    response = floor.caller.http.post(f"/_sandbox/tiktok/orders/{id}/cancel_request", json={})
    assert response.status_code == 422


def test_the_seller_cancels(floor: ShopFloor) -> None:
    id = floor.buy(kind="on_hold")
    assert cancel(floor, id, "seller_cancel_reason_wrong_price_uk") == 0
    order = floor.order(id)
    assert (order["status"], order["cancellation_initiator"]) == ("CANCELLED", "SELLER")
    assert order["cancel_reason"] == "Pricing error"
    assert cancellation(floor, id)["cancel_type"] == "CANCEL"
    assert cancel(floor, id) == 25001051


@pytest.mark.parametrize(
    ("kind", "reason", "code"),
    [
        ("normal", "no_such_reason", 25001014),
        ("normal", "ecom_order_to_ship_canceled_reason_better_price_uk", 25001015),
        ("normal", "seller_cancel_unpaid_reason_out_of_stock_uk", 25001021),
        ("normal", "seller_cancel_reason_out_of_stock", 25001014),
        ("fbt", OUT_OF_STOCK, 25020005),
    ],
)
def test_the_sellers_reason_must_fit(floor: ShopFloor, kind: str, reason: str, code: int) -> None:
    assert cancel(floor, floor.buy(kind=kind), reason) == code


def test_shipped_orders_are_not_cancelled(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    floor.act(id, "advance", to="AWAITING_COLLECTION")
    assert cancel(floor, id) == 25001045
    floor.act(id, "advance", to="DELIVERED")
    assert cancel(floor, id) == 25001051


def test_some_lines_can_be_cancelled_when_out_of_stock(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"], quantity=2))
    id, lines = order["id"], order["line_items"]
    assert cancel(floor, id, "seller_cancel_reason_wrong_price_uk", order_line_item_ids=[lines[0]["id"]]) == 25005010
    assert cancel(floor, id, skus=[{"sku_id": lines[0]["sku_id"], "quantity": 3}]) == 25005011
    assert cancel(floor, id, skus=[{"sku_id": lines[0]["sku_id"], "quantity": 2}]) == 0
    after = floor.order(id)
    assert after["status"] == "AWAITING_SHIPMENT"
    assert [line["display_status"] for line in after["line_items"]] == ["CANCELLED"] * 2 + ["AWAITING_SHIPMENT"] * 2
    assert after["line_items"][0]["cancel_reason"] == "Out of stock"
    assert "cancel_reason" not in after
    assert cancel(floor, id, order_line_item_ids=[line["id"] for line in lines[2:]]) == 0
    assert floor.status(id) == "CANCELLED"


def test_cancellations_are_searched_oldest_first(floor: ShopFloor) -> None:
    ids = [floor.buy(kind="normal") for _ in range(12)]
    for id in ids:
        cancel(floor, id)
        floor.pass_time(1)
    first = floor.caller.data("POST", f"{CANCEL}/search", {})
    assert [one["order_id"] for one in first["cancellations"]] == ids[:10]
    rest = floor.caller.data("POST", f"{CANCEL}/search", {}, page_token=first["next_page_token"])
    assert [one["order_id"] for one in rest["cancellations"]] == ids[10:]
    assert (rest["total_count"], rest["next_page_token"]) == (12, "")
    assert floor.caller.data("POST", f"{CANCEL}/search", {"cancel_types": ["BUYER_CANCEL"]})["cancellations"] == []


def test_the_address_changes(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    before = floor.order(id)
    floor.pass_time(2)
    floor.act(id, "address", post_town="Leeds", postal_code="LS1 4AP")
    after = floor.order(id)
    assert after["recipient_address"]["postal_code"] == "LS1 4AP"
    assert after["recipient_address"]["name"] == before["recipient_address"]["name"]
    assert (before["has_updated_recipient_address"], after["has_updated_recipient_address"]) == (False, True)
    assert after["update_time"] > before["update_time"]


def test_buyers_come_by_themselves(floor: ShopFloor) -> None:
    floor.control("tiktok/buyers", {"orders_per_minute": 600})
    floor.pass_time(60)
    wait_until(lambda: floor.state()["orders"] >= 500)
    floor.control("tiktok/buyers", {"orders_per_minute": 0})
    state = floor.state()
    assert state["orders"] <= 900
    assert set(state["orders_by_status"]) == {"7495001122334455667"}
    statuses = state["orders_by_status"]["7495001122334455667"]
    assert {"UNPAID", "ON_HOLD", "AWAITING_SHIPMENT"} <= set(statuses)
    kinds = state["orders_by_kind"]
    assert kinds["normal"] > kinds["on_hold"] > kinds.get("bundle", 0) > 0


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "stolen"},
        {"count": 0},
        {"count": "5"},
        {"shop_id": "1"},
        {"skus": ["NOT-THERE"]},
        {"skus": "A"},
        {"amount": 5},
    ],
)
def test_nonsense_for_buyers_is_refused_with_a_sentence(floor: ShopFloor, body: dict[str, Any]) -> None:
    response = floor.caller.http.post("/_sandbox/tiktok/buy", json=body)
    assert response.status_code == 422
    assert response.json()["error"].endswith(".")
