"""own_category: a category for single products, before any mapping (P25); for many at once as a run, and undone again.

Every change is kept in the history of mappings with the run it came from, so that a whole run can be put back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, String, cast, func, insert, literal, select, update

from core.db.engine import transaction
from core.db.filters import selected_products
from core.db.tables import connections, mapping_history, product_states, products, shop_categories
from core.domain.filters import Selection
from core.domain.people import Actor
from core.services import audit
from core.services.mappings import require_leaf
from core.services.product_status import lock_states, mark_stale
from core.services.runs import DryRun, Item, Outcome, connection_of, parameters_of, start_run
from core.services.shop_metadata import want_rules

RUN: Final = "own_category_run"
KIND: Final = "own_category"
_SECONDS_EACH = 0.01
_GONE = Outcome("skipped", "The store no longer has this product.", "gone")
_SAME = Outcome("skipped", "It has this category already.", "unchanged")
_CHANGED = Outcome("skipped", "Its category was changed again since, so it stays as it is.", "changed_since")


def set_own_category(
    connection: Connection, connection_id: int, product_ids: Sequence[int], category_id: str | None, by: Actor
) -> int:
    """A category for these products alone; None takes it away. How many products changed.

    Raises ``MappingRefused`` for one that no product can have.
    """
    if category_id:
        require_leaf(connection, connection_id, category_id)
    wanted = dict.fromkeys(product_ids, category_id)
    if len(wanted) > 1:
        lock_states(connection, connection_id)
    changed = _write(connection, connection_id, wanted, _present(connection, connection_id, wanted), by.login)
    if changed:
        subject = f"product:{changed[0]}" if len(changed) == 1 else ""
        detail = {"category_id": category_id, "products": len(changed)}
        audit.record(
            connection, user=by, action="set_own_category", connection_id=connection_id, subject=subject, detail=detail
        )
    return len(changed)


def plan_set(connection_id: int, selection: Selection, category_id: str | None) -> DryRun:
    """How many products would get another category than they have now. Raises ``MappingRefused``."""
    s = product_states.c
    chosen = selected_products(connection_id, selection).subquery()
    differs = s.own_category_id.is_distinct_from(category_id)
    mine = (s.connection_id == connection_id, s.product_id.in_(select(chosen)))
    with transaction() as connection:
        if category_id:
            require_leaf(connection, connection_id, category_id)
        will, same = connection.execute(
            select(func.count().filter(differs), func.count().filter(~differs)).where(*mine)
        ).one()
    skipped = (("Have it already", same),) if same else ()
    return DryRun(will, skipped, will * _SECONDS_EACH)


def start_set(connection_id: int, selection: Selection, category_id: str | None, by: str) -> int:
    """Queue the change for the selection; the run's id. Raises ``MappingRefused``."""
    chosen = selected_products(connection_id, selection).subquery()
    with transaction() as connection:
        if category_id:
            require_leaf(connection, connection_id, category_id)
        where = f"to {_path(connection, connection_id, category_id)}" if category_id else "as mapped"
        items = select(literal("product"), chosen.c[0])
        return _start(connection, connection_id, f"Set category {where}", by, items, {"category_id": category_id})


def start_undo(connection_id: int, run_id: int, by: str) -> int:
    """Queue putting back what a run changed; products that were changed again since stay. The new run's id."""
    h = mapping_history.c
    theirs = (h.connection_id == connection_id, *_of_run(run_id))
    p = products.c
    items = select(literal("product"), p.id).join(mapping_history, cast(p.id, String) == h.source_id).where(*theirs)
    with transaction() as connection:
        return _start(connection, connection_id, f"Undo run {run_id}", by, items, {"undoes": run_id})


def run_of(run_id: int) -> Callable[[Sequence[Item]], Mapping[int, Outcome]]:
    """How the items of a run are worked on: together, each with its result."""
    connection_id, parameters = connection_of(run_id), parameters_of(run_id)

    def work(items: Sequence[Item]) -> dict[int, Outcome]:
        ids = [item.subject_id for item in items]
        with transaction() as connection:
            outcomes = _work(connection, connection_id, ids, parameters, run_id)
        return {item.id: outcomes[item.subject_id] for item in items}

    return work


