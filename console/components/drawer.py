"""The product's drawer: its status, then Summary, Problems, TikTok only, Timeline and Calls."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from console import context
from console.components import calls, own_content_form, problem_fixes, status, url, watched, words
from console.components.status import escaped
from core.config import settings
from core.domain.counting import counted
from core.domain.description import as_text
from core.domain.listing import Severity
from core.domain.statuses import Tone, Word
from core.reads import activity, connections
from core.reads.exports import Reason
from core.reads.product_detail import ListingRow, ProductDetail, product_detail
from core.services.product_preview import Preview, preview

SEVERITY = {
    Severity.ERROR: Word("Stops it", Tone.RED, "The product cannot be sent."),
    Severity.WARNING: Word("Warning", Tone.AMBER, "It can be sent, and something is lost or doubtful."),
    Severity.NOTE: Word("Note", Tone.GREY, "For information."),
}
SHOP_PAGE = "https://shop.tiktok.com/view/product"
_VIEWS = {"problems": "Problems", "log": "Calls", own_content_form.VIEW: "TikTok only"}  # by ``view`` in the address
_SIDES = {
    "sku": "SKU",
    "options": "Options",
    "store_price": "Store price",
    "shop_price": "TikTok price",
    "store_stock": "Store stock",
    "shop_quantity": "TikTok stock",
    "sent_price": "Price sent",
    "sent_quantity": "Stock sent",
    "error": "Refused because",
}


def show() -> None:
    """Open the drawer of the product in the address (``open``)."""
    product_id = url.number("open")
    if product_id:
        detail = product_detail(context.current_id(), product_id)
        title = escaped(detail.title) if detail else "No such product"
        watched.dialog(title, _body, width="large", on_dismiss=_closed)(detail)


def _closed() -> None:
    url.put({"open": "", "view": ""})


def _body(detail: ProductDetail | None) -> None:
    if detail is None:
        st.write("This connection has no product with this number. It may have been deleted in the store.")
        return
    word = status.product_word(detail.status)
    with st.container(horizontal=True, vertical_alignment="center"):
        status.badge(word)
        st.caption(escaped(detail.status_sentence or word.sentence))
    first = _VIEWS.get(url.get("view"), "Summary")
    names = ["Summary", f"Problems {len(detail.problems)}".removesuffix(" 0"), "TikTok only", "Timeline", "Calls"]
    default = next(name for name in names if name.startswith(first))
    tabs = st.tabs(names, default=default)
    for tab, draw in zip(tabs, (_summary, _problems, own_content_form.show, _timeline, _calls), strict=True):
        with tab:
            draw(detail)


def _summary(detail: ProductDetail) -> None:
    source = f" ({detail.category_source})" if detail.category_source else ""
    facts = {
        "Sync": status.SYNC_WORDS.get(detail.sync, detail.sync),
        "Category": f"{detail.category}{source}" if detail.category else "none",
        "Brand": detail.brand or "none",
        "Store id": detail.remote_id,
        "Pictures": str(len(detail.picture_urls)),
        "In the store": "active" if detail.active else "hidden",
    }
    st.text("\n".join(f"{name}: {value}" for name, value in facts.items()))
    live = next((row for row in detail.listings if row.ended_at is None), None)
    _addresses(detail, live)
    _sides(detail)
    if live is not None:
        _listing(live)
    _both_sides(detail, live)


def _addresses(detail: ProductDetail, live: ListingRow | None) -> None:
    """The short link, to be copied, and where the product stands on both sides."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if detail.short_code:
            st.code(f"{settings().gateway_url}/tiktok-{detail.short_code}", language=None, width="content")
        if detail.url.startswith(("http://", "https://")):
            st.link_button("Open in store", detail.url)
        if live is not None and live.remote_id and live.tiktok_status == "ACTIVATE":
            here = context.current().connection
            region = here.region if here else ""
            st.link_button("Open in Shop", f"{SHOP_PAGE}/{live.remote_id}?region={region}")


