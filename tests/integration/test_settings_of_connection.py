"""Settings of a connection: defaults, types, refusals, the audit row."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from core.config import Settings
from core.db.engine import make_engine
from core.db.tables import audit, connections, shops, store_accounts, tiktok_apps
from core.domain.people import SYSTEM
from core.services.settings_of_connection import ConnectionSettings, SettingError, load_settings, save_setting


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    engine = make_engine(settings.database_url)
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.fixture
def connection_id(conn: Connection) -> int:
    app = insert(tiktok_apps).values(app_key="k", app_secret=b"", service_id="1").returning(tiktok_apps.c.id)
    store = insert(store_accounts).values(
        platform="shopwired", base_url="http://x", business_id="1", name="x", country="GB", currency="GBP",
        credentials=b"",
    )  # fmt: skip
    app_id = conn.execute(app).scalar_one()
    store_id = conn.execute(store.returning(store_accounts.c.id)).scalar_one()
    shop = insert(shops).values(app_id=app_id, remote_id="7", name="s", region="GB", cipher="c")
    shop_id = conn.execute(shop.returning(shops.c.id)).scalar_one()
    made = insert(connections).values(store_account_id=store_id, shop_id=shop_id, name="x")
    return int(conn.execute(made.returning(connections.c.id)).scalar_one())


def test_defaults_hold_until_something_is_saved(conn: Connection, connection_id: int) -> None:
    assert load_settings(conn, connection_id) == ConnectionSettings()


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("automatic_sync", True, True),
        ("stock_buffer", "3", 3),
        ("stock_cap", 50, 50),
        ("stock_cap", "", None),
        ("price_markup_percent", "12.5", Decimal("12.5")),
        ("default_weight_kg", Decimal("0.25"), Decimal("0.25")),
        ("unauthorised_brand", "no_brand", "no_brand"),
        ("default_shipping_rate", " Royal Mail 48 ", "Royal Mail 48"),
        ("identifier_priority", ["EAN", "GTIN"], ("EAN", "GTIN")),
    ],
)
def test_value_comes_back_typed(conn: Connection, connection_id: int, name: str, given: Any, kept: Any) -> None:
    save_setting(conn, connection_id, name, given, SYSTEM)
    loaded = getattr(load_settings(conn, connection_id), name)
    assert loaded == kept
    assert type(loaded) is type(kept)
    assert conn.execute(select(audit.c.detail)).scalar_one()["after"] == str(kept)


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("automatic_sync", "yes", "Automatic sync must be on or off, not 'yes'."),
        ("stock_buffer", "-1", "Stock buffer must be a whole number from 0 to 999,999, not '-1'."),
        ("stock_buffer", 1.5, "Stock buffer must be a whole number from 0 to 999,999, not '1.5'."),
        ("stock_buffer", True, "Stock buffer must be a whole number from 0 to 999,999, not 'True'."),
        ("stock_buffer", None, "Stock buffer must be a whole number from 0 to 999,999, not 'None'."),
        ("price_markup_percent", "NaN", "Price markup percent must be a number from -90 to 1,000, not 'NaN'."),
        ("price_rounding", "odd", "must be one of none"),
        ("default_shipping_rate", "x" * 101, "Default shipping rate must be a text of at most 100 characters"),
        ("identifier_priority", ["EAN", "EAN"], "each at most once"),
        ("nonsense", 1, "There is no setting named 'nonsense'."),
    ],
)
def test_misfits_are_refused_in_words(
    conn: Connection, connection_id: int, name: str, given: Any, sentence: str
) -> None:
    with pytest.raises(SettingError) as refusal:
        save_setting(conn, connection_id, name, given, SYSTEM)
    assert sentence in refusal.value.sentence
    assert load_settings(conn, connection_id) == ConnectionSettings()
