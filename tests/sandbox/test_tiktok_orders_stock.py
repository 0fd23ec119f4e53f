"""Stock and orders: units move from available to committed and back; campaigns and creators hold their part."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shop_floor import OUT_OF_STOCK, ShopFloor
from tests.tiktok_caller import HARBOUR_WAREHOUSE, Caller


@pytest.fixture
def floor(caller: Caller) -> ShopFloor:
    floor = ShopFloor(caller)
    floor.shelf("A", "B", quantity=20)
    return floor


def numbers(floor: ShopFloor, seller_sku: str) -> tuple[int, int]:
    """Available and committed, the same in total and in the one warehouse."""
    found = floor.stock(seller_sku)
    (place,) = found["warehouse_inventory"]
    total = (found["total_available_quantity"], found["total_committed_quantity"])
    assert (place["available_quantity"], place["committed_quantity"]) == total
    return total


def in_shop(floor: ShopFloor, seller_sku: str) -> int:
    found = floor.stock(seller_sku)["total_available_inventory_distribution"]
    return int(found["in_shop_inventory"]["quantity"])


def update(floor: ShopFloor, seller_sku: str, quantity: int) -> dict[str, Any]:
    made = floor.products[seller_sku]
    stock = {"id": made["sku_id"], "inventory": [{"warehouse_id": HARBOUR_WAREHOUSE, "quantity": quantity}]}
    path = f"/product/202309/products/{made['product_id']}/inventory/update"
    return floor.caller.data("POST", path, {"skus": [stock]})


def test_an_order_commits_units_and_shipping_ends_it(floor: ShopFloor) -> None:
    id = floor.buy(kind="normal", skus=["A"], quantity=3, paid=False)
    assert numbers(floor, "A") == (17, 3)
    floor.act(id, "advance", to="AWAITING_COLLECTION")
    assert numbers(floor, "A") == (17, 0)


def test_a_cancellation_gives_units_back(floor: ShopFloor) -> None:
    id = floor.buy(kind="on_hold", skus=["A", "B"], quantity=2)
    assert (numbers(floor, "A"), numbers(floor, "B")) == ((18, 2), (18, 2))
    floor.act(id, "cancel_request")
    assert (numbers(floor, "A"), numbers(floor, "B")) == ((20, 0), (20, 0))
    assert floor.state()["units_sold"]["7495001122334455667"] == {"A": 0, "B": 0}


def test_cancelled_lines_give_back_their_own_units_only(floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["A", "B"], quantity=2))
    body = {"order_id": order["id"], "cancel_reason": OUT_OF_STOCK}
    body |= {"order_line_item_ids": [order["line_items"][0]["id"]]}
    floor.caller.data("POST", "/return_refund/202309/cancellations", body)
    assert (numbers(floor, "A"), numbers(floor, "B")) == ((19, 1), (18, 2))


def test_a_bundle_takes_its_parts(floor: ShopFloor) -> None:
    floor.buy(kind="bundle", skus=["A", "B"], quantity=2)
    assert (numbers(floor, "A"), numbers(floor, "B")) == ((18, 2), (16, 4))
    assert floor.state()["units_sold"]["7495001122334455667"] == {"A": 2, "B": 4}


def test_goods_in_tiktoks_own_warehouse_are_not_the_sellers(floor: ShopFloor) -> None:
    floor.buy(kind="fbt", skus=["A"], quantity=2)
    assert numbers(floor, "A") == (20, 0)
    assert floor.state()["units_sold"] == {}


def test_what_is_sold_out_cannot_be_bought(floor: ShopFloor) -> None:
    answer = floor.control("tiktok/buy", {"kind": "normal", "skus": ["A"], "quantity": 6, "count": 5})
    assert (answer["created"], answer["sold_out"]) == (3, 2)
    assert numbers(floor, "A") == (2, 18)
    answer = floor.control("tiktok/buy", {"kind": "normal", "count": 500})
    assert 0 < answer["created"] < 500
    rush = {"kind": "normal", "skus": ["A"], "count": 40, "ignore_stock": True, "quantity": 1}
    assert floor.control("tiktok/buy", rush)["created"] == 40
    assert numbers(floor, "A")[0] == 0


def test_the_quantity_of_a_listing_is_what_is_available(floor: ShopFloor) -> None:
    floor.buy(kind="normal", skus=["A"], quantity=5)
    product = floor.caller.product(floor.products["A"]["product_id"])
    assert product["skus"][0]["inventory"][0]["quantity"] == 15
    assert update(floor, "A", 40) == {}
    assert numbers(floor, "A") == (40, 5)
    assert update(floor, "A", 0) == {}
    assert numbers(floor, "A") == (0, 5)


def test_campaigns_and_creators_hold_a_part_of_what_is_available(floor: ShopFloor) -> None:
    floor.control("tiktok/reserve", {"seller_sku": "A", "name": "Autumn sale", "quantity": 6})
    floor.control("tiktok/reserve", {"seller_sku": "A", "kind": "creator", "name": "poppy", "quantity": 4})
    found = floor.stock("A")["total_available_inventory_distribution"]
    assert found == {
        "in_shop_inventory": {"quantity": 10},
        "campaign_inventory": [{"campaign_name": "Autumn sale", "quantity": 6}],
        "creator_inventory": [{"creator_name": "poppy", "quantity": 4}],
    }
    assert numbers(floor, "A") == (20, 0)
    sold = floor.control("tiktok/buy", {"kind": "normal", "skus": ["A"], "quantity": 5, "count": 3})
    assert (sold["created"], in_shop(floor, "A")) == (2, 0)
    floor.control("tiktok/reserve", {"seller_sku": "A", "name": "Autumn sale", "quantity": 0})
    assert in_shop(floor, "A") == 6


def test_stock_below_the_open_stock_is_refused_inside_a_success(floor: ShopFloor) -> None:
    floor.control("tiktok/reserve", {"seller_sku": "A", "quantity": 6})
    (error,) = update(floor, "A", 5)["errors"]
    assert error["code"] == 12019024
    assert "6" in error["message"]
    assert error["detail"]["sku_id"] == floor.products["A"]["sku_id"]
    assert numbers(floor, "A") == (20, 0)
    assert update(floor, "A", 6) == {}


def test_whether_committed_units_count_as_open_is_a_switch(floor: ShopFloor) -> None:
    floor.buy(kind="normal", skus=["B"], quantity=3)
    assert update(floor, "B", 2) == {}
    floor.control("limits", {"tiktok": {"refuse_below_committed": True}})
    (error,) = update(floor, "B", 1)["errors"]
    assert (error["code"], error["detail"]["extra_errors"][0]["code"]) == (12019024, 12019024)
    assert update(floor, "B", 3) == {}


def test_stock_books_balance_after_a_storm(floor: ShopFloor) -> None:
    """Available, committed and shipped units add up to what was there, whatever became of the orders."""
    floor.shelf("C", "D", "E", quantity=400)
    ids = floor.buy_many(300, skus=["C", "D", "E"], kind="normal", quantity=1)
    for place, id in enumerate(ids[:90]):
        if place % 3 == 0:
            floor.act(id, "cancel_request")
            floor.control(f"tiktok/orders/{id}/advance", {"to": "CANCELLED"})
        elif place % 3 == 1:
            floor.act(id, "advance", to="DELIVERED")
    state = floor.state()
    for sku in ("C", "D", "E"):
        available, committed = numbers(floor, sku)
        assert (available, committed) == (400 - 270, 270 - 30)
        assert state["units_sold"]["7495001122334455667"][sku] == 270
    assert state["units_committed"] == 3 * 240
