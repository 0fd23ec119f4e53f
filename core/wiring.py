"""Where Protocols meet the things that implement them: every process gets its ports here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import select

from core.config import settings
from core.db.engine import transaction
from core.db.journal import PostgresJournal
from core.db.rates import PostgresRates
from core.db.tables import shops, store_accounts
from core.domain.limits import limits_of
from core.http.client import HttpClient
from core.http.images import GuardedPictures
from core.ports import Marketplace, MarketplaceAuth, PictureSource, Store
from core.services.connect_store import load_credentials
from core.services.shop_token import ShopTokenVault
from core.services.tiktok_apps import find_app, load_app
from core.services.webhook_intake import TIKTOK, Door, Hint
from core.stores.registry import PLATFORMS, Platform
from core.tiktok import webhooks as tiktok_webhooks
from core.tiktok.auth import TikTokAuth
from core.tiktok.client import TikTokShop

# (capacity, permits a second) of a new bucket; afterwards its row in rate_buckets rules, and may be edited.
# TikTok Shop Partner Center, Rate limits: begin with 3 to 10 reads and 1 to 3 writes a second per endpoint and shop.
# ShopWired, API rate limiting: a bucket of 40 that drains 2 a second; ours keeps a few in hand.
ALLOWANCES: dict[str, tuple[float, float]] = {
    "tiktok:read": (10.0, 10.0),
    "tiktok:write": (3.0, 3.0),
    "shopwired": (36.0, 2.0),
}


def allowance(key: str) -> tuple[float, float] | None:
    """The allowance of a new bucket such as ``tiktok:7495…:write:product_create``."""
    if settings().own_rates == "off":
        return None
    remote, _, rest = key.partition(":")
    kind = rest.partition(":")[2].partition(":")[0]
    return ALLOWANCES.get(f"{remote}:{kind}") or ALLOWANCES.get(remote)


@lru_cache(maxsize=1)
def http() -> HttpClient:
    """The one HTTP client of this process."""
    return HttpClient(PostgresJournal(), PostgresRates(allowance))


def store(store_account_id: int) -> Store:
    """The store of an account with its saved credentials."""
    wanted = select(store_accounts).where(store_accounts.c.id == store_account_id)
    with transaction() as connection:
        row = connection.execute(wanted).one()
        credentials = load_credentials(connection, store_account_id)
    return PLATFORMS[row.platform].make(http(), row.base_url, credentials, str(store_account_id))


def store_signs(store_account_id: int) -> bool:
    """Whether we know the secret that the store signs its webhooks with."""
    with transaction() as connection:
        platform = connection.execute(
            select(store_accounts.c.platform).where(store_accounts.c.id == store_account_id)
        ).scalar_one()
        credentials = load_credentials(connection, store_account_id)
    return bool(credentials.get(PLATFORMS[platform].webhook_secret))


def new_store(platform: str, base_url: str, credentials: Mapping[str, str]) -> Store:
    """A store that is not saved yet, to try what a person entered."""
    return PLATFORMS[platform].make(http(), base_url, dict(credentials), "new")


def marketplace_auth(app_id: int) -> MarketplaceAuth:
    """The auth host of a TikTok app."""
    config = settings()
    with transaction() as connection:
        app = load_app(connection, app_id)
    return TikTokAuth(
        http(),
        auth_url=config.tiktok_auth_url,
        authorize_url=config.tiktok_authorize_url,
        api_url=config.tiktok_api_url,
        app_key=app.app_key,
        app_secret=app.app_secret,
        service_id=app.service_id,
    )


def marketplace(shop_id: int) -> Marketplace:
    """One Shop, with its tokens kept in the vault."""
    with transaction() as connection:
        shop = connection.execute(select(shops).where(shops.c.id == shop_id)).one()
        app = load_app(connection, shop.app_id)
    return TikTokShop(
        http(),
        api_url=settings().tiktok_api_url,
        app_key=app.app_key,
        app_secret=app.app_secret,
        cipher=shop.cipher,
        account=shop.remote_id,
        vault=ShopTokenVault(shop_id, marketplace_auth(shop.app_id)),
        region=shop.region,
        currency=limits_of(shop.region).currency,
    )


@lru_cache(maxsize=1)
def picture_source() -> PictureSource:
    """The guarded fetch and conversion of pictures."""
    return GuardedPictures(settings().trusted_origins)


_MOST_NAMED = 9  # orders named by one hint; a parcel of more is found by the next read of the list
# What a webhook of TikTok Shop is about, by topic number; the rest is kept as "other".
_KINDS: dict[int, str] = (
    dict.fromkeys((5, 15, 16, 18, 37), "product")
    | dict.fromkeys((6, 7), "authorisation")
    | dict.fromkeys((1, 2, 3, 4, 11, 12), "order")
    | dict.fromkeys((27, 68), "shop_stock")
)


def shop_door(app_key: str) -> Door | None:
    """How webhooks sent for a TikTok app are verified and read; None for an app we do not have."""
    if not app_key.isalnum():
        return None
    with transaction() as connection:
        app = find_app(connection, app_key)
    if app is None:
        return None

    def is_genuine(headers: Mapping[str, str], body: bytes) -> bool:
        return tiktok_webhooks.verify(app.app_key, app.app_secret, body, headers.get("authorization", ""))

    return Door(TIKTOK, is_genuine, handshake=lambda _: None, hint=_shop_hint)


def store_door(platform: str, store_account_id: int) -> Door | None:
    """The same for a store account; None for an account we do not have, and for one without a webhook secret."""
    wanted = select(store_accounts.c.platform).where(store_accounts.c.id == store_account_id)
    with transaction() as connection:
        if platform not in PLATFORMS or connection.execute(wanted).scalar_one_or_none() != platform:
            return None
        speaks = PLATFORMS[platform]
        secret = load_credentials(connection, store_account_id).get(speaks.webhook_secret, "")
    if not secret:
        return None
    return Door(
        platform,
        is_genuine=lambda headers, body: speaks.is_genuine(secret, headers, body),
        handshake=lambda body: speaks.handshake(secret, body),
        hint=lambda body: _store_hint(speaks, store_account_id, body),
    )


def _shop_hint(body: bytes) -> Hint | None:
    try:
        push = tiktok_webhooks.parse(body)
    except tiktok_webhooks.Malformed:
        return None
    kind = _KINDS.get(push.kind, "other")
    subject = push.product_id or ",".join(push.order_ids[:_MOST_NAMED])
    if kind == "shop_stock":
        subject = push.sku_id
    return Hint(push.shop_id, push.notification_id, push.topic or str(push.kind), kind, subject)


def _store_hint(speaks: Platform, store_account_id: int, body: bytes) -> Hint | None:
    change = speaks.change_in(body)
    if change is None:
        return None
    topic = f"{change.kind}.{change.action}"
    told = (change.sku or "", change.quantity if change.sku else None, change.at)
    return Hint(str(store_account_id), change.event_id, topic, change.kind, change.subject_id, *told)
