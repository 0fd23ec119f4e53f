"""The catalogue in a real Postgres: what is stored, what counts as changed, what older news may not do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from core.config import normalised_database_url
from core.db.catalogue import load_products, mark_deleted, save_brands, save_categories, save_products, write_products
from core.db.engine import make_engine
from core.db.tables import products, store_accounts, store_brands, store_categories, variants
from core.domain.catalog import OptionValue, Picture, Product, StoreBrand, StoreCategory, Variant

T0 = datetime(2026, 7, 1, 12, tzinfo=UTC)
SMALL = Variant("11", "MUG-S", Decimal("9.90"), 4, Decimal("8.50"), "5012345678900", None, Decimal("0.35"), 0,
                (OptionValue("Size", "Small"),))  # fmt: skip
LARGE = replace(SMALL, remote_id="12", sku="MUG-L", sale_price=None, stock=-2, options=(OptionValue("Size", "Large"),))
MUG = Product("7", "Blue Mug", "<p>Blue.</p>", True, "https://shop.example/mug", (SMALL, LARGE),
              (Picture("https://cdn.example/1.jpg", "Front"),), ("310", "300"), "5", "Acme", {"tiktok_length": "12"},
              False, T0, T0)  # fmt: skip
PLATE = Product("8", "Plate", "", False, "", (Variant("0", "PL", None, None),))


@pytest.fixture(scope="module")
def catalogue_engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(normalised_database_url(database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(catalogue_engine: Engine) -> Iterator[Connection]:
    with catalogue_engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def account(connection: Connection) -> int:
    values = {"platform": "shopwired", "base_url": "http://x", "business_id": "1", "name": "n", "country": "GB",
              "currency": "GBP", "credentials": b""}  # fmt: skip
    return connection.execute(store_accounts.insert().values(values).returning(store_accounts.c.id)).scalar_one()


def test_what_was_saved_is_loaded(connection: Connection, account: int) -> None:
    ids = save_products(connection, account, [MUG, PLATE], seen_at=T0)
    loaded = load_products(connection, ids)
    assert {stored.product.remote_id: stored.product for stored in loaded.values()} == {"7": MUG, "8": PLATE}
    mug = next(stored for stored in loaded.values() if stored.product.remote_id == "7")
    assert set(mug.variant_ids) == {"11", "12"}
    row = connection.execute(select(products).where(products.c.id == mug.id)).one()
    assert (row.price, row.stock, row.variant_count, row.sku) == (Decimal("8.5000"), 4, 2, None)
    assert row.search_text == "blue mug mug-s mug-l"


def test_the_same_again_changes_nothing_but_is_seen(connection: Connection, account: int) -> None:
    ids = save_products(connection, account, [MUG], seen_at=T0)
    later = T0 + timedelta(hours=1)
    same = replace(MUG, updated_at=later, variants=(replace(SMALL, price=Decimal("9.9000")), LARGE))
    before = connection.execute(select(products.c.changed_at)).scalar_one()
    assert save_products(connection, account, [same], seen_at=later) == []
    row = connection.execute(select(products).where(products.c.id == ids[0])).one()
    assert (row.seen_at, row.changed_at) == (later, before)


def test_price_and_stock_moves_are_told_apart_from_words(connection: Connection, account: int) -> None:
    ids = save_products(connection, account, [MUG, PLATE], seen_at=T0)
    worded = write_products(connection, account, [replace(MUG, title="Navy Mug")], seen_at=T0)
    assert len(worded.changed) == 1
    assert worded.price_or_stock == ()
    stocked = replace(MUG, title="Navy Mug", variants=(replace(SMALL, stock=3), LARGE))
    moved = write_products(connection, account, [stocked], seen_at=T0)
    assert moved.price_or_stock == moved.changed
    assert set(moved.changed) < set(ids)


def test_a_product_switched_off_or_on_moves_its_stock(connection: Connection, account: int) -> None:
    """Switched off nothing of it is offered, though neither its price nor its stock is another."""
    product_id, _ = save_products(connection, account, [MUG, PLATE], seen_at=T0)
    for active in (False, True):
        switched = write_products(connection, account, [replace(MUG, active=active), PLATE], seen_at=T0)
        assert (switched.changed, switched.price_or_stock) == ((product_id,), (product_id,))
    mark_deleted(connection, account, ["7"], asked_at=T0 + timedelta(minutes=1))
    back = write_products(connection, account, [MUG], seen_at=T0 + timedelta(minutes=2))
    assert back.price_or_stock == (product_id,)


def test_a_variant_that_vanished_is_marked_and_may_return(connection: Connection, account: int) -> None:
    (product_id,) = save_products(connection, account, [MUG], seen_at=T0)
    large_id = load_products(connection, [product_id])[product_id].variant_ids["12"]
    moved = write_products(connection, account, [replace(MUG, variants=(SMALL,))], seen_at=T0)
    assert moved.price_or_stock == (product_id,)
    assert set(load_products(connection, [product_id])[product_id].variant_ids) == {"11"}
    gone = connection.execute(select(variants.c.deleted_at).where(variants.c.id == large_id)).scalar_one()
    assert gone is not None
    save_products(connection, account, [MUG], seen_at=T0)
    assert load_products(connection, [product_id])[product_id].variant_ids["12"] == large_id


def test_older_news_overwrites_nothing(connection: Connection, account: int) -> None:
    (product_id,) = save_products(connection, account, [MUG], seen_at=T0)
    older = T0 - timedelta(seconds=1)
    assert save_products(connection, account, [replace(MUG, title="Old")], seen_at=older) == []
    assert load_products(connection, [product_id])[product_id].product.title == "Blue Mug"


def test_deletion_holds_against_an_older_page_and_yields_to_a_newer(connection: Connection, account: int) -> None:
    (product_id,) = save_products(connection, account, [MUG], seen_at=T0)
    asked = T0 + timedelta(minutes=5)
    assert mark_deleted(connection, account, ["7", "none"], asked_at=asked) == [product_id]
    assert mark_deleted(connection, account, ["7"], asked_at=asked) == []
    assert load_products(connection, [product_id]) == {}
    assert save_products(connection, account, [MUG], seen_at=asked - timedelta(minutes=1)) == []
    assert save_products(connection, account, [MUG], seen_at=asked + timedelta(minutes=1)) == [product_id]
    assert product_id in load_products(connection, [product_id])


def test_a_product_read_after_the_question_is_not_deleted(connection: Connection, account: int) -> None:
    save_products(connection, account, [MUG], seen_at=T0)
    assert mark_deleted(connection, account, ["7"], asked_at=T0 - timedelta(seconds=1)) == []


def test_the_same_remote_id_in_two_accounts_is_two_products(connection: Connection, account: int) -> None:
    values = {"platform": "shopwired", "base_url": "http://x", "business_id": "2", "name": "n", "country": "GB",
              "currency": "GBP", "credentials": b""}  # fmt: skip
    other = connection.execute(store_accounts.insert().values(values).returning(store_accounts.c.id)).scalar_one()
    first = save_products(connection, account, [MUG], seen_at=T0)
    second = save_products(connection, other, [MUG], seen_at=T0)
    assert first != second
    assert mark_deleted(connection, other, ["7"], asked_at=T0) == second
    assert first[0] in load_products(connection, first)


def test_categories_and_brands_are_the_whole_set(connection: Connection, account: int) -> None:
    both = [StoreCategory("1", "Home", "Home"), StoreCategory("2", "Candles", "Home > Candles", active=False)]
    save_categories(connection, account, both, seen_at=T0)
    save_categories(connection, account, both[1:], seen_at=T0 + timedelta(days=1))
    assert connection.scalars(select(store_categories.c.path)).all() == ["Home > Candles"]
    save_brands(connection, account, [StoreBrand("1", "Acme"), StoreBrand("2", "Bolt")], seen_at=T0)
    save_brands(connection, account, [StoreBrand("1", "Acme Ltd")], seen_at=T0 + timedelta(days=1))
    assert connection.scalars(select(store_brands.c.title)).all() == ["Acme Ltd"]
    save_brands(connection, account, [], seen_at=T0 + timedelta(days=2))
    assert connection.scalar(select(func.count()).select_from(store_brands)) == 0


def test_a_thousand_products_are_a_handful_of_statements(connection: Connection, account: int) -> None:
    many = [replace(MUG, remote_id=str(number)) for number in range(1000)]
    assert len(save_products(connection, account, many, seen_at=T0)) == 1000
    assert connection.scalar(text("SELECT count(*) FROM variants")) == 2000
