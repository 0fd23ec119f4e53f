"""listing_review: what the Shop says of our listings, read back by polling; webhooks only hurry it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import now, transaction
from core.db.tables import connections, cursors, listings
from core.domain.errors import Conflict, Missing
from core.domain.listing import RemoteListing, RemoteSku, ReviewReason
from core.logs import about
from core.ports import Marketplace
from core.services.live import require_live
from core.services.price_stock_queue import queue_push
from core.services.product_status import refresh_status
from core.services.stock_read_back import price_shown

_OVERLAP = timedelta(minutes=5)
_FIRST_LOOK = timedelta(days=30)
_FORGOTTEN_AFTER = timedelta(minutes=10)


def review_listings(market: Marketplace, connection_id: int) -> int:
    """Read every listing the Shop changed since the last time, with an overlap; how many of ours were among them.

    The cursor moves last, with the last batch. A listing that waits for its review and is not in the Shop's list
    for ten minutes is asked for by itself.
    """
    with transaction() as connection:
        require_live(connection, connection_id)
        since = _since(connection, connection_id)
    until = now()
    seen = 0
    for page in market.listings_updated(since - _OVERLAP, until):
        seen += save_reviews(market, connection_id, page)
    for remote_id, product_id in _forgotten(connection_id):
        with about(subject=f"product:{product_id}"):
            told = _asked(market, remote_id)
        seen += save_reviews(market, connection_id, [told])
    with transaction() as connection:
        _move(connection, connection_id, until)
    return seen


def save_reviews(market: Marketplace, connection_id: int, found: Sequence[RemoteListing]) -> int:
    """Store what the Shop says of listings; reasons are fetched for those it disapproved. How many are ours."""
    with transaction() as connection:
        ours = _ours(connection, connection_id, [listing.id for listing in found])
    told = [
        _with_reasons(market, listing, ours[listing.id].product_id)
        for listing in found
        if listing.id in ours and _news(ours[listing.id], listing)
    ]
    with transaction() as connection:
        for listing in told:
            _save(connection, ours[listing.id].id, listing)
        _read_back(connection, [(ours[listing.id].id, sku) for listing in told for sku in listing.skus])
        refresh_status(connection, connection_id, [ours[listing.id].product_id for listing in told])
        arrived = [ours[one.id] for one in told if one.status != ours[one.id].tiktok_status]
        _push_arrived(connection, connection_id, [row.product_id for row in arrived])
    return len(told)


def _push_arrived(connection: Connection, connection_id: int, product_ids: Sequence[int]) -> None:
    """What changed in the store while a listing could not take it goes now; nothing is sent where nothing differs."""
    if product_ids:
        account = select(connections.c.store_account_id).where(connections.c.id == connection_id)
        queue_push(connection, connection.execute(account).scalar_one(), product_ids)


def _since(connection: Connection, connection_id: int) -> datetime:
    value = connection.execute(select(cursors.c.value).where(cursors.c.name == _name(connection_id))).scalar()
    return datetime.fromisoformat(value) if value else now() - _FIRST_LOOK


def _move(connection: Connection, connection_id: int, until: datetime) -> None:
    row = insert(cursors).values(name=_name(connection_id), value=until.isoformat())
    newer = {"value": row.excluded.value, "moved_at": func.now()}
    only_forward = cursors.c.value < row.excluded.value
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=newer, where=only_forward))


def _name(connection_id: int) -> str:
    return f"listing_review:{connection_id}"


def _ours(connection: Connection, connection_id: int, remote_ids: Iterable[str]) -> dict[str, Any]:
    wanted = select(
        listings.c.id,
        listings.c.remote_id,
        listings.c.product_id,
        listings.c.remote_updated_at,
        listings.c.tiktok_status,
        listings.c.audit_status,
        listings.c.sent_at,
    ).where(
        listings.c.connection_id == connection_id,
        listings.c.remote_id.in_(list(remote_ids)),
        listings.c.ended_at.is_(None),
    )
    return {row.remote_id: row for row in connection.execute(wanted)}


def _news(ours: Row[Any], told: RemoteListing) -> bool:
    """Newer wins (law 5): what the Shop said earlier than what we hold is no news."""
    if ours.remote_updated_at is None:
        return True
    same = (ours.tiktok_status, ours.audit_status) == (told.status, told.audit_status)
    return told.updated_at > ours.remote_updated_at or (told.updated_at == ours.remote_updated_at and not same)


def _with_reasons(market: Marketplace, listing: RemoteListing, product_id: int) -> RemoteListing:
    if "FAILED" not in (listing.status, listing.audit_status):
        return listing
    with about(subject=f"product:{product_id}"):
        return market.listing(listing.id)


def _forgotten(connection_id: int) -> list[tuple[str, int]]:
    """Ours that should have been reviewed by now and were not heard of: (the Shop's id, product id).

    Each is named once in ten minutes.
    """
    quiet = now() - _FORGOTTEN_AFTER
    wanted = select(listings.c.id).where(
        listings.c.connection_id == connection_id,
        listings.c.state == "sent",
        listings.c.ended_at.is_(None),
        listings.c.remote_id.is_not(None),
        listings.c.audit_status == "AUDITING",
        listings.c.sent_at < quiet,
        or_(listings.c.checked_at.is_(None), listings.c.checked_at < quiet),
    )
    chosen = listings.c.id.in_(wanted.order_by(listings.c.checked_at.nulls_first()).limit(50))
    marked = (
        update(listings)
        .where(chosen)
        .values(checked_at=func.now())
        .returning(listings.c.remote_id, listings.c.product_id)
    )
    with transaction() as connection:
        return [(row.remote_id, row.product_id) for row in connection.execute(marked)]


def _asked(market: Marketplace, remote_id: str) -> RemoteListing:
    """One listing by itself. TikTok answers Get Product not for deleted ones."""
    try:
        return market.listing(remote_id)
    except (Missing, Conflict):
        moment = datetime.now(UTC)
        return RemoteListing(remote_id, "", "DELETED", "NONE", moment, moment, ())


def _save(connection: Connection, listing_id: int, told: RemoteListing) -> None:
    values: dict[str, Any] = {
        "tiktok_status": told.status,
        "audit_status": told.audit_status,
        "reasons": [_reason(reason) for reason in told.reasons],
        "reason_keys": sorted({text for reason in told.reasons for text in reason.reasons}),
        "remote_updated_at": told.updated_at,
        "reviewed_at": func.now(),
        "checked_at": func.now(),
        "changed_at": func.now(),
    }
    if told.status == "DELETED":
        values["deleted_at"] = func.coalesce(listings.c.deleted_at, func.now())
    connection.execute(update(listings).where(listings.c.id == listing_id).values(**values))


def _reason(reason: ReviewReason) -> dict[str, Any]:
    return {"position": reason.position, "reasons": list(reason.reasons), "suggestions": list(reason.suggestions)}


_READ_BACK = text(
    """
    WITH told AS (
        SELECT * FROM unnest(CAST(:listings AS bigint[]), CAST(:seller_skus AS text[]), CAST(:ids AS text[]),
                             CAST(:prices AS numeric[]), CAST(:warehouses AS jsonb[]))
        AS told (listing_id, seller_sku, remote_id, price, warehouses)
    ), mine AS (
        SELECT s.id, told.remote_id, coalesce(told.price, s.shop_price) AS price, told.warehouses
        FROM listing_skus s JOIN told ON told.listing_id = s.listing_id AND told.seller_sku = s.seller_sku
        WHERE s.ended_at IS NULL AND (s.remote_id IS NULL OR s.shop_warehouses = '{}'
              OR s.shop_price IS DISTINCT FROM coalesce(told.price, s.shop_price))
        ORDER BY s.id FOR UPDATE OF s
    )
    UPDATE listing_skus AS s SET remote_id = coalesce(s.remote_id, mine.remote_id), shop_price = mine.price,
        shop_warehouses = CASE WHEN s.shop_warehouses = '{}' THEN mine.warehouses ELSE s.shop_warehouses END
    FROM mine WHERE s.id = mine.id RETURNING s.id
    """
)


def _read_back(connection: Connection, told: Sequence[tuple[int, RemoteSku]]) -> None:
    """What the Shop shows for SKUs, by listing; one whose id was lost with an answer gets it here.

    Stock is read by itself (a review tells no in-shop quantity): only the warehouses of a new SKU are kept from
    here. Rows that would not change are not touched.
    """
    given = {
        "listings": [listing_id for listing_id, _ in told],
        "seller_skus": [sku.seller_sku for _, sku in told],
        "ids": [sku.id for _, sku in told],
        "prices": [None if sku.price is None else sku.price.amount for _, sku in told],
        "warehouses": [json.dumps(dict(sku.quantities)) for _, sku in told],
    }
    price_shown(connection, list(connection.scalars(_READ_BACK, given)))
