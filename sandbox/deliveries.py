"""Outbound webhooks: a queue in SQLite, sent by a few threads with the vendor's own retry schedule."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    vendor TEXT NOT NULL, topic TEXT NOT NULL, subject TEXT NOT NULL, address TEXT NOT NULL,
    headers TEXT NOT NULL, body BLOB NOT NULL,
    due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL, last_status INTEGER);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (status, due);
"""
SENDERS = 4


@dataclass(frozen=True)
class WebhookPolicy:
    """How one vendor sends: `retry_delays` in seconds after each failure, then it gives up; `answered` tells from the
    HTTP status whether the receiver took it; redirects are never followed. `on_result(subject, taken)` is told of
    every attempt, for vendors that switch off a failing webhook."""

    retry_delays: tuple[float, ...]
    timeout_seconds: float
    answered: Callable[[int], bool]
    on_result: Callable[[str, bool], None] | None = None


class Deliveries:
    """The queue and its threads. Times are on the sandbox clock, so shifting the clock brings retries forward."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._policies: dict[str, WebhookPolicy] = {}
        self._ready: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._client = httpx.Client(follow_redirects=False, trust_env=False)

    def set_policy(self, vendor: str, policy: WebhookPolicy) -> None:
        """Tell how this vendor's webhooks are sent; needed before its first delivery."""
        self._policies[vendor] = policy

    def start(self) -> None:
        """Begin sending. Threads are daemons: stopping never waits for a slow receiver."""
        self._world.db.execute("UPDATE deliveries SET status = 'waiting' WHERE status = 'sending'")
        for _ in range(SENDERS):
            threading.Thread(target=self._send_for_ever, daemon=True).start()

    def add(self, vendor: str, topic: str, subject: str, address: str, headers: dict[str, str], body: bytes) -> None:
        """Queue one signed webhook, after whatever webhook fault strikes it."""
        fault = self._world.faults.pick(vendor, f"WEBHOOK {topic}")
        kind = fault.fault if fault else ""
        wait = 0.0
        if fault and kind in ("late", "reordered"):
            wait = fault.seconds if fault.seconds is not None else {"late": 600.0, "reordered": 3.0}[kind]
        self._insert(vendor, topic, subject, address, headers, body, wait, "lost" if kind == "lost" else "waiting")
        if kind == "duplicate":
            self._insert(vendor, topic, subject, address, headers, body, 0.0, "waiting")
        if kind == "forged":
            # Still valid JSON, but not the bytes that were signed.
            self._insert(vendor, topic, subject, address, headers, body + b" ", 0.0, "waiting")

    def send_due(self) -> None:
        """Hand everything due on the sandbox clock to the threads."""
        db = self._world.db
        with db.transaction():
            rows = db.query(
                "SELECT * FROM deliveries WHERE status = 'waiting' AND due <= ? ORDER BY due, id LIMIT 200",
                (self._world.clock.now(),),
            )
            for row in rows:
                db.execute("UPDATE deliveries SET status = 'sending' WHERE id = ?", (row["id"],))
        for row in rows:
            self._ready.put(row)

    def report(self) -> dict[str, dict[str, int]]:
        """Per vendor: queued, done, failed, lost deliveries and attempts made."""
        rows = self._world.db.query(
            "SELECT vendor, status, COUNT(*) AS n, SUM(attempts) AS attempts FROM deliveries GROUP BY vendor, status"
        )
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            mine = found.setdefault(row["vendor"], {"waiting": 0, "done": 0, "failed": 0, "lost": 0, "attempts": 0})
            mine["waiting" if row["status"] == "sending" else row["status"]] += row["n"]
            mine["attempts"] += row["attempts"]
        return found

    def _insert(
        self, vendor: str, topic: str, subject: str, address: str, headers: dict[str, str], body: bytes, wait: float,
        status: str,
    ) -> None:  # fmt: skip
        self._world.db.execute(
            "INSERT INTO deliveries (vendor, topic, subject, address, headers, body, due, status)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (vendor, topic, subject, address, json.dumps(headers), body, self._world.clock.now() + wait, status),
        )

    def _send_for_ever(self) -> None:
        while True:
            row = self._ready.get()
            self._finish(row, self._post(row))

    def _post(self, row: dict[str, Any]) -> int:
        """The receiver's HTTP status, or 0 when it gave none in time."""
        try:
            answer = self._client.post(
                row["address"],
                content=row["body"],
                headers=json.loads(row["headers"]),
                timeout=self._policies[row["vendor"]].timeout_seconds,
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0
        return answer.status_code

    def _finish(self, row: dict[str, Any], status: int) -> None:
        policy = self._policies[row["vendor"]]
        taken = policy.answered(status)
        attempts = row["attempts"] + 1
        outcome, due = ("done" if taken else "failed"), row["due"]
        if not taken and attempts <= len(policy.retry_delays):
            outcome, due = "waiting", self._world.clock.now() + policy.retry_delays[attempts - 1]
        self._world.db.execute(
            "UPDATE deliveries SET status = ?, due = ?, attempts = ?, last_status = ? WHERE id = ?",
            (outcome, due, attempts, status, row["id"]),
        )
        if policy.on_result is not None:
            policy.on_result(row["subject"], taken)
