"""The grid of default weights and sizes per category of the Shop, before those of the connection (P22)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import streamlit as st

from console import context
from console.components import empty, filters, mapping_grid, sheets, table
from core.domain.counting import counted
from core.domain.mapping import PARCEL
from core.domain.parcels import ParcelDefaults, parcel_document, parcel_refusal
from core.reads import parcel_defaults
from core.reads.paging import Count
from core.reads.parcel_defaults import ParcelRow
from core.reads.products import Choice
from core.services.mappings import MappingChange

STATES = [Choice("lacking", "Something is lacking"), Choice("set", "Has a default")]
_NAME = f"map_{PARCEL}"
_SIZES = ("weight", "length", "width", "height")


def show() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = filters.search(_NAME, "Part of a TikTok category")
        state = filters.choice(_NAME, "state", "state", STATES)
        filters.clear_button(_NAME, ("q", "state"))
    rows = parcel_defaults.parcel_rows(context.current_id(), text=text, state=state)
    if not rows and not (text or state):
        empty.state("No categories", "Categories that products are in show here.")
        return
    _head()
    if not rows:
        empty.nothing_matches(_NAME, ("q", "state"))
        return
    changes = _edited(table.slice_asked_for(rows))
    if context.current().operates:
        mapping_grid.offer_to_save(PARCEL, changes)
    table.pager(_NAME, Count(len(rows)))
    head = ("Id", "Category", "Products", "Lacking", "Weight (kg)", "Length (cm)", "Width (cm)", "Height (cm)")
    sheets.download("parcel-defaults", head, lambda: [_line(row) for row in rows])


def _head() -> None:
    """Of all categories, however the grid is narrowed."""
    lacking = parcel_defaults.lacking_products(context.current_id())
    said = f"**{counted(lacking, 'product')} without a weight or size that TikTok needs.**"
    st.markdown(said if lacking else "No product lacks a weight or a size that TikTok needs.")
    st.caption(
        "Used where the store has none, before the defaults in Settings. Wrong weights and sizes lead to wrong "
        "shipping cost."
    )


def names() -> dict[str, str]:
    """The categories of the grid by id, for its history."""
    return {row.source_id: row.category for row in parcel_defaults.parcel_rows(context.current_id())}


def _line(row: ParcelRow) -> tuple[object, ...]:
    kept = row.default
    sizes = (kept.length_cm, kept.width_cm, kept.height_cm)
    return row.source_id, row.category, row.products, row.lacking, kept.weight_kg, *sizes


def _edited(rows: Sequence[ParcelRow]) -> list[MappingChange]:
    fixed, alt = ("category", "products", "lacking", "updated_by"), "Default weights and sizes"
    cells = [_cells(row) for row in rows]
    now = mapping_grid.editor(PARCEL, rows, cells, _columns(), fixed=fixed, placeholder="", alt=alt)
    return mapping_grid.keep(PARCEL, {row.source_id: _typed(row, one) for row, one in zip(rows, now, strict=True)})


def _typed(row: ParcelRow, cells: dict[str, Any]) -> mapping_grid.Typed | str | None:
    change = change_of(row, cells)
    if not isinstance(change, MappingChange):
        return change
    return mapping_grid.Typed({name: cells[name] for name in _SIZES}, change)


def change_of(row: ParcelRow, typed: dict[str, Any]) -> MappingChange | str | None:
    """What was typed as a change; a sentence when it cannot be; None when nothing changed."""
    weight, *sizes = (typed[name] for name in _SIZES)
    kept = Decimal(str(weight)).normalize() if weight is not None else None
    wanted = ParcelDefaults(kept, *(None if size is None else int(size) for size in sizes))
    if wanted == row.default:
        return None
    if wanted == ParcelDefaults():
        return MappingChange(PARCEL, row.source_id, None, version=row.version)
    detail = parcel_document(wanted)
    refusal = parcel_refusal(detail)
    if refusal:
        return f"{row.category}: {refusal}"
    return MappingChange(PARCEL, row.source_id, "", version=row.version, detail=detail)


def _cells(row: ParcelRow) -> dict[str, Any]:
    kept = row.default
    return {
        "category": row.category,
        "products": row.products,
        "lacking": row.lacking,
        "weight": None if kept.weight_kg is None else float(kept.weight_kg),
        "length": kept.length_cm,
        "width": kept.width_cm,
        "height": kept.height_cm,
        "updated_by": row.updated_by,
    }


def _columns() -> dict[str, Any]:
    c = st.column_config
    side = {"min_value": 1, "max_value": 1_000, "step": 1, "width": 85}
    return {
        "category": c.TextColumn("TikTok category", width=330),
        "products": c.NumberColumn("Products", format="localized", width=75),
        "lacking": c.NumberColumn("Lacking", format="localized", width=70, help="Products that cannot be sent for it."),
        "weight": c.NumberColumn("Weight (kg)", min_value=0.0, max_value=100.0, step=0.001, width=95),
        "length": c.NumberColumn("Length (cm)", **side),
        "width": c.NumberColumn("Width (cm)", **side),
        "height": c.NumberColumn("Height (cm)", **side),
        "updated_by": c.TextColumn("Set by", width=90),
    }
