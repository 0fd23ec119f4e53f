"""ShopWired's doors: keys, permissions, the leaky bucket, malformed calls, faults."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.shopwired_clients import HARBOUR, LIMITED, QUAY, shop_client
from tests.waiting import HTTP_S


def refused(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"code", "message"} and isinstance(body["code"], int)
    return response.status_code, body["message"]


def test_wrong_or_missing_credentials_are_401(sandbox: httpx.Client) -> None:
    for credentials in (None, ("sw-key-harbour", "wrong"), ("nobody", "sw-secret-harbour")):
        assert refused(shop_client(str(sandbox.base_url), credentials).get("/products"))[0] == 401
    bearer = httpx.get(f"{sandbox.base_url}/v1/products", headers={"Authorization": "Bearer abc"}, timeout=HTTP_S)
    assert bearer.status_code == 401


def test_limited_key_reads_the_business_but_no_products(sandbox: httpx.Client) -> None:
    with shop_client(str(sandbox.base_url), LIMITED) as shop:
        assert shop.get("/business").json()["name"] == "Harbour Lane"
        status, message = refused(shop.get("/products"))
        assert (status, "read_products" in message) == (403, True)
        assert refused(shop.post("/categories", json={"title": "New"}))[0] == 403


def test_a_key_sees_its_own_business_only(sandbox: httpx.Client) -> None:
    with shop_client(str(sandbox.base_url)) as harbour, shop_client(str(sandbox.base_url), QUAY) as quay:
        mine = harbour.get("/products", params={"count": 1}).json()[0]["id"]
        assert harbour.get(f"/products/{mine}").status_code == 200
        assert refused(quay.get(f"/products/{mine}"))[0] == 404
        assert quay.get("/business").json() == {
            "id": 2,
            "name": "Quay Corner Store",
            "domain": "quay-corner-store.example",
            "currency": "GBP",
            "countryCode": "GB",
            "active": True,
        }


def test_bucket_of_40_overflows_and_drains_two_a_second(sandbox: httpx.Client) -> None:
    with shop_client(str(sandbox.base_url)) as shop, shop_client(str(sandbox.base_url), QUAY) as quay:
        statuses = [shop.get("/business").status_code for _ in range(60)]
        assert statuses[:40] == [200] * 40
        last = shop.get("/business")
        assert refused(last)[0] == 429
        assert last.headers["Retry-After"] == "1"
        assert quay.get("/business").status_code == 200
        sandbox.post("/_sandbox/clock", json={"shift_seconds": 5})
        after = [shop.get("/business").status_code for _ in range(14)]
        assert after[:10] == [200] * 10
        assert 429 in after


def test_retry_after_and_the_whole_limit_can_be_switched_off(sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/limits", json={"shopwired": {"bucket": 3, "leak_per_second": 0.001}}).raise_for_status()
    sandbox.post("/_sandbox/shopwired/switches", json={"retry_after": False}).raise_for_status()
    with shop_client(str(sandbox.base_url)) as shop:
        answers = [shop.get("/business") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert "Retry-After" not in answers[3].headers
        sandbox.post("/_sandbox/limits", json={"off": True}).raise_for_status()
        assert {shop.get("/business").status_code for _ in range(60)} == {200}


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/products/abc", {}, 404),
        ("PATCH", "/products", {}, 405),
        ("DELETE", "/business", {}, 405),
        ("POST", "/products", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", "/products", {"content": b"{bad", "headers": {"Content-Type": "application/json"}}, 400),
        (
            "POST",
            "/products",
            {"content": b'{"title":"\\ud800"}', "headers": {"Content-Type": "application/json"}},
            400,
        ),
        ("POST", "/products", {"content": b'{"price":NaN}', "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/products", {"json": {"title": "A", "brand": 2**70}}, 422),
        ("POST", "/products", {"json": ["a list"]}, 400),
        ("POST", "/products", {"json": {}}, 422),
        ("POST", "/products", {"json": {"title": "A", "price": "9.95"}}, 422),
        ("GET", "/products?count=0", {}, 400),
        ("GET", "/products?count=101", {}, 400),
        ("GET", "/products?count=ten", {}, 400),
        ("GET", "/products?offset=-1", {}, 400),
        ("GET", "/products?active=yes", {}, 400),
        ("GET", "/products?sort=price", {}, 400),
    ],
)
def test_malformed_calls_get_their_documented_status(
    sandbox_url: str, method: str, path: str, options: dict[str, object], status: int
) -> None:
    with shop_client(sandbox_url) as shop:
        assert refused(shop.request(method, path, **options))[0] == status  # type: ignore[arg-type]


def test_counts_over_100_are_clamped_when_told_so(sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/shopwired/switches", json={"clamp_count": True}).raise_for_status()
    with shop_client(str(sandbox.base_url)) as shop:
        assert len(shop.get("/products", params={"count": 250}).json()) == 50


def test_faults_speak_shopwired(sandbox: httpx.Client) -> None:
    def strike(fault: str) -> httpx.Response:
        rule = {"vendor": "shopwired", "endpoint": "GET /v1/products", "fault": fault, "retry_after": "7"}
        sandbox.post("/_sandbox/faults", json={"rules": [rule]}).raise_for_status()
        return httpx.get(f"{sandbox.base_url}/v1/products", auth=HARBOUR, timeout=HTTP_S)

    limited = strike("rate_429")
    assert refused(limited)[0] == 429 and limited.headers["Retry-After"] == "7"
    assert refused(strike("http_500"))[0] == 500
    bad_gateway = strike("http_502")
    assert bad_gateway.status_code == 502 and "<html>" in bad_gateway.text
    assert refused(strike("expired_token"))[0] == 401
    assert refused(strike("revoked_shop"))[0] == 403
    with pytest.raises(ValueError):
        strike("truncated").json()
    with pytest.raises(httpx.RemoteProtocolError):
        strike("cut_before")


def test_control_refuses_unknown_switches(sandbox: httpx.Client) -> None:
    for path, body in (
        ("switches", {"nonsense": 1}),
        ("switches", {"clamp_count": 3}),
        ("sell", {"business": 9, "sku": "x"}),
        ("sell", {"business": 1, "sku": "no-such-sku"}),
        ("change", {"product_id": 1, "fields": {}}),
    ):
        answer = sandbox.post(f"/_sandbox/shopwired/{path}", json=body)
        assert answer.status_code == 422 and answer.json()["error"].endswith(".")
