"""Leases of many things at once are taken and let go in one order, so that two who want the same wait and go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, select, update

from core.config import Settings
from core.db.engine import transaction
from core.db.leases import release_leases, take_leases
from core.db.tables import leases
from tests.lock_rig import Waiting

FIRST, LAST = "offers:1", "offers:2"


@pytest.fixture(autouse=True)
def two_leases(database: Settings) -> None:
    with transaction() as conn:
        conn.execute(leases.delete())
        for name in (LAST, FIRST):  # so that their rows stand in the other order
            assert take_leases(conn, [name], seconds=30) == {name: 1}


def let_go(conn: Connection) -> None:
    release_leases(conn, {LAST: 1, FIRST: 1})


def take(conn: Connection) -> None:
    take_leases(conn, [LAST, FIRST], seconds=30)


@pytest.mark.parametrize("work", [let_go, take])
def test_who_waits_for_the_first_does_not_hold_the_last(work: Callable[[Connection], None]) -> None:
    def in_a_transaction() -> None:
        with transaction() as conn:
            work(conn)

    with transaction() as conn:
        conn.execute(update(leases).where(leases.c.name == FIRST).values(holder="somebody"))
        other = Waiting(in_a_transaction)
        conn.execute(select(leases).where(leases.c.name == LAST).with_for_update(nowait=True))
    other.finish()


def test_only_what_is_still_ours_is_let_go() -> None:
    with transaction() as conn:
        release_leases(conn, {FIRST: 1, LAST: 2})
    with transaction() as conn:
        assert take_leases(conn, [LAST, FIRST], seconds=30) == {FIRST: 2}
