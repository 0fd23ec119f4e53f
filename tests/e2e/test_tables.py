"""What analysts do with tables all day, in Chromium. Any request to the outside, or error in a page, fails a test."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from core import config
from core.secrets import sealer
from tests.console.filling import Filled
from tests.console.order_filling import fill_orders
from tests.console.stock_filling import fill_stock
from tests.e2e.conftest import TICK, Console, be_signed_in, choose_in_menu, grid, open_in_row, open_page, point, settled
from tests.waiting import wait_until

PAGES = {
    "": "Overview",
    "products": "Products",
    "exports?tab=disapproved": "Exports",
    "mappings": "Mappings",
    "mappings?tab=brand": "Mappings",
    "mappings?tab=parcel": "Mappings",
    "activity": "Activity",
    "activity?tab=runs&open=1": "Activity",
    "activity?tab=calls&open=1": "Activity",
    "activity?tab=webhooks": "Activity",
    "activity?tab=audit": "Activity",
    "settings": "Settings",
    "settings?tab=products": "Settings",
    "settings?tab=people": "Settings",
    "products?open=2": "Products",
}
SKU_COLUMN = 4  # after the tick, the menu, the picture and the name


def cell(page: Page, row: int, column: int = SKU_COLUMN) -> Locator:
    return grid(page).get_by_test_id(f"glide-cell-{column}-{row}")


def tick(page: Page, row: int) -> None:
    page.mouse.click(*point(page, row, TICK))
    settled(page)


def selected(page: Page, number: int) -> None:
    expect(page.get_by_text(f"{number} selected", exact=True)).to_be_visible()


def test_no_page_asks_for_anything_outside(page: Page, console: Console) -> None:
    be_signed_in(page, console, "admin")
    for path, heading in PAGES.items():
        open_page(page, console, path, heading)
        assert page.get_by_test_id("stException").count() == 0, path


def test_ticks_stay_with_their_rows_across_pages(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    open_page(page, console, "products", "Products")
    expect(cell(page, 0)).to_have_text("SKU-0001")
    tick(page, 0)
    tick(page, 2)
    selected(page, 2)
    page.get_by_role("button", name="Page 2", exact=True).click()
    expect(cell(page, 0)).to_have_text("SKU-0051")
    selected(page, 2)
    tick(page, 1)
    selected(page, 3)
    page.get_by_role("button", name="Page 1", exact=True).click()
    expect(cell(page, 0)).to_have_text("SKU-0001")
    selected(page, 3)
    page.get_by_role("button", name="Clear", exact=True).click()
    selected(page, 0)


def test_a_pasted_address_shows_the_same_rows(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    open_page(page, console, "products", "Products")
    page.get_by_role("button", name="Active 15").click()
    expect(page).to_have_url(re.compile("tab=Active"))
    settled(page)
    search = page.get_by_placeholder("Name or SKU")
    search.fill("mug number 1")
    search.press("Enter")
    expect(page).to_have_url(re.compile("tab=Active.*q=mug|q=mug.*tab=Active"))
    settled(page)
    expect(cell(page, 0)).to_have_text("SKU-0013")
    address, shown = page.url, cell(page, 1).text_content()
    other = page.context.new_page()
    other.goto(address)
    expect(cell(other, 0)).to_have_text("SKU-0013")
    expect(cell(other, 1)).to_have_text(shown or "")


def fill_in(page: Page, row: int, field: str) -> None:
    """Type a custom field's name beside an order field."""
    typed = page.locator("#portal").get_by_role("textbox")
    open_in_row(page, row, 480, typed, clicks=2)
    typed.fill(field)
    typed.press("Enter")
    settled(page)


