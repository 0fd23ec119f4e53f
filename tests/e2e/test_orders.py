"""Orders and stock as an analyst works on them, on a whole running system: sandbox, gateway, worker, console."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from core.config import normalised_database_url
from core.db.engine import make_engine
from core.secrets import make_key_file
from tests.conftest import find_free_port
from tests.console.filling import Filled, add_users
from tests.e2e.conftest import Console, be_signed_in, choose_in_menu, grid, open_page, settled, wait_for
from tests.running_system import System, running_system
from tests.sandbox_server import REPOSITORY
from tests.store_harness import Merchant
from tests.waiting import wait_until

GHOST = "GHOST-01"
MOST_FIXED = 10
UPDATE = "/product/202309/products/{product_id}/inventory/update"
ON_SALE = (
    "SELECT count(*) FROM listing_skus s JOIN listings l ON l.id = s.listing_id WHERE l.tiktok_status = 'ACTIVATE'"
)
DIFFERENT = """
SELECT count(*) FROM listing_skus s JOIN variants v ON v.id = s.variant_id JOIN listings l ON l.id = s.listing_id
WHERE l.tiktok_status = 'ACTIVATE' AND s.shop_quantity IS DISTINCT FROM s.sent_quantity
"""
HINTED = """
SELECT (SELECT count(*) FROM inbox WHERE status = 'waiting') + (SELECT count(*) FROM procrastinate_jobs
WHERE task_name IN ('webhook_intake', 'catalogue_hints') AND status IN ('todo', 'doing')
OR task_name = 'catalogue_pull' AND status = 'doing')
"""
FIXES = "SELECT count(*) FROM runs WHERE title = 'Correct stock' AND created_by = 'operator'"


@dataclass
class Shop:
    """A connected shop with something on sale, and its console."""

    system: System
    console: Console

    @property
    def engine(self) -> Engine:
        return self.console.engine

    def count(self, query: str) -> int:
        with self.engine.connect() as conn:
            return int(conn.exec_driver_sql(query).scalar() or 0)

    def buy(self, **given: object) -> str:
        (order_id,) = self.system.control("POST", "tiktok/buy", given)["order_ids"]
        return str(order_id)


@pytest.fixture(scope="module")
def shop(database_url: str, open_folder: Path) -> Iterator[Shop]:
    home = open_folder / "orders"
    home.mkdir()
    make_key_file(home)
    engine = make_engine(normalised_database_url(database_url))
    with engine.begin() as conn:
        add_users(conn)
    port = find_free_port()
    with running_system(
        home, database_url, products=24, workers=1, CROSSDOCK_CONSOLE_PORT=str(port), CROSSDOCK_DEMO_SENDS="12"
    ) as system:
        system.control("POST", "review", {"delay_seconds": 1, "reject_rate": 0})
        found = Shop(system, Console(f"http://127.0.0.1:{port}", system.environment, engine, Filled(0, 0, 0, ())))
        wait_until(lambda: found.count(ON_SALE) >= MOST_FIXED, "a dozen SKUs on sale")
        mapped = "SELECT count(*) FROM mappings WHERE kind = 'order_status'"
        wait_until(lambda: found.count(mapped) >= 5, "the mapping of statuses")
        # Last, so that it does not start while everything else does.
        process = subprocess.Popen([sys.executable, "console/serve.py"], cwd=REPOSITORY, env=system.environment)
        try:
            wait_for(process, f"{found.console.url}/login")
            yield found
        finally:
            process.terminate()
            process.wait(timeout=60)
            engine.dispose()


@pytest.fixture(scope="module")
def bought(shop: Shop) -> dict[str, str]:
    """Order ids: one of a thing we sell, one on hold, two of a thing the store does not have; and what we sell."""
    with shop.engine.connect() as conn:
        query = (
            "SELECT s.seller_sku FROM listing_skus s JOIN listings l ON l.id = s.listing_id JOIN variants v"
            " ON v.id = s.variant_id WHERE l.tiktok_status = 'ACTIVATE' AND v.stock > 3 ORDER BY s.id LIMIT 1"
        )
        sku = conn.exec_driver_sql(query).scalar_one()
    shop.system.control(
        "POST", "tiktok/shelf", {"skus": [{"seller_sku": GHOST, "quantity": 50, "price": "9.00", "title": "Ghost mug"}]}
    )
    ids = {
        "sku": str(sku),
        "plain": shop.buy(skus=[sku]),
        "held": shop.buy(kind="on_hold", skus=[sku]),
        "ghost": shop.buy(skus=[GHOST]),
        "ghost too": shop.buy(skus=[GHOST]),
    }
    wait_until(lambda: shop.count("SELECT count(*) FROM shop_orders") == 4, "the reading of orders")
    imported = "SELECT count(*) FROM store_orders WHERE state = 'created'"
    wait_until(lambda: shop.count(imported) == 1, "the import of the plain order")
    waiting = "SELECT count(*) FROM shop_orders WHERE hold = 'unlinked_sku'"
    wait_until(lambda: shop.count(waiting) == 2, "the holding of the two others")
    return ids


def test_orders_show_and_are_filtered(page: Page, shop: Shop, bought: dict[str, str]) -> None:
    be_signed_in(page, shop.console)
    open_page(page, shop.console, "orders", "Orders")
    expect(page.get_by_role("button", name="All 4", exact=True)).to_be_visible()
    page.get_by_role("button", name="On hold 1", exact=True).click()
    expect(page).to_have_url(re.compile("tab=On"))
    expect(grid(page).get_by_text(bought["held"])).to_be_attached()
    open_page(page, shop.console, f"orders?q={bought['plain']}", "Orders")
    choose_in_menu(page, 0, "Details")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text(f"Order {bought['plain']}", exact=True)).to_be_visible()
    drawer.get_by_role("tab", name="Timeline").click()
    expect(drawer.get_by_text("Created in the store")).to_be_visible()
    drawer.get_by_role("tab", name="Money").click()
    expect(drawer.get_by_text("Both sides are equal.")).to_be_visible()


def test_linking_a_sku_imports_what_waited(page: Page, shop: Shop, bought: dict[str, str]) -> None:
    be_signed_in(page, shop.console)
    open_page(page, shop.console, "orders?tab=Waiting+for+stock+or+mapping", "Orders")
    expect(page.get_by_text("2 wait for a SKU mapping")).to_be_visible()
    choose_in_menu(page, 0, "Details")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("2 orders wait for it")).to_be_visible()
    settled(page)
    search = drawer.get_by_placeholder("Name or SKU in the store")
    search.fill(bought["sku"])
    search.press("Enter")
    expect(drawer.get_by_role("combobox")).to_have_value(re.compile(f"^{bought['sku']} "))
    drawer.get_by_role("button", name="Link", exact=True).click()
    expect(page.get_by_text(f"{GHOST} is linked")).to_be_visible()
    imported = "SELECT count(*) FROM store_orders WHERE state = 'created'"
    wait_until(lambda: shop.count(imported) == 3, "the import of what waited")
    assert shop.count("SELECT count(*) FROM shop_orders WHERE hold = 'unlinked_sku'") == 0


def test_what_is_shown_can_be_taken_away(page: Page, shop: Shop, bought: dict[str, str]) -> None:
    be_signed_in(page, shop.console)
    open_page(page, shop.console, "orders?tab=To+ship", "Orders")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    found = {row["Order id"] for row in csv.DictReader(io.StringIO(text))}
    assert found == {bought["plain"], bought["ghost"], bought["ghost too"]}
    with page.expect_download() as download:
        page.get_by_role("button", name="Download Excel").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"


def test_a_group_of_refused_orders_is_retried(page: Page, shop: Shop, bought: dict[str, str]) -> None:
    """The store refuses orders for a product that was deleted there unnoticed, until it is back."""
    merchant, sku = Merchant(shop.system.sandbox), "TT-GONE-1"
    remote_id = merchant.create("Candle soon gone", sku, stock=9)
    known = f"SELECT count(*) FROM variants WHERE sku = '{sku}'"
    wait_until(lambda: shop.count(known) == 1, "the new product's arrival")
    shop.system.control("POST", "tiktok/shelf", {"skus": [{"seller_sku": sku, "quantity": 20, "price": "9.99"}]})
    lost = {"vendor": "shopwired", "endpoint": "WEBHOOK *", "fault": "lost"}
    unread = {"vendor": "shopwired", "endpoint": "GET /v1/events", "fault": "http_503"}
    shop.system.control("POST", "faults", {"rules": [lost, unread]})
    # A hint of the new product that is read only now would find out that it is gone.
    wait_until(lambda: shop.count(HINTED) == 0, "the reading of what was hinted at")
    merchant.delete(remote_id)
    orders = [shop.buy(skus=[sku], on_hold=False) for _ in range(2)]
    refused = "SELECT count(*) FROM shop_orders WHERE hold = 'refused'"
    wait_until(lambda: shop.count(refused) == 2, "the store's refusal of both")
    merchant.create("Candle back again", sku, stock=9)
    be_signed_in(page, shop.console)
    open_page(page, shop.console, "orders?tab=Needs+a+person", "Orders")
    expect(page.get_by_text("The store refused it").first).to_be_visible()
    page.get_by_role("button", name="Retry these").click()
    page.get_by_role("button", name="Import 2 items").click()
    imported = f"SELECT count(*) FROM shop_orders WHERE import_state = 'imported' AND remote_id IN {tuple(orders)}"
    wait_until(lambda: shop.count(imported) == 2, "the import of the group")
    shop.system.control("DELETE", "faults")
    expect(page.get_by_text(re.compile("2 done|2 items")).first).to_be_visible()


def test_a_stock_check_finds_ten_and_a_person_fixes_them(page: Page, shop: Shop, bought: dict[str, str]) -> None:
    """The Shop takes no stock for a while, so the check finds what differs and cannot put it right."""
    down = {"vendor": "tiktok", "endpoint": f"POST {UPDATE}", "fault": "http_503"}
    shop.system.control("POST", "faults", {"rules": [down]})
    told = f"SELECT count(*) FROM variants WHERE (sku, stock) IN ({', '.join(sell_in_store(shop, MOST_FIXED))})"
    wait_until(lambda: shop.count(told) == MOST_FIXED, "the store's sales")
    be_signed_in(page, shop.console)
    open_page(page, shop.console, "stock", "Stock")
    page.get_by_role("button", name="Check now").click()
    ended = "SELECT count(*) FROM stock_checks WHERE finished_at IS NOT NULL AND found >= 10"
    wait_until(lambda: shop.count(ended) == 1, "the stock check")
    open_page(page, shop.console, "stock?state=differs", "Stock")
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    choose_in_menu(page, 0, "Why")
    why = page.get_by_role("dialog")
    expect(why.get_by_text(re.compile("should offer"))).to_be_visible()
    expect(why.get_by_text(re.compile("Exposure"))).to_be_visible()
    why.get_by_role("button", name="Close").click()
    expect(why).to_have_count(0)
    settled(page)
    page.get_by_role("button", name=re.compile("Select all")).click()
    expect(page.get_by_role("button", name="Fix", exact=True)).to_be_enabled()
    page.get_by_role("button", name="Fix", exact=True).click()
    runs = shop.count(FIXES)
    page.get_by_role("button", name=re.compile("^Correct ")).click()
    wait_until(lambda: shop.count(FIXES) == runs + 1, "the run of corrections")
    # Only now: the worker tries again by itself, and would leave nothing for a person to fix.
    shop.system.control("DELETE", "faults")
    wait_until(lambda: shop.count(DIFFERENT) == 0, "the correction of all")
    wait_until(lambda: shop.count(f"{FIXES} AND finished_at IS NOT NULL") == runs + 1, "the run's end")
    open_page(page, shop.console, "stock?state=differs", "Stock")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def sell_in_store(shop: Shop, number: int) -> list[str]:
    """A piece of each of so many SKUs on sale is sold in the shop window; the SKUs and their new stock, as SQL."""
    query = (
        "SELECT s.seller_sku FROM listing_skus s JOIN listings l ON l.id = s.listing_id JOIN variants v"
        f" ON v.id = s.variant_id WHERE l.tiktok_status = 'ACTIVATE' AND v.stock > 3 ORDER BY s.id DESC LIMIT {number}"
    )
    with shop.engine.connect() as conn:
        skus = conn.exec_driver_sql(query).scalars().all()
    sales = [shop.system.control("POST", "shopwired/sell", {"business": 1, "sku": sku, "quantity": 1}) for sku in skus]
    return [f"('{sale['sku']}', {sale['stock']})" for sale in sales]


def test_the_map_asks_nobody_outside(page: Page, shop: Shop, bought: dict[str, str]) -> None:
    """What ``tab`` asserts at its end; the areas beside the map say that it was drawn."""
    be_signed_in(page, shop.console, "viewer")
    open_page(page, shop.console, "orders?show=map", "Orders")
    expect(page.get_by_text(re.compile(r"^6 orders"))).to_be_visible()
    expect(page.get_by_test_id("stDeckGlJsonChart")).to_be_attached()
    page.wait_for_timeout(1500)


def test_buyers_keep_ordering(page: Page, shop: Shop, bought: dict[str, str]) -> None:
    """Twenty orders a minute, as they come by themselves, are on the page while it is looked at again."""
    before = shop.count("SELECT count(*) FROM shop_orders")
    shop.system.control("POST", "tiktok/buyers", {"orders_per_minute": 20})
    more = "SELECT count(*) FROM shop_orders"
    wait_until(lambda: shop.count(more) >= before + 8, "eight more orders")
    shop.system.control("POST", "tiktok/buyers", {"orders_per_minute": 0})
    be_signed_in(page, shop.console)
    open_page(page, shop.console, "orders", "Orders")
    counted = page.get_by_role("button", name=re.compile(r"^All \d+$"))
    expect(counted).to_be_visible()
    assert int(counted.inner_text().split()[1]) >= before + 8
