"""How TikTok Shop wants a request signed (TikTok Shop Partner Center, "Sign your API request")."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

_UNSIGNED = frozenset({"sign", "access_token"})


def sign(app_secret: str, path: str, query: Mapping[str, str], body: bytes = b"") -> str:
    """The ``sign`` of a request: 64 lower-case hex digits.

    ``path`` exactly as sent, ``query`` with decoded values (``sign`` and ``access_token`` are left out), ``body`` the
    very bytes that go over the wire; leave it out for multipart.
    """
    pairs = "".join(f"{name}{query[name]}" for name in sorted(query) if name not in _UNSIGNED)
    secret = app_secret.encode()
    message = secret + f"{path}{pairs}".encode() + body + secret
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


class ShopClock:
    """This machine's clock, corrected by what TikTok Shop's ``Date`` header said when it refused a timestamp.

    The accepted window is 5 minutes back and 30 seconds ahead.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._lock = threading.Lock()

    def timestamp(self) -> int:
        """Unix seconds as the Shop counts them."""
        return int(time.time() + self._offset)

    def follow(self, server_time: datetime) -> None:
        with self._lock:
            self._offset = (server_time - datetime.now(UTC)).total_seconds()


@lru_cache(maxsize=16)
def clock_of(api_url: str) -> ShopClock:
    """One clock per API host for the whole process, so that a correction is learnt once."""
    return ShopClock()
