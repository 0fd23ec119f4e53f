"""The clock: ``schedule`` only ticks; what is due is decided in Postgres, so that any number of workers agree."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import schedule

from core.domain.occurrences import last_due
from core.jobs.schedules import PLAN, Planned
from core.logs import log
from core.services.occurrences import occur
from core.services.runs import requeue_orphans

TICK_S = 2


def tick(plan: Sequence[Planned] = PLAN, *, moment: datetime | None = None) -> list[str]:
    """Defer whatever is due and was not yet; the names that this process deferred."""
    present = moment or datetime.now(UTC)
    return [
        planned.name
        for planned in plan
        if occur(planned.name, planned.job, planned.schedule, planned.targets, _arguments(planned, present), present)
    ]


def _arguments(planned: Planned, present: datetime) -> dict[str, Any]:
    if not planned.dated:
        return planned.arguments
    return planned.arguments | {"due_at": last_due(planned.schedule, present).isoformat()}


class Clock:
    """Ticks in a thread of its own until it is stopped."""

    def __init__(self) -> None:
        self._scheduler = schedule.Scheduler()
        self._scheduler.every(TICK_S).seconds.do(_safe_tick)
        self._scheduler.every(20).seconds.do(_safe_requeue)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        self._scheduler.run_all()
        while not self._stop.wait(0.5):
            self._scheduler.run_pending()


def _safe_tick() -> None:
    _safely(tick)


def _safe_requeue() -> None:
    _safely(requeue_orphans)


def _safely(work: Callable[[], object]) -> None:
    """A tick that fails is logged and made again: ``schedule`` would otherwise stop at the first exception."""
    try:
        work()
    except Exception as error:
        log().error("the clock's tick failed", action="clock", error=repr(error))
