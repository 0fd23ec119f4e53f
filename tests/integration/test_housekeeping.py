"""housekeeping: what is past its days goes, in batches, and what is not stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, event, func, insert, select, text

from core.db.engine import engine, now, transaction
from core.db.tables import (
    api_calls,
    audit,
    inbox,
    login_attempts,
    metadata,
    oauth_states,
    occurrences,
    run_items,
    runs,
    sessions,
    sign_in_links,
    users,
)
from core.jobs import handlers
from core.services import housekeeping
from core.services.housekeeping import keep_house

pytestmark = pytest.mark.usefixtures("database")

Row = Callable[[int, int], dict[str, Any]]  # (number, age in days) -> a row
_CALL = dict.fromkeys(
    ("account", "method", "path", "endpoint", "code", "request_id", "request", "response", "error", "subject"), "x"
)


def before(days: float) -> Any:
    return now() - timedelta(days=days)


def call(number: int, days: int) -> dict[str, Any]:
    return _CALL | {"remote": "tiktok", "duration_ms": number, "at": before(days)}


def delivery(number: int, days: int) -> dict[str, Any]:
    told = {"source": "tiktok", "account": "1", "delivery_id": f"{number}", "topic": "5", "body": b"{}"}
    return told | {"received_at": before(days)}


def run(number: int, days: int) -> dict[str, Any]:
    return {"kind": "product_export", "title": f"{number}", "created_by": "ada", "finished_at": before(days)}


def deed(number: int, days: int) -> dict[str, Any]:
    return {"login": "ada", "action": f"{number}", "at": before(days)}


def occurrence(number: int, days: int) -> dict[str, Any]:
    return {"name": f"{number}", "due_at": before(days)}


@pytest.fixture(autouse=True)
def empty() -> None:
    with transaction() as connection:
        names = ", ".join(table.name for table in metadata.sorted_tables if table.name != "alembic_version")
        connection.execute(text(f"TRUNCATE {names}, procrastinate_jobs, procrastinate_events CASCADE"))


def fill(table: Table, rows: list[dict[str, Any]]) -> None:
    with transaction() as connection:
        connection.execute(insert(table), rows)


def count(table: Table) -> int:
    with transaction() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.mark.parametrize(
    ("table", "row", "days"),
    [
        (api_calls, call, 90),
        (inbox, delivery, 30),
        (runs, run, 90),
        (audit, deed, 730),
        (occurrences, occurrence, 14),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_each_table_keeps_its_days(table: Table, row: Row, days: int) -> None:
    fill(table, [row(1, days + 1), row(2, days - 1), row(3, 0)])
    assert keep_house()[table.name] == 1
    assert count(table) == 2
    assert keep_house()[table.name] == 0


def test_a_run_takes_its_items_along_and_one_under_way_stays() -> None:
    going = run(2, 0) | {"finished_at": None, "created_at": before(400)}
    fill(runs, [run(1, 91) | {"created_at": before(400)}, going])
    with transaction() as connection:
        ids = list(connection.scalars(select(runs.c.id).order_by(runs.c.id)))
    fill(run_items, [{"run_id": one, "position": 1, "subject_kind": "product", "subject_id": 1} for one in ids])
    keep_house()
    with transaction() as connection:
        assert list(connection.scalars(select(run_items.c.run_id))) == ids[1:]


def test_bodies_are_emptied_before_the_call_itself_goes() -> None:
    fill(api_calls, [call(1, 31), call(2, 29)])
    assert keep_house()["bodies"] == 1
    with transaction() as connection:
        bodies = connection.execute(select(api_calls.c.request, api_calls.c.response).order_by(api_calls.c.at)).all()
    assert [tuple(row) for row in bodies] == [("", ""), ("x", "x")]
    assert keep_house()["bodies"] == 0


def test_large_tables_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_BATCH", 3)
    fill(api_calls, [call(number, 91) for number in range(8)])
    fill(occurrences, [occurrence(number, 15) for number in range(7)])
    touched: list[tuple[str, int]] = []

    def listen(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        if statement.startswith(("DELETE FROM api_calls", "DELETE FROM occurrences")):
            touched.append((statement.split()[2], cursor.rowcount))

    event.listen(engine(), "after_cursor_execute", listen)
    try:
        gone = keep_house()
    finally:
        event.remove(engine(), "after_cursor_execute", listen)
    assert (gone["api_calls"], gone["occurrences"]) == (8, 7)
    calls = [("api_calls", number) for number in (3, 3, 2)]
    assert touched == calls + [("occurrences", number) for number in (3, 3, 1)]


def test_ended_jobs_go_a_week_after_their_last_event() -> None:
    add_job = text(
        "WITH job AS (INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('default', :name,"
        " CAST(:status AS procrastinate_job_status)) RETURNING id)"
        " INSERT INTO procrastinate_events (job_id, type, at) SELECT id, 'deferred', :at FROM job"
    )
    with transaction() as connection:
        connection.execute(text("ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER"))
        for name, status, days in (("old", "succeeded", 8), ("failed", "failed", 8), ("new", "succeeded", 6)):
            connection.execute(add_job, {"name": name, "status": status, "at": before(days)})
        connection.execute(add_job, {"name": "waiting", "status": "todo", "at": before(8)})
        connection.execute(text("ALTER TABLE procrastinate_jobs ENABLE TRIGGER USER"))
    assert keep_house()["jobs"] == 2
    with transaction() as connection:
        left = set(connection.scalars(text("SELECT task_name FROM procrastinate_jobs")))
    assert left == {"new", "waiting"}


def test_ways_in_that_have_ended_are_forgotten() -> None:
    fill(users, [{"login": "ada", "role": "admin"}])
    with transaction() as connection:
        user_id = connection.scalar(select(users.c.id))
    lasts, over = {"expires_at": before(-1)}, {"expires_at": before(1)}
    fill(
        sessions,
        [
            {"token_hash": b"open", "user_id": user_id, "seen_at": now(), **lasts},
            {"token_hash": b"idle", "user_id": user_id, "seen_at": before(0.5), **lasts},
            {"token_hash": b"ended", "user_id": user_id, "seen_at": now(), **over},
        ],
    )
    fill(
        sign_in_links,
        [{"token_hash": b"good", "user_id": user_id, **lasts}, {"token_hash": b"late", "user_id": user_id, **over}],
    )
    fill(login_attempts, [{"key": "user:ada", "updated_at": before(1)}, {"key": "user:bob", "updated_at": now()}])
    keep_house()
    with transaction() as connection:
        assert list(connection.scalars(select(sessions.c.token_hash))) == [b"open"]
        assert list(connection.scalars(select(sign_in_links.c.token_hash))) == [b"good"]
        assert list(connection.scalars(select(login_attempts.c.key))) == ["user:bob"]


def test_the_job_does_it() -> None:
    fill(audit, [deed(1, 731)])
    handlers.JOBS["housekeeping"]()
    assert count(audit) == 0


def test_a_state_to_authorise_with_is_kept_a_week_after_its_end() -> None:
    place = {"app_id": 1, "store_account_id": 1, "user_id": 1}
    rows = [{"state_hash": name, "expires_at": before(days), **place} for name, days in ((b"old", 8), (b"new", 6))]
    with transaction() as connection:
        # Only the dates matter here, so the rows point at nothing.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(insert(oauth_states), rows)
    assert keep_house()["oauth_states"] == 1
    with transaction() as connection:
        assert list(connection.scalars(select(oauth_states.c.state_hash))) == [b"new"]
