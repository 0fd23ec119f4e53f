"""Connections that were lost while nobody used them, as after a restart of Postgres."""

from __future__ import annotations

import time

import psycopg
import pytest
from sqlalchemy import text

from core.config import Settings
from core.db.engine import statement, transaction, trust_recent_connections


@pytest.mark.parametrize("trusted_s", [0.0, 0.3])
def test_connections_lost_while_idle_are_replaced_unnoticed(database: Settings, trusted_s: float) -> None:
    trust_recent_connections(trusted_s)
    with transaction() as first, transaction() as second:
        pids = [connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (first, second)]
    with psycopg.connect(database.database_url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS lost (pid)", [pids])
    time.sleep(trusted_s)
    with transaction() as first, statement() as second:
        found = [connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (first, second)]
    assert set(found).isdisjoint(pids)


def test_a_statement_commits_by_itself(database: Settings) -> None:
    with statement() as connection:
        connection.execute(text("CREATE TABLE kept (id int)"))
        with transaction() as other:
            other.execute(text("INSERT INTO kept VALUES (1)"))
        assert connection.execute(text("SELECT count(*) FROM kept")).scalar_one() == 1
