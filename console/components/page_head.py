"""The first line of a page: its title, how old what it shows is, and a way to read it again."""

from __future__ import annotations

from datetime import datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.reads import connections


def show(title: str, read_at: datetime | None = None) -> DeltaGenerator:
    """Draw it, and return it for what a page adds to the line. Without ``read_at`` the data is of this moment."""
    line = st.container(horizontal=True, vertical_alignment="center")
    with line:
        st.title(title)
        st.caption(f"data as of {read_at or connections.database_time():%H:%M:%S} GMT", width="content")
        st.button("Refresh", key="refresh", type="tertiary", icon=":material/refresh:")
    return line
