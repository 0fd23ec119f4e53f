"""What the checks found, as charts; a click on a bar filters the table below (K4)."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from console import context
from console.components import url
from core.domain.stock import Cause
from core.reads import stock_charts
from core.reads.stock_charts import SIZES, Charts

_HEIGHT = 240
# One colour a cause, the same in every chart and far enough apart for colour-blind eyes; the legend names them.
_COLOURS = {
    Cause.NOT_ACKNOWLEDGED: "#1b64d8",
    Cause.CHANGED_IN_SHOP: "#d9480f",
    Cause.NEW_IN_STORE: "#2f9e44",
    Cause.HELD_BY_ORDERS: "#9c36b5",
    Cause.PROMOTION: "#e8a10c",
    Cause.CAMPAIGN: "#e64980",
    Cause.HOLIDAY: "#0c8599",
    Cause.NOT_NAMED: "#5c3d2e",
    Cause.UNKNOWN: "#868e96",
}


def show() -> bool:
    """Draw them; False when no check of the last 30 days found anything to draw."""
    found = stock_charts.charts(context.current_id())
    if not found.by_cause:
        st.caption("No stock check of the last 30 days found a difference; what they find is charted here.")
        return False
    left, right = st.columns(2)
    with left:
        _by_cause(found)
        _worst(found)
    with right:
        _by_size(found)
        _drift(found)
    return True


def _draw(chart: Any, key: str, field: str, parameter: str, words: str) -> None:
    """A chart whose clicked ``field`` goes into the address as ``parameter``."""
    name = f"stock_chart_{key}"
    st.altair_chart(
        chart.properties(height=_HEIGHT), key=name, alt=words, on_select=lambda: _clicked(name, field, parameter)
    )


def _clicked(name: str, field: str, parameter: str) -> None:
    picked = st.session_state[name].selection.get("picked") or []
    value = str(picked[0].get(field, "")) if picked else ""
    others = {"cause": "", "size": "", "q": ""}
    url.put(others | {parameter: value, url.PAGE: ""})


def _picking(field: str) -> Any:
    return alt.selection_point(name="picked", fields=[field], on="click", empty=True)


def _by_cause(found: Charts) -> None:
    frame = pd.DataFrame([{"day": row.day, "cause": row.cause, "skus": row.skus} for row in found.by_cause])
    causes = [str(one) for one in _COLOURS]
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdate(day):T", title=None, axis=alt.Axis(format="%d %b", tickCount=8)),
            y=alt.Y("sum(skus):Q", title="SKUs"),
            color=alt.Color(
                "cause:N", title=None, scale=alt.Scale(domain=causes, range=list(_COLOURS.values())),
                legend=alt.Legend(orient="bottom", columns=3),
            ),
            tooltip=[alt.Tooltip("day:T", format="%d %b"), "cause:N", "skus:Q"],
        )
        .add_params(_picking("cause"))
    )  # fmt: skip
    st.markdown("**Mismatches by cause**, last 30 days")
    _draw(chart, "cause", "cause", "cause", "SKUs that differed, by day and cause")


def _by_size(found: Charts) -> None:
    frame = pd.DataFrame([{"size": row.size, "skus": row.skus} for row in found.by_size])
    st.markdown("**How far off**, last check, in pieces")
    if frame.empty:
        st.caption("The last check found nothing.")
        return
    chart = (
        alt.Chart(frame)
        .mark_bar(color="#1b64d8")
        .encode(
            x=alt.X("size:N", title=None, sort=list(SIZES), axis=alt.Axis(labelAngle=0)),
            y=alt.Y("skus:Q", title="SKUs"),
            tooltip=["size:N", "skus:Q"],
        )
        .add_params(_picking("size"))
    )
    _draw(chart, "size", "size", "size", "SKUs by how many pieces they were off")


def _worst(found: Charts) -> None:
    frame = pd.DataFrame([{"sku": row.sku, "times": row.times, "pieces": row.pieces} for row in found.worst])
    chart = (
        alt.Chart(frame)
        .mark_bar(color="#d9480f")
        .encode(
            x=alt.X("times:Q", title="Times it differed", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("sku:N", title=None, sort="-x", axis=alt.Axis(labelOverlap=False)),
            tooltip=["sku:N", "times:Q", "pieces:Q"],
        )
        .add_params(_picking("sku"))
    )
    st.markdown("**Worst ten SKUs**, last 30 days")
    _draw(chart, "worst", "sku", "q", "The SKUs that differed most often")


def _drift(found: Charts) -> None:
    frame = pd.DataFrame([{"at": row.at, "pieces": row.pieces, "skus": row.skus} for row in found.drift])
    chart = (
        alt.Chart(frame)
        .mark_line(point=True, color="#2f9e44")
        .encode(
            x=alt.X("at:T", title=None, axis=alt.Axis(format="%d %b", tickCount=8)),
            y=alt.Y("pieces:Q", title="Pieces"),
            tooltip=[alt.Tooltip("at:T", format="%d %b %H:%M"), "pieces:Q", "skus:Q"],
        )
    )
    st.markdown("**Drift** at each check, pieces off in all")
    st.altair_chart(chart.properties(height=_HEIGHT), key="stock_chart_drift", alt="Pieces off at each check")
