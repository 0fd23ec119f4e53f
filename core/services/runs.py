"""runs: long work as rows, so that it shows progress, can be stopped, survives anything, and ends item by item.

A run has items; jobs claim items by lease, work on them and save the outcome ``WHERE attempt = mine``. An item
whose lease ran out is claimed again by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, Text, bindparam, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from core.db.engine import transaction
from core.db.leases import LEASE_UNTIL
from core.db.tables import run_items, runs
from core.queue import RUN, defer

UNFINISHED = ("waiting", "running", "unknown")
_BEGUN = ("running", "unknown")
_LEFT_OPEN = "The run was stopped while the outcome of this one was open. Sending it again settles it first."
_JOBS_PER_RUN = 3  # fewer than a worker runs at once, so that a long run leaves room for orders and stock
_ITEMS_PER_JOB = 5
_ITEM_COLUMNS = ["run_id", "subject_kind", "subject_id", "position"]


@dataclass(frozen=True, slots=True)
class Item:
    """A claimed item; ``attempt`` fences its outcome."""

    id: int
    run_id: int
    connection_id: int | None
    subject_kind: str
    subject_id: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item ended: ``done``, ``failed``, ``skipped``, or ``waiting``/``unknown`` to be looked at again.

    ``sentence`` says it in words; ``code`` groups equal causes; ``not_before`` is when to look again.
    """

    status: str
    sentence: str = ""
    code: str = ""
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a bulk action would do: how many it ``will`` touch, what is ``skipped`` and why, about how long it takes."""

    will: int
    skipped: tuple[tuple[str, int], ...]
    seconds: float
    warnings: tuple[str, ...] = ()


def start_run(
    connection: Connection,
    *,
    kind: str,
    title: str,
    connection_id: int | None,
    by: str,
    items: Select[Any] | Sequence[tuple[str, int]],
    parameters: dict[str, Any] | None = None,
) -> int:
    """Store the run with its items and queue its jobs, all in the caller's transaction; the run's id.

    ``items`` are (subject kind, subject id), given or selected. ``kind`` is the name of the job that works on them.
    """
    values = {"kind": kind, "title": title, "connection_id": connection_id, "created_by": by}
    made = insert(runs).values(**values, parameters=parameters or {}).returning(runs.c.id)
    run_id: int = connection.execute(made).scalar_one()
    total = _add_items(connection, run_id, items)
    connection.execute(update(runs).where(runs.c.id == run_id).values(total=total))
    if total == 0:
        _finish(connection, run_id)
    for _ in range(min(_JOBS_PER_RUN, -(-total // _ITEMS_PER_JOB))):
        defer(connection, kind, priority=RUN, run_id=run_id)
    return run_id


def add_to_run(connection: Connection, run_id: int, items: Select[Any]) -> bool:
    """Put more items behind those of a run under way; False, and nothing added, when it ends or is being stopped.

    One that has finished in this run waits once more. ``items`` are (subject kind, subject id), none of them
    unfinished in this run.
    """
    under_way = (runs.c.id == run_id) & runs.c.status.in_(("queued", "running"))
    run = connection.execute(select(runs.c.kind, runs.c.total).where(under_way).with_for_update()).one_or_none()
    if run is None:
        return False
    rows = items.subquery()
    place = func.row_number().over(order_by=rows.c[1]) + run.total
    adding = upsert(run_items).from_select(_ITEM_COLUMNS, select(literal(run_id), rows.c[0], rows.c[1], place))
    anew = {"status": "waiting", "sentence": "", "code": ""} | dict.fromkeys(
        ("not_before", "lease_until", "started_at", "finished_at")
    )
    connection.execute(adding.on_conflict_do_update(index_elements=["run_id", "subject_kind", "subject_id"], set_=anew))
    connection.execute(update(runs).where(runs.c.id == run_id).values(total=_count(connection, run_id)))
    defer(connection, run.kind, priority=RUN, run_id=run_id)
    return True


def _add_items(connection: Connection, run_id: int, items: Select[Any] | Sequence[tuple[str, int]]) -> int:
    if isinstance(items, Select):
        rows = items.subquery()
        kind, subject = rows.c[0], rows.c[1]
        chosen = select(literal(run_id), kind, subject, func.row_number().over(order_by=subject))
        connection.execute(insert(run_items).from_select(_ITEM_COLUMNS, chosen))
        return _count(connection, run_id)
    listed = [
        dict(zip(_ITEM_COLUMNS, (run_id, kind, subject, position), strict=True))
        for position, (kind, subject) in enumerate(dict.fromkeys(items), start=1)
    ]
    if listed:
        connection.execute(insert(run_items), listed)
    return len(listed)


def _count(connection: Connection, run_id: int) -> int:
    counted = select(func.count()).select_from(run_items).where(run_items.c.run_id == run_id)
    return int(connection.execute(counted).scalar_one())


def claim(run_id: int, *, limit: int, seconds: float, shared: bool = False) -> list[Item]:
    """Claim items that wait (or whose holder went silent) for ``seconds``; of a run being stopped what was begun.

    When ``shared`` no more than this job's part of what is left: towards the end of a run none of its jobs sits on
    many items while the others have nothing to do.
    """
    with transaction() as connection:
        run = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
        if run is None or run.status not in ("queued", "running", "stopping"):
            return []
        if run.status == "queued":
            begun = {"status": "running", "started_at": func.now()}
            connection.execute(update(runs).where(runs.c.id == run_id, runs.c.status == "queued").values(begun))
        statuses = list(_BEGUN if run.status == "stopping" else UNFINISHED)
        wanted = {
            "run": run_id,
            "statuses": statuses,
            "most": limit,
            "parts": _JOBS_PER_RUN if shared else 1,
            "lease_seconds": seconds,
        }
        rows = connection.execute(_CLAIM, wanted).all()
    return [
        Item(row.id, run_id, run.connection_id, row.subject_kind, row.subject_id, row.attempt)
        for row in sorted(rows, key=lambda row: int(row.position))
    ]


def _claiming() -> Any:
    """At most ``most`` items of ``run`` in ``statuses``, and no more than one of so many ``parts`` of what is left."""
    lease_over = (run_items.c.lease_until.is_(None)) | (run_items.c.lease_until <= func.now())
    due = (run_items.c.not_before.is_(None)) | (run_items.c.not_before <= func.now())
    wanted = run_items.c.status == func.any(bindparam("statuses", type_=ARRAY(Text)))
    free = select(run_items.c.id).where(run_items.c.run_id == bindparam("run"), wanted, lease_over, due)
    most, parts = bindparam("most", type_=Integer), bindparam("parts", type_=Integer)
    left = select(func.count()).select_from(free.limit(most * parts).subquery()).scalar_subquery()
    share = func.div(left + parts - 1, parts)
    taken = free.order_by(run_items.c.position).limit(share).with_for_update(skip_locked=True)
    return (
        update(run_items)
        .where(run_items.c.id.in_(taken.scalar_subquery()))
        .values(
            status="running",
            attempt=run_items.c.attempt + 1,
            lease_until=LEASE_UNTIL,
            started_at=func.coalesce(run_items.c.started_at, func.now()),
        )
        .returning(
            run_items.c.id,
            run_items.c.position,
            run_items.c.subject_kind,
            run_items.c.subject_id,
            run_items.c.attempt,
        )
    )


_CLAIM = _claiming()


def renew(item: Item, *, seconds: float) -> bool:
    """Hold the item for ``seconds`` more; False when it is no longer ours and the work must stop."""
    mine = (run_items.c.id == item.id) & (run_items.c.attempt == item.attempt)
    with transaction() as connection:
        renewed = update(run_items).where(mine).values(lease_until=LEASE_UNTIL)
        return connection.execute(renewed, {"lease_seconds": seconds}).rowcount == 1


# Every item of a run is saved with one of these: they are built once.
_MINE = (run_items.c.id == bindparam("item")) & (run_items.c.attempt == bindparam("mine"))
_SAVE_FINISHED = update(run_items).where(_MINE).values(lease_until=None, finished_at=func.now())
_SAVE_UNFINISHED = update(run_items).where(_MINE).values(lease_until=None, finished_at=None)


def save_outcome(connection: Connection, item: Item, outcome: Outcome) -> bool:
    """Save how the item ended; False, and nothing saved, when somebody else has it by now."""
    saving = _SAVE_UNFINISHED if outcome.status in UNFINISHED else _SAVE_FINISHED
    values = {
        "item": item.id,
        "mine": item.attempt,
        "status": outcome.status,
        "sentence": outcome.sentence,
        "code": outcome.code,
        "not_before": outcome.not_before,
    }
    return connection.execute(saving, values).rowcount == 1


def settle(run_id: int, *, job: str) -> bool:
    """After a job found nothing more to claim: end the run, or look again later. True when it has ended."""
    with transaction() as connection:
        run = connection.execute(select(runs).where(runs.c.id == run_id).with_for_update()).one_or_none()
        if run is None or run.status in ("done", "stopped"):
            return True
        if run.status == "stopping":
            _skip_waiting(connection, run_id)
        left = connection.execute(_left(run_id)).one()
        if left.unfinished == 0:
            _finish(connection, run_id)
            return True
        once, wait = f"{job}:{run_id}", max(1, int(left.wait) + 1)
        defer(connection, job, once=once, priority=RUN, after_seconds=wait, run_id=run_id)
        return False


def end_stopped(run_id: int) -> None:
    """End a run that is being stopped and whose connection may not act: what is open is left open, and says so."""
    with transaction() as connection:
        stopping = select(runs.c.id).where(runs.c.id == run_id, runs.c.status == "stopping").with_for_update()
        if connection.execute(stopping).one_or_none() is None:
            return
        _skip_waiting(connection, run_id)
        lease_over = func.coalesce(run_items.c.lease_until <= func.now(), True)
        left = (run_items.c.run_id == run_id) & run_items.c.status.in_(_BEGUN) & lease_over
        values = {"status": "failed", "sentence": _LEFT_OPEN, "code": "left_open"}
        connection.execute(update(run_items).where(left).values(**values, finished_at=func.now()))
        if connection.execute(_left(run_id)).one().unfinished == 0:
            _finish(connection, run_id)


def hand_over(run_id: int, *, job: str) -> None:
    """Go on with the run in another job, behind what has waited meanwhile."""
    with transaction() as connection:
        defer(connection, job, priority=RUN, run_id=run_id)


def _left(run_id: int) -> Select[Any]:
    """How many items are unfinished, and in how many seconds the first of them can be claimed."""
    free_at = func.greatest(
        func.coalesce(run_items.c.lease_until, func.now()), func.coalesce(run_items.c.not_before, func.now())
    )
    wait = func.coalesce(func.extract("epoch", func.min(free_at) - func.now()), 0)
    unfinished = (run_items.c.run_id == run_id) & run_items.c.status.in_(UNFINISHED)
    return select(func.count().label("unfinished"), func.least(wait, 3600).label("wait")).where(unfinished)


def _skip_waiting(connection: Connection, run_id: int) -> None:
    waiting = (run_items.c.run_id == run_id) & (run_items.c.status == "waiting")
    values = {"status": "skipped", "sentence": "The run was stopped before its turn.", "code": "stopped"}
    connection.execute(update(run_items).where(waiting).values(**values, finished_at=func.now()))


def _finish(connection: Connection, run_id: int) -> None:
    status = "CASE WHEN status = 'stopping' THEN 'stopped' ELSE 'done' END"
    connection.execute(
        update(runs).where(runs.c.id == run_id).values(status=text(status), finished_at=func.now(), note="")
    )


def stop_run(run_id: int, by: str) -> None:
    """Nothing new is begun; what is under way is finished. Raises ``ValueError`` when it has ended already."""
    with transaction() as connection:
        running = (runs.c.id == run_id) & runs.c.status.in_(("queued", "running"))
        stopping = update(runs).where(running).values(status="stopping", note=f"Stopped by {by}.")
        kind = connection.execute(stopping.returning(runs.c.kind)).scalar()
        if kind is None:
            raise ValueError(f"Run {run_id} is not under way, so it cannot be stopped.")
        _skip_waiting(connection, run_id)
        defer(connection, kind, once=f"{kind}:{run_id}", priority=RUN, run_id=run_id)


def stop_runs(connection: Connection, connection_id: int, note: str) -> None:
    """Stop all runs of a connection that may no longer act, in the caller's transaction; ``note`` says why."""
    going = (runs.c.connection_id == connection_id, runs.c.status.in_(("queued", "running")))
    stopping = update(runs).where(*going).values(status="stopping", note=note)
    for run_id in connection.scalars(stopping.returning(runs.c.id)).all():
        _skip_waiting(connection, run_id)


