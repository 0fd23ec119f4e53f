"""The address of the page holds its state, so that pasting it shows a colleague the same rows.

A widget that stands for a part of the address is filled from it and writes back to it. (Streamlit's own binding puts
the label into the address, and ours carry counts.)

A click tells the server the address that the browser has. Where an earlier click's address is not there yet, that is an
old one, and taking it for granted would undo the earlier click: such a click goes on from what was written last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

PAGE = "page"
_WRITTEN = "_address"
_CLICKS_AHEAD = 5  # of the browser


@dataclass(frozen=True, slots=True)
class _Written:
    """The address that a click wrote last, and those before it, which the browser may still have."""

    newest: dict[str, str]
    older: tuple[dict[str, str], ...] = ()


def get(name: str, default: str = "") -> str:
    return st.query_params.get(name, default)


def number(name: str, default: int = 0) -> int:
    """A whole number from the address; ``default`` for anything else that somebody typed there."""
    text = get(name)
    return int(text) if text.isdecimal() and len(text) < 16 else default


def put(values: Mapping[str, str]) -> None:
    """Write ``values`` into the address; an empty one is left out of it."""
    written, here = _written(), st.query_params.to_dict()
    _go(written, {**(written.newest if here in written.older else here), **values})


def restart(values: Mapping[str, str]) -> None:
    """Only the connection and ``values`` are left in the address."""
    _go(_written(), {"c": get("c"), **values})


def arrive() -> None:
    """Before a page is drawn: an address that no click of it wrote is a link's, a colleague's or the way back."""
    if _written().newest != st.query_params.to_dict():
        del st.session_state[_WRITTEN]


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


def _written() -> _Written:
    found: _Written | None = st.session_state.get(_WRITTEN)
    return found or _Written(st.query_params.to_dict())


def _go(written: _Written, address: Mapping[str, str]) -> None:
    wanted = {name: value for name, value in address.items() if value}
    if wanted != st.query_params.to_dict():  # every page asks for its connection on every run
        st.query_params.from_dict(wanted)
    if wanted != written.newest:
        st.session_state[_WRITTEN] = _Written(wanted, (*written.older, written.newest)[-_CLICKS_AHEAD:])
