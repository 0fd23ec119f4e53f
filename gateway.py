"""The public door: webhooks, the return from the Shop's authorise page, short links, health and metrics.

Every answer takes milliseconds: nothing remote is asked here, what comes in is verified, kept and left to a job.
Without the database it answers 503 and serves again as soon as the database does.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import uvicorn
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from core import wiring
from core.config import Settings, SettingsError, settings
from core.domain.version import BUILT, TIKTOK_API, VERSION
from core.logs import configure, log
from core.services import authorisation, short_links, vitals
from core.services.database import DATABASE_TROUBLE, transaction, wait_for_schema
from core.services.webhook_intake import Door, Outcome, verify_and_store

MOST_BYTES = 1024 * 1024
BODY_SECONDS = 10.0
_GREATEST_ID = 2**63 - 1
# A page with a code in its address must not tell it to anybody, nor be kept.
_PRIVATE = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"></head>
<body style="font-family:sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem"><h1>{title}</h1><p>{sentence}</p>
{link}</body></html>"""


class Buckets:
    """A token bucket per address, in this process's memory: several gateways each allow as much.

    At most ``most`` addresses are remembered; the longest unseen is forgotten first.
    """

    def __init__(self, *, burst: float, per_second: float, most: int = 10_000) -> None:
        self._burst, self._per_second, self._most = burst, per_second, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, address: str) -> bool:
        moment = time.monotonic()
        with self._lock:
            left, since = self._left.pop(address, (self._burst, moment))
            left = min(self._burst, left + (moment - since) * self._per_second)
            allowed = left >= 1
            self._left[address] = (left - 1 if allowed else left, moment)
            if len(self._left) > self._most:
                self._left.popitem(last=False)
        return allowed


@dataclass(frozen=True)
class Doors:
    """Where the secret that webhooks are signed with comes from; None for senders we do not know."""

    shop: Callable[[str], Door | None]
    store: Callable[[str, int], Door | None]


class _TooLarge(Exception):
    """The body is over the cap; the rest of it is not read."""


