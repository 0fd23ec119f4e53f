"""Every page: full, for each role; and what each shows."""

from __future__ import annotations

import re
import time

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from console.components.status import escaped
from core.config import settings
from core.db import engine
from core.domain.people import Role
from core.domain.statuses import PRODUCT_WORDS, ProductStatus
from tests.console.conftest import Open
from tests.console.filling import NASTY, Filled

PAGES = ("overview", "products", "exports", "mappings", "activity", "settings")
# Buttons that only move about.
HARMLESS = ("_tab_", "_view_", "refresh", "sign_out", "reason_", "clear", "all_runs", "away_", "download")

STATE_NOW = (
    "SELECT status, status_sentence, problem_codes AS codes, first_problem AS first"
    " FROM product_states WHERE product_id = :id"
)
STATE_BECOMES = (
    "UPDATE product_states SET status = :status, status_sentence = :status_sentence, problem_codes = :codes,"
    " first_problem = :first WHERE product_id = :id"
)


def acting_buttons(at: AppTest) -> list[str]:
    keys = [button.key or "" for button in at.button]
    return [key for key in keys if not any(part in key for part in HARMLESS)]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", list(Role))
def test_every_page_opens_for_every_role(name: str, role: Role, open_page: Open, filled: Filled) -> None:
    at = open_page(name, role)
    title = at.title[0].value
    assert title.lower() == name
    assert not at.error


@pytest.mark.parametrize("name", [*PAGES, "orders", "stock"])
def test_every_page_says_how_old_it_is_and_reads_again(name: str, open_page: Open, filled: Filled) -> None:
    at = open_page(name, Role.VIEWER)
    stamps = [one.value for one in at.main.caption if one.value.startswith("data as of ")]
    assert len(stamps) == 1 and re.fullmatch(r"data as of \d\d:\d\d:\d\d GMT", stamps[0])
    before = stamps[0]
    time.sleep(1.1)
    at.button(key="refresh").click().run()
    assert before not in [one.value for one in at.main.caption]


def test_a_line_of_the_checklist_leads_to_where_it_is_put_right(open_page: Open, filled: Filled) -> None:
    """Only an administrator is led there, because nobody else sees the forms."""
    token, status = "**TikTok token** ", text("UPDATE shops SET status = :status")
    with engine.transaction() as conn:
        conn.execute(status, {"status": "expired"})
    try:
        lines = {
            role: next(one.value for one in open_page("settings", role).main.markdown if one.value.startswith(token))
            for role in (Role.ADMIN, Role.OPERATOR)
        }
    finally:
        with engine.transaction() as conn:
            conn.execute(status, {"status": "ok"})
    assert lines[Role.ADMIN].endswith("Reconnect the Shop. [Go to Connect](#connect)")
    assert lines[Role.OPERATOR].endswith("Reconnect the Shop.")


@pytest.mark.parametrize("name", PAGES)
def test_a_viewer_gets_no_button_that_acts(name: str, open_page: Open, filled: Filled) -> None:
    assert acting_buttons(open_page(name, Role.VIEWER)) == []


def test_an_operator_gets_them(open_page: Open, filled: Filled) -> None:
    assert {"bulk_all", "bulk_price", "bulk_stock", "bulk_delete"} <= set(acting_buttons(open_page("products")))


@pytest.mark.parametrize("view", ["runs", "calls", "webhooks", "audit"])
def test_each_view_of_activity(view: str, open_page: Open, filled: Filled) -> None:
    at = open_page("activity", Role.VIEWER, tab=view)
    assert len(at.dataframe[0].value) >= 1


def test_calls_by_the_status_of_their_answer(open_page: Open, filled: Filled) -> None:
    slow = open_page("activity", tab="calls", status="429")
    assert len(slow.dataframe[0].value) == 15 and set(slow.dataframe[0].value["status"]) == {429}
    assert slow.selectbox(key="calls_status").value == "429"
    for nothing in ("none", "5x"):
        at = open_page("activity", tab="calls", status=nothing)
        assert not at.dataframe and any("No calls" in entry.value for entry in at.markdown)
    with engine.transaction() as conn:
        conn.execute(text("UPDATE api_calls SET status = NULL WHERE request_id = 'REQ00001'"))
    lost = open_page("activity", tab="calls", status="none")
    assert list(lost.dataframe[0].value["request_id"]) == ["REQ00001"]
    assert lost.selectbox(key="calls_status").options == ["Any status", "200", "429", "No answer"]
    with engine.transaction() as conn:
        conn.execute(text("UPDATE api_calls SET status = 200 WHERE request_id = 'REQ00001'"))


