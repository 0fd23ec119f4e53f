"""What a status means, what may be repeated, and how long to wait."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import stamina

from core.domain.errors import (
    Conflict,
    Expired,
    Missing,
    NotConfigured,
    RateLimited,
    Refused,
    RemoteError,
    Temporary,
    Unknown,
)

NOT_SAID = datetime.min.replace(tzinfo=UTC)  # a RateLimited whose remote system did not say until when
LONGEST_WAIT_S = 3600.0
_PATIENCE_S = 8.0  # a limited read waits this long itself; anything longer is for the queue

T = TypeVar("T")


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When ``Retry-After`` (seconds or an HTTP date, RFC 9110 10.2.3) allows the next call; None when it is absent
    or senseless. At most an hour ahead."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    if seconds != seconds:  # float("nan") parses
        return None
    return now + timedelta(seconds=min(max(seconds, 0.0), LONGEST_WAIT_S))


def by_status(
    status: int, headers: Mapping[str, str], *, who: str, what: str, write: bool, detail: str = ""
) -> RemoteError | None:
    """The error an HTTP status stands for, or None for 2xx. ``who`` and ``what`` begin the sentence.

    A write that met 5xx other than 503 may have had its effect, so that is ``Unknown``.
    """
    if 200 <= status < 300:
        return None
    code = str(status)
    said = f": {detail}" if detail else ""
    if status == 429:
        until = retry_after(headers, datetime.now(UTC)) or NOT_SAID
        return RateLimited(f"{who} asks for fewer calls to {what}{said}.", until=until, code=code)
    if status >= 500:
        return _server_trouble(status, who, what, write)
    if 300 <= status < 400:
        where = headers.get("location", "nowhere")
        return Refused(f"{who} redirects {what} to {where}, which is not followed: check its address.", code=code)
    if status == 408:
        return Temporary(f"{who} waited too long for {what}: it is tried again.", code=code)
    kind, words = _REFUSALS.get(status, (Refused, "refused"))
    return kind(f"{who} {words} {what} (status {status}){said}.", code=code)


_REFUSALS: dict[int, tuple[type[RemoteError], str]] = {
    401: (Expired, "no longer accepts our credentials for"),
    403: (NotConfigured, "does not allow our credentials to do"),
    404: (Missing, "does not have"),
    409: (Conflict, "found another state than expected for"),
    410: (Missing, "no longer has"),
    412: (Conflict, "found another state than expected for"),
}


def _server_trouble(status: int, who: str, what: str, write: bool) -> RemoteError:
    if write and status != 503:
        sentence = f"{who} failed (status {status}) at {what}: whether it took effect is being looked up."
        return Unknown(sentence, code=str(status))
    return Temporary(f"{who} is in trouble (status {status}) at {what}: it is tried again later.", code=str(status))


class Backoff:
    """How long a bucket rests when the remote system says "too many" without saying how long.

    1 s, doubled by each further refusal up to 60 s, plus up to 0.5 s so that callers do not come back together.
    Refusals of calls that were already under way when the rest began do not count.
    """

    def __init__(self, first_s: float = 1.0, longest_s: float = 60.0) -> None:
        self._first, self._longest = first_s, longest_s
        self._rests: dict[str, tuple[int, datetime]] = {}
        self._lock = threading.Lock()

    def next(self, key: str) -> datetime:
        now = datetime.now(UTC)
        with self._lock:
            times, until = self._rests.get(key, (0, now))
            if until > now:
                return until
            seconds = min(self._longest, self._first * 2.0 ** min(times, 10)) + random.uniform(0, 0.5)
            until = now + timedelta(seconds=seconds)
            self._rests[key] = (times + 1, until)
            return until

    def clear(self, key: str) -> None:
        if key in self._rests:
            with self._lock:
                self._rests.pop(key, None)


def _worth_repeating(error: Exception) -> bool | float:
    if isinstance(error, RateLimited):
        wait = (error.until - datetime.now(UTC)).total_seconds()
        return max(wait, 0.05) if wait <= _PATIENCE_S else False
    return isinstance(error, Temporary)


def reading(work: Callable[[], T], *, attempts: int = 4) -> T:
    """Do ``work``, a read, again after ``Temporary`` trouble: up to ``attempts`` times over a few seconds.

    Never give it a write: whether a write may be repeated is for the flow that stored its intent.
    """
    for attempt in stamina.retry_context(
        on=_worth_repeating, attempts=attempts, timeout=20.0, wait_initial=0.3, wait_max=4.0, wait_jitter=0.5
    ):
        with attempt:
            return work()
    raise AssertionError("the last attempt either returned or raised")


def writing(work: Callable[[], T]) -> T:
    """Do ``work``, a write that is keyed or absolute, once more when it is certain that it had no effect.

    That is what ``Temporary`` says; an ``Unknown`` outcome is never repeated here.
    """
    return reading(work, attempts=2)
