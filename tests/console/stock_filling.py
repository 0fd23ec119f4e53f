"""SKUs in the Shop and stock checks for the console's tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, text

from core.db import tables
from core.domain.stock import Cause
from tests.console.filling import Filled

CAUSES = (Cause.CHANGED_IN_SHOP, Cause.NEW_IN_STORE, Cause.CAMPAIGN)


@dataclass(frozen=True)
class Stock:
    """Rows of ``listing_skus``, the newest check, and how many SKUs it found."""

    sku_ids: tuple[int, ...]
    check_id: int
    found: int


def fill_stock(conn: Connection, filled: Filled, *, checks: int = 5) -> Stock:
    """A SKU for each listing: every third is off in the Shop; a check a day for ``checks`` days."""
    ids = tuple(_sku(conn, filled, row) for row in _listed(conn, filled))
    for back in range(checks, 0, -1):
        check_id, found = _check(conn, filled, ids, timedelta(days=back - 1, minutes=3))
    conn.execute(
        insert(tables.warehouses).values(
            connection_id=filled.connection_id, remote_id="W1", name="Leeds", kind="SALES_WAREHOUSE",
            status="ENABLED", is_default=True,
        )
    )  # fmt: skip
    return Stock(ids, check_id, found)


def _listed(conn: Connection, filled: Filled) -> list[Any]:
    query = text(
        "SELECT l.id, l.product_id, v.id AS variant_id, v.sku, v.stock FROM listings l"
        " JOIN variants v ON v.product_id = l.product_id WHERE l.connection_id = :connection ORDER BY l.id"
    )
    return list(conn.execute(query, {"connection": filled.connection_id}))


def _sku(conn: Connection, filled: Filled, row: Any) -> int:
    off = row.id % 3 == 0
    at = datetime.now(UTC) - timedelta(minutes=2)
    values = {
        "listing_id": row.id,
        "connection_id": filled.connection_id,
        "variant_id": row.variant_id,
        "seller_sku": row.sku,
        "remote_id": f"1729{row.variant_id:015}",
        "sent_quantity": row.stock,
        "quantity_sent_at": at,
        "quantity_acknowledged_at": at,
        "price_acknowledged_at": at,
        "shop_quantity": row.stock + (row.id if off else 0),
        "shop_warehouses": {"W1": row.stock},
        "read_back_at": at,
    }
    made = insert(tables.listing_skus).values(values).returning(tables.listing_skus.c.id)
    return int(conn.execute(made).scalar_one())


def _check(conn: Connection, filled: Filled, ids: tuple[int, ...], ago: timedelta) -> tuple[int, int]:
    at = datetime.now(UTC) - ago
    off = [row for row in _listed(conn, filled) if row.id % 3 == 0]
    made = insert(tables.stock_checks).values(
        connection_id=filled.connection_id, kind="nightly", local_day=at.date().isoformat(), started_by="clock",
        started_at=at, finished_at=at + timedelta(seconds=40), compared=len(ids), found=len(off), corrected=0,
        remaining=len(off), sentence=f"{len(off)} SKUs differed.",
    )  # fmt: skip
    check_id = int(conn.execute(made.returning(tables.stock_checks.c.id)).scalar_one())
    rows = {row.listing_id: row.id for row in conn.execute(text("SELECT id, listing_id FROM listing_skus"))}
    for number, row in enumerate(off):
        cause = CAUSES[number % len(CAUSES)]
        conn.execute(
            insert(tables.stock_check_items).values(
                check_id=check_id, listing_sku_id=rows[row.id], expected=row.stock, before=row.stock + row.id,
                cause=str(cause), outcome="left" if cause == Cause.CAMPAIGN else "found", at=at,
                sentence=f"{row.stock} should be there.",
            )
        )  # fmt: skip
    return check_id, len(off)
