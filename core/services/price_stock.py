"""price_stock: keep the price and the stock of live listings as the rules say, after they were created (G12, K1, K9).

Both are absolute in the Shop, so a push may be repeated: what was sent and not acknowledged is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, literal, or_, select, update

from core.db.catalogue import StoredProduct, load_products
from core.db.engine import transaction
from core.db.filters import selected_products
from core.db.leases import release_lease, take_lease
from core.db.tables import listing_skus, listings, product_states
from core.domain.errors import RateLimited, RemoteError, Temporary
from core.domain.filters import Selection
from core.domain.limits import limits_of
from core.domain.listing import ItemError
from core.domain.money import Money
from core.domain.offers import PriceRules, StockRules, offer_of, price_of
from core.ports import Marketplace
from core.services.live import LiveConnection, require_live
from core.services.runs import Item, Outcome, start_run
from core.services.settings_of_connection import ConnectionSettings, load_settings

_LEASE_S = 40.0
_STOCK_STATUSES = ("ACTIVATE", "PENDING", "FAILED", "SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED", "SCHEDULED")


@dataclass(frozen=True, slots=True)
class Offered:
    """What one live SKU should cost and how many should be offered, beside what was last sent and acknowledged."""

    sku_row: int
    remote_id: str
    price: Money | None
    quantity: int
    price_differs: bool
    quantity_differs: bool


@dataclass(frozen=True, slots=True)
class ListingOffers:
    """One listing with its SKUs; ``warehouse_id`` is where its stock lies in the Shop."""

    listing_id: int
    remote_id: str
    tiktok_status: str
    warehouse_id: str
    skus: tuple[Offered, ...]


@dataclass(frozen=True, slots=True)
class Pushed:
    """How many SKUs got a new price and a new quantity, and what the Shop refused."""

    prices: int = 0
    quantities: int = 0
    errors: tuple[ItemError, ...] = ()

    def __add__(self, other: Pushed) -> Pushed:
        return Pushed(self.prices + other.prices, self.quantities + other.quantities, self.errors + other.errors)


def start_push(connection_id: int, selection: Selection, by: str, part: str) -> int:
    """Queue the push of price, stock or both for a selection (P17); the run's id. ``part``: price, stock or offers."""
    titles = {"price": "Update prices", "stock": "Update stock", "offers": "Update price and stock"}
    chosen = selected_products(connection_id, selection).subquery()
    with transaction() as connection:
        return start_run(
            connection,
            kind="price_stock_run",
            title=titles[part],
            connection_id=connection_id,
            by=by,
            items=select(literal("product"), chosen.c[0]),
            parameters={"part": part},
        )


def push_item(market: Marketplace, target: LiveConnection, item: Item, part: str) -> Outcome:
    """Push one product of a run, whether or not anything seems to differ, and say how it ended."""
    try:
        pushed = push_products(market, target.id, [item.subject_id], part=part, always=True)
    except RateLimited as limited:
        return Outcome("waiting", limited.sentence, "rate", limited.until)
    except Temporary as trouble:
        return Outcome("failed", trouble.sentence, trouble.code or "temporary")
    if pushed is None:
        return Outcome(
            "skipped", "It is not in the Shop, or not in a state that takes prices and stock.", "not_in_shop"
        )
    if pushed.errors:
        return Outcome("failed", pushed.errors[0].sentence, pushed.errors[0].code)
    return Outcome("done", f"{pushed.prices} prices and {pushed.quantities} quantities sent.")


def push_products(
    market: Marketplace, connection_id: int, product_ids: Sequence[int], *, part: str = "offers", always: bool = False
) -> Pushed | None:
    """Send what differs (or everything, with ``always``) for the live listings of products; None without any.

    Raises ``Temporary`` and ``RateLimited`` as the calls do; what is not acknowledged is sent next time.
    """
    total, any_listing = Pushed(), False
    for listing_id in _live_listing_ids(connection_id, product_ids):
        name = f"offers:{listing_id}"
        attempt = take_lease(name, seconds=_LEASE_S)
        if attempt is None:
            raise Temporary("Another worker is sending this listing's prices and stock.", code="again")
        try:
            pushed = _push_listing(market, connection_id, listing_id, part, always)
        finally:
            release_lease(name, attempt)
        any_listing = True
        total += pushed
    return total if any_listing else None


def _live_listing_ids(connection_id: int, product_ids: Sequence[int]) -> list[int]:
    wanted = select(listings.c.id).where(
        listings.c.connection_id == connection_id,
        listings.c.product_id.in_(product_ids),
        listings.c.state == "sent",
        listings.c.ended_at.is_(None),
        listings.c.tiktok_status.in_(_STOCK_STATUSES),
    )
    with transaction() as connection:
        return list(connection.execute(wanted.order_by(listings.c.id)).scalars())


def _push_listing(market: Marketplace, connection_id: int, listing_id: int, part: str, always: bool) -> Pushed:
    with transaction() as connection:
        target = require_live(connection, connection_id)
        settings = load_settings(connection, connection_id)
        offers = _offers(connection, target, settings, listing_id, always)
    prices, quantities, errors = 0, 0, []
    if part != "price" and settings.inventory_upload:
        wanted = [sku for sku in offers.skus if sku.quantity_differs]
        refused = _push_quantities(market, offers, wanted)
        quantities, errors = len(wanted) - len(refused), refused
    if part != "stock" and settings.price_upload and offers.tiktok_status == "ACTIVATE":
        priced = [(sku, sku.price) for sku in offers.skus if sku.price_differs and sku.price is not None]
        prices = _push_prices(market, offers, priced)
    return Pushed(prices, quantities, tuple(errors))


