"""The settings about products: each a sentence saying what happens when it is on and off."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import streamlit as st

from console import actions, context
from console.components import feedback

SWITCHES = {
    "automatic_sync": (
        "Send by itself",
        "On: products that become ready or change are sent without being asked. Off: only what a person sends goes.",
    ),
    "price_upload": (
        "Keep prices equal",
        "On: a price changed in the store is sent to the Shop. Off: the Shop's price stays as it is.",
    ),
    "list_variants_separately": (
        "List each variant by itself",
        "On: every variant becomes a listing of its own. Off: one listing with its variants to choose from.",
    ),
    "send_variant_images": (
        "Send the picture of each variant",
        "On: buyers see the picture of the variant they choose. Off: only the product's own pictures are sent.",
    ),
    "send_brand": (
        "Send the brand",
        "On: the mapped brand is sent. Off: no brand is sent.",
    ),
}
UNAUTHORISED = {
    "error": "stop the product and say so",
    "no_brand": 'send it as "No brand"',
}
ROUNDINGS = {
    "none": "not at all",
    "up_to_99": "up to the next .99",
    "nearest_whole": "to the nearest whole",
    "nearest_50": "to the nearest .50",
}
NUMBERS = {
    "price_markup_percent": "Add to every price, in per cent",
    "price_markup_fixed": "Add to every price, as an amount",
    "default_weight_kg": "Weight where the store has none, in kg",
    "default_length_cm": "Length where the store has none, in cm",
    "default_width_cm": "Width where the store has none, in cm",
    "default_height_cm": "Height where the store has none, in cm",
}
KINDS = ("GTIN", "EAN", "UPC", "ISBN")


def show(here: context.Context) -> None:
    if here.connection is None:
        return
    st.subheader("Products")
    if not here.administers:
        st.caption("Only an administrator can change these.")
    now = actions.load_settings(here.connection.id)
    off = not here.administers
    with st.form("product_settings", border=False):
        values: dict[str, Any] = {name: _switch(name, getattr(now, name), off) for name in SWITCHES}
        values["unauthorised_brand"] = _one_of(
            "unauthorised_brand", "A brand the Shop may not sell", UNAUTHORISED, now, off
        )
        values["price_rounding"] = _one_of("price_rounding", "Round prices", ROUNDINGS, now, off)
        left, right = st.columns(2)
        for position, (name, label) in enumerate(NUMBERS.items()):
            side = (left, right)[position % 2]
            values[name] = side.text_input(label, _shown(getattr(now, name)), key=f"set_{name}", disabled=off)
        chosen = st.multiselect(
            "Identifier codes, the first one found is sent", KINDS, list(now.identifier_priority),
            key="set_identifier_priority", disabled=off,
        )  # fmt: skip
        values["identifier_priority"] = tuple(chosen)
        if st.form_submit_button("Save", key="settings_submit", disabled=off):
            _save(here.connection.id, values)


def _switch(name: str, value: bool, off: bool) -> bool:
    label, sentence = SWITCHES[name]
    chosen = st.toggle(label, value, key=f"set_{name}", disabled=off)
    st.caption(sentence)
    return chosen


def _one_of(name: str, label: str, choices: dict[str, str], now: object, off: bool) -> str:
    options = list(choices)
    return str(
        st.selectbox(
            label, options, index=options.index(getattr(now, name)), format_func=lambda one: choices[one],
            key=f"set_{name}", disabled=off,
        )
    )  # fmt: skip


def _shown(value: Decimal | int | None) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _save(connection_id: int, values: dict[str, Any]) -> None:
    saved = feedback.told(actions.save_settings, connection_id, values)
    if saved is not None:
        feedback.later("Saved." if saved else "Nothing was changed.")
        st.rerun()
