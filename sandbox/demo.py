"""Identities of the demo world. Third parties find the same values in docs/sandbox.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TikTokApp:
    """An app registered in Partner Center: `service_id` names it on the authorize page, `app_key` in calls."""

    app_key: str
    app_secret: str
    service_id: str
    redirect_url: str


@dataclass(frozen=True)
class TikTokShop:
    """A shop of one seller; `daily_products` is its listing allowance per UTC day."""

    id: str
    name: str
    region: str
    currency: str
    code: str
    daily_products: int


@dataclass(frozen=True)
class TikTokAccount:
    """Somebody who can sign in on the authorize page; only the owner of a shop can approve an app."""

    login: str
    seller_name: str
    shop_id: str
    is_owner: bool


@dataclass(frozen=True)
class ShopWiredBusiness:
    """One ShopWired store with its API credentials and webhook secret."""

    id: int
    name: str
    key: str
    secret: str
    webhook_secret: str
    currency: str = "GBP"
    country: str = "GB"


TIKTOK_APP = TikTokApp(
    app_key="6f0demo1key",
    app_secret="demo-app-secret-0001",
    service_id="7420000000000000001",
    redirect_url="http://127.0.0.1:8502/oauth/tiktok/return",
)

HARBOUR_SHOP = TikTokShop("7495001122334455667", "Harbour Lane Goods", "GB", "GBP", "GBLCHL7Q2X", 1000)
QUAY_SHOP = TikTokShop("7495001122334455789", "Quay Corner", "GB", "GBP", "GBLCQC4K9P", 100)
MAPLE_SHOP = TikTokShop("7495001122334455901", "Maple Street Supply", "US", "USD", "USLCMS8R3T", 1000)
TIKTOK_SHOPS = (HARBOUR_SHOP, QUAY_SHOP, MAPLE_SHOP)

TIKTOK_ACCOUNTS = (
    TikTokAccount("harbour.lane", "Harbour Lane Goods", HARBOUR_SHOP.id, is_owner=True),
    TikTokAccount("harbour.staff", "Harbour Lane Goods", HARBOUR_SHOP.id, is_owner=False),
    TikTokAccount("quay.corner", "Quay Corner", QUAY_SHOP.id, is_owner=True),
    TikTokAccount("maple.street", "Maple Street Supply", MAPLE_SHOP.id, is_owner=True),
)

SHOPWIRED_HARBOUR = ShopWiredBusiness(1, "Harbour Lane", "sw-key-harbour", "sw-secret-harbour", "sw-hook-harbour")
SHOPWIRED_QUAY = ShopWiredBusiness(2, "Quay Corner Store", "sw-key-quay", "sw-secret-quay", "sw-hook-quay")
SHOPWIRED_BUSINESSES = (SHOPWIRED_HARBOUR, SHOPWIRED_QUAY)
SHOPWIRED_LIMITED_KEY = "sw-key-limited"
"""A key of business 1 (same secret) without permission to read products: its calls answer 403."""
