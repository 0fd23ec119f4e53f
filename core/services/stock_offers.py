"""stock_offers: what each live SKU of a Shop should cost and how many should be offered, from what is stored.

Held units and the buffer are those of the store account: one sale lowers what all its connections offer (K8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from core.db.tables import (
    connection_settings,
    connections,
    listing_skus,
    listings,
    mappings,
    product_states,
    products,
    sku_rules,
    variants,
    warehouses,
)
from core.domain.catalog import Variant
from core.domain.limits import MarketLimits, limits_of
from core.domain.money import Money
from core.domain.offers import PriceRules, price_of
from core.domain.stock import HOLIDAY, MAIN_LOCATION, WAREHOUSE, Standing, began_at, offered, spread, to_send
from core.services.live import LiveConnection
from core.services.settings_of_connection import ConnectionSettings, load_settings
from core.services.stock_holds import held_units

# Listings whose stock the Shop takes (Partner Center, Update Inventory: not frozen, not deleted).
STOCK_STATUSES = ("ACTIVATE", "PENDING", "FAILED", "SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED", "SCHEDULED")


@dataclass(frozen=True, slots=True)
class Ground:
    """What is the same for all SKUs of a connection. ``buffer`` is the greatest of the store account's connections.

    ``warehouse``: where the store's location is mapped to, "" for deliberately none, None when nothing is mapped:
    then each listing keeps the warehouse it was listed in. ``holiday``: the warehouses in holiday mode.
    """

    target: LiveConnection
    settings: ConnectionSettings
    limits: MarketLimits
    buffer: int
    warehouse: str | None
    holiday: frozenset[str]


@dataclass(frozen=True, slots=True)
class SkuOffer:
    """One live SKU: what it should cost and how many should be set in the Shop's warehouse ``ours``.

    ``price`` None: it cannot be sent; ``quantity`` None: stock is not sent. ``send_price`` and ``send_quantity``:
    whether it differs from what the Shop took last. ``present``: the Shop's quantity by warehouse; ``left``: warehouses
    that were ours and are to be emptied.
    """

    row_id: int
    listing_id: int
    remote_id: str
    seller_sku: str
    ours: str
    present: Mapping[str, int]
    left: tuple[str, ...]
    price: Money | None
    quantity: int | None
    send_price: bool
    send_quantity: bool
    price_began_at: datetime | None
    quantity_began_at: datetime | None

    def places(self) -> tuple[tuple[str, int], ...]:
        return spread(self.quantity or 0, self.ours, self.present, self.left)


@dataclass(frozen=True, slots=True)
class ListingOffers:
    """One listing with its SKUs."""

    id: int
    remote_id: str
    product_id: int
    tiktok_status: str
    skus: tuple[SkuOffer, ...]

    def to_price(self) -> list[SkuOffer]:
        return [sku for sku in self.skus if sku.send_price]

    def to_stock(self) -> list[SkuOffer]:
        return [sku for sku in self.skus if sku.send_quantity]


def load_ground(conn: Connection, target: LiveConnection) -> Ground:
    """The rules of a connection's stock and prices. Raises ``UnknownMarket``."""
    settings = load_settings(conn, target.id)
    wanted = select(warehouses.c.remote_id).where(
        warehouses.c.connection_id == target.id, warehouses.c.status == HOLIDAY
    )
    return Ground(
        target,
        settings,
        limits_of(target.region),
        shared_buffer(conn, target.store_account_id),
        mapped_warehouse(conn, target.id),
        frozenset(conn.scalars(wanted)),
    )


def shared_buffer(conn: Connection, store_account_id: int) -> int:
    """One buffer for all connections of a store account: the greatest that any live one sets (K8)."""
    s = connection_settings.c
    joined = connection_settings.join(connections, connections.c.id == s.connection_id)
    ours = (connections.c.store_account_id == store_account_id, connections.c.disconnected_at.is_(None))
    values = conn.scalars(select(s.value).select_from(joined).where(*ours, s.name == "stock_buffer"))
    return max((int(value) for value in values), default=0)


def mapped_warehouse(conn: Connection, connection_id: int) -> str | None:
    """Where the store's one location is mapped to (M9); "" for none on purpose, None when it is not mapped."""
    m = mappings.c
    mine = (m.connection_id == connection_id, m.kind == WAREHOUSE, m.source_id == MAIN_LOCATION)
    return conn.execute(select(m.target_id).where(*mine)).scalar_one_or_none()


def price_rules(settings: ConnectionSettings) -> PriceRules:
    """A connection's price rules (G14) as the domain takes them."""
    return PriceRules(settings.price_markup_percent, settings.price_markup_fixed, settings.price_rounding)


def live_listing_ids(conn: Connection, connection_id: int, product_ids: Sequence[int]) -> list[int]:
    """The listings of products that the Shop has and takes stock for, by id."""
    wanted = select(listings.c.id).where(
        listings.c.connection_id == connection_id,
        listings.c.product_id == func.any(list(product_ids)),
        *takes_stock(),
    )
    return list(conn.scalars(wanted.order_by(listings.c.id)))


def takes_stock() -> tuple[Any, ...]:
    """The conditions under which the Shop takes the stock of a listing, whatever becomes of an edit of it."""
    return (
        listings.c.remote_id.is_not(None),
        listings.c.ended_at.is_(None),
        listings.c.tiktok_status.in_(STOCK_STATUSES),
    )


