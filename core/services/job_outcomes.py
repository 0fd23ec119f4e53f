"""job_outcomes: what becomes of a job that met trouble: tried again, or an issue for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import stamina

from core.db.engine import DATABASE_TROUBLE, transaction
from core.queue import defer
from core.services.issues import close_issue, open_issue

FAILED: Final = "job_failed"

# Told again while the database is away: the queue would take a job whose outcome was not told for one that failed.
_told = stamina.retry(on=DATABASE_TROUBLE, attempts=None, timeout=600, wait_initial=0.5, wait_max=2)


@_told
def try_again(name: str, arguments: Mapping[str, Any], *, seconds: float) -> None:
    """Queue the same job for later; once, however often it is asked for."""
    once = f"again:{name}:{json.dumps(dict(arguments), sort_keys=True)}"
    with transaction() as connection:
        defer(connection, name, once=once, after_seconds=max(1, int(seconds) + 1), **arguments)


@_told
def report_failure(name: str, arguments: Mapping[str, Any], sentence: str) -> None:
    """Open the job's issue, or count it once more."""
    with transaction() as connection:
        open_issue(
            connection,
            connection_id=arguments.get("connection_id"),
            subject=("job", _key(name, arguments)),
            code=FAILED,
            sentence=f"The job {name} failed: {sentence}",
            fix="It is tried again by itself; look at Activity if it stays.",
            link="activity",
        )


@_told
def report_success(name: str, arguments: Mapping[str, Any]) -> None:
    """The cause is gone."""
    with transaction() as connection:
        close_issue(connection, subject=("job", _key(name, arguments)), code=FAILED)


def _key(name: str, arguments: Mapping[str, Any]) -> str:
    parts = (str(arguments[part]) for part in sorted(arguments) if part.endswith(("_id", "account")))
    return ":".join([name, *parts])
