"""stock_writes: our own changes of the store's stock for sold and cancelled units (G5, law 12).

The store's stock is set absolutely, so each SKU is read and written under a lease. What was meant is kept on the rows
before the call. A write that the store counts as a change is done. Of any other the store's own history tells. Where it
does not, the stock does: equal to the target means done, equal to what was there before means repeat, and anything else
is for a person.

What others change between our reading and our writing is undone by the write. The history tells of that too, and it is
put right by units of their own, which belong to no order.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, cast, func, select, update

from core.db.engine import transaction
from core.db.leases import holds_lease, is_free, release_lease, renew_lease, take_lease
from core.db.tables import issues, products, stock_deductions, variants
from core.domain.errors import Conflict, Missing, Refused, RemoteError, Unknown
from core.domain.people import Actor
from core.domain.stock import WRITE_UNKNOWN, is_written, undone_by
from core.logs import log
from core.ports import Store
from core.queue import STOCK, defer
from core.services import audit
from core.services.issues import close_issue, open_issue
from core.services.one_by_one import one_by_one
from core.services.price_stock_queue import queue_push_of_variants
from core.services.stock_deductions import return_if_cancelled

# By what is wanted: the columns of its units once the write arrived, and their outcome when it had no effect.
_ARRIVED: dict[str, dict[str, Any]] = {
    "take": {"outcome": "done", "by": "us"},
    "back": {"outcome": "given_back"},
    "again": {"outcome": "given_back", "before": None, "target": None},
}
_STANDS = {"take": "held", "back": "done", "again": "given_back"}
_LEASE_S = 90.0  # four calls of at most 15 seconds each, until a write is answered
_SKU_UNKNOWN = "stock_sku_unknown"
_OVERSOLD = "stock_oversold"
_REFUSED = "stock_write_refused"
# Refusals of what was asked, which concern this SKU alone; other trouble may end the round.
_ABOUT_THE_SKU = (Refused, Missing, Conflict)
_FIX = "Look in the store at the stock of this SKU, then say whether our change arrived."


class SettlingRefused(Exception):
    """A person cannot settle this write now; ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class _Unit:
    id: int
    outcome: str
    wanted: str
    before: int | None
    target: int | None
    intended_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Goods:
    """A variant as the store knows it. ``asked_at``: before its stock was read."""

    variant_id: int
    account: int
    product: str
    sku: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of a write. ``written`` None: nobody told. ``undone``: pieces by which it undid others' changes."""

    written: bool | None
    undone: int = 0


def write_wanted(store: Store, store_account_id: int) -> int:
    """Write every SKU with units to take or to give back; how many SKUs were settled.

    A SKU in trouble does not hold up the others, until three in a row are: then it is the store that is in trouble.
    One that the store refuses is an issue of its own.
    Raises what the store raises, once the others are done; what was begun is found again by the next call.
    """
    d = stock_deductions.c
    waiting = select(d.variant_id).where(d.store_account_id == store_account_id, d.wanted != "").distinct()
    with transaction() as conn:
        variant_ids = sorted(conn.scalars(waiting))
    return one_by_one(variant_ids, lambda variant_id: _write_variant(store, store_account_id, variant_id))


def settle_by_person(conn: Connection, connection_id: int, variant_id: int, by: Actor, *, arrived: bool) -> int:
    """A person looked: the store's stock of the variant does (``arrived``) or does not hold our write; how many units.

    Where it does not, the write is made again by the next job. ``connection_id`` is where the person looked from.
    Raises ``SettlingRefused`` when it is settled already, or is being written at this moment.
    """
    account, sku = _asked_of_a_person(conn, variant_id)
    d = stock_deductions.c
    open_rows = (d.variant_id == variant_id, d.outcome == "unknown", d.wanted != "")
    rows = [_Unit(*row) for row in conn.execute(_units().where(*open_rows).with_for_update())]
    for wanted in _ARRIVED:
        ids = [row.id for row in rows if row.wanted == wanted]
        if arrived:
            _settle(conn, ids, wanted)
        else:
            _reopen(conn, ids, wanted)
    close_issue(conn, subject=("variant", str(variant_id)), code=WRITE_UNKNOWN)
    _write_again(conn, account)
    detail = {"arrived": arrived, "units": len(rows), "sku": sku}
    subject = f"variant:{variant_id}"
    audit.record(
        conn, user=by, action="settle_stock_write", connection_id=connection_id, subject=subject, detail=detail
    )
    return len(rows)


