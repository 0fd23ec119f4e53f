"""order_outcome: what follows when the store has made an order: its stock, its totals, and who is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Connection, func, insert, select, update

from core.db.engine import transaction
from core.db.orders import StoredOrder
from core.db.tables import connections, latencies, store_orders
from core.domain.order_words import is_cancelled
from core.domain.orders import StoreOrder, StoreOrderDraft
from core.ports import Store, StoreCapabilities
from core.queue import STOCK, defer
from core.services import order_intents as intents
from core.services.issues import open_issue
from core.services.live import LiveConnection
from core.services.order_facts import creation_deducts, learn_creation
from core.services.order_follow_up import defer_once
from core.services.order_holds import close_causes, settle_complaints
from core.services.order_intents import Claimed, Intent
from core.services.settings_of_connection import load_settings
from core.services.stock_deductions import take_ourselves, taken_by_store

_CENT = Decimal("0.01")
# Holds that are the order's own progress; time spent in others is somebody's decision, not our latency.
_OWN_PACE = ("", "unpaid", "on_hold", "no_address")


@dataclass(frozen=True, slots=True)
class Deduction:
    """Whether creating this order took its goods off the shelf, as far as the stock of one SKU tells.

    ``before``: the stock of ``sku`` before the call, of which the order takes ``quantity``; ``copies``: how many store
    orders were found for it, where it was found and not made.
    """

    sku: str = ""
    quantity: int = 0
    before: int | None = None
    seen: bool | None = None
    copies: int = 0

    def learnt(self, store: Store) -> Deduction:
        """Look at the stock again after the call. Anything else than nothing or all of it tells nothing."""
        if self.before is None:
            return self
        after = store.stock(self.sku)
        told = {self.before - self.quantity: True, self.before: False}
        return replace(self, seen=told.get(after) if after is not None else None)


def watch_stock(store: Store, store_account_id: int, draft: StoreOrderDraft) -> Deduction:
    """Read the stock of one SKU of the draft, until it is known whether the store takes it off by itself."""
    with transaction() as conn:
        known = creation_deducts(conn, store_account_id, store.capabilities)
    if known is not None:
        return Deduction()
    sku = next((line.sku for line in draft.lines if line.sku), "")
    quantity = sum(line.quantity for line in draft.lines if line.sku == sku)
    return Deduction(sku, quantity, store.stock(sku)) if sku else Deduction()


def save_made(
    conn: Connection,
    target: LiveConnection,
    capabilities: StoreCapabilities,
    claimed: Claimed,
    stored: StoredOrder,
    intent: Intent,
    made: StoreOrder,
    deduction: Deduction,
) -> None:
    """Save that the store has the order, in the caller's transaction. Raises ``LostOrder``."""
    as_of = None if deduction.copies else stored.changed_at
    if intent.draft is None:
        intent = replace(intent, units=tuple(line.id for line in stored.order.lines if not is_cancelled(line)))
    intents.save_created(conn, claimed, made, intent, as_of)
    _follow_tracking(conn, target.id, stored)
    intents.release(
        conn,
        claimed,
        state="imported",
        hold="",
        hold_sentence="",
        missing_skus=[],
        not_before=None,
        tries=0,
        imported_at=func.now(),
        sent_at=func.now(),
    )
    settle_complaints(conn, claimed.id)
    close_causes(conn, target.id)
    _settle_stock(conn, target, capabilities, claimed.id, intent, deduction)
    _compare(conn, target.id, claimed.id, intent, made, deduction.copies)
    _measure(conn, target.id, stored)
    _tell(conn, target, claimed.id, intent)


def _follow_tracking(conn: Connection, connection_id: int, stored: StoredOrder) -> None:
    """A store order cannot be created with tracking, so what the Shop's order has already is brought after it."""
    if stored.order.tracking_number and load_settings(conn, connection_id).query_shipping_change:
        conn.execute(update(store_orders).where(store_orders.c.order_id == stored.id).values(behind=True))


def _settle_stock(
    conn: Connection,
    target: LiveConnection,
    capabilities: StoreCapabilities,
    order_id: int,
    intent: Intent,
    deduction: Deduction,
) -> None:
    """The store took the goods off, or we do. What the first import could not show is taken for yes."""
    if deduction.seen is not None:
        learn_creation(conn, target.store_account_id, deduction.seen)
    if creation_deducts(conn, target.store_account_id, capabilities) is False:
        take_ourselves(conn, [order_id])
    else:
        taken_by_store(conn, order_id, intent.units)


def _compare(
    conn: Connection, connection_id: int, order_id: int, intent: Intent, made: StoreOrder, copies: int
) -> None:
    wrong = []
    if intent.total is not None and made.total.quantize(_CENT) != intent.total.quantize(_CENT):
        sentence = f"Store order {made.number} is worth {made.total:.2f}, {intent.marker} {intent.total:.2f}."
        wrong.append(("total_differs", sentence))
    if copies > 1:
        sentence = f"The store has {copies} orders for {intent.marker}: keep {made.number}."
        wrong.append(("several_store_orders", sentence))
    for code, sentence in wrong:
        open_issue(
            conn,
            connection_id=connection_id,
            subject=("order", str(order_id)),
            code=code,
            sentence=sentence,
            fix="Compare them in the store.",
            link="orders",
        )


def _measure(conn: Connection, connection_id: int, stored: StoredOrder) -> None:
    """From the moment the order could be imported to now; not where it waited for a person, nor of an old order."""
    began, order = stored.order.updated_at, stored.order
    connected = conn.execute(select(connections.c.connected_at).where(connections.c.id == connection_id)).scalar_one()
    if stored.hold not in _OWN_PACE or began < connected:
        return
    row = {"connection_id": connection_id, "kind": "order", "subject": f"order:{stored.id}"}
    paid = order.paid_at if order.paid_at is not None and not order.on_hold else began
    conn.execute(insert(latencies).values(**row, began_at=max(paid, connected), ended_at=func.clock_timestamp()))


def _tell(conn: Connection, target: LiveConnection, order_id: int, intent: Intent) -> None:
    """The Shop learns our number; the products sold are read again, so that our copy of the stock is right."""
    defer_once(conn, "order_reference", target.id)
    if conn.execute(select(store_orders.c.behind).where(store_orders.c.order_id == order_id)).scalar():
        defer_once(conn, "order_status", target.id)
    products = sorted({line.product_remote_id for line in intent.draft.lines}) if intent.draft else []
    if not products:
        return
    account = target.store_account_id
    defer(conn, "catalogue_hints", priority=STOCK, store_account_id=account, remote_ids=products)
