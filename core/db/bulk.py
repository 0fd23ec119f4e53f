"""Many rows at once: COPY into a temporary table, then one upsert that touches only rows that really differ.

Measured against row by row: about a hundred times faster, and a batch in which nothing changed writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import JSONB

from core.db.engine import raw

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """A temporary table that lives until the transaction ends; ``name`` may be used in SQL of this transaction."""

    name: str
    columns: tuple[str, ...]
    rows: int


def stage_rows(connection: Connection, table: Table, rows: Sequence[Row], *, key: Sequence[str]) -> Stage:
    """COPY ``rows`` into a temporary table shaped like ``table``.

    All rows have the same columns in the same order. Of rows with the same ``key`` the last one counts, since an
    upsert may meet each row only once. Staging a table again in one transaction replaces its first stage.
    """
    unique = {tuple(row[column] for column in key): row for row in rows}
    stage = Stage(f"stage_{table.name}", tuple(rows[0]), len(unique))
    documents = [name for name in stage.columns if isinstance(table.c[name].type, JSONB)]
    with raw(connection).cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{stage.name}")
        cursor.execute(
            f"CREATE TEMP TABLE {stage.name} ON COMMIT DROP AS "
            f"SELECT {_listed(stage.columns)} FROM {table.name} WITH NO DATA"
        )
        with cursor.copy(f"COPY {stage.name} ({_listed(stage.columns)}) FROM STDIN") as copy:
            for row in unique.values():
                copy.write_row(_written(row, documents))
    return stage


def upsert_stage(
    connection: Connection,
    table: Table,
    stage: Stage,
    *,
    key: Sequence[str],
    compare: Sequence[str] = (),
    guard: str = "",
    returning: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """Insert the staged rows into ``table`` or update those that differ; return ``returning`` of the rows written.

    A row is updated when a column of ``compare`` differs (default: any but the key) and the SQL condition ``guard``
    holds, in which ``kept`` is the present row and ``excluded`` the new one. Rows are locked in the order of ``key``,
    so that two batches with the same rows cannot deadlock.
    """
    values = [column for column in stage.columns if column not in key]
    watched = compare or values
    condition = f"({_listed(watched, 'kept')}) IS DISTINCT FROM ({_listed(watched, 'excluded')})"
    statement = (
        f"INSERT INTO {table.name} AS kept ({_listed(stage.columns)}) "
        f"SELECT {_listed(stage.columns)} FROM {stage.name} ORDER BY {_listed(key)} "
        f"ON CONFLICT ({_listed(key)}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in values)} "
        f"WHERE {condition}" + (f" AND ({guard})" if guard else "")
    )
    if returning:
        statement += f" RETURNING {_listed(returning, 'kept')}"
    with raw(connection).cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if returning else []


def upsert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    compare: Sequence[str] = (),
    guard: str = "",
    returning: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """``stage_rows`` and ``upsert_stage`` in one; nothing happens for no rows."""
    if not rows:
        return []
    stage = stage_rows(connection, table, rows, key=key)
    return upsert_stage(connection, table, stage, key=key, compare=compare, guard=guard, returning=returning)


def _listed(columns: Sequence[str], owner: str = "") -> str:
    return ", ".join(f"{owner}.{name}" if owner else name for name in columns)


def _written(row: Row, documents: Sequence[str]) -> tuple[Any, ...]:
    as_text = {name: json.dumps(row[name]) for name in documents if row[name] is not None}
    return tuple((row | as_text).values())
