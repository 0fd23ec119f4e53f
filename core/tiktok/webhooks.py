"""TikTok Shop's webhooks: who sent it, and what it says (Partner Center, "Webhooks overview")."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

from core.tiktok import endpoints
from core.tiktok.calls import ShopResource, json_bytes
from core.tiktok.fields import Fields

# Topic number: (event type in the Event API, what it is about). Numbers absent here are kept and not acted on.
TOPICS: Mapping[int, str] = {
    1: "ORDER_STATUS_CHANGE",
    2: "REVERSE_STATUS_UPDATE",
    3: "RECIPIENT_ADDRESS_UPDATE",
    4: "PACKAGE_UPDATE",
    5: "PRODUCT_STATUS_CHANGE",
    6: "SELLER_DEAUTHORIZATION",
    7: "UPCOMING_AUTHORIZATION_EXPIRATION",
    11: "CANCELLATION_STATUS_CHANGE",
    12: "RETURN_STATUS_CHANGE",
    15: "PRODUCT_INFORMATION_CHANGE",
    16: "PRODUCT_CREATION",
    18: "PRODUCT_CATEGORY_CHANGE",
    37: "PRODUCT_AUDIT_STATUS_CHANGE",
}
WANTED = tuple(TOPICS[number] for number in (1, 3, 4, 5, 6, 7, 11, 15, 18, 37))
# These the Event API cannot register; a seller's app has them switched on in Partner Center, and then they come too.
UNREGISTERED: Mapping[int, str] = {24: "FBT_INVENTORY", 27: "INVENTORY_STATUS", 68: "INVENTORY_UPDATE"}


class Malformed(Exception):
    """The body of a webhook is not what TikTok Shop documents."""


@dataclass(frozen=True, slots=True)
class Push:
    """One webhook. ``kind`` is TikTok's topic number and ``topic`` its name ("" when we do not know the number).

    ``notification_id`` is the same in every repeat of a push, and "" where the topic has none. ``shop_id`` is "" for
    topics about the seller. It is a hint: fetch the record before acting on it.
    """

    kind: int
    topic: str
    shop_id: str
    notification_id: str
    at: datetime
    data: Mapping[str, Any]

    @property
    def product_id(self) -> str:
        """The product concerned, or "". Topics 5, 16 and 37 send it as a number; no digit is lost."""
        return _id(self.data.get("product_id"))

    @property
    def sku_id(self) -> str:
        """The SKU whose stock changed (topics 24, 27 and 68), or ""."""
        return _id(self.data.get("sku_id"))

    @property
    def order_ids(self) -> tuple[str, ...]:
        """The orders concerned: one for topics 1, 2, 3, 11 and 12, those of every package for topic 4."""
        packages = self.data.get("package_list")
        listed = [one.get("order_id_list") for one in packages if isinstance(one, dict)] if _is_list(packages) else []
        named = [self.data.get("order_id"), *(order_id for ids in listed if _is_list(ids) for order_id in ids)]
        return tuple(dict.fromkeys(found for order_id in named if (found := _id(order_id))))


def verify(app_key: str, app_secret: str, body: bytes, authorization: str) -> bool:
    """Whether ``authorization`` signs these raw bytes: hex HMAC-SHA256 of app key + body, compared in constant time.

    An app without key or secret verifies nothing.
    """
    if not app_key or not app_secret:
        return False
    expected = hmac.new(app_secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), authorization.strip().encode())


def parse(body: bytes) -> Push:
    """Raises ``Malformed`` with a sentence; verify first."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("TikTok Shop's webhook is not JSON.") from error
    if not isinstance(sent, dict) or not isinstance(sent.get("type"), int):
        raise Malformed("TikTok Shop's webhook has no topic number.")
    data, timestamp = sent.get("data", {}), sent.get("timestamp", 0)
    if not isinstance(data, dict) or not isinstance(timestamp, int) or not 0 <= timestamp < 1 << 36:
        raise Malformed(f"TikTok Shop's webhook of topic {sent['type']} has another shape than documented.")
    return Push(
        kind=sent["type"],
        topic=TOPICS.get(sent["type"]) or UNREGISTERED.get(sent["type"], ""),
        shop_id=str(sent.get("shop_id") or ""),
        notification_id=str(sent.get("tts_notification_id") or ""),
        at=datetime.fromtimestamp(timestamp, UTC),
        data=data,
    )


def _id(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value else ""


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


class ShopWebhooks(ShopResource):
    """What is sent to us, and where to."""

    def register_webhooks(self, address: str) -> tuple[str, ...]:
        """Have every topic we use sent to ``address``; returns the topics. Sets only those that differ."""
        present = self._calls.call(endpoints.WEBHOOKS, read=_addresses)
        for topic in WANTED:
            if present.get(topic) != address:
                body = json_bytes({"event_type": topic, "address": address})
                self._calls.call(endpoints.WEBHOOK_SET, body=body, read=_nothing)
        return WANTED

    def remove_webhooks(self) -> None:
        present = self._calls.call(endpoints.WEBHOOKS, read=_addresses)
        for topic in WANTED:
            if topic in present:
                self._calls.call(endpoints.WEBHOOK_END, body=json_bytes({"event_type": topic}), read=_nothing)


def _addresses(data: Fields) -> dict[str, str]:
    return {hook.text("event_type"): hook.text("address") for hook in data.items("webhooks")}


def _nothing(data: Fields) -> None:
    return None
