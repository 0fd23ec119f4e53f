"""The mappings that orders and stock need: statuses, SKUs, fields, warehouses; what each is mapped to and who waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, Text, case, cast, func, select, text

from core.db.filters import escaped_like
from core.db.tables import (
    connections,
    mapping_history,
    mappings,
    products,
    shop_order_lines,
    shop_orders,
    store_accounts,
    store_order_statuses,
    variants,
    warehouses,
)
from core.domain.mapping import ORDER_FIELD, ORDER_STATUS, SKU, UNNAMED_SKU, sku_kept, sku_shown
from core.domain.order_words import ORDER_STATUSES
from core.domain.parcels import parcel_words
from core.domain.stock import MAIN_LOCATION, WAREHOUSE
from core.reads.mappings import HistoryRow
from core.reads.paging import Count, count_capped, page_of, reading
from core.reads.products import Choice


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One word of the Shop or of the store. ``waiting``: orders that wait for its mapping; ``orders``: all that use it.

    ``target_id`` is None while unmapped and empty for deliberately none; ``version`` is 0 while unmapped.
    """

    source_id: str
    label: str
    waiting: int
    orders: int
    target_id: str | None
    target_label: str | None
    version: int
    updated_at: datetime | None
    updated_by: str


@dataclass(frozen=True, slots=True)
class VariantChoice:
    id: int
    label: str


def _mapped(connection_id: int, kind: str) -> dict[str, Any]:
    m = mappings.c
    columns = (m.source_id, m.target_id, m.version, m.updated_at, m.updated_by)
    with reading() as conn:
        rows = conn.execute(select(*columns).where(m.connection_id == connection_id, m.kind == kind)).all()
    return {row.source_id: row for row in rows}


def _waiting_row(source: str, label: str, numbers: tuple[int, int], found: Any, target: str | None) -> WaitingRow:
    waiting, orders = numbers
    if found is None:
        return WaitingRow(source, label, waiting, orders, None, None, 0, None, "")
    return WaitingRow(
        source, label, waiting, orders, found.target_id, target, found.version, found.updated_at, found.updated_by
    )


def status_rows(connection_id: int) -> tuple[WaitingRow, ...]:
    """Every status TikTok can send, and any other that an order has; unmapped first, with the orders that wait (M4)."""
    o = shop_orders.c
    waiting = func.count().filter((o.import_state == "held") & (o.hold == "unmapped_status"))
    recent = o.ordered_at > func.now() - text("interval '30 days'")
    used = select(o.status, waiting, func.count()).where(o.connection_id == connection_id, recent).group_by(o.status)
    with reading() as conn:
        numbers = {row[0]: (int(row[1]), int(row[2])) for row in conn.execute(used)}
    mapped, names = _mapped(connection_id, ORDER_STATUS), dict(_status_names(connection_id))
    all_statuses = dict.fromkeys([*ORDER_STATUSES, *sorted(numbers), *sorted(mapped)])
    rows = []
    for status in all_statuses:
        found = mapped.get(status)
        target = names.get(found.target_id, found.target_id) if found else None
        rows.append(_waiting_row(status, status, numbers.get(status, (0, 0)), found, target))
    return tuple(sorted(rows, key=lambda row: (row.target_id is not None, -row.waiting)))


def _status_names(connection_id: int) -> list[tuple[str, str]]:
    return [(one.value, one.label) for one in status_choices(connection_id)]


def status_choices(connection_id: int) -> tuple[Choice, ...]:
    """The store's order statuses, each with what it means."""
    s = store_order_statuses.c
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    wanted = select(s.remote_id, s.name, s.kind).where(s.store_account_id == account).order_by(s.position, s.remote_id)
    with reading() as conn:
        return tuple(Choice(row.remote_id, f"{row.name} ({row.kind})") for row in conn.execute(wanted))


def shipping_rates(connection_id: int) -> tuple[str, ...] | None:
    """The names of the store's shipping rates; None while they are not known."""
    a, c = store_accounts.c, connections.c
    joined = connections.join(store_accounts, a.id == c.store_account_id)
    with reading() as conn:
        found = conn.execute(select(a.shipping_rates).select_from(joined).where(c.id == connection_id)).scalar()
    return None if found is None else tuple(found)


