"""The chosen connection: who, until when, the checklist, tests, and leaving."""

from __future__ import annotations

import streamlit as st

from console import actions, context
from console.components import feedback, truth, words
from console.components.status import badge, escaped
from core.domain.statuses import Tone, Word
from core.reads import connections
from core.reads.connections import ConnectionRow

STATES = {
    "ok": Word("Ok", Tone.GREEN, ""),
    "wrong": Word("Wrong", Tone.RED, ""),
    "unknown": Word("Unknown", Tone.VIOLET, ""),
}


def show(here: context.Context) -> None:
    row = here.connection
    if row is None:
        return
    st.subheader(escaped(row.name))
    _facts(row)
    if here.operates:
        _tests(row)
    _checklist(here, row)
    _warehouses(row)
    if here.administers and row.disconnected_at is None:
        _leaving(row)


def _facts(row: ConnectionRow) -> None:
    at = connections.database_time()
    facts = {
        "Store": f"{row.store_name}, {row.domain}, {row.country}, {row.currency}",
        "Shop": f"{row.shop_name}, region {row.region}, id {row.shop_remote_id}",
        "Seller": row.seller_name or "not told",
        "Tokens": truth.token_dates(row, at) or "none",
        "Connected": f"{words.clock(row.connected_at)} by {row.connected_by or 'unknown'}",
        "Last tested": words.ago(row.checked_at, at) or "never",
    }
    if row.disconnected_at:
        facts["Disconnected"] = words.clock(row.disconnected_at)
    st.text("\n".join(f"{name}: {value}" for name, value in facts.items()))


def _tests(row: ConnectionRow) -> None:
    with st.container(horizontal=True):
        if st.button("Test the Shop", key="test_shop"):
            feedback.said(actions.test_shop, row.id)
        if st.button("Test the store", key="test_store"):
            feedback.said(actions.test_store, row.store_account_id)
        if st.button("Read the Shop's own checks", key="read_prerequisites"):
            feedback.then_rerun("The Shop's checks were read.", actions.read_prerequisites, row.id)


def _checklist(here: context.Context, row: ConnectionRow) -> None:
    st.markdown("**Checklist**")
    for check in actions.checklist(row.id):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            badge(STATES[check.state])
            said = f"**{escaped(check.name)}** {escaped(check.sentence)} {escaped(check.fix)}"
            led = f" [Go to {check.link.capitalize()}](#{check.link})" if check.link and here.administers else ""
            st.markdown(said + led)
    if here.connection and here.connection.blocked_sentence:
        st.error(escaped(here.connection.blocked_sentence))


def _warehouses(row: ConnectionRow) -> None:
    found = connections.warehouse_rows(row.id)
    if found:
        st.markdown("**Warehouses in the Shop**")
    for one in found:
        kind = one.kind.replace("_", " ").capitalize()
        extra = ", default" if one.is_default else ""
        st.text(f"{one.name}: {kind.lower()}{extra}, {one.status.lower()}, {one.region}")


def _leaving(row: ConnectionRow) -> None:
    with st.expander("Disconnect"):
        st.write("Stops sending and reading at once. Settings, mappings and history stay for a return.")
        asked = f"Type {escaped(row.shop_name)} to confirm"
        typed = st.text_input(asked, key="disconnect_typed", autocomplete="off", live=True)
        sure = (typed or "").strip() == row.shop_name
        if st.button("Disconnect", key="disconnect", disabled=not sure):
            feedback.then_rerun(f"{row.shop_name} is disconnected.", actions.disconnect, row.id)
