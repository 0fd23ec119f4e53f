"""stock_why: why a SKU has its number, each step with its source and time (K6), and what is exposed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from core.db.tables import (
    latencies,
    listing_skus,
    listings,
    product_states,
    products,
    shop_order_lines,
    shop_orders,
    sku_rules,
    stock_deductions,
    variants,
    warehouses,
)
from core.domain.stock import HOLIDAY, PRICE_LOCKS, STOCK_LOCKS, exposure, steps, to_send
from core.services.live import LiveConnection, require_live
from core.services.stock_holds import OPEN, held_of_no_order, held_units
from core.services.stock_offers import Ground, load_ground, standing_of

_SALES_OVER = timedelta(days=7)
_LAG_OVER = timedelta(days=1)
_POLL = timedelta(minutes=1)  # the lag to expect before any was measured: the change feed is read every minute


@dataclass(frozen=True, slots=True)
class WhyStep:
    """One step of the sum. ``change`` was added, ``left`` remained; ``source`` says in words whose number it is."""

    name: str
    change: int
    left: int
    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Why:
    """Everything behind one SKU's number. Quantities in pieces; ``lag`` is the present p95 from store to Shop.

    ``exposure``: pieces that may be sold at the present rate before the Shop hears of a change. ``notes``: what
    else a person should know, in sentences.
    """

    seller_sku: str
    steps: tuple[WhyStep, ...]
    offered: int
    to_send: int
    sent: int | None
    sent_at: datetime | None
    acknowledged_at: datetime | None
    shown: int | None
    read_back_at: datetime | None
    campaign: int
    creator: int
    committed: int
    held_orders: tuple[str, ...]
    warehouse: str
    units_sold: int
    lag: timedelta
    exposure: Decimal
    notes: tuple[str, ...]


def explain(conn: Connection, listing_sku_id: int) -> Why:
    """Why this SKU has its number. Raises ``NoResultFound`` for an unknown row, ``NotLive`` for an ended connection."""
    row = conn.execute(_wanted().where(listing_skus.c.id == listing_sku_id)).one()
    target = require_live(conn, row.connection_id)
    ground = load_ground(conn, target)
    held = held_units(conn, target.store_account_id, [row.variant_id]).get(row.variant_id, 0)
    standing = standing_of(row, ground, held)
    found = steps(standing)
    sold, lag = _units_sold(conn, target, row.variant_id), present_lag(conn, target.id)
    orders = _held_orders(conn, row.variant_id, row.seen_at)
    sources = _sources(row, ground, _held_by(orders, held_of_no_order(conn, row.variant_id)))
    return Why(
        seller_sku=row.seller_sku,
        steps=tuple(WhyStep(one.name, one.change, one.left, *sources.get(one.name, ("", None))) for one in found),
        offered=found[-1].left,
        to_send=to_send(found[-1].left, standing.reserved),
        sent=row.sent_quantity,
        sent_at=row.quantity_sent_at,
        acknowledged_at=row.quantity_acknowledged_at,
        shown=row.shop_quantity,
        read_back_at=row.read_back_at,
        campaign=row.shop_campaign,
        creator=row.shop_creator,
        committed=row.shop_committed,
        held_orders=orders,
        warehouse=_warehouse(conn, row, ground),
        units_sold=sold,
        lag=lag,
        exposure=exposure(sold, _SALES_OVER, lag),
        notes=tuple(_notes(row, ground)),
    )


def _wanted() -> Any:
    s, v, p, r, li = listing_skus.c, variants.c, products.c, sku_rules.c, listings.c
    state = product_states.c
    joined = (
        listing_skus.join(variants, v.id == s.variant_id)
        .join(products, p.id == v.product_id)
        .join(listings, li.id == s.listing_id)
        .outerjoin(sku_rules, r.variant_id == v.id)
        .outerjoin(product_states, (state.connection_id == s.connection_id) & (state.product_id == p.id))
    )
    columns = (
        func.coalesce(state.sync_stock, True).label("sync_stock"),
        *(s.connection_id, s.variant_id, s.seller_sku, s.sent_quantity, s.quantity_sent_at, s.quantity_acknowledged_at),
        *(s.shop_quantity, s.read_back_at, s.shop_campaign, s.shop_creator, s.shop_committed, s.shop_warehouses),
        *(s.quantity_hold, s.quantity_retry_at, s.price_hold, s.price_retry_at, s.error_sentence, s.sent_price),
        *(v.stock, v.stock_at, v.changed_at, v.deleted_at.label("variant_deleted_at"), p.active, p.deleted_at),
        *(
            p.seen_at,
            r.buffer,
            r.cap,
            r.continue_selling,
            r.updated_at.label("rule_at"),
            li.draft["warehouse_id"].astext.label("listed_in"),
        ),
    )
    return select(*columns).select_from(joined)


def _held_by(orders: tuple[str, ...], of_no_order: int) -> str:
    named = ", ".join(orders[:5]) + (" …" if len(orders) > 5 else "")
    said = [f"TikTok orders not yet off the store's stock: {named}"] if orders else []
    if of_no_order:
        said.append(f"{of_no_order:,} taken in the store just as we wrote its stock, and taken off again")
    return "; ".join(said) or "no order is waiting"


def _sources(row: Row[Any], ground: Ground, held: str) -> dict[str, tuple[str, datetime | None]]:
    """Whose number each step is, and since when."""
    told = row.stock_at is not None and row.stock_at > row.seen_at
    stock = ("the store, as a signed webhook told", row.stock_at) if told else ("the store, as last read", row.seen_at)
    own, shared = ("the rule of this SKU", row.rule_at), ("the largest buffer of this store's connections", None)
    return {
        "on hand": stock,
        "not on sale": ("the product is not active in the store, or gone", row.deleted_at or row.changed_at),
        "held by orders": (held, None),
        "buffer": shared if row.buffer is None else own,
        "cap": ("the setting of this connection", None) if row.cap is None else own,
        "market maximum": (f"what TikTok Shop takes in {ground.limits.region}", None),
        "not below 0": ("less than nothing cannot be offered", None),
        "continue selling": ("the setting of this connection", None) if row.continue_selling is None else own,
    }


def _held_orders(conn: Connection, variant_id: int, seen_at: datetime) -> tuple[str, ...]:
    """The ids of the orders whose units are held, oldest first."""
    d, line, order = stock_deductions.c, shop_order_lines.c, shop_orders.c
    joined = stock_deductions.join(shop_order_lines, line.id == d.line_id).join(shop_orders, order.id == line.order_id)
    held = or_(d.outcome.in_(OPEN), (d.outcome == "done") & (d.settled_at > seen_at))
    wanted = select(order.remote_id).select_from(joined).where(d.variant_id == variant_id, held)
    return tuple(conn.scalars(wanted.group_by(order.remote_id).order_by(func.min(order.ordered_at))))


def _units_sold(conn: Connection, target: LiveConnection, variant_id: int) -> int:
    """Units ordered in the last week, in all Shops of the store account, whatever became of them."""
    line, order = shop_order_lines.c, shop_orders.c
    joined = shop_order_lines.join(shop_orders, order.id == line.order_id)
    recent = (line.variant_id == variant_id, order.ordered_at > func.now() - _SALES_OVER)
    return int(conn.execute(select(func.count()).select_from(joined).where(*recent)).scalar_one())


def present_lag(conn: Connection, connection_id: int) -> timedelta:
    """p95 from a store change to its reading in the Shop, over the last day; a minute while none was measured."""
    it = latencies.c
    seconds = func.extract("epoch", it.ended_at - it.began_at)
    recent = (it.connection_id == connection_id, it.kind == "stock", it.ended_at > func.now() - _LAG_OVER)
    p95 = conn.execute(select(func.percentile_cont(0.95).within_group(seconds)).where(*recent)).scalar()
    return _POLL if p95 is None else timedelta(seconds=float(p95))


def _warehouse(conn: Connection, row: Row[Any], ground: Ground) -> str:
    """The name of the Shop's warehouse that is kept; "" when the location is mapped to none."""
    ours = row.listed_in if ground.warehouse is None else ground.warehouse
    w = warehouses.c
    mine = (w.connection_id == row.connection_id, w.remote_id == ours)
    named: str | None = conn.execute(select(w.name).where(*mine)).scalar()
    return named or ours or ""


def _notes(row: Row[Any], ground: Ground) -> list[str]:
    ours = row.listed_in if ground.warehouse is None else ground.warehouse
    notes = []
    if ground.warehouse == "":
        notes.append("The store's location is mapped to no warehouse, so its stock is not sent.")
    if not ground.settings.inventory_upload:
        notes.append("Stock upload is off for this connection, so the Shop's own number stays.")
    if not row.sync_stock:
        notes.append("Stock sync is off for this product, so the Shop's own number stays.")
    if ours in ground.holiday:
        notes.append(f"The warehouse is in holiday mode ({HOLIDAY}): the Shop shows 0 and it is left so.")
    if row.quantity_hold in STOCK_LOCKS:
        notes.append("A promotion locks the stock; it is sent when the promotion ends.")
    if row.price_hold in PRICE_LOCKS:
        notes.append(f"A promotion locks the price; {row.sent_price:.2f} is sent when the promotion ends.")
    others = sorted(place for place in row.shop_warehouses if place != ours)
    if others:
        notes.append(f"Other warehouses keep what they have: {', '.join(others)}.")
    if row.error_sentence:
        notes.append(row.error_sentence)
    return notes