def test_products_in_pages_of_fifty(open_page: Open, filled: Filled) -> None:
    at = open_page("products")
    assert len(at.dataframe[0].value) == 50
    third = open_page("products", page="3")
    assert len(third.dataframe[0].value) == 20
    assert not set(at.dataframe[0].value["sku"]) & set(third.dataframe[0].value["sku"])


PAST_THE_END = (
    ("products", {}, "products"),
    ("products", {"tab": "Active"}, "products"),
    ("exports", {}, "exports"),
    ("activity", {"tab": "runs"}, "runs"),
    ("activity", {"tab": "runs", "open": "1"}, "items"),
    ("activity", {"tab": "calls"}, "calls"),
    ("activity", {"tab": "webhooks"}, "hints"),
    ("activity", {"tab": "audit"}, "audit"),
    ("mappings", {"tab": "category"}, "map_category"),
)


@pytest.mark.parametrize(("name", "query", "prefix"), PAST_THE_END)
def test_past_the_end_of_a_list_is_its_last_page(
    name: str, query: dict[str, str], prefix: str, open_page: Open, filled: Filled
) -> None:
    """A list gets shorter while somebody reads it."""
    at = open_page(name, **query, page="99")
    pages = [one for one in at.get("pagination") if one.key == f"{prefix}_page"]
    last = str(pages[0].value) if pages else "1"
    assert [one.value for one in at.markdown if "Nothing" in one.value] == []
    shown = at.dataframe[0].value
    assert len(shown) and shown.equals(open_page(name, **query, page=last).dataframe[0].value)


def test_a_tab_shows_its_statuses_only(open_page: Open, filled: Filled) -> None:
    at = open_page("products", tab="Failed")
    shown = {label for cell in at.dataframe[0].value["status"] for label in cell}
    assert shown == {PRODUCT_WORDS[one].label for one in (ProductStatus.FAILED, ProductStatus.FAILED_REVIEW)}


def test_tabs_carry_counts(open_page: Open, filled: Filled) -> None:
    labels = [button.label for button in open_page("products").button]
    assert "All 120" in labels
    assert "Active 15" in labels


def test_search_sort_and_filter_come_from_the_address(open_page: Open, filled: Filled) -> None:
    found = open_page("products", q="number 42").dataframe[0].value
    assert list(found["sku"]) == ["SKU-0042"]
    dearest = open_page("products", sort="price").dataframe[0].value
    assert list(dearest["price"]) == sorted(dearest["price"], reverse=True)
    waiting = open_page("products", problem="weight_missing").dataframe[0].value
    assert set(waiting["problem"]) == {"The weight is missing."}


@pytest.mark.parametrize(
    ("status", "stored", "shown"),
    [
        ("failed", "TikTok refuses this brand.", "TikTok refuses this brand. (and 1 more)"),
        ("failed_review", "Title: not allowed", "Title: not allowed (and 1 more)"),
        ("failed_review", "", "The Shop reviewed it and disapproved. (and 1 more)"),
        ("suspended", "", "Taken down by the Shop. (and 1 more)"),
        ("active", "", "A picture is small."),
    ],
)
def test_what_the_shop_refused_goes_before_a_warning(
    status: str, stored: str, shown: str, open_page: Open, filled: Filled
) -> None:
    chosen = filled.product_ids[46]
    values = {"status": status, "status_sentence": stored, "codes": ["picture_small"], "first": "A picture is small."}
    with engine.transaction() as conn:
        mine = {"id": chosen} | values
        before = conn.execute(text(STATE_NOW), {"id": chosen}).mappings().one()
        conn.execute(text(STATE_BECOMES), mine)
    try:
        found = open_page("products", q="SKU-0047").dataframe[0].value
        assert list(found["problem"]) == [shown]
    finally:
        with engine.transaction() as conn:
            conn.execute(text(STATE_BECOMES), dict(before) | {"id": chosen})


