"""The same filter as SQL for the page that shows rows and for the service that acts on all that match."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from core.db.tables import connections, listings, product_states, products, variants
from core.domain.filters import ExportFilter, ProductFilter, Selection, pasted_list
from core.domain.statuses import PRODUCT_TABS, ExportStatus

Clauses = list[ColumnElement[bool]]


def escaped_like(text: str) -> str:
    """``text`` with LIKE's own characters made literal (escape character: backslash)."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def product_text(text: str) -> ColumnElement[bool]:
    """Products whose title or a SKU holds every word, or whose SKU is in a pasted list."""
    listed = pasted_list(text)
    if listed:
        return exists().where(
            variants.c.product_id == products.c.id, variants.c.deleted_at.is_(None), variants.c.sku.in_(listed)
        )
    words = text.lower().split()
    return and_(*(products.c.search_text.like(f"%{escaped_like(word)}%") for word in words))


def product_clauses(connection_id: int, wanted: ProductFilter) -> Clauses:
    """For ``product_states JOIN products``. An unknown tab matches nothing."""
    return [*state_clauses(connection_id, wanted), products.c.deleted_at.is_(None), *content_clauses(wanted)]


def state_clauses(connection_id: int, wanted: ProductFilter) -> Clauses:
    """The part that ``product_states`` alone can answer."""
    clauses: Clauses = [product_states.c.connection_id == connection_id]
    if wanted.tab:
        statuses = [str(status) for status in PRODUCT_TABS.get(wanted.tab, ())]
        clauses.append(product_states.c.status.in_(statuses))
    if wanted.status:
        clauses.append(product_states.c.status == wanted.status)
    if wanted.problem:
        clauses.append(product_states.c.problem_codes.contains([wanted.problem]))
        if wanted.first:
            clauses.append(product_states.c.problem_codes[1] == wanted.problem)
    if wanted.sync:
        clauses.append(product_states.c.sync == wanted.sync)
    return clauses


def content_clauses(wanted: ProductFilter) -> Clauses:
    """The part that needs ``products``; empty when the filter says nothing about a product's content."""
    clauses: Clauses = []
    if wanted.text.strip():
        clauses.append(product_text(wanted.text))
    if wanted.category:
        clauses.append(products.c.category_ids.contains([wanted.category]))
    if wanted.brand:
        clauses.append(products.c.brand_id == wanted.brand)
    return clauses


def not_deleted(connection_id: int) -> ColumnElement[bool]:
    """``product_states`` of products the store still has, without joining ``products``: the deleted are few."""
    account = select(connections.c.store_account_id).where(connections.c.id == connection_id).scalar_subquery()
    gone = select(products.c.id).where(products.c.store_account_id == account, products.c.deleted_at.is_not(None))
    return product_states.c.product_id.not_in(gone)


def export_status(tab: str) -> ColumnElement[bool]:
    """The SQL face of ``domain.statuses.of_export``."""
    status, audit = listings.c.tiktok_status, func.coalesce(listings.c.audit_status, "")
    deleted = func.coalesce(status, "") == "DELETED"
    bad = and_(~deleted, or_(status.in_(("FAILED", "PLATFORM_DEACTIVATED", "FREEZE")), audit == "FAILED"))
    good = and_(~bad, status.in_(("ACTIVATE", "SELLER_DEACTIVATED", "SCHEDULED")), audit != "AUDITING")
    if tab == ExportStatus.DELETED:
        return deleted
    if tab == ExportStatus.DISAPPROVED:
        return func.coalesce(bad, False)
    if tab == ExportStatus.APPROVED:
        return func.coalesce(good, False)
    return and_(~deleted, ~func.coalesce(bad, False), ~func.coalesce(good, False))


def export_clauses(connection_id: int, wanted: ExportFilter) -> Clauses:
    """For ``listings JOIN products``: what the Shop has or had; the newest generation of each."""
    clauses: Clauses = [listings.c.connection_id == connection_id, listings.c.remote_id.is_not(None)]
    if wanted.tab:
        clauses.append(export_status(wanted.tab))
    if wanted.text.strip():
        clauses.append(product_text(wanted.text))
    if wanted.reason:
        clauses.append(listings.c.reason_keys.contains([wanted.reason]))
    return clauses


def selected_products(connection_id: int, selection: Selection) -> Select[tuple[int]]:
    """Product ids a bulk action is about, always of this connection."""
    if selection.exports is not None:
        joined = listings.join(products, products.c.id == listings.c.product_id)
        chosen = select(listings.c.product_id).select_from(joined)
        return chosen.where(*export_clauses(connection_id, selection.exports)).distinct()
    joined = product_states.join(products, products.c.id == product_states.c.product_id)
    chosen = select(product_states.c.product_id).select_from(joined)
    if selection.products is not None:
        return chosen.where(*product_clauses(connection_id, selection.products))
    return chosen.where(product_states.c.connection_id == connection_id, products.c.id.in_(selection.ids))
