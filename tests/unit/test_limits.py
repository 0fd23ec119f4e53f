"""Limits are data: complete, sourced and sane."""

from __future__ import annotations

from dataclasses import fields

import pytest

from core.domain import regions
from core.domain.limits import MARKETS, SOURCES, MarketLimits, UnknownMarket, limits_of


def test_every_limit_names_its_source_and_the_day_it_was_read() -> None:
    assert set(SOURCES) == {field.name for field in fields(MarketLimits)}
    assert all(source.page and source.read_on.year >= 2024 for source in SOURCES.values())


@pytest.mark.parametrize("region", sorted(MARKETS))
def test_every_market_is_consistent(region: str) -> None:
    limits = limits_of(region)
    assert limits.region == region
    assert 0 < limits.title_min <= limits.title_max
    assert 0 < limits.price_min < limits.price_max
    assert 0 <= limits.stock_min < limits.stock_max
    assert limits.picture_min <= limits.picture_quiet <= limits.picture_max
    assert limits.ratio_min < 1 < limits.ratio_max


@pytest.mark.parametrize(
    ("region", "currency", "skus", "title_min", "title_max", "inches"),
    [
        ("GB", "GBP", 300, 1, 255, False),
        ("US", "USD", 300, 1, 255, True),
        ("DE", "EUR", 300, 1, 255, False),
        ("BR", "BRL", 300, 1, 300, False),
        ("ID", "IDR", 100, 25, 255, False),
    ],
)
def test_markets_differ_as_documented(
    region: str, currency: str, skus: int, title_min: int, title_max: int, inches: bool
) -> None:
    limits = limits_of(region)
    assert (limits.currency, limits.skus, limits.title_min, limits.title_max) == (currency, skus, title_min, title_max)
    assert limits.inches_allowed is inches


def test_markets_are_those_a_shop_can_be_connected_in() -> None:
    assert {limits.region: limits.currency for limits in MARKETS.values()} == {
        market.region: market.currency for market in regions.MARKETS.values()
    }


def test_an_unknown_market_is_named() -> None:
    with pytest.raises(UnknownMarket, match=r"'XX'.*GB"):
        limits_of("XX")
