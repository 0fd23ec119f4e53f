"""What readiness depends on besides the product: its connection's rules, and what else is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from core.domain.catalog import Picture, Product
from core.domain.identifiers import PRIORITY
from core.domain.limits import MarketLimits
from core.domain.listing import CategoryAttribute, CategoryRule, ShopBrand
from core.domain.mapping import AttributeRule, CategoryInfo, field_key
from core.domain.offers import PriceRules, StockRules
from core.domain.own_content import OwnContent
from core.domain.parcels import ParcelDefaults
from core.domain.pictures import PictureFacts

_SIZE_FIELDS: Final = frozenset({"tiktok length", "tiktok width", "tiktok height", "tiktok unit"})


@dataclass(frozen=True, slots=True)
class ListingRules:
    """What is the same for all products of a connection: settings, mappings, and what the Shop demands.

    ``store_currency`` must be the market's. ``warehouse_id`` is the Shop's default sales warehouse, or None.
    Mappings go from the store's id to the Shop's; ``brands`` and ``categories`` hold at least the mapped ones.
    """

    limits: MarketLimits
    store_currency: str
    warehouse_id: str | None
    separate_variants: bool = False
    send_brand: bool = True
    send_variant_images: bool = True
    unauthorised_brand: str = "error"
    identifier_priority: tuple[str, ...] = PRIORITY
    prices: PriceRules = field(default_factory=PriceRules)
    stock: StockRules = field(default_factory=StockRules)
    parcel: ParcelDefaults = field(default_factory=ParcelDefaults)
    category_parcels: Mapping[str, ParcelDefaults] = field(default_factory=dict)
    category_map: Mapping[str, str] = field(default_factory=dict)
    default_category: str | None = None
    brand_map: Mapping[str, str] = field(default_factory=dict)
    attribute_rules: Mapping[str, AttributeRule] = field(default_factory=dict)
    categories: Mapping[str, CategoryInfo] = field(default_factory=dict)
    category_rules: Mapping[str, CategoryRule] = field(default_factory=dict)
    category_attributes: Mapping[str, tuple[CategoryAttribute, ...]] = field(default_factory=dict)
    brands: Mapping[str, ShopBrand] = field(default_factory=dict)

    def parcel_in(self, category_id: str | None) -> ParcelDefaults:
        """The default weight and sizes of a category: its own before those of the connection (P22)."""
        own = self.category_parcels.get(category_id or "")
        return self.parcel if own is None else own.over(self.parcel)


@dataclass(frozen=True, slots=True)
class ListingContext:
    """One product's surroundings. Ids are the database's, as text; ``variant_ids`` by the store's variant id.

    ``pictures`` are the checked ones by url. ``sku_twins`` and ``code_twins`` name what else in the store account
    has the same SKU, or the same identifier digits. ``held`` are pieces sold in the Shop and not yet deducted in the
    store, by variant id.
    """

    rules: ListingRules
    product_id: str
    variant_ids: Mapping[str, str]
    own_category_id: str | None = None
    own: OwnContent | None = None
    pictures: Mapping[str, PictureFacts] = field(default_factory=dict)
    sku_twins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    code_twins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)


def as_listed(product: Product, own: OwnContent | None) -> Product:
    """The product with its TikTok-only content over the store's."""
    if own is None:
        return product
    fields = dict(product.custom_fields)
    if own.sizes_cm:
        fields = {name: text for name, text in fields.items() if field_key(name) not in _SIZE_FIELDS}
        fields |= dict(zip(("TikTok Length", "TikTok Width", "TikTok Height"), own.sizes_cm, strict=True))
    variants = product.variants
    if own.weight_kg:
        variants = tuple(replace(variant, weight_kg=own.weight_kg) for variant in variants)
    return replace(
        product,
        title=own.title or product.title,
        description=own.description or product.description,
        pictures=tuple(Picture(url) for url in own.picture_urls) or product.pictures,
        custom_fields=fields,
        variants=variants,
    )
