"""What of a call may be kept: secrets and personal data leave its text before anybody stores it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

KEPT_CHARACTERS = 12_000
GONE = "[redacted]"

SECRET_FIELDS = frozenset(
    {
        "access_token", "refresh_token", "app_secret", "app_key_secret", "auth_code", "code_verifier", "secret",
        "client_secret", "consumer_secret", "consumer_key", "api_key", "apikey", "api_secret", "password", "token",
        "sign", "signature", "authorization", "shop_cipher", "cipher", "webhook_secret",
    }
)  # fmt: skip
PERSONAL_FIELDS = frozenset(
    {
        "first_name", "last_name", "full_name", "firstname", "lastname", "buyer_email", "email", "email_address",
        "phone", "phone_number", "telephone", "mobile", "address", "address_detail", "address_line1", "address_line2",
        "address_line3", "address_line4", "address_1", "address_2", "full_address", "postcode", "postal_code", "zip",
        "zipcode", "street", "buyer_message", "ip_address", "cpf", "cpf_name", "date_of_birth", "delivery_preferences",
    }
)  # fmt: skip
_HIDDEN = SECRET_FIELDS | PERSONAL_FIELDS
_NAME = re.compile(r'"(\w{2,40})"\s*:')
_TEXT = r'"(?:[^"\\]|\\.)*(?:"|$)'


@lru_cache(maxsize=256)
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    """A field's name and its whole value: a text (also one cut off), a number, a flat list or a flat object."""
    named = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    value = rf"(?:{_TEXT}|\[[^\[\]]*(?:\]|$)|\{{[^{{}}]*(?:\}}|$)|[^\s,\[\]{{}}\"]+)"
    return re.compile(rf'("(?:{named})"\s*:\s*){value}')


def _blanked(text: str, private: Iterable[str]) -> str:
    hidden = _HIDDEN.union(private)
    names = frozenset(name for name in set(_NAME.findall(text)) if name.lower() in hidden)
    return _pattern(names).sub(rf'\1"{GONE}"', text) if names else text


def body_text(body: bytes, private: Iterable[str] = ()) -> str:
    """The first 12,000 characters of a body with secret, personal and ``private`` fields blanked.

    Works on the text, so that a body that is cut, malformed or huge costs no more than a small one.
    """
    if not body:
        return ""
    text = body[: KEPT_CHARACTERS * 2].decode(errors="replace")[:KEPT_CHARACTERS]
    text = _blanked(text, private)
    return text if len(body) <= len(text.encode()) + 64 else f"{text}\n[{len(body):,} bytes in all]"


def query_text(query: Mapping[str, str], private: Iterable[str] = ()) -> str:
    """The query as sent, secrets and personal values blanked; empty without one."""
    hidden = _HIDDEN.union(private)
    pairs = (f"{name}={GONE if name.lower() in hidden else quote(value)}" for name, value in query.items())
    return "?" + "&".join(pairs) if query else ""


def parts_text(parts: Sequence[tuple[str, str, int, str]]) -> str:
    """Multipart parts as (field, file name, bytes, type), one a line; their content is not kept."""
    return "\n".join(f"{name}: {file or 'text'} ({size:,} bytes{', ' + kind if kind else ''})"
                     for name, file, size, kind in parts)  # fmt: skip