def test_a_pasted_list_names_what_is_missing(open_page: Open, filled: Filled) -> None:
    at = open_page("products", q="SKU-0002,SKU-0003,SKU-9999")
    assert set(at.dataframe[0].value["sku"]) == {"SKU-0002", "SKU-0003"}
    assert at.warning[0].value.startswith("1 of the pasted SKUs is in no product")
    assert "SKU\\-9999" in at.warning[0].value or "SKU-9999" in at.warning[0].value


def test_nothing_matches_says_so_and_clears(open_page: Open, filled: Filled) -> None:
    at = open_page("products", q="no such thing", tab="Active")
    assert not at.dataframe
    assert any("Nothing matches" in entry.value for entry in at.markdown)
    at.button(key="products_nothing_clear").click().run()
    assert len(at.dataframe[0].value) == 50


def test_nonsense_in_the_address_is_harmless(open_page: Open, filled: Filled) -> None:
    at = open_page("products", page="-3", tab="x'; --", sort="drop", open="zz", c="99999999", category="nope")
    assert not at.exception
    far = open_page("products", page="999")
    assert not far.exception


def test_text_from_a_store_is_not_markdown(open_page: Open, filled: Filled) -> None:
    at = open_page("products", open=str(filled.product_ids[0]))
    assert not any("![x](" in entry.value for entry in at.markdown)
    assert NASTY in set(at.dataframe[0].value["name"])


def test_the_name_of_a_shop_is_not_markdown(open_page: Open, filled: Filled) -> None:
    named = text("UPDATE shops SET name = :name WHERE id = :id RETURNING (SELECT name FROM shops WHERE id = :id)")
    with engine.transaction() as conn:
        before = conn.execute(named, {"name": NASTY, "id": filled.shop_id}).scalar_one()
    try:
        at = open_page("settings", Role.ADMIN)
        assert at.text_input(key="disconnect_typed").label == f"Type {escaped(NASTY)} to confirm"
    finally:
        with engine.transaction() as conn:
            conn.execute(named, {"name": before, "id": filled.shop_id})


def _an_offer() -> None:
    from console.components import connecting
    from core.domain.listing import AuthorisedShop
    from core.services.connect_shop import OfferedShop

    shop = AuthorisedShop("1*2", "![x](y)", "*GB*", "c", "", "")
    connecting._offer(None, OfferedShop(shop, "", False))  # type: ignore[arg-type]


def test_a_shop_that_is_offered_is_not_markdown(database: None) -> None:
    at = AppTest.from_function(_an_offer).run()
    assert at.button[0].label == f"Connect {escaped('![x](y)')}"
    assert r"region \*GB\* · id 1\*2" in at.markdown[0].value and "![x](y)" not in at.markdown[0].value


def test_the_selection_is_kept_as_ids_across_pages(open_page: Open, filled: Filled) -> None:
    at = open_page("products")
    first = at.dataframe[0].value["sku"].iloc[2]
    at.session_state["table_products"] = {"selection": {"rows": [0, 2], "columns": [], "cells": []}}
    at.run()
    assert any("**2** selected" in entry.value for entry in at.markdown)
    at.pagination(key="products_page").select(2).run()
    assert any("**2** selected" in entry.value for entry in at.markdown)
    assert at.session_state["table_products"]["selection"]["rows"] == []
    at.pagination(key="products_page").select(1).run()
    assert at.session_state["table_products"]["selection"]["rows"] == [0, 2]
    assert at.dataframe[0].value["sku"].iloc[2] == first


def test_everything_that_matches_lapses_with_the_filter(open_page: Open, filled: Filled) -> None:
    at = open_page("products", tab="Active")
    at.button(key="products_all").click().run()
    assert any("**15** selected" in entry.value for entry in at.markdown)
    at.button(key="products_tab_Failed").click().run()
    assert any("**0** selected" in entry.value for entry in at.markdown)


