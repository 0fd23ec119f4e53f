"""What happened in a shop: a row in the events feed, and a webhook to everybody who asked for the topic."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from starlette.responses import Response

from sandbox.catalogue import BASE_MARK
from sandbox.shopwired.answers import ApiError, dump, list_answer, rfc2822
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.sequences import next_id
from sandbox.world import World

TOPICS = (
    "product.created", "product.updated", "product.deleted", "product.stock_changed",
    "order.created", "order.updated", "order.deleted", "order.finalized", "order.status_changed",
    "order.refund.created", "order.refund.deleted",
    "customer.created", "customer.updated", "customer.deleted",
    "category.created", "category.updated", "category.deleted",
    "brand.created", "brand.updated", "brand.deleted",
    "tag.created", "tag.updated", "tag.deleted", "batch.completed",
)  # fmt: skip


def happened(world: World, business: int, topic: str, subject_id: int, data: str) -> None:
    """Record an event and send its webhooks; `data` is the JSON text of the event's `data`.

    Call it inside the transaction of the change, so that neither exists without the other.
    """
    ident, now = next_id(world, "event"), world.clock.now()
    subject_type = "order_refund" if topic.startswith("order.refund") else topic.partition(".")[0]
    world.db.execute(
        "INSERT INTO sw_events VALUES (?, ?, ?, ?, ?, ?, ?)",
        (ident, business, now, topic, subject_type, subject_id, data),
    )
    hooks = world.db.query(
        "SELECT id, url FROM sw_webhooks WHERE business = ? AND topic = ? AND enabled = 1 AND verified = 1",
        (business, topic),
    )
    if not hooks:
        return
    head = dump(
        {"id": ident, "businessId": business, "createdAt": rfc2822(now), "topic": topic, "subjectType": subject_type,
         "subjectId": subject_id}
    )  # fmt: skip
    text = f'{{"timestamp":{dump(rfc2822(now))},"event":{head[:-1]},"data":{data}}}}}'
    body = text.replace(BASE_MARK, world.base_url).encode("utf-8", "replace")
    for hook in hooks:
        world.deliver("shopwired", topic, f"{hook['id']}:{ident}", hook["url"], signed(world, business, body), body)


def signed(world: World, business: int, body: bytes) -> dict[str, str]:
    """Headers of a webhook: HMAC-SHA256 of the raw body in lower-case hex; none when the shop has no secret."""
    headers = {"Content-Type": "application/json", "User-Agent": "ShopWired-Webhook"}
    secret = webhook_secret(world, business)
    if secret:
        headers["X-ShopWired-Signature"] = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return headers


def webhook_secret(world: World, business: int) -> str:
    """The secret of the shop's API & webhooks page; empty when none is set."""
    return str(world.db.value("SELECT webhook_secret FROM sw_businesses WHERE id = ?", (business,)) or "")


def list_events(ask: Ask) -> Response:
    """`GET /events`: oldest first, filtered by topic, subject, time and `since_id` (ids above it)."""
    count, offset = ask.page()
    wanted: list[tuple[str, Any]] = [("business = ?", ask.business)]
    for name in ("topic", "subject_type"):
        if name in ask.call.query:
            wanted.append((f"{name} = ?", ask.call.query[name]))
    for name, test in (("subject_id", "subject_id = ?"), ("since_id", "id > ?")):
        if ask.call.query.get(name):
            wanted.append((test, ask.whole(name, 0)))
    for name, test in (("created_after", "created > ?"), ("created_before", "created < ?")):
        if ask.call.query.get(name):
            wanted.append((test, _moment(name, ask.call.query[name])))
    rows = ask.world.db.query(
        f"SELECT * FROM sw_events WHERE {' AND '.join(test for test, _ in wanted)} ORDER BY id LIMIT ? OFFSET ?",
        (*(value for _, value in wanted), count, offset),
    )
    return list_answer(ask.world, (_document(row) for row in rows))


def _document(row: dict[str, Any]) -> str:
    head = dump(
        {"id": row["id"], "createdAt": rfc2822(row["created"]), "generator": "system", "topic": row["topic"],
         "subjectType": row["subject_type"], "subjectId": row["subject_id"]}
    )  # fmt: skip
    return f'{head[:-1]},"data":{row["data"]}}}'


def _moment(name: str, text: str) -> float:
    """Unix seconds from unix text, RFC 2822 or ISO 8601; the documents do not say which is meant."""
    for read in (float, lambda value: parsedate_to_datetime(value).timestamp(), _iso):
        try:
            return read(text)
        except (ValueError, TypeError):
            continue
    raise ApiError(400, f"The parameter '{name}' is no date")


def _iso(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
