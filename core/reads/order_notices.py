"""What the Orders page has to say before its rows: who ships, and what that needs of the Shop or of Settings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from core.reads.paging import reading

_RECENT = "o.connection_id = :id AND o.ordered_at > now() - interval '30 days'"
_NOTICES = f"""
SELECT EXISTS (SELECT 1 FROM shop_orders o WHERE {_RECENT} AND o.shipping_type = 'TIKTOK' AND NOT o.by_tiktok
 AND o.status <> 'CANCELLED') AS shipped_by_tiktok,
EXISTS (SELECT 1 FROM shop_orders o WHERE {_RECENT} AND o.by_tiktok AND o.import_state = 'imported') AND NOT EXISTS (
 SELECT 1 FROM connection_settings c WHERE c.connection_id = :id AND c.name = 'query_shipping_change'
 AND c.value = 'true'::jsonb) AS not_completed
"""


@dataclass(frozen=True, slots=True)
class OrderNotices:
    """Of the last 30 days. ``shipped_by_tiktok``: there are orders that the seller sends with TikTok's labels (O18).
    ``not_completed``: the store has orders that TikTok fulfils, and does not get their tracking (O9)."""

    shipped_by_tiktok: bool
    not_completed: bool


def order_notices(connection_id: int) -> OrderNotices:
    with reading() as conn:
        row = conn.execute(text(_NOTICES), {"id": connection_id}).one()
    return OrderNotices(row.shipped_by_tiktok, row.not_completed)
