"""The gateway in front of every signed call: each documented check, in the documented order, with its own code.

Path, method, app key, timestamp, signature, token, scope, cipher, rate, content type, schema; then the endpoint.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.calls import Call, read_call, serve
from sandbox.database import Row
from sandbox.tiktok import accounts, schema
from sandbox.tiktok.accounts import Shop, Token
from sandbox.tiktok.answers import UNKNOWN_TOKEN, Refused, Rendered, TikTokVoice, failure, success
from sandbox.tiktok.rates import Limited, Rates
from sandbox.tiktok.signing import is_signed
from sandbox.world import World

MODULES = (
    "authorization", "event", "fbt", "finance", "fulfillment", "logistics", "order", "product", "promotion",
    "return_refund", "seller", "supply_chain",
)  # fmt: skip
OLDEST_SECONDS, NEWEST_SECONDS = 5 * 60, 30
MULTIPART = "multipart/form-data"
LARGEST_BODY = 110 * 1024 * 1024
VERSION = re.compile(r"20\d{4}")


@dataclass(frozen=True)
class Ask:
    """A call that passed the gateway. `shop` is the one of the cipher, or of the token where no cipher is taken."""

    world: World
    shop: Shop
    app: Row
    token: Token
    query: dict[str, Any]
    body: dict[str, Any]
    params: dict[str, str]
    form: FormData
    fault: str | None


@dataclass(frozen=True)
class Endpoint:
    """One row of the table in endpoints.py. Any one of `scopes` is enough. `cipher` is `required`, `refused` or
    `ignored`; `label` names the field list to check against when it differs from method and path."""

    method: str
    path: str
    scopes: tuple[str, ...]
    handler: Callable[[Ask], dict[str, Any] | Rendered]
    cipher: str = "required"
    is_write: bool = False
    is_multipart: bool = False
    label: str = ""
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Turn `{name}` parts into groups."""
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)))

    @property
    def name(self) -> str:
        """`METHOD /path/{template}`, as counters and fault rules call it."""
        return f"{self.method} {self.path}"


def routes(world: World, endpoints: Sequence[Endpoint]) -> list[BaseRoute]:
    """One route per module; what is below it is matched here, so that unknown paths get TikTok's own words."""
    gate, voice = Gate(world), TikTokVoice()

    async def door(request: Request) -> Response:
        path = request.url.path
        matches = [(one, found) for one in endpoints if (found := one.pattern.fullmatch(path))]
        matches.sort(key=lambda match: len(match[1].groupdict()))
        for endpoint, found in matches:
            if endpoint.method == request.method:
                call = await read_call(request, found.groupdict())
                form = await _read_form(call) if endpoint.is_multipart else FormData()
                return await serve(world, voice, endpoint.name, partial(gate.answer, endpoint, form), call)
        return failure(_unknown_path(path, bool(matches)))

    methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    return [Route(f"/{module}/{{rest:path}}", door, methods=methods) for module in MODULES]


def _unknown_path(path: str, has_other_method: bool) -> Refused:
    if has_other_method:
        return Refused(36009010, "Invalid method. The HTTP method used is not supported by this endpoint.")
    parts = path.split("/")
    if len(parts) > 2 and not VERSION.fullmatch(parts[2]):
        return Refused(36009014, "Invalid API version. The 'version' value is invalid or unsupported.")
    return Refused(36009009, "Invalid path. The specified path does not match any available endpoint.")


async def _read_form(call: Call) -> FormData:
    """The parts of a multipart body; empty when it is none, which the content-type check then says."""

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield call.body

    if _media_type(call.headers) != MULTIPART or len(call.body) > LARGEST_BODY:
        return FormData()
    try:
        return await MultiPartParser(call.headers, chunks()).parse()
    except (MultiPartException, KeyError):
        return FormData()


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


