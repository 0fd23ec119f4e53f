"""ShopWired's webhooks: its signature, its verification handshake, and the change one tells of.

Facts: ShopWired help, "Webhooks" (Verification, Signature, Payload).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from core.domain.catalog import Change
from core.stores import wire
from core.stores.shopwired.mapping import change_from

SIGNATURE_HEADER = "x-shopwired-signature"

# One webhook per topic; these are all the hints we use.
TOPICS = (
    "product.created",
    "product.updated",
    "product.deleted",
    "product.stock_changed",
    "category.created",
    "category.updated",
    "category.deleted",
    "brand.created",
    "brand.updated",
    "brand.deleted",
    "order.created",
    "order.updated",
    "order.deleted",
    "order.finalized",
    "order.status_changed",
    "order.refund.created",
)


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the header ``X-ShopWired-Signature`` is the HMAC-SHA256 of the raw body, in lower-case hex.

    Compared in constant time. Without a secret nothing is genuine: ShopWired then sends unsigned webhooks.
    """
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER), "")
    return bool(secret) and hmac.compare_digest(_hex(secret, body).encode(), given.encode("utf-8", "replace"))


def handshake_answer(secret: str, body: bytes) -> str | None:
    """The plain text that proves we know the secret when ShopWired checks an address, or None for other bodies.

    ShopWired posts ``{"timestamp", "verificationToken"}``, signed like any webhook; check ``is_genuine`` first.
    """
    token = _parsed(body).get("verificationToken")
    return _hex(secret, token.encode("utf-8", "replace")) if isinstance(token, str) and token else None


def change_in(body: bytes) -> Change | None:
    """What a webhook tells, or None when it is about something we do not keep. Its ``event_id`` names the delivery."""
    return change_from(_parsed(body).get("event"))


def _hex(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        return wire.fields(json.loads(body))
    except (ValueError, RecursionError):
        return {}