def _sku_statement(connection_id: int, search: str, state: str) -> Select[Any]:
    """A row a SKU that orders wait for, or that was mapped by hand."""
    o, m = shop_orders.c, mappings.c
    held = (o.connection_id == connection_id, o.import_state == "held", func.cardinality(o.missing_skus) > 0)
    each = select(func.unnest(o.missing_skus).label("sku")).where(*held).subquery()
    kept = func.regexp_replace(each.c.sku, f"^{UNNAMED_SKU}", "")
    grouped = select(kept.label("sku"), func.max(each.c.sku).label("shown"), func.count().label("waiting"))
    waits = grouped.group_by(kept).subquery()
    by_hand = select(mappings).where(m.connection_id == connection_id, m.kind == SKU).subquery()
    joined = waits.outerjoin(by_hand, by_hand.c.source_id == waits.c.sku, full=True)
    name, shown = func.coalesce(waits.c.sku, by_hand.c.source_id), func.coalesce(waits.c.shown, by_hand.c.source_id)
    label = func.coalesce(variants.c.sku, "#" + cast(variants.c.id, Text))
    is_number = by_hand.c.target_id.regexp_match("^[0-9]{1,18}$")
    target = case((is_number, by_hand.c.target_id), else_=None)
    linked = joined.outerjoin(variants, variants.c.id == cast(target, BigInteger))
    statement = select(
        name.label("source_id"),
        shown.label("shown"),
        func.coalesce(waits.c.waiting, 0).label("waiting"),
        by_hand.c.target_id,
        label.label("target_label"),
        func.coalesce(by_hand.c.version, 0).label("version"),
        by_hand.c.updated_at,
        func.coalesce(by_hand.c.updated_by, "").label("updated_by"),
    ).select_from(linked)
    if search.strip():
        statement = statement.where(func.lower(shown).like(f"%{escaped_like(search.strip().lower())}%"))
    if state:
        unmapped = by_hand.c.target_id.is_(None)
        statement = statement.where(unmapped if state == "unmapped" else ~unmapped)
    order = (by_hand.c.target_id.is_not(None), func.coalesce(waits.c.waiting, 0).desc(), name)
    return statement.order_by(*order)


def sku_rows(
    connection_id: int, *, text: str = "", state: str = "", page: int = 1
) -> tuple[tuple[WaitingRow, ...], Count]:
    """50 SKUs of the Shop without a store variant, and those mapped by hand; unmapped first with who waits."""
    statement = _sku_statement(connection_id, text, state)
    with reading() as conn:
        rows = conn.execute(page_of(statement, page)).all()
        count = count_capped(conn, statement)
        titles = _titles(conn, connection_id, [row.source_id for row in rows])
    found = []
    for row in rows:
        label = f"{row.shown} · {titles[row.source_id]}" if row.source_id in titles else row.shown
        target = None if row.target_id is None else row.target_label or row.target_id
        found.append(
            WaitingRow(
                row.source_id, label, row.waiting, row.waiting, row.target_id, target, row.version, row.updated_at,
                row.updated_by,
            )
        )  # fmt: skip
    return tuple(found), count


def unlinked_skus(connection_id: int) -> Count:
    """How many SKUs of the Shop orders wait for."""
    with reading() as conn:
        return count_capped(conn, _sku_statement(connection_id, "", "unmapped"))


def _titles(conn: Any, connection_id: int, skus: list[str]) -> dict[str, str]:
    """What a SKU is called in an order that has it."""
    line, o = shop_order_lines.c, shop_orders.c
    shown = [name for sku in skus for name in _shown(sku)]
    orders = select(o.id).where(
        o.connection_id == connection_id, o.missing_skus.overlap(shown), o.import_state == "held"
    )
    kept = func.coalesce(func.nullif(line.seller_sku, ""), line.sku_remote_id)
    named = select(kept, func.max(line.title)).where(line.order_id.in_(orders), kept.in_(skus), line.title != "")
    return dict(conn.execute(named.group_by(kept)).all()) if skus else {}


def _shown(sku: str) -> list[str]:
    """What orders may call a SKU whose mapping is kept, or that is called, so."""
    kept = sku_kept(sku)
    return [kept, sku_shown("", kept)]


def orders_waiting_for(connection_id: int, sku: str) -> int:
    """How many orders wait for one SKU."""
    o = shop_orders.c
    held = (o.connection_id == connection_id, o.import_state == "held", o.missing_skus.overlap(_shown(sku)))
    with reading() as conn:
        return int(conn.execute(select(func.count()).where(*held)).scalar_one())


