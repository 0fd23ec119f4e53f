"""The rows of the Products page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, cast, exists, func, select

from core.db.filters import content_clauses, not_deleted, product_clauses, state_clauses
from core.db.tables import (
    connections,
    listings,
    product_states,
    products,
    shop_categories,
    short_links,
    store_brands,
    store_categories,
    variants,
)
from core.domain.filters import ProductFilter, pasted_list
from core.domain.statuses import PRODUCT_TABS
from core.reads.paging import COUNT_CAP, Count, count_capped, page_of, reading

SORTS: dict[str, ColumnElement[Any]] = {
    "changed": product_states.c.changed_at,
    "name": products.c.title,
    "price": products.c.price,
    "stock": products.c.stock,
    "status": product_states.c.status,
}


@dataclass(frozen=True, slots=True)
class ProductRow:
    """``price`` is the lowest of its variants in ``currency``; ``category`` the Shop's path of names."""

    id: int
    title: str
    sku: str | None
    variant_count: int
    price: float | None
    stock: int | None
    status: str
    status_sentence: str
    sync: str
    first_problem: str
    problem_count: int
    category: str | None
    category_source: str | None
    short_code: str | None
    changed_at: datetime
    url: str
    has_picture: bool
    sell: bool
    listing_remote_id: str | None


@dataclass(frozen=True, slots=True)
class ProductPage:
    rows: tuple[ProductRow, ...]
    count: Count
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """A value a filter can take, with the word to show for it."""

    value: str
    label: str


def _joined(connection_id: int, wanted: ProductFilter) -> Select[Any]:
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    source = product_states.join(products, products.c.id == product_states.c.product_id)
    clauses = product_clauses(connection_id, wanted)
    return select(products.c.id).select_from(source).where(*clauses, products.c.store_account_id == account)


def _counted(connection_id: int, wanted: ProductFilter) -> Select[Any]:
    """What to count: without ``products`` where the filter says nothing about them, which is many times faster."""
    if content_clauses(wanted):
        return _joined(connection_id, wanted)
    clauses = state_clauses(connection_id, wanted)
    return select(product_states.c.product_id).where(*clauses, not_deleted(connection_id))


def _listing_column(column: ColumnElement[str | None]) -> ColumnElement[str | None]:
    """Of the product's live listing, the newest where it has several (one per variant)."""
    live = (
        listings.c.connection_id == product_states.c.connection_id,
        listings.c.product_id == product_states.c.product_id,
        listings.c.ended_at.is_(None),
    )
    return select(column).where(*live).order_by(listings.c.id.desc()).limit(1).scalar_subquery()


def _category_path(connection_id: int) -> ColumnElement[str | None]:
    shop = select(connections.c.shop_id).where(connections.c.id == connection_id).scalar_subquery()
    same = (shop_categories.c.shop_id == shop, shop_categories.c.id == product_states.c.category_id)
    return select(shop_categories.c.path).where(*same).scalar_subquery()


def _columns(connection_id: int) -> tuple[ColumnElement[Any], ...]:
    p, s = products.c, product_states.c
    code = select(short_links.c.code).where(short_links.c.product_id == p.id).scalar_subquery()
    return (
        p.id,
        p.title,
        p.sku,
        p.variant_count,
        cast(p.price, Float),
        p.stock,
        s.status,
        s.status_sentence,
        s.sync,
        s.first_problem,
        func.coalesce(func.cardinality(s.problem_codes), 0),
        _category_path(connection_id),
        s.category_source,
        code,
        s.changed_at,
        p.url,
        func.jsonb_array_length(p.pictures) > 0,
        s.sell,
        _listing_column(listings.c.remote_id),
    )


def _order(sort: str, descending: bool) -> tuple[ColumnElement[Any], ...]:
    """Each order is one that an index has, forwards or backwards; a product without a price is the dearest."""
    column, tie = SORTS.get(sort, SORTS["changed"]), product_states.c.product_id
    if sort == "status":
        return column.asc(), product_states.c.changed_at.desc(), tie.desc()
    return (column.desc(), tie.desc()) if descending else (column.asc(), tie.asc())


