"""What buttons do: the role is checked on the server, the deed is recorded."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from console import actions, session
from console.refusals import NotPossible
from core.db import engine
from core.domain.filters import ProductFilter, Selection
from core.domain.mapping import BRAND, CATEGORY, MappingConflict
from core.domain.people import Forbidden, Role
from core.jobs import handlers
from core.services.mappings import MappingChange
from core.services.people import PeopleError
from core.services.settings_of_connection import SettingError
from tests.console.conftest import Open
from tests.console.filling import Filled

SignIn = Callable[[Role], str]
# They show what anybody may see, or nothing at all to those without the role.
READ_ONLY = {"checklist", "load_settings", "pending_authorisations"}
FOR_ADMINS = {
    "add_user",
    "change_user",
    "confirm_shop",
    "connect_a_store",
    "disconnect",
    "list_users",
    "offered_shops",
    "save_app",
    "save_settings",
    "sign_in_link",
    "start_authorisation",
}
ACTIONS = {
    name: function
    for name, function in inspect.getmembers(actions, inspect.isfunction)
    if function.__module__ == actions.__name__ and not name.startswith("_") and name != "acting"
}


def call_with_anything(function: Callable[..., Any]) -> None:
    """The arguments do not matter: the role comes first."""
    needed = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is inspect.Parameter.empty
    ]
    function(*(None for _ in needed))


@pytest.mark.parametrize("name", sorted(ACTIONS.keys() - READ_ONLY))
def test_a_viewer_is_refused(name: str, sign_in: SignIn) -> None:
    sign_in(Role.VIEWER)
    with pytest.raises(Forbidden, match="viewer"):
        call_with_anything(ACTIONS[name])


@pytest.mark.parametrize("name", sorted(FOR_ADMINS))
def test_an_operator_is_refused_what_administrators_do(name: str, sign_in: SignIn) -> None:
    sign_in(Role.OPERATOR)
    with pytest.raises(Forbidden, match="operator"):
        call_with_anything(ACTIONS[name])


@pytest.mark.parametrize("name", sorted(ACTIONS.keys() - READ_ONLY))
def test_nobody_is_refused(name: str, database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "session_token", lambda: "not a session")
    with pytest.raises(Forbidden, match="session has ended"):
        call_with_anything(ACTIONS[name])


def test_a_role_taken_away_counts_at_once(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    actions.plan_send(filled.connection_id, Selection(ids=filled.product_ids[:3]), "all")
    with engine.transaction() as conn:
        conn.exec_driver_sql("UPDATE users SET role = 'viewer' WHERE login = 'operator'")
    try:
        with pytest.raises(Forbidden):
            actions.plan_send(filled.connection_id, Selection(ids=filled.product_ids[:3]), "all")
    finally:
        with engine.transaction() as conn:
            conn.exec_driver_sql("UPDATE users SET role = 'operator' WHERE login = 'operator'")


def audited(action: str) -> list[Any]:
    with engine.transaction() as conn:
        query = "SELECT login, subject, detail FROM audit WHERE action = %(action)s ORDER BY id"
        return list(conn.exec_driver_sql(query, {"action": action}))


def test_sending_queues_a_run_and_is_recorded(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    chosen = Selection(products=ProductFilter(tab="Ready"))
    plan = actions.plan_send(filled.connection_id, chosen, "all")
    run_id = actions.send(filled.connection_id, chosen, "all")
    with engine.transaction() as conn:
        items = conn.exec_driver_sql(f"SELECT count(*) FROM run_items WHERE run_id = {run_id}").scalar_one()
        mine = f"task_name = 'product_export' AND args->>'run_id' = '{run_id}'"
        jobs = conn.exec_driver_sql(f"SELECT count(*) FROM procrastinate_jobs WHERE {mine}").scalar_one()
    assert plan.will == items == 15
    assert jobs >= 1
    login, subject, detail = audited("send_all")[-1]
    assert (login, subject) == ("operator", f"run:{run_id}")
    assert detail["selection"]["products"]["tab"] == "Ready"


@pytest.mark.parametrize("part", ["price", "stock"])
def test_prices_and_stock_go_only_for_what_the_shop_has(part: str, sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    plan = actions.plan_send(filled.connection_id, Selection(ids=filled.product_ids), part)
    assert plan.will == 45
    assert plan.skipped == (("Not in the Shop", 75),)


def test_a_category_for_many_is_recorded_and_undone(sign_in: SignIn, open_page: Open, filled: Filled) -> None:
    at = open_page("products", tab="Active")
    at.button(key="products_all").click().run()
    at.button(key="bulk_set_category").click().run()
    assert not [button for button in at.button if button.key == "bulk_confirm"], "first a category has to be chosen"
    at.session_state["bulk_category"] = "600003"
    at.button(key="bulk_set_category").click().run()
    assert at.button(key="bulk_confirm").label == "Set category of 15 items"
    assert not at.exception and not at.error
    chosen = Selection(products=ProductFilter(tab="Active"))
    actions.set_own_categories(filled.connection_id, chosen, "600003")
    done = audited("set_own_categories")[-1]
    assert (done.login, done.detail["category_id"]) == ("operator", "600003")
    run_id = int(done.subject.removeprefix("run:"))
    handlers.own_category_run(run_id)
    with engine.transaction() as conn:
        given = "SELECT count(*) FROM product_states WHERE own_category_id = '600003'"
        assert conn.exec_driver_sql(given).scalar_one() == 15
    assert f"undo_run_{run_id}" not in {one.key for one in open_page("products", Role.VIEWER, run=str(run_id)).button}
    at = open_page("products", run=str(run_id))
    at.button(key=f"undo_run_{run_id}").click().run()
    undone = audited("undo_own_categories")[-1]
    handlers.own_category_run(int(undone.subject.removeprefix("run:")))
    with engine.transaction() as conn:
        assert conn.exec_driver_sql(given).scalar_one() == 0


def test_pictures_are_checked_again_from_where_their_problem_stands(open_page: Open, filled: Filled) -> None:
    chosen = filled.product_ids[41]
    trouble = {
        "code": "picture_unusable",
        "severity": "error",
        "sentence": "It is away.",
        "fix": "",
        "field": "pictures",
    }
    with engine.transaction() as conn:
        change = "UPDATE products SET pictures = CAST(:pictures AS jsonb) WHERE id = :id"
        pictures = '[{"url": "https://harbour.example/away.jpg", "alt": ""}]'
        conn.execute(text(change), {"pictures": pictures, "id": chosen})
        change = "UPDATE product_states SET problems = CAST(:problems AS jsonb) WHERE product_id = :id"
        conn.execute(text(change), {"problems": json.dumps([trouble | {"variant_id": None}]), "id": chosen})
    viewers = open_page("products", Role.VIEWER, open=str(chosen))
    assert "check_pictures" not in {button.key for button in viewers.button}
    at = open_page("products", open=str(chosen))
    at.button(key="check_pictures").click().run()
    assert not at.exception and not at.error
    with engine.transaction() as conn:
        waiting = "SELECT url FROM pending_pictures WHERE product_id = :id"
        assert conn.execute(text(waiting), {"id": chosen}).scalars().all() == ["https://harbour.example/away.jpg"]
    done = audited("check_pictures_again")[-1]
    assert (done.login, done.subject) == ("operator", f"product:{chosen}")


@pytest.fixture
def troubled(filled: Filled) -> Iterator[int]:
    """A product without a weight whose brand is not authorised."""
    chosen = filled.product_ids[56]
    found = [("weight_missing", "weight"), ("brand_unauthorised", "brand")]
    problems = [
        {"code": code, "severity": "error", "sentence": "It is so.", "fix": "", "field": field, "variant_id": None}
        for code, field in found
    ]
    own = {"title": "A mug for TikTok", "length_cm": 30, "width_cm": 20, "height_cm": 10}
    with engine.transaction() as conn:
        change = "UPDATE product_states SET problems = CAST(:problems AS jsonb), own_content = CAST(:own AS jsonb)"
        values = {"problems": json.dumps(problems), "own": json.dumps(own), "id": chosen}
        conn.execute(text(f"{change} WHERE product_id = :id"), values)
    yield chosen
    with engine.transaction() as conn:
        conn.execute(text("UPDATE product_states SET own_content = '{}' WHERE product_id = :id"), {"id": chosen})
        conn.execute(text("DELETE FROM mappings WHERE kind = 'brand' AND source_id = '21'"))


def test_a_missing_weight_is_given_where_it_is_named(open_page: Open, troubled: int) -> None:
    viewers = open_page("products", Role.VIEWER, open=str(troubled))
    assert not {"weight_save", "no_brand"} & {button.key for button in viewers.button}
    at = open_page("products", open=str(troubled))
    at.text_input(key=f"weight_{troubled}").set_value("heavy")
    at.button(key="weight_save").click().run()
    assert any("above 0 and at most 100 kg" in entry.value for entry in at.error)
    at.text_input(key=f"weight_{troubled}").set_value("0.5")
    at.button(key="weight_save").click().run()
    assert not at.exception and not at.error
    with engine.transaction() as conn:
        kept = conn.execute(text("SELECT own_content FROM product_states WHERE product_id = :id"), {"id": troubled})
        sizes = {"length_cm": 30, "width_cm": 20, "height_cm": 10}
        assert kept.scalar_one() == {"title": "A mug for TikTok", "weight_kg": "0.5"} | sizes
    assert at.text_input(key=f"own_weight_kg_{troubled}").value == "0.5", "the other tab has it too"
    done = audited("save_own_content")[-1]
    assert (done.login, done.subject, done.detail) == ("operator", f"product:{troubled}", {"fields": ["weight_kg"]})


def test_a_refused_brand_is_sent_as_none_where_it_is_named(open_page: Open, troubled: int) -> None:
    at = open_page("products", open=str(troubled))
    at.button(key="no_brand").click().run()
    assert not at.exception and not at.error
    with engine.transaction() as conn:
        mapped = "SELECT target_id FROM mappings WHERE kind = 'brand' AND source_id = '21'"
        assert conn.execute(text(mapped)).scalar_one() == ""
    assert audited("set_mappings")[-1].login == "operator"


def test_deleting_is_planned_and_recorded(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    chosen = Selection(products=ProductFilter(tab="Active"))
    assert actions.plan_delete(filled.connection_id, chosen).will == 15
    run_id = actions.delete(filled.connection_id, chosen)
    assert audited("delete_listings")[-1].subject == f"run:{run_id}"


def test_a_run_is_stopped_once(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    run_id = actions.send(filled.connection_id, Selection(ids=filled.product_ids[:5]), "all")
    actions.stop_run(run_id, filled.connection_id)
    with pytest.raises(NotPossible, match="not under way"):
        actions.stop_run(run_id, filled.connection_id)


def test_only_the_failed_are_retried(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    again = actions.retry_failed(1, filled.connection_id, "12052900")
    with engine.transaction() as conn:
        assert conn.exec_driver_sql(f"SELECT total FROM runs WHERE id = {again}").scalar_one() == 4


def test_settings_are_saved_and_judged_again(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.ADMIN)
    assert actions.save_settings(filled.connection_id, {"stock_buffer": "2", "send_brand": True}) == 1
    assert actions.load_settings(filled.connection_id).stock_buffer == 2
    assert actions.save_settings(filled.connection_id, {"stock_buffer": "2"}) == 0
    with pytest.raises(SettingError, match="lots"):
        actions.save_settings(filled.connection_id, {"price_upload": False, "stock_buffer": "lots"})
    assert actions.load_settings(filled.connection_id).price_upload is True
    with engine.transaction() as conn:
        stale = "SELECT count(*) FROM product_states WHERE assessed_hash IS NULL"
        assert conn.exec_driver_sql(stale).scalar_one() == len(filled.product_ids)


def test_a_mapping_is_previewed_saved_and_undone(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    change = MappingChange(CATEGORY, "11", "600001", version=0)
    effect = actions.preview_mappings(filled.connection_id, [change])
    assert effect.products == len(filled.product_ids)
    assert actions.save_mappings(filled.connection_id, [change]) == 1
    with pytest.raises(MappingConflict):
        actions.save_mappings(filled.connection_id, [MappingChange(CATEGORY, "11", "600002", version=0)])
    with engine.transaction() as conn:
        last = conn.exec_driver_sql("SELECT max(id) FROM mapping_history").scalar_one()
    actions.undo_mapping(filled.connection_id, last)
    with engine.transaction() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM mappings WHERE kind = 'category'").scalar_one() == 0


def test_no_brand_is_a_mapping_of_its_own(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    assert actions.save_mappings(filled.connection_id, [MappingChange(BRAND, "21", "")]) == 1


def test_people_are_managed_and_the_last_administrator_stays(sign_in: SignIn) -> None:
    sign_in(Role.ADMIN)
    user_id = actions.add_user("newcomer", Role.VIEWER, "New", "")
    actions.change_user(user_id, role=Role.OPERATOR)
    assert actions.sign_in_link(user_id).startswith("/sign-in?token=")
    roles = {user.login: user.role for user in actions.list_users()}
    assert roles["newcomer"] == Role.OPERATOR
    admin = next(user.id for user in actions.list_users() if user.login == "admin")
    with pytest.raises(PeopleError, match="last administrator"):
        actions.change_user(admin, enabled=False)
    assert [row.login for row in audited("add_user")] == ["admin"]


def test_a_password_never_reaches_the_audit(sign_in: SignIn) -> None:
    sign_in(Role.ADMIN)
    user_id = actions.add_user("other", Role.VIEWER, "", "")
    actions.change_user(user_id, password="a quite different one")
    assert "a quite different one" not in str(audited("change_user"))
