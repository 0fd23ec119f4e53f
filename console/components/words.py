"""Times, durations and numbers as people read them."""

from __future__ import annotations

from datetime import datetime

_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def ago(moment: datetime | None, at: datetime) -> str:
    """ "3 hours ago"; "" for None."""
    if moment is None:
        return ""
    return f"{span((at - moment).total_seconds())} ago"


def span(seconds: float) -> str:
    """ "2 minutes", always in the largest unit that fits."""
    for size, word in _STEPS:
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {word}{'s' if number != 1 else ''}"
    number = max(int(seconds), 0)
    return f"{number} second{'s' if number != 1 else ''}"


def clock(moment: datetime | None) -> str:
    """Absolute, in GMT; "" for None."""
    return f"{moment:%d %b %Y %H:%M:%S} GMT" if moment else ""


def items(number: int, one: str, many: str = "") -> str:
    """ "1 product", "1,200 products"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
