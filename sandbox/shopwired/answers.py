"""How ShopWired answers: JSON texts, its error body, RFC 2822 dates."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.responses import Response

from sandbox.catalogue import BASE_BYTES
from sandbox.world import World

# Own numbers of the error body. ShopWired lists none but 2, so these are the sandbox's choice.
CODES = {400: 10, 401: 1, 403: 3, 404: 4, 405: 5, 415: 6, 422: 12, 429: 9, 500: 99, 502: 99, 503: 99}
BROKEN_HTML = (
    "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
)


# Made once: json.dumps makes a new encoder for every call that is not plain.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


class ApiError(Exception):
    """A refusal with its HTTP status and the sentence of the error body."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def error_answer(error: ApiError) -> Response:
    """The error body `{"code": int, "message": str}` (ShopWired help, API errors)."""
    body = dump({"code": CODES[error.status], "message": error.message})
    return Response(body, error.status, headers=error.headers, media_type="application/json")


def dump(value: Any) -> str:
    """Compact JSON."""
    return _ENCODER.encode(value)


def text_answer(world: World, text: str, status: int = 200) -> Response:
    """Answer a JSON text; stored mentions of the sandbox's own address get the address of today."""
    body = text.encode("utf-8", "replace").replace(BASE_BYTES, world.base_url.encode())
    return Response(body, status, media_type="application/json")


def answer(world: World, value: Any, status: int = 200) -> Response:
    """Answer a value as JSON."""
    return text_answer(world, dump(value), status)


def list_answer(world: World, texts: Iterable[str]) -> Response:
    """A bare array of documents."""
    return text_answer(world, "[" + ",".join(texts) + "]")


def no_content() -> Response:
    """204 after a delete."""
    return Response(status_code=204)


def rfc2822(seconds: float) -> str:
    """`Mon, 23 Nov 2015 18:42:29 +0000` for unix seconds."""
    return format_datetime(datetime.fromtimestamp(int(seconds), UTC))


class ShopWiredVoice:
    """ShopWired's words for the failures of `sandbox.faults`."""

    name = "shopwired"

    def limited(self, retry_after: str | None) -> Response:
        """429 with the error body; the header only when the fault asks for it."""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return error_answer(ApiError(429, "Too many requests", headers))

    def broken(self, status: int) -> Response:
        """502 is a gateway's HTML page, 500 and 503 are ShopWired's own."""
        if status == 502:
            return Response(BROKEN_HTML, 502, media_type="text/html")
        return error_answer(ApiError(status, "Something went wrong on our side"))

    def expired(self) -> Response:
        """A key that was deleted in the admin."""
        return error_answer(ApiError(401, "The API key or secret is wrong"))

    def revoked(self) -> Response:
        """A key that lost its permission."""
        return error_answer(ApiError(403, "This API key does not have the permission for this call"))
