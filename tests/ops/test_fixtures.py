"""The fixtures everyone rests on: a database of one's own, migrated, and settings that name it."""

from collections.abc import Callable

import psycopg

from core import config


def test_database_is_fresh_and_ours(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        name, user = connection.execute("SELECT current_database(), current_user").fetchone() or ("", "")
    assert name.startswith("t_test_fixtures_")
    assert user == "app"


def test_settings_name_the_same_database(settings: config.Settings, database_url: str) -> None:
    assert settings.database_url == config.normalised_database_url(database_url)
    assert config.settings() is settings


def test_free_ports_differ(free_ports: Callable[[int], list[int]]) -> None:
    assert len(set(free_ports(5))) == 5
