"""A call as vendors see it, and the one place where every call is counted and faults strike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.faults import OF_HANDLERS, Rule
from sandbox.world import World

MAINTENANCE = (
    "<!doctype html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>"
)
SLOW_SECONDS = 5.0


@dataclass(frozen=True)
class Call:
    """One request, fully read. `path` is exactly as sent (not decoded); `query` is decoded, first value of a name
    wins; `fault` is what the handler itself shall do wrong, such as hiding failures inside a success."""

    method: str
    path: str
    query: dict[str, str]
    headers: Headers
    body: bytes
    params: dict[str, str]
    client_host: str
    fault: str | None = None


Handler = Callable[[Call], Response]


class Voice(Protocol):
    """How one vendor words the failures that any call can meet."""

    name: str

    def limited(self, retry_after: str | None) -> Response:
        """Too many calls."""

    def broken(self, status: int) -> Response:
        """The vendor's own 500, 502 or 503."""

    def expired(self) -> Response:
        """The caller's token has expired."""

    def revoked(self) -> Response:
        """The shop or account took its permission back."""


class Cut(Response):
    """Closes the connection without a byte of answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the transport that `server.CuttableProtocol` put into the scope."""
        scope["sandbox.abort"]()
        await asyncio.sleep(0.01)


def route(world: World, voice: Voice, method: str, path: str, handler: Handler) -> Route:
    """A route whose plain, blocking `handler` runs in a thread, with counting and faults around it."""
    label = f"{method} {path}"

    async def endpoint(request: Request) -> Response:
        call = await read_call(request, dict(request.path_params))
        return await serve(world, voice, label, handler, call)

    return Route(path, endpoint, methods=[method])


async def read_call(request: Request, params: dict[str, str]) -> Call:
    """Read the whole request. A plus sign in the query is a space, as Go servers decode it."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Call(
        method=request.method,
        path=request.scope["raw_path"].decode("latin-1"),
        query=dict(reversed(pairs)),
        headers=request.headers,
        body=await request.body(),
        params=params,
        client_host=request.client.host if request.client else "",
    )


async def serve(world: World, voice: Voice, label: str, handler: Handler, call: Call) -> Response:
    """Count the call, let a fault strike, else answer. `label` is `METHOD /path/{template}`."""
    world.count(f"calls.{voice.name}.{label}")
    rule = world.faults.pick(voice.name, label)
    if rule is None:
        response = await run_in_threadpool(handler, call)
    else:
        world.count(f"faults.{voice.name}.{rule.fault}")
        response = _instead(voice, rule) or await _around(rule, handler, call)
    response.headers["Date"] = formatdate(world.clock.wall(), usegmt=True)
    return response


def _instead(voice: Voice, rule: Rule) -> Response | None:
    """The answer of a fault that keeps the call from having any effect."""
    if rule.fault == "rate_429":
        return voice.limited(rule.retry_after)
    if rule.fault.startswith("http_"):
        return voice.broken(int(rule.fault.removeprefix("http_")))
    if rule.fault == "cut_before":
        return Cut()
    if rule.fault == "html_page":
        return HTMLResponse(MAINTENANCE)
    if rule.fault == "expired_token":
        return voice.expired()
    return voice.revoked() if rule.fault == "revoked_shop" else None


async def _around(rule: Rule, handler: Handler, call: Call) -> Response:
    """Let the call take effect, and spoil its answer."""
    if rule.fault == "slow":
        await asyncio.sleep(SLOW_SECONDS if rule.seconds is None else rule.seconds)
    if rule.fault in OF_HANDLERS:
        call = replace(call, fault=rule.fault)
    response = await run_in_threadpool(handler, call)
    if rule.fault == "cut_after":
        return Cut()
    if rule.fault == "truncated":
        return _same_head(response, bytes(response.body)[: len(response.body) // 2])
    if rule.fault == "wrong_type":
        return _same_head(response, json.dumps(_of_wrong_type(json.loads(bytes(response.body)))).encode())
    return response


def _same_head(response: Response, body: bytes) -> Response:
    return Response(body, response.status_code, media_type=response.headers.get("content-type"))


def _of_wrong_type(value: Any) -> Any:
    """Objects and lists turn into text, so that whoever expects them trips at once."""
    if isinstance(value, dict):
        return {key: "unexpected" if isinstance(inner, dict | list) else inner for key, inner in value.items()}
    return {"unexpected": value}
