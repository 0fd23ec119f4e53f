"""Waiting in tests. Its end only bounds a failure, so it is far off: a busy machine may take its time."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

PATIENCE_S = 180.0
HTTP_S = 60.0  # for one answer of a server that a test asks


def status_of(url: str) -> int:
    """The status of what a server answers, 0 while it does not."""
    try:
        return httpx.get(url, timeout=HTTP_S).status_code
    except httpx.TransportError:
        return 0


def wait_until(true: Callable[[], object], what: str = "what is waited for", *, seconds: float = PATIENCE_S) -> None:
    """Poll until ``true``; an assertion naming ``what`` after ``seconds``."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)
