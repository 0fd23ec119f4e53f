"""The Orders page: empty, full, for each role; what its filters, drawer and buttons do."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console import order_actions
from console.refusals import NotPossible
from core.db import engine
from core.domain.filters import OrderFilter, Selection
from core.domain.people import SYSTEM, Forbidden, Role
from core.reads.search import find
from core.services.issues import open_issue
from core.services.settings_of_connection import save_setting
from tests.console.conftest import Open
from tests.console.filling import NASTY, Filled, connect
from tests.console.order_filling import MISSING, Orders, fill_orders, remote_id

SignIn = Callable[[Role], str]


@pytest.fixture(scope="module")
def stocked(filled: Filled) -> Orders:
    with engine.transaction() as conn:
        return fill_orders(conn, filled)


def shown(at: AppTest) -> Any:
    return at.dataframe[0].value


def markdown(at: AppTest) -> str:
    return "\n".join(entry.value for entry in at.markdown)


@pytest.mark.parametrize("role", list(Role))
def test_before_the_first_order(role: Role, database: None, open_page: Open) -> None:
    with engine.transaction() as conn:
        name = f"Zebra {role}"
        connection_id = connect(conn, name)[0]
    at = open_page("orders", role, c=str(connection_id))
    assert "No orders yet" in markdown(at)
    assert not at.error and not at.dataframe


@pytest.mark.parametrize("role", list(Role))
def test_fifty_orders_newest_first(role: Role, open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", role)
    assert len(shown(at)) == 50
    assert shown(at)["order"].iloc[0] == remote_id(60)
    assert not at.error


def test_past_the_end_of_the_orders_is_their_last_page(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", page="99")
    assert list(shown(at)["order"]) == [remote_id(number) for number in range(10, 0, -1)]
    assert at.get("pagination")[0].value == 2
    assert shown(open_page("orders", tab="To ship", page="3")).shape[0] == 30


def test_a_viewer_sees_no_customer_and_no_button(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", Role.VIEWER, tab="Needs a person")
    assert set(shown(at)["customer"]) == {"Not shown to viewers"}
    keys = {button.key for button in at.button if button.key}
    assert not {"bulk_import", "bulk_sync", "range_start"} & keys
    assert not any(key.startswith("retry_") for key in keys)
    operator = open_page("orders")
    assert "Ann Example 59" in set(shown(operator)["customer"])
    assert "Hidden by TikTok" in set(shown(operator)["customer"])


def test_a_viewer_cannot_find_a_customer_by_name(open_page: Open, stocked: Orders) -> None:
    assert list(shown(open_page("orders", q="ann example 41"))["order"]) == [remote_id(41)]
    assert not open_page("orders", Role.VIEWER, q="Ann Example 41").dataframe


@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        ({"tab": "To ship"}, {"Awaiting shipment"}),
        ({"tab": "Shipped"}, {"In transit"}),
        ({"tab": "Done"}, {"Completed", "Delivered"}),
        ({"tab": "Cancelled"}, {"Cancelled"}),
        ({"tab": "On hold"}, {"On hold"}),
        ({"status": "DELIVERED"}, {"Delivered"}),
        ({"store": "502"}, {"Awaiting shipment", "In transit", "Completed", "Delivered"}),
        ({"store": "out"}, {"Cancelled"}),
        ({"channel": "tiktok"}, {"Completed"}),
    ],
)
def test_filters_from_the_address(query: dict[str, str], statuses: set[str], open_page: Open, stocked: Orders) -> None:
    found = shown(open_page("orders", **query))
    assert {label for cell in found["status"] for label in cell} == statuses


def test_what_waits_is_grouped_by_cause(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", tab="Waiting for stock or mapping")
    assert "**6** wait for a SKU mapping" in markdown(at)
    assert "**6** are out of stock, not imported" in markdown(at)
    assert len(shown(at)) == 12
    at.button(key="see_hold_unlinked_sku_tab_").click().run()
    assert len(shown(at)) == 6
    assert set(shown(at)["note"]) == {f"1 SKU is not linked to the store: {MISSING}."}


def test_what_sets_an_order_apart_stands_in_its_note(open_page: Open, stocked: Orders) -> None:
    found = shown(open_page("orders", q=remote_id(55)))
    assert list(found["note"]) == ["shipped by TikTok"]


def test_retrying_a_cause_queues_its_orders(open_page: Open, filled: Filled, stocked: Orders) -> None:
    at = open_page("orders", tab="Needs a person")
    newest = "SELECT max(id) FROM runs"
    with engine.transaction() as conn:
        before = conn.exec_driver_sql(newest).scalar_one()
    at.button(key="retry_hold_refused").click().run()
    assert at.button(key="bulk_confirm").label == "Import 6 items"
    with engine.transaction() as conn:
        assert conn.exec_driver_sql(newest).scalar_one() == before, "nothing is queued before it is confirmed"
    order_actions.retry_held(filled.connection_id, "refused")
    with engine.transaction() as conn:
        run = conn.exec_driver_sql("SELECT kind, total FROM runs ORDER BY id DESC LIMIT 1").one()
    assert tuple(run) == ("order_import_run", 6)


@pytest.mark.parametrize("text", [remote_id(33), "JD0000000033", "#100033", "SKU-0033"])
def test_search_finds_ids_tracking_and_skus(text: str, open_page: Open, stocked: Orders) -> None:
    assert list(shown(open_page("orders", q=text))["order"]) == [remote_id(33)]


def test_words_and_pasted_lists(open_page: Open, stocked: Orders) -> None:
    assert list(shown(open_page("orders", q="mug 42"))["order"])[:1] == [remote_id(42)]
    both = open_page("orders", q=f"{remote_id(7)},{remote_id(8)},999")
    assert set(shown(both)["order"]) == {remote_id(7), remote_id(8)}


def test_nonsense_in_the_address_is_harmless(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", page="-9", tab="'; --", first="soon", last="1", before="x/y", open="9999999", hold="?")
    assert not at.exception


def test_the_drawer_shows_both_sides(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", open=str(stocked.ids[32]))
    money = next(frame.value for frame in at.dataframe if "TikTok" in frame.value and "Store" in frame.value)
    rows = {row[0]: (row[1], row[2]) for row in money.itertuples(index=False)}
    assert rows["Total"] == (23.99, 23.99)
    assert rows["Seller discount"] == (-3.0, -3.0)
    assert rows["Difference"][1] == 0
    assert any("Both sides are equal" in entry.value for entry in at.caption)
    assert any("1 Sample Street" in entry.value for entry in at.text)
    assert any("JD0000000033" in entry.value for entry in at.text)


def test_the_drawer_hides_the_customer_from_viewers(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", Role.VIEWER, open=str(stocked.ids[32]))
    everything = "\n".join(entry.value for entry in (*at.text, *at.markdown, *at.caption))
    assert "Sample Street" not in everything and "Ann Example" not in everything
    assert "Operators and administrators see the customer" in everything


def test_masked_details_say_why(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", open=str(stocked.ids[34]))
    assert any("TikTok hides these details" in entry.value for entry in at.caption)
    assert any("print its label in Seller Center" in entry.value for entry in at.info)


def changed(statement: str) -> None:
    with engine.transaction() as conn:
        assert conn.exec_driver_sql(statement).rowcount


def test_a_banner_says_what_orders_shipped_by_tiktok_need(open_page: Open, stocked: Orders) -> None:
    def banners() -> list[str]:
        return [entry.value for entry in open_page("orders").warning if "Seller Shipping" in entry.value]

    (banner,) = banners()
    assert "cannot be shipped from the store" in banner and "Shipping Options in Seller Center" in banner
    changed("UPDATE shop_orders SET shipping_type = 'WAS TIKTOK' WHERE shipping_type = 'TIKTOK'")
    assert banners() == []
    changed("UPDATE shop_orders SET shipping_type = 'TIKTOK' WHERE shipping_type = 'WAS TIKTOK'")


def test_orders_tiktok_fulfils_hint_at_the_tracking_that_completes_them(
    open_page: Open, filled: Filled, stocked: Orders
) -> None:
    def hints(**address: str) -> list[str]:
        return [entry.value for entry in open_page("orders", **address).info if "Pull tracking" in entry.value]

    order = next(order_id for number, order_id in enumerate(stocked.ids, start=1) if number % 10 == 3)
    assert hints() == []
    changed(f"UPDATE shop_orders SET by_tiktok = true WHERE id = {order}")
    assert len(hints()) == 1
    assert len(hints(open=str(order))) == 2
    with engine.transaction() as conn:
        save_setting(conn, filled.connection_id, "query_shipping_change", True, SYSTEM)
    assert hints(open=str(order)) == []
    changed("DELETE FROM connection_settings WHERE name = 'query_shipping_change'")
    changed(f"UPDATE shop_orders SET by_tiktok = false WHERE id = {order}")


def test_text_of_an_order_is_not_markdown(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", open=str(stocked.ids[0]))
    assert not any("![x](" in entry.value for entry in at.markdown)
    assert NASTY in {title for frame in at.dataframe if "Title" in frame.value for title in frame.value["Title"]}


def test_a_click_on_what_is_no_longer_found_links_nothing(open_page: Open, stocked: Orders) -> None:
    """The search and the click arrive together: the click was meant for a product found before."""
    at = open_page("orders", open=str(stocked.ids[0]))
    (search,) = (box for box in at.text_input if box.label == "Find another product")
    search.input("SKU-0001").run()
    (link,) = (button for button in at.button if button.label == "Link")
    (search,) = (box for box in at.text_input if box.label == "Find another product")
    search.input("SKU-0077")
    link.click().run()
    assert not at.exception
    with engine.transaction() as conn:
        kept = "SELECT count(*) FROM mappings WHERE kind = 'sku'"
        assert conn.exec_driver_sql(kept).scalar_one() == 0


def test_a_missing_sku_is_linked_in_the_drawer(open_page: Open, filled: Filled, stocked: Orders) -> None:
    at = open_page("orders", open=str(stocked.ids[0]))
    assert f"**{MISSING}**" in markdown(at)
    with engine.transaction() as conn:
        variant = conn.exec_driver_sql("SELECT id FROM variants WHERE sku = 'SKU-0100'").scalar_one()
    assert order_actions.map_sku(filled.connection_id, MISSING, variant) == 1
    with engine.transaction() as conn:
        states = "SELECT count(*) FROM shop_orders WHERE missing_skus @> ARRAY['GHOST-01'] AND import_state = 'waiting'"
        assert conn.exec_driver_sql(states).scalar_one() == 6
        back = "UPDATE shop_orders SET import_state = 'held' WHERE missing_skus @> ARRAY['GHOST-01']"
        conn.exec_driver_sql(back)


def test_the_map_counts_areas(open_page: Open, stocked: Orders) -> None:
    at = open_page("orders", show="map")
    areas = at.dataframe[0].value
    assert list(areas["Area"]) == ["LS Leeds"]
    assert areas["Orders"].sum() == 60
    waiting = open_page("orders", show="map", tab="Needs a person").dataframe[0].value
    assert waiting["Orders"].sum() == 6


def test_bulk_actions_say_what_they_skip(sign_in: SignIn, filled: Filled, stocked: Orders) -> None:
    sign_in(Role.OPERATOR)
    everything = Selection(orders=OrderFilter())
    again = order_actions.plan_import(filled.connection_id, everything)
    assert again.skipped == (("Already in the store", 24), ("Cancelled on TikTok", 6))
    assert again.will == 30
    follow = order_actions.plan_status(filled.connection_id, everything)
    assert (follow.will, follow.skipped) == (24, (("Not in the store", 36),))
    run_id = order_actions.sync_status(filled.connection_id, everything)
    with engine.transaction() as conn:
        assert conn.exec_driver_sql(f"SELECT total FROM runs WHERE id = {run_id}").scalar_one() == 24


def test_more_than_can_be_taken_at_once_is_said(
    sign_in: SignIn, filled: Filled, stocked: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(Role.OPERATOR)
    everything = Selection(orders=OrderFilter())
    for plan in (order_actions.plan_import, order_actions.plan_status):
        monkeypatch.setattr(order_actions, "COUNT_CAP", 60)
        assert plan(filled.connection_id, everything).warnings == ()
        monkeypatch.setattr(order_actions, "COUNT_CAP", 40)
        dry = plan(filled.connection_id, everything)
        assert dry.will + sum(number for _, number in dry.skipped) == 40
        (said,) = dry.warnings
        assert said == "Only the newest 40 of the orders that match are taken: narrow the list for the others."


def test_all_that_match_are_those_that_are_listed(open_page: Open, filled: Filled, stocked: Orders) -> None:
    """Sorted by their ship-by time, only unshipped orders are listed."""
    at = open_page("orders", sort="ship-up")
    (choose,) = [button.label for button in at.button if button.key == "orders_all"]
    number = int(choose.split()[2])
    assert number < 60 and f"All {number}" in [button.label for button in at.button]
    at.button(key="orders_all").click().run()
    assert f"**{number}** selected" in markdown(at)
    at.button(key="bulk_sync").click().run()
    dry = [entry.value for entry in at.markdown if "at the present rate" in entry.value]
    skipped = [entry.value for entry in at.markdown if "skipped**" in entry.value]
    counted = sum(int(re.search(r"\d+", entry).group()) for entry in dry + skipped)  # type: ignore[union-attr]
    assert counted == number


def test_no_unshipped_order_is_not_no_order(open_page: Open, stocked: Orders) -> None:
    changed("UPDATE shop_orders SET fulfilment = 'was ' || fulfilment WHERE fulfilment = 'unshipped'")
    try:
        assert "No unshipped order" in markdown(open_page("orders", sort="ship-up"))
    finally:
        changed("UPDATE shop_orders SET fulfilment = 'unshipped' WHERE fulfilment = 'was unshipped'")


def test_the_record_of_a_search_holds_no_name(sign_in: SignIn, filled: Filled, stocked: Orders) -> None:
    """Every role reads the record, and it stays for two years."""
    sign_in(Role.OPERATOR)
    found = Selection(orders=OrderFilter(tab="Done", text="Ann Example 59"))
    runs = (
        order_actions.import_again(filled.connection_id, found),
        order_actions.sync_status(filled.connection_id, found),
    )
    kept = "SELECT detail FROM audit WHERE subject = %(run)s"
    for run_id in runs:
        with engine.transaction() as conn:
            detail = conn.exec_driver_sql(kept, {"run": f"run:{run_id}"}).scalar_one()
        assert "Ann" not in str(detail)
        assert (detail["selection"]["orders"]["tab"], detail["selection"]["orders"]["text"]) == ("Done", "[text]")
    assert Selection(orders=OrderFilter()).as_json()["orders"]["text"] == "", "nothing was searched"


def test_what_was_shipped_before_connecting_is_not_offered_for_import(
    open_page: Open, sign_in: SignIn, filled: Filled, stocked: Orders
) -> None:
    order = stocked.ids[7]
    changed(f"UPDATE shop_orders SET import_state = 'not_wanted', hold = 'shipped_before' WHERE id = {order}")
    keys = {button.key for button in open_page("orders", open=str(order)).button}
    sign_in(Role.OPERATOR)
    plan = order_actions.plan_import(filled.connection_id, Selection((order,)))
    changed(f"UPDATE shop_orders SET import_state = 'held', hold = 'out_of_stock' WHERE id = {order}")
    assert "drawer_import" not in keys
    assert (plan.will, plan.skipped) == (0, (("Shipped before the connection", 1),))
    assert "drawer_import" in {button.key for button in open_page("orders", open=str(order)).button}


def test_a_range_too_long_is_refused_in_words(sign_in: SignIn, filled: Filled) -> None:
    sign_in(Role.OPERATOR)
    with pytest.raises(NotPossible, match="can be downloaded again from"):
        order_actions.download_orders(filled.connection_id, date(2020, 1, 1))


@pytest.mark.parametrize(
    "name", ["import_again", "import_one", "map_sku", "plan_import", "plan_status", "plan_retry", "retry_held",
             "settle_issue", "suggested_variants", "sync_one", "sync_status", "download_orders"],
)  # fmt: skip
def test_a_viewer_is_refused(name: str, sign_in: SignIn) -> None:
    sign_in(Role.VIEWER)
    action = getattr(order_actions, name)
    with pytest.raises(Forbidden, match="viewer"):
        action(*(None for _ in inspect.signature(action).parameters))


def test_search_everything_finds_orders(open_page: Open, stocked: Orders) -> None:
    at = open_page("overview")
    connection_id = at.session_state["_connection_id"]
    by_id, by_tracking = find(connection_id, remote_id(33)), find(connection_id, "jd0000000033")
    assert [(hit.page, hit.exact) for hit in by_id] == [("orders", True)]
    assert by_id[0].parameters == by_tracking[0].parameters == (("open", str(stocked.ids[32])),)


def test_an_issue_of_an_order_is_found_and_settled_in_its_drawer(
    open_page: Open, filled: Filled, stocked: Orders
) -> None:
    order = stocked.ids[32]
    sentence = f"The buyer of TikTok order {remote_id(33)} changed the delivery address."
    with engine.transaction() as conn:
        open_issue(
            conn, connection_id=filled.connection_id, subject=("order", str(order)), code="address_changed",
            sentence=sentence, fix="Correct the address by hand.", link="orders",
        )  # fmt: skip
    at = open_page("orders", tab="Needs a person")
    assert "**1** had the delivery address changed after it was imported" in markdown(at)
    at.button(key="see_issue_address_changed_tab_").click().run()
    assert list(shown(at)["order"]) == [remote_id(33)]
    viewer = open_page("orders", Role.VIEWER, open=str(order))
    assert any(sentence in entry.value for entry in viewer.warning)
    assert not any(button.label == "Settled" for button in viewer.button)
    drawer = open_page("orders", open=str(order))
    (settled,) = (button for button in drawer.button if button.label == "Settled")
    settled.click().run()
    assert not drawer.exception
    assert not any(sentence in entry.value for entry in open_page("orders", open=str(order)).warning)
    with engine.transaction() as conn:
        deed = "SELECT action, subject, detail->>'code' FROM audit ORDER BY id DESC LIMIT 1"
        assert tuple(conn.exec_driver_sql(deed).one()) == ("settle_issue", f"order:{order}", "address_changed")
