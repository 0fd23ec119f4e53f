"""stock_holds: units sold on TikTok whose deduction our copy of the store's stock does not show yet (law 12).

A unit is held from the moment its order is known. It stays held after the store took it off, until the product has
been read again: only then does the stock we know hold the deduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from core.db.tables import products, stock_deductions, variants

OPEN = ("held", "unknown")


def held_query(store_account_id: int) -> Select[Any]:
    """(variant_id, held) of every variant of the account with held units, for joining in SQL."""
    d, v, p = stock_deductions.c, variants.c, products.c
    joined = stock_deductions.join(variants, v.id == d.variant_id).join(products, p.id == v.product_id)
    not_seen = (d.outcome == "done") & (d.settled_at > p.seen_at)
    counted = select(d.variant_id, func.count().label("held")).select_from(joined)
    return counted.where(d.store_account_id == store_account_id, or_(d.outcome.in_(OPEN), not_seen)).group_by(
        d.variant_id
    )


def held_units(conn: Connection, store_account_id: int, variant_ids: Sequence[int]) -> dict[int, int]:
    """How many units of each variant are held, over all connections of the store account; 0 is left out."""
    if not variant_ids:
        return {}
    wanted = held_query(store_account_id).where(stock_deductions.c.variant_id.in_(list(variant_ids)))
    return {row.variant_id: row.held for row in conn.execute(wanted)}


def held_of_no_order(conn: Connection, variant_id: int) -> int:
    """Of the held units of a variant those that put right what a write of ours undid."""
    d = stock_deductions.c
    mine = (d.variant_id == variant_id, d.line_id.is_(None), d.outcome.in_(OPEN), d.wanted != "back")
    return int(conn.execute(select(func.count()).where(*mine)).scalar_one())


def unseen_units(conn: Connection, variant_ids: Sequence[int]) -> dict[int, int]:
    """Units of each variant that left the store's stock after we last read it, so that our copy is too high by them."""
    d, v, p = stock_deductions.c, variants.c, products.c
    joined = stock_deductions.join(variants, v.id == d.variant_id).join(products, p.id == v.product_id)
    counted = select(d.variant_id, func.count().label("units")).select_from(joined).group_by(d.variant_id)
    gone = (d.variant_id.in_(list(variant_ids)), d.outcome == "done", d.settled_at > p.seen_at)
    return {row.variant_id: row.units for row in conn.execute(counted.where(*gone))}


def sold_since_seen(conn: Connection, store_account_id: int, remote_ids: Sequence[str]) -> list[int]:
    """Those of the store's products that lost units after we last read them: these are held until the next reading."""
    d, v, p = stock_deductions.c, variants.c, products.c
    joined = stock_deductions.join(variants, v.id == d.variant_id).join(products, p.id == v.product_id)
    theirs = (p.store_account_id == store_account_id, p.remote_id == func.any(list(remote_ids)))
    gone = (d.outcome == "done", d.settled_at > p.seen_at)
    return list(conn.scalars(select(p.id).select_from(joined).where(*theirs, *gone).distinct()))
