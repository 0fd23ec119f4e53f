"""What was sent to TikTok Shop, what the Shop says of it and why; re-export and delete."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import streamlit as st

from console import context
from console.components import (
    bulk,
    drawer,
    empty,
    filters,
    page_head,
    product_bulk,
    progress,
    results,
    selection,
    sheets,
    status,
    table,
    url,
)
from console.components.selection import Selected
from core.config import settings
from core.domain.filters import ExportFilter, Selection
from core.domain.statuses import EXPORT_WORDS, ExportStatus
from core.reads import exports
from core.reads.exports import ExportPage, ExportRow

HERE = context.current()
NAME = "exports"
FILTERS = ("q", "tab", "reason")
ORDERS = {
    "changed": "Last changed first",
    "sent": "Last sent first",
    "sent-up": "First sent first",
    "name-up": "Name A to Z",
    "name": "Name Z to A",
    "round": "Most review rounds first",
}
CSV_CELLS = ("name", "sku", "reasons", "round", "link")
CSV_HEAD = ("Name", "SKU", "Reasons", "Round", "Short URL", "TikTok id", "TikTok status", "Sync date (UTC)")
TAB_ORDER = (ExportStatus.IN_REVIEW, ExportStatus.APPROVED, ExportStatus.DISAPPROVED, ExportStatus.DELETED)
AGAIN, DELETE, LOG, DETAILS = "Re-export", "Delete", "Log", "Details"


def columns() -> dict[str, Any]:
    """Together as wide as a window of 1280 pixels leaves, so that nothing lies beyond its edge."""
    c = st.column_config
    return {
        "name": c.TextColumn("Name", width=200),
        "sku": c.TextColumn("SKU", width=112),
        "sent": c.DatetimeColumn("Sync date (GMT)", format="D MMM YYYY, HH:mm", timezone="UTC", width=130),
        "status": status.column("TikTok status", EXPORT_WORDS.values(), width=110),
        "reasons": c.TextColumn("Reasons", width=250),
        "round": c.NumberColumn("Round", width=60, help="How many times the Shop has reviewed it."),
        "link": c.LinkColumn("Short URL", width=76, display_text=r"tiktok-(\w+)$"),
    }


def cells(row: ExportRow) -> dict[str, Any]:
    said = "; ".join(reason for entry in row.reasons for reason in entry.reasons)
    return {
        "name": row.title,
        "sku": row.sku if row.variant_count <= 1 else f"{row.variant_count} variants",
        "sent": row.sent_at,
        "status": [status.export_word(row.status).label],
        "reasons": said,
        "round": row.review_round,
        "link": f"{settings().gateway_url}/tiktok-{row.short_code}" if row.short_code else None,
    }


def wanted_rows() -> tuple[ExportFilter, tuple[str, bool]]:
    """The filters and the order, all of them in the address."""
    tab = url.get("tab")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="export_filters"):
        text = filters.search(NAME, "Name or SKU, or paste a list of SKUs")
        order = filters.sorting(NAME, ORDERS)
        filters.clear_button(NAME, FILTERS)
    known = tab if tab in {str(one) for one in ExportStatus} else ""
    return ExportFilter(tab=known, text=text, reason=url.get("reason")), order


def reason_buttons(wanted: ExportFilter) -> None:
    """Why listings were disapproved, the commonest first; a click filters."""
    if wanted.tab != ExportStatus.DISAPPROVED:
        return
    found = exports.reason_groups(context.current_id())
    with st.container(horizontal=True, gap="small"):
        for position, group in enumerate(found[:8]):
            chosen = group.reason == wanted.reason
            st.button(
                f"{group.listings:,} · {status.escaped(group.reason)}",
                key=f"reason_{position}",
                type="primary" if chosen else "secondary",
                on_click=url.put,
                args=({"reason": "" if chosen else group.reason, url.PAGE: ""},),
            )


def action_buttons(selected: Selected) -> None:
    chosen = selection.as_selection(selected)
    st.button(
        "Re-export",
        key="bulk_again",
        type="primary" if selected else "secondary",
        disabled=not selected,
        on_click=product_bulk.ask_to_send,
        args=(chosen, "all", selected, "Re-export"),
    )
    st.button(
        "Delete",
        key="bulk_delete",
        disabled=not selected,
        on_click=product_bulk.ask_to_delete,
        args=(chosen, selected),
    )


def csv_lines(wanted: ExportFilter) -> Iterator[tuple[object, ...]]:
    """Everything that matches, in the order of the table."""
    column, descending = filters.order(ORDERS)
    connection_id = context.current_id()
    found = sheets.every_row(
        lambda page: exports.exports_page(connection_id, wanted, sort=column, descending=descending, page=page).rows
    )
    for row in found:
        shown = cells(row)
        word = status.export_word(row.status).label
        sent = row.sent_at.isoformat() if row.sent_at else ""
        yield *(shown[name] for name in CSV_CELLS), row.remote_id, word, sent


def clicked(click: table.Click | None) -> None:
    if click is None:
        return
    chosen = Selection(ids=(click.row_id,))
    if click.label == AGAIN:
        product_bulk.ask_to_send(chosen, "all", title="Re-export")
    elif click.label == DELETE:
        product_bulk.ask_to_delete(chosen)
    else:
        url.put({"open": str(click.row_id), "view": "log" if click.label == LOG else ""})


def rows_and_bar(wanted: ExportFilter, page: ExportPage) -> None:
    if not page.rows and any(url.get(name) for name in FILTERS):
        empty.nothing_matches(NAME, FILTERS)
        return
    if not page.rows:
        empty.state("Nothing sent yet", "Products that were sent to TikTok Shop show here. Send some from Products.")
        return
    selected = selection.of_table(NAME, context.current_id(), wanted)
    if HERE.operates:
        selection.bar(NAME, selected, wanted, page.count, partial(action_buttons, selected))
    menu = (AGAIN, DELETE, LOG, DETAILS) if HERE.operates else (LOG, DETAILS)
    shape = table.Shape(f"table_{NAME}", "Exports", columns(), menu)
    # Actions are about products: both listings of a product sent variant by variant are ticked together.
    ids = [row.product_id for row in page.rows]
    clicked(table.grid(shape, ids, [cells(row) for row in page.rows], selected if HERE.operates else None))
    table.pager(NAME, page.count)
    sheets.download(NAME, CSV_HEAD, partial(csv_lines, wanted), page.count)


def main() -> None:
    top, bars, tabs_place = st.container(), st.container(), st.container()
    wanted, (column, descending) = wanted_rows()
    page = table.asked_for(
        lambda number: exports.exports_page(
            context.current_id(), wanted, sort=column, descending=descending, page=number
        )
    )
    with top:
        page_head.show("Exports", page.read_at)
    with bars:
        progress.under_way(HERE)
        results.followed()
    with tabs_place:
        words = {"": "All"} | {str(one): EXPORT_WORDS[one].label for one in TAB_ORDER}
        filters.tabs(NAME, exports.tab_counts(context.current_id(), wanted), words)
    reason_buttons(wanted)
    rows_and_bar(wanted, page)
    if not bulk.show():
        drawer.show()


main()
