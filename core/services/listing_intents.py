"""listing intents: what we meant to send, stored before it is sent, and its outcome (laws 2 and 6).

    store_intent ──▶ sending ──▶ sent | refused | unknown | intended (known not to have happened)

``store_intent`` and ``begin_call`` hand out an attempt; every outcome is saved ``WHERE attempt = mine``, so that a
worker that was taken for dead cannot overwrite what came after it. A listing still ``sending`` when its lease has run
out is treated as unknown.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, select, text, update

from core.db.engine import transaction
from core.db.leases import LEASE_SQL, LEASE_UNTIL
from core.db.tables import listing_skus, listings
from core.domain.errors import RemoteError
from core.domain.listing import ListingDraft, SentListing, SkuDraft
from core.domain.statuses import ProductStatus
from core.services.listing_pictures import REMEMBER, Row
from core.services.live import IS_LIVE, require_live

_DRAFT = TypeAdapter(ListingDraft)
NOT_SENT = "not_sent"


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
    attempt: int

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
        listings.c.connection_id == connection_id,
        listings.c.product_id == func.any(list(product_ids)),
        listings.c.ended_at.is_(None),
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
        attempt=row.attempt,
    )


def _is_free() -> Any:
    return (listings.c.lease_until.is_(None)) | (listings.c.lease_until <= func.now())


# One statement each, for whatever sends. Nothing is stored unless the connection may act at that moment.
_INTENDING = """
    WITH taken AS ({taking} RETURNING id, attempt),
    shown AS (
        UPDATE product_states SET status = '{sending}', status_sentence = '', changed_at = now() FROM taken
        WHERE product_states.connection_id = :connection AND product_states.product_id = :product
    ), remembered AS ({remember})
    SELECT id, attempt FROM taken
