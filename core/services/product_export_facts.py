"""What product_export reads of products before it sends them, for several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from core.db.engine import transaction
from core.db.tables import listing_skus, listings
from core.domain.listing import ListingDraft
from core.domain.readiness import Assessment
from core.services import listing_intents as intents
from core.services.listing_pictures import KnownPictures, known_pictures
from core.services.live import LiveConnection, require_live
from core.services.product_readiness import drafts_for
from core.services.product_status import shown_statuses


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known of one product just before it is sent: its status, and what readiness says of it.

    ``taken`` are its variants that another listing sells.
    """

    status: str
    assessment: Assessment | None
    live: intents.LiveOnes
    taken: Mapping[int, tuple[int, str]]
    pictures: KnownPictures


def prepare(target: LiveConnection, product_ids: Sequence[int]) -> dict[int, Prepared]:
    """Read what is needed to send products, for several at once. Raises ``NotLive``."""
    with transaction() as connection:
        require_live(connection, target.id)
        assessments = drafts_for(connection, target.id, product_ids)
        live = intents.live_listings(connection, target.id, product_ids)
        statuses = shown_statuses(connection, target.id, product_ids)
        drafts = [draft for one in assessments.values() for _, draft in one.drafts]
        taken = _sold_variants(connection, target.id, drafts)
        pictures = known_pictures(connection, target.shop_id, drafts)
    return {
        one: Prepared(statuses.get(one, ""), assessments.get(one), live[one], taken, pictures) for one in product_ids
    }


def _sold_variants(
    connection: Connection, connection_id: int, drafts: Sequence[ListingDraft]
) -> dict[int, tuple[int, str]]:
    """Which of the drafts' variants a live listing of this Shop sells: (listing id, seller SKU) by variant.

    One that was deleted in the Shop sells nothing, though its rows live on until something is sent in its place.
    """
    variant_ids = [int(sku.variant_id) for draft in drafts for sku in draft.skus]
    if not variant_ids:
        return {}
    wanted = (
        select(listing_skus.c.variant_id, listing_skus.c.listing_id, listing_skus.c.seller_sku)
        .join(listings, listings.c.id == listing_skus.c.listing_id)
        .where(
            listing_skus.c.connection_id == connection_id,
            listing_skus.c.variant_id == func.any(variant_ids),
            listing_skus.c.ended_at.is_(None),
            listings.c.tiktok_status.is_distinct_from("DELETED"),
        )
    )
    return {row.variant_id: (row.listing_id, row.seller_sku) for row in connection.execute(wanted)}


def listed_elsewhere(taken: Mapping[int, tuple[int, str]], draft: ListingDraft, live: intents.Live | None) -> str:
    """A variant is sold by one listing of a Shop (G1 switched in between)."""
    mine = live.id if live is not None else 0
    for sku in draft.skus:
        listing_id, seller_sku = taken.get(int(sku.variant_id), (mine, ""))
        if listing_id != mine:
            return f"SKU {seller_sku} is already sold by another listing of this Shop: delete that one first."
    return ""
