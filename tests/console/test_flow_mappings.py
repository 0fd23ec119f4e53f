"""Mappings and settings of orders and stock, and what the overview says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import insert, text
from streamlit.testing.v1 import AppTest

from console import actions
from console.components import attribute_grid, parcel_grid
from core.db import engine, tables
from core.domain.mapping import ATTRIBUTE, ORDER_FIELD, ORDER_STATUS, MappingRefused
from core.domain.parcels import ParcelDefaults
from core.domain.people import SYSTEM, Role
from core.domain.stock import WAREHOUSE
from core.reads.attribute_mappings import AttributeRow
from core.reads.parcel_defaults import ParcelRow
from core.services.mappings import MappingChange
from core.services.settings_of_connection import save_setting
from tests.console.conftest import Open
from tests.console.filling import Filled
from tests.console.order_filling import MISSING, Orders, fill_orders
from tests.console.stock_filling import fill_stock

SignIn = Callable[[Role], str]
KINDS = ("attribute", "parcel", "order_status", "sku", "warehouse", "order_field")
SWITCHES = {
    "orders": {
        *("set_order_download", "set_order_import", "set_order_status_sync", "set_customer_emails"),
        *("set_query_status_change", "set_query_shipping_change"),
    },
    "stock": {"set_inventory_upload", "set_nightly_stock_check", "set_continue_selling"},
}


@pytest.fixture(scope="module")
def stocked(filled: Filled) -> Orders:
    with engine.transaction() as conn:
        orders = fill_orders(conn, filled)
        fill_stock(conn, filled)
        for kind, seconds in (("stock", 4), ("order", 9)):
            conn.exec_driver_sql(
                "INSERT INTO latencies (connection_id, kind, began_at, ended_at) VALUES "
                f"({filled.connection_id}, '{kind}', now() - interval '{seconds} seconds', now())"
            )
        return orders


def markdown(at: AppTest) -> str:
    return "\n".join(entry.value for entry in at.markdown)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_each_kind_opens(kind: str, role: Role, open_page: Open, stocked: Orders) -> None:
    at = open_page("mappings", role, tab=kind)
    assert not at.error and not at.exception


def test_statuses_come_unmapped_first(open_page: Open, stocked: Orders) -> None:
    at = open_page("mappings", tab="order_status")
    assert "**7 statuses not mapped**, 0 orders waiting" in markdown(at)
    shown = at.dataframe[0].value
    assert list(shown["target"])[-2:] == ["Paid (paid)", "Dispatched (shipped)"]


def test_missing_skus_come_with_who_waits(open_page: Open, stocked: Orders) -> None:
    shown = open_page("mappings", tab="sku").dataframe[0].value
    assert shown["label"].iloc[0].startswith(MISSING)
    assert shown["waiting"].iloc[0] == 6


def test_statuses_fields_and_warehouses_are_saved_and_undone(
    sign_in: SignIn, filled: Filled, stocked: Orders, open_page: Open
) -> None:
    sign_in(Role.OPERATOR)
    changes = [
        MappingChange(ORDER_STATUS, "DELIVERED", "503"),
        MappingChange(ORDER_FIELD, "delivery_option", "Delivery"),
        MappingChange(WAREHOUSE, "main", "W1"),
    ]
    assert actions.save_mappings(filled.connection_id, changes) == 3
    with pytest.raises(MappingRefused, match="no sales warehouse W9"):
        actions.save_mappings(filled.connection_id, [MappingChange(WAREHOUSE, "main", "W9")])
    with pytest.raises(MappingRefused, match="no order status 999"):
        actions.save_mappings(filled.connection_id, [MappingChange(ORDER_STATUS, "DELIVERED", "999")])
    at = open_page("mappings", tab="warehouse")
    assert at.dataframe[0].value["target"].iloc[0] == "Leeds"
    undo = next(button for button in at.button if (button.key or "").startswith("undo_"))
    undo.click().run()
    with engine.transaction() as conn:
        count = "SELECT count(*) FROM mappings WHERE kind = 'warehouse'"
        assert conn.exec_driver_sql(count).scalar_one() == 0


def parcel_row(**changes: Any) -> ParcelRow:
    plain = ParcelRow("600001", "Home > Cups", 9, 2, ParcelDefaults(Decimal("0.5"), 3, 2, 1), 4, "ada")
    return replace(plain, **changes)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ((0.5, 3, 2, 1), None),
        ((0.75, 3, 2, 1), {"weight_kg": "0.75", "length_cm": 3, "width_cm": 2, "height_cm": 1}),
        ((None, 3.0, 2.0, 1.0), {"length_cm": 3, "width_cm": 2, "height_cm": 1}),
        ((0.5, None, None, None), {"weight_kg": "0.5"}),
        ((None, None, None, None), {}),
        ((0.5, 3, None, 1), "Home > Cups: Give length, width and height, or none of them."),
        ((0.0, 3, 2, 1), "Home > Cups: The weight must be above 0 and at most 100 kg, not “0”."),
    ],
)
def test_what_is_typed_as_a_default_of_a_category(typed: tuple[Any, ...], expected: Any) -> None:
    change = parcel_grid.change_of(parcel_row(), dict(zip(("weight", "length", "width", "height"), typed, strict=True)))
    if not isinstance(change, MappingChange):
        assert change == expected
        return
    assert (change.kind, change.source_id, change.version) == ("parcel", "600001", 4)
    assert (dict(change.detail), change.target_id) == (expected, "" if expected else None)


def test_defaults_of_a_category_are_shown_saved_and_undone(sign_in: SignIn, open_page: Open, filled: Filled) -> None:
    with engine.transaction() as conn:
        conn.exec_driver_sql("UPDATE product_states SET category_id = '600001' WHERE product_id <= 8")
    at = open_page("mappings", tab="parcel")
    shown = at.dataframe[0].value
    assert list(shown[["category", "products", "lacking"]].iloc[0]) == ["Home > Leaf 600001", 8, 2]
    assert "**2 products without a weight or size" in markdown(at)
    sign_in(Role.OPERATOR)
    change = MappingChange("parcel", "600001", "", version=0, detail={"weight_kg": "0.5"})
    assert actions.save_mappings(filled.connection_id, [change]) == 1
    at = open_page("mappings", tab="parcel")
    assert at.dataframe[0].value["weight"].iloc[0] == 0.5
    assert "Leaf 600001** not mapped → 0.5 kg, operator" in markdown(at).replace("\\", "")
    next(button for button in at.button if (button.key or "").startswith("undo_")).click().run()
    with engine.transaction() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM mappings WHERE kind = 'parcel'").scalar_one() == 0
        conn.exec_driver_sql("UPDATE product_states SET category_id = NULL")


def test_fields_of_the_customer_are_offered_to_who_may_see_them(open_page: Open, stocked: Orders) -> None:
    def labels(role: Role) -> set[str]:
        return set(open_page("mappings", role, tab="order_field").dataframe[0].value["label"])

    hidden = {"Recipient's name", "Buyer's e-mail address"}
    assert labels(Role.OPERATOR) >= hidden | {"Delivery option", "Total paid"}
    assert labels(Role.VIEWER) & hidden == set()


@pytest.mark.parametrize("part", ["orders", "stock"])
@pytest.mark.parametrize("role", list(Role))
def test_settings_say_what_on_and_off_do(part: str, role: Role, open_page: Open, stocked: Orders) -> None:
    at = open_page("settings", role, tab=part)
    keys = {toggle.key for toggle in at.toggle}
    assert SWITCHES[part] <= keys
    sentences = [entry.value for entry in at.caption if entry.value.startswith("On: ")]
    assert len(sentences) == len(keys) and all("Off: " in sentence for sentence in sentences)
    assert all(toggle.disabled == (role != Role.ADMIN) for toggle in at.toggle)


def test_what_depends_on_a_setting_comes_and_goes(open_page: Open, filled: Filled, stocked: Orders) -> None:
    at = open_page("settings", Role.ADMIN, tab="orders")
    at.toggle(key="set_order_import").set_value(False).run()
    keys = {toggle.key for toggle in at.toggle}
    assert "set_stock_import" in keys and "set_order_status_sync" not in keys
    at.button(key="save_orders").click().run()
    assert actions.load_settings(filled.connection_id).order_import is False
    with engine.transaction() as conn:
        left_out = "UPDATE shop_orders SET hold = 'import_off' WHERE import_state = 'not_wanted'"
        number = conn.exec_driver_sql(left_out).rowcount
    at.toggle(key="set_order_import").set_value(True).run()
    assert any(f"the {number} orders left out while importing was off" in entry.value for entry in at.caption)
    at.button(key="save_orders").click().run()
    assert actions.load_settings(filled.connection_id).order_import is True


def test_the_shipping_rate_is_chosen_from_the_stores_own(open_page: Open, filled: Filled, stocked: Orders) -> None:
    at = open_page("settings", Role.ADMIN, tab="orders")
    at.text_input(key="set_default_shipping_rate").set_value("Pigeon").run()
    at.button(key="save_orders").click().run()
    assert actions.load_settings(filled.connection_id).default_shipping_rate == "Pigeon"
    with engine.transaction() as conn:
        conn.exec_driver_sql("UPDATE store_accounts SET shipping_rates = '{Standard, Express}'")
    at = open_page("settings", Role.ADMIN, tab="orders")
    choice = at.selectbox(key="set_default_shipping_rate")
    assert choice.options == [
        "None: as TikTok calls the delivery", "Standard", "Express", "Pigeon (no longer in the store)"
    ]  # fmt: skip
    choice.select("Express").run()
    at.button(key="save_orders").click().run()
    assert actions.load_settings(filled.connection_id).default_shipping_rate == "Express"


@pytest.mark.parametrize(
    ("tab", "typed", "found"),
    [("order_status", "transit", "transit"), ("order_field", "ship by", "ship by"), ("order_field", "zebra", "")],
)
def test_a_grid_is_searched(tab: str, typed: str, found: str, open_page: Open, stocked: Orders) -> None:
    at = open_page("mappings", tab=tab, q=typed)
    assert not at.exception
    labels = [label for frame in at.dataframe if "label" in frame.value for label in frame.value["label"]]
    everything = open_page("mappings", tab=tab)
    all_labels = [label for frame in everything.dataframe if "label" in frame.value for label in frame.value["label"]]
    wanted = [label for label in all_labels if found and found in label.lower()]
    assert labels == wanted and len(labels) < len(all_labels)
    assert bool(labels) is bool(found)


RULE = """
    INSERT INTO category_rules (shop_id, category_id, attributes) VALUES (%(shop)s, '600001', '[
      {"id": "1", "name": "Material", "kind": "PRODUCT_PROPERTY", "required": true, "free_text": true, "values": []},
      {"id": "2", "name": "Pattern", "kind": "PRODUCT_PROPERTY", "required": false, "free_text": true, "values": []}
    ]')
