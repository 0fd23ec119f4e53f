"""order_mappings: TikTok's order statuses to the store's (M4), SKUs of the Shop to variants (O6), fields (M6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core.db.bulk import upsert_rows
from core.db.engine import now, transaction
from core.db.tables import connections, mappings, shop_orders, store_order_statuses, store_orders, variants
from core.domain.mapping import ORDER_FIELD, ORDER_KINDS, ORDER_STATUS, SKU, MappingRefused
from core.domain.order_fields import ORDER_FIELDS, field_text
from core.domain.order_words import STATUS_DEFAULTS
from core.domain.orders import ShopOrder, StoreOrderStatus
from core.ports import Store
from core.services.order_follow_up import defer_once
from core.services.order_holds import close_causes, mark_remapped, wake, wake_linked


class _Change(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def source_id(self) -> str: ...

    @property
    def target_id(self) -> str | None: ...


def read_statuses(store: Store, connection_id: int) -> int:
    """The job ``order_statuses``: the store's order statuses, and defaults for TikTok statuses not mapped yet."""
    found = store.order_statuses()
    with transaction() as conn:
        account = conn.execute(
            select(connections.c.store_account_id).where(connections.c.id == connection_id)
        ).scalar_one()
        _save_statuses(conn, account, found)
        made = _map_defaults(conn, connection_id, found)
        if made:
            statuses_changed(conn, connection_id, made)
    return len(found)


def status_map(conn: Connection, connection_id: int) -> dict[str, str]:
    """The store's status id by TikTok status."""
    m = mappings.c
    ours = (m.connection_id == connection_id, m.kind == ORDER_STATUS, m.target_id != "")
    return {row.source_id: row.target_id for row in conn.execute(select(m.source_id, m.target_id).where(*ours))}


def status_kinds(conn: Connection, store_account_id: int) -> dict[str, str]:
    """What the store's statuses mean, by their ids: unpaid, paid, shipped, cancelled, custom."""
    s = store_order_statuses.c
    return {row.remote_id: row.kind for row in conn.execute(select(s.remote_id, s.kind).where(
        s.store_account_id == store_account_id))}  # fmt: skip


def custom_fields(conn: Connection, connection_id: int, order: ShopOrder) -> dict[str, str]:
    """The store order's custom fields (M6): ``source_id`` names a field of the order, ``target_id`` the store's."""
    m = mappings.c
    ours = (m.connection_id == connection_id, m.kind == ORDER_FIELD, m.target_id != "", m.source_id.in_(ORDER_FIELDS))
    rows = conn.execute(select(m.source_id, m.target_id).where(*ours).order_by(m.source_id))
    values = {row.target_id: field_text(order, row.source_id) for row in rows}
    return {name: value for name, value in values.items() if value}


def waiting_by_status(conn: Connection, connection_id: int) -> dict[str, int]:
    """How many orders wait for each unmapped status (M4)."""
    o = shop_orders.c
    held = (o.connection_id == connection_id, o.import_state == "held", o.hold == "unmapped_status")
    rows = conn.execute(select(o.status, func.count().label("waiting")).where(*held).group_by(o.status))
    return {row.status: row.waiting for row in rows}


def waiting_by_sku(conn: Connection, connection_id: int) -> dict[str, int]:
    """How many orders wait for each unlinked SKU of the Shop."""
    query = text(
        "SELECT sku, count(*) AS waiting FROM shop_orders, unnest(missing_skus) AS sku"
        " WHERE connection_id = :connection_id AND import_state = 'held' GROUP BY sku ORDER BY waiting DESC, sku"
    )
    return {row.sku: row.waiting for row in conn.execute(query, {"connection_id": connection_id})}


def check_order_mappings(conn: Connection, connection_id: int, changes: Iterable[_Change]) -> None:
    """Raises ``MappingRefused`` naming the mapping whose target the store does not have."""
    account = conn.execute(select(connections.c.store_account_id).where(connections.c.id == connection_id)).scalar_one()
    wanted = [change for change in changes if change.kind in ORDER_KINDS and change.target_id]
    statuses = status_kinds(conn, account) if wanted else {}
    for change in wanted:
        if change.kind == ORDER_STATUS and change.target_id not in statuses:
            raise MappingRefused(f"The store has no order status {change.target_id}: read its statuses again.")
        if change.kind == ORDER_FIELD and change.source_id not in ORDER_FIELDS:
            raise MappingRefused(f"An order has no field {change.source_id!r} that can be copied.")
        if change.kind == SKU and not _is_variant(conn, account, change.target_id or ""):
            raise MappingRefused(f"The store has no product for the SKU {change.source_id}: choose another one.")


def order_mappings_changed(conn: Connection, connection_id: int, changes: Sequence[_Change]) -> None:
    """Wake what waited for these mappings; orders already in the store follow the new status."""
    statuses = [change.source_id for change in changes if change.kind == ORDER_STATUS]
    if statuses:
        statuses_changed(conn, connection_id, statuses)
    skus = [change.source_id for change in changes if change.kind == SKU]
    if skus:
        wake_linked(conn, connection_id, skus)
        close_causes(conn, connection_id)


def statuses_changed(conn: Connection, connection_id: int, statuses: Sequence[str]) -> None:
    wake(conn, connection_id, "o.hold = 'unmapped_status' AND o.status = ANY(:statuses)", statuses=list(statuses))
    o = shop_orders.c
    theirs = select(o.id).where(o.connection_id == connection_id, o.status.in_(statuses), o.import_state == "imported")
    late = update(store_orders).where(store_orders.c.order_id.in_(theirs), store_orders.c.sentence != "")
    if conn.execute(late.values(behind=True)).rowcount + mark_remapped(conn, connection_id, statuses):
        defer_once(conn, "order_status", connection_id)
    close_causes(conn, connection_id)


def _save_statuses(conn: Connection, store_account_id: int, found: Sequence[StoreOrderStatus]) -> None:
    s = store_order_statuses.c
    gone = (s.store_account_id == store_account_id, s.remote_id.not_in([one.remote_id for one in found]))
    conn.execute(delete(store_order_statuses).where(*gone))
    rows = [
        {
            "store_account_id": store_account_id,
            "remote_id": one.remote_id,
            "name": one.name,
            "kind": one.kind,
            "position": place,
            "seen_at": now(),
        }
        for place, one in enumerate(found)
    ]
    upsert_rows(conn, store_order_statuses, rows, key=("store_account_id", "remote_id"))


def _map_defaults(conn: Connection, connection_id: int, found: Sequence[StoreOrderStatus]) -> list[str]:
    """Map what nobody mapped; the statuses that were."""
    known = status_map(conn, connection_id)
    made = []
    for status, (kind, names) in STATUS_DEFAULTS.items():
        fitting = [one for one in found if one.kind == kind]
        if status in known or not fitting:
            continue
        best = min(fitting, key=lambda one: names.index(one.name.lower()) if one.name.lower() in names else len(names))
        row = insert(mappings).values(
            connection_id=connection_id, kind=ORDER_STATUS, source_id=status, target_id=best.remote_id
        )
        if conn.execute(row.on_conflict_do_nothing()).rowcount:
            made.append(status)
    return made


def _is_variant(conn: Connection, store_account_id: int, target_id: str) -> bool:
    if not target_id.isdigit():
        return False
    v = variants.c
    ours = (v.id == int(target_id), v.store_account_id == store_account_id, v.deleted_at.is_(None))
    return conn.execute(select(v.id).where(*ours)).first() is not None
