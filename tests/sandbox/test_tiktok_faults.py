"""Faults by switch and by seeded chance, and what is true of the sandbox's state after each."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from tests.tiktok_caller import HARBOUR_WAREHOUSE, Caller, product_body, sku

CREATE = "/product/202309/products"
SEARCH = "/product/202502/products/search"


def switch_on(sandbox: httpx.Client, fault: str, endpoint: str = f"POST {CREATE}", **more: Any) -> None:
    rule = {"vendor": "tiktok", "endpoint": endpoint, "fault": fault, "times": 1} | more
    assert sandbox.post("/_sandbox/faults", json={"seed": 1, "rules": [rule]}).status_code == 200


def created(sandbox: httpx.Client) -> int:
    return int(sandbox.get("/_sandbox/state").json()["tiktok"]["products_created"])


def test_cut_before_has_no_effect(caller: Caller, sandbox: httpx.Client) -> None:
    body = product_body(caller.image(), idempotency_key="k1")
    switch_on(sandbox, "cut_before")
    with pytest.raises(httpx.TransportError):
        caller.create(body)
    assert created(sandbox) == 0
    assert caller.create(body)["product_id"]


def test_cut_after_has_its_effect_and_the_key_finds_it(caller: Caller, sandbox: httpx.Client) -> None:
    body = product_body(caller.image(), idempotency_key="k1")
    switch_on(sandbox, "cut_after")
    with pytest.raises(httpx.TransportError):
        caller.create(body)
    assert created(sandbox) == 1
    found = caller.data("POST", SEARCH, {"seller_skus": ["JAR-1L-CLR"]}, page_size="10")["products"]
    assert caller.create(body)["product_id"] == found[0]["id"]
    assert created(sandbox) == 1


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("rate_429", 429, 36009002),
        ("http_500", 500, 36009003),
        ("expired_token", 401, 105002),
        ("revoked_shop", 400, 36009004),
    ],
)
def test_refusals_without_effect(caller: Caller, sandbox: httpx.Client, fault: str, status: int, code: int) -> None:
    body = product_body(caller.image())
    switch_on(sandbox, fault)
    response = caller.call("POST", CREATE, body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert created(sandbox) == 0


@pytest.mark.parametrize(("retry_after", "expected"), [(None, None), ("7", "7"), (7, "7")])
def test_429_with_and_without_retry_after(
    caller: Caller, sandbox: httpx.Client, retry_after: Any, expected: str | None
) -> None:
    switch_on(sandbox, "rate_429", f"POST {SEARCH}", retry_after=retry_after)
    response = caller.call("POST", SEARCH, {}, page_size="1")
    assert response.headers.get("retry-after") == expected


@pytest.mark.parametrize(("fault", "status"), [("http_502", 502), ("http_503", 503), ("html_page", 200)])
def test_pages_instead_of_json(caller: Caller, sandbox: httpx.Client, fault: str, status: int) -> None:
    switch_on(sandbox, fault, f"POST {SEARCH}")
    response = caller.call("POST", SEARCH, {}, page_size="1")
    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (status, "text/html")


def test_truncated_and_mistyped_answers(caller: Caller, sandbox: httpx.Client) -> None:
    body = product_body(caller.image())
    switch_on(sandbox, "truncated")
    with pytest.raises(json.JSONDecodeError):
        caller.call("POST", CREATE, body).json()
    switch_on(sandbox, "wrong_type")
    assert caller.call("POST", CREATE, body).json()["data"] == "unexpected"
    assert created(sandbox) == 2, "both calls took effect"


def test_slow_answers(caller: Caller, sandbox: httpx.Client) -> None:
    switch_on(sandbox, "slow", f"POST {SEARCH}", seconds=0.6)
    start = time.monotonic()
    assert caller.call("POST", SEARCH, {}, page_size="1").status_code == 200
    assert time.monotonic() - start >= 0.6


def test_hidden_errors_inside_a_success(caller: Caller, sandbox: httpx.Client) -> None:
    made = caller.create(product_body(caller.image()))
    id, sku_id = made["product_id"], made["skus"][0]["id"]
    switch_on(sandbox, "hidden_errors", "POST /product/202309/products/{product_id}/inventory/update")
    stock = {"skus": [{"id": sku_id, "inventory": [{"warehouse_id": HARBOUR_WAREHOUSE, "quantity": 1}]}]}
    answer = caller.answer("POST", f"{CREATE}/{id}/inventory/update", stock)
    assert (answer["code"], answer["message"]) == (0, "Success")
    assert answer["data"]["errors"][0]["detail"]["sku_id"] == sku_id
    assert caller.product(id)["skus"][0]["inventory"][0]["quantity"] == 40
    switch_on(sandbox, "hidden_errors", f"DELETE {CREATE}")
    deleted = caller.data("DELETE", CREATE, {"product_ids": [id]})
    assert deleted["errors"][0]["code"] == 12052990
    assert caller.product(id)["status"] == "PENDING"


def test_chance_is_seeded(caller: Caller, sandbox: httpx.Client) -> None:
    def draws(seed: int) -> list[int]:
        rule = {"vendor": "tiktok", "endpoint": "POST */search", "fault": "http_503", "rate": 0.4}
        sandbox.post("/_sandbox/faults", json={"seed": seed, "rules": [rule]})
        return [caller.call("POST", SEARCH, {}, page_size="1").status_code for _ in range(40)]

    first = draws(5)
    assert draws(5) == first
    assert draws(6) != first
    assert 5 <= first.count(503) <= 28


def test_faults_are_counted_and_cleared(caller: Caller, sandbox: httpx.Client) -> None:
    switch_on(sandbox, "http_500", f"POST {SEARCH}", times=None)
    for _ in range(3):
        assert caller.call("POST", SEARCH, {}, page_size="1").status_code == 500
    assert sandbox.get("/_sandbox/state").json()["faults"] == {"tiktok.http_500": 3}
    assert sandbox.delete("/_sandbox/faults").json() == {"rules": []}
    assert caller.call("POST", SEARCH, {}, page_size="1").status_code == 200


def test_two_hundred_creates_under_cuts_leave_no_duplicate(caller: Caller, sandbox: httpx.Client) -> None:
    """A careful caller that repeats the same key with the same bytes ends with each product once."""
    image = caller.image()
    rules = [
        {"vendor": "tiktok", "endpoint": f"POST {CREATE}", "fault": fault, "rate": 0.15}
        for fault in ("cut_after", "cut_before", "rate_429", "truncated")
    ]
    sandbox.post("/_sandbox/faults", json={"seed": 9, "rules": rules})
    for n in range(200):
        body = product_body(image, skus=[sku(f"N-{n}")], idempotency_key=f"key-{n}")
        while not succeeds(caller, body):
            pass
    state = sandbox.get("/_sandbox/state").json()["tiktok"]
    assert (state["live_products"], state["duplicates"]) == (200, 0)
    assert state["idempotent_replays"] > 10


def succeeds(caller: Caller, body: dict[str, Any]) -> bool:
    try:
        return bool(caller.call("POST", CREATE, body).json()["code"] == 0)
    except (httpx.TransportError, ValueError):
        return False