"""


@pytest.fixture
def categorised(filled: Filled, stocked: Orders) -> Iterator[None]:
    """Eight products in a category with two attributes, one of them required; two products lack a weight."""
    with engine.transaction() as conn:
        conn.exec_driver_sql("UPDATE product_states SET category_id = '600001' WHERE product_id <= 8")
        conn.exec_driver_sql(RULE, {"shop": filled.shop_id})
    yield
    with engine.transaction() as conn:
        conn.exec_driver_sql("UPDATE product_states SET category_id = NULL")
        conn.exec_driver_sql("DELETE FROM category_rules")


@pytest.mark.parametrize(
    ("tab", "state", "heading"),
    [
        ("attribute", "mapped", "**1 required attribute without a value.**"),
        ("parcel", "set", "**2 products without a weight or size that TikTok needs.**"),
        ("sku", "mapped", "**1 SKU not linked.**"),
        ("order_status", "", "statuses not mapped**"),
        ("order_field", "", ""),
    ],
)
def test_a_heading_stays_true_while_the_grid_is_narrowed(
    tab: str, state: str, heading: str, open_page: Open, categorised: None
) -> None:
    for narrowed in ({}, {"state": state}, {"q": "zebra"}):
        assert heading in markdown(open_page("mappings", tab=tab, **narrowed)).replace("\\", "")
    at = open_page("mappings", tab=tab, q="zebra")
    assert "Nothing matches" in markdown(at) and "No row matches q 'zebra'." in plain_captions(at)
    assert not [frame for frame in at.dataframe if "target" in frame.value or "products" in frame.value]


def plain_captions(at: AppTest) -> list[str]:
    return [entry.value.replace("\\", "") for entry in at.caption]


def test_the_overview_names_what_orders_and_stock_need(open_page: Open, stocked: Orders) -> None:
    at = open_page("overview")
    said = markdown(at).replace("\\", "")
    assert "**6** orders wait for a SKU mapping" in said
    assert "**6** orders were refused by the store" in said
    assert "SKUs were not as they should be after the last stock check" in said
    measured = next(frame.value for frame in at.dataframe if "p95" in frame.value)
    assert [tuple(row) for row in measured.itertuples(index=False)] == [
        ("Stock, store to Shop", "4.0 s", "4.0 s", "1"),
        ("Price, store to Shop", "–", "–", "none yet"),
        ("Order, TikTok to store", "9.0 s", "9.0 s", "1"),
    ]
    assert next(metric.value for metric in at.metric if metric.label == "Orders today").isdecimal()
    assert any("orders not asked for in the last day · newest order read" in entry.value for entry in at.caption)


def mappings_link(at: AppTest) -> str:
    """What the sidebar calls the page Mappings, which carries the number of what waits there."""
    links = [one.proto for one in at.sidebar.get("page_link")]
    return next(str(link.label) for link in links if link.page.endswith("mappings"))


def banner(at: AppTest) -> tuple[str, str, str]:
    """The first line's sentence, its button, and where that leads."""
    (said,) = [one.value for one in (*at.main.warning, *at.main.error)][:1]
    link = next(one.proto for one in at.main.get("page_link"))
    return said.replace("\\", ""), link.label, f"{link.page}?{link.query_string}"


