"""Bulk actions, always the same steps: what would happen, confirm, progress, results by cause.

The third and fourth are ``progress`` and ``results``; this is the question before them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from console.components import feedback, url, watched, words
from console.components.selection import Selected
from console.components.status import escaped
from core.domain.counting import counted
from core.domain.filters import Selection
from core.services.runs import DryRun

TYPED_ABOVE = 100
_ASKED = "_bulk_asked"


@dataclass(frozen=True, slots=True)
class Ask:
    """A bulk action somebody pressed. ``plan`` changes nothing, ``start`` returns the run's id.

    ``deletes``: above 100 items the number has to be typed. ``refine`` draws what has to be chosen first, and returns
    the question with it, or None while nothing is chosen.
    """

    title: str
    verb: str
    selection: Selection
    plan: Callable[[Selection], DryRun]
    start: Callable[[Selection], int]
    selected: Selected | None = None
    deletes: bool = False
    note: str = ""
    refine: Callable[[Ask], Ask | None] | None = None


def ask(question: Ask) -> None:
    """A button's callback: put the question in the next run."""
    st.session_state[_ASKED] = question


def show() -> bool:
    """Draw the question that was asked, once; True when it stands."""
    question: Ask | None = st.session_state.pop(_ASKED, None)
    if question is None:
        return False
    watched.dialog(question.title, _body, width="medium")(question)
    return True


def _body(asked: Ask) -> None:
    question = asked.refine(asked) if asked.refine else asked
    if question is None:
        return
    dry = feedback.told(question.plan, question.selection)
    if dry is None:
        return
    _what_would_happen(question, dry)
    if dry.will == 0:
        st.info("There is nothing to do.")
        return
    if not _typed(question, dry):
        return
    if st.button(f"{question.verb} {counted(dry.will, 'item')}", type="primary", key="bulk_confirm"):
        _begin(question)


def _what_would_happen(question: Ask, dry: DryRun) -> None:
    st.markdown(f"**{counted(dry.will, 'item')}** · about {words.span(dry.seconds)} at the present rate")
    if question.note:
        st.caption(escaped(question.note))
    for warning in dry.warnings:
        st.warning(escaped(warning))
    if dry.skipped:
        number = sum(count for _, count in dry.skipped)
        st.markdown(f"**{counted(number, 'item')} skipped**")
        for reason, count in dry.skipped:
            st.markdown(f"- {count:,} {escaped(reason)}")


def _typed(question: Ask, dry: DryRun) -> bool:
    """Whether the danger was confirmed in proportion to it."""
    if not question.deletes or dry.will <= TYPED_ABOVE:
        return True
    typed = st.text_input(f"Type {dry.will} to confirm", key="bulk_typed", live=True)
    return (typed or "").strip() == str(dry.will)


def _begin(question: Ask) -> None:
    run_id = feedback.told(question.start, question.selection, done="Queued.")
    if run_id is None:
        return
    if question.selected is not None:
        question.selected.clear()
    url.put({"run": str(run_id), "open": ""})
    st.rerun()
