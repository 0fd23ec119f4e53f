"""People: who may use the console, as what; only for administrators."""

from __future__ import annotations

import streamlit as st

from console import actions
from console.components import feedback, words
from console.components.status import escaped
from core.domain.people import ROLE_WORDS, Role
from core.services.people import User


def show() -> None:
    st.subheader("People")
    for role, sentence in ROLE_WORDS.items():
        st.caption(f"**{role}** {sentence}")
    for user in feedback.told(actions.list_users) or ():
        _user(user)
    _new()


def _user(user: User) -> None:
    state = "disabled" if user.disabled_at else "signs in with a password" if user.has_password else "no password yet"
    fold = st.expander(f"{escaped(user.login)} · {user.role} · {state}", key=f"user_{user.id}")
    with fold:
        st.caption(f"{escaped(user.name)} since {words.clock(user.created_at)}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _role(user)
            _door(user)
        _password(user)


def _role(user: User) -> None:
    roles = list(Role)
    chosen = st.selectbox("Role", roles, index=roles.index(user.role), key=f"role_{user.id}", width=160)
    if st.button("Save role", key=f"save_role_{user.id}", disabled=chosen == user.role):
        feedback.then_rerun(f"{user.login} is {chosen} now.", actions.change_user, user.id, role=chosen)


def _door(user: User) -> None:
    if user.disabled_at:
        if st.button("Let in again", key=f"enable_{user.id}"):
            feedback.then_rerun(f"{user.login} may sign in again.", actions.change_user, user.id, enabled=True)
        return
    if st.button("One-time sign-in link", key=f"link_{user.id}"):
        path = feedback.told(actions.sign_in_link, user.id)
        if path is not None:
            st.session_state[f"_link_{user.id}"] = path
    if st.button("Disable", key=f"disable_{user.id}"):
        feedback.then_rerun(f"{user.login} is disabled.", actions.change_user, user.id, enabled=False)


def _password(user: User) -> None:
    if path := st.session_state.get(f"_link_{user.id}"):
        st.caption("Good once and for 15 minutes, in a browser on the machine that Crossdock runs on:")
        st.code(path, language=None)
    with st.form(f"password_form_{user.id}", border=False, clear_on_submit=True):
        entered = st.text_input(
            "New password", type="password", key=f"password_{user.id}", autocomplete="new-password", width=260
        )
        if st.form_submit_button("Set password", key=f"set_password_{user.id}"):
            feedback.then_rerun("The password is set.", actions.change_user, user.id, password=entered or "")


def _new() -> None:
    st.markdown("**Add somebody**")
    with st.form("new_user", border=True, clear_on_submit=True):
        login = st.text_input("User name", key="new_login", autocomplete="off")
        name = st.text_input("Name", key="new_name", autocomplete="off")
        role = st.selectbox("Role", list(Role), key="new_role")
        password = st.text_input("First password", type="password", key="new_password", autocomplete="new-password")
        if st.form_submit_button("Add", key="new_submit"):
            made = feedback.told(actions.add_user, login or "", role, name or "", password or "")
            if made is not None:
                feedback.later(f"{login} was added.")
                st.rerun()
