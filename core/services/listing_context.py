"""listing context: what readiness needs besides the product, read from the database for a whole batch at once."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, select

from core.db.catalogue import StoredProduct
from core.db.tables import (
    category_rules,
    connections,
    mappings,
    picture_checks,
    product_states,
    products,
    shop_brands,
    shop_categories,
    shops,
    store_accounts,
    variants,
    warehouses,
)
from core.domain.catalog import Product
from core.domain.identifiers import identify
from core.domain.limits import limits_of
from core.domain.listing import CategoryAttribute, CategoryRule, ShopBrand
from core.domain.listing_rules import ListingContext, ListingRules, as_listed
from core.domain.mapping import (
    ATTRIBUTE,
    BRAND,
    CATEGORY,
    DEFAULT_CATEGORY,
    PARCEL,
    AttributeRule,
    CategoryInfo,
    video_address,
)
from core.domain.offers import PriceRules, StockRules
from core.domain.own_content import OwnContent, read_own
from core.domain.parcels import ParcelDefaults, read_parcel
from core.domain.pictures import PictureFacts
from core.services.settings_of_connection import ConnectionSettings, load_settings
from core.services.stock_holds import held_units

_IMG: Final = re.compile(r"<img\b[^>]*?\bsrc\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mapped:
    """The mappings of a connection by kind, from the store's id to the Shop's."""

    categories: Mapping[str, str] = field(default_factory=dict)
    brands: Mapping[str, str] = field(default_factory=dict)
    default_category: str | None = None
    attributes: Mapping[str, AttributeRule] = field(default_factory=dict)
    parcels: Mapping[str, ParcelDefaults] = field(default_factory=dict)

    def category_ids(self, store_categories: Collection[str] | None = None) -> set[str]:
        """The categories of the Shop that are mapped to: all, or those that these of the store lead to."""
        meant = self.categories if store_categories is None else self.categories.keys() & set(store_categories)
        return {one for one in (*map(self.categories.__getitem__, meant), self.default_category) if one}


@dataclass(frozen=True, slots=True)
class Batch:
    """The contexts of some products by product id, and the other products that share a SKU or a code with them."""

    contexts: Mapping[int, ListingContext]
    twins: Mapping[int, frozenset[int]]


def load_mapped(connection: Connection, connection_id: int) -> Mapped:
    """All mappings of a connection."""
    columns = (mappings.c.kind, mappings.c.source_id, mappings.c.target_id, mappings.c.detail)
    rows = connection.execute(select(*columns).where(mappings.c.connection_id == connection_id)).all()
    default = next((row.target_id for row in rows if row.kind == DEFAULT_CATEGORY), "")
    return Mapped(
        categories={row.source_id: row.target_id for row in rows if row.kind == CATEGORY},
        brands={row.source_id: row.target_id for row in rows if row.kind == BRAND},
        default_category=default or None,
        attributes={row.source_id: attribute_rule(row.target_id, row.detail) for row in rows if row.kind == ATTRIBUTE},
        parcels={row.source_id: read_parcel(row.detail) for row in rows if row.kind == PARCEL},
    )


def attribute_rule(target_id: str, detail: Mapping[str, Any]) -> AttributeRule:
    """An attribute's mapping: a listed value as ``target_id`` or ``text`` in its detail, and there the ``field``."""
    return AttributeRule(target_id, str(detail.get("text", "")), str(detail.get("field", "")))


def load_rules(
    connection: Connection,
    connection_id: int,
    *,
    also: Collection[str] = (),
    mapped: Mapped | None = None,
    store_categories: Collection[str] | None = None,
) -> ListingRules:
    """The rules of a connection. ``also`` are further category ids to know; ``mapped`` replaces what is stored.

    ``store_categories``: those of the products meant, so that only where they lead to is read.

    Raises ``UnknownMarket`` for a region without limits on file.
    """
    joined = connections.join(shops, shops.c.id == connections.c.shop_id)
    joined = joined.join(store_accounts, store_accounts.c.id == connections.c.store_account_id)
    found = select(connections.c.shop_id, shops.c.region, store_accounts.c.currency).select_from(joined)
    row = connection.execute(found.where(connections.c.id == connection_id)).one()
    mapped = mapped or load_mapped(connection, connection_id)
    settings = load_settings(connection, connection_id)
    wanted = mapped.category_ids(store_categories) | {one for one in also if one}
    rules, attributes = _category_rules(connection, row.shop_id, wanted)
    return ListingRules(
        limits=limits_of(row.region),
        store_currency=row.currency,
        warehouse_id=_sales_warehouse(connection, connection_id),
        **_from_settings(settings),
        category_map=mapped.categories,
        default_category=mapped.default_category,
        brand_map=mapped.brands,
        attribute_rules=mapped.attributes,
        category_parcels=mapped.parcels,
        categories=load_categories(connection, row.shop_id, wanted),
        category_rules=rules,
        category_attributes=attributes,
        brands=_brands(connection, row.shop_id, {one for one in mapped.brands.values() if one}),
    )


