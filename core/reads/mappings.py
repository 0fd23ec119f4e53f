"""The store's categories and brands, what each is mapped to, and who mapped it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, func, select

from core.db.filters import escaped_like
from core.db.tables import (
    connections,
    mapping_history,
    mappings,
    products,
    shop_brands,
    shop_categories,
    store_brands,
    store_categories,
)
from core.domain.mapping import BRAND, CATEGORY, DEFAULT_CATEGORY
from core.reads.paging import Count, count_capped, page_of, reading
from core.reads.products import Choice

NONE_LABEL = {CATEGORY: "Deliberately none", BRAND: "No brand", DEFAULT_CATEGORY: "Deliberately none"}


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One of the store's words. ``target_id`` is None while unmapped and empty for deliberately none.

    ``version`` is 0 while unmapped; ``products`` how many products carry the word.
    """

    source_id: str
    label: str
    products: int
    target_id: str | None
    target_label: str | None
    version: int
    updated_at: datetime | None
    updated_by: str


@dataclass(frozen=True, slots=True)
class MappingPage:
    rows: tuple[MappingRow, ...]
    count: Count


@dataclass(frozen=True, slots=True)
class Unmapped:
    """How many words in use are not mapped, and how many times a product carries one of them."""

    words: int
    products: int


@dataclass(frozen=True, slots=True)
class HistoryRow:
    id: int
    at: datetime
    by: str
    source: str
    before: str
    after: str


def _account(connection_id: int) -> Any:
    return select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()


def _shop(connection_id: int) -> Any:
    return select(connections.c.shop_id).where(connections.c.id == connection_id).scalar_subquery()


def _use(connection_id: int, kind: str) -> Subquery:
    """How many live products carry each word."""
    word = func.unnest(products.c.category_ids) if kind == CATEGORY else products.c.brand_id
    live = (products.c.store_account_id == _account(connection_id), products.c.deleted_at.is_(None))
    return select(word.label("word"), func.count().label("number")).where(*live).group_by("word").subquery()


def _source(connection_id: int, kind: str) -> tuple[FromClause, ColumnElement[str], ColumnElement[str]]:
    """The table of the store's words, their ids and their labels."""
    if kind == CATEGORY:
        return store_categories, store_categories.c.remote_id, store_categories.c.path
    return store_brands, store_brands.c.remote_id, store_brands.c.title


def _target_label(connection_id: int, kind: str, target: ColumnElement[Any]) -> ColumnElement[Any]:
    table, label = (shop_brands, shop_brands.c.name) if kind == BRAND else (shop_categories, shop_categories.c.path)
    same = (table.c.shop_id == _shop(connection_id), table.c.id == target)
    return select(label).where(*same).scalar_subquery()


def _rows(connection_id: int, kind: str) -> tuple[Select[Any], ColumnElement[Any], ColumnElement[Any]]:
    """The rows of a kind, unmapped and most used first, with the columns they are narrowed by: products and target."""
    table, source_id, label = _source(connection_id, kind)
    use, m = _use(connection_id, kind), mappings.c
    mine = (m.connection_id == connection_id) & (m.kind == kind) & (m.source_id == source_id)
    number = func.coalesce(use.c.number, 0)
    joined = table.outerjoin(mappings, mine).outerjoin(use, use.c.word == source_id)
    statement = (
        select(
            source_id.label("source_id"),
            label.label("label"),
            number.label("products"),
            m.target_id,
            _target_label(connection_id, kind, m.target_id).label("target_label"),
            func.coalesce(m.version, 0).label("version"),
            m.updated_at,
            func.coalesce(m.updated_by, "").label("updated_by"),
        )
        .select_from(joined)
        .where(table.c.store_account_id == _account(connection_id))
        .order_by(m.target_id.is_not(None), number.desc(), label, source_id)
    )
    return statement, number, m.target_id


def mappings_page(connection_id: int, kind: str, *, text: str = "", state: str = "", page: int = 1) -> MappingPage:
    """50 of the store's words, unmapped and most used first. ``kind``: category or brand.

    ``state`` is "unmapped", "mapped" or empty; ``text`` a part of the store's word.
    """
    statement, _, target = _rows(connection_id, kind)
    _, _, label = _source(connection_id, kind)
    for word in text.lower().split():
        statement = statement.where(func.lower(label).like(f"%{escaped_like(word)}%"))
    if state:
        statement = statement.where(target.is_(None) if state == "unmapped" else target.is_not(None))
    with reading() as connection:
        rows = connection.execute(page_of(statement, page)).all()
        return MappingPage(tuple(_row(kind, row) for row in rows), count_capped(connection, statement))


