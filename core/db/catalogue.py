"""A store's catalogue in the database: products with their variants, categories, brands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, text, update

from core.db.bulk import Stage, stage_rows, upsert_rows, upsert_stage
from core.db.engine import now
from core.db.tables import products, store_brands, store_categories, variants
from core.domain.catalog import OptionValue, Picture, Product, StoreBrand, StoreCategory, Variant

_PRODUCT_KEY = ("store_account_id", "remote_id")
_VARIANT_KEY = ("product_id", "remote_id")
_VARIANT_COMPARED = (
    "position",
    "sku",
    "price",
    "sale_price",
    "stock",
    "gtin",
    "mpn",
    "weight_kg",
    "picture",
    "options",
    "deleted_at",
)


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A product with our own ids; ``variant_ids`` by the store's id of the variant."""

    id: int
    store_account_id: int
    product: Product
    variant_ids: Mapping[str, int]
    content_hash: str


@dataclass(frozen=True, slots=True)
class SavedProducts:
    """Our ids of the products that were written, and of those of them with a new price or stock, or on sale anew or
    no longer."""

    changed: tuple[int, ...] = ()
    price_or_stock: tuple[int, ...] = ()


def save_products(
    connection: Connection, store_account_id: int, found: Sequence[Product], *, seen_at: datetime
) -> list[int]:
    """Store products as the store told them at ``seen_at``; return the ids of those whose content changed."""
    return list(write_products(connection, store_account_id, found, seen_at=seen_at).changed)


def write_products(
    connection: Connection, store_account_id: int, found: Sequence[Product], *, seen_at: datetime
) -> SavedProducts:
    """Like ``save_products``, telling also where a price or a stock moved.

    ``seen_at`` is when the read began: what was read earlier never overwrites what was read later. A product that
    had been marked deleted lives again; variants that are no longer there are marked deleted.
    """
    if not found:
        return SavedProducts()
    rows = [_product_row(store_account_id, product, seen_at) for product in found]
    stage = stage_rows(connection, products, rows, key=_PRODUCT_KEY)
    switched = _switched_products(connection, store_account_id, found)
    written = upsert_stage(
        connection,
        products,
        stage,
        key=_PRODUCT_KEY,
        compare=("content_hash", "deleted_at"),
        guard="kept.seen_at <= excluded.seen_at",
        returning=("id", "remote_id", "xmax"),
    )
    if len(written) < stage.rows:
        _mark_seen(connection, stage)
    ids = {remote_id: row_id for row_id, remote_id, _ in written}
    if not ids:
        return SavedProducts()
    new = {row_id for row_id, _, replaced in written if replaced in (0, "0")}  # Postgres leaves 0 in inserted rows
    moved = _write_variants(connection, store_account_id, found, ids, seen_at, sorted(set(ids.values()) - new))
    moved |= switched & set(ids.values())
    return SavedProducts(tuple(sorted(ids.values())), tuple(sorted(moved | new)))


def load_products(connection: Connection, product_ids: Sequence[int]) -> dict[int, StoredProduct]:
    """The products with these ids, with their live variants in the store's order; deleted ones are left out."""
    wanted = func.any(list(product_ids))
    by_product: dict[int, list[Row[Any]]] = {}
    live = variants.c.deleted_at.is_(None)
    chosen = select(variants).where(variants.c.product_id == wanted, live)
    for row in connection.execute(chosen.order_by(variants.c.product_id, variants.c.position, variants.c.id)):
        by_product.setdefault(row.product_id, []).append(row)
    rows = connection.execute(select(products).where(products.c.id == wanted, products.c.deleted_at.is_(None)))
    return {row.id: _stored_product(row, by_product.get(row.id, [])) for row in rows}


def save_categories(
    connection: Connection, store_account_id: int, found: Sequence[StoreCategory], *, seen_at: datetime
) -> None:
    """Store the account's whole set of categories; those not among ``found`` go."""
    rows = [
        {
            "store_account_id": store_account_id,
            "remote_id": category.remote_id,
            "title": category.title,
            "path": category.path,
            "active": category.active,
            "seen_at": seen_at,
        }
        for category in found
    ]
    upsert_rows(connection, store_categories, rows, key=_PRODUCT_KEY)
    gone = (store_categories.c.store_account_id == store_account_id, store_categories.c.seen_at < seen_at)
    connection.execute(delete(store_categories).where(*gone))


