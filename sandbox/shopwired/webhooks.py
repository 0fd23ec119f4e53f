"""`/webhooks`: one topic each, proven by a handshake, switched off after 24 failed tries of one delivery."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.responses import Response

from sandbox.deliveries import WebhookPolicy
from sandbox.shopwired.answers import ApiError, answer, dump, no_content, rfc2822
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.events import TOPICS, signed, webhook_secret
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.writing import required_text
from sandbox.world import World

PER_TOPIC = 10
ANSWER_SECONDS = 5.0
RETRY_SECONDS = 3600.0
TRIES = 24


def set_policy(world: World) -> None:
    """Hourly retries for a day; a delivery that failed 24 times switches its webhook off."""

    def on_result(subject: str, taken: bool) -> None:
        _note_result(world, subject, taken)

    policy = WebhookPolicy((RETRY_SECONDS,) * (TRIES - 1), ANSWER_SECONDS, lambda status: status == 200, on_result)
    world.deliveries.set_policy("shopwired", policy)


def _note_result(world: World, subject: str, taken: bool) -> None:
    """`subject` is `hook:event`; tries are counted per delivery."""
    with world.db.transaction():
        if taken:
            world.db.execute("DELETE FROM sw_failures WHERE subject = ?", (subject,))
            return
        tries = (world.db.value("SELECT tries FROM sw_failures WHERE subject = ?", (subject,)) or 0) + 1
        world.db.execute("INSERT OR REPLACE INTO sw_failures VALUES (?, ?)", (subject, tries))
        if tries >= TRIES:
            world.db.execute("UPDATE sw_webhooks SET enabled = 0 WHERE id = ?", (int(subject.partition(":")[0]),))


def list_webhooks(ask: Ask) -> Response:
    """All webhooks of the shop."""
    count, offset = ask.page()
    rows = ask.world.db.query(
        "SELECT * FROM sw_webhooks WHERE business = ? ORDER BY id LIMIT ? OFFSET ?", (ask.business, count, offset)
    )
    return answer(ask.world, [_document(row) for row in rows])


def get_webhook(ask: Ask) -> Response:
    """One webhook."""
    return answer(ask.world, _document(_row(ask)))


def create_webhook(ask: Ask) -> Response:
    """201; the handshake runs before the answer, so `verified` tells how it went."""
    topic, url = required_text(ask.given, "topic"), required_text(ask.given, "url")
    enabled = _enabled(ask)
    _check_address(ask.world, url)
    with ask.world.db.transaction():
        _check_topic(ask, topic)
        ident = next_id(ask.world, "webhook")
        ask.world.db.execute(
            "INSERT INTO sw_webhooks VALUES (?, ?, ?, ?, ?, 0)", (ident, ask.business, topic, url, int(enabled))
        )
    _shake_hands(ask, ident, url)
    row = ask.world.db.one("SELECT * FROM sw_webhooks WHERE id = ?", (ident,)) or {}
    return answer(ask.world, _document(row), 201)


def update_webhook(ask: Ask) -> Response:
    """The same fields, all optional; a new address must prove itself again."""
    row = _row(ask)
    topic, url = ask.given.get("topic", row["topic"]), ask.given.get("url", row["url"])
    if url != row["url"]:
        _check_address(ask.world, required_text(ask.given, "url"))
    with ask.world.db.transaction():
        if topic != row["topic"]:
            _check_topic(ask, required_text(ask.given, "topic"))
        ask.world.db.execute(
            "UPDATE sw_webhooks SET topic = ?, url = ?, enabled = ?, verified = ? WHERE id = ?",
            (
                topic,
                url,
                int(_enabled(ask, bool(row["enabled"]))),
                int(row["verified"] and url == row["url"]),
                row["id"],
            ),
        )
    if url != row["url"]:
        _shake_hands(ask, row["id"], url)
    return get_webhook(ask)


def delete_webhook(ask: Ask) -> Response:
    """204."""
    ask.world.db.execute("DELETE FROM sw_webhooks WHERE id = ?", (_row(ask)["id"],))
    return no_content()


def verify_webhook(ask: Ask) -> Response:
    """Sends the handshake again and answers the webhook as it is then."""
    row = _row(ask)
    _shake_hands(ask, row["id"], row["url"])
    return get_webhook(ask)


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "topic": row["topic"],
        "url": row["url"],
        "enabled": bool(row["enabled"]),
        "verified": bool(row["verified"]),
    }


def _row(ask: Ask) -> dict[str, Any]:
    row = ask.world.db.one("SELECT * FROM sw_webhooks WHERE id = ? AND business = ?", (ask.ident(), ask.business))
    if row is None:
        raise ApiError(404, f"There is no webhook with the id {ask.ident()}")
    return row


def _enabled(ask: Ask, default: bool = True) -> bool:
    enabled = ask.given.get("enabled", default)
    if not isinstance(enabled, bool):
        raise ApiError(422, "The field 'enabled' must be true or false")
    return enabled


def _check_address(world: World, url: str) -> None:
    """HTTPS only; plain HTTP to 127.0.0.1 is let through unless the sandbox is told to be strict."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    relaxed = parts.scheme == "http" and parts.hostname == "127.0.0.1"
    if not relaxed or world.setting("limits.strict_https", False):
        raise ApiError(422, "The field 'url' must be an https address")


def _check_topic(ask: Ask, topic: str) -> None:
    if topic not in TOPICS:
        raise ApiError(422, f"There is no topic '{topic}'")
    rows = ask.world.db.query("SELECT id FROM sw_webhooks WHERE business = ? AND topic = ?", (ask.business, topic))
    if len(rows) >= PER_TOPIC:
        raise ApiError(422, f"There can be at most {PER_TOPIC} webhooks for one topic")


def _shake_hands(ask: Ask, ident: int, url: str) -> None:
    """Send a token; the receiver proves that it knows the secret by answering the token's HMAC in plain text.

    Nothing is locked meanwhile: the receiver may well call back before it answers.
    """
    world, token = ask.world, secrets.token_hex(16)
    body = dump({"timestamp": rfc2822(world.clock.now()), "verificationToken": token}).encode()
    expected = hmac.new(webhook_secret(world, ask.business).encode(), token.encode(), hashlib.sha256).hexdigest()
    try:
        reply = httpx.post(
            url, content=body, headers=signed(world, ask.business, body), timeout=ANSWER_SECONDS, trust_env=False
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        return
    is_text = reply.headers.get("content-type", "").startswith("text/plain")
    if reply.status_code == 200 and is_text and hmac.compare_digest(reply.content.strip(), expected.encode()):
        world.db.execute("UPDATE sw_webhooks SET verified = 1 WHERE id = ?", (ident,))
