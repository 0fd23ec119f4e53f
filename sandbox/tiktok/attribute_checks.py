"""Rules of `product_attributes`: what the category requires and what values it takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sandbox.tiktok.answers import Refused
from sandbox.tiktok.category_rules import BATTERIES, BATTERY_TYPE, KINDS, YES, AttributeKind, rules_of
from sandbox.tiktok.text_checks import CHINESE, breaks_format

VALUE_LONGEST = 2000
POSITIVE = re.compile(r"(?=.*[1-9])\d+(\.\d+)?")


def check_attributes(category_id: str, given: list[dict[str, Any]], *, is_draft: bool) -> Iterator[Refused]:
    """Every rule these attributes break in this leaf category."""
    rules = rules_of(category_id)
    ids = [one["id"] for one in given]
    yield from (Refused(12052254, f"The attribute id {id} is duplicated.") for id, n in Counter(ids).items() if n > 1)
    for one in given:
        kind = KINDS.get(one["id"])
        if not one["id"]:
            yield Refused(12052241, "An attribute has neither a name nor an id.")
        elif kind is None or kind.sales or kind.id not in rules.attributes:
            yield Refused(12052240, f"The attribute {one['id']} is not available in this category.")
        else:
            yield from _check_values(kind, one["values"])
    if not is_draft:
        yield from _check_required(rules.required, given)


def _check_required(required: frozenset[str], given: list[dict[str, Any]]) -> Iterator[Refused]:
    filled = {one["id"]: {_value_id(one["id"], value) for value in one["values"]} for one in given if one["values"]}
    for id in sorted(required - set(filled)):
        yield Refused(12052104, f"missing product attribute ID {id}")
    has_batteries = YES in filled.get(BATTERIES, set())
    if has_batteries and BATTERY_TYPE not in filled:
        yield Refused(12052182, f"The conditional attribute {BATTERY_TYPE} is required.")
    if not has_batteries and BATTERY_TYPE in filled:
        yield Refused(12052183, f"The conditional attribute {BATTERY_TYPE} must be empty.")


def _value_id(attribute_id: str, value: dict[str, str]) -> str:
    """The value's id, given or found by its name; empty for a custom one."""
    if value.get("id"):
        return value["id"]
    known = KINDS[attribute_id].value_ids if attribute_id in KINDS else {}
    return next((id for id, name in known.items() if name == value.get("name")), "")


def _check_values(kind: AttributeKind, values: list[dict[str, str]]) -> Iterator[Refused]:
    if len(values) > 1 and not kind.many:
        yield Refused(12052246, f"The attribute {kind.name} does not take several values.")
    for key, code in (("id", 12052253), ("name", 12052251)):
        counts = Counter(value[key] for value in values if value.get(key))
        yield from (
            Refused(code, f"The value {text} of {kind.name} is duplicated.") for text, n in counts.items() if n > 1
        )
    for value in values:
        yield from _check_value(kind, value)


def _check_value(kind: AttributeKind, value: dict[str, str]) -> Iterator[Refused]:
    """An id wins over a name; a name that is one of the known values counts as that value."""
    id, name = value.get("id") or "", value.get("name") or ""
    if id:
        if id not in kind.value_ids:
            yield Refused(12052529, f"The value id {id} does not exist in {kind.name}.")
        return
    if not name:
        yield Refused(12052248, f"A value of {kind.name} has neither a name nor an id.")
        return
    if name in kind.values:
        return
    if not kind.custom:
        yield Refused(12052247, f"The attribute {kind.name} does not take custom values.")
    if len(name) > VALUE_LONGEST:
        yield Refused(12052249, f"A value of {kind.name} is too long.")
    if CHINESE.search(name):
        yield Refused(12052250, f"A value of {kind.name} contains Chinese characters.")
    if breaks_format(name):
        yield Refused(12052935, f"A value of {kind.name} does not follow the formatting rules.")
    if kind.data_format and not POSITIVE.fullmatch(name):
        yield Refused(12052256, f"The value of {kind.name} must be a positive number.")
