"""The order's drawer: how it stands, then Summary, Money, Timeline and Calls."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from console import actions, context, order_actions
from console.components import calls, feedback, order_bulk, sku_linking, status, url, watched, words
from console.components.status import escaped
from core.domain.counting import counted
from core.domain.order_import import SHIPPED_BEFORE
from core.domain.order_tabs import IMPORT_WORDS, status_word
from core.reads import activity, connections
from core.reads.activity import Event
from core.reads.order_detail import OrderDetail, order_detail
from core.reads.order_issues import OrderIssue, order_issues
from core.reads.order_timeline import order_timeline

SELLER_CENTERS = {"GB": "https://seller-uk.tiktok.com", "US": "https://seller-us.tiktok.com"}
_SHIPPED_BY_TIKTOK = (
    "TikTok ships this order: print its label in Seller Center and do not ship it from the store. To ship orders "
    "yourself, set the Shop's shipping options to Seller Shipping."
)
_FULFILLED_BY_TIKTOK = "TikTok fulfils this order from its own warehouse: the store's stock has no part in it."

DEDUCTION_WORDS = {
    "held": "held",
    "done": "taken off",
    "given_back": "given back",
    "unknown": "unknown",
    "not_ours": "by hand",
}


def show() -> None:
    """Open the drawer of the order in the address (``open``)."""
    order_id = url.number("open")
    if order_id:
        here = context.current()
        detail = order_detail(context.current_id(), order_id, customers=here.operates)
        title = f"Order {escaped(detail.order.id)}" if detail else "No such order"
        watched.dialog(title, _body, width="large", on_dismiss=_closed)(detail, here.operates)


def _closed() -> None:
    url.put({"open": "", "view": ""})


def _body(detail: OrderDetail | None, operates: bool) -> None:
    if detail is None:
        st.write("This connection has no order with this number.")
        return
    _head(detail)
    for issue in order_issues(context.current_id(), detail.id):
        _issue(detail.id, issue, operates=operates)
    if operates:
        _buttons(detail)
    first = "Calls" if url.get("view") == "log" else "Summary"
    tabs = st.tabs(["Summary", "Money", "Timeline", "Calls"], default=first)
    for tab, draw in zip(tabs, (_summary, _money, _timeline, _calls), strict=True):
        with tab:
            draw(detail)


def _head(detail: OrderDetail) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        status.badge(status_word(detail.order.status))
        status.badge(IMPORT_WORDS[detail.import_state])
        if detail.order.ship_by and detail.fulfilment in ("unshipped", "partly_shipped"):
            at = connections.database_time()
            due = f"ship by {words.clock(detail.order.ship_by)}, {words.left(detail.order.ship_by, at)}"
            st.caption(due, width="content")
    if detail.hold_sentence:
        st.warning(escaped(detail.hold_sentence))
    if detail.store is not None and detail.store.sentence:
        st.warning(escaped(detail.store.sentence))
    if detail.order.shipping_type == "TIKTOK" and not detail.order.by_tiktok:
        st.info(_SHIPPED_BY_TIKTOK)
    if detail.order.by_tiktok:
        st.info(f"{_FULFILLED_BY_TIKTOK} {_completion(detail)}")


def _issue(order_id: int, issue: OrderIssue, *, operates: bool) -> None:
    """What somebody has to see to, and where it stays until they say that they did."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"order_issue_{issue.id}"):
        st.warning(escaped(f"{issue.sentence} {issue.fix}"))
        if operates and st.button(
            "Settled", key=f"settle_issue_{issue.id}", help="It shows again if it happens again."
        ):
            settling = (context.current_id(), order_id, issue.id, issue.times)
            feedback.then_rerun("Settled.", order_actions.settle_issue, *settling)


def _completion(detail: OrderDetail) -> str:
    """What completes the store order of an order that TikTok fulfils."""
    if detail.import_state != "imported":
        return ""
    if actions.load_settings(context.current_id()).query_shipping_change:
        return "Its store order is completed when TikTok tells a tracking number."
    return "Its store order is not completed by tracking: switch on Pull tracking from TikTok in Settings, Orders."


def _buttons(detail: OrderDetail) -> None:
    connection_id = context.current_id()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        may_import = detail.import_state in ("waiting", "held", "unknown", "not_wanted")
        if may_import and detail.order.status != "CANCELLED" and detail.hold != SHIPPED_BEFORE.code:
            word = "Retry" if detail.tries or detail.import_state == "held" else "Import now"
            if st.button(word, key="drawer_import", type="primary"):
                run_id = feedback.told(order_actions.import_one, connection_id, detail.id, done="Queued.")
                order_bulk.follow_run(run_id)
        if detail.import_state == "imported" and st.button("Sync status", key="drawer_sync"):
            run_id = feedback.told(order_actions.sync_one, connection_id, detail.id, done="Queued.")
            order_bulk.follow_run(run_id)
        here = context.current().connection
        seller_center = SELLER_CENTERS.get(here.region if here else "")
        if seller_center:
            st.link_button("Open in Seller Center", f"{seller_center}/order/detail?order_no={detail.order.id}")


