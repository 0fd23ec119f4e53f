"""listing intents: what we meant to send, stored before it is sent, and its outcome (laws 2 and 6).

    store_intent ──▶ sending ──▶ sent | refused | unknown | intended (known not to have happened)

``store_intent`` and ``begin_call`` hand out an attempt; every outcome is saved ``WHERE attempt = mine``, so that a
worker that was taken for dead cannot overwrite what came after it. A listing still ``sending`` when its lease has run
out is treated as unknown.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

from core.db.engine import transaction
from core.db.leases import LEASE_UNTIL
from core.db.tables import listing_skus, listings
from core.domain.errors import RemoteError
from core.domain.listing import ListingDraft, SentListing, SkuDraft
from core.domain.statuses import ProductStatus
from core.services.product_status import showing

_DRAFT = TypeAdapter(ListingDraft)


@dataclass(frozen=True, slots=True)
class Live:
    """The live listing of a product (or of one variant of it) as far as sending is concerned."""

    id: int
    product_id: int
    variant_id: int | None
    generation: int
    state: str
    state_code: str
    remote_id: str | None
    idempotency_key: str | None
    body: bytes | None
    draft: ListingDraft | None
    intended_at: datetime
    called_at: datetime | None
    tiktok_status: str | None
    audit_status: str | None
    leased: bool

    @property
    def in_shop(self) -> bool:
        """Whether the Shop has it, so that a change is an edit and not a new listing."""
        return self.remote_id is not None and self.tiktok_status != "DELETED"

    @property
    def outcome_open(self) -> bool:
        """Whether a call may have happened whose answer we do not know."""
        return self.state in ("sending", "unknown")


LiveOnes = dict[int | None, Live]


def new_key() -> str:
    """An idempotency key: a UUIDv4 as TikTok advises for Create Product."""
    return str(uuid.uuid4())


def live_listings(connection: Connection, connection_id: int, product_ids: Sequence[int]) -> dict[int, LiveOnes]:
    """The live listings of products, by product and by variant id; None is the listing of the whole product."""
    leased = func.coalesce(listings.c.lease_until > func.now(), False).label("leased")
    wanted = select(listings, leased).where(
        listings.c.connection_id == connection_id, listings.c.product_id.in_(product_ids), listings.c.ended_at.is_(None)
    )
    found: dict[int, LiveOnes] = {product_id: {} for product_id in product_ids}
    for row in connection.execute(wanted):
        found[row.product_id][row.variant_id] = _live(row)
    return found


def _live(row: Any) -> Live:
    return Live(
        id=row.id,
        product_id=row.product_id,
        variant_id=row.variant_id,
        generation=row.generation,
        state=row.state,
        state_code=row.state_code,
        remote_id=row.remote_id,
        idempotency_key=row.idempotency_key,
        body=bytes(row.body) if row.body is not None else None,
        draft=_DRAFT.validate_python(row.draft) if row.draft is not None else None,
        intended_at=row.intended_at,
        called_at=row.called_at,
        tiktok_status=row.tiktok_status,
        audit_status=row.audit_status,
        leased=row.leased,
    )


def _is_free() -> Any:
    return (listings.c.lease_until.is_(None)) | (listings.c.lease_until <= func.now())


# Statements that every listing sent needs are built once. ``lease_seconds`` is given with their values.
_INTENDED: dict[str, Any] = {
    "state": "sending",
    "state_sentence": "",
    "state_code": "",
    "body": bindparam("new_body"),
    "draft": bindparam("new_draft"),
    "intended_at": func.now(),
    "called_at": func.now(),
    "changed_at": func.now(),
    "lease_until": LEASE_UNTIL,
}
_SENDING = showing(ProductStatus.SENDING).cte("shown")
_INTEND_NEW = (
    upsert(listings)
    .values(
        connection_id=bindparam("of_connection"),
        product_id=bindparam("of_product"),
        variant_id=bindparam("of_variant"),
        idempotency_key=bindparam("new_key"),
        attempt=1,
        **_INTENDED,
    )
    .on_conflict_do_nothing()
    .returning(listings.c.id, listings.c.attempt)
    .add_cte(_SENDING)
)
_INTEND_AGAIN = (
    update(listings)
    .where(listings.c.id == bindparam("listing"), _is_free())
    .values(
        generation=listings.c.generation + 1,
        attempt=listings.c.attempt + 1,
        idempotency_key=func.coalesce(bindparam("new_key"), listings.c.idempotency_key),
        **_INTENDED,
    )
    .returning(listings.c.id, listings.c.attempt)
    .add_cte(_SENDING)
)


def store_intent(
    connection: Connection,
    connection_id: int,
    draft: ListingDraft,
    variant_id: int | None,
    live: Live | None,
    *,
    body: bytes,
    key: str | None,
    seconds: float,
) -> tuple[int, int] | None:
    """Store what is about to be sent, take the listing for the call, show its product as being sent.

    (listing id, attempt). One statement, unless the Shop has deleted the listing: then it wants a transaction.
    None when somebody else has it just now. A listing the Shop has deleted is ended and a new one begun. ``key`` is
    None for an edit. The last outcome must be known: this begins a new generation.
    """
    values = {
        "of_connection": connection_id,
        "of_product": int(draft.product_id),
        "new_body": body,
        "new_draft": _DRAFT.dump_python(draft, mode="json"),
        "new_key": key,
        "lease_seconds": seconds,
    }
    if live is not None and live.tiktok_status == "DELETED":
        end_listing(connection, live.id)
        live = None
    if live is None:
        row = connection.execute(_INTEND_NEW, values | {"of_variant": variant_id}).one_or_none()
    else:
        row = connection.execute(_INTEND_AGAIN, values | {"listing": live.id}).one_or_none()
    return (row.id, row.attempt) if row is not None else None


def end_listing(connection: Connection, listing_id: int) -> None:
    """It is no longer ours to keep in step; its row stays as history, and its SKUs are free again."""
    connection.execute(update(listings).where(listings.c.id == listing_id).values(ended_at=func.now()))
    ended = update(listing_skus).where(listing_skus.c.listing_id == listing_id, listing_skus.c.ended_at.is_(None))
    connection.execute(ended.values(ended_at=func.now()))


def begin_call(listing_id: int, *, seconds: float) -> tuple[int, bytes] | None:
    """Take a listing whose outcome is open for one more call; (attempt, stored body), None while it is taken."""
    taken = (
        update(listings)
        .where(listings.c.id == listing_id, listings.c.state.in_(("intended", "sending", "unknown")), _is_free())
        .values(
            state="sending",
            called_at=func.coalesce(listings.c.called_at, func.now()),
            attempt=listings.c.attempt + 1,
            lease_until=LEASE_UNTIL,
        )
    )
    with transaction() as connection:
        told = taken.returning(listings.c.attempt, listings.c.body)
        row = connection.execute(told, {"lease_seconds": seconds}).one_or_none()
    return (row.attempt, bytes(row.body)) if row is not None else None


_SAVE_SENT = (
    update(listings)
    .where(listings.c.id == bindparam("listing"), listings.c.attempt == bindparam("mine"))
    .values(
        state="sent",
        state_sentence="",
        state_code="",
        sent_at=func.now(),
        tiktok_status=case((listings.c.tiktok_status == "ACTIVATE", "ACTIVATE"), else_="PENDING"),
        audit_status="AUDITING",
        reasons=[],
        reason_keys=[],
        review_round=listings.c.review_round + 1,
        lease_until=None,
        changed_at=func.now(),
    )
    .returning(listings.c.review_round, listings.c.variant_id)
)


@dataclass(frozen=True, slots=True)
class Saved:
    """A listing that the Shop has: how often it was sent into review, and whether it is the whole product's."""

    review_round: int
    whole_product: bool


