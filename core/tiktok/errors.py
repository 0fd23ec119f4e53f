"""What TikTok Shop's codes mean for us, in one place.

``error_of`` turns a failed envelope into one of the classes of ``core.domain.errors``; ``item_error_of`` words one
item that failed inside a success.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.domain.errors import (
    Conflict,
    Expired,
    Missing,
    NotConfigured,
    RateLimited,
    Refused,
    RemoteError,
    Temporary,
    Unknown,
)
from core.domain.listing import ItemError
from core.http import policy
from core.tiktok.endpoints import Endpoint
from core.tiktok.error_codes import API_CODES, AUTH_CODES, Kind, Row
from core.tiktok.fields import Fields

_MORE = re.compile(r"\s*For more details:\s*\S+\s*$", re.IGNORECASE)  # a link live messages end with
_TOKEN_CODES = frozenset({"105001", "105002", "105003", "105004"})
_WRAPPER = "12052990"


class TokenRejected(Expired):
    """The access token is no longer accepted; a refreshed one may be."""


class ClockOff(NotConfigured):
    """Our timestamp is outside the accepted window. ``server_time`` is TikTok Shop's clock, when it told it."""

    server_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A failed envelope and the call it answered."""

    code: str
    message: str
    request_id: str
    headers: Mapping[str, str]
    endpoint: Endpoint


def error_of(said: Said) -> RemoteError:
    """The error a code other than 0 stands for. Codes we do not know are ``Refused`` and say that they are new."""
    if said.code in _TOKEN_CODES:
        return TokenRejected(_TOKEN_SENTENCE, code=said.code, request_id=said.request_id)
    if said.code == "36009004":
        return _overloaded(said)
    if said.code == "105005":
        return _missing_scope(said)
    if said.code in ("36009002", "36009037"):
        return _too_many(said)
    row = API_CODES.get(said.code)
    if row is None:
        return _new_code(said)
    if row[1] is Kind.INTERNAL:
        return _internal(said)
    return _of_row(row, said.code, said.message, said.request_id)


def auth_error_of(code: str, message: str, request_id: str) -> RemoteError:
    """The same for the token host, which has its own codes."""
    row = AUTH_CODES.get(code)
    if row is None:
        sentence = f"TikTok's token host refused with the new code {code}: {_words(message)}."
        return Refused(sentence, code=code, request_id=request_id)
    return _of_row(row, code, "", request_id)


def item_error_of(error: Fields) -> ItemError:
    """One entry of ``data.errors``. What its ``extra_errors`` say is more exact than the entry itself."""
    detail = error.part("detail")
    extras = [(extra.text("code"), extra.text("message")) for extra in detail.items("extra_errors")]
    own = (error.text("code"), error.text("message"))
    told = extras if extras else [own]
    sentences = dict.fromkeys(sentence_of(code, message) for code, message in told)
    code = told[0][0] if own[0] == _WRAPPER or extras else own[0]
    item = detail.text("product_id") or detail.text("sku_id") or detail.text("order_id")
    return ItemError(item_id=item, code=code, sentence=" ".join(sentences))


def sentence_of(code: str, message: str) -> str:
    """A code and its message in words, with what to do."""
    row = API_CODES.get(code)
    if row is None:
        return f"TikTok Shop refused with the new code {code}: {_words(message)}."
    return _sentence(row, message)


def _of_row(row: Row, code: str, message: str, request_id: str) -> RemoteError:
    kind, sentence = row[1], _sentence(row, message)
    if kind is Kind.ALLOWANCE:
        return RateLimited(sentence, until=_next_day(), code=code, request_id=request_id)
    classes: dict[Kind, type[RemoteError]] = {
        Kind.MISSING: Missing,
        Kind.CONFLICT: Conflict,
        Kind.NOT_CONFIGURED: NotConfigured,
        Kind.EXPIRED: Expired,
    }
    return classes.get(kind, Refused)(sentence, code=code, request_id=request_id)


def _sentence(row: Row, message: str) -> str:
    words = _words(message)
    said = f": {words}" if words else ""
    return f"{row[2]}{said}. {row[3]}".rstrip()


def _words(message: str) -> str:
    return _MORE.sub("", message).strip().rstrip(".")[:500]


def _next_day() -> datetime:
    # When the allowance starts anew is not documented; sellers see it with the new day, so the next UTC day is tried.
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


_TOKEN_SENTENCE = "TikTok Shop no longer accepts the Shop's token. Reconnect the Shop under Settings, Connection."


def _overloaded(said: Said) -> RemoteError:
    """36009004 stands for clock, token, app key, cipher and malformed requests; only its words tell which."""
    words = said.message.lower()
    ids = {"code": said.code, "request_id": said.request_id}
    if "timestamp" in words:
        sentence = "This machine's clock differs from TikTok Shop's. Set its time by a time server (NTP)."
        return ClockOff(sentence, **ids)
    if "access-token" in words or "access_token" in words:
        return TokenRejected(_TOKEN_SENTENCE, **ids)
    if "app_key" in words:
        sentence = "TikTok Shop does not know the app key. Check the app key under Settings, TikTok apps."
        return NotConfigured(sentence, **ids)
    if "signature" in words or "'sign'" in words:
        sentence = "TikTok Shop did not accept our signature. Check the app secret under Settings, TikTok apps."
        return NotConfigured(sentence, **ids)
    if "shop_cipher" in words or "shop_id" in words:
        sentence = f"TikTok Shop did not accept the Shop's identifier: {_words(said.message)}. Reconnect the Shop."
        return Expired(sentence, **ids)
    return Refused(f"TikTok Shop did not accept the request: {_words(said.message)}.", **ids)


def _missing_scope(said: Said) -> RemoteError:
    scope = said.endpoint.scope
    sentence = (
        f"The TikTok app was not granted {scope}, which {said.endpoint.name.replace('_', ' ')} needs. Add it to the "
        "app in TikTok Shop Partner Center, then reconnect the Shop under Settings, Connection."
    )
    return NotConfigured(sentence, code=said.code, request_id=said.request_id)


def _too_many(said: Said) -> RemoteError:
    now = datetime.now(UTC)
    until = policy.retry_after(said.headers, now)
    sentence = f"TikTok Shop asks for fewer calls to {said.endpoint.path}."
    if until is None and said.code == "36009037":
        until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        sentence = f"The development shop's calls of this hour are used up; they start anew at {until:%H:%M} UTC."
    return RateLimited(sentence, until=until or policy.NOT_SAID, code=said.code, request_id=said.request_id)


def _internal(said: Said) -> RemoteError:
    ids = {"code": said.code, "request_id": said.request_id}
    trouble = f"TikTok Shop had an internal error at {said.endpoint.path}"
    if said.endpoint.write:
        return Unknown(f"{trouble}: whether the call took effect is being looked up.", **ids)
    return Temporary(f"{trouble}: it is tried again.", **ids)


def _new_code(said: Said) -> RemoteError:
    sentence = f"TikTok Shop refused with the new code {said.code}: {_words(said.message) or 'it gave no words'}."
    return Refused(sentence, code=said.code, request_id=said.request_id)
