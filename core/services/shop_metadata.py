"""shop_metadata: the Shop's categories, brands and warehouses, and the rules of the categories that are used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, select, union

from core.db.bulk import upsert_rows
from core.db.engine import now, transaction
from core.db.tables import (
    category_rules,
    connections,
    mappings,
    product_states,
    shop_brands,
    shop_categories,
    warehouses,
)
from core.domain.listing import CategoryAttribute, CategoryRule, ShopBrand, ShopCategory, Warehouse
from core.domain.listing_rules import ListingRules
from core.domain.mapping import CATEGORY, DEFAULT_CATEGORY
from core.ports import Marketplace
from core.queue import defer
from core.services.listing_context import load_rules
from core.services.product_status import mark_stale

_MOST_DEPTH: Final = 12


@dataclass(frozen=True, slots=True)
class Downloaded:
    """How many there are now, and whether anything changed that products depend on."""

    categories: int
    brands: int
    warehouses: int
    rules: int
    changed: bool


def download(market: Marketplace, connection_id: int) -> Downloaded:
    """Read everything anew (M8). What the Shop no longer has is forgotten; products are judged again if it matters.

    Each part is stored when it has been read, so that trouble with one loses nothing of the others.
    """
    shop_id, before = _present(connection_id)
    found = market.warehouses()
    with transaction() as connection:
        _save_warehouses(connection, connection_id, found)
    categories = market.categories()
    with transaction() as connection:
        save_shop_categories(connection, shop_id, categories)
    brands = _download_brands(market, shop_id)
    with transaction() as connection:
        used = used_categories(connection, connection_id)
    rules = _download_rules(market, shop_id, used)
    changed = _judge_again(connection_id, before)
    return Downloaded(len(categories), brands, len(found), rules, changed)


def download_rules(market: Marketplace, connection_id: int) -> int:
    """Read the rules of used categories that are not known yet; how many. Products are judged again after."""
    shop_id, before = _present(connection_id)
    with transaction() as connection:
        known = set(connection.scalars(select(category_rules.c.category_id).where(category_rules.c.shop_id == shop_id)))
        missing = [one for one in used_categories(connection, connection_id) if one not in known]
    count = _download_rules(market, shop_id, missing)
    _judge_again(connection_id, before)
    return count


def want_rules(connection: Connection, connection_id: int) -> None:
    """Have the rules of newly used categories read soon (task ``category_rules``)."""
    defer(connection, "category_rules", once=f"category_rules:{connection_id}", connection_id=connection_id)


def used_categories(connection: Connection, connection_id: int) -> list[str]:
    """The ids of the usable leaf categories that anything of this connection points to, in order."""
    m, s = mappings.c, product_states.c
    mapped = select(m.target_id).where(m.connection_id == connection_id, m.kind.in_((CATEGORY, DEFAULT_CATEGORY)))
    own = select(s.own_category_id).where(s.connection_id == connection_id, s.own_category_id.is_not(None))
    pointed = union(mapped, own).subquery()
    c = shop_categories.c
    shop = select(connections.c.shop_id).where(connections.c.id == connection_id).scalar_subquery()
    wanted = select(c.id).where(c.shop_id == shop, c.leaf, c.id.in_(select(pointed.c[0]))).order_by(c.id)
    return list(connection.scalars(wanted))


def save_shop_categories(connection: Connection, shop_id: int, found: Sequence[ShopCategory]) -> None:
    """Store the Shop's whole category tree; categories that are no longer in it go."""
    by_id = {one.id: one for one in found}
    rows = [
        {
            "shop_id": shop_id,
            "id": one.id,
            "parent_id": one.parent_id,
            "name": one.name,
            "path": " > ".join(_names(one, by_id)),
            "leaf": one.leaf,
            "permission": one.permission,
        }
        for one in found
    ]
    upsert_rows(connection, shop_categories, rows, key=("shop_id", "id"))
    kept = shop_categories.c.id.not_in(list(by_id))
    connection.execute(delete(shop_categories).where(shop_categories.c.shop_id == shop_id, kept))


def _names(category: ShopCategory, by_id: dict[str, ShopCategory]) -> list[str]:
    """The names from the root down; a tree that runs in a circle is cut off."""
    names: list[str] = []
    here: ShopCategory | None = category
    while here is not None and len(names) < _MOST_DEPTH:
        names.append(here.name)
        here = by_id.get(here.parent_id)
    return names[::-1]


def _present(connection_id: int) -> tuple[int, ListingRules]:
    """The Shop of the connection, and the rules as they stand."""
    with transaction() as connection:
        wanted = select(connections.c.shop_id).where(connections.c.id == connection_id)
        shop_id = connection.execute(wanted).scalar_one()
        return shop_id, load_rules(connection, connection_id, also=used_categories(connection, connection_id))


def _judge_again(connection_id: int, before: ListingRules) -> bool:
    """Mark the connection's products stale when something they depend on is not as it was."""
    with transaction() as connection:
        after = load_rules(connection, connection_id, also=used_categories(connection, connection_id))
        if after == before:
            return False
        mark_stale(connection, connection_id=connection_id)
    return True


def _save_warehouses(connection: Connection, connection_id: int, found: Sequence[Warehouse]) -> None:
    rows = [
        {
            "connection_id": connection_id,
            "remote_id": one.id,
            "name": one.name,
            "kind": one.kind,
            "status": one.status,
            "is_default": one.default,
            "region": one.region,
            "updated_at": now(),
        }
        for one in found
    ]
    if rows:
        upsert_rows(connection, warehouses, rows, key=("connection_id", "remote_id"))
    c = warehouses.c
    gone = (c.connection_id == connection_id, c.remote_id.not_in([one.id for one in found]))
    connection.execute(delete(warehouses).where(*gone))


def _download_brands(market: Marketplace, shop_id: int) -> int:
    """Store the brands page by page; those not seen in this reading go at its end, when it was whole."""
    began, count = now(), 0
    for page in market.brands():
        with transaction() as connection:
            _save_brands(connection, shop_id, page, began)
        count += len(page)
    with transaction() as connection:
        old = (shop_brands.c.shop_id == shop_id, shop_brands.c.seen_at < began)
        connection.execute(delete(shop_brands).where(*old))
    return count


def _save_brands(connection: Connection, shop_id: int, page: Sequence[ShopBrand], seen_at: datetime) -> None:
    rows = [{"shop_id": shop_id, **asdict(one), "seen_at": seen_at} for one in page]
    if rows:
        upsert_rows(connection, shop_brands, rows, key=("shop_id", "id"))


def _download_rules(market: Marketplace, shop_id: int, category_ids: Collection[str]) -> int:
    """Two calls a category, each category stored when both were answered."""
    for category_id in category_ids:
        rule, attributes = market.category_rule(category_id), market.category_attributes(category_id)
        with transaction() as connection:
            save_category_rule(connection, shop_id, rule, attributes)
    return len(category_ids)


def save_category_rule(
    connection: Connection, shop_id: int, rule: CategoryRule, attributes: Iterable[CategoryAttribute]
) -> None:
    """Store what a category demands."""
    row: dict[str, Any] = {
        "shop_id": shop_id,
        "category_id": rule.category_id,
        "rule": asdict(rule),
        "attributes": [asdict(one) for one in attributes],
        "fetched_at": now(),
    }
    upsert_rows(connection, category_rules, [row], key=("shop_id", "category_id"))
