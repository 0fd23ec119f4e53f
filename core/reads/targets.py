"""Whom the clock's jobs are for: live connections, their stores and their Shops."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from core.db.engine import transaction
from core.db.tables import connections, shops, store_accounts


def live_connections() -> list[dict[str, Any]]:
    live = select(connections.c.id).where(connections.c.disconnected_at.is_(None)).order_by(connections.c.id)
    return _each("connection_id", live)


def live_stores() -> list[dict[str, Any]]:
    """Accounts with a live connection whose credentials were not refused."""
    joined = connections.join(store_accounts, store_accounts.c.id == connections.c.store_account_id)
    live = select(store_accounts.c.id).select_from(joined).distinct().order_by(store_accounts.c.id)
    working = live.where(connections.c.disconnected_at.is_(None), store_accounts.c.status == "ok")
    return _each("store_account_id", working)


def live_shops() -> list[dict[str, Any]]:
    live = (
        select(shops.c.id)
        .join(connections, connections.c.shop_id == shops.c.id)
        .where(connections.c.disconnected_at.is_(None), shops.c.status == "ok")
    )
    return _each("shop_id", live.distinct().order_by(shops.c.id))


def once() -> list[dict[str, Any]]:
    """For a job that is for everybody."""
    return [{}]


def _each(name: str, wanted: Select[Any]) -> list[dict[str, Any]]:
    with transaction() as connection:
        return [{name: one} for one in connection.execute(wanted).scalars()]
