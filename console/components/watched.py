"""Fragments and dialogs, which Streamlit draws again without the frame around them: so each asks who looks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st

from console import context, session

Body = Callable[..., None]


def following(body: Body, *, key: str) -> Body:
    """``body`` drawn again every second for as long as its reader is signed in."""
    return st.fragment(_watched(body), run_every="1s", key=key)


def dialog(title: str, body: Body, **how: Any) -> Body:
    """``body`` in a dialog; ``how`` as for ``st.dialog``."""
    return st.dialog(title, **how)(_watched(body))


def _watched(body: Body) -> Body:
    """Nothing is drawn for who was signed out, disabled or given another role: the frame draws the page anew."""

    @wraps(body)
    def drawn(*args: Any) -> None:
        if session.signed_in() != context.current().actor:
            st.rerun()
        body(*args)

    return drawn
