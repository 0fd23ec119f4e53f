"""Procrastinate, wrapped once: services defer by name inside their own transaction; the worker runs.

Names of tasks are data here, so that a service never imports the job that serves it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from sqlalchemy import Connection

from core.db.engine import raw

# A higher number goes first (law 10).
URGENT, STOCK, NORMAL, RUN, BACKFILL = 30, 20, 10, 5, 0


@lru_cache(maxsize=1)
def _deferring_app() -> App:
    """An App that is never opened: every defer brings the caller's own connection."""
    return App(connector=SyncPsycopgConnector())


def defer(
    connection: Connection,
    task: str,
    *,
    once: str | None = None,
    lock: str | None = None,
    priority: int = NORMAL,
    after_seconds: int = 0,
    **arguments: Any,
) -> int | None:
    """Queue ``task`` when the caller's transaction commits, and return the job's id.

    ``once``: nothing is queued, and None returned, while a job with this key still waits. ``lock``: jobs with the
    same key never run side by side. The arguments must be JSON. Trouble of the database is raised as psycopg's own.
    """
    job = _deferring_app().configure_task(
        task,
        allow_unknown=True,
        queueing_lock=once,
        lock=lock,
        priority=priority,
        schedule_in={"seconds": after_seconds} if after_seconds else None,
        connection=raw(connection),
    )
    try:
        if once is None:
            return job.defer(**arguments)
        with connection.begin_nested():
            return job.defer(**arguments)
    except AlreadyEnqueued:
        return None
    except ConnectorException as trouble:
        raise trouble.__cause__ or trouble from None
