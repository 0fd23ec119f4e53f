"""order intents: the store order we meant to make, stored before it is made, and its outcome (laws 2 and 6).

    intended ──begin_call──▶ sending ──▶ created | unknown | intended (known not to have happened)

Whoever holds the order's lease works on it; every outcome is saved ``WHERE attempt = mine``, so that a worker taken
for dead cannot overwrite what came after it. A store order still ``sending`` when the lease has run out is unknown.
The draft holds the customer, so it is kept sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, case, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core.db.tables import shop_orders, store_orders
from core.domain.orders import StoreOrder, StoreOrderDraft
from core.secrets import sealer

LEASE_S = 60.0  # longer than the calls between two renewals may take
_DRAFT = TypeAdapter(StoreOrderDraft)


class LostOrder(Exception):
    """Somebody else has taken the order over; nothing more may be done for it here."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An order that is ours until its lease runs out; ``attempt`` fences every outcome."""

    id: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Intent:
    """The store order of an order, as far as it has come. ``units`` are the Shop's line ids that it holds.

    ``draft`` is None, and ``units`` empty, once the customer's details are no longer kept.
    """

    state: str
    remote_id: str | None
    marker: str
    total: Decimal | None
    draft: StoreOrderDraft | None
    units: tuple[str, ...]
    address_key: str
    intended_at: datetime
    empty_since: datetime | None
    now: datetime

    @property
    def outcome_open(self) -> bool:
        """Whether a call may have made it whose answer we do not know."""
        return self.state in ("sending", "unknown")


def claim(conn: Connection, connection_id: int, *, limit: int) -> list[Claimed]:
    """Take orders that are to be imported now, the oldest first, each for ``LEASE_S`` seconds."""
    o = shop_orders.c
    due = (o.not_before.is_(None)) | (o.not_before <= func.now())
    open_states = ("waiting", "importing", "unknown")
    wanted = select(o.id).where(o.connection_id == connection_id, o.import_state.in_(open_states), _free(), due)
    chosen = wanted.order_by(o.ordered_at, o.id).limit(limit).with_for_update(skip_locked=True)
    begun = case((o.import_state == "waiting", "importing"), else_=o.import_state)
    return _take(conn, o.id.in_(chosen.scalar_subquery()), import_state=begun)


def claim_one(conn: Connection, order_id: int) -> Claimed | None:
    """Take one order whatever its state; None while somebody else has it."""
    taken = _take(conn, (shop_orders.c.id == order_id) & _free())
    return taken[0] if taken else None


def renew(conn: Connection, claimed: Claimed) -> None:
    """Hold on for another ``LEASE_S`` seconds. Raises ``LostOrder`` when it is no longer ours."""
    _fenced(conn, claimed, lease_until=_until())


def release(conn: Connection, claimed: Claimed, *, state: str, **values: Any) -> None:
    """Let the order go in a state, with other columns. Raises ``LostOrder`` when it is no longer ours."""
    _fenced(conn, claimed, import_state=state, lease_until=None, **values)


def free(conn: Connection, claimed: Claimed, **values: Any) -> None:
    """Let the order go as it is, with other columns; nothing happens when it is no longer ours."""
    mine = (shop_orders.c.id == claimed.id, shop_orders.c.attempt == claimed.attempt)
    conn.execute(update(shop_orders).where(*mine).values(lease_until=None, **values))


def put_off(conn: Connection, claimed: Claimed, **values: Any) -> int:
    """Let the order go for a while, each time a little longer, with other columns; how often it was tried by now, 0
    when it is no longer ours."""
    o = shop_orders.c
    mine = (o.id == claimed.id, o.attempt == claimed.attempt)
    pause = func.least(func.power(2, func.least(o.tries, 8)), 300) * literal(timedelta(seconds=1))
    later = (
        update(shop_orders)
        .where(*mine)
        .values(tries=o.tries + 1, lease_until=None, not_before=func.now() + pause, **values)
    )
    return conn.execute(later.returning(o.tries)).scalar() or 0


def intent_of(conn: Connection, order_id: int) -> Intent | None:
    row = conn.execute(select(store_orders, func.now().label("now")).where(store_orders.c.order_id == order_id)).first()
    return _intent(row) if row is not None else None


def store_intent(
    conn: Connection, claimed: Claimed, account: int, draft: StoreOrderDraft, units: Sequence[str], address_key: str
) -> Intent:
    """Store exactly what will be created. The last outcome must be known: this replaces what was meant before."""
    renew(conn, claimed)
    values: dict[str, Any] = {
        "store_account_id": account,
        "state": "intended",
        "marker": draft.marker,
        "status_id": draft.status_id,
        "total": draft.total,
        "draft": {
            "sealed": sealer().seal(_DRAFT.dump_json(draft).decode(), _place(claimed.id)).hex(),
            "units": list(units),
            "address_key": address_key,
        },
        "intended_at": func.now(),
        "called_at": None,
        "empty_since": None,
        "sentence": "",
    }
    row = insert(store_orders).values(order_id=claimed.id, **values)
    # The first intent's time stays: a store order made since then is ours.
    kept = {name: value for name, value in values.items() if name != "intended_at"}
    conn.execute(row.on_conflict_do_update(index_elements=["order_id"], set_=kept))
    stored = intent_of(conn, claimed.id)
    assert stored is not None
    return stored


