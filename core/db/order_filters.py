"""Which orders of the Shop a filter means, as SQL for the page that shows them and for the actions on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
)

from core.db.filters import Clauses, escaped_like
from core.db.order_rows import customer_key_of
from core.db.tables import connections, issues, shop_orders, store_orders
from core.domain.filters import OrderFilter, pasted_list
from core.domain.order_tabs import (
    ADDRESS_BEFORE_SHIP_BY,
    ADDRESS_WITHIN,
    IN_TROUBLE,
    NEEDS_A_PERSON,
    NO_ADDRESS,
    PASSING,
    STATUS_TABS,
    WAITING,
    WAITING_FOR,
)
from core.secrets import sealer

NOT_IMPORTED, LEFT_OUT = "none", "out"
_TRIED = ("waiting", "importing", "unknown")
_OPEN = ("held", *_TRIED)


@dataclass(frozen=True, slots=True)
class Found:
    """What a text means: orders found by an exact id or customer, or words that their ids, SKUs and titles hold."""

    ids: tuple[int, ...] | None = None
    words: tuple[str, ...] = ()


def find_text(conn: Connection, connection_id: int, typed: str, *, customers: bool) -> Found:
    """Exact ids win over words. ``customers``: whether a customer's exact name may be looked for."""
    names = pasted_list(typed) or (typed.strip(),)
    if not names[0]:
        return Found()
    ids = _by_remote_id(conn, connection_id, names) | _by_store_number(conn, connection_id, names)
    if customers and len(names) == 1 and not ids:
        ids = _by_customer(conn, connection_id, names[0])
    if ids or len(names) > 1:
        return Found(tuple(sorted(ids)))
    return Found(words=tuple(typed.lower().split()))


def _by_remote_id(conn: Connection, connection_id: int, names: Sequence[str]) -> set[int]:
    o = shop_orders.c
    ours = (o.connection_id == connection_id, o.remote_id.in_([name.removeprefix("#") for name in names]))
    return set(conn.scalars(select(o.id).where(*ours)))


def _by_store_number(conn: Connection, connection_id: int, names: Sequence[str]) -> set[int]:
    s, o = store_orders.c, shop_orders.c
    plain = [name.removeprefix("#") for name in names]
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    named = (s.store_account_id == account, or_(s.number.in_(plain), s.remote_id.in_(plain)))
    joined = store_orders.join(shop_orders, o.id == s.order_id)
    return set(conn.scalars(select(o.id).select_from(joined).where(*named, o.connection_id == connection_id)))


def _by_customer(conn: Connection, connection_id: int, name: str) -> set[int]:
    o, key = shop_orders.c, customer_key_of(name, sealer())
    mine = (o.customer_key == key, o.customer_key != "", o.connection_id == connection_id)
    return set(conn.scalars(select(o.id).where(*mine).order_by(o.ordered_at.desc()).limit(10_000)))


def order_clauses(connection_id: int, wanted: OrderFilter, found: Found) -> Clauses:
    """For ``shop_orders``. An unknown tab, a day that is none and a store status that is none match nothing."""
    o = shop_orders.c
    clauses: Clauses = [o.connection_id == connection_id]
    if wanted.tab:
        clauses.append(tab_condition(connection_id, wanted.tab, o))
    if wanted.status:
        clauses.append(o.status == wanted.status)
    if wanted.hold:
        clauses += [is_held(o), o.hold == wanted.hold, is_open()]
    if wanted.issue:
        clauses.append(has_issue(connection_id, o, wanted.issue))
    if wanted.area:
        clauses.append(o.area == wanted.area)
    if wanted.channel:
        clauses.append(_channel(wanted.channel))
    if wanted.store:
        clauses.append(_store_status(wanted.store))
    if wanted.first or wanted.last:
        clauses.append(_between(wanted.first, wanted.last))
    if wanted.before:
        clauses.append(_before(wanted.before))
    if wanted.unshipped:
        clauses.append(o.fulfilment == "unshipped")
    if found.ids is not None:
        clauses.append(o.id == func.any(list(found.ids)))
    clauses += [o.search_text.like(f"%{escaped_like(word)}%") for word in found.words]
    return clauses


def is_open() -> ColumnElement[bool]:
    """As the partial index of open orders has it."""
    return text("shop_orders.import_state NOT IN ('imported', 'not_wanted')")  # type: ignore[return-value]


def is_held(columns: Any) -> ColumnElement[bool]:
    """Held for something named, or not made yet although it was tried time and again.

    The words as literals, so that the partial index of open orders can be used.
    """
    tried = columns.import_state.in_([literal_column(f"'{state}'") for state in _TRIED])
    return or_(columns.import_state == literal_column("'held'"), and_(columns.hold == IN_TROUBLE, tried))


