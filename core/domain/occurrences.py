"""When a schedule was last due: pure rules over instants (law 15).

A daily schedule is due once per local day. A local time that does not exist (the clocks go forward) is due at the
first moment after the gap; one that comes twice (the clocks go back) is due the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Daily:
    """At ``at`` local time in ``zone``; a missed one is caught up within ``catch_up``."""

    at: time
    zone: str
    catch_up: timedelta


@dataclass(frozen=True, slots=True)
class Every:
    """Each ``period``, counted from the epoch; a missed one is not caught up: the next is soon."""

    period: timedelta

    @property
    def catch_up(self) -> timedelta:
        return self.period


Schedule = Daily | Every


def due_on(day: date, daily: Daily) -> datetime:
    """The instant (UTC) at which ``daily`` is due on the local ``day``."""
    zone = ZoneInfo(daily.zone)
    local = datetime.combine(day, daily.at, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _end_of_gap(local).astimezone(UTC)


def _end_of_gap(local: datetime) -> datetime:
    """The first existing moment at or after a local time that the clocks skip."""
    before = local.replace(fold=0).utcoffset()
    after = local.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    skipped = abs(after - before)
    low, high = local.astimezone(UTC) - skipped, local.astimezone(UTC) + skipped
    zone = local.tzinfo
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).replace(tzinfo=None) >= local.replace(tzinfo=None):
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def last_due(schedule: Schedule, moment: datetime) -> datetime:
    """The latest instant (UTC) not after ``moment`` at which the schedule was due."""
    if isinstance(schedule, Every):
        seconds = int(schedule.period.total_seconds())
        return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)
    today = moment.astimezone(ZoneInfo(schedule.zone)).date()
    due = due_on(today, schedule)
    return due if due <= moment else due_on(today - timedelta(days=1), schedule)


def is_late(due: datetime, moment: datetime) -> bool:
    """Whether a run begun at ``moment`` should be marked late: more than five minutes after it was due."""
    return moment - due > timedelta(minutes=5)
