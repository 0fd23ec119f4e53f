"""automatic_sync: with the setting on, what became ready or was changed is sent without being asked (G2, G12).

Readiness compares what the Shop was last sent with what would be sent now, and notes when they came to differ;
here those products become items of a run. Each is tried once a change: what failed, or what a person stopped, waits
for a person or for the next change. Listings that somebody deleted or took down are left as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal, or_, select

from core.db.engine import transaction
from core.db.tables import listings, product_states, products, run_items, runs
from core.domain.listing import ListingDraft
from core.domain.readiness import Assessment
from core.domain.statuses import ProductStatus
from core.services.live import NotLive, require_live
from core.services.product_status import is_settled
from core.services.runs import UNFINISHED, add_to_run, start_run
from core.services.settings_of_connection import load_settings

BY: Final = "automatic sync"
_KIND, _TITLE = "product_export", "Automatic sync"
_LOCK = 72_032  # any constant of our own, beside other advisory locks
# What may be sent again when it changed. What is under review waits for its result; what was taken down stays down.
_CHANGEABLE = (ProductStatus.ACTIVE, ProductStatus.FAILED, ProductStatus.FAILED_REVIEW)
_DRAFT = TypeAdapter(ListingDraft)


def send_eligible(connection_id: int) -> int | None:
    """Send what is ready and was never sent, and what changed since it was; the run's id, None when nothing is sent.

    One run at a time: what comes while one is under way joins it. Nothing happens while readiness has work left.
    """
    if not is_settled(connection_id):
        return None
    with transaction() as connection:
        if not load_settings(connection, connection_id).automatic_sync or not _is_live(connection, connection_id):
            return None
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK, connection_id)))
        items = _eligible(connection_id)
        if connection.execute(items.limit(1)).first() is None:
            return None
        going = _under_way(connection, connection_id)
        if going is not None:
            return going if add_to_run(connection, going, items) else None
        return start_run(connection, kind=_KIND, title=_TITLE, connection_id=connection_id, by=BY, items=items)


def outdated(connection: Connection, connection_id: int, assessments: Mapping[int, Assessment]) -> set[int]:
    """Which products the Shop has, or was last sent, in another form than would be sent now.

    Prices and stock do not count: they go by themselves. Nothing is looked up while the setting is off.
    """
    if not assessments or not load_settings(connection, connection_id).automatic_sync:
        return set()
    live = select(listings.c.product_id, listings.c.variant_id, listings.c.draft).where(
        listings.c.connection_id == connection_id,
        listings.c.product_id.in_(list(assessments)),
        listings.c.ended_at.is_(None),
    )
    sent: dict[int, dict[str | None, Any]] = {}
    for row in connection.execute(live):
        variant = None if row.variant_id is None else str(row.variant_id)
        sent.setdefault(row.product_id, {})[variant] = row.draft and _reviewed(row.draft)
    return {one for one, known in sent.items() if _differs(known, assessments[one])}


def _differs(known: Mapping[str | None, Any], assessment: Assessment) -> bool:
    return any(
        known.get(variant) != _reviewed(_DRAFT.dump_python(draft, mode="json")) for variant, draft in assessment.drafts
    )


def _reviewed(draft: Mapping[str, Any]) -> dict[str, Any]:
    """A draft as stored, without what the Shop does not review."""
    bare = [{name: sku[name] for name in sku if name not in ("price", "quantity")} for sku in draft.get("skus", ())]
    return {name: value for name, value in draft.items() if name != "external_id"} | {"skus": bare}


def _is_live(connection: Connection, connection_id: int) -> bool:
    try:
        require_live(connection, connection_id)
    except NotLive:
        return False
    return True


def _under_way(connection: Connection, connection_id: int) -> int | None:
    """Our run that has not ended."""
    mine = (runs.c.connection_id == connection_id, runs.c.kind == _KIND, runs.c.created_by == BY)
    unfinished = select(runs.c.id).where(*mine, runs.c.finished_at.is_(None)).order_by(runs.c.id.desc()).limit(1)
    found: int | None = connection.execute(unfinished).scalar()
    return found


def _eligible(connection_id: int) -> Select[Any]:
    """(subject kind, product id) of what is to be sent now."""
    s = product_states.c
    broken = s.problems.contains([{"severity": "error"}])
    mine = (listings.c.connection_id == connection_id) & (listings.c.product_id == s.product_id)
    never_sent = ~exists().where(mine)
    deleted = exists().where(mine, listings.c.ended_at.is_(None), listings.c.tiktok_status == "DELETED")
    new = and_(
        s.status == ProductStatus.READY,
        never_sent,
        ~_tried_since(connection_id, func.greatest(s.changed_at, products.c.changed_at)),
    )
    changed = and_(
        s.status.in_(_CHANGEABLE),
        s.outdated_at.is_not(None),
        ~deleted,
        ~_tried_since(connection_id, s.outdated_at),
    )
    joined = product_states.join(products, products.c.id == s.product_id)
    chosen = select(literal("product"), s.product_id).select_from(joined)
    return chosen.where(
        s.connection_id == connection_id, products.c.deleted_at.is_(None), s.sell, ~broken, or_(new, changed)
    )


def _tried_since(connection_id: int, moment: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether somebody's run is about to send it, or one of ours has begun to, or was stopped, since ``moment``."""
    ours = and_(runs.c.created_by == BY, func.coalesce(run_items.c.started_at, run_items.c.finished_at) >= moment)
    return exists().where(
        run_items.c.run_id == runs.c.id,
        runs.c.connection_id == connection_id,
        runs.c.kind == _KIND,
        run_items.c.subject_kind == "product",
        run_items.c.subject_id == product_states.c.product_id,
        or_(run_items.c.status.in_(UNFINISHED), ours),
    )
