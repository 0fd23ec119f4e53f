"""The clock: ``schedule`` only ticks; what is due is decided in Postgres, so that any number of workers agree.

An occurrence is a row (name, due instant). Who inserts it defers the jobs, in the same transaction; everybody else
finds it there. After downtime the latest missed occurrence runs, within its catch-up window.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import schedule
from sqlalchemy import Connection, func, update
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import now, transaction
from core.db.tables import occurrences
from core.domain.occurrences import is_late, last_due
from core.jobs.schedules import PLAN, Planned
from core.logs import log
from core.queue import BACKFILL, defer
from core.services.runs import requeue_orphans

TICK_S = 2


def tick(plan: Sequence[Planned] = PLAN, *, moment: datetime | None = None) -> list[str]:
    """Defer whatever is due and was not yet; the names that this process deferred."""
    present = moment or now()
    return [planned.name for planned in plan if _occur(planned, present)]


def _occur(planned: Planned, present: datetime) -> bool:
    due = last_due(planned.schedule, present)
    if present - due > planned.schedule.catch_up:
        return False
    with transaction() as connection:
        if not _first(connection, planned.name, due):
            return False
        jobs = [_defer(connection, planned, target) for target in planned.targets(connection)]
        note = "late" if is_late(due, present) else ""
        if jobs and all(job is None for job in jobs):
            note = "still running"
        row = (occurrences.c.name == planned.name) & (occurrences.c.due_at == due)
        connection.execute(update(occurrences).where(row).values(note=note, job_id=next(filter(None, jobs), None)))
    return True


def _first(connection: Connection, name: str, due: datetime) -> bool:
    row = insert(occurrences).values(name=name, due_at=due, created_at=func.now()).on_conflict_do_nothing()
    return connection.execute(row.returning(occurrences.c.name)).first() is not None


def _defer(connection: Connection, planned: Planned, target: dict[str, Any]) -> int | None:
    key = ":".join([planned.name, *(str(value) for value in target.values())])
    return defer(connection, planned.job, once=key, priority=BACKFILL, **target, **planned.arguments)


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