def retry_failed(run_id: int, by: str, *, code: str | None = None) -> int:
    """A new run of the same kind over the items that failed (of one cause, where ``code`` is given); its id."""
    with transaction() as connection:
        run = connection.execute(select(runs).where(runs.c.id == run_id)).one()
        failed = select(run_items.c.subject_kind, run_items.c.subject_id).where(
            run_items.c.run_id == run_id, run_items.c.status == "failed"
        )
        if code is not None:
            failed = failed.where(run_items.c.code == code)
        return start_run(
            connection,
            kind=run.kind,
            title=f"{run.title.removesuffix(' (again)')} (again)",
            connection_id=run.connection_id,
            by=by,
            items=failed,
            parameters=run.parameters,
        )


def note_run(connection: Connection, run_id: int, sentence: str) -> None:
    """What a person should know while it goes on, such as why it waits."""
    connection.execute(update(runs).where(runs.c.id == run_id, runs.c.note != sentence).values(note=sentence))


def parameters_of(run_id: int) -> dict[str, Any]:
    with transaction() as connection:
        found: dict[str, Any] | None = connection.execute(
            select(runs.c.parameters).where(runs.c.id == run_id)
        ).scalar_one_or_none()
    return found or {}


def connection_of(run_id: int) -> int:
    """The connection a run is about. Raises ``NoResultFound`` for an unknown run."""
    with transaction() as connection:
        found: int = connection.execute(select(runs.c.connection_id).where(runs.c.id == run_id)).scalar_one()
    return found


def requeue_orphans() -> int:
    """Give every unfinished run that has no job a new one; called by the clock, so that no run is forgotten."""
    has_no_job = text(
        "NOT EXISTS (SELECT 1 FROM procrastinate_jobs j WHERE j.task_name = runs.kind"
        " AND j.status IN ('todo', 'doing') AND (j.args->>'run_id')::bigint = runs.id)"
    )
    orphans = select(runs.c.id, runs.c.kind).where(runs.c.status.in_(("queued", "running", "stopping")), has_no_job)
    with transaction() as connection:
        found = connection.execute(orphans).all()
        for run in found:
            defer(connection, run.kind, once=f"{run.kind}:{run.id}", priority=RUN, run_id=run.id)
    return len(found)
