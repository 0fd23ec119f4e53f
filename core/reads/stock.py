"""The rows of the Stock page: every SKU of the Shop, what it should offer, and what the Shop says (K7).

``should`` is ``domain.stock.offered`` in SQL over what is stored; a test holds the two together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Row,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from core.db.filters import escaped_like
from core.db.tables import (
    connection_settings,
    connections,
    latencies,
    listing_skus,
    listings,
    mappings,
    products,
    shop_order_lines,
    shop_orders,
    shops,
    sku_rules,
    stock_check_items,
    stock_checks,
    stock_deductions,
    variants,
)
from core.domain.filters import StockFilter, pasted_list
from core.domain.limits import limits_of
from core.domain.stock import LEFT_ALONE, MAIN_LOCATION, WAREHOUSE, Cause, exposure
from core.reads.paging import COUNT_CAP, Count, count_capped, page_of, reading
from core.reads.stock_charts import SIZES, left_over

STOCK_STATES: Final = {
    "differs": "Differs",
    "out": "Out of stock",
    "low": "Below its alert",
    "refused": "The Shop refuses it",
    "unread": "No number from the Shop",
    "left": "Left by the last check",
}
SORTS: Final = ("difference", "sku", "hand", "should", "shop")
NOT_CHECKED: Final = "since the last check"
CAUSES: Final = (*map(str, Cause), NOT_CHECKED)
UNTOLD: Final = (NOT_CHECKED, str(Cause.NOT_ACKNOWLEDGED))  # shown without a check having said so
_SOLD_OVER, _LAG_OVER, _FIRST_LAG = timedelta(days=7), timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StockRow:
    """One SKU; numbers in pieces, ``shop`` None when it was never read or not named. ``since`` is from when it differs.

    ``exposure``: pieces that may be sold at the present rate before the Shop hears of a change.
    """

    id: int
    variant_id: int
    product_id: int
    sku: str
    title: str
    on_hand: int | None
    held: int
    buffer: int
    cap: int | None
    alert: int | None
    should: int
    shop: int | None
    reserved: int
    sent: int | None
    cause: str
    sentence: str
    since: datetime | None
    read_back_at: datetime | None
    exposure: Decimal

    @property
    def difference(self) -> int | None:
        """The Shop's number less the one it should be."""
        return None if self.shop is None else self.shop - self.should


@dataclass(frozen=True, slots=True)
class StockPage:
    rows: tuple[StockRow, ...]
    count: Count
    read_at: datetime


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is the same for all SKUs of a connection, as the settings and the market have it."""

    connection_id: int
    account_id: int
    buffer: int
    cap: int | None
    alert: int | None
    maximum: int
    continue_selling: bool
    warehouse: str | None
    check_id: int | None


def stock_page(
    connection_id: int, wanted: StockFilter, *, sort: str = "difference", descending: bool = True, page: int = 1
) -> StockPage:
    """50 SKUs that match. ``sort`` is one of ``SORTS``; an unknown one is the size of the difference."""
    with reading() as conn:
        rules = _rules(conn, connection_id)
        matching = _matching(rules, wanted)
        rows = conn.execute(page_of(matching.order_by(*_order(matching, sort, descending)), page)).all()
        sold, lag = _sold(conn, [row.variant_id for row in rows]), _lag(conn, connection_id)
        count = count_capped(conn, matching)
        read_at = conn.execute(select(func.now())).scalar_one()
    return StockPage(tuple(_row(row, sold.get(row.variant_id, 0), lag) for row in rows), count, read_at)


def matching_skus(connection_id: int, wanted: StockFilter, *, most: int = COUNT_CAP) -> list[int]:
    """The first ``most`` SKUs that match, for an action on all of them."""
    with reading() as conn:
        found = _matching(_rules(conn, connection_id), wanted).order_by(listing_skus.c.id).limit(most).subquery()
        return list(conn.scalars(select(found.c.id).order_by(found.c.id)))


def _rules(conn: Connection, connection_id: int) -> _Rules:
    c, s = connections.c, connection_settings.c
    account, region = conn.execute(
        select(c.store_account_id, shops.c.region).join(shops, shops.c.id == c.shop_id).where(c.id == connection_id)
    ).one()
    joined = connection_settings.join(connections, c.id == s.connection_id)
    live = (c.store_account_id == account, or_(c.disconnected_at.is_(None), c.id == connection_id))
    found = conn.execute(select(s.connection_id, s.name, s.value).select_from(joined).where(*live)).all()
    own = {row.name: row.value for row in found if row.connection_id == connection_id}
    m = mappings.c
    mapped = (m.connection_id == connection_id, m.kind == WAREHOUSE, m.source_id == MAIN_LOCATION)
    checked = select(func.max(stock_checks.c.id)).where(
        stock_checks.c.connection_id == connection_id, stock_checks.c.compared > 0
    )
    return _Rules(
        connection_id,
        account,
        max((int(row.value) for row in found if row.name == "stock_buffer"), default=0),
        own.get("stock_cap"),
        own.get("low_stock_alert"),
        limits_of(region).stock_max,
        bool(own.get("continue_selling", False)),
        conn.scalar(select(m.target_id).where(*mapped)),
        conn.scalar(checked),
    )


def _held(account_id: int) -> Any:
    """Units sold whose deduction our copy of the store's stock does not show yet, by variant."""
    d, v, p = stock_deductions.c, variants.c, products.c
    joined = stock_deductions.join(variants, v.id == d.variant_id).join(products, p.id == v.product_id)
    unseen = (d.outcome == "done") & (d.settled_at > p.seen_at)
    counted = select(d.variant_id, cast(func.count(), Integer).label("held")).select_from(joined)
    mine = (d.store_account_id == account_id, or_(d.outcome.in_(("held", "unknown")), unseen))
    return counted.where(*mine).group_by(d.variant_id).subquery("held")


