"""The frame around every page: who is signed in, which connection, what needs a person, and the pages."""

from __future__ import annotations

import streamlit as st

from console import context, session
from console.components import empty, feedback, truth, url
from console.components.status import escaped
from console.refusals import help_line
from core.domain.people import Actor
from core.domain.version import BUILT, TIKTOK_API, VERSION
from core.reads import latency, overview, search
from core.reads.connections import ConnectionRow, all_connections
from core.reads.paging import Count
from core.reads.unmapped import order_words, product_words

# The icon must be set before the navigation is built, otherwise Streamlit fetches one from elsewhere.
st.set_page_config(page_title="Crossdock", page_icon="\N{PACKAGE}", layout="wide", initial_sidebar_state=220)

# Tables have ten columns: the width that Streamlit leaves empty beside them is better spent on those.
NARROW_MARGINS = "<style>[data-testid=stMainBlockContainer] {padding-left: 1rem; padding-right: 1rem}</style>"

PAGES = {
    name: st.Page(f"pages/{name}.py", title=name.capitalize(), url_path=name, default=name == "overview")
    for name in ("overview", "products", "exports", "orders", "stock", "mappings", "activity", "settings")
}


def chosen_connection(found: tuple[ConnectionRow, ...]) -> ConnectionRow | None:
    """The one in the address, else the one looked at before, else the first."""
    if not found:
        return None
    wanted = url.number("c") or st.session_state.get("_connection_id", 0)
    row = next((one for one in found if one.id == wanted), found[0])
    st.session_state["_connection_id"] = row.id
    url.put({"c": str(row.id)})
    return row


def switch_connection() -> None:
    """Rows, filters and selections belong to a connection: begin anew with the other one."""
    url.restart({"c": str(st.session_state["connection"])})


def connection_switch(found: tuple[ConnectionRow, ...], row: ConnectionRow) -> None:
    names = {one.id: one.shop_name + (" (disconnected)" if one.disconnected_at else "") for one in found}
    if len(set(names.values())) < len(names):  # a Shop of the same name elsewhere: say which store
        names = {one.id: f"{names[one.id]}, {one.store_name}" for one in found}
    st.session_state["connection"] = row.id
    st.selectbox(
        "Connection", list(names), key="connection", format_func=lambda one: names[one], on_change=switch_connection
    )


def search_box(row: ConnectionRow) -> None:
    text = st.text_input(
        "Search everything",
        key="everything",
        placeholder="Order, SKU, product, tracking, request id",
        max_chars=200,
    )
    if not (text or "").strip():
        return
    hits = search.find(row.id, text)
    if not hits:
        st.caption("Nothing found.")
    if len(hits) == 1 and hits[0].exact and st.session_state.get("_jumped") != text:
        st.session_state["_jumped"] = text
        st.switch_page(PAGES[hits[0].page], query_params={"c": str(row.id), **dict(hits[0].parameters)})
    for hit in hits:
        label = f"{hit.kind}: {escaped(hit.label)}"
        st.page_link(PAGES[hit.page], label=label, query_params={"c": str(row.id), **dict(hit.parameters)})


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def unmapped_products(connection_id: int) -> int:
    """Counting them reads the whole catalogue, so once a minute is enough."""
    return product_words(connection_id)


def unmapped_words(connection_id: int) -> int:
    """What products and orders wait for in Mappings."""
    waiting = order_words(connection_id)
    return unmapped_products(connection_id) + waiting.statuses + waiting.skus


def links(row: ConnectionRow | None) -> None:
    """The pages, with the number of things that need a person."""
    counts = {}
    if row is not None:
        waiting = overview.waiting(row.id)
        counts = {"products": waiting.products, "exports": waiting.exports, "orders": latency.orders_waiting(row.id)}
        counts["stock"] = latency.stock_waiting(row.id)
        counts["mappings"] = Count(unmapped_words(row.id))
    parameters = {"c": str(row.id)} if row is not None else None
    for name, page in PAGES.items():
        count = counts.get(name)
        label = f"{page.title} :gray[{count.text()}]" if count and count.number else page.title
        st.page_link(page, label=label, query_params=parameters)


def foot(actor: Actor) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{escaped(actor.login)} · {actor.role}", width="content")
        st.button("Sign out", key="sign_out", type="tertiary", on_click=session.sign_out)
    if asked := help_line():
        st.caption(escaped(asked))
    st.caption(f"Crossdock {VERSION} · built {BUILT} · TikTok Shop API {TIKTOK_API}")


def sidebar(actor: Actor, found: tuple[ConnectionRow, ...], row: ConnectionRow | None) -> None:
    with st.sidebar:
        st.markdown("### Crossdock")
        if row is not None:
            connection_switch(found, row)
            search_box(row)
        links(row)
        foot(actor)


def ended() -> None:
    """No session any more: nothing else is drawn."""
    st.title("Signed out")
    st.write("Your session has ended. What was queued goes on without you.")
    st.link_button("Sign in again", "/login")


def main() -> None:
    url.arrive()
    page = st.navigation(list(PAGES.values()), position="hidden")
    st.html(NARROW_MARGINS)
    actor = session.signed_in(touch=True)
    if actor is None:
        ended()
        return  # st.stop would leave the page's fragments alive, to be drawn into what is no more
    found = all_connections()
    row = chosen_connection(found)
    here = context.Context(actor, row, found)
    context.keep(here)
    sidebar(actor, found, row)
    feedback.show_toast()
    truth.line(here)
    if row is None and page.url_path not in ("settings", "activity"):
        empty.no_connection(here.administers)
        return
    page.run()


main()
