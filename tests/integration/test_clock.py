"""The clock: one occurrence per due instant, whoever ticks and however often."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import func, select, text

from core.db.engine import transaction
from core.db.tables import occurrences
from core.domain.occurrences import Daily, Every
from core.jobs.clock import tick
from core.jobs.schedules import Planned
from core.reads.targets import once

pytestmark = pytest.mark.usefixtures("database")


def nightly(name: str) -> Planned:
    return Planned(name, name, Daily(time(2), "Europe/London", timedelta(hours=12)), once)


def jobs(name: str) -> int:
    with transaction() as connection:
        count = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name")
        return connection.execute(count, {"name": name}).scalar_one()


def run_jobs(name: str) -> None:
    with transaction() as connection:
        done = text("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE task_name = :name AND status = 'todo'")
        connection.execute(done, {"name": name})


def notes(name: str) -> list[str]:
    with transaction() as connection:
        wanted = select(occurrences.c.note).where(occurrences.c.name == name).order_by(occurrences.c.due_at)
        return list(connection.execute(wanted).scalars())


def test_four_clocks_racing_make_one_job_an_occurrence() -> None:
    plan = [Planned("race", "race", Every(timedelta(seconds=10)), once)]
    begin = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def race() -> None:
        for step in range(20):
            tick(plan, moment=begin + timedelta(seconds=10 * step))
            run_jobs("race")

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert jobs("race") == 20
    with transaction() as connection:
        rows = select(func.count()).select_from(occurrences).where(occurrences.c.name == "race")
        assert connection.execute(rows).scalar_one() == 20


@pytest.mark.parametrize("night", ["2026-10-24T12:00", "2027-03-27T12:00"])
def test_one_run_a_local_day_over_a_clock_change(night: str) -> None:
    name = f"nightly_{night}"
    begin = datetime.fromisoformat(night).replace(tzinfo=UTC)
    for minutes in range(0, 2 * 24 * 60, 10):
        tick([nightly(name)], moment=begin + timedelta(minutes=minutes))
        run_jobs(name)
    # The day that began before the first tick was caught up once, then one a night.
    assert jobs(name) == 3


def test_after_ten_hours_down_it_runs_once_and_is_marked_late() -> None:
    plan = [nightly("after_downtime")]
    tick(plan, moment=datetime(2026, 11, 20, 2, 0, 10, tzinfo=UTC))
    run_jobs("after_downtime")
    for minute in (0, 1, 2):
        tick(plan, moment=datetime(2026, 11, 21, 9, minute, tzinfo=UTC))
        run_jobs("after_downtime")
    assert jobs("after_downtime") == 2
    assert notes("after_downtime") == ["", "late"]


def test_too_late_is_left_for_the_next_time() -> None:
    assert tick([nightly("too_late")], moment=datetime(2026, 11, 21, 15, 0, tzinfo=UTC)) == []
    assert jobs("too_late") == 0


def test_a_job_that_still_waits_is_not_queued_twice() -> None:
    plan = [Planned("slow", "slow", Every(timedelta(seconds=10)), once)]
    begin = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    tick(plan, moment=begin)
    tick(plan, moment=begin + timedelta(seconds=10))
    assert jobs("slow") == 1
    assert notes("slow") == ["", "still running"]