def save_brands(
    connection: Connection, store_account_id: int, found: Sequence[StoreBrand], *, seen_at: datetime
) -> None:
    """Store the account's whole set of brands; those not among ``found`` go."""
    rows = [
        {
            "store_account_id": store_account_id,
            "remote_id": brand.remote_id,
            "title": brand.title,
            "seen_at": seen_at,
        }
        for brand in found
    ]
    upsert_rows(connection, store_brands, rows, key=_PRODUCT_KEY)
    gone = (store_brands.c.store_account_id == store_account_id, store_brands.c.seen_at < seen_at)
    connection.execute(delete(store_brands).where(*gone))


def mark_deleted(
    connection: Connection, store_account_id: int, remote_ids: Sequence[str], *, asked_at: datetime
) -> list[int]:
    """Mark products that the store no longer has; ``asked_at`` is when it was asked. Returns the ids newly marked.

    A product that was read after ``asked_at`` is left alone.
    """
    condition = (
        products.c.store_account_id == store_account_id,
        products.c.remote_id.in_(list(remote_ids)),
        products.c.deleted_at.is_(None),
        products.c.seen_at <= asked_at,
    )
    ordered = select(products.c.id).where(*condition).order_by(products.c.remote_id).with_for_update(key_share=True)
    ids = list(connection.scalars(ordered))
    gone = {"deleted_at": asked_at, "seen_at": asked_at, "changed_at": now()}
    connection.execute(update(products).where(products.c.id.in_(ids)).values(gone))
    return ids


def content_hash(product: Product) -> str:
    """A fingerprint of all that the store said of the product except its dates; equal content, equal fingerprint."""
    content = (
        *(product.title, product.description, product.active, product.url, product.brand_id, product.brand_name),
        *(product.vat_exclusive, product.category_ids, sorted(product.custom_fields.items())),
        [(picture.url, picture.alt) for picture in product.pictures],
        [_variant_content(variant) for variant in product.variants],
    )
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _variant_content(variant: Variant) -> tuple[Any, ...]:
    amounts = (_plain(variant.price), _plain(variant.sale_price), _plain(variant.weight_kg))
    options = [(option.option, option.value) for option in variant.options]
    words = (variant.remote_id, variant.sku, variant.stock, variant.gtin, variant.mpn, variant.picture)
    return (*words, *amounts, options)


def _plain(value: Decimal | None) -> str | None:
    """An amount for the fingerprint: 9.9 and 9.90 are the same."""
    return None if value is None else str(value.normalize())


def _product_row(store_account_id: int, product: Product, seen_at: datetime) -> dict[str, Any]:
    single = product.variants[0] if len(product.variants) == 1 else None
    skus = [variant.sku for variant in product.variants if variant.sku]
    return {
        "store_account_id": store_account_id,
        "remote_id": product.remote_id,
        "title": product.title,
        "description": product.description,
        "active": product.active,
        "url": product.url,
        "category_ids": list(product.category_ids),
        "brand_id": product.brand_id,
        "brand_name": product.brand_name,
        "custom_fields": dict(product.custom_fields),
        "pictures": [{"url": picture.url, "alt": picture.alt} for picture in product.pictures],
        "vat_exclusive": product.vat_exclusive,
        "variant_count": len(product.variants),
        "sku": single.sku if single else None,
        "price": _lowest_price(product),
        "stock": sum(max(variant.stock or 0, 0) for variant in product.variants),
        "search_text": " ".join([product.title, *skus]).lower(),
        "content_hash": content_hash(product),
        "remote_created_at": product.created_at,
        "remote_updated_at": product.updated_at,
        "changed_at": now(),
        "seen_at": seen_at,
        "deleted_at": None,
    }


def _lowest_price(product: Product) -> Decimal | None:
    """The least a customer pays for any of its variants."""
    paid = [variant.price if variant.sale_price is None else variant.sale_price for variant in product.variants]
    return min((price for price in paid if price is not None), default=None)


def _mark_seen(connection: Connection, stage: Stage) -> None:
    """Unchanged products were seen too; the nightly crawl looks for those that were not."""
    statement = (
        f"UPDATE products SET seen_at = new.seen_at FROM {stage.name} AS new "
        "WHERE products.store_account_id = new.store_account_id AND products.remote_id = new.remote_id "
        "AND products.seen_at < new.seen_at"
    )
    connection.execute(text(statement))


