"""Runs, leases and rate buckets on a real Postgres."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from core.db.engine import transaction
from core.db.leases import holds_lease, release_lease, renew_lease, take_lease
from core.db.rates import PostgresRates
from core.db.tables import rate_buckets, run_items, runs
from core.domain.errors import RateLimited
from core.services.runs import (
    Item,
    Outcome,
    claim,
    end_stopped,
    renew,
    requeue_orphans,
    retry_failed,
    save_outcome,
    settle,
    start_run,
    stop_run,
)

pytestmark = pytest.mark.usefixtures("database")


def make_run(count: int, kind: str = "product_export") -> int:
    with transaction() as connection:
        items = [("product", number) for number in range(1, count + 1)]
        return start_run(connection, kind=kind, title="Send", connection_id=None, by="ada", items=items)


def status_of(run_id: int) -> str:
    with transaction() as connection:
        return connection.execute(select(runs.c.status).where(runs.c.id == run_id)).scalar_one()


def items_of(run_id: int) -> list[tuple[int, str, str]]:
    columns = (run_items.c.subject_id, run_items.c.status, run_items.c.code)
    with transaction() as connection:
        rows = connection.execute(select(*columns).where(run_items.c.run_id == run_id).order_by(run_items.c.position))
        return [tuple(row) for row in rows]


def save(item: Item, outcome: Outcome) -> bool:
    with transaction() as connection:
        return save_outcome(connection, item, outcome)


def test_items_are_claimed_once_and_the_run_ends_when_all_have() -> None:
    run_id = make_run(5)
    first = claim(run_id, limit=3, seconds=30)
    second = claim(run_id, limit=3, seconds=30)
    assert [item.subject_id for item in first + second] == [1, 2, 3, 4, 5]
    assert claim(run_id, limit=3, seconds=30) == []
    for item in first + second:
        assert save(item, Outcome("done"))
    assert settle(run_id, job="product_export")
    assert status_of(run_id) == "done"


def test_a_silent_holder_loses_the_item_and_its_late_outcome_is_not_saved() -> None:
    run_id = make_run(1)
    (lost,) = claim(run_id, limit=1, seconds=0.1)
    time.sleep(0.15)
    (taken,) = claim(run_id, limit=1, seconds=30)
    assert taken.attempt == lost.attempt + 1
    assert not save(lost, Outcome("failed", "too late"))
    assert not renew(lost, seconds=30)
    assert renew(taken, seconds=30)
    assert save(taken, Outcome("done"))
    assert items_of(run_id) == [(1, "done", "")]


def test_side_by_side_claims_share_the_items_without_overlap() -> None:
    run_id = make_run(60)
    claimed: list[int] = []

    def work() -> None:
        while batch := claim(run_id, limit=4, seconds=30):
            claimed.extend(item.subject_id for item in batch)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(1, 61))


def test_towards_the_end_a_shared_run_is_claimed_in_ever_smaller_parts() -> None:
    run_id = make_run(34)
    sizes = []
    while batch := claim(run_id, limit=10, seconds=30, shared=True):
        sizes.append(len(batch))
    assert sizes == [10, 8, 6, 4, 2, 2, 1, 1]


def test_stopping_skips_what_waits_and_lets_what_runs_finish() -> None:
    run_id = make_run(3)
    (busy,) = claim(run_id, limit=1, seconds=30)
    stop_run(run_id, "ada")
    assert claim(run_id, limit=5, seconds=30) == []
    assert not settle(run_id, job="product_export")
    assert save(busy, Outcome("done"))
    assert settle(run_id, job="product_export")
    assert status_of(run_id) == "stopped"
    assert items_of(run_id) == [(1, "done", ""), (2, "skipped", "stopped"), (3, "skipped", "stopped")]
    with pytest.raises(ValueError, match="not under way"):
        stop_run(run_id, "ada")


def test_a_run_being_stopped_finishes_what_was_begun_and_nothing_else() -> None:
    run_id = make_run(3)
    lost, open_one = claim(run_id, limit=2, seconds=0.05)  # its worker is killed
    save(open_one, Outcome("unknown", "No answer came.", "again"))
    stop_run(run_id, "ada")
    time.sleep(0.1)
    taken = claim(run_id, limit=5, seconds=30)
    assert [item.id for item in taken] == [lost.id, open_one.id]
    for item in taken:
        assert save(item, Outcome("done"))
    assert settle(run_id, job="product_export")
    assert (status_of(run_id), items_of(run_id)[2]) == ("stopped", (3, "skipped", "stopped"))


def test_a_stopped_run_whose_connection_may_not_act_ends_and_says_what_is_open() -> None:
    run_id = make_run(4)
    open_one, lost = claim(run_id, limit=2, seconds=0.05)
    (busy,) = claim(run_id, limit=1, seconds=30)
    save(open_one, Outcome("unknown", "No answer came.", "again"))
    end_stopped(run_id)
    assert status_of(run_id) == "running", "nobody has stopped it"
    stop_run(run_id, "ada")
    time.sleep(0.1)
    end_stopped(run_id)
    assert status_of(run_id) == "stopping", "somebody is at work on one of them"
    assert save(busy, Outcome("done"))
    end_stopped(run_id)
    assert status_of(run_id) == "stopped"
    assert [one[1:] for one in items_of(run_id)] == [
        ("failed", "left_open"), ("failed", "left_open"), ("done", ""), ("skipped", "stopped"),
    ]  # fmt: skip
    assert save(lost, Outcome("done")), "a late answer is still the truth"
    assert items_of(run_id)[1] == (2, "done", "")


def test_an_item_that_must_wait_is_not_claimed_before_its_time() -> None:
    run_id = make_run(1)
    (item,) = claim(run_id, limit=1, seconds=30)
    save(item, Outcome("waiting", "later", not_before=datetime.now(UTC) + timedelta(minutes=5)))
    assert claim(run_id, limit=1, seconds=30) == []
    assert not settle(run_id, job="product_export")
    with transaction() as connection:
        later = text("SELECT count(*) FROM procrastinate_jobs WHERE scheduled_at > now() AND args->>'run_id' = :run")
        assert connection.execute(later, {"run": str(run_id)}).scalar_one() == 1


def test_retrying_takes_the_failed_of_one_cause() -> None:
    run_id = make_run(3)
    for item, code in zip(claim(run_id, limit=3, seconds=30), ("a", "b", "a"), strict=True):
        save(item, Outcome("failed", "no", code))
    settle(run_id, job="product_export")
    again = retry_failed(run_id, "ada", code="a")
    assert [subject for subject, _, _ in items_of(again)] == [1, 3]
    assert len(items_of(retry_failed(run_id, "ada"))) == 3


def test_a_run_without_a_job_gets_one() -> None:
    run_id = make_run(1, kind="orphan_kind")
    with transaction() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'orphan_kind'"))
    requeue_orphans()
    with transaction() as connection:
        jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'orphan_kind' AND args->>'run_id' = :run"
        assert connection.execute(text(jobs), {"run": str(run_id)}).scalar_one() == 1


def test_a_lease_is_held_by_one_and_fenced() -> None:
    first = take_lease("test:lease", seconds=0.1)
    assert first is not None
    assert take_lease("test:lease", seconds=10) is None
    time.sleep(0.15)
    second = take_lease("test:lease", seconds=10)
    assert second == first + 1
    assert not renew_lease("test:lease", first, seconds=10)
    with transaction() as connection:
        assert holds_lease(connection, "test:lease", second)
        assert not holds_lease(connection, "test:lease", first)
    release_lease("test:lease", second)
    assert take_lease("test:lease", seconds=1) == second + 1


def test_a_bucket_gives_its_capacity_at_once_and_then_its_rate() -> None:
    rates = PostgresRates(lambda key: (3.0, 20.0))
    began = time.monotonic()
    for _ in range(8):
        rates.take("test:bucket", priority=0, deadline_s=5)
    assert time.monotonic() - began > 0.2
    with pytest.raises(RateLimited):
        for _ in range(50):
            rates.take("test:bucket", priority=0, deadline_s=0.01)


def test_slowing_down_stops_everybody_until_then() -> None:
    rates = PostgresRates(lambda key: (100.0, 100.0))
    rates.slow_down("test:slow", datetime.now(UTC) + timedelta(seconds=30))
    with pytest.raises(RateLimited) as caught:
        PostgresRates(lambda key: (100.0, 100.0)).take("test:slow", priority=0, deadline_s=0.1)
    assert timedelta(seconds=20) < caught.value.until - datetime.now(UTC) < timedelta(seconds=40)
    with transaction() as connection:
        free = update(rate_buckets).where(rate_buckets.c.key == "test:slow").values(blocked_until=None, tokens=100)
        connection.execute(free)
    rates.take("test:slow", priority=0, deadline_s=1)


def test_backfill_leaves_the_last_permit_to_the_urgent() -> None:
    rates = PostgresRates(lambda key: (2.0, 0.001))
    rates.take("test:last", priority=9, deadline_s=0.01)
    with pytest.raises(RateLimited):
        rates.take("test:last", priority=9, deadline_s=0.01)
    rates.take("test:last", priority=0, deadline_s=0.01)