def _asked_of_a_person(conn: Connection, variant_id: int) -> tuple[int, str]:
    """The store account and SKU of a variant whose write waits for a person; nobody else touches it meanwhile.

    Of two people who answer at once the second is refused, and so is an answer to an earlier write.
    """
    wanted = select(variants.c.store_account_id, variants.c.sku).where(variants.c.id == variant_id)
    found = conn.execute(wanted).one_or_none()
    if found is None:
        raise SettlingRefused(f"There is no variant {variant_id}.")
    account, sku = found
    if not is_free(conn, stock_lease(account, variant_id)):
        raise SettlingRefused(f"The stock of {sku} is being written at this moment: look again in a minute.")
    i = issues.c
    asked = (i.subject_kind == "variant", i.subject_id == str(variant_id), i.code == WRITE_UNKNOWN)
    if conn.execute(select(i.id).where(*asked, i.closed_at.is_(None)).with_for_update()).first() is None:
        raise SettlingRefused(f"The stock of {sku} is settled already; nothing was changed.")
    return account, sku or ""


def _write_variant(store: Store, store_account_id: int, variant_id: int) -> bool:
    name = stock_lease(store_account_id, variant_id)
    attempt = take_lease(name, seconds=_LEASE_S)
    if attempt is None:
        return False
    try:
        with transaction() as conn:
            row = conn.execute(_goods().add_columns(func.now()).where(variants.c.id == variant_id)).one()
        goods = _Goods(variant_id, store_account_id, row.remote_id, row.sku or "", row.now)
        return _write_or_complain(store, goods, name, attempt)
    finally:
        release_lease(name, attempt)


def _write_or_complain(store: Store, goods: _Goods, name: str, attempt: int) -> bool:
    try:
        settled = _write_sku(store, goods, name, attempt)
    except _ABOUT_THE_SKU as refusal:
        _tell_refusal(goods, refusal)
        return False
    with transaction() as conn:
        close_issue(conn, subject=("variant", str(goods.variant_id)), code=_REFUSED)
    return settled


def _tell_refusal(goods: _Goods, refusal: RemoteError) -> None:
    sentence = f"The store refuses to change the stock of {goods.sku}: {refusal.sentence}"
    fix = "Put it right in the store: until it takes the change, it is tried again and the units stay held."
    with transaction() as conn:
        _open(conn, goods.variant_id, _REFUSED, sentence, fix)


def stock_lease(store_account_id: int, variant_id: int) -> str:
    """Who holds this lease is the only one of us to write this SKU's stock into the store."""
    return f"stock:{store_account_id}:{variant_id}"


def _goods() -> Select[Any]:
    return select(products.c.remote_id, variants.c.sku).join_from(variants, products)


def _write_sku(store: Store, goods: _Goods, name: str, attempt: int) -> bool:
    variant_id, sku, began = goods.variant_id, goods.sku, time.monotonic()
    present = store.stock(sku) if sku else None
    if present is None:
        _complain(variant_id, sku)
        return False
    fate = _fate(store, goods, present)
    if not renew_lease(name, attempt, seconds=_LEASE_S):
        return False
    with transaction() as conn:
        close_issue(conn, subject=("variant", str(variant_id)), code=_SKU_UNKNOWN)
        if not holds_lease(conn, name, attempt) or not _settle_begun(conn, goods, present, fate):
            return False
        units, target = _possible(conn, variant_id, sku, present)
        values = {"outcome": "unknown", "before": present, "target": target, "intended_at": goods.asked_at}
        conn.execute(
            update(stock_deductions).where(stock_deductions.c.id.in_([one.id for one in units])).values(values)
        )
    if not units:
        return False
    if target == present:
        seen, fate = present, _Fate(True)
    else:
        took = time.monotonic() - began if _confirmed(store, sku, target) else None
        found = store.stock(sku) if took is None else target
        if found is None:
            return False
        seen, fate = found, _fate(store, goods, found, took=took)
    with transaction() as conn:
        return holds_lease(conn, name, attempt) and _settle_begun(conn, goods, seen, fate)


