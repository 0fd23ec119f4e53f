"""Every call is kept at once, through restarts of Postgres too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from core.config import Settings
from core.db.engine import transaction
from core.db.journal import PostgresJournal
from core.db.tables import api_calls
from core.ports import Exchange

CALL = Exchange(
    remote="tiktok",
    account="7495",
    method="POST",
    path="/product/202309/products",
    endpoint="/product/202309/products",
    status=200,
    code="0",
    request_id="2026112213",
    started_at=datetime(2026, 11, 22, 13, 0, tzinfo=UTC),
    duration_ms=41,
    request='{"title": "Mug"}',
    response='{"code": 0}',
    error="",
    subject="product:7",
    run_item_id=9,
    connection_id=None,
)


def kept() -> list[str]:
    with transaction() as conn:
        return list(conn.scalars(select(api_calls.c.subject).order_by(api_calls.c.id)))


def cut_connections() -> None:
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    with transaction() as conn:
        conn.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))


def test_a_call_is_kept_whole_and_without_nul(database: Settings) -> None:
    PostgresJournal().keep(replace(CALL, response='{"title": "a\x00b"}'))
    with transaction() as conn:
        row = conn.execute(select(api_calls)).one()
    assert (row.at, row.status, row.duration_ms, row.run_item_id) == (CALL.started_at, 200, 41, 9)
    assert (row.request, row.response) == ('{"title": "Mug"}', '{"title": "ab"}')


def test_the_call_after_an_idle_time_is_kept_though_the_connection_was_lost(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, before = PostgresJournal(), len(kept())
    journal.keep(replace(CALL, subject="product:1"))
    cut_connections()
    monkeypatch.setattr("core.db.journal._TRUSTED_S", 0.0)
    journal.keep(replace(CALL, subject="product:2"))
    assert kept()[before:] == ["product:1", "product:2"]


def test_a_call_that_meets_a_lost_connection_is_logged_and_the_next_is_kept(
    database: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, before = PostgresJournal(), len(kept())
    monkeypatch.setattr("core.db.journal._TRUSTED_S", 60.0)
    journal.keep(replace(CALL, subject="product:1"))
    cut_connections()
    journal.keep(replace(CALL, subject="product:2"))
    assert "a call was not kept" in capsys.readouterr().out
    journal.keep(replace(CALL, subject="product:3"))
    assert kept()[before:] == ["product:1", "product:3"]
