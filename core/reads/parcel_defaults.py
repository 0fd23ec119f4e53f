"""The Shop's categories in use with the weight and sizes their products get where the store has none (P22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Text, case, cast, func, literal, or_, select

from core.db.tables import connections, mappings, product_states, shop_categories
from core.domain.mapping import PARCEL
from core.domain.parcels import ParcelDefaults, read_parcel
from core.reads.paging import reading

_LACKING = ("weight_missing", "size_missing")


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """``source_id`` is a category of the Shop; ``lacking`` of its ``products`` have no weight or no size that they
    need.

    ``version`` is 0 while the category has no default of its own.
    """

    source_id: str
    category: str
    products: int
    lacking: int
    default: ParcelDefaults
    version: int
    updated_by: str


def parcel_rows(connection_id: int, *, text: str = "", state: str = "") -> tuple[ParcelRow, ...]:
    """Categories that a product is in or that have a default; those where something is lacking first.

    ``state``: lacking, set or empty; ``text``: parts of the category's path.
    """
    with reading() as conn:
        found = [_row(row) for row in conn.execute(_wanted(connection_id))]
    words = text.lower().split()
    kept = [one for one in found if all(word in one.category.lower() for word in words)]
    if state == "lacking":
        kept = [one for one in kept if one.lacking]
    elif state == "set":
        kept = [one for one in kept if one.version]
    return tuple(sorted(kept, key=lambda one: (-one.lacking, -one.products, one.category)))


def lacking_products(connection_id: int) -> int:
    """How many products have no weight or no size that they need."""
    return sum(row.lacking for row in parcel_rows(connection_id))


def _wanted(connection_id: int) -> Any:
    s, c, k, m = product_states.c, connections.c, shop_categories.c, mappings.c
    lacks = case((s.problem_codes.overlap(cast(literal(list(_LACKING)), ARRAY(Text))), 1))
    used = (
        select(s.category_id, func.count().label("products"), func.count(lacks).label("lacking"))
        .where(s.connection_id == connection_id, s.category_id.is_not(None))
        .group_by(s.category_id)
        .subquery()
    )
    mine = (m.connection_id == connection_id) & (m.kind == PARCEL) & (m.source_id == k.id)
    shop = select(c.shop_id).where(c.id == connection_id).scalar_subquery()
    joined = shop_categories.outerjoin(used, used.c.category_id == k.id).outerjoin(mappings, mine)
    counts = (func.coalesce(used.c.products, 0).label("products"), func.coalesce(used.c.lacking, 0).label("lacking"))
    wanted = select(k.id, k.path, *counts, m.detail, m.version, m.updated_by).select_from(joined)
    return wanted.where(k.shop_id == shop, or_(used.c.products > 0, m.id.is_not(None)))


def _row(row: Any) -> ParcelRow:
    default = read_parcel(row.detail or {})
    return ParcelRow(row.id, row.path, row.products, row.lacking, default, row.version or 0, row.updated_by or "")
