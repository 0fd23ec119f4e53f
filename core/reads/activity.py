"""What happened: calls, hints that came in, the record of who did what; and all of it about one subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select

from core.db.filters import escaped_like
from core.db.tables import api_calls, audit, inbox, listings, run_items, runs
from core.reads.paging import Count, count_capped, page_of, reading

NO_ANSWER: Final = "none"
_STATUSES: Final = frozenset(str(status) for status in range(100, 600))


@dataclass(frozen=True, slots=True)
class CallFilter:
    """``outcome`` is "ok", "failed" or empty; ``text`` an id or a part of the path.

    ``status`` is the answer's over HTTP, ``NO_ANSWER`` or empty.
    """

    remote: str = ""
    endpoint: str = ""
    outcome: str = ""
    text: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class CallRow:
    id: int
    at: datetime
    remote: str
    method: str
    path: str
    endpoint: str
    status: int | None
    code: str
    request_id: str
    duration_ms: int
    error: str
    subject: str
    run_item_id: int | None

    @property
    def failed(self) -> bool:
        return bool(self.error) or self.status is None or self.status >= 400


@dataclass(frozen=True, slots=True)
class CallDetail:
    """A call with both its bodies, redacted when they were kept; empty once their days are over."""

    row: CallRow
    account: str
    request: str
    response: str


@dataclass(frozen=True, slots=True)
class HintRow:
    """A webhook as it came in."""

    id: int
    received_at: datetime
    source: str
    account: str
    topic: str
    subject: str
    delivery_id: str
    status: str
    note: str
    handled_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    id: int
    at: datetime
    login: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a timeline; ``kind`` is call, webhook, person or decision, ``call_id`` leads to a call's bodies."""

    at: datetime
    kind: str
    title: str
    text: str
    request_id: str
    failed: bool
    call_id: int | None


@dataclass(frozen=True, slots=True)
class CallPage:
    rows: tuple[CallRow, ...]
    count: Count


@dataclass(frozen=True, slots=True)
class HintPage:
    rows: tuple[HintRow, ...]
    count: Count


@dataclass(frozen=True, slots=True)
class AuditPage:
    rows: tuple[AuditRow, ...]
    count: Count


def _call_columns() -> tuple[ColumnElement[Any], ...]:
    c = api_calls.c
    return (
        c.id,
        c.at,
        c.remote,
        c.method,
        c.path,
        c.endpoint,
        c.status,
        c.code,
        c.request_id,
        c.duration_ms,
        c.error,
        c.subject,
        c.run_item_id,
    )


def _calls(connection_id: int, wanted: CallFilter) -> Select[Any]:
    c = api_calls.c
    statement = select(c.id).where((c.connection_id == connection_id) | c.connection_id.is_(None))
    failed = (c.error != "") | c.status.is_(None) | (c.status >= 400)
    if wanted.remote:
        statement = statement.where(c.remote == wanted.remote)
    if wanted.endpoint:
        statement = statement.where(c.endpoint == wanted.endpoint)
    if wanted.outcome:
        statement = statement.where(failed if wanted.outcome == "failed" else ~failed)
    if wanted.status:
        statement = statement.where(_answered(wanted.status))
    text = wanted.text.strip()
    if text:
        exact = (c.request_id == text) | (c.subject == text) | (c.code == text)
        statement = statement.where(exact | c.path.like(f"%{escaped_like(text)}%"))
    return statement


def _answered(status: str) -> ColumnElement[bool]:
    if status == NO_ANSWER:
        return api_calls.c.status.is_(None)
    return api_calls.c.status == int(status) if status in _STATUSES else false()


def calls_page(connection_id: int, wanted: CallFilter, page: int = 1) -> CallPage:
    """Newest first; calls that belong to no connection, such as a store's pull, are among them."""
    matching = _calls(connection_id, wanted)
    rows = page_of(matching.with_only_columns(*_call_columns()).order_by(api_calls.c.id.desc()), page)
    with reading() as connection:
        found = tuple(CallRow(*row) for row in connection.execute(rows))
        return CallPage(found, count_capped(connection, matching))


def calls_about(subjects: Sequence[str], *, most: int = 50) -> tuple[CallRow, ...]:
    """The newest calls filed under any of ``subjects``."""
    wanted = select(*_call_columns()).where(api_calls.c.subject.in_(subjects))
    with reading() as connection:
        rows = connection.execute(wanted.order_by(api_calls.c.id.desc()).limit(most))
        return tuple(CallRow(*row) for row in rows)


def calls_of_item(run_item_id: int, *, most: int = 50) -> tuple[CallRow, ...]:
    """The calls of one item of a run, newest first."""
    with reading() as connection:
        item = connection.execute(
            select(run_items.c.subject_kind, run_items.c.subject_id).where(run_items.c.id == run_item_id)
        ).first()
        if item is None:
            return ()
        subjects = [f"{item.subject_kind}:{item.subject_id}"]
        if item.subject_kind == "listing":  # prices and stock are sent under the listing's product
            sold = connection.scalar(select(listings.c.product_id).where(listings.c.id == item.subject_id))
            subjects.append(f"product:{sold}")
    c = api_calls.c
    wanted = select(*_call_columns()).where(c.subject.in_(subjects), c.run_item_id == run_item_id)
    with reading() as connection:
        return tuple(CallRow(*row) for row in connection.execute(wanted.order_by(c.id.desc()).limit(most)))


def call_detail(call_id: int) -> CallDetail | None:
    c = api_calls.c
    with reading() as connection:
        wanted = select(*_call_columns(), c.account, c.request, c.response).where(c.id == call_id)
        row = connection.execute(wanted).first()
        return CallDetail(CallRow(*row[:13]), *row[13:]) if row else None