def load_offers(
    conn: Connection, ground: Ground, listing_ids: Sequence[int], *, part: str = "offers", always: bool = False
) -> list[ListingOffers]:
    """What the SKUs of these listings should offer. ``part``: offers, price or stock. ``always``: send all of it."""
    rows = conn.execute(_wanted(listing_ids)).all()
    held = held_units(conn, ground.target.store_account_id, [row.variant_id for row in rows])
    found: dict[int, ListingOffers] = {}
    for row in rows:
        offer = _offer(row, ground, held.get(row.variant_id, 0), always)
        offer = replace(
            offer,
            send_price=offer.send_price and part != "stock",
            send_quantity=offer.send_quantity and part != "price",
        )
        known = found.get(row.listing_id)
        if known is None:
            known = ListingOffers(row.listing_id, row.listing_remote_id, row.product_id, row.tiktok_status, ())
        found[row.listing_id] = replace(known, skus=(*known.skus, offer))
    return list(found.values())


def _wanted(listing_ids: Sequence[int]) -> Select[Any]:
    s, li, v, p, r, state = listing_skus.c, listings.c, variants.c, products.c, sku_rules.c, product_states.c
    joined = (
        listing_skus.join(listings, li.id == s.listing_id)
        .join(variants, v.id == s.variant_id)
        .join(products, p.id == v.product_id)
        .outerjoin(sku_rules, r.variant_id == v.id)
        .outerjoin(product_states, (state.connection_id == s.connection_id) & (state.product_id == p.id))
    )
    columns = (
        *(s.id, s.listing_id, s.variant_id, s.remote_id, s.seller_sku, s.shop_warehouses, s.left_warehouses),
        *(s.sent_price, s.price_sent_at, s.price_acknowledged_at, s.price_began_at, s.price_hold, s.price_retry_at),
        *(s.sent_quantity, s.quantity_sent_at, s.quantity_acknowledged_at, s.quantity_began_at, s.quantity_hold),
        *(s.quantity_retry_at, s.shop_campaign, s.shop_creator),
        *(li.remote_id.label("listing_remote_id"), li.tiktok_status, li.product_id),
        li.draft["warehouse_id"].astext.label("listed_in"),
        *(v.sku, v.price, v.sale_price, v.stock, v.stock_at, v.changed_at, v.deleted_at.label("variant_deleted_at")),
        *(p.active, p.deleted_at, p.remote_updated_at, r.buffer, r.cap, r.continue_selling),
        func.coalesce(state.sync_price, True).label("sync_price"),
        func.coalesce(state.sync_stock, True).label("sync_stock"),
        func.now().label("now"),
    )
    live = (s.listing_id == func.any(list(listing_ids)), s.ended_at.is_(None), s.remote_id.is_not(None))
    return select(*columns).select_from(joined).where(*live, *takes_stock()).order_by(s.listing_id, s.id)


def _offer(row: Any, ground: Ground, held: int, always: bool) -> SkuOffer:
    ours = row.listed_in if ground.warehouse is None else ground.warehouse
    quantity = to_send(offered(standing_of(row, ground, held)), row.shop_campaign + row.shop_creator)
    price = _price(row, ground)
    stocked = bool(ours) and ground.settings.inventory_upload and row.sync_stock
    priced = price is not None and ground.settings.price_upload and row.sync_price and row.tiktok_status == "ACTIVATE"
    return SkuOffer(
        row_id=row.id,
        listing_id=row.listing_id,
        remote_id=row.remote_id,
        seller_sku=row.seller_sku,
        ours=ours or "",
        present=row.shop_warehouses,
        left=tuple(row.left_warehouses),
        price=price,
        quantity=quantity if stocked else None,
        send_price=priced and (always or _price_is_due(row, price)),
        send_quantity=stocked and (always or _quantity_is_due(row, quantity)),
        price_began_at=row.price_began_at or began_at(row.price_sent_at, None, row.changed_at, row.remote_updated_at),
        quantity_began_at=row.quantity_began_at
        or began_at(row.quantity_sent_at, row.stock_at, row.changed_at, row.remote_updated_at),
    )


def standing_of(row: Any, ground: Ground, held: int) -> Standing:
    """What a SKU's offered quantity follows from; ``row`` has the columns of its variant, product and rules."""
    keeps = row.continue_selling
    return Standing(
        on_hand=row.stock,
        maximum=ground.limits.stock_max,
        held=held,
        buffer=ground.buffer if row.buffer is None else row.buffer,
        cap=ground.settings.stock_cap if row.cap is None else row.cap,
        selling=row.active and row.deleted_at is None and row.variant_deleted_at is None,
        reserved=row.shop_campaign + row.shop_creator,
        continue_selling=ground.settings.continue_selling if keeps is None else keeps,
    )


def _price(row: Any, ground: Ground) -> Money | None:
    variant = Variant(remote_id="", sku=row.sku, price=row.price, stock=row.stock, sale_price=row.sale_price)
    return price_of(variant, price_rules(ground.settings), ground.limits).money


def _price_is_due(row: Any, price: Money | None) -> bool:
    """A price that the Shop refused waits for its time, unless it changed meanwhile."""
    changed = price is not None and price.amount != row.sent_price
    return changed or (row.price_acknowledged_at is None and not _waits(row.price_retry_at, row.now))


def _quantity_is_due(row: Any, quantity: int) -> bool:
    changed = quantity != row.sent_quantity
    untaken = row.quantity_acknowledged_at is None or bool(row.left_warehouses)
    return changed or (untaken and not _waits(row.quantity_retry_at, row.now))


def _waits(retry_at: datetime | None, present: datetime) -> bool:
    return retry_at is not None and retry_at > present


def sku_rows(offers: Iterable[ListingOffers]) -> dict[int, SkuOffer]:
    """All SKUs of these listings by the id of their row."""
    return {sku.row_id: sku for listing in offers for sku in listing.skus}
