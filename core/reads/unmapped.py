"""What has no mapping and keeps something waiting: statuses and SKUs of orders, categories, attributes of products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from core.domain.counting import counted
from core.domain.mapping import CATEGORY
from core.domain.statuses import Tone
from core.reads.attribute_mappings import unanswered
from core.reads.connections import Trouble
from core.reads.mappings import unmapped
from core.reads.paging import reading

# Of orders the store does not have, and of those whose store order cannot follow (an issue names the status).
_WAITING: Final = """
WITH held AS (
 SELECT o.id, o.status, o.hold, o.missing_skus FROM shop_orders o WHERE o.connection_id = :id
 AND o.import_state NOT IN ('imported', 'not_wanted') AND o.import_state = 'held' AND o.status <> 'CANCELLED'
), lacking AS (
 SELECT h.status AS name FROM held h WHERE h.hold = 'unmapped_status' UNION
 SELECT i.subject_id FROM issues i WHERE i.connection_id = :id AND i.subject_kind = 'order_status'
 AND i.code = 'unmapped_status' AND i.closed_at IS NULL
)
SELECT (SELECT count(*) FROM lacking l WHERE NOT EXISTS (SELECT 1 FROM mappings m WHERE m.connection_id = :id
  AND m.kind = 'order_status' AND m.source_id = l.name)) AS statuses,
 (SELECT count(*) FROM held h WHERE h.hold = 'unmapped_status') AS orders,
 (SELECT count(DISTINCT sku) FROM held h, unnest(h.missing_skus) AS sku WHERE NOT EXISTS (SELECT 1 FROM mappings m
  WHERE m.connection_id = :id AND m.kind = 'sku' AND m.source_id = sku)) AS skus
"""
_NO_WAREHOUSE: Final = """
SELECT EXISTS (SELECT 1 FROM mappings m WHERE m.connection_id = :id AND m.kind = 'warehouse' AND m.source_id = 'main'
 AND m.target_id = '') AND NOT EXISTS (SELECT 1 FROM connection_settings c WHERE c.connection_id = :id
 AND c.name = 'inventory_upload' AND c.value = 'false'::jsonb)
"""


@dataclass(frozen=True, slots=True)
class OrderWords:
    """``statuses`` and ``skus`` that orders wait for, not mapped; ``orders``: those held for a status."""

    statuses: int
    orders: int
    skus: int


def order_words(connection_id: int) -> OrderWords:
    with reading() as conn:
        return OrderWords(*conn.execute(text(_WAITING), {"id": connection_id}).one())


def product_words(connection_id: int) -> int:
    """Categories in use that are not mapped, and required attributes that nothing gives a value to."""
    return unmapped(connection_id, CATEGORY).words + unanswered(connection_id)


def mapping_troubles(connection_id: int) -> tuple[Trouble, ...]:
    """What stands still for want of a mapping that holds for the whole connection, worst first."""
    found = []
    waiting = order_words(connection_id)
    if waiting.statuses:
        sentence = f"{counted(waiting.statuses, 'TikTok order status is', 'TikTok order statuses are')} not mapped."
        stopped = "Store orders with it are not brought up to date."
        if waiting.orders:
            stopped = f"{counted(waiting.orders, 'order waits', 'orders wait')} and cannot be imported."
        tab = (("tab", "order_status"),)
        found.append(Trouble(Tone.AMBER, sentence, stopped, "Map statuses", "mappings", tab))
    with reading() as conn:
        nowhere = conn.execute(text(_NO_WAREHOUSE), {"id": connection_id}).scalar_one()
    if nowhere:
        sentence = "The store's stock is mapped to no warehouse."
        tab = (("tab", "warehouse"),)
        found.append(Trouble(Tone.AMBER, sentence, "No stock is sent.", "Set warehouse", "mappings", tab))
    return tuple(found)
