"""Banners over the orders: TikTok ships some of them, and what to set for another way."""

from __future__ import annotations

import streamlit as st

from console import context
from core.reads.order_notices import order_notices

SHIPPED_BY_TIKTOK = (
    "TikTok ships some of these orders. They are imported and marked, and cannot be shipped from the store: print "
    "their labels in Seller Center. To ship orders from the store, set Shipping, Shipping Options in Seller Center to "
    "Seller Shipping; that counts for orders placed from then on."
)
NOT_COMPLETED = (
    "TikTok fulfils some of these orders from its own warehouse, and the store does not get their tracking: to have "
    "their store orders completed by it, switch on Pull tracking from TikTok in Settings, Orders."
)


def show() -> None:
    found = order_notices(context.current_id())
    if found.shipped_by_tiktok:
        st.warning(SHIPPED_BY_TIKTOK)
    if found.not_completed:
        st.info(NOT_COMPLETED)
