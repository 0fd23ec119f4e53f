"""The rows of the Orders page: a page of 50 out of a million in one short read."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select, text

from core.db.order_filters import (
    LEFT_OUT,
    NOT_IMPORTED,
    Found,
    find_text,
    is_held,
    is_open,
    order_clauses,
    tab_condition,
)
from core.db.order_rows import customer_place
from core.db.tables import connections, shop_orders, store_order_statuses, store_orders
from core.domain.filters import OrderFilter
from core.domain.order_tabs import ORDER_TABS
from core.reads.paging import COUNT_CAP, Count, count_capped, page_of, reading
from core.reads.products import Choice
from core.secrets import SecretsError, sealer

# Oldest ship-by first is only about what has not left yet, and has an index of its own.
SORTS = ("date", "ship")
MASKED = "Hidden by TikTok"
_SAMPLE = 5_000
# Of the newest orders at least one in so many holds the words: then so many are counted along the list. That many are
# found within some 15,000 rows, which is less work than to look up and put in order all that hold them.
_COMMON = ((15, 1_000), (75, 200), (150, 100))
_WALK = text("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
NOT_IN_STORE = (Choice(NOT_IMPORTED, "Not imported"), Choice(LEFT_OUT, "Left out"))


@dataclass(frozen=True, slots=True)
class OrderRow:
    """``total`` in ``currency``; times are UTC. ``customer`` is None for those who may not see it.

    ``store_status`` is the store's own word, None while the store does not have the order.
    """

    id: int
    remote_id: str
    status: str
    customer: str | None
    masked: bool
    ordered_at: datetime
    total: Decimal
    currency: str
    units: int
    tags: tuple[str, ...]
    by_tiktok: bool
    shipping_type: str
    import_state: str
    hold: str
    hold_sentence: str
    store_status: str | None
    store_number: str
    store_sentence: str
    fulfilment: str
    ship_by: datetime | None
    received_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """``after`` is where the list goes on when it is longer than its pages: for ``OrderFilter.before``."""

    rows: tuple[OrderRow, ...]
    count: Count
    read_at: datetime
    after: str = ""


@dataclass(frozen=True, slots=True)
class HoldGroup:
    """Orders held for one cause, with one of their sentences and the earliest time by which one must be shipped."""

    hold: str
    orders: int
    sentence: str
    ship_by: datetime | None


@dataclass(frozen=True, slots=True)
class _Match:
    """A filter with its text looked up. ``common``: so many orders hold its words that walking the list finds so many
    of them soon; words that are not common (0) are looked up in their index, and what they find is put in order after.
    """

    connection_id: int
    wanted: OrderFilter
    found: Found
    sort: str
    common: int = 0

    @property
    def cap(self) -> int:
        """How many are counted: walking along a list for words takes longer."""
        return self.common or COUNT_CAP

    def clauses(self) -> list[ColumnElement[bool]]:
        found = Found(self.found.ids) if self.common else self.found
        clauses = order_clauses(self.connection_id, self.wanted, found)
        if self.common:
            # Written so that no index of words can be used: the rows are walked in the list's own order.
            plain = shop_orders.c.search_text.concat("")
            clauses += [plain.contains(word, autoescape=True) for word in self.found.words]
        return clauses

    def ids(self) -> Select[Any]:
        return select(shop_orders.c.id).where(*self.clauses())

    def rows(self) -> Any:
        """What the list is made of, with the columns it is ordered and counted by."""
        o = shop_orders.c
        rows = select(o.id, o.ordered_at, o.ship_by, o.status, o.import_state, o.hold).where(*self.clauses())
        if self.found.words and not self.common:
            return rows.cte("found").prefix_with("MATERIALIZED")
        return rows.order_by(o.ordered_at.desc(), o.id.desc()).limit(self.cap + 1).cte("newest")


def orders_page(
    connection_id: int,
    wanted: OrderFilter,
    *,
    sort: str = "date",
    descending: bool = True,
    page: int = 1,
    customers: bool = False,
) -> OrderPage:
    """50 orders that match, in a stable order. ``sort`` is one of ``SORTS``; ``customers``: names are opened."""
    with reading() as conn:
        match = _match(conn, connection_id, wanted, sort, customers)
        count = _count(conn, match)
        ids = list(conn.scalars(_page_ids(match, descending, page)))
        rows = {row.id: row for row in conn.execute(_rows(ids))}
        read_at = conn.execute(select(func.now())).scalar_one()
    found = tuple(_row(rows[row_id], customers) for row_id in ids if row_id in rows)
    last = page >= count.pages and count.capped and sort == "date" and descending and found
    after = f"{found[-1].ordered_at.isoformat()}/{found[-1].id}" if last else ""
    return OrderPage(found, count, read_at, after)


def tab_counts(connection_id: int, wanted: OrderFilter, *, customers: bool = False) -> dict[str, Count]:
    """How many match under each tab; "" is all of them. The filter's own tab and place in the list do not matter."""
    with reading() as conn:
        match = _match(conn, connection_id, replace(wanted, before="", tab=""), "date", customers)
        if match.found.words:
            return _counts_at_once(conn, match)
        tabs = {tab: replace(match, wanted=replace(match.wanted, tab=tab)) for tab in ("", *ORDER_TABS)}
        return {tab: count_capped(conn, one.ids()) for tab, one in tabs.items()}


def _counts_at_once(conn: Connection, match: _Match) -> dict[str, Count]:
    """One search for all tabs. Of common words only the newest orders are counted, so each number is at least that."""
    rows = match.rows()
    found = [tab_condition(match.connection_id, tab, rows.c, stored=False) for tab in ORDER_TABS]
    tabs = [func.count().filter(one) for one in found]
    total, *numbers = conn.execute(select(func.count(), *tabs).select_from(rows)).one()
    capped = total > match.cap
    counts = {tab: Count(min(number, match.cap), capped) for tab, number in zip(ORDER_TABS, numbers, strict=True)}
    return {"": Count(min(total, match.cap), capped)} | counts


