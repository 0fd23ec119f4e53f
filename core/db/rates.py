"""Rate buckets shared by all processes: a row per bucket, one statement per permit (law 10)."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from core.db.engine import statement
from core.domain.errors import RateLimited

# Priorities are small numbers first: 0 confirm shipment … 9 backfill. A low priority leaves the last permits of a
# bucket to the others.
_GRANT = text(
    """
    WITH now AS (SELECT clock_timestamp() AS t),
    full_bucket AS (
        SELECT key, least(capacity, tokens + per_second * greatest(0, extract(epoch FROM now.t - updated_at))) AS have,
               coalesce(blocked_until > now.t, false) AS blocked, blocked_until, per_second, now.t AS t
        FROM rate_buckets, now WHERE key = :key FOR UPDATE OF rate_buckets
    )
    UPDATE rate_buckets b
    SET tokens = CASE WHEN NOT f.blocked AND f.have >= :needed THEN f.have - 1 ELSE f.have END,
        updated_at = greatest(b.updated_at, f.t) -- who waited for the row read the time before the one who had it
    FROM full_bucket f WHERE b.key = f.key
    RETURNING NOT f.blocked AND f.have >= :needed AS granted, f.have, f.per_second,
              extract(epoch FROM greatest(f.blocked_until - f.t, interval '0')) AS blocked_s
    """
)

_MAKE = text(
    """
    INSERT INTO rate_buckets (key, capacity, per_second, tokens) VALUES (:key, :capacity, :per_second, :capacity)
    ON CONFLICT (key) DO NOTHING
    """
)

_SLOW = text(
    """
    UPDATE rate_buckets SET blocked_until = greatest(coalesce(blocked_until, :until), :until), tokens = 0,
                            updated_at = clock_timestamp()
    WHERE key = :key
    """
)


_REST = text(
    """
    SELECT extract(epoch FROM greatest(blocked_until - clock_timestamp(), interval '0')) FROM rate_buckets
    WHERE key = :key AND blocked_until IS NOT NULL
    """
)
_REMEMBER_NO_REST_S = 1.0  # where we set no limit of our own, not every call has to ask


class PostgresRates:
    """Implements ``ports.RateBucket``.

    ``allowance`` gives (capacity, permits a second) for a key, or None where we set no limit of our own; what the
    remote system asked for by ``slow_down`` is obeyed either way. Of the threads of a process that wait for the same
    bucket with the same priority, one asks and the others stand behind it, so that waiting costs the database little.
    """

    def __init__(self, allowance: Callable[[str], tuple[float, float] | None]) -> None:
        self._allowance = allowance
        self._known: set[str] = set()
        self._no_rest_until: dict[str, float] = {}
        self._turns: dict[tuple[str, int], threading.Lock] = {}
        self._lock = threading.Lock()

    def take(self, key: str, *, priority: int, deadline_s: float) -> None:
        allowance = self._allowance(key)
        ends = time.monotonic() + deadline_s
        if allowance is None:
            self._wait(key, None, priority, ends)
            return
        with self._lock:
            turn = self._turns.setdefault((key, priority), threading.Lock())
        if not turn.acquire(timeout=deadline_s):
            raise _used_up(key, 1.0)
        try:
            self._wait(key, allowance, priority, ends)
        finally:
            turn.release()

    def _wait(self, key: str, allowance: tuple[float, float] | None, priority: int, ends: float) -> None:
        while (wait := self._rest(key) if allowance is None else self._try(key, allowance, priority)) > 0:
            if time.monotonic() + wait > ends:
                raise _used_up(key, wait)
            time.sleep(wait * random.uniform(1.0, 1.2))

    def slow_down(self, key: str, until: datetime) -> None:
        allowance = self._allowance(key) or (1.0, 1000.0)
        with statement() as connection:
            self._make(connection, key, allowance)
            connection.execute(_SLOW, {"key": key, "until": until})
        self._no_rest_until.pop(key, None)

    def _rest(self, key: str) -> float:
        """How many seconds nobody may call, 0 when there was no such rest a moment ago."""
        if time.monotonic() < self._no_rest_until.get(key, 0.0):
            return 0.0
        with statement() as connection:
            left = float(connection.execute(_REST, {"key": key}).scalar() or 0)
        if not left:
            self._no_rest_until[key] = time.monotonic() + _REMEMBER_NO_REST_S
        return left

    def _try(self, key: str, allowance: tuple[float, float], priority: int) -> float:
        """0 when granted, else how many seconds to wait before asking again."""
        needed = 1.0 if priority < 5 else min(2.0, allowance[0])
        with statement() as connection:
            self._make(connection, key, allowance)
            row = connection.execute(_GRANT, {"key": key, "needed": needed}).one()
        if row.granted:
            return 0.0
        missing = max(0.0, needed - float(row.have)) / float(row.per_second)
        return max(0.01, float(row.blocked_s), missing)

    def _make(self, connection: Connection, key: str, allowance: tuple[float, float]) -> None:
        with self._lock:
            if key in self._known:
                return
        connection.execute(_MAKE, {"key": key, "capacity": allowance[0], "per_second": allowance[1]})
        with self._lock:
            self._known.add(key)


def _used_up(key: str, wait: float) -> RateLimited:
    until = datetime.now(UTC) + timedelta(seconds=wait)
    return RateLimited(f"The calls allowed for {key} are used up for now.", until=until, code="rate")
