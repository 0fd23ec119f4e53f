"""price_stock: a few listings at a time, each under a lease, from intent over the call to the read-back.

A chunk takes two transactions however many SKUs it holds; chunks run side by side in a few threads, so that the
Shop's rate and nothing of ours decides how long many listings take.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial

from sqlalchemy import Connection

from core.db.engine import transaction
from core.db.leases import release_leases, renew_leases, take_leases
from core.domain.errors import Conflict, Missing, Refused, RemoteError, Unknown
from core.domain.listing import ItemError
from core.logs import about
from core.ports import Marketplace
from core.services.live import require_live
from core.services.price_stock_rows import (
    SkuOutcome,
    intend_prices,
    intend_quantities,
    lock_rows,
    save_prices,
    save_quantities,
)
from core.services.stock_offers import ListingOffers, SkuOffer, load_ground, load_offers
from core.services.stock_read_back import Asked, read_back, read_prices

CHUNK = 10  # listings
_THREADS = 8
_LEASE_S = 60.0
# Refusals of what was asked, which concern this listing alone; other trouble ends the chunk.
_ABOUT_THE_LISTING = (Refused, Missing, Conflict)
_OTHER_WAREHOUSES = "12019028"  # Partner Center, Update Inventory: all warehouses of a SKU, and no other


@dataclass
class Pushed:
    """How many SKUs of how many listings got a price or a quantity, what the Shop refused, and what was left.

    ``busy``: listings that somebody else sends just now; ``sent``: those the Shop answered for; ``trouble``: what
    ended it early, if anything did.
    """

    prices: int = 0
    quantities: int = 0
    errors: dict[int, list[ItemError]] = field(default_factory=dict)
    sent: set[int] = field(default_factory=set)
    busy: set[int] = field(default_factory=set)
    trouble: RemoteError | None = None

    def add(self, other: Pushed) -> None:
        self.prices += other.prices
        self.quantities += other.quantities
        self.errors |= other.errors
        self.sent |= other.sent
        self.busy |= other.busy
        self.trouble = self.trouble or other.trouble


@dataclass(frozen=True, slots=True)
class _Wish:
    market: Marketplace
    connection_id: int
    part: str
    always: bool
    few: bool
    run_items: Mapping[int, int]


@dataclass
class _Sent:
    """One listing's share of a chunk: how each of its SKUs ended."""

    offers: ListingOffers
    prices: list[SkuOutcome] = field(default_factory=list)
    quantities: list[SkuOutcome] = field(default_factory=list)
    unknown: list[SkuOffer] = field(default_factory=list)


class _Hold:
    """The leases of a chunk. They are renewed once a third of their time has passed: whoever takes one when it is over
    sends what is newer than ours."""

    def __init__(self, leased: Mapping[str, int]) -> None:
        self.leased, self._since = leased, time.monotonic()

    def has(self, listing_id: int) -> bool:
        if time.monotonic() - self._since >= _LEASE_S / 3:
            self._since = time.monotonic()
            with transaction() as conn:
                self.leased = renew_leases(conn, self.leased, seconds=_LEASE_S)
        return _name(listing_id) in self.leased


def _name(listing_id: int) -> str:
    return f"offers:{listing_id}"


@lru_cache(maxsize=1)
def _callers() -> ThreadPoolExecutor:
    """The threads of this process that push; shared, so that many jobs do not mean many threads."""
    return ThreadPoolExecutor(_THREADS, "price-stock")


def push_listings(
    market: Marketplace,
    connection_id: int,
    listing_ids: Sequence[int],
    *,
    part: str = "offers",
    always: bool = False,
    run_items: Mapping[int, int] | None = None,
) -> Pushed:
    """Send the prices and quantities of listings that differ from what the Shop took last (or all, with ``always``).

    ``run_items``: the run's item of each listing, which its calls are kept under. What is not acknowledged is sent
    again by the clock. Raises ``NotLive``; trouble of the Shop is in the answer.
    """
    few = len(listing_ids) <= CHUNK
    push = partial(_push_chunk, _Wish(market, connection_id, part, always, few, run_items or {}))
    chunks = [listing_ids[start : start + CHUNK] for start in range(0, len(listing_ids), CHUNK)]
    total = Pushed()
    if few:
        return push(listing_ids)
    running = [_callers().submit(copy_context().run, push, chunk) for chunk in chunks]
    for one in running:
        if total.trouble is not None and one.cancel():
            continue
        total.add(one.result())
    return total


