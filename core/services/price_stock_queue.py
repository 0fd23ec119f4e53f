"""price_stock: queueing pushes, for whoever changes what is offered; it needs neither Shop nor store."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from core.db.tables import connections, listing_skus, variants
from core.queue import STOCK, defer

_PRODUCTS_PER_JOB = 500


def queue_push(conn: Connection, store_account_id: int, product_ids: Sequence[int], *, after_seconds: int = 0) -> None:
    """Push prices and stock of these products, where they differ, to every Shop the store account is connected to.

    Call it in the transaction that changed them: a new stock or price, held units (K8), a rule of a SKU.
    """
    if not product_ids:
        return
    for connection_id in live_connections_of(conn, store_account_id):
        listed = _listed(conn, connection_id, product_ids)
        for start in range(0, len(listed), _PRODUCTS_PER_JOB):
            chosen = listed[start : start + _PRODUCTS_PER_JOB]
            defer(
                conn,
                "price_stock",
                priority=STOCK,
                after_seconds=after_seconds,
                connection_id=connection_id,
                product_ids=chosen,
            )


def queue_push_of_variants(conn: Connection, store_account_id: int, variant_ids: Sequence[int]) -> None:
    """The same for the products of these variants."""
    of_products = select(variants.c.product_id).where(variants.c.id == func.any(list(variant_ids)))
    queue_push(conn, store_account_id, sorted(set(conn.scalars(of_products))))


def queue_all(conn: Connection, connection_id: int) -> None:
    """Look at every SKU after a rule of a connection changed, at those of all its store account's Shops: the buffer
    is one for all."""
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id)
    for one in live_connections_of(conn, conn.execute(account).scalar_one()):
        defer(conn, "price_stock_all", once=f"price_stock_all:{one}", connection_id=one)


def queue_move(conn: Connection, connection_id: int, left: str) -> None:
    """Look at every SKU of a connection after the store's location was mapped to another warehouse. ``left``: the one
    it was mapped to, "" where it was not, and each listing kept the one it was listed in."""
    once = f"price_stock_all:{connection_id}:{left}"
    defer(conn, "price_stock_all", once=once, connection_id=connection_id, left=left)


def live_connections_of(conn: Connection, store_account_id: int) -> list[int]:
    its = (connections.c.store_account_id == store_account_id, connections.c.disconnected_at.is_(None))
    return list(conn.scalars(select(connections.c.id).where(*its).order_by(connections.c.id)))


def _listed(conn: Connection, connection_id: int, product_ids: Sequence[int]) -> list[int]:
    """Those of the products that have a live SKU in the connection's Shop."""
    live = (listing_skus.c.connection_id == connection_id, listing_skus.c.ended_at.is_(None))
    joined = variants.join(listing_skus, listing_skus.c.variant_id == variants.c.id)
    chosen = select(variants.c.product_id).select_from(joined)
    return sorted(set(conn.scalars(chosen.where(*live, variants.c.product_id == func.any(list(product_ids))))))
