"""Many rows at once: COPY into a temporary table, then one upsert that touches only rows that really differ.

Measured against row by row: about a hundred times faster, and a batch in which nothing changed writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import JSONB

from core.db.engine import raw

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """A temporary table that lives until the transaction ends; ``name`` may be used in SQL of this transaction."""

    name: str
    columns: tuple[str, ...]


def stage_rows(connection: Connection, table: Table, rows: Sequence[Row], *, key: Sequence[str]) -> Stage:
    """COPY ``rows`` into a temporary table shaped like ``table``.

    All rows have the same columns. Of rows with the same ``key`` the last one counts, since an upsert may meet each
    row only once. Staging the same table again in one transaction replaces the first stage.
    """
    stage = Stage(f"stage_{table.name}", tuple(rows[0]))
    documents = {column for column in stage.columns if isinstance(table.c[column].type, JSONB)}
    unique = {tuple(row[column] for column in key): row for row in rows}
    with raw(connection).cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{stage.name}")
        cursor.execute(
            f"CREATE TEMP TABLE {stage.name} ON COMMIT DROP AS "
            f"SELECT {_listed(stage.columns)} FROM {table.name} WITH NO DATA"
        )
        with cursor.copy(f"COPY {stage.name} ({_listed(stage.columns)}) FROM STDIN") as copy:
            for row in unique.values():
                copy.write_row([_written(row[name], name in documents) for name in stage.columns])
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


def _written(value: Any, is_document: bool) -> Any:
    return json.dumps(value, ensure_ascii=False) if is_document and value is not None else value
