"""The bulk actions on orders, the retry of what waits for one cause, and reading a range of days again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import streamlit as st

from console import context, order_actions
from console.components import bulk, feedback, url, words
from console.components.selection import Selected
from console.components.status import escaped
from core.domain.filters import OrderFilter, Selection
from core.domain.order_tabs import NEEDS_A_PERSON, PASSING, hold_words, issue_words
from core.reads import connections, orders
from core.reads.order_issues import issue_groups

MOST_DAYS = 400


def ask_to_import(chosen: Selection, selected: Selected | None = None) -> None:
    """A button's callback."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title="Import again",
            verb="Import",
            selection=chosen,
            plan=partial(order_actions.plan_import, connection_id),
            start=partial(order_actions.import_again, connection_id),
            selected=selected,
            note="The store is asked for each order before it is created, so none is made twice.",
        )
    )


def ask_to_sync(chosen: Selection, selected: Selected | None = None) -> None:
    """A button's callback."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title="Sync status",
            verb="Sync",
            selection=chosen,
            plan=partial(order_actions.plan_status, connection_id),
            start=partial(order_actions.sync_status, connection_id),
            selected=selected,
            note="The store order gets the status that its TikTok status is mapped to.",
        )
    )


def ask_to_retry(hold: str) -> None:
    """A button's callback: all orders that wait for one cause."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title="Import again",
            verb="Import",
            selection=Selection(orders=OrderFilter(hold=hold)),
            plan=lambda _: order_actions.plan_retry(connection_id, hold),
            start=lambda _: order_actions.retry_held(connection_id, hold),
            note=f"All that wait for one cause: {hold_words(hold)}. The store is asked for each before it is created.",
        )
    )


def groups(tab: str, *, operates: bool) -> None:
    """What orders of a tab wait for, by cause, each with its filter and its retry."""
    at = connections.database_time()
    for group in orders.hold_groups(context.current_id(), tab=tab):
        if group.hold in PASSING and tab not in ("", NEEDS_A_PERSON):
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"hold_{group.hold}"):
            st.markdown(f"**{group.orders:,}** {escaped(hold_words(group.hold, group.orders))}", width="content")
            due = f"first to ship {words.left(group.ship_by, at)}" if group.ship_by else ""
            st.caption(escaped(" · ".join(part for part in (group.sentence, due) if part)), width="stretch")
            _see_button("hold", group.hold)
            if operates:
                st.button("Retry these", key=f"retry_hold_{group.hold}", on_click=ask_to_retry, args=(group.hold,))
    if tab == NEEDS_A_PERSON:
        _issue_groups()


def _issue_groups() -> None:
    """What is the matter with orders that the store has; each is settled in its drawer."""
    for group in issue_groups(context.current_id()):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"issue_{group.code}"):
            words_of = escaped(issue_words(group.code, group.orders))
            st.markdown(f"**{group.orders:,}** {words_of}", width="content")
            st.caption(escaped(group.fix), width="stretch")
            _see_button("issue", group.code)


def _see_button(kind: str, code: str) -> None:
    """Narrow the list to what waits for a cause (``hold``) or has an issue (``issue``), and back."""
    chosen = url.get(kind) == code
    other = {"hold": "", "issue": ""} | {kind: "" if chosen else code}
    st.button(
        "See all" if chosen else "See them",
        key=f"see_{kind}_{code}_tab_",
        type="tertiary",
        on_click=url.put,
        args=(other | {url.PAGE: ""},),
    )


def download_range() -> None:
    """Read orders again from TikTok, all updated from one day to another."""
    today = datetime.now(UTC).date()
    with st.popover("Download a range", key="download_range", type="tertiary", icon=":material/cloud_download:"):
        st.caption("Reads every order again that changed on TikTok on these days (UTC), in case one was missed.")
        earliest = today - timedelta(days=MOST_DAYS)
        week = today - timedelta(days=7)
        first = st.date_input("From", value=week, min_value=earliest, max_value=today, key="range_first")
        last = st.date_input("To", value=today, min_value=earliest, max_value=today, key="range_last")
        if st.button("Read again", key="range_start") and first is not None:
            run_id = feedback.told(order_actions.download_orders, context.current_id(), first, last, done="Queued.")
            follow_run(run_id)


def follow_run(run_id: int | None) -> None:
    """Show the run's progress and then its results above the table."""
    if run_id is not None:
        url.put({"run": str(run_id), "open": ""})
        st.rerun()
