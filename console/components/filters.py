"""Tabs with counts, the search box, choices and the sort order; all of them kept in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from console.components import url
from core.reads.paging import Count
from core.reads.products import Choice


def tabs(prefix: str, counts: Mapping[str, Count], words: Mapping[str, str]) -> str:
    """The chosen tab; "" is all rows. ``words`` are the labels, in the order shown."""
    chosen = url.get("tab")
    chosen = chosen if chosen in words else ""
    with st.container(horizontal=True, gap="small", key=f"{prefix}_tabs"):
        for tab, word in words.items():
            number = counts[tab].text() if tab in counts else ""
            st.button(
                f"{word} {number}".strip(),
                key=f"{prefix}_tab_{tab or 'all'}",
                type="primary" if tab == chosen else "tertiary",
                on_click=url.put,
                args=({"tab": tab, url.PAGE: ""},),
            )
    return chosen


def views(prefix: str, words: Mapping[str, str]) -> str:
    """The parts of a page as tabs without counts; the first one is what a bare address shows.

    Another part has other filters, so the whole address is made anew.
    """
    chosen = url.get("tab")
    chosen = chosen if chosen in words else next(iter(words))
    with st.container(horizontal=True, gap="small", key=f"{prefix}_views"):
        for view, word in words.items():
            st.button(
                word,
                key=f"{prefix}_view_{view}",
                type="primary" if view == chosen else "tertiary",
                on_click=url.restart,
                args=({"tab": view},),
            )
    return chosen


def search(prefix: str, placeholder: str) -> str:
    key = f"{prefix}_text"
    url.follow(key, "q", url.get("q"))
    st.text_input(
        "Search",
        key=key,
        placeholder=placeholder,
        label_visibility="collapsed",
        max_chars=20_000,
        width=230,
        on_change=url.write,
        args=(key, "q"),
    )
    return str(st.session_state[key] or "")


def choice(prefix: str, name: str, label: str, choices: Sequence[Choice], *, width: int = 140) -> str:
    """The value chosen, "" for any. A value in the address that is no choice matches nothing, and shows as such."""
    key, value = f"{prefix}_{name}", url.get(name)
    labels = {"": f"Any {label}"} | {one.value: one.label for one in choices}
    if value not in labels:
        labels[value] = f"{value} (unknown)"
    url.follow(key, name, value)
    if st.session_state[key] not in labels:
        st.session_state[key] = value
    st.selectbox(
        label.capitalize(),
        list(labels),
        key=key,
        format_func=lambda one: labels.get(one, one),
        label_visibility="collapsed",
        width=width,
        on_change=url.write,
        args=(key, name),
    )
    return str(st.session_state[key])


def sorting(prefix: str, orders: Mapping[str, str]) -> tuple[str, bool]:
    """(column, descending). ``orders`` maps "column" (falling) or "column-up" (rising) to its words."""
    key, first = f"{prefix}_sort", next(iter(orders))
    value = url.get("sort", first)
    value = value if value in orders else first
    url.follow(key, "sort", value)
    st.selectbox(
        "Sort",
        list(orders),
        key=key,
        format_func=lambda one: orders[one],
        label_visibility="collapsed",
        width=165,
        on_change=url.write,
        args=(key, "sort", first),
    )
    return order(orders)


def order(orders: Mapping[str, str]) -> tuple[str, bool]:
    """The order in the address, (column, descending), without drawing anything."""
    value = url.get("sort")
    column, _, way = (value if value in orders else next(iter(orders))).partition("-")
    return column, way != "up"


def clear_button(prefix: str, names: Sequence[str]) -> None:
    """Drawn only while one of the filters ``names`` is set."""
    if any(url.get(name) for name in names):
        st.button(
            "Clear filters",
            key=f"{prefix}_clear_filters",
            type="tertiary",
            on_click=url.put,
            args=(dict.fromkeys((*names, url.PAGE), ""),),
        )
