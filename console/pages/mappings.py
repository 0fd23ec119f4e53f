"""What the store's words are in TikTok Shop: categories, brands, attributes; and for orders and stock the other way."""

from __future__ import annotations

import streamlit as st

from console import actions, context
from console.components import (
    attribute_grid,
    empty,
    feedback,
    filters,
    mapping_files,
    mapping_grid,
    order_mapping_grids,
    page_head,
    parcel_grid,
    table,
    url,
    words,
)
from console.components.status import escaped
from core.domain.counting import counted
from core.domain.mapping import ATTRIBUTE, BRAND, CATEGORY, DEFAULT_CATEGORY, ORDER_FIELD, ORDER_STATUS, PARCEL, SKU
from core.domain.stock import WAREHOUSE
from core.reads import connections, mappings, order_mappings
from core.reads.products import Choice
from core.services.mappings import MappingChange

HERE = context.current()
VIEWS = {
    CATEGORY: "Categories",
    BRAND: "Brands",
    ATTRIBUTE: "Attributes",
    PARCEL: "Weights and sizes",
    ORDER_STATUS: "Order statuses",
    SKU: "SKUs",
    WAREHOUSE: "Warehouses",
    ORDER_FIELD: "Order fields",
}
# Kinds with a grid of their own.
GRIDS = {
    ATTRIBUTE: attribute_grid.show,
    PARCEL: parcel_grid.show,
    ORDER_STATUS: order_mapping_grids.statuses,
    SKU: order_mapping_grids.skus,
    WAREHOUSE: order_mapping_grids.warehouses,
    ORDER_FIELD: order_mapping_grids.fields,
}
ONE = {CATEGORY: "category", BRAND: "brand"}
MANY = {CATEGORY: "categories", BRAND: "brands"}
STATES = [Choice("unmapped", "Not mapped"), Choice("mapped", "Mapped")]


def head(kind: str) -> None:
    waiting = mappings.unmapped(context.current_id(), kind)
    if waiting.words:
        st.markdown(
            f"**{counted(waiting.words, ONE[kind], MANY[kind])} in use not mapped**, "
            f"on {counted(waiting.products, 'product')}."
        )
    else:
        st.markdown(f"All {MANY[kind]} in use are mapped.")
    if kind == BRAND:
        st.caption('A brand that is not mapped is sent as "No brand" where the Shop permits it.')


def default_category() -> None:
    """Where no mapping says otherwise."""
    present = mappings.default_category(context.current_id())
    choices = {one.value: one.label for one in mappings.target_choices(context.current_id(), CATEGORY)}
    options = ["", *choices]
    if present.target_id and present.target_id not in choices:
        options.append(present.target_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Default category, for products whose category is not mapped",
            options,
            index=options.index(present.target_id or ""),
            format_func=lambda one: choices.get(one, one) or "None",
            key="default_category",
            disabled=not HERE.operates,
        )
        wanted = chosen or None
        if wanted != present.target_id and HERE.operates and st.button("Save…", key="save_default"):
            change = MappingChange(DEFAULT_CATEGORY, "", wanted, version=present.version)
            mapping_grid.preview(CATEGORY, [change])


def target_labels(kind: str) -> dict[str, str]:
    """Every leaf category; of the brands those that are mapped, those named as the store's, those searched for."""
    if kind == CATEGORY:
        return mapping_grid.labels_of(kind, mappings.target_choices(context.current_id(), kind))
    text = st.text_input("Find TikTok brands to choose from", key="brand_text", placeholder="Part of the brand's name")
    found = mappings.target_choices(context.current_id(), kind, text=text or "", most=500)
    known = mappings.mapped_targets(context.current_id(), kind)
    return mapping_grid.labels_of(kind, tuple(dict.fromkeys((*known, *found))))


def same_names(rows: tuple[mappings.MappingRow, ...], labels: dict[str, str]) -> None:
    """The Shop's brands of the very same name, filled in for the page's unmapped ones."""
    waiting = {row.label.lower(): row for row in rows if row.target_id is None}
    named = mappings.brands_named(context.current_id(), tuple(waiting))
    if st.button(f"Take {len(named)} of the same name", key="same_names", disabled=not named):
        found = {waiting[name]: brand.value for name, brand in named.items()}
        mapping_grid.fill_in(BRAND, found, mapping_grid.labels_of(BRAND, tuple(named.values())) | labels)
        st.rerun()


def grid(kind: str) -> None:
    prefix = f"map_{kind}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = filters.search(prefix, "Part of the store's name")
        state = filters.choice(prefix, "state", "state", STATES)
        filters.clear_button(prefix, ("q", "state"))
        mapping_files.download(kind)
        if HERE.operates:
            mapping_files.upload(kind)
    page = table.asked_for(
        lambda number: mappings.mappings_page(context.current_id(), kind, text=text, state=state, page=number)
    )
    if not page.rows:
        nothing(kind, prefix)
        return
    labels = target_labels(kind)
    bar = st.container(horizontal=True, vertical_alignment="center")
    if HERE.operates:
        with bar:
            mapping_grid.recommend(page.rows, labels) if kind == CATEGORY else same_names(page.rows, labels)
    changes = mapping_grid.edited(kind, page.rows, labels)
    if HERE.operates:
        mapping_grid.offer_to_save(kind, changes)
    table.pager(prefix, page.count)


def nothing(kind: str, prefix: str) -> None:
    if url.get("q") or url.get("state"):
        empty.nothing_matches(prefix, ("q", "state"))
    else:
        empty.state(f"No {MANY[kind]} yet", f"The store's {MANY[kind]} are read with the first catalogue pull.")


def history(kind: str) -> None:
    if kind in GRIDS:
        sources = parcel_grid.names() if kind == PARCEL else {}
        found = order_mappings.changes_of(context.current_id(), kind, order_mapping_grids.names(kind), sources)
    else:
        found = mappings.history(context.current_id(), kind)
    if not found:
        return
    at = connections.database_time()
    with st.expander("History", key=f"history_{kind}"):
        for row in found:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(words.ago(row.at, at), help=words.clock(row.at), width=110)
                change = f"{escaped(row.before)} → {escaped(row.after)}"
                st.markdown(f"**{escaped(row.source)}** {change}, {escaped(row.by)}")
                if HERE.operates and st.button("Undo", key=f"undo_{row.id}", type="tertiary"):
                    feedback.then_rerun("Put back.", actions.undo_mapping, context.current_id(), row.id)


def main() -> None:
    page_head.show("Mappings")
    kind = filters.views("mappings", VIEWS)
    if kind in GRIDS:
        GRIDS[kind]()
    else:
        head(kind)
        if kind == CATEGORY:
            default_category()
        grid(kind)
    history(kind)


main()
