"""price_stock: what was meant, and what became of it, on the rows of SKUs; many rows in one statement.

Rows are locked in the order of their ids, so that two batches cannot wait for each other. An outcome is saved only
where the intent is still the one it belongs to: the last intended value wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, TextClause, text

from core.services.stock_offers import SkuOffer

_RETRY_MINUTES = 15  # until what the Shop refused, such as a price under a promotion, is sent again

_INTEND_QUANTITY = text(
    """
    WITH mine AS (SELECT id FROM listing_skus WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE)
    UPDATE listing_skus AS s SET sent_quantity = new.quantity, quantity_sent_at = now(),
           quantity_acknowledged_at = NULL, quantity_began_at = new.began_at
    FROM mine, unnest(CAST(:ids AS bigint[]), CAST(:quantities AS int[]), CAST(:began AS timestamptz[]))
         AS new (id, quantity, began_at)
    WHERE s.id = mine.id AND s.id = new.id RETURNING s.quantity_sent_at
    """
)
_INTEND_PRICE = text(
    """
    WITH mine AS (SELECT id FROM listing_skus WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE)
    UPDATE listing_skus AS s SET sent_price = new.price, price_sent_at = now(),
           price_acknowledged_at = NULL, price_began_at = new.began_at
    FROM mine, unnest(CAST(:ids AS bigint[]), CAST(:prices AS numeric[]), CAST(:began AS timestamptz[]))
         AS new (id, price, began_at)
    WHERE s.id = mine.id AND s.id = new.id RETURNING s.price_sent_at
    """
)
_OUTCOME = """
    WITH mine AS (SELECT id FROM listing_skus WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE)
    UPDATE listing_skus AS s SET
        {what}_acknowledged_at = CASE WHEN new.code = '' THEN now() END,
        {what}_hold = new.code, {more}
        {what}_retry_at = CASE WHEN new.code <> '' THEN now() + make_interval(mins => :minutes) END,
        {what}_began_at = CASE WHEN new.code = '' THEN s.{what}_began_at END,
        error_sentence = CASE WHEN new.code <> '' THEN new.sentence
                              WHEN s.{other}_hold = '' THEN '' ELSE s.error_sentence END
    FROM mine, unnest(CAST(:ids AS bigint[]), CAST(:codes AS text[]), CAST(:sentences AS text[]))
         AS new (id, code, sentence)
    WHERE s.id = mine.id AND s.id = new.id AND s.{what}_sent_at = :sent_at
    """
_EMPTIED = "left_warehouses = CASE WHEN new.code = '' THEN '{}' ELSE s.left_warehouses END,"
_QUANTITY_OUTCOME = text(_OUTCOME.format(what="quantity", other="price", more=_EMPTIED))
_PRICE_OUTCOME = text(_OUTCOME.format(what="price", other="quantity", more=""))
# With a moment of its own, so that the outcome of a call under way, which does not empty the place, is not saved.
_LEAVE = text(
    """
    WITH new AS (SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:ours AS text[])) AS new (id, ours)),
    mine AS (SELECT s.id, new.ours, coalesce(nullif(:left, ''), l.draft ->> 'warehouse_id') AS place
        FROM new JOIN listing_skus s ON s.id = new.id JOIN listings l ON l.id = s.listing_id
        ORDER BY s.id FOR UPDATE OF s)
    UPDATE listing_skus AS s SET left_warehouses = array_append(s.left_warehouses, mine.place),
           quantity_sent_at = now(), quantity_acknowledged_at = NULL, quantity_retry_at = NULL, quantity_misses = 0
    FROM mine WHERE s.id = mine.id AND mine.place <> mine.ours AND mine.place <> ALL (s.left_warehouses)
    AND s.shop_warehouses ->> mine.place IS DISTINCT FROM '0'
    """
)


@dataclass(frozen=True, slots=True)
class SkuOutcome:
    """How one SKU ended: ``code`` is empty when the Shop took the value."""

    row_id: int
    code: str = ""
    sentence: str = ""


def lock_rows(conn: Connection, row_ids: Sequence[int]) -> None:
    """Lock SKUs in the order of their ids, before a transaction writes to them in more than one statement."""
    ordered = text("SELECT id FROM listing_skus WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE")
    if row_ids:
        conn.execute(ordered, {"ids": list(row_ids)})


def intend_quantities(conn: Connection, skus: Sequence[SkuOffer]) -> datetime | None:
    """Store the quantities about to be sent; the moment that marks this intent."""
    return _intend(conn, _INTEND_QUANTITY, skus, "quantities", [sku.quantity for sku in skus])


def intend_prices(conn: Connection, skus: Sequence[SkuOffer]) -> datetime | None:
    """Store the prices about to be sent; the moment that marks this intent."""
    return _intend(conn, _INTEND_PRICE, skus, "prices", [sku.price.amount for sku in skus if sku.price is not None])


def _intend(
    conn: Connection, statement: TextClause, skus: Sequence[SkuOffer], name: str, values: Sequence[int | Decimal | None]
) -> datetime | None:
    if not skus:
        return None
    began = [sku.quantity_began_at if name == "quantities" else sku.price_began_at for sku in skus]
    given = {"ids": [sku.row_id for sku in skus], name: list(values), "began": began}
    marked: datetime | None = conn.execute(statement, given).scalars().first()
    return marked


def leave_warehouse(conn: Connection, skus: Sequence[SkuOffer], left: str) -> None:
    """The stock of these SKUs has moved from the warehouse ``left`` ("": from where each was listed) to their present
    one: what was sent counts as not acknowledged, and the next sending empties the place that was left."""
    if skus:
        given = {"ids": [sku.row_id for sku in skus], "ours": [sku.ours for sku in skus], "left": left}
        conn.execute(_LEAVE, given)


def save_quantities(conn: Connection, sent_at: datetime, outcomes: Sequence[SkuOutcome]) -> None:
    """What the Shop said to the quantities of the intent made at ``sent_at``."""
    _save(conn, _QUANTITY_OUTCOME, sent_at, outcomes)


def save_prices(conn: Connection, sent_at: datetime, outcomes: Sequence[SkuOutcome]) -> None:
    """What the Shop said to the prices of the intent made at ``sent_at``."""
    _save(conn, _PRICE_OUTCOME, sent_at, outcomes)


def _save(conn: Connection, statement: TextClause, sent_at: datetime, outcomes: Sequence[SkuOutcome]) -> None:
    if not outcomes:
        return
    given = {
        "ids": [one.row_id for one in outcomes],
        "codes": [one.code for one in outcomes],
        "sentences": [one.sentence for one in outcomes],
        "sent_at": sent_at,
        "minutes": _RETRY_MINUTES,
    }
    conn.execute(statement, given)
