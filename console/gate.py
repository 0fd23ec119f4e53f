"""In front of everything the console serves: nobody passes without a session, and every answer is guarded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.services import people
from core.services.database import transaction

SESSION_COOKIE = "crossdock_session"
PUBLIC_PATHS = frozenset({"/login", "/sign-in", "/_stcore/health"})
_REMEMBERED_S = 5.0

# Everything comes from this very server. Streamlit needs inline styles, its own evaluated code and blob workers.
_CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "connect-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", _CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class SecurityHeaders:
    """Adds the headers that keep other sites from framing the console or pulling it apart."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self.app(scope, receive, with_headers)


class Gate:
    """Lets only signed-in people through, to pages, files and the websocket alike.

    A page is redirected to the sign-in form; anything else gets 401, so that a picture or a favicon never loads the
    form behind somebody's back.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._seen: MutableMapping[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if await self._may_pass(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401})
        else:
            await _refusal(scope)(scope, receive, send)

    async def _may_pass(self, scope: Scope) -> bool:
        if scope["type"] not in ("http", "websocket") or scope["path"] in PUBLIC_PATHS:
            return True
        token = cookie(scope, SESSION_COOKIE)
        # One page load asks for 150 script files: these alone may rely on an answer that is a few seconds old.
        is_file = scope["type"] == "http" and scope["path"].startswith("/static/")
        if is_file and self._seen.get(token, 0.0) > time.monotonic():
            return True
        known = bool(token) and await asyncio.to_thread(_has_session, token)
        self._remember(token, known)
        return known

    def _remember(self, token: str, known: bool) -> None:
        at = time.monotonic()
        for old in [name for name, until in self._seen.items() if until <= at]:
            del self._seen[old]
        if known:
            self._seen[token] = at + _REMEMBERED_S
        else:
            self._seen.pop(token, None)


def cookie(scope: Scope, name: str) -> str:
    """The value of a cookie, or "" without it."""
    for header, value in scope["headers"]:
        if header == b"cookie":
            try:
                jar = SimpleCookie(value.decode("latin-1"))
            except CookieError:
                return ""
            if name in jar:
                return jar[name].value
    return ""


def _has_session(token: str) -> bool:
    with transaction() as connection:
        return people.session_user(connection, token, touch=False) is not None


def _refusal(scope: Scope) -> Any:
    wants_page = any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
    if wants_page and scope["method"] == "GET":
        return RedirectResponse("/login", 303)
    return PlainTextResponse("Sign in first.", 401)
