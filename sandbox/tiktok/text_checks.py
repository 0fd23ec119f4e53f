"""Rules of titles and descriptions (Partner Center, Create Product: title, description)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from sandbox.tiktok.answers import Refused

EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]")
CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
CONTROL = re.compile("[\x00-\x1f\x7f]")
CONTROL_BUT_BREAKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ESCAPE = re.compile(r"&(#\d+|#x[0-9a-fA-F]+|\w+);")
LONG_RUN = re.compile(r"(\S)\1{9,}")
TITLE_LONGEST = {"BR": 300, "MX": 300}
TITLE_LONGEST_ELSEWHERE = 255
FREE_TITLE_REGIONS = ("DE", "ES", "FR", "IE", "IT", "JP", "GB", "US", "BR", "MX")
DESCRIPTION_LONGEST, DESCRIPTION_IMAGES, DESCRIPTION_IMAGE_SIDE = 10_000, 30, 4000
VOID_TAGS = frozenset({"br", "img", "hr", "col", "wbr", "source", "input", "meta", "link"})


def breaks_format(text: str) -> bool:
    """Whether a short text has emoji, HTML escapes, control characters, only symbols, or one character ten times."""
    only_symbols = bool(text.strip()) and not any(letter.isalnum() for letter in text)
    return only_symbols or any(rule.search(text) for rule in (EMOJI, CONTROL, ESCAPE, LONG_RUN))


def check_title(title: str, region: str) -> Iterator[Refused]:
    """Every rule the title breaks."""
    if not title.strip():
        yield Refused(12052261, "The product title is empty.")
        return
    longest = TITLE_LONGEST.get(region, TITLE_LONGEST_ELSEWHERE)
    if len(title) > longest:
        yield Refused(12052051, f"The product title is too long. The maximum is {longest} characters.")
    if region not in FREE_TITLE_REGIONS and len(title) < 25:
        yield Refused(12052910, "The product title is too short. The minimum is 25 characters.")
    if CHINESE.search(title):
        yield Refused(12052262, "The product title contains Chinese characters.")
    if breaks_format(title):
        yield Refused(12052931, "The product title does not follow the formatting rules.")


def check_description(description: str, trusted_image_prefix: str) -> Iterator[Refused]:
    """Every rule the HTML breaks. Images must lie on TikTok's own picture host."""
    if not description.strip():
        yield Refused(12052015, "The product description is required.")
        return
    if len(description) > DESCRIPTION_LONGEST:
        yield Refused(12052013, "The product description is too long. The maximum is 10000 characters.")
    if CHINESE.search(description):
        yield Refused(12052346, "The product description contains Chinese characters.")
    reader = _DescriptionReader()
    reader.feed(description)
    reader.close()
    text = "".join(reader.text)
    if any(rule.search(text) for rule in (EMOJI, CONTROL_BUT_BREAKS, LONG_RUN)):
        yield Refused(12052932, "The product description does not follow the formatting rules.")
    if reader.stray_ends:
        yield Refused(12052344, f"HTML syntax error: </{reader.stray_ends[0]}> closes nothing.")
    if len(reader.images) > DESCRIPTION_IMAGES:
        yield Refused(12052056, "Too many images in the description. The maximum is 30.")
    for image in reader.images:
        yield from _check_image(image, trusted_image_prefix)


def _check_image(image: dict[str, str | None], trusted_prefix: str) -> Iterator[Refused]:
    missing = [name for name in ("src", "width", "height") if not image.get(name)]
    if missing:
        yield Refused(12052348, f"The img tag lacks the attribute {missing[0]}.")
        return
    if not str(image["src"]).startswith(trusted_prefix):
        yield Refused(12052340, "The description image URI is illegal. Upload the image to TikTok Shop first.")
    sides = [str(image[name]).removesuffix("px") for name in ("width", "height")]
    if not all(side.isdigit() and 0 < int(side) < DESCRIPTION_IMAGE_SIDE for side in sides):
        yield Refused(12052342, "The description image dimensions are invalid. Both must be below 4000 px.")


class _DescriptionReader(HTMLParser):
    """Collects text, images, and end tags without a beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.stray_ends: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in VOID_TAGS:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]
        elif tag not in VOID_TAGS:
            self.stray_ends.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)
