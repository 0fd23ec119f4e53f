"""What may be entered for TikTok only, and what is kept of it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from core.domain.own_content import OwnContent, OwnContentRefused, own_document, read_own

SIZES = {"length_cm": "20", "width_cm": "10", "height_cm": "5"}


@pytest.mark.parametrize(
    ("entered", "kept"),
    [
        ({}, {}),
        ({"title": "  ", "description": "", "weight_kg": " "}, {}),
        ({"title": " Jar\nof honey "}, {"title": "Jar of honey"}),
        ({"description": "One\nTwo <b>bold</b> "}, {"description": "One\nTwo <b>bold</b>"}),
        ({"weight_kg": "0.50"}, {"weight_kg": "0.5"}),
        (SIZES, {"length_cm": 20, "width_cm": 10, "height_cm": 5}),
        ({"title": "Jar", "colour": "red"}, {"title": "Jar"}),
    ],
)
def test_what_is_kept(entered: dict[str, str], kept: dict[str, Any]) -> None:
    assert own_document(entered) == kept


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"title": "x" * 1_001}, "1,001 characters"),
        ({"description": "x" * 100_001}, "100,001 characters"),
        ({"weight_kg": "heavy"}, "not .heavy."),
        ({"weight_kg": "-1"}, "not .-1."),
        ({"weight_kg": "101"}, "at most 100 kg"),
        (SIZES | {"width_cm": "10.5"}, "whole centimetres, not .10.5."),
        (SIZES | {"width_cm": "0"}, "from 1 to 1,000, not 0"),
        (SIZES | {"width_cm": ""}, "length, width and height, or none"),
    ],
)
def test_what_is_refused_is_named_with_its_value(entered: dict[str, str], said: str) -> None:
    with pytest.raises(OwnContentRefused) as refused:
        own_document(entered)
    assert re.search(said, refused.value.sentence)


def test_what_is_kept_is_read_again() -> None:
    kept = own_document({"title": "Jar", "description": "Mine", "weight_kg": "0.5", **SIZES})
    assert read_own(kept) == OwnContent("Jar", "Mine", (), ("20", "10", "5"), Decimal("0.5"))
    assert read_own({}) is None
