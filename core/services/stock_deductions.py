"""stock_deductions: who takes a sold unit off the store's stock, and gives it back (law 12, K2). Once per unit.

    held ──store order made──▶ done (by the store)                    ─┐ cancelled: given_back
     │                                                                 │ (by the store or by our own write; by both:
     │                                                                 │  one is taken off ``again``)
     └──our own write (``wanted`` take)──▶ unknown ──▶ done (by us)   ─┘

Only rows change here; our own writes are ``stock_writes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, text, update

from core.db.tables import shop_order_lines, stock_deductions, store_orders
from core.domain.order_words import NOT_YET_PAID_OR_RELEASED, ON_ITS_WAY
from core.queue import STOCK, defer

# Orders that have no say in the store's stock: shipped before the connection was made or while importing was off, or by
# TikTok from its own.
_NO_SAY = "(o.by_tiktok OR (o.import_state = 'not_wanted' AND o.hold IN ('shipped_before', 'left_while_off')))"
_HOLD = f"""
INSERT INTO stock_deductions (line_id, store_account_id, variant_id)
SELECT l.id, c.store_account_id, l.variant_id
FROM shop_orders o JOIN connections c ON c.id = o.connection_id JOIN shop_order_lines l ON l.order_id = o.id
WHERE o.id = ANY(:ids) AND NOT {_NO_SAY} AND o.status <> 'CANCELLED' AND l.status <> 'CANCELLED'
AND NOT l.bundle AND l.variant_id IS NOT NULL
ORDER BY l.id ON CONFLICT (line_id, variant_id) DO NOTHING
"""
_CANCELLED = """
FROM shop_order_lines l JOIN shop_orders o ON o.id = l.order_id
LEFT JOIN shop_order_lines p ON p.order_id = o.id AND p.remote_id = l.parent_line_id AND l.parent_line_id <> ''
WHERE d.line_id = l.id AND o.id = ANY(:ids)
AND 'CANCELLED' IN (o.status, l.status, coalesce(p.status, ''))
"""
_FREE = f"""
UPDATE stock_deductions d SET outcome = 'given_back', wanted = '', settled_at = now()
{_CANCELLED} AND d.outcome = 'held'
"""
# Where there is no store order to cancel, what we took off ourselves we put back ourselves.
_RETURN = f"""
UPDATE stock_deductions d SET wanted = 'back'
{_CANCELLED} AND d.outcome = 'done' AND d.by = 'us' AND d.wanted = ''
AND NOT EXISTS (SELECT 1 FROM store_orders s WHERE s.order_id = o.id)
"""

_IS_BACK = "outcome = 'given_back', wanted = '', before = NULL, target = NULL, settled_at = now()"
_TAKEN = "AND d.outcome = 'done' AND d.wanted = ''"
_TAKEN_OR_QUEUED = "AND d.outcome = 'done' AND d.wanted IN ('', 'back')"
# What the store took has ``before`` only where a write of ours gave it back.
_GIVEN_BY_US = "AND d.outcome = 'given_back' AND d.by = 'store' AND d.wanted = '' AND d.before IS NOT NULL"


def hold_units(conn: Connection, order_ids: Sequence[int]) -> None:
    """Hold every linked unit of the orders that is not cancelled. May be repeated."""
    conn.execute(text(_HOLD), {"ids": list(order_ids)})


def free_cancelled(conn: Connection, order_ids: Sequence[int]) -> None:
    """Let go of the units that were cancelled since they were held; what we took off ourselves goes back."""
    given = {"ids": list(order_ids)}
    conn.execute(text(_FREE), given)
    if conn.execute(text(_RETURN), given).rowcount:
        _write_later(conn, order_ids)


def taken_by_store(conn: Connection, order_id: int, line_ids: Sequence[str]) -> None:
    """The store made the order with these lines of the Shop's, and that took them off the shelf, whatever became of
    them meanwhile."""
    conn.execute(text(_HOLD), {"ids": [order_id]})
    values: dict[str, Any] = {"by": "store", "outcome": "done", "wanted": "", "before": None, "target": None}
    values |= {"settled_at": func.clock_timestamp()}
    mine = stock_deductions.c.line_id.in_(_units_of(order_id, line_ids))
    conn.execute(update(stock_deductions).where(mine, stock_deductions.c.outcome != "done").values(**values))


def take_ourselves(conn: Connection, order_ids: Sequence[int]) -> None:
    """Nobody else will take the held units of these orders off the shelf: we do."""
    held = text(
        "UPDATE stock_deductions d SET wanted = 'take', by = 'us' FROM shop_order_lines l"
        " WHERE l.id = d.line_id AND l.order_id = ANY(:ids) AND d.outcome = 'held' AND d.wanted = ''"
    )
    if conn.execute(held, {"ids": list(order_ids)}).rowcount:
        _write_later(conn, order_ids)


def let_go(conn: Connection, order_ids: Sequence[int]) -> None:
    """Neither the store nor we take these units: the merchant keeps the stock by hand (G4 and G5 are off).

    Our own write that was only queued, as for want of stock, is called off.
    """
    values = {"outcome": "not_ours", "wanted": "", "by": "", "settled_at": func.now()}
    for order_id in order_ids:
        mine = stock_deductions.c.line_id.in_(_units_of(order_id))
        conn.execute(update(stock_deductions).where(mine, stock_deductions.c.outcome == "held").values(**values))


def give_back(conn: Connection, order_id: int) -> None:
    """We put the cancelled units of an order back on the shelf ourselves, once."""
    statement = text(f"UPDATE stock_deductions d SET wanted = 'back' {_CANCELLED} {_TAKEN}")
    if conn.execute(statement, {"ids": [order_id]}).rowcount:
        _write_later(conn, [order_id])


def given_back_by_store(conn: Connection, order_id: int) -> bool:
    """The store has put all goods of its cancelled order back on the shelf, those we gave back earlier once more.

    What we gave back is taken off again, what we only queued is called off. False where a write of ours is under way,
    of which nobody can tell here whether it arrives.
    """
    given = {"ids": [order_id]}
    conn.execute(text(f"UPDATE stock_deductions d SET {_IS_BACK} {_CANCELLED} {_TAKEN_OR_QUEUED}"), given)
    twice = text(f"UPDATE stock_deductions d SET wanted = 'again' {_CANCELLED} {_GIVEN_BY_US}")
    if conn.execute(twice, given).rowcount:
        _write_later(conn, [order_id])
    return not _any(conn, order_id, stock_deductions.c.outcome == "unknown", stock_deductions.c.wanted == "back")


def perhaps_given_back(conn: Connection, order_id: int) -> None:
    """Nobody can tell whether the store put its units back: a person looks, and we leave them alone."""
    conn.execute(text(f"UPDATE stock_deductions d SET {_IS_BACK} {_CANCELLED} {_TAKEN}"), {"ids": [order_id]})


def return_if_cancelled(conn: Connection, deduction_ids: Sequence[int]) -> None:
    """Units that we have just taken off, and that were cancelled while we did, go back."""
    named = text(
        "SELECT DISTINCT l.order_id FROM stock_deductions d JOIN shop_order_lines l ON l.id = d.line_id"
        " JOIN shop_orders o ON o.id = l.order_id WHERE d.id = ANY(:ids) AND 'CANCELLED' IN (o.status, l.status)"
    )
    order_ids = list(conn.scalars(named, {"ids": list(deduction_ids)}))
    if order_ids:
        free_cancelled(conn, order_ids)
        conn.execute(update(store_orders).where(store_orders.c.order_id.in_(order_ids)).values(behind=True))


def we_took(conn: Connection, order_id: int) -> bool:
    """Whether we took, or are taking, units of the order off the store's stock ourselves."""
    return _any(conn, order_id, stock_deductions.c.by == "us", stock_deductions.c.outcome.in_(("done", "unknown")))


