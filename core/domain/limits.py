"""What TikTok Shop takes, per market: limits are data, each with the page it comes from and the date it was read.

The sources disagree in places; where they do, the value is the one that every source accepts, and the text of the
source says what the others claim. Nothing outside this file knows a region's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Source:
    """Where a limit was read, and when."""

    page: str
    read_on: date


@dataclass(frozen=True, slots=True)
class MarketLimits:
    """The limits of one market. Lengths in characters, pictures in pixels, files in bytes, prices in ``currency``.

    ``description_length`` counts the HTML as it is sent. ``stock_min`` is 0 where a sold-out SKU is sent as 0.
    """

    region: str
    currency: str
    price_min: Decimal
    price_max: Decimal
    title_min: int = 25
    title_max: int = 255
    chinese_allowed: bool = False
    equal_run: int = 9
    description_length: int = 10_000
    description_pictures: int = 30
    pictures: int = 9
    picture_min: int = 300
    picture_quiet: int = 600
    picture_upload_min: int = 100
    picture_max: int = 4_000
    picture_bytes: int = 5_000_000
    ratio_min: Decimal = Decimal(3) / Decimal(4)
    ratio_max: Decimal = Decimal(4) / Decimal(3)
    skus: int = 100
    option_kinds: int = 3
    option_name: int = 20
    option_value: int = 50
    attribute_value: int = 500
    seller_sku: int = 50
    stock_min: int = 0
    stock_max: int = 99_999
    weight_max_kg: Decimal = Decimal(1_000)
    inches_allowed: bool = False
    video_bytes: int = 5_000_000
    uploads_a_day_new: int = 100
    uploads_a_day: int = 1_000
    warehouses: int = 45


class UnknownMarket(ValueError):
    """There are no limits on file for a region; the text says which, and which there are."""


_CREATE = Source("TikTok Shop Partner Center, Create Product", date(2025, 12, 1))
_UPLOAD = Source("TikTok Shop Partner Center, Upload Product Image", date(2025, 12, 1))
_PRICING = Source(
    "TikTok Shop Partner Center, Product Pricing, as quoted in 2024; the present page was not readable",
    date(2024, 6, 1),
)
_SHOPWIRED = Source("ShopWired help, TikTok Integration App", date(2026, 9, 1))
_SELLERCLOUD = Source("Sellercloud help, TikTok integration", date(2026, 9, 1))

SOURCES: Final[dict[str, Source]] = {
    "region": _CREATE,
    "currency": _PRICING,
    "price_min": _PRICING,
    "price_max": _PRICING,
    "title_min": _CREATE,
    "title_max": _CREATE,
    "chinese_allowed": Source("TikTok Shop error codes 12052262 and 12052346", date(2025, 12, 1)),
    "equal_run": Source("TikTok Shop error codes 12052931 to 12052935", date(2025, 12, 1)),
    "description_length": _CREATE,
    "description_pictures": _CREATE,
    "pictures": _CREATE,
    "picture_min": _SHOPWIRED,
    "picture_quiet": Source(
        "Sellercloud help asks for 600 px, ShopWired's for 300: between them a warning", date(2026, 9, 1)
    ),
    "picture_upload_min": _UPLOAD,
    "picture_max": _SHOPWIRED,
    "picture_bytes": Source(
        "Sellercloud help and the 2024 upload page say 5 MB; Upload Product Image now says 10 MB", date(2026, 9, 1)
    ),
    "ratio_min": _SHOPWIRED,
    "ratio_max": _SHOPWIRED,
    "skus": _CREATE,
    "option_kinds": _CREATE,
    "option_name": _CREATE,
    "option_value": _CREATE,
    "attribute_value": Source("Create Product says 2,000 characters, its 2024 text 500", date(2025, 12, 1)),
    "seller_sku": _CREATE,
    "stock_min": Source("Create Product of 2024 takes 0; Update Inventory now says 1 to 99,999", date(2025, 12, 1)),
    "stock_max": Source("Update Inventory: 1 to 99,999; TikTok for Shopify quotes 0 to 999,999", date(2025, 12, 1)),
    "weight_max_kg": Source("our own bound against a slipped decimal point; none is published", date(2026, 11, 1)),
    "inches_allowed": Source("TikTok Shop error codes 12019061 and 12052916", date(2025, 12, 1)),
    "video_bytes": _SELLERCLOUD,
    "uploads_a_day_new": Source("ShopWired help, Selling on TikTok", date(2026, 9, 1)),
    "uploads_a_day": Source("ShopWired help, Selling on TikTok", date(2026, 9, 1)),
    "warehouses": _SELLERCLOUD,
}


def _market(region: str, currency: str, low: str, high: str) -> MarketLimits:
    return MarketLimits(region, currency, Decimal(low), Decimal(high))


def _western(region: str, currency: str, low: str, high: str) -> MarketLimits:
    """BR, EU, JP, MX, UK and US take 300 SKUs and titles from one character on."""
    return replace(_market(region, currency, low, high), skus=300, title_min=1)


_EURO: Final = tuple(_western(region, "EUR", "0.01", "5600") for region in ("DE", "ES", "FR", "IE", "IT"))

MARKETS: Final[dict[str, MarketLimits]] = {
    limits.region: limits
    for limits in (
        _western("GB", "GBP", "0.01", "5600"),
        replace(_western("US", "USD", "0.01", "7600"), inches_allowed=True),
        *_EURO,
        replace(_western("BR", "BRL", "0.50", "10000"), title_max=300),
        replace(_western("MX", "MXN", "0.01", "100000"), title_max=300),
        replace(_western("JP", "JPY", "1", "1000000"), chinese_allowed=True),
        _market("ID", "IDR", "100", "100000000"),
        _market("TH", "THB", "30", "260000"),
        _market("MY", "MYR", "0.01", "320000"),
        _market("VN", "VND", "1", "180000000"),
        _market("PH", "PHP", "0.01", "400000"),
        _market("SG", "SGD", "0.01", "10000"),
    )
}


def limits_of(region: str) -> MarketLimits:
    """The limits of a market by its ISO 3166-1 alpha-2 region. Raises ``UnknownMarket``."""
    try:
        return MARKETS[region]
    except KeyError:
        known = ", ".join(sorted(MARKETS))
        raise UnknownMarket(f"There are no limits on file for region {region!r}: known are {known}.") from None
