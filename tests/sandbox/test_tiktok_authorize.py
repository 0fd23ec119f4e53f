"""The authorize page and the token host."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.tiktok_caller import APP_KEY, APP_SECRET, SERVICE_ID, Caller, authorize

HARBOUR = "7495001122334455667"
DEFAULT_RETURN = "http://127.0.0.1:8502/oauth/tiktok/return"


def decide(sandbox: httpx.Client, account: str, decision: str = "approve") -> httpx.Response:
    form = {"service_id": SERVICE_ID, "state": "st+1", "account": account, "decision": decision}
    return sandbox.post("/open/authorize", data=form, follow_redirects=False)


def came_back(response: httpx.Response) -> tuple[str, dict[str, str]]:
    assert response.status_code == 302
    parts = urlsplit(response.headers["location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", {k: v[0] for k, v in parse_qs(parts.query).items()}


def get_token(sandbox: httpx.Client, code: str, **changes: str) -> httpx.Response:
    query = {"app_key": APP_KEY, "app_secret": APP_SECRET, "auth_code": code, "grant_type": "authorized_code"}
    return sandbox.get("/api/v2/token/get", params=query | changes)


def refresh(sandbox: httpx.Client, token: str, grant_type: str = "refresh_token") -> httpx.Response:
    query = {"app_key": APP_KEY, "app_secret": APP_SECRET, "refresh_token": token, "grant_type": grant_type}
    return sandbox.get("/api/v2/token/refresh", params=query)


def test_the_page_offers_owners_and_staff(sandbox: httpx.Client) -> None:
    page = sandbox.get("/open/authorize", params={"service_id": SERVICE_ID, "state": '"><b>'})
    assert page.status_code == 200
    for login in ("harbour.lane", "harbour.staff", "quay.corner", "maple.street"):
        assert login in page.text
    assert '"><b>' not in page.text
    assert "Approve" in page.text
    assert "Deny" in page.text


def test_the_app_key_is_not_a_service_id(sandbox: httpx.Client) -> None:
    page = sandbox.get("/open/authorize", params={"service_id": APP_KEY})
    assert page.status_code == 404
    assert "Service does not exist" in page.text


def test_approval_leads_back_with_a_code(sandbox: httpx.Client) -> None:
    address, given = came_back(decide(sandbox, "harbour.lane"))
    assert address == DEFAULT_RETURN
    assert given.pop("code").startswith("ROW_")
    assert given == {"app_key": APP_KEY, "locale": "en-GB", "shop_region": "GB", "state": "st+1"}


def test_refusal_leads_back_without_one(sandbox: httpx.Client) -> None:
    address, given = came_back(decide(sandbox, "harbour.lane", "deny"))
    assert address == DEFAULT_RETURN
    assert given == {"code": "null", "error": "auth_denied", "state": "st+1"}


def test_staff_are_told_that_only_the_main_account_can_approve(sandbox: httpx.Client) -> None:
    page = decide(sandbox, "harbour.staff")
    assert page.status_code == 403
    assert "Only the main account" in page.text


def test_the_registered_address_can_be_changed(sandbox: httpx.Client) -> None:
    changed = {"app_key": APP_KEY, "redirect_url": "http://127.0.0.1:9999/back?from=tiktok"}
    assert sandbox.post("/_sandbox/apps", json=changed).status_code == 200
    address, given = came_back(decide(sandbox, "quay.corner"))
    assert address == "http://127.0.0.1:9999/back"
    assert given["from"] == "tiktok"
    assert given["shop_region"] == "GB"


def test_tokens_for_a_code_once(sandbox: httpx.Client) -> None:
    _, given = came_back(decide(sandbox, "maple.street"))
    envelope = get_token(sandbox, given["code"]).json()
    assert (envelope["code"], envelope["message"]) == (0, "success")
    data = envelope["data"]
    assert data["seller_base_region"] == "US"
    assert data["user_type"] == 0
    now = sandbox.get("/_sandbox/state").json()["now"]
    assert data["access_token_expire_in"] - now == pytest.approx(7 * 86400, abs=5)
    again = get_token(sandbox, given["code"])
    assert (again.status_code, again.json()["code"]) == (200, 36004004)


def test_a_code_lives_half_an_hour(sandbox: httpx.Client) -> None:
    _, given = came_back(decide(sandbox, "harbour.lane"))
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 1801})
    assert get_token(sandbox, given["code"]).json()["code"] == 36004004


@pytest.mark.parametrize(
    "changes",
    [{"app_secret": "wrong"}, {"app_key": "wrong"}, {"grant_type": "authorization_code"}, {"auth_code": ""}],
)
def test_bad_parameters_answer_200_with_a_code(sandbox: httpx.Client, changes: dict[str, str]) -> None:
    _, given = came_back(decide(sandbox, "harbour.lane"))
    answer = get_token(sandbox, given["code"], **changes)
    assert (answer.status_code, answer.json()["code"]) == (200, 98001004)


def test_the_token_host_knows_get_only(sandbox: httpx.Client) -> None:
    answer = sandbox.post("/api/v2/token/get", json={})
    assert (answer.status_code, answer.text) == (404, "404 page not found")


@pytest.mark.parametrize("grant_type", ["refresh_token", "authorized_code"])
def test_refresh_keeps_the_refresh_token_and_the_old_access_token(sandbox: httpx.Client, grant_type: str) -> None:
    tokens = authorize(sandbox, "harbour.lane")
    renewed = refresh(sandbox, tokens["refresh_token"], grant_type).json()["data"]
    assert set(renewed) == set(tokens)
    assert renewed["refresh_token"] == tokens["refresh_token"]
    assert renewed["access_token"] != tokens["access_token"]


def test_rotation_makes_the_old_refresh_token_unknown(sandbox: httpx.Client) -> None:
    tokens = authorize(sandbox, "harbour.lane")
    sandbox.post("/_sandbox/limits", json={"tiktok": {"rotate_refresh": True}})
    renewed = refresh(sandbox, tokens["refresh_token"]).json()["data"]
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert refresh(sandbox, tokens["refresh_token"]).json()["code"] == 36004005
    assert refresh(sandbox, renewed["refresh_token"]).json()["code"] == 0


def test_an_expired_authorization_cannot_be_refreshed(sandbox: httpx.Client) -> None:
    tokens = authorize(sandbox, "harbour.lane")
    sandbox.post("/_sandbox/expire", json={"shop_id": HARBOUR, "refresh_in_seconds": -1})
    assert refresh(sandbox, tokens["refresh_token"]).json()["code"] == 36004001


def test_a_new_scope_needs_a_new_approval(sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/apps", json={"app_key": APP_KEY, "scopes": ["seller.authorization.info"]})
    tokens = authorize(sandbox, "harbour.lane")
    wide = ["seller.authorization.info", "seller.product.basic"]
    sandbox.post("/_sandbox/apps", json={"app_key": APP_KEY, "scopes": wide})
    assert refresh(sandbox, tokens["refresh_token"]).json()["data"]["granted_scopes"] == wide[:1]
    assert authorize(sandbox, "harbour.lane")["granted_scopes"] == wide


def test_deauthorizing_ends_token_and_refresh(caller: Caller, sandbox: httpx.Client) -> None:
    assert caller.answer("DELETE", "/authorization/202403/shops")["code"] == 0
    gone = caller.call("GET", "/authorization/202309/shops", cipher=False)
    assert (gone.status_code, gone.json()["code"]) == (400, 36009004)
    assert refresh(sandbox, caller.tokens["refresh_token"]).json()["code"] == 36004005


def test_the_cipher_survives_a_new_authorization(caller: Caller, sandbox: httpx.Client) -> None:
    caller.answer("DELETE", "/authorization/202403/shops")
    assert Caller(sandbox).cipher == caller.cipher
