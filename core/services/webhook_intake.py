"""webhook_intake: a webhook is a hint (law 3). It is verified, kept once and answered; a job acts on it later.

The gateway calls ``verify_and_store``; the job ``webhook_intake`` calls ``handle``. Neither asks anybody anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import transaction
from core.db.tables import connections, inbox, shops, store_accounts
from core.domain.counting import counted
from core.queue import NORMAL, STOCK, defer
from core.services.stock_hints import Told, use_quantities

TIKTOK = "tiktok"
# Over this many hints waiting for one account, one read of the whole list replaces single reads.
MOST_SINGLE = 20
_BATCH = 1_000
_ECHO_S = 2  # our own pushes come back as hints too: one look after the rush is over
_LONGEST_ID = 200
_MOST_PIECES = 2_000_000_000  # what a column holds
_READ_AFTER_S = 2  # a product whose stock was told is read when the first rush is over
# Orders come with the customer's data in the body; the record is fetched anyway, so the body is not kept.
_BODY_KEPT = ("product", "stock", "category", "brand", "authorisation")


@dataclass(frozen=True, slots=True)
class Hint:
    """What a webhook tells. ``account``: the Shop's or store account's id. ``kind``: product, stock, category, brand,
    order, shop_stock (of a SKU in the Shop), authorisation, or other. ``delivery_id`` is the same in every repeat, ""
    where the vendor has none; of a store's stock it also orders the hints. ``quantity`` is the new stock of ``sku``
    since ``at``, where told."""

    account: str
    delivery_id: str
    topic: str
    kind: str
    subject_id: str
    sku: str = ""
    quantity: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """How webhooks of one sender are told from forgeries and read; bound to its secret. ``source``: tiktok, or the
    store's platform. ``handshake`` gives the text to answer an address check with; ``hint`` None for what is not
    understood."""

    source: str
    is_genuine: Callable[[Mapping[str, str], bytes], bool]
    handshake: Callable[[bytes], str | None]
    hint: Callable[[bytes], Hint | None]


class Outcome(StrEnum):
    STORED = "stored"
    DUPLICATE = "duplicate"
    HANDSHAKE = "handshake"
    NOT_UNDERSTOOD = "not_understood"
    UNKNOWN_ACCOUNT = "unknown_account"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Receipt:
    """``text`` is what to answer a handshake with."""

    outcome: Outcome
    text: str = ""


def verify_and_store(door: Door, headers: Mapping[str, str], body: bytes) -> Receipt:
    """Check the signature over the raw bytes and keep the hint once. Nothing is written for a forgery, for what is
    not understood, and for an account we do not have."""
    if not door.is_genuine(headers, body):
        return Receipt(Outcome.FORGED)
    answer = door.handshake(body)
    if answer is not None:
        return Receipt(Outcome.HANDSHAKE, answer)
    hint = door.hint(body)
    if hint is None:
        return Receipt(Outcome.NOT_UNDERSTOOD)
    with transaction() as conn:
        if not _is_ours(conn, door.source, hint.account):
            return Receipt(Outcome.UNKNOWN_ACCOUNT)
        if not _keep(conn, door.source, hint, body):
            return Receipt(Outcome.DUPLICATE)
        _defer_intake(conn, door.source, hint.account)
    return Receipt(Outcome.STORED)


def handle(source: str, account: str) -> int:
    """Act on the hints waiting for one account, each subject once; returns how many hints were dealt with.

    Two of these side by side take different rows.
    """
    with transaction() as conn:
        waiting = (inbox.c.source == source, inbox.c.account == account, inbox.c.status == "waiting")
        columns = (inbox.c.id, inbox.c.topic, inbox.c.subject, inbox.c.delivery_id, inbox.c.told)
        found = select(*columns).where(*waiting).order_by(inbox.c.id).limit(_BATCH).with_for_update(skip_locked=True)
        rows = conn.execute(found).all()
        if not rows:
            return 0
        subjects = list(dict.fromkeys(row.subject for row in rows))
        note = _act_for_shop(conn, account, subjects) if source == TIKTOK else _act_for_store(conn, account, rows)
        done = update(inbox).where(inbox.c.id.in_([row.id for row in rows]))
        conn.execute(done.values(status="done", note=note, handled_at=func.now()))
        if len(rows) == _BATCH:
            _defer_intake(conn, source, account)
    return len(rows)


def requeue_waiting() -> int:
    """Queue the intake of every account with hints waiting, should its job have been lost; returns how many."""
    waiting = select(inbox.c.source, inbox.c.account).where(inbox.c.status == "waiting").distinct()
    with transaction() as conn:
        accounts = conn.execute(waiting).all()
        for row in accounts:
            _defer_intake(conn, row.source, row.account)
    return len(accounts)


def _act_for_store(conn: Connection, account: str, rows: Sequence[Any]) -> str:
    """A told quantity is used at once. Then single reads for a few products, those whose quantity we have a little
    later; the store's change feed for many, and for shelves and brands."""
    store_account_id, subjects = int(account), list(dict.fromkeys(row.subject for row in rows))
    used = use_quantities(conn, store_account_id, _quantities(rows))
    kinds = {subject.partition(":")[0] for subject in subjects}
    remote_ids = list(dict.fromkeys(_ids(subjects, "product", "stock")))
    if len(remote_ids) > MOST_SINGLE or kinds & {"category", "brand"}:
        key = f"catalogue_pull:{store_account_id}:changes"
        defer(conn, "catalogue_pull", once=key, store_account_id=store_account_id, full=False)
        return f"One read of the changes for {len(subjects)} records."
    for wait, chosen in ((0, [one for one in remote_ids if one not in used]), (_READ_AFTER_S, sorted(used))):
        if chosen:
            priority = STOCK if "stock" in kinds and not wait else NORMAL
            _defer_read(conn, store_account_id, chosen, priority, wait)
    if remote_ids:
        noted = f" The stock told of {len(used)} is used already." if used else ""
        return f"{counted(len(remote_ids), 'product is', 'products are')} read again.{noted}"
    return "Nothing to do: store orders are not read."


