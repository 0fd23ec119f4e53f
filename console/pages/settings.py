"""Connections, how products, orders and stock are kept in step, and people."""

from __future__ import annotations

from console import context
from console.components import (
    connecting,
    connection_view,
    empty,
    filters,
    flow_settings,
    page_head,
    people_view,
    product_settings,
)

HERE = context.current()
VIEWS = {"connection": "Connection", "products": "Products", "orders": "Orders", "stock": "Stock"}
VIEWS |= {"people": "People"} if HERE.administers else {}


def connection() -> None:
    if HERE.administers:
        connecting.answers()
    if HERE.connection is None and not HERE.administers:
        empty.no_connection(False)
    connection_view.show(HERE)
    if HERE.administers:
        connecting.show()


def products() -> None:
    if HERE.connection is None:
        empty.no_connection(HERE.administers)
    product_settings.show(HERE)


def orders() -> None:
    if HERE.connection is None:
        empty.no_connection(HERE.administers)
    flow_settings.orders(HERE)


def stock() -> None:
    if HERE.connection is None:
        empty.no_connection(HERE.administers)
    flow_settings.stock(HERE)


def main() -> None:
    page_head.show("Settings")
    chosen = filters.views("settings", VIEWS)
    draw = {"connection": connection, "products": products, "orders": orders, "stock": stock}
    draw |= {"people": people_view.show}
    draw[chosen]()


main()
