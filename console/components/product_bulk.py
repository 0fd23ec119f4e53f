"""The bulk actions on products, asked the same way wherever products are listed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from console import actions, context
from console.components import bulk
from console.components.selection import Selected
from core.domain.filters import Selection
from core.domain.mapping import CATEGORY
from core.reads import mappings

AS_MAPPED = ""
VERBS = {"all": "Send", "price": "Send prices of", "stock": "Send stock of"}


def ask_to_send(chosen: Selection, part: str, selected: Selected | None = None, title: str = "") -> None:
    """A button's callback: sending whole listings (``all``), or their ``price`` or ``stock`` alone."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title=title or actions.PARTS[part],
            verb=VERBS[part],
            selection=chosen,
            plan=partial(actions.plan_send, connection_id, part=part),
            start=partial(actions.send, connection_id, part=part),
            selected=selected,
        )
    )


def ask_to_delete(chosen: Selection, selected: Selected | None = None) -> None:
    """A button's callback: deleting in the Shop, never in the store."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title="Delete from TikTok",
            verb="Delete",
            selection=chosen,
            plan=partial(actions.plan_delete, connection_id),
            start=partial(actions.delete, connection_id),
            selected=selected,
            deletes=True,
            note="Deleted in the Shop only. The store keeps them, and they can be sent again.",
        )
    )


def ask_for_category(chosen: Selection, selected: Selected | None = None) -> None:
    """A button's callback: one category for all of them, before any mapping (P25)."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title="Set category",
            verb="Set category of",
            selection=chosen,
            plan=partial(actions.plan_own_categories, connection_id, category_id=None),
            start=partial(actions.set_own_categories, connection_id, category_id=None),
            selected=selected,
            note="The chosen category goes before the mappings and the default. It can be undone.",
            refine=_with_category,
        )
    )


def _with_category(question: bulk.Ask) -> bulk.Ask | None:
    """Have the category chosen."""
    connection_id = context.current_id()
    labels = {AS_MAPPED: "None of their own: as mapped"}
    labels |= {one.value: one.label for one in mappings.target_choices(connection_id, CATEGORY)}
    category = st.selectbox(
        "TikTok category", list(labels), index=None, format_func=lambda one: labels[one], key="bulk_category"
    )
    if category is None:
        return None
    return replace(
        question,
        plan=partial(actions.plan_own_categories, connection_id, category_id=category or None),
        start=partial(actions.set_own_categories, connection_id, category_id=category or None),
    )
