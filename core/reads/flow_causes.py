"""What needs a person in orders and stock, as lines of the overview, the most urgent first."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from core.db.order_filters import is_open, stands_still
from core.db.tables import shop_orders
from core.domain.counting import noun
from core.domain.order_tabs import NEEDS_A_PERSON, NO_ADDRESS, WAITING, WAITING_FOR, hold_words, issue_words
from core.reads.latency import drift, stock_waiting
from core.reads.order_issues import issue_groups
from core.reads.overview import Cause
from core.reads.paging import Count, reading

# Where a cause is taken away: page, parameters, and the words of the button.
_FIXES = {
    "unlinked_sku": ("mappings", (("tab", "sku"),), "Link SKUs", "Say which product of the store each SKU stands for."),
    "unmapped_status": (
        "mappings",
        (("tab", "order_status"),),
        "Map statuses",
        "Map the status to one of the store's.",
    ),
}


def flow_causes(connection_id: int) -> tuple[Cause, ...]:
    """Orders that wait, by cause, those that must be shipped soonest first; orders that the store has and that have
    an issue; then stock that differs."""
    return (*_holds(connection_id), *_issues(connection_id), *_stock(connection_id))


def _holds(connection_id: int) -> list[Cause]:
    o = shop_orders.c
    first = func.min(o.ship_by)
    held = (o.connection_id == connection_id, is_open(), stands_still())
    wanted = select(o.hold, func.count(), func.min(o.received_at), first).where(*held)
    with reading() as conn:
        rows = conn.execute(wanted.group_by(o.hold).order_by(first.asc().nulls_last(), func.count().desc())).all()
        present = conn.execute(select(func.now())).scalar_one()
    return [_cause(hold, number, since, ship_by, present) for hold, number, since, ship_by in rows]


def _cause(hold: str, number: int, since: datetime, ship_by: datetime | None, present: datetime) -> Cause:
    tab = WAITING if hold in WAITING_FOR else NEEDS_A_PERSON
    fix = "Look at them in Seller Center." if hold == NO_ADDRESS else "Open one to see what stands in the way."
    to_orders = ("orders", (("tab", tab), ("hold", hold)), "See them", fix)
    page, parameters, button, fix = _FIXES.get(hold, to_orders)
    sentence = f"{noun(number, 'order')} {hold_words(hold, number)}{_due(ship_by, present)}"
    return Cause(sentence, fix, Count(number), since, page, parameters, button)


def _issues(connection_id: int) -> list[Cause]:
    return [
        Cause(
            f"{noun(group.orders, 'order')} {issue_words(group.code, group.orders)}",
            group.sentence if group.orders == 1 else group.fix,
            Count(group.orders),
            group.since,
            "orders",
            (("tab", NEEDS_A_PERSON), ("issue", group.code)),
            "See them",
        )
        for group in issue_groups(connection_id)
    ]


def _due(ship_by: datetime | None, present: datetime) -> str:
    if ship_by is None:
        return ""
    if ship_by < present:
        return ", some past their ship-by time"
    soon = ship_by - present < timedelta(hours=24)
    return f", ship by {ship_by:%H:%M} GMT" if soon else f", ship by {ship_by:%d %b %H:%M} GMT"


def _stock(connection_id: int) -> list[Cause]:
    found, waiting = drift(connection_id), stock_waiting(connection_id)
    if found is None or not waiting.number:
        return []
    sentence = noun(
        found.remaining,
        "SKU was not as it should be after the last stock check",
        "SKUs were not as they should be after the last stock check",
    )
    fix = "Look at why, and correct what can be corrected."
    return [Cause(sentence, fix, waiting, found.at, "stock", (("state", "left"),), "See them")]
