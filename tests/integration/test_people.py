"""Passwords, roles, sessions and sign-in links on a real database."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module

import httpx
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Engine, func, insert, select, update
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from console.doors import DOORS
from core.config import Settings
from core.db.engine import make_engine
from core.db.tables import audit, login_attempts, sessions, sign_in_links, users
from core.domain.people import Actor, Forbidden, Role
from core.services import audit as records
from core.services import people
from core.services.people import PeopleError
from core.services.sessions import ABSOLUTE, IDLE, LINK, forget_ended
from core.services.sign_in_limits import ADDRESS_LIMIT, USER_LIMIT, WINDOW

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[Engine]:
    made = make_engine(settings.database_url, pool_size=12)
    yield made
    made.dispose()


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    """A transaction that is rolled back, so that each test finds the database empty."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def _later(conn: Connection, by: timedelta) -> None:
    """Everything stored so far happened ``by`` earlier."""
    conn.execute(update(sessions).values(seen_at=sessions.c.seen_at - by, expires_at=sessions.c.expires_at - by))
    conn.execute(update(sign_in_links).values(expires_at=sign_in_links.c.expires_at - by))
    conn.execute(
        update(login_attempts).values(
            updated_at=login_attempts.c.updated_at - by, blocked_until=login_attempts.c.blocked_until - by
        )
    )


def _signed_in(conn: Connection, login: str, password: str = PASSWORD, address: str = "10.0.0.1") -> str:
    answer = people.sign_in(conn, login, password, address)
    assert answer.token, answer.sentence
    return answer.token


