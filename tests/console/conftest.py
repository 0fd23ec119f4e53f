"""A console over a database of the test module's own, run in-process by Streamlit's AppTest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from console import session
from core import config
from core.db import engine
from core.domain.people import Role
from core.secrets import make_key_file, sealer
from core.services import people
from tests.console.filling import PASSWORD, Filled, add_users, fill

APP = Path(__file__).resolve().parents[2] / "console" / "app.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def database(settings: config.Settings) -> Iterator[None]:
    """The module's database with the three users in it, reached the way the console reaches it."""
    st.cache_data.clear()  # of another module's database
    make_key_file(settings.home)
    for cached in (engine.engine, sealer):
        cached.cache_clear()
    with engine.transaction() as conn:
        add_users(conn)
    yield
    engine.engine().dispose()
    engine.engine.cache_clear()
    sealer.cache_clear()


@pytest.fixture(scope="module")
def filled(database: None) -> Filled:
    with engine.transaction() as conn:
        return fill(conn)


@pytest.fixture
def sign_in(database: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Role], str]:
    """Be somebody of a role from now on: AppTest has no cookies, everything behind the token is real."""

    def be(role: Role) -> str:
        with engine.transaction() as conn:
            token = people.sign_in(conn, str(role), PASSWORD, "127.0.0.1").token
        assert token
        monkeypatch.setattr(session, "session_token", lambda: token)
        return token

    return be


@pytest.fixture
def open_page(sign_in: Callable[[Role], str], monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page as somebody: ``open_page("products", Role.VIEWER, tab="Failed")``."""

    # As in console/serve.py. AppTest forgets it before every run.
    begin = PagesManager.__init__

    def without_pages_directory(self: PagesManager, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", without_pages_directory)

    def open_(name: str, role: Role = Role.OPERATOR, **query: str) -> AppTest:
        sign_in(role)
        at = AppTest.from_file(str(APP), default_timeout=30).run()  # the frame has to come first
        if name != "overview":
            at.switch_page(f"pages/{name}.py")
        for key, value in query.items():
            at.query_params[key] = value
        at.run()
        assert not at.exception, at.exception
        return at

    return open_
