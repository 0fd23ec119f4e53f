"""price_stock: keep the price and the stock of live listings as the rules say, after they were created (G12, K1, K9).

Both are absolute in the Shop, so a push may be repeated: what was sent and not acknowledged is sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, func, literal, or_, select

from core.db.engine import transaction
from core.db.filters import selected_products
from core.db.tables import listing_skus, listings, product_states
from core.domain.errors import Expired, RateLimited, RemoteError, Temporary, Unknown
from core.domain.filters import Selection
from core.domain.stock import PRICE_LOCKS, STOCK_LOCKS
from core.ports import Marketplace
from core.queue import STOCK, defer
from core.services.live import require_live
from core.services.low_stock import judge_low_stock
from core.services.price_stock_rows import leave_warehouse
from core.services.price_stock_send import Pushed, push_listings
from core.services.runs import Item, Outcome, start_run
from core.services.stock_compare import unsent
from core.services.stock_offers import live_listing_ids, load_ground, load_offers, takes_stock
from core.services.stock_read_back import read_back, unread

_BUSY_S = 2
_LOOK = 500  # listings looked at in one transaction
_NOT_IN_SHOP = "It is not in the Shop, or not in a state that takes prices and stock."


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


def push_items(
    market: Marketplace, connection_id: int, items: Sequence[Item], part: str, *, always: bool = True
) -> dict[int, Outcome]:
    """Push the products or listings of a run's items together, and say how each ended, by item id.

    ``always``: whether or not anything seems to differ. Raises ``Expired`` and ``NotLive``.
    """
    chosen = _listings_of(connection_id, items)
    wanted = list(dict.fromkeys(listing_id for ids in chosen.values() for listing_id in ids))
    run_items = {listing_id: item_id for item_id, ids in chosen.items() for listing_id in ids}
    pushed = push_listings(market, connection_id, wanted, part=part, always=always, run_items=run_items)
    if isinstance(pushed.trouble, Expired):
        raise pushed.trouble
    return {item.id: _outcome(chosen[item.id], pushed) for item in items}


def _listings_of(connection_id: int, items: Sequence[Item]) -> dict[int, list[int]]:
    """The listings of each item that the Shop has and takes stock for, by item id."""
    products = {item.subject_id for item in items if item.subject_kind == "product"}
    named = {item.subject_id for item in items if item.subject_kind == "listing"}
    wanted = select(listings.c.id, listings.c.product_id).where(
        listings.c.connection_id == connection_id,
        or_(listings.c.product_id == func.any(list(products)), listings.c.id == func.any(list(named))),
        *takes_stock(),
    )
    with transaction() as connection:
        rows = connection.execute(wanted.order_by(listings.c.id)).all()
    return {
        item.id: [row.id for row in rows if item.subject_id == _subject(item, row.id, row.product_id)] for item in items
    }


def _subject(item: Item, listing_id: int, product_id: int) -> int:
    return listing_id if item.subject_kind == "listing" else product_id


def _outcome(listing_ids: Collection[int], pushed: Pushed) -> Outcome:
    if not listing_ids:
        return Outcome("skipped", _NOT_IN_SHOP, "not_in_shop")
    if pushed.busy & set(listing_ids):
        return Outcome("waiting", "Another worker is sending it just now.", "again", _in_seconds(_BUSY_S))
    errors = [error for listing_id in listing_ids for error in pushed.errors.get(listing_id, ())]
    if errors:
        held = all(error.code in PRICE_LOCKS | STOCK_LOCKS for error in errors)
        note = " The change is kept and sent when the promotion ends." if held else ""
        return Outcome("failed", f"{errors[0].sentence}{note}", errors[0].code)
    if pushed.trouble is not None and not set(listing_ids) <= pushed.sent:
        return _troubled(pushed.trouble)
    return Outcome("done", "Sent." if pushed.sent & set(listing_ids) else "Nothing differed.")


def _troubled(trouble: RemoteError) -> Outcome:
    if isinstance(trouble, RateLimited):
        return Outcome("waiting", trouble.sentence, "rate", trouble.until)
    if isinstance(trouble, Temporary | Unknown):
        return Outcome("failed", trouble.sentence, trouble.code or "temporary")
    return Outcome("failed", trouble.sentence, trouble.code)


def _in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def push_changed(market: Marketplace, connection_id: int, product_ids: Sequence[int]) -> Pushed:
    """The job ``price_stock``: push products whose price or stock changed in the store.

    Listings that somebody else sends just now are queued again. Raises the Shop's trouble after all else was done.
    """
    with transaction() as connection:
        require_live(connection, connection_id)
        wanted = live_listing_ids(connection, connection_id, product_ids)
    pushed = push_listings(market, connection_id, wanted)
    _queue_busy(connection_id, pushed.busy)
    if pushed.trouble is not None:
        raise pushed.trouble
    return pushed


def _queue_busy(connection_id: int, busy: Collection[int]) -> None:
    if not busy:
        return
    with transaction() as connection:
        its_products = select(listings.c.product_id).where(listings.c.id == func.any(list(busy)))
        chosen = sorted(set(connection.scalars(its_products)))
        defer(
            connection,
            "price_stock",
            priority=STOCK,
            after_seconds=_BUSY_S,
            connection_id=connection_id,
            product_ids=chosen,
        )


def push_open(market: Marketplace, connection_id: int) -> Pushed:
    """The clock's look: send what was never acknowledged and is due, then read what was never read back."""
    pushed = push_listings(market, connection_id, open_listings(connection_id))
    with transaction() as connection:
        ground = load_ground(connection, require_live(connection, connection_id))
        unseen = unread(connection, connection_id)
    if pushed.trouble is not None:
        raise pushed.trouble
    read_back(market, unseen, ground.holiday)
    return pushed