def _should(rules: _Rules, held: ColumnElement[Any]) -> ColumnElement[Any]:
    v, r, p = variants.c, sku_rules.c, products.c
    cap = func.coalesce(r.cap, literal(rules.cap, Integer))
    left = func.greatest(func.coalesce(v.stock, 0), 0) - held - func.coalesce(r.buffer, rules.buffer)
    offered: ColumnElement[Any] = func.greatest(func.least(left, cap, rules.maximum), 0)
    keeps = func.coalesce(r.continue_selling, rules.continue_selling)
    offered = case((and_(offered == 0, keeps), func.least(func.coalesce(cap, 1), rules.maximum)), else_=offered)
    gone = or_(v.deleted_at.is_not(None), p.deleted_at.is_not(None), ~p.active)
    return case((gone, 0), else_=offered)


def _joined(rules: _Rules, held: Any) -> FromClause:
    s, i = listing_skus.c, stock_check_items.c
    checked = (i.listing_sku_id == s.id) & (i.check_id == rules.check_id)
    return (
        listing_skus.join(listings, listings.c.id == s.listing_id)
        .join(variants, variants.c.id == s.variant_id)
        .join(products, products.c.id == variants.c.product_id)
        .outerjoin(sku_rules, sku_rules.c.variant_id == variants.c.id)
        .outerjoin(held, held.c.variant_id == variants.c.id)
        .outerjoin(stock_check_items, checked)
    )


def _matching(rules: _Rules, wanted: StockFilter) -> Select[Any]:
    s, v, p, r, i = listing_skus.c, variants.c, products.c, sku_rules.c, stock_check_items.c
    waiting = _held(rules.account_id)
    held = func.coalesce(waiting.c.held, 0)
    should = _should(rules, held)
    differs = s.shop_quantity.is_distinct_from(should) & s.shop_quantity.is_not(None)
    told = _still_told(should)
    explained = or_(differs, s.shop_quantity.is_(None) & told)
    pending = case((s.quantity_acknowledged_at.is_(None), str(Cause.NOT_ACKNOWLEDGED)), else_=NOT_CHECKED)
    cause = case((~explained, ""), (told, i.cause), else_=pending)
    columns = (
        *(s.id, s.variant_id, v.product_id, s.seller_sku.label("sku"), p.title, v.stock.label("on_hand")),
        *(held.label("held"), func.coalesce(r.buffer, rules.buffer).label("buffer")),
        func.coalesce(r.cap, literal(rules.cap, Integer)).label("cap"),
        func.coalesce(r.low_stock_alert, literal(rules.alert, Integer)).label("alert"),
        *(should.label("should"), s.shop_quantity.label("shop"), s.sent_quantity.label("sent")),
        (s.shop_campaign + s.shop_creator).label("reserved"),
        cause.label("cause"),
        func.coalesce(func.nullif(s.error_sentence, ""), case((explained & told, i.sentence)), "").label("sentence"),
        case((explained, func.coalesce(s.quantity_began_at, case((told, i.at)), s.read_back_at))).label("since"),
        s.read_back_at,
        func.abs(func.coalesce(s.shop_quantity - should, 0)).label("size"),
    )
    mine = (s.connection_id == rules.connection_id, s.ended_at.is_(None), s.remote_id.is_not(None))
    statement = select(*columns).select_from(_joined(rules, waiting)).where(*mine)
    return statement.where(*_clauses(rules, wanted, differs, cause, held))


