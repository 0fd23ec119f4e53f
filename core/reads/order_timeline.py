"""Everything that happened to one order, in one list: webhooks, calls, results of runs, people, decisions (O15)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, text

from core.db.tables import audit, issues, run_items, runs
from core.reads.activity import Event, calls_about, event_of_call
from core.reads.order_detail import OrderDetail
from core.reads.paging import reading


def order_timeline(detail: OrderDetail, *, most: int = 80) -> tuple[Event, ...]:
    """Newest first, at most ``most``."""
    events = [*_milestones(detail), *(event_of_call(row) for row in calls_about(detail.subjects, most=most))]
    with reading() as conn:
        events += [*_webhooks(conn, detail, most), *_deeds(conn, detail, most)]
        events += [*_results(conn, detail.id, most), *_issues(conn, detail.id)]
    return tuple(sorted(events, key=lambda event: event.at, reverse=True)[:most])


def _event(at: datetime, kind: str, title: str, text: str, *, failed: bool = False) -> Event:
    return Event(at, kind, title, text, "", failed, None)


def _milestones(detail: OrderDetail) -> list[Event]:
    """What the order itself and its store order say about when things were."""
    order, store = detail.order, detail.store
    number = len(order.lines)
    units = f"{number} unit{'s' if number != 1 else ''}, {order.payment.total:.2f} {order.payment.currency}"
    moments = [
        (order.created_at, "Placed on TikTok", units),
        (order.paid_at, "Paid", order.payment_method),
        (order.updated_at, f"Last change on TikTok: {order.status}", ""),
        (detail.received_at, "Received by Crossdock", "read from TikTok's API"),
    ]
    if store is not None:
        moments += [
            (store.intended_at, "Decided to import", f"marked {store.marker}"),
            (store.created_at, "Created in the store", f"order {store.number or store.remote_id}"),
            (store.referred_at, "TikTok was told the store's order number", store.number),
            (store.status_sent_at, "Status sent to the store", store.status),
        ]
    return [_event(at, "decision", title, text) for at, title, text in moments if at is not None]


# What names the order alone, and what names it among others, as the webhook of a combined package does. Each has an
# index of its own.
_NAMED = text(
    """
    SELECT id, received_at, source, topic, note, status FROM inbox WHERE subject = 'order:' || :order
    UNION ALL
    SELECT id, received_at, source, topic, note, status FROM inbox
    WHERE subject LIKE 'order:%,%' AND string_to_array(substr(subject, 7), ',') @> ARRAY[CAST(:order AS text)]
    ORDER BY id DESC LIMIT :most
    """
)


def _webhooks(conn: Connection, detail: OrderDetail, most: int) -> list[Event]:
    rows = conn.execute(_NAMED, {"order": detail.order.id, "most": most})
    return [
        _event(at, "webhook", f"Webhook {topic}", f"from {source}, {status}. {note}".strip())
        for _, at, source, topic, note, status in rows
    ]


def _deeds(conn: Connection, detail: OrderDetail, most: int) -> list[Event]:
    wanted = select(audit.c.at, audit.c.login, audit.c.action).where(audit.c.subject.in_(detail.subjects))
    rows = conn.execute(wanted.order_by(audit.c.at.desc()).limit(most))
    return [_event(at, "person", action.replace("_", " ").capitalize(), f"by {login}") for at, login, action in rows]


def _results(conn: Connection, order_id: int, most: int) -> list[Event]:
    item = run_items.c
    at = func.coalesce(item.finished_at, item.started_at, runs.c.created_at)
    wanted = select(at, runs.c.title, runs.c.created_by, item.status, item.sentence).select_from(run_items.join(runs))
    mine = wanted.where(item.subject_kind == "order", item.subject_id == order_id)
    return [
        _event(when, "decision", f"{title}: {status}", sentence or f"by {by}", failed=status == "failed")
        for when, title, by, status, sentence in conn.execute(mine.order_by(item.id.desc()).limit(most))
    ]


def _issues(conn: Connection, order_id: int) -> list[Event]:
    i = issues.c
    mine = (i.subject_kind == "order", i.subject_id == str(order_id))
    events = []
    for opened, closed, sentence in conn.execute(select(i.opened_at, i.closed_at, i.sentence).where(*mine)):
        events.append(_event(opened, "decision", "Needs a person", sentence, failed=True))
        if closed is not None:
            events.append(_event(closed, "decision", "No longer needs a person", sentence))
    return events
