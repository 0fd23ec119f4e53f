"""Products on TikTok Shop: sending, reading, ending, prices and stock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from core.domain.listing import ItemError, ListingDraft, RemoteListing, SentListing
from core.domain.money import Money
from core.http.client import Part
from core.ports import UploadedPicture
from core.tiktok import endpoints, mapping
from core.tiktok.calls import ShopResource, json_bytes
from core.tiktok.endpoints import Endpoint
from core.tiktok.fields import Fields
from core.tiktok.listing_body import CATEGORY_VERSION, listing_body

_PAGE = 100
_BATCH = 20  # product ids of one activate, deactivate or delete call
_MOST_SKUS = 10  # seller SKUs of one search
_MOST_ROWS = 9_000  # a search ends at 10,000 rows; some may be added while we read
_TYPES = {".png": "image/png", ".webp": "image/webp", ".bmp": "image/bmp", ".heic": "image/heic"}


class Products(ShopResource):
    """The product part of ``ports.Marketplace``."""

    def upload_picture(self, data: bytes, name: str, use_case: str = "MAIN_IMAGE") -> UploadedPicture:
        """``use_case`` is MAIN_IMAGE, ATTRIBUTE_IMAGE, DESCRIPTION_IMAGE, CERTIFICATION_IMAGE or SIZE_CHART_IMAGE."""
        kind = _TYPES.get(name[name.rfind(".") :].lower(), "image/jpeg")
        files = (Part("data", data, name, kind), Part("use_case", use_case.encode()))
        return self._calls.call(endpoints.IMAGE_UPLOAD, files=files, read=mapping.uploaded_picture)

    def upload_file(self, data: bytes, name: str) -> str:
        """``name`` with its ending, without spaces or further full stops. Returns the file's id."""
        kind = "application/pdf" if name.lower().endswith(".pdf") else "application/octet-stream"
        files = (Part("data", data, name, kind), Part("name", name.encode()))
        return self._calls.call(endpoints.FILE_UPLOAD, files=files, read=lambda answer: answer.needed("id"))

    def listing_body(
        self,
        draft: ListingDraft,
        pictures: Mapping[str, UploadedPicture],
        *,
        idempotency_key: str | None = None,
        sku_ids: Mapping[str, str] | None = None,
        priced: bool = True,
    ) -> bytes:
        return listing_body(draft, pictures, idempotency_key=idempotency_key, sku_ids=sku_ids, priced=priced)

    def create_product(self, body: bytes) -> SentListing:
        """Exactly these bytes, which hold the idempotency key. Raises ``Unknown`` when the answer was lost."""
        return self._calls.call(endpoints.PRODUCT_CREATE, body=body, read=mapping.sent_listing)

    def edit_product(self, listing_id: str, body: bytes) -> SentListing:
        """Overwrites the whole listing; a SKU that ``body`` does not name is deleted."""
        return self._edit(endpoints.PRODUCT_EDIT, listing_id, body)

    def partial_edit(self, listing_id: str, body: bytes) -> SentListing:
        """Replaces the top-level properties that ``body`` names, each as a whole."""
        return self._edit(endpoints.PRODUCT_PARTIAL_EDIT, listing_id, body)

    def listing(self, listing_id: str) -> RemoteListing:
        """Raises ``Missing`` for one that does not exist and ``Conflict`` for a deleted or frozen one: Get Product does
        not serve those, while a search does."""
        place = {"product_id": listing_id}
        return self._calls.call(endpoints.PRODUCT_GET, place=place, read=mapping.remote_listing)

    def find_by_seller_skus(self, seller_skus: Sequence[str]) -> tuple[RemoteListing, ...]:
        """Listings that hold any of at most 10 seller SKUs, deleted ones left out."""
        if not seller_skus:
            return ()
        if len(seller_skus) > _MOST_SKUS:
            raise ValueError(f"{len(seller_skus)} seller SKUs were searched at once: at most {_MOST_SKUS} are allowed.")
        body = json_bytes({"status": "ALL", "seller_skus": list(seller_skus), "category_version": CATEGORY_VERSION})
        found = [listing for page, _ in self._pages(endpoints.PRODUCT_SEARCH, body) for listing in page]
        wanted = set(seller_skus)
        return tuple(
            listing
            for listing in found
            if listing.status != "DELETED" and any(sku.seller_sku in wanted for sku in listing.skus)
        )

    def listings_updated(self, since: datetime, until: datetime) -> Iterator[tuple[RemoteListing, ...]]:
        """Listings by update time, both ends inclusive, a page of at most 100 at a time.

        A window of more than 9,000 rows is halved, since a search ends at 10,000. One that is updated meanwhile may
        come twice or move beyond ``until``: read again with an overlap.
        """
        windows = [(int(since.timestamp()), int(until.timestamp()))]
        while windows:
            first, last = windows.pop()
            body = json_bytes(
                {"status": "ALL", "update_time_ge": first, "update_time_le": last, "category_version": CATEGORY_VERSION}
            )
            for page, total in self._pages(endpoints.PRODUCT_WALK, body):
                if total > _MOST_ROWS and last > first:
                    middle = (first + last) // 2
                    windows += [(middle + 1, last), (first, middle)]
                    break
                yield page

    def delete_listings(self, listing_ids: Sequence[str]) -> tuple[ItemError, ...]:
        return self._batches(endpoints.PRODUCT_DELETE, listing_ids)

    def activate_listings(self, listing_ids: Sequence[str]) -> tuple[ItemError, ...]:
        return self._batches(endpoints.PRODUCT_ACTIVATE, listing_ids)

    def deactivate_listings(self, listing_ids: Sequence[str]) -> tuple[ItemError, ...]:
        return self._batches(endpoints.PRODUCT_DEACTIVATE, listing_ids)

    def update_prices(self, listing_id: str, prices: Sequence[tuple[str, Money]]) -> None:
        """(SKU id, price) of one listing; all or nothing. Only live listings without a running promotion."""
        skus = [
            {"id": sku_id, "price": {"amount": price.text(), "currency": price.currency}} for sku_id, price in prices
        ]
        self._calls.call(
            endpoints.PRICES_UPDATE, place={"product_id": listing_id}, body=json_bytes({"skus": skus}), read=_nothing
        )

    def update_inventory(
        self, listing_id: str, quantities: Sequence[tuple[str, Sequence[tuple[str, int]]]]
    ) -> tuple[ItemError, ...]:
        """(SKU id, [(warehouse id, quantity)]), absolute; every warehouse of a SKU is named.

        Returns the SKUs that failed although the call as a whole succeeded.
        """
        skus: list[dict[str, Any]] = [
            {"id": sku_id, "inventory": [{"warehouse_id": place, "quantity": count} for place, count in places]}
            for sku_id, places in quantities
        ]
        sold_out = all(count == 0 for _, places in quantities for _, count in places)
        return self._calls.call(
            endpoints.INVENTORY_UPDATE,
            place={"product_id": listing_id},
            body=json_bytes({"skus": skus}),
            read=mapping.item_errors,
            priority=endpoints.STOCK_TO_ZERO if sold_out else None,
        )

    def _edit(self, endpoint: Endpoint, listing_id: str, body: bytes) -> SentListing:
        return self._calls.call(endpoint, place={"product_id": listing_id}, body=body, read=mapping.sent_listing)

    def _pages(self, endpoint: Endpoint, body: bytes) -> Iterator[tuple[tuple[RemoteListing, ...], int]]:
        """Pages of a search with the number of all matches; the last page has no token or an empty one."""
        query = {"page_size": str(_PAGE)}
        while True:
            page, token, total = self._calls.call(endpoint, query=query, body=body, read=mapping.listing_page)
            yield page, total
            if not token or token == query.get("page_token"):
                return
            query = {"page_size": str(_PAGE), "page_token": token}

    def _batches(self, endpoint: Endpoint, listing_ids: Sequence[str]) -> tuple[ItemError, ...]:
        """An error per listing that failed. Ids that a later batch never reached fail with what stopped it."""
        errors: list[ItemError] = []
        rest = iter(listing_ids)
        while batch := list(islice(rest, _BATCH)):
            body = json_bytes({"product_ids": batch})
            errors += self._calls.call(endpoint, body=body, read=mapping.item_errors)
        return tuple(errors)


def _nothing(data: Fields) -> None:
    return None
