"""20,000 webhooks of both senders, with repeats and forgeries, from eight connections at once; then kill -9 in between.

The time is what the sender sees, from the first byte sent to the whole answer. No worker runs: what is measured is the
door. Afterwards more webhooks are sent while the gateway and then Postgres are killed: whatever was answered 200 must
be stored once, whatever was not is sent again, as both senders do, and nothing forged is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Any

import httpx
import psycopg

from bench.results import Row, bounded
from bench.stage import Stage, staged
from core.db import embedded

HOOKS, KILLED_HOOKS, SENDERS, BOUND_MS = 20_000, 6_000, 8, 100
REPEATED, FORGED = 0.2, 0.05
APP_KEY, APP_SECRET, SHOP = "6f0demo1key", "demo-app-secret-0001", "7495001122334455667"
STORE_SECRET = "sw-hook-harbour"
_STORED = "SELECT delivery_id FROM inbox WHERE delivery_id LIKE %s"


@dataclass(frozen=True)
class Post:
    """One webhook to send; a repeat is the same post twice."""

    path: str
    headers: dict[str, str]
    body: bytes
    delivery_id: str
    forged: bool = False


@dataclass
class Sent:
    """What the senders saw, in no order. ``again``: answered by nothing or by an error, so sent again later."""

    milliseconds: list[float] = field(default_factory=list)
    answered: list[Post] = field(default_factory=list)
    again: list[Post] = field(default_factory=list)


def measure() -> list[Row]:
    gateways: list[Popen[bytes]] = []
    with staged(1) as stage:
        try:
            gateways.append(_started(stage))
            account = stage.run("bench.webhook_intake", "prepare")["store_account_id"]
            sent = _send(stage, _posts("steady", HOOKS, account))
            _check(stage, "steady", sent)
            again = _send_and_kill(stage, gateways, _posts("killed", KILLED_HOOKS, account))
        finally:
            for gateway in gateways:
                gateway.kill()
                gateway.wait()
    times = sorted(sent.milliseconds)
    raw = {"p50_ms": _at(times, 0.5), "p95_ms": _at(times, 0.95), "p99_ms": _at(times, 0.99), "most_ms": times[-1]}
    return [
        bounded(
            "webhook_intake",
            f"99th percentile of {HOOKS:,} webhooks from {SENDERS} connections, {REPEATED:.0%} repeated and "
            f"{FORGED:.0%} forged, one gateway, no worker. Then {KILLED_HOOKS:,} more through kill -9 of the gateway "
            f"and of Postgres: {again} were sent again, none answered 200 was lost or kept twice, nothing forged.",
            ours=raw["p99_ms"], below=BOUND_MS, units="ms", raw=raw | {"sent_again": again},
        )
    ]  # fmt: skip


def prepare() -> dict[str, Any]:
    from core.jobs import demo
    from core.services.live import live

    connection_id = demo.ensure_demo()
    assert connection_id is not None
    return {"store_account_id": live(connection_id).store_account_id}


def _send_and_kill(stage: Stage, gateways: list[Popen[bytes]], posts: Sequence[Post]) -> int:
    """Returns how many had to be sent again."""
    half = len(posts) // 2
    sent = _send_while(stage, posts[:half], gateways[-1].kill)
    gateways.append(_started(stage))
    more = _send_while(stage, posts[half:], lambda: _kill_database(stage))
    embedded.start(embedded.Cluster(stage.home))
    _check(stage, "killed", Sent(answered=sent.answered + more.answered))
    again = sent.again + more.again
    repaired = _send(stage, again)
    if not sent.again or not more.again or repaired.again:
        raise RuntimeError(f"{len(sent.again)}, {len(more.again)}, {len(repaired.again)} were not answered")
    _check(stage, "killed", Sent(answered=sent.answered + more.answered + repaired.answered))
    return len(again)


def _send_while(stage: Stage, posts: Sequence[Post], kill: Callable[[], None]) -> Sent:
    ending = threading.Timer(1.0, kill)
    ending.start()
    try:
        return _send(stage, posts)
    finally:
        ending.join()


def _kill_database(stage: Stage) -> None:
    pid_file = embedded.Cluster(stage.home).data / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)


def _posts(name: str, number: int, account: int) -> list[Post]:
    """A seeded mix, three in four of them orders of the Shop, the others products of the store."""
    chance = random.Random(name)
    posts: list[Post] = []
    while len(posts) < number:
        one = _shop_post(name, len(posts)) if chance.random() < 0.75 else _store_post(name, len(posts), account)
        if chance.random() < FORGED:
            one = Post(one.path, dict.fromkeys(one.headers, "0" * 64), one.body, one.delivery_id, forged=True)
        posts.append(one)
        if not one.forged and chance.random() < REPEATED:
            posts.append(one)
    chance.shuffle(posts)
    return posts[:number]


def _shop_post(name: str, number: int) -> Post:
    delivery_id = f"{name}-{number}"
    data = {"order_id": f"5760{number:014}", "order_status": "AWAITING_SHIPMENT", "update_time": 1_790_000_000}
    envelope = {"type": 1, "shop_id": SHOP, "tts_notification_id": delivery_id, "timestamp": 1_790_000_000}
    body = json.dumps(envelope | {"data": data}).encode()
    signature = hmac.new(APP_SECRET.encode(), APP_KEY.encode() + body, hashlib.sha256).hexdigest()
    return Post(f"/webhooks/tiktok/{APP_KEY}", {"authorization": signature}, body, delivery_id)


def _store_post(name: str, number: int, account: int) -> Post:
    # The store numbers its events; the two runs must not share any.
    event_id = number + (10_000_000 if name == "killed" else 5_000_000)
    at = "Sat, 13 Jun 2026 10:02:52 +0000"
    event = {"id": event_id, "businessId": 1, "createdAt": at, "topic": "product.updated", "subjectType": "product"}
    body = json.dumps({"timestamp": at, "event": event | {"subjectId": number, "data": {}}}).encode()
    signature = hmac.new(STORE_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return Post(f"/webhooks/shopwired/{account}", {"x-shopwired-signature": signature}, body, str(event_id))


def _send(stage: Stage, posts: Sequence[Post]) -> Sent:
    with ThreadPoolExecutor(SENDERS) as senders:
        parts = list(senders.map(lambda first: _deliver(_gateway(stage), posts[first::SENDERS]), range(SENDERS)))
    sent = Sent()
    for part in parts:
        sent.milliseconds += part.milliseconds
        sent.answered += part.answered
        sent.again += part.again
    return sent


def _deliver(port: int, posts: Sequence[Post]) -> Sent:
    sent = Sent()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for post in posts:
        began = time.perf_counter()
        try:
            line.request("POST", post.path, post.body, post.headers)
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            line.close()
            sent.again.append(post)
            time.sleep(0.05)
            continue
        sent.milliseconds.append((time.perf_counter() - began) * 1000)
        if answer.status >= 500:
            sent.again.append(post)
        elif answer.status != (401 if post.forged else 200):
            raise RuntimeError(f"{post.path} answered {answer.status} to {post.body!r}")
        else:
            sent.answered.append(post)
    line.close()
    return sent


def _check(stage: Stage, name: str, sent: Sent) -> None:
    """Raises ``RuntimeError`` when something answered is not stored once, or something forged is stored."""
    with psycopg.connect(stage.database_url) as connection:
        pattern = f"{name}-%"
        stored = [row[0] for row in connection.execute(_STORED, (pattern,))]
        stored += [row[0] for row in connection.execute("SELECT delivery_id FROM inbox WHERE source = 'shopwired'")]
    wanted = {post.delivery_id for post in sent.answered if not post.forged}
    forged = {post.delivery_id for post in sent.answered if post.forged}
    if lost := wanted - set(stored):
        raise RuntimeError(f"{len(lost)} webhooks were answered 200 and are not stored, {min(lost)} among them")
    if len(stored) != len(set(stored)):
        raise RuntimeError(f"{len(stored) - len(set(stored))} webhooks are stored twice")
    if kept := forged & set(stored):
        raise RuntimeError(f"{len(kept)} forged webhooks are stored, {min(kept)} among them")


def _started(stage: Stage) -> Popen[bytes]:
    gateway = stage.start("gateway.py")
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            if httpx.get(f"http://127.0.0.1:{_gateway(stage)}/healthz").status_code == 200:
                return gateway
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the gateway does not answer")


def _gateway(stage: Stage) -> int:
    return int(stage.environment["CROSSDOCK_GATEWAY_PORT"])


def _at(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)


if __name__ == "__main__":
    print(json.dumps({"prepare": prepare}[sys.argv[1]]()))
