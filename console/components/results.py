"""How a run ended: its items grouped by cause, with a way to retry the failed and to take the list away."""

from __future__ import annotations

import streamlit as st

from console import actions, context
from console.components import feedback, status, url
from console.components.sheets import table_file
from console.components.status import escaped
from core.domain.counting import counted
from core.reads import runs
from core.reads.runs import Group, RunRow
from core.services import own_categories

MOST_ROWS = 100_000  # of a file made in memory


def followed() -> None:
    """The run started from this page (in the address as ``run``) once it has ended, until it is put away."""
    run = runs.run_row(url.number("run")) if url.get("run") else None
    if run is not None and not run.under_way:
        box(run)


def box(run: RunRow) -> None:
    """The results under the table's page, until "Put away"."""
    with st.container(border=True, key=f"results_{run.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(run.title)}** · {counted(run.total, 'item')}", width="content")
            status.badge(status.RUN_WORDS[run.status])
            st.page_link(
                "pages/activity.py",
                label="Every item",
                query_params={"c": str(context.current_id()), "tab": "runs", "open": str(run.id)},
            )
            st.button("Put away", key=f"away_{run.id}", type="tertiary", on_click=url.put, args=({"run": ""},))
        by_cause(run)


def by_cause(run: RunRow) -> None:
    """One line per cause: how many, the sentence, and retry where it failed."""
    found = runs.groups(run.id)
    for position, group in enumerate(found):
        _line(run, group, position)
    with st.container(horizontal=True):
        may_retry = bool(run.failed) and not run.under_way and context.current().operates
        if may_retry and st.button(f"Retry the {run.failed:,} failed", key=f"retry_{run.id}"):
            _retry(run, None)
        undoable = run.kind == own_categories.RUN and run.done and not run.under_way and context.current().operates
        if undoable and st.button(f"Undo the {run.done:,}", key=f"undo_run_{run.id}"):
            _undo(run)
        st.download_button(
            "Download results",
            data=lambda: results_file(run.id),
            file_name=f"run-{run.id}.csv",
            mime="text/csv",
            key=f"download_{run.id}",
            on_click="ignore",
        )
        if run.total > MOST_ROWS:
            st.caption(f"The file has the first {MOST_ROWS:,} items.", width="content")


def _line(run: RunRow, group: Group, position: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        status.badge(status.ITEM_WORDS[group.status])
        st.markdown(f"**{group.number:,}**", width="content")
        st.markdown(escaped(group.sentence or status.ITEM_WORDS[group.status].sentence))
        retryable = group.status == "failed" and group.code and not run.under_way and context.current().operates
        if retryable and st.button("Retry these", key=f"retry_{run.id}_{position}", type="tertiary"):
            _retry(run, group.code)


def _retry(run: RunRow, code: str | None) -> None:
    again = feedback.told(actions.retry_failed, run.id, context.current_id(), code, done="Queued again.")
    if again is not None:
        url.put({"run": str(again)})
        st.rerun()


def _undo(run: RunRow) -> None:
    again = feedback.told(actions.undo_own_categories, context.current_id(), run.id, done="Queued.")
    if again is not None:
        url.put({"run": str(again)})
        st.rerun()


def results_file(run_id: int) -> bytes:
    """The run's items as CSV."""
    rows = runs.all_items(run_id, most=MOST_ROWS)
    head = ("Kind", "Id", "Name", "SKU", "Result", "Code", "Reason", "Tries", "Ended (UTC)")
    cells = [
        (
            row.subject_kind,
            row.subject_id,
            row.title,
            row.sku or "",
            row.status,
            row.code,
            row.sentence,
            row.attempt,
            row.finished_at.isoformat() if row.finished_at else "",
        )
        for row in rows
    ]
    return table_file(head, cells)