def _fate(store: Store, goods: _Goods, seen: int, *, took: float | None = None) -> _Fate:
    """What the store's history knows of our write whose outcome is open.

    ``took``: seconds from before its stock was read until the store confirmed it; None: the store did not.
    """
    with transaction() as conn:
        begun = next((unit for unit in _wanted_units(conn, goods.variant_id) if unit.outcome == "unknown"), None)
    if begun is None or begun.before is None or begun.target is None or begun.intended_at is None:
        return _Fate(None)
    since = begun.intended_at
    changes = store.stock_changes(goods.product, goods.sku, since=since)
    written = took is not None or is_written(changes, target=begun.target, since=since, seen=seen)
    if written:
        most = timedelta(seconds=_LEASE_S if took is None else took)
        return _Fate(True, undone_by(changes, before=begun.before, target=begun.target, took=most))
    return _Fate(None if written is False and not _remembers_writes(store, goods.variant_id) else written)


def _remembers_writes(store: Store, variant_id: int) -> bool:
    """Whether our last write that arrived is in the store's history: only then does one that is not there say a thing.

    That a store counts writes of programs among its changes is nowhere promised.
    """
    d = stock_deductions.c
    account = select(variants.c.store_account_id).where(variants.c.id == variant_id).scalar_subquery()
    arrived = (d.store_account_id == account, d.wanted == "", d.target != d.before, d.settled_at.is_not(None))
    mine = _goods().add_columns(d.target, d.intended_at).join(stock_deductions, d.variant_id == variants.c.id)
    with transaction() as conn:
        last = conn.execute(mine.where(*arrived).order_by(d.settled_at.desc()).limit(1)).one_or_none()
    if last is None:
        return False
    changes = store.stock_changes(last.remote_id, last.sku or "", since=last.intended_at)
    return any(change.quantity == last.target and not change.by_order for change in changes)


def _confirmed(store: Store, sku: str, quantity: int) -> bool:
    """Whether the store says that the write changed the stock. What it shows after that is somebody else's change."""
    try:
        return store.set_stock([(sku, quantity)]) == 1
    except Unknown:
        return False


def _possible(conn: Connection, variant_id: int, sku: str, present: int) -> tuple[list[_Unit], int]:
    """The units that can be written now and the stock after that: no more is taken than there is.

    Units beyond it stay held: they are owed to orders, come off as soon as there is stock, and are let go when their
    order is cancelled.
    """
    units = _wanted_units(conn, variant_id)
    back = [unit for unit in units if unit.wanted == "back"]
    takes = [unit for unit in units if unit.wanted != "back"]
    there = present + len(back)
    taken = takes[: max(there, 0)]
    missing = len(takes) - len(taken)
    if missing:
        left = there - len(taken)
        sentence = (
            f"{sku} is oversold by {missing}: its stock in the store is {left}, and orders still need {missing} of it."
        )
        _open(conn, variant_id, _OVERSOLD, sentence, "Put more on the shelf, or cancel an order that cannot be sent.")
    else:
        close_issue(conn, subject=("variant", str(variant_id)), code=_OVERSOLD)
    return [*back, *taken], there - len(taken)


def close_needless(conn: Connection) -> None:
    """Close the issues of SKUs of which nothing is to be written any longer."""
    i, d = issues.c, stock_deductions.c
    waits = select(d.id).where(d.variant_id == cast(i.subject_id, BigInteger), d.wanted != "")
    open_ones = (i.code.in_((_OVERSOLD, _REFUSED)), i.subject_kind == "variant", i.closed_at.is_(None))
    conn.execute(update(issues).where(*open_ones, ~waits.exists()).values(closed_at=func.now()))


