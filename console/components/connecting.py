"""Connecting: a store by its keys, a TikTok app, and a Shop by its owner's authorisation."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from console import actions
from console.components import empty, feedback, url
from console.components.status import escaped
from core import wiring
from core.config import settings
from core.reads import connections
from core.services.authorisation import Grant, Pending
from core.services.connect_shop import OfferedShop
from core.services.connection_checks import CONNECT


def show() -> None:
    """Everything an administrator needs to make a connection, in its order."""
    st.subheader("Connect", anchor=CONNECT)
    stores, apps = connections.store_account_rows(), connections.app_rows()
    with st.expander("1. A store", expanded=not stores):
        for row in stores:
            state = "ok" if row.status == "ok" else row.status_sentence
            st.text(f"{row.name} ({wiring.PLATFORMS[row.platform].label}, {row.country}, {row.currency}): {state}")
        _store_form()
    with st.expander("2. A TikTok app", expanded=bool(stores) and not apps):
        st.caption("From TikTok Shop Partner Center, App & service. The return address to enter there:")
        st.code(f"{settings().gateway_url}/oauth/tiktok/return", language=None)
        for app in apps:
            st.text(f"{app.name or 'App'}: key {app.app_key}, service id {app.service_id}")
        _app_form()
    with st.expander("3. A Shop", expanded=bool(stores and apps)):
        if stores and apps:
            _shop_form()
        else:
            st.write("Connect a store and enter a TikTok app first.")


def _store_form() -> None:
    labels = {platform.name: platform.label for platform in wiring.PLATFORMS.values()}
    name = st.selectbox("Platform", list(labels), key="store_platform", format_func=lambda one: labels[one])
    platform = wiring.PLATFORMS[name]
    default = settings().shopwired_url if name == "shopwired" else platform.default_url
    with st.form("store_form", border=False):
        base_url = st.text_input("Address of its API", value=default, key="store_url")
        entered = {
            field.name: st.text_input(
                field.label + ("" if field.required else " (optional)"),
                type="password" if field.secret else "default",
                key=f"store_{field.name}_{_round('store')}",
                help=field.help or None,
                autocomplete="off",
            )
            for field in platform.fields
        }
        if st.form_submit_button("Test and connect the store", key="store_submit"):
            given = {field: text or "" for field, text in entered.items()}
            sentence = feedback.told(actions.connect_a_store, name, base_url or "", given)
            if sentence is not None:
                _begin_anew("store", sentence)


def _app_form() -> None:
    with st.form("app_form", border=False):
        name = st.text_input("Name", key="app_name", help="For you to tell several apps apart.")
        app_key = st.text_input("App key", key="app_key", autocomplete="off")
        app_secret = st.text_input("App secret", key=f"app_secret_{_round('app')}", type="password", autocomplete="off")
        service_id = st.text_input("Service id", key="app_service", help="The number in the app's authorisation link.")
        if st.form_submit_button("Save the app", key="app_submit"):
            saved = feedback.told(actions.save_app, app_key or "", app_secret or "", service_id or "", name or "")
            if saved is not None:
                _begin_anew("app", "The app is saved.")


def _round(form: str) -> int:
    """Part of the keys of a form's secrets: they are empty again once they were taken."""
    return int(st.session_state.get(f"_{form}_round", 0))


def _begin_anew(form: str, sentence: str) -> NoReturn:
    """Forget the secrets that were entered, and draw the page anew with what they led to."""
    st.session_state[f"_{form}_round"] = _round(form) + 1
    feedback.later(sentence)
    st.rerun()


def _shop_form() -> None:
    stores = {row.id: row.name for row in connections.store_account_rows()}
    apps = {row.id: row.name or row.app_key for row in connections.app_rows()}
    st.caption("Only the Shop's main account (its owner) can authorise. The Shop must sell where the store does.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        store = st.selectbox("Store", list(stores), key="shop_store", format_func=lambda one: stores[one])
        app = st.selectbox("TikTok app", list(apps), key="shop_app", format_func=lambda one: apps[one])
        if st.button("Connect a Shop", key="shop_start", type="primary"):
            started = feedback.told(actions.start_authorisation, app, store)
            if started is not None:
                st.session_state["_authorise_url"] = started.url
    if address := st.session_state.get("_authorise_url"):
        st.link_button("Go to TikTok Shop to authorise", address, type="primary")
        st.caption("Approve there as the owner within 30 minutes, then come back to this page to confirm.")


def answers() -> None:
    """Authorisations of this administrator that came back, each to be confirmed."""
    for pending in actions.pending_authorisations():
        if pending.status in ("returned", "exchanged"):
            st.session_state.pop("_authorise_url", None)
            _confirmation(pending)
        elif pending.status == "refused":
            st.error(escaped(pending.sentence))


def _confirmation(pending: Pending) -> None:
    with st.container(border=True, key=f"confirm_{pending.key[:8]}"):
        st.markdown("**TikTok Shop answered: confirm which Shop to connect**")
        found = feedback.told(actions.offered_shops, pending)
        if found is None:
            return
        grant, offered = found
        stores = {row.id: row for row in connections.store_account_rows()}
        store = stores[pending.store_account_id]
        st.text(f"Seller {grant.token.seller_name}, store {store.name} ({store.country}, {store.currency})")
        if not offered:
            empty.state("No Shop", "This account has no Shop that the app may act for.")
        for one in offered:
            _offer(grant, one)


def _offer(grant: Grant, one: OfferedShop) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        facts = escaped(f"region {one.shop.region} · id {one.shop.id}")
        st.markdown(f"**{escaped(one.shop.name)}** · {facts}", width="content")
        if one.obstacle:
            st.error(escaped(one.obstacle))
        elif st.button(f"Connect {escaped(one.shop.name)}", key=f"offer_{one.shop.id}", type="primary"):
            connection_id = feedback.told(actions.confirm_shop, grant.key, one.shop.id, done="The Shop is connected.")
            if connection_id is not None:
                url.put({"c": str(connection_id)})
                st.rerun()
    if one.known_before:
        st.caption("It was connected before: its settings, mappings and listings come back.")
