"""Webhooks: who asked for which, and what is sent (Partner Center, Webhooks overview, topics 5, 6, 7, 37)."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from typing import Any

from sandbox.database import Row
from sandbox.deliveries import WebhookPolicy
from sandbox.tiktok import accounts
from sandbox.tiktok.answers import invalid_parameter
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.signing import sign_webhook
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_webhooks (
    app_key TEXT NOT NULL, shop_id TEXT NOT NULL, event_type TEXT NOT NULL, address TEXT NOT NULL,
    create_time INTEGER NOT NULL, update_time INTEGER NOT NULL, PRIMARY KEY (app_key, shop_id, event_type));
"""
TYPES = {
    "ORDER_STATUS_CHANGE": 1,
    "REVERSE_STATUS_UPDATE": 2,
    "RECIPIENT_ADDRESS_UPDATE": 3,
    "PACKAGE_UPDATE": 4,
    "PRODUCT_STATUS_CHANGE": 5,
    "SELLER_DEAUTHORIZATION": 6,
    "UPCOMING_AUTHORIZATION_EXPIRATION": 7,
    "CANCELLATION_STATUS_CHANGE": 11,
    "RETURN_STATUS_CHANGE": 12,
    "NEW_CONVERSATION": 13,
    "NEW_MESSAGE": 14,
    "PRODUCT_INFORMATION_CHANGE": 15,
    "PRODUCT_CREATION": 16,
    "PRODUCT_CATEGORY_CHANGE": 18,
    "NEW_MESSAGE_LISTENER": 33,
    "INVOICE_STATUS_CHANGE": 36,
    "PRODUCT_AUDIT_STATUS_CHANGE": 37,
}
# Topics that only the app's settings in Partner Center can subscribe to.
CONSOLE_TYPES = {"INVENTORY_STATUS_CHANGE": 27, "INVENTORY_UPDATE": 68}
# Both count as an answer; anything else, or nothing within 3 s, is a failure.
POLICY = WebhookPolicy(
    retry_delays=(2 * 60.0, 30 * 60.0, 3 * 3600.0, 12 * 3600.0),
    timeout_seconds=3.0,
    answered=lambda status: status in (200, 401),
)
ADDRESS_LONGEST = 255
PUBLIC_ADDRESS = re.compile(r"https://(?=[^/]*[a-z])[a-z0-9-]+(\.[a-z0-9-]+)+(/\S*)?", re.IGNORECASE)
LOOPBACK_ADDRESS = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?(/\S*)?")
NOTICE_SECONDS = 30 * 86400


def put(ask: Ask) -> dict[str, Any]:
    """Update Shop Webhook: creates or replaces the one address of this event."""
    event_type, address = ask.body["event_type"], ask.body["address"]
    if event_type not in TYPES:
        raise invalid_parameter("event_type", f"{event_type} is unknown", "a documented event type")
    if not _is_acceptable(ask.world, address):
        raise invalid_parameter("address", "it is no public https address", "https, a domain name, no port")
    now = int(ask.world.clock.now())
    ask.world.db.execute(
        "INSERT INTO tt_webhooks VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET address = excluded.address, update_time = excluded.update_time",
        (ask.token.app_key, ask.shop.id, event_type, address, now, now),
    )
    return {}


def _is_acceptable(world: World, address: str) -> bool:
    """The documents want https, a domain name and no port. Plain http on loopback passes unless told to be strict."""
    if len(address) > ADDRESS_LONGEST:
        return False
    if PUBLIC_ADDRESS.fullmatch(address):
        return True
    return bool(LOOPBACK_ADDRESS.fullmatch(address)) and not world.setting("limits.strict_https", False)


def get(ask: Ask) -> dict[str, Any]:
    """Get Shop Webhooks."""
    rows = ask.world.db.query(
        "SELECT event_type, address, create_time, update_time FROM tt_webhooks WHERE app_key = ? AND shop_id = ?"
        " ORDER BY event_type",
        (ask.token.app_key, ask.shop.id),
    )
    listed = [row for row in rows if row["event_type"] in TYPES]
    return {"total_count": len(listed), "webhooks": listed}


