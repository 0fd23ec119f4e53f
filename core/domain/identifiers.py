"""Identifier codes of a SKU (GTIN, EAN, UPC, ISBN): what may be sent, and why something may not.

TikTok Shop takes digits only: GTIN of 14, EAN of 8, 13 or 14, UPC of 12, ISBN of 13 (TikTok Shop Partner Center,
Create Product, ``identifier_code``). The check digit is GS1's and is checked here, before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stdnum import ean, isbn

from core.domain.listing import Identifier

PRIORITY: Final = ("GTIN", "EAN", "UPC", "ISBN")
_KINDS: Final[dict[int, tuple[str, ...]]] = {8: ("EAN",), 12: ("UPC",), 13: ("EAN", "ISBN"), 14: ("GTIN", "EAN")}
_SEPARATORS: Final = re.compile(r"[\s\-‐‑‒–.]+")
_NONE: Final = frozenset({"", "doesnotapply", "notapplicable", "n/a", "na", "none", "nil", "null", "0", "exempt", "-"})


@dataclass(frozen=True, slots=True)
class Code:
    """A code as judged: ``identifier`` when it can be sent; ``code`` and ``sentence`` when it is wrong; else none."""

    identifier: Identifier | None = None
    code: str = ""
    sentence: str = ""


def identify(raw: str | None, *, priority: Sequence[str] = PRIORITY, book: bool = False) -> Code:
    """What to send for one code as the store has it. “Does not apply” and the like count as having none."""
    text = _SEPARATORS.sub("", raw or "").upper()
    if text.lower() in _NONE or not text.strip("0"):
        return Code()
    if book and len(text) == 10 and isbn.is_valid(text):
        text = isbn.to_isbn13(text)
    if not (text.isascii() and text.isdigit()):
        return Code(code="identifier_not_digits", sentence=f"The code {raw!r} is not made of digits only.")
    if len(text) not in _KINDS:
        lengths = "8, 12, 13 or 14"
        return Code(code="identifier_length", sentence=f"The code {text} has {len(text)} digits instead of {lengths}.")
    if not _check_digit_holds(text):
        return Code(code="identifier_check_digit", sentence=f"The check digit of the code {text} is wrong.")
    kind = _kind(text, priority, book)
    return Code(Identifier(kind, text) if kind else None)


def first_usable(raws: Sequence[str | None], *, priority: Sequence[str] = PRIORITY, book: bool = False) -> Code:
    """Of several codes of one SKU, the usable one whose kind comes first in ``priority``; else the first wrong one."""
    judged = [identify(raw, priority=priority, book=book) for raw in raws if raw]
    usable = [one for one in judged if one.identifier]
    if usable:
        return min(usable, key=lambda one: priority.index(one.identifier.kind) if one.identifier else len(priority))
    return next((one for one in judged if one.code), Code())


def _check_digit_holds(digits: str) -> bool:
    return bool(ean.calc_check_digit(digits[:-1]) == digits[-1])


def _kind(digits: str, priority: Sequence[str], book: bool) -> str | None:
    """The first kind of ``priority`` that this code can be sent as; a kind left out of it is not sent."""
    possible = [kind for kind in _KINDS[len(digits)] if kind != "ISBN" or (book and isbn.is_valid(digits))]
    return next((kind for kind in priority if kind in possible), None)
