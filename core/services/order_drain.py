"""order_drain: the Shop's orders as they are now, in our database (O1, O11, laws 1, 3 and 5).

Polling reads by update time with an overlap and always runs; webhooks only say which orders to read at once. The
cursor moves in the transaction that stores what was read, so that a killed drain goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import now, transaction
from core.db.leases import holds_lease, release_lease, renew_lease, take_lease
from core.db.orders import SavedOrders, save_orders
from core.db.tables import connections, cursors
from core.domain.counting import counted
from core.domain.orders import ShopOrder
from core.logs import log
from core.ports import Marketplace
from core.services.live import require_live
from core.services.order_follow_up import follow_up
from core.services.order_links import links_of
from core.services.runs import Item, Outcome, start_run
from core.services.settings_of_connection import load_settings

RECENT = timedelta(days=30)
MOST_DAYS = 400
_OVERLAP = timedelta(minutes=2)
_AHEAD = timedelta(minutes=5)  # the Shop's clock may be so much before ours
_PAGES_AT_ONCE = 5  # stored in one transaction
_LEASE_S = 90.0
_MOST_IDS = 50


@dataclass(frozen=True, slots=True)
class Drained:
    """``done`` is False when another worker drains this connection, or it is switched off. Counts are of this call."""

    done: bool
    read: int = 0
    changed: int = 0
    new: int = 0


def drain_orders(market: Marketplace, connection_id: int) -> Drained:
    """The job ``order_drain``: every order updated since the last time; the first time those of the last 30 days."""
    with transaction() as conn:
        require_live(conn, connection_id)
        wanted = load_settings(conn, connection_id).order_download
        since = _since(conn, connection_id)
    lease = take_lease(_lease(connection_id), seconds=_LEASE_S) if wanted else None
    if lease is None:
        return Drained(done=False)
    try:
        drained = _drain(market, connection_id, since, lease)
    finally:
        release_lease(_lease(connection_id), lease)
    if drained.changed:
        log().info("orders read", action="order_drain", read=drained.read, changed=drained.changed, new=drained.new)
    return drained


def read_orders(market: Marketplace, connection_id: int, order_ids: Sequence[str]) -> Drained:
    """The job ``order_hints``: these orders as they are now. Those the Shop does not know are passed over."""
    with transaction() as conn:
        require_live(conn, connection_id)
        if not load_settings(conn, connection_id).order_download:
            return Drained(done=False)
    read = changed = new = 0
    for start in range(0, len(order_ids), _MOST_IDS):
        found = market.orders(order_ids[start : start + _MOST_IDS])
        with transaction() as conn:
            saved = store_orders_read(conn, connection_id, found)
        read, changed, new = read + len(found), changed + len(saved.changed), new + len(saved.new)
    return Drained(True, read, changed, new)


def start_download(connection_id: int, first: date, by: str, last: date | None = None) -> int:
    """Queue the reading again of all orders updated from the day ``first`` to the day ``last`` (UTC), or until now; a
    day an item; the run.

    Orders placed on a day were updated on it or later, so until now none of them is missed. Raises ``ValueError`` for
    a day in the future or more than 400 days back, and for a last day before the first.
    """
    today = datetime.now(UTC).date()
    if max(first, last or today) > today or (today - first).days > MOST_DAYS:
        raise ValueError(f"Orders can be downloaded again from {today - timedelta(days=MOST_DAYS)} to {today}.")
    last = last or today
    if last < first:
        raise ValueError(f"The last day, {last}, is before the first, {first}: choose a later one.")
    days = (last - first).days
    items = [("day", (first + timedelta(days=number)).toordinal()) for number in range(days + 1)]
    title = f"Download orders of {first:%d %B %Y} to {last:%d %B %Y}"
    with transaction() as conn:
        return start_run(conn, kind="order_download", title=title, connection_id=connection_id, by=by, items=items)


def download_day(market: Marketplace, connection_id: int, item: Item) -> Outcome:
    """Read the orders updated on one day again; the item's outcome says how many."""
    start = datetime.combine(date.fromordinal(item.subject_id), datetime.min.time(), UTC)
    read = new = changed = 0
    for batch in _batches(market, start, start + timedelta(days=1)):
        with transaction() as conn:
            require_live(conn, connection_id)
            saved = store_orders_read(conn, connection_id, batch)
        read, changed, new = read + len(batch), changed + len(saved.changed), new + len(saved.new)
    return Outcome("done", f"{start:%d %B %Y}: {counted(read, 'order')} read, {new} new, {changed - new} changed.")


def store_orders_read(conn: Connection, connection_id: int, found: Sequence[ShopOrder]) -> SavedOrders:
    """Store orders just read and set in motion what hangs on those that changed, in the caller's transaction."""
    saved = save_orders(conn, connection_id, found, links_of(conn, connection_id, found))
    if saved.changed:
        follow_up(conn, connection_id, saved)
    return saved


def _drain(market: Marketplace, connection_id: int, since: datetime, lease: int) -> Drained:
    """Half way the cursor stays behind what changed just now: such an order may stand before older ones."""
    read = changed = new = 0
    settled, newest = now() - _OVERLAP, since
    for batch in _batches(market, since, now() + _AHEAD):
        updated = [order.updated_at for order in batch]
        newest = max([newest, *updated])
        with transaction() as conn:
            require_live(conn, connection_id)
            if not holds_lease(conn, _lease(connection_id), lease):
                return Drained(False, read, changed, new)
            saved = store_orders_read(conn, connection_id, batch)
            _move(conn, connection_id, max((at for at in updated if at <= settled), default=since))
        read, changed, new = read + len(batch), changed + len(saved.changed), new + len(saved.new)
        renew_lease(_lease(connection_id), lease, seconds=_LEASE_S)
    if read:
        with transaction() as conn:
            _move(conn, connection_id, newest)
    return Drained(True, read, changed, new)


def _batches(market: Marketplace, since: datetime, until: datetime) -> Iterator[list[ShopOrder]]:
    """Orders, some pages at a time; the next ones are read while the caller stores."""
    pages = market.orders_updated(since, until)

    def read() -> list[ShopOrder]:
        return [order for page in islice(pages, _PAGES_AT_ONCE) for order in page]

    with ThreadPoolExecutor(1, "order-pages") as reader:
        waiting = reader.submit(copy_context().run, read)
        while batch := waiting.result():
            waiting = reader.submit(copy_context().run, read)
            yield batch


def _since(conn: Connection, connection_id: int) -> datetime:
    value = conn.execute(select(cursors.c.value).where(cursors.c.name == _cursor(connection_id))).scalar()
    if value is not None:
        return datetime.fromisoformat(value) - _OVERLAP
    connected = conn.execute(select(connections.c.connected_at).where(connections.c.id == connection_id)).scalar_one()
    found: datetime = connected - RECENT
    return found


def _move(conn: Connection, connection_id: int, newest: datetime) -> None:
    """Forwards only: a page that was read again must not set it back."""
    row = insert(cursors).values(name=_cursor(connection_id), value=newest.astimezone(UTC).isoformat())
    ahead: dict[str, Any] = {"value": row.excluded.value, "moved_at": func.now()}
    later = text("cursors.value::timestamptz < excluded.value::timestamptz")
    conn.execute(row.on_conflict_do_update(index_elements=["name"], set_=ahead, where=later))


def _cursor(connection_id: int) -> str:
    return f"orders:{connection_id}"


def _lease(connection_id: int) -> str:
    return f"order_drain:{connection_id}"
