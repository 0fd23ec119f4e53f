"""listing intents: what we meant to send, stored before it is sent, and its outcome (laws 2 and 6).

    intended ──begin_call──▶ sending ──▶ sent | refused | unknown | intended (known not to have happened)

``begin_call`` hands out an attempt; every outcome is saved ``WHERE attempt = mine``, so that a worker that was
taken for dead cannot overwrite what came after it. A listing still ``sending`` when its lease has run out is
treated as unknown.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, case, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.db.engine import transaction
from core.db.tables import listing_skus, listings
from core.domain.errors import RemoteError
from core.domain.listing import ListingDraft, SentListing, SkuDraft

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


def new_key() -> str:
    """An idempotency key: a UUIDv4 as TikTok advises for Create Product."""
    return str(uuid.uuid4())


def live_listings(connection: Connection, connection_id: int, product_id: int) -> dict[int | None, Live]:
    """The product's live listings by variant id; None is the listing of the whole product."""
    leased = func.coalesce(listings.c.lease_until > func.now(), False).label("leased")
    wanted = select(listings, leased).where(
        listings.c.connection_id == connection_id, listings.c.product_id == product_id, listings.c.ended_at.is_(None)
    )
    return {row.variant_id: _live(row) for row in connection.execute(wanted)}


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


def store_intent(
    connection: Connection, connection_id: int, draft: ListingDraft, variant_id: int | None, live: Live | None, *,
    body: bytes, key: str | None,
) -> int:  # fmt: skip
    """Store what will be sent; the listing's id. A listing the Shop has deleted is ended and a new one begun.

    ``key`` is None for an edit. The last outcome must be known: this begins a new generation.
    """
    values: dict[str, Any] = {
        "state": "intended",
        "state_sentence": "",
        "state_code": "",
        "body": body,
        "draft": _DRAFT.dump_python(draft, mode="json"),
        "intended_at": func.now(),
        "called_at": None,
        "changed_at": func.now(),
    }
    if key is not None:
        values["idempotency_key"] = key
    if live is not None and live.tiktok_status == "DELETED":
        end_listing(connection, live.id)
        live = None
    if live is None:
        place = {"connection_id": connection_id, "product_id": int(draft.product_id), "variant_id": variant_id}
        made: int = connection.execute(insert(listings).values(**place, **values).returning(listings.c.id)).scalar_one()
        return made
    raised = update(listings).where(listings.c.id == live.id).values(**values, generation=listings.c.generation + 1)
    connection.execute(raised)
    return live.id


def end_listing(connection: Connection, listing_id: int) -> None:
    """It is no longer ours to keep in step; its row stays as history, and its SKUs are free again."""
    connection.execute(update(listings).where(listings.c.id == listing_id).values(ended_at=func.now()))
    ended = update(listing_skus).where(listing_skus.c.listing_id == listing_id, listing_skus.c.ended_at.is_(None))
    connection.execute(ended.values(ended_at=func.now()))


def begin_call(listing_id: int, *, seconds: float) -> int | None:
    """Take the listing for one call; the attempt, or None while somebody else holds it."""
    free = (listings.c.lease_until.is_(None)) | (listings.c.lease_until <= func.now())
    until = func.now() + text("make_interval(secs => :lease_seconds)").bindparams(lease_seconds=seconds)
    taken = (
        update(listings)
        .where(listings.c.id == listing_id, listings.c.state.in_(("intended", "sending", "unknown")), free)
        .values(
            state="sending",
            called_at=func.coalesce(listings.c.called_at, func.now()),
            attempt=listings.c.attempt + 1,
            lease_until=until,
        )
    )
    with transaction() as connection:
        attempt: int | None = connection.execute(taken.returning(listings.c.attempt)).scalar()
    return attempt


def save_sent(listing_id: int, attempt: int, draft: ListingDraft, sent: SentListing, *, connection: Connection) -> bool:
    """The Shop has it and will review it. False, and nothing saved, when the attempt is no longer ours."""
    values: dict[str, Any] = {
        "state": "sent",
        "state_sentence": "",
        "state_code": "",
        "remote_id": sent.id,
        "sent_at": func.now(),
        "tiktok_status": case((listings.c.tiktok_status == "ACTIVATE", "ACTIVATE"), else_="PENDING"),
        "audit_status": "AUDITING",
        "reasons": [],
        "reason_keys": [],
        "review_round": listings.c.review_round + 1,
        "lease_until": None,
        "changed_at": func.now(),
    }
    if not _save(connection, listing_id, attempt, values):
        return False
    remote_ids = {sku.seller_sku: sku.id for sku in sent.skus}
    connection_id = connection.execute(select(listings.c.connection_id).where(listings.c.id == listing_id)).scalar_one()
    rows = [_sku_row(connection_id, listing_id, sku, remote_ids.get(sku.seller_sku)) for sku in draft.skus]
    _save_skus(connection, listing_id, rows)
    return True


def _sku_row(connection_id: int, listing_id: int, sku: SkuDraft, remote_id: str | None) -> dict[str, Any]:
    return {
        "listing_id": listing_id,
        "connection_id": connection_id,
        "variant_id": int(sku.variant_id),
        "seller_sku": sku.seller_sku,
        "remote_id": remote_id,
        "sent_price": sku.price.rounded().amount,
        "sent_quantity": sku.quantity,
        "price_sent_at": func.now(),
        "price_acknowledged_at": func.now(),
        "quantity_sent_at": func.now(),
        "quantity_acknowledged_at": func.now(),
    }


def _save_skus(connection: Connection, listing_id: int, rows: list[dict[str, Any]]) -> None:
    kept = [row["variant_id"] for row in rows]
    gone = update(listing_skus).where(
        listing_skus.c.listing_id == listing_id,
        listing_skus.c.ended_at.is_(None),
        listing_skus.c.variant_id.not_in(kept),
    )
    connection.execute(gone.values(ended_at=func.now()))
    for row in rows:
        wanted = upsert(listing_skus).values(row)
        changed: dict[str, Any] = {
            name: wanted.excluded[name] for name in row if name not in ("connection_id", "variant_id")
        }
        changed["remote_id"] = func.coalesce(wanted.excluded.remote_id, listing_skus.c.remote_id)
        connection.execute(
            wanted.on_conflict_do_update(
                index_elements=[listing_skus.c.connection_id, listing_skus.c.variant_id],
                index_where=listing_skus.c.ended_at.is_(None),
                set_=changed,
            )
        )


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