def _start(
    connection: Connection, connection_id: int, title: str, by: str, items: Select[Any], parameters: dict[str, Any]
) -> int:
    return start_run(
        connection,
        kind=RUN,
        title=title,
        connection_id=connection_id,
        by=by,
        items=items,
        parameters=parameters | {"by": by},
    )


def _work(
    connection: Connection, connection_id: int, ids: Sequence[int], parameters: Mapping[str, Any], run_id: int
) -> dict[int, Outcome]:
    lock_states(connection, connection_id)
    outcomes = dict.fromkeys(ids, _GONE)
    if "undoes" in parameters:
        wanted = _before(connection, connection_id, ids, parameters["undoes"])
        outcomes |= dict.fromkeys(wanted.keys() ^ set(ids), _CHANGED)
    else:
        wanted = dict.fromkeys(ids, parameters["category_id"])
    present = _present(connection, connection_id, wanted)
    changed = _write(connection, connection_id, wanted, present, str(parameters["by"]), run_id)
    outcomes |= dict.fromkeys(present, _SAME)
    for product_id in changed:
        outcomes[product_id] = Outcome("done", "It is judged again with its new category.")
    return outcomes


def _present(connection: Connection, connection_id: int, product_ids: Mapping[int, Any]) -> dict[int, str | None]:
    """The own category of those of the products that the store still has, none of which changes meanwhile."""
    s, p = product_states.c, products.c
    wanted = select(s.product_id, s.own_category_id).join(products, p.id == s.product_id)
    ours = (s.connection_id == connection_id, s.product_id == func.any(list(product_ids)), p.deleted_at.is_(None))
    rows = connection.execute(wanted.where(*ours).order_by(s.product_id).with_for_update(of=product_states))
    return {row.product_id: row.own_category_id for row in rows}


def _before(connection: Connection, connection_id: int, ids: Sequence[int], run_id: int) -> dict[int, str | None]:
    """What those of the products had before a run that still have what it gave them."""
    h, s = mapping_history.c, product_states.c
    joined = mapping_history.join(product_states, cast(s.product_id, String) == h.source_id)
    still = (
        s.connection_id == connection_id,
        s.product_id == func.any(list(ids)),
        h.connection_id == connection_id,
        s.own_category_id.is_not_distinct_from(h.after_id),
        *_of_run(run_id),
    )
    rows = connection.execute(select(s.product_id, h.before_id).select_from(joined).where(*still))
    return {row.product_id: row.before_id for row in rows}


def _of_run(run_id: int) -> tuple[Any, ...]:
    h = mapping_history.c
    return h.kind == KIND, h.after_detail["run"].astext == str(run_id)


def _write(
    connection: Connection,
    connection_id: int,
    wanted: Mapping[int, str | None],
    present: Mapping[int, str | None],
    by: str,
    run_id: int | None = None,
) -> list[int]:
    """Give each product the category that is wanted for it, and record it; the products that had another one."""
    s = product_states.c
    changed = sorted(one for one in present if present[one] != wanted[one])
    if not changed:
        return []
    for category_id in {wanted[one] for one in changed}:
        ids = [one for one in changed if wanted[one] == category_id]
        ours = (s.connection_id == connection_id, s.product_id == func.any(ids))
        connection.execute(update(product_states).where(*ours).values(own_category_id=category_id))
    kept = {"connection_id": connection_id, "kind": KIND, "by": by, "after_detail": {"run": run_id} if run_id else {}}
    rows = [
        kept | {"source_id": str(one), "before_id": present[one], "after_id": wanted[one], "before_detail": {}}
        for one in changed
    ]
    connection.execute(insert(mapping_history), rows)
    want_rules(connection, connection_id)
    mark_stale(connection, connection_id=connection_id, product_ids=changed)
    return changed


def _path(connection: Connection, connection_id: int, category_id: str) -> str:
    c = shop_categories.c
    shop = select(connections.c.shop_id).where(connections.c.id == connection_id).scalar_subquery()
    return str(connection.execute(select(c.path).where(c.shop_id == shop, c.id == category_id)).scalar_one())
