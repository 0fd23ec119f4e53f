"""A job that meets trouble of the database is queued again, whichever library met it."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from core.config import Settings
from core.db.engine import raw, transaction
from core.jobs import handlers
from tests.connect_rig import jobs


@pytest.mark.parametrize("past_sqlalchemy", [True, False])
def test_a_job_that_lost_a_deadlock_is_queued_again(database: Settings, past_sqlalchemy: bool) -> None:
    first, second = (f"SELECT pg_advisory_xact_lock({key})" for key in (71, 72))
    both_hold = threading.Barrier(2)

    def work(one: str, other: str) -> None:
        with transaction() as conn:
            conn.execute(text(one))
            both_hold.wait(timeout=30)
            if past_sqlalchemy:
                raw(conn).execute(other)
            else:
                conn.execute(text(other))

    name = f"deadlock_{past_sqlalchemy}"
    orders = ((first, second), (second, first))
    racing = [
        threading.Thread(target=handlers.run_job, args=(name, lambda pair=pair: work(*pair), {})) for pair in orders
    ]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    assert len(jobs(name)) == 1, "the one that lost, and only that"
