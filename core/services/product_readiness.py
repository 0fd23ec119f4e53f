"""product_readiness: judges the products that changed, or whose surroundings did, and stores what stands in the way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert

from core.db.catalogue import StoredProduct, load_products
from core.db.engine import raw, transaction
from core.db.tables import pending_pictures, product_states
from core.domain.listing import Problem, Severity
from core.domain.readiness import Assessment, assess
from core.queue import BACKFILL, defer
from core.services.automatic_sync import outdated
from core.services.listing_context import Batch, load_contexts, load_rules
from core.services.product_status import lock_states, refresh_status

_TWIN_CODES: Final = ("sku_duplicate", "identifier_duplicate")
_WRITE: Final = """
UPDATE product_states AS kept
SET assessed_hash = new.assessed_hash, problem_codes = new.problem_codes, first_problem = new.first_problem,
    problems = new.problems, category_id = new.category_id, category_source = new.category_source,
    outdated_at = CASE WHEN new.outdated THEN now() END,
    changed_at = CASE WHEN kept.problems IS DISTINCT FROM new.problems
        OR kept.category_id IS DISTINCT FROM new.category_id THEN now() ELSE kept.changed_at END
FROM jsonb_to_recordset(%s::jsonb) AS new(product_id bigint, assessed_hash text, problem_codes text[],
    first_problem text, problems jsonb, category_id text, category_source text, outdated boolean)
WHERE kept.connection_id = %s AND kept.product_id = new.product_id
"""


def assess_stale(connection_id: int, *, batch: int = 500) -> int:
    """Judge up to ``batch`` products that wait for it; how many were looked at, 0 when none is left.

    The rows are locked first and everything else is read after: whoever marks a product stale meanwhile waits, and
    the product is looked at once more. Rows that somebody else has locked are left to them.
    """
    with transaction() as connection:
        lock_states(connection, connection_id)
        before = _take(connection, connection_id, batch)
        if not before:
            return 0
        stored = load_products(connection, list(before))
        assessments, around = _assess(connection, connection_id, stored)
        rows = [_row(product_id, stored.get(product_id), assessments.get(product_id)) for product_id in before]
        behind = outdated(connection, connection_id, assessments)
        rows = [row | {"outdated": row["product_id"] in behind} for row in rows]
        with raw(connection).cursor() as cursor:
            cursor.execute(_WRITE, (json.dumps(rows), connection_id))
        refresh_status(connection, connection_id, list(before))
        _queue_pictures(connection, connection_id, stored, assessments)
        _wake_twins(connection, connection_id, before, assessments, around)
    return len(before)


def come_again(connection_id: int) -> None:
    """Go on judging in another job, behind what has waited meanwhile."""
    with transaction() as connection:
        defer(connection, "product_readiness", once=f"product_readiness:{connection_id}", connection_id=connection_id)


def drafts_for(connection: Connection, connection_id: int, product_ids: Sequence[int]) -> dict[int, Assessment]:
    """What would be sent for each product as the database knows it now; products that are gone are left out."""
    stored = load_products(connection, product_ids)
    return _assess(connection, connection_id, stored)[0]


def as_document(problem: Problem) -> dict[str, str | None]:
    """A problem as ``product_states.problems`` keeps it."""
    return {
        "code": problem.code,
        "severity": str(problem.severity),
        "sentence": problem.sentence,
        "fix": problem.fix,
        "field": problem.field,
        "variant_id": problem.variant_id,
    }


def _take(connection: Connection, connection_id: int, batch: int) -> dict[int, set[str]]:
    """Lock the next products to judge; their problem codes of last time by id."""
    c = product_states.c
    stale = select(c.product_id, c.problem_codes).where(c.connection_id == connection_id, c.assessed_hash.is_(None))
    taken = stale.order_by(c.product_id).limit(batch).with_for_update(skip_locked=True)
    return {row.product_id: set(row.problem_codes) for row in connection.execute(taken)}


def _assess(
    connection: Connection, connection_id: int, stored: Mapping[int, StoredProduct]
) -> tuple[dict[int, Assessment], Batch]:
    own = select(product_states.c.own_category_id).where(
        product_states.c.connection_id == connection_id,
        product_states.c.product_id == func.any(list(stored)),
        product_states.c.own_category_id.is_not(None),
    )
    used = {category_id for one in stored.values() for category_id in one.product.category_ids}
    rules = load_rules(connection, connection_id, also=set(connection.scalars(own)), store_categories=used)
    around = load_contexts(connection, connection_id, rules, stored)
    judged = {one: assess(stored[one].product, context) for one, context in around.contexts.items()}
    return judged, around


def _row(product_id: int, stored: StoredProduct | None, assessment: Assessment | None) -> dict[str, Any]:
    """What is stored of one product; one that is gone from the store has nothing to say."""
    if stored is None or assessment is None:
        gone = {"assessed_hash": "gone", "problem_codes": [], "first_problem": "", "problems": []}
        return {"product_id": product_id, **gone, "category_id": None, "category_source": None}
    return {
        "product_id": product_id,
        "assessed_hash": stored.content_hash,
        "problem_codes": list(dict.fromkeys(problem.code for problem in assessment.problems)),
        "first_problem": _first(assessment.problems),
        "problems": [as_document(problem) for problem in assessment.problems],
        "category_id": assessment.category_id,
        "category_source": assessment.category_source or None,
    }


def _first(problems: Iterable[Problem]) -> str:
    """What is shown on the product's line: an error before a warning; notes are not shown there."""
    problems = list(problems)
    for severity in (Severity.ERROR, Severity.WARNING):
        for problem in problems:
            if problem.severity is severity:
                return problem.sentence
    return ""


