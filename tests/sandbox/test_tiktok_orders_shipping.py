"""Shipping: Mark Package As Shipped whole and in part, corrections, splits, packages, tracking, external references."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shop_floor import DAY, DPD, ROYAL_MAIL, ShopFloor
from tests.tiktok_caller import Caller

ORDERS, PACKAGES = "/fulfillment/202309/orders", "/fulfillment/202309/packages"
REFERENCES = "/order/202406/orders"


@pytest.fixture
def floor(caller: Caller) -> ShopFloor:
    floor = ShopFloor(caller)
    floor.shelf("A", "B", "C")
    return floor


def number(count: int = 1) -> dict[str, Any]:
    return {"tracking_number": f"AB{count:09d}GB", "shipping_provider_id": ROYAL_MAIL}


def ship(floor: ShopFloor, order_id: str, **given: Any) -> dict[str, Any]:
    return floor.caller.answer("POST", f"{ORDERS}/{order_id}/packages", number() | given)


def correct(floor: ShopFloor, order_id: str, count: int) -> int:
    return int(floor.caller.answer("POST", f"{ORDERS}/{order_id}/shipping_info/update", number(count))["code"])


def test_a_whole_order_goes_out(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal", skus=["A", "B"])
    data = ship(floor, id)["data"]
    assert "warning" not in data
    order = floor.order(id)
    assert (order["status"], order["tracking_number"]) == ("AWAITING_COLLECTION", "AB000000001GB")
    assert (order["shipping_provider"], order["shipping_provider_id"]) == ("Royal Mail", ROYAL_MAIL)
    assert order["packages"] == [{"id": data["package_id"]}]
    assert data["order_line_item_ids"] == [line["id"] for line in order["line_items"]]
    for line in order["line_items"]:
        assert (line["package_id"], line["package_status"]) == (data["package_id"], "PROCESSING")
        assert line["display_status"] == "AWAITING_COLLECTION"
        assert line["rts_time"] == order["rts_time"]
    floor.pass_time(4 * 3600 + 5)
    assert floor.status(id) == "IN_TRANSIT"
    floor.pass_time(1.5 * DAY)
    assert floor.status(id) == "DELIVERED"
    package = floor.caller.data("GET", f"{PACKAGES}/{data['package_id']}")
    assert package["package_status"] == "COMPLETED"


def test_part_of_an_order_goes_out_first(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"]))
    id, (first, second) = order["id"], [line["id"] for line in order["line_items"]]
    ship(floor, id, order_line_item_ids=[first])
    partly = floor.order(id)
    assert partly["status"] == "PARTIALLY_SHIPPING"
    assert [line["display_status"] for line in partly["line_items"]] == ["AWAITING_COLLECTION", "AWAITING_SHIPMENT"]
    assert partly["split_or_combine_tag"] == "SPLIT"
    assert ship(floor, id, order_line_item_ids=[first])["code"] == 21011020
    assert ship(floor, id, order_line_item_ids=["1"])["code"] == 21011005
    ship(floor, id, **number(2), order_line_list=[{"order_line_id": second}])
    done = floor.order(id)
    assert (done["status"], len(done["packages"])) == ("AWAITING_COLLECTION", 2)
    assert [line["tracking_number"] for line in done["line_items"]] == ["AB000000001GB", "AB000000002GB"]


def test_the_rest_of_a_partly_shipped_order_is_cancelled_in_time(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"]))
    ship(floor, order["id"], order_line_item_ids=[order["line_items"][0]["id"]])
    floor.pass_time(5 * DAY + 5)
    after = floor.order(order["id"])
    assert [line["display_status"] == "CANCELLED" for line in after["line_items"]] == [False, True]
    assert after["status"] == "AWAITING_COLLECTION"


@pytest.mark.parametrize(
    ("kind", "advance", "code"),
    [
        ("on_hold", None, 21011044),
        ("fbt", None, 21008025),
        ("masked", None, 21011004),
        ("normal", "AWAITING_COLLECTION", 21011020),
        ("normal", "DELIVERED", 21011027),
        ("normal", "CANCELLED", 21011041),
    ],
)
def test_what_cannot_be_shipped(floor: ShopFloor, kind: str, advance: str | None, code: int) -> None:
    id = floor.buy(kind=kind)
    if advance:
        floor.act(id, "advance", to=advance)
    assert ship(floor, id)["code"] == code


def test_tracking_numbers_and_providers_are_checked(floor: ShopFloor) -> None:
    id, other = floor.buy(kind="normal"), floor.buy(kind="normal")
    assert ship(floor, id, tracking_number="AB 123")["code"] == 21004012
    assert ship(floor, id, shipping_provider_id="1")["code"] == 21004015
    assert ship(floor, "577999999999999999")["code"] == 21008111
    assert ship(floor, id)["code"] == 0
    assert ship(floor, other)["code"] == 21011025
    body = {"tracking_number": "AB000000001GB"}
    assert floor.caller.answer("POST", f"{ORDERS}/{other}/packages", body)["code"] == 36009004


def test_a_number_of_another_carrier_is_taken_with_a_warning(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    answer = ship(floor, id, tracking_number="15501234567890")
    assert (answer["code"], "DPD UK" in answer["data"]["warning"]["message"]) == (0, True)
    floor.pass_time(5 * 3600)
    assert floor.status(id) == "IN_TRANSIT"


def test_a_number_nobody_knows_is_never_scanned(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    assert "warning" in ship(floor, id, tracking_number="TRACK-1")["data"]
    floor.pass_time(6 * DAY)
    assert floor.status(id) == "AWAITING_COLLECTION"
    floor.pass_time(2 * DAY)
    assert floor.status(id) == "CANCELLED"


def test_shipping_info_is_corrected_once_within_three_days(floor: ShopFloor) -> None:
    id, late = floor.buy(kind="normal"), floor.buy(kind="normal")
    assert correct(floor, id, 7) == 21011043
    ship(floor, id, tracking_number="TRACK-1")
    ship(floor, late, **number(2))
    assert correct(floor, id, 8) == 0
    assert floor.order(id)["tracking_number"] == "AB000000008GB"
    assert correct(floor, id, 9) == 21011049
    floor.control("tiktok/times", {"transit_seconds": 30 * DAY})
    floor.pass_time(3 * DAY + 60)
    assert floor.status(id) == "IN_TRANSIT"
    assert correct(floor, late, 10) == 21011049
    floor.act(late, "advance", to="DELIVERED")
    assert correct(floor, late, 10) == 21011030


def test_packages_are_searched_and_read(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"], quantity=2))
    package_id = ship(floor, order["id"])["data"]["package_id"]
    page = floor.caller.data("POST", f"{PACKAGES}/search", {"package_status": "PROCESSING"}, page_size="10")
    (listed,) = page["packages"]
    assert (listed["id"], listed["tracking_number"]) == (package_id, "AB000000001GB")
    assert [(sku["id"], sku["quantity"]) for sku in listed["orders"][0]["skus"]] == [
        (floor.products[sku]["sku_id"], 2) for sku in ("A", "B")
    ]
    detail = floor.caller.data("GET", f"{PACKAGES}/{package_id}")
    assert (detail["package_id"], detail["has_multi_skus"]) == (package_id, True)
    assert detail["recipient_address"]["name"] == order["recipient_address"]["name"]
    assert detail["order_line_item_ids"] == [line["id"] for line in order["line_items"]]
    assert floor.caller.data("POST", f"{PACKAGES}/search", {"package_status": "COMPLETED"}, page_size="10") == {
        "total_count": 0, "next_page_token": "", "packages": [],
    }  # fmt: skip
    assert floor.caller.answer("POST", f"{PACKAGES}/search", {}, page_size="51")["code"] == 36009004
    assert floor.caller.answer("GET", f"{PACKAGES}/1153")["code"] == 21011001


def test_tiktoks_own_shipping_goes_by_package(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="masked"))
    (package,) = order["packages"]
    assert {line["package_status"] for line in order["line_items"]} == {"TO_FULFILL"}
    assert floor.caller.data("POST", f"{PACKAGES}/{package['id']}/ship", {}) == {}
    after = floor.order(order["id"])
    assert (after["status"], after["packages"]) == ("AWAITING_COLLECTION", [package])
    assert after["tracking_number"].startswith("TT")
    assert floor.caller.answer("POST", f"{PACKAGES}/{package['id']}/ship", {})["code"] == 21011020


def test_a_split_order_ships_package_by_package(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"]))
    id, lines = order["id"], [line["id"] for line in order["line_items"]]
    groups = [{"id": "x", "order_line_item_ids": lines[:1]}, {"id": "y", "order_line_item_ids": lines[1:]}]
    answer = floor.caller.answer("POST", f"{ORDERS}/{id}/split", {"splittable_groups": groups[:1]})
    assert answer["code"] == 21011005
    made = floor.caller.data("POST", f"{ORDERS}/{id}/split", {"splittable_groups": groups})["packages"]
    assert [one["splittable_group_id"] for one in made] == ["x", "y"]
    assert ship(floor, id)["code"] == 21011048
    first = ship(floor, id, order_line_item_ids=lines[:1])["data"]["package_id"]
    assert first == made[0]["id"]
    shipment = {"self_shipment": number(2)}
    assert floor.caller.data("POST", f"{PACKAGES}/{made[1]['id']}/ship", shipment) == {}
    assert floor.status(id) == "AWAITING_COLLECTION"
    path = f"{PACKAGES}/{first}/shipping_info/update"
    assert [floor.caller.answer("POST", path, number(count))["code"] for count in (3, 4)] == [0, 21011051]


def test_tracking_tells_newest_first_in_milliseconds(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    floor.pass_time(10)
    floor.act(id, "advance", to="IN_TRANSIT")
    found = floor.caller.data("GET", f"{ORDERS}/{id}/tracking")["tracking"]
    assert [one["action_code"] for one in found] == [30301, 20101, 10101]
    assert found[-1]["update_time_millis"] == floor.order(id)["create_time"] * 1000


def test_external_references(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A"]))
    external = {
        "id": "SW-100",
        "platform": "ORDER_MANAGEMENT_SYSTEM",
        "line_items": [{"id": "1", "origin_id": order["line_items"][0]["id"]}],
    }
    wrong = [
        {"id": "577999999999999999", "external_order": external},
        {"id": order["id"], "external_order": external | {"platform": "SHOPWIRED"}},
        {"id": order["id"], "external_order": external | {"line_items": [{"id": "1", "origin_id": "2"}]}},
    ]
    body = {"orders": [*wrong, {"id": order["id"], "external_order": external}]}
    errors = floor.caller.data("POST", f"{REFERENCES}/external_orders", body)["errors"]
    assert [error["code"] for error in errors] == ["36020001"] * 3
    assert errors[0]["detail"]["order_id"] == "577999999999999999"
    platform = {"platform": "ORDER_MANAGEMENT_SYSTEM"}
    assert floor.caller.data("POST", f"{REFERENCES}/external_orders", {"orders": body["orders"][3:]})["errors"] == []
    got = floor.caller.data("GET", f"{REFERENCES}/{order['id']}/external_orders", **platform)
    assert got == {"external_orders": [external]}
    path = f"{REFERENCES}/external_order_search"
    found = floor.caller.data("POST", path, {}, external_order_id="SW-100", **platform)
    assert found == {"orders": [{"id": order["id"], "external_order": external}]}
    assert floor.caller.data("POST", path, {}, external_order_id="SW-9", **platform) == {"orders": []}
    assert floor.caller.answer("POST", path, {}, external_order_id="SW-100")["code"] == 36009004
    assert floor.state()["external_references"] == 1


def test_another_provider_takes_its_own_numbers(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal")
    answer = ship(floor, id, tracking_number="15501234567890", shipping_provider_id=DPD)
    assert (answer["code"], "warning" in answer["data"]) == (0, False)
