"""What of a call may be kept: secrets and personal data leave its text before anybody stores it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
        "emailaddress", "phone", "phone_number", "telephone", "mobile", "address", "address_detail", "address_line1",
        "address_line2", "address_line3", "address_line4", "addressline1", "addressline2", "addressline3", "city",
        "address_1", "address_2", "full_address", "postcode", "postal_code", "zip", "zipcode", "street",
        "buyer_message", "ip_address", "cpf", "cpf_name", "date_of_birth", "delivery_preferences",
    }
)  # fmt: skip
_HIDDEN = SECRET_FIELDS | PERSONAL_FIELDS
_NAME = re.compile(r'"(\w{2,40})"\s*:\s*')
_TEXT = r'"(?:[^"\\]|\\(?:.|\Z))*+(?:"|\Z)'  # also one cut off
_PLAIN = re.compile(rf'(?:{_TEXT}|[^\s,\[\]{{}}"]+)?', re.DOTALL)
_PART = re.compile(rf"{_TEXT}|[\[\]{{}}]", re.DOTALL)


def _end_of_value(text: str, start: int) -> int:
    """Where the value that begins at ``start`` ends: a text, a number, or a list or an object with all it holds."""
    if text[start : start + 1] not in ("[", "{"):
        plain = _PLAIN.match(text, start)
        return plain.end() if plain else start
    depth = 0
    for part in _PART.finditer(text, start):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(part[0], 0)
        if depth == 0:
            return part.end()
    return len(text)


def _blanked(text: str, private: Iterable[str]) -> str:
    hidden, kept, at = _HIDDEN.union(private), [], 0
    for name in _NAME.finditer(text):
        if name.start() < at or name[1].lower() not in hidden:
            continue
        end = _end_of_value(text, name.end())
        if end > name.end():
            kept += [text[at : name.end()], f'"{GONE}"']
            at = end
    return "".join(kept) + text[at:]


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
