"""low_stock: an issue for every listed SKU whose stock fell below its alert value, closed when it is back (K7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from core.db.tables import connections
from core.services.settings_of_connection import load_settings
from core.services.stock_holds import held_query

CODE = "low_stock"

# What a SKU has left is the store's stock without the units that orders hold. Only SKUs listed in the Shop count.
_LEFT = """
    SELECT v.id, s.seller_sku, greatest(coalesce(v.stock, 0) - coalesce(held.held, 0), 0) AS left_over,
           coalesce(r.low_stock_alert, CAST(:alert AS int)) AS alert
    FROM listing_skus s JOIN variants v ON v.id = s.variant_id
    LEFT JOIN sku_rules r ON r.variant_id = v.id
    LEFT JOIN ({held}) AS held ON held.variant_id = v.id
    WHERE s.connection_id = :connection AND s.ended_at IS NULL AND v.deleted_at IS NULL
    AND (CAST(:products AS bigint[]) IS NULL OR v.product_id = ANY(CAST(:products AS bigint[])))
"""
_OPEN = """
    INSERT INTO issues (connection_id, subject_kind, subject_id, code, sentence, fix, link)
    SELECT :connection, 'variant', id::text, :code,
           seller_sku || ' has ' || left_over || ' left; the alert is at ' || alert || '.',
           'Restock it in the store, or change its alert value under Stock.', 'stock'
    FROM ({left}) AS found WHERE left_over < alert
    ON CONFLICT (connection_id, subject_kind, subject_id, code) WHERE closed_at IS NULL
    DO UPDATE SET sentence = excluded.sentence, seen_at = now() WHERE issues.sentence <> excluded.sentence
"""
_CLOSE = """
    UPDATE issues SET closed_at = now()
    WHERE connection_id = :connection AND subject_kind = 'variant' AND code = :code AND closed_at IS NULL
    AND (CAST(:products AS bigint[]) IS NULL
         OR subject_id IN (SELECT id::text FROM variants WHERE product_id = ANY(CAST(:products AS bigint[]))))
    AND subject_id NOT IN (SELECT id::text FROM ({left}) AS found WHERE left_over < alert)
"""


def judge_low_stock(conn: Connection, connection_id: int, product_ids: Sequence[int] | None = None) -> None:
    """Open and close the issues of a connection's SKUs, of all or of these products; one row a SKU at most."""
    account = connections.select().where(connections.c.id == connection_id)
    held = held_query(conn.execute(account).one().store_account_id)
    left = _LEFT.format(held=held.compile(conn, compile_kwargs={"literal_binds": True}))
    given: dict[str, Any] = {
        "connection": connection_id,
        "code": CODE,
        "alert": load_settings(conn, connection_id).low_stock_alert,
        "products": None if product_ids is None else list(product_ids),
    }
    for statement in (_OPEN, _CLOSE):
        conn.execute(text(statement.format(left=left)), given)
