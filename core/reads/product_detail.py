"""One product as its drawer shows it: both sides, problems, and everything that happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Float, Select, Text, cast, select

from core.db.tables import (
    connections,
    listing_skus,
    listings,
    product_states,
    products,
    shop_categories,
    shops,
    short_links,
    variants,
)
from core.domain.listing import Problem, Severity
from core.reads.exports import Reason, reasons_of
from core.reads.paging import reading


@dataclass(frozen=True, slots=True)
class SkuSides:
    """A variant on both sides; prices in the store's currency, ``shop_*`` as read back, None when never read."""

    variant_id: int
    sku: str | None
    options: str
    store_price: float | None
    sale_price: float | None
    store_stock: int | None
    sent_price: float | None
    sent_quantity: int | None
    shop_price: float | None
    shop_quantity: int | None
    read_back_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A listing of the product, past or present."""

    id: int
    generation: int
    state: str
    state_sentence: str
    remote_id: str | None
    tiktok_status: str | None
    audit_status: str | None
    review_round: int
    sent_at: datetime | None
    reviewed_at: datetime | None
    ended_at: datetime | None
    draft: dict[str, Any] | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ProductDetail:
    """``sync``: sent, not_sent or failed. ``accounts``: the store account and the Shop, as webhooks name them."""

    id: int
    remote_id: str
    title: str
    description: str
    url: str
    active: bool
    brand: str | None
    brand_id: str | None
    picture_urls: tuple[str, ...]
    status: str
    status_sentence: str
    sell: bool
    category: str | None
    category_source: str | None
    own_category_id: str | None
    own_content: dict[str, Any]
    sync: str
    short_code: str | None
    accounts: tuple[str, ...]
    problems: tuple[Problem, ...]
    skus: tuple[SkuSides, ...]
    listings: tuple[ListingRow, ...]
    changed_at: datetime

    @property
    def subjects(self) -> tuple[str, ...]:
        """What calls, audit rows and run items about this product are filed under."""
        return (f"product:{self.id}", *(f"listing:{row.id}" for row in self.listings))

    @property
    def hints(self) -> tuple[str, ...]:
        """What webhooks about this product are filed under: the store's id of it and the Shop's."""
        shop = (f"product:{row.remote_id}" for row in self.listings if row.remote_id)
        return (f"product:{self.remote_id}", f"stock:{self.remote_id}", *shop)


def _product(connection_id: int, product_id: int) -> Select[Any]:
    p, s = products.c, product_states.c
    joined = product_states.join(products, p.id == s.product_id).join(connections, connections.c.id == s.connection_id)
    joined = joined.join(shops, shops.c.id == connections.c.shop_id)
    same = (shop_categories.c.shop_id == connections.c.shop_id, shop_categories.c.id == s.category_id)
    columns = (
        p.id,
        p.remote_id,
        p.title,
        p.description,
        p.url,
        p.active,
        p.brand_name.label("brand"),
        p.brand_id,
        p.pictures,
        s.status,
        s.status_sentence,
        s.sell,
        select(shop_categories.c.path).where(*same).scalar_subquery().label("category"),
        s.category_source,
        s.own_category_id,
        s.own_content,
        s.sync,
        select(short_links.c.code).where(short_links.c.product_id == p.id).scalar_subquery().label("short_code"),
        cast(connections.c.store_account_id, Text).label("store_account"),
        shops.c.remote_id.label("shop"),
        s.problems,
        s.changed_at,
    )
    return select(*columns).select_from(joined).where(s.connection_id == connection_id, p.id == product_id)


def product_detail(connection_id: int, product_id: int) -> ProductDetail | None:
    """None when the connection has no such product."""
    with reading() as connection:
        row = connection.execute(_product(connection_id, product_id)).mappings().first()
        if row is None:
            return None
        values = {str(name): value for name, value in row.items()}
        pictures, problems = values.pop("pictures"), values.pop("problems")
        accounts = values.pop("store_account"), values.pop("shop")
        return ProductDetail(
            **values,
            accounts=accounts,
            picture_urls=tuple(picture["url"] for picture in pictures),
            problems=tuple(_problem(entry) for entry in problems),
            skus=_sides(connection, connection_id, product_id),
            listings=_listings(connection, connection_id, product_id),
        )


def _problem(stored: dict[str, Any]) -> Problem:
    return Problem(
        code=stored["code"],
        severity=Severity(stored["severity"]),
        sentence=stored["sentence"],
        fix=stored.get("fix", ""),
        field=stored.get("field", ""),
        variant_id=stored.get("variant_id"),
    )


def _options(stored: list[dict[str, str]]) -> str:
    return ", ".join(f"{entry.get('option', '')}: {entry.get('value', '')}" for entry in stored)


def _sides(connection: Connection, connection_id: int, product_id: int) -> tuple[SkuSides, ...]:
    v, sku = variants.c, listing_skus.c
    live = (sku.variant_id == v.id) & (sku.connection_id == connection_id) & sku.ended_at.is_(None)
    columns = (
        v.id.label("variant_id"),
        v.sku,
        v.options,
        cast(v.price, Float).label("store_price"),
        cast(v.sale_price, Float).label("sale_price"),
        v.stock.label("store_stock"),
        cast(sku.sent_price, Float).label("sent_price"),
        sku.sent_quantity,
        cast(sku.shop_price, Float).label("shop_price"),
        sku.shop_quantity,
        sku.read_back_at,
        sku.error_sentence.label("error"),
    )
    wanted: Select[Any] = select(*columns).select_from(variants.outerjoin(listing_skus, live))
    wanted = wanted.where(v.product_id == product_id, v.deleted_at.is_(None)).order_by(v.position, v.id)
    return tuple(
        SkuSides(**{**row, "options": _options(row["options"]), "error": row["error"] or ""})
        for row in connection.execute(wanted).mappings()
    )


def _listings(connection: Connection, connection_id: int, product_id: int) -> tuple[ListingRow, ...]:
    t = listings.c
    columns = (
        t.id,
        t.generation,
        t.state,
        t.state_sentence,
        t.remote_id,
        t.tiktok_status,
        t.audit_status,
        t.review_round,
        t.sent_at,
        t.reviewed_at,
        t.ended_at,
        t.draft,
        t.reasons,
    )
    wanted: Select[Any] = select(*columns).where(t.connection_id == connection_id, t.product_id == product_id)
    rows = connection.execute(wanted.order_by(t.ended_at.is_(None).desc(), t.id.desc()))
    return tuple(ListingRow(**{**row, "reasons": reasons_of(row["reasons"])}) for row in rows.mappings())
