"""What a product says on TikTok only, in its drawer: what is left empty follows the store."""

from __future__ import annotations

import streamlit as st

from console import actions, context
from console.components import feedback, url
from core.domain.own_content import FIELDS
from core.reads.product_detail import ProductDetail

VIEW = "tiktok"
_NUMBERS = {
    "weight_kg": "Weight in kg",
    "length_cm": "Length in cm",
    "width_cm": "Width in cm",
    "height_cm": "Height in cm",
}


def show(detail: ProductDetail) -> None:
    """A form with one field each; a viewer reads it."""
    off = not context.current().operates
    st.caption(
        "Only TikTok gets this, when the product is sent the next time; the store stays as it is. "
        "What is left empty follows the store."
    )
    with st.form("own_content", border=False):
        entered = {
            "title": st.text_input(
                "Title", _kept(detail, "title"), key=f"own_title_{detail.id}", placeholder=detail.title, disabled=off
            ),
            "description": st.text_area(
                "Description: lines become paragraphs, and HTML may be used",
                _kept(detail, "description"),
                key=f"own_description_{detail.id}",
                height=240,
                placeholder="As in the store",
                disabled=off,
            ),
        }
        for column, (name, label) in zip(st.columns(len(_NUMBERS)), _NUMBERS.items(), strict=True):
            entered[name] = column.text_input(
                label, _kept(detail, name), key=f"own_{name}_{detail.id}", placeholder="As in the store", disabled=off
            )
        if st.form_submit_button("Save for TikTok", key="own_content_save", disabled=off):
            _save(detail.id, entered)


def kept(detail: ProductDetail) -> dict[str, str]:
    """What is kept for the product, as it would be entered."""
    return {name: _kept(detail, name) for name in FIELDS}


def show_weight(product_id: int, field: str) -> None:
    """A button's callback: what stands in another field stands here too, or saving the form would undo it."""
    st.session_state[f"own_weight_kg_{product_id}"] = st.session_state[field]


def _kept(detail: ProductDetail, name: str) -> str:
    return str(detail.own_content.get(name) or "")


def _save(product_id: int, entered: dict[str, str]) -> None:
    saved = feedback.told(actions.save_own_content, context.current_id(), product_id, entered)
    if saved is not None:
        feedback.later("Saved; the product is being judged again." if saved else "Nothing was changed.")
        url.put({"view": VIEW})
        st.rerun()