def endpoints_seen(connection_id: int) -> tuple[str, ...]:
    """The endpoints of the latest 10,000 calls, for the filter."""
    return tuple(_seen(connection_id, api_calls.c.endpoint))


def statuses_seen(connection_id: int) -> tuple[str, ...]:
    """The HTTP statuses of the latest 10,000 calls, for the filter; ``NO_ANSWER`` comes last."""
    found = _seen(connection_id, api_calls.c.status)
    return tuple(NO_ANSWER if status is None else str(status) for status in found)


def _seen(connection_id: int, column: ColumnElement[Any]) -> list[Any]:
    mine = (api_calls.c.connection_id == connection_id) | api_calls.c.connection_id.is_(None)
    latest = select(column.label("seen")).where(mine).order_by(api_calls.c.id.desc()).limit(10_000).subquery()
    with reading() as connection:
        return list(connection.scalars(select(latest.c.seen).distinct().order_by(latest.c.seen.nulls_last())))


def hints_page(*, status: str = "", page: int = 1) -> HintPage:
    """Webhooks that came in, newest first; ``status`` is one of theirs or empty."""
    i = inbox.c
    columns = (i.id, i.received_at, i.source, i.account, i.topic, i.subject, i.delivery_id, i.status, i.note)
    wanted = select(*columns, i.handled_at)
    if status:
        wanted = wanted.where(i.status == status)
    with reading() as connection:
        rows = connection.execute(page_of(wanted.order_by(i.id.desc()), page))
        found = tuple(HintRow(*row) for row in rows)
        return HintPage(found, count_capped(connection, wanted.with_only_columns(i.id)))


def hint_body(hint_id: int) -> str:
    """The raw body of a webhook; "" when it is gone."""
    with reading() as connection:
        body = connection.scalar(select(inbox.c.body).where(inbox.c.id == hint_id))
        return bytes(body).decode(errors="replace") if body else ""


def audit_page(*, text: str = "", page: int = 1) -> AuditPage:
    """Who did what, newest first; ``text`` is a login, an action or a subject."""
    a = audit.c
    wanted = select(a.id, a.at, a.login, a.action, a.subject, a.detail)
    if text.strip():
        exact = text.strip()
        wanted = wanted.where((a.login == exact) | (a.action == exact.replace(" ", "_").lower()) | (a.subject == exact))
    with reading() as connection:
        rows = connection.execute(page_of(wanted.order_by(a.at.desc(), a.id.desc()), page))
        found = tuple(AuditRow(*row) for row in rows)
        return AuditPage(found, count_capped(connection, wanted.with_only_columns(a.id)))


def timeline(
    subjects: Sequence[str], *, hints: Sequence[str] = (), accounts: Sequence[str] = (), most: int = 60
) -> tuple[Event, ...]:
    """Calls, results of runs and people's deeds about any of ``subjects`` (``product:12``), newest first.

    With them the webhooks whose own subject is one of ``hints`` (the sender's ids), sent by one of ``accounts``.
    """
    calls = [event_of_call(row) for row in calls_about(subjects, most=most)]
    with reading() as connection:
        others = [*_deeds(connection, subjects, most), *_results(connection, subjects, most)]
        others += _hints(connection, hints, accounts, most)
    return tuple(sorted([*calls, *others], key=lambda event: event.at, reverse=True)[:most])


def event_of_call(row: CallRow) -> Event:
    """A call as a line of a timeline."""
    answer = row.error or f"answered {row.status}" + (f", code {row.code}" if row.code not in ("", "0") else "")
    text = f"{answer} in {row.duration_ms:,} ms"
    return Event(row.at, "call", f"{row.method} {row.endpoint}", text, row.request_id, row.failed, row.id)


def _deeds(connection: Connection, subjects: Sequence[str], most: int) -> list[Event]:
    a = audit.c
    wanted = select(a.at, a.login, a.action).where(a.subject.in_(subjects)).order_by(a.at.desc()).limit(most)
    return [
        Event(at, "person", action.replace("_", " ").capitalize(), f"by {login}", "", False, None)
        for at, login, action in connection.execute(wanted)
    ]


def _hints(connection: Connection, hints: Sequence[str], accounts: Sequence[str], most: int) -> list[Event]:
    i = inbox.c
    wanted = select(i.received_at, i.source, i.topic, i.status, i.note).where(
        i.subject.in_(hints), i.account.in_(accounts)
    )
    return [
        Event(at, "webhook", f"Webhook {topic}", f"from {source}, {status}. {note}".strip(), "", False, None)
        for at, source, topic, status, note in connection.execute(wanted.order_by(i.id.desc()).limit(most))
    ]


def _results(connection: Connection, subjects: Sequence[str], most: int) -> list[Event]:
    """Runs work on products, and some on single listings of theirs."""
    kinds = [tuple(subject.split(":")) for subject in subjects if subject.startswith(("product:", "listing:"))]
    mine = [and_(run_items.c.subject_kind == kind, run_items.c.subject_id == int(number)) for kind, number in kinds]
    at = func.coalesce(run_items.c.finished_at, run_items.c.started_at, runs.c.created_at)
    wanted = (
        select(at, runs.c.title, runs.c.created_by, run_items.c.status, run_items.c.sentence)
        .select_from(run_items.join(runs))
        .where(or_(false(), *mine))
        .order_by(run_items.c.id.desc())
        .limit(most)
    )
    return [
        Event(when, "decision", f"{title}: {status}", sentence or f"started by {by}", "", status == "failed", None)
        for when, title, by, status, sentence in connection.execute(wanted)
    ]
