"""A quantity that a webhook told is used at once, in the order of the events, and never over a later reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.config import Settings
from core.db.catalogue import save_products
from core.db.engine import transaction
from core.db.tables import connections, inbox, products, shops, store_accounts, tiktok_apps, variants
from core.domain.catalog import Product, Variant
from core.services.webhook_intake import Door, Hint, handle, verify_and_store
from tests.connect_rig import jobs
from tests.lock_rig import Waiting

NOW = datetime.now(UTC)


@pytest.fixture
def account(database: Settings) -> Iterator[int]:
    """A store account with a product of two variants, read five minutes ago."""
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE store_accounts, tiktok_apps, inbox, procrastinate_jobs CASCADE")
        keys = {"platform": "shopwired", "base_url": "http://127.0.0.1:1/v1", "business_id": "1", "name": "Harbour"}
        made = store_accounts.insert().values(**keys, credentials=b"", country="GB", currency="GBP")
        account_id = conn.execute(made.returning(store_accounts.c.id)).scalar_one()
        sold = (Variant("1", "RED", None, 5), Variant("2", "BLUE", None, 6))
        mug = Product("77", "Mug", "", True, "", sold)
        save_products(conn, account_id, [mug], seen_at=NOW - timedelta(minutes=5))
    yield account_id


def arrive(account: int, event_id: str, quantity: int | None, *, sku: str = "RED", at: datetime = NOW) -> None:
    hint = Hint(str(account), event_id, "stock.stock_changed", "stock", "77", sku, quantity, at)
    door = Door("shopwired", lambda headers, body: True, lambda body: None, lambda body: hint)
    verify_and_store(door, {}, event_id.encode())


def stock_of(account: int) -> dict[str, int]:
    with transaction() as conn:
        wanted = select(variants.c.sku, variants.c.stock).where(variants.c.store_account_id == account)
        return {row.sku: row.stock for row in conn.execute(wanted)}


def product(account: int) -> Any:
    with transaction() as conn:
        return conn.execute(select(products).where(products.c.store_account_id == account)).one()


def test_a_told_quantity_is_used_at_once_and_the_product_is_read_later(account: int) -> None:
    arrive(account, "100", 2)
    assert handle("shopwired", str(account)) == 1
    assert stock_of(account) == {"RED": 2, "BLUE": 6}
    assert product(account).stock == 8
    assert jobs("catalogue_hints") == [("catalogue_hints", {"store_account_id": account, "remote_ids": ["77"]})]


def test_hints_count_in_the_order_of_their_events(account: int) -> None:
    arrive(account, "101", 9)
    arrive(account, "100", 3)
    handle("shopwired", str(account))
    assert stock_of(account)["RED"] == 9
    arrive(account, "99", 1)
    handle("shopwired", str(account))
    assert stock_of(account)["RED"] == 9
    arrive(account, "102", 4)
    handle("shopwired", str(account))
    assert stock_of(account)["RED"] == 4


def test_a_hint_from_before_our_reading_changes_nothing(account: int) -> None:
    arrive(account, "100", 2, at=NOW - timedelta(minutes=6))
    handle("shopwired", str(account))
    assert stock_of(account)["RED"] == 5
    assert [name for name, _ in jobs("catalogue_hints")] == ["catalogue_hints"]


def test_the_reading_after_a_hint_has_the_last_word(account: int) -> None:
    arrive(account, "100", 2)
    handle("shopwired", str(account))
    # The store says what it said before the hint: without care this would look like nothing new.
    mug = Product("77", "Mug", "", True, "", (Variant("1", "RED", None, 5), Variant("2", "BLUE", None, 6)))
    with transaction() as conn:
        save_products(conn, account, [mug], seen_at=datetime.now(UTC))
    assert stock_of(account) == {"RED": 5, "BLUE": 6}


def test_a_hint_that_waits_for_a_reading_holds_nothing_the_reading_wants(account: int) -> None:
    arrive(account, "100", 2)
    with transaction() as conn:
        conn.execute(select(products.c.id).with_for_update(key_share=True))  # as a reading does before the variants
        hint = Waiting(lambda: handle("shopwired", str(account)))
        assert len(conn.execute(select(variants.c.id).with_for_update(nowait=True)).all()) == 2
        conn.execute(variants.update().where(variants.c.sku == "BLUE").values(stock=1))
    hint.finish()
    assert (stock_of(account), product(account).stock) == ({"RED": 2, "BLUE": 1}, 3)


@pytest.mark.parametrize(("sku", "quantity"), [("GREEN", 3), ("RED", None), ("RED", 10**12)])
def test_what_cannot_be_used_is_read_instead(account: int, sku: str, quantity: int | None) -> None:
    arrive(account, "100", quantity, sku=sku)
    handle("shopwired", str(account))
    assert stock_of(account) == {"RED": 5, "BLUE": 6}
    assert len(jobs("catalogue_hints")) == 1


def test_a_sku_that_a_product_has_twice_is_left_to_the_reading(account: int) -> None:
    with transaction() as conn:
        conn.execute(variants.update().values(sku="RED"))
    arrive(account, "100", 1)
    handle("shopwired", str(account))
    with transaction() as conn:
        assert sorted(conn.scalars(select(variants.c.stock))) == [5, 6]


def test_what_is_told_survives_in_the_inbox_until_it_is_handled(account: int) -> None:
    arrive(account, "100", 2)
    with transaction() as conn:
        row = conn.execute(select(inbox)).one()
    assert row.told == {"sku": "RED", "quantity": 2, "at": NOW.isoformat()}


def test_every_shop_that_sells_the_product_is_pushed(account: int) -> None:
    with transaction() as conn:
        app = {"app_key": "k", "app_secret": b"", "service_id": "s"}
        app_id = conn.scalar(tiktok_apps.insert().values(app).returning(tiktok_apps.c.id))
        for number in ("1", "2"):
            shop = {"app_id": app_id, "remote_id": number, "name": number, "region": "GB", "cipher": ""}
            shop_id = conn.scalar(shops.insert().values(shop).returning(shops.c.id))
            joined = {"store_account_id": account, "shop_id": shop_id, "name": number}
            made = connections.insert().values(joined).returning(connections.c.id)
            connection_id = conn.scalar(made)
            conn.exec_driver_sql(
                "WITH made AS (INSERT INTO listings (connection_id, product_id) SELECT %s, id FROM products"
                " RETURNING id) INSERT INTO listing_skus (listing_id, connection_id, variant_id, seller_sku)"
                " SELECT made.id, %s, variants.id, 'RED' FROM made, variants WHERE sku = 'RED'",
                (connection_id, connection_id),
            )
    arrive(account, "100", 2)
    handle("shopwired", str(account))
    pushes = [given for _, given in jobs("price_stock")]
    assert len(pushes) == 2
    assert len({given["connection_id"] for given in pushes}) == 2
    assert all(given["product_ids"] == [product(account).id] for given in pushes)
