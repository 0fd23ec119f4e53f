"""Signing in and out, and what the gate refuses."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.console.filling import PASSWORD
from tests.e2e.conftest import Console, be_signed_in, form, open_page, session_of, sign_in
from tests.waiting import HTTP_S

GUARDED = (
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/static/index.js",
    "/thumb/1",
    "/app/static/no-picture.svg",
    "/media/x",
)
HTML = {"accept": "text/html"}


def test_a_wrong_password_is_told_and_the_right_one_leads_in(page: Page, console: Console) -> None:
    page.goto(f"{console.url}/products")
    expect(page).to_have_url(f"{console.url}/login")
    page.get_by_label("User name").fill("operator")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    sign_in(page, console)


def test_the_sign_in_link_works_once(page: Page, console: Console) -> None:
    link = console.sign_in_link()
    page.goto(link)
    page.reload()  # looking does not spend it
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert httpx.get(link, timeout=HTTP_S).status_code == 410
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("used already")


def test_the_sign_in_link_is_for_this_machine_only(console: Console) -> None:
    answer = httpx.get(console.sign_in_link(), headers={"x-forwarded-for": "192.0.2.1"}, timeout=HTTP_S)
    assert answer.status_code == 403


def test_a_form_of_somebody_else_is_refused(console: Console) -> None:
    fields = {"login": "operator", "password": PASSWORD}
    with console.client() as client:
        assert client.post("/login", data=fields).status_code == 403
        good = fields | form(client, "/login")
        assert client.post("/login", data=good | {"csrf": "made up"}).status_code == 403
        assert client.post("/login", data=good, headers={"origin": "http://evil.example"}).status_code == 403
        assert client.post("/login", data=good | {"password": "x" * 20_000}).status_code == 403
        answer = client.post("/login", data=good, headers={"origin": console.url})
        assert answer.status_code == 303
        kept = answer.headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=lax" in kept


def test_guessing_is_slowed_down(console: Console) -> None:
    with console.client() as client:
        fields = form(client, "/login") | {"login": "somebody", "password": "guess guess guess"}
        told = [client.post("/login", data=fields).text for _ in range(10)]
    assert "Too many wrong sign-ins" in told[-1]


def test_nothing_is_served_to_strangers(console: Console) -> None:
    page = console.get("/products", headers=HTML)
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    assert {path: console.get(path).status_code for path in GUARDED} == dict.fromkeys(GUARDED, 401)
    assert console.get("/loginx").status_code == 401


@pytest.mark.parametrize("cookie", ["", "crossdock_session=made-up", 'crossdock_session="; x'])
def test_the_websocket_is_refused_to_strangers(cookie: str, console: Console) -> None:
    address = console.url.replace("http", "ws") + "/_stcore/stream"
    with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers={"cookie": cookie}):
        pass
    assert refused.value.response.status_code == 403


def test_the_websocket_is_open_to_those_signed_in_from_our_own_pages_only(console: Console) -> None:
    address = console.url.replace("http", "ws") + "/_stcore/stream"
    headers = {"cookie": f"crossdock_session={session_of(console, 'viewer')}"}
    with connect(address, additional_headers=headers, origin=console.url):
        pass
    with (
        pytest.raises(InvalidStatus),
        connect(address, additional_headers=headers, origin="http://evil.example"),
    ):
        pass


def test_every_answer_carries_the_security_headers(console: Console) -> None:
    cookies = {"crossdock_session": session_of(console, "viewer")}
    for path in ("/login", "/", "/_stcore/host-config", "/thumb/1", "/nothing"):
        headers = console.get(path, cookies=cookies).headers
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_a_thumbnail_without_a_picture_is_a_placeholder(console: Console) -> None:
    cookies = {"crossdock_session": session_of(console, "viewer")}
    answer = console.get(f"/thumb/{console.filled.product_ids[0]}", cookies=cookies)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


def test_signing_out_ends_the_session_everywhere(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
    kept = {"crossdock_session": cookies["crossdock_session"]}
    assert console.get("/_stcore/host-config", cookies=kept).status_code == 401


def test_logout_needs_the_form(console: Console) -> None:
    token = session_of(console, "viewer")
    with console.client(cookies={"crossdock_session": token}) as client:
        assert client.post("/logout").status_code == 403
        assert client.post("/logout", data=form(client, "/login")).status_code == 303
    kept = {"crossdock_session": token}
    assert console.get("/_stcore/host-config", cookies=kept).status_code == 401


def test_a_disabled_user_is_out_at_the_next_click(page: Page, console: Console) -> None:
    be_signed_in(page, console, "viewer")
    with console.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE users SET disabled_at = now() WHERE login = 'viewer'")
    try:
        page.get_by_role("link", name="Activity").click()
        expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
    finally:
        with console.engine.begin() as conn:
            conn.exec_driver_sql("UPDATE users SET disabled_at = NULL WHERE login = 'viewer'")


def test_an_idle_session_ends(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    with console.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE sessions SET seen_at = now() - interval '61 minutes'")
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()


def test_a_deep_link_first_in_a_new_process_comes_with_its_frame(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    open_page(page, console, "exports", "Exports")
    expect(page.get_by_text("Search everything")).to_be_visible()