def every_mapping(connection_id: int, kind: str) -> tuple[MappingRow, ...]:
    """All of the store's words, in the order of the pages: for a file, which must not leave any out."""
    statement, _, _ = _rows(connection_id, kind)
    with reading() as connection:
        return tuple(_row(kind, row) for row in connection.execute(statement))


def _row(kind: str, row: Any) -> MappingRow:
    label = NONE_LABEL[kind] if row.target_id == "" else row.target_label or row.target_id
    return MappingRow(
        row.source_id, row.label, row.products, row.target_id, label, row.version, row.updated_at, row.updated_by
    )


def unmapped(connection_id: int, kind: str) -> Unmapped:
    """Of the words that a live product carries."""
    statement, number, target = _rows(connection_id, kind)
    waiting = statement.where(target.is_(None), number > 0).order_by(None).subquery()
    with reading() as connection:
        found = connection.execute(select(func.count(), func.coalesce(func.sum(waiting.c.products), 0))).one()
        return Unmapped(int(found[0]), int(found[1]))


def default_category(connection_id: int) -> MappingRow:
    """The category of products that nothing else points to one for."""
    m = mappings.c
    label = _target_label(connection_id, DEFAULT_CATEGORY, m.target_id)
    wanted = select(m.target_id, label, m.version, m.updated_at, m.updated_by)
    with reading() as connection:
        which = (m.connection_id == connection_id, m.kind == DEFAULT_CATEGORY, m.source_id == "")
        found = connection.execute(wanted.where(*which)).first()
    if found is None:
        return MappingRow("", "Default category", 0, None, None, 0, None, "")
    return MappingRow("", "Default category", 0, found[0], found[1] or found[0], *found[2:])


def target_choices(connection_id: int, kind: str, *, text: str = "", most: int = 4_000) -> tuple[Choice, ...]:
    """What a word can be mapped to: the Shop's leaf categories, or its authorised brands whose name holds ``text``."""
    if kind == BRAND:
        b = shop_brands.c
        statement = select(b.id, b.name).where(b.shop_id == _shop(connection_id), b.authorised)
        for word in text.lower().split():
            statement = statement.where(func.lower(b.name).like(f"%{escaped_like(word)}%"))
        statement = statement.order_by(func.lower(b.name), b.id)
    else:
        c = shop_categories.c
        statement = select(c.id, c.path).where(c.shop_id == _shop(connection_id), c.leaf).order_by(c.path, c.id)
    with reading() as connection:
        return tuple(Choice(*row) for row in connection.execute(statement.limit(most)))


def mapped_targets(connection_id: int, kind: str) -> tuple[Choice, ...]:
    """What words are mapped to now, whether or not it could be chosen again."""
    m = mappings.c
    label = func.coalesce(_target_label(connection_id, kind, m.target_id), m.target_id)
    which = (m.connection_id == connection_id, m.kind == kind, m.target_id != "")
    with reading() as connection:
        return tuple(Choice(*row) for row in connection.execute(select(m.target_id, label).where(*which).distinct()))


def brands_named(connection_id: int, names: tuple[str, ...]) -> dict[str, Choice]:
    """Authorised brands of the Shop by lower-case name, for those of ``names`` it has."""
    b = shop_brands.c
    lowered = [name.lower() for name in names]
    which = (b.shop_id == _shop(connection_id), b.authorised, func.lower(b.name).in_(lowered))
    with reading() as connection:
        rows = connection.execute(select(b.id, b.name).where(*which).order_by(b.id.desc()))
        return {name.lower(): Choice(brand_id, name) for brand_id, name in rows}


def history(connection_id: int, kind: str, *, most: int = 30) -> tuple[HistoryRow, ...]:
    """The latest changes of a kind (and of the default category, with the categories), newest first."""
    h = mapping_history.c
    table, source_id, label = _source(connection_id, kind)
    named = (
        select(label).where(table.c.store_account_id == _account(connection_id), source_id == h.source_id)
    ).scalar_subquery()
    kinds = [kind, DEFAULT_CATEGORY] if kind == CATEGORY else [kind]
    columns = (
        h.id,
        h.at,
        h.by,
        func.coalesce(named, h.source_id),
        h.before_id,
        _target_label(connection_id, kind, h.before_id),
        h.after_id,
        _target_label(connection_id, kind, h.after_id),
    )
    wanted = select(*columns).where(h.connection_id == connection_id, h.kind.in_(kinds))
    with reading() as connection:
        rows = connection.execute(wanted.order_by(h.id.desc()).limit(most)).all()
    return tuple(
        HistoryRow(
            row[0], row[1], row[2], row[3] or "Default category", _said(kind, row[4], row[5]), _said(kind, *row[6:])
        )
        for row in rows
    )


def _said(kind: str, target_id: str | None, label: str | None) -> str:
    if target_id is None:
        return "not mapped"
    return NONE_LABEL[kind] if target_id == "" else label or target_id
