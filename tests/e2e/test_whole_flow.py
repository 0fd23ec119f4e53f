"""The main job from sign-in to re-export, in Chromium over real processes: each test goes on where the last ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from console import session
from core.config import Settings
from core.db.engine import transaction
from core.domain.people import Forbidden
from tests.connect_rig import QUAY_KEYS
from tests.console.filling import PASSWORD
from tests.console.test_actions import ACTIONS, READ_ONLY, call_with_anything
from tests.e2e.conftest import ROOT, TICK, fresh_tab, grid, open_in_row, point, settled
from tests.running_system import System, running_system
from tests.waiting import wait_until

PRODUCTS = 60
SENT = "SELECT count(*) FROM listings WHERE state = 'sent' AND ended_at IS NULL"
QUICK = {
    "CROSSDOCK_HEARTBEAT_SECONDS": "2",
    "CROSSDOCK_STALL_SECONDS": "6",
    "CROSSDOCK_SWEEP_SECONDS": "2",
    "CROSSDOCK_OWN_RATES": "off",  # one product a second would take most of the test's time
}
HARBOUR_NAME, QUAY_NAME = "Harbour Lane Goods", "Quay Corner"


@dataclass
class Flow:
    """``page`` is the administrator's. With SHOTS set to a folder, a picture of every step is kept there."""

    system: System
    page: Page

    def open(self, path: str, heading: str) -> None:
        self.page.goto(f"{self.system.console_url}/{path}")
        expect(self.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        settled(self.page)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        settled(self.page)

    def choose(self, key: str, option: str) -> None:
        self.page.locator(f".st-key-{key}").get_by_test_id("stSelectbox").click()
        self.page.get_by_role("option", name=option).click()
        settled(self.page)

    def keep(self, name: str) -> None:
        if folder := os.environ.get("SHOTS"):
            settled(self.page)
            self.page.wait_for_timeout(500)
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(scope="module")
def flow(database: Settings, database_url: str, browser: Browser) -> Iterator[Flow]:
    with (
        running_system(database.home, database_url, products=PRODUCTS, workers=1, **QUICK) as system,
        fresh_tab(browser) as tab,
    ):
        system.control("POST", "review", {"delay_seconds": 3600, "reject_rate": 0.3})
        system.start_console()
        yield Flow(system, tab.new_page())


def value(statement: str) -> Any:
    """The one value of a statement's one row."""
    with transaction() as connection:
        return connection.exec_driver_sql(statement).scalar_one()


def happens(statement: str) -> None:
    """Wait until the database says so."""
    wait_until(lambda: value(statement), statement)


def run_to_its_end(flow: Flow, verb: str) -> int:
    """Confirm the dry run of a bulk action, see its progress and results; how many items it had."""
    asked = flow.page.get_by_role("dialog")
    button = asked.get_by_role("button", name=re.compile(rf"^{verb} \d+ items?$"))
    number = int(re.sub(r"\D", "", button.text_content() or ""))
    button.click()
    results = flow.page.locator("[class*=st-key-results_]")
    expect(results.get_by_text(f"{number} item")).to_be_visible(timeout=90_000)
    return number


def test_the_link_signs_in_and_the_demo_is_at_work(flow: Flow) -> None:
    command = [sys.executable, "-m", "console.sign_in"]
    done = subprocess.run(
        command, cwd=ROOT, env=flow.system.environment, capture_output=True, text=True, check=True, timeout=120
    )
    happens("SELECT count(*) > 0 FROM product_states WHERE status = 'ready'")
    flow.page.goto(done.stdout.strip())
    flow.page.get_by_role("button", name="Sign in").click()
    expect(flow.page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(flow.page.get_by_text(f"Connected · Harbour Lane (ShopWired) → {HARBOUR_NAME} (TikTok GB)")).to_be_visible()
    flow.keep("01-overview")
    flow.open("products", "Products")
    expect(flow.page.get_by_role("button", name=f"All {PRODUCTS}", exact=True)).to_be_visible()
    flow.keep("02-products")


def test_a_second_store_and_shop_are_connected_by_oauth(flow: Flow) -> None:
    page = flow.page
    flow.open("settings", "Settings")
    page.get_by_text("1. A store").click()
    page.get_by_label("API key", exact=True).fill(QUAY_KEYS["api_key"])
    page.get_by_label("API secret", exact=True).fill(QUAY_KEYS["api_secret"])
    page.get_by_role("textbox", name="Webhook secret").fill(QUAY_KEYS["webhook_secret"])
    page.get_by_role("button", name="Test and connect the store").click()
    expect(page.get_by_text("Quay Corner Store (ShopWired, GB, GBP): ok")).to_be_visible()
    expect(page.get_by_label("API secret", exact=True)).to_have_value("")
    flow.keep("03-store-connected")
    flow.choose("shop_store", "Quay Corner Store")
    page.get_by_role("button", name="Connect a Shop").click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Go to TikTok Shop to authorise").click()
    authorise_as_owner(opened.value, flow.system.console_url)
    flow.open("settings", "Settings")
    expect(page.get_by_text("Seller Quay Corner, store Quay Corner Store (GB, GBP)")).to_be_visible()
    flow.keep("04-confirm")
    page.get_by_role("button", name=f"Connect {QUAY_NAME}", exact=True).click()
    expect(page.get_by_role("heading", name="Quay Corner Store – Quay Corner")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]c=2"))
    flow.keep("05-connected")


def authorise_as_owner(shop_page: Page, console_url: str) -> None:
    """On TikTok Shop's page, and back by the gateway's."""
    shop_page.get_by_label("Account").select_option("quay.corner")
    shop_page.get_by_role("button", name="Approve").click()
    back = shop_page.get_by_role("link", name="Back to the console")
    expect(back).to_have_attribute("href", f"{console_url}/settings")
    shop_page.close()


def test_connections_are_switched_in_the_sidebar_and_by_address(flow: Flow) -> None:
    truth = flow.page.locator(".st-key-truth")
    flow.choose("connection", HARBOUR_NAME)
    expect(truth.get_by_text(f"→ {HARBOUR_NAME}")).to_be_visible()
    expect(flow.page).to_have_url(re.compile(r"[?&]c=1"))
    flow.open("products?c=2", "Products")
    expect(truth.get_by_text(f"→ {QUAY_NAME}")).to_be_visible()
    flow.keep("06-switched")


def test_mapping_a_category_makes_its_products_ready(flow: Flow) -> None:
    page = flow.page
    happens("SELECT count(*) = 60 FROM product_states WHERE connection_id = 2 AND assessed_hash IS NOT NULL")
    flow.open("mappings?c=2&q=Pans", "Mappings")
    expect(grid(page).get_by_test_id("glide-cell-0-0")).to_have_text("Kitchen > Pans and bakeware")
    choice = page.get_by_role("combobox", expanded=True)
    open_in_row(page, 0, 480, choice, clicks=2)
    expect(choice).to_be_focused()
    choice.press_sequentially("Baking Tins")
    expect(page.get_by_role("option", name=re.compile("Baking Tins"))).to_be_visible()
    flow.keep("07-mapping")
    choice.press("Enter")
    page.get_by_role("button", name="Save…").click()
    preview = page.get_by_role("dialog")
    expect(preview.get_by_text(re.compile(r"[1-9] becomes? ready, 5 get a category"))).to_be_visible()
    flow.keep("08-mapping-preview")
    preview.get_by_role("button", name="Save", exact=True).click()
    happens("SELECT count(*) > 0 FROM product_states WHERE connection_id = 2 AND status = 'ready'")
    flow.open("products?c=2&tab=Ready", "Products")
    expect(page.get_by_role("button", name=re.compile(r"^Ready [1-9]$"))).to_be_visible()
    flow.keep("09-ready")


def test_what_matches_is_sent_although_the_worker_is_killed(flow: Flow) -> None:
    page = flow.page
    ready = value("SELECT count(*) FROM product_states WHERE connection_id = 1 AND status = 'ready'")
    flow.open("products?c=1&tab=Ready", "Products")
    flow.press(f"Select all {ready} that match")
    flow.press("Send")
    asked = page.get_by_role("dialog")
    expect(asked.get_by_text(f"{ready} items", exact=True)).to_be_visible()
    flow.keep("10-dry-run")
    asked.get_by_role("button", name=f"Send {ready} items").click()
    expect(page.get_by_text(re.compile(rf"Send products \d+ of {ready}"))).to_be_visible()
    happens("SELECT count(*) > 2 FROM listings WHERE state = 'sent'")
    flow.system.kill_worker(0)
    assert value(SENT) < ready, "the kill came after the end"
    flow.keep("11-progress")
    results = page.locator("[class*=st-key-results_]")
    expect(results.get_by_text(f"· {ready} items")).to_be_visible(timeout=90_000)
    expect(results.get_by_text("Done", exact=True).first).to_be_visible()
    flow.keep("12-results")
    assert value(SENT) == flow.system.control("GET", "state")["tiktok"]["live_products"] > ready / 2
    assert flow.system.control("GET", "state")["tiktok"]["duplicates"] == 0


def test_the_page_recovers_from_lost_database_connections(flow: Flow) -> None:
    flow.open("exports?c=1", "Exports")
    value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
          " WHERE datname = current_database() AND pid <> pg_backend_pid()")  # fmt: skip
    flow.page.get_by_role("button", name="Refresh").click()
    settled(flow.page)
    expect(flow.page.get_by_role("button", name=re.compile(r"^In review [1-9]"))).to_be_visible()
    assert flow.page.get_by_test_id("stException").count() == 0


def test_reviews_show_with_their_reasons(flow: Flow) -> None:
    reviewed = flow.system.control("POST", "review")["reviewed"]
    happens(f"SELECT count(*) >= {reviewed} FROM listings WHERE audit_status IN ('APPROVED', 'FAILED')")
    flow.open("exports?c=1&tab=approved", "Exports")
    expect(flow.page.get_by_role("button", name=re.compile(r"^Approved [1-9]"))).to_be_visible()
    flow.keep("13-approved")
    flow.open("exports?c=1&tab=disapproved", "Exports")
    expect(flow.page.get_by_role("button", name=re.compile(r"^Disapproved [1-9]"))).to_be_visible()
    flow.page.locator(".st-key-reason_0").get_by_role("button").click()
    expect(flow.page).to_have_url(re.compile("reason="))
    flow.keep("14-disapproved")


def test_the_disapproved_are_sent_again(flow: Flow) -> None:
    flow.open("exports?c=1&tab=disapproved", "Exports")
    flow.page.get_by_role("button", name=re.compile(r"^Select all \d+ that match$")).click()
    settled(flow.page)
    flow.press("Re-export")
    flow.keep("15-re-export")
    number = run_to_its_end(flow, "Send")
    flow.keep("16-re-exported")
    assert value("SELECT count(*) FROM listings WHERE review_round = 2") == number


def test_one_is_deleted(flow: Flow) -> None:
    before = flow.system.control("GET", "state")["tiktok"]["live_products"]
    flow.open("exports?c=1&tab=approved", "Exports")
    flow.page.mouse.click(*point(flow.page, 0, TICK))
    expect(flow.page.get_by_text("1 selected", exact=True)).to_be_visible()
    flow.press("Delete")
    flow.keep("17-delete")
    assert run_to_its_end(flow, "Delete") == 1
    assert flow.system.control("GET", "state")["tiktok"]["live_products"] == before - 1
    flow.open("exports?c=1&tab=deleted", "Exports")
    expect(flow.page.get_by_role("button", name="Deleted 1", exact=True)).to_be_visible()


def test_an_items_calls_are_shown(flow: Flow) -> None:
    sent = value("SELECT max(product_id) FROM listings WHERE state = 'sent' AND ended_at IS NULL AND connection_id = 1")
    flow.open(f"exports?c=1&open={sent}&view=log", "Exports")
    drawer = flow.page.get_by_role("dialog")
    created = drawer.get_by_test_id("stExpander").filter(has_text="POST /product/202309/products").first
    created.click()
    expect(created.get_by_text('"idempotency_key"')).to_be_visible()
    flow.keep("18-calls")


def test_a_viewer_sees_all_and_can_do_nothing(flow: Flow, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    add_viewer(flow)
    with fresh_tab(browser) as tab:
        page = tab.new_page()
        seen = Flow(flow.system, page)
        page.goto(f"{flow.system.console_url}/login")
        page.get_by_label("User name").fill("watcher")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        for path, heading in (("products", "Products"), ("exports", "Exports"), ("mappings", "Mappings")):
            seen.open(f"{path}?c=1", heading)
            expect(grid(page)).to_be_visible()
            for word in ("Send", "Re-export", "Delete", "Delete from TikTok", "Test", "Upload CSV"):
                assert page.get_by_role("button", name=word, exact=True).count() == 0, f"{word} on {heading}"
            seen.keep(f"19-viewer-{path}")
        token = next(one["value"] for one in tab.cookies() if one["name"] == "crossdock_session")
    monkeypatch.setattr(session, "session_token", lambda: token)
    for name in sorted(ACTIONS.keys() - READ_ONLY):
        with pytest.raises(Forbidden, match="viewer"):
            call_with_anything(ACTIONS[name])


def add_viewer(flow: Flow) -> None:
    flow.open("settings?tab=people", "Settings")
    page = flow.page
    page.get_by_label("User name").fill("watcher")
    page.get_by_label("First password").fill(PASSWORD)
    flow.choose("new_role", "viewer")
    flow.keep("20-people")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("watcher · viewer")).to_be_visible()
