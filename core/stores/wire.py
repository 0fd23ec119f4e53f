"""Values as stores write them on the wire, read without trusting them: a value of the wrong kind counts as absent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

LARGEST_AMOUNT = Decimal(1_000_000_000)
LARGEST_WHOLE = 2**31 - 1


def text(value: Any) -> str:
    """A text without what Postgres cannot keep (NUL and halves of surrogate pairs); numbers as digits, else empty."""
    if type(value) is not str:
        return str(value) if type(value) in (int, Decimal) else ""
    if value.isascii() and "\x00" not in value:
        return value
    return value.encode("utf-8", "ignore").decode("utf-8").replace("\x00", "")


def optional_text(value: Any) -> str | None:
    """``text``, or None when nothing but white space is there. White space around words is kept: a SKU may have it."""
    found = text(value)
    return found if found and not found.isspace() else None


def identifier(value: Any) -> str | None:
    """An id, given as a number, as text, or as an object that holds it under ``id``."""
    if isinstance(value, dict):
        value = value.get("id")
    return str(value) if type(value) is int else optional_text(value)


def amount(value: Any) -> Decimal | None:
    """A decimal number below a thousand million, from a number or its text."""
    found: Decimal | None
    if type(value) is Decimal:
        found = value
    elif type(value) is int:
        found = Decimal(value)
    else:
        found = _amount_in(value) if isinstance(value, str) else None
    return found if found is not None and -LARGEST_AMOUNT < found < LARGEST_AMOUNT else None


def whole(value: Any) -> int | None:
    """A whole number, fractions cut off, held within 32 bits."""
    if type(value) is int:
        return max(-LARGEST_WHOLE, min(value, LARGEST_WHOLE))
    found = amount(value)
    return None if found is None else int(found)


def flag(value: Any) -> bool:
    return value is True or value in (1, "1", "true")


def moment(value: Any) -> datetime | None:
    """A time from RFC 2822, ISO 8601 or Unix seconds, in UTC; without a zone it is taken as UTC."""
    if type(value) is int:
        return _from_seconds(value)
    return _moment_in(value) if isinstance(value, str) else None


def items(value: Any) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []


def fields(value: Any) -> dict[str, Any]:
    """An object, or an empty one. Some platforms write an empty map as an empty list."""
    return value if isinstance(value, dict) else {}


def _from_seconds(value: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


@lru_cache(maxsize=1024)  # products that came in together have the same time
def _moment_in(words: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(words)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (TypeError, ValueError, AttributeError, OverflowError):
            continue
    return None


def _amount_in(words: str) -> Decimal | None:
    try:
        found = Decimal(words.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
