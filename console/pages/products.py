"""All products of the store, what each is to TikTok Shop, and sending them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import streamlit as st

from console import actions, context
from console.components import (
    bulk,
    drawer,
    empty,
    feedback,
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
from core.domain.counting import counted
from core.domain.filters import ProductFilter, Selection
from core.domain.statuses import PRODUCT_TABS, PRODUCT_WORDS, ProductStatus
from core.reads import connections, products
from core.reads.products import Choice, ProductPage, ProductRow

HERE = context.current()
NAME = "products"
FILTERS = ("q", "tab", "status", "problem", "first", "category", "brand")
STATUSES = tuple(Choice(str(one), word.label) for one, word in PRODUCT_WORDS.items())
ORDERS = {
    "changed": "Last changed first",
    "changed-up": "Last changed last",
    "name-up": "Name A to Z",
    "name": "Name Z to A",
    "price": "Dearest first",
    "price-up": "Cheapest first",
    "stock": "Most stock first",
    "stock-up": "Least stock first",
    "status-up": "Status",
}
REFUSED = PRODUCT_TABS["Failed"]
CSV_CELLS = ("name", "sku", "price", "stock", "problem")
CSV_HEAD = (
    "Name",
    "SKU",
    "Price",
    "Stock",
    "First problem",
    "Category",
    "From",
    "Short URL",
    "Status",
    "Changed (UTC)",
)
SEND, AGAIN, LOG, DETAILS = "Send now", "Sync again", "View log", "Details"


def columns(currency: str) -> dict[str, Any]:
    """Together as wide as a window of 1280 pixels leaves, so that nothing lies beyond its edge."""
    c = st.column_config
    return {
        "picture": c.ImageColumn("", width=40),
        "name": c.TextColumn("Name", width=150),
        "sku": c.TextColumn("SKU", width=112),
        "price": c.NumberColumn(f"Price ({currency})", format="%.2f", width=80),
        "stock": c.NumberColumn("Stock", format="localized", width=56),
        "status": status.column("Status", PRODUCT_WORDS.values(), width=104),
        "problem": c.TextColumn("First problem", width=122),
        "category": c.TextColumn(
            "Category", width=112, help="Own: chosen for this product alone. Mapped, default: see Mappings."
        ),
        "link": c.LinkColumn("Short URL", width=76, display_text=r"tiktok-(\w+)$"),
        "changed": c.DatetimeColumn("Changed", format="distance", timezone="UTC", width=90),
    }


def first_sentence(row: ProductRow) -> str:
    """What the Shop said of it goes before what readiness says; a refusal without words says what its status means."""
    said = row.status_sentence
    if not said and row.status in REFUSED:
        said = status.product_word(row.status).sentence
    further = row.problem_count if said else row.problem_count - 1
    more = f" (and {further} more)" if further > 0 and row.first_problem else ""
    return (said or row.first_problem) + more


def cells(row: ProductRow) -> dict[str, Any]:
    leaf = (row.category or "").rpartition(" > ")[2]
    return {
        "picture": f"/thumb/{row.id}" if row.has_picture else None,
        "name": row.title,
        "sku": row.sku if row.variant_count == 1 else f"{row.variant_count} variants",
        "price": row.price,
        "stock": row.stock,
        "status": [status.product_word(row.status).label],
        "problem": first_sentence(row),
        "category": leaf + (f" ({row.category_source})" if leaf and row.category_source else ""),
        "link": f"{settings().gateway_url}/tiktok-{row.short_code}" if row.short_code else None,
        "changed": row.changed_at,
    }


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def known_problems(connection_id: int) -> tuple[Choice, ...]:
    """Finding them reads every product's state, so once a minute is enough."""
    return products.problem_choices(connection_id)


def wanted_rows() -> tuple[ProductFilter, tuple[str, bool]]:
    """The filters and the order, all of them in the address."""
    tab = url.get("tab")
    connection_id = context.current_id()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="product_filters"):
        text = filters.search(NAME, "Name or SKU, or paste a list of SKUs")
        word = filters.choice(NAME, "status", "status", STATUSES, width=130)
        problem = filters.choice(NAME, "problem", "problem", known_problems(connection_id))
        category = filters.choice(NAME, "category", "category", products.category_choices(connection_id))
        brand = filters.choice(NAME, "brand", "brand", products.brand_choices(connection_id))
        order = filters.sorting(NAME, ORDERS)
        filters.clear_button(NAME, FILTERS)
    known = tab if tab in PRODUCT_TABS else ""
    wanted = ProductFilter(
        tab=known, text=text, status=word, problem=problem, category=category, brand=brand,
        first=url.get("first") == "1",
    )  # fmt: skip
    return wanted, order


