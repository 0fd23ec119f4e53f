"""Who looks at the page, asked of the database on every rerun."""

from __future__ import annotations

import streamlit as st

from console.gate import SESSION_COOKIE
from core.domain.people import Actor
from core.services import people
from core.services.database import transaction


def session_token() -> str:
    """The browser's session token as it was when the page was opened."""
    return st.context.cookies.get(SESSION_COOKIE, "")


def signed_in(*, touch: bool = False) -> Actor | None:
    """None when the session has ended, on whichever machine. ``touch``: this rerun is something a person did."""
    with transaction() as connection:
        return people.session_user(connection, session_token(), touch=touch)


def sign_out() -> None:
    with transaction() as connection:
        people.end_session(connection, session_token())
