"""catalogue_pull: a store's catalogue comes in, whole or by what changed, and what hangs on it is told.

A pull holds the account's lease. The position of a full pull, or the cursor of the change feed, moves in the
transaction that stores what was read, so that a killed pull goes on where it stood and misses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, select

from core.db.catalogue import SavedProducts, mark_deleted, save_brands, save_categories, write_products
from core.db.engine import now, transaction
from core.db.tables import connections, products, pull_states
from core.domain.catalog import Change, Product, StoreBrand, StoreCategory
from core.domain.errors import Expired, Missing, NotConfigured, RemoteError, Temporary
from core.logs import about, log
from core.ports import Store
from core.queue import defer
from core.services.connect_store import mark_accepted, mark_refused
from core.services.order_holds import wake_restocked
from core.services.picture_refusals import wake_repictured
from core.services.price_stock_queue import queue_push
from core.services.product_status import mark_stale
from core.services.pull_lease import LeaseLost, PullLease, PullState, pull_state, take_pull
from core.services.stock_holds import sold_since_seen

FEW = 20  # over so many waiting hints, reading pages may be the cheaper way (law 3)
PAGE = 100
_PAGES_AT_ONCE = 5  # stored in one transaction
_OVERLAP = 100  # rows read again when a full pull goes on
_SINGLE_AT_ONCE = 50  # products read one by one and stored in one transaction
_FEED_EVERY_S = 60.0  # a long full pull looks at the change feed meanwhile
_SHORT = 0.9  # a full pull that met less than this share of the announced products was cut short
_LAG_S = 1.0  # a product just made may answer 404 for a moment

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pulled:
    """``done`` is False when another worker pulls this account, or took it over. Counts are of this call."""

    done: bool
    read: int = 0
    changed: int = 0
    deleted: int = 0

    def __add__(self, other: Pulled) -> Pulled:
        return Pulled(
            self.done and other.done,
            self.read + other.read,
            self.changed + other.changed,
            self.deleted + other.deleted,
        )


_NOTHING = Pulled(done=True)


def pull_catalogue(store: Store, store_account_id: int, *, full: bool) -> Pulled:
    """The job ``catalogue_pull``: everything, or what changed since the last time.

    A full pull that was interrupted is always finished first. While another worker pulls the account, this one
    leaves and queues itself again. Raises what the store raises, after noting the sentence on the account.
    """
    lease = take_pull(store_account_id)
    if isinstance(lease, int):
        _come_back(store_account_id, lease, full=full)
        return Pulled(done=False)
    try:
        pulled = _pull(store, lease, full=full)
    except LeaseLost:
        return Pulled(done=False)
    except RemoteError as trouble:
        _note_trouble(lease, trouble)
        raise
    finally:
        lease.release()
    log().info("catalogue pulled", action="catalogue_pull", account=store_account_id, read=pulled.read,
               changed=pulled.changed, deleted=pulled.deleted)  # fmt: skip
    return pulled


def pull_products(store: Store, store_account_id: int, remote_ids: Sequence[str]) -> Pulled:
    """Read these products again, because something said that they changed (webhooks, a person).

    Each by its own GET; many of them by a full pull when that takes fewer calls. Needs no lease: what was read
    earlier never overwrites what was read later.
    """
    wanted, told_at = list(dict.fromkeys(remote_ids)), now()
    if _pages_are_cheaper(store, len(wanted)):
        pulled = pull_catalogue(store, store_account_id, full=True)
        if pulled.done and pull_state(store_account_id).began_since(told_at):
            return pulled
    pulled = _NOTHING
    for part in _parts(wanted, _SINGLE_AT_ONCE):
        found, gone, asked_at = _read_singly(store, store_account_id, part)
        with transaction() as connection:
            pulled += _store(connection, store_account_id, found, gone, asked_at, singly=True)
    return pulled


def _pull(store: Store, lease: PullLease, *, full: bool) -> Pulled:
    state = pull_state(lease.store_account_id)
    pulled = _NOTHING
    if full or state.full_under_way or state.full_started_at is None:
        pulled += _full_pull(store, lease, state)
    if store.capabilities.has_change_feed:
        pulled += _follow_feed(store, lease)
    with lease.saving(note="") as connection:
        mark_accepted(connection, lease.store_account_id)
    return pulled


def _full_pull(store: Store, lease: PullLease, state: PullState) -> Pulled:
    """Every product of the store, then a question about each that was not among them."""
    if not state.full_under_way:
        _begin(store, lease, state.cursor)
        state = pull_state(lease.store_account_id)
    started_at = state.full_started_at
    assert started_at is not None  # _begin has just stored it
    pulled = _read_pages(store, lease, max(0, state.full_offset - _OVERLAP), started_at)
    _check_length(lease, state.full_total)
    pulled += _confirm_unseen(store, lease, started_at)
    with lease.saving(full_finished_at=max(now(), started_at), full_offset=0):
        return pulled


def _begin(store: Store, lease: PullLease, cursor: str | None) -> None:
    """Categories and brands first. The feed's cursor moves on before the first page is read: what it told of until
    then is in the pages, what it tells later is followed afterwards."""
    started_at = now()
    if store.capabilities.has_change_feed:
        _, cursor = store.changes(cursor)
    total = store.product_count()
    shelves = _Shelves.read(store)
    with lease.saving(full_started_at=started_at, full_offset=0, full_total=total, cursor=cursor) as connection:
        shelves.save(connection, lease.store_account_id, started_at)


def _read_pages(store: Store, lease: PullLease, offset: int, started_at: datetime) -> Pulled:
    pulled, looked = _NOTHING, time.monotonic()
    pages = store.products(offset=offset)
    while batch := [product for page in islice(pages, _PAGES_AT_ONCE) for product in page]:
        offset += len(batch)
        with lease.saving(full_offset=offset) as connection:
            pulled += _store(connection, lease.store_account_id, batch, (), started_at)
        if store.capabilities.has_change_feed and time.monotonic() - looked > _FEED_EVERY_S:
            pulled += _follow_feed(store, lease, at_most=FEW)
            looked = time.monotonic()
    return pulled


def _check_length(lease: PullLease, announced: int | None) -> None:
    """A store that lists far less than it counts is in trouble: begin again later rather than ask for the rest."""
    read = pull_state(lease.store_account_id).full_offset
    if announced is None or read >= announced * _SHORT:
        return
    with lease.saving(full_offset=0, full_started_at=None):
        pass
    raise Temporary(f"The store listed {read:,} of its {announced:,} products: the full pull begins again later.")


def _confirm_unseen(store: Store, lease: PullLease, started_at: datetime) -> Pulled:
    """Products the full pull did not meet: gone only when their own GET says so (law 3)."""
    pulled, last = _NOTHING, 0
    while unseen := _unseen(lease.store_account_id, started_at, last):
        found, gone, asked_at = _read_singly(store, lease.store_account_id, [remote_id for _, remote_id in unseen])
        with lease.saving() as connection:
            pulled += _store(connection, lease.store_account_id, found, gone, max(asked_at, started_at))
        last = unseen[-1][0]
    return pulled


def _unseen(store_account_id: int, started_at: datetime, last: int) -> list[tuple[int, str]]:
    its = (products.c.store_account_id == store_account_id, products.c.deleted_at.is_(None), products.c.id > last)
    chosen = select(products.c.id, products.c.remote_id).where(*its, products.c.seen_at < started_at)
    with transaction() as connection:
        rows = connection.execute(chosen.order_by(products.c.id).limit(_SINGLE_AT_ONCE))
        return [(row.id, row.remote_id) for row in rows]


def _follow_feed(store: Store, lease: PullLease, *, at_most: int | None = None) -> Pulled:
    """What changed since the cursor, each product once. With more than ``at_most`` waiting it is left for later."""
    cursor = pull_state(lease.store_account_id).cursor
    changes, ahead = store.changes(cursor)
    waiting = _product_ids(changes)
    if at_most is not None and len(waiting) > at_most:
        return _NOTHING
    pulled = _NOTHING
    if _pages_are_cheaper(store, len(waiting)):
        pulled += _full_pull(store, lease, pull_state(lease.store_account_id))
        waiting = []
    if any(change.kind in ("category", "brand") for change in changes):
        started_at = now()
        shelves = _Shelves.read(store)
        with lease.saving() as connection:
            shelves.save(connection, lease.store_account_id, started_at)
    for part in _parts(waiting, _SINGLE_AT_ONCE):
        found, gone, asked_at = _read_singly(store, lease.store_account_id, part)
        with lease.saving() as connection:
            pulled += _store(connection, lease.store_account_id, found, gone, asked_at, singly=True)
    with lease.saving(cursor=ahead, incremental_at=now()):
        return pulled


def _product_ids(changes: Sequence[Change]) -> list[str]:
    return list(dict.fromkeys(change.subject_id for change in changes if change.kind in ("product", "stock")))


def _pages_are_cheaper(store: Store, waiting: int) -> bool:
    return waiting > FEW and -(-store.product_count() // PAGE) < waiting


def _read_singly(
    store: Store, store_account_id: int, remote_ids: Sequence[str]
) -> tuple[list[Product], list[str], datetime]:
    """The products by their own GETs, those that answered 404, and when the first was asked."""
    ids, asked_at = _our_ids(store_account_id, remote_ids), now()
    found, gone = _ask_each(store, remote_ids, ids)
    new = [remote_id for remote_id in gone if remote_id not in ids]
    if new:  # never seen before: perhaps so new that the store does not find it yet
        time.sleep(_LAG_S)
        late, _ = _ask_each(store, new, ids)
        found += late
    return found, [remote_id for remote_id in gone if remote_id in ids], asked_at


def _ask_each(store: Store, remote_ids: Sequence[str], ids: Mapping[str, int]) -> tuple[list[Product], list[str]]:
    found, gone = [], []
    for remote_id in remote_ids:
        subject = f"product:{ids[remote_id]}" if remote_id in ids else None
        try:
            with about(subject=subject):
                found.append(store.product(remote_id))
        except Missing:
            gone.append(remote_id)
    return found, gone


def _our_ids(store_account_id: int, remote_ids: Sequence[str]) -> dict[str, int]:
    its = (products.c.store_account_id == store_account_id, products.c.remote_id.in_(remote_ids))
    chosen = select(products.c.remote_id, products.c.id).where(*its)
    with transaction() as connection:
        return {row.remote_id: row.id for row in connection.execute(chosen)}


def _store(
    connection: Connection,
    store_account_id: int,
    found: Sequence[Product],
    gone: Sequence[str],
    seen_at: datetime,
    *,
    singly: bool = False,
) -> Pulled:
    """A product read ``singly`` is pushed although nothing moved when that frees units that were held until then (K8);
    after pages ``price_stock_unsent`` finds those."""
    freed = sold_since_seen(connection, store_account_id, [one.remote_id for one in found]) if singly else []
    saved = write_products(connection, store_account_id, found, seen_at=seen_at)
    deleted = mark_deleted(connection, store_account_id, gone, asked_at=seen_at) if gone else []
    _tell(connection, store_account_id, saved, deleted)
    queue_push(connection, store_account_id, sorted({*saved.price_or_stock, *deleted, *freed}))
    return Pulled(True, read=len(found) + len(gone), changed=len(saved.changed), deleted=len(deleted))


def _tell(connection: Connection, store_account_id: int, saved: SavedProducts, deleted: Sequence[int]) -> None:
    """What hangs on the catalogue, in the transaction that changed it: readiness, pictures, orders that wait."""
    changed = [*saved.changed, *deleted]
    if not changed:
        return
    mark_stale(connection, store_account_id=store_account_id, product_ids=changed)
    its = (connections.c.store_account_id == store_account_id, connections.c.disconnected_at.is_(None))
    for connection_id in connection.scalars(select(connections.c.id).where(*its)).all():
        if saved.changed:
            defer(connection, "picture_check", once=f"picture_check:{connection_id}", connection_id=connection_id)
    wake_restocked(connection, store_account_id, changed)
    wake_repictured(connection, store_account_id, changed)


@dataclass(frozen=True, slots=True)
class _Shelves:
    """The store's categories and brands, read before a transaction and stored inside it."""

    categories: tuple[StoreCategory, ...]
    brands: tuple[StoreBrand, ...]

    @staticmethod
    def read(store: Store) -> _Shelves:
        return _Shelves(store.categories(), store.brands())

    def save(self, connection: Connection, store_account_id: int, seen_at: datetime) -> None:
        save_categories(connection, store_account_id, self.categories, seen_at=seen_at)
        save_brands(connection, store_account_id, self.brands, seen_at=seen_at)


def _come_back(store_account_id: int, seconds: int, *, full: bool) -> None:
    """Queue this pull again for when the holder's lease has run out, should it have been killed.

    A full pull under way is finished by whoever comes next, so another one is not asked for.
    """
    wanted = full and not pull_state(store_account_id).full_under_way
    with transaction() as connection:
        defer(
            connection,
            "catalogue_pull",
            once=f"catalogue_pull:{store_account_id}:{'full' if wanted else 'changes'}",
            after_seconds=seconds,
            store_account_id=store_account_id,
            full=wanted,
        )


def _note_trouble(lease: PullLease, trouble: RemoteError) -> None:
    mine = pull_states.c.store_account_id == lease.store_account_id
    with transaction() as connection:
        connection.execute(pull_states.update().where(mine).values(note=trouble.sentence))
    if isinstance(trouble, Expired | NotConfigured):
        mark_refused(lease.store_account_id, trouble.sentence)


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part
