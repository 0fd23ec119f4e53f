"""Stock on both sides: what differs and why, every SKU with its sum, and the checks that prove it."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from console import context, stock_actions
from console.components import (
    bulk,
    empty,
    filters,
    page_head,
    progress,
    results,
    selection,
    sheets,
    stock_charts,
    stock_checks,
    stock_why,
    table,
    url,
    words,
)
from console.components.selection import Selected
from console.components.status import escaped
from core.domain.filters import Selection, StockFilter
from core.reads import order_mappings, products, stock
from core.reads.products import Choice
from core.reads.stock import STOCK_STATES, StockPage, StockRow

HERE = context.current()
NAME = "stock"
FILTERS = ("q", "state", "cause", "size", "category", "warehouse", "most")
ORDERS = {
    "difference": "Furthest off first",
    "sku-up": "SKU A to Z",
    "hand-up": "Least on hand first",
    "hand": "Most on hand first",
    "should-up": "Least to offer first",
    "shop-up": "Least in the Shop first",
}
FIX, WHY = "Fix", "Why"
MOST = ("0", "5", "10", "50", "100")
HEAD = (
    "SKU", "Product", "Store on hand", "Held", "Buffer", "Cap", "Should offer", "Shop says", "Difference", "Cause",
    "Note", "Differs since (UTC)", "Exposure", "Read back (UTC)",
)  # fmt: skip


def wanted_rows() -> tuple[StockFilter, tuple[str, bool]]:
    """The filters and the order, all of them in the address."""
    connection_id = context.current_id()
    states = [Choice(name, label) for name, label in STOCK_STATES.items()]
    causes = [Choice(one, one.capitalize()) for one in stock.CAUSES]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="stock_filters"):
        text = filters.search(NAME, "Name, SKU, product id, or a list")
        state = filters.choice(NAME, "state", "state", states)
        cause = filters.choice(NAME, "cause", "cause", causes)
        category = filters.choice(NAME, "category", "category", products.category_choices(connection_id))
        warehouse = filters.choice(NAME, "warehouse", "warehouse", order_mappings.warehouse_choices(connection_id))
        most = filters.choice(NAME, "most", "quantity", [Choice(one, f"{one} or fewer") for one in MOST])
        order = filters.sorting(NAME, ORDERS)
        filters.clear_button(NAME, FILTERS)
    wanted = StockFilter(
        text=text, state=state, cause=cause, category=category, warehouse=warehouse, size=url.get("size"),
        most=int(most) if most.isdecimal() else None,
    )  # fmt: skip
    return wanted, order


def columns() -> dict[str, Any]:
    """Together as wide as a window of 1280 pixels leaves, so that nothing lies beyond its edge."""
    c = st.column_config
    number = partial(c.NumberColumn, format="localized")
    return {
        "sku": c.TextColumn("SKU", width=112),
        "name": c.TextColumn("Product", width=112),
        "hand": number("On hand", width=60),
        "held": number("Held", width=44, help="Sold on TikTok and not yet off the store's stock."),
        "buffer": number("Buffer", width=52),
        "cap": number("Cap", width=42),
        "should": number("Should offer", width=84),
        "shop": number("Shop says", width=70),
        "difference": number("Difference", width=74),
        "cause": c.TextColumn("Cause", width=114),
        "age": c.TextColumn("Age", width=70),
        "exposure": c.NumberColumn(
            "Exposure", format="%.2f", width=68, help="Pieces that may be sold before the Shop hears of a change."
        ),
        "note": c.TextColumn("Note", width=56),
    }


def cells(row: StockRow, page: StockPage) -> dict[str, Any]:
    return {
        "sku": row.sku,
        "name": row.title,
        "hand": row.on_hand,
        "held": row.held,
        "buffer": row.buffer,
        "cap": row.cap,
        "should": row.should,
        "shop": row.shop,
        "difference": row.difference,
        "cause": row.cause,
        "age": words.span((page.read_at - row.since).total_seconds()) if row.since else "",
        "exposure": float(row.exposure),
        "note": row.sentence,
    }


def line(row: StockRow) -> tuple[object, ...]:
    """The row in a file, under ``HEAD``."""
    since = row.since.isoformat() if row.since else ""
    read = row.read_back_at.isoformat() if row.read_back_at else ""
    return (
        row.sku, row.title, row.on_hand, row.held, row.buffer, row.cap, row.should, row.shop, row.difference, row.cause,
        row.sentence, since, row.exposure, read,
    )  # fmt: skip


def ask_to_fix(chosen: Selection, selected: Selected | None = None) -> None:
    """A button's callback."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title="Correct stock",
            verb="Correct",
            selection=chosen,
            plan=partial(stock_actions.plan_fix, connection_id),
            start=partial(stock_actions.fix, connection_id),
            selected=selected,
            note="The number it should be is sent to the Shop and read back.",
        )
    )


