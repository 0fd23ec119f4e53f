"""Writes to the store's stock that wait for a person's word: it arrived, or it did not (G5)."""

from __future__ import annotations

import streamlit as st

from console import context, stock_actions
from console.components import feedback, words
from console.components.status import escaped
from core.reads import connections
from core.reads.unsettled_writes import UnsettledWrite, unsettled_writes

ARRIVED, NOT_ARRIVED = "It arrived", "It did not arrive"


def show(variant_id: int | None = None) -> bool:
    """Each with its two choices; of one variant where it is given. Whether there was any."""
    found = unsettled_writes(context.current_id(), variant_id)
    for write in found.shown:
        _write(write)
    if found.count.number > len(found.shown):
        st.caption(f"The oldest {len(found.shown)} of {found.count.text()} are shown; the next follow as you settle.")
    return bool(found.shown)


def _write(write: UnsettledWrite) -> None:
    with st.container(border=True, key=f"unsettled_{write.variant_id}"):
        st.markdown(escaped(write.sentence))
        st.caption(escaped(f"{write.fix} · {words.ago(write.since, connections.database_time())}"))
        if context.current().operates:
            with st.container(horizontal=True):
                _choice(ARRIVED, write, arrived=True, help_="Its units count as taken off the store's stock.")
                _choice(NOT_ARRIVED, write, arrived=False, help_="The change is made again, from the stock of then.")


def _choice(label: str, write: UnsettledWrite, *, arrived: bool, help_: str) -> None:
    if st.button(label, key=f"{'arrived' if arrived else 'not_arrived'}_{write.variant_id}", help=help_):
        done = f"Settled: {write.sku}."
        here = context.current_id()
        feedback.then_rerun(done, stock_actions.settle_write, here, write.variant_id, arrived=arrived)