def _push_chunk(wish: _Wish, listing_ids: Sequence[int]) -> Pushed:
    names = {_name(listing_id): listing_id for listing_id in listing_ids}
    with transaction() as conn:
        ground = load_ground(conn, require_live(conn, wish.connection_id))
        leased = take_leases(conn, list(names), seconds=_LEASE_S)
        offers = load_offers(conn, ground, [names[name] for name in leased], part=wish.part, always=wish.always)
        wanted = [one for one in offers if one.to_price() or one.to_stock()]
        lock_rows(conn, _rows(wanted))
        quantities_at = intend_quantities(conn, [sku for one in wanted for sku in one.to_stock()])
        prices_at = intend_prices(conn, [sku for one in wanted for sku in one.to_price()])
        if not wanted:
            release_leases(conn, leased)
    pushed = Pushed(busy=set(names.values()) - {names[name] for name in leased})
    if not wanted:
        return pushed
    done: list[_Sent] = []
    hold = _Hold(leased)
    try:
        pushed.trouble = _send_each(wish, wanted, hold, done)
    finally:
        with transaction() as conn:
            lock_rows(conn, _rows(sent.offers for sent in done))
            _save(conn, done, quantities_at, prices_at)
            release_leases(conn, hold.leased)
    pushed.busy |= {names[name] for name in leased if name not in hold.leased}
    _count(pushed, done)
    _prove(wish, done, ground.holiday, pushed)
    return pushed


def _send_each(wish: _Wish, wanted: Iterable[ListingOffers], hold: _Hold, done: list[_Sent]) -> RemoteError | None:
    """Send listing by listing until trouble that is not about one of them; the trouble. One lost meanwhile is left."""
    for offers in wanted:
        if not hold.has(offers.id):
            continue
        sent = _Sent(offers)
        done.append(sent)
        try:
            with about(subject=f"product:{offers.product_id}", run_item_id=wish.run_items.get(offers.id)):
                _send_stock(wish.market, sent)
                _send_prices(wish.market, sent)
        except RemoteError as trouble:
            return trouble
    return None


def _send_stock(market: Marketplace, sent: _Sent) -> None:
    skus = sent.offers.to_stock()
    if not skus:
        return
    try:
        refused = _set_stock(market, sent.offers.remote_id, skus)
    except Unknown:
        sent.unknown = skus
    except _ABOUT_THE_LISTING as refusal:
        sent.quantities = [SkuOutcome(sku.row_id, _code(refusal), refusal.sentence) for sku in skus]
    else:
        sent.quantities = [_outcome(sku, refused.get(sku.remote_id)) for sku in skus]


def _set_stock(market: Marketplace, remote_id: str, skus: Sequence[SkuOffer]) -> dict[str, ItemError]:
    """The errors by SKU id. A SKU that got warehouses we did not know of is sent again with all of them."""
    skus = _with_others_as_they_are(market, skus)
    errors = {one.item_id: one for one in market.update_inventory(remote_id, _quantities(skus))}
    changed = [sku for sku in skus if sku.remote_id in errors and errors[sku.remote_id].code == _OTHER_WAREHOUSES]
    if not changed:
        return errors
    present = _present(market, changed)
    again = [
        replace(sku, present=present[sku.remote_id]) for sku in changed if sku.ours in present.get(sku.remote_id, {})
    ]
    if not again:
        return errors
    for sku in again:
        del errors[sku.remote_id]
    return errors | {one.item_id: one for one in market.update_inventory(remote_id, _quantities(again))}


