"""TikTok Shop for one Shop, put together from its resources."""

from __future__ import annotations

from core.http.client import HttpClient
from core.ports import TokenVault
from core.tiktok.calls import App, SignedCalls
from core.tiktok.orders import Orders
from core.tiktok.products import Products
from core.tiktok.shop import ShopFacts
from core.tiktok.webhooks import ShopWebhooks


class TikTokShop(Products, Orders, ShopFacts, ShopWebhooks):
    """Implements ``ports.Marketplace``. Thread-safe and cheap to make; ``account`` is the Shop's id."""

    def __init__(
        self,
        http: HttpClient,
        *,
        api_url: str,
        app_key: str,
        app_secret: str,
        cipher: str,
        account: str,
        vault: TokenVault,
        region: str,
        currency: str,
    ) -> None:
        calls = SignedCalls(http, App(api_url, app_key, app_secret), vault=vault, cipher=cipher, account=account)
        super().__init__(calls, region=region, currency=currency)
