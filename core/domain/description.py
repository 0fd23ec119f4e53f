"""The description of a listing: the store's HTML brought down to what TikTok Shop keeps, and what that loses.

What is left is paragraphs, bullet points and pictures (P9): numbered lists become numbered lines, tables become
bullet points, bold becomes plain text, everything else keeps its words only.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from typing import Final

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.domain.limits import MarketLimits
from core.domain.pictures import file_name
from core.domain.plaintext import cleaned, in_words, one_line, shortened_runs

_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS: Final = _HEADINGS | {
    *("p", "div", "section", "article", "header", "footer", "main", "aside", "blockquote", "pre", "address"),
    *("figure", "figcaption", "dl", "dt", "dd", "center", "details", "summary", "form", "fieldset", "tr"),
}
_DROPPED: Final = frozenset(
    {"script", "style", "iframe", "video", "audio", "object", "embed", "svg", "canvas", "noscript", "template"}
)
_BOLD: Final = frozenset({"b", "strong", "i", "em", "u", "mark", "s", "del", "ins"})
_KEPT: Final = _BLOCKS | {"ul", "ol", "li", "table", "thead", "tbody", "tfoot", "th", "td", "br", "img", "a", "caption"}
_WORDS: Final = {
    "bold": "bold and italic type",
    "heading": "headings (now plain paragraphs)",
    "ordered": "numbered lists (now numbered lines)",
    "table": "tables (now bullet points)",
    "link": "links (their words stay)",
    "media": "videos and embedded pages",
    "picture": "pictures over the limit",
    "odd_picture": "pictures without a public address",
}
_DEPTH: Final = 60
_MARKUP: Final = re.compile(r"<[A-Za-z/!]")
_READ_IMG: Final = re.compile(r'<img src="([^"]*)">')
_SENTENCE_END: Final = re.compile(r"[.!?…。](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Description:
    """``html`` is what would be sent, its pictures as ``<img src="store url">`` with the url HTML-escaped.

    ``pictures`` are these urls unescaped, each once; ``lost`` says in words what the store's own text has and this
    has not; ``cut`` whether its end was cut off.
    """

    html: str
    pictures: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _Block:
    """A paragraph (``p``), a bullet (``li``) or a picture (``img``, whose text is its url)."""

    kind: str
    text: str


@dataclass(slots=True)
class _Walk:
    """What has been gathered so far; ``line`` are the words of the block that is still open."""

    blocks: list[_Block] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    number: str = ""
    seen: Counter[str] = field(default_factory=Counter)
    removed: dict[str, None] = field(default_factory=dict)

    def close(self, kind: str = "p") -> None:
        """End the open block; a waiting number of a numbered list goes before its first words."""
        text = self.plain("".join(self.line))
        self.line.clear()
        if text:
            self.blocks.append(_Block(kind, self.number + text))
            self.number = ""

    def plain(self, text: str) -> str:
        line = one_line(text)
        clean = cleaned(line)
        if clean.text is line:
            return line
        self.removed.update(dict.fromkeys(clean.removed))
        return one_line(clean.text)


def reduced(raw: str, limits: MarketLimits) -> Description:
    """The description to send (TikTok Shop Partner Center, Create Product, ``description``)."""
    text = raw.encode("utf-8", "ignore").decode()  # the parser takes no lone surrogates
    walk = _Walk()
    if text != raw:
        walk.plain(raw)
    if _MARKUP.search(text):
        _note_media(text, walk.seen)
        body = LexborHTMLParser(_sanitised(text)).body
        if body is not None:
            _children(body, walk, "p", 0)
        walk.close()
    else:
        for line in html.unescape(text).splitlines():
            walk.line.append(line)
            walk.close()
    blocks = _tidied(walk, limits)
    kept, cut = _fitting(blocks, limits.description_length)
    lost = [words for name, words in _WORDS.items() if walk.seen[name]] + list(walk.removed)
    if cut:
        lost.append(f"its end (cut at a sentence before {limits.description_length:,} characters)")
    pictures = tuple(dict.fromkeys(block.text for block in kept if block.kind == "img"))
    return Description(_rendered(kept), pictures, tuple(lost), cut)


def without_pictures(description: Description, urls: Set[str]) -> Description:
    """The same description without the pictures with these urls."""
    text = description.html
    for url in urls:
        text = text.replace(f'<img src="{html.escape(url)}">', "")
    kept = tuple(url for url in description.pictures if url not in urls)
    return replace(description, html=text, pictures=kept)


def lost_in_words(description: Description) -> str:
    """One sentence naming what is lost, or an empty text."""
    return f"The description is sent without {in_words(description.lost)}." if description.lost else ""


def as_text(raw: str) -> str:
    """HTML as somebody reads it: a line a block, bullets as ``•``, pictures as their file's name in brackets."""
    kept = {*_BLOCKS, "ul", "ol", "li", "table", "td", "th", "br", "img"}
    clean = nh3.clean(raw, tags=kept, clean_content_tags=set(_DROPPED), attributes={"img": {"src"}})
    text = _READ_IMG.sub(lambda found: f"\n[{file_name(html.unescape(found.group(1)))}]\n", clean)
    text = re.sub(r"<li>", "\n• ", re.sub(r"</?t[dh]>", " ", text))
    lines = [one_line(html.unescape(line)) for line in re.sub(r"<[^>]*>", "\n", text).splitlines()]
    joined = "\n".join(line for line in lines if line)
    return re.sub(r"•\n", "• ", joined)


