"""Orders of the Shop in the database: many at once, newer wins, the customer sealed; and read back as they came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, Row, Table, func, select, text

from core.db.bulk import Stage, stage_rows
from core.db.engine import raw
from core.db.order_rows import Links, Told, customer_place, line_rows, order_from, order_row, sealed_customer, told
from core.db.tables import shop_order_lines, shop_orders
from core.domain.order_words import ORDER_STATUSES
from core.domain.orders import ShopOrder
from core.secrets import Sealer, sealer

_KEPT = ("id", "connection_id", "remote_id")
# What an order may overwrite: what is older, or of the same second and not further back on its way (law 5).
_RANK = f"coalesce(array_position(ARRAY[{', '.join(repr(one) for one in ORDER_STATUSES)}], {{}}.status), 0)"
_NEWER = (
    "kept.remote_updated_at < excluded.remote_updated_at OR (kept.remote_updated_at = excluded.remote_updated_at"
    " AND kept.detail->>'digest' IS DISTINCT FROM excluded.detail->>'digest'"
    f" AND {_RANK.format('kept')} <= {_RANK.format('excluded')})"
)
_LINE_COLUMNS = ("status", "cancel_reason", "original_price", "sale_price", "seller_discount", "platform_discount",
                 "variant_id")  # fmt: skip


@dataclass(frozen=True, slots=True)
class SavedOrders:
    """Our ids of the orders that were written, and of those of them that are new."""

    changed: tuple[int, ...] = ()
    new: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as the Shop told it, beside what became of it here.

    ``changed_at`` is when it was last written, by the database's clock: later writes are later, whoever made them.
    """

    id: int
    connection_id: int
    order: ShopOrder
    address_key: str
    import_state: str
    hold: str
    attempt: int
    tries: int
    received_at: datetime
    changed_at: datetime


def save_orders(connection: Connection, connection_id: int, found: Sequence[ShopOrder], links: Links) -> SavedOrders:
    """Store orders; older ones and those that are here already change nothing.

    ``links`` gives the store's variant of a (SKU id, seller SKU); a line that has one keeps it.
    """
    seal = sealer()
    known = _known(connection, connection_id, found)
    all_told = [told(order, seal) for order in sorted(found, key=lambda one: one.updated_at)]
    news = {one.order.id: one for one in all_told if _is_news(one, known.get(one.order.id))}
    if not news:
        return SavedOrders()
    fresh = {remote_id: one.order for remote_id, one in news.items()}
    ids = {remote_id: row.id for remote_id, row in known.items()} | _new_ids(connection, [*(fresh.keys() - known)])
    rows = [order_row(ids[remote_id], connection_id, one, seal) for remote_id, one in sorted(news.items())]
    written = _write_orders(connection, rows, known)
    for remote_id, row_id in written.items():
        if row_id != ids[remote_id]:  # somebody else stored it a moment ago, under another id
            _seal_again(connection, row_id, fresh[remote_id], seal)
    new = {written[remote_id] for remote_id in written.keys() - known if written[remote_id] == ids[remote_id]}
    _write_lines(connection, {written[one]: fresh[one] for one in written}, new, links)
    return SavedOrders(tuple(sorted(written.values())), tuple(sorted(new)))


def load_orders(connection: Connection, order_ids: Sequence[int]) -> dict[int, StoredOrder]:
    """The orders with these ids with all their lines. Raises ``SecretsError`` when a customer cannot be opened."""
    rows = connection.execute(select(shop_orders).where(shop_orders.c.id.in_(list(order_ids)))).all()
    # The lines after the orders: one that changes in between is seen, or its order's ``changed_at`` tells.
    lines: dict[int, list[Row[Any]]] = {}
    line = shop_order_lines.c
    wanted = select(shop_order_lines).where(line.order_id.in_(list(order_ids)), line.parent_line_id == "")
    for row in connection.execute(wanted.order_by(line.id)):
        lines.setdefault(row.order_id, []).append(row)
    return {row.id: _stored(row, lines.get(row.id, [])) for row in rows}


def _stored(row: Row[Any], lines: Sequence[Row[Any]]) -> StoredOrder:
    told = sealer().open(row.customer, customer_place(row.id)) if row.customer is not None else "{}"
    order = order_from(row, lines, json.loads(told))
    return StoredOrder(
        row.id, row.connection_id, order, row.detail.get("address_key", ""), row.import_state, row.hold, row.attempt,
        row.tries, row.received_at, row.changed_at,
    )  # fmt: skip


