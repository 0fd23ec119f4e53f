"""The title of a listing: what the store says, made fit for TikTok Shop, and what stands in the way."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Final

from core.domain.limits import MarketLimits
from core.domain.listing import Problem, Severity
from core.domain.plaintext import cleaned, has_chinese, in_words, one_line, quoted, shortened_runs

_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_CONTENT: Final = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_IN_STORE: Final = "Change the title in the store, or give the product a TikTok title of its own."


@dataclass(frozen=True, slots=True)
class Title:
    """``text`` is what would be sent; it can be sent only without an error among ``problems``."""

    text: str
    problems: tuple[Problem, ...] = ()


def title_of(raw: str, limits: MarketLimits) -> Title:
    """The title to send (TikTok Shop Partner Center, Create Product, ``title``), length counted in characters."""
    text, removed = _plain(raw)
    problems = [_note(in_words(removed))] if removed else []
    shorter = shortened_runs(text, limits.equal_run)
    if shorter != text:
        problems.append(_run_warning(limits.equal_run))
    problems += _refusals(shorter, limits)
    return Title(shorter, tuple(problems))


def variant_title(title: str, values: tuple[str, ...], limits: MarketLimits) -> Title:
    """The title of a variant listed on its own (G1): its option values follow, the product's part gives way."""
    ending = f" - {' / '.join(values)}" if values else ""
    room = limits.title_max - len(ending)
    if len(title) <= room:
        return Title(title + ending)
    kept = title[: max(room, 0)].rsplit(" ", 1)[0].rstrip(" -,;:")
    problem = Problem(
        "title_shortened",
        Severity.WARNING,
        f"The title {quoted(title)} was shortened to make room for {quoted(ending.strip(' -'))}.",
        "Shorten the title in the store if the end of it matters.",
        "title",
    )
    return Title((kept + ending).strip(), (problem,))


def _plain(raw: str) -> tuple[str, list[str]]:
    """The text without markup, entities and unsafe characters, and the names of what was removed."""
    text, removed = raw, []
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub(" ", _CONTENT.sub(" ", text)))
        text = _TAG.sub(" ", text)
        if text != raw:
            removed.append("HTML")
    clean = cleaned(text)
    return one_line(clean.text), removed + list(clean.removed)


def _refusals(text: str, limits: MarketLimits) -> list[Problem]:
    if not text:
        return [_error("title_missing", "The product has no title.", "Give the product a title in the store.")]
    if len(text) > limits.title_max:
        sentence = f"The title has {len(text)} characters; TikTok Shop takes at most {limits.title_max}."
        return [_error("title_too_long", sentence, _IN_STORE)]
    found = []
    if len(text) < limits.title_min:
        sentence = f"The title has {len(text)} characters; TikTok Shop asks for at least {limits.title_min}."
        found.append(_error("title_too_short", sentence, _IN_STORE))
    if not any(letter.isalnum() for letter in text):
        found.append(_error("title_symbols", f"The title {quoted(text)} has neither letters nor digits.", _IN_STORE))
    if not limits.chinese_allowed and has_chinese(text):
        sentence = f"The title {quoted(text)} has Chinese characters, which TikTok Shop refuses here."
        found.append(_error("title_language", sentence, _IN_STORE))
    return found


def _error(code: str, sentence: str, fix: str) -> Problem:
    return Problem(code, Severity.ERROR, sentence, fix, "title")


def _note(removed: str) -> Problem:
    sentence = f"The title is sent without {removed}."
    return Problem("title_cleaned", Severity.NOTE, sentence, "Nothing has to be done.", "title")


def _run_warning(longest: int) -> Problem:
    return Problem(
        "title_run_shortened",
        Severity.WARNING,
        f"The title repeats a character more than {longest} times in a row; it is sent with {longest} of them.",
        "Change the title in the store if this is not meant.",
        "title",
    )
