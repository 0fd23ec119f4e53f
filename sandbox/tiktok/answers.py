"""Answers as TikTok Shop words them: envelope, request id, gateway failures (Partner Center, Common errors)."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/json; charset=utf-8"
EAST_8 = 8 * 3600
MORE = " For more details: https://m.tiktok.shop/s/AIrCq9"

# Gateway failures carry a true HTTP status; every other code comes with 200.
HTTP_STATUS = {
    36009002: 429,
    36009003: 500,
    36009004: 400,
    36009007: 504,
    36009009: 404,
    36009010: 405,
    36009014: 400,
    36009021: 413,
    36009022: 400,
    36009023: 400,
    36009037: 429,
    36009043: 401,
    105002: 401,
    105005: 401,
    106001: 401,
    106011: 400,
    106013: 400,
}


class Refused(Exception):
    """The call is answered with a code other than 0."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


def missing_field(name: str) -> Refused:
    """A mandatory field is absent; `name` is the server's struct name, such as `MainImages`."""
    return Refused(36009004, f"{name} is a required field and has not been provided.")


def invalid_parameter(name: str, reason: str, expected: str) -> Refused:
    """A value that makes no sense."""
    return Refused(98001004, f"Parameter {name} is invalid. Reason: {reason}. Expected: {expected}")


def request_id() -> str:
    """34 characters: the time in UTC+8, then 20 upper-case hex digits."""
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + EAST_8))
    return stamp + secrets.token_hex(10).upper()


@dataclass(frozen=True)
class Rendered:
    """The `data` of an answer as JSON text, for answers too large to be built anew each time."""

    text: str


def success(data: dict[str, Any] | Rendered, message: str = "Success") -> Response:
    """Code 0. The token host says `success` in lower case."""
    if isinstance(data, Rendered):
        words = f'"message":{json.dumps(message)},"request_id":"{request_id()}"'
        return Response(f'{{"code":0,"data":{data.text},{words}}}'.encode(), media_type=MEDIA_TYPE)
    return _envelope(200, {"code": 0, "data": data, "message": message, "request_id": request_id()})


def failure(error: Refused) -> Response:
    """A refusal with the status its code asks for; gateway messages end with a link."""
    status = HTTP_STATUS.get(error.code, 200)
    message = error.message + (MORE if status != 200 else "")
    return _envelope(status, {"code": error.code, "data": None, "message": message, "request_id": request_id()})


def _envelope(status: int, content: dict[str, Any]) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, media_type=MEDIA_TYPE)


class TikTokVoice:
    """Words of the failures that faults ask for."""

    name = "tiktok"

    def limited(self, retry_after: str | None) -> Response:
        """429 with code 36009002."""
        words = "Too many requests. You've made too many requests in a short period of time."
        answer = failure(Refused(36009002, words))
        if retry_after is not None:
            answer.headers["Retry-After"] = retry_after
        return answer

    def broken(self, status: int) -> Response:
        """500 comes from the service with a code; 502 and 503 come from the load balancer as text."""
        if status == 500:
            return failure(Refused(36009003, "Internal error. Please try again."))
        words = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable"}[status]
        return Response(f"<html><body><h1>{words}</h1></body></html>", status, media_type="text/html")

    def expired(self) -> Response:
        """The access token ran out."""
        return failure(EXPIRED_TOKEN)

    def revoked(self) -> Response:
        """The seller took the permission back."""
        return failure(UNKNOWN_TOKEN)


EXPIRED_TOKEN = Refused(105002, "Expired credentials. The 'x-tts-access-token' header has expired.")
UNKNOWN_TOKEN = Refused(36009004, "Invalid credentials. The 'x-tts-access-token' header is invalid.")
