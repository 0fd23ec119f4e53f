"""The state every vendor of the sandbox shares: database, clock, chance, faults, counters, webhooks, settings."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from sandbox.database import Database
from sandbox.deliveries import SCHEMA as DELIVERIES_SCHEMA
from sandbox.deliveries import Deliveries
from sandbox.faults import Faults

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, n INTEGER NOT NULL);
"""
    + DELIVERIES_SCHEMA
)
TICK_SECONDS = 0.2


class Clock:
    """The sandbox's time: the machine's, plus a shift set by `POST /_sandbox/clock`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        """Unix seconds, UTC."""
        return time.time() + float(self._world.setting("clock.shift_seconds", 0))

    def wall(self) -> float:
        """What the vendors' clocks on the wall show: the machine's time plus `skew_seconds`, for request timestamps
        and Date headers. Shifting `now` lets days pass without making every honest timestamp a wrong one."""
        return time.time() + float(self._world.setting("clock.skew_seconds", 0))

    def shift(self, seconds: float) -> None:
        """Move the clock by so many seconds from where it is now."""
        self._world.set_setting("clock.shift_seconds", self._world.setting("clock.shift_seconds", 0) + seconds)


class World:
    """One per sandbox process; vendor modules get it in `routes(world)` and `seed(world)`.

    `base_url` is the address clients use, without a slash at the end; `products` the size of the demo catalogue.
    """

    def __init__(self, home: Path, *, base_url: str, products: int = 500, orders_per_minute: float = 0) -> None:
        self.home = home
        self.base_url = base_url.rstrip("/")
        self.products = products
        self.orders_per_minute = orders_per_minute
        self.stock_changes_per_minute = 2.0
        self.db = Database(home / "sandbox.db")
        self.db.script(SCHEMA)
        self.clock = Clock(self)
        self.faults = Faults()
        self.deliveries = Deliveries(self)
        self._lock = threading.Lock()
        self._actions: list[Callable[[], None]] = []
        self._reset_actions: list[Callable[[], None]] = []
        self._stopping = threading.Event()
        self._load()

    def _load(self) -> None:
        rows = self.db.query("SELECT name, value FROM settings")
        self._settings: dict[str, Any] = {row["name"]: json.loads(row["value"]) for row in rows}
        self._counts = Counter({row["name"]: row["n"] for row in self.db.query("SELECT name, n FROM counters")})
        self._unsaved: set[str] = set()

    def setting(self, name: str, default: Any) -> Any:
        """A value set by a control call, kept over restarts; a dictionary read, so cheap enough for every request."""
        return self._settings.get(name, default)

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        self._settings[name] = value
        self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def random(self, name: str) -> Random:
        """A fresh generator that always draws the same numbers for the same name and world seed."""
        return Random(f"{self.setting('seed', 1)}:{name}")

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter of `GET /_sandbox/state`; written to the database a moment later."""
        with self._lock:
            self._counts[name] += n
            self._unsaved.add(name)

    def counts(self, prefix: str = "") -> dict[str, int]:
        """Counters whose name begins with `prefix`, with the prefix taken off."""
        with self._lock:
            return {name[len(prefix) :]: n for name, n in self._counts.items() if name.startswith(prefix)}

    def deliver(
        self, vendor: str, topic: str, subject: str, address: str, headers: dict[str, str], body: bytes
    ) -> None:
        """Send a signed webhook with the vendor's retry schedule (`deliveries.set_policy` comes first).

        `topic` is what fault rules match as `WEBHOOK topic`; `subject` is handed back to the policy's `on_result`.
        """
        self.deliveries.add(vendor, topic, subject, address, headers, body)

    def every_tick(self, action: Callable[[], None]) -> None:
        """Call this about five times a second, and at once after the clock was shifted."""
        self._actions.append(action)

    def on_reset(self, action: Callable[[], None]) -> None:
        """Call this at every reset, to forget what lives outside the database."""
        self._reset_actions.append(action)

    def tick(self) -> None:
        """Do everything that is due now."""
        for action in self._actions:
            action()
        self.deliveries.send_due()
        self.save_counts()

    def save_counts(self) -> None:
        """Write the counters that changed."""
        with self._lock:
            rows = [(name, self._counts[name]) for name in self._unsaved]
            self._unsaved.clear()
        if rows:
            self.db.execute_many("INSERT OR REPLACE INTO counters VALUES (?, ?)", rows)

    def start(self) -> None:
        """Begin ticking and sending webhooks."""
        self.deliveries.start()
        self._ticker = threading.Thread(target=self._tick_until_stopped, daemon=True)
        self._ticker.start()

    def stop(self) -> None:
        """Stop ticking and write the counters."""
        self._stopping.set()
        self._ticker.join(timeout=1)
        self.save_counts()

    def reset(self) -> None:
        """Forget everything: rows, settings, counters, faults. Vendors are seeded again by the caller."""
        self.faults.clear()
        self.db.clear()
        with self._lock:
            self._load()
        for action in self._reset_actions:
            action()

    def _tick_until_stopped(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self.tick()
