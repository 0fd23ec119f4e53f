"""Why a SKU has its number: the sum as a waterfall, each step with its source and time, and what is exposed (K6)."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from console import context, stock_actions
from console.components import feedback, stock_settling, url, watched, words
from console.components.status import escaped
from core.reads import connections
from core.reads.stock import variant_of
from core.services.stock_rules import SkuRule
from core.services.stock_why import Why

_MOST = 999_999
_KEEPS = {"As in Settings": None, "On": True, "Off": False}


def show() -> None:
    """Open the dialog of the SKU in the address (``why``)."""
    sku_id = url.number("why")
    if sku_id:
        watched.dialog("Why this number", _body, width="large", on_dismiss=_closed)(sku_id)


def _closed() -> None:
    url.put({"why": ""})


def _body(sku_id: int) -> None:
    variant_id = variant_of(context.current_id(), sku_id)
    if variant_id is None:
        st.write("This connection has no SKU with this number.")
        return
    why = feedback.told(stock_actions.explain, sku_id)
    if why is None:
        return
    st.markdown(f"**{escaped(why.seller_sku)}** should offer **{why.offered:,}**")
    for note in why.notes:
        st.info(escaped(note))
    stock_settling.show(variant_id)
    st.altair_chart(_waterfall(why), key="why_waterfall", alt="From what is on hand to what is offered")
    _steps(why)
    _shop(why)
    if context.current().operates:
        _rule(variant_id)


def bars(why: Why) -> list[dict[str, Any]]:
    """The waterfall's bars: where each begins and ends, in pieces."""
    found, before = [], 0
    for step in why.steps:
        low, high = sorted((before, step.left)) if step.name != "on hand" else (0, step.left)
        kind = "on hand" if step.name == "on hand" else "more" if step.change > 0 else "less"
        found.append({"step": step.name, "low": low, "high": high, "change": step.change, "kind": kind})
        before = step.left
    found.append({"step": "offered", "low": 0, "high": why.offered, "change": why.offered, "kind": "offered"})
    return found


def _waterfall(why: Why) -> Any:
    frame = pd.DataFrame(bars(why))
    colours = alt.Scale(
        domain=["on hand", "less", "more", "offered"], range=["#868e96", "#d9480f", "#2f9e44", "#1b64d8"]
    )
    place = alt.X("step:N", sort=None, title=None, axis=alt.Axis(labelAngle=0))
    bar = (
        alt.Chart(frame)
        .mark_bar(size=46)
        .encode(
            x=place,
            y=alt.Y("low:Q", title="Pieces"),
            y2="high:Q",
            color=alt.Color("kind:N", scale=colours, legend=None),
            tooltip=["step:N", "change:Q", "high:Q"],
        )
    )
    label = alt.Chart(frame).mark_text(dy=-7, color="#868e96").encode(x=place, y="high:Q", text="change:Q")
    return (bar + label).properties(height=230)


def _steps(why: Why) -> None:
    at = connections.database_time()
    rows = [
        {
            "Step": step.name,
            "Change": step.change,
            "Left": step.left,
            "Source": step.source,
            "As of": f"{words.ago(step.at, at)} ({words.clock(step.at)})" if step.at else "",
        }
        for step in why.steps
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, lazy=False, alt="Steps of the sum with source and time")


def _shop(why: Why) -> None:
    at = connections.database_time()
    left, right = st.columns(2)
    told = [
        ("To be set in the Shop", f"{why.to_send:,}", None),
        ("Sent", _number(why.sent), why.sent_at),
        ("Acknowledged", "yes" if why.acknowledged_at else "not yet", why.acknowledged_at),
        ("The Shop shows", _number(why.shown), why.read_back_at),
    ]
    left.text(
        "\n".join(f"{name}: {value}" + (f", {words.ago(time, at)}" if time else "") for name, value, time in told)
    )
    lines = [
        f"Reserved for campaigns: {why.campaign:,}, creators: {why.creator:,}",
        f"In the Shop's open orders: {why.committed:,}",
        f"Warehouse: {why.warehouse or 'none'}",
        f"Held by orders: {', '.join(why.held_orders[:6]) or 'none'}",
    ]
    right.text("\n".join(lines))
    lag = words.span(why.lag.total_seconds())
    said = f"{why.units_sold:,} sold in 7 days, and a change takes {lag} to reach the Shop."
    st.caption(f"Exposure {why.exposure} pieces: {said}")


def _number(value: int | None) -> str:
    return "never" if value is None else f"{value:,}"


def _rule(variant_id: int) -> None:
    """The SKU's own buffer, cap, alert and continue selling; empty follows the connection's setting."""
    row = context.current().connection
    if row is None:
        return
    now = stock_actions.rule_of(variant_id)
    with st.form(f"rule_{variant_id}", border=True):
        st.markdown("**Rules of this SKU**, for every connection of the store. Empty follows Settings, Stock.")
        columns = st.columns(3)
        values = [
            column.number_input(label, 0, _MOST, value, 1, key=f"rule_{name}_{variant_id}")
            for column, (name, label, value) in zip(
                columns,
                (
                    ("buffer", "Keep back", now.buffer),
                    ("cap", "Offer at most", now.cap),
                    ("alert", "Alert below", now.low_stock_alert),
                ),
                strict=True,
            )
        ]
        keeps = st.selectbox(
            "Continue selling at 0",
            _KEEPS,
            list(_KEEPS.values()).index(now.continue_selling),
            key=f"rule_continue_selling_{variant_id}",
            help="On: it stays on offer when it is sold out, as many as the cap says or one, and its orders are "
            "imported; other integrations that ship from this store may oversell it.",
        )
        if st.form_submit_button("Save", key=f"rule_save_{variant_id}"):
            rule = SkuRule(*values, continue_selling=_KEEPS[keeps])
            feedback.then_rerun("Saved.", stock_actions.save_rule, row.store_account_id, variant_id, rule)
