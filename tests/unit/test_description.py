"""Descriptions: what is kept, what becomes of the rest, and where they are cut."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.description import as_text, lost_in_words, reduced, without_pictures
from core.domain.limits import limits_of

GB = limits_of("GB")


@pytest.mark.parametrize(
    ("raw", "kept", "lost"),
    [
        ("<p>One</p><p>Two</p>", "<p>One</p><p>Two</p>", []),
        ("One\n\nTwo & <3", "<p>One</p><p>Two &amp; &lt;3</p>", []),
        ("<p>One<br>Two</p>", "<p>One</p><p>Two</p>", []),
        ("<ul><li>A</li><li>B</li></ul>", "<ul><li>A</li><li>B</li></ul>", []),
        ("<p><b>Very</b> good</p>", "<p>Very good</p>", ["bold"]),
        ("<h2>Size</h2>text", "<p>Size</p><p>text</p>", ["heading"]),
        ("<ol><li>A</li><li><p>B</p></li></ol>", "<p>1. A</p><p>2. B</p>", ["numbered"]),
        ("<ul><li>A<ul><li>B</li></ul></li></ul>", "<ul><li>A</li><li>B</li></ul>", []),
        ("<table><tr><th>Wood</th><td>Oak</td></tr></table>", "<ul><li>Wood: Oak</li></ul>", ["tables"]),
        ("<table><tr><td>S</td><td>M</td><td>L</td></tr></table>", "<ul><li>S, M, L</li></ul>", ["tables"]),
        ('<p>See <a href="http://x.example">here</a></p>', "<p>See here</p>", ["links"]),
        ("<p>A</p><script>alert(1)</script><style>p{}</style>", "<p>A</p>", []),
        ('<iframe src="https://v.example"></iframe><p>A</p>', "<p>A</p>", ["videos"]),
        ('<p onclick="x()" style="y">A</p>', "<p>A</p>", []),
        ("<p>A &#x1F600; B</p>", "<p>A B</p>", ["emoji"]),
        ("<p>A\u202eB</p>", "<p>AB</p>", ["direction"]),
        ('<p>A<img src="https://s.example/a.jpg?x=1&amp;y=2">B</p>',
         '<p>A</p><img src="https://s.example/a.jpg?x=1&amp;y=2"><p>B</p>', []),
        ('<img src="data:image/png;base64,xx"><p>A</p>', "<p>A</p>", ["without a public address"]),
        ("<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>", []),
        ("<p>Unclosed <b>bold<p>next", "<p>Unclosed bold</p><p>next</p>", ["bold"]),
        ("<p>" + "=" * 40 + "</p>", "<p>" + "=" * 9 + "</p>", []),
        ("", "", []),
        ("<p> &nbsp; </p>", "", []),
    ],
)  # fmt: skip
def test_html_becomes_paragraphs_bullets_and_pictures(raw: str, kept: str, lost: list[str]) -> None:
    description = reduced(raw, GB)
    assert description.html == kept
    assert len(description.lost) == len(lost)
    assert all(any(word in words for words in description.lost) for word in lost)


def test_a_long_text_is_cut_at_a_sentence_and_says_so() -> None:
    description = reduced("<p>" + "A sentence of some words. " * 1000 + "</p>", GB)
    assert len(description.html) <= GB.description_length
    assert len(description.html) > GB.description_length - 60
    assert description.html.endswith("words.</p>")
    assert description.cut
    assert "cut at a sentence" in lost_in_words(description)


def test_at_most_thirty_pictures_stay_and_one_can_be_taken_out() -> None:
    raw = "".join(f'<img src="https://s.example/{number}.jpg?a=1&amp;b=2">' for number in range(40))
    description = reduced(raw, GB)
    assert len(description.pictures) == 30
    assert any("over the limit" in words for words in description.lost)
    fewer = without_pictures(description, {"https://s.example/3.jpg?a=1&b=2"})
    assert "/3.jpg" not in fewer.html
    assert len(fewer.pictures) == 29


def test_html_is_read_as_lines() -> None:
    raw = "<h2>Oak &amp; ash</h2><p>A <b>board</b>.<br>Oiled.</p><ul><li>One</li><li><p>Two</p></li></ul>"
    assert as_text(raw) == "Oak & ash\nA board.\nOiled.\n• One\n• Two"
    assert as_text('<p>See</p><img src="https://s.example/a.jpg?x=1&amp;y=2"><script>no()</script>') == "See\n[a.jpg]"
    assert as_text("<table><tr><td>Width</td><td>3 cm</td></tr></table>plain") == "Width 3 cm\nplain"
    assert as_text("1 < 2 and\n3") == "1 < 2 and\n3"
    assert as_text("") == ""


def test_deep_nesting_ends_in_bounded_depth() -> None:
    assert reduced("<div>" * 5000 + "x", GB).html == "<p>x</p>"
    assert "x" in reduced("<ul><li>" * 2000 + "x", GB).html


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, tuple[str, ...]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, tuple(name for name, _ in attrs)))


_TAGS = "<p> </p> <ul> <li> </li> </ul> <ol> </ol> <table> <tr> <td> </td> </table> <b> <br>"
_ODD = ("<script>alert(1)</script>", "<img src='https://s.example/a.jpg'>", "<svg onload=x>", "&lt;b&gt;", "é😀", "'>")
_MORE = ("<a href='javascript:x'>", "<!-- c -->", "<![CDATA[x]]>", "text. ", "\n", '"')
_PIECES = st.lists(st.sampled_from([*_TAGS.split(), *_ODD, *_MORE])).map("".join)


@settings(max_examples=200, deadline=None)
@given(st.one_of(_PIECES, st.text(max_size=400)), st.integers(40, 400))
def test_whatever_comes_in_only_harmless_markup_within_the_limit_goes_out(raw: str, length: int) -> None:
    description = reduced(raw, replace(GB, description_length=length))
    assert len(description.html) <= length
    tags = _Tags()
    tags.feed(description.html)
    assert tags.found <= {("p", ()), ("ul", ()), ("li", ()), ("img", ("src",))}
    assert not re.search("[\u200b-\u200f\u202a-\u202e\x00-\x08]", description.html)
    description.html.encode()