def _write_variants(
    connection: Connection,
    store_account_id: int,
    found: Sequence[Product],
    ids: Mapping[str, int],
    seen_at: datetime,
    known: list[int],
) -> set[int]:
    """Store the variants of the written products; return those of ``known``, the products that were not new, in
    which a price or a stock moved."""
    newest = {product.remote_id: product for product in found if product.remote_id in ids}
    rows = [
        _variant_row(store_account_id, ids[product.remote_id], place, variant, seen_at)
        for product in newest.values()
        for place, variant in enumerate(product.variants)
    ]
    stage = stage_rows(connection, variants, rows, key=_VARIANT_KEY)
    moved: set[int] = set()
    if known:
        moved = _mark_vanished(connection, stage, known, seen_at) | _moved_products(connection, stage, known)
    upsert_stage(connection, variants, stage, key=_VARIANT_KEY, compare=_VARIANT_COMPARED)
    return moved


def _variant_row(
    store_account_id: int, product_id: int, place: int, variant: Variant, seen_at: datetime
) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "store_account_id": store_account_id,
        "remote_id": variant.remote_id,
        "position": place,
        "sku": variant.sku,
        "price": variant.price,
        "sale_price": variant.sale_price,
        "stock": variant.stock,
        "gtin": variant.gtin,
        "mpn": variant.mpn,
        "weight_kg": variant.weight_kg,
        "picture": variant.picture,
        "options": [{"option": option.option, "value": option.value} for option in variant.options],
        "changed_at": now(),
        "deleted_at": None,
    }


def _mark_vanished(connection: Connection, stage: Stage, product_ids: list[int], seen_at: datetime) -> set[int]:
    statement = text(
        "UPDATE variants SET deleted_at = :seen_at, changed_at = :seen_at "
        "WHERE product_id = ANY(:product_ids) AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM "
        f"{stage.name} AS new WHERE new.product_id = variants.product_id AND new.remote_id = variants.remote_id) "
        "RETURNING product_id"
    )
    return set(connection.scalars(statement, {"seen_at": seen_at, "product_ids": product_ids}))


def _moved_products(connection: Connection, stage: Stage, product_ids: list[int]) -> set[int]:
    """Those of the products of which a staged variant is new or has another price or stock than the stored one."""
    statement = (
        f"SELECT DISTINCT new.product_id FROM {stage.name} AS new "
        "LEFT JOIN (SELECT * FROM variants WHERE product_id = ANY(:product_ids)) AS old "
        "ON old.product_id = new.product_id AND old.remote_id = new.remote_id "
        "WHERE new.product_id = ANY(:product_ids) AND (old.id IS NULL OR "
        "(old.price, old.sale_price, old.stock, old.deleted_at) "
        "IS DISTINCT FROM (new.price, new.sale_price, new.stock, new.deleted_at))"
    )
    return set(connection.scalars(text(statement), {"product_ids": product_ids}))


_STORED = text(
    "SELECT id, remote_id, active AND deleted_at IS NULL AS on_sale FROM products "
    "WHERE store_account_id = :account AND remote_id = ANY(CAST(:remote_ids AS text[]))"
)


def _switched_products(connection: Connection, store_account_id: int, found: Sequence[Product]) -> set[int]:
    """The stored products that what was ``found`` puts on sale or takes off it."""
    active = {product.remote_id: product.active for product in found}
    rows = connection.execute(_STORED, {"account": store_account_id, "remote_ids": list(active)})
    return {row.id for row in rows if row.on_sale != active[row.remote_id]}


def _stored_product(row: Row[Any], its_variants: Sequence[Row[Any]]) -> StoredProduct:
    product = Product(
        remote_id=row.remote_id,
        title=row.title,
        description=row.description,
        active=row.active,
        url=row.url,
        variants=tuple(_variant(found) for found in its_variants),
        pictures=tuple(Picture(found["url"], found["alt"]) for found in row.pictures),
        category_ids=tuple(row.category_ids),
        brand_id=row.brand_id,
        brand_name=row.brand_name,
        custom_fields=row.custom_fields,
        vat_exclusive=row.vat_exclusive,
        created_at=row.remote_created_at,
        updated_at=row.remote_updated_at,
    )
    ids = {found.remote_id: found.id for found in its_variants}
    return StoredProduct(row.id, row.store_account_id, product, ids, row.content_hash)


def _variant(row: Row[Any]) -> Variant:
    return Variant(
        remote_id=row.remote_id,
        sku=row.sku,
        price=row.price,
        stock=row.stock,
        sale_price=row.sale_price,
        gtin=row.gtin,
        mpn=row.mpn,
        weight_kg=row.weight_kg,
        picture=row.picture,
        options=tuple(OptionValue(found["option"], found["value"]) for found in row.options),
    )
