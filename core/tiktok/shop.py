"""What a Shop offers and demands: shops, warehouses, categories, attributes, brands, prerequisites."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from core.domain.errors import Missing
from core.domain.listing import AuthorisedShop, CategoryAttribute, CategoryRule, ShopBrand, ShopCategory, Warehouse
from core.tiktok import endpoints, mapping
from core.tiktok.calls import ShopResource, json_bytes
from core.tiktok.listing_body import CATEGORY_VERSION

_PAGE = 100
_LOCALES = {
    "GB": "en-GB", "IE": "en-IE", "US": "en-US", "DE": "de-DE", "FR": "fr-FR", "IT": "it-IT", "ES": "es-ES",
    "MX": "es-MX", "BR": "pt-BR", "JP": "ja-JP", "ID": "id-ID", "MY": "ms-MY", "TH": "th-TH", "VN": "vi-VN",
}  # fmt: skip
_VERSION = {"category_version": CATEGORY_VERSION}


class ShopFacts(ShopResource):
    """The descriptive part of ``ports.Marketplace``; all reads."""

    def shops(self) -> tuple[AuthorisedShop, ...]:
        """The Shops the present token may act for."""
        return self._calls.call(endpoints.AUTHORIZED_SHOPS, read=mapping.authorised_shops)

    def warehouses(self) -> tuple[Warehouse, ...]:
        return self._calls.call(endpoints.WAREHOUSES, read=mapping.warehouses)

    def categories(self) -> tuple[ShopCategory, ...]:
        """The whole tree in one answer: some thousand nodes of V2, named in the Shop's language."""
        return self._calls.call(endpoints.CATEGORIES, query=self._named(), read=mapping.categories)

    def category_rule(self, category_id: str) -> CategoryRule:
        return self._calls.call(
            endpoints.CATEGORY_RULES,
            place={"category_id": category_id},
            query=self._named(),
            read=partial(mapping.category_rule, category_id),
        )

    def category_attributes(self, category_id: str) -> tuple[CategoryAttribute, ...]:
        return self._calls.call(
            endpoints.CATEGORY_ATTRIBUTES,
            place={"category_id": category_id},
            query=self._named(),
            read=mapping.category_attributes,
        )

    def recommend_category(self, title: str, description: str = "") -> str | None:
        """The leaf category id the Shop recommends, or None when nothing matches."""
        body = {"product_title": title} | _VERSION | ({"description": description} if description else {})
        try:
            leaf = self._calls.call(
                endpoints.CATEGORY_RECOMMEND,
                body=json_bytes(body),
                read=lambda data: data.text("leaf_category_id"),
            )
        except Missing:
            return None
        return leaf or None

    def brands(self, *, category_id: str | None = None) -> Iterator[tuple[ShopBrand, ...]]:
        """A page of at most 100 at a time, authorised ones first."""
        query = {"page_size": str(_PAGE)} | _VERSION | ({"category_id": category_id} if category_id else {})
        token = ""
        while True:
            paged = query | ({"page_token": token} if token else {})
            page, following = self._calls.call(endpoints.BRANDS, query=paged, read=mapping.brands)
            yield page
            if not following or following == token:
                return
            token = following

    def prerequisites(self) -> tuple[tuple[str, bool, tuple[str, ...]], ...]:
        """(check item, passed, reasons) in TikTok's words, such as RETURN_WAREHOUSE or BANk_ACCOUNT (sic)."""
        return self._calls.call(endpoints.PREREQUISITES, read=mapping.prerequisites)

    def _named(self) -> dict[str, str]:
        locale = _LOCALES.get(self._region)
        return _VERSION | ({"locale": locale} if locale else {})
