"""The rows of the Exports page: what the Shop has or had, and why it said no."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select

from core.db.filters import export_clauses
from core.db.tables import listing_skus, listings, products, short_links, variants
from core.domain.filters import ExportFilter
from core.domain.statuses import ExportStatus, of_export
from core.reads.paging import Count, count_capped, page_of, reading

SORTS: dict[str, ColumnElement[Any]] = {
    "changed": listings.c.changed_at,
    "sent": listings.c.sent_at,
    "name": products.c.title,
    "round": listings.c.review_round,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One of the Shop's reasons: where, what, and what it suggests, in its own words."""

    position: str
    reasons: tuple[str, ...]
    suggestions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportRow:
    """``id`` is the listing's; times are UTC."""

    id: int
    product_id: int
    title: str
    sku: str | None
    variant_count: int
    sent_at: datetime | None
    status: ExportStatus
    tiktok_status: str | None
    reasons: tuple[Reason, ...]
    review_round: int
    short_code: str | None
    remote_id: str
    url: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ExportPage:
    rows: tuple[ExportRow, ...]
    count: Count
    read_at: datetime


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """``reason`` as the Shop words it, and how many disapproved listings it holds back."""

    reason: str
    listings: int


def _joined(connection_id: int, wanted: ExportFilter) -> Select[Any]:
    source = listings.join(products, products.c.id == listings.c.product_id)
    return select(listings.c.id).select_from(source).where(*export_clauses(connection_id, wanted))


def _columns() -> tuple[ColumnElement[Any], ...]:
    variant_sku = select(variants.c.sku).where(variants.c.id == listings.c.variant_id).scalar_subquery()
    sent_sku = (
        select(listing_skus.c.seller_sku).where(listing_skus.c.listing_id == listings.c.id).limit(1).scalar_subquery()
    )
    sent_count = select(func.count()).where(listing_skus.c.listing_id == listings.c.id).scalar_subquery()
    code = select(short_links.c.code).where(short_links.c.product_id == products.c.id).scalar_subquery()
    return (
        listings.c.id,
        listings.c.product_id,
        products.c.title,
        func.coalesce(variant_sku, products.c.sku, sent_sku).label("sku"),
        sent_count.label("variant_count"),
        listings.c.sent_at,
        listings.c.tiktok_status,
        listings.c.audit_status,
        listings.c.reasons,
        listings.c.review_round,
        code.label("short_code"),
        listings.c.remote_id,
        products.c.url,
        listings.c.changed_at,
    )


def reasons_of(stored: list[dict[str, Any]]) -> tuple[Reason, ...]:
    """The stored review reasons as rows; what the Shop left out is empty."""
    return tuple(
        Reason(str(entry.get("position", "")), tuple(entry.get("reasons") or ()), tuple(entry.get("suggestions") or ()))
        for entry in stored
    )


def _row(values: RowMapping) -> ExportRow:
    kept = {str(name): value for name, value in values.items() if name not in ("audit_status", "reasons")}
    return ExportRow(
        **kept,
        status=of_export(values["tiktok_status"], values["audit_status"]),
        reasons=reasons_of(values["reasons"]),
    )


def exports_page(
    connection_id: int, wanted: ExportFilter, *, sort: str = "changed", descending: bool = True, page: int = 1
) -> ExportPage:
    """50 listings that match, in a stable order. ``sort`` is a key of ``SORTS``; an unknown one is "changed"."""
    matching = _joined(connection_id, wanted)
    column = SORTS.get(sort, SORTS["changed"])
    first = column.desc() if descending else column.asc()
    order = first.nulls_last() if sort == "sent" else first
    tie = listings.c.id.desc() if descending else listings.c.id.asc()
    rows = page_of(matching.with_only_columns(*_columns()).order_by(order, tie), page)
    with reading() as connection:
        count = count_capped(connection, matching)
        found = tuple(_row(row) for row in connection.execute(rows).mappings())
        return ExportPage(found, count, connection.execute(select(func.now())).scalar_one())


def tab_counts(connection_id: int, wanted: ExportFilter) -> dict[str, Count]:
    """How many match under each tab of the page; "" is all of them."""
    with reading() as connection:
        return {
            tab: count_capped(connection, _joined(connection_id, replace(wanted, tab=tab)))
            for tab in ("", *(str(status) for status in ExportStatus))
        }


def reason_groups(connection_id: int, *, most: int = 30) -> tuple[ReasonGroup, ...]:
    """Why disapproved listings were disapproved, the commonest reason first."""
    disapproved = _joined(connection_id, ExportFilter(tab=ExportStatus.DISAPPROVED))
    reason = func.unnest(listings.c.reason_keys).label("reason")
    each = disapproved.with_only_columns(reason).subquery()
    number = func.count().label("listings")
    statement = select(each.c.reason, number).group_by(each.c.reason).order_by(number.desc(), each.c.reason)
    with reading() as connection:
        return tuple(ReasonGroup(*row) for row in connection.execute(statement.limit(most)))