def save_sent(
    connection: Connection, connection_id: int, listing_id: int, attempt: int, draft: ListingDraft, sent: SentListing
) -> Saved | None:
    """The Shop has it and will review it. None, and nothing saved, when the attempt is no longer ours."""
    row = connection.execute(_SAVE_SENT, {"listing": listing_id, "mine": attempt, "remote_id": sent.id}).one_or_none()
    if row is None:
        return None
    remote_ids = {sku.seller_sku: sku.id for sku in sent.skus}
    rows = [_sku_row(connection_id, listing_id, sku, remote_ids.get(sku.seller_sku)) for sku in draft.skus]
    if row.review_round > 1:
        _end_others(connection, listing_id, rows)
    connection.execute(_SAVE_SKUS, rows if len(rows) > 1 else rows[0])
    return Saved(row.review_round, row.variant_id is None)


def _sku_row(connection_id: int, listing_id: int, sku: SkuDraft, remote_id: str | None) -> dict[str, Any]:
    return {
        "listing_id": listing_id,
        "connection_id": connection_id,
        "variant_id": int(sku.variant_id),
        "seller_sku": sku.seller_sku,
        "remote_id": remote_id,
        "sent_price": sku.price.rounded().amount,
        "sent_quantity": sku.quantity,
    }


_SENT_NOW = ("price_sent_at", "price_acknowledged_at", "quantity_sent_at", "quantity_acknowledged_at")


