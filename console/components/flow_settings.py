"""The settings about orders and stock: each a sentence saying what happens when it is on and off (G4 to G9, G13, G15).

What depends on a setting appears and disappears with it, so these are no form: each change waits for Save.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import streamlit as st

from console import actions, context
from console.components import feedback
from core.domain.counting import noun
from core.reads.latency import orders_held, orders_left_out
from core.reads.order_mappings import shipping_rates
from core.services.settings_of_connection import ConnectionSettings

SWITCHES = {
    "order_download": (
        "Read orders",
        "On: the Shop's orders are read within seconds and shown here. Off: no order is read, and none reserves stock.",
    ),
    "order_import": (
        "Import orders",
        "On: every TikTok order becomes one order in the store. Off: orders are shown here and nowhere else.",
    ),
    "stock_import": (
        "Take sold units off the store's stock",
        "On: a unit sold on TikTok is deducted in the store though its order is not imported. "
        "Off: the merchant deducts by hand.",
    ),
    "order_status_sync": (
        "Follow the order's status",
        "On: the store order gets the status that its TikTok status is mapped to, cancellations apart. "
        "Off: it keeps the status it was created with.",
    ),
    "query_status_change": (
        "Pull cancellations from TikTok",
        "On: an order cancelled on TikTok is cancelled in the store while it is unshipped there, and its goods go back "
        "on the shelf; cancelled lines are noted on it. Off: the store order stays as it is, for a person to cancel.",
    ),
    "query_shipping_change": (
        "Pull tracking from TikTok",
        "On: a tracking number that TikTok has is put on the store order, once, unless that has tracking of its own; "
        "an order that TikTok fulfils is completed by it. Off: tracking is shown here and stays out of the store.",
    ),
    "add_platform_discount_back": (
        "Add TikTok's own discount back",
        "On: the store order is worth what the buyer paid plus the part that TikTok pays. "
        "Off: its total is what the buyer paid.",
    ),
    "customer_emails": (
        "Let the store e-mail buyers",
        "On: the store sends its own e-mails about imported orders. Off: buyers hear from TikTok only.",
    ),
    "inventory_upload": (
        "Keep stock equal",
        "On: stock changed in the store is sent to the Shop within seconds. Off: the Shop's stock stays as it is.",
    ),
    "nightly_stock_check": (
        "Check stock every night",
        "On: at 02:00 in London every SKU is compared and put right. Off: only checks that a person starts run.",
    ),
    "continue_selling": (
        "Continue selling at 0",
        "On: what is sold out stays on offer, as many as the cap says or one, and its orders are imported; other "
        "integrations that ship from this store may oversell. Off: nothing is offered that is not on the shelf.",
    ),
}
NUMBERS = {
    "stock_buffer": "Keep back this many of each SKU (one number for all Shops of the store: the greatest counts)",
    "stock_cap": "Offer at most this many of each SKU (empty: no limit)",
    "low_stock_alert": "Say so when a SKU's stock falls below this (empty: never)",
}
RATE = (
    "Shipping rate of imported orders",
    "Chosen: every order imported from now on carries this rate of the store's, and its shipping still costs what "
    "TikTok says; the buyer's delivery option is noted in its comments. None: it carries the delivery option's name. "
    "While the store no longer has the rate, orders wait.",
)


def orders(here: context.Context) -> None:
    if here.connection is None:
        return
    now, off = _begin("Orders", here), not here.administers
    values = {name: _switch(name, now, off) for name in ("order_download", "order_import")}
    if values["order_import"]:
        names: tuple[str, ...] = ("order_status_sync", "query_status_change", "query_shipping_change")
        names += ("add_platform_discount_back", "customer_emails")
        values |= {name: _switch(name, now, off) for name in names}
        values["default_shipping_rate"] = _rate(here.connection.id, now, off)
    else:
        values["stock_import"] = _switch("stock_import", now, off)
    waiting = orders_held(here.connection.id)
    if _differs(now, values):
        orders = noun(waiting.number, "order that waits now is", "orders that wait now are")
        st.caption(f"Saved, the {waiting.text()} {orders} decided again by the new rules.")
    if values["order_import"] and not now.order_import:
        left_out = orders_left_out(here.connection.id)
        orders = noun(left_out.number, "So is the {} order", "So are the {} orders").format(left_out.text())
        st.caption(
            f"{orders} left out while importing was off. Those that have left already, or whose stock Crossdock has "
            "taken off, stay out."
        )
    _save("orders", here.connection.id, now, values, off)


def stock(here: context.Context) -> None:
    if here.connection is None:
        return
    now, off = _begin("Stock", here), not here.administers
    values: dict[str, Any] = {"inventory_upload": _switch("inventory_upload", now, off)}
    if values["inventory_upload"]:
        values |= {name: _switch(name, now, off) for name in ("nightly_stock_check", "continue_selling")}
        values |= {name: _number(name, now, off) for name in ("stock_buffer", "stock_cap")}
    values["low_stock_alert"] = _number("low_stock_alert", now, off)
    if _differs(now, values):
        st.caption("Saved, every SKU is looked at again, and what changes is sent.")
    _save("stock", here.connection.id, now, values, off)


def _begin(title: str, here: context.Context) -> ConnectionSettings:
    st.subheader(title)
    if not here.administers:
        st.caption("Only an administrator can change these.")
    assert here.connection is not None
    return actions.load_settings(here.connection.id)


def _switch(name: str, now: ConnectionSettings, off: bool) -> bool:
    label, sentence = SWITCHES[name]
    chosen = st.toggle(label, getattr(now, name), key=f"set_{name}", disabled=off)
    st.caption(sentence)
    return chosen


def _number(name: str, now: ConnectionSettings, off: bool) -> str:
    return str(
        st.text_input(NUMBERS[name], _shown(getattr(now, name)), key=f"set_{name}", disabled=off, width=460) or ""
    )


def _rate(connection_id: int, now: ConnectionSettings, off: bool) -> str:
    """Chosen from the store's rates; typed where the store does not tell them."""
    label, sentence = RATE
    known, key, present = shipping_rates(connection_id), "set_default_shipping_rate", now.default_shipping_rate
    if known is None:
        chosen = st.text_input(label, present, key=key, disabled=off, width=460, max_chars=100) or ""
    else:
        options = ["", *known] if present in ("", *known) else ["", *known, present]
        chosen = st.selectbox(
            label, options, options.index(present), key=key, disabled=off, width=460,
            format_func=lambda name: _rate_word(name, known),
        )  # fmt: skip
    st.caption(sentence)
    return str(chosen)


def _rate_word(name: str, known: tuple[str, ...]) -> str:
    if not name:
        return "None: as TikTok calls the delivery"
    return name if name in known else f"{name} (no longer in the store)"


def _shown(value: Decimal | int | None) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _differs(now: ConnectionSettings, values: dict[str, Any]) -> bool:
    shown = {name: getattr(now, name) for name in values}
    return any(
        (_shown(shown[name]) if isinstance(value, str) else shown[name]) != value for name, value in values.items()
    )


def _save(part: str, connection_id: int, now: ConnectionSettings, values: dict[str, Any], off: bool) -> None:
    if not st.button("Save", key=f"save_{part}", type="primary", disabled=off or not _differs(now, values)):
        return
    saved = feedback.told(actions.save_settings, connection_id, values)
    if saved is not None:
        feedback.later("Saved." if saved else "Nothing was changed.")
        st.rerun()
