"""A first and a last day to filter by, kept in the address as ``2026-11-22``."""

from __future__ import annotations

from datetime import date

import streamlit as st

from console.components import url


def day(prefix: str, name: str, label: str) -> str:
    """One day as text, "" for any."""
    key = f"{prefix}_{name}"
    url.follow(key, name, _parsed(url.get(name)))
    st.date_input(
        label,
        value=None,
        key=key,
        format="DD/MM/YYYY",
        label_visibility="collapsed",
        width=130,
        on_change=url.write,
        args=(key, name),
        help=None,
    )
    return url.get(name)


def _parsed(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