def variants_named(connection_id: int, typed: str, *, most: int = 30) -> tuple[VariantChoice, ...]:
    """Variants of the store whose product's title or SKUs hold every word; an exact SKU comes first."""
    v, p = variants.c, products.c
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    clauses = [v.store_account_id == account, v.deleted_at.is_(None), p.deleted_at.is_(None)]
    clauses += [p.search_text.like(f"%{escaped_like(word)}%") for word in typed.lower().split()]
    exact = (func.lower(v.sku) == typed.strip().lower()).desc().nulls_last()
    joined = variants.join(products, p.id == v.product_id)
    wanted = select(v.id, v.sku, p.title).select_from(joined).where(*clauses).order_by(exact, p.title, v.id)
    with reading() as conn:
        rows = conn.execute(wanted.limit(most)).all()
    return tuple(VariantChoice(row.id, f"{row.sku or 'no SKU'} · {row.title}") for row in rows)


def variants_by_sku(connection_id: int, skus: Sequence[str]) -> dict[str, int]:
    """The living variant of each SKU that the store has exactly once; ``#12`` names the variant with that id."""
    v, p = variants.c, products.c
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    live = (v.store_account_id == account, v.deleted_at.is_(None), p.deleted_at.is_(None))
    joined = variants.join(products, p.id == v.product_id)
    numbers = [int(sku[1:]) for sku in skus if sku.startswith("#") and sku[1:].isdecimal() and len(sku) < 18]
    named = select(v.sku, func.min(v.id)).select_from(joined).where(*live, v.sku.in_(list(skus)))
    with reading() as conn:
        found = conn.execute(named.group_by(v.sku).having(func.count() == 1)).all()
        by_id = conn.scalars(select(v.id).select_from(joined).where(*live, v.id.in_(numbers)))
        return {str(row[0]): int(row[1]) for row in found} | {f"#{one}": one for one in by_id}


def changes_of(
    connection_id: int, kind: str, names: Mapping[str, str], sources: Mapping[str, str], *, most: int = 30
) -> tuple[HistoryRow, ...]:
    """The latest changes of a kind, newest first; ``names`` says what targets are called, ``sources`` what sources."""
    h = mapping_history.c
    columns = (h.id, h.at, h.by, h.source_id, h.before_id, h.after_id, h.before_detail, h.after_detail)
    wanted = select(*columns).where(h.connection_id == connection_id, h.kind == kind).order_by(h.id.desc()).limit(most)
    with reading() as conn:
        rows = conn.execute(wanted).all()
    return tuple(
        HistoryRow(
            row.id, row.at, row.by, sources.get(row.source_id, row.source_id),
            _said(row.before_id, row.before_detail, names), _said(row.after_id, row.after_detail, names),
        )
        for row in rows
    )  # fmt: skip


def _said(target: str | None, detail: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if target is None:
        return "not mapped"
    value = str(detail.get("text") or "") if target == "" else names.get(target, target)
    field = detail.get("field")
    if field:
        return f"{field}, else {value}" if value else str(field)
    return value or parcel_words(detail) or "deliberately none"


def field_rows(connection_id: int, fields: Mapping[str, str]) -> tuple[WaitingRow, ...]:
    """Each of ``fields`` (name: words) and the store's custom field it is copied to (M6)."""
    mapped = _mapped(connection_id, ORDER_FIELD)
    return tuple(
        _waiting_row(name, label, (0, 0), found := mapped.get(name), found.target_id if found else None)
        for name, label in fields.items()
    )


def warehouse_row(connection_id: int) -> WaitingRow:
    """The store's one location and the Shop's warehouse that it is mapped to (M9)."""
    found = _mapped(connection_id, WAREHOUSE).get(MAIN_LOCATION)
    names = {one.value: one.label for one in warehouse_choices(connection_id)}
    target = names.get(found.target_id, found.target_id) if found else None
    return _waiting_row(MAIN_LOCATION, "The store's stock", (0, 0), found, target)


def warehouse_choices(connection_id: int) -> tuple[Choice, ...]:
    """The Shop's sales warehouses, with their state where it is not the usual one."""
    w = warehouses.c
    wanted = select(w.remote_id, w.name, w.status, w.is_default).where(
        w.connection_id == connection_id, w.kind == "SALES_WAREHOUSE"
    )
    with reading() as conn:
        rows = conn.execute(wanted.order_by(w.is_default.desc(), w.name)).all()
    return tuple(
        Choice(row.remote_id, row.name + ("" if row.status == "ENABLED" else f" ({row.status.lower()})"))
        for row in rows
    )
