"""Every page before there is anything to show."""

from __future__ import annotations

import pytest

from core.db import engine
from core.domain.people import Role
from tests.console.conftest import Open
from tests.console.filling import connect

PAGES = ("overview", "products", "exports", "mappings", "activity", "settings")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMIN])
@pytest.mark.parametrize("name", PAGES)
def test_without_a_connection(name: str, role: Role, open_page: Open) -> None:
    at = open_page(name, role)
    assert not at.error
    if name in ("overview", "products", "exports", "mappings"):
        assert any("No connection yet" in entry.value for entry in at.markdown)


@pytest.fixture
def connected(database: None) -> int:
    with engine.transaction() as conn:
        name = f"Store {len(PAGES)}{conn.exec_driver_sql('select count(*) from connections').scalar()}"
        return connect(conn, name)[0]


@pytest.mark.parametrize("name", PAGES)
def test_with_a_connection_and_nothing_in_it(name: str, connected: int, open_page: Open) -> None:
    at = open_page(name, Role.ADMIN, c=str(connected))
    assert not at.error
    assert not at.dataframe


def test_the_way_to_the_first_catalogue_is_shown(connected: int, open_page: Open) -> None:
    with engine.transaction() as conn:
        account = conn.exec_driver_sql(
            "SELECT store_account_id FROM connections WHERE id = %(id)s", {"id": connected}
        ).scalar_one()
        conn.exec_driver_sql(
            "INSERT INTO pull_states (store_account_id, full_started_at, full_offset, full_total) "
            "VALUES (%(account)s, now(), 1240, 20000)",
            {"account": account},
        )
    at = open_page("products", c=str(connected))
    assert any("1,240 of 20,000" in entry.value for entry in at.caption)


def test_trouble_is_one_banner_with_the_worst_first(connected: int, open_page: Open) -> None:
    with engine.transaction() as conn:
        shop = f"(SELECT shop_id FROM connections WHERE id = {connected})"
        conn.exec_driver_sql(
            f"UPDATE shops SET status = 'expired', status_sentence = 'The Shop must be reconnected.' WHERE id = {shop}"
        )
        conn.exec_driver_sql(f"UPDATE connections SET blocked_sentence = 'USD is not GBP.' WHERE id = {connected}")
    at = open_page("products", c=str(connected))
    banners = [entry.value for entry in (*at.error, *at.warning)]
    assert len(banners) == 1
    assert "The Shop must be reconnected" in banners[0]
    assert "And 1 more." in banners[0]
