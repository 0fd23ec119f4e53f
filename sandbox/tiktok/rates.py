"""Rate limits per endpoint and shop (Partner Center publishes none: 10 reads and 3 writes a second are its advice)."""

from __future__ import annotations

import math
import threading
import time

from sandbox.tiktok.answers import Refused
from sandbox.world import World

READS_PER_SECOND = 10.0
WRITES_PER_SECOND = 3.0


class Limited(Refused):
    """HTTP 429; `retry_after` in whole seconds."""

    def __init__(self, code: int, retry_after: int) -> None:
        super().__init__(code, "Too many requests. You've made too many requests in a short period of time.")
        self.retry_after = retry_after


class Rates:
    """A token bucket for each (app, shop, endpoint), as deep as one second's allowance. Runs on the machine's time:
    shifting the sandbox's clock brings no calls back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._hours: dict[tuple[str, int], int] = {}
        world.on_reset(self._forget)

    def _forget(self) -> None:
        with self._lock:
            self._buckets.clear()
            self._hours.clear()

    def take(self, app_key: str, shop_id: str, label: str, *, is_write: bool) -> None:
        """Count one call, or raise Limited."""
        if self._world.setting("limits.off", False):
            return
        self._take_from_hour(shop_id)
        name, default = ("writes", WRITES_PER_SECOND) if is_write else ("reads", READS_PER_SECOND)
        rate = float(self._world.setting(f"tiktok.{name}_per_second", default))
        depth, now, key = max(rate, 1.0), time.monotonic(), (app_key, shop_id, label)
        with self._lock:
            left, then = self._buckets.get(key, (depth, now))
            left = min(depth, left + (now - then) * rate)
            self._buckets[key] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            raise Limited(36009002, max(1, math.ceil((1 - left) / rate)))

    def _take_from_hour(self, shop_id: str) -> None:
        """Development shops have an hourly cap with a code of its own; off unless `calls_per_hour` is set."""
        cap = self._world.setting("tiktok.calls_per_hour", None)
        if cap is None:
            return
        now = self._world.clock.now()
        key = (shop_id, int(now // 3600))
        with self._lock:
            self._hours[key] = self._hours.get(key, 0) + 1
            if self._hours[key] > cap:
                raise Limited(36009037, int(3600 - now % 3600) + 1)
