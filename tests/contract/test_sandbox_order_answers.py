"""Every answer of the sandbox's TikTok Shop about orders, packages and cancellations agrees with the published list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.tiktok.orders.endpoints import ORDERS
from sandbox.tiktok.orders.kinds import KINDS
from tests.contract.spec_check import check_answer, endpoint_name
from tests.contract.test_sandbox_answers import Recorder
from tests.sandbox_server import running_sandbox
from tests.shop_floor import OUT_OF_STOCK, ROYAL_MAIL, ShopFloor
from tests.waiting import HTTP_S

CANCELLATIONS = "/return_refund/202602/cancellations"


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    home: Path = tmp_path_factory.mktemp("contract")
    with running_sandbox(home) as url, httpx.Client(base_url=url, timeout=HTTP_S) as http:
        http.post("/_sandbox/limits", json={"off": True})
        recorder = Recorder(http)
        floor = ShopFloor(recorder)
        floor.shelf(*(f"SKU-{number}" for number in range(6)))
        read_orders(recorder, floor)
        ship_orders(recorder, floor)
        cancel_orders(recorder, floor)
        yield recorder


def read_orders(caller: Recorder, floor: ShopFloor) -> None:
    made = [floor.buy(kind=kind) for kind in KINDS] + [floor.buy(kind="normal", paid=False)]
    for version in ("202309", "202507"):
        caller.data("GET", f"/order/{version}/orders", ids=",".join(made))
    page = caller.data("POST", "/order/202309/orders/search", {}, page_size="5", sort_field="update_time")
    body = {"create_time_ge": 1, "update_time_lt": 2**31, "order_status": "AWAITING_SHIPMENT"}
    caller.data("POST", "/order/202309/orders/search", body, page_size="100", sort_order="ASC")
    caller.data("GET", f"/order/202407/orders/{made[0]}/price_detail")
    lines = [{"id": "1", "origin_id": line["id"]} for line in page["orders"][0]["line_items"]]
    external = {"id": "900", "platform": "ORDER_MANAGEMENT_SYSTEM", "line_items": lines}
    orders = [{"id": page["orders"][0]["id"], "external_order": external}, {"id": "1", "external_order": external}]
    caller.data("POST", "/order/202406/orders/external_orders", {"orders": orders})
    query = {"platform": "ORDER_MANAGEMENT_SYSTEM"}
    caller.data("GET", f"/order/202406/orders/{orders[0]['id']}/external_orders", **query)
    caller.data("POST", "/order/202406/orders/external_order_search", {}, external_order_id="900", **query)


def ship_orders(caller: Recorder, floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["SKU-1", "SKU-2"]))
    path, first = f"/fulfillment/202309/orders/{order['id']}", order["line_items"][0]["id"]
    sent = {"tracking_number": "AB123456789GB", "shipping_provider_id": ROYAL_MAIL}
    package = caller.data("POST", f"{path}/packages", sent | {"order_line_item_ids": [first]})["package_id"]
    pairs = [{"order_line_id": order["line_items"][1]["id"]}]
    caller.data("POST", f"{path}/packages", sent | {"tracking_number": "odd-1", "order_line_list": pairs})
    other = sent | {"tracking_number": "AB123456788GB"}
    caller.data("POST", f"/fulfillment/202309/packages/{package}/shipping_info/update", other)
    caller.data("GET", f"/fulfillment/202309/packages/{package}")
    caller.data("POST", "/fulfillment/202309/packages/search", {"create_time_ge": 1}, page_size="20")
    caller.data("GET", f"{path}/tracking")
    single = floor.buy(kind="normal", skus=["SKU-1"])
    path = f"/fulfillment/202309/orders/{single}"
    caller.data("POST", f"{path}/packages", sent | {"tracking_number": "AB123456787GB"})
    caller.data("POST", f"{path}/shipping_info/update", sent | {"tracking_number": "AB123456786GB"})
    double = floor.order(floor.buy(kind="masked", skus=["SKU-1", "SKU-2"]))
    caller.data("GET", "/fulfillment/202309/orders/split_attributes", order_ids=f"{double['id']},{single}")
    groups = [{"id": str(n), "order_line_item_ids": [line["id"]]} for n, line in enumerate(double["line_items"])]
    made = caller.data("POST", f"/fulfillment/202309/orders/{double['id']}/split", {"splittable_groups": groups})
    caller.data("POST", f"/fulfillment/202309/packages/{made['packages'][0]['id']}/ship", {})


def cancel_orders(caller: Recorder, floor: ShopFloor) -> None:
    order = floor.order(floor.buy(kind="normal", skus=["SKU-1", "SKU-2"]))
    reason = {"order_id": order["id"], "cancel_reason": OUT_OF_STOCK}
    pairs = [{"order_line_item_id": order["line_items"][0]["id"]}]
    caller.data("POST", CANCELLATIONS, reason | {"order_line_list": pairs})
    caller.data("POST", CANCELLATIONS.replace("202602", "202309"), reason)
    for answer, body in (("approve", {}), ("reject", {"reject_reason": "seller_reject_apply_product_has_been_packed"})):
        asked = floor.act(floor.buy(kind="normal"), "cancel_request")["cancel_id"]
        caller.data("POST", CANCELLATIONS + "/search", {"cancel_ids": [asked]}, page_size="10")
        caller.data("POST", f"/return_refund/202309/cancellations/{asked}/{answer}", body, idempotency_key="k1")
    caller.data("POST", CANCELLATIONS.replace("202602", "202309") + "/search", {})


def test_answers_and_requests_agree_with_the_published_list(recorder: Recorder) -> None:
    assert recorder.differences == []


def test_every_endpoint_about_orders_was_called(recorder: Recorder) -> None:
    seen = {endpoint_name(*call.split(" ", 1)) for call in recorder.seen}
    served = {endpoint_name(endpoint.method, endpoint.path) for endpoint in ORDERS}
    assert None not in served
    assert served - seen == set()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"sub_item_info": [{"sku_id": 5}]}, "data.orders[].line_items[].sub_item_info[].sku_id is int, not string"),
        ({"quantity": 2}, "data.orders[].line_items[] has the unknown field quantity"),
    ],
)
def test_the_checker_sees_wrong_lines(line: dict[str, Any], expected: str) -> None:
    assert check_answer("GET", "/order/202507/orders", {"orders": [{"line_items": [line]}]}) == [expected]
