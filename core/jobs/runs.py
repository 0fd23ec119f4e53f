"""Working on a run: claim an item, work on it, save how it ended, until nothing is left to claim."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from core.config import settings
from core.domain.errors import Expired
from core.logs import about, log
from core.services.database import statement, transaction
from core.services.live import NotLive
from core.services.product_export import LostItem
from core.services.runs import Item, Outcome, claim, hand_over, note_run, renew, save_outcome, settle

StillOurs = Callable[[], bool]
Process = Callable[[Item, StillOurs], Outcome]
Prefetch = Callable[[Sequence[Item]], None]
ProcessMany = Callable[[Sequence[Item]], Mapping[int, Outcome]]
_BATCH, _BATCH_LEASE_S = 40, 60.0
_FIRST, _MOST, _AHEAD_S = 5, 40, 4.0  # items claimed and read together: as many as are worked on in so long
SHIFT_S = 5.0  # then whatever is more urgent than a run has its turn
_PARKED_FOR = timedelta(seconds=60)


def item_lease_s() -> float:
    """How long an item is held without a sign of life: longer than one call may take (15 s)."""
    return max(20.0, settings().stall_seconds * 3)


class Hold:
    """Whether an item is still ours. The database is asked once a third of the lease has passed, not before: until
    then nobody can have taken it, and outcomes are fenced anyway."""

    def __init__(self, item: Item, seconds: float) -> None:
        self._item, self._seconds, self._since = item, seconds, time.monotonic()

    def __call__(self) -> bool:
        if time.monotonic() - self._since < self._seconds / 3:
            return True
        self._since = time.monotonic()
        return renew(self._item, seconds=self._seconds)


def work_on_run(run_id: int, job: str, process: Process, *, prefetch: Prefetch | None = None) -> None:
    """Work on the run for a shift, then hand it over; when nothing can be claimed, end it or look again later.

    ``prefetch`` reads what a few items need before they are worked on one by one.
    """
    limit, began = _FIRST if prefetch is not None else 1, time.monotonic()
    ends = began + SHIFT_S
    while batch := claim(run_id, limit=limit, seconds=item_lease_s(), shared=limit > 1):
        if not _work_on_few(batch, process, prefetch):
            break
        claimed, began = began, time.monotonic()
        if began > ends:
            hand_over(run_id, job=job)
            return
        if prefetch is not None:
            limit = max(1, min(_MOST, round(_AHEAD_S * len(batch) / (began - claimed))))
    settle(run_id, job=job)


def _work_on_few(batch: Sequence[Item], process: Process, prefetch: Prefetch | None) -> bool:
    """Whether to go on claiming."""
    holds = [Hold(item, item_lease_s()) for item in batch]
    waiting = list(batch)
    try:
        if prefetch is not None:
            prefetch(batch)
        for item, hold in zip(batch, holds, strict=True):
            _work_on(item, hold, process)
            waiting.remove(item)
    except (Expired, NotLive) as parked:
        for item in waiting:
            _park(item, parked.sentence)
        return False
    return True


def work_on_batches(run_id: int, job: str, process: ProcessMany) -> bool:
    """The same for work that goes faster together: up to 40 items at once. Whether the run has ended."""
    while batch := claim(run_id, limit=_BATCH, seconds=_BATCH_LEASE_S):
        with about(connection_id=batch[0].connection_id):
            try:
                outcomes = process(batch)
            except (Expired, NotLive) as parked:
                for item in batch:
                    _park(item, parked.sentence)
                break
        with transaction() as connection:
            for item in batch:
                save_outcome(connection, item, outcomes[item.id])
    return settle(run_id, job=job)


def _work_on(item: Item, hold: Hold, process: Process) -> None:
    subject = f"{item.subject_kind}:{item.subject_id}"
    with about(subject=subject, run_item_id=item.id, connection_id=item.connection_id):
        try:
            outcome = process(item, hold)
        except LostItem:
            log().info("another worker has taken the item over", action="runs", item=item.id)
            return
    with statement() as connection:
        save_outcome(connection, item, outcome)
    if outcome.code == "allowance":
        with statement() as connection:
            note_run(connection, item.run_id, outcome.sentence)


def _park(item: Item, sentence: str) -> None:
    """The connection cannot act: the item waits, nothing is failed, and the run says why."""
    with transaction() as connection:
        save_outcome(connection, item, Outcome("waiting", sentence, "parked", datetime.now(UTC) + _PARKED_FOR))
        note_run(connection, item.run_id, sentence)
