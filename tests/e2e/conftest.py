"""A real console process on a real Postgres, and Chromium to look at it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from sqlalchemy import Engine

from core.config import normalised_database_url
from core.db.engine import make_engine
from core.secrets import make_key_file
from tests.conftest import find_free_port
from tests.console.filling import PASSWORD, Filled, add_users, fill
from tests.waiting import HTTP_S, status_of, wait_until

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
expect.set_options(timeout=60_000)
ROW, HEADER, TICK, MENU = 34, 38, 16, 52  # pixels of a table: heights, and where two columns are
LOOPBACK = {"127.0.0.1", "localhost"}
# The client probes for its base path on a deep link; these two answers are no faults.
PROBES = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")


@dataclass
class Console:
    """``url`` without a slash at its end; ``environment`` is what the process runs with."""

    url: str
    environment: dict[str, str]
    engine: Engine
    filled: Filled

    def sign_in_link(self) -> str:
        command = [sys.executable, "-m", "console.sign_in"]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def client(self, **given: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=HTTP_S, **given)

    def get(self, path: str, **given: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=HTTP_S, **given)


@pytest.fixture(scope="module")
def console(database_url: str, home: Path) -> Iterator[Console]:
    """Filled with 120 products and the users viewer, operator and admin."""
    make_key_file(home)
    engine = make_engine(normalised_database_url(database_url))
    with engine.begin() as conn:
        add_users(conn)
        filled = fill(conn)
    port = find_free_port()
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "CROSSDOCK_HOME": str(home),
        "CROSSDOCK_CONSOLE_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "console/serve.py"], cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(process, f"{url}/login")
        yield Console(url, environment, engine, filled)
    finally:
        process.terminate()
        process.wait(timeout=60)
        engine.dispose()


def wait_for(process: subprocess.Popen[bytes], url: str) -> None:
    def answers() -> bool:
        assert process.poll() is None, f"the console ended with code {process.returncode}"
        return status_of(url) == 200

    wait_until(answers, "the console's start")


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Closed with its module: while it is open an event loop runs in this thread, and no other test can run one."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[BrowserContext]:
    with fresh_tab(browser) as context:
        yield context


@contextmanager
def fresh_tab(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own. It fails when anything outside this machine was asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    outside: list[str] = []
    errors: list[str] = []

    def note(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname not in LOOPBACK:
            outside.append(request.url)

    context.on("request", note)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert outside == []
    assert errors == []


@pytest.fixture
def page(tab: BrowserContext) -> Page:
    return tab.new_page()


def form(client: httpx.Client, path: str) -> dict[str, str]:
    """The CSRF field of a form, whose cookie ``client`` now holds."""
    text = client.get(path).text
    return {"csrf": text.split('name="csrf" value="')[1].split('"')[0]}


def session_of(console: Console, who: str) -> str:
    with console.client() as client:
        fields = form(client, "/login") | {"login": who, "password": PASSWORD}
        answer = client.post("/login", data=fields)
        assert answer.status_code == 303, answer.text
        return client.cookies["crossdock_session"]


def be_signed_in(page: Page, console: Console, who: str = "operator") -> None:
    """Without the form, which has tests of its own."""
    kept = {"name": "crossdock_session", "value": session_of(console, who), "url": console.url}
    page.context.add_cookies([kept])
    page.goto(console.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def sign_in(page: Page, console: Console, who: str = "operator") -> None:
    page.goto(f"{console.url}/login")
    page.get_by_label("User name").fill(who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def settled(page: Page) -> None:
    """The script has run to its end."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def open_page(page: Page, console: Console, path: str, heading: str) -> None:
    page.goto(f"{console.url}/{path}")
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    settled(page)


def grid(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").first


def point(page: Page, row: int, left: float) -> tuple[float, float]:
    """A place on a row of the table, ``left`` pixels from its edge: the table is drawn, its cells are no elements."""
    canvas = grid(page).locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    return box["x"] + left, box["y"] + HEADER + ROW * row + ROW / 2 - 4


def open_in_row(page: Page, row: int, left: float, opened: Locator, *, clicks: int = 1) -> None:
    """Click until it is there: the table takes no click until it is drawn, and nothing says that it is."""

    def opens() -> bool:
        page.mouse.click(*point(page, row, left), click_count=clicks)
        try:
            opened.wait_for(timeout=5_000)
        except PlaywrightTimeoutError:
            return False
        return True

    wait_until(opens, f"what opens in row {row}")


def choose_in_menu(page: Page, row: int, item: str, *, left: float = MENU) -> None:
    wanted = page.get_by_role("menuitem", name=item)
    open_in_row(page, row, left, wanted)
    wanted.click()