def tab_condition(connection_id: int, tab: str, columns: Any, *, stored: bool = True) -> ColumnElement[bool]:
    """Whether an order belongs under a tab, by these ``columns``: those of ``shop_orders``, or of rows found already
    (not ``stored``) with ``id``, ``status``, ``import_state``, ``hold``, ``ordered_at`` and ``ship_by``."""
    named = columns.hold != ""  # first, because it is false of almost all
    if tab == NEEDS_A_PERSON:
        held = or_(columns.hold.not_in([*PASSING, *WAITING_FOR]), _address_overdue(columns))
        return or_(and_(named, _held(columns), held), has_issue(connection_id, columns, stored=stored))
    if tab == WAITING:
        return and_(named, _held(columns), columns.hold.in_(WAITING_FOR))
    status: ColumnElement[str] = columns.status
    statuses = STATUS_TABS.get(tab, ())
    return status == statuses[0] if len(statuses) == 1 else status.in_(statuses)


def stands_still() -> ColumnElement[bool]:
    """Orders that the store does not have, and will not have before a person, a mapping or stock helps."""
    o = shop_orders.c
    return and_(_held(o), or_(o.hold.not_in(PASSING), _address_overdue(o)))


def _held(columns: Any) -> ColumnElement[bool]:
    return and_(is_held(columns), columns.status != "CANCELLED")


def _address_overdue(columns: Any) -> ColumnElement[bool]:
    """``order_tabs.address_overdue`` in SQL; a test holds the two together."""
    old = columns.ordered_at <= func.now() - ADDRESS_WITHIN
    return and_(columns.hold == NO_ADDRESS, or_(old, columns.ship_by <= func.now() + ADDRESS_BEFORE_SHIP_BY))


def has_issue(connection_id: int, columns: Any, code: str = "", *, stored: bool = True) -> ColumnElement[bool]:
    """Whether the store has the order and an issue of its own is open, by its ``id`` and ``import_state``.

    What a held order waits for is an issue as well, and not meant. Open issues are few: of ``stored`` orders they are
    read first, as one array, and their orders looked up by id; rows found already are compared with a hash of them.
    """
    i = issues.c
    orders = i.subject_kind == literal_column("'order'")  # as the partial index of these issues has it
    about = (or_(i.connection_id == connection_id, i.connection_id.is_(None)), orders)
    named = select(cast(i.subject_id, BigInteger)).where(*about, i.closed_at.is_(None))
    if code:
        named = named.where(i.code == code)
    ids = func.array(named.scalar_subquery(), type_=ARRAY(BigInteger))
    among = columns.id == func.any(ids) if stored else columns.id.in_(named)
    return and_(among, columns.import_state == "imported")


def _store_status(store: str) -> ColumnElement[bool]:
    o, s = shop_orders.c, store_orders.c
    if store == NOT_IMPORTED:
        return and_(is_open(), o.import_state.in_(_OPEN))
    if store == LEFT_OUT:
        return o.import_state == "not_wanted"
    return o.id.in_(select(s.order_id).where(s.state == "created", s.status_id == store))


def _channel(channel: str) -> ColumnElement[bool]:
    """Who sends the parcels. What TikTok does is few, and asked for as the partial index of it has it."""
    o = shop_orders.c
    known: dict[str, ColumnElement[bool]] = {
        "seller": and_(~o.by_tiktok, o.shipping_type != "TIKTOK"),
        "tiktok": and_(~o.by_tiktok, text("shop_orders.shipping_type = 'TIKTOK'")),
        "fbt": and_(o.by_tiktok, text("(shop_orders.shipping_type = 'TIKTOK' OR shop_orders.by_tiktok)")),
    }
    return known.get(channel, false())


def _between(first: str, last: str) -> ColumnElement[bool]:
    o = shop_orders.c
    try:
        since = _midnight(first) if first else None
        until = _midnight(last) + timedelta(days=1) if last else None
    except ValueError:
        return false()
    bounds = [o.ordered_at >= since] if since else []
    return and_(*bounds, *([o.ordered_at < until] if until else []))


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)


def _before(cursor: str) -> ColumnElement[bool]:
    """Older than the row ``time/id``, in the order of the list."""
    o = shop_orders.c
    at, _, row_id = cursor.rpartition("/")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return false()
    if moment.tzinfo is None or not row_id.isdigit():
        return false()
    return tuple_(o.ordered_at, o.id) < tuple_(literal(moment), literal(int(row_id)))
