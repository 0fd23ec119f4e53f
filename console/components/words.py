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


def left(moment: datetime, at: datetime) -> str:
    """A countdown: "in 2 d 4 h", "in 3 h 20 min"; "late by 40 min" once it has passed."""
    minutes = int((moment - at).total_seconds() // 60)
    sign, minutes = ("late by", -minutes) if minutes < 0 else ("in", minutes)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{sign} {days} d {hours} h"
    return f"{sign} {hours} h {minutes % 60} min" if hours else f"{sign} {minutes % 60} min"
