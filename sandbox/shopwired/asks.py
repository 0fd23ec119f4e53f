"""One authenticated call, with the checks every endpoint makes on its query and body."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sandbox.calls import Call
from sandbox.shopwired.answers import ApiError
from sandbox.world import World

DEFAULT_COUNT = 50
MAXIMUM_COUNT = 100
INT64_MAX = 2**63 - 1


@dataclass(frozen=True)
class Ask:
    """A call of one business. `given` is the JSON object of a POST or PUT, else empty."""

    world: World
    business: int
    call: Call
    given: dict[str, Any]

    def ident(self, name: str = "id") -> int:
        """A numeric part of the path. Raises ApiError 404 when it is no id."""
        text = self.call.params[name]
        if not (text.isascii() and text.isdigit()) or int(text) > INT64_MAX:
            raise ApiError(404, f"There is nothing with the id '{text}'")
        return int(text)

    def page(self) -> tuple[int, int]:
        """(count, offset). Out of range is 400, or clamped when the sandbox is told to."""
        count, offset = self.whole("count", DEFAULT_COUNT), self.whole("offset", 0)
        if self.world.setting("shopwired.clamp_count", False):
            return min(max(count, 1), MAXIMUM_COUNT), max(offset, 0)
        if not 1 <= count <= MAXIMUM_COUNT:
            raise ApiError(400, f"The parameter 'count' must be from 1 to {MAXIMUM_COUNT}")
        if offset < 0:
            raise ApiError(400, "The parameter 'offset' must not be negative")
        return count, offset

    def whole(self, name: str, default: int) -> int:
        """A whole number of the query. Raises ApiError 400 when it is none."""
        text = self.call.query.get(name, "")
        if not text:
            return default
        if not text.lstrip("-").isdigit() or abs(int(text)) > INT64_MAX:
            raise ApiError(400, f"The parameter '{name}' must be a whole number")
        return int(text)

    def flag(self, name: str) -> int | None:
        """0, 1 or None when the query does not say. Raises ApiError 400 for anything else."""
        text = self.call.query.get(name, "")
        if text not in ("", "0", "1"):
            raise ApiError(400, f"The parameter '{name}' must be 0 or 1")
        return int(text) if text else None

    def names(self, name: str) -> frozenset[str]:
        """A comma-separated list of the query."""
        return frozenset(part.strip() for part in self.call.query.get(name, "").split(",") if part.strip())

    def order(self, **columns: str) -> str:
        """The SQL order for `sort`, which may end in `_desc`; by id without it. Raises ApiError 400 if unknown."""
        sort = self.call.query.get("sort", "")
        if not sort:
            return "id"
        if sort.removesuffix("_desc") not in columns:
            raise ApiError(400, f"The parameter 'sort' cannot be '{sort}'")
        direction = " DESC" if sort.endswith("_desc") else ""
        return f"{columns[sort.removesuffix('_desc')]}{direction}, id{direction}"


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object of a POST or PUT. Raises ApiError 415 for another content type, 400 for bad JSON."""
    if call.method not in ("POST", "PUT"):
        return {}
    media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and (call.body or call.method == "PUT"):
        raise ApiError(415, "The Content-Type header must be application/json")
    try:
        given = json.loads(call.body or b"{}", parse_constant=_no_constant)
        # Half a surrogate pair is a JSON text that no UTF-8 document can hold.
        json.dumps(given, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "The request body is not valid JSON") from error
    if not isinstance(given, dict):
        raise ApiError(400, "The request body must be a JSON object")
    return given


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def project(text: str, fields: frozenset[str]) -> str:
    """Only the named keys of a JSON document; all of it when none are named."""
    if not fields:
        return text
    document = json.loads(text)
    return json.dumps({key: value for key, value in document.items() if key in fields}, ensure_ascii=False)
