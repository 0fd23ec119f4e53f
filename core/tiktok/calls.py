"""One signed call to TikTok Shop, whatever it is about: query, signature, token, clock, envelope, repeats."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from core.domain.errors import Refused
from core.http import policy
from core.http.client import Answer, Call, HttpClient, Part, Unreadable, Verdict
from core.ports import TokenVault
from core.tiktok import errors
from core.tiktok.endpoints import Endpoint
from core.tiktok.fields import Fields
from core.tiktok.signing import clock_of, sign

T = TypeVar("T")
JSON = "application/json"
_REMEMBER_TOKEN_S = 5.0


@dataclass(frozen=True, slots=True)
class _Ask(Generic[T]):
    """A call before it is signed. ``read`` turns the envelope's ``data`` into what the caller wants."""

    endpoint: Endpoint
    read: Callable[[Fields], T]
    place: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes | None
    files: Sequence[Part] | None
    priority: int


@dataclass(frozen=True, slots=True)
class _Remembered:
    token: str = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True)
class App:
    """The TikTok app that signs, and where its API is."""

    api_url: str
    app_key: str
    app_secret: str = field(repr=False)


class SignedCalls:
    """Calls for one Shop, or with ``cipher`` None for a token that has no Shop yet.

    ``account`` is the Shop's id: calls are journalled and rated under it.
    """

    def __init__(self, http: HttpClient, app: App, *, vault: TokenVault, cipher: str | None, account: str) -> None:
        self._http, self._app, self._vault = http, app, vault
        self._cipher, self._account = cipher, account
        self._clock = clock_of(app.api_url)
        self._token = _Remembered("", 0.0)

    def call(
        self,
        endpoint: Endpoint,
        *,
        read: Callable[[Fields], T],
        place: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        files: Sequence[Part] | None = None,
        priority: int | None = None,
    ) -> T:
        """``place`` fills the path's names, ``query`` holds decoded values, ``body`` the exact JSON bytes.

        An expired token is refreshed and a rejected timestamp corrected once each, then the call is made again: both
        are refused before any effect. Reads are repeated after temporary trouble; so are writes, all of which are
        keyed or absolute, when it is certain that they had no effect.
        """
        rank = endpoint.priority if priority is None else priority
        ask = _Ask(endpoint, read, place or {}, query or {}, body, files, rank)
        again = policy.writing if endpoint.write else policy.reading
        return again(lambda: self._with_credentials(ask))

    def now(self) -> datetime:
        """The present time on TikTok Shop's clock."""
        return datetime.fromtimestamp(self._clock.timestamp(), UTC)

    def _with_credentials(self, ask: _Ask[T]) -> T:
        token = self._present_token()
        renewed = corrected = False
        while True:
            try:
                return self._send(ask, token)
            except errors.TokenRejected:
                self._token = _Remembered("", 0.0)
                if renewed:
                    raise
                token, renewed = self._vault.refresh(token), True
            except errors.ClockOff as off:
                if corrected or off.server_time is None:
                    raise
                self._clock.follow(off.server_time)
                corrected = True

    def _present_token(self) -> str:
        """The vault's token, asked for again after a few seconds: a batch need not open the vault for each call."""
        remembered = self._token
        if time.monotonic() < remembered.until:
            return remembered.token
        token = self._vault.access_token()
        self._token = _Remembered(token, time.monotonic() + _REMEMBER_TOKEN_S)
        return token

    def _send(self, ask: _Ask[T], token: str) -> T:
        result: list[T] = []

        def judge(answer: Answer) -> Verdict:
            data, request_id = self._opened(ask.endpoint, answer)
            result.append(ask.read(data))
            return "0", request_id

        self._http.send(self._signed(ask, token), classify=judge, private=ask.endpoint.private)
        return result[0]

    def _signed(self, ask: _Ask[T], token: str) -> Call:
        endpoint = ask.endpoint
        path = endpoint.path.format(**{name: quote(value, safe="") for name, value in ask.place.items()})
        query = dict(ask.query)
        query |= {"app_key": self._app.app_key, "timestamp": str(self._clock.timestamp())}
        if endpoint.shop and self._cipher is not None:
            query["shop_cipher"] = self._cipher
        signed = b"" if ask.files is not None else ask.body or b""
        query["sign"] = sign(self._app.app_secret, path, query, signed)
        return Call(
            remote="tiktok",
            account=self._account,
            method=endpoint.method,
            url=self._app.api_url + path,
            endpoint=endpoint.path,
            query=query,
            headers={"content-type": JSON, "x-tts-access-token": token},
            content=ask.body,
            files=ask.files,
            write=endpoint.write,
            priority=ask.priority,
            bucket=endpoint.bucket,
        )

    def _opened(self, endpoint: Endpoint, answer: Answer) -> tuple[Fields, str]:
        """The ``data`` and request id of an envelope with code 0; raises what any other code means."""
        envelope = read_envelope(answer)
        code, request_id = envelope.text("code"), envelope.text("request_id")
        if code == "0":
            return envelope.part("data"), request_id
        said = errors.Said(code, envelope.text("message"), request_id, answer.headers, endpoint)
        error = errors.error_of(said)
        if isinstance(error, errors.ClockOff):
            error.server_time = _server_time(answer)
        raise error


def read_envelope(answer: Answer) -> Fields:
    """``code``, ``message``, ``request_id`` and ``data`` as fields; a missing code raises ``Unreadable``."""
    try:
        envelope = Fields(answer.json(), "the answer")
    except Unreadable as error:
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            # Whoever answered is not the API: a 404 of a proxy must never read as "the product is gone".
            sentence = f"{error.sentence} Check the address of TikTok Shop's API in the settings."
            raise Refused(sentence, code=str(answer.status)) from error
        raise
    if not envelope.text("code"):
        raise Unreadable(f"TikTok Shop gave an answer without a code (status {answer.status}).")
    return envelope


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """The body as it is signed and sent: compact UTF-8."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _server_time(answer: Answer) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None


class ShopResource:
    """What the resources of one Shop share. ``region`` and ``currency`` are the Shop's, such as GB and GBP."""

    def __init__(self, calls: SignedCalls, *, region: str, currency: str) -> None:
        self._calls, self._region, self._currency = calls, region, currency
