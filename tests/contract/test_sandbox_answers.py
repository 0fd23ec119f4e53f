"""Every answer of the sandbox's TikTok Shop agrees with the published field list, and the checker itself can fail."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.tiktok.endpoints import ENDPOINTS
from sandbox.tiktok.orders.endpoints import ORDERS
from tests.contract.spec_check import check_answer, check_request, endpoint_name
from tests.sandbox_server import running_sandbox
from tests.tiktok_caller import (
    APP_KEY,
    APP_SECRET,
    HARBOUR_WAREHOUSE,
    PLAIN_CATEGORY,
    Caller,
    authorize,
    picture,
    product_body,
    sku,
)
from tests.waiting import HTTP_S

LISTED = "/product/202309/products"
V2 = {"category_version": "v2"}


class Recorder(Caller):
    """Checks every answer (and the request that asked for it) against the list, and remembers which were seen."""

    def __init__(self, http: httpx.Client, login: str = "harbour.lane") -> None:
        self.seen: set[str] = set()
        self.differences: list[str] = []
        super().__init__(http, login)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        response = super().call(method, path, body, **more)
        self.note(method, path, response, body)
        return response

    def upload(self, *given: Any, **form: str) -> httpx.Response:
        response = super().upload(*given, **form)
        parts = {"data": b"", "use_case": "x"} if "images" in response.url.path else {"data": b"", "name": "x"}
        self.note("POST", response.url.path, response, parts)
        return response

    def note(self, method: str, path: str, response: httpx.Response, body: Any) -> None:
        envelope = response.json()
        assert set(envelope) == {"code", "data", "message", "request_id"}
        assert len(envelope["request_id"]) == 34
        self.seen.add(f"{method} {path}")
        said = check_answer(method, path, envelope["data"])
        said += check_request(method, path, dict(response.request.url.params), body)
        self.differences += [f"{method} {path}: {text}" for text in said]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    home: Path = tmp_path_factory.mktemp("contract")
    with running_sandbox(home) as url, httpx.Client(base_url=url, timeout=HTTP_S) as http:
        http.post("/_sandbox/limits", json={"off": True})
        http.post("/_sandbox/review", json={"delay_seconds": 3600, "reject_rate": 0})
        recorder = Recorder(http)
        call_everything(recorder)
        yield recorder


def call_everything(caller: Recorder) -> None:
    """Each endpoint at least once, with bodies as full as the sandbox takes them."""
    read_surroundings(caller)
    product_id, sku_id = list_product(caller)
    edit_product(caller, product_id, sku_id)
    for action in ("deactivate", "activate"):
        caller.data("POST", f"{LISTED}/{action}", {"product_ids": [product_id, "1"]})
    caller.data("DELETE", LISTED, {"product_ids": [product_id, "1"]})
    caller.data("POST", f"{LISTED}/recover", {"product_ids": [product_id, "1"]})
    caller.data("DELETE", "/authorization/202403/shops")


def read_surroundings(caller: Recorder) -> None:
    caller.call("GET", "/seller/202309/shops", cipher=False)
    caller.call("GET", "/seller/202309/permissions", cipher=False)
    caller.data("GET", "/logistics/202309/warehouses")
    options = caller.data("GET", f"/logistics/202309/warehouses/{HARBOUR_WAREHOUSE}/delivery_options")
    by_seller = next(one["id"] for one in options["delivery_options"] if one["type"] == "SEND_BY_SELLER")
    caller.data("GET", f"/logistics/202309/delivery_options/{by_seller}/shipping_providers", buyer_region="GB")
    caller.data("GET", "/product/202309/categories", **V2)
    for leaf in (PLAIN_CATEGORY, "842512", "604581"):
        caller.answer("GET", f"/product/202309/categories/{leaf}/attributes", **V2)
        caller.answer("GET", f"/product/202309/categories/{leaf}/rules", **V2)
    caller.data("POST", "/product/202309/categories/recommend", {"product_title": "Glass storage jar", **V2})
    caller.data("GET", "/product/202309/brands", page_size="100", category_id=PLAIN_CATEGORY)
    caller.data("GET", "/product/202312/prerequisites")
    address = "http://127.0.0.1:9/webhooks"
    caller.data("PUT", "/event/202309/webhooks", {"event_type": "PRODUCT_STATUS_CHANGE", "address": address})
    caller.data("GET", "/event/202309/webhooks")
    caller.data("DELETE", "/event/202309/webhooks", {"event_type": "PRODUCT_STATUS_CHANGE"})


def list_product(caller: Recorder) -> tuple[str, str]:
    image, swatch = caller.image(), caller.image(use_case="ATTRIBUTE_IMAGE")
    caller.upload(b"%PDF-1.4 report", path="/product/202309/files/upload", name="report.pdf")
    brand = caller.data("GET", "/product/202309/brands", page_size="1", is_authorized="1")["brands"][0]["id"]
    jars = [
        sku(f"JAR-{colour}", identifier_code={"type": "EAN", "code": code}, sales_attributes=[
            {"id": "100000", "value_name": colour, "sku_img": {"uri": swatch}}, {"name": "Lid", "value_name": "Oak"},
        ])
        for colour, code in (("Blue", "5060000000017"), ("Amber", "5060000000024"))
    ]  # fmt: skip
    body = product_body(image, skus=jars, brand_id=brand, idempotency_key=str(uuid.uuid4()), external_product_id="P1")
    caller.data(
        "POST",
        f"{LISTED}/listing_check",
        {key: body[key] for key in body if key not in ("save_mode", "idempotency_key")},
    )
    broken = {key: value for key, value in product_body("tos-x/unknown", title="  ").items() if key != "save_mode"}
    caller.data("POST", f"{LISTED}/listing_check", broken)
    made = caller.create(body)
    caller.http.post("/_sandbox/review", json={"product_ids": [made["product_id"]], "verdict": "reject"})
    caller.product(made["product_id"])
    caller.data("PUT", f"/product/202509/products/{made['product_id']}", without_key(body, made["skus"][0]["id"]))
    caller.http.post("/_sandbox/review", json={"product_ids": [made["product_id"]]})
    return made["product_id"], caller.product(made["product_id"])["skus"][0]["id"]


def without_key(body: dict[str, Any], sku_id: str) -> dict[str, Any]:
    """The edit of a created body: no idempotency key, and the first SKU goes on under its id."""
    first = body["skus"][0] | {"id": sku_id}
    return {key: value for key, value in body.items() if key != "idempotency_key"} | {"skus": [first]}


def edit_product(caller: Recorder, product_id: str, sku_id: str) -> None:
    caller.data("POST", f"/product/202509/products/{product_id}/partial_edit", {"title": "Jar with a new title"})
    caller.product(product_id, return_under_review_version="true")
    caller.data(
        "POST", "/product/202502/products/search", {"status": "ALL", "seller_skus": ["JAR-Blue"]}, page_size="10"
    )
    price = {"id": sku_id, "price": {"amount": "13.49", "currency": "GBP"}}
    caller.data("POST", f"{LISTED}/{product_id}/prices/update", {"skus": [price]})
    for quantity in (5, 100_000):
        stock = {"id": sku_id, "inventory": [{"warehouse_id": HARBOUR_WAREHOUSE, "quantity": quantity}]}
        caller.data("POST", f"{LISTED}/{product_id}/inventory/update", {"skus": [stock]})
    caller.data("POST", "/product/202309/inventory/search", {"product_ids": [product_id]})
    caller.data("POST", f"/product/202309/products/{product_id}/partial_edit", {"save_mode": "AS_DRAFT", "title": "D"})
    body = caller.product(product_id)
    full = product_body(body["main_images"][0]["uri"], skus=[{"id": sku_id, "seller_sku": "JAR-Blue"}])
    caller.data("PUT", f"/product/202309/products/{product_id}", full)


def test_answers_and_requests_agree_with_the_published_list(recorder: Recorder) -> None:
    assert recorder.differences == []


def test_every_endpoint_of_the_sandbox_was_called(recorder: Recorder) -> None:
    seen = {endpoint_name(*call.split(" ", 1)) for call in recorder.seen}
    # Those about orders have a file of their own.
    served = {endpoint_name(endpoint.method, endpoint.path) for endpoint in ENDPOINTS if endpoint not in ORDERS}
    assert None not in served
    assert served - seen == set()


def test_token_answers_agree_with_the_authorization_guide(recorder: Recorder) -> None:
    assert check_answer("GET", "/api/v2/token/get", recorder.tokens) == []
    query = {"app_key": APP_KEY, "app_secret": APP_SECRET, "grant_type": "refresh_token"}
    query["refresh_token"] = "unknown"
    answer = recorder.http.get("/api/v2/token/refresh", params=query)
    assert answer.json()["code"] == 36004005
    assert check_request("GET", "/api/v2/token/refresh", query) == []


def test_a_renewed_token_is_told_as_the_authorization_guide_says(recorder: Recorder) -> None:
    given = authorize(recorder.http, "quay.corner")
    query = {"app_key": APP_KEY, "app_secret": APP_SECRET, "grant_type": "refresh_token"}
    query["refresh_token"] = given["refresh_token"]
    answer = recorder.http.get("/api/v2/token/refresh", params=query).json()
    assert (answer["code"], set(answer)) == (0, {"code", "data", "message", "request_id"})
    assert check_answer("GET", "/api/v2/token/refresh", answer["data"]) == []
    assert set(answer["data"]) == set(given), "the list has no required fields, so what is there is compared as well"
    assert answer["data"]["access_token"] != given["access_token"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"product_id": 5}, "data.product_id is int, not string"),
        ({"id": "5"}, "data has the unknown field id"),
        ({"skus": {"id": "1"}}, "data.skus is dict, not a list"),
        ({"skus": [{"sales_attributes": [{"id": 1}]}]}, "data.skus[].sales_attributes[].id is int, not string"),
        ([], "data is list, not object"),
    ],
)
def test_the_checker_sees_wrong_answers(data: Any, expected: str) -> None:
    assert check_answer("POST", LISTED, data) == [expected]


def test_the_checker_sees_wrong_requests() -> None:
    query = {"app_key": "k", "sign": "s", "timestamp": "1", "page_size": "ten", "page": "2"}
    said = check_request("POST", "/product/202502/products/search", query, {"seller_skus": "A", "state": "ALL"})
    assert said == [
        "query has the unknown parameter page",
        "query lacks shop_cipher",
        "query.page_size is 'ten', not a whole number",
        "body has the unknown field state",
        "body.seller_skus is str, not a list",
    ]


def test_the_checker_sees_missing_mandatory_fields() -> None:
    query = {"app_key": "k", "sign": "s", "timestamp": "1", "shop_cipher": "c"}
    body = product_body("tos-x/1")
    del body["main_images"], body["skus"][0]["price"]["currency"]
    said = check_request("POST", LISTED, query, body)
    assert said == ["body lacks main_images", "body.skus[].price lacks currency"]
    assert check_request("GET", "/product/209901/products", query) == [
        "GET /product/209901/products is no documented endpoint"
    ]


def test_a_picture_upload_is_checked_by_its_parts() -> None:
    query = {"app_key": "k", "sign": "s", "timestamp": "1"}
    path = "/product/202309/images/upload"
    assert check_request("POST", path, query, {"data": picture(10, 10), "use_case": "MAIN_IMAGE"}) == []
    assert check_request("POST", path, query, {"file": b""}) == ["body has the unknown field file", "body lacks data"]
