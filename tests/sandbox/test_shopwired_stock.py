"""ShopWired's stock and prices by SKU, the events they raise, and sales in the shop window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.shopwired_clients import QUAY, shop_client
from tests.waiting import wait_until


@pytest.fixture
def shop(sandbox: httpx.Client) -> Iterator[httpx.Client]:
    sandbox.post("/_sandbox/limits", json={"off": True}).raise_for_status()
    sandbox.post("/_sandbox/shopwired/switches", json={"stock_changes_per_minute": 0}).raise_for_status()
    with shop_client(str(sandbox.base_url)) as client:
        yield client


def single(shop: httpx.Client) -> dict[str, Any]:
    """A product with a SKU of its own."""
    return next(product for product in shop.get("/products").json() if product["sku"])


def variation(shop: httpx.Client) -> tuple[int, dict[str, Any]]:
    """A product's id and its first variation."""
    listed = shop.get("/products", params={"embed": "variations"}).json()
    product = next(item for item in listed if item["variations"])
    return product["id"], product["variations"][0]


def events_after(shop: httpx.Client, ident: int, **filters: Any) -> list[dict[str, Any]]:
    return shop.get("/events", params={"since_id": ident, "count": 100, **filters}).json()


def test_stock_is_absolute_counts_changes_and_passes_over_unknown_skus(shop: httpx.Client) -> None:
    sku, (_, other) = single(shop)["sku"], variation(shop)
    items = [
        {"sku": sku, "quantity": 501},
        {"sku": other["sku"], "quantity": other["stock"]},
        {"sku": "no-such-sku", "quantity": 4},
    ]
    reply = shop.post("/stock", json={"items": items})
    assert (reply.status_code, reply.json()) == (201, {"updated": 1})
    assert shop.get("/stock", params={"sku": sku}).json() == {"sku": sku, "quantity": 501}
    assert shop.post("/stock", json={"items": items}).json() == {"updated": 0}
    assert shop.post("/stock", json={"sku": sku, "quantity": 502}).json() == {"updated": 1}
    assert shop.put("/stock", json={"sku": sku, "quantity": 7}).json() == {"sku": sku, "quantity": 7}


def test_batches_end_at_15_and_change_nothing_above(shop: httpx.Client) -> None:
    sku = single(shop)["sku"]
    before = shop.get("/stock", params={"sku": sku}).json()
    items = [{"sku": sku, "quantity": 900 + place} for place in range(16)]
    assert shop.post("/stock", json={"items": items}).status_code == 422
    assert shop.get("/stock", params={"sku": sku}).json() == before
    assert shop.post("/stock", json={"items": items[:15]}).status_code == 201
    assert shop.post("/products/prices", json={"items": items}).status_code == 422
    assert shop.post("/stock", json={"sku": sku, "quantity": "5"}).status_code == 422


def test_prices_answer_per_sku(shop: httpx.Client) -> None:
    product, (parent, other) = single(shop), variation(shop)
    items = [
        {"sku": product["sku"], "price": 3.21, "salePrice": 2.5},
        {"sku": other["sku"], "price": 4.5},
        {"sku": "no-such-sku", "price": 1},
    ]
    assert shop.post("/products/prices", json={"items": items}).json() == [
        {"sku": product["sku"], "updated": True, "productId": product["id"], "variation": False},
        {"sku": other["sku"], "updated": True, "productId": parent, "variation": True},
        {"sku": "no-such-sku", "updated": False},
    ]
    found = shop.get(f"/products/{product['id']}").json()
    assert (found["price"], found["salePrice"]) == (3.21, 2.5)
    assert shop.get(f"/products/{parent}/variations/{other['id']}").json()["price"] == 4.5


