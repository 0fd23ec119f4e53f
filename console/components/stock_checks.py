"""The stock checks: what each found, corrected and left, how long it took, and its log (K3)."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import Any

import pandas as pd
import streamlit as st

from console import context, stock_actions
from console.components import feedback, sheets, table, url, watched, words
from console.components.status import escaped
from core.domain.counting import noun
from core.reads import connections, stock_charts
from core.reads.stock_charts import CheckRow, ItemRow

HEAD = ("SKU", "Should offer", "Shop said", "Shop says now", "Cause", "Outcome", "Sentence", "At (UTC)")
_PAGE = "log_page"
OUTCOMES = {"found": "being corrected", "corrected": "corrected", "refused": "refused", "left": "left as it is"}


def button(*, operates: bool) -> None:
    """Check now, and a line that follows the check under way."""
    if operates and st.button("Check now", key="check_now", icon=":material/fact_check:"):
        feedback.then_rerun("The check is queued.", stock_actions.check_now, context.current_id())


def under_way() -> None:
    """Keeps itself up to date, and draws the page anew once the check has ended."""
    running = stock_charts.under_way(context.current_id())
    if running is not None:
        watched.following(_following, key="check_following")(running.id)


def _following(check_id: int) -> None:
    row = stock_charts.check_row(context.current_id(), check_id)
    if row is None or row.finished_at is not None:
        st.rerun()
        return
    at = connections.database_time()
    said = row.sentence or "it waits for a worker"
    st.info(escaped(f"A stock check is under way, begun {words.ago(row.started_at, at)}: {said}"))


def show() -> None:
    """The latest checks; the one in the address (``check``) with its log."""
    found = stock_charts.checks(context.current_id())
    st.subheader("Checks")
    if not found:
        st.caption("No check yet. One runs every night at 02:00 in London while it is switched on, and on demand.")
        return
    c = st.column_config
    columns = {
        "began": c.DatetimeColumn("Began (GMT)", format="D MMM YYYY, HH:mm:ss", timezone="UTC", width=160),
        "kind": c.TextColumn("Kind", width=130),
        "by": c.TextColumn("By", width=90),
        "compared": c.NumberColumn("Compared", format="localized", width=80),
        "found": c.NumberColumn("Found", format="localized", width=70),
        "corrected": c.NumberColumn("Corrected", format="localized", width=80),
        "left": c.NumberColumn("Left", format="localized", width=60),
        "took": c.TextColumn("Took", width=90),
        "said": c.TextColumn("Result", width=280),
    }
    shape = table.Shape("table_checks", "Stock checks", columns, ("Log",))
    click = table.grid(shape, [row.id for row in found], [_cells(row) for row in found])
    if click is not None:
        url.put({"check": str(click.row_id), _PAGE: ""})
        st.rerun()
    row = stock_charts.check_row(context.current_id(), url.number("check")) if url.get("check") else None
    if row is not None:
        _log(row)


def _cells(row: CheckRow) -> dict[str, Any]:
    took = words.span((row.finished_at - row.started_at).total_seconds()) if row.finished_at else "under way"
    return {
        "began": row.started_at,
        "kind": row.kind + (", late" if row.late else ""),
        "by": row.started_by,
        "compared": row.compared,
        "found": row.found,
        "corrected": row.corrected,
        "left": row.remaining,
        "took": took,
        "said": row.sentence,
    }


def _log(row: CheckRow) -> None:
    items, count = table.asked_for(
        lambda number: stock_charts.check_items(row.id, page=number), itemgetter(1), name=_PAGE
    )
    with st.container(border=True, key="check_log"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**Log of the check of {words.clock(row.started_at)}**, {count.text()} {noun(count.number, 'SKU')}",
                width="content",
            )
            st.button(
                "Put away", key="check_away_", type="tertiary", on_click=url.put, args=({"check": "", _PAGE: ""},)
            )
        if not items:
            st.caption("It found no difference.")
            return
        lines = [dict(zip(HEAD, line(item), strict=True)) for item in items]
        st.dataframe(pd.DataFrame(lines), hide_index=True, lazy=False, alt="SKUs of the check, before and after")
        table.pager("check_log", count, name=_PAGE)
        fetch = partial(_page, row.id)
        sheets.download(f"stock-check-{row.id}", HEAD, lambda: map(line, sheets.every_row(fetch)), count)


def _page(check_id: int, number: int) -> tuple[ItemRow, ...]:
    return stock_charts.check_items(check_id, page=number)[0]


def line(item: ItemRow) -> tuple[object, ...]:
    """The item in a file and in the log, under ``HEAD``."""
    return (
        item.sku,
        item.expected,
        item.before,
        item.after,
        item.cause,
        OUTCOMES.get(item.outcome, item.outcome),
        item.sentence,
        item.at.isoformat(sep=" ", timespec="seconds"),
    )
