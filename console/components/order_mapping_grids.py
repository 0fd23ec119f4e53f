"""Grids for what orders and stock need mapped: statuses (M4), SKUs (O6), fields (M6), warehouses (M9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import streamlit as st

from console import actions, context, order_actions
from console.components import empty, feedback, filters, mapping_grid, sheets, table, watched
from console.components.status import escaped
from core.domain.counting import counted
from core.domain.mapping import ORDER_FIELD, ORDER_STATUS, SKU
from core.domain.order_fields import ORDER_FIELDS
from core.domain.stock import WAREHOUSE
from core.reads import order_mappings
from core.reads.order_mappings import WaitingRow
from core.reads.products import Choice
from core.services.mappings import MappingChange

NONE = {WAREHOUSE: "None: its stock is not sent", ORDER_STATUS: "", ORDER_FIELD: "", SKU: ""}
STATES = [Choice("unmapped", "Not mapped"), Choice("mapped", "Mapped")]
_HELD_BACK = (
    "UNPAID and ON_HOLD orders are shown here and reserve stock; a store whose orders cannot be changed later gets "
    "them once they are released, so these two mappings do not hold orders back."
)
_LIKELY = 0.6


def statuses() -> None:
    connection_id = context.current_id()
    rows = order_mappings.status_rows(connection_id)
    waiting = sum(row.waiting for row in rows if row.target_id is None)
    lacking = sum(row.target_id is None for row in rows)
    st.markdown(
        f"**{counted(lacking, 'status', 'statuses')} not mapped**, {counted(waiting, 'order')} waiting."
        if lacking
        else "All statuses are mapped."
    )
    st.caption(_HELD_BACK)
    choices = order_mappings.status_choices(connection_id)
    if not choices:
        empty.state("The store's statuses are not read yet", "They are read with the first connection, within minutes.")
        return
    found = _named(rows, filters.search("map_status", "Part of a status"))
    if not found:
        empty.nothing_matches("map_status", ("q",))
        return
    _chosen(ORDER_STATUS, found, choices, ("TikTok status", "Store status"))


def warehouses() -> None:
    connection_id = context.current_id()
    row = order_mappings.warehouse_row(connection_id)
    choices = order_mappings.warehouse_choices(connection_id)
    if row.target_id is None:
        st.markdown("The store's stock is not mapped: each listing keeps the warehouse it was listed in.")
    elif row.target_id == "":
        st.warning("The store's stock is mapped to no warehouse, so no stock is sent.")
    if not choices:
        empty.state("No warehouses yet", "The Shop's warehouses are read when it is connected.")
        return
    _chosen(WAREHOUSE, (row,), choices, ("Store location", "TikTok warehouse"))


def _chosen(kind: str, rows: Sequence[WaitingRow], choices: Sequence[Choice], heads: tuple[str, str]) -> None:
    """A grid whose targets are chosen from a list."""
    labels = {one.label: one.value for one in choices}
    if NONE[kind]:
        labels[NONE[kind]] = ""
    by_id = {value: label for label, value in labels.items()}
    column = st.column_config.SelectboxColumn(heads[1], options=list(labels), width=320)
    now = _grid(kind, rows, [by_id.get(row.target_id or "", row.target_label) if row.target_id is not None else None
                             for row in rows], column, heads[0])  # fmt: skip
    typed = {row.source_id: mapping_grid.chosen(kind, row, label, labels) for row, label in zip(rows, now, strict=True)}
    _offer(kind, mapping_grid.keep(kind, typed))
    _file(kind, rows, heads)


def _named(rows: Sequence[WaitingRow], typed: str) -> list[WaitingRow]:
    """Those in whose names, on either side, the words are."""
    words_typed = typed.lower().split()
    return [row for row in rows if all(word in f"{row.label} {row.target_label}".lower() for word in words_typed)]


def fields() -> None:
    st.caption(
        "Each is copied into the custom field of this name when an order is imported, and never read back. "
        "What TikTok hides of the recipient, or does not tell, is left out."
    )
    sees_customers = context.current().operates
    shown_fields = {name: one.label for name, one in ORDER_FIELDS.items() if sees_customers or not one.customer}
    every = order_mappings.field_rows(context.current_id(), shown_fields)
    rows = _named(every, filters.search("map_field", "Part of a field's name"))
    if not rows:
        empty.nothing_matches("map_field", ("q",))
        return
    column = st.column_config.TextColumn("Store custom field", width=320, max_chars=100)
    now = _grid(ORDER_FIELD, rows, [row.target_id for row in rows], column, "TikTok order field")
    names = [(name or "").strip() or None for name in now]
    typed = {row.source_id: _named_field(row, name) for row, name in zip(rows, names, strict=True)}
    _offer(ORDER_FIELD, mapping_grid.keep(ORDER_FIELD, typed))
    _file(ORDER_FIELD, rows, ("TikTok order field", "Store custom field"))


def skus() -> None:
    """SKUs of the Shop that no variant of the store has: typed in, or filled in from suggestions."""
    connection_id = context.current_id()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = filters.search("map_sku", "Part of a SKU")
        state = filters.choice("map_sku", "state", "state", STATES)
        filters.clear_button("map_sku", ("q", "state"))
    rows, count = table.asked_for(
        lambda number: order_mappings.sku_rows(connection_id, text=text, state=state, page=number), itemgetter(1)
    )
    lacking = order_mappings.unlinked_skus(connection_id)
    said = f"**{lacking.text()} {'SKU' if lacking.number == 1 else 'SKUs'} not linked.**"
    st.markdown(said if lacking.number else "No order waits for a SKU.")
    if not rows and (text or state):
        empty.nothing_matches("map_sku", ("q", "state"))
        return
    if not rows:
        empty.state("Nothing to link", "SKUs of TikTok orders that the store does not have show here.")
        return
    if context.current().operates and any(row.target_id is None for row in rows):
        _suggest(rows)
    column = st.column_config.TextColumn(
        "Store SKU", width=260, help="Type the SKU of the store's product that it stands for."
    )
    now = _grid(SKU, rows, [row.target_label for row in rows], column, "TikTok SKU")
    named = [(sku or "").strip() for sku in now]
    known = order_mappings.variants_by_sku(connection_id, [sku for sku in named if sku])
    typed = {row.source_id: linked(row, sku, known) for row, sku in zip(rows, named, strict=True)}
    _offer(SKU, mapping_grid.keep(SKU, typed))
    table.pager("map_sku", count)
    _file(SKU, rows, ("TikTok SKU", "Store SKU"))


def _suggest(rows: Sequence[WaitingRow]) -> None:
    waiting = [row for row in rows if row.target_id is None][:20]
    if not st.button(f"Suggest for {len(waiting)} unlinked", key="suggest_skus"):
        return
    found: dict[str, mapping_grid.Typed] = {}
    for row in waiting:
        title = row.label.partition(" · ")[2]
        answers = feedback.told(order_actions.suggested_variants, context.current_id(), row.source_id, title) or []
        if answers and answers[0].likeness >= _LIKELY:
            change = MappingChange(SKU, row.source_id, str(answers[0].variant_id), version=row.version)
            found[row.source_id] = mapping_grid.Typed({"target": answers[0].sku}, change)
    mapping_grid.draft(SKU).fill_in(found)
    feedback.later(f"{len(found)} of {len(waiting)} have a likely product, filled in below and not saved yet.")
    st.rerun()


def linked(row: WaitingRow, sku: str, known: Mapping[str, int]) -> mapping_grid.Typed | str | None:
    """What the store's SKU typed for a row changes; a sentence where the store has no such one."""
    if sku and sku not in known:
        return f"The store has no product, or more than one, with the SKU {sku}."
    target = str(known[sku]) if sku else None
    if target == row.target_id:
        return None
    return mapping_grid.Typed({"target": sku or None}, MappingChange(SKU, row.source_id, target, version=row.version))


