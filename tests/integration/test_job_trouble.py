"""A job that meets trouble of the database is queued again, whichever library met it and however long it lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, text

from core import config
from core.config import Settings
from core.db import engine
from core.db.engine import raw, transaction
from core.domain.errors import Missing, Temporary
from core.jobs import handlers
from core.queue import defer
from core.services.job_outcomes import FAILED
from tests.connect_rig import jobs
from tests.severable import Wire, severable


@pytest.fixture
def wire(database: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """What leads this process, and nobody else, to the database."""
    with severable(database.database_url) as (wire, url):
        monkeypatch.setenv("DATABASE_URL", url)
        config.settings.cache_clear()
        engine.engine.cache_clear()
        yield wire
        engine.engine().dispose()
    monkeypatch.undo()
    config.settings.cache_clear()
    engine.engine.cache_clear()


def away_for(wire: Wire, seconds: float) -> None:
    wire.cut()
    threading.Timer(seconds, wire.mend).start()


STATEMENTS: dict[str, Callable[[Connection], object]] = {
    "sqlalchemy": lambda conn: conn.execute(text("SELECT 1")),
    "psycopg": lambda conn: raw(conn).execute("SELECT 1"),
    "queue": lambda conn: defer(conn, "follow_up"),
    "queue_once": lambda conn: defer(conn, "follow_up", once="follow_up"),
}


@pytest.mark.parametrize("by", STATEMENTS)
def test_a_job_that_loses_the_database_is_queued_again_when_it_is_back(wire: Wire, by: str) -> None:
    def work() -> None:
        with transaction() as conn:
            conn.execute(text("SELECT 1"))
            away_for(wire, 2.5)
            STATEMENTS[by](conn)

    handlers.run_job(f"lost_by_{by}", work, {})
    assert len(jobs(f"lost_by_{by}")) == 1
    assert jobs("follow_up") == []


def test_what_became_of_a_job_is_told_when_the_database_is_back(wire: Wire) -> None:
    def later() -> None:
        away_for(wire, 2.5)
        raise Temporary("The Shop is busy.")

    handlers.run_job("later", later, {})
    assert len(jobs("later")) == 1

    def failing() -> None:
        away_for(wire, 2.5)
        raise Missing("The Shop does not know it.")

    with pytest.raises(Missing):
        handlers.run_job("failing", failing, {})
    assert open_failures() == ["failing"]
    handlers.run_job("failing", lambda: away_for(wire, 2.5), {})
    assert open_failures() == []


def open_failures() -> list[str]:
    wanted = text("SELECT split_part(subject_id, ':', 1) FROM issues WHERE code = :failed AND closed_at IS NULL")
    with transaction() as conn:
        return list(conn.scalars(wanted, {"failed": FAILED}))


@pytest.mark.parametrize("past_sqlalchemy", [True, False])
def test_a_job_whose_statement_takes_too_long_is_queued_again_and_told(
    database: Settings, past_sqlalchemy: bool
) -> None:
    def slow() -> None:
        with transaction() as conn:
            conn.execute(text("SET LOCAL statement_timeout = '20ms'"))
            if past_sqlalchemy:
                raw(conn).execute("SELECT pg_sleep(60)")
            else:
                conn.execute(text("SELECT pg_sleep(60)"))

    name = f"slow_{past_sqlalchemy}"
    handlers.run_job(name, slow, {})
    assert len(jobs(name)) == 1
    assert open_failures() == [name]
    handlers.run_job(name, lambda: None, {})
    assert open_failures() == []


@pytest.mark.parametrize("past_sqlalchemy", [True, False])
def test_a_job_that_lost_a_deadlock_is_queued_again(database: Settings, past_sqlalchemy: bool) -> None:
    first, second = (f"SELECT pg_advisory_xact_lock({key})" for key in (71, 72))
    both_hold = threading.Barrier(2)

    def work(one: str, other: str) -> None:
        with transaction() as conn:
            conn.execute(text(one))
            both_hold.wait(timeout=60)
            if past_sqlalchemy:
                raw(conn).execute(other)
            else:
                conn.execute(text(other))

    name = f"deadlock_{past_sqlalchemy}"
    orders = ((first, second), (second, first))
    racing = [
        threading.Thread(target=handlers.run_job, args=(name, lambda pair=pair: work(*pair), {})) for pair in orders
    ]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    assert len(jobs(name)) == 1, "the one that lost, and only that"