def products_page(
    connection_id: int, wanted: ProductFilter, *, sort: str = "changed", descending: bool = True, page: int = 1
) -> ProductPage:
    """50 products that match, in a stable order. ``sort`` is a key of ``SORTS``; an unknown one is "changed"."""
    matching = _joined(connection_id, wanted)
    rows = page_of(matching.with_only_columns(*_columns(connection_id)).order_by(*_order(sort, descending)), page)
    with reading() as connection:
        count = count_capped(connection, _counted(connection_id, wanted))
        found = tuple(ProductRow(*row) for row in connection.execute(rows))
        return ProductPage(found, count, connection.execute(select(func.now())).scalar_one())


def tab_counts(connection_id: int, wanted: ProductFilter) -> dict[str, Count]:
    """How many match under each tab of the page; "" is all of them. The filter's own tab does not matter."""
    if content_clauses(wanted):
        return _counts_by_status(connection_id, wanted)
    with reading() as connection:
        return {
            tab: count_capped(connection, _counted(connection_id, replace(wanted, tab=tab)))
            for tab in ("", *PRODUCT_TABS)
        }


def _counts_by_status(connection_id: int, wanted: ProductFilter) -> dict[str, Count]:
    """One look at the rows instead of one for each tab: finding words is what takes the time."""
    matching = _joined(connection_id, replace(wanted, tab="")).with_only_columns(product_states.c.status)
    some = matching.limit(COUNT_CAP + 1).subquery()
    with reading() as connection:
        rows = connection.execute(select(some.c.status, func.count()).group_by(some.c.status))
        found = {str(status): int(number) for status, number in rows}
    total = sum(found.values())
    capped = total > COUNT_CAP
    tabs = {tab: Count(sum(found.get(one, 0) for one in words), capped) for tab, words in PRODUCT_TABS.items()}
    return {"": Count(min(total, COUNT_CAP), capped), **tabs}


def missing_skus(connection_id: int, text: str) -> tuple[str, ...]:
    """Those of a pasted list of SKUs that no product of the store has; empty when ``text`` is no list."""
    wanted = pasted_list(text)
    if not wanted:
        return ()
    joined = variants.join(connections, connections.c.store_account_id == variants.c.store_account_id)
    statement = (
        select(variants.c.sku)
        .select_from(joined)
        .where(connections.c.id == connection_id, variants.c.deleted_at.is_(None), variants.c.sku.in_(wanted))
    )
    with reading() as connection:
        found = set(connection.scalars(statement))
    return tuple(dict.fromkeys(sku for sku in wanted if sku not in found))


def category_choices(connection_id: int) -> tuple[Choice, ...]:
    """The store's own categories."""
    c = store_categories.c
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    statement = select(c.remote_id, c.path).where(c.store_account_id == account).order_by(c.path)
    with reading() as connection:
        return tuple(Choice(*row) for row in connection.execute(statement))


def brand_choices(connection_id: int) -> tuple[Choice, ...]:
    """The store's own brands."""
    b = store_brands.c
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    statement = select(b.remote_id, b.title).where(b.store_account_id == account).order_by(b.title)
    with reading() as connection:
        return tuple(Choice(*row) for row in connection.execute(statement))


def problem_choices(connection_id: int) -> tuple[Choice, ...]:
    """The kinds of problems that some product has now, each by the words of its code."""
    code = func.unnest(product_states.c.problem_codes).label("code")
    codes = select(code).where(product_states.c.connection_id == connection_id).distinct().subquery()
    with reading() as connection:
        found = connection.scalars(select(codes.c.code).order_by(codes.c.code))
        return tuple(Choice(name, name.replace("_", " ").capitalize()) for name in found)


def picture_url(product_id: int) -> str | None:
    """The store's address of the first picture of a product; None without one or without the product."""
    statement = select(products.c.pictures[0]["url"].astext).where(products.c.id == product_id)
    with reading() as connection:
        return connection.scalar(statement)


def unsent_and_ready(connection_id: int) -> bool:
    """Whether something could be sent now that is not in the Shop."""
    ready = exists().where(product_states.c.connection_id == connection_id, product_states.c.status == "ready")
    with reading() as connection:
        return bool(connection.scalar(select(ready)))