def merchant_took(conn: Connection, order_id: int) -> bool:
    """Whether units of the order were left to the merchant, who keeps the stock by hand."""
    return _any(conn, order_id, stock_deductions.c.outcome == "not_ours")


def call_off(conn: Connection, order_id: int) -> bool:
    """The store takes these units when the order is made, so our own write that is only queued is called off.

    False when such a write has begun: nothing was changed, and the store must not take them as well.
    """
    d = stock_deductions.c
    mine = select(d.id, d.by, d.outcome).where(d.line_id.in_(_units_of(order_id))).order_by(d.id).with_for_update()
    rows = conn.execute(mine).all()
    if any(row.by == "us" and row.outcome in ("done", "unknown") for row in rows):
        return False
    queued = (d.id.in_([row.id for row in rows]), d.outcome == "held", d.wanted == "take")
    conn.execute(update(stock_deductions).where(*queued).values(wanted="", by="", before=None, target=None))
    return True


def settle_without_import(conn: Connection, order_id: int, status: str, *, stock_import: bool) -> None:
    """What becomes of the held units of an order that is not created in the store because importing is off."""
    if stock_import and status not in NOT_YET_PAID_OR_RELEASED:
        take_ourselves(conn, [order_id])
    elif not stock_import and status in ON_ITS_WAY:
        let_go(conn, [order_id])


def _any(conn: Connection, order_id: int, *those: ColumnElement[bool]) -> bool:
    ids = select(stock_deductions.c.id).where(stock_deductions.c.line_id.in_(_units_of(order_id)), *those)
    return conn.execute(ids.limit(1)).first() is not None


def _units_of(order_id: int, line_ids: Sequence[str] | None = None) -> Select[Any]:
    """Our ids of the units of an order, or of some of its lines; those of a bundle's components count to its line."""
    line = shop_order_lines.c
    units = select(line.id).where(line.order_id == order_id)
    if line_ids is None:
        return units
    return units.where(or_(line.remote_id.in_(list(line_ids)), line.parent_line_id.in_(list(line_ids))))


def _write_later(conn: Connection, order_ids: Sequence[int]) -> None:
    accounts = text(
        "SELECT DISTINCT c.store_account_id FROM shop_orders o JOIN connections c ON c.id = o.connection_id"
        " WHERE o.id = ANY(:ids)"
    )
    for account in conn.scalars(accounts, {"ids": list(order_ids)}).all():
        defer(conn, "stock_writes", once=f"stock_writes:{account}", priority=STOCK, store_account_id=account)
