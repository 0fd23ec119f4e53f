"""Checks names, types and presence of what a call sends, against data/requests.json (published field lists)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.tiktok.answers import Refused, missing_field

FILE = Path(__file__).parent / "data" / "requests.json"
INVALID = "invalid param error"
Fields = dict[str, dict[str, Any]]


@cache
def _requests() -> dict[str, dict[str, Fields]]:
    parsed: dict[str, dict[str, Fields]] = json.loads(FILE.read_text())
    return parsed


def read_query(label: str, query: dict[str, str]) -> dict[str, Any]:
    """Typed query parameters of the endpoint `METHOD /path`; Refused when one is missing or malformed."""
    read: dict[str, Any] = {}
    for name, field in _requests()[label]["query"].items():
        if name in query:
            read[name] = _from_text(field["type"], query[name])
        elif field.get("required"):
            raise missing_field(_go_name(name))
    return read


def check_body(label: str, body: Any, *, relaxed: bool = False) -> list[str]:
    """Refused for a wrong type or a missing mandatory field (drafts are `relaxed`: they may lack any at the top).

    Gives the paths of fields the endpoint does not know. TikTok ignores them in silence; the sandbox counts them.
    """
    if not isinstance(body, dict):
        raise Refused(36009004, INVALID)
    fields = _requests()[label]["body"]
    return list(_check(fields, body, parent="", path="", relaxed=relaxed))


def _check(fields: Fields, given: dict[str, Any], *, parent: str, path: str, relaxed: bool) -> Iterator[str]:
    for name, field in fields.items():
        value = given.get(name)
        if value is not None:
            yield from _check_value(field, value, parent=name, path=f"{path}{name}")
        elif field.get("required") and not relaxed:
            raise missing_field(_go_name(name) + (f" of {_go_name(parent)}" if parent else ""))
    yield from (f"{path}{name}" for name in given if name not in fields)


def _check_value(field: dict[str, Any], value: Any, *, parent: str, path: str) -> Iterator[str]:
    kind = field["type"]
    if kind.startswith("[]"):
        if not isinstance(value, list):
            raise Refused(36009004, INVALID)
        for one in value:
            yield from _check_value(field | {"type": kind[2:]}, one, parent=parent, path=f"{path}[]")
    elif not _is_of(kind, value):
        raise Refused(36009004, INVALID)
    elif kind == "object":
        yield from _check(field.get("fields", {}), value, parent=parent, path=f"{path}.", relaxed=False)


def _is_of(kind: str, value: Any) -> bool:
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "bool": bool, "object": dict}[kind])


def _from_text(kind: str, text: str) -> Any:
    if kind == "int":
        if not text.lstrip("-").isdigit():
            raise Refused(36009004, INVALID)
        return int(text)
    if kind == "bool":
        # Get Brands documents its boolean as 1 and 0.
        if text not in ("true", "false", "1", "0"):
            raise Refused(36009004, INVALID)
        return text in ("true", "1")
    return text.split(",") if kind == "[]string" else text


def _go_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
