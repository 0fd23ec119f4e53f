"""Rate buckets in a real Postgres: permits, and the rest a remote system asked for."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from core.config import Settings
from core.db.rates import PostgresRates
from core.domain.errors import RateLimited


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize("allowance", [None, (10.0, 10.0)])
def test_a_rest_is_obeyed_with_and_without_an_allowance(
    database: Settings, allowance: tuple[float, float] | None
) -> None:
    key = f"tiktok:1:read:{allowance is None}"
    rates = PostgresRates(lambda _: allowance)
    rates.take(key, priority=3, deadline_s=1)
    rates.slow_down(key, soon(0.6))
    began = time.monotonic()
    PostgresRates(lambda _: allowance).take(key, priority=3, deadline_s=5)
    assert time.monotonic() - began > 0.4


@pytest.mark.parametrize("allowance", [None, (10.0, 10.0)])
def test_a_rest_beyond_the_deadline_is_said_at_once(database: Settings, allowance: tuple[float, float] | None) -> None:
    key = f"tiktok:2:read:{allowance is None}"
    rates = PostgresRates(lambda _: allowance)
    rest = soon(30)
    rates.slow_down(key, rest)
    began = datetime.now(UTC)
    with pytest.raises(RateLimited) as caught:
        rates.take(key, priority=3, deadline_s=1)
    assert datetime.now(UTC) < began + timedelta(seconds=25), "the rest was waited for"
    assert abs(caught.value.until - rest) < timedelta(seconds=5)


def test_without_allowance_and_rest_nobody_waits(database: Settings) -> None:
    rates = PostgresRates(lambda _: None)
    began = time.monotonic()
    for _ in range(50):
        rates.take("tiktok:3:read:orders", priority=9, deadline_s=1)
    assert time.monotonic() - began < 20


def test_an_allowance_is_kept(database: Settings) -> None:
    rates = PostgresRates(lambda _: (5.0, 10.0))
    began = time.monotonic()
    for _ in range(10):
        rates.take("tiktok:4:read:orders", priority=3, deadline_s=5)
    assert time.monotonic() - began > 0.4


def test_threads_and_processes_that_race_get_no_permit_too_many(database: Settings) -> None:
    """Two clients stand for two processes; a permit counted twice would let them through too soon."""
    clients = [PostgresRates(lambda _: (1.0, 40.0)) for _ in range(2)]
    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        waiting = [
            threads.submit(clients[i % 2].take, "tiktok:5:write:x", priority=2, deadline_s=30) for i in range(80)
        ]
        for one in waiting:
            one.result()
    assert time.monotonic() - began >= 79 / 40 * 0.98


def test_a_turn_that_does_not_come_in_time_is_said(database: Settings) -> None:
    rates = PostgresRates(lambda _: (1.0, 0.5))
    rates.take("tiktok:6:write:x", priority=2, deadline_s=1)
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(rates.take, "tiktok:6:write:x", priority=2, deadline_s=3) for _ in range(3)]
        ended = [one.exception() for one in waiting]
    assert sum(one is None for one in ended) == 1
    assert all(isinstance(one, RateLimited) for one in ended if one is not None)