def _still_told(should: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether what the latest check said of a SKU is about what is there now: not corrected, and the same numbers."""
    s, i = listing_skus.c, stock_check_items.c
    same = and_(i.before.is_not_distinct_from(s.shop_quantity), or_(i.expected == should, i.cause == Cause.NOT_NAMED))
    return func.coalesce(and_(i.outcome != "corrected", same), False)


def _clauses(
    rules: _Rules,
    wanted: StockFilter,
    differs: ColumnElement[bool],
    cause: ColumnElement[Any],
    held: ColumnElement[int],
) -> list[ColumnElement[bool]]:
    s, v, p, i = listing_skus.c, variants.c, products.c, stock_check_items.c
    clauses = _text(wanted.text)
    if wanted.state:
        clauses.append(_state(rules, wanted.state, differs, held))
    if wanted.cause:
        clauses.append(cause == wanted.cause)
    if wanted.cause and wanted.cause not in UNTOLD:
        clauses.append(i.cause == wanted.cause)  # says nothing new, and leaves only the few rows of the check to read
    if wanted.size:
        least, most = SIZES.get(wanted.size, (0, 0))
        clauses.append(func.abs(i.expected - i.before).between(least, most))
    if wanted.category:
        clauses.append(p.category_ids.contains([wanted.category]))
    if wanted.warehouse:
        ours = listings.c.draft["warehouse_id"].astext if rules.warehouse is None else literal(rules.warehouse)
        clauses.append(or_(ours == wanted.warehouse, s.shop_warehouses.has_key(wanted.warehouse)))
    if wanted.most is not None:
        clauses.append(func.coalesce(v.stock, 0) <= wanted.most)
    return clauses


def _text(typed: str) -> list[ColumnElement[bool]]:
    """A pasted list of SKUs, an exact SKU or product id, or words of the title."""
    s, p = listing_skus.c, products.c
    listed, plain = pasted_list(typed), typed.strip()
    if listed:
        return [s.seller_sku.in_(listed)]
    if not plain:
        return []
    exact = or_(s.seller_sku == plain, s.remote_id == plain, p.remote_id == plain, listings.c.remote_id == plain)
    words = [p.search_text.like(f"%{escaped_like(word)}%") for word in plain.lower().split()]
    return [or_(exact, and_(*words))]


def _state(rules: _Rules, state: str, differs: ColumnElement[bool], held: ColumnElement[int]) -> ColumnElement[bool]:
    """``low`` as ``low_stock`` has it: what orders hold is not left, and what the store no longer has is not low."""
    s, v = listing_skus.c, variants.c
    alert = func.coalesce(sku_rules.c.low_stock_alert, literal(rules.alert, Integer))
    known: dict[str, ColumnElement[bool]] = {
        "differs": differs,
        "out": func.coalesce(v.stock, 0) <= 0,
        "low": and_(v.deleted_at.is_(None), func.greatest(func.coalesce(v.stock, 0) - held, 0) < alert),
        "refused": or_(s.error_sentence != "", s.quantity_hold != ""),
        "unread": s.shop_quantity.is_(None),
        "left": left_over(),
    }
    return known.get(state, literal(False))


def _order(matching: Select[Any], sort: str, descending: bool) -> tuple[ColumnElement[Any], ...]:
    names = {"difference": "size", "sku": "sku", "hand": "on_hand", "should": "should", "shop": "shop"}
    columns = matching.selected_columns
    column = columns[names.get(sort, "size")]
    first = column.desc() if descending else column.asc()
    return first.nulls_last(), columns["id"].asc()


def _sold(conn: Connection, variant_ids: Sequence[int]) -> dict[int, int]:
    """Units ordered of each variant over the last seven days, whatever became of them."""
    line, o = shop_order_lines.c, shop_orders.c
    joined = shop_order_lines.join(shop_orders, o.id == line.order_id)
    recent = (line.variant_id.in_(list(variant_ids)), o.ordered_at > func.now() - _SOLD_OVER)
    counted = select(line.variant_id, func.count()).select_from(joined).where(*recent).group_by(line.variant_id)
    return {row[0]: row[1] for row in conn.execute(counted)}


def _lag(conn: Connection, connection_id: int) -> timedelta:
    """p95 from a store change to its reading in the Shop over the last day; a minute before any was measured."""
    it = latencies.c
    took = func.extract("epoch", it.ended_at - it.began_at)
    recent = (it.connection_id == connection_id, it.kind == "stock", it.ended_at > func.now() - _LAG_OVER)
    seconds = conn.scalar(select(func.percentile_cont(0.95).within_group(took)).where(*recent))
    return _FIRST_LAG if seconds is None else timedelta(seconds=float(seconds))


def _row(row: Row[Any], sold: int, lag: timedelta) -> StockRow:
    return StockRow(
        id=row.id,
        variant_id=row.variant_id,
        product_id=row.product_id,
        sku=row.sku,
        title=row.title,
        on_hand=row.on_hand,
        held=row.held,
        buffer=row.buffer,
        cap=row.cap,
        alert=row.alert,
        should=row.should,
        shop=row.shop,
        reserved=row.reserved,
        sent=row.sent,
        cause=row.cause,
        sentence=row.sentence or "",
        since=row.since,
        read_back_at=row.read_back_at,
        exposure=exposure(sold, _SOLD_OVER, lag),
    )


@dataclass(frozen=True, slots=True)
class FixPlan:
    """``ids`` would be corrected; ``skipped`` says why others would not, with how many."""

    ids: tuple[int, ...]
    skipped: tuple[tuple[str, int], ...]


def fix_plan(connection_id: int, sku_ids: Sequence[int]) -> FixPlan:
    """What correcting these SKUs would touch."""
    with reading() as conn:
        matching = _matching(_rules(conn, connection_id), StockFilter())
        chosen = matching.where(listing_skus.c.id == func.any(list(sku_ids))).subquery()
        rows = conn.execute(select(chosen.c.id, chosen.c.cause)).all()
    ids, skipped = [], Counter[str]()
    for row in rows:
        if row.cause and row.cause not in LEFT_ALONE:
            ids.append(row.id)
        else:
            skipped[
                f"Left as it is: {row.cause}" if row.cause else "Already equal, or without a number from the Shop"
            ] += 1
    return FixPlan(tuple(ids), tuple(sorted(skipped.items())))


def check_fix_plan(connection_id: int, cause: str) -> tuple[int, tuple[tuple[str, int], ...]]:
    """What correcting all that the latest check left would touch, of one cause or, without one, of all: how many SKUs,
    and how many are left for which reason."""
    i, c = stock_check_items.c, stock_checks.c
    latest = select(func.max(c.id)).where(c.connection_id == connection_id).scalar_subquery()
    left = [i.check_id == latest, i.outcome != "corrected", *([i.cause == cause] if cause else [])]
    with reading() as conn:
        counted = conn.execute(select(i.cause, func.count()).where(*left).group_by(i.cause).order_by(i.cause)).all()
    will = sum(number for name, number in counted if name not in LEFT_ALONE)
    return will, tuple((f"Left as it is: {name}", number) for name, number in counted if name in LEFT_ALONE)


def product_ids_of(sku_ids: Sequence[int]) -> list[int]:
    """The products of these SKUs."""
    joined = listing_skus.join(variants, variants.c.id == listing_skus.c.variant_id)
    wanted = select(variants.c.product_id).select_from(joined).where(listing_skus.c.id.in_(list(sku_ids))).distinct()
    with reading() as conn:
        return list(conn.scalars(wanted.order_by(variants.c.product_id)))


def variant_of(connection_id: int, sku_id: int) -> int | None:
    """The variant a SKU of the connection stands for; None without such a SKU."""
    s = listing_skus.c
    with reading() as conn:
        return conn.scalar(select(s.variant_id).where(s.id == sku_id, s.connection_id == connection_id))
