"""The connections, and the truth about each in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select

from core.db.tables import connections, products, pull_states, shops, store_accounts, tiktok_apps, warehouses
from core.domain.counting import counted
from core.domain.statuses import Tone
from core.reads.paging import Count, count_capped, reading

REAUTHORISE_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A store joined to a Shop; times are UTC, ``region`` the Shop's country, ``currency`` the store's."""

    id: int
    name: str
    store_account_id: int
    store_name: str
    platform: str
    country: str
    currency: str
    domain: str
    store_status: str
    store_sentence: str
    shop_id: int
    shop_name: str
    shop_remote_id: str
    region: str
    seller_name: str
    seller_type: str
    shop_status: str
    shop_sentence: str
    scopes: tuple[str, ...]
    access_expires_at: datetime | None
    refresh_expires_at: datetime | None
    checked_at: datetime | None
    connected_at: datetime
    connected_by: str
    disconnected_at: datetime | None
    blocked_sentence: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with a connection: the cause, what stopped because of it, and the one button that helps.

    The button leads to ``page`` with ``parameters``.
    """

    tone: Tone
    sentence: str
    stopped: str
    button: str
    page: str = "settings"
    parameters: tuple[tuple[str, str], ...] = (("tab", "connection"),)


@dataclass(frozen=True, slots=True)
class StoreAccountRow:
    id: int
    platform: str
    name: str
    domain: str
    country: str
    currency: str
    base_url: str
    status: str
    status_sentence: str
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class AppRow:
    """A TikTok app; its secret never leaves the services."""

    id: int
    app_key: str
    service_id: str
    name: str


@dataclass(frozen=True, slots=True)
class WarehouseRow:
    remote_id: str
    name: str
    kind: str
    status: str
    is_default: bool
    region: str


@dataclass(frozen=True, slots=True)
class PullRow:
    """How far the catalogue pull of a store account is."""

    full_started_at: datetime | None
    full_offset: int
    full_total: int | None
    full_finished_at: datetime | None
    incremental_at: datetime | None
    note: str
    products: Count

    @property
    def first_under_way(self) -> bool:
        return self.full_started_at is not None and self.full_finished_at is None


def _statement() -> Select[Any]:
    c, a, s = connections.c, store_accounts.c, shops.c
    joined = connections.join(store_accounts).join(shops, s.id == c.shop_id)
    return select(
        c.id,
        c.name,
        c.store_account_id,
        a.name.label("store_name"),
        a.platform,
        a.country,
        a.currency,
        a.domain,
        a.status.label("store_status"),
        a.status_sentence.label("store_sentence"),
        c.shop_id,
        s.name.label("shop_name"),
        s.remote_id.label("shop_remote_id"),
        s.region,
        s.seller_name,
        s.seller_type,
        s.status.label("shop_status"),
        s.status_sentence.label("shop_sentence"),
        s.scopes,
        s.access_expires_at,
        s.refresh_expires_at,
        s.checked_at,
        c.connected_at,
        c.connected_by,
        c.disconnected_at,
        c.blocked_sentence,
    ).select_from(joined)


def _connection(row: Row[Any]) -> ConnectionRow:
    values = row._asdict()
    return ConnectionRow(**values | {"scopes": tuple(values["scopes"])})


def all_connections() -> tuple[ConnectionRow, ...]:
    """Live ones first, then by name."""
    order = (connections.c.disconnected_at.is_not(None), connections.c.name, connections.c.id)
    with reading() as connection:
        return tuple(_connection(row) for row in connection.execute(_statement().order_by(*order)))


def store_account_rows() -> tuple[StoreAccountRow, ...]:
    a = store_accounts.c
    columns = (a.id, a.platform, a.name, a.domain, a.country, a.currency, a.base_url, a.status, a.status_sentence)
    statement: Select[Any] = select(*columns, a.checked_at).order_by(a.name)
    with reading() as connection:
        return tuple(StoreAccountRow(*row) for row in connection.execute(statement))


def app_rows() -> tuple[AppRow, ...]:
    a = tiktok_apps.c
    with reading() as connection:
        return tuple(AppRow(*row) for row in connection.execute(select(a.id, a.app_key, a.service_id, a.name)))


def warehouse_rows(connection_id: int) -> tuple[WarehouseRow, ...]:
    w = warehouses.c
    statement = (
        select(w.remote_id, w.name, w.kind, w.status, w.is_default, w.region)
        .where(w.connection_id == connection_id)
        .order_by(w.kind.desc(), w.is_default.desc(), w.name)
    )
    with reading() as connection:
        return tuple(WarehouseRow(*row) for row in connection.execute(statement))


def pull_row(store_account_id: int) -> PullRow | None:
    """None before the first pull of this store account was asked for."""
    p = pull_states.c
    columns = (p.full_started_at, p.full_offset, p.full_total, p.full_finished_at, p.incremental_at, p.note)
    with reading() as connection:
        found = connection.execute(select(*columns).where(p.store_account_id == store_account_id)).first()
        if found is None:
            return None
        live = select(products.c.id).where(
            products.c.store_account_id == store_account_id, products.c.deleted_at.is_(None)
        )
        return PullRow(*found, count_capped(connection, live))


def database_time() -> datetime:
    """The database's clock, which every page's freshness stamp shows."""
    with reading() as connection:
        return connection.execute(select(func.now())).scalar_one()


def troubles(row: ConnectionRow, at: datetime) -> tuple[Trouble, ...]:
    """All that is wrong with a connection at ``at``, worst first."""
    found = []
    if row.disconnected_at is not None:
        found.append(Trouble(Tone.RED, f"{row.name} is disconnected.", "Nothing is sent or read.", "Reconnect"))
    if row.shop_status != "ok":
        found.append(_shop_trouble(row))
    if row.blocked_sentence:
        found.append(Trouble(Tone.RED, row.blocked_sentence, "Data sync is stopped until it is put right.", "Open"))
    if row.store_status != "ok":
        sentence = row.store_sentence or f"{row.store_name} refuses its credentials."
        found.append(Trouble(Tone.RED, sentence, "The catalogue is no longer read.", "Check the store"))
    ends = row.refresh_expires_at
    if row.shop_status == "ok" and ends is not None and ends - at < REAUTHORISE_SOON:
        days = max((ends - at).days, 0)
        sentence = f"{row.shop_name} must be authorised again by {ends:%d %b} ({counted(days, 'day')})."
        found.append(Trouble(Tone.AMBER, sentence, "After that nothing is sent or read.", "Reconnect"))
    return tuple(found)


def _shop_trouble(row: ConnectionRow) -> Trouble:
    fallback = f"{row.shop_name} no longer accepts our tokens."
    return Trouble(Tone.RED, row.shop_sentence or fallback, "Nothing is sent or read.", "Reconnect")
