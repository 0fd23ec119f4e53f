"""Values as stores write them on the wire, read without trusting them: a value of the wrong kind counts as absent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

LARGEST_AMOUNT = Decimal(1_000_000_000)
LARGEST_WHOLE = 2**31 - 1


def text(value: Any) -> str:
    """A text without what Postgres cannot keep (NUL and halves of surrogate pairs); numbers as digits, else empty."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return ""
    if value.isascii():
        return value.replace("\x00", "")
    return value.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def optional_text(value: Any) -> str | None:
    """``text``, or None when nothing but white space is there. White space around words is kept: a SKU may have it."""
    found = text(value)
    return found if found.strip() else None


def identifier(value: Any) -> str | None:
    """An id, given as a number, as text, or as an object that holds it under ``id``."""
    if isinstance(value, dict):
        value = value.get("id")
    return optional_text(value)


def amount(value: Any) -> Decimal | None:
    """A decimal number below a thousand million, from a number or its text."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < LARGEST_AMOUNT else None


def whole(value: Any) -> int | None:
    """A whole number, fractions cut off, held within 32 bits."""
    found = amount(value)
    if found is None and isinstance(value, int) and not isinstance(value, bool):
        return LARGEST_WHOLE if value > 0 else -LARGEST_WHOLE
    return None if found is None else int(found)


def flag(value: Any) -> bool:
    return value is True or value in (1, "1", "true")


def moment(value: Any) -> datetime | None:
    """A time from RFC 2822, ISO 8601 or Unix seconds, in UTC; without a zone it is taken as UTC."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_seconds(value)
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (TypeError, ValueError, AttributeError, OverflowError):
            continue
    return None


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
