"""What is ticked: row ids across pages, or everything that matches a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import streamlit as st

from core.domain.filters import ExportFilter, OrderFilter, ProductFilter, Selection, StockFilter
from core.reads.paging import Count

Filter = ProductFilter | ExportFilter | OrderFilter | StockFilter


@dataclass
class Selected:
    """The selection of one table in one browser tab. ``everything`` is the filter that stood when all was chosen."""

    ids: set[int] = field(default_factory=set)
    everything: Filter | None = None
    version: int = 0

    def take_page(self, shown: Sequence[int], ticked: Sequence[int]) -> bool:
        """Take over the ticks of the page of rows ``shown``; True when that changed anything."""
        if self.everything is not None:
            if len(ticked) == len(shown):
                return False
            # Unticking one row of "everything" leaves the page's other rows.
            self.everything, self.ids = None, set(ticked)
            return True
        before = len(self.ids), self.ids.copy()
        self.ids -= set(shown) - set(ticked)
        self.ids |= set(ticked)
        return before[1] != self.ids

    def positions(self, shown: Sequence[int]) -> list[int]:
        if self.everything is not None:
            return list(range(len(shown)))
        return [position for position, row_id in enumerate(shown) if row_id in self.ids]

    def choose_all(self, wanted: Filter) -> None:
        self.everything, self.ids = wanted, set()
        self.version += 1

    def clear(self) -> None:
        self.everything, self.ids = None, set()
        self.version += 1

    def number(self, count: Count) -> str:
        return count.text() if self.everything is not None else f"{len(self.ids):,}"

    def __bool__(self) -> bool:
        return self.everything is not None or bool(self.ids)


def of_table(name: str, connection_id: int, wanted: Filter) -> Selected:
    """The tab's selection for this table and connection. "Everything" lapses when the filter changes."""
    key = f"_selected_{name}_{connection_id}"
    found: Selected = st.session_state.setdefault(key, Selected())
    if found.everything is not None and found.everything != wanted:
        found.clear()
    return found


def bar(prefix: str, selected: Selected, wanted: Filter, count: Count, buttons: Callable[[], None]) -> None:
    """ "37 selected · select all 412 that match", the actions drawn by ``buttons``, and Clear."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{prefix}_bar"):
        st.markdown(f"**{selected.number(count)}** selected", width="content")
        if selected.everything is None and count.number:
            st.button(
                f"Select all {count.text()} that match",
                key=f"{prefix}_all",
                type="tertiary",
                on_click=selected.choose_all,
                args=(wanted,),
            )
        buttons()
        if selected:
            st.button("Clear", key=f"{prefix}_clear", type="tertiary", on_click=selected.clear)


def as_selection(selected: Selected) -> Selection:
    """For the services."""
    if isinstance(selected.everything, ProductFilter):
        return Selection(products=selected.everything)
    if isinstance(selected.everything, ExportFilter):
        return Selection(exports=selected.everything)
    if isinstance(selected.everything, OrderFilter):
        return Selection(orders=selected.everything)
    if isinstance(selected.everything, StockFilter):
        return Selection(stock=selected.everything)
    return Selection(ids=tuple(sorted(selected.ids)))
