"""What every page knows: who looks, and at which connection."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.domain.people import Actor, Role
from core.reads.connections import ConnectionRow

_KEY = "_context"


@dataclass(frozen=True, slots=True)
class Context:
    """``connection`` is the chosen one of ``connections``; None before the first is made."""

    actor: Actor
    connection: ConnectionRow | None
    connections: tuple[ConnectionRow, ...]

    @property
    def operates(self) -> bool:
        """Whether buttons that change something are drawn; the actions check again."""
        return self.actor.may(Role.OPERATOR)

    @property
    def administers(self) -> bool:
        return self.actor.may(Role.ADMIN)


def keep(context: Context) -> None:
    """Set by the frame before the page runs, so that a page's fragments find it too."""
    st.session_state[_KEY] = context


def current() -> Context:
    found: Context = st.session_state[_KEY]
    return found


def current_id() -> int:
    """The chosen connection's id; only for pages that need a connection."""
    row = current().connection
    assert row is not None
    return row.id
