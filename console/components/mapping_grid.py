"""An editable grid of the store's words and what each is mapped to; nothing is saved before its effect was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd
import streamlit as st

from console import actions, context
from console.components import feedback, watched
from console.components.status import escaped
from core.domain.counting import counted
from core.domain.mapping import BRAND, CATEGORY
from core.reads.mappings import NONE_LABEL, MappingRow
from core.reads.order_mappings import WaitingRow
from core.reads.products import Choice
from core.services.mappings import MappingChange

ROW_HEIGHT = 34
_TO_SAVE = "_mappings_to_save"


class Row(Protocol):
    """A row of any mapping grid: what is mapped, and the version of what it is mapped to."""

    @property
    def source_id(self) -> str: ...

    @property
    def version(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Typed:
    """How somebody has filled in a row: the cells that can be edited, and the change they make."""

    cells: Mapping[str, Any]
    change: MappingChange


@dataclass
class Draft:
    """What is filled in and not saved yet, by the store's id, whatever page or search its row was filled in on.

    Each ``round`` has a new grid. ``began_with`` is what the present grid was drawn with at first: its own edits lie
    on top of that.
    """

    typed: dict[str, Typed] = field(default_factory=dict)
    began_with: dict[str, Typed] = field(default_factory=dict)
    round: int = 0

    def begin_anew(self, typed: Mapping[str, Typed] | None = None) -> None:
        self.typed = dict(typed or {})
        self.round += 1

    def fill_in(self, more: Mapping[str, Typed]) -> None:
        """Beside what is filled in already."""
        self.begin_anew({**self.typed, **more})


def draft(kind: str) -> Draft:
    found: Draft = st.session_state.setdefault(f"_draft_{kind}_{context.current_id()}", Draft())
    return found


def editor(
    kind: str,
    rows: Sequence[Row],
    cells: Sequence[dict[str, Any]],
    columns: Mapping[str, Any],
    *,
    fixed: Sequence[str],
    placeholder: str = "Not mapped",
    alt: str = "Mappings",
) -> list[dict[str, Any]]:
    """Draw the rows, those filled in before as they were left; the cells as they are now. ``fixed`` ones are only
    read, and all are by whoever may not change mappings."""
    held = draft(kind)
    key = f"grid_{kind}_{held.round}_{hash(tuple((row.source_id, row.version) for row in rows))}"
    if key not in st.session_state:  # a grid that was not drawn just before has lost its edits
        held.began_with = dict(held.typed)
    before = [held.began_with.get(row.source_id) for row in rows]
    frame = pd.DataFrame([{**one, **(was.cells if was else {})} for one, was in zip(cells, before, strict=True)])
    shown = st.data_editor(
        frame.astype({"target": "object"}) if "target" in frame else frame,
        key=key,
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=min(38 + ROW_HEIGHT * len(rows), 640),
        disabled=list(fixed) if context.current().operates else True,
        column_config=columns,
        placeholder=placeholder,
        alt=alt,
    )
    found: list[dict[str, Any]] = shown.to_dict("records")
    return [{name: None if pd.isna(cell) else cell for name, cell in one.items()} for one in found]


def keep(kind: str, typed: Mapping[str, Typed | str | None]) -> list[MappingChange]:
    """Remember how the rows drawn just now are filled in; all changes that are not saved yet, wherever they were made.

    By the store's id: None where nothing differs, a sentence where it cannot be, of which the first few are drawn.
    """
    held = draft(kind)
    for source_id, one in typed.items():
        held.typed.pop(source_id, None)
        if isinstance(one, Typed):
            held.typed[source_id] = one
    for sentence in [one for one in typed.values() if isinstance(one, str)][:3]:
        st.error(escaped(sentence))
    return [one.change for one in held.typed.values()]


def labels_of(kind: str, choices: Sequence[Choice]) -> dict[str, str]:
    """Labels to target ids. Two targets of the same name are told apart by their ids."""
    labels = {NONE_LABEL[kind]: ""}
    for one in choices:
        labels[one.label if one.label not in labels else f"{one.label} ({one.value})"] = one.value
    return labels


def edited(kind: str, rows: Sequence[MappingRow], labels: Mapping[str, str]) -> list[MappingChange]:
    """Draw the rows; what differs from what is saved."""
    labels = {**_chosen_before(kind), **labels}
    by_id = {target: label for label, target in labels.items()}
    cells = [_cells(row, by_id) for row in rows]
    now = editor(kind, rows, cells, _columns(kind, list(labels)), fixed=("label", "products", "updated_by"))
    return keep(
        kind, {row.source_id: chosen(kind, row, one["target"], labels) for row, one in zip(rows, now, strict=True)}
    )


def _chosen_before(kind: str) -> dict[str, str]:
    """What was chosen from a list that has been another since."""
    kept = draft(kind).typed.values()
    return {one.cells["target"]: one.change.target_id for one in kept if one.change.target_id and one.cells["target"]}


def chosen(kind: str, row: MappingRow | WaitingRow, label: str | None, labels: Mapping[str, str]) -> Typed | None:
    """A target chosen for a row by its label; None where it is the one that is saved."""
    target = labels.get(label) if label else None
    if target == row.target_id:
        return None
    return Typed({"target": label}, MappingChange(kind, row.source_id, target, version=row.version))


def _cells(row: MappingRow, by_id: Mapping[str, str]) -> dict[str, Any]:
    return {
        "label": row.label,
        "products": row.products,
        "target": by_id.get(row.target_id, row.target_label) if row.target_id is not None else None,
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


def recommend(rows: Sequence[MappingRow], labels: Mapping[str, str]) -> None:
    """Ask the Shop about the first unmapped categories of the page, and put its answers into the grid."""
    waiting = {row.source_id: row for row in [row for row in rows if row.target_id is None][:10]}
    words = f"Recommend for {len(waiting)} unmapped"
    if not st.button(words, key="recommend", disabled=not waiting):
        return
    with st.spinner("Asking the Shop"):
        found = feedback.told(actions.recommend_categories, context.current_id(), list(waiting))
    if found is None:
        return
    usable = {waiting[source]: answer.category_id for source, answer in found.items() if not answer.refusal}
    fill_in(CATEGORY, usable, labels)
    feedback.later(f"{len(usable)} of {len(waiting)} have a recommendation, filled in below and not saved yet.")
    st.rerun()


def fill_in(kind: str, targets: Mapping[MappingRow, str], labels: Mapping[str, str]) -> None:
    """Put targets into the grid, as if they had been chosen there."""
    by_id = {target: label for label, target in labels.items()}
    found = {row.source_id: chosen(kind, row, by_id.get(target), labels) for row, target in targets.items()}
    draft(kind).fill_in({source_id: one for source_id, one in found.items() if one is not None})