def _offers(
    connection: Connection, target: LiveConnection, settings: ConnectionSettings, listing_id: int, always: bool
) -> ListingOffers:
    listing = connection.execute(select(listings).where(listings.c.id == listing_id)).one()
    switches = connection.execute(
        select(product_states.c.sync_price, product_states.c.sync_stock).where(
            product_states.c.connection_id == target.id, product_states.c.product_id == listing.product_id
        )
    ).one()
    stored = load_products(connection, [listing.product_id])[listing.product_id]
    rows = connection.execute(
        select(listing_skus).where(
            listing_skus.c.listing_id == listing_id,
            listing_skus.c.ended_at.is_(None),
            listing_skus.c.remote_id.is_not(None),
        )
    ).all()
    skus = tuple(_offered(row, stored, target, settings, switches, always) for row in rows)
    return ListingOffers(listing_id, listing.remote_id, listing.tiktok_status, listing.draft["warehouse_id"], skus)


def _offered(
    row: Any, stored: StoredProduct, target: LiveConnection, settings: ConnectionSettings, switches: Any, always: bool
) -> Offered:
    limits = limits_of(target.region)
    remote_ids = {variant_id: remote_id for remote_id, variant_id in stored.variant_ids.items()}
    found = {variant.remote_id: variant for variant in stored.product.variants}.get(remote_ids.get(row.variant_id, ""))
    price = price_of(found, price_rules(settings), limits).money if found else None
    rules = StockRules(settings.stock_buffer, settings.stock_cap)
    quantity = offer_of(found.stock, rules, limits).quantity if found and stored.product.active else 0
    price_differs = price is not None and (price.amount != row.sent_price or row.price_acknowledged_at is None)
    quantity_differs = quantity != row.sent_quantity or row.quantity_acknowledged_at is None
    return Offered(
        sku_row=row.id,
        remote_id=row.remote_id,
        price=price,
        quantity=quantity,
        price_differs=(always or price_differs) and switches.sync_price,
        quantity_differs=(always or quantity_differs) and switches.sync_stock,
    )


def price_rules(settings: ConnectionSettings) -> PriceRules:
    """A connection's price rules (G14) as the domain takes them."""
    return PriceRules(settings.price_markup_percent, settings.price_markup_fixed, settings.price_rounding)


def _push_quantities(market: Marketplace, offers: ListingOffers, wanted: Sequence[Offered]) -> list[ItemError]:
    """Every update names all warehouses of a SKU: ours has one, the one it was listed in."""
    if not wanted:
        return []
    with transaction() as connection:
        for sku in wanted:
            intended = {"sent_quantity": sku.quantity, "quantity_sent_at": func.now(), "quantity_acknowledged_at": None}
            connection.execute(update(listing_skus).where(listing_skus.c.id == sku.sku_row).values(**intended))
    quantities = [(sku.remote_id, [(offers.warehouse_id, sku.quantity)]) for sku in wanted]
    errors = {error.item_id: error for error in market.update_inventory(offers.remote_id, quantities)}
    with transaction() as connection:
        _acknowledge(connection, "quantity_acknowledged_at", wanted, errors)
    return list(errors.values())


def _push_prices(market: Marketplace, offers: ListingOffers, wanted: Sequence[tuple[Offered, Money]]) -> int:
    if not wanted:
        return 0
    with transaction() as connection:
        for sku, price in wanted:
            intended = {"sent_price": price.amount, "price_sent_at": func.now(), "price_acknowledged_at": None}
            connection.execute(update(listing_skus).where(listing_skus.c.id == sku.sku_row).values(**intended))
    market.update_prices(offers.remote_id, [(sku.remote_id, price) for sku, price in wanted])
    with transaction() as connection:
        _acknowledge(connection, "price_acknowledged_at", [sku for sku, _ in wanted], {})
    return len(wanted)


def _acknowledge(connection: Connection, column: str, skus: Iterable[Offered], errors: dict[str, ItemError]) -> None:
    for sku in skus:
        error = errors.get(sku.remote_id)
        values: dict[str, Any] = {"error_sentence": error.sentence if error else ""}
        if error is None:
            values[column] = func.now()
        connection.execute(update(listing_skus).where(listing_skus.c.id == sku.sku_row).values(**values))


def unacknowledged_products(connection_id: int, *, limit: int = 500) -> list[int]:
    """Products with a price or a stock that was sent and never acknowledged."""
    joined = listing_skus.join(listings, listings.c.id == listing_skus.c.listing_id)
    wanted = (
        select(listings.c.product_id)
        .select_from(joined)
        .where(
            listing_skus.c.connection_id == connection_id,
            listing_skus.c.ended_at.is_(None),
            listings.c.state == "sent",
            or_(
                listing_skus.c.quantity_sent_at.is_not(None) & listing_skus.c.quantity_acknowledged_at.is_(None),
                listing_skus.c.price_sent_at.is_not(None) & listing_skus.c.price_acknowledged_at.is_(None),
            ),
        )
        .distinct()
    )
    with transaction() as connection:
        return list(connection.execute(wanted.limit(limit)).scalars())


def push_changed(market: Marketplace, connection_id: int, product_ids: Sequence[int] | None) -> Pushed:
    """Push products whose price or stock changed in the store, or, with None, whatever was not acknowledged.

    One product's refusal does not stop the others.
    """
    total = Pushed()
    for product_id in product_ids if product_ids is not None else unacknowledged_products(connection_id):
        try:
            pushed = push_products(market, connection_id, [product_id])
        except Temporary:
            raise
        except RemoteError as refusal:
            pushed = Pushed(errors=(ItemError(str(product_id), refusal.code, refusal.sentence),))
        if pushed is not None:
            total += pushed
    return total
