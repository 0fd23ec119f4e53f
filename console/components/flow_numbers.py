"""How orders and stock run, on the overview: orders a day, measured latency, drift, freshness (R12)."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from console import context
from console.components import words
from core.reads import connections, latency
from core.reads.latency import Drift, Freshness, Latency

_NAMES = {
    "stock": "Stock, store to Shop",
    "price": "Price, store to Shop",
    "order": "Order, TikTok to store",
}


def show() -> None:
    connection_id = context.current_id()
    at = connections.database_time()
    numbers = latency.order_numbers(connection_id)
    found = latency.drift(connection_id)
    left, right = st.columns(2)
    by_day = [day.number for day in numbers.by_day]
    left.metric("Orders today", f"{numbers.today:,}", border=True, chart_data=by_day if any(by_day) else None)
    told = "No check has ended yet."
    if found:
        told = f"At the last check, {words.ago(found.at, at)}; {found.remaining:,} were left."
    differ = f"{found.found:,} of {found.compared:,}" if found else "–"
    checks = list(latency.mismatches(connection_id))
    right.metric("SKUs that differed", differ, border=True, help=told, chart_data=checks if len(checks) > 1 else None)
    _latency(connection_id)
    st.caption(" · ".join(_freshness(latency.freshness(connection_id), found, at)))


def _freshness(told: Freshness, drift: Drift | None, at: datetime) -> tuple[str, ...]:
    """How old what is shown may be. That nothing was asked is said: a Shop without orders looks the same otherwise."""
    asked = told.orders_asked_at
    return (
        f"orders asked for {words.ago(asked, at)}" if asked else "orders not asked for in the last day",
        f"newest order read {words.ago(told.order_read_at, at)}" if told.order_read_at else "no order read yet",
        f"store's stock read {words.ago(told.store_read_at, at)}"
        if told.store_read_at
        else "store's stock not read yet",
        f"stock compared {words.ago(drift.at, at)}" if drift else "stock not compared yet",
    )


def _latency(connection_id: int) -> None:
    measured = latency.measured(connection_id)
    st.markdown("**Measured latency**, last 7 days")
    if not any(one.measured for one in measured):
        st.caption("None was measured yet: the first order and the first change of stock begin it.")
        return
    wide = {"From, to": st.column_config.TextColumn(width=170)}
    frame = pd.DataFrame([_row(one) for one in measured])
    st.dataframe(frame, hide_index=True, lazy=False, column_config=wide, alt="Measured latency")


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 100 else words.span(value)


def _row(one: Latency) -> dict[str, str]:
    """The median, and what 95 of 100 stay under."""
    measured = f"{one.measured:,}" if one.measured else "none yet"
    return {"From, to": _NAMES[one.kind], "p50": _seconds(one.p50), "p95": _seconds(one.p95), "Measured": measured}
