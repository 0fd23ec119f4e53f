"""ShopWired's orders: making, finding, status, comments, and what hides them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.shopwired_clients import QUAY, shop_client

ADDRESS = {
    "name": "A Sample",
    "emailAddress": "a@example.org",
    "postcode": "LS1 1AA",
    "city": "Leeds",
    "countryId": 222,
}


@pytest.fixture
def shop(sandbox: httpx.Client) -> Iterator[httpx.Client]:
    sandbox.post("/_sandbox/limits", json={"off": True}).raise_for_status()
    sandbox.post("/_sandbox/shopwired/switches", json={"stock_changes_per_minute": 0}).raise_for_status()
    with shop_client(str(sandbox.base_url)) as client:
        client.post("/products", json={"title": "Jug", "sku": "JUG", "price": 14.5, "stock": 10}).raise_for_status()
        yield client


def status_id(shop: httpx.Client, name: str) -> int:
    return next(int(status["id"]) for status in shop.get("/order-statuses").json() if status["name"] == name)


def order_body(shop: httpx.Client, **changes: Any) -> dict[str, Any]:
    return {
        "status": status_id(shop, "Paid"),
        "billingAddress": ADDRESS,
        "shippingAddress": ADDRESS,
        "shippingRate": {"name": "TikTok", "cost": 4.96},
        "products": [{"sku": "JUG", "quantity": 2, "price": 14.5}],
        "paymentMethod": "TikTok Shop",
        "comments": "TikTok order 576461413038785752",
        **changes,
    }


def topics(shop: httpx.Client) -> list[str]:
    return [event["topic"] for event in shop.get("/events", params={"count": 100}).json()]


def test_customers_are_told_where_that_is_asked_for(shop: httpx.Client, sandbox: httpx.Client) -> None:
    quiet = shop.post("/orders", json=order_body(shop)).json()["id"]
    told = shop.post("/orders", json=order_body(shop, sendEmails=True)).json()["id"]
    for ident in (quiet, told):
        body = {"status": status_id(shop, "Dispatched"), "sendEmail": ident == told}
        shop.post(f"/orders/{ident}/status", json=body).raise_for_status()
    kept = [
        sandbox.post("/_sandbox/shopwired/emails", json={"order_id": one}).json()["emails"] for one in (quiet, told)
    ]
    assert kept == [[], [{"about": about, "recipient": "a@example.org"} for about in ("created", "Dispatched")]]
    assert shop.post("/orders", json=order_body(shop, sendEmails="yes")).status_code == 422


def test_custom_fields_of_an_order_are_kept(shop: httpx.Client) -> None:
    ident = shop.post("/orders", json=order_body(shop, customFields={"delivery": "Express"})).json()["id"]
    assert shop.get(f"/orders/{ident}?embed=custom_fields").json()["customFields"] == {"delivery": "Express"}
    assert "customFields" not in shop.get(f"/orders/{ident}").json()


def test_an_order_has_totals_lines_and_takes_stock(shop: httpx.Client) -> None:
    made = shop.post("/orders", params={"embed": "products,status,shipping,tax"}, json=order_body(shop))
    assert made.status_code == 201
    order = made.json()
    # 2 x 14.50 gross, carriage 4.96 gross: the sums of an order on ShopWired's own help page.
    assert (order["total"], order["subTotal"], order["shippingTotal"]) == (33.96, 24.17, 4.13)
    assert order["tax"] == {"type": "vat", "value": 5.66}
    line = order["products"][0]
    assert (line["price"], line["priceVat"], line["total"], line["totalVat"]) == (14.5, 2.42, 29.0, 4.83)
    assert (line["sku"], line["quantity"], order["status"]["type"]) == ("JUG", 2, "paid")
    assert shop.get("/stock", params={"sku": "JUG"}).json()["quantity"] == 8
    assert topics(shop)[-3:] == ["order.created", "order.finalized", "product.stock_changed"]
    moved = shop.get("/events", params={"topic": "product.stock_changed"}).json()[-1]
    assert moved["data"]["orderId"] == order["id"]


def test_a_variation_line_names_its_values(shop: httpx.Client) -> None:
    listed = shop.get("/products", params={"embed": "variations"}).json()
    variation = next(item for product in listed for item in product["variations"] if item["sku"])
    body = order_body(shop, products=[{"sku": variation["sku"], "quantity": 1}])
    order = shop.post("/orders", params={"embed": "products"}, json=body).json()
    assert order["products"][0]["variation"] == [
        {"name": value["option"]["name"], "value": value["name"]} for value in variation["values"]
    ]


def test_discounts_and_fees_move_the_total(shop: httpx.Client) -> None:
    body = order_body(
        shop,
        discounts=[
            {"name": "Seller discount", "value": 3},
            {"name": "Ten per cent", "value": 10, "type": "percentage"},
        ],
        fees=[{"name": "Bag", "value": 0.1}],
    )
    order = shop.post("/orders", params={"embed": "discounts,fees"}, json=body).json()
    assert order["total"] == pytest.approx(33.96 - 3 - 2.9 + 0.1)
    assert [discount["name"] for discount in order["discounts"]] == ["Seller discount", "Ten per cent"]


@pytest.mark.parametrize("missing", ["status", "billingAddress", "shippingAddress", "shippingRate", "products"])
def test_required_fields(shop: httpx.Client, missing: str) -> None:
    body = order_body(shop)
    del body[missing]
    refused = shop.post("/orders", json=body)
    assert (refused.status_code, refused.json()["message"]) == (422, f"The field '{missing}' is required")
    assert shop.get("/orders/count").json() == {"count": 0}


def test_what_an_order_refuses_leaves_no_trace(shop: httpx.Client) -> None:
    lines = [{"sku": "JUG", "quantity": 1}, {"sku": "no-such-sku", "quantity": 1}]
    for changes in (
        {"products": lines},
        {"products": [{"sku": "JUG", "quantity": 0}]},
        {"status": 1},
        {"shippingRate": 1},
        {"shippingAddress": {**ADDRESS, "countryId": 9999}},
        {"discounts": [{"name": "No value"}]},
    ):
        assert shop.post("/orders", json=order_body(shop, **changes)).status_code == 422
    assert shop.get("/orders/count").json() == {"count": 0}
    assert shop.get("/stock", params={"sku": "JUG"}).json()["quantity"] == 10
    assert "order.created" not in topics(shop)


def test_embeds_and_fields_of_orders(shop: httpx.Client) -> None:
    ident = shop.post("/orders", json=order_body(shop)).json()["id"]
    plain = shop.get(f"/orders/{ident}").json()
    assert not {"products", "status", "billingAddress", "customer", "adminComments"} & set(plain)
    some = shop.get(f"/orders/{ident}", params={"embed": "status,products", "fields": "id,status"}).json()
    assert set(some) == {"id", "status"}
    assert shop.get(f"/orders/{ident}", params={"embed": "shipping_address"}).json()["shippingAddress"]["country"] == (
        "United Kingdom"
    )


def test_filters_by_time_status_ids_and_archive(sandbox: httpx.Client, shop: httpx.Client) -> None:
    first = shop.post("/orders", json=order_body(shop)).json()["id"]
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 1000})
    now = int(sandbox.get("/_sandbox/state").json()["now"])
    unpaid = order_body(shop, status=status_id(shop, "Not Paid"), archived=True)
    second = shop.post("/orders", json=unpaid).json()["id"]

    def found(**query: Any) -> list[int]:
        listed = [order["id"] for order in shop.get("/orders", params=query).json()]
        query.pop("sort", None)
        assert "ids" in query or shop.get("/orders/count", params=query).json()["count"] == len(listed)
        return listed

    assert found() == [first, second]
    assert found(sort="date_desc") == [second, first]
    assert found(**{"from": now - 100}) == [second]
    assert found(to=now - 100) == [first]
    assert found(status=status_id(shop, "Not Paid")) == [second]
    assert found(archived=0) == [first]
    assert found(ids=f"{second},999999") == [second]
    assert shop.get("/orders", params={"ids": ",".join(str(n) for n in range(51))}).status_code == 400
    with shop_client(str(sandbox.base_url), QUAY) as quay:
        assert quay.get("/orders").json() == []
        assert quay.get(f"/orders/{first}").status_code == 404


def test_search_finds_comments_unless_it_is_told_not_to(sandbox: httpx.Client, shop: httpx.Client) -> None:
    made = shop.post("/orders", json=order_body(shop)).json()

    def found(keywords: str) -> list[int]:
        answer = shop.get("/orders/search", params={"keywords": keywords}).json()
        assert answer["totalItems"] == len(answer["items"])
        return [order["id"] for order in answer["items"]]

    assert found("tiktok order 576461413038785752") == [made["id"]]
    assert found("576461413038785753") == []
    assert found(str(made["reference"])) == [made["id"]]
    sandbox.post("/_sandbox/shopwired/switches", json={"hide_order_comments": True}).raise_for_status()
    assert found("576461413038785752") == []
    assert found("LS1 1AA") == [made["id"]]
    switches = {"hide_order_comments": False, "order_search_delay_seconds": 60}
    sandbox.post("/_sandbox/shopwired/switches", json=switches).raise_for_status()
    assert found("576461413038785752") == []
    assert len(shop.get("/orders").json()) == 1
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 61})
    assert found("576461413038785752") == [made["id"]]


def test_a_cut_answer_leaves_the_order_made(sandbox: httpx.Client, shop: httpx.Client) -> None:
    rule = {"vendor": "shopwired", "endpoint": "POST /v1/orders", "fault": "cut_after", "times": 1}
    sandbox.post("/_sandbox/faults", json={"rules": [rule]}).raise_for_status()
    with pytest.raises(httpx.RemoteProtocolError):
        shop.post("/orders", json=order_body(shop))
    assert shop.get("/orders/count").json() == {"count": 1}


def test_stock_may_stay_when_the_shop_is_told_so(sandbox: httpx.Client, shop: httpx.Client) -> None:
    sandbox.post("/_sandbox/shopwired/switches", json={"orders_deduct_stock": False}).raise_for_status()
    shop.post("/orders", json=order_body(shop)).raise_for_status()
    assert shop.get("/stock", params={"sku": "JUG"}).json()["quantity"] == 10


@pytest.mark.parametrize(("returns", "left"), [(False, 8), (True, 10)])
def test_cancelling_puts_goods_back_when_the_shop_is_told_so(
    sandbox: httpx.Client, shop: httpx.Client, returns: bool, left: int
) -> None:
    sandbox.post("/_sandbox/shopwired/switches", json={"cancel_returns_stock": returns}).raise_for_status()
    made = shop.post("/orders", json=order_body(shop)).json()
    for _ in range(2):
        cancelled = {"status": status_id(shop, "Cancelled")}
        shop.post(f"/orders/{made['id']}/status", json=cancelled).raise_for_status()
    assert shop.get("/stock", params={"sku": "JUG"}).json()["quantity"] == left


def test_status_changes_are_told_and_there_is_no_other_way(shop: httpx.Client) -> None:
    unpaid = shop.post("/orders", json=order_body(shop, status=status_id(shop, "Not Paid"))).json()["id"]
    assert "order.finalized" not in topics(shop)
    path = f"/orders/{unpaid}"
    shop.post(f"{path}/status", json={"status": status_id(shop, "Paid")}).raise_for_status()
    sent = {"status": status_id(shop, "Dispatched"), "trackingUrl": "https://track.example/1"}
    assert shop.post(f"{path}/status", json=sent).json()["trackingUrl"] == "https://track.example/1"
    assert topics(shop)[-5:] == [
        "order.status_changed",
        "order.finalized",
        "order.updated",
        "order.status_changed",
        "order.updated",
    ]
    assert shop.post(f"{path}/status", json={}).status_code == 422
    assert shop.put(path, json={"comments": "new"}).status_code == 405
    assert shop.delete(f"/order-statuses/{sent['status']}").status_code == 422


def test_comments_refunds_and_deletion(shop: httpx.Client) -> None:
    path = f"/orders/{shop.post('/orders', json=order_body(shop)).json()['id']}"
    comment = shop.post(f"{path}/comments", json={"content": "Address changed"})
    assert comment.status_code == 201
    kept = shop.get(path, params={"embed": "admin_comments"}).json()["adminComments"]
    assert [(item["content"], "status_id" in item) for item in kept] == [("Address changed", True)]
    assert shop.delete(f"{path}/comments/{comment.json()['id']}").status_code == 204
    assert shop.post(f"{path}/refunds", json={"amount": 5}).status_code == 422
    assert shop.post(f"{path}/refunds", json={"amount": 5, "comment": "Chipped"}).status_code == 201
    assert shop.get(f"{path}/refunds").json()[0]["value"] == 5
    assert shop.delete(path).status_code == 204
    assert shop.get(path).status_code == 404
    assert topics(shop)[-2:] == ["order.refund.created", "order.deleted"]


def test_order_events_are_lean_and_may_lose_their_reference(sandbox: httpx.Client, shop: httpx.Client) -> None:
    shop.post("/orders", json=order_body(shop)).raise_for_status()
    sandbox.post("/_sandbox/shopwired/switches", json={"drop_reference": True}).raise_for_status()
    shop.post("/orders", json=order_body(shop)).raise_for_status()
    told = [event["data"]["object"] for event in shop.get("/events", params={"topic": "order.created"}).json()]
    assert ["reference" in order for order in told] == [True, False]
    assert not {"products", "billingAddress"} & set(told[0])
