"""Who may call: Basic keys, their permissions, and the leaky bucket of every key."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import threading

from starlette.datastructures import Headers

from sandbox.shopwired.answers import ApiError
from sandbox.world import World

BUCKET = 40
LEAK_PER_SECOND = 2


class Bucket:
    """A leaky bucket per key: 40 calls, draining 2 per second (ShopWired help, API rate limiting)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._levels: dict[tuple[int, str], tuple[float, float]] = {}

    def pour(self, key: str) -> None:
        """Add one call. Raises ApiError 429 when the bucket of this key is full."""
        world = self._world
        if world.setting("limits.off", False):
            return
        size = world.setting("shopwired.bucket", BUCKET)
        leak = world.setting("shopwired.leak_per_second", LEAK_PER_SECOND)
        now = world.clock.now()
        # A reset world starts with empty buckets.
        name = (world.setting("shopwired.generation", 0), key)
        with self._lock:
            level, since = self._levels.get(name, (0.0, now))
            level = max(0.0, level - max(0.0, now - since) * leak)
            full = level + 1 > size
            self._levels[name] = (level if full else level + 1, now)
        if full:
            headers = {"Retry-After": "1"} if world.setting("shopwired.retry_after", True) else {}
            raise ApiError(429, "Too many requests", headers)


def authenticate(world: World, headers: Headers) -> dict[str, object]:
    """The row of the calling key. Raises ApiError 401 when credentials are missing or wrong."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise ApiError(401, "Send your API key and secret with HTTP Basic authentication")
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ApiError(401, "The Authorization header cannot be read") from error
    row = world.db.one("SELECT * FROM sw_keys WHERE key = ?", (key,))
    if row is None or not hmac.compare_digest(str(row["secret"]).encode(), secret.encode()):
        raise ApiError(401, "The API key or secret is wrong")
    return row


def check_permission(row: dict[str, object], method: str, area: str) -> None:
    """Raises ApiError 403 when the key has neither `*` nor `read_area` / `write_area`."""
    granted = json.loads(str(row["permissions"]))
    needed = f"{'read' if method == 'GET' else 'write'}_{area}"
    if "*" not in granted and needed not in granted:
        raise ApiError(403, f"This API key does not have the permission {needed}")
