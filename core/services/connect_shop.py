"""connect_shop: a Shop joins a store, is tried, and leaves again.

The first half (authorise page, code, token) is ``authorisation``; here the confirmed Shop becomes a connection.
Connecting the same Shop again finds everything it had; another Shop is a connection of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import transaction
from core.db.tables import connections, shops, store_accounts
from core.domain.errors import Expired, NotConfigured, RemoteError
from core.domain.listing import AuthorisedShop
from core.domain.people import Actor
from core.domain.regions import misfit
from core.ports import Marketplace
from core.queue import BACKFILL, defer
from core.services import audit
from core.services.authorisation import AuthorisationError, Grant, spend
from core.services.connection_fit import apply_fit
from core.services.live import LiveConnection, NotLive, require_live
from core.services.product_status import mark_stale
from core.services.runs import stop_runs
from core.services.shop_token import expire_shop, save_token
from core.services.webhook_registration import defer_registration

__all__ = [
    "LiveConnection",
    "NotLive",
    "OfferedShop",
    "check_connection",
    "confirm",
    "disconnect",
    "offered_shops",
    "require_live",
]


@dataclass(frozen=True, slots=True)
class OfferedShop:
    """A Shop of a grant, and why it cannot be connected to the store (empty: it can)."""

    shop: AuthorisedShop
    obstacle: str
    known_before: bool


def offered_shops(conn: Connection, grant: Grant) -> Sequence[OfferedShop]:
    """What the person chooses from after coming back."""
    return [
        OfferedShop(shop, _obstacle(conn, grant.store_account_id, shop), _connection_of(conn, grant, shop) is not None)
        for shop in grant.shops
    ]


def confirm(key: str, shop_remote_id: str, by: Actor) -> int:
    """Make the chosen Shop of an exchanged grant a live connection, start its first jobs, and return its id.

    Raises ``AuthorisationError`` for a misfit in region or currency, a Shop that is live elsewhere, one the grant
    does not hold, or a grant already used.
    """
    with transaction() as conn:
        grant = spend(conn, key, by)
        shop = next((one for one in grant.shops if one.id == shop_remote_id), None)
        if shop is None:
            raise AuthorisationError(f"The authorisation does not cover a Shop {shop_remote_id}.")
        # The Shop's row is written first: its lock lets only one of two confirmations see the Shop as free.
        shop_id = _save_shop(conn, grant, shop)
        obstacle = _obstacle(conn, grant.store_account_id, shop)
        if obstacle:
            raise AuthorisationError(obstacle)
        save_token(conn, shop_id, grant.token)
        connection_id = _make_live(conn, grant.store_account_id, shop_id, shop.name, by)
        apply_fit(conn, connection_id=connection_id)
        _first_jobs(conn, connection_id, grant.store_account_id)
        audit.record(conn, user=by, action="connect_shop", connection_id=connection_id, subject=f"shop:{shop_id}")
    return connection_id


def disconnect(connection_id: int, by: Actor) -> None:
    """Stop at once: from this commit on ``require_live`` refuses, and runs that were under way are told to stop.

    Webhooks are removed by the job ``disconnect_cleanup``. Settings, mappings and history stay for a return.
    """
    with transaction() as conn:
        live = (connections.c.id == connection_id, connections.c.disconnected_at.is_(None))
        if conn.execute(update(connections).where(*live).values(disconnected_at=func.now())).rowcount == 0:
            return
        stop_runs(conn, connection_id, "The connection was disconnected.")
        defer(
            conn,
            "disconnect_cleanup",
            once=f"disconnect_cleanup:{connection_id}",
            lock=f"webhooks:{connection_id}",
            connection_id=connection_id,
        )
        audit.record(conn, user=by, action="disconnect_shop", connection_id=connection_id)


def check_connection(marketplace: Marketplace, connection_id: int) -> str:
    """Prove that the tokens work and fill in the Shop's id, name, region and cipher. Returns a sentence of success.

    Where it works the webhooks are registered again, which changes nothing unless our address or secrets did.
    Raises ``AuthorisationError`` in words when they do not; a Shop that no longer lets us in is then marked so.
    """
    with transaction() as conn:
        c = connections.c
        joined = connections.join(shops, shops.c.id == c.shop_id)
        row = conn.execute(select(shops).select_from(joined).where(c.id == connection_id)).one()
    try:
        found = marketplace.shops()
    except RemoteError as error:
        raise AuthorisationError(_why(row.id, row.name, error)) from error
    mine = next((shop for shop in found if shop.id == row.remote_id), None)
    with transaction() as conn:
        if mine is None:
            others = ", ".join(f"{shop.name} ({shop.id})" for shop in found) or "no Shop at all"
            sentence = expire_shop(conn, row.id, f"its authorisation now covers {others}", status="revoked")
        else:
            sentence = ""
            learnt = {name: getattr(mine, name) for name in ("name", "region", "cipher", "code", "seller_type")}
            conn.execute(update(shops).where(shops.c.id == row.id).values(checked_at=func.now(), **learnt))
            apply_fit(conn, connection_id=connection_id)
            defer_registration(conn, connection_id)
    if mine is None:
        raise AuthorisationError(sentence)
    return f"{mine.name} answers: Shop id {mine.id}, region {mine.region}, cipher stored."


def _why(shop_id: int, name: str, error: RemoteError) -> str:
    if isinstance(error, NotConfigured):
        return error.sentence
    if not isinstance(error, Expired):
        return f"{name} could not be asked: {error.sentence} Try again."
    with transaction() as conn:
        row = conn.execute(select(shops.c.status, shops.c.status_sentence).where(shops.c.id == shop_id)).one()
        return str(row.status_sentence) if row.status != "ok" else expire_shop(conn, shop_id, error.sentence)


def _obstacle(conn: Connection, store_account_id: int, shop: AuthorisedShop) -> str:
    store = conn.execute(select(store_accounts).where(store_accounts.c.id == store_account_id)).one()
    mismatch = misfit(
        store=store.name, country=store.country, currency=store.currency, shop=shop.name, region=shop.region
    )
    if mismatch:
        return mismatch
    c = connections.c
    elsewhere = conn.execute(
        select(store_accounts.c.name)
        .select_from(connections.join(shops, shops.c.id == c.shop_id).join(store_accounts))
        .where(shops.c.remote_id == shop.id, c.disconnected_at.is_(None), c.store_account_id != store_account_id)
    ).scalar_one_or_none()
    if elsewhere:
        return f"The Shop {shop.name} is already connected to the store {elsewhere}: disconnect it there first."
    return ""


def _connection_of(conn: Connection, grant: Grant, shop: AuthorisedShop) -> int | None:
    """The connection this store and Shop have or had."""
    c = connections.c
    joined = connections.join(shops, shops.c.id == c.shop_id)
    pair = (c.store_account_id == grant.store_account_id, shops.c.remote_id == shop.id)
    return conn.execute(select(c.id).select_from(joined).where(*pair)).scalar_one_or_none()


def _save_shop(conn: Connection, grant: Grant, shop: AuthorisedShop) -> int:
    learnt = {
        "app_id": grant.app_id,
        "name": shop.name,
        "region": shop.region,
        "cipher": shop.cipher,
        "code": shop.code,
        "seller_type": shop.seller_type,
        "seller_name": grant.token.seller_name,
        "open_id": grant.token.open_id,
        "checked_at": func.now(),
    }
    row = insert(shops).values(remote_id=shop.id, **learnt)
    saving = row.on_conflict_do_update(index_elements=["remote_id"], set_=learnt)
    return int(conn.execute(saving.returning(shops.c.id)).scalar_one())


def _make_live(conn: Connection, store_account_id: int, shop_id: int, shop_name: str, by: Actor) -> int:
    store_name = conn.execute(select(store_accounts.c.name).where(store_accounts.c.id == store_account_id)).scalar_one()
    row = insert(connections).values(
        store_account_id=store_account_id, shop_id=shop_id, name=f"{store_name} – {shop_name}", connected_by=by.login
    )
    again = {"disconnected_at": None, "connected_at": func.now(), "connected_by": by.login}
    saving = row.on_conflict_do_update(index_elements=["store_account_id", "shop_id"], set_=again)
    return int(conn.execute(saving.returning(connections.c.id)).scalar_one())


def _first_jobs(conn: Connection, connection_id: int, store_account_id: int) -> None:
    defer(conn, "shop_metadata", once=f"shop_metadata:{connection_id}", connection_id=connection_id)
    defer(
        conn,
        "catalogue_pull",
        once=f"catalogue_pull:{store_account_id}:full",
        priority=BACKFILL,
        store_account_id=store_account_id,
        full=True,
    )
    defer(conn, "connection_check", once=f"connection_check:{connection_id}", connection_id=connection_id)
    defer(conn, "order_statuses", once=f"order_statuses:{connection_id}", connection_id=connection_id)
    defer(conn, "order_drain", once=f"order_drain:{connection_id}", priority=BACKFILL, connection_id=connection_id)
    defer_registration(conn, connection_id)
    mark_stale(conn, connection_id=connection_id)
