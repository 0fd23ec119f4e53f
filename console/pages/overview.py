"""What needs a person, worst first; and how it runs."""

from __future__ import annotations

import streamlit as st

from console import context
from console.components import empty, flow_numbers, page_head, progress, stock_settling, words
from console.components.status import escaped
from core.reads import connections, overview
from core.reads.flow_causes import flow_causes
from core.reads.overview import Cause

HERE = context.current()


def cause_line(cause: Cause, position: int) -> None:
    at = connections.database_time()
    with st.container(border=True, key=f"cause_{position}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            number = "" if cause.alone else f"**{cause.count.text()}** "
            st.markdown(number + escaped(cause.sentence))
            st.page_link(
                f"pages/{cause.page}.py",
                label=cause.button,
                query_params={"c": str(context.current_id()), **dict(cause.parameters)},
            )
        oldest = f"oldest {words.ago(cause.since, at)}" if cause.since else ""
        st.caption(escaped(" · ".join(part for part in (cause.fix, oldest) if part)))


def needs_a_person() -> None:
    st.subheader("What needs a person")
    asked = stock_settling.show()
    found = (*flow_causes(context.current_id()), *overview.causes(context.current_id()))
    for position, cause in enumerate(found):
        cause_line(cause, position)
    if not found and not asked:
        empty.state("Nothing needs a person", "What is refused, unknown or not ready shows here with its cause.")


def how_it_runs() -> None:
    st.subheader("How it runs")
    flow_numbers.show()
    found = overview.numbers(context.current_id())
    by_day = [day.number for day in overview.sent_by_day(context.current_id())]
    cells = (
        ("Products in the store", found.products.text(), None),
        ("Listings live", found.live.text(), None),
        ("In review", found.in_review.text(), None),
        ("Sent, last 14 days", f"{sum(by_day):,}", by_day if any(by_day) else None),
        ("Calls, last 24 hours", f"{found.calls_today:,}", None),
        ("Failed calls", f"{found.failed_calls_today:,}", None),
        ("Call, median", f"{found.median_ms:,.0f} ms" if found.median_ms is not None else "–", None),
        ("Call, 95 of 100 under", f"{found.slow_ms:,.0f} ms" if found.slow_ms is not None else "–", None),
    )
    columns = st.columns(2)
    for position, (label, value, chart) in enumerate(cells):
        columns[position % 2].metric(label, value, border=True, chart_data=chart)
    pull_state()


def pull_state() -> None:
    row = HERE.connection
    pull = connections.pull_row(row.store_account_id) if row else None
    if pull is None:
        return
    if pull.first_under_way:
        total = f" of {pull.full_total:,}" if pull.full_total else ""
        st.info(f"The catalogue pull is under way: {pull.full_offset:,}{total}.")
    elif pull.full_finished_at:
        st.caption(f"Catalogue read in full {words.clock(pull.full_finished_at)}, {pull.products.text()} products.")
    if pull.note:
        st.caption(escaped(pull.note))


def main() -> None:
    page_head.show("Overview")
    progress.under_way(HERE)
    left, right = st.columns([3, 2], gap="large")
    with left:
        needs_a_person()
    with right:
        how_it_runs()


main()
