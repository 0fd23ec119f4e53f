"""stock_read_back: what the Shop shows of SKUs, stored beside what was sent; it proves a push (K1, law 4).

A value that was read earlier never overwrites what was read later (law 5).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, or_, select, text

from core.db.engine import transaction
from core.db.tables import latencies, listing_skus, listings
from core.domain.orders import InventoryLevel
from core.domain.stock import in_our_warehouse
from core.ports import Marketplace
from core.services.live import require_live
from core.services.price_stock_rows import lock_rows
from core.services.stock_offers import mapped_warehouse, takes_stock

MOST = 600  # SKUs of one inventory search
_MOST_MISSES = 3  # sendings that were read back as something else, until only the stock check sends again

_STORE = text(
    """
    WITH mine AS (SELECT id FROM listing_skus WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE)
    UPDATE listing_skus AS s SET shop_quantity = new.quantity, shop_campaign = new.campaign,
           shop_creator = new.creator, shop_committed = new.committed, shop_warehouses = new.warehouses,
           read_back_at = :asked_at
    FROM mine, unnest(CAST(:ids AS bigint[]), CAST(:quantities AS int[]), CAST(:campaigns AS int[]),
         CAST(:creators AS int[]), CAST(:committed AS int[]), CAST(:warehouses AS jsonb[]))
         AS new (id, quantity, campaign, creator, committed, warehouses)
    WHERE s.id = mine.id AND s.id = new.id AND (s.read_back_at IS NULL OR s.read_back_at <= :asked_at)
    """
)
_SILENT = text(
    "UPDATE listing_skus SET shop_quantity = NULL, read_back_at = :asked_at WHERE id = ANY(CAST(:ids AS bigint[])) "
    "AND (read_back_at IS NULL OR read_back_at < :asked_at)"
)
# The Shop shows what was sent, or less by no more than its open orders explain.
_SHOWN = "(shop_quantity + shop_campaign + shop_creator)"
_PROVEN = (
    f"({_SHOWN} = sent_quantity OR (NOT :holiday AND {_SHOWN} < sent_quantity "
    f"AND sent_quantity - {_SHOWN} <= shop_committed) OR (:holiday AND shop_quantity = 0))"
)
_JUDGED = "id = ANY(CAST(:ids AS bigint[])) AND read_back_at = :asked_at AND quantity_sent_at <= :asked_at"
_MEASURE = text(
    f"INSERT INTO latencies (connection_id, kind, subject, began_at, ended_at) "
    f"SELECT connection_id, 'stock', seller_sku, quantity_began_at, clock_timestamp() FROM listing_skus "
    f"WHERE {_JUDGED} AND {_PROVEN} AND quantity_began_at IS NOT NULL"
)
_PROVE = text(
    f"UPDATE listing_skus SET quantity_began_at = NULL, quantity_misses = 0, "
    f"quantity_acknowledged_at = CASE WHEN left_warehouses = '{{}}' "
    f"THEN coalesce(quantity_acknowledged_at, :asked_at) END, quantity_hold = '', "
    f"quantity_retry_at = NULL WHERE {_JUDGED} AND {_PROVEN} AND (quantity_began_at IS NOT NULL "
    f"OR quantity_misses > 0 OR quantity_acknowledged_at IS NULL)"
)
_DOUBT = text(
    f"UPDATE listing_skus SET quantity_misses = quantity_misses + 1, quantity_acknowledged_at = CASE WHEN "
    f"quantity_misses + 1 < {_MOST_MISSES} THEN NULL ELSE quantity_acknowledged_at END "
    f"WHERE {_JUDGED} AND NOT {_PROVEN} AND quantity_acknowledged_at IS NOT NULL AND sent_quantity IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A SKU to read: its row, the Shop's id, and the warehouse that we keep."""

    row_id: int
    sku_id: str
    ours: str


def read_back(market: Marketplace, asked: Sequence[Asked], holiday: Collection[str] = ()) -> int:
    """Read what the Shop shows of SKUs that were just sent and judge whether it is what was sent; how many it knew.

    A latency is kept for each proven one; one that shows something else is sent again, at most three times in a row.
    ``holiday``: warehouses in holiday mode. Raises what the Shop raises.
    """
    known = 0
    for start in range(0, len(asked), MOST):
        part = asked[start : start + MOST]
        asked_at = database_time()
        levels = market.inventory([one.sku_id for one in part])
        with transaction() as conn:
            store_levels(conn, part, levels, asked_at)
            _judge(conn, part, asked_at, holiday)
        known += len(levels)
    return known


