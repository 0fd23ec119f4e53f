"""webhook_registration: hints are asked for when a connection is made and called off when it ends (C11).

Where a vendor cannot reach the gateway nothing is registered there, and polling does the work. This is asked per
vendor: a real store may be connected while the sandbox plays the Shop.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, select

from core.config import settings
from core.db.engine import transaction
from core.db.tables import connections, shops, store_accounts, tiktok_apps
from core.domain.errors import Expired, Missing
from core.ports import Marketplace, Store
from core.queue import defer
from core.services.connection_checks import Check, keep_check
from core.services.live import require_live

BY_POLLING = "changes are found by polling"
NOT_PUBLIC = (
    f"No webhooks: the gateway has no public https address, so {BY_POLLING}. To have them at once, set "
    f"CROSSDOCK_PUBLIC_URL to an https address that reaches the gateway and test the connection again."
)


def defer_registration(conn: Connection, connection_id: int) -> None:
    defer(
        conn,
        "webhooks_register",
        once=f"webhooks_register:{connection_id}",
        lock=f"webhooks:{connection_id}",
        connection_id=connection_id,
    )


def register_again(conn: Connection, store_account_id: int) -> None:
    """For every live connection of a store whose credentials are new: a webhook secret may be among them."""
    c = connections.c
    live = select(c.id).where(c.store_account_id == store_account_id, c.disconnected_at.is_(None)).order_by(c.id)
    for connection_id in conn.scalars(live).all():
        defer_registration(conn, connection_id)


def register_webhooks(marketplace: Marketplace, store: Store, connection_id: int, *, store_signs: bool) -> None:
    """Register both sides' webhooks at the gateway. ``store_signs``: we know the secret the store signs with.

    Raises ``NotLive`` and what the ports raise; asked again, it changes nothing.
    """
    with transaction() as conn:
        live = require_live(conn, connection_id)
        shop_address, store_address = _addresses(conn, connection_id)
        store_url = conn.scalar(select(store_accounts.c.base_url).where(store_accounts.c.id == live.store_account_id))
    if settings().may_be_called_by(settings().tiktok_api_url):
        topics = marketplace.register_webhooks(shop_address)
        _kept(live.id, Check("Webhooks of the Shop", "ok", f"{len(topics)} kinds are sent to {shop_address}."))
    else:
        _kept(live.id, Check("Webhooks of the Shop", "ok", NOT_PUBLIC))
    if settings().may_be_called_by(store_url or ""):
        _register_at_store(store, live.id, store_address, store_signs)
    else:
        _kept(live.id, Check("Webhooks of the store", "ok", NOT_PUBLIC))


def _register_at_store(store: Store, connection_id: int, address: str, store_signs: bool) -> None:
    if not store_signs or not store.capabilities.signs_webhooks:
        sentence = f"No webhooks: no secret is known to tell true ones by, so {BY_POLLING}."
        fix = "Enter the store's webhook secret in Settings."
        _kept(connection_id, Check("Webhooks of the store", "ok", sentence, fix))
        return
    topics = store.register_webhooks(address)
    _kept(connection_id, Check("Webhooks of the store", "ok", f"{len(topics)} kinds are sent to {address}."))


def clean_up(marketplace: Marketplace, store: Store, connection_id: int) -> None:
    """After disconnecting: call the webhooks off. A connection that is live again is left alone.

    The store's stay while another live connection uses them. Credentials that no longer work leave nothing to do:
    what may still come is refused or points at nothing live.
    """
    with transaction() as conn:
        c = connections.c
        mine = select(c.store_account_id, c.disconnected_at).where(c.id == connection_id)
        row = conn.execute(mine).one()
        if row.disconnected_at is None:
            return
        live = select(c.id).where(c.store_account_id == row.store_account_id, c.disconnected_at.is_(None))
        store_is_used = conn.execute(live.limit(1)).first() is not None
        _, store_address = _addresses(conn, connection_id)
    with suppress(Expired, Missing):
        marketplace.remove_webhooks()
    if not store_is_used:
        with suppress(Expired, Missing):
            store.remove_webhooks(store_address)
    for side in ("Shop", "store"):
        _kept(connection_id, Check(f"Webhooks of the {side}", "unknown", "Called off when the connection ended."))


def _addresses(conn: Connection, connection_id: int) -> tuple[str, str]:
    """Where the Shop and where the store are to send."""
    c = connections.c
    joined = connections.join(shops, shops.c.id == c.shop_id).join(tiktok_apps).join(store_accounts)
    wanted = select(tiktok_apps.c.app_key, store_accounts.c.platform, store_accounts.c.id.label("account"))
    row = conn.execute(wanted.select_from(joined).where(c.id == connection_id)).one()
    gate = settings().gateway_url
    return f"{gate}/webhooks/tiktok/{row.app_key}", f"{gate}/webhooks/{row.platform}/{row.account}"


def _kept(connection_id: int, check: Check) -> None:
    with transaction() as conn:
        keep_check(conn, connection_id, check)