def load_categories(connection: Connection, shop_id: int, category_ids: Collection[str]) -> dict[str, CategoryInfo]:
    """The Shop's categories with these ids, by id."""
    c = shop_categories.c
    wanted = select(c.id, c.path, c.leaf, c.permission).where(
        c.shop_id == shop_id, c.id == func.any(list(category_ids))
    )
    return {row.id: CategoryInfo(row.id, row.path, row.leaf, row.permission) for row in connection.execute(wanted)}


def load_contexts(
    connection: Connection, connection_id: int, rules: ListingRules, stored: Mapping[int, StoredProduct]
) -> Batch:
    """What is known of each of these products; all of one store account."""
    if not stored:
        return Batch({}, {})
    account = next(iter(stored.values())).store_account_id
    states = _states(connection, connection_id, list(stored))
    own = {state.product_id: read_own(state.own_content) for state in states}
    facts = load_facts(connection, {url for urls in _shown(stored, own).values() for url in urls})
    skus = _twins(connection, account, variants.c.sku, [v.sku for p in stored.values() for v in p.product.variants])
    held = held_units(connection, account, [own_id for p in stored.values() for own_id in p.variant_ids.values()])
    codes = _twins(connection, account, variants.c.gtin, [v.gtin for p in stored.values() for v in p.product.variants])
    contexts, twins = {}, {}
    for state in states:
        product = stored[state.product_id]
        contexts[product.id] = ListingContext(
            rules=rules,
            product_id=str(product.id),
            variant_ids={remote_id: str(own_id) for remote_id, own_id in product.variant_ids.items()},
            own_category_id=state.own_category_id,
            own=own[product.id],
            pictures=facts,
            sku_twins=_named_skus(product, skus),
            code_twins=_named_codes(product, codes),
            held={str(own_id): held[own_id] for own_id in product.variant_ids.values() if own_id in held},
        )
        twins[product.id] = _other_products(product, (skus, codes))
    return Batch(contexts, twins)


def pictures_shown(
    connection: Connection, connection_id: int, stored: Mapping[int, StoredProduct]
) -> dict[int, set[str]]:
    """The addresses of all pictures that each of these products shows on TikTok, by product id."""
    states = _states(connection, connection_id, list(stored))
    return _shown(stored, {state.product_id: read_own(state.own_content) for state in states})


def _shown(stored: Mapping[int, StoredProduct], own: Mapping[int, OwnContent | None]) -> dict[int, set[str]]:
    return {one: set(picture_urls(as_listed(stored[one].product, own[one]))) for one in own}


def picture_urls(product: Product) -> Iterable[str]:
    """The addresses of all pictures a product shows, those of its description included, and of its video."""
    yield from (picture.url for picture in product.pictures)
    if "<img" in product.description.lower():
        yield from (html.unescape(url) for url in _IMG.findall(product.description))
    if film := video_address(product):
        yield film


def load_facts(connection: Connection, urls: Collection[str]) -> dict[str, PictureFacts]:
    """What is known of pictures, by address."""
    c = picture_checks.c
    columns = (c.url, c.width, c.height, c.format, c.bytes, c.digest, c.error)
    rows = connection.execute(select(*columns).where(c.url == func.any(list(urls))))
    return {
        row.url: PictureFacts(
            row.url, row.width or 0, row.height or 0, row.format, row.bytes or 0, row.digest, row.error
        )
        for row in rows
    }


def _from_settings(settings: ConnectionSettings) -> dict[str, Any]:
    return {
        "separate_variants": settings.list_variants_separately,
        "send_brand": settings.send_brand,
        "send_variant_images": settings.send_variant_images,
        "unauthorised_brand": settings.unauthorised_brand,
        "identifier_priority": settings.identifier_priority,
        "prices": PriceRules(settings.price_markup_percent, settings.price_markup_fixed, settings.price_rounding),
        "stock": StockRules(settings.stock_buffer, settings.stock_cap),
        "parcel": ParcelDefaults(
            settings.default_weight_kg,
            settings.default_length_cm,
            settings.default_width_cm,
            settings.default_height_cm,
        ),
    }