def test_what_orders_and_products_wait_for_is_counted_at_mappings(
    open_page: Open, filled: Filled, stocked: Orders
) -> None:
    st.cache_data.clear()
    assert mappings_link(open_page("activity")) == "Mappings :gray[2]", "a category and a SKU"
    needed = {"id": "100", "name": "Material", "kind": "PRODUCT_PROPERTY", "required": True, "free_text": True}
    with engine.transaction() as conn:
        conn.execute(
            insert(tables.category_rules).values(
                shop_id=filled.shop_id, category_id="600001", rule={}, attributes=[{**needed, "values": []}]
            )
        )
        conn.exec_driver_sql("UPDATE product_states SET category_id = '600001' WHERE product_id <= 8")
        waiting = "UPDATE shop_orders SET hold = 'unmapped_status' WHERE hold = 'refused'"
        assert conn.exec_driver_sql(waiting).rowcount == 6
        conn.exec_driver_sql("DELETE FROM mappings WHERE kind = 'order_status' AND source_id = 'AWAITING_SHIPMENT'")
    st.cache_data.clear()
    at = open_page("activity")
    assert mappings_link(at) == "Mappings :gray[4]", "and an attribute and a status"
    said, button, page = banner(at)
    assert said == "**1 TikTok order status is not mapped.** 6 orders wait and cannot be imported."
    assert (button, page) == ("Map statuses", f"mappings?c={filled.connection_id}&tab=order_status")
    with engine.transaction() as conn:
        conn.execute(
            insert(tables.mappings).values(
                connection_id=filled.connection_id, kind="order_status", source_id="AWAITING_SHIPMENT", target_id="502"
            )
        )
        conn.exec_driver_sql("UPDATE shop_orders SET hold = 'refused' WHERE hold = 'unmapped_status'")
        conn.exec_driver_sql("UPDATE product_states SET category_id = NULL")
        conn.exec_driver_sql("DELETE FROM category_rules")
    assert not open_page("activity").main.warning


