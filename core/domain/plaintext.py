"""Text made safe for a listing: what cannot be shown, or may not be sent, is removed and named."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_DIRECTION: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200d\u2060-\u2064\u206a-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0001]"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ONE_EMOJI: Final = (
    "[\u203c\u2049\u20e3\u2139\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe"
    "\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\ufe00-\ufe0f"
    "\U0001f000-\U0001faff\U000e0020-\U000e007f]"
)
_EMOJI: Final = re.compile(f"(?:{_ONE_EMOJI}\u200d?)+")  # joined ones are one emoji
# Marks stacked on one letter beyond what any written language does.
_MARK: Final = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20dc\ufe20-\ufe2f]"
_STACKED: Final = re.compile(f"({_MARK}{{2}}){_MARK}+")
_CHINESE: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")

_REMOVED: Final = (
    (_SURROGATE, "broken characters"),
    (_CONTROL, "control characters"),
    (_DIRECTION, "text direction marks"),
    (_EMOJI, "emoji"),
    (_INVISIBLE, "invisible characters"),
)
_SUSPECT: Final = re.compile("|".join([*(pattern.pattern for pattern, _ in _REMOVED), _MARK]))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """``removed`` names the kinds of characters that were taken out, such as ``emoji``."""

    text: str
    removed: tuple[str, ...] = ()


def cleaned(text: str) -> Cleaned:
    """``text`` in composed form (NFC) without control, direction, invisible and emoji characters."""
    if text.isascii() and (text.isprintable() or not _CONTROL.search(text)):
        return Cleaned(text)
    if not _SUSPECT.search(text) and unicodedata.is_normalized("NFC", text):
        return Cleaned(text)
    removed = []
    for pattern, name in _REMOVED:
        shorter = pattern.sub("", text)
        if shorter != text:
            removed.append(name)
            text = shorter
    text = unicodedata.normalize("NFC", text)
    flat = _STACKED.sub(r"\1", text)
    if flat != text:
        removed.append("stacked accents")
    return Cleaned(flat, tuple(removed))


def one_line(text: str) -> str:
    """``text`` with every run of white space, line breaks and no-break spaces included, as one space."""
    return " ".join(text.split())


def has_chinese(text: str) -> bool:
    """Whether ``text`` holds Chinese characters, which most markets refuse."""
    return not text.isascii() and _CHINESE.search(text) is not None


def shortened_runs(text: str, longest: int) -> str:
    """``text`` with no character repeated more than ``longest`` times in a row."""
    return _over_long(longest).sub(lambda found: found.group(1) * longest, text)


@lru_cache(maxsize=8)
def _over_long(longest: int) -> re.Pattern[str]:
    return re.compile(rf"(.)\1{{{longest},}}", re.DOTALL)


def in_words(names: tuple[str, ...] | list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def quoted(text: str, longest: int = 60) -> str:
    """``text`` in quotation marks for a sentence, cut with an ellipsis when it is long."""
    return f"“{text if len(text) <= longest else text[: longest - 1].rstrip() + '…'}”"
