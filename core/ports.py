"""What services need of the outside world, as Protocols. ``core/wiring.py`` binds them to real things.

All of them may raise the classes of ``core.domain.errors`` and nothing else for remote trouble.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.catalog import Business, Change, Product, StoreBrand, StoreCategory
from core.domain.listing import (
    AuthorisedShop,
    CategoryAttribute,
    CategoryRule,
    ItemError,
    ListingDraft,
    RemoteListing,
    SentListing,
    ShopBrand,
    ShopCategory,
    Token,
    Warehouse,
)
from core.domain.money import Money
from core.domain.orders import InventoryLevel, ShopOrder, StoreOrder, StoreOrderDraft, StoreOrderStatus
from core.domain.pictures import PictureFacts


@dataclass(frozen=True, slots=True)
class StoreCapabilities:
    """What a store platform cannot do is said here, so that services never ask which platform it is.

    ``creation_deducts_stock``: whether creating an order takes its goods off the store's stock; None: to be learnt.
    """

    can_update_orders: bool
    has_change_feed: bool
    signs_webhooks: bool
    platform: str
    creation_deducts_stock: bool | None = None


class Store(Protocol):
    """A merchant's own store."""

    capabilities: StoreCapabilities

    def business(self) -> Business:
        """Who the credentials belong to; also the cheapest proof that they work."""

    def product_count(self) -> int:
        """How many products there are now, for showing progress."""

    def products(self, *, offset: int = 0) -> Iterator[tuple[Product, ...]]:
        """All products, a page (at most 100) at a time, starting at row ``offset``. Never all in memory."""

    def product(self, remote_id: str) -> Product:
        """One product now. Raises ``Missing`` when the store has it no longer."""

    def categories(self) -> tuple[StoreCategory, ...]: ...

    def brands(self) -> tuple[StoreBrand, ...]: ...

    def changes(self, since: str | None) -> tuple[tuple[Change, ...], str | None]:
        """Hints newer than the cursor ``since``, oldest first, and the cursor to keep next. None: from now on."""

    def order_statuses(self) -> tuple[StoreOrderStatus, ...]: ...

    def shipping_rates(self) -> tuple[str, ...] | None:
        """What the store's shipping rates are called, each name once; None where the platform does not tell them."""

    def create_order(self, draft: StoreOrderDraft) -> StoreOrder:
        """Not idempotent: the intent is stored first, and ``Unknown`` is settled by ``find_orders``."""

    def find_orders(self, marker: str, *, since: datetime) -> tuple[StoreOrder, ...]:
        """Orders whose comments begin with ``marker``: by search, and among those created from ``since`` on."""

    def order(self, remote_id: str) -> StoreOrder: ...

    def set_order_status(self, remote_id: str, status_id: str, *, tracking_url: str = "", email: bool = False) -> None:
        """Absolute, so it may be repeated."""

    def comment_order(self, remote_id: str, text: str) -> None:
        """A note for the store's staff on an existing order."""

    def stock(self, sku: str) -> int | None:
        """What the store has of a SKU now, or None when it does not know the SKU."""

    def set_stock(self, quantities: Sequence[tuple[str, int]]) -> int:
        """Absolute (SKU, quantity); how many the store says it changed. SKUs it does not know may pass in silence."""

    def stock_changes(self, product_id: str, sku: str, *, since: datetime) -> tuple[Change, ...]:
        """What the store remembers of a SKU's stock from about ``since`` on, oldest first; none without a memory."""

    def register_webhooks(self, address: str) -> tuple[str, ...]:
        """Make sure every hint we use is sent to ``address``; returns the topics. Idempotent."""

    def remove_webhooks(self, address: str) -> None:
        """Undo ``register_webhooks``. Idempotent."""


class MarketplaceAuth(Protocol):
    """TikTok's auth host for one app."""

    def authorize_url(self, state: str) -> str: ...

    def token(self, code: str) -> Token: ...

    def refresh(self, refresh_token: str) -> Token: ...

    def shops(self, access_token: str) -> tuple[AuthorisedShop, ...]:
        """The Shops a fresh token may act for (before a connection exists)."""


@dataclass(frozen=True, slots=True)
class UploadedPicture:
    """A picture the Shop has taken: ``uri`` for product bodies, ``url`` for ``<img>`` in descriptions.

    Of a video ``uri`` is the file's id, and the rest is empty.
    """

    uri: str
    url: str
    width: int
    height: int


