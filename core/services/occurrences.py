"""occurrences: what is due is a row (name, due instant); who inserts it defers the jobs, in the same transaction.

Everybody else finds it there. After downtime the latest missed occurrence runs, within its catch-up window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, update
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import transaction
from core.db.tables import occurrences
from core.domain.occurrences import Schedule, is_late, last_due
from core.queue import NORMAL, defer

Targets = Callable[[], list[dict[str, Any]]]


def occur(
    name: str, job: str, schedule: Schedule, targets: Targets, arguments: Mapping[str, Any], present: datetime
) -> bool:
    """Defer ``job`` for every target if ``name`` is due and nobody did so yet; whether we did."""
    due = last_due(schedule, present)
    if present - due > schedule.catch_up or _known(name, due):
        return False
    wanted = targets()
    with transaction() as connection:
        if not _first(connection, name, due):
            return False
        jobs = [_defer(connection, name, job, target, arguments) for target in wanted]
        note = "late" if is_late(due, present) else ""
        if jobs and all(number is None for number in jobs):
            note = "still running"
        row = (occurrences.c.name == name) & (occurrences.c.due_at == due)
        connection.execute(update(occurrences).where(row).values(note=note, job_id=next(filter(None, jobs), None)))
    return True


def _known(name: str, due: datetime) -> bool:
    row = occurrences.select().where(occurrences.c.name == name, occurrences.c.due_at == due)
    with transaction() as connection:
        return connection.execute(row).first() is not None


def _first(connection: Connection, name: str, due: datetime) -> bool:
    row = insert(occurrences).values(name=name, due_at=due, created_at=func.now()).on_conflict_do_nothing()
    return connection.execute(row.returning(occurrences.c.name)).first() is not None


def _defer(
    connection: Connection, name: str, job: str, target: Mapping[str, Any], arguments: Mapping[str, Any]
) -> int | None:
    key = ":".join([name, *(str(value) for value in target.values())])
    return defer(connection, job, once=key, priority=NORMAL, **target, **arguments)