class Gate:
    """The checks, with the state they need."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rates = Rates(world)

    def answer(self, endpoint: Endpoint, form: FormData, call: Call) -> Response:
        """Check the call and let the endpoint answer."""
        try:
            return success(endpoint.handler(self._checked(endpoint, call, form)))
        except Limited as error:
            answer = failure(error)
            if self._world.setting("tiktok.retry_after", True):
                answer.headers["Retry-After"] = str(error.retry_after)
            return answer
        except Refused as error:
            self._world.count(f"tiktok.refused.{error.code}")
            return failure(error)

    def _checked(self, endpoint: Endpoint, call: Call, form: FormData) -> Ask:
        app = accounts.app(self._world, call.query.get("app_key", ""))
        if app is None:
            raise Refused(36009004, "Invalid credentials. Invalid 'app_key' query parameter.")
        _check_timestamp(call.query.get("timestamp", ""), self._world.clock.wall())
        self._check_signature(app["app_secret"], call)
        token = accounts.check_token(self._world, app["app_key"], _token_of(call))
        if not token.scopes.intersection(endpoint.scopes):
            raise Refused(105005, "Access denied. The app has not been granted any access scope required by this "
                          "endpoint. Add the scope, reauthorize and retry with the new token.")  # fmt: skip
        shop = self._shop(endpoint, call, token)
        self._rates.take(app["app_key"], shop.id, endpoint.name, is_write=endpoint.is_write)
        _check_content_type(endpoint, call)
        label = endpoint.label or endpoint.name
        query = schema.read_query(label, call.query)
        body = {} if endpoint.is_multipart else self._body(label, call)
        return Ask(self._world, shop, app, token, query, body, call.params, form, call.fault)

    def _check_signature(self, secret: str, call: Call) -> None:
        if not call.query.get("sign"):
            self._world.count("tiktok.rejected_signatures")
            raise Refused(
                36009004, "Missing credentials. The request does not include a required signature in the query."
            )
        signed_body = b"" if _media_type(call.headers) == MULTIPART else call.body
        if not is_signed(secret, call.path, call.query, signed_body):
            self._world.count("tiktok.rejected_signatures")
            raise Refused(106001, "Invalid credentials. The 'sign' query parameter is invalid.")

    def _shop(self, endpoint: Endpoint, call: Call, token: Token) -> Shop:
        given = call.query.get("shop_cipher")
        refused = endpoint.cipher == "refused"
        refused |= endpoint.cipher == "ignored" and self._world.setting("tiktok.strict_cipher", False)
        if given is not None and refused:
            raise Refused(
                36009004, "Unexpected identifier. The 'shop_cipher' query parameter is not required for this request."
            )
        if endpoint.cipher == "required":
            if not given:
                raise Refused(
                    106013,
                    "Missing identifier. The 'shop_cipher' query parameter is required to identify the target shop.",
                )
            if given != accounts.cipher(token.app_key, token.shop_id):
                raise Refused(106011, "Invalid identifier. The 'shop_cipher' query parameter is invalid.")
        shop = accounts.shop(self._world, token.shop_id)
        if not shop.is_active and endpoint.cipher == "required":
            raise Refused(36009043, "Access denied. The shop is inactive.")
        return shop

    def _body(self, label: str, call: Call) -> dict[str, Any]:
        if call.method == "GET":
            return {}
        try:
            body = json.loads(call.body or b"{}")
        except ValueError as error:
            raise Refused(36009004, schema.INVALID) from error
        is_draft = isinstance(body, dict) and body.get("save_mode") == "AS_DRAFT"
        for name in schema.check_body(label, body, relaxed=is_draft):
            self._world.count(f"tiktok.ignored_fields.{label} {name}")
        parsed: dict[str, Any] = body
        return parsed


def _check_timestamp(text: str, now: float) -> None:
    if not text.lstrip("-").isdigit():
        raise Refused(36009004, "Invalid timestamp. The 'timestamp' query parameter must be a Unix time in seconds.")
    if int(text) < 0:
        raise Refused(36009004, "Invalid timestamp. The 'timestamp' query parameter must not be lesser than 0.")
    if int(text) < int(now) - OLDEST_SECONDS:
        words = "must not be earlier than 5 minutes before the current time."
        raise Refused(36009004, f"Invalid timestamp. The 'timestamp' query parameter {words}")
    if int(text) > now + NEWEST_SECONDS:
        words = "must not exceed the current time by more than 30 seconds."
        raise Refused(36009004, f"Invalid timestamp. The 'timestamp' query parameter {words}")


def _token_of(call: Call) -> str:
    token = call.headers.get("x-tts-access-token", "")
    if not token:
        raise UNKNOWN_TOKEN
    return token


def _check_content_type(endpoint: Endpoint, call: Call) -> None:
    if len(call.headers.getlist("content-type")) > 1:
        raise Refused(36009022, "Invalid request format. Only one 'content-type' header is allowed.")
    if endpoint.is_multipart and _media_type(call.headers) != MULTIPART:
        raise Refused(36009023, "Invalid request format. 'content-type' must be 'multipart/form-data'.")
    if len(call.body) > LARGEST_BODY:
        raise Refused(36009021, "Invalid file size. The uploaded file size exceeds the maximum limit.")
    is_json = _media_type(call.headers) == "application/json"
    if not endpoint.is_multipart and call.method != "GET" and call.body and not is_json:
        raise Refused(36009022, "Invalid request format. The body must be 'application/json' or 'multipart/form-data'.")