def _sides(detail: ProductDetail) -> None:
    frame = pd.DataFrame([{name: getattr(sku, name) for name in _SIDES} for sku in detail.skus[:50]])
    if frame.empty:
        return
    if not frame["error"].any():
        frame = frame.drop(columns="error")
    price = st.column_config.NumberColumn(format="%.2f")
    prices = {name: price | {"label": _SIDES[name]} for name in ("store_price", "shop_price", "sent_price")}
    st.dataframe(frame, hide_index=True, lazy=False, column_config=_SIDES | prices, alt="Store and TikTok side by side")
    if len(detail.skus) > 50:
        st.caption(f"The first 50 of {len(detail.skus):,} variants.")


def _listing(live: ListingRow) -> None:
    words_ = [
        f"TikTok id: {live.remote_id or 'not known yet'}",
        f"TikTok status: {live.tiktok_status or 'not told yet'}, review {live.audit_status or 'not told yet'}",
        f"Sent: {words.clock(live.sent_at) or 'not yet'}",
        f"Review round: {live.review_round}",
    ]
    st.text("\n".join(words_))
    if live.state_sentence:
        st.info(escaped(live.state_sentence))
    reasons(live.reasons)


def reasons(found: tuple[Reason, ...]) -> None:
    """The Shop's reasons in its own words, with what it suggests."""
    for reason in found:
        said = "; ".join(reason.reasons)
        st.error(escaped(f"{reason.position}: {said}" if reason.position else said))
        for suggestion in reason.suggestions:
            st.caption(escaped(suggestion))


def _both_sides(detail: ProductDetail, live: ListingRow | None) -> None:
    """Title and description as the store has them, and as they were sent or would be."""
    draft = live.draft if live is not None else None
    found = preview(context.current_id(), detail.id)
    if draft:
        said, title, text = "Sent to TikTok", str(draft.get("title", "")), str(draft.get("description", ""))
    elif found is not None:
        said = "Would be sent to TikTok" if found.ready else "Would be sent to TikTok once nothing stops it"
        title, text = found.titles[0], found.description
    else:
        return
    left, right = st.columns(2)
    for side, words_, name, html in ((left, "Store", detail.title, detail.description), (right, said, title, text)):
        side.caption(words_)
        side.text(name)
        side.code(as_text(html), language=None, height=200, wrap_lines=True)
    if found is not None:
        _changes(found)


def _changes(found: Preview) -> None:
    """What is lost on the way, and what becomes of each picture."""
    if len(found.titles) > 1:
        st.caption(f"{len(found.titles)} listings, one for each variant.")
    for note in found.notes:
        st.caption(escaped(note))
    if found.pictures:
        with st.expander(f"How its {counted(len(found.pictures), 'picture')} would go"):
            st.text("\n".join(note for picture in found.pictures for note in picture.notes))


def _problems(detail: ProductDetail) -> None:
    if not detail.problems:
        st.write("Nothing is wrong with this product.")
    for problem in detail.problems:
        with st.container(horizontal=True, vertical_alignment="top"):
            status.badge(SEVERITY[problem.severity])
            st.markdown(f"{escaped(problem.sentence)}  \n{escaped(problem.fix)}")

    if context.current().operates:
        problem_fixes.show(detail)


def _timeline(detail: ProductDetail) -> None:
    at = connections.database_time()
    events = activity.timeline(detail.subjects, hints=detail.hints, accounts=detail.accounts)
    if not events:
        st.write("Nothing has happened to this product yet.")
    for event in events:
        with st.container(horizontal=True, vertical_alignment="top", gap="small"):
            st.caption(words.ago(event.at, at), help=words.clock(event.at), width=130)
            tone = "red" if event.failed else "gray"
            st.markdown(f":{tone}[**{escaped(event.title)}**] {escaped(event.text)}", width="stretch")
            if event.request_id:
                st.code(event.request_id, language=None, width=270)  # with a button that copies it


def _calls(detail: ProductDetail) -> None:
    rows = activity.calls_about(detail.subjects, most=30)
    if not rows:
        st.write("No call about this product is kept.")
    calls.listed(rows, "drawer_call")
