"""Whom to ask for help: named in the corner of every page, and where the console says no."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from console.refusals import NotPossible, sentence_of
from core import config
from core.domain.people import Actor, Forbidden, Role
from tests.console.conftest import Open

CONTACT = "ops_desk@example.test, extension *42*"


@pytest.fixture
def contact(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CROSSDOCK_SUPPORT_CONTACT", CONTACT)
    config.settings.cache_clear()
    yield
    monkeypatch.undo()
    config.settings.cache_clear()


def corner(at: AppTest) -> str:
    return "\n".join(entry.value for entry in at.sidebar.caption)


@pytest.mark.parametrize("role", list(Role))
def test_the_corner_names_whom_to_ask(contact: None, open_page: Open, role: Role) -> None:
    assert r"Help\: ops\_desk" in corner(open_page("overview", role))


def test_without_a_contact_nothing_is_promised(open_page: Open) -> None:
    assert "Help" not in corner(open_page("overview"))


def test_no_permission_and_failures_say_it_too(contact: None) -> None:
    with pytest.raises(Forbidden) as refused:
        Actor(1, "vera", Role.VIEWER).require(Role.ADMIN)
    assert sentence_of(refused.value).endswith(f"ask an administrator. Help: {CONTACT}")
    assert sentence_of(NotPossible("There is no connection 7.")) == f"There is no connection 7. Help: {CONTACT}"


def test_a_refused_action_shows_it_on_the_page(contact: None) -> None:
    def page() -> None:
        from console.components import feedback
        from console.refusals import NotPossible

        def refuse() -> None:
            raise NotPossible("This cannot be done now.")

        feedback.told(refuse)

    st.cache_data.clear()
    at = AppTest.from_function(page).run()
    assert r"This cannot be done now. Help\: ops\_desk" in at.error[0].value


def test_a_refusal_stands_alone_without_a_contact(database: None) -> None:
    assert sentence_of(NotPossible("There is no connection 7.")) == "There is no connection 7."