def test_every_change_is_an_event(shop: httpx.Client) -> None:
    product, (parent, other) = single(shop), variation(shop)
    start = max((event["id"] for event in events_after(shop, 0)), default=0)
    shop.post("/stock", json={"sku": other["sku"], "quantity": 77})
    shop.post("/products/prices", json={"sku": product["sku"], "price": 1.23})
    shop.put(f"/products/{product['id']}", json={"title": "Renamed", "stock": 4444})
    made = shop.post("/products", json={"title": "Made"}).json()["id"]
    shop.delete(f"/products/{made}")
    category = shop.post("/categories", json={"title": "Shelf"}).json()["id"]
    events = events_after(shop, start)
    assert [(event["topic"], event["subjectType"], event["subjectId"]) for event in events] == [
        ("product.stock_changed", "product", parent),
        ("product.updated", "product", product["id"]),
        ("product.updated", "product", product["id"]),
        ("product.stock_changed", "product", product["id"]),
        ("product.created", "product", made),
        ("product.deleted", "product", made),
        ("category.created", "category", category),
    ]
    assert events[0]["data"] == {"sku": other["sku"], "isVariation": True, "newQuantity": 77}
    assert not {"variations", "images", "categories", "customFields"} & set(events[1]["data"]["object"])
    assert events[2]["data"]["object"]["title"] == "Renamed"


def test_events_are_filtered_and_paged(sandbox: httpx.Client, shop: httpx.Client) -> None:
    sku = single(shop)["sku"]
    for quantity in range(600, 605):
        shop.post("/stock", json={"sku": sku, "quantity": quantity})
    shop.post("/brands", json={"title": "New brand"})
    stock = events_after(shop, 0, topic="product.stock_changed")
    assert [event["data"]["newQuantity"] for event in stock] == [600, 601, 602, 603, 604]
    later = events_after(shop, stock[2]["id"], topic="product.stock_changed")
    assert [event["id"] for event in later] == [event["id"] for event in stock[3:]]
    assert [event["topic"] for event in events_after(shop, 0, subject_type="brand")] == ["brand.created"]
    assert len(events_after(shop, 0, offset=4)) == 2
    now = sandbox.get("/_sandbox/state").json()["now"]
    assert events_after(shop, 0, created_after=int(now) + 60) == []
    assert len(events_after(shop, 0, created_after=int(now) - 60)) == 6
    assert shop.get("/events", params={"created_after": "soon"}).status_code == 400
    with shop_client(str(sandbox.base_url), QUAY) as quay:
        assert quay.get("/events").json() == []


def test_a_sale_lowers_stock_and_an_edit_changes_a_product(sandbox: httpx.Client, shop: httpx.Client) -> None:
    product = single(shop)
    shop.post("/stock", json={"sku": product["sku"], "quantity": 10})
    sale = {"business": 1, "sku": product["sku"], "quantity": 3}
    assert sandbox.post("/_sandbox/shopwired/sell", json=sale).json() == {"sku": product["sku"], "stock": 7}
    edit = {"product_id": product["id"], "fields": {"title": "Edited in the admin"}}
    sandbox.post("/_sandbox/shopwired/change", json=edit).raise_for_status()
    assert shop.get(f"/products/{product['id']}").json()["title"] == "Edited in the admin"
    sold, edited = events_after(shop, 0)[-2:]
    assert (sold["topic"], edited["topic"]) == ("product.stock_changed", "product.updated")
    assert sold["data"]["newQuantity"] == 7
    assert sold["data"]["orderId"] > 0


def test_stock_moves_by_itself_when_the_shop_is_alive(sandbox: httpx.Client, shop: httpx.Client) -> None:
    before = len(events_after(shop, 0))
    sandbox.post("/_sandbox/shopwired/switches", json={"stock_changes_per_minute": 600}).raise_for_status()
    with shop_client(str(sandbox.base_url), QUAY) as quay:
        wait_until(lambda: len(events_after(shop, 0)) > before and len(events_after(quay, 0)) > 0)
    changed = events_after(shop, 0)[-1]
    assert changed["topic"] == "product.stock_changed"


def test_a_shared_sku_means_the_oldest_product(shop: httpx.Client) -> None:
    first = shop.post("/products", json={"title": "First", "sku": "TWICE", "stock": 1}).json()
    second = shop.post("/products", json={"title": "Second", "sku": "TWICE", "stock": 2}).json()
    assert shop.post("/stock", json={"sku": "TWICE", "quantity": 9}).json() == {"updated": 1}
    assert shop.get(f"/products/{first['id']}").json()["stock"] == 9
    assert shop.get(f"/products/{second['id']}").json()["stock"] == 2
