"""The address of the page holds its state, so that pasting it shows a colleague the same rows.

A widget that stands for a part of the address is filled from it and writes back to it. (Streamlit's own binding puts
the label into the address, and ours carry counts.)
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

PAGE = "page"


def get(name: str, default: str = "") -> str:
    return st.query_params.get(name, default)


def number(name: str, default: int = 0) -> int:
    """A whole number from the address; ``default`` for anything else that somebody typed there."""
    text = get(name)
    return int(text) if text.isdecimal() and len(text) < 16 else default


def put(values: Mapping[str, str]) -> None:
    """Write ``values`` into the address; an empty one is left out of it."""
    for name, value in values.items():
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]


def restart(values: Mapping[str, str]) -> None:
    """Only the connection and ``values`` are left in the address."""
    kept = get("c")
    st.query_params.clear()
    put({"c": kept, **values})


def follow(key: str, name: str, value: object) -> None:
    """Before a widget is drawn: take over ``value`` when the address no longer says what it last said."""
    seen = f"_seen_{key}"
    if key not in st.session_state or st.session_state.get(seen) != get(name):
        st.session_state[key] = value
        st.session_state[seen] = get(name)


def write(key: str, name: str, default: str = "", *, stays_on_page: bool = False) -> None:
    """A widget's callback: write its value into the address, and go back to the first page of rows."""
    value = st.session_state[key]
    text = "" if value is None or str(value) == default else str(value)
    put({name: text} if stays_on_page else {name: text, PAGE: ""})
    st.session_state[f"_seen_{key}"] = text