def _queue_pictures(
    connection: Connection,
    connection_id: int,
    stored: Mapping[int, StoredProduct],
    assessments: Mapping[int, Assessment],
) -> None:
    """Have pictures that nobody has looked at yet looked at."""
    rows = [
        {"product_id": product_id, "url": url, "store_account_id": stored[product_id].store_account_id}
        for product_id, assessment in assessments.items()
        for url in assessment.unchecked_pictures
    ]
    if not rows:
        return
    connection.execute(insert(pending_pictures).on_conflict_do_nothing(), rows)
    once = f"picture_check:{connection_id}"
    defer(connection, "picture_check", once=once, priority=BACKFILL, connection_id=connection_id)


def _wake_twins(
    connection: Connection,
    connection_id: int,
    before: Mapping[int, set[str]],
    assessments: Mapping[int, Assessment],
    around: Batch,
) -> None:
    """A SKU or code that came to be shared, or no longer is, concerns the other products that have it too.

    Each side is only woken by one that really found, or lost, such a problem, so this comes to an end.
    """
    found = {one: {problem.code for problem in made.problems} & set(_TWIN_CODES) for one, made in assessments.items()}
    sharing = sorted({twin for one, codes in found.items() if codes for twin in around.twins[one]} - set(before))
    if sharing:
        _wake(connection, connection_id, "product_id = ANY(:ids) AND NOT problem_codes && :codes", sharing)
    if any(codes & set(_TWIN_CODES) - found.get(one, set()) for one, codes in before.items()):
        _wake(connection, connection_id, "NOT product_id = ANY(:ids) AND problem_codes && :codes", list(before))


def _wake(connection: Connection, connection_id: int, condition: str, ids: list[int]) -> None:
    """Rows that somebody else holds are being marked or judged by them and are left alone: waiting could deadlock."""
    statement = (
        "UPDATE product_states SET assessed_hash = NULL WHERE connection_id = :connection AND product_id IN ("
        f"SELECT product_id FROM product_states WHERE connection_id = :connection AND {condition} "
        "AND assessed_hash IS NOT NULL FOR UPDATE SKIP LOCKED)"
    )
    connection.execute(text(statement), {"connection": connection_id, "ids": ids, "codes": list(_TWIN_CODES)})
