"""What can be put right beside a product's problems, without leaving its drawer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from console import actions, context
from console.components import feedback, own_content_form, url
from core.domain.mapping import BRAND, CATEGORY
from core.domain.pictures import LOOKED_AT
from core.reads import mappings
from core.reads.product_detail import ProductDetail
from core.services.mappings import MappingChange

_JUDGED = "Saved; the product is being judged again."
_BRAND_CODES = frozenset({"brand_unmapped", "brand_unknown", "brand_unauthorised"})


def show(detail: ProductDetail) -> None:
    """Those that fit the product's problems."""
    codes = {problem.code for problem in detail.problems}
    if codes.intersection(LOOKED_AT):
        _pictures(detail)
    if "weight_missing" in codes:
        _weight(detail)
    if codes & _BRAND_CODES and detail.brand_id:
        _brand(detail, detail.brand_id)
    if any(problem.field.startswith("category") for problem in detail.problems):
        _category(detail)


def _act(done: str, action: Callable[..., object], *arguments: Any) -> None:
    """The drawer stays at its problems."""
    url.put({"view": "problems"})
    feedback.then_rerun(done, action, context.current_id(), *arguments)


def _pictures(detail: ProductDetail) -> None:
    """For when a picture was put right at the same address, or its host was away."""
    if st.button("Check pictures again", key="check_pictures"):
        _act("Queued; the pictures are being looked at again.", actions.check_pictures_again, detail.id)


def _weight(detail: ProductDetail) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field = f"weight_{detail.id}"
        weight = st.text_input("Weight in kg for TikTok only", key=field, width=220)
        show = partial(own_content_form.show_weight, detail.id, field)
        if st.button("Use it", key="weight_save", on_click=show):
            _act(_JUDGED, actions.save_own_content, detail.id, own_content_form.kept(detail) | {"weight_kg": weight})


def _brand(detail: ProductDetail, brand_id: str) -> None:
    change = MappingChange(BRAND, brand_id, "")
    about = f"Every product of the store's brand {detail.brand or brand_id} is sent without one. See Mappings, Brands."
    if st.button("Send as No Brand", key="no_brand", help=about):
        _act("Saved; its products are being judged again.", actions.save_mappings, [change])


def _category(detail: ProductDetail) -> None:
    """A category of its own (P25)."""
    choices = {one.value: one.label for one in mappings.target_choices(context.current_id(), CATEGORY)}
    options = ["", *choices]
    present = detail.own_category_id if detail.own_category_id in choices else ""
    chosen = st.selectbox(
        "A category for this product alone",
        options,
        index=options.index(present),
        format_func=lambda one: choices.get(one, "As mapped"),
        key="own_category",
    )
    if st.button("Use it", key="own_category_save", disabled=chosen == present):
        _act(_JUDGED, actions.set_own_category, detail.id, chosen or None)
