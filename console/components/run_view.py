"""One run: how far, how its items ended by cause, and every item with its calls."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import Any

import streamlit as st

from console.components import calls, filters, progress, results, status, table, url, watched, words
from console.components.status import escaped
from core.reads import activity, runs
from core.reads.products import Choice
from core.reads.runs import ItemRow, RunRow

NAME = "items"
_CALLS_OF = "_calls_of_item"


def show(run_id: int) -> None:
    st.button("All runs", key="all_runs", type="tertiary", icon=":material/arrow_back:", on_click=url.put,
              args=({"open": "", "result": "", url.PAGE: ""},))  # fmt: skip
    run = runs.run_row(run_id)
    if run is None:
        st.write("There is no run with this number; runs are kept for 90 days.")
        return
    _head(run)
    if run.under_way:
        watched.following(_following, key="run_following")(run_id)
    with st.container(border=True):
        results.by_cause(run)
    _items(run)


def _head(run: RunRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(escaped(run.title), width="content")
        status.badge(status.RUN_WORDS[run.status])
    ended = f", ended {words.clock(run.finished_at)}" if run.finished_at else ""
    st.caption(f"Run {run.id} by {escaped(run.created_by)}, started {words.clock(run.created_at)}{ended}")


def _following(run_id: int) -> None:
    run = runs.run_row(run_id)
    if run is None or not run.under_way:
        st.rerun()
    else:
        progress.bar(run)


def _items(run: RunRow) -> None:
    choices = [Choice(name, word.label) for name, word in status.ITEM_WORDS.items()]
    wanted = filters.choice(NAME, "result", "result", choices)
    wanted = wanted if wanted in status.ITEM_WORDS else ""
    rows, count = table.asked_for(lambda number: runs.items_page(run.id, status=wanted, page=number), itemgetter(1))
    shape = table.Shape("table_items", "Items of the run", _columns(), ("Calls",))
    click = table.grid(shape, [row.id for row in rows], [_cells(row) for row in rows])
    table.pager(NAME, count)
    if click is not None:
        _calls(click.row_id)


def _columns() -> dict[str, Any]:
    c = st.column_config
    return {
        "subject": c.TextColumn("Item", width=110),
        "name": c.TextColumn("Name", width=240),
        "sku": c.TextColumn("SKU", width=120),
        "status": status.column("Result", status.ITEM_WORDS.values(), width=90),
        "sentence": c.TextColumn("Reason", width=340),
        "attempt": c.NumberColumn("Tries", width=55),
        "finished": c.DatetimeColumn("Ended (GMT)", format="HH:mm:ss", timezone="UTC", width=90),
    }


def _cells(row: ItemRow) -> dict[str, Any]:
    return {
        "subject": f"{row.subject_kind} {row.subject_id}",
        "name": row.title,
        "sku": row.sku,
        "status": [status.ITEM_WORDS[row.status].label],
        "sentence": row.sentence,
        "attempt": row.attempt,
        "finished": row.finished_at,
    }


def _calls(item_id: int) -> None:
    found = activity.calls_of_item(item_id)
    draw = partial(calls.listed, found, "item_call")
    watched.dialog("Calls of this item", draw if found else _no_calls, width="large")()


def _no_calls() -> None:
    st.write("No call was made for this item, or its calls are no longer kept.")