def action_buttons(selected: Selected) -> None:
    if not HERE.operates:
        return
    for part, label in (("all", "Send"), ("price", "Price"), ("stock", "Stock")):
        st.button(
            label,
            key=f"bulk_{part}",
            type="primary" if part == "all" and selected else "secondary",
            disabled=not selected,
            on_click=product_bulk.ask_to_send,
            args=(selection.as_selection(selected), part, selected),
        )
    st.button(
        "Set category…",
        key="bulk_set_category",
        disabled=not selected,
        on_click=product_bulk.ask_for_category,
        args=(selection.as_selection(selected), selected),
    )
    st.button(
        "Delete from TikTok",
        key="bulk_delete",
        disabled=not selected,
        on_click=product_bulk.ask_to_delete,
        args=(selection.as_selection(selected), selected),
    )


def nothing(page: ProductPage) -> None:
    if any(url.get(name) for name in FILTERS):
        empty.nothing_matches(NAME, FILTERS)
        return
    row = HERE.connection
    pull = connections.pull_row(row.store_account_id) if row else None
    if pull is not None and pull.first_under_way:
        total = f" of {pull.full_total:,}" if pull.full_total else ""
        empty.state("No products yet", f"The first catalogue pull is under way, {pull.full_offset:,}{total}.")
    else:
        empty.state("No products yet", "The first catalogue pull begins within a minute of connecting a store.")


def menu(row: ProductRow) -> tuple[str, ...]:
    if not HERE.operates:
        return LOG, DETAILS
    return AGAIN if row.status in (ProductStatus.FAILED, ProductStatus.FAILED_REVIEW) else SEND, LOG, DETAILS


def missing(text: str) -> None:
    """A pasted list: name the SKUs that nothing has."""
    lacking = products.missing_skus(context.current_id(), text)
    if lacking:
        shown = ", ".join(lacking[:20]) + (f" and {len(lacking) - 20} more" if len(lacking) > 20 else "")
        said = counted(len(lacking), "of the pasted SKUs is in no product", "of the pasted SKUs are in no product")
        st.warning(status.escaped(f"{said}: {shown}."))


def csv_lines(wanted: ProductFilter) -> Iterator[tuple[object, ...]]:
    """Everything that matches, in the order of the table."""
    column, descending = filters.order(ORDERS)
    connection_id = context.current_id()
    found = sheets.every_row(
        lambda page: products.products_page(connection_id, wanted, sort=column, descending=descending, page=page).rows
    )
    for row in found:
        shown = cells(row)
        word = status.product_word(row.status).label
        plain = (shown[name] for name in CSV_CELLS)
        yield *plain, row.category, row.category_source, shown["link"], word, row.changed_at.isoformat()


def clicked(click: table.Click | None) -> None:
    if click is None:
        return
    if click.label in (SEND, AGAIN):
        product_bulk.ask_to_send(Selection(ids=(click.row_id,)), "all")
    else:
        url.put({"open": str(click.row_id), "view": "log" if click.label == LOG else ""})


def sync_now() -> None:
    """While automatic sync is on and something is unsent."""
    connection_id = context.current_id()
    offered = (
        HERE.operates
        and actions.load_settings(connection_id).automatic_sync
        and products.unsent_and_ready(connection_id)
    )
    if not offered:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Products are ready and not sent yet.", width="content")
        if st.button("Sync now", key="sync_now"):
            run_id = feedback.told(actions.sync_now, connection_id, done="Queued.")
            if run_id is not None:
                url.put({"run": str(run_id)})
                st.rerun()


def main() -> None:
    top, bars, tabs_place = st.container(), st.container(), st.container()
    wanted, (column, descending) = wanted_rows()
    page = table.asked_for(
        lambda number: products.products_page(
            context.current_id(), wanted, sort=column, descending=descending, page=number
        )
    )
    with top:
        page_head.show("Products", page.read_at)
    with bars:
        sync_now()
        progress.under_way(HERE)
        results.followed()
    with tabs_place:
        words = {"": "All"} | {tab: tab for tab in PRODUCT_TABS}
        filters.tabs(NAME, products.tab_counts(context.current_id(), wanted), words)
    missing(wanted.text)
    rows_and_bar(wanted, page)
    if not bulk.show():
        drawer.show()


def rows_and_bar(wanted: ProductFilter, page: ProductPage) -> None:
    if not page.rows:
        nothing(page)
        return
    selected = selection.of_table(NAME, context.current_id(), wanted)
    if HERE.operates:
        selection.bar(NAME, selected, wanted, page.count, partial(action_buttons, selected))
    currency = HERE.connection.currency if HERE.connection else ""
    shape = table.Shape(f"table_{NAME}", "Products", columns(currency), (LOG, DETAILS))
    ids = [row.id for row in page.rows]
    shown = [cells(row) | {table.MENU: menu(row)} for row in page.rows]
    clicked(table.grid(shape, ids, shown, selected if HERE.operates else None))
    table.pager(NAME, page.count)
    sheets.download(NAME, CSV_HEAD, partial(csv_lines, wanted), page.count)


main()
