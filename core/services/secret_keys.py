"""The keys that seal secrets, made on the first start only."""

from __future__ import annotations

from sqlalchemy import Column, Connection, func, select

from core.config import Settings
from core.db.tables import shops, store_accounts, tiktok_apps
from core.secrets import SecretsError, key_file, make_key_file, parse_keys

# Customers' fields are sealed too, but there are none without an app, a store and a shop.
SEALED: tuple[Column[bytes], ...] = (
    tiktok_apps.c.app_secret,
    store_accounts.c.credentials,
    shops.c.access_token,
    shops.c.refresh_token,
)


def ensure_keys(connection: Connection, config: Settings) -> None:
    """Make the key file when nothing was ever sealed; otherwise see that every key in use is there.

    A new key is never made beside secrets that need another: they would be lost without a word. Raises
    ``SecretsError`` naming the missing keys.
    """
    used = keys_in_use(connection)
    written = config.secret_keys.get_secret_value()
    path = key_file(config.home)
    if not used and not written:
        make_key_file(config.home)
        return
    present = parse_keys(written or (path.read_text() if path.exists() else ""))
    missing = sorted(used - present.keys())
    if missing:
        raise SecretsError(
            f"The database holds secrets sealed with key {', '.join(missing)}, which is neither in "
            f"CROSSDOCK_SECRET_KEYS nor in {path}: bring that key back, from a backup or the machine it was made on."
        )


def keys_in_use(connection: Connection) -> set[str]:
    """The ids of the keys that sealed what is stored; each ciphertext begins with its own, up to a colon."""
    used: set[str] = set()
    for column in SEALED:
        key_id = func.split_part(func.encode(column, "escape"), ":", 1)
        used |= set(connection.scalars(select(key_id).where(column.is_not(None)).distinct()))
    return used
