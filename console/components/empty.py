"""Empty states: why there is nothing, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console.components import url
from console.components.status import escaped


def state(title: str, why: str) -> None:
    """``title`` says that there is nothing, ``why`` the cause and the next step."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"**{escaped(title)}**")
        st.caption(escaped(why))


def nothing_matches(prefix: str, names: Sequence[str]) -> None:
    """With the filters that are set, and a way to be rid of them."""
    held = [f"{name} {url.get(name)!r}" for name in names if url.get(name)]
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown("**Nothing matches**")
        st.caption(escaped("No row matches " + ", ".join(held) + ".") if held else "No row matches.")
        st.button(
            "Clear them",
            key=f"{prefix}_nothing_clear",
            on_click=url.put,
            args=(dict.fromkeys((*names, url.PAGE), ""),),
        )


def no_connection(administers: bool) -> None:
    """For every page that needs a connection."""
    if administers:
        state("No connection yet", "Connect a store and a TikTok Shop under Settings, Connection.")
    else:
        state("No connection yet", "An administrator has to connect a store and a TikTok Shop under Settings.")