def _known(connection: Connection, connection_id: int, found: Sequence[ShopOrder]) -> dict[str, Row[Any]]:
    o = shop_orders.c
    columns = (o.id, o.remote_id, o.remote_updated_at, o.detail["digest"].astext.label("digest"))
    ours = (o.connection_id == connection_id, o.remote_id == func.any([order.id for order in found]))
    return {row.remote_id: row for row in connection.execute(select(*columns).where(*ours))}


def _is_news(one: Told, before: Row[Any] | None) -> bool:
    if before is None or before.remote_updated_at < one.order.updated_at:
        return True
    return bool(before.remote_updated_at == one.order.updated_at and before.digest != one.digest)


def _new_ids(connection: Connection, remote_ids: Sequence[str]) -> dict[str, int]:
    """Ids for orders not seen before: the customer is sealed for the row, so its id comes first."""
    drawn = text("SELECT nextval(pg_get_serial_sequence('shop_orders', 'id')) FROM generate_series(1, :count)")
    return dict(zip(remote_ids, connection.scalars(drawn, {"count": len(remote_ids)}), strict=True))


def _write_orders(
    connection: Connection, rows: Sequence[Mapping[str, Any]], known: Mapping[str, Any]
) -> dict[str, int]:
    """Our ids of the orders that were written. Where all are new they are copied straight into place."""
    if not any(row["remote_id"] in known for row in rows):
        try:
            with connection.begin_nested():
                _copy(connection, shop_orders, rows)
            return {row["remote_id"]: row["id"] for row in rows}
        except UniqueViolation:
            pass  # somebody else stored one of them a moment ago
    stage = stage_rows(connection, shop_orders, [dict(row) for row in rows], key=("connection_id", "remote_id"))
    return {remote_id: row_id for row_id, remote_id in _upsert(connection, stage)}


def _upsert(connection: Connection, stage: Stage) -> list[tuple[int, str]]:
    columns = ", ".join(stage.columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in stage.columns if name not in _KEPT)
    changes += ", changed_at = clock_timestamp()"  # the database's clock, once the row is locked: see ``changed_at``
    with raw(connection).cursor() as cursor:
        cursor.execute(
            f"INSERT INTO shop_orders AS kept ({columns}) SELECT {columns} FROM {stage.name} ORDER BY remote_id "
            f"ON CONFLICT (connection_id, remote_id) DO UPDATE SET {changes} WHERE {_NEWER} "
            "RETURNING kept.id, kept.remote_id"
        )
        return cursor.fetchall()


def _seal_again(connection: Connection, row_id: int, order: ShopOrder, seal: Sealer) -> None:
    mine = shop_orders.c.id == row_id
    connection.execute(shop_orders.update().where(mine).values(customer=sealed_customer(row_id, order, seal)))


def _write_lines(connection: Connection, orders: Mapping[int, ShopOrder], new: set[int], links: Links) -> None:
    """Lines of new orders are copied straight into place: nobody else can have any yet."""
    first = [row for row_id in new for row in line_rows(row_id, orders[row_id], links)]
    _copy(connection, shop_order_lines, first)
    again = [row for row_id in orders.keys() - new for row in line_rows(row_id, orders[row_id], links)]
    if not again:
        return
    stage = stage_rows(connection, shop_order_lines, again, key=("order_id", "remote_id"))
    columns = ", ".join(stage.columns)
    values = {name: f"excluded.{name}" for name in _LINE_COLUMNS}
    values["variant_id"] = "coalesce(kept.variant_id, excluded.variant_id)"
    changes = ", ".join(f"{name} = {value}" for name, value in values.items())
    with raw(connection).cursor() as cursor:
        cursor.execute(
            f"INSERT INTO shop_order_lines AS kept ({columns}) SELECT {columns} FROM {stage.name} "
            f"ORDER BY order_id, remote_id ON CONFLICT (order_id, remote_id) DO UPDATE SET {changes}"
        )


def _copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows have the same columns in the same order. Raises ``UniqueViolation`` for one that is there already."""
    if not rows:
        return
    with (
        raw(connection).cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({', '.join(rows[0])}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([json.dumps(value) if isinstance(value, dict) else value for value in row.values()])