def test_what_is_filled_in_and_not_saved_stays_while_others_are_looked_for(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    open_page(page, console, "mappings?tab=order_field&q=delivery+option+id", "Mappings")
    expect(cell(page, 0, 0)).to_have_text("Delivery option id")
    fill_in(page, 0, "tiktok_delivery")
    expect(page.get_by_text("1 changed, not saved")).to_be_visible()
    look_for(page, "Order type")
    expect(cell(page, 0, 0)).to_have_text("Order type")
    fill_in(page, 0, "tiktok_type")
    expect(page.get_by_text("2 changed, not saved")).to_be_visible()
    look_for(page, "delivery option")
    expect(cell(page, 1, 1)).to_have_text("tiktok_delivery")
    expect(page.get_by_text("2 changed, not saved")).to_be_visible()
    page.get_by_role("button", name="Save…").click()
    asked = page.get_by_role("dialog", name="Save 2 mappings")
    asked.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("2 saved; what waited for it goes on by itself.")).to_be_visible()
    expect(page.get_by_text("not saved")).to_have_count(0)
    expect(cell(page, 1, 1)).to_have_text("tiktok_delivery")


def look_for(page: Page, words: str) -> None:
    """Look for other rows without leaving the page."""
    search = page.get_by_placeholder("Part of a field's name")
    search.fill(words)
    search.press("Enter")
    expect(page).to_have_url(re.compile("q=" + words.replace(" ", r"(\+|%20)")))
    settled(page)


def test_sending_everything_that_matches(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    open_page(page, console, "products?tab=Ready", "Products")
    page.get_by_role("button", name="Select all 15 that match").click()
    selected(page, 15)
    page.get_by_role("button", name="Send", exact=True).click()
    asked = page.get_by_role("dialog")
    expect(asked.get_by_text("15 items", exact=True)).to_be_visible()
    asked.get_by_role("button", name="Send 15 items").click()
    expect(page.get_by_text("Send products 0 of 15")).to_be_visible()
    selected(page, 0)
    assert "run=" in page.url
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopping: nothing new is begun.")).to_be_visible()


def test_the_dry_run_names_what_is_skipped(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    open_page(page, console, "products?q=SKU-0002,SKU-0005,SKU-0008", "Products")
    page.get_by_role("button", name="Select all 3 that match").click()
    page.get_by_role("button", name="Stock", exact=True).click()
    asked = page.get_by_role("dialog")
    expect(asked.get_by_text("1 Not in the Shop")).to_be_visible()


def test_a_row_opens_its_drawer_with_its_calls(page: Page, console: Console) -> None:
    be_signed_in(page, console, "viewer")
    open_page(page, console, "products?q=SKU-0003", "Products")
    choose_in_menu(page, 0, "View log", left=TICK)  # a viewer ticks nothing, so the menu is the first column
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="Mug number 3")).to_be_visible()
    drawer.get_by_test_id("stExpander").first.click()
    expect(drawer.get_by_text('"title": "Mug"')).to_be_visible()
    assert "open=" in page.url
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page).to_have_url(re.compile(r"^((?!open=).)*$"))


def has_own_title(console: Console, product_id: int, title: str) -> bool:
    query = f"SELECT coalesce(own_content->>'title', '') FROM product_states WHERE product_id = {product_id}"
    with console.engine.connect() as conn:
        return bool(conn.exec_driver_sql(query).scalar_one() == title)


def test_the_drawer_stays_at_what_was_saved_in_it(page: Page, console: Console) -> None:
    product_id = console.filled.product_ids[3]
    be_signed_in(page, console)
    open_page(page, console, f"products?open={product_id}", "Products")
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("tab", name="TikTok only").click()
    title = drawer.get_by_label("Title", exact=True)
    for entered in ("A mug for TikTok", ""):
        title.fill(entered)
        drawer.get_by_role("button", name="Save for TikTok").click()
        expect(page.get_by_text("Saved; the product is being judged again.").last).to_be_visible()
        wait_until(functools.partial(has_own_title, console, product_id, entered), "the saving of the title")
        settled(page)
        expect(title).to_be_visible()
        expect(title).to_have_value(entered)