def _settle_begun(conn: Connection, goods: _Goods, seen: int, fate: _Fate) -> bool:
    """Settle a write whose outcome was open: by its ``fate``, or by the stock ``seen`` now. False: a person has to."""
    begun = [unit for unit in _wanted_units(conn, goods.variant_id) if unit.outcome == "unknown"]
    if not begun:
        return True
    before, target = begun[0].before, begun[0].target
    if fate.written is None and seen not in (before, target):
        sentence = (
            f"The stock of {goods.sku} was to go from {before} to {target}, the store did not confirm it, and now it "
            f"has {seen}: whether our change is part of that, only somebody who looks can tell."
        )
        _open(conn, goods.variant_id, WRITE_UNKNOWN, sentence, _FIX)
        return False
    arrived = seen == target if fate.written is None else fate.written
    for wanted in _ARRIVED:
        ids = [unit.id for unit in begun if unit.wanted == wanted]
        if arrived:
            _settle(conn, ids, wanted)
        else:
            _reopen(conn, ids, wanted)
    if fate.undone:
        _put_right(conn, goods, fate.undone)
    close_issue(conn, subject=("variant", str(goods.variant_id)), code=WRITE_UNKNOWN)
    return True


def _put_right(conn: Connection, goods: _Goods, undone: int) -> None:
    """Have what a write of ours undid done again: pieces that others took are held and taken off, others put back."""
    log().warning("a write of stock undid another change", action="stock_writes", sku=goods.sku, pieces=undone)
    todo = {"outcome": "held", "wanted": "take"} if undone < 0 else {"outcome": "done", "wanted": "back"}
    unit = {"store_account_id": goods.account, "variant_id": goods.variant_id, "by": "us", **todo}
    conn.execute(stock_deductions.insert(), [unit] * abs(undone))
    queue_push_of_variants(conn, goods.account, [goods.variant_id])
    _write_again(conn, goods.account)


def _write_again(conn: Connection, account: int) -> None:
    defer(conn, "stock_writes", once=f"stock_writes:{account}", priority=STOCK, store_account_id=account)


def _settle(conn: Connection, ids: Sequence[int], wanted: str) -> None:
    values = {"wanted": "", "settled_at": func.clock_timestamp(), **_ARRIVED[wanted]}
    conn.execute(update(stock_deductions).where(stock_deductions.c.id.in_(ids)).values(values))
    if wanted == "take":
        return_if_cancelled(conn, ids)


def _reopen(conn: Connection, ids: Sequence[int], wanted: str) -> None:
    """It had no effect: the units stand as before the write."""
    mine = stock_deductions.c.id.in_(ids)
    conn.execute(update(stock_deductions).where(mine).values(outcome=_STANDS[wanted]))


def _units() -> Select[Any]:
    d = stock_deductions.c
    return select(d.id, d.outcome, d.wanted, d.before, d.target, d.intended_at)


def _wanted_units(conn: Connection, variant_id: int) -> list[_Unit]:
    d = stock_deductions.c
    rows = conn.execute(_units().where(d.variant_id == variant_id, d.wanted != "").order_by(d.id).with_for_update())
    return [_Unit(*row) for row in rows]


def _complain(variant_id: int, sku: str) -> None:
    sentence = f"The store does not know the SKU {sku!r}, so its stock cannot be written."
    fix = "Put the SKU back in the store; until then its units stay held."
    with transaction() as conn:
        _open(conn, variant_id, _SKU_UNKNOWN, sentence, fix)


def _open(conn: Connection, variant_id: int, code: str, sentence: str, fix: str) -> None:
    subject = ("variant", str(variant_id))
    open_issue(conn, connection_id=None, subject=subject, code=code, sentence=sentence, fix=fix, link="stock")
