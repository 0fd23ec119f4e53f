"""COPY and upsert on a real Postgres: what is written, what is left alone, what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Column, Connection, DateTime, Engine, Integer, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.config import normalised_database_url
from core.db.bulk import stage_rows, upsert_rows
from core.db.engine import make_engine

parcels = Table(
    "parcels",
    MetaData(),
    Column("depot", Integer, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("words", ARRAY(Text)),
    Column("detail", JSONB),
    Column("written_at", DateTime(timezone=True)),
    Column("seen", Integer),
)
KEY = ("depot", "code")


@pytest.fixture(scope="module")
def bulk_engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(normalised_database_url(database_url))
    parcels.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(bulk_engine: Engine) -> Iterator[Connection]:
    with bulk_engine.begin() as connection:
        connection.execute(text("TRUNCATE parcels"))
        yield connection


def parcel(code: str, **changes: Any) -> dict[str, Any]:
    row = {"depot": 1, "code": code, "words": ["a"], "detail": {"k": 1}, "written_at": None, "seen": 1}
    return row | changes


def written(connection: Connection, code: str) -> Any:
    return connection.execute(text("SELECT * FROM parcels WHERE code = :code"), {"code": code}).one()


def test_new_rows_come_back_and_hold_every_kind_of_value(connection: Connection) -> None:
    odd = 'tab\t newline\n back\\slash \\N "quoted" {brace}, £ 😀'
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    row = parcel("odd", words=[odd, "", "NULL"], detail={"text": odd, "list": [1, None]}, written_at=moment)
    assert upsert_rows(connection, parcels, [row], key=KEY, returning=("code",)) == [("odd",)]
    kept = written(connection, "odd")
    assert kept.words == [odd, "", "NULL"]
    assert kept.detail == {"text": odd, "list": [1, None]}
    assert kept.written_at == moment


def test_unchanged_rows_are_not_touched(connection: Connection) -> None:
    rows = [parcel("a"), parcel("b", words=None, detail=None)]
    upsert_rows(connection, parcels, rows, key=KEY)
    before = written(connection, "a"), connection.scalar(text("SELECT xmin FROM parcels WHERE code = 'a'"))
    changed = upsert_rows(connection, parcels, [*rows[:1], parcel("b", words=[])], key=KEY, returning=("code",))
    assert changed == [("b",)]
    assert (written(connection, "a"), connection.scalar(text("SELECT xmin FROM parcels WHERE code = 'a'"))) == before
    assert written(connection, "b").words == []


def test_only_compared_columns_decide_but_all_are_written(connection: Connection) -> None:
    upsert_rows(connection, parcels, [parcel("a")], key=KEY)
    same = upsert_rows(connection, parcels, [parcel("a", seen=2)], key=KEY, compare=("words",), returning=("code",))
    assert same == []
    assert written(connection, "a").seen == 1
    upsert_rows(connection, parcels, [parcel("a", seen=3, words=["b"])], key=KEY, compare=("words",))
    assert written(connection, "a").seen == 3


def test_the_guard_keeps_older_rows_out(connection: Connection) -> None:
    guard = "kept.seen <= excluded.seen"
    upsert_rows(connection, parcels, [parcel("a", seen=5)], key=KEY)
    assert upsert_rows(connection, parcels, [parcel("a", seen=4, words=[])], key=KEY, guard=guard) == []
    assert written(connection, "a").seen == 5
    upsert_rows(connection, parcels, [parcel("a", seen=6, words=[])], key=KEY, guard=guard)
    assert written(connection, "a").words == []


def test_of_a_key_given_twice_the_last_counts(connection: Connection) -> None:
    twice = [parcel("a", seen=1), parcel("b"), parcel("a", seen=2)]
    assert len(upsert_rows(connection, parcels, twice, key=KEY, returning=KEY)) == 2
    assert written(connection, "a").seen == 2


def test_no_rows_is_nothing(connection: Connection) -> None:
    assert upsert_rows(connection, parcels, [], key=KEY, returning=KEY) == []


def test_the_stage_can_be_joined_and_is_replaced(connection: Connection) -> None:
    stage_rows(connection, parcels, [parcel("x")], key=KEY)
    stage = stage_rows(connection, parcels, [parcel("y"), parcel("z")], key=KEY)
    assert connection.scalars(text(f"SELECT code FROM {stage.name} ORDER BY code")).all() == ["y", "z"]


def test_two_writers_with_the_same_rows_in_another_order_both_end(bulk_engine: Engine) -> None:
    rows = [parcel(f"p{number:04d}") for number in range(500)]

    def write(given: list[dict[str, Any]], seen: int) -> None:
        for turn in range(8):
            with bulk_engine.begin() as own:
                upsert_rows(own, parcels, [row | {"seen": seen + turn} for row in given], key=KEY)

    with ThreadPoolExecutor(2) as writers:
        for ended in (writers.submit(write, rows, 10), writers.submit(write, rows[::-1], 50)):
            ended.result(timeout=120)
    with bulk_engine.connect() as own:
        assert own.scalar(text("SELECT count(*) FROM parcels WHERE code LIKE 'p%'")) == 500


def test_documents_are_json_not_python(connection: Connection) -> None:
    upsert_rows(connection, parcels, [parcel("j", detail=[True, None, "'"])], key=KEY)
    stored = connection.scalar(text("SELECT detail::text FROM parcels WHERE code = 'j'"))
    assert json.loads(str(stored)) == [True, None, "'"]
