"""How orders and stock run, on the overview: orders a day, measured latency, drift, freshness (R12)."""

from __future__ import annotations

import streamlit as st

from console import context
from console.components import words
from core.reads import connections, latency
from core.reads.latency import Latency

_NAMES = {
    "stock": "Stock: store change to Shop",
    "price": "Price: store change to Shop",
    "order": "Order: TikTok to store",
}


def show() -> None:
    connection_id = context.current_id()
    at = connections.database_time()
    numbers = latency.order_numbers(connection_id)
    found = latency.drift(connection_id)
    left, right = st.columns(2)
    by_day = [day.number for day in numbers.by_day]
    left.metric("Orders today", f"{numbers.today:,}", border=True, chart_data=by_day if any(by_day) else None)
    differ = f"{found.found:,} of {found.compared:,}" if found else "–"
    right.metric(
        "SKUs that differed, last check", differ, border=True,
        help=f"{words.ago(found.at, at)}; {found.remaining:,} were left." if found else "No check has ended yet.",
    )  # fmt: skip
    st.markdown("**Measured latency**, last 7 days")
    columns = st.columns(len(latency.KINDS))
    for column, one in zip(columns, latency.measured(connection_id), strict=True):
        column.metric(_NAMES[one.kind], _seconds(one.p50), border=True, help=_said(one), delta=_p95(one),
                      delta_color="off", delta_arrow="off")  # fmt: skip
    freshness = [
        f"last order read {words.ago(numbers.read_at, at)}" if numbers.read_at else "no order read yet",
        f"stock compared {words.ago(found.at, at)}" if found else "stock not compared yet",
    ]
    st.caption(" · ".join(freshness))


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 100 else words.span(value)


def _p95(one: Latency) -> str | None:
    return f"95 of 100 under {_seconds(one.p95)}" if one.p95 is not None else None


def _said(one: Latency) -> str:
    return f"The median of {one.measured:,} measured." if one.measured else "None was measured yet."
