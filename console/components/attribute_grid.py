"""The grid of category attributes: the store's custom field that gives it, a fixed value, or both (M7, P22).

With both, the value is the default for products whose field is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from console import context
from console.components import empty, filters, mapping_grid, sheets, table
from core.domain.counting import counted
from core.domain.mapping import ATTRIBUTE, PART_NUMBER
from core.reads import attribute_mappings
from core.reads.attribute_mappings import AttributeRow
from core.reads.paging import Count
from core.reads.products import Choice
from core.services.mappings import MappingChange

STATES = [Choice("required", "Required"), Choice("unmapped", "Not mapped"), Choice("mapped", "Mapped")]
_SHOWN_VALUES = 12


def show() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = filters.search("map_attribute", "Part of a category or attribute")
        state = filters.choice("map_attribute", "state", "state", STATES)
        filters.clear_button("map_attribute", ("q", "state"))
    rows = attribute_mappings.attribute_rows(context.current_id(), text=text, state=state)
    if rows or text or state:
        _head()
    if not rows and (text or state):
        empty.nothing_matches("map_attribute", ("q", "state"))
        return
    if not rows:
        empty.state("No attributes", "They are read for each category that products are mapped to.")
        return
    changes = _edited(table.slice_asked_for(rows))
    if context.current().operates:
        mapping_grid.offer_to_save(ATTRIBUTE, changes)
    table.pager("map_attribute", Count(len(rows)))
    head = ("Id", "Category", "Attribute", "Required", "Products", "Value", "Custom field")
    sheets.download("attribute-mappings", head, lambda: [_line(row) for row in rows])


def _head() -> None:
    """Of all attributes, however the grid is narrowed."""
    lacking = attribute_mappings.unanswered(context.current_id())
    said = f"**{counted(lacking, 'required attribute')} without a value.**"
    st.markdown(said if lacking else "Every required attribute is mapped.")


def _line(row: AttributeRow) -> tuple[object, ...]:
    required = "required" if row.required else ""
    return row.source_id, row.category, row.name, required, row.products, row.text, row.field


def _edited(rows: Sequence[AttributeRow]) -> list[MappingChange]:
    fixed = ("category", "name", "required", "products", "values")
    cells = [_cells(row) for row in rows]
    now = mapping_grid.editor(ATTRIBUTE, rows, cells, _columns(), fixed=fixed, placeholder="", alt="Attributes")
    return mapping_grid.keep(ATTRIBUTE, {row.source_id: _typed(row, one) for row, one in zip(rows, now, strict=True)})


def _typed(row: AttributeRow, cells: dict[str, Any]) -> mapping_grid.Typed | str | None:
    text, field = (str(cells[name] or "").strip() for name in ("text", "field"))
    change = change_of(row, text, field)
    if not isinstance(change, MappingChange):
        return change
    return mapping_grid.Typed({"text": text or None, "field": field or None}, change)


def change_of(row: AttributeRow, text: str, field: str) -> MappingChange | str | None:
    """What was typed as a change; a sentence when it cannot be; None when nothing changed."""
    if (text, field) == (row.text, row.field):
        return None
    if not text and not field:
        return MappingChange(ATTRIBUTE, row.source_id, None, version=row.version)
    detail = {"field": field} if field else {}
    listed = next((value_id for name, value_id in row.values.items() if name.casefold() == text.casefold()), "")
    if text and not listed:
        if not row.free_text:
            return f"{row.name}: {text} is not one of the values that TikTok lists."
        detail["text"] = text
    return MappingChange(ATTRIBUTE, row.source_id, listed, version=row.version, detail=detail)


def _cells(row: AttributeRow) -> dict[str, Any]:
    names = list(row.values)
    more = f" … {len(names) - _SHOWN_VALUES} more" if len(names) > _SHOWN_VALUES else ""
    free = "any text" if row.free_text and not names else ", or any text" if row.free_text else ""
    return {
        "category": row.category,
        "name": row.name,
        "required": row.required,
        "products": row.products,
        "text": row.text or None,
        "field": row.field or None,
        "values": ", ".join(names[:_SHOWN_VALUES]) + more + free,
    }


def _columns() -> dict[str, Any]:
    c = st.column_config
    fields = [PART_NUMBER, *attribute_mappings.custom_field_names(context.current_id())]
    return {
        "category": c.TextColumn("Category", width=230),
        "name": c.TextColumn("Attribute", width=140),
        "required": c.CheckboxColumn("Required", width=70),
        "products": c.NumberColumn("Products", format="localized", width=70),
        "text": c.TextColumn("Value", width=150, help="Beside a custom field: the default where the field is empty."),
        "field": c.SelectboxColumn("From custom field", options=fields, width=150, help="Or from the part number."),
        "values": c.TextColumn("TikTok's values", width=260),
    }
