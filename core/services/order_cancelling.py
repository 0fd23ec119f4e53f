"""order_cancelling: units cancelled on TikTok after their store order was made, and their way back on the shelf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, select

from core.db.engine import transaction
from core.db.orders import StoredOrder
from core.db.tables import shop_order_lines, shop_orders, stock_deductions, variants
from core.domain.order_words import CANCELLED
from core.ports import Store
from core.services.issues import open_issue
from core.services.order_facts import cancelling_returns, learn_cancelling
from core.services.stock_deductions import give_back, given_back_by_store, perhaps_given_back


@dataclass(frozen=True, slots=True)
class CancelledUnits:
    """``lines`` are the cancelled lines that the store order was not told of yet, ``all_lines`` all cancelled ones."""

    order_id: int
    lines: tuple[tuple[str, str], ...]
    all_lines: tuple[str, ...]

    def words(self) -> str:
        """Each SKU with how many, such as ``2 x MUG-RED``."""
        counts = Counter(sku or line_id for line_id, sku in self.lines)
        return ", ".join(f"{count} x {sku}" for sku, count in sorted(counts.items()))

    def give_back(self, conn: Connection, order_id: int) -> None:
        """A part of an order: the store does not know of it, so we put the units back ourselves."""
        give_back(conn, order_id)

    def watch(self, store: Store, store_account_id: int, kept: Sequence[Any] | None) -> Returning:
        """Read the stock of one SKU of the order, until it is known whether cancelling puts goods back by itself.

        ``kept`` is what was read before a call that was cut off.
        """
        with transaction() as conn:
            known = cancelling_returns(conn, store_account_id)
            sku, units = _sample(conn, self.order_id) if known is None else ("", 0)
        if known is None and kept:
            return Returning(None, *kept)
        return Returning(known, sku, units, store.stock(sku) if sku else None)


@dataclass(frozen=True, slots=True)
class Returning:
    """Whether cancelling gives goods back: ``known``, or ``seen`` on one SKU of which the order holds ``units``."""

    known: bool | None
    sku: str = ""
    units: int = 0
    before: int | None = None
    seen: bool | None = None

    @property
    def kept(self) -> list[Any] | None:
        """What to keep before the call, for ``watch``."""
        return [self.sku, self.units, self.before] if self.before is not None else None

    def learnt(self, store: Store) -> Returning:
        """Look again after the store order was cancelled. Anything but nothing or all of it tells nothing."""
        if self.before is None:
            return self
        after = store.stock(self.sku)
        told = {self.before + self.units: True, self.before: False}
        return replace(self, seen=told.get(after) if after is not None else None)

    def settle(self, conn: Connection, store_account_id: int, order_id: int) -> None:
        """Give the cancelled units back, once. Where nobody can tell whether the store did, a person looks."""
        by_store = self.known
        if self.seen is not None:
            learn_cancelling(conn, store_account_id, self.seen)
            by_store = self.seen
        if by_store:
            if not given_back_by_store(conn, order_id):
                self._ask(conn, order_id, "put units back on the shelf twice")
        elif by_store is not None or not self.units:
            give_back(conn, order_id)
        else:
            self._ask(conn, order_id, f"put {self.units} x {self.sku} back on the shelf")
            perhaps_given_back(conn, order_id)

    def _ask(self, conn: Connection, order_id: int, what: str) -> None:
        o = shop_orders.c
        order = conn.execute(select(o.connection_id, o.remote_id).where(o.id == order_id)).one()
        open_issue(
            conn,
            connection_id=order.connection_id,
            subject=("order", str(order_id)),
            code="return_unclear",
            sentence=f"It is not clear whether cancelling TikTok order {order.remote_id} {what}.",
            fix="Compare the stock in the store.",
            link="orders",
        )


def units_cancelled(stored: StoredOrder, noted: Mapping[str, Any]) -> CancelledUnits:
    """Lines that are cancelled now, beside those the store order was told of."""
    told: Sequence[str] = noted.get("cancelled", ())
    whole = stored.order.status == CANCELLED
    gone = [line for line in stored.order.lines if whole or line.status == CANCELLED]
    new = tuple(
        (line.id, line.seller_sku) for line in gone if line.id not in told and line.id in noted.get("units", ())
    )
    return CancelledUnits(stored.id, new, tuple(line.id for line in gone))


def _sample(conn: Connection, order_id: int) -> tuple[str, int]:
    """A SKU of which the store order has units that it took off, also those we gave back since, and how many."""
    d, line, v = stock_deductions.c, shop_order_lines.c, variants.c
    joined = stock_deductions.join(shop_order_lines, line.id == d.line_id).join(variants, v.id == d.variant_id)
    joined = joined.join(shop_orders, shop_orders.c.id == line.order_id)
    counted = select(v.sku, func.count()).select_from(joined).where(line.order_id == order_id, v.sku.is_not(None))
    taken = (
        counted.where(d.outcome.in_(("done", "given_back")), d.by == "store").group_by(v.sku).order_by(v.sku).limit(1)
    )
    row = conn.execute(taken).first()
    return (row[0], row[1]) if row is not None else ("", 0)