def _end_others(connection: Connection, listing_id: int, rows: list[dict[str, Any]]) -> None:
    """SKUs that an edit has left out are deleted in the Shop (TikTok Shop Partner Center, Edit Product)."""
    kept = [row["variant_id"] for row in rows]
    gone = update(listing_skus).where(
        listing_skus.c.listing_id == listing_id,
        listing_skus.c.ended_at.is_(None),
        listing_skus.c.variant_id.not_in(kept),
    )
    connection.execute(gone.values(ended_at=func.now()))


def _saving_skus() -> Insert:
    moments = dict.fromkeys(_SENT_NOW, func.now())
    wanted = upsert(listing_skus).values(**moments)
    changed: dict[str, Any] = {
        name: wanted.excluded[name] for name in ("listing_id", "seller_sku", "sent_price", "sent_quantity", *_SENT_NOW)
    }
    changed["remote_id"] = func.coalesce(wanted.excluded.remote_id, listing_skus.c.remote_id)
    return wanted.on_conflict_do_update(
        index_elements=[listing_skus.c.connection_id, listing_skus.c.variant_id],
        index_where=listing_skus.c.ended_at.is_(None),
        set_=changed,
    )


_SAVE_SKUS = _saving_skus()


def save_refused(listing_id: int, attempt: int, refusal: RemoteError, *, edit: bool, connection: Connection) -> bool:
    """The Shop said no. A refused edit leaves the listing in the Shop as it was, so its state stays ``sent``."""
    state = "sent" if edit else "refused"
    values = {"state": state, "state_sentence": refusal.sentence, "state_code": refusal.code, "lease_until": None}
    return _save(connection, listing_id, attempt, values | {"changed_at": func.now()})


def save_unknown(listing_id: int, attempt: int, sentence: str, *, connection: Connection) -> bool:
    """The call left and no answer came."""
    values = {"state": "unknown", "state_sentence": sentence, "lease_until": None, "changed_at": func.now()}
    return _save(connection, listing_id, attempt, values)


def save_not_sent(listing_id: int, attempt: int, sentence: str, *, connection: Connection) -> bool:
    """The call is known not to have had an effect; it is intended as before."""
    values = {"state": "intended", "state_sentence": sentence, "lease_until": None, "called_at": None}
    return _save(connection, listing_id, attempt, values)


def _save(connection: Connection, listing_id: int, attempt: int, values: dict[str, Any]) -> bool:
    mine = (listings.c.id == listing_id) & (listings.c.attempt == attempt)
    return connection.execute(update(listings).where(mine).values(**values)).rowcount == 1


def sku_ids(connection: Connection, listing_id: int) -> dict[str, str]:
    """The Shop's SKU ids of a listing by our variant id (as text)."""
    wanted = select(listing_skus.c.variant_id, listing_skus.c.remote_id).where(
        listing_skus.c.listing_id == listing_id,
        listing_skus.c.ended_at.is_(None),
        listing_skus.c.remote_id.is_not(None),
    )
    return {str(row.variant_id): row.remote_id for row in connection.execute(wanted)}
