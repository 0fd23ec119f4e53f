"""The markets of TikTok Shop, and whether a store fits a Shop. Nothing about a region is known anywhere else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Market:
    """``region`` is ISO 3166-1 alpha-2 as the Shop tells it, ``currency`` ISO 4217: what listings are priced in."""

    region: str
    name: str
    currency: str


# Local markets: TikTok Shop Seller Center, "Where TikTok Shop is available" (2026).
MARKETS: dict[str, Market] = {
    region: Market(region, name, currency)
    for region, name, currency in (
        ("BR", "Brazil", "BRL"),
        ("DE", "Germany", "EUR"),
        ("ES", "Spain", "EUR"),
        ("FR", "France", "EUR"),
        ("GB", "United Kingdom", "GBP"),
        ("ID", "Indonesia", "IDR"),
        ("IE", "Ireland", "EUR"),
        ("IT", "Italy", "EUR"),
        ("JP", "Japan", "JPY"),
        ("MX", "Mexico", "MXN"),
        ("MY", "Malaysia", "MYR"),
        ("PH", "Philippines", "PHP"),
        ("SG", "Singapore", "SGD"),
        ("TH", "Thailand", "THB"),
        ("US", "United States", "USD"),
        ("VN", "Vietnam", "VND"),
    )
}


def market_name(region: str) -> str:
    """The market in words with its code, such as ``United Kingdom (GB)``; an unknown one is its code alone."""
    market = MARKETS.get(region)
    return f"{market.name} ({region})" if market else region or "unknown"


def misfit(*, store: str, country: str, currency: str, shop: str, region: str) -> str:
    """Why the store cannot sell in the Shop, naming both values and where each is set; empty when it can.

    ``store`` and ``shop`` are their names.
    """
    market = MARKETS.get(region)
    if market is None:
        return f"The Shop {shop} is in {region or 'an unnamed region'}, a market that this version does not know."
    if country.upper() != region:
        return (
            f"The store {store} is in {market_name(country.upper())} (the country of its business address, set in the "
            f"store's business details) but the Shop {shop} is in {market_name(region)} (its region, chosen when it "
            f"was opened and shown in Seller Center): change the store's country, or connect a Shop of that country."
        )
    if currency.upper() != market.currency:
        return (
            f"The store {store} sells in {currency.upper() or 'no currency'} (set in the store's business details) but "
            f"the Shop {shop} in {market_name(region)} sells in {market.currency} (given by its region): change the "
            f"store's currency to {market.currency}."
        )
    return ""
