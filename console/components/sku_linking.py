"""Linking a Shop's SKU that the store does not have to a variant by hand, with suggestions (O6)."""

from __future__ import annotations

import streamlit as st

from console import context, order_actions
from console.components import feedback
from console.components.status import escaped
from core.domain.counting import counted
from core.domain.mapping import sku_shown
from core.reads import order_mappings
from core.reads.order_detail import OrderDetail


def offer(detail: OrderDetail) -> None:
    """For each SKU that the order waits for: suggestions, a search, and one button."""
    if not detail.missing_skus or detail.import_state != "held" or detail.hold != "unlinked_sku":
        return
    if not context.current().operates:
        return
    for sku in detail.missing_skus:
        named = [line for line in detail.lines if sku_shown(line.seller_sku, line.sku_remote_id) == sku]
        title = next((line.title for line in named if line.title), "")
        with st.container(border=True, key=f"link_{sku}"):
            _one(sku, title)


def _one(sku: str, title: str) -> None:
    connection_id = context.current_id()
    waiting = order_mappings.orders_waiting_for(connection_id, sku)
    held = counted(waiting, "order waits", "orders wait")
    st.markdown(f"**{escaped(sku)}** {escaped(title)} is not linked to the store; {held} for it.")
    choices = choices_for(sku, title)
    if not choices:
        st.caption("Nothing in the store is like it: search for the product it stands for.")
        return
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    variant_id = left.selectbox(
        "Store product", list(choices), format_func=lambda one: choices[one], key=f"link_to_{sku}", index=0
    )
    # Another button for another list: a click that overtakes a search must not link what was not seen.
    pressed = right.button("Link", key=f"link_save_{sku}_{next(iter(choices))}", type="primary")
    if pressed and variant_id is not None:
        feedback.then_rerun(
            f"{sku} is linked: the orders that wait for it are imported by themselves.",
            order_actions.map_sku, connection_id, sku, variant_id,
        )  # fmt: skip


def choices_for(sku: str, title: str) -> dict[int, str]:
    """Variants of the store by id: those searched for, else those most like the SKU and its title."""
    connection_id = context.current_id()
    typed = st.text_input("Find another product", key=f"link_find_{sku}", placeholder="Name or SKU in the store")
    if (typed or "").strip():
        return {one.id: one.label for one in order_mappings.variants_named(connection_id, typed, most=30)}
    found = feedback.told(order_actions.suggested_variants, connection_id, sku, title) or []
    return {one.variant_id: f"{one.sku} · {one.title} ({one.likeness:.0%} alike)" for one in found}
