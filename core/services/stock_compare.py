"""stock_check: the comparison of every SKU in one SQL statement, and what is needed to say why each differs.

The statement is a CREATE TABLE AS, which Postgres may run on several processors; an INSERT … SELECT it may not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy import column as col
from sqlalchemy.dialects import postgresql

from core.db.tables import (
    listing_skus,
    listings,
    product_states,
    products,
    shop_order_lines,
    shop_orders,
    sku_rules,
    variants,
    warehouses,
)
from core.domain.stock import Difference
from core.services.stock_holds import held_query
from core.services.stock_offers import Ground, takes_stock

_PAGE = 10_000
# Orders that have not left yet, and so are still among the Shop's committed units.
_NOT_LEFT = ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING")
_GONE_LINES = ("CANCELLED", "CANCEL", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")
_differences = table("stock_differences", col("id"), col("wanted"))


@dataclass(frozen=True, slots=True)
class Found:
    """A SKU whose in-shop quantity is not the offered one."""

    sku_row: int
    listing_id: int
    difference: Difference


def compare(conn: Connection, ground: Ground) -> None:
    """Put every SKU of the connection that differs into the temporary table ``stock_differences``.

    It lives until the transaction ends. SKUs without a number of the Shop count as different.
    """
    compiled = differing(ground).compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    conn.exec_driver_sql("DROP TABLE IF EXISTS pg_temp.stock_differences")
    conn.exec_driver_sql(f"CREATE TEMP TABLE stock_differences ON COMMIT DROP AS {compiled}")


def differing(ground: Ground) -> CompoundSelect[Any]:
    """(id, wanted) of every live SKU whose in-shop quantity is not the offered one."""
    return _compared(ground, lambda wanted: listing_skus.c.shop_quantity.is_distinct_from(wanted))


def unsent(ground: Ground) -> CompoundSelect[Any]:
    """(id, wanted) of every live SKU whose last sent quantity is not what is to be sent now."""
    reserved = listing_skus.c.shop_campaign + listing_skus.c.shop_creator
    return _compared(ground, lambda wanted: listing_skus.c.sent_quantity != func.greatest(wanted, reserved))


def _compared(ground: Ground, differs: Callable[[ColumnElement[Any]], ColumnElement[bool]]) -> CompoundSelect[Any]:
    """Every SKU by the rule that holds for nearly all, and then the few special ones by theirs.

    Joining what makes a SKU special to all of them would take half as long again as the join that has to be made.
    """
    s, v = listing_skus.c, variants.c
    mine = (s.connection_id == ground.target.id, s.ended_at.is_(None), s.remote_id.is_not(None))
    special = _special(ground).cte("special").prefix_with("MATERIALIZED")
    keeps = ground.settings.continue_selling
    usual = _wanted(ground, v.stock - ground.buffer, _cap(ground), v.deleted_at.is_not(None), keeps)
    joined = listing_skus.join(variants, v.id == s.variant_id)
    plain = select(s.id, s.variant_id, usual.label("wanted")).select_from(joined).where(*mine, differs(usual))
    found = plain.cte("plain").prefix_with("MATERIALIZED")
    x = special.c
    left = v.stock - func.coalesce(x.held, 0) - func.coalesce(x.buffer, ground.buffer)
    cap, ended = func.coalesce(x.cap, _cap(ground)), or_(v.deleted_at.is_not(None), x.ended)
    own = _wanted(ground, left, cap, ended, func.coalesce(x.keeps, keeps))
    with_special = special.join(variants, v.id == x.variant_id).join(listing_skus, s.variant_id == v.id)
    ours = select(s.id, own.label("wanted")).select_from(with_special).where(*mine, differs(own))
    others = select(found.c.id, found.c.wanted).where(found.c.variant_id.not_in(select(x.variant_id)))
    return union_all(others, ours)


def _special(ground: Ground) -> Select[Any]:
    """The variants with held units, with a rule of their own, or of a product that ended in the store, each once."""
    r, v, p, account = sku_rules.c, variants.c, products.c, ground.target.store_account_id
    held, none, no = held_query(account).subquery("held"), cast(null(), Integer), literal(False)
    unsaid = cast(null(), Boolean)
    gone = (p.store_account_id == account, or_(p.deleted_at.is_not(None), ~p.active))
    facts = union_all(
        select(held.c.variant_id, cast(held.c.held, Integer).label("held"), none.label("buffer"), none.label("cap"),
               unsaid.label("keeps"), no.label("ended")),
        select(r.variant_id, none, r.buffer, r.cap, r.continue_selling, no).where(r.store_account_id == account),
        select(v.id, none, none, none, unsaid, literal(True)).join(products, p.id == v.product_id).where(*gone),
    ).subquery("facts")  # fmt: skip
    f = facts.c
    counts = (func.max(f.held).label("held"), func.max(f.buffer).label("buffer"), func.max(f.cap).label("cap"))
    flags = (func.bool_or(f.keeps).label("keeps"), func.bool_or(f.ended).label("ended"))
    return select(f.variant_id, *counts, *flags).group_by(f.variant_id)


def _cap(ground: Ground) -> ColumnElement[Any]:
    return null() if ground.settings.stock_cap is None else literal(ground.settings.stock_cap)


def _wanted(
    ground: Ground,
    left: ColumnElement[Any],
    cap: ColumnElement[Any],
    ended: ColumnElement[bool],
    keeps: ColumnElement[bool] | bool,
) -> ColumnElement[Any]:
    """``domain.stock.offered`` in SQL, from what is left of the stock; a test holds the two together."""
    capped = func.least(func.coalesce(left, 0), cap, ground.limits.stock_max)
    if keeps is False:
        return case((ended, 0), else_=func.greatest(capped, 0))
    at_nothing = func.least(func.coalesce(cap, 1), ground.limits.stock_max)
    return case((ended, 0), (capped > 0, capped), (literal(True) if keeps is True else keeps, at_nothing), else_=0)


def differences(conn: Connection, ground: Ground, since: datetime) -> Iterator[list[Found]]:
    """The SKUs of ``stock_differences`` that are ours to keep, a page at a time, with all that explains them.

    One without a number of the Shop is among them when the Shop was asked for it after ``since``.
    """
    last = 0
    while rows := conn.execute(_explained(ground, last, since).limit(_PAGE)).all():
        last = rows[-1].id
        yield [_found(row) for row in rows]


def count_live(conn: Connection, connection_id: int, since: datetime) -> tuple[int, int]:
    """How many live SKUs of the connection the Shop gave a number of after ``since``, and how many others there are."""
    s = listing_skus.c
    mine = (s.connection_id == connection_id, s.ended_at.is_(None), s.remote_id.is_not(None))
    told = func.count().filter(s.shop_quantity.is_not(None), s.read_back_at >= since)
    live, read = conn.execute(select(func.count(), told).select_from(listing_skus).where(*mine)).one()
    return read, live - read


def _explained(ground: Ground, last: int, since: datetime) -> Select[Any]:
    s, li, d, w, state = listing_skus.c, listings.c, _differences.c, warehouses.c, product_states.c
    ours = li.draft["warehouse_id"].astext if ground.warehouse is None else literal(ground.warehouse)
    joined = (
        _differences.join(listing_skus, s.id == d.id)
        .join(listings, li.id == s.listing_id)
        .outerjoin(warehouses, (w.connection_id == s.connection_id) & (w.remote_id == ours))
        .outerjoin(product_states, (state.connection_id == s.connection_id) & (state.product_id == li.product_id))
    )
    columns = (
        *(s.id, s.listing_id, d.wanted, s.shop_quantity, s.shop_campaign, s.shop_creator, s.shop_committed),
        *(s.sent_quantity, s.quantity_acknowledged_at, s.read_back_at, s.quantity_hold, w.status),
        _known_units(s.connection_id, s.remote_id).label("known"),
    )
    told = or_(s.shop_quantity.is_not(None), s.read_back_at >= since)
    kept = (d.id > last, told, func.coalesce(state.sync_stock, True), *takes_stock())
    return select(*columns).select_from(joined).where(*kept).order_by(d.id)


def _known_units(connection_id: Any, sku_id: Any) -> Any:
    """Units of a SKU in orders that we have and that have not left: the Shop counts them as committed."""
    line, order = shop_order_lines.c, shop_orders.c
    joined = shop_order_lines.join(shop_orders, order.id == line.order_id)
    open_lines = (
        line.sku_remote_id == sku_id,
        order.connection_id == connection_id,
        order.status.in_(_NOT_LEFT),
        line.status.not_in(_GONE_LINES),
        ~order.by_tiktok,
    )
    return select(func.count()).select_from(joined).where(*open_lines).correlate(listing_skus).scalar_subquery()


def _found(row: Any) -> Found:
    taken, read = row.quantity_acknowledged_at, row.read_back_at
    difference = Difference(
        wanted=row.wanted,
        in_shop=row.shop_quantity,
        reserved=row.shop_campaign + row.shop_creator,
        committed=row.shop_committed,
        known=row.known,
        sent=row.sent_quantity,
        acknowledged=taken is not None and (read is None or taken <= read),
        hold=row.quantity_hold,
        warehouse_status=row.status or "ENABLED",
    )
    return Found(row.id, row.listing_id, difference)