def open_listings(connection_id: int, *, limit: int = _LOOK) -> list[int]:
    """Listings with a price or a quantity that was sent, never acknowledged, and may be sent again now."""
    s = listing_skus.c
    joined = listing_skus.join(listings, listings.c.id == s.listing_id)
    quantity = s.quantity_acknowledged_at.is_(None) & _due(s.quantity_retry_at) & s.quantity_sent_at.is_not(None)
    price = s.price_acknowledged_at.is_(None) & _due(s.price_retry_at) & s.price_sent_at.is_not(None)
    mine = (s.connection_id == connection_id, s.ended_at.is_(None), s.remote_id.is_not(None), or_(quantity, price))
    wanted = select(s.listing_id).select_from(joined).where(*mine, *takes_stock()).distinct()
    with transaction() as connection:
        return list(connection.scalars(wanted.order_by(s.listing_id).limit(limit)))


def _due(retry_at: Column[Any]) -> ColumnElement[bool]:
    return or_(retry_at.is_(None), retry_at <= func.now())


def has_open(connection_id: int) -> bool:
    """Whether the clock's look would find anything, so that it makes no call for nothing."""
    if open_listings(connection_id, limit=1):
        return True
    with transaction() as connection:
        return bool(unread(connection, connection_id, limit=1))


def has_unsent(connection_id: int) -> bool:
    """Whether any SKU's last sent quantity is not what should be sent now; one look at every SKU, in SQL."""
    return bool(_unsent(connection_id, limit=1))


def push_unsent(market: Marketplace, connection_id: int) -> Pushed:
    """The job ``price_stock_unsent``: the net under every change that should have queued a push of its own."""
    pushed = push_listings(market, connection_id, _unsent(connection_id, limit=_LOOK))
    _queue_busy(connection_id, pushed.busy)
    if pushed.trouble is not None:
        raise pushed.trouble
    return pushed


def _unsent(connection_id: int, *, limit: int) -> list[int]:
    s, state = listing_skus.c, product_states.c
    with transaction() as connection:
        ground = load_ground(connection, require_live(connection, connection_id))
        if not ground.settings.inventory_upload or ground.warehouse == "":
            return []
        found = unsent(ground).subquery("unsent")
        joined = found.join(listing_skus, s.id == found.c.id).join(listings, listings.c.id == s.listing_id)
        own = (state.connection_id == s.connection_id) & (state.product_id == listings.c.product_id)
        wanted = select(s.listing_id).select_from(joined.outerjoin(product_states, own)).distinct()
        kept = (func.coalesce(state.sync_stock, True), *takes_stock())
        return list(connection.scalars(wanted.where(*kept).order_by(s.listing_id).limit(limit)))


def judge_low_stock_of(connection_id: int, product_ids: Sequence[int] | None) -> None:
    """Open or close the low stock issues of products that changed, or of all."""
    with transaction() as connection:
        judge_low_stock(connection, connection_id, product_ids)


def push_all(market: Marketplace, connection_id: int, *, left: str | None = None) -> Pushed:
    """The job ``price_stock_all``: look at every listing after a rule changed, and push those that differ.

    ``left``: the warehouse that was ours until then, to be emptied, "" for the one each listing was listed in.
    """
    total = Pushed()
    for listing_ids in _differing(connection_id, left):
        total.add(push_listings(market, connection_id, listing_ids))
        if total.trouble is not None:
            raise total.trouble
    _queue_busy(connection_id, total.busy)
    return total


def _differing(connection_id: int, left: str | None) -> Iterator[list[int]]:
    last = 0
    while True:
        page = select(listings.c.id).where(listings.c.connection_id == connection_id, listings.c.id > last)
        with transaction() as connection:
            ground = load_ground(connection, require_live(connection, connection_id))
            ids = list(connection.scalars(page.where(*takes_stock()).order_by(listings.c.id).limit(_LOOK)))
            offers = load_offers(connection, ground, ids)
            if left is not None:
                stocked = [sku for one in offers for sku in one.skus if sku.quantity is not None]
                leave_warehouse(connection, stocked, left)
                offers = load_offers(connection, ground, ids)
        if not ids:
            return
        last = ids[-1]
        differing = [one.id for one in offers if one.to_price() or one.to_stock()]
        if differing:
            yield differing
