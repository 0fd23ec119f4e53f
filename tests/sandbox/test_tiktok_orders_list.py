"""Get Order List and Get Order Detail: windows, filters, pages that move, tokens, and their faults."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.shop_floor import ShopFloor
from tests.tiktok_caller import Caller

SEARCH, DETAIL = "/order/202309/orders/search", "/order/202507/orders"


@pytest.fixture
def floor(caller: Caller) -> ShopFloor:
    floor = ShopFloor(caller)
    floor.shelf("A", "B", "C", quantity=5000)
    return floor


def fault(sandbox: httpx.Client, fault: str, endpoint: str, **more: Any) -> None:
    rule = {"vendor": "tiktok", "endpoint": endpoint, "fault": fault, "times": 1} | more
    sandbox.post("/_sandbox/faults", json={"rules": [rule]}).raise_for_status()


def read_all(floor: ShopFloor, body: dict[str, Any] | None = None, **query: str) -> list[dict[str, Any]]:
    """Every page, one after the other."""
    found, token = [], ""
    while True:
        page = floor.search(body, page_token=token, **query)
        found += page["orders"]
        token = page["next_page_token"]
        if not token:
            return found


@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["create_time", "update_time"])
def test_pages_show_each_order_once_and_in_order(floor: ShopFloor, field: str, order: str) -> None:
    made = floor.buy_many(130)
    floor.pass_time(5)
    made += floor.buy_many(120)
    found = read_all(floor, page_size="40", sort_field=field, sort_order=order)
    assert sorted(one["id"] for one in found) == sorted(made)
    places = [(one[field], one["id"]) for one in found]
    assert places == sorted(places, reverse=order == "DESC")


def test_newest_created_come_first_by_default(floor: ShopFloor) -> None:
    first = floor.buy()
    floor.pass_time(2)
    second = floor.buy()
    page = floor.search()
    assert [one["id"] for one in page["orders"]] == [second, first]
    assert (page["total_count"], page["next_page_token"]) == (2, "")


def test_windows_include_their_beginning_and_not_their_end(floor: ShopFloor) -> None:
    floor.control("clock", {"shift_seconds": 0})
    order = floor.order(floor.buy(kind="normal"))
    for field in ("create_time", "update_time"):
        at = order[field]
        assert len(read_all(floor, {f"{field}_ge": at})) == 1
        assert read_all(floor, {f"{field}_ge": at + 1}) == []
        assert read_all(floor, {f"{field}_lt": at}) == []
        assert len(read_all(floor, {f"{field}_lt": at + 1})) == 1
    assert read_all(floor, {"create_time_ge": order["create_time"], "update_time_lt": 5}) == []


def test_windows_hold_on_every_page(floor: ShopFloor) -> None:
    floor.buy_many(30)
    floor.pass_time(10)
    wanted = floor.buy_many(30)
    start = floor.order(wanted[0])["update_time"]
    floor.pass_time(10)
    floor.buy_many(30)
    for order in ("ASC", "DESC"):
        body = {"update_time_ge": start, "update_time_lt": start + 5}
        found = read_all(floor, body, page_size="7", sort_field="update_time", sort_order=order)
        assert sorted(one["id"] for one in found) == sorted(wanted)


def test_filters(floor: ShopFloor) -> None:
    held, masked, asking = floor.buy(kind="on_hold"), floor.buy(kind="masked"), floor.buy(kind="normal")
    floor.act(asking, "cancel_request")
    user = floor.order(masked)["user_id"]
    wanted = {
        held: {"order_status": "ON_HOLD"},
        masked: {"shipping_type": "TIKTOK"},
        asking: {"is_buyer_request_cancel": True},
    }
    for id, body in wanted.items():
        assert [one["id"] for one in read_all(floor, body)] == [id]
    assert [one["id"] for one in read_all(floor, {"buyer_user_id": user})] == [masked]
    assert len(read_all(floor, {"warehouse_ids": ["7068517275539719942"]})) == 3
    assert read_all(floor, {"warehouse_ids": ["1"]}) == []


def test_an_order_updated_while_paging_comes_again_with_the_oldest_first(floor: ShopFloor) -> None:
    made = floor.buy_many(6, kind="normal")
    floor.pass_time(5)
    query = {"page_size": "3", "sort_field": "update_time", "sort_order": "ASC"}
    first = floor.search(**query)
    moved = first["orders"][0]["id"]
    floor.act(moved, "address")
    rest = floor.search(page_token=first["next_page_token"], **query)
    last = floor.search(page_token=rest["next_page_token"], **query)
    assert [one["id"] for one in last["orders"]] == [moved]
    assert sorted([one["id"] for one in first["orders"] + rest["orders"]]) == sorted(made)


def test_an_order_updated_while_paging_is_missed_with_the_newest_first(floor: ShopFloor) -> None:
    floor.buy_many(6, kind="normal")
    floor.pass_time(5)
    query = {"page_size": "3", "sort_field": "update_time", "sort_order": "DESC"}
    first = floor.search(**query)
    oldest = sorted(one["id"] for one in read_all(floor))[0]
    assert oldest not in {one["id"] for one in first["orders"]}
    floor.act(oldest, "address")
    rest = floor.search(page_token=first["next_page_token"], **query)
    assert len(rest["orders"]) == 2
    assert oldest not in {one["id"] for one in rest["orders"]}


def test_tokens_end_with_time_and_fit_one_search_only(floor: ShopFloor) -> None:
    floor.buy_many(4, kind="normal")
    token = floor.search(page_size="2")["next_page_token"]
    refused = [({"order_status": "UNPAID"}, token), ({}, "bm9uc2Vuc2U="), ({}, "%%%"), ({}, "e30=")]
    for body, given in refused:
        answer = floor.caller.answer("POST", SEARCH, body, page_size="2", page_token=given)
        assert answer["code"] == 36009004
        assert "page_token" in answer["message"]
    floor.control("tiktok/times", {"page_token_seconds": 60})
    assert len(floor.search(page_size="2", page_token=token)["orders"]) == 2
    floor.pass_time(61)
    assert floor.caller.answer("POST", SEARCH, {}, page_size="2", page_token=token)["code"] == 36009004


def test_the_fault_token_expired_strikes_a_later_page(sandbox: httpx.Client, floor: ShopFloor) -> None:
    floor.buy_many(4, kind="normal")
    token = floor.search(page_size="2")["next_page_token"]
    fault(sandbox, "token_expired", f"POST {SEARCH}")
    assert floor.caller.answer("POST", SEARCH, {}, page_size="2", page_token=token)["code"] == 36009004
    assert len(floor.search(page_size="2", page_token=token)["orders"]) == 2


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"page_size": "0"}, {}),
        ({"page_size": "101"}, {}),
        ({"page_size": ""}, {}),
        ({"page_size": "10", "sort_field": "paid_time"}, {}),
        ({"page_size": "10", "sort_order": "asc"}, {}),
        ({"page_size": "10"}, {"order_status": "SHIPPED"}),
        ({"page_size": "10"}, {"update_time_ge": "1"}),
        ({"page_size": "10"}, {"warehouse_ids": ["1"] * 101}),
    ],
)
def test_nonsense_is_refused(floor: ShopFloor, query: dict[str, str], body: dict[str, Any]) -> None:
    assert floor.caller.answer("POST", SEARCH, body, **query)["code"] == 36009004


def test_detail_takes_fifty_ids_and_leaves_unknown_ones_out(floor: ShopFloor) -> None:
    made = floor.buy_many(50)
    found = floor.caller.data("GET", DETAIL, ids=",".join([*made[:49], "577999999999999999"]))["orders"]
    assert sorted(one["id"] for one in found) == sorted(made[:49])
    assert floor.caller.answer("GET", DETAIL, ids=",".join([*made, "1"]))["code"] == 36009004
    floor.control("limits", {"tiktok": {"strict_order_ids": True}})
    assert floor.caller.answer("GET", DETAIL, ids=f"{made[0]},577999999999999999")["code"] == 21008111


def test_orders_of_another_shop_are_refused(sandbox: httpx.Client, floor: ShopFloor) -> None:
    other = Caller(sandbox, "quay.corner")
    id = floor.buy(kind="unknown_sku", shop_id="7495001122334455789")
    assert other.data("GET", DETAIL, ids=id)["orders"][0]["id"] == id
    assert floor.caller.answer("GET", DETAIL, ids=id)["code"] == 21008111
    assert floor.caller.answer("GET", f"/order/202407/orders/{id}/price_detail")["code"] == 21008111
    assert floor.search()["orders"] == []


def test_list_and_detail_agree_but_for_the_card(floor: ShopFloor) -> None:
    for kind in ("normal", "bundle", "fbt"):
        floor.buy(kind=kind)
    for shown in read_all(floor):
        detail = floor.order(shown["id"])
        more = set(detail) - set(shown)
        assert more == {
            "payment_card_type", "payment_method_code", "payment_auth_code", "channel_entity_national_registry_id",
        }  # fmt: skip
        assert {name: detail[name] for name in shown} == shown
        assert floor.caller.data("GET", "/order/202309/orders", ids=shown["id"])["orders"] == [detail]


def test_the_fault_moved_changes_an_order_between_list_and_detail(sandbox: httpx.Client, floor: ShopFloor) -> None:
    held = floor.buy(kind="on_hold")
    fault(sandbox, "moved", f"POST {SEARCH}")
    assert floor.search()["orders"][0]["status"] == "ON_HOLD"
    assert floor.status(held) == "AWAITING_SHIPMENT"
    fault(sandbox, "moved", f"POST {SEARCH}")
    shown = floor.search()["orders"][0]
    assert shown["seller_note"] == ""
    assert floor.order(held)["seller_note"] != ""


def test_the_fault_missing_detail_leaves_one_order_out_once(sandbox: httpx.Client, floor: ShopFloor) -> None:
    made = floor.buy_many(3, kind="normal")
    fault(sandbox, "missing_detail", f"GET {DETAIL}")
    assert len(floor.caller.data("GET", DETAIL, ids=",".join(made))["orders"]) == 2
    assert len(floor.caller.data("GET", DETAIL, ids=",".join(made))["orders"]) == 3


def test_five_thousand_orders_of_one_second(floor: ShopFloor) -> None:
    made = floor.buy_many(5000, ignore_stock=True)
    assert len(set(made)) == 5000
    found = read_all(floor, {"update_time_ge": 1}, sort_field="update_time", sort_order="ASC")
    assert sorted(one["id"] for one in found) == sorted(made)
    assert len({one["create_time"] for one in found}) == 1
    assert floor.state()["orders"] == 5000