def drop_intent(conn: Connection, order_id: int) -> None:
    """What was meant, and is known not to have happened, is not wanted any more."""
    conn.execute(delete(store_orders).where(store_orders.c.order_id == order_id, store_orders.c.state == "intended"))


def begin_call(conn: Connection, claimed: Claimed) -> None:
    """From here on the store may have the order: whatever it was held for, it is seen to the end by itself. Raises
    ``LostOrder``."""
    _fenced(conn, claimed, import_state="importing", lease_until=_until())
    _save(conn, claimed, state="sending", called_at=func.now(), empty_since=None)


def save_not_made(conn: Connection, claimed: Claimed, sentence: str) -> None:
    """The call is known to have had no effect."""
    _save(conn, claimed, state="intended", called_at=None, sentence=sentence)


def save_unknown(conn: Connection, claimed: Claimed, sentence: str) -> None:
    _save(conn, claimed, state="unknown", sentence=sentence)


def save_empty(conn: Connection, claimed: Claimed) -> None:
    """The store was asked and did not show it: the first of two times."""
    _save(conn, claimed, state="unknown", empty_since=func.coalesce(store_orders.c.empty_since, func.now()))


def save_created(conn: Connection, claimed: Claimed, made: StoreOrder, intent: Intent, as_of: datetime | None) -> None:
    """The store has it. ``as_of``: when the order that it was made from was last written here; None: not known."""
    o = shop_orders.c
    changed = literal(True) if as_of is None else (o.changed_at > as_of) | store_orders.c.behind
    changed_since = select(changed).where(o.id == claimed.id).scalar_subquery()
    _save(
        conn,
        claimed,
        state="created",
        remote_id=made.remote_id,
        number=made.number,
        status=made.status,
        total=made.total,
        created_at=func.coalesce(made.created_at, func.now()),
        sentence="",
        behind=changed_since,
        noted={"address": intent.address_key, "units": list(intent.units)},
    )


def after_wait(since: datetime, present: datetime, wait_s: float) -> bool:
    """Whether the second look may decide: the first empty one is long enough ago."""
    return present - since >= timedelta(seconds=wait_s)


def in_seconds(seconds: float) -> Any:
    """A moment of database time."""
    return func.now() + text("make_interval(secs => :wait_s)").bindparams(wait_s=seconds)


def _intent(row: Row[Any]) -> Intent:
    kept: dict[str, Any] = row.draft or {}
    draft = None
    if "sealed" in kept:
        draft = _DRAFT.validate_json(sealer().open(bytes.fromhex(kept["sealed"]), _place(row.order_id)))
    return Intent(
        row.state, row.remote_id, row.marker, row.total, draft, tuple(kept.get("units", ())),
        kept.get("address_key", ""), row.intended_at, row.empty_since, row.now,
    )  # fmt: skip


def _place(order_id: int) -> str:
    return f"store_orders/{order_id}/draft"


def _free() -> Any:
    return (shop_orders.c.lease_until.is_(None)) | (shop_orders.c.lease_until <= func.now())


def _until() -> Any:
    return func.now() + text("make_interval(secs => :lease_s)").bindparams(lease_s=LEASE_S)


def _take(conn: Connection, condition: Any, **values: Any) -> list[Claimed]:
    o = shop_orders.c
    taken = update(shop_orders).where(condition).values(attempt=o.attempt + 1, lease_until=_until(), **values)
    return [Claimed(row.id, row.attempt) for row in conn.execute(taken.returning(o.id, o.attempt))]


def _fenced(conn: Connection, claimed: Claimed, **values: Any) -> None:
    mine = (shop_orders.c.id == claimed.id, shop_orders.c.attempt == claimed.attempt)
    if conn.execute(update(shop_orders).where(*mine).values(**values)).rowcount != 1:
        raise LostOrder


def _save(conn: Connection, claimed: Claimed, **values: Any) -> None:
    """Change the store order while the order is ours, seen and locked in this transaction. Raises ``LostOrder``."""
    o = shop_orders.c
    mine = select(o.id).where(o.id == claimed.id, o.attempt == claimed.attempt).with_for_update()
    if conn.execute(mine).first() is None:
        raise LostOrder
    conn.execute(update(store_orders).where(store_orders.c.order_id == claimed.id).values(**values))
