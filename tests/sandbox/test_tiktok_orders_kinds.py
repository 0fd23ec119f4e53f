"""What orders look like: every kind, money that adds up, addresses and their masks."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.shop_floor import ShopFloor
from tests.tiktok_caller import Caller

AREAS = Path(__file__).parents[2] / "sandbox/tiktok/data/gb_postcode_areas.csv"
POSTCODE = re.compile(r"([A-Z]{1,2})\d[A-Z]? \d[A-Z]{2}")
SHIPPING_DISCOUNTS = (
    "shipping_fee_seller_discount",
    "shipping_fee_platform_discount",
    "shipping_fee_cofunded_discount",
)


@pytest.fixture
def floor(caller: Caller) -> ShopFloor:
    floor = ShopFloor(caller)
    floor.shelf("A", "B", "C", quantity=5000, price="9.99")
    return floor


def details(floor: ShopFloor, ids: list[str]) -> list[dict[str, Any]]:
    found = []
    for start in range(0, len(ids), 50):
        found += floor.caller.data("GET", "/order/202507/orders", ids=",".join(ids[start : start + 50]))["orders"]
    return found


def total(lines: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(line[name]) for line in lines), Decimal(0))


def check_money(order: dict[str, Any], remainder: str = "0") -> None:
    """The formulas of Get Order Detail, to the penny; `remainder` stands in the order and in no line."""
    paid = {name: Decimal(text) for name, text in order["payment"].items() if name != "currency"}
    lines = order["line_items"]
    assert paid["total_amount"] == paid["sub_total"] + paid["shipping_fee"] + paid["tax"]
    by_both = paid["seller_discount"] + paid["platform_discount"]
    assert paid["sub_total"] == paid["original_total_product_price"] - by_both
    assert paid["shipping_fee"] == paid["original_shipping_fee"] - sum(paid[name] for name in SHIPPING_DISCOUNTS)
    assert total(lines, "original_price") + Decimal(remainder) == paid["original_total_product_price"]
    for name in ("seller_discount", "platform_discount"):
        assert total(lines, name) == paid[name]
    for line in lines:
        discounts = Decimal(line["seller_discount"]) + Decimal(line["platform_discount"])
        assert Decimal(line["sale_price"]) == Decimal(line["original_price"]) - discounts
        assert line["currency"] == order["payment"]["currency"]
    assert min(paid.values()) >= 0


def test_payments_of_a_thousand_orders_add_up(floor: ShopFloor) -> None:
    orders = details(floor, floor.buy_many(1000, ignore_stock=True))
    for order in orders:
        is_trap = any(line["original_price"].endswith(".33") for line in order["line_items"])
        check_money(order, "0.01" if is_trap else "0")
        assert order["payment"]["currency"] == "GBP"
    payments = [order["payment"] for order in orders]
    for name in ("seller_discount", "platform_discount", *SHIPPING_DISCOUNTS):
        assert any(payment[name] != "0" for payment in payments), name
    assert any(payment["shipping_fee"] != "0" for payment in payments)


def test_three_for_ten_is_a_penny_more_than_its_lines(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="rounding", skus=["A"]))
    assert [line["original_price"] for line in order["line_items"]] == ["9.33"] * 3
    assert order["payment"]["original_total_product_price"] == "28.00"
    check_money(order, "0.01")


def test_a_voucher_is_spread_over_units_of_one_price(floor: ShopFloor) -> None:
    orders = details(floor, floor.buy_many(300, kind="normal", skus=["A"], quantity=3))
    uneven = [one for one in orders if len({line["seller_discount"] for line in one["line_items"]}) > 1]
    assert uneven
    for order in uneven:
        assert order["payment"]["seller_discount"] == "10.00"
        check_money(order)


def test_a_line_is_one_unit(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"], quantity=3))
    assert [line["seller_sku"] for line in order["line_items"]] == ["A"] * 3 + ["B"] * 3
    assert len({line["id"] for line in order["line_items"]}) == 6
    assert {line["display_status"] for line in order["line_items"]} == {"AWAITING_SHIPMENT"}
    assert all(re.fullmatch(r"577\d{15}", id) for id in (order["id"], order["line_items"][0]["id"]))


def test_a_plain_order_before_shipping(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal"))
    assert (order["fulfillment_type"], order["shipping_type"]) == ("FULFILLMENT_BY_SELLER", "SELLER")
    assert (order["packages"], order["tracking_number"]) == ([], "")
    assert all("package_id" not in line for line in order["line_items"])
    for absent in ("rts_time", "cancel_reason", "cancel_time", "collection_time", "delivery_time"):
        assert absent not in order
    assert order["create_time"] == order["paid_time"] < order["rts_sla_time"] < order["tts_sla_time"]
    option = order["delivery_option_id"]
    providers = floor.caller.data("GET", f"/logistics/202309/delivery_options/{option}/shipping_providers")
    assert providers["shipping_providers"]


def test_an_unpaid_order_has_no_time_of_payment(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", paid=False))
    assert order["status"] == "UNPAID"
    assert "paid_time" not in order
    assert {line["display_status"] for line in order["line_items"]} == {"UNPAID"}


def test_on_hold_the_address_says_nothing(floor: ShopFloor) -> None:
    id = floor.buy(kind="on_hold")
    order = floor.order(id)
    assert (order["status"], order["is_on_hold_order"]) == ("ON_HOLD", True)
    address = order["recipient_address"]
    assert address["district_info"] == []
    assert {value for value in address.values() if isinstance(value, str)} == {""}
    assert {line["display_status"] for line in order["line_items"]} == {"AWAITING_SHIPMENT"}
    floor.act(id, "advance", to="AWAITING_SHIPMENT")
    assert floor.order(id)["recipient_address"]["postal_code"] != ""


@pytest.mark.parametrize("kind", ["masked", "fbt"])
def test_deliveries_by_tiktok_stay_masked(floor: ShopFloor, kind: str) -> None:
    id = floor.buy(kind=kind)
    for status in ("AWAITING_SHIPMENT", "DELIVERED"):
        if status != "AWAITING_SHIPMENT":
            floor.act(id, "advance", to=status)
        order = floor.order(id)
        address = order["recipient_address"]
        assert order["shipping_type"] == "TIKTOK"
        for name in ("name", "phone_number", "full_address", "address_line1", "postal_code"):
            assert "*" in address[name]
        assert "*" not in address["post_town"]
        assert [one["address_level"] for one in address["district_info"]] == ["L0", "L1", "L2"]
    fulfilment = {"masked": "FULFILLMENT_BY_SELLER", "fbt": "FULFILLMENT_BY_TIKTOK"}[kind]
    assert order["fulfillment_type"] == fulfilment
    assert order["packages"]


def test_a_bundle_names_its_parts_and_every_unit_in_it(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="bundle", skus=["A", "B"], quantity=2))
    check_money(order)
    assert len(order["line_items"]) == 2
    sub_ids = set()
    for line in order["line_items"]:
        assert line["seller_sku"].startswith("BUNDLE-")
        parts = [(one["seller_sku"], one["sku_count"]) for one in line["combined_listing_skus"]]
        assert parts == [("A", 1), ("B", 2)]
        assert [one["seller_sku"] for one in line["sub_item_info"]] == ["A", "B", "B"]
        sub_ids |= {one["id"] for one in line["sub_item_info"]}
        assert line["sku_id"] not in {one["sku_id"] for one in line["combined_listing_skus"]}
    assert len(sub_ids) == 6


@pytest.mark.parametrize("kind", ["sample", "replacement"])
def test_what_costs_nothing(floor: ShopFloor, kind: str) -> None:
    earlier = floor.buy(kind="normal")
    order = floor.order(floor.buy(kind=kind))
    check_money(order)
    assert order["payment"]["total_amount"] == "0"
    flags = (order["is_sample_order"], order["is_replacement_order"])
    assert flags == (kind == "sample", kind == "replacement")
    assert order.get("replaced_order_id") == (earlier if kind == "replacement" else None)


def test_an_exchange_takes_its_whole_price_off_again(floor: ShopFloor) -> None:
    earlier = floor.buy(kind="normal")
    order = floor.order(floor.buy(kind="exchange"))
    check_money(order)
    assert (order["is_exchange_order"], order["exchange_source_order_id"]) == (True, earlier)
    assert order["payment"]["total_amount"] == "0"
    assert order["payment"]["seller_discount"] == order["payment"]["original_total_product_price"] != "0"


def test_a_gift_is_a_line_of_its_own_at_no_price(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="gift", skus=["A"], quantity=1))
    check_money(order)
    bought, gift = order["line_items"]
    assert (bought["is_gift"], gift["is_gift"]) == (False, True)
    assert (bought["gift_retail_price"], gift["gift_retail_price"]) == ("0", "9.99")
    assert gift["sale_price"] == "0"


def test_a_preorder_waits_for_its_release(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="preorder"))
    assert (order["order_type"], order["status"]) == ("PRE_ORDER", "ON_HOLD")
    assert order["release_date"] > order["create_time"] + 6 * 86400
    floor.pass_time(2 * 3600)
    assert floor.status(order["id"]) == "ON_HOLD"
    floor.pass_time(7 * 86400)
    assert floor.status(order["id"]) == "AWAITING_SHIPMENT"


def test_unknown_skus_come_with_and_without_a_seller_sku(floor: ShopFloor) -> None:
    orders = details(floor, floor.buy_many(40, kind="unknown_sku"))
    skus = {line["seller_sku"] for order in orders for line in order["line_items"]}
    assert "" in skus
    assert any(sku.startswith("OLD-") for sku in skus)


def test_addresses_cover_every_postcode_area(floor: ShopFloor) -> None:
    with AREAS.open(newline="") as file:
        towns = {row["area"]: row["town"] for row in csv.DictReader(file)}
    assert len(towns) == 124
    seen = set()
    for order in details(floor, floor.buy_many(1200, kind="unknown_sku")):
        address = order["recipient_address"]
        found = POSTCODE.fullmatch(address["postal_code"])
        assert found, address["postal_code"]
        assert towns[found[1]].startswith(address["post_town"])
        assert address["region_code"] == "GB"
        assert address["postal_code"] in address["full_address"]
        assert re.fullmatch(r"\(\+44\)7700900\d{3}", address["phone_number"])
        assert address["name"] == f"{address['first_name']} {address['last_name']}".strip()
        seen.add(found[1])
    assert seen == set(towns)


def test_the_same_seed_draws_the_same_orders(floor: ShopFloor) -> None:
    def drawn() -> list[Any]:
        floor.control("reset")
        floor.caller = Caller(floor.caller.http)
        floor.control("limits", {"off": True})
        floor.shelf("A", "B", "C", quantity=5000, price="9.99")
        orders = details(floor, floor.buy_many(30))
        orders.sort(key=lambda one: one["id"])
        return [(one["recipient_address"], one["payment"], one["buyer_message"]) for one in orders]

    assert drawn() == drawn()


def test_price_detail_repeats_the_sums_for_each_line(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"]))
    prices = floor.caller.data("GET", f"/order/202407/orders/{order['id']}/price_detail")
    assert prices["payment"] == order["payment"]["total_amount"]
    assert prices["sku_list_price"] == order["payment"]["original_total_product_price"]
    assert prices["shipping_sale_price"] == order["payment"]["shipping_fee"]
    assert [line["id"] for line in prices["line_items"]] == [line["id"] for line in order["line_items"]]
    assert [line["sku_sale_price"] for line in prices["line_items"]] == [
        line["sale_price"] for line in order["line_items"]
    ]


def test_a_shop_in_the_united_states_adds_tax(floor: ShopFloor) -> None:
    caller = Caller(floor.caller.http, "maple.street")
    id = floor.buy(kind="unknown_sku", shop_id="7495001122334455901")
    (order,) = caller.data("GET", "/order/202507/orders", ids=id)["orders"]
    check_money(order)
    assert (order["payment"]["currency"], order["recipient_address"]["region_code"]) == ("USD", "US")
    assert order["payment"]["tax"] != "0"
    assert order["line_items"][0]["item_tax"][0]["tax_type"] == "SALES_TAX"
    unpaid = floor.buy(kind="unknown_sku", shop_id="7495001122334455901", paid=False)
    (order,) = caller.data("GET", "/order/202507/orders", ids=unpaid)["orders"]
    assert "*" in order["recipient_address"]["name"]
