"""ShopWired's catalogue over HTTP: lists, embeds, fields, writes, categories, brands, custom fields."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.sandbox.shopwired_clients import shop_client
from tests.waiting import HTTP_S

ALL_EMBEDS = "variations,images,categories,brand,custom_fields"


@pytest.fixture
def shop(sandbox: httpx.Client) -> Iterator[httpx.Client]:
    sandbox.post("/_sandbox/limits", json={"off": True}).raise_for_status()
    sandbox.post("/_sandbox/shopwired/switches", json={"stock_changes_per_minute": 0}).raise_for_status()
    with shop_client(str(sandbox.base_url)) as client:
        yield client


def test_pages_cover_every_product_once(shop: httpx.Client) -> None:
    assert shop.get("/products/count").json() == {"count": 50}
    pages = [shop.get("/products", params={"count": 20, "offset": offset}).json() for offset in (0, 20, 40, 60)]
    assert [len(page) for page in pages] == [20, 20, 10, 0]
    ids = [product["id"] for page in pages for product in page]
    assert ids == sorted(set(ids)) and len(ids) == 50
    assert [product["id"] for product in shop.get("/products").json()] == ids


def test_active_filter_and_count_agree(shop: httpx.Client) -> None:
    first = shop.get("/products", params={"count": 1}).json()[0]["id"]
    shop.put(f"/products/{first}", json={"active": False}).raise_for_status()
    inactive = shop.get("/products", params={"active": 0, "count": 100}).json()
    assert first in [product["id"] for product in inactive]
    for flag in (0, 1):
        listed = shop.get("/products", params={"active": flag, "count": 100}).json()
        assert all(product["active"] is bool(flag) for product in listed)
        assert shop.get("/products/count", params={"active": flag}).json()["count"] == len(listed)


def test_sort_by_title(shop: httpx.Client) -> None:
    titles = [product["title"].lower() for product in shop.get("/products", params={"sort": "title"}).json()]
    assert titles == sorted(titles)
    down = [product["title"].lower() for product in shop.get("/products", params={"sort": "title_desc"}).json()]
    assert down == titles[::-1]


def test_embeds_are_absent_unless_asked_for(shop: httpx.Client) -> None:
    heavy = {"variations", "images", "categories", "brand", "customFields", "options", "filters"}
    plain = shop.get("/products", params={"count": 1}).json()[0]
    assert not heavy & set(plain)
    full = shop.get(f"/products/{plain['id']}", params={"embed": ALL_EMBEDS}).json()
    assert set(full) - set(plain) == {"variations", "images", "categories", "brand", "customFields"}
    assert {key: full[key] for key in plain} == plain
    assert full["categories"][0]["title"] and full["brand"]["title"]
    assert set(full["images"][0]) == {"id", "url", "description", "sortOrder"}
    assert full["customFields"]["tiktok_unit"] in ("CENTIMETER", "INCH")


def test_variations_have_values_with_options_and_the_parent_has_no_sku(shop: httpx.Client) -> None:
    listed = shop.get("/products", params={"count": 100, "embed": "variations"}).json()
    varied = next(product for product in listed if product["variations"])
    assert varied["sku"] is None and varied["stock"] == 0
    first = varied["variations"][0]
    assert set(first["values"][0]) == {"id", "name", "option"} and set(first["values"][0]["option"]) == {"id", "name"}
    path = f"/products/{varied['id']}/variations"
    assert shop.get(path, params={"count": 100}).json() == varied["variations"]
    assert shop.get(f"{path}/{first['id']}").json() == first


def test_fields_must_name_embedded_keys_too(shop: httpx.Client) -> None:
    ident = shop.get("/products", params={"count": 1}).json()[0]["id"]
    path = f"/products/{ident}"
    assert set(shop.get(path, params={"fields": "id,title,sku"}).json()) == {"id", "title", "sku"}
    assert set(shop.get(path, params={"fields": "id", "embed": "custom_fields"}).json()) == {"id"}
    both = shop.get(path, params={"fields": "id,customFields", "embed": "custom_fields"}).json()
    assert set(both) == {"id", "customFields"}


def test_dates_are_rfc_2822_with_an_offset(shop: httpx.Client) -> None:
    product = shop.get("/products", params={"count": 1}).json()[0]
    for key in ("createdAt", "updatedAt"):
        assert product[key].endswith(" +0000")
        assert parsedate_to_datetime(product[key]).year == 2024


def test_search_finds_titles_and_skus(shop: httpx.Client) -> None:
    product = next(item for item in shop.get("/products").json() if item["sku"])
    for keywords in (product["sku"].lower(), product["title"][:20].upper()):
        found = shop.get("/products/search", params={"keywords": keywords}).json()
        assert product["id"] in [item["id"] for item in found]
    assert shop.get("/products/search").status_code == 422


def test_create_change_and_delete(shop: httpx.Client) -> None:
    created = shop.post("/products", json={"title": "Blue Jug", "price": 9.5, "sku": "JUG-1", "stock": 3})
    assert created.status_code == 201
    product = created.json()
    assert (product["slug"], product["active"], product["salePrice"]) == ("blue-jug", True, None)
    path = f"/products/{product['id']}"
    changed = shop.put(path, json={"price": 8.75})
    assert (changed.status_code, changed.json()["price"], changed.json()["title"]) == (200, 8.75, "Blue Jug")
    assert shop.post("/products", json={"title": "Blue Jug"}).json()["slug"] == "blue-jug-2"
    assert shop.delete(path).status_code == 204
    assert shop.get(path).status_code == 404
    assert shop.get("/stock", params={"sku": "JUG-1"}).status_code == 404
    # Ids are never given twice, not even the highest.
    highest = shop.post("/products", json={"title": "Last"}).json()["id"]
    shop.delete(f"/products/{highest}")
    assert shop.post("/products", json={"title": "Next"}).json()["id"] > highest


def test_custom_fields_and_categories_are_replaced_as_a_whole(shop: httpx.Client) -> None:
    product = shop.get("/products", params={"count": 1, "embed": ALL_EMBEDS}).json()[0]
    path = f"/products/{product['id']}?embed={ALL_EMBEDS}"
    assert len(product["customFields"]) >= 4
    replaced = shop.put(path, json={"customFields": {"tiktok_length": "9", "care": ""}}).json()
    assert replaced["customFields"] == {"tiktok_length": "9"}
    assert "customFields" not in shop.put(path, json={"customFields": {}}).json()
    two = [category["id"] for category in shop.get("/categories", params={"count": 2}).json()]
    moved = shop.put(path, json={"categories": two, "brand": None}).json()
    assert [category["id"] for category in moved["categories"]] == two
    assert moved["brand"] is None
    assert shop.put(path, json={"categories": [999999]}).status_code == 422


def test_options_and_variations_can_be_made(shop: httpx.Client) -> None:
    ident = shop.post("/products", json={"title": "Apron"}).json()["id"]
    option = shop.post(f"/products/{ident}/options", json={"name": "Size"}).json()
    values = [
        shop.post(f"/products/{ident}/options/{option['id']}/values", json={"name": name}).json()
        for name in ("Small", "Large")
    ]
    bare = shop.get(f"/products/{ident}/options").json()
    assert bare == [{"id": option["id"], "name": "Size", "sortOrder": 0}]
    full = shop.get(f"/products/{ident}/options", params={"embed": "product_option_values"}).json()
    assert [value["name"] for value in full[0]["values"]] == ["Small", "Large"]
    path = f"/products/{ident}/variations"
    made = shop.post(path, json={"sku": "AP-S", "values": [values[0]["id"]]})
    assert (made.status_code, made.json()["stock"], made.json()["price"]) == (201, 0, None)
    assert shop.post(path, json={"sku": "AP-X"}).status_code == 422
    assert shop.post(path, json={"values": [values[0]["id"]]}).status_code == 422
    variation = f"{path}/{made.json()['id']}"
    assert shop.put(variation, json={"stock": 4, "price": 12.5}).json()["stock"] == 4
    assert shop.get("/stock", params={"sku": "AP-S"}).json() == {"sku": "AP-S", "quantity": 4}
    assert shop.delete(variation).status_code == 204
    assert shop.get(path).json() == []


def test_pictures_are_added_described_and_removed(shop: httpx.Client) -> None:
    ident = shop.post("/products", json={"title": "Framed"}).json()["id"]
    path = f"/products/{ident}/images"
    pixel = base64.b64encode(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;").decode()
    uploaded = shop.post(path, json={"image": pixel, "description": "A dot"})
    assert uploaded.status_code == 201
    file = httpx.get(uploaded.json()["url"], timeout=HTTP_S)
    assert (file.status_code, file.headers["content-type"], file.content[:4]) == (200, "image/gif", b"GIF8")
    linked = shop.post(path, json={"image": "https://example.org/a.jpg", "sortOrder": -1}).json()
    assert [image["id"] for image in shop.get(path).json()] == [linked["id"], uploaded.json()["id"]]
    changed = shop.put(f"{path}/{linked['id']}", json={"sortOrder": 5, "description": "Side"}).json()
    assert (changed["description"], changed["url"]) == ("Side", "https://example.org/a.jpg")
    assert shop.get(path).json()[1]["id"] == linked["id"]
    assert shop.delete(f"{path}/{linked['id']}").status_code == 204
    assert shop.post(path, json={"image": "not base64"}).status_code == 422


def test_categories_name_their_ancestors_nearest_first(shop: httpx.Client) -> None:
    total = shop.get("/categories/count").json()["count"]
    categories = shop.get("/categories", params={"count": 100, "embed": "parents"}).json()
    assert len(categories) == total >= 40
    leaf = next(category for category in categories if category["parents"])
    assert "parents" not in leaf["parents"][0]
    deeper = shop.post("/categories", json={"title": "Deeper", "parents": [leaf["id"]]}).json()
    found = shop.get(f"/categories/{deeper['id']}", params={"embed": "parents"}).json()
    assert [parent["id"] for parent in found["parents"]] == [leaf["id"], leaf["parents"][0]["id"]]
    assert "parents" not in shop.get(f"/categories/{deeper['id']}").json()
    assert shop.put(f"/categories/{deeper['id']}", json={"active": False}).json()["title"] == "Deeper"
    assert shop.delete(f"/categories/{deeper['id']}").status_code == 204
    assert shop.get("/categories/count").json()["count"] == total


def test_a_deleted_brand_leaves_its_products(shop: httpx.Client) -> None:
    assert shop.get("/brands/count").json()["count"] == 25
    product = shop.get("/products", params={"count": 1, "embed": "brand"}).json()[0]
    assert shop.delete(f"/brands/{product['brand']['id']}").status_code == 204
    assert shop.get(f"/products/{product['id']}", params={"embed": "brand"}).json()["brand"] is None


def test_custom_field_definitions(shop: httpx.Client) -> None:
    found = {field["label"]: field for field in shop.get("/custom-fields").json()}
    labels = ("TikTok Length", "TikTok Width", "TikTok Height", "TikTok Unit", "TikTok Video")
    assert all(found[label]["itemType"] == "product" for label in labels)
    assert found["TikTok Unit"]["allowedValues"] == ["CENTIMETER", "INCH"]
    made = shop.post("/custom-fields", json={"name": "origin", "itemType": "product", "label": "Origin"})
    assert (made.status_code, made.json()["type"]) == (201, "text")
    assert shop.post("/custom-fields", json={"name": "origin", "itemType": "product"}).status_code == 400
    assert shop.post("/custom-fields", json={"name": "has space", "itemType": "product"}).status_code == 400
    path = f"/custom-fields/{made.json()['id']}"
    assert shop.put(path, json={"label": "Made in"}).json()["label"] == "Made in"
    assert shop.delete(path).status_code == 204
    assert shop.get(path).status_code == 404


def test_the_shop_describes_itself(shop: httpx.Client) -> None:
    assert {feature["name"] for feature in shop.get("/business/features").json()} >= {"google_product_fields"}
    only = shop.get("/business/features", params={"name": "google_product_fields"}).json()
    assert only == [{"name": "google_product_fields", "enabled": True}]
    types = {status["type"] for status in shop.get("/order-statuses").json()}
    assert types == {"unpaid", "paid", "shipped", "cancelled", "custom"}
    assert any(country == {"id": 222, "iso": "GB", "name": "United Kingdom", "states": []}
               for country in shop.get("/countries").json())  # fmt: skip
    assert shop.get("/shipping-rates", params={"embed": "country"}).json()[0]["country"] == {"id": 222}
    assert shop.get("/payment-methods").json()[0].keys() == {"id", "name", "title"}


def test_a_fresh_product_can_lag(sandbox: httpx.Client, shop: httpx.Client) -> None:
    sandbox.post("/_sandbox/shopwired/switches", json={"lag_seconds": 30}).raise_for_status()
    ident = shop.post("/products", json={"title": "Slow to appear"}).json()["id"]
    assert shop.get(f"/products/{ident}").status_code == 404
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 31})
    assert shop.get(f"/products/{ident}").status_code == 200
