"""The gateway: every documented refusal with its code and HTTP status, in the documented order."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx
import pytest

from tests.tiktok_caller import APP_KEY, Caller, product_body

SEARCH = "/product/202502/products/search"
SHOPS = "/authorization/202309/shops"
HARBOUR, QUAY = "7495001122334455667", "7495001122334455789"


def now(shift: int = 0) -> str:
    return str(int(time.time()) + shift)


def said(response: httpx.Response) -> tuple[int, int]:
    return response.status_code, response.json()["code"]


def test_checks_run_in_the_documented_order(caller: Caller, sandbox: httpx.Client) -> None:
    """Everything is wrong at first; each step mends one thing and uncovers the next."""
    sandbox.post("/_sandbox/apps", json={"app_key": APP_KEY, "scopes": ["seller.authorization.info"]})
    poor, rich = Caller(sandbox), caller.token
    wrong: dict[str, Any] = {
        "app_key": "nobody",
        "timestamp": now(-301),
        "sign": "0" * 64,
        "shop_cipher": "",
        "page_size": "",
    }
    token, headers = "GCP_unknown", {"content-type": "text/plain"}

    def meet() -> tuple[int, int, str]:
        send = headers | {"x-tts-access-token": token}
        response = caller.call("POST", SEARCH, b'{"status": 5}', headers=send, cipher=False, **wrong)
        return response.status_code, response.json()["code"], response.json()["message"]

    assert said(caller.call("POST", "/product/202502/nothing")) == (404, 36009009)
    assert said(caller.call("PATCH", SEARCH)) == (405, 36009010)
    assert meet()[:2] == (400, 36009004)
    assert "'app_key'" in meet()[2]
    wrong["app_key"] = APP_KEY
    assert meet()[0] == 400
    assert "earlier than 5 minutes" in meet()[2]
    wrong["timestamp"] = now()
    assert meet()[:2] == (401, 106001)
    del wrong["sign"]
    assert meet()[:2] == (400, 36009004)
    assert "'x-tts-access-token'" in meet()[2]
    token = poor.token
    assert meet()[:2] == (401, 105005)
    token = rich
    assert meet()[:2] == (400, 106013)
    wrong["shop_cipher"] = "GCP_of_nobody"
    assert meet()[:2] == (400, 106011)
    wrong["shop_cipher"] = caller.cipher
    assert meet()[:2] == (400, 36009022)
    headers["content-type"] = "application/json"
    assert meet()[:2] == (400, 36009004)
    assert meet()[2].startswith("PageSize is a required field and has not been provided.")
    wrong["page_size"] = "10"
    assert meet()[2].startswith("invalid param error")


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (-310, "must not be earlier than 5 minutes before the current time."),
        (40, "must not exceed the current time by more than 30 seconds."),
        (-10_000_000_000, "must not be lesser than 0."),
    ],
)
def test_timestamps_outside_the_window(caller: Caller, shift: int, words: str) -> None:
    response = caller.call("GET", SHOPS, cipher=False, timestamp=now(shift))
    assert said(response) == (400, 36009004)
    assert words in response.json()["message"]


@pytest.mark.parametrize("shift", [-295, 25])
def test_timestamps_inside_the_window(caller: Caller, shift: int) -> None:
    assert said(caller.call("GET", SHOPS, cipher=False, timestamp=now(shift))) == (200, 0)


def test_a_skewed_wall_clock_shows_in_the_date_header(caller: Caller, sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/clock", json={"skew_seconds": 600})
    response = caller.call("GET", SHOPS, cipher=False)
    assert "earlier than 5 minutes" in response.json()["message"]
    shown = time.mktime(time.strptime(response.headers["date"], "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
    assert abs(shown - time.time() - 600) < 5


def test_a_call_without_signature(caller: Caller, sandbox: httpx.Client) -> None:
    query = {"app_key": APP_KEY, "timestamp": now()}
    response = sandbox.get(SHOPS, params=query, headers={"x-tts-access-token": caller.token})
    assert said(response) == (400, 36009004)
    assert response.json()["message"].startswith("Missing credentials.")
    assert sandbox.get("/_sandbox/state").json()["tiktok"]["rejected_signatures"] == 1


def test_an_expired_token_and_its_refresh(caller: Caller, sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/expire", json={"shop_id": HARBOUR, "access": True})
    assert said(caller.call("GET", SHOPS, cipher=False)) == (401, 105002)
    query = {"app_key": APP_KEY, "app_secret": "demo-app-secret-0001", "grant_type": "refresh_token"}
    query["refresh_token"] = caller.tokens["refresh_token"]
    caller.token = sandbox.get("/api/v2/token/refresh", params=query).json()["data"]["access_token"]
    assert said(caller.call("GET", SHOPS, cipher=False)) == (200, 0)


def test_a_week_on_the_clock_expires_the_token(caller: Caller, sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 7 * 86400 + 5})
    assert said(caller.call("GET", SHOPS, cipher=False)) == (401, 105002)


def test_the_cipher_of_another_shop(caller: Caller, sandbox: httpx.Client) -> None:
    other = Caller(sandbox, "quay.corner")
    response = caller.call("POST", SEARCH, {}, page_size="1", shop_cipher=other.cipher)
    assert said(response) == (400, 106011)


def test_a_cipher_where_none_belongs(caller: Caller, sandbox: httpx.Client) -> None:
    response = caller.call("GET", SHOPS)
    assert said(response) == (400, 36009004)
    assert response.json()["message"].startswith("Unexpected identifier. The 'shop_cipher'")
    assert said(caller.call("GET", "/seller/202309/shops")) == (200, 0)
    sandbox.post("/_sandbox/limits", json={"tiktok": {"strict_cipher": True}})
    assert said(caller.call("GET", "/seller/202309/shops")) == (400, 36009004)


def test_an_inactive_shop(caller: Caller, sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/shops", json={"shop_id": HARBOUR, "active": False})
    assert said(caller.call("POST", SEARCH, {}, page_size="1")) == (401, 36009043)


def test_two_content_types(caller: Caller) -> None:
    request = caller.call("POST", SEARCH, {}, page_size="1").request
    headers = [
        ("content-type", "application/json"),
        ("content-type", "application/json"),
        ("x-tts-access-token", caller.token),
    ]
    response = caller.http.post(request.url, content=b"{}", headers=headers)
    assert said(response) == (400, 36009022)


def test_a_json_body_where_a_form_belongs(caller: Caller) -> None:
    response = caller.call("POST", "/product/202309/images/upload", {"a": 1}, cipher=False)
    assert said(response) == (400, 36009023)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/product/209901/unheard", (404, 36009009)),
        ("/product/v2/products", (400, 36009014)),
        ("/order/202309/unheard", (404, 36009009)),
    ],
)
def test_unknown_paths(caller: Caller, path: str, code: tuple[int, int]) -> None:
    assert said(caller.call("POST", path)) == code


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"main_images": None}, "MainImages is a required field and has not been provided."),
        ({"skus": None}, "Skus is a required field and has not been provided."),
        ({"package_weight": {"value": "1"}}, "Unit of PackageWeight is a required field and has not been provided."),
        ({"title": 5}, "invalid param error"),
        (
            {"skus": [{"inventory": [], "price": {"amount": "1"}}]},
            "Currency of Price is a required field and has not been provided.",
        ),
        ({"product_attributes": [7]}, "invalid param error"),
    ],
)
def test_bodies_that_break_the_field_list(caller: Caller, change: dict[str, Any], message: str) -> None:
    response = caller.call("POST", "/product/202309/products", product_body("tos-x/1", **change))
    assert said(response) == (400, 36009004)
    assert response.json()["message"].startswith(message)


def test_fields_nobody_knows_are_ignored_and_counted(caller: Caller, sandbox: httpx.Client) -> None:
    assert caller.answer("POST", SEARCH, {"page": 1}, page_size="1")["code"] == 0
    assert sandbox.get("/_sandbox/state").json()["tiktok"]["ignored_fields"] == {f"POST {SEARCH} page": 1}


def test_the_envelope_of_refusals(caller: Caller) -> None:
    answer = caller.call("GET", "/product/202309/products/1").json()
    assert answer["code"] == 12019150
    assert answer["data"] is None
    assert re.fullmatch(r"20\d{12}[0-9A-F]{20}", answer["request_id"])


def test_writes_and_reads_have_their_own_pace(sandbox: httpx.Client) -> None:
    caller = Caller(sandbox)
    reads = [caller.call("POST", SEARCH, {}, page_size="1") for _ in range(14)]
    assert [said(one) for one in reads[:10]] == [(200, 0)] * 10
    assert (429, 36009002) in [said(one) for one in reads]
    limited = next(one for one in reads if one.status_code == 429)
    assert limited.headers["retry-after"] == "1"
    writes = [said(caller.call("POST", "/product/202309/products/activate", {"product_ids": ["1"]})) for _ in range(5)]
    assert writes[:3] == [(200, 0)] * 3
    assert (429, 36009002) in writes


def test_limits_can_be_set_and_lifted(sandbox: httpx.Client) -> None:
    caller = Caller(sandbox)
    sandbox.post("/_sandbox/limits", json={"tiktok": {"reads_per_second": 2, "retry_after": False}})
    answers = [caller.call("POST", SEARCH, {}, page_size="1") for _ in range(5)]
    limited = [one for one in answers if one.status_code == 429]
    assert limited
    assert "retry-after" not in limited[0].headers
    sandbox.post("/_sandbox/limits", json={"off": True})
    assert {caller.call("POST", SEARCH, {}, page_size="1").status_code for _ in range(20)} == {200}


def test_one_shop_does_not_slow_another(sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/limits", json={"tiktok": {"reads_per_second": 1}})
    harbour, quay = Caller(sandbox), Caller(sandbox, "quay.corner")
    assert said(harbour.call("POST", SEARCH, {}, page_size="1")) == (200, 0)
    assert said(harbour.call("POST", SEARCH, {}, page_size="1")) == (429, 36009002)
    assert said(quay.call("POST", SEARCH, {}, page_size="1")) == (200, 0)


def test_the_hourly_cap_of_development_shops(sandbox: httpx.Client) -> None:
    caller = Caller(sandbox)
    sandbox.post("/_sandbox/limits", json={"tiktok": {"calls_per_hour": 2}})
    codes = [caller.answer("POST", SEARCH, {}, page_size="1")["code"] for _ in range(3)]
    assert codes == [0, 0, 36009037]


def test_answers_keep_the_spelling_of_the_vendor(caller: Caller) -> None:
    raw = caller.call("GET", "/logistics/202309/warehouses").text
    raw += caller.call("GET", "/product/202312/prerequisites").text
    raw += caller.call("GET", "/product/202309/brands", page_size="100").text
    raw += caller.call("GET", "/product/202309/categories/853000/attributes", category_version="v2").text
    for word in ('"distict"', '"BANk_ACCOUNT"', '"UNAUTHORIEZD"', '"is_requried"'):
        assert word in raw
    assert json.loads(caller.call("GET", SHOPS, cipher=False).text)["data"]["shops"][0]["id"] == HARBOUR