def _named_field(row: WaitingRow, name: str | None) -> mapping_grid.Typed | None:
    if name == row.target_id:
        return None
    change = MappingChange(ORDER_FIELD, row.source_id, name, version=row.version)
    return mapping_grid.Typed({"target": name}, change)


def _grid(
    kind: str, rows: Sequence[WaitingRow], targets: Sequence[str | None], column: Any, head: str
) -> list[str | None]:
    """Draw the rows; their targets as they are filled in now."""
    c = st.column_config
    cells = [
        {"label": row.label, "waiting": row.waiting, "target": target, "updated_by": row.updated_by}
        for row, target in zip(rows, targets, strict=True)
    ]
    columns: dict[str, Any] = {
        "label": c.TextColumn(head, width=330),
        "waiting": c.NumberColumn("Orders waiting", format="localized", width=105),
        "target": column,
        "updated_by": c.TextColumn("Mapped by", width=90),
    }
    if kind in (WAREHOUSE, ORDER_FIELD):
        cells = [{name: cell for name, cell in one.items() if name != "waiting"} for one in cells]
        del columns["waiting"]
    now = mapping_grid.editor(kind, rows, cells, columns, fixed=("label", "waiting", "updated_by"))
    return [one["target"] for one in now]


def _offer(kind: str, changes: Sequence[MappingChange]) -> None:
    """The button that leads to the effect and the saving, drawn while something differs."""
    if not changes or not context.current().operates:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(changes)} changed**, not saved", width="content")
        if st.button("Save…", key=f"save_{kind}", type="primary"):
            watched.dialog("Save the mapping" if len(changes) == 1 else f"Save {len(changes)} mappings", _body)(
                kind, changes
            )
        st.button("Discard", key=f"discard_{kind}", type="tertiary", on_click=mapping_grid.draft(kind).begin_anew)


