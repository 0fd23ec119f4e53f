"""mappings: the store's words to the Shop's, changed by people: checked, recorded, undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import transaction
from core.db.tables import (
    connections,
    mapping_history,
    mappings,
    product_states,
    products,
    shop_brands,
    store_categories,
    warehouses,
)
from core.domain.mapping import (
    ANY_CATEGORY,
    ATTRIBUTE,
    BRAND,
    CATEGORY,
    DEFAULT_CATEGORY,
    KINDS,
    PARCEL,
    SKU,
    MappingConflict,
    MappingRefused,
    refusal_of,
    sku_kept,
)
from core.domain.parcels import parcel_refusal
from core.domain.people import Actor
from core.domain.plaintext import quoted
from core.domain.stock import MAIN_LOCATION, WAREHOUSE
from core.ports import Marketplace
from core.services import audit
from core.services.listing_context import load_categories
from core.services.order_mappings import check_order_mappings, order_mappings_changed
from core.services.price_stock_queue import queue_all, queue_move
from core.services.product_status import mark_stale
from core.services.shop_metadata import want_rules

_SAMPLE_TITLES: Final = 3
_NEVER: Final = ("category_unknown", "category_not_leaf")


@dataclass(frozen=True, slots=True)
class MappingChange:
    """One mapping as it shall be. ``target_id`` None removes it, empty means deliberately none.

    ``kind``: category and brand (``source_id`` is the store's id), default_category (``source_id`` empty), attribute
    (``source_id`` from ``domain.mapping.attribute_source``; ``target_id`` a listed value, or empty with ``text`` in
    ``detail``, where also the ``field`` is), parcel (``source_id`` is the Shop's category, ``target_id`` empty, weight
    and sizes in ``detail`` as ``domain.parcels`` has them). ``version`` is the one the person saw, 0 for none, None
    when it does not matter.
    """

    kind: str
    source_id: str
    target_id: str | None
    version: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.source_id


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A category the Shop recommends; ``refusal`` says why it cannot be used, or is empty."""

    category_id: str
    path: str
    refusal: str = ""


def set_mappings(connection: Connection, connection_id: int, changes: Sequence[MappingChange], by: Actor) -> int:
    """Save all of them or none; how many really changed. The products concerned are judged again.

    Raises ``MappingRefused`` naming the mapping that cannot be, ``MappingConflict`` when somebody was quicker.
    """
    wanted = _each_once(changes)
    _check_targets(connection, connection_id, wanted)
    present = _present(connection, connection_id, wanted)
    for change in wanted:
        _check_version(change, present.get(change.key))
    real = [change for change in wanted if _differs(change, present.get(change.key))]
    if not real:
        return 0
    _write(connection, connection_id, real, by)
    _record(connection, connection_id, real, present, by)
    _judge_again(connection, connection_id, real)
    _move_stock(connection, connection_id, real, present)
    return len(real)


def set_mapping(connection: Connection, connection_id: int, change: MappingChange, by: Actor) -> bool:
    """Save one; whether it changed anything. Raises like ``set_mappings``."""
    return set_mappings(connection, connection_id, [change], by) == 1


def set_default_category(connection: Connection, connection_id: int, category_id: str | None, by: Actor) -> bool:
    """The category of products that nothing else points to one for (M1); None takes it away."""
    return set_mapping(connection, connection_id, MappingChange(DEFAULT_CATEGORY, "", category_id), by)


def require_leaf(connection: Connection, connection_id: int, category_id: str) -> None:
    """Raises ``MappingRefused`` for a category that no product can have: unknown, or not the last of its branch."""
    known = load_categories(connection, _shop_id(connection, connection_id), [category_id])
    refusal = refusal_of(category_id, known)
    if refusal and refusal[0] in _NEVER:
        raise MappingRefused(f"{refusal[1]} {refusal[2]}")


def undo(connection: Connection, connection_id: int, history_id: int, by: Actor) -> None:
    """Put one mapping back to what it was before a recorded change; recorded as a change of its own.

    Raises ``MappingConflict`` when it has been changed again since, ``MappingRefused`` when it cannot be put back.
    """
    h = mapping_history.c
    found = select(mapping_history).where(h.id == history_id, h.connection_id == connection_id)
    row = connection.execute(found).one_or_none()
    if row is None:
        raise MappingRefused("This change is no longer on record and cannot be undone.")
    change = MappingChange(row.kind, row.source_id, row.before_id, detail=row.before_detail)
    present = _present(connection, connection_id, [change]).get(change.key)
    if (present.target_id if present else None) != row.after_id or (present and present.detail != row.after_detail):
        raise MappingConflict("This mapping has been changed again since: undo the newer change first.")
    set_mappings(connection, connection_id, [change], by)


def affected_products(connection_id: int, changes: Iterable[MappingChange]) -> Any:
    """A SELECT of the ids of the products of a connection that these changes concern."""
    p, s = products.c, product_states.c
    joined = product_states.join(products, p.id == s.product_id)
    ours = (s.connection_id == connection_id, p.deleted_at.is_(None), or_(*_concerned(list(changes))))
    return select(p.id).select_from(joined).where(*ours)


def recommend_category(market: Marketplace, connection_id: int, title: str) -> Recommendation | None:
    """What the Shop recommends for a product with this title, or None."""
    category_id = market.recommend_category(title)
    if category_id is None:
        return None
    with transaction() as connection:
        known = load_categories(connection, _shop_id(connection, connection_id), [category_id])
    refusal = refusal_of(category_id, known)
    path = known[category_id].path if category_id in known else category_id
    return Recommendation(category_id, path, refusal[1] if refusal else "")


def recommend_for(market: Marketplace, connection_id: int, store_category_id: str) -> Recommendation | None:
    """What the Shop recommends for a store category: the most frequent answer for a few of its products."""
    with transaction() as connection:
        titles = _titles_of(connection, connection_id, store_category_id)
    answers = [answer for title in titles if (answer := recommend_category(market, connection_id, title))]
    usable = [answer for answer in answers if not answer.refusal] or answers
    return max(usable, key=usable.count, default=None)


def _titles_of(connection: Connection, connection_id: int, store_category_id: str) -> list[str]:
    """Titles of a few products of the category; without products, its own name."""
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    p, c = products.c, store_categories.c
    within = (p.store_account_id == account, p.deleted_at.is_(None), p.category_ids.contains([store_category_id]))
    titles = list(connection.scalars(select(p.title).where(*within).order_by(p.id).limit(_SAMPLE_TITLES)))
    its_own = select(c.title).where(c.store_account_id == account, c.remote_id == store_category_id)
    return titles or list(connection.scalars(its_own))


def _each_once(changes: Sequence[MappingChange]) -> list[MappingChange]:
    """In a fixed order, so that two people saving at once cannot deadlock. Raises for a mapping named twice."""
    named = [replace(one, source_id=sku_kept(one.source_id)) if one.kind == SKU else one for one in changes]
    by_key = {change.key: change for change in named}
    if len(by_key) != len(changes):
        raise MappingRefused("The same mapping is changed twice here: keep one of the two.")
    unknown = next((change.kind for change in changes if change.kind not in KINDS), None)
    if unknown is not None:
        raise MappingRefused(f"There is no kind of mapping named {unknown!r}.")
    return [by_key[key] for key in sorted(by_key)]


def _check_targets(connection: Connection, connection_id: int, changes: Sequence[MappingChange]) -> None:
    shop_id = _shop_id(connection, connection_id)
    targets = {change.target_id for change in changes if change.kind in (CATEGORY, DEFAULT_CATEGORY)}
    known = load_categories(connection, shop_id, [one for one in targets if one])
    brands = [change.target_id for change in changes if change.kind == BRAND and change.target_id]
    b = shop_brands.c
    listed = set(connection.scalars(select(b.id).where(b.shop_id == shop_id, b.id == func.any(brands))))
    for change in changes:
        if change.kind in (CATEGORY, DEFAULT_CATEGORY) and change.target_id:
            refusal = refusal_of(change.target_id, known)
            if refusal and refusal[0] in _NEVER:
                raise MappingRefused(f"{refusal[1]} {refusal[2]}")
        if change.kind == BRAND and change.target_id and change.target_id not in listed:
            raise MappingRefused(
                f"The TikTok brand {change.target_id} is not in the Shop's list: read the brands again."
            )
    _check_parcels(connection, connection_id, changes)
    check_order_mappings(connection, connection_id, changes)
    _check_warehouses(connection, connection_id, changes)


def _check_parcels(connection: Connection, connection_id: int, changes: Sequence[MappingChange]) -> None:
    """Default weights and sizes belong to a category that products can be in."""
    for change in changes:
        if change.kind == PARCEL and change.target_id is not None:
            require_leaf(connection, connection_id, change.source_id)
            refusal = parcel_refusal(change.detail)
            if refusal:
                raise MappingRefused(refusal)


def _check_warehouses(connection: Connection, connection_id: int, changes: Sequence[MappingChange]) -> None:
    """The store's one location goes to a sales warehouse of the Shop, or on purpose to none (M9)."""
    w = warehouses.c
    known = select(w.remote_id).where(w.connection_id == connection_id, w.kind == "SALES_WAREHOUSE")
    for change in changes:
        if change.kind != WAREHOUSE:
            continue
        if change.source_id != MAIN_LOCATION:
            raise MappingRefused(f"The store has no stock location {quoted(change.source_id)}.")
        if change.target_id and change.target_id not in set(connection.scalars(known)):
            raise MappingRefused(f"The Shop has no sales warehouse {change.target_id}: read its warehouses again.")


def _shop_id(connection: Connection, connection_id: int) -> int:
    wanted = select(connections.c.shop_id).where(connections.c.id == connection_id)
    return int(connection.execute(wanted).scalar_one())


def _present(
    connection: Connection, connection_id: int, changes: Sequence[MappingChange]
) -> dict[tuple[str, str], Row[Any]]:
    """The mappings as they stand, locked; the connection's row is locked too, for those that do not exist yet."""
    connection.execute(select(connections.c.id).where(connections.c.id == connection_id).with_for_update())
    m = mappings.c
    sources = [change.source_id for change in changes]
    wanted = select(mappings).where(m.connection_id == connection_id, m.source_id == func.any(sources))
    return {(row.kind, row.source_id): row for row in connection.execute(wanted.with_for_update())}


def _check_version(change: MappingChange, present: Row[Any] | None) -> None:
    if change.version is None or change.version == (present.version if present else 0):
        return
    who = f" by {present.updated_by}" if present and present.updated_by else ""
    name = f"{change.kind.replace('_', ' ')} {quoted(change.source_id)}" if change.source_id else "default category"
    raise MappingConflict(f"The mapping of {name} was changed{who} meanwhile: look at it again, then save.")


def _differs(change: MappingChange, present: Row[Any] | None) -> bool:
    if present is None:
        return change.target_id is not None
    return bool(change.target_id != present.target_id or dict(change.detail) != present.detail)


def _write(connection: Connection, connection_id: int, changes: Sequence[MappingChange], by: Actor) -> None:
    m = mappings.c
    for kind in KINDS:
        gone = [change.source_id for change in changes if change.kind == kind and change.target_id is None]
        ours = (m.connection_id == connection_id, m.kind == kind, m.source_id == func.any(gone))
        if gone:
            connection.execute(mappings.delete().where(*ours))
    kept = [change for change in changes if change.target_id is not None]
    if not kept:
        return
    row = insert(mappings)
    again = {name: row.excluded[name] for name in ("target_id", "detail", "updated_by")}
    saved = row.on_conflict_do_update(
        index_elements=["connection_id", "kind", "source_id"],
        set_=again | {"version": m.version + 1, "updated_at": func.now()},
    )
    rows = [
        {
            "connection_id": connection_id,
            "kind": change.kind,
            "source_id": change.source_id,
            "target_id": change.target_id,
            "detail": dict(change.detail),
            "updated_by": by.login,
        }
        for change in kept
    ]
    connection.execute(saved, rows)


def _record(
    connection: Connection,
    connection_id: int,
    changes: Sequence[MappingChange],
    present: Mapping[tuple[str, str], Row[Any]],
    by: Actor,
) -> None:
    rows = []
    for change in changes:
        before = present.get(change.key)
        rows.append(
            {
                "connection_id": connection_id,
                "kind": change.kind,
                "source_id": change.source_id,
                "before_id": before.target_id if before else None,
                "before_detail": before.detail if before else {},
                "after_id": change.target_id,
                "after_detail": dict(change.detail) if change.target_id is not None else {},
                "by": by.login,
            }
        )
    connection.execute(insert(mapping_history), rows)
    kinds = sorted({change.kind for change in changes})
    detail = {"kinds": kinds, "changes": len(changes)}
    audit.record(connection, user=by, action="set_mappings", connection_id=connection_id, detail=detail)


def _judge_again(connection: Connection, connection_id: int, changes: Sequence[MappingChange]) -> None:
    if any(change.kind in (CATEGORY, DEFAULT_CATEGORY) for change in changes):
        want_rules(connection, connection_id)
    order_mappings_changed(connection, connection_id, changes)
    ids = sorted(connection.scalars(affected_products(connection_id, changes)))
    if ids:
        mark_stale(connection, connection_id=connection_id, product_ids=ids)


def _move_stock(
    connection: Connection,
    connection_id: int,
    changes: Sequence[MappingChange],
    present: Mapping[tuple[str, str], Row[Any]],
) -> None:
    """The stock goes to another warehouse; the one it was in is emptied, unless that was none on purpose."""
    for change in changes:
        before = present.get(change.key)
        if change.kind == WAREHOUSE and (before is None or before.target_id):
            queue_move(connection, connection_id, before.target_id if before else "")
        elif change.kind == WAREHOUSE:
            queue_all(connection, connection_id)


def _concerned(changes: Sequence[MappingChange]) -> list[ColumnElement[bool]]:
    """The products that the changes concern, as conditions on ``products`` and ``product_states``, any of them."""
    p, s = products.c, product_states.c
    by_kind: dict[str, list[str]] = {}
    for change in changes:
        by_kind.setdefault(change.kind, []).append(change.source_id)
    within = [one.split("/")[0] for one in by_kind.get(ATTRIBUTE, ())]
    clauses = [
        and_(p.category_ids.overlap(by_kind.get(CATEGORY, [])), s.own_category_id.is_(None)),
        p.brand_id == func.any(by_kind.get(BRAND, [])),
        s.category_id == func.any([*within, *by_kind.get(PARCEL, ())]),
    ]
    if ANY_CATEGORY in within:
        clauses.append(s.category_id.is_not(None))
    if DEFAULT_CATEGORY in by_kind:
        clauses.append(or_(s.category_source == "default", s.category_id.is_(None)))
    return clauses
