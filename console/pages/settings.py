"""Connections, what is sent of products and how, and people."""

from __future__ import annotations

import streamlit as st

from console import context
from console.components import connecting, connection_view, empty, filters, people_view, product_settings

HERE = context.current()
VIEWS = {"connection": "Connection", "products": "Products"} | ({"people": "People"} if HERE.administers else {})


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


def main() -> None:
    st.title("Settings")
    chosen = filters.views("settings", VIEWS)
    {"connection": connection, "products": products, "people": people_view.show}[chosen]()


main()
