"""Work that waits for a lock, so that a test can look at what it holds meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from core.db.engine import transaction
from tests.waiting import wait_until


class Waiting:
    """``work`` in a thread, begun and now waiting for a lock of the database that somebody else holds."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._work = self._thread.submit(work)
        wait_until(_somebody_waits, "the work waits for a lock")

    def finish(self) -> None:
        """Let it end, after whoever it waits for has let go; raises what it raised."""
        self._work.result(timeout=120)
        self._thread.shutdown()


def _somebody_waits() -> bool:
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with transaction() as conn:
        return bool(conn.scalar(text(waits)))