def action_buttons(selected: Selected) -> None:
    st.button(
        "Fix",
        key="bulk_fix",
        type="primary" if selected else "secondary",
        disabled=not selected,
        on_click=ask_to_fix,
        args=(selection.as_selection(selected), selected),
    )


def ask_to_fix_all(cause: str) -> None:
    """A button's callback: all that the last check left, or all of one cause."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title="Correct what the last check left",
            verb="Correct",
            selection=Selection(),
            plan=lambda _: stock_actions.plan_fix_cause(connection_id, cause),
            start=lambda _: stock_actions.fix_cause(connection_id, cause),
            note="The number it should be is sent to the Shop and read back.",
        )
    )


def fix_all(wanted: StockFilter) -> None:
    word = f"Fix all: {escaped(wanted.cause)}" if wanted.cause else "Fix all of the last check"
    if HERE.operates and wanted.cause != stock.NOT_CHECKED:
        st.button(word, key="fix_all", on_click=ask_to_fix_all, args=(wanted.cause,))


def clicked(click: table.Click | None) -> None:
    if click is None:
        return
    if click.label == FIX:
        ask_to_fix(Selection(ids=(click.row_id,)))
    else:
        url.put({"why": str(click.row_id)})


def head(page: StockPage) -> None:
    with page_head.show("Stock", page.read_at):
        stock_checks.button(operates=HERE.operates)


def rows_and_bar(wanted: StockFilter, page: StockPage, order: tuple[str, bool]) -> None:
    if not page.rows and any(url.get(name) for name in FILTERS):
        empty.nothing_matches(NAME, FILTERS)
        return
    if not page.rows:
        empty.state("No SKUs in the Shop yet", "Products that were sent to TikTok Shop show here with their stock.")
        return
    selected = selection.of_table(NAME, context.current_id(), wanted)
    if HERE.operates:
        selection.bar(NAME, selected, wanted, page.count, partial(action_buttons, selected))
    shape = table.Shape(f"table_{NAME}", "Stock", columns(), (FIX, WHY) if HERE.operates else (WHY,))
    ids = [row.id for row in page.rows]
    clicked(table.grid(shape, ids, [cells(row, page) for row in page.rows], selected if HERE.operates else None))
    table.pager(NAME, page.count)
    column, descending = order
    fetch = partial(stock.stock_page, context.current_id(), wanted, sort=column, descending=descending)
    sheets.download(NAME, HEAD, lambda: map(line, sheets.every_row(lambda number: fetch(page=number).rows)), page.count)


def main() -> None:
    top, bars, charts = st.container(), st.container(), st.container()
    wanted, (column, descending) = wanted_rows()
    page = table.asked_for(
        lambda number: stock.stock_page(context.current_id(), wanted, sort=column, descending=descending, page=number)
    )
    with top:
        head(page)
    with bars:
        stock_checks.under_way()
        progress.under_way(HERE)
        results.followed()
    with charts:
        if stock_charts.show():
            fix_all(wanted)
    rows_and_bar(wanted, page, (column, descending))
    stock_checks.show()
    if not bulk.show():
        stock_why.show()


main()
