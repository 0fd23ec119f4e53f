"""What happened: runs, calls, webhooks that came in, and who did what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import streamlit as st

from console import context
from console.components import calls, empty, filters, page_head, run_view, sheets, status, table, url, watched, words
from core.reads import activity, runs
from core.reads.activity import AuditRow, CallFilter, CallRow, HintRow
from core.reads.products import Choice
from core.reads.runs import RunRow

HERE = context.current()
VIEWS = {"runs": "Runs", "calls": "Calls", "webhooks": "Webhooks in", "audit": "Audit"}
HINT_STATES = ("waiting", "done")
RUN_HEAD = (
    "Run", "What", "Status", "Done", "Failed", "Skipped", "Unknown", "Items", "By", "Started (UTC)", "Ended (UTC)",
)  # fmt: skip
HINT_HEAD = (
    "Received (UTC)", "From", "Account", "Topic", "About", "Delivery", "Status", "Note", "Handled (UTC)",
)  # fmt: skip
CONNECTION_ID = HERE.connection.id if HERE.connection else 0
c = st.column_config
TIME = partial(c.DatetimeColumn, format="D MMM, HH:mm:ss", timezone="UTC", width=130)


def show_runs() -> None:
    if url.get("open"):
        run_view.show(url.number("open"))
        return
    choices = [Choice(name, word.label) for name, word in status.RUN_WORDS.items()]
    wanted = filters.choice("runs", "status", "status", choices)
    page = table.asked_for(lambda number: runs.runs_page(CONNECTION_ID, status=wanted, page=number))
    if not page.rows:
        empty.state("No runs", "Sending, re-exporting and deleting show here as they go on, and stay for 90 days.")
        return
    columns = {
        "run": c.NumberColumn("Run", width=60),
        "title": c.TextColumn("What", width=180),
        "status": status.column("Status", status.RUN_WORDS.values(), width=90),
        "done": c.ProgressColumn("Progress", format="percent", min_value=0, max_value=1, width=120),
        "result": c.TextColumn("Results", width=230),
        "by": c.TextColumn("By", width=90),
        "created": TIME("Started (GMT)"),
        "finished": TIME("Ended (GMT)"),
    }
    shape = table.Shape("table_runs", "Runs", columns, ("Open",))
    click = table.grid(shape, [row.id for row in page.rows], [run_cells(row) for row in page.rows])
    table.pager("runs", page.count)
    sheets.download("runs", RUN_HEAD, partial(run_lines, wanted), page.count)
    if click is not None:
        url.put({"open": str(click.row_id), url.PAGE: ""})
        st.rerun()


def run_cells(row: RunRow) -> dict[str, Any]:
    numbers = (("done", row.done), ("failed", row.failed), ("skipped", row.skipped), ("unknown", row.unknown))
    return {
        "run": row.id,
        "title": row.title,
        "status": [status.RUN_WORDS[row.status].label],
        "done": row.ended_items / row.total if row.total else 1.0,
        "result": ", ".join(f"{number:,} {word}" for word, number in numbers if number),
        "by": row.created_by,
        "created": row.created_at,
        "finished": row.finished_at,
    }


def run_lines(wanted: str) -> Iterator[tuple[object, ...]]:
    """The runs in a file, under ``RUN_HEAD``."""
    for row in sheets.every_row(lambda page: runs.runs_page(CONNECTION_ID, status=wanted, page=page).rows):
        numbers = (row.done, row.failed, row.skipped, row.unknown, row.total)
        ended = row.finished_at.isoformat() if row.finished_at else ""
        word = status.RUN_WORDS[row.status].label
        yield row.id, row.title, word, *numbers, row.created_by, row.created_at.isoformat(), ended


def show_calls() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = filters.search("calls", "Request id, code, path, product:12")
        remotes = [Choice("tiktok", "TikTok"), Choice("shopwired", "ShopWired")]
        remote = filters.choice("calls", "remote", "remote", remotes)
        seen = [Choice(endpoint, endpoint) for endpoint in activity.endpoints_seen(CONNECTION_ID)]
        endpoint = filters.choice("calls", "endpoint", "endpoint", seen, width=230)
        answers = activity.statuses_seen(CONNECTION_ID)
        came_back = [Choice(one, "No answer" if one == activity.NO_ANSWER else one) for one in answers]
        answer = filters.choice("calls", "status", "status", came_back)
        outcome = filters.choice("calls", "outcome", "outcome", [Choice("ok", "Worked"), Choice("failed", "Failed")])
        filters.clear_button("calls", ("q", "remote", "endpoint", "status", "outcome"))
    wanted = CallFilter(remote, endpoint, outcome, text, answer)
    page = table.asked_for(lambda number: activity.calls_page(CONNECTION_ID, wanted, number))
    if not page.rows:
        empty.state("No calls", "Every call to TikTok and to the store is kept for 90 days; none matches.")
        return
    shape = table.Shape("table_calls", "Calls", call_columns(), ("Open",))
    click = table.grid(shape, [row.id for row in page.rows], [call_cells(row) for row in page.rows])
    table.pager("calls", page.count)
    head = ("At (UTC)", "Remote", "Method", "Path", "Status", "Code", "ms", "Request id", "About", "Error")
    sheets.download("calls", head, partial(call_lines, wanted), page.count)
    if click is not None:
        url.put({"open": str(click.row_id)})
    if url.get("open"):
        calls.dialog("Call", url.number("open"))


def call_columns() -> dict[str, Any]:
    return {
        "at": TIME("At (GMT)"),
        "remote": c.TextColumn("Remote", width=80),
        "method": c.TextColumn("Method", width=65),
        "endpoint": c.TextColumn("Endpoint", width=270),
        "status": c.NumberColumn("Status", width=60),
        "outcome": c.TextColumn("Outcome", width=80),
        "code": c.TextColumn("Code", width=80),
        "took": c.NumberColumn("ms", width=60),
        "request_id": c.TextColumn("Request id", width=190),
        "subject": c.TextColumn("About", width=100),
    }


def call_cells(row: CallRow) -> dict[str, Any]:
    return {
        "at": row.at,
        "remote": row.remote,
        "method": row.method,
        "endpoint": row.endpoint,
        "status": row.status,
        "outcome": "Failed" if row.failed else "Worked",
        "code": row.code,
        "took": row.duration_ms,
        "request_id": row.request_id,
        "subject": row.subject,
    }


def call_lines(wanted: CallFilter) -> list[tuple[object, ...]]:
    found = sheets.every_row(lambda page: activity.calls_page(CONNECTION_ID, wanted, page).rows)
    return [
        (
            row.at.isoformat(),
            row.remote,
            row.method,
            row.path,
            row.status,
            row.code,
            row.duration_ms,
            row.request_id,
            row.subject,
            row.error,
        )
        for row in found
    ]


def show_webhooks() -> None:
    wanted = filters.choice("hints", "status", "status", [Choice(one, one.capitalize()) for one in HINT_STATES])
    page = table.asked_for(lambda number: activity.hints_page(status=wanted, page=number))
    if not page.rows:
        empty.state("No webhooks", "TikTok and the store announce changes here; without a public address we poll.")
        return
    columns = {
        "received": TIME("Received (GMT)"),
        "source": c.TextColumn("From", width=90),
        "account": c.TextColumn("Account", width=170),
        "topic": c.TextColumn("Topic", width=230),
        "subject": c.TextColumn("About", width=170),
        "status": c.TextColumn("Status", width=90),
        "note": c.TextColumn("Note", width=240),
    }
    shape = table.Shape("table_hints", "Webhooks in", columns, ("Open",))
    click = table.grid(shape, [row.id for row in page.rows], [hint_cells(row) for row in page.rows])
    table.pager("hints", page.count)
    sheets.download("webhooks", HINT_HEAD, partial(hint_lines, wanted), page.count)
    if click is not None:
        watched.dialog("Webhook", show_hint, width="large")(next(row for row in page.rows if row.id == click.row_id))


def hint_cells(row: HintRow) -> dict[str, Any]:
    return {
        "received": row.received_at,
        "source": row.source,
        "account": row.account,
        "topic": row.topic,
        "subject": row.subject,
        "status": row.status,
        "note": row.note,
    }


def hint_lines(wanted: str) -> Iterator[tuple[object, ...]]:
    """The webhooks in a file, under ``HINT_HEAD``; their bodies are in none."""
    for row in sheets.every_row(lambda page: activity.hints_page(status=wanted, page=page).rows):
        about = (row.source, row.account, row.topic, row.subject, row.delivery_id, row.status, row.note)
        handled = row.handled_at.isoformat() if row.handled_at else ""
        yield row.received_at.isoformat(), *about, handled


def show_hint(row: HintRow) -> None:
    handled = words.clock(row.handled_at) or "not yet"
    st.text(f"{row.topic} from {row.source}, delivery {row.delivery_id}\n{row.status}, handled {handled}\n{row.note}")
    if HERE.operates:
        st.code(calls.pretty(activity.hint_body(row.id)), language="json", height=300, wrap_lines=True)


def show_audit() -> None:
    text = filters.search("audit", "Login, action or subject")
    page = table.asked_for(lambda number: activity.audit_page(text=text, page=number))
    if not page.rows:
        empty.state("Nothing recorded", "Whoever changes something is recorded here for two years; nothing matches.")
        return
    columns = {
        "at": TIME("At (GMT)"),
        "login": c.TextColumn("Who", width=110),
        "action": c.TextColumn("Did", width=180),
        "subject": c.TextColumn("To", width=120),
        "detail": c.TextColumn("Detail", width=480),
    }
    shape = table.Shape("table_audit", "Audit", columns)
    table.grid(shape, [row.id for row in page.rows], [audit_cells(row) for row in page.rows])
    table.pager("audit", page.count)
    head = ("At (UTC)", "Who", "Did", "To", "Detail")
    sheets.download("audit", head, partial(audit_lines, text), page.count)


def audit_cells(row: AuditRow) -> dict[str, Any]:
    return {
        "at": row.at,
        "login": row.login,
        "action": row.action.replace("_", " ").capitalize(),
        "subject": row.subject,
        "detail": json.dumps(row.detail, ensure_ascii=False) if row.detail else "",
    }


def audit_lines(text: str) -> list[tuple[object, ...]]:
    found = sheets.every_row(lambda page: activity.audit_page(text=text, page=page).rows)
    return [
        (row.at.isoformat(), row.login, row.action, row.subject, json.dumps(row.detail, ensure_ascii=False))
        for row in found
    ]


def main() -> None:
    page_head.show("Activity")
    chosen = filters.views("activity", VIEWS)
    {"runs": show_runs, "calls": show_calls, "webhooks": show_webhooks, "audit": show_audit}[chosen]()


main()
