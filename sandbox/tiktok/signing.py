"""Signatures of requests (Partner Center, Sign your API request) and of webhooks (Webhooks configuration guide)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

UNSIGNED = ("sign", "access_token")


def sign_request(secret: str, path: str, query: Mapping[str, str], body: bytes) -> str:
    """64 lower-case hex digits over the path as sent, the decoded query in byte order of its names, and the raw body
    (pass an empty one for multipart)."""
    names = sorted((name for name in query if name not in UNSIGNED), key=str.encode)
    text = path + "".join(name + query[name] for name in names)
    message = secret.encode() + text.encode() + body + secret.encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_signed(secret: str, path: str, query: Mapping[str, str], body: bytes) -> bool:
    """Whether `sign` fits. For the body `{}` both forms pass: two official clients leave it out of the signature."""
    given = query.get("sign", "")
    forms = [body, b""] if body == b"{}" else [body]
    return any(hmac.compare_digest(sign_request(secret, path, query, form), given) for form in forms)


def sign_webhook(app_key: str, secret: str, body: bytes) -> str:
    """The `Authorization` header of a webhook: over app key and raw body, without path or time."""
    return hmac.new(secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()
