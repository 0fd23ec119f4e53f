"""Ids that are never given twice, one sequence per kind of thing."""

from __future__ import annotations

from sandbox.world import World

SCHEMA = "CREATE TABLE IF NOT EXISTS sw_sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL);"
STARTS = {"product": 70000, "variation": 880000, "image": 550000, "order": 90000, "reference": 4000, "event": 7712000}


def last_id(world: World, name: str) -> int:
    """The id given last, or where the sequence starts."""
    last = world.db.value("SELECT last FROM sw_sequences WHERE name = ?", (name,))
    return STARTS.get(name, 300) if last is None else int(last)


def next_id(world: World, name: str) -> int:
    """A new id; call it inside the transaction that uses it."""
    new = last_id(world, name) + 1
    set_last_id(world, name, new)
    return new


def set_last_id(world: World, name: str, last: int) -> None:
    """Note the highest id given, after giving many at once."""
    world.db.execute("INSERT OR REPLACE INTO sw_sequences VALUES (?, ?)", (name, last))
