"""Pictures: silent, warned about, changed or refused, at most nine, identical ones named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.catalog import Picture
from core.domain.limits import limits_of
from core.domain.pictures import PictureFacts, choose_pictures, judge, judge_film

GB = limits_of("GB")


@pytest.mark.parametrize(
    ("width", "height", "form", "size", "codes"),
    [
        (600, 600, "JPEG", 90_000, []),
        (1000, 1000, "PNG", 90_000, []),
        (4000, 4000, "JPEG", 5_000_000, []),
        (599, 599, "JPEG", 90_000, ["picture_doubtful"]),
        (300, 300, "JPEG", 90_000, ["picture_doubtful"]),
        (299, 299, "JPEG", 90_000, ["picture_too_small"]),
        (1000, 299, "JPEG", 90_000, ["picture_too_small"]),
        (1200, 900, "JPEG", 90_000, ["picture_doubtful"]),
        (900, 1200, "JPEG", 90_000, ["picture_doubtful"]),
        (1201, 900, "JPEG", 90_000, ["picture_shape"]),
        (900, 1201, "JPEG", 90_000, ["picture_shape"]),
        (4001, 4001, "JPEG", 90_000, ["picture_changed"]),
        (1000, 1000, "JPEG", 5_000_001, ["picture_changed"]),
        (1000, 1000, "WEBP", 90_000, ["picture_changed"]),
        (1000, 1000, "HEIF", 90_000, ["picture_changed"]),
        (500, 400, "GIF", 90_000, ["picture_doubtful", "picture_changed"]),
        (30_000, 2_000, "JPEG", 90_000, ["picture_too_small"]),
    ],
)
def test_each_size_shape_and_format_has_its_verdict(
    width: int, height: int, form: str, size: int, codes: list[str]
) -> None:
    found = judge("the main picture (a.jpg)", PictureFacts("u", width, height, form, size, "d"), GB)
    assert [problem.code for problem in found] == codes
    assert all(problem.sentence.startswith("The main picture (a.jpg)") for problem in found)


def test_a_picture_that_cannot_be_fetched_is_named_with_its_reason() -> None:
    facts = {"https://s.example/a/mug.jpg?v=2": PictureFacts("", error="it was not found (404).")}
    choice = choose_pictures((Picture("https://s.example/a/mug.jpg?v=2"),), facts, GB)
    assert [one.sentence for one in choice.problems] == ["The main picture (mug.jpg): it was not found (404)."]
    assert choice.problems[0].severity == "error"


def test_at_most_nine_are_sent_and_the_rest_is_said() -> None:
    pictures = [Picture(f"https://s.example/{number}.jpg") for number in range(12)]
    choice = choose_pictures(pictures, {}, GB)
    assert len(choice.urls) == 9
    assert choice.unchecked == choice.urls
    assert [one.code for one in choice.problems] == ["picture_too_many"]
    assert "12 pictures" in choice.problems[0].sentence


def test_no_picture_is_an_error() -> None:
    assert [one.code for one in choose_pictures((), {}, GB).problems] == ["picture_missing"]


def test_identical_pictures_are_flagged_once_each() -> None:
    urls = [f"https://s.example/{name}.jpg" for name in "abc"]
    facts = {url: PictureFacts(url, 800, 800, "JPEG", 9, "same" if url != urls[1] else "other") for url in urls}
    found = choose_pictures([Picture(url) for url in urls], facts, GB).problems
    assert [one.sentence for one in found] == ["Picture 3 (c.jpg) is identical to the main picture (a.jpg)."]


def test_the_same_address_twice_is_sent_once() -> None:
    choice = choose_pictures([Picture("https://s.example/a.jpg")] * 3, {}, GB)
    assert choice.urls == ("https://s.example/a.jpg",)
    assert choice.problems == ()


@settings(deadline=None)
@given(st.integers(0, 70_000), st.integers(0, 70_000), st.sampled_from(["JPEG", "PNG", "BMP"]), st.integers(0, 10**8))
def test_only_pictures_the_shop_takes_pass_without_an_error(width: int, height: int, form: str, size: int) -> None:
    found = judge("picture 2", PictureFacts("u", width, height, form, size), GB)
    if not any(problem.severity == "error" for problem in found):
        assert min(width, height) >= 300
        assert 3 * height <= 4 * width and 3 * width <= 4 * height


@pytest.mark.parametrize(
    ("form", "size", "error", "words"),
    [
        ("MP4", 5_000_000, "", ""),
        ("MP4", 5_000_001, "", "The video a.mp4 has 5.0 MB; TikTok Shop takes at most 5 MB."),
        ("MP4", 9_400_000, "", "The video a.mp4 has 9.4 MB; TikTok Shop takes at most 5 MB."),
        ("JPEG", 10_000, "", "The video a.mp4 is no MP4 file."),
        ("", 0, "it is empty.", "The video a.mp4 cannot be used: it is empty."),
    ],
)
def test_a_video_is_an_mp4_within_the_markets_size(form: str, size: int, error: str, words: str) -> None:
    facts = PictureFacts("https://x.example/a.mp4", format=form, bytes=size, digest="d", error=error)
    assert [one.sentence for one in judge_film(facts, GB)] == ([words] if words else [])


def test_a_video_among_the_pictures_is_an_error() -> None:
    (found,) = judge("picture 2", PictureFacts("u", format="MP4", bytes=10), GB)
    assert found.sentence == "Picture 2 is a video."