def _sales_warehouse(connection: Connection, connection_id: int) -> str | None:
    """The default sales warehouse, else any usable one; a disabled one is none."""
    c = warehouses.c
    usable = (c.connection_id == connection_id, c.kind == "SALES_WAREHOUSE", c.status != "DISABLED")
    wanted = select(c.remote_id).where(*usable).order_by(c.is_default.desc(), c.remote_id).limit(1)
    return connection.execute(wanted).scalar_one_or_none()


def _category_rules(
    connection: Connection, shop_id: int, category_ids: Collection[str]
) -> tuple[dict[str, CategoryRule], dict[str, tuple[CategoryAttribute, ...]]]:
    c = category_rules.c
    wanted = select(c.category_id, c.rule, c.attributes).where(
        c.shop_id == shop_id, c.category_id == func.any(list(category_ids))
    )
    rows = connection.execute(wanted).all()
    rules = {row.category_id: read_rule(row.rule) for row in rows}
    return rules, {row.category_id: tuple(read_attribute(one) for one in row.attributes) for row in rows}


def read_rule(document: Mapping[str, Any]) -> CategoryRule:
    """A category's rule as it was stored by shop_metadata."""
    certifications = tuple((one[0], one[1], bool(one[2])) for one in document["certifications"])
    return CategoryRule(**{**document, "certifications": certifications})


def read_attribute(document: Mapping[str, Any]) -> CategoryAttribute:
    """A category's attribute as it was stored by shop_metadata; one that was stored long ago has no conditions."""
    pairs = {name: tuple((one[0], one[1]) for one in document.get(name, ())) for name in ("values", "conditions")}
    return CategoryAttribute(**{**document, **pairs})


def _brands(connection: Connection, shop_id: int, brand_ids: Collection[str]) -> dict[str, ShopBrand]:
    c = shop_brands.c
    wanted = select(c.id, c.name, c.authorised, c.t1).where(c.shop_id == shop_id, c.id == func.any(list(brand_ids)))
    return {row.id: ShopBrand(*row) for row in connection.execute(wanted)}


def _states(connection: Connection, connection_id: int, product_ids: Sequence[int]) -> Sequence[Any]:
    c = product_states.c
    wanted = select(c.product_id, c.own_category_id, c.own_content).where(
        c.connection_id == connection_id, c.product_id == func.any(list(product_ids))
    )
    return connection.execute(wanted).all()


@dataclass(frozen=True, slots=True)
class _Holder:
    product_id: int
    title: str
    sku: str


def _twins(connection: Connection, account: int, column: Any, values: Iterable[str | None]) -> dict[str, list[_Holder]]:
    """Who has each of these values, for those that several products of the account have."""
    wanted = list({value for value in values if value})
    joined = variants.join(products, products.c.id == variants.c.product_id)
    live = (variants.c.deleted_at.is_(None), products.c.deleted_at.is_(None))
    ours = (variants.c.store_account_id == account, column == func.any(wanted), *live)
    several = select(column).select_from(joined).where(*ours).group_by(column)
    shared = list(connection.scalars(several.having(func.count(variants.c.product_id.distinct()) > 1)))
    holders: dict[str, list[_Holder]] = {}
    if not shared:
        return holders
    chosen = select(column, variants.c.product_id, products.c.title, variants.c.sku).select_from(joined)
    shared_ours = (variants.c.store_account_id == account, column == func.any(shared), *live)
    for value, product_id, title, sku in connection.execute(chosen.where(*shared_ours).order_by(variants.c.id)):
        holders.setdefault(value, []).append(_Holder(product_id, title, sku or title))
    return holders


def _named_skus(stored: StoredProduct, holders: Mapping[str, list[_Holder]]) -> dict[str, tuple[str, ...]]:
    named = {}
    for sku in {variant.sku for variant in stored.product.variants if variant.sku in holders}:
        others = tuple(dict.fromkeys(one.title for one in holders[sku or ""] if one.product_id != stored.id))
        named[sku or ""] = others
    return named


def _named_codes(stored: StoredProduct, holders: Mapping[str, list[_Holder]]) -> dict[str, tuple[str, ...]]:
    named = {}
    for code in {variant.gtin for variant in stored.product.variants if variant.gtin in holders}:
        identifier = identify(code, book=True).identifier
        if identifier:
            others = tuple(dict.fromkeys(one.sku for one in holders[code or ""] if one.product_id != stored.id))
            named[identifier.digits] = others
    return named


def _other_products(stored: StoredProduct, shared: Sequence[Mapping[str, list[_Holder]]]) -> frozenset[int]:
    skus, codes = shared
    held = [holder for variant in stored.product.variants for holder in skus.get(variant.sku or "", ())]
    held += [holder for variant in stored.product.variants for holder in codes.get(variant.gtin or "", ())]
    return frozenset(holder.product_id for holder in held) - {stored.id}