def test_stock_mapped_to_no_warehouse_is_the_first_line(open_page: Open, filled: Filled, stocked: Orders) -> None:
    with engine.transaction() as conn:
        conn.execute(
            insert(tables.mappings).values(
                connection_id=filled.connection_id, kind="warehouse", source_id="main", target_id=""
            )
        )
        conn.execute(text("UPDATE shops SET refresh_expires_at = now() + interval '3 days 1 hour'"))
    said, button, page = banner(open_page("activity"))
    assert said == "**The store's stock is mapped to no warehouse.** No stock is sent. And 1 more."
    assert (button, page) == ("Set warehouse", f"mappings?c={filled.connection_id}&tab=warehouse")
    with engine.transaction() as conn:
        save_setting(conn, filled.connection_id, "inventory_upload", False, SYSTEM)
    assert banner(open_page("activity"))[1:] == ("Reconnect", f"settings?c={filled.connection_id}&tab=connection")
    with engine.transaction() as conn:
        conn.execute(text("DELETE FROM connection_settings WHERE name = 'inventory_upload'"))
        conn.execute(text("DELETE FROM mappings WHERE kind = 'warehouse'"))
        conn.execute(text("UPDATE shops SET refresh_expires_at = now() + interval '80 days'"))


def attribute(**changes: object) -> AttributeRow:
    values = {"source_id": "1/2", "category": "Mugs", "name": "Material", "required": True, "free_text": False,
              "products": 3, "values": {"Clay": "77"}, "text": "", "field": "", "version": 0}  # fmt: skip
    return AttributeRow(**(values | changes))  # type: ignore[arg-type]


def test_what_is_typed_becomes_an_attribute_mapping() -> None:
    change = attribute_grid.change_of
    assert change(attribute(), "", "") is None
    assert change(attribute(), "clay", "") == MappingChange(ATTRIBUTE, "1/2", "77", version=0)
    assert change(attribute(), "", "Stuff") == MappingChange(ATTRIBUTE, "1/2", "", 0, {"field": "Stuff"})
    assert "not one of the values" in str(change(attribute(), "Gold", ""))
    assert change(attribute(free_text=True), "Gold", "") == MappingChange(ATTRIBUTE, "1/2", "", 0, {"text": "Gold"})
    assert change(attribute(), "Clay", "Stuff") == MappingChange(ATTRIBUTE, "1/2", "77", 0, {"field": "Stuff"})
    both = {"field": "Stuff", "text": "Gold"}
    assert change(attribute(free_text=True), "Gold", "Stuff") == MappingChange(ATTRIBUTE, "1/2", "", 0, both)
    assert change(attribute(text="Clay", field="Stuff", version=2), "Clay", "Stuff") is None
    assert change(attribute(text="Clay", version=2), "", "") == MappingChange(ATTRIBUTE, "1/2", None, version=2)
