"""Pictures of a listing: which of the store's are sent, how they change on the way, and which cannot be used (P8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.domain.catalog import Picture
from core.domain.limits import MarketLimits
from core.domain.listing import Problem, Severity
from core.domain.plaintext import in_words

KEPT_FORMATS: Final = ("JPEG", "PNG")
FILM: Final = "MP4"
_OTHER_PICTURE: Final = "Replace the picture in the store, then check again."

# The codes of problems that may be over when the picture, or the video, is looked at once more.
UNUSABLE: Final = ("picture_unusable", "description_picture", "video_unusable")
LOOKED_AT: Final = (*UNUSABLE, "picture_too_small", "picture_shape")

ADVICE: Final[tuple[str, ...]] = (
    "The first picture is the main one: show the front and the whole product.",
    "Let the product fill at least 60 % of the frame, on one plain background, white best.",
    "Show it in colour and sharp, and let every further picture show another side.",
)


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a picture is, as fetched: pixels after its EXIF rotation, ``format`` by content, size in bytes.

    ``error`` is a sentence when it cannot be used at all; ``digest`` is equal for identical files.
    """

    url: str
    width: int = 0
    height: int = 0
    format: str = ""
    bytes: int = 0
    digest: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class PictureChoice:
    """``urls`` in the order sent; ``unchecked`` have not been looked at yet."""

    urls: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    unchecked: tuple[str, ...] = ()


def choose_pictures(
    pictures: Sequence[Picture], facts: Mapping[str, PictureFacts], limits: MarketLimits
) -> PictureChoice:
    """The first pictures up to the market's number, each judged as far as it is known."""
    urls = tuple(dict.fromkeys(picture.url for picture in pictures))
    if not urls:
        return PictureChoice(
            (),
            (
                _problem(
                    "picture_missing",
                    Severity.ERROR,
                    "The product has no picture.",
                    "Add at least one picture in the store.",
                ),
            ),
        )
    used = urls[: limits.pictures]
    problems = []
    for place, url in enumerate(used):
        if url in facts:
            problems += judge(name_of(place, url), facts[url], limits)
    if len(urls) > len(used):
        sentence = f"The product has {len(urls)} pictures; only the first {limits.pictures} are sent."
        problems.append(_problem("picture_too_many", Severity.NOTE, sentence, "Put the best pictures first."))
    problems += _identical(used, facts)
    return PictureChoice(used, tuple(problems), tuple(url for url in used if url not in facts))


def name_of(place: int, url: str) -> str:
    """How a picture is named in a sentence: by its place and its file, such as ``picture 2 (mug-blue.jpg)``."""
    return f"{'the main picture' if place == 0 else f'picture {place + 1}'} ({file_name(url)})"


def file_name(url: str) -> str:
    """The last part of a picture's address, at most 60 characters of it."""
    return url.split("?")[0].rstrip("/").rsplit("/", 1)[-1][-60:] or "without a name"


def judge(name: str, facts: PictureFacts, limits: MarketLimits, *, shaped: bool = True) -> list[Problem]:
    """What is wrong with one picture or will be changed; ``shaped``: its shape matters (not in descriptions)."""
    if facts.error:
        return [_problem("picture_unusable", Severity.ERROR, f"{_capital(name)}: {facts.error}", _OTHER_PICTURE)]
    if facts.format == FILM:
        return [_problem("picture_unusable", Severity.ERROR, f"{_capital(name)} is a video.", _OTHER_PICTURE)]
    shape, size = _shape(facts), f"{facts.width} x {facts.height} px"
    least = limits.picture_min if shaped else limits.picture_upload_min
    if min(facts.width, facts.height) * scale_of(facts.width, facts.height, limits) < least:
        sentence = f"{_capital(name)} is {size}; TikTok Shop needs at least {least} px on each side."
        return [_problem("picture_too_small", Severity.ERROR, sentence, "Upload a larger picture in the store.")]
    if shaped and not limits.ratio_min <= shape <= limits.ratio_max:
        sentence = f"{_capital(name)} is {size}; its shape must lie between 3:4 and 4:3."
        fix = "Crop the picture in the store, best to a square."
        return [_problem("picture_shape", Severity.ERROR, sentence, fix)]
    return [*_doubts(name, facts, shape, limits, shaped), *_changes(name, facts, limits)]


def judge_film(facts: PictureFacts, limits: MarketLimits) -> list[Problem]:
    """What is wrong with a product's video, by the market's limits (P16)."""
    name, wrong = f"The video {file_name(facts.url)}", ""
    if facts.error:
        wrong = f"{name} cannot be used: {facts.error}"
    elif facts.format != FILM:
        wrong = f"{name} is no MP4 file."
    elif facts.bytes > limits.video_bytes:
        most = f"{limits.video_bytes / 1_000_000:g} MB"
        wrong = f"{name} has {facts.bytes / 1_000_000:.1f} MB; TikTok Shop takes at most {most}."
    fix = "Correct TikTok Video in the store, or clear it."
    return [Problem("video_unusable", Severity.ERROR, wrong, fix, "video")] if wrong else []


def scale_of(width: int, height: int, limits: MarketLimits) -> float:
    """By how much a picture is scaled so that its longer side fits: 1 or less."""
    return min(1.0, limits.picture_max / max(width, height, 1))


def _shape(facts: PictureFacts) -> Decimal:
    return Decimal(facts.width) / Decimal(max(facts.height, 1))


def _doubts(name: str, facts: PictureFacts, shape: Decimal, limits: MarketLimits, shaped: bool) -> list[Problem]:
    doubts = []
    if shaped and min(facts.width, facts.height) < limits.picture_quiet:
        doubts.append(f"is smaller than {limits.picture_quiet} px ({facts.width} x {facts.height})")
    if shaped and shape != 1:
        doubts.append(f"is not square ({facts.width} x {facts.height})")
    if not doubts:
        return []
    sentence = f"{_capital(name)} {in_words(doubts)}; TikTok Shop may refuse or crop it."
    fix = f"A square picture of at least {limits.picture_quiet} px is safe."
    return [_problem("picture_doubtful", Severity.WARNING, sentence, fix)]


def _changes(name: str, facts: PictureFacts, limits: MarketLimits) -> list[Problem]:
    changes = []
    if facts.format not in KEPT_FORMATS:
        changes.append(f"becomes a JPEG (it is a {facts.format})")
    if max(facts.width, facts.height) > limits.picture_max or facts.bytes > limits.picture_bytes:
        changes.append(f"is scaled down ({facts.width} x {facts.height} px, {facts.bytes / 1_000_000:.1f} MB)")
    if not changes:
        return []
    sentence = f"{_capital(name)} {in_words(changes)} on the way."
    return [_problem("picture_changed", Severity.NOTE, sentence, "Nothing has to be done.")]


def _identical(urls: Sequence[str], facts: Mapping[str, PictureFacts]) -> list[Problem]:
    """One warning for each picture that is the same file as an earlier one."""
    first: dict[str, int] = {}
    problems = []
    for place, url in enumerate(urls):
        digest = facts[url].digest if url in facts else ""
        if not digest:
            continue
        if digest in first:
            earlier = name_of(first[digest], urls[first[digest]])
            sentence = f"{_capital(name_of(place, url))} is identical to {earlier}."
            fix = "Remove it in the store, or replace it by another view."
            problems.append(_problem("picture_identical", Severity.WARNING, sentence, fix))
        first.setdefault(digest, place)
    return problems


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _problem(code: str, severity: Severity, sentence: str, fix: str) -> Problem:
    return Problem(code, severity, sentence, fix, "pictures")