@pytest.mark.parametrize(
    ("address", "host"), [("192.168.0.7", "192.168.0.7"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")]
)
def test_the_sign_in_link_leads_to_where_the_console_listens(settings: Settings, address: str, host: str) -> None:
    variables = {"CROSSDOCK_CONSOLE_ADDRESS": address, "CROSSDOCK_CONSOLE_PORT": "8501"}
    for module in ("console.sign_in", "core.services.prepare"):
        printed = subprocess.run(
            [sys.executable, "-m", module], env=os.environ | variables, capture_output=True, text=True, check=True
        ).stdout
        assert printed.startswith(f"http://{host}:8501/sign-in?token=")


@pytest.mark.parametrize(
    ("client", "server", "headers", "status"),
    [
        ("127.0.0.1", "127.0.0.1", {}, 410),
        ("192.168.0.7", "192.168.0.7", {}, 410),
        ("192.168.0.8", "192.168.0.7", {}, 403),
        ("192.168.0.7", "192.168.0.7", {"forwarded": "for=192.168.0.8"}, 403),
    ],
)
def test_a_link_is_for_who_asks_from_the_machine_itself(
    database: Settings, client: str, server: str, headers: dict[str, str], status: int
) -> None:
    """A token that was never given out: 410 where links are looked at, 403 where they are not."""

    async def at_server(scope: Scope, receive: Receive, send: Send) -> None:
        await Starlette(routes=DOORS)(scope | {"server": (server, 8501)}, receive, send)

    async def answer() -> int:
        transport = httpx.ASGITransport(app=at_server, client=(client, 5000))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{server}") as browser:
            return (await browser.get("/sign-in?token=none", headers=headers)).status_code

    assert asyncio.run(answer()) == status


def test_right_password_gives_a_session_whatever_the_case_of_the_name(conn: Connection) -> None:
    user_id = people.add_user(conn, "Ada", Role.OPERATOR, password=PASSWORD)
    token = _signed_in(conn, " ada ")
    assert people.session_user(conn, token, touch=True) == Actor(user_id, "Ada", Role.OPERATOR)


def test_token_itself_is_not_stored(conn: Connection) -> None:
    people.add_user(conn, "ada", Role.OPERATOR, password=PASSWORD)
    token = _signed_in(conn, "ada")
    stored = conn.execute(select(sessions.c.token_hash)).scalar_one()
    assert token.encode() not in bytes(stored)
    assert len(stored) == 32


@pytest.mark.parametrize("login", ["ada", "nobody", "link.only", "gone"])
def test_refusals_read_alike(conn: Connection, login: str) -> None:
    people.add_user(conn, "ada", Role.ADMIN, password=PASSWORD)
    people.add_user(conn, "link.only", Role.VIEWER)
    people.disable_user(conn, people.add_user(conn, "gone", Role.VIEWER, password=PASSWORD))
    given = "wrong" if login == "ada" else PASSWORD
    assert people.sign_in(conn, login, given, "10.0.0.1") == people.SignIn(None, people.WRONG)


def test_user_is_blocked_after_too_many_wrong_passwords_and_free_again_later(conn: Connection) -> None:
    people.add_user(conn, "ada", Role.ADMIN, password=PASSWORD)
    for attempt in range(USER_LIMIT):
        assert people.sign_in(conn, "ada", "wrong", f"10.0.1.{attempt}").sentence == people.WRONG
    refused = people.sign_in(conn, "ada", PASSWORD, "10.0.2.1")
    assert refused.token is None
    assert refused.sentence.startswith("Too many wrong sign-ins. Try again after ")
    _later(conn, WINDOW + timedelta(seconds=1))
    assert people.sign_in(conn, "ada", PASSWORD, "10.0.2.1").token


def test_address_is_blocked_whoever_it_tries_and_others_are_not(conn: Connection) -> None:
    people.add_user(conn, "ada", Role.ADMIN, password=PASSWORD)
    for attempt in range(ADDRESS_LIMIT):
        people.sign_in(conn, f"guess{attempt}", "x" * 300, "10.9.9.9")
    assert "Too many" in people.sign_in(conn, "ada", PASSWORD, "10.9.9.9").sentence
    assert people.sign_in(conn, "ada", PASSWORD, "10.0.0.1").token


def test_right_password_clears_the_count(conn: Connection) -> None:
    people.add_user(conn, "ada", Role.ADMIN, password=PASSWORD)
    for _ in range(3):
        for _ in range(USER_LIMIT - 1):
            people.sign_in(conn, "ada", "wrong", "10.0.0.1")
        _signed_in(conn, "ada")


def test_parallel_guesses_cannot_outrun_the_limit(engine: Engine) -> None:
    with engine.begin() as connection:
        people.add_user(connection, "raced", Role.VIEWER, password=PASSWORD)

    def guess(_: int) -> str:
        with engine.begin() as connection:
            return people.sign_in(connection, "raced", "wrong", "10.8.8.8").sentence

    with ThreadPoolExecutor(8) as pool:
        sentences = list(pool.map(guess, range(USER_LIMIT + 6)))
    with engine.begin() as connection:
        connection.execute(users.delete())
    assert sentences.count(people.WRONG) == USER_LIMIT


def test_session_ends_when_idle_unless_touched(conn: Connection) -> None:
    people.add_user(conn, "ada", Role.ADMIN, password=PASSWORD)
    token = _signed_in(conn, "ada")
    for touch, alive in ((True, True), (False, True), (False, False)):
        _later(conn, IDLE * 0.6)
        assert (people.session_user(conn, token, touch=touch) is not None) is alive


def test_session_ends_for_good_however_busy(conn: Connection) -> None:
    people.add_user(conn, "ada", Role.ADMIN, password=PASSWORD)
    token = _signed_in(conn, "ada")
    for _ in range(int(ABSOLUTE / (IDLE / 2))):
        assert people.session_user(conn, token, touch=True)
        _later(conn, IDLE / 2)
    assert people.session_user(conn, token, touch=True) is None
    forget_ended(conn)
    assert conn.execute(select(func.count()).select_from(sessions)).scalar_one() == 0


def test_signing_out_ends_only_that_session(conn: Connection) -> None:
    people.add_user(conn, "ada", Role.ADMIN, password=PASSWORD)
    here, there = _signed_in(conn, "ada"), _signed_in(conn, "ada")
    people.end_session(conn, here)
    assert people.session_user(conn, here, touch=False) is None
    assert people.session_user(conn, there, touch=False)
    assert people.session_user(conn, "", touch=False) is None


def test_disabling_ends_sessions_and_links_at_once(conn: Connection) -> None:
    people.add_user(conn, "boss", Role.ADMIN)
    user_id = people.add_user(conn, "ada", Role.OPERATOR, password=PASSWORD)
    token, link = _signed_in(conn, "ada"), people.make_sign_in_link(conn, user_id)
    people.disable_user(conn, user_id)
    assert people.session_user(conn, token, touch=True) is None
    assert people.spend_sign_in_link(conn, link, "10.0.0.1") is None
    people.enable_user(conn, user_id)
    assert people.session_user(conn, token, touch=True) is None
    assert people.sign_in(conn, "ada", PASSWORD, "10.0.0.1").token


def test_role_counts_from_the_next_look_on(conn: Connection) -> None:
    people.add_user(conn, "boss", Role.ADMIN)
    user_id = people.add_user(conn, "ada", Role.OPERATOR, password=PASSWORD)
    token = _signed_in(conn, "ada")
    people.set_role(conn, user_id, Role.VIEWER)
    actor = people.session_user(conn, token, touch=False)
    assert actor is not None
    with pytest.raises(Forbidden, match="ada is signed in as viewer and this needs the role operator"):
        actor.require(Role.OPERATOR)


def test_new_password_ends_the_other_sessions(conn: Connection) -> None:
    user_id = people.add_user(conn, "ada", Role.ADMIN, password=PASSWORD)
    here, there = _signed_in(conn, "ada"), _signed_in(conn, "ada")
    people.set_password(conn, user_id, "another long one", keep_token=here)
    assert people.session_user(conn, here, touch=False)
    assert people.session_user(conn, there, touch=False) is None
    assert people.sign_in(conn, "ada", PASSWORD, "10.0.0.1").token is None


def test_link_signs_in_once_and_only_for_a_while(conn: Connection) -> None:
    boss = people.ensure_first_admin(conn)
    assert boss.id is not None
    assert people.ensure_first_admin(conn) == boss
    link, late = people.make_sign_in_link(conn, boss.id), people.make_sign_in_link(conn, boss.id)
    assert people.link_is_good(conn, link)
    token = people.spend_sign_in_link(conn, link, "127.0.0.1")
    assert token
    assert people.session_user(conn, token, touch=True) == boss
    assert not people.link_is_good(conn, link)
    assert people.spend_sign_in_link(conn, link, "127.0.0.1") is None
    _later(conn, LINK + timedelta(seconds=1))
    assert people.spend_sign_in_link(conn, late, "127.0.0.1") is None
    assert people.spend_sign_in_link(conn, "made-up", "127.0.0.1") is None


def test_last_administrator_stays(conn: Connection) -> None:
    boss = people.add_user(conn, "boss", Role.ADMIN)
    for act in (lambda: people.set_role(conn, boss, Role.VIEWER), lambda: people.disable_user(conn, boss)):
        with pytest.raises(PeopleError, match="last administrator"):
            act()
    people.add_user(conn, "second", Role.ADMIN)
    people.disable_user(conn, boss)
    assert [(user.login, user.disabled_at is None) for user in people.list_users(conn)] == [
        ("second", True),
        ("boss", False),
    ]


def test_two_administrators_cannot_remove_each_other(engine: Engine) -> None:
    with engine.begin() as connection:
        pair = [people.add_user(connection, login, Role.ADMIN) for login in ("left", "right")]

    def remove(user_id: int) -> bool:
        with engine.begin() as connection:
            try:
                people.disable_user(connection, user_id)
            except PeopleError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, pair)) == [False, True]
    with engine.begin() as connection:
        connection.execute(users.delete())


