"""The Shop's orders, what became of each in the store, and what they wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import streamlit as st

from console import context
from console.components import (
    bulk,
    dates,
    empty,
    filters,
    order_bulk,
    order_drawer,
    order_map,
    order_notices,
    order_view,
    page_head,
    progress,
    results,
    selection,
    sheets,
    table,
    url,
)
from console.components.selection import Selected
from core.domain.filters import OrderFilter, Selection
from core.domain.order_tabs import NEEDS_A_PERSON, ORDER_TABS, STATUS_WORDS, WAITING
from core.reads import orders
from core.reads.orders import OrderPage, OrderRow
from core.reads.products import Choice

HERE = context.current()
NAME = "orders"
FILTERS = ("q", "tab", "status", "store", "hold", "issue", "first", "last", "area", "channel", "before")
SORTS = {
    "date": "Newest first",
    "date-up": "Oldest first",
    "ship-up": "Unshipped, ship by soonest",
}
CHANNELS = {"seller": "Shipped by you", "tiktok": "Shipped by TikTok", "fbt": "Fulfilled by TikTok"}
IMPORT, SYNC, LOG, DETAILS = "Import again", "Sync status", "View log", "Details"


def wanted_rows() -> tuple[OrderFilter, tuple[str, bool]]:
    """The filters and the order, all of them in the address."""
    tab, connection_id = url.get("tab"), context.current_id()
    known_store = orders.store_status_choices(connection_id)
    statuses = [Choice(name, word.label) for name, word in STATUS_WORDS.items()]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="order_filters"):
        text = filters.search(NAME, "Id, SKU, product, tracking, customer")
        status = filters.choice(NAME, "status", "TikTok status", statuses, width=150)
        in_store = filters.choice(NAME, "store", "store status", known_store, width=150)
        channel = filters.choice(NAME, "channel", "channel", [Choice(*one) for one in CHANNELS.items()], width=140)
        first, last = dates.day(NAME, "first", "From day"), dates.day(NAME, "last", "To day")
        order = filters.sorting(NAME, SORTS)
        filters.clear_button(NAME, FILTERS)
    wanted = OrderFilter(
        tab=tab if tab in ORDER_TABS else "", text=text, status=status, store=in_store, hold=url.get("hold"),
        issue=url.get("issue"), first=first, last=last, area=url.get("area"), channel=channel, before=url.get("before"),
        unshipped=order[0] == "ship",
    )  # fmt: skip
    return wanted, order


def action_buttons(selected: Selected) -> None:
    chosen = selection.as_selection(selected)
    for key, label, ask in (
        ("bulk_import", IMPORT, order_bulk.ask_to_import),
        ("bulk_sync", SYNC, order_bulk.ask_to_sync),
    ):
        st.button(
            label,
            key=key,
            type="primary" if key == "bulk_import" and selected else "secondary",
            disabled=not selected,
            on_click=ask,
            args=(chosen, selected),
        )


def clicked(click: table.Click | None) -> None:
    if click is None:
        return
    if click.label == IMPORT:
        order_bulk.ask_to_import(Selection(ids=(click.row_id,)))
    elif click.label == SYNC:
        order_bulk.ask_to_sync(Selection(ids=(click.row_id,)))
    else:
        url.put({"open": str(click.row_id), "view": "log" if click.label == LOG else ""})


def head(page: OrderPage) -> None:
    with page_head.show("Orders", page.read_at):
        on_map = url.get("show") == "map"
        st.button(
            "List" if on_map else "Map",
            key="orders_view_map",
            type="tertiary",
            icon=":material/list:" if on_map else ":material/map:",
            on_click=url.put,
            args=({"show": "" if on_map else "map"},),
        )
        if HERE.operates:
            order_bulk.download_range()


# What an empty tab means, where nothing else narrows the list.
EMPTY_TABS = {
    NEEDS_A_PERSON: ("No order needs a person", "What the store refuses or nobody can explain shows here."),
    WAITING: ("No order waits", "Orders with an unknown SKU, an unmapped status or too little stock wait here."),
}


def nothing_here(wanted: OrderFilter) -> None:
    narrowed = [name for name in FILTERS if url.get(name)]
    if narrowed == ["tab"] and url.get("tab") in EMPTY_TABS:
        empty.state(*EMPTY_TABS[url.get("tab")])
        return
    if narrowed:
        empty.nothing_matches(NAME, FILTERS)
        return
    if wanted.unshipped:
        empty.state("No unshipped order", "This sorting lists only what has not left yet.")
        return
    empty.state(
        "No orders yet",
        "Orders of the last 30 days are read when a Shop is connected, new ones as they come. "
        "If order reading is switched off, it is under Settings, Orders.",
    )


def rows_and_bar(wanted: OrderFilter, page: OrderPage, order: tuple[str, bool]) -> None:
    if not page.rows:
        nothing_here(wanted)
        return
    selected = selection.of_table(NAME, context.current_id(), wanted)
    if HERE.operates:
        selection.bar(NAME, selected, wanted, page.count, partial(action_buttons, selected))
    due = order_view.distinct([order_view.due_word(row, page.read_at) for row in page.rows])
    store = order_view.distinct([order_view.store_word(row) for row in page.rows])
    currency = HERE.connection.currency if HERE.connection else ""
    menu = (IMPORT, SYNC, LOG, DETAILS) if HERE.operates else (LOG, DETAILS)
    shape = table.Shape(f"table_{NAME}", "Orders", order_view.columns(currency, due, store), menu)
    found = [order_view.cells(row, page.read_at) for row in page.rows]
    clicked(table.grid(shape, [row.id for row in page.rows], found, selected if HERE.operates else None))
    table.pager(NAME, page.count)
    below(wanted, page, order)


def below(wanted: OrderFilter, page: OrderPage, order: tuple[str, bool]) -> None:
    """Where the list goes on past its pages, and the rows as a file."""
    with st.container(horizontal=True, gap="small"):
        if page.after:
            further = {"before": page.after, url.PAGE: ""}
            st.button("Older orders", key="orders_view_older", type="tertiary", on_click=url.put, args=(further,))
        if wanted.before:
            newest = {"before": "", url.PAGE: ""}
            st.button("Back to the newest", key="orders_view_newest", type="tertiary", on_click=url.put, args=(newest,))
    column, descending = order
    fetch = partial(
        orders.orders_page, context.current_id(), wanted, sort=column, descending=descending, customers=HERE.operates
    )
    lines = partial(_lines, lambda number: fetch(page=number).rows)
    sheets.download(NAME, order_view.HEAD, lines, page.count)


def _lines(fetch: Callable[[int], Sequence[OrderRow]]) -> Iterator[tuple[object, ...]]:
    return map(order_view.line, sheets.every_row(fetch))


def main() -> None:
    top, bars, tabs_place = st.container(), st.container(), st.container()
    wanted, (column, descending) = wanted_rows()
    fetch = partial(
        orders.orders_page, context.current_id(), wanted, sort=column, descending=descending, customers=HERE.operates
    )
    page = table.asked_for(lambda number: fetch(page=number))
    with top:
        head(page)
    with bars:
        order_notices.show()
        progress.under_way(HERE)
        results.followed()
    with tabs_place:
        counts = orders.tab_counts(context.current_id(), wanted, customers=HERE.operates)
        filters.tabs(NAME, counts, {"": "All"} | {tab: tab for tab in ORDER_TABS})
    if wanted.tab in (NEEDS_A_PERSON, WAITING) or wanted.hold:
        order_bulk.groups(wanted.tab, operates=HERE.operates)
    if url.get("show") == "map":
        order_map.show(wanted, customers=HERE.operates)
    else:
        rows_and_bar(wanted, page, (column, descending))
    if not bulk.show():
        order_drawer.show()


main()