def test_disapproved_exports_group_their_reasons(open_page: Open, filled: Filled) -> None:
    at = open_page("exports", tab="disapproved")
    assert at.button(key="reason_0").label.startswith("15")
    at.button(key="reason_0").click().run()
    assert len(at.dataframe[0].value) == 15


def test_a_run_shows_its_causes(open_page: Open, filled: Filled) -> None:
    at = open_page("activity", tab="runs", open="1")
    assert any(button.label == "Retry the 4 failed" for button in at.button)
    assert len(at.dataframe[0].value) == 20


def links_of(at: AppTest) -> dict[str, str]:
    """The pages in the sidebar: their labels by name."""
    found = [entry.proto for entry in at.sidebar if type(entry.proto).__name__ == "PageLink"]
    return {entry.page: entry.label for entry in found}


def test_the_sidebar_counts_what_needs_a_person(open_page: Open, filled: Filled) -> None:
    at = open_page("overview")
    labels = list(links_of(at).values())
    assert "Exports :gray[15]" in labels, "disapproved"
    assert "Products :gray[60]" in labels, "not ready, without a category, refused, without an answer: 15 each"
    assert {"Overview", "Activity", "Settings"} <= set(labels), "nothing there waits for a person"
    assert any("were disapproved by the Shop" in entry.value and "**15**" in entry.value for entry in at.markdown)


@pytest.mark.parametrize("status", [str(one) for one in ProductStatus])
def test_products_of_a_single_status(status: str, open_page: Open, filled: Filled) -> None:
    at = open_page("products", status=status)
    label = PRODUCT_WORDS[ProductStatus(status)].label
    assert at.selectbox(key="products_status").value == status
    if not at.dataframe:
        assert any("Nothing matches" in entry.value for entry in at.markdown)
        return
    assert {word for cell in at.dataframe[0].value["status"] for word in cell} == {label}
    assert len(at.dataframe[0].value) == 15
    at.button(key="products_all").click().run()
    assert any("**15** selected" in entry.value for entry in at.markdown)


def test_what_has_no_answer_is_not_called_in_review(open_page: Open, filled: Filled) -> None:
    labels = [button.label for button in open_page("products").button]
    assert {"In review 15", "Unknown 15"} <= set(labels)


def test_a_failed_row_offers_to_be_sent_again(open_page: Open, filled: Filled) -> None:
    failed = open_page("products", tab="Failed").dataframe[0].value["menu"]
    assert {tuple(menu) for menu in failed} == {("Sync again", "View log", "Details")}
    ready = open_page("products", tab="Ready").dataframe[0].value["menu"]
    assert {tuple(menu) for menu in ready} == {("Send now", "View log", "Details")}
    watched = open_page("products", Role.VIEWER, tab="Failed").dataframe[0].value["menu"]
    assert {tuple(menu) for menu in watched} == {("View log", "Details")}


def test_the_drawer_has_the_sync_and_what_can_be_copied(open_page: Open, filled: Filled) -> None:
    chosen = filled.product_ids[12]  # number 13 is on sale
    with engine.transaction() as conn:
        conn.execute(text("UPDATE product_states SET sync = 'sent' WHERE product_id = :id"), {"id": chosen})
        conn.execute(text("INSERT INTO short_links (code, product_id) VALUES ('Ab3xY', :id)"), {"id": chosen})
        remote_id = conn.execute(text("SELECT remote_id FROM listings WHERE product_id = :id"), {"id": chosen}).scalar()
    at = open_page("products", open=str(chosen))
    assert any(entry.value.startswith("Sync: Sent\n") for entry in at.text)
    copied = {entry.value for entry in at.code}
    assert f"{settings().gateway_url}/tiktok-Ab3xY" in copied
    assert "REQ00012" in copied, "the request id of its call, in the timeline"
    links = {entry.proto.label: entry.proto.url for entry in at.get("link_button")}
    assert links["Open in Shop"] == f"https://shop.tiktok.com/view/product/{remote_id}?region=GB"