def read_named(market: Marketplace, connection_id: int, sku_ids: Sequence[str]) -> int:
    """Read what the Shop shows of SKUs by their ids there, of which it said that they changed; how many it knew.

    What was sent is not judged by it: the change may be anybody's. Raises what the Shop raises, and ``NotLive``.
    """
    s = listing_skus.c
    known = 0
    for start in range(0, len(sku_ids), MOST):
        named = s.remote_id.in_(sku_ids[start : start + MOST])
        with transaction() as conn:
            require_live(conn, connection_id)
            asked = _asked(conn, connection_id, named)
        if not asked:
            continue
        asked_at = database_time()
        levels = market.inventory([one.sku_id for one in asked])
        with transaction() as conn:
            store_levels(conn, asked, levels, asked_at)
        known += len(levels)
    return known


def store_levels(
    conn: Connection, asked: Sequence[Asked], levels: Sequence[InventoryLevel], asked_at: datetime
) -> None:
    """Store what the Shop said at ``asked_at``; a SKU it did not name has no number from then on."""
    by_id = {level.sku_id: level for level in levels}
    found = [(one, by_id[one.sku_id]) for one in asked if one.sku_id in by_id]
    lock_rows(conn, [one.row_id for one in asked])
    if found:
        conn.execute(_STORE, _columns(found) | {"asked_at": asked_at})
    silent = [one.row_id for one in asked if one.sku_id not in by_id]
    if silent:
        conn.execute(_SILENT, {"ids": sorted(silent), "asked_at": asked_at})


def _columns(found: Sequence[tuple[Asked, InventoryLevel]]) -> dict[str, Any]:
    places = [dict(level.warehouses) for _, level in found]
    return {
        "ids": [one.row_id for one, _ in found],
        "quantities": [
            in_our_warehouse(level.in_shop, one.ours, place) for (one, level), place in zip(found, places, strict=True)
        ],
        "campaigns": [level.campaign for _, level in found],
        "creators": [level.creator for _, level in found],
        "committed": [level.committed for _, level in found],
        "warehouses": [json.dumps(place) for place in places],
    }


def _judge(conn: Connection, asked: Sequence[Asked], asked_at: datetime, holiday: Collection[str]) -> None:
    for resting in (False, True):
        ids = [one.row_id for one in asked if (one.ours in holiday) is resting]
        if ids:
            given = {"ids": ids, "asked_at": asked_at, "holiday": resting}
            for statement in (_MEASURE, _PROVE, _DOUBT):
                conn.execute(statement, given)


def unread(conn: Connection, connection_id: int, *, limit: int = MOST) -> list[Asked]:
    """SKUs whose quantity the Shop took and that were not read since."""
    s = listing_skus.c
    behind = or_(s.read_back_at.is_(None), s.read_back_at < s.quantity_acknowledged_at)
    return _asked(conn, connection_id, behind, limit=limit)


def _asked(conn: Connection, connection_id: int, which: ColumnElement[bool], *, limit: int = MOST) -> list[Asked]:
    s = listing_skus.c
    joined = listing_skus.join(listings, listings.c.id == s.listing_id)
    wanted = select(s.id, s.remote_id, listings.c.draft["warehouse_id"].astext.label("listed_in")).select_from(joined)
    mine = (s.connection_id == connection_id, s.ended_at.is_(None), s.remote_id.is_not(None), which)
    rows = conn.execute(wanted.where(*mine, *takes_stock()).order_by(s.id).limit(limit))
    ours = mapped_warehouse(conn, connection_id)
    return [Asked(row.id, row.remote_id, row.listed_in if ours is None else ours) for row in rows]


def read_prices(market: Marketplace, listing: str, rows: Mapping[str, int]) -> None:
    """Read the prices of one listing; ``rows`` are our SKU rows by the Shop's SKU id. Raises what the Shop raises."""
    told = {sku.id: sku.price.amount for sku in market.listing(listing).skus if sku.price is not None}
    shown = [(row_id, told[sku_id]) for sku_id, row_id in rows.items() if sku_id in told]
    with transaction() as conn:
        lock_rows(conn, [row_id for row_id, _ in shown])
        for row_id, amount in shown:
            conn.execute(listing_skus.update().where(listing_skus.c.id == row_id).values(shop_price=amount))
        price_shown(conn, [row_id for row_id, _ in shown])


def price_shown(conn: Connection, row_ids: Sequence[int]) -> None:
    """Keep a latency for prices that the Shop now shows as they were sent."""
    s = listing_skus.c
    shown = (
        s.id == func.any(list(row_ids)),
        s.price_began_at.is_not(None),
        s.price_acknowledged_at.is_not(None),
        s.shop_price == s.sent_price,
    )
    measured = select(s.connection_id, literal("price"), s.seller_sku, s.price_began_at, func.clock_timestamp())
    columns = ["connection_id", "kind", "subject", "began_at", "ended_at"]
    conn.execute(latencies.insert().from_select(columns, measured.where(*shown)))
    conn.execute(listing_skus.update().where(*shown).values(price_began_at=None))


def database_time() -> datetime:
    """The database's time: what is read is compared with times it wrote."""
    with transaction() as conn:
        present: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
    return present