@pytest.mark.parametrize(
    ("login", "password", "words"),
    [("", None, "1 to 100"), ("a b", None, "no spaces"), ("ADA", None, "already"), ("new", "short", "5 characters")],
)
def test_bad_users_are_refused_in_words(conn: Connection, login: str, password: str | None, words: str) -> None:
    people.add_user(conn, "ada", Role.VIEWER)
    with pytest.raises(PeopleError, match=words):
        people.add_user(conn, login, Role.VIEWER, password=password)


def test_audit_keeps_who_and_what_but_no_secret(conn: Connection) -> None:
    actor = Actor(people.add_user(conn, "ada", Role.ADMIN), "ada", Role.ADMIN)
    records.record(conn, user=actor, action="save_app", subject="app:1", detail={"app_secret": "hush", "name": "x"})
    row = conn.execute(select(audit)).one()
    assert (row.login, row.action, row.subject) == ("ada", "save_app", "app:1")
    assert row.detail == {"app_secret": "[not kept]", "name": "x"}


def test_names_searched_for_before_are_taken_out_of_the_audit(conn: Connection) -> None:
    searched = {"selection": {"ids": [], "orders": {"tab": "Done", "text": "Ann Example"}}, "items": 2}
    other = {"selection": {"ids": [4], "orders": {"tab": "Done", "text": ""}}}
    for detail in (searched, other, {"text": "kept"}):
        conn.execute(insert(audit).values(login="ada", action="import_orders", subject="", detail=detail))
    emptied = import_module("core.db.migrations.versions.0027_searches_without_names")
    with Operations.context(MigrationContext.configure(conn)):
        emptied.upgrade()
    blank = {"selection": {"ids": [], "orders": {"tab": "Done", "text": "[text]"}}, "items": 2}
    assert list(conn.scalars(select(audit.c.detail).order_by(audit.c.id))) == [blank, other, {"text": "kept"}]