def _with_others_as_they_are(market: Marketplace, skus: Sequence[SkuOffer]) -> Sequence[SkuOffer]:
    """The SKUs, with what other warehouses have at this moment: they have to be named, and what was read of them last
    may be a day old."""
    spread_out = [sku for sku in skus if sku.present.keys() - {sku.ours}]
    if not spread_out:
        return skus
    present = _present(market, spread_out)
    return [replace(sku, present=present.get(sku.remote_id, sku.present)) for sku in skus]


def _present(market: Marketplace, skus: Sequence[SkuOffer]) -> dict[str, dict[str, int]]:
    """What the Shop says now of these SKUs: quantities by warehouse, by SKU id."""
    return {level.sku_id: dict(level.warehouses) for level in market.inventory([sku.remote_id for sku in skus])}


def _quantities(skus: Sequence[SkuOffer]) -> list[tuple[str, Sequence[tuple[str, int]]]]:
    return [(sku.remote_id, sku.places()) for sku in skus]


def _send_prices(market: Marketplace, sent: _Sent) -> None:
    """All prices of a listing go in one call, and all of them fail together; a lost answer is sent again."""
    skus = sent.offers.to_price()
    if not skus:
        return
    prices = [(sku.remote_id, sku.price) for sku in skus if sku.price is not None]
    try:
        market.update_prices(sent.offers.remote_id, prices)
    except Unknown:
        return
    except _ABOUT_THE_LISTING as refusal:
        sent.prices = [SkuOutcome(sku.row_id, _code(refusal), refusal.sentence) for sku in skus]
    else:
        sent.prices = [SkuOutcome(sku.row_id) for sku in skus]


def _outcome(sku: SkuOffer, error: ItemError | None) -> SkuOutcome:
    return SkuOutcome(sku.row_id) if error is None else SkuOutcome(sku.row_id, error.code or "refused", error.sentence)


def _code(refusal: RemoteError) -> str:
    return refusal.code or "refused"


def _rows(offers: Iterable[ListingOffers]) -> list[int]:
    return [sku.row_id for one in offers for sku in one.skus]


def _save(conn: Connection, done: Sequence[_Sent], quantities_at: datetime | None, prices_at: datetime | None) -> None:
    if quantities_at is not None:
        save_quantities(conn, quantities_at, [one for sent in done for one in sent.quantities])
    if prices_at is not None:
        save_prices(conn, prices_at, [one for sent in done for one in sent.prices])


def _count(pushed: Pushed, done: Sequence[_Sent]) -> None:
    for sent in done:
        pushed.quantities += sum(not one.code for one in sent.quantities)
        pushed.prices += sum(not one.code for one in sent.prices)
        refused = [one for one in (*sent.quantities, *sent.prices) if one.code]
        if refused:
            pushed.errors[sent.offers.id] = [ItemError(str(one.row_id), one.code, one.sentence) for one in refused]
        if sent.quantities or sent.prices:
            pushed.sent.add(sent.offers.id)


def _prove(wish: _Wish, done: Sequence[_Sent], holiday: Iterable[str], pushed: Pushed) -> None:
    """Read back what was taken or may have been. Prices of many listings are left to the review, which reads pages."""
    asked = []
    for sent in done:
        taken = {one.row_id for one in sent.quantities if not one.code} | {sku.row_id for sku in sent.unknown}
        asked += [Asked(sku.row_id, sku.remote_id, sku.ours) for sku in sent.offers.skus if sku.row_id in taken]
    try:
        read_back(wish.market, asked, frozenset(holiday))
        for sent in done if wish.few else ():
            priced = {one.row_id for one in sent.prices if not one.code}
            rows = {sku.remote_id: sku.row_id for sku in sent.offers.skus if sku.row_id in priced}
            if rows:
                read_prices(wish.market, sent.offers.remote_id, rows)
    except RemoteError as trouble:
        pushed.trouble = pushed.trouble or trouble
