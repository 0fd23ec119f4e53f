"""Runs as they go on: a bar that keeps itself up to date, and stands still once the run has ended."""

from __future__ import annotations

import streamlit as st

from console import actions, context
from console.components import feedback, status, watched, words
from console.components.status import escaped
from core.reads import connections, runs
from core.reads.runs import RunRow


def under_way(here: context.Context) -> None:
    """Every run of the connection that is under way; two people see the same bars."""
    assert here.connection is not None
    going = runs.runs_under_way(here.connection.id)
    if going:
        watched.following(_bars, key="under_way")(here.connection.id)


def _bars(connection_id: int) -> None:
    going = runs.runs_under_way(connection_id)
    for run in going:
        bar(run)
    if not going:
        st.rerun()  # the page around the bars is out of date now


def bar(run: RunRow) -> None:
    """One run: what, how far, how long still, and a way to stop it."""
    share = run.ended_items / run.total if run.total else 1.0
    with st.container(horizontal=True, vertical_alignment="center", key=f"run_{run.id}"):
        st.progress(share, text=_progress_words(run))
        if context.current().operates and run.status != "stopping" and st.button("Stop", key=f"stop_{run.id}"):
            feedback.then_rerun("Stopping: nothing new is begun.", actions.stop_run, run.id, context.current_id())
    if run.note:
        st.caption(escaped(run.note))


def _progress_words(run: RunRow) -> str:
    parts = [f"**{escaped(run.title)}** {run.ended_items:,} of {run.total:,}"]
    parts += [
        f"{number:,} {word}"
        for number, word in (
            (run.done, "done"),
            (run.failed, "failed"),
            (run.skipped, "skipped"),
            (run.unknown, "unknown"),
        )
        if number
    ]
    left = run.seconds_left(connections.database_time())
    if left is not None and run.status == "running":
        parts.append(f"about {words.span(left)} left")
    return " · ".join(parts) + f" · {status.RUN_WORDS[run.status].label.lower()}, started by {escaped(run.created_by)}"