def _defer_read(conn: Connection, store_account_id: int, remote_ids: Sequence[str], priority: int, wait: int) -> None:
    defer(
        conn,
        "catalogue_hints",
        priority=priority,
        after_seconds=wait,
        store_account_id=store_account_id,
        remote_ids=remote_ids,
    )


def _act_for_shop(conn: Connection, account: str, subjects: Sequence[str]) -> str:
    """Orders and stock are read, and the review of all listings that changed; an authorisation is proved by a call."""
    c = connections.c
    joined = connections.join(shops, shops.c.id == c.shop_id)
    live = select(c.id).select_from(joined).where(shops.c.remote_id == account, c.disconnected_at.is_(None))
    kinds = {subject.partition(":")[0] for subject in subjects}
    notes = []
    for connection_id in conn.execute(live).scalars().all():
        if "product" in kinds:
            _defer_once(conn, "listing_review", connection_id)
            notes.append("The listings that changed are read.")
        if "order" in kinds:
            notes.append(_read_orders(conn, connection_id, subjects))
        sku_ids = _ids(subjects, "shop_stock")
        if sku_ids:
            given = {"connection_id": connection_id, "sku_ids": sku_ids}
            defer(conn, "stock_read_back", priority=STOCK, after_seconds=_ECHO_S, **given)
            notes.append(f"The Shop's stock of {counted(len(sku_ids), 'SKU')} is read.")
        if "authorisation" in kinds:
            _defer_once(conn, "connection_check", connection_id)
            notes.append("The connection is tested.")
    return " ".join(dict.fromkeys(notes)) or "Nothing to do."


def _read_orders(conn: Connection, connection_id: int, subjects: Sequence[str]) -> str:
    """Single reads for a few orders; the list by update time for many, and for hints that name none."""
    named = [one for ids in _ids(subjects, "order") for one in ids.split(",")]
    order_ids = list(dict.fromkeys(named))
    if len(order_ids) > MOST_SINGLE or "order:" in subjects:
        _defer_once(conn, "order_drain", connection_id)
        return f"One read of the orders that changed for {len(subjects)} hints."
    defer(conn, "order_hints", connection_id=connection_id, order_ids=order_ids)
    return f"{counted(len(order_ids), 'order is', 'orders are')} read."


def _defer_once(conn: Connection, task: str, connection_id: int) -> None:
    defer(conn, task, once=f"{task}:{connection_id}", connection_id=connection_id)


def _ids(subjects: Sequence[str], *kinds: str) -> list[str]:
    pairs = [subject.partition(":") for subject in subjects]
    return [subject_id for kind, _, subject_id in pairs if kind in kinds and subject_id]


def _is_ours(conn: Connection, source: str, account: str) -> bool:
    if source == TIKTOK:
        wanted: Any = select(shops.c.id).where(shops.c.remote_id == account)
    elif account.isdigit():
        wanted = select(store_accounts.c.id).where(store_accounts.c.id == int(account))
    else:
        return False
    return conn.execute(wanted).first() is not None


def _keep(conn: Connection, source: str, hint: Hint, body: bytes) -> bool:
    """False when this delivery is here already."""
    row = insert(inbox).values(
        source=source,
        account=hint.account,
        delivery_id=_plain(hint.delivery_id) or hashlib.sha256(body).hexdigest(),
        topic=_plain(hint.topic),
        subject=f"{hint.kind}:{_plain(hint.subject_id)}",
        told=_told(hint),
        body=body if hint.kind in _BODY_KEPT else b"",
    )
    kept = row.on_conflict_do_nothing(index_elements=["source", "account", "delivery_id"])
    return conn.execute(kept.returning(inbox.c.id)).first() is not None


def _told(hint: Hint) -> dict[str, Any]:
    """The quantity in a hint, kept apart from the body so that whoever uses it need not know the vendor's format."""
    if hint.quantity is None or hint.at is None or not -_MOST_PIECES <= hint.quantity <= _MOST_PIECES:
        return {}
    return {"sku": _plain(hint.sku), "quantity": hint.quantity, "at": hint.at.isoformat()}


def _quantities(rows: Sequence[Any]) -> Iterator[Told]:
    for row in rows:
        if row.told:
            product, told = row.subject.partition(":")[2], row.told
            yield Told(product, told["sku"], told["quantity"], row.delivery_id, datetime.fromisoformat(told["at"]))


def _defer_intake(conn: Connection, source: str, account: str) -> None:
    defer(conn, "webhook_intake", once=f"webhook_intake:{source}:{account}", source=source, account=account)


def _plain(text: str) -> str:
    return text.replace("\x00", "")[:_LONGEST_ID]
