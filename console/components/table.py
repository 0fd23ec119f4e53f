"""The table of every list: 50 rows from the database, a selection of ids across pages, one pager.

Rows are ticked by position in the browser and kept as ids here. Whenever other rows are shown, the positions are
derived from the ids again, so a tick never moves to another row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from console.components import url
from console.components.selection import Selected
from core.reads.paging import PAGE_SIZE, Count

P = TypeVar("P")
R = TypeVar("R")

ROW_HEIGHT = 34
_HEADER = 38
MENU = "menu"
_COUNT: Callable[[Any], Count] = attrgetter("count")


@dataclass(frozen=True, slots=True)
class Click:
    """A choice from a row's menu."""

    row_id: int
    label: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table looks like: ``columns`` by name, ``name`` for the screen reader, ``menu`` its row actions.

    A row whose cells hold a ``MENU`` of their own has that instead.
    """

    key: str
    name: str
    columns: Mapping[str, Any]
    menu: tuple[str, ...] = ()


def grid(
    shape: Shape, ids: Sequence[int], cells: Sequence[Mapping[str, Any]], selected: Selected | None = None
) -> Click | None:
    """Draw the rows, take over what was ticked, and tell what was chosen from a row's menu in this very run."""
    frame = pd.DataFrame([dict(row) for row in cells], columns=list(shape.columns))
    config = dict(shape.columns)
    if shape.menu:
        frame[MENU] = [list(row.get(MENU, shape.menu)) for row in cells]
        config[MENU] = st.column_config.ButtonColumn(
            " ", key=f"{shape.key}_menu", width=40, type="tertiary", pinned=True
        )
    height = _HEADER + ROW_HEIGHT * max(len(frame), 1)
    options: dict[str, Any] = {
        "hide_index": True,
        "row_height": ROW_HEIGHT,
        "height": min(height, 640),
        "lazy": False,
        "placeholder": "",
        "alt": shape.name,
        "column_config": config,
    }
    if selected is None:
        st.dataframe(frame, key=shape.key, **options)
    else:
        _draw_selectable(shape, ids, frame, selected, options)
    return _clicked(shape, ids)


def _draw_selectable(
    shape: Shape, ids: Sequence[int], frame: pd.DataFrame, selected: Selected, options: dict[str, Any]
) -> None:
    _place_ticks(shape.key, ids, selected)
    event = st.dataframe(frame, key=shape.key, on_select="rerun", selection_mode="multi-row", **options)
    ticked = [ids[row] for row in event.selection.rows if row < len(ids)]
    if selected.take_page(ids, ticked):
        st.rerun()  # the bar above the table was drawn with the old count


def _place_ticks(key: str, ids: Sequence[int], selected: Selected) -> None:
    shown = (tuple(ids), selected.version)
    if st.session_state.get(f"_shown_{key}") != shown:
        st.session_state[f"_shown_{key}"] = shown
        st.session_state[key] = {"selection": {"rows": selected.positions(ids)}}


def _clicked(shape: Shape, ids: Sequence[int]) -> Click | None:
    click = st.session_state.get(f"{shape.key}_menu") if shape.menu else None
    if not click or click.row >= len(ids):
        return None
    return Click(ids[click.row], str(click.label))


def pager(prefix: str, count: Count, *, name: str = url.PAGE) -> None:
    """Page numbers under the table; nothing while everything fits on one page. ``name`` is theirs in the address."""
    if count.capped:
        st.caption(f"More than {count.number:,} rows match: narrow the filter to reach those past page {count.pages}.")
    if count.pages < 2:
        return
    key = f"{prefix}_page"
    url.follow(key, name, min(_number(name), count.pages))
    st.session_state[key] = min(st.session_state[key] or 1, count.pages)
    st.pagination(count.pages, key=key, on_change=url.write, args=(key, name, "1"), kwargs={"stays_on_page": True})


def asked_for(fetch: Callable[[int], P], count_of: Callable[[P], Count] = _COUNT, *, name: str = url.PAGE) -> P:
    """The page of rows the address asks for; the last one where it asks for more: lists get shorter as they are read.

    ``fetch`` reads a page, counted from 1; ``count_of`` is how many rows it says there are.
    """
    number = _number(name)
    page = fetch(number)
    last = count_of(page).pages
    return page if number <= last else fetch(last)


def slice_asked_for(rows: Sequence[R]) -> Sequence[R]:
    """The same out of rows that were read already."""
    number = min(_number(url.PAGE), Count(len(rows)).pages)
    return rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]


def _number(name: str) -> int:
    return max(url.number(name, 1), 1)
