"""demo_attributes: what the Shop requires to know in the demo's mapped categories is answered for most of them.

The answer is the first value the Shop lists, as a person in a hurry would give; the rest wait for a person.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, Row, select

from core.db.engine import transaction
from core.db.tables import category_rules, connections, mappings
from core.domain.listing import CategoryAttribute
from core.domain.mapping import ATTRIBUTE, CATEGORY, attribute_source
from core.domain.people import Actor
from core.services.listing_context import read_attribute
from core.services.mappings import MappingChange, set_mappings

_PERCENT = 85


def is_ready(connection_id: int) -> bool:
    """Whether the rules of every mapped category have been downloaded."""
    with transaction() as connection:
        mapped = _mapped_categories(connection, connection_id)
        known = {row.category_id for row in _rules(connection, connection_id)}
    return bool(mapped) and mapped <= known


def answer_most(connection_id: int, by: Actor) -> int:
    """Answer what most mapped categories require, always or on a condition; how many answers were given."""
    with transaction() as connection:
        mapped = _mapped_categories(connection, connection_id)
        chosen = [row for row in _rules(connection, connection_id) if row.category_id in mapped and _is_chosen(row)]
        changes = [change for row in chosen for change in _answers(row)]
        return set_mappings(connection, connection_id, changes, by) if changes else 0


def _mapped_categories(connection: Connection, connection_id: int) -> set[str]:
    wanted = select(mappings.c.target_id).where(
        mappings.c.connection_id == connection_id, mappings.c.kind == CATEGORY, mappings.c.target_id != ""
    )
    return set(connection.execute(wanted).scalars())


def _rules(connection: Connection, connection_id: int) -> list[Row[tuple[str, list[dict[str, object]]]]]:
    wanted = select(category_rules.c.category_id, category_rules.c.attributes)
    mine = wanted.join(connections, connections.c.shop_id == category_rules.c.shop_id)
    return list(connection.execute(mine.where(connections.c.id == connection_id)))


def _is_chosen(row: Row[tuple[str, list[dict[str, object]]]]) -> bool:
    return hashlib.sha256(row.category_id.encode()).digest()[0] % 100 < _PERCENT


def _answers(row: Row[tuple[str, list[dict[str, object]]]]) -> list[MappingChange]:
    asked = [one for one in map(read_attribute, row.attributes) if one.kind == "PRODUCT_PROPERTY"]
    required = [one for one in asked if one.required or one.conditions]
    return [
        MappingChange(ATTRIBUTE, attribute_source(row.category_id, attribute.id), target, detail=detail)
        for attribute in required
        for target, detail in [_answer(attribute)]
    ]


def _answer(attribute: CategoryAttribute) -> tuple[str, dict[str, str]]:
    if attribute.values:
        return attribute.values[0][0], {}
    return "", {"text": "See the description"}