def delete(ask: Ask) -> dict[str, Any]:
    """Delete Shop Webhook; succeeds also when there was none."""
    ask.world.db.execute(
        "DELETE FROM tt_webhooks WHERE app_key = ? AND shop_id = ? AND event_type = ?",
        (ask.token.app_key, ask.shop.id, ask.body["event_type"]),
    )
    return {}


def send(world: World, event_type: str, shop_id: str, data: dict[str, Any]) -> None:
    """Send the event to every app that registered an address for it. The body is compact JSON."""
    send_many(world, event_type, shop_id, [data])


def send_many(world: World, event_type: str, shop_id: str, events: Sequence[dict[str, Any]]) -> None:
    """Send several events of one type, in their order."""
    rows = world.db.query(
        "SELECT app_key, app_secret, address FROM tt_webhooks JOIN tt_apps USING (app_key)"
        " WHERE shop_id = ? AND event_type = ?",
        (shop_id, event_type),
    )
    if not rows:
        return
    with world.db.transaction():
        for data in events:
            for row in rows:
                _send_one(world, event_type, shop_id, data, row)


def _send_one(world: World, event_type: str, shop_id: str, data: dict[str, Any], row: Row) -> None:
    envelope = {
        "type": (TYPES | CONSOLE_TYPES)[event_type],
        "tts_notification_id": str(secrets.randbelow(9 * 10**18) + 10**18),
        "shop_id": shop_id,
        "timestamp": int(world.clock.now()),
        "data": data,
    }
    body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
    signature = sign_webhook(row["app_key"], row["app_secret"], body)
    headers = {"Content-Type": "application/json", "Authorization": signature}
    world.deliver("tiktok", event_type, f"{row['app_key']}:{shop_id}", row["address"], headers, body)


def status_changed(
    world: World, shop_id: str, product_id: str, status: str = "PRODUCT_STATUS_CHANGED", reason: str = ""
) -> None:
    """Topic 5. The product id is a number here, unlike everywhere else."""
    data = {
        "product_id": int(product_id),
        "status": status,
        "suspended_reason": reason,
        "update_time": int(world.clock.now()),
    }
    send(world, "PRODUCT_STATUS_CHANGE", shop_id, data)


def audit_changed(world: World, shop_id: str, product_id: str, audit: str, pre_approved: list[str]) -> None:
    """Topic 37, again with a number."""
    data = {
        "product_id": int(product_id),
        "audit": {"status": audit, "pre_approved_reason": pre_approved},
        "integrated_platform_statuses": [],
        "update_time": int(world.clock.now()),
    }
    send(world, "PRODUCT_AUDIT_STATUS_CHANGE", shop_id, data)


def deauthorize(world: World, app_key: str, shop_id: str) -> bool:
    """End the permission and tell the app (topic 6); its webhooks of this shop end with it."""
    granted = accounts.revoke(world, app_key, shop_id)
    if granted:
        message = f"The seller of shop {shop_id} has deauthorized the app."
        send(world, "SELLER_DEAUTHORIZATION", shop_id, {"message": message})
        world.db.execute("DELETE FROM tt_webhooks WHERE app_key = ? AND shop_id = ?", (app_key, shop_id))
    return granted


def notice_expiring(world: World) -> None:
    """Topic 7: from 30 days before the end of an authorization, once a day at 00:00 UTC."""
    now = world.clock.now()
    today = int(now // 86400)
    due = world.db.query(
        "SELECT * FROM tt_grants WHERE refresh_expires BETWEEN ? AND ? AND COALESCE(noticed_day, 0) < ?",
        (now, now + NOTICE_SECONDS, today),
    )
    for grant in due:
        world.db.execute("UPDATE tt_grants SET noticed_day = ? WHERE shop_id = ? AND app_key = ?",
                         (today, grant["shop_id"], grant["app_key"]))  # fmt: skip
        end = str(int(grant["refresh_expires"]))
        data = {"message": f"The authorization of shop {grant['shop_id']} expires soon.", "expiration_time": end}
        send(world, "UPCOMING_AUTHORIZATION_EXPIRATION", grant["shop_id"], data)
