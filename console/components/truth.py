"""The first line of every page: how the connection stands, or what is wrong with it and the one button that helps."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from console import actions, context
from console.components import feedback
from console.components.status import escaped
from core.domain.counting import counted
from core.domain.statuses import Tone
from core.reads import connections
from core.reads.connections import ConnectionRow, Trouble
from core.reads.unmapped import mapping_troubles

PLATFORMS = {"shopwired": "ShopWired"}


def line(here: context.Context) -> None:
    """Never two banners: the worst one, with how many more there are."""
    row = here.connection
    if row is None:
        return
    at = connections.database_time()
    found = troubles(row, at)
    if not found:
        _healthy(here, row, at)
        return
    worst = found[0]
    more = f" And {len(found) - 1} more." if len(found) > 1 else ""
    text = f"**{escaped(worst.sentence)}** {escaped(worst.stopped)}{more}"
    with st.container(horizontal=True, vertical_alignment="center", key="truth"):
        (st.error if worst.tone == Tone.RED else st.warning)(text)
        there = {"c": str(row.id), **dict(worst.parameters)}
        st.page_link(f"pages/{worst.page}.py", label=worst.button, query_params=there)


def troubles(row: ConnectionRow, at: datetime) -> tuple[Trouble, ...]:
    """Worst first: what is red, then what stands still by now, then what will."""
    found = connections.troubles(row, at)
    if row.disconnected_at is not None:
        return found
    return tuple(sorted((*mapping_troubles(row.id), *found), key=lambda one: one.tone != Tone.RED))


def _healthy(here: context.Context, row: ConnectionRow, at: datetime) -> None:
    platform = PLATFORMS.get(row.platform, row.platform)
    names = f"{escaped(row.store_name)} ({platform}) → {escaped(row.shop_name)} (TikTok {row.region})"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="truth"):
        st.markdown(f":green[●] Connected · {names}", width="content")
        if dates := token_dates(row, at):
            st.caption(dates, width="content")
        if here.operates and st.button("Test", key="truth_test", type="tertiary"):
            feedback.said(actions.test_shop, row.id)


def token_dates(row: ConnectionRow, at: datetime) -> str:
    """How long the tokens are good; times are GMT."""
    words = []
    if row.access_expires_at:
        words.append(f"token good until {row.access_expires_at:%d %b %H:%M} GMT")
    if row.refresh_expires_at:
        days = max((row.refresh_expires_at - at).days, 0)
        words.append(f"re-authorise by {row.refresh_expires_at:%d %b} ({counted(days, 'day')})")
    return " · ".join(words)
