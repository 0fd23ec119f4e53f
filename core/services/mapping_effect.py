"""mapping effect: what saving mappings would do to the products, before it is done (M10, P21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, func, literal_column, select

from core.db.catalogue import load_products
from core.db.tables import product_states
from core.domain.counting import counted
from core.domain.listing import CategoryRule
from core.domain.listing_rules import ListingRules
from core.domain.mapping import ATTRIBUTE, BRAND, CATEGORY, DEFAULT_CATEGORY, PARCEL
from core.domain.parcels import read_parcel
from core.domain.readiness import Assessment, assess
from core.services.listing_context import Mapped, attribute_rule, load_contexts, load_mapped, load_rules
from core.services.mappings import MappingChange, affected_products

MOST_JUDGED: Final = 2_000


@dataclass(frozen=True, slots=True)
class MappingEffect:
    """``products`` are concerned, ``judged`` of them were looked at: all, or an even sample when there are too many.

    The counts are of those looked at. ``rules_unread`` are categories whose demands are read only after saving, so
    that a product may still turn out not to be ready.
    """

    products: int
    judged: int
    become_ready: int
    stop_being_ready: int
    gain_category: int
    lose_category: int
    rules_unread: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        return self.judged == self.products

    def sentence(self) -> str:
        """The effect in words, such as “88 become ready, 4 lose their category.”"""
        parts = [
            (self.become_ready, "becomes ready", "become ready"),
            (self.stop_being_ready, "is no longer ready", "are no longer ready"),
            (self.gain_category, "gets a category", "get a category"),
            (self.lose_category, "loses its category", "lose their category"),
        ]
        said = [counted(count, one, many) for count, one, many in parts if count]
        start = f"Of {self.judged:,} of the {self.products:,} products concerned, " if not self.exact else ""
        text = start + (", ".join(said) if said else "no product changes its state")
        rest = " What the new category demands is read after saving." if self.rules_unread else ""
        return f"{text[:1].upper()}{text[1:]}.{rest}"


@dataclass(frozen=True, slots=True)
class _Standing:
    ready: bool
    category: bool


def preview_mappings(
    connection: Connection, connection_id: int, changes: Sequence[MappingChange], *, most: int = MOST_JUDGED
) -> MappingEffect:
    """Judge the products concerned as they would be, without changing anything."""
    concerned = affected_products(connection_id, changes).subquery()
    total = int(connection.execute(select(func.count()).select_from(concerned)).scalar_one())
    # An even sample that is the same each time: in the order of a hash of the id.
    some = select(concerned.c[0]).order_by(literal_column("md5(id::text)")).limit(most)
    ids = sorted(connection.scalars(some))
    mapped = _changed(load_mapped(connection, connection_id), changes)
    rules = load_rules(connection, connection_id, also=_own_categories(connection, connection_id, ids), mapped=mapped)
    rules, unread = _as_if_read(rules)
    now, then = _standing_now(connection, connection_id, ids), _judged(connection, connection_id, ids, rules)
    pairs = [(now[one], then[one]) for one in ids if one in now and one in then]
    return MappingEffect(
        products=total,
        judged=len(ids),
        become_ready=sum(not before.ready and after.ready for before, after in pairs),
        stop_being_ready=sum(before.ready and not after.ready for before, after in pairs),
        gain_category=sum(not before.category and after.category for before, after in pairs),
        lose_category=sum(before.category and not after.category for before, after in pairs),
        rules_unread=unread,
    )


def _changed(mapped: Mapped, changes: Sequence[MappingChange]) -> Mapped:
    categories, brands, attributes = dict(mapped.categories), dict(mapped.brands), dict(mapped.attributes)
    default, parcels = mapped.default_category, dict(mapped.parcels)
    for change in changes:
        if change.kind == DEFAULT_CATEGORY:
            default = change.target_id or None
        elif change.kind == ATTRIBUTE and change.target_id is not None:
            attributes[change.source_id] = attribute_rule(change.target_id, change.detail)
        elif change.kind == ATTRIBUTE:
            attributes.pop(change.source_id, None)
        elif change.kind == PARCEL and change.target_id is not None:
            parcels[change.source_id] = read_parcel(change.detail)
        elif change.kind == PARCEL:
            parcels.pop(change.source_id, None)
        else:
            _put({CATEGORY: categories, BRAND: brands}[change.kind], change)
    return Mapped(categories, brands, default, attributes, parcels)


def _put(into: dict[str, str], change: MappingChange) -> None:
    if change.target_id is None:
        into.pop(change.source_id, None)
    else:
        into[change.source_id] = change.target_id


def _own_categories(connection: Connection, connection_id: int, ids: Sequence[int]) -> set[str]:
    c = product_states.c
    ours = (c.connection_id == connection_id, c.product_id == func.any(list(ids)))
    return set(connection.scalars(select(c.own_category_id).where(*ours, c.own_category_id.is_not(None))))


def _as_if_read(rules: ListingRules) -> tuple[ListingRules, tuple[str, ...]]:
    """Categories whose rules are not known count as demanding nothing; their paths."""
    unread = {one for one, info in rules.categories.items() if info.leaf and one not in rules.category_rules}
    assumed: Mapping[str, CategoryRule] = {one: CategoryRule(one, False, False) for one in unread}
    paths = tuple(sorted(rules.categories[one].path for one in unread))
    return replace(rules, category_rules={**rules.category_rules, **assumed}), paths


def _standing_now(connection: Connection, connection_id: int, ids: Sequence[int]) -> dict[int, _Standing]:
    """How products stand, as last judged; those that wait for it are judged here."""
    c = product_states.c
    ours = (c.connection_id == connection_id, c.product_id == func.any(list(ids)))
    rows = connection.execute(select(c.product_id, c.assessed_hash, c.problems, c.category_id).where(*ours)).all()
    waiting = [row.product_id for row in rows if row.assessed_hash is None]
    also = _own_categories(connection, connection_id, waiting)
    rules = load_rules(connection, connection_id, also=also)
    judged = _judged(connection, connection_id, waiting, rules) if waiting else {}
    known = {
        row.product_id: _Standing(all(one["severity"] != "error" for one in row.problems), row.category_id is not None)
        for row in rows
        if row.assessed_hash is not None
    }
    return known | judged


def _judged(
    connection: Connection, connection_id: int, ids: Sequence[int], rules: ListingRules
) -> dict[int, _Standing]:
    standing: dict[int, _Standing] = {}
    for start in range(0, len(ids), 500):
        stored = load_products(connection, ids[start : start + 500])
        contexts = load_contexts(connection, connection_id, rules, stored).contexts
        standing |= {one: _standing(assess(stored[one].product, context)) for one, context in contexts.items()}
    return standing


def _standing(assessment: Assessment) -> _Standing:
    return _Standing(assessment.ready, assessment.category_id is not None)