"""
_INTEND_NEW = text(
    _INTENDING.format(
        sending=ProductStatus.SENDING,
        remember=REMEMBER,
        taking=f"""
        INSERT INTO listings (connection_id, product_id, variant_id, idempotency_key, state, body, draft,
            called_at, attempt, lease_until)
        SELECT :connection, :product, CAST(:variant AS bigint), CAST(:key AS uuid), 'sending', CAST(:body AS bytea),
            CAST(:draft AS jsonb), now(), 1, {LEASE_SQL}
        WHERE {IS_LIVE} ON CONFLICT DO NOTHING
        """,
    )
)
_INTEND_AGAIN = text(
    _INTENDING.format(
        sending=ProductStatus.SENDING,
        remember=REMEMBER,
        taking=f"""
        UPDATE listings SET state = 'sending', state_sentence = '', state_code = '', body = :body,
            draft = CAST(:draft AS jsonb), intended_at = now(), called_at = now(), changed_at = now(),
            lease_until = {LEASE_SQL}, generation = generation + 1, attempt = attempt + 1,
            idempotency_key = coalesce(CAST(:key AS uuid), idempotency_key)
        WHERE id = :listing AND attempt = :seen AND (lease_until IS NULL OR lease_until <= now()) AND {IS_LIVE}
        """,
    )
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
    fresh: Sequence[Row],
) -> tuple[int, int] | None:
    """Store what is about to be sent, take the listing for the call, show its product as being sent.

    ``fresh`` are the pictures uploaded for it, to be remembered in any case.

    (listing id, attempt). One statement, unless the Shop has deleted the listing: then it wants a transaction, ends
    that listing and begins a new one. None when somebody else has it just now, or has had it since ``live`` was read.
    ``key`` is None for an edit. The last outcome must be known: this begins a new generation. Raises ``NotLive``.
    """
    values = {
        "connection": connection_id,
        "product": int(draft.product_id),
        "body": body,
        "draft": _DRAFT.dump_json(draft).decode(),
        "key": key,
        "lease_seconds": seconds,
        "pictures": json.dumps(fresh),
    }
    if live is not None and live.tiktok_status == "DELETED":
        end_listing(connection, live.id)
        live = None
    if live is None:
        row = connection.execute(_INTEND_NEW, values | {"variant": variant_id}).one_or_none()
    else:
        row = connection.execute(_INTEND_AGAIN, values | {"listing": live.id, "seen": live.attempt}).one_or_none()
    if row is None:
        require_live(connection, connection_id)
        return None
    return row.id, row.attempt


def end_listing(connection: Connection, listing_id: int) -> None:
    """It is no longer ours to keep in step; its row stays as history, and its SKUs are free again."""
    connection.execute(update(listings).where(listings.c.id == listing_id).values(ended_at=func.now()))
    ended = update(listing_skus).where(listing_skus.c.listing_id == listing_id, listing_skus.c.ended_at.is_(None))
    connection.execute(ended.values(ended_at=func.now()))


def begin_call(live: Live, *, seconds: float) -> tuple[int, bytes] | None:
    """Take a listing whose outcome is open for one more call; (attempt, stored body).

    None when somebody else has it, or has had it since ``live`` was read. Raises ``NotLive``.
    """
    is_open = listings.c.state.in_(("intended", "sending", "unknown"))
    taken = (
        update(listings)
        .where(listings.c.id == live.id, listings.c.attempt == live.attempt, is_open, _is_free())
        .values(
            state="sending",
            called_at=func.coalesce(listings.c.called_at, func.now()),
            attempt=listings.c.attempt + 1,
            lease_until=LEASE_UNTIL,
        )
    )
    with transaction() as connection:
        told = taken.returning(listings.c.attempt, listings.c.body, listings.c.connection_id)
        row = connection.execute(told, {"lease_seconds": seconds}).one_or_none()
        if row is not None:
            require_live(connection, row.connection_id)
    return (row.attempt, bytes(row.body)) if row is not None else None


# A SKU that the listing has in the Shop: an edit leaves its stock out, and its price unless it was to go along.
_KNOWN = "s.listing_id = excluded.listing_id AND s.remote_id IS NOT NULL"


def _taken(*columns: str, unless: str) -> str:
    """The columns of what was sent, set to what went along."""
    return ", ".join(f"{one} = CASE WHEN {unless} THEN s.{one} ELSE excluded.{one} END" for one in columns)


# SKUs that an edit has left out are deleted in the Shop (TikTok Shop Partner Center, Edit Product). What a whole
# product shows when it goes into its first review is known without looking.
_SAVE_SENT = text(
    f"""
    WITH kept AS (
        UPDATE listings SET state = 'sent', state_sentence = '', state_code = '', remote_id = :remote_id,
            sent_at = now(), audit_status = 'AUDITING', reasons = '[]', reason_keys = '{{}}',
            tiktok_status = CASE WHEN tiktok_status = 'ACTIVATE' THEN tiktok_status ELSE 'PENDING' END,
            review_round = review_round + 1, lease_until = NULL, changed_at = now()
        WHERE id = :listing AND attempt = :mine
        RETURNING id, connection_id, product_id, variant_id IS NULL AND review_round = 1 AS is_new
    ), left_out AS (
        UPDATE listing_skus s SET ended_at = now() FROM kept
        WHERE s.listing_id = kept.id AND NOT kept.is_new AND s.ended_at IS NULL AND s.variant_id <> ALL(:variants)
    ), sold AS (
        INSERT INTO listing_skus AS s (listing_id, connection_id, variant_id, seller_sku, remote_id,
            sent_price, price_sent_at, price_acknowledged_at, sent_quantity, quantity_sent_at, quantity_acknowledged_at)
        SELECT kept.id, kept.connection_id, new.variant_id, new.seller_sku, new.remote_id,
            new.price, now(), now(), new.quantity, now(), now()
        FROM kept, jsonb_to_recordset(CAST(:skus AS jsonb)) AS new(
            variant_id bigint, seller_sku text, remote_id text, price numeric, quantity integer)
        ON CONFLICT (connection_id, variant_id) WHERE ended_at IS NULL DO UPDATE SET
            listing_id = excluded.listing_id, seller_sku = excluded.seller_sku,
            remote_id = coalesce(excluded.remote_id, s.remote_id),
            {_taken("sent_price", "price_sent_at", "price_acknowledged_at", unless=f"{_KNOWN} AND NOT :priced")},
            {_taken("sent_quantity", "quantity_sent_at", "quantity_acknowledged_at", unless=_KNOWN)}
    ), shown AS (
        UPDATE product_states p
        SET status = '{ProductStatus.UNDER_REVIEW}', status_sentence = '', sync = 'sent', changed_at = now()
        FROM kept WHERE p.connection_id = kept.connection_id AND p.product_id = kept.product_id AND kept.is_new
    )
    SELECT is_new FROM kept
    """
)


def save_sent(
    connection: Connection, listing_id: int, attempt: int, draft: ListingDraft, sent: SentListing, *, priced: bool
) -> bool | None:
    """The Shop has it and will review it. None, and nothing saved, when the attempt is no longer ours.

    ``priced``: whether an edit carried the prices of the SKUs that the Shop has. One statement. Whether its product's
    status is shown too: not after an edit, and not when its variants are listed on their own (G1).
    """
    remote_ids = {sku.seller_sku: sku.id for sku in sent.skus}
    values = {
        "listing": listing_id,
        "mine": attempt,
        "remote_id": sent.id,
        "priced": priced,
        "variants": [int(sku.variant_id) for sku in draft.skus],
        "skus": json.dumps([_sku_row(sku, remote_ids.get(sku.seller_sku)) for sku in draft.skus]),
    }
    shown: bool | None = connection.execute(_SAVE_SENT, values).scalar_one_or_none()
    return shown


def _sku_row(sku: SkuDraft, remote_id: str | None) -> dict[str, Any]:
    return {
        "variant_id": int(sku.variant_id),
        "seller_sku": sku.seller_sku,
        "remote_id": remote_id,
        "price": str(sku.price.rounded().amount),
        "quantity": sku.quantity,
    }


def save_refused(connection: Connection, listing_id: int, attempt: int, *, refusal: RemoteError, edit: bool) -> bool:
    """The Shop said no. A refused edit leaves the listing in the Shop as it was, so its state stays ``sent``."""
    state = "sent" if edit else "refused"
    values = {"state": state, "state_sentence": refusal.sentence, "state_code": refusal.code, "lease_until": None}
    return _save(connection, listing_id, attempt, values | {"changed_at": func.now()})


def save_unknown(connection: Connection, listing_id: int, attempt: int, *, sentence: str) -> bool:
    """The call left and no answer came."""
    values = {"state": "unknown", "state_sentence": sentence, "lease_until": None, "changed_at": func.now()}
    return _save(connection, listing_id, attempt, values)


def save_not_sent(connection: Connection, listing_id: int, attempt: int, *, sentence: str, edit: bool) -> bool:
    """The call is known not to have had an effect: a new listing is intended as before, and one that the Shop has
    stays ``sent`` as it was, with ``NOT_SENT``, so that the edit is not taken for made."""
    values = {"state_sentence": sentence, "lease_until": None, "called_at": None}
    state = {"state": "sent", "state_code": NOT_SENT} if edit else {"state": "intended"}
    return _save(connection, listing_id, attempt, values | state)


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
