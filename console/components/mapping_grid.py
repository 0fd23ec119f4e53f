"""An editable grid of the store's words and what each is mapped to; nothing is saved before its effect was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from console import actions, context
from console.components import feedback, watched
from console.components.status import escaped
from core.domain.counting import counted
from core.domain.mapping import BRAND, CATEGORY
from core.reads.mappings import NONE_LABEL, MappingRow
from core.reads.products import Choice
from core.services.mappings import MappingChange

ROW_HEIGHT = 34
_TO_SAVE = "_mappings_to_save"


@dataclass
class Draft:
    """Targets filled in and not saved yet, by the store's id; each ``round`` has a new grid, without its old edits."""

    targets: dict[str, str | None]
    round: int = 0

    def begin_anew(self, targets: Mapping[str, str | None] | None = None) -> None:
        self.targets = dict(targets or {})
        self.round += 1


def draft(kind: str) -> Draft:
    found: Draft = st.session_state.setdefault(f"_draft_{kind}_{context.current_id()}", Draft({}))
    return found


def labels_of(kind: str, choices: Sequence[Choice]) -> dict[str, str]:
    """Labels to target ids. Two targets of the same name are told apart by their ids."""
    labels = {NONE_LABEL[kind]: ""}
    for one in choices:
        labels[one.label if one.label not in labels else f"{one.label} ({one.value})"] = one.value
    return labels


def edited(kind: str, rows: Sequence[MappingRow], labels: Mapping[str, str], *, editable: bool) -> list[MappingChange]:
    """Draw the rows; what now differs from what is saved."""
    held, by_id = draft(kind), {target: label for label, target in labels.items()}
    frame = pd.DataFrame([_cells(row, held.targets.get(row.source_id, row.target_id), by_id) for row in rows])
    shown = st.data_editor(
        frame,
        key=f"grid_{kind}_{held.round}_{hash(tuple(row.source_id for row in rows))}",
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=min(38 + ROW_HEIGHT * len(rows), 640),
        disabled=["label", "products", "updated_by"] if editable else True,
        column_config=_columns(kind, list(labels)),
        placeholder="Not mapped",
        alt="Mappings",
    )
    wanted = [None if pd.isna(label) else labels.get(label, None) for label in shown["target"]]
    return [
        MappingChange(kind, row.source_id, target, version=row.version)
        for row, target in zip(rows, wanted, strict=True)
        if target != row.target_id
    ]


def _cells(row: MappingRow, target: str | None, by_id: Mapping[str, str]) -> dict[str, Any]:
    return {
        "label": row.label,
        "products": row.products,
        "target": by_id.get(target, row.target_label) if target is not None else None,
        "updated_by": row.updated_by,
    }


def _columns(kind: str, labels: list[str]) -> dict[str, Any]:
    c = st.column_config
    word = "brand" if kind == BRAND else "category"
    return {
        "label": c.TextColumn(f"Store {word}", width=290),
        "products": c.NumberColumn("Products", format="localized", width=75),
        "target": c.SelectboxColumn(
            f"TikTok {word}", options=labels, width=420, help="Double-click and type to search."
        ),
        "updated_by": c.TextColumn("Mapped by", width=90),
    }


def changes(typed: Iterable[MappingChange | str | None]) -> list[MappingChange]:
    """What was typed in a grid: its changes; the first sentences of what cannot be are drawn."""
    found, wrong = [], []
    for change in typed:
        if isinstance(change, str):
            wrong.append(change)
        elif change is not None:
            found.append(change)
    for sentence in wrong[:3]:
        st.error(escaped(sentence))
    return found


def offer_to_save(kind: str, changes: Sequence[MappingChange]) -> None:
    """The button that leads to the preview, drawn while something differs."""
    if not changes:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(changes)} changed**, not saved", width="content")
        if st.button("Save…", key=f"save_{kind}", type="primary"):
            preview(kind, changes)
        st.button("Discard", key=f"discard_{kind}", type="tertiary", on_click=draft(kind).begin_anew)


def preview(kind: str, changes: Sequence[MappingChange]) -> None:
    """Show the effect in a dialog, and save from there."""
    watched.dialog("Save the mapping" if len(changes) == 1 else f"Save {len(changes)} mappings", _body)(kind, changes)


def _body(kind: str, changes: Sequence[MappingChange]) -> None:
    effect = feedback.told(actions.preview_mappings, context.current_id(), changes)
    if effect is None:
        return
    st.write(escaped(effect.sentence()))
    st.caption(f"{counted(effect.products, 'product is', 'products are')} concerned.")
    if st.button("Save", key=f"confirm_{kind}", type="primary"):
        saved = feedback.told(actions.save_mappings, context.current_id(), changes)
        if saved is not None:
            draft(kind).begin_anew()
            feedback.later(f"{saved} saved; the products concerned are being judged again.")
            st.rerun()


def recommend(rows: Sequence[MappingRow]) -> None:
    """Ask the Shop about the first unmapped categories of the page, and put its answers into the grid."""
    waiting = [row.source_id for row in rows if row.target_id is None][:10]
    words = f"Recommend for {len(waiting)} unmapped"
    if not st.button(words, key="recommend", disabled=not waiting):
        return
    with st.spinner("Asking the Shop"):
        found = feedback.told(actions.recommend_categories, context.current_id(), waiting)
    if found is None:
        return
    usable = {source: answer.category_id for source, answer in found.items() if not answer.refusal}
    held = draft(CATEGORY)
    held.begin_anew({**held.targets, **usable})
    feedback.later(f"{len(usable)} of {len(waiting)} have a recommendation, filled in below and not saved yet.")
    st.rerun()
