"""Working on a run: claim an item, work on it, save how it ended, until nothing is left to claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from core.config import settings
from core.domain.errors import Expired
from core.logs import about, log
from core.services.database import transaction
from core.services.live import NotLive
from core.services.product_export import LostItem
from core.services.runs import Item, Outcome, claim, note_run, renew, save_outcome, settle

StillOurs = Callable[[], bool]
Process = Callable[[Item, StillOurs], Outcome]
ProcessMany = Callable[[Sequence[Item]], Mapping[int, Outcome]]
_BATCH, _BATCH_LEASE_S = 40, 60.0
_PARKED_FOR = timedelta(seconds=60)


def item_lease_s() -> float:
    """How long an item is held without a sign of life: longer than one call may take (15 s)."""
    return max(20.0, settings().stall_seconds * 3)


def work_on_run(run_id: int, job: str, process: Process) -> None:
    """Work on the run until nothing can be claimed, then end it or have it looked at later."""
    while batch := claim(run_id, limit=1, seconds=item_lease_s()):
        if not _work_on(batch[0], process):
            break
    settle(run_id, job=job)


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


def _work_on(item: Item, process: Process) -> bool:
    """Whether to go on with the next item."""
    subject = f"{item.subject_kind}:{item.subject_id}"
    still_ours = partial(renew, item, seconds=item_lease_s())
    with about(subject=subject, run_item_id=item.id, connection_id=item.connection_id):
        try:
            outcome = process(item, still_ours)
        except LostItem:
            log().info("another worker has taken the item over", action="runs", item=item.id)
            return True
        except (Expired, NotLive) as parked:
            _park(item, parked.sentence)
            return False
    with transaction() as connection:
        save_outcome(connection, item, outcome)
        if outcome.code == "allowance":
            note_run(connection, item.run_id, outcome.sentence)
    return True


def _park(item: Item, sentence: str) -> None:
    """The connection cannot act: the item waits, nothing is failed, and the run says why."""
    with transaction() as connection:
        save_outcome(connection, item, Outcome("waiting", sentence, "parked", datetime.now(UTC) + _PARKED_FOR))
        note_run(connection, item.run_id, sentence)