def _sanitised(text: str) -> str:
    allowed: Set[str] = _KEPT | _BOLD | {"span", "font"}
    return nh3.clean(
        text,
        tags=set(allowed),
        clean_content_tags=set(_DROPPED),
        attributes={"img": {"src"}},
        url_schemes={"http", "https"},
        link_rel=None,
    )


def _note_media(text: str, seen: Counter[str]) -> None:
    if re.search(r"<(iframe|video|audio|object|embed)\b", text, re.IGNORECASE):
        seen["media"] += 1


def _children(node: LexborNode, walk: _Walk, kind: str, depth: int) -> None:
    for child in node.iter(include_text=True):
        _one(child, walk, kind, depth)


def _one(node: LexborNode, walk: _Walk, kind: str, depth: int) -> None:
    tag = node.tag or ""
    if tag == "-text":
        walk.line.append(node.text_content or "")
    elif depth > _DEPTH:
        walk.line.append(node.text(deep=True))
    elif tag == "br":
        walk.close(kind)
    elif tag == "img":
        _picture(node, walk, kind)
    elif tag == "table":
        walk.close(kind)
        walk.seen["table"] += 1
        _table(node, walk)
    elif tag in ("ul", "ol"):
        walk.close(kind)
        _list(node, walk, tag, depth)
    else:
        _words(node, tag, walk, kind, depth)


def _words(node: LexborNode, tag: str, walk: _Walk, kind: str, depth: int) -> None:
    if tag in _BOLD:
        walk.seen["bold"] += 1
    elif tag == "a":
        walk.seen["link"] += 1
    elif tag in _HEADINGS:
        walk.seen["heading"] += 1
    if tag in _BLOCKS or tag == "li":
        walk.close(kind)
        _children(node, walk, "li" if tag == "li" else kind, depth + 1)
        walk.close("li" if tag == "li" else kind)
    else:
        _children(node, walk, kind, depth + 1)


def _picture(node: LexborNode, walk: _Walk, kind: str) -> None:
    source = (node.attributes.get("src") or "").strip()
    if not source.startswith(("http://", "https://")):
        walk.seen["odd_picture"] += 1
        return
    walk.close(kind)
    walk.blocks.append(_Block("img", source))


def _list(node: LexborNode, walk: _Walk, tag: str, depth: int) -> None:
    """The items of a list; one inside another list becomes further items of it."""
    number = 0
    walk.seen["ordered"] += tag == "ol"
    for item in node.iter(include_text=True):
        if item.tag != "li":
            _one(item, walk, "li" if tag == "ul" else "p", depth + 1)
            continue
        number += 1
        if tag == "ul":
            _children(item, walk, "li", depth + 1)
            walk.close("li")
            continue
        walk.number = f"{number}. "
        _children(item, walk, "p", depth + 1)
        walk.close("p")
        walk.number = ""


def _table(node: LexborNode, walk: _Walk) -> None:
    """Each row as one bullet: ``name: value`` for two cells, else the cells with commas between."""
    for row in node.css("tr"):
        cells = [text for cell in row.css("td, th") if (text := walk.plain(cell.text(deep=True, separator=" ")))]
        if cells:
            name = cells[0].rstrip(":")
            walk.blocks.append(_Block("li", f"{name}: {cells[1]}" if len(cells) == 2 else ", ".join(cells)))
    for image in node.css("img"):
        _picture(image, walk, "p")


def _tidied(walk: _Walk, limits: MarketLimits) -> list[_Block]:
    """The blocks without over-long runs of one character and without pictures over the limit."""
    tidy, pictures = [], 0
    for block in walk.blocks:
        if block.kind == "img":
            pictures += 1
            if pictures > limits.description_pictures:
                walk.seen["picture"] += 1
                continue
            tidy.append(block)
        else:
            tidy.append(_Block(block.kind, shortened_runs(block.text, limits.equal_run)))
    return tidy


def _fitting(blocks: list[_Block], limit: int) -> tuple[list[_Block], bool]:
    """As many whole blocks as fit into ``limit`` characters of HTML, and the last one up to a sentence's end."""
    kept: list[_Block] = []
    used, previous = 0, ""
    for block in blocks:
        size = _size(block, previous)
        if used + size > limit:
            part = _cut(block, limit - used - _size(_Block(block.kind, ""), previous))
            return ([*kept, part] if part else kept), True
        kept.append(block)
        used += size
        previous = block.kind
    return kept, False


def _size(block: _Block, previous: str) -> int:
    around = {"p": 7, "li": 9, "img": 12}[block.kind]
    opening = 9 if block.kind == "li" and previous != "li" else 0
    return len(html.escape(block.text)) + around + opening


def _cut(block: _Block, room: int) -> _Block | None:
    if block.kind == "img" or room < 1:
        return None
    text = block.text[:room]
    while len(html.escape(text)) > room:
        text = text[: len(text) - (len(html.escape(text)) - room + 5) // 6 or -1]
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    return _Block(block.kind, text[: ends[-1]]) if ends else None


def _rendered(blocks: list[_Block]) -> str:
    return "".join(_pieces(blocks))


def _pieces(blocks: list[_Block]) -> Iterator[str]:
    previous = ""
    for block in blocks:
        if (block.kind == "li") != (previous == "li"):
            yield "<ul>" if block.kind == "li" else ("</ul>" if previous == "li" else "")
        text = html.escape(block.text)
        yield f'<img src="{text}">' if block.kind == "img" else f"<{block.kind}>{text}</{block.kind}>"
        previous = block.kind
    if previous == "li":
        yield "</ul>"
