"""Reading fields of an answer whose shape is promised by a vendor and checked by us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from core.http.client import Unreadable

_LATEST = 1 << 36  # seconds; beyond the year 4000, so a sign that milliseconds were sent


class Fields:
    """A JSON object. An absent or null field reads as empty; a field of another kind raises ``Unreadable``.

    ``where`` names the object in that error, such as ``products.skus``.
    """

    __slots__ = ("_values", "_where")

    def __init__(self, values: Any, where: str) -> None:
        if values is None:
            values = {}
        if not isinstance(values, Mapping):
            raise Unreadable(f"TikTok Shop sent {_kind(values)} as {where}, where an object is documented.")
        self._values, self._where = values, where

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._values.get(name) is not None

    def text(self, name: str) -> str:
        """Also a number, as TikTok Shop writes some ids."""
        value = self._values.get(name)
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return str(value)
        raise self._wrong(name, "text", value)

    def needed(self, name: str) -> str:
        """A text that must not be empty, such as the id of a product."""
        value = self.text(name)
        if not value:
            raise Unreadable(f"TikTok Shop sent {self._where} without {name}.")
        return value

    def number(self, name: str) -> int:
        value = self._values.get(name)
        if value is None:
            return 0
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 20:
            return int(value)
        raise self._wrong(name, "a whole number", value)

    def flag(self, name: str) -> bool:
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._wrong(name, "true or false", value)

    def moment(self, name: str) -> datetime:
        """Unix seconds as UTC."""
        seconds = self.number(name)
        if not 0 <= seconds < _LATEST:
            raise self._wrong(name, "a time in seconds", seconds)
        return datetime.fromtimestamp(seconds, UTC)

    def optional_moment(self, name: str) -> datetime | None:
        """Unix seconds as UTC, or None where the time is absent or 0."""
        return self.moment(name) if self.number(name) else None

    def amount(self, name: str) -> Decimal:
        """An amount of money from its text; absent or empty counts as nothing."""
        written = self.text(name)
        if not written:
            return Decimal(0)
        try:
            number = Decimal(written)
        except InvalidOperation as error:
            raise Unreadable(f"TikTok Shop sent {written!r} as {self._where}.{name}, which is no amount.") from error
        if not number.is_finite():
            raise Unreadable(f"TikTok Shop sent {written!r} as {self._where}.{name}, which is no amount.")
        return number

    def part(self, name: str) -> Fields:
        return Fields(self._values.get(name), f"{self._where}.{name}")

    def items(self, name: str) -> list[Fields]:
        where = f"{self._where}.{name}"
        return [Fields(value, where) for value in self._list(name)]

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        if not all(isinstance(value, str | int) for value in values):
            raise self._wrong(name, "a list of texts", values)
        return tuple(map(str, values))

    def _list(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        raise self._wrong(name, "a list", value)

    def _wrong(self, name: str, expected: str, value: Any) -> Unreadable:
        where = f"{self._where}.{name}"
        return Unreadable(f"TikTok Shop sent {_kind(value)} as {where}, where {expected} is documented.")


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number"}
    return kinds.get(type(value), "something else")