def _body(kind: str, changes: Sequence[MappingChange]) -> None:
    st.write(escaped(effect(kind, changes)))
    if st.button("Save", key=f"confirm_{kind}", type="primary"):
        saved = feedback.told(actions.save_mappings, context.current_id(), changes)
        if saved is not None:
            mapping_grid.draft(kind).begin_anew()
            feedback.later(f"{saved} saved; what waited for it goes on by itself.")
            st.rerun()


def effect(kind: str, changes: Sequence[MappingChange]) -> str:
    """What saving does, before it is done."""
    connection_id = context.current_id()
    if kind == SKU:
        waiting = sum(order_mappings.orders_waiting_for(connection_id, one.source_id) for one in changes)
        return (
            f"{counted(waiting, 'order waits', 'orders wait')} for these SKUs; what waits for nothing else is imported."
        )
    if kind == ORDER_STATUS:
        known = {row.source_id: row for row in order_mappings.status_rows(connection_id)}
        waiting = sum(known[one.source_id].waiting for one in changes if one.source_id in known)
        held = counted(waiting, "order waits", "orders wait")
        return f"{held} for these statuses, to be imported; orders in the store follow the new status."
    if kind == WAREHOUSE:
        return "The stock of every SKU is looked at again and sent to the warehouse chosen."
    return "Orders imported from now on carry these fields; those in the store stay as they are."


def _file(kind: str, rows: Sequence[WaitingRow], heads: tuple[str, str]) -> None:
    head = (f"{heads[0]} id", heads[0], "Orders waiting", f"{heads[1]} id", heads[1], "Mapped by")
    sheets.download(f"{kind}-mappings", head, lambda: [_line(row) for row in rows])


def _line(row: WaitingRow) -> tuple[object, ...]:
    target = "-" if row.target_id == "" else row.target_id or ""
    return row.source_id, row.label, row.waiting, target, row.target_label or "", row.updated_by


def names(kind: str) -> Mapping[str, str]:
    """What the targets of a kind are called, for its history."""
    connection_id = context.current_id()
    if kind == ORDER_STATUS:
        return {one.value: one.label for one in order_mappings.status_choices(connection_id)}
    if kind == WAREHOUSE:
        return {one.value: one.label for one in order_mappings.warehouse_choices(connection_id)}
    return {}