def test_what_would_be_sent_stands_beside_the_stores(open_page: Open, filled: Filled) -> None:
    chosen = filled.product_ids[40]  # number 41 was never sent
    with engine.transaction() as conn:
        html = "<p>A <b>mug</b> &amp; a saucer.</p><ol><li>Wash</li><li>Dry</li></ol>"
        pictures = '[{"url": "https://harbour.example/mug.jpg", "alt": ""}]'
        change = "UPDATE products SET description = :html, pictures = CAST(:pictures AS jsonb) WHERE id = :id"
        conn.execute(text(change), {"html": html, "pictures": pictures, "id": chosen})
    at = open_page("products", open=str(chosen))
    assert any(entry.value.startswith("Would be sent to TikTok") for entry in at.caption)
    assert [entry.value for entry in at.text].count("Mug number 41") == 2
    shown = [entry.value for entry in at.code]
    assert "A mug & a saucer.\n• Wash\n• Dry" in shown, "the store's"
    assert "A mug & a saucer.\n1. Wash\n2. Dry" in shown, "what would be sent"
    assert any("is sent without" in entry.value and "numbered lists" in entry.value for entry in at.caption)
    assert any("The main picture (mug.jpg) has not been looked at yet." in entry.value for entry in at.text)


def test_what_tiktok_alone_gets_is_entered_refused_and_recorded(open_page: Open, filled: Filled) -> None:
    chosen = filled.product_ids[40]
    at = open_page("products", open=str(chosen))
    at.text_input(key=f"own_title_{chosen}").set_value("A mug for TikTok")
    at.text_input(key=f"own_weight_kg_{chosen}").set_value("heavy")
    at.button(key="own_content_save").click().run()
    assert any("above 0 and at most 100 kg" in entry.value for entry in at.error)
    at.text_input(key=f"own_weight_kg_{chosen}").set_value("0.5")
    at.text_area(key=f"own_description_{chosen}").set_value("One\nTwo")
    at.button(key="own_content_save").click().run()
    assert not at.exception and not at.error
    with engine.transaction() as conn:
        kept = conn.execute(text("SELECT own_content FROM product_states WHERE product_id = :id"), {"id": chosen})
        assert kept.scalar_one() == {"title": "A mug for TikTok", "description": "One\nTwo", "weight_kg": "0.5"}
        done = conn.execute(text("SELECT login, subject, detail FROM audit WHERE action = 'save_own_content'")).one()
    assert done == ("operator", f"product:{chosen}", {"fields": ["description", "title", "weight_kg"]})
    viewers = open_page("products", Role.VIEWER, open=str(chosen))
    assert viewers.text_input(key=f"own_title_{chosen}").value == "A mug for TikTok"
    assert viewers.button(key="own_content_save").disabled
    with engine.transaction() as conn:
        conn.execute(text("UPDATE product_states SET own_content = '{}' WHERE product_id = :id"), {"id": chosen})


def test_an_ended_session_shows_nothing(open_page: Open, filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    from console import session

    at = open_page("products")
    monkeypatch.setattr(session, "session_token", lambda: "gone")
    at.run()
    assert at.title[0].value == "Signed out"
    assert not at.dataframe


def test_a_click_that_overtakes_the_address_of_the_one_before_keeps_it(open_page: Open, filled: Filled) -> None:
    """The browser sends the address it has, and that may not hold yet what an earlier click wrote."""
    at = open_page("products")
    before = dict(at.query_params)
    at.button(key="products_tab_Active").click().run()
    behind(at, before)
    at.text_input(key="products_text").input("mug").run()
    assert (at.query_params["tab"], at.query_params["q"]) == ("Active", "mug")
    behind(at, before)
    at.button(key="products_tab_all").click().run()
    assert "tab" not in at.query_params and at.query_params["q"] == "mug"


def test_the_way_back_is_no_such_click(open_page: Open, filled: Filled) -> None:
    at = open_page("products")
    before = dict(at.query_params)
    at.button(key="products_tab_Active").click().run()
    behind(at, before)
    at.run()
    assert "tab" not in at.query_params
    at.text_input(key="products_text").input("mug").run()
    assert "tab" not in at.query_params and at.query_params["q"] == "mug"


def behind(at: AppTest, address: dict[str, object]) -> None:
    at.query_params.clear()
    for name, value in address.items():
        at.query_params[name] = value
