"""A tab that was left open shows nothing any more once its session has ended, although nobody touches it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from tests.e2e.conftest import Console, be_signed_in, open_page, settled

END_SESSIONS = "DELETE FROM sessions"
DISABLE = "UPDATE users SET disabled_at = now() WHERE login = 'viewer'"


@pytest.fixture
def run_id(console: Console) -> Iterator[int]:
    """A run and a stock check that are under way for as long as the test lasts."""
    run = "INSERT INTO runs (connection_id, kind, title, status, created_by, started_at, total) VALUES "
    run += "(:connection, 'product_export', 'Send products', 'running', 'operator', now(), 9) RETURNING id"
    check = "INSERT INTO stock_checks (connection_id, kind) VALUES (:connection, 'on demand') RETURNING id"
    given = {"connection": console.filled.connection_id}
    with console.engine.begin() as conn:
        run_id, check_id = conn.scalar(text(run), given), conn.scalar(text(check), given)
    yield int(run_id or 0)
    with console.engine.begin() as conn:
        conn.execute(text("DELETE FROM runs WHERE id = :id"), {"id": run_id})
        conn.execute(text("DELETE FROM stock_checks WHERE id = :id"), {"id": check_id})
        conn.execute(text("UPDATE users SET disabled_at = NULL"))


@pytest.mark.parametrize(
    ("path", "heading", "shown", "statement"),
    [
        ("products", "Products", "Send products 0 of 9", END_SESSIONS),
        ("activity?tab=runs&open={}", "Activity", "Send products 0 of 9", DISABLE),
        ("stock", "Stock", "A stock check is under way", END_SESSIONS),
    ],
)
def test_what_follows_the_work_ends_with_the_session(
    page: Page, console: Console, run_id: int, path: str, heading: str, shown: str, statement: str
) -> None:
    be_signed_in(page, console, "viewer")
    open_page(page, console, path.format(run_id), heading)
    expect(page.get_by_text(shown)).to_be_visible()
    with console.engine.begin() as conn:
        conn.execute(text(statement))
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible(timeout=15_000)
    expect(page.get_by_text(shown)).to_be_hidden()


def test_a_dialog_shows_no_call_once_the_session_has_ended(page: Page, console: Console) -> None:
    be_signed_in(page, console, "viewer")
    open_page(page, console, f"products?open={console.filled.product_ids[2]}&view=log", "Products")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="Mug number 3")).to_be_visible()
    settled(page)
    with console.engine.begin() as conn:
        conn.execute(text(END_SESSIONS))
    drawer.get_by_test_id("stExpander").first.click()
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible(timeout=15_000)
    expect(page.get_by_text('"title": "Mug"')).to_have_count(0)
