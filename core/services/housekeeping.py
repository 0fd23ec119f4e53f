"""housekeeping: what has been kept long enough goes, in small batches, every night."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, text, update

from core.db.engine import now, transaction
from core.db.tables import api_calls, audit, inbox, latencies, oauth_states, occurrences, runs, stock_checks
from core.services.sessions import forget_ended
from core.services.sign_in_limits import forget_old_attempts

_BATCH = 5_000
CALL_BODIES_DAYS, CALLS_DAYS, INBOX_DAYS, RUNS_DAYS, AUDIT_DAYS, OCCURRENCE_DAYS = 30, 90, 30, 90, 730, 14
STOCK_CHECKS_DAYS, LATENCIES_DAYS = 90, 30


def keep_house() -> dict[str, int]:
    """Delete what is past its days; how many rows went, by table. Ways in that have ended go too, uncounted."""
    gone = {
        "api_calls": _delete(api_calls, api_calls.c.at < _before(CALLS_DAYS)),
        "inbox": _delete(inbox, inbox.c.received_at < _before(INBOX_DAYS)),
        "runs": _delete(runs, runs.c.finished_at < _before(RUNS_DAYS)),
        "stock_checks": _delete(stock_checks, stock_checks.c.finished_at < _before(STOCK_CHECKS_DAYS)),
        "latencies": _delete(latencies, latencies.c.ended_at < _before(LATENCIES_DAYS)),
        "audit": _delete(audit, audit.c.at < _before(AUDIT_DAYS)),
        "occurrences": _delete(occurrences, occurrences.c.due_at < _before(OCCURRENCE_DAYS)),
        "oauth_states": _delete(oauth_states, oauth_states.c.expires_at < _before(7)),
    }
    gone["bodies"] = _empty_bodies()
    gone["jobs"] = _delete_jobs()
    with transaction() as connection:
        forget_ended(connection)
        forget_old_attempts(connection)
    return gone


def _before(days: int) -> ColumnElement[datetime]:
    return func.now() - text(f"interval '{days:d} days'")


def _delete(table: Table, old: ColumnElement[bool]) -> int:
    key = list(table.primary_key.columns)
    batch = select(*key).where(old).limit(_BATCH)
    row = func.row(*key) if len(key) > 1 else key[0]
    total = 0
    while True:
        with transaction() as connection:
            count = connection.execute(delete(table).where(row.in_(batch))).rowcount
        total += count
        if count < _BATCH:
            return total


def _empty_bodies() -> int:
    """Requests and answers hold more than is needed for long; the row of the call stays."""
    full = or_(api_calls.c.request != "", api_calls.c.response != "")
    old = select(api_calls.c.id).where(api_calls.c.at < now() - timedelta(days=CALL_BODIES_DAYS), full).limit(_BATCH)
    total = 0
    while True:
        with transaction() as connection:
            emptied = update(api_calls).where(api_calls.c.id.in_(old)).values(request="", response="")
            count = connection.execute(emptied).rowcount
        total += count
        if count < _BATCH:
            return total


def _delete_jobs() -> int:
    old = text(
        "DELETE FROM procrastinate_jobs WHERE id IN (SELECT j.id FROM procrastinate_jobs j"
        " WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted') AND NOT EXISTS (SELECT 1 FROM"
        " procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - interval '7 days') LIMIT :batch)"
    )
    total = 0
    while True:
        with transaction() as connection:
            count = connection.execute(old, {"batch": _BATCH}).rowcount
        total += count
        if count < _BATCH:
            return total