def _count(conn: Connection, match: _Match) -> Count:
    if not match.found.words:
        return count_capped(conn, match.ids())
    rows = match.rows()
    total = conn.execute(select(func.count()).select_from(rows)).scalar_one()
    return Count(min(total, match.cap), total > match.cap)


def matching_ids(
    connection_id: int, wanted: OrderFilter, *, customers: bool = False, most: int = COUNT_CAP
) -> list[int]:
    """The newest ``most`` orders that match, for an action on all of them."""
    with reading() as conn:
        match = _match(conn, connection_id, wanted, "date", customers)
        return list(conn.scalars(match.ids().order_by(shop_orders.c.id.desc()).limit(most)))


def _match(conn: Connection, connection_id: int, wanted: OrderFilter, sort: str, customers: bool) -> _Match:
    found = find_text(conn, connection_id, wanted.text, customers=customers)
    if sort == "ship":
        wanted = replace(wanted, unshipped=True)
    match = _Match(connection_id, wanted, found, sort if sort in SORTS else "date")
    if not found.words:
        return match
    match = replace(match, common=_how_common(conn, match))
    if match.common:
        conn.execute(_WALK)  # the planner cannot know how soon words are found, and would read every row to sort them
    return match


def _how_common(conn: Connection, match: _Match) -> int:
    """How many orders with the words are worth counting along the list, by their share of the newest; 0 for none."""
    o = shop_orders.c
    newest = select(o.search_text).where(o.connection_id == match.connection_id)
    some = newest.order_by(o.ordered_at.desc(), o.id.desc()).limit(_SAMPLE).subquery()
    held = [some.c.search_text.contains(word, autoescape=True) for word in match.found.words]
    number, among = conn.execute(select(func.count().filter(and_(*held)), func.count()).select_from(some)).one()
    if among < _SAMPLE:
        return 0
    return next((cap for one_in, cap in _COMMON if number * one_in >= among), 0)


def _page_ids(match: _Match, descending: bool, page: int) -> Select[Any]:
    columns: Any = shop_orders.c
    wanted = match.ids()
    if match.found.words and not match.common:
        columns = match.rows().c
        wanted = select(columns.id)
    first = columns.ship_by if match.sort == "ship" else columns.ordered_at
    order = (first.desc(), columns.id.desc()) if descending else (first.asc(), columns.id.asc())
    return page_of(wanted.order_by(*order), page)


def _rows(ids: list[int]) -> Select[Any]:
    o, s = shop_orders.c, store_orders.c
    columns = (
        *(o.id, o.remote_id, o.status, o.customer, o.masked, o.ordered_at, o.total, o.currency, o.unit_count, o.tags),
        *(o.by_tiktok, o.shipping_type, o.import_state, o.hold, o.hold_sentence, o.fulfilment, o.ship_by),
        *(o.received_at, func.coalesce(o.sent_at, s.created_at).label("sent_at")),
        *(s.state.label("store_state"), s.status.label("store_status"), s.number, s.sentence),
    )
    joined = shop_orders.outerjoin(store_orders, s.order_id == o.id)
    return select(*columns).select_from(joined).where(o.id.in_(ids))


def _row(row: Row[Any], customers: bool) -> OrderRow:
    created = row.store_state == "created"
    return OrderRow(
        id=row.id,
        remote_id=row.remote_id,
        status=row.status,
        customer=customer_name(row.id, row.customer, masked=row.masked) if customers else None,
        masked=row.masked,
        ordered_at=row.ordered_at,
        total=row.total,
        currency=row.currency,
        units=row.unit_count,
        tags=tuple(row.tags),
        by_tiktok=row.by_tiktok,
        shipping_type=row.shipping_type,
        import_state=row.import_state,
        hold=row.hold,
        hold_sentence=row.hold_sentence,
        store_status=row.store_status if created else None,
        store_number=(row.number or "") if created else "",
        store_sentence=row.sentence or "",
        fulfilment=row.fulfilment,
        ship_by=row.ship_by,
        received_at=row.received_at,
        sent_at=row.sent_at,
    )


def customer_name(order_id: int, sealed: bytes | None, *, masked: bool) -> str:
    """The name on the order; a sentence where TikTok hides it or its days are over."""
    if masked:
        return MASKED
    if sealed is None:
        return "No longer kept"
    try:
        told = json.loads(sealer().open(bytes(sealed), customer_place(order_id)))
    except SecretsError:
        return "Cannot be opened"
    return str(told.get("name") or "")


def hold_groups(connection_id: int, *, tab: str = "") -> tuple[HoldGroup, ...]:
    """What orders wait for, the most first; of one tab where given."""
    o = shop_orders.c
    number = func.count()
    which = order_clauses(connection_id, OrderFilter(tab=tab), Found())
    held = (*which, is_held(o), is_open())
    columns = (o.hold, number, func.min(o.hold_sentence), func.min(o.ship_by))
    statement = select(*columns).where(*held).group_by(o.hold).order_by(number.desc(), o.hold)
    with reading() as conn:
        return tuple(HoldGroup(*row) for row in conn.execute(statement))


def store_status_choices(connection_id: int) -> tuple[Choice, ...]:
    """What the store status can be narrowed to: the ways of not being in the store, and the store's own statuses."""
    s = store_order_statuses.c
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    wanted = select(s.remote_id, s.name).where(s.store_account_id == account).order_by(s.position, s.remote_id)
    with reading() as conn:
        return (*NOT_IN_STORE, *(Choice(*row) for row in conn.execute(wanted)))
