"""How an action's outcome is told: a toast when it worked, its sentence when it was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import streamlit as st

from console.components.status import escaped
from console.refusals import REFUSALS, sentence_of

P = ParamSpec("P")
R = TypeVar("R")
_TOAST = "_toast"


def told(action: Callable[P, R], *args: P.args, done: str = "", **kwargs: P.kwargs) -> R | None:  # type: ignore[valid-type]
    """What the action returned, or None after its refusal was shown here."""
    try:
        result = action(*args, **kwargs)
    except REFUSALS as refusal:
        st.error(escaped(sentence_of(refusal)))
        return None
    if done:
        later(done)
    return result


def then_rerun(done: str, action: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Act, then draw the page anew with ``done`` as a toast; after a refusal the page stays as it is, with it."""
    try:
        action(*args, **kwargs)
    except REFUSALS as refusal:
        st.error(escaped(sentence_of(refusal)))
        return
    later(done)
    st.rerun()


def said(action: Callable[P, str], *args: P.args, **kwargs: P.kwargs) -> None:
    """Show at once the sentence that the action returns, or its refusal."""
    sentence = told(action, *args, **kwargs)
    if sentence is not None:
        _toast(sentence)


def _toast(sentence: str) -> None:
    st.toast(escaped(sentence), duration="long")  # long enough to read a sentence


def later(sentence: str) -> None:
    """Show ``sentence`` as a toast in the next full run, which most actions cause."""
    st.session_state[_TOAST] = sentence


def show_toast() -> None:
    if sentence := st.session_state.pop(_TOAST, ""):
        _toast(sentence)
