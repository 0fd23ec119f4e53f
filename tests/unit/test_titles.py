"""Titles: what is removed, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.limits import limits_of
from core.domain.listing import Severity
from core.domain.titles import title_of, variant_title

GB = limits_of("GB")


@pytest.mark.parametrize(
    ("raw", "sent", "removed"),
    [
        ("Glass jar", "Glass jar", ""),
        ("Café crème", "Café crème", ""),
        ("Cafe\u0301", "Café", ""),
        ("🎁✨ Glass jar 🔥 🇬🇧", "Glass jar", "emoji"),
        ("👩‍👩‍👧 jar", "jar", "emoji"),
        ("Glass \u202ejar\u200f", "Glass jar", "text direction marks"),
        ("Glass\u200b jar\ufeff", "Glass jar", "invisible characters"),
        ("Glass\x00 jar\x07", "Glass jar", "control characters"),
        ("Glass \ud800jar", "Glass jar", "broken characters"),
        ("Ja" + "\u0301" * 40 + "r", "Já\u0301\u0301r", "stacked accents"),
        ("<b>Glass</b> jar &amp; lid", "Glass jar & lid", "HTML"),
        ("Jar <script>alert(1)</script><img src=x onerror=alert(1)>", "Jar", "HTML"),
        ("Jar &lt;b&gt;new&lt;/b&gt;", "Jar new", "HTML"),
        ("Jar'; DROP TABLE products; --", "Jar'; DROP TABLE products; --", ""),
        ("Jar 3 < 5 & so", "Jar 3 < 5 & so", ""),
        ("Jar\n\twith\u00a0lid", "Jar with lid", ""),
        ("50 °C ® ™ © jar – £5", "50 °C ® ™ © jar – £5", ""),
    ],
)
def test_unsafe_characters_go_with_a_note(raw: str, sent: str, removed: str) -> None:
    title = title_of(raw, GB)
    assert title.text == sent
    notes = [problem.sentence for problem in title.problems if problem.code == "title_cleaned"]
    assert notes == ([f"The title is sent without {removed}."] if removed else [])
    assert all(problem.severity is not Severity.ERROR for problem in title.problems)


@pytest.mark.parametrize(
    ("raw", "region", "code"),
    [
        ("", "GB", "title_missing"),
        ("🎁", "GB", "title_missing"),
        ("x" * 5 + " y" * 126, "GB", "title_too_long"),
        ("Short", "ID", "title_too_short"),
        ("!!! ???", "GB", "title_symbols"),
        ("Glass jar 玻璃", "GB", "title_language"),
    ],
)
def test_what_the_shop_refuses_is_an_error(raw: str, region: str, code: str) -> None:
    errors = [problem.code for problem in title_of(raw, limits_of(region)).problems if problem.severity == "error"]
    assert errors == [code]


def test_limits_hold_to_the_character() -> None:
    assert title_of("ab" * 127 + "c", GB).problems == ()
    assert [one.code for one in title_of("ab" * 128, GB).problems] == ["title_too_long"]
    assert title_of("Glass jar 玻璃", limits_of("JP")).problems == ()


def test_a_run_of_equal_characters_is_shortened_to_nine() -> None:
    assert title_of("Jar " + "-" * 9 + " lid", GB).problems == ()
    title = title_of("Jar " + "-" * 30 + " lid", GB)
    assert title.text == "Jar " + "-" * 9 + " lid"
    assert [one.code for one in title.problems] == ["title_run_shortened"]


def test_a_variant_listed_on_its_own_names_its_options() -> None:
    assert variant_title("Glass jar", ("Large", "Blue"), GB).text == "Glass jar - Large / Blue"
    long = variant_title("word " * 51, ("Large",), GB)
    assert len(long.text) <= GB.title_max
    assert long.text.endswith(" - Large")
    assert [one.code for one in long.problems] == ["title_shortened"]


@settings(deadline=None)
@given(st.text(st.characters(codec=None), max_size=300))
def test_a_title_without_error_can_always_be_sent(raw: str) -> None:
    title = title_of(raw, GB)
    if all(problem.severity is not Severity.ERROR for problem in title.problems):
        title.text.encode()
        assert 1 <= len(title.text) <= GB.title_max
        assert title.text == " ".join(title.text.split())
        assert not any(ord(letter) < 32 for letter in title.text)
        assert all(letter * 10 not in title.text for letter in set(title.text))
        assert title_of(title.text, GB).text == title.text or "&" in title.text or "<" in title.text
