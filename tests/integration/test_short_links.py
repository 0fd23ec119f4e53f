"""Short links on a real database: a code for every product, the present address behind it, clicks counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import products, short_links, store_accounts
from core.services.short_links import ensure_codes, resolve

pytestmark = pytest.mark.usefixtures("database")
PAGE = "https://harbour-lane.example/item-{}"


@pytest.fixture
def account(database: Settings) -> Iterator[int]:
    """A store with 3,000 products, removed afterwards."""
    with transaction() as conn:
        made = insert(store_accounts).values(
            platform="shopwired", base_url="https://api.ecommerceapi.uk/v1", business_id="1", name="Harbour Lane",
            domain="harbour-lane.example", country="GB", currency="GBP", credentials=b"",
        )  # fmt: skip
        account_id = int(conn.execute(made.returning(store_accounts.c.id)).scalar_one())
        rows = [product_row(account_id, number) for number in range(3_000)]
        conn.execute(insert(products), rows)
    yield account_id
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE store_accounts CASCADE")


def product_row(account_id: int, number: int) -> dict[str, object]:
    return {
        "store_account_id": account_id, "remote_id": str(number), "title": "t", "description": "", "active": True,
        "url": PAGE.format(number), "variant_count": 1, "search_text": "t", "content_hash": "x",
    }  # fmt: skip


def code_of(remote_id: str) -> str:
    with transaction() as conn:
        joined = short_links.join(products)
        wanted = select(short_links.c.code).select_from(joined).where(products.c.remote_id == remote_id)
        return str(conn.execute(wanted).scalar_one())


def give_codes(account_id: int) -> int:
    with transaction() as conn:
        return ensure_codes(conn, account_id)


def test_every_product_gets_one_code_that_stays(account: int) -> None:
    assert give_codes(account) == 3_000
    before = code_of("7")
    assert give_codes(account) == 0
    assert code_of("7") == before
    with transaction() as conn:
        codes = conn.execute(select(short_links.c.code)).scalars().all()
    assert len(set(codes)) == 3_000
    assert all(re.fullmatch("[a-z2-7]{6}", code) for code in codes)


def test_two_at_once_give_each_product_one(account: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(give_codes, [account, account])) == 3_000


def test_code_leads_to_the_present_address_and_counts(account: int) -> None:
    give_codes(account)
    code = code_of("5")
    with transaction() as conn:
        assert resolve(conn, code) == PAGE.format(5)
        moved = update(products).where(products.c.remote_id == "5")
        conn.execute(moved.values(url="https://www.harbour-lane.example/moved"))
        assert resolve(conn, code) == "https://www.harbour-lane.example/moved"
        assert resolve(conn, code, count=False)
        row = conn.execute(select(short_links).where(short_links.c.code == code)).one()
    assert row.clicks == 2
    assert row.last_click_at is not None


def test_parallel_clicks_are_all_counted(account: int) -> None:
    give_codes(account)
    code = code_of("5")

    def click(_: int) -> None:
        with transaction() as conn:
            resolve(conn, code)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(click, range(60)))
    with transaction() as conn:
        assert conn.execute(select(func.sum(short_links.c.clicks))).scalar_one() == 60


def test_nowhere(account: int) -> None:
    give_codes(account)
    code = code_of("5")
    with transaction() as conn:
        for unknown in ("aaaaaa" if code != "aaaaaa" else "bbbbbb", "AAAAAA", "a", "a' OR 1", "aaaaaaa", "aaaa\x00a"):
            assert resolve(conn, unknown) is None
        conn.execute(update(products).where(products.c.remote_id == "5").values(url="https://evil.example/"))
        assert resolve(conn, code) is None
        conn.execute(update(products).values(url=PAGE.format(5), deleted_at=func.now()))
        assert resolve(conn, code) is None