def test_text_of_a_product_runs_nothing(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    first: Filled = console.filled
    open_page(page, console, f"products?open={first.product_ids[0]}", "Products")
    expect(page.get_by_role("dialog")).to_be_visible()
    settled(page)
    assert page.evaluate("window.hurt") is None


def test_search_everything_opens_the_row(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    page.get_by_label("Search everything").fill("SKU-0077")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading", name="Mug number 77")).to_be_visible()


@pytest.fixture
def flows(console: Console, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Orders and SKUs in the Shop, the customers sealed with the console's own key."""
    for name in ("DATABASE_URL", "CROSSDOCK_HOME"):
        monkeypatch.setenv(name, console.environment[name])
    for cached in (config.settings, sealer):
        cached.cache_clear()
    with console.engine.begin() as conn:
        fill_orders(conn, console.filled)
        fill_stock(conn, console.filled)
    yield
    monkeypatch.undo()
    for cached in (config.settings, sealer):
        cached.cache_clear()


def test_no_column_lies_beyond_the_edge_of_a_small_window(page: Page, console: Console, flows: None) -> None:
    be_signed_in(page, console)
    for heading in ("Products", "Exports", "Orders", "Stock"):
        open_page(page, console, heading.lower(), heading)
        table = grid(page) if heading != "Stock" else page.locator(".st-key-table_stock")
        expect(table.get_by_test_id(f"glide-cell-{SKU_COLUMN}-0")).not_to_be_empty()
        beyond = table.locator(".dvn-scroller").evaluate("one => one.scrollWidth - one.clientWidth")
        assert beyond <= 0, f"{heading} is {beyond} px too wide for 1280 px"


@pytest.mark.parametrize(
    ("view", "head", "line"),
    [
        ("runs", "Run,What,Status,Done,Failed,Skipped,Unknown,Items,By,", "1,Send products,Done,16,4,0,0,20,operator,"),
        ("calls", "At (UTC),Remote,Method,Path,Status,", ",tiktok,POST,/product/202309/products,429,"),
        (
            "webhooks",
            "Received (UTC),From,Account,Topic,About,Delivery,Status,Note,",
            ",tiktok,74,PRODUCT,,d1,waiting,",
        ),
        ("audit", "At (UTC),Who,Did,To,Detail", ",operator,send_all,run:1,{}"),
    ],
)
def test_each_part_of_activity_is_downloaded(view: str, head: str, line: str, page: Page, console: Console) -> None:
    be_signed_in(page, console, "viewer")
    open_page(page, console, f"activity?tab={view}", "Activity")
    with page.expect_download() as began:
        page.get_by_role("button", name="Download CSV").click()
    told = began.value.path().read_text(encoding="utf-8-sig")
    assert told.startswith(head) and line in told


def test_a_viewer_sees_no_way_to_act(page: Page, console: Console) -> None:
    be_signed_in(page, console, "viewer")
    open_page(page, console, "products", "Products")
    expect(cell(page, 0, SKU_COLUMN - 1)).to_have_text("SKU-0001")
    assert page.get_by_role("button", name="Send", exact=True).count() == 0
    open_page(page, console, "settings", "Settings")
    assert page.get_by_role("button", name="People").count() == 0
    assert page.get_by_text("Disconnect").count() == 0


def test_a_reason_filters_the_disapproved(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    open_page(page, console, "exports?tab=disapproved", "Exports")
    page.get_by_role("button", name="15 · The title is not allowed").click()
    expect(page).to_have_url(re.compile("reason="))


def test_one_category_is_set_for_all_that_match(page: Page, console: Console) -> None:
    be_signed_in(page, console)
    open_page(page, console, "products?tab=Active", "Products")
    page.get_by_role("button", name="Select all 15 that match").click()
    settled(page)
    page.get_by_role("button", name="Set category…").click()
    dialog = page.get_by_role("dialog")
    chosen = dialog.get_by_role("combobox")
    chosen.fill("600003")
    page.get_by_role("option", name="Home > Leaf 600003").click()
    dialog.get_by_role("button", name="Set category of 15 items").click()
    expect(page.get_by_text("Set category to Home > Leaf 600003").first).to_be_visible()
    with console.engine.connect() as conn:
        kind, total = conn.exec_driver_sql("SELECT kind, total FROM runs ORDER BY id DESC LIMIT 1").one()
    assert (kind, total) == ("own_category_run", 15)
