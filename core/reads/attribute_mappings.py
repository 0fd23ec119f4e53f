"""The attributes that the Shop's categories in use ask for, and what gives each its value (M7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from core.db.tables import category_rules, connections, mappings, product_states, products, shop_categories
from core.domain.mapping import ATTRIBUTE, attribute_source
from core.reads.paging import reading


@dataclass(frozen=True, slots=True)
class AttributeRow:
    """One attribute of one category. ``field`` is the store's custom field it comes from, ``text`` a fixed value or
    the default where the field is empty.

    ``values`` are those that TikTok lists, by name, with their ids; ``version`` is 0 while nothing is mapped.
    """

    source_id: str
    category: str
    name: str
    required: bool
    free_text: bool
    products: int
    values: dict[str, str]
    text: str
    field: str
    version: int

    @property
    def mapped(self) -> bool:
        return bool(self.version)

    @property
    def states(self) -> tuple[str, ...]:
        """What it can be narrowed to by; "" is among them."""
        return "", "mapped" if self.mapped else "unmapped", *(("required",) if self.required else ())


def attribute_rows(connection_id: int, *, text: str = "", state: str = "") -> tuple[AttributeRow, ...]:
    """Product attributes of every category that a product is in; required ones without a value first.

    ``state``: required, unmapped, mapped or empty; ``text``: a part of the category's or the attribute's name.
    """
    with reading() as conn:
        rows = conn.execute(_categories(connection_id)).all()
        m = mappings.c
        wanted = select(m.source_id, m.target_id, m.detail, m.version)
        known = {
            row.source_id: row
            for row in conn.execute(wanted.where(m.connection_id == connection_id, m.kind == ATTRIBUTE))
        }
    found = [_row(row, attribute, known) for row in rows for attribute in row.attributes if _is_of_product(attribute)]
    needle = text.lower().split()
    kept = [one for one in found if all(word in f"{one.category} {one.name}".lower() for word in needle)]
    kept = [one for one in kept if state in one.states]
    return tuple(sorted(kept, key=lambda one: (one.mapped or not one.required, not one.required, -one.products)))


def unanswered(connection_id: int) -> int:
    """How many required attributes nothing gives a value to."""
    return sum(one.required and not one.mapped for one in attribute_rows(connection_id))


def custom_field_names(connection_id: int) -> tuple[str, ...]:
    """The names of custom fields that products of the store carry, from the latest 2,000 products."""
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    p = products.c
    latest = select(p.custom_fields).where(p.store_account_id == account, p.deleted_at.is_(None))
    some = latest.order_by(p.changed_at.desc()).limit(2_000).subquery()
    name = func.jsonb_object_keys(some.c.custom_fields)
    with reading() as conn:
        return tuple(sorted(set(conn.scalars(select(name)))))


def _categories(connection_id: int) -> Any:
    """The categories in use with their attributes, and how many products are in each."""
    s, c, r, k = product_states.c, connections.c, category_rules.c, shop_categories.c
    used = (
        select(s.category_id, func.count().label("products"))
        .where(s.connection_id == connection_id, s.category_id.is_not(None))
        .group_by(s.category_id)
        .subquery()
    )
    shop = select(c.shop_id).where(c.id == connection_id).scalar_subquery()
    joined = category_rules.join(used, used.c.category_id == r.category_id).join(
        shop_categories, (k.id == r.category_id) & (k.shop_id == r.shop_id)
    )
    columns = (r.category_id, k.path, r.attributes, used.c.products)
    return select(*columns).select_from(joined).where(r.shop_id == shop).order_by(used.c.products.desc(), k.path)


def _is_of_product(attribute: dict[str, Any]) -> bool:
    return bool(attribute["kind"] == "PRODUCT_PROPERTY")


def _row(row: Any, attribute: dict[str, Any], known: dict[str, Any]) -> AttributeRow:
    source = attribute_source(row.category_id, attribute["id"])
    mapping = known.get(source)
    values = {str(name): str(value_id) for value_id, name in attribute["values"]}
    by_id = {value_id: name for name, value_id in values.items()}
    detail = mapping.detail if mapping is not None else {}
    text = by_id.get(mapping.target_id, mapping.target_id) if mapping is not None and mapping.target_id else ""
    return AttributeRow(
        source,
        row.path,
        attribute["name"],
        bool(attribute["required"]),
        bool(attribute["free_text"]),
        row.products,
        values,
        text or str(detail.get("text") or ""),
        str(detail.get("field") or ""),
        mapping.version if mapping is not None else 0,
    )