def _summary(detail: OrderDetail) -> None:
    sku_linking.offer(detail)
    _lines(detail)
    left, right = st.columns(2)
    with left:
        _customer(detail)
    with right:
        _facts(detail)
    for parcel in detail.parcels:
        tracking = f"{parcel.provider_name} {parcel.tracking_number}".strip() or "no tracking number yet"
        units = f", {counted(len(parcel.lines), 'unit')}" if parcel.lines else ""
        st.text(f"Package {parcel.package_id or 'without a number'}: {tracking}{units}")


def _lines(detail: OrderDetail) -> None:
    frame = pd.DataFrame(
        [
            {
                "Title": ("↳ component" if line.part else line.title) + (" (gift)" if line.gift else ""),
                "Variant": line.sku_title,
                "TikTok SKU": line.seller_sku or line.sku_remote_id,
                "Store SKU": _linked(line.variant_id, line.variant_sku, bundle=line.bundle),
                "Price": float(line.original_price),
                "Paid": float(line.sale_price),
                "Status": line.cancel_reason or line.status,
                "Store stock": DEDUCTION_WORDS.get(line.deduction or "", line.deduction or ""),
            }
            for line in detail.lines
        ]
    )
    price = st.column_config.NumberColumn(format="%.2f")
    height = min(36 * (len(frame) + 1) + 2, 360)
    st.dataframe(
        frame, hide_index=True, lazy=False, height=height, column_config={"Price": price, "Paid": price},
        alt="Lines of the order with their store SKUs",
    )  # fmt: skip


def _linked(variant_id: int | None, sku: str | None, *, bundle: bool) -> str:
    if bundle:
        return "by its components"
    return "not linked" if variant_id is None else sku or f"variant {variant_id}"


def _customer(detail: OrderDetail) -> None:
    found = detail.customer
    st.markdown("**Customer**")
    told = [part for part in (found.name, *found.lines, found.phone, found.email) if part]
    if told:
        st.text("\n".join(dict.fromkeys(told)))
    for label, said in (("Buyer", found.message), ("Seller note", found.seller_note)):
        if said:
            st.text(f"{label}: {said}")
    if found.note:
        st.caption(escaped(found.note))


def _facts(detail: OrderDetail) -> None:
    order, store = detail.order, detail.store
    facts = {
        "Placed": words.clock(order.created_at),
        "Paid": words.clock(order.paid_at) or "not yet",
        "Payment": order.payment_method,
        "Delivery": order.delivery_option or order.shipping_type,
        "Marks": ", ".join(detail.tags),
        "Replaces": order.replaced_order_id,
        "Received": words.clock(detail.received_at),
    }
    if store is not None and store.state == "created":
        facts |= {
            "Store order": store.number or store.remote_id or "",
            "Store status": store.status,
            "Created in store": words.clock(store.created_at),
            "Status sent": words.clock(store.status_sent_at) or "not needed yet",
        }
    st.markdown("**Order**")
    st.text("\n".join(f"{name}: {value}" for name, value in facts.items() if value))


def _money(detail: OrderDetail) -> None:
    money = detail.money
    amounts = [{"": line.label, "TikTok": line.shop, "Store": line.store} for line in money.lines]
    amounts.append({"": "Total", "TikTok": money.shop_total, "Store": money.store_total})
    if money.difference is not None:
        amounts.append({"": "Difference", "TikTok": None, "Store": money.difference})
    frame = pd.DataFrame(amounts)
    for side in ("TikTok", "Store"):
        frame[side] = pd.to_numeric(frame[side].astype(object).where(frame[side].notna(), None), errors="coerce")
    amount = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        frame, hide_index=True, lazy=False, height=36 * (len(frame) + 1) + 2, placeholder="",
        column_config={"TikTok": amount, "Store": amount}, alt="Money on both sides",
    )  # fmt: skip
    st.caption(f"In {money.currency}. " + (escaped(money.explained) or "There is no store order yet to compare with."))


def _timeline(detail: OrderDetail) -> None:
    at = connections.database_time()
    for event in order_timeline(detail):
        with st.container(horizontal=True, vertical_alignment="top", gap="small"):
            st.caption(words.ago(event.at, at), help=words.clock(event.at), width=110)
            st.markdown(_said(event), width="stretch")
            if event.request_id:
                st.code(event.request_id, language=None, width=270)  # with a button that copies it


def _said(event: Event) -> str:
    tone = "red" if event.failed else "gray"
    return f":{tone}[**{escaped(event.title)}**] {escaped(event.text)}"


def _calls(detail: OrderDetail) -> None:
    rows = activity.calls_about(detail.subjects, most=30)
    if not rows:
        st.write("No call about this order is kept.")
    calls.listed(rows, "order_call")
