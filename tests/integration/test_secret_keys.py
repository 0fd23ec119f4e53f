"""The key file is made once, and never beside secrets that need another key."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, insert

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import tiktok_apps
from core.secrets import Sealer, SecretsError, key_file
from core.services.secret_keys import ensure_keys, keys_in_use

OTHER_KEY = {"k7": b"7" * 32}


@pytest.fixture
def connection(database: Settings) -> Iterator[Connection]:
    """A transaction that leaves nothing, on an installation without a key file."""
    key_file(database.home).unlink(missing_ok=True)
    with transaction() as opened:
        yield opened
        opened.rollback()


def keep_secret(connection: Connection, keys: dict[str, bytes]) -> None:
    sealed = Sealer(keys).seal("hush", "tiktok_apps/1/app_secret")
    row = {"name": "an app", "app_key": "key", "app_secret": sealed, "service_id": "7", "region": "GB"}
    known = {name: value for name, value in row.items() if name in tiktok_apps.c}
    connection.execute(insert(tiktok_apps).values(**known))


def test_first_start_makes_a_key(connection: Connection, database: Settings) -> None:
    ensure_keys(connection, database)
    made = key_file(database.home).read_text()
    ensure_keys(connection, database)
    assert key_file(database.home).read_text() == made


def test_secrets_without_their_key_end_the_start(connection: Connection, database: Settings) -> None:
    keep_secret(connection, OTHER_KEY)
    assert keys_in_use(connection) == {"k7"}
    with pytest.raises(SecretsError, match=r"sealed with key k7, which is neither in CROSSDOCK_SECRET_KEYS nor in "):
        ensure_keys(connection, database)
    assert not key_file(database.home).exists(), "a new key would lose the old secrets"


def test_key_from_the_environment_is_enough(connection: Connection, database: Settings) -> None:
    keep_secret(connection, OTHER_KEY)
    given = SecretStr("k7:" + base64.b64encode(OTHER_KEY["k7"]).decode())
    ensure_keys(connection, database.model_copy(update={"secret_keys": given}))
    assert not key_file(database.home).exists()