class Gateway:
    """The endpoints, with what they count."""

    def __init__(self, config: Settings, doors: Doors) -> None:
        self._config, self._doors = config, doors
        self._clicks = Buckets(burst=30, per_second=3)
        self.registry = CollectorRegistry()
        self._webhooks = Counter(
            "crossdock_webhooks", "Webhooks by source and outcome", ("source", "outcome"), registry=self.registry
        )
        self._redirects = Counter(
            "crossdock_short_links", "Short links asked for", ("outcome",), registry=self.registry
        )
        self._returns = Counter("crossdock_oauth_returns", "Returns from TikTok", ("outcome",), registry=self.registry)
        self._seconds = Histogram(
            "crossdock_webhook_seconds", "Time to answer a webhook", ("source",), registry=self.registry
        )

    def routes(self) -> list[Route]:
        return [
            Route("/webhooks/tiktok/{app_key}", self.tiktok_webhook, methods=["POST"]),
            Route("/webhooks/{platform}/{store_account_id:int}", self.store_webhook, methods=["POST"]),
            Route("/oauth/tiktok/return", self.oauth_return, methods=["GET"]),
            Route("/tiktok-{code}", self.short_link, methods=["GET"]),
            Route("/healthz", self.health, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def tiktok_webhook(self, request: Request) -> Response:
        """TikTok Shop wants 200 with an empty body within 3 seconds, 401 for a bad signature (Partner Center,
        "Webhooks overview")."""
        app_key = request.path_params["app_key"]
        return await self._webhook("tiktok", lambda: self._doors.shop(app_key), request)

    async def store_webhook(self, request: Request) -> Response:
        platform, account = request.path_params["platform"], request.path_params["store_account_id"]
        fits = account <= _GREATEST_ID
        return await self._webhook("store", lambda: self._doors.store(platform, account) if fits else None, request)

    async def _webhook(self, source: str, find_door: Callable[[], Door | None], request: Request) -> Response:
        started = time.monotonic()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except _TooLarge:
            self._webhooks.labels(source, "too_large").inc()
            return Response(status_code=413)
        except (TimeoutError, ClientDisconnect):
            self._webhooks.labels(source, "cut_off").inc()
            return Response(status_code=408)
        status, text, outcome = await run_in_threadpool(_received, find_door, request, body)
        self._webhooks.labels(source, outcome).inc()
        self._seconds.labels(source).observe(time.monotonic() - started)
        return PlainTextResponse(text, status) if text else Response(status_code=status)

    def oauth_return(self, request: Request) -> Response:
        """Keeps the code for the user who started; anybody else who comes here changes nothing."""
        given = {name: request.query_params.get(name, "")[:2000] for name in ("state", "code", "error")}
        with transaction() as connection:
            returned = authorisation.store_return(connection, **given)
        self._returns.labels("kept" if returned.ok else "refused").inc()
        log().info("oauth return", action="oauth_return", ok=returned.ok)
        title = "Almost there" if returned.ok else "The Shop was not connected"
        page = _PAGE.format(title=title, sentence=escape(returned.sentence), link=self._console_link(request))
        return HTMLResponse(page, 200 if returned.ok else 400, headers=_PRIVATE)

    def short_link(self, request: Request) -> Response:
        if not self._clicks.take(_bucket_of(request)):
            self._redirects.labels("limited").inc()
            return PlainTextResponse("Too many requests: try again in a few seconds.", 429, {"retry-after": "5"})
        with transaction() as connection:
            url = short_links.resolve(connection, request.path_params["code"], count=request.method == "GET")
        self._redirects.labels("found" if url else "unknown").inc()
        if url is None:
            return PlainTextResponse("There is no such link.", 404)
        return RedirectResponse(url, 302, headers={"cache-control": "no-store"})

    def health(self, _: Request) -> Response:
        known = {"version": VERSION, "built": BUILT, "tiktok_api": TIKTOK_API}
        try:
            at = vitals.database_time()
        except DATABASE_TROUBLE:
            return JSONResponse({"status": "down", **known, "database": "unreachable"}, 503)
        return JSONResponse({"status": "ok", **known, "database": "ok", "database_time": at})

    def metrics(self, request: Request) -> Response:
        """For this machine, or with the bearer token of the settings."""
        if not self._may_read_metrics(request):
            return PlainTextResponse("Not allowed.", 403)
        present = CollectorRegistry()
        for name, value in vitals.gauges().items():
            Gauge(f"crossdock_{name}", name.replace("_", " "), registry=present).set(value)
        return Response(generate_latest(self.registry) + generate_latest(present), media_type=CONTENT_TYPE_LATEST)

    def _may_read_metrics(self, request: Request) -> bool:
        token = self._config.metrics_token.get_secret_value()
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and hmac.compare_digest(given.encode(), token.encode()):
            return True
        # Behind a proxy on this machine everybody seems to be local; such a proxy names who is not.
        forwarded = any(name in request.headers for name in _FORWARDED)
        return _is_local(request.client.host if request.client else "") and not forwarded and _asks_locally(request)

    def _console_link(self, request: Request) -> str:
        if not _asks_locally(request):
            return ""
        return f'<p><a href="{self._config.console_url}/settings">Back to the console</a></p>'


def build_app(config: Settings, doors: Doors) -> Starlette:
    gateway = Gateway(config, doors)
    handlers = dict.fromkeys(DATABASE_TROUBLE, _without_database)
    return Starlette(routes=gateway.routes(), exception_handlers=handlers)


def _received(find_door: Callable[[], Door | None], request: Request, body: bytes) -> tuple[int, str, str]:
    """(status, body, what to count). A sender we do not know cannot be verified, so it is refused alike."""
    door = find_door()
    if door is None:
        return 401, "", str(Outcome.FORGED)
    receipt = verify_and_store(door, request.headers, body)
    return 401 if receipt.outcome is Outcome.FORGED else 200, receipt.text, str(receipt.outcome)


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MOST_BYTES:
        raise _TooLarge
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise _TooLarge
        parts.append(part)
    return b"".join(parts)


def _without_database(_: Request, error: Exception) -> Response:
    log().warning("the database cannot be reached", action="gateway", error=type(error).__name__)
    return PlainTextResponse("The database cannot be reached: try again shortly.", 503, {"retry-after": "5"})


def _bucket_of(request: Request) -> str:
    """An IPv6 caller has a whole /64 to choose addresses from, so that is what is limited."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _asks_locally(request: Request) -> bool:
    """Whether the address asked for is this machine's own."""
    host = request.url.hostname or ""
    return host == "localhost" or _is_local(host)


def main() -> None:
    try:
        config = settings()
    except SettingsError as error:
        sys.exit(str(error))
    configure(config.log_level)
    try:
        wait_for_schema()
    except RuntimeError as error:
        sys.exit(str(error))
    # No access log: the address of an OAuth return holds its code.
    uvicorn.run(
        build_app(config, Doors(wiring.shop_door, wiring.store_door)),
        host=config.gateway_address,
        port=config.gateway_port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=15,
    )


if __name__ == "__main__":
    main()