class Marketplace(Protocol):
    """TikTok Shop for one Shop: tokens, cipher, signing and rates are its own business."""

    def shops(self) -> tuple[AuthorisedShop, ...]: ...

    def warehouses(self) -> tuple[Warehouse, ...]: ...

    def categories(self) -> tuple[ShopCategory, ...]: ...

    def category_rule(self, category_id: str) -> CategoryRule: ...

    def category_attributes(self, category_id: str) -> tuple[CategoryAttribute, ...]: ...

    def recommend_category(self, title: str, description: str = "") -> str | None:
        """The leaf category id the Shop recommends, or None."""

    def brands(self, *, category_id: str | None = None) -> Iterator[tuple[ShopBrand, ...]]: ...

    def prerequisites(self) -> tuple[tuple[str, bool, tuple[str, ...]], ...]:
        """(check item, passed, reasons) of the Shop's own listing prerequisites."""

    def upload_picture(self, data: bytes, name: str, use_case: str = "MAIN_IMAGE") -> UploadedPicture: ...

    def upload_file(self, data: bytes, name: str) -> str:
        """The id of an uploaded file (PDF or video)."""

    def listing_body(
        self,
        draft: ListingDraft,
        pictures: Mapping[str, UploadedPicture],
        *,
        idempotency_key: str | None = None,
        sku_ids: Mapping[str, str] | None = None,
        priced: bool = True,
    ) -> bytes:
        """The request body of Create Product (with a key) or Edit Product (with the Shop's SKU ids by variant id).

        An edit leaves the stock of a SKU that the Shop has as it is, and its price too unless ``priced``.
        ``pictures`` by the store's url: those of the draft, of its SKUs and of its description.
        """

    def create_product(self, body: bytes) -> SentListing:
        """Exactly these bytes. They hold the idempotency key; raises ``Unknown`` when the answer was lost."""

    def edit_product(self, listing_id: str, body: bytes) -> SentListing: ...

    def partial_edit(self, listing_id: str, body: bytes) -> SentListing: ...

    def listing(self, listing_id: str) -> RemoteListing: ...

    def find_by_seller_skus(self, seller_skus: Sequence[str]) -> tuple[RemoteListing, ...]:
        """Live or waiting listings holding any of at most 10 seller SKUs (deleted ones are left out)."""

    def listings_updated(self, since: datetime, until: datetime) -> Iterator[tuple[RemoteListing, ...]]:
        """Listings by update time, both ends inclusive, in windows under the Shop's 10,000 row limit."""

    def inventory(self, sku_ids: Sequence[str]) -> tuple[InventoryLevel, ...]:
        """What the Shop holds of at most 600 SKUs, by its SKU ids."""

    def orders_updated(self, since: datetime, until: datetime) -> Iterator[tuple[ShopOrder, ...]]:
        """Orders by update time, oldest first, in pages of at most 100; those that move while it runs come again."""

    def orders(self, order_ids: Sequence[str]) -> tuple[ShopOrder, ...]:
        """At most 50 orders with all their detail; ids the Shop does not know are left out."""

    def refer_order(self, order_id: str, store_order: str, lines: Sequence[tuple[str, str]]) -> tuple[ItemError, ...]:
        """Tell the Shop our number of an order: (store line id, the Shop's line id) of each line. May be repeated."""

    def delete_listings(self, listing_ids: Sequence[str]) -> tuple[ItemError, ...]: ...

    def activate_listings(self, listing_ids: Sequence[str]) -> tuple[ItemError, ...]: ...

    def deactivate_listings(self, listing_ids: Sequence[str]) -> tuple[ItemError, ...]: ...

    def update_prices(self, listing_id: str, prices: Sequence[tuple[str, Money]]) -> None:
        """(SKU id, price) of one listing; all or nothing."""

    def update_inventory(
        self, listing_id: str, quantities: Sequence[tuple[str, Sequence[tuple[str, int]]]]
    ) -> tuple[ItemError, ...]:
        """(SKU id, [(warehouse id, quantity)]) of one listing; every warehouse of a SKU is named."""

    def register_webhooks(self, address: str) -> tuple[str, ...]: ...

    def remove_webhooks(self) -> None: ...


class TokenVault(Protocol):
    """Keeps one Shop's tokens. ``refresh`` is single-flight over all processes (a lease on the shop's row)."""

    def access_token(self) -> str: ...

    def refresh(self, rejected: str) -> str:
        """A token newer than ``rejected``; only one process really refreshes, the others wait and reread.

        Raises ``Expired`` when a person has to reconnect.
        """


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call to or from a remote system, already redacted."""

    remote: str
    account: str
    method: str
    path: str
    endpoint: str
    status: int | None
    code: str
    request_id: str
    started_at: datetime
    duration_ms: int
    request: str
    response: str
    error: str
    subject: str
    run_item_id: int | None
    connection_id: int | None = None


class Journal(Protocol):
    """Keeps every call; writes in a short transaction of its own and never raises for a lost row."""

    def keep(self, exchange: Exchange) -> None: ...


class RateBucket(Protocol):
    """One bucket per (remote, account, kind of call), shared by all processes."""

    def take(self, key: str, *, priority: int, deadline_s: float) -> None:
        """Wait for a permit. Raises ``RateLimited`` when none comes before ``deadline_s`` seconds."""

    def slow_down(self, key: str, until: datetime) -> None:
        """Nobody calls before ``until``: the remote system said so."""


VIDEO = "VIDEO"  # the use case of a product's video among those of pictures


@dataclass(frozen=True, slots=True)
class PreparedPicture:
    """A picture in a form the Shop takes: ``data`` with a file ``name`` whose ending tells the format; or a video.

    ``width`` and ``height`` in pixels; ``notes`` says in words what was changed.
    """

    data: bytes
    name: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


class PictureSource(Protocol):
    """Fetches a store's picture under guard and brings it into a form the Shop takes."""

    def fetch(self, url: str) -> bytes:
        """The bytes as they are. Raises ``Refused`` naming the picture and why, or ``Temporary``."""

    def look(self, url: str) -> PictureFacts:
        """What the picture is; one that can never be used has a sentence as its ``error``. Raises ``Temporary``."""

    def prepare(self, url: str, use_case: str = "MAIN_IMAGE", *, region: str = "GB") -> PreparedPicture:
        """Fetched, checked against the limits of the market ``region``, and converted where needed.

        Raises ``Refused`` with a sentence naming the picture when it cannot be used, or ``Temporary``.
        """
