"""Which store fits which Shop, and which permissions an app lacks, in words."""

import pytest

from core.domain.limits import limits_of
from core.domain.regions import MARKETS, misfit
from core.domain.scopes import SCOPES, missing, sentence_for


def told(country: str, currency: str, region: str) -> str:
    return misfit(store="Harbour Lane", country=country, currency=currency, shop="Quay", region=region)


@pytest.mark.parametrize(
    ("country", "currency", "region"), [("GB", "GBP", "GB"), ("us", "usd", "US"), ("DE", "EUR", "DE")]
)
def test_same_country_and_currency_fit(country: str, currency: str, region: str) -> None:
    assert told(country, currency, region) == ""


def test_other_country_names_both_and_where_each_is_set() -> None:
    sentence = told("GB", "GBP", "US")
    for part in (
        "Harbour Lane is in United Kingdom (GB)",
        "business details",
        "Quay is in United States (US)",
        "Seller",
    ):
        assert part in sentence


def test_other_currency_names_both_and_what_to_change() -> None:
    sentence = told("GB", "EUR", "GB")
    assert "sells in EUR" in sentence
    assert "sells in GBP" in sentence
    assert sentence.endswith("change the store's currency to GBP.")


def test_unknown_market_and_empty_country_are_said() -> None:
    assert "is in XX, a market that this version does not know" in told("GB", "GBP", "XX")
    assert "is in unknown" in told("", "GBP", "GB")


def test_markets_and_limits_agree_on_currencies() -> None:
    assert {region: limits_of(region).currency for region in MARKETS} == {
        region: market.currency for region, market in MARKETS.items()
    }


def test_missing_permissions_are_named_with_their_purpose_and_remedy() -> None:
    granted = [scope.name for scope in SCOPES if scope.name != "seller.product.write"]
    (lacking,) = missing(granted)
    assert lacking.essential
    sentence = sentence_for([lacking])
    assert "seller.product.write (sending products, prices and stock)" in sentence
    assert "Partner Center" in sentence


def test_nothing_told_is_nothing_missing() -> None:
    assert missing(()) == ()
    assert sentence_for(missing([scope.name for scope in SCOPES])) == ""
