"""Local times across clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.occurrences import Daily, Every, due_on, is_late, last_due

LONDON = "Europe/London"


def daily(at: str, zone: str = LONDON) -> Daily:
    return Daily(time.fromisoformat(at), zone, timedelta(hours=12))


@pytest.mark.parametrize(
    ("day", "at", "utc"),
    [
        ("2026-11-21", "02:00", "2026-11-21T02:00"),  # winter
        ("2026-07-01", "02:00", "2026-07-01T01:00"),  # summer
        ("2026-10-25", "02:00", "2026-10-25T02:00"),  # the night the clocks go back
        ("2026-10-25", "01:30", "2026-10-25T00:30"),  # 01:30 comes twice: the first
        ("2027-03-28", "02:00", "2027-03-28T01:00"),  # the night they go forward: 02:00 is the end of the gap
        ("2027-03-28", "01:30", "2027-03-28T01:00"),  # 01:30 does not exist: the first moment after
        ("2027-03-28", "00:30", "2027-03-28T00:30"),
    ],
)
def test_the_instant_a_local_time_is_due(day: str, at: str, utc: str) -> None:
    assert due_on(date.fromisoformat(day), daily(at)) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_after_downtime_only_the_latest_is_due() -> None:
    moment = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert last_due(daily("02:00"), moment) == datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert last_due(daily("13:00"), moment) == datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def test_an_interval_is_due_at_its_multiples() -> None:
    moment = datetime(2026, 11, 21, 12, 0, 44, tzinfo=UTC)
    assert last_due(Every(timedelta(seconds=30)), moment) == moment.replace(second=30)


def test_late_begins_after_five_minutes() -> None:
    due = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert not is_late(due, due + timedelta(minutes=5))
    assert is_late(due, due + timedelta(minutes=5, seconds=1))


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.sampled_from(["00:30", "01:00", "01:30", "02:00", "02:30", "23:59"]),
    st.sampled_from([LONDON, "America/New_York", "Europe/Berlin", "Asia/Tokyo"]),
)
def test_exactly_one_instant_a_local_day(day: date, at: str, zone: str) -> None:
    schedule = daily(at, zone)
    due = due_on(day, schedule)
    assert due.astimezone(ZoneInfo(zone)).date() == day
    assert due_on(day + timedelta(days=1), schedule) - due >= timedelta(hours=22)
    assert last_due(schedule, due) == due
    assert last_due(schedule, due + timedelta(hours=20)) == due
