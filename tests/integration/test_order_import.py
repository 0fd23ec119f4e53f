"""From the Shop's order to the store's: each exactly once, to the penny, or held for something named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, event, select, text, update

from core.config import Settings
from core.db.engine import transaction
from core.db.orders import load_orders
from core.db.tables import latencies, mappings, runs, shop_orders, store_accounts, store_orders
from core.domain.errors import Conflict, NotConfigured, Temporary
from core.domain.filters import OrderFilter
from core.domain.mapping import ORDER_STATUS, SKU, MappingRefused
from core.domain.order_tabs import NEEDS_A_PERSON
from core.domain.orders import StoreOrder, StoreOrderDraft
from core.reads import order_mappings
from core.reads.order_plans import count_held
from core.reads.orders import hold_groups, orders_page
from core.services import order_import, order_intents
from core.services.catalogue_pull import pull_catalogue
from core.services.mappings import MappingChange, set_mapping
from core.services.order_drain import store_orders_read
from core.services.order_holds import MANY_TRIES
from core.services.order_import import Importing, import_item, start_import
from core.services.order_links import suggestions
from core.services.order_reference import refer_orders
from core.services.order_sweep import sweep_orders
from core.services.runs import claim
from core.services.settings_of_connection import SettingError
from core.services.shipping_rates import read_rates
from core.services.stock_rules import SkuRule, save_rules
from tests.connect_rig import jobs
from tests.order_rig import OrderRig, running_order_rig
from tests.store_harness import Merchant

CREATE = "POST /v1/orders"


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[OrderRig]:
    with running_order_rig(home) as found:
        yield found


@pytest.fixture(autouse=True)
def calm(rig: OrderRig) -> None:
    rig.calm()


def state(rig: OrderRig, remote_id: str) -> tuple[str, str]:
    row = rig.order(remote_id)
    return row.import_state, row.hold


def map_to(rig: OrderRig, kind: str, source: str, target: str | None) -> None:
    with transaction() as conn:
        set_mapping(conn, rig.connection_id, MappingChange(kind, source, target), rig.rig.boss)


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        ("normal", ""),
        ("rounding", ""),
        ("bundle", "Virtual bundles"),
        ("gift", "Contains a gift"),
        ("sample", "Creator sample"),
        ("replacement", "Replacement for TikTok order"),
        ("exchange", "Exchange for TikTok order"),
        ("masked", "Shipped by TikTok"),
    ],
)
def test_every_kind_becomes_one_store_order_of_the_same_worth(rig: OrderRig, kind: str, note: str) -> None:
    order_id = rig.buy(rig.skus[0], rig.skus[1], kind=kind, quantity=None if kind == "bundle" else 3, on_hold=False)
    rig.work()
    assert state(rig, order_id) == ("imported", "")
    (made,) = rig.in_store(order_id)
    assert Decimal(str(made["total"])).quantize(Decimal("0.01")) == rig.order(order_id).total.quantize(Decimal("0.01"))
    assert made["paymentMethod"] == "TikTok Shop"
    assert note in made["comments"]
    kept = rig.store_order(order_id)
    assert kept is not None
    assert (kept.remote_id, kept.number) == (str(made["id"]), str(made["reference"]))


def test_a_second_look_makes_no_second_order(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0])
    for _ in range(3):
        rig.work()
    with transaction() as conn:
        conn.execute(update(shop_orders).where(shop_orders.c.remote_id == order_id).values(import_state="waiting"))
    rig.work()
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1


def test_an_order_the_store_has_from_before_our_database_was_put_back_is_found(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    with transaction() as conn:
        ours = select(shop_orders.c.id).where(shop_orders.c.remote_id == order_id)
        conn.execute(delete(store_orders).where(store_orders.c.order_id.in_(ours)))
        conn.execute(delete(shop_orders).where(shop_orders.c.remote_id == order_id))
    rig.work()
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1


def test_the_hold_hour_reserves_stock_and_then_imports_by_itself(rig: OrderRig) -> None:
    before = rig.held(rig.skus[2])
    order_id = rig.buy(rig.skus[2], kind="on_hold", quantity=2)
    rig.work()
    assert state(rig, order_id) == ("held", "on_hold")
    assert rig.held(rig.skus[2]) == before + 2
    assert ("order", "on_hold") not in rig.open_issues()
    rig.act(order_id, "advance", to="AWAITING_SHIPMENT")
    rig.work()
    assert state(rig, order_id) == ("imported", "")
    with transaction() as conn:
        subject = f"order:{rig.order(order_id).id}"
        (took,) = conn.execute(select(latencies).where(latencies.c.subject == subject)).all()
    assert took.kind == "order"
    assert took.ended_at > took.began_at


def test_unpaid_waits_and_cancelled_is_left_out(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[2], paid=False)
    rig.work()
    assert state(rig, order_id) == ("held", "unpaid")
    assert rig.deductions(order_id).count("held") == len(rig.deductions(order_id)) > 0
    rig.act(order_id, "advance", to="CANCELLED")
    rig.work()
    assert state(rig, order_id) == ("not_wanted", "cancelled")
    assert set(rig.deductions(order_id)) == {"given_back"}


def test_goods_of_tiktoks_own_warehouse_are_none_of_the_stores(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], kind="fbt")
    before = rig.stock(rig.skus[0])
    rig.work()
    assert state(rig, order_id) == ("not_wanted", "fulfilled_by_tiktok")
    assert rig.deductions(order_id) == []
    assert rig.stock(rig.skus[0]) == before


def test_an_unlinked_sku_waits_by_name_and_imports_by_itself_once_mapped(rig: OrderRig) -> None:
    sku = "TT-ORPHAN-1"
    rig.control("tiktok/shelf", {"skus": [{"seller_sku": sku, "quantity": 50, "price": "9.99"}]})
    order_id = rig.buy(sku, rig.skus[0], on_hold=False)
    rig.work()
    assert state(rig, order_id) == ("held", "unlinked_sku")
    row = rig.order(order_id)
    assert row.missing_skus == [sku]
    assert sku in row.hold_sentence
    assert ("sku", "unlinked_sku") in rig.open_issues()
    with pytest.raises(MappingRefused, match=sku):
        map_to(rig, SKU, sku, "999999")
    map_to(rig, SKU, sku, str(rig.variant(rig.skus[3])))
    assert jobs("order_import")
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert rig.skus[3] in {line["sku"] for line in rig.in_store(order_id)[0]["products"]}
    assert ("sku", "unlinked_sku") not in rig.open_issues()


def shelve(rig: OrderRig, *skus: str) -> None:
    """SKUs of the Shop that the store does not have."""
    listed = [{"seller_sku": sku, "quantity": 50, "price": "9.99"} for sku in skus]
    rig.control("tiktok/shelf", {"skus": listed})


def test_a_corrected_mapping_counts_for_orders_that_wait(rig: OrderRig) -> None:
    shelve(rig, "TT-WRONG-1", "TT-WRONG-2")
    wrong, right = rig.skus[3], rig.skus[4]
    before = rig.held(wrong), rig.held(right)
    order_id = rig.buy("TT-WRONG-1", "TT-WRONG-2", quantity=1, on_hold=False)
    rig.work()
    units = len(rig.order(order_id).missing_skus)
    assert units == 2
    map_to(rig, SKU, "TT-WRONG-1", str(rig.variant(wrong)))
    rig.try_import()
    assert state(rig, order_id) == ("held", "unlinked_sku")
    assert (rig.held(wrong), rig.held(right)) == (before[0] + 1, before[1])
    map_to(rig, SKU, "TT-WRONG-1", str(rig.variant(right)))
    assert (rig.held(wrong), rig.held(right)) == (before[0], before[1] + 1)
    map_to(rig, SKU, "TT-WRONG-2", str(rig.variant(rig.skus[5])))
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert {line["sku"] for line in rig.in_store(order_id)[0]["products"]} == {right, rig.skus[5]}


def test_an_undone_mapping_counts_for_orders_that_wait(rig: OrderRig) -> None:
    shelve(rig, "TT-UNDONE-1")
    before = rig.held(rig.skus[3])
    order_id = rig.buy("TT-UNDONE-1", kind="on_hold", quantity=1)
    map_to(rig, SKU, "TT-UNDONE-1", str(rig.variant(rig.skus[3])))
    rig.work()
    assert rig.held(rig.skus[3]) == before + 1
    map_to(rig, SKU, "TT-UNDONE-1", None)
    assert rig.held(rig.skus[3]) == before
    rig.act(order_id, "advance", to="AWAITING_SHIPMENT")
    rig.work()
    assert state(rig, order_id) == ("held", "unlinked_sku")
    assert rig.order(order_id).missing_skus == ["TT-UNDONE-1"]


def test_a_mapping_corrected_while_the_order_is_being_made_counts_before_the_call(rig: OrderRig) -> None:
    shelve(rig, "TT-RACE-1")
    order_id = rig.buy("TT-RACE-1", quantity=1, on_hold=False)
    map_to(rig, SKU, "TT-RACE-1", str(rig.variant(rig.skus[3])))
    rig.drain()

    class Meanwhile:
        capabilities = rig.store.capabilities

        def __getattr__(self, name: str) -> Any:
            return getattr(rig.store, name)

        def find_orders(self, *given: Any, **named: Any) -> Any:
            map_to(rig, SKU, "TT-RACE-1", str(rig.variant(rig.skus[4])))
            return rig.store.find_orders(*given, **named)

    store: Any = Meanwhile()
    order_import.import_orders(replace(rig.importing(), store=store))
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert {line["sku"] for line in rig.in_store(order_id)[0]["products"]} == {rig.skus[4]}
    assert rig.deductions(order_id) == ["done"]


def test_a_mapping_corrected_after_the_call_leaves_the_order_as_it_was_made(rig: OrderRig) -> None:
    shelve(rig, "TT-LATE-1")
    order_id = rig.buy("TT-LATE-1", quantity=1, on_hold=False)
    map_to(rig, SKU, "TT-LATE-1", str(rig.variant(rig.skus[3])))
    rig.drain()
    rig.fault(CREATE, "cut_after", times=1)
    rig.try_import()
    map_to(rig, SKU, "TT-LATE-1", str(rig.variant(rig.skus[4])))
    rig.hurry()
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    with transaction() as conn:
        line = "SELECT l.variant_id FROM shop_order_lines l JOIN shop_orders o ON o.id = l.order_id"
        kept = conn.execute(text(f"{line} WHERE o.remote_id = :id"), {"id": order_id}).scalar()
    assert kept == rig.variant(rig.skus[3])


def unnamed(rig: OrderRig, sku_id: str) -> str:
    """An order whose one SKU the seller gave no name."""
    (told,) = rig.market.orders([rig.buy(rig.skus[0], quantity=1, on_hold=False)])
    lines = tuple(replace(one, seller_sku="", sku_id=sku_id, title="Nameless mug") for one in told.lines)
    with transaction() as conn:
        store_orders_read(conn, rig.connection_id, [replace(told, lines=lines)])
    rig.try_import()
    assert rig.order(told.id).missing_skus == [f"TikTok SKU {sku_id}"]
    return told.id


@pytest.mark.parametrize("given", ["1729000000000000{}", "TikTok SKU 1729000000000000{}"])
def test_a_sku_without_a_name_is_mapped_by_its_id_however_it_is_written(rig: OrderRig, given: str) -> None:
    source = given.format(len(given))
    sku_id = source.removeprefix("TikTok SKU ")
    order_id = unnamed(rig, sku_id)
    ((row,), _) = order_mappings.sku_rows(rig.connection_id, text=sku_id)
    assert (row.source_id, row.label, row.waiting) == (sku_id, f"TikTok SKU {sku_id} · Nameless mug", 1)
    assert order_mappings.orders_waiting_for(rig.connection_id, sku_id) == 1
    map_to(rig, SKU, source, str(rig.variant(rig.skus[3])))
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    ((row,), _) = order_mappings.sku_rows(rig.connection_id, text=sku_id)
    assert (row.source_id, row.target_id, row.waiting) == (sku_id, str(rig.variant(rig.skus[3])), 0)


def test_mappings_that_were_kept_by_the_shown_name_are_found_again(rig: OrderRig) -> None:
    both, old = unnamed(rig, "17300001"), unnamed(rig, "17300002")
    wrong, right = (str(rig.variant(sku)) for sku in rig.skus[3:5])
    map_to(rig, SKU, "17300002", wrong)
    kept = {"TikTok SKU 17300001": right, "TikTok SKU 17300002": right}
    rows = [{"connection_id": rig.connection_id, "kind": SKU, "source_id": name, "target_id": target}
            for name, target in kept.items()]  # fmt: skip
    moved = import_module("core.db.migrations.versions.0025_skus_by_their_id")
    with transaction() as conn:
        conn.execute(mappings.insert(), rows)
        with Operations.context(MigrationContext.configure(conn)):
            moved.upgrade()
    with transaction() as conn:
        found = conn.execute(select(mappings.c.source_id, mappings.c.target_id).where(mappings.c.kind == SKU)).all()
    assert {tuple(row) for row in found} == {("17300001", right), ("17300002", wrong)}
    sweep_orders(rig.connection_id)
    rig.try_import()
    assert state(rig, both) == state(rig, old) == ("imported", "")
    assert rig.skus[4] in {line["sku"] for line in rig.in_store(both)[0]["products"]}


def test_an_unlinked_sku_imports_by_itself_once_the_store_has_it(rig: OrderRig) -> None:
    sku = "TT-LATER-1"
    rig.control("tiktok/shelf", {"skus": [{"seller_sku": sku, "quantity": 50, "price": "9.99"}]})
    order_id = rig.buy(sku, on_hold=False)
    rig.work()
    assert state(rig, order_id) == ("held", "unlinked_sku")
    Merchant(rig.rig.url).create("Later goods", sku, stock=50)
    pull_catalogue(rig.store, rig.store_account_id, full=False)
    rig.work()
    assert state(rig, order_id) == ("imported", "")


def test_two_products_with_one_sku_are_never_guessed(rig: OrderRig) -> None:
    sku = "TT-TWICE-1"
    merchant = Merchant(rig.rig.url)
    merchant.create("Twice, the first", sku, stock=50)
    merchant.create("Twice, the second", sku, stock=50)
    pull_catalogue(rig.store, rig.store_account_id, full=False)
    rig.control("tiktok/shelf", {"skus": [{"seller_sku": sku, "quantity": 50, "price": "9.99"}]})
    order_id = rig.buy(sku, on_hold=False)
    rig.work()
    assert state(rig, order_id) == ("held", "unlinked_sku")
    with transaction() as conn:
        found = suggestions(conn, rig.connection_id, sku, "Twice, the first")
    assert {one.sku for one in found} == {sku}
    assert found[0].likeness == 1.0


def test_an_unmapped_status_waits_and_imports_once_mapped(rig: OrderRig) -> None:
    with transaction() as conn:
        target = conn.execute(
            select(mappings.c.target_id).where(mappings.c.source_id == "AWAITING_SHIPMENT")
        ).scalar_one()
    map_to(rig, ORDER_STATUS, "AWAITING_SHIPMENT", None)
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    assert state(rig, order_id) == ("held", "unmapped_status")
    assert ("order_status", "unmapped_status") in rig.open_issues()
    with pytest.raises(MappingRefused, match="no order status"):
        map_to(rig, ORDER_STATUS, "AWAITING_SHIPMENT", "123456789")
    map_to(rig, ORDER_STATUS, "AWAITING_SHIPMENT", target)
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert ("order_status", "unmapped_status") not in rig.open_issues()


def test_out_of_stock_waits_for_the_stock(rig: OrderRig) -> None:
    sku = rig.skus[4]
    rig.restock(sku, 1)
    order_id = rig.buy(sku, quantity=2, on_hold=False)
    rig.work()
    assert state(rig, order_id) == ("held", "out_of_stock")
    assert sku in rig.order(order_id).hold_sentence
    rig.restock(sku, 500)
    assert jobs("order_import")
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert rig.stock(sku) == 498


def test_out_of_stock_past_its_time_is_for_a_person_and_continue_selling_imports_it(rig: OrderRig) -> None:
    sku = rig.skus[5]
    rig.restock(sku, 0)
    order_id = rig.buy(sku, quantity=1, on_hold=False)
    rig.work()
    with transaction() as conn:
        late = update(shop_orders).where(shop_orders.c.remote_id == order_id)
        conn.execute(late.values(ship_by=text("now() - interval '1 hour'")))
    sweep_orders(rig.connection_id)
    rig.try_import()
    assert state(rig, order_id) == ("held", "out_of_stock_late")
    assert "Seller Center" in rig.order(order_id).hold_sentence
    rig.setting("continue_selling", True)
    assert jobs("order_wake")
    start_import(rig.connection_id, "boss", hold="out_of_stock_late")
    finish_run(rig)
    assert state(rig, order_id) == ("imported", "")
    rig.restock(sku, 1000)


def test_continue_selling_of_one_sku_wakes_what_was_short_of_it(rig: OrderRig) -> None:
    short, other = rig.skus[4], rig.skus[5]
    for sku in (short, other):
        rig.restock(sku, 0)
    mine, its_own = (rig.buy(sku, quantity=1, on_hold=False) for sku in (short, other))
    rig.work()
    assert state(rig, mine) == state(rig, its_own) == ("held", "out_of_stock")
    allow = {rig.variant(short): SkuRule(continue_selling=True)}
    with transaction() as conn:
        save_rules(conn, rig.store_account_id, allow, rig.rig.boss)
    assert jobs("order_import")
    rig.try_import()
    assert state(rig, mine) == ("imported", "")
    assert state(rig, its_own) == ("held", "out_of_stock")
    with transaction() as conn:
        save_rules(conn, rig.store_account_id, dict.fromkeys(allow, SkuRule()), rig.rig.boss)
    for sku in (short, other):
        rig.restock(sku, 1000)


def finish_run(rig: OrderRig) -> list[str]:
    """Work on every item of the newest run; how they ended."""
    with transaction() as conn:
        run_id = conn.scalars(select(runs.c.id).order_by(runs.c.id.desc())).first()
    assert run_id is not None
    return [import_item(rig.importing(), item).status for item in claim(run_id, limit=50, seconds=60)]


def test_another_currency_is_held(rig: OrderRig) -> None:
    mine = update(store_accounts).where(store_accounts.c.id == rig.store_account_id)
    with transaction() as conn:
        conn.execute(mine.values(currency="EUR"))
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    with transaction() as conn:
        conn.execute(mine.values(currency="GBP"))
    assert state(rig, order_id) == ("held", "currency")
    assert rig.in_store(order_id) == []


def test_a_total_that_does_not_add_up_is_held(rig: OrderRig) -> None:
    (told,) = rig.market.orders([rig.buy(rig.skus[0], on_hold=False)])
    odd = replace(told, payment=replace(told.payment, total=told.payment.total + Decimal("0.50")))
    with transaction() as conn:
        store_orders_read(conn, rig.connection_id, [odd])
    rig.try_import()
    assert state(rig, told.id) == ("held", "total_difference")
    assert "+0.50" in rig.order(told.id).hold_sentence


def test_what_the_store_refuses_is_said_and_can_be_tried_again(rig: OrderRig) -> None:
    sku = "TT-DELETED-1"
    merchant = Merchant(rig.rig.url)
    remote_id = merchant.create("Deleted goods", sku, stock=9)
    pull_catalogue(rig.store, rig.store_account_id, full=False)
    rig.control("tiktok/shelf", {"skus": [{"seller_sku": sku, "quantity": 50, "price": "9.99"}]})
    order_id = rig.buy(sku, on_hold=False, quantity=1)
    merchant.delete(remote_id)  # and our copy does not know of it yet
    rig.work()
    assert state(rig, order_id) == ("held", "refused")
    assert rig.order(order_id).hold_sentence.startswith("The store refused it: ")
    assert ("order", "refused") in rig.open_issues()
    merchant.create("Deleted goods, back again", sku, stock=9)
    start_import(rig.connection_id, "boss", hold="refused")
    assert finish_run(rig) == ["done"]
    assert state(rig, order_id) == ("imported", "")
    assert ("order", "refused") not in rig.open_issues()


def shipping(rig: OrderRig, order_id: str) -> dict[str, Any]:
    (made,) = rig.in_store(order_id)
    (rate,) = made["shipping"]
    return {"name": rate["name"], "comments": made["comments"], "total": made["total"]}


def test_orders_carry_the_chosen_shipping_rate_at_the_price_the_buyer_paid(rig: OrderRig) -> None:
    read_rates(rig.store, rig.connection_id)
    rate = Merchant(rig.rig.url).ask("GET", "/shipping-rates")[0]
    rig.setting("default_shipping_rate", rate["name"])
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    made, row = shipping(rig, order_id), rig.order(order_id)
    assert made["name"] == rate["name"]
    assert f"Delivery option on TikTok: {row.detail['delivery_option']}" in made["comments"]
    assert Decimal(str(made["total"])).quantize(Decimal("0.01")) == row.total.quantize(Decimal("0.01"))
    assert Decimal(row.payment["original_shipping"]) != Decimal(str(rate["cost"]))
    rig.setting("default_shipping_rate", "")
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    assert shipping(rig, order_id)["name"] == rig.order(order_id).detail["delivery_option"]


def test_a_rate_the_store_does_not_have_cannot_be_chosen(rig: OrderRig) -> None:
    read_rates(rig.store, rig.connection_id)
    with pytest.raises(SettingError, match='no shipping rate "Pigeon": choose one of '):
        rig.setting("default_shipping_rate", "Pigeon")


def test_where_the_rates_cannot_be_read_any_name_will_do(rig: OrderRig) -> None:
    class WithoutPermission:
        def shipping_rates(self) -> tuple[str, ...]:
            raise NotConfigured("The key may not read shipping.", code="403")

    store: Any = WithoutPermission()
    read_rates(store, rig.connection_id)
    rig.setting("default_shipping_rate", "By pigeon")
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    assert shipping(rig, order_id)["name"] == "By pigeon"


def test_a_missing_shipping_rate_holds_orders_until_the_store_has_it_again(rig: OrderRig) -> None:
    rate_id = Merchant(rig.rig.url).add_rate("By bicycle")
    read_rates(rig.store, rig.connection_id)
    rig.setting("default_shipping_rate", "By bicycle")
    Merchant(rig.rig.url).delete_rate(rate_id)
    read_rates(rig.store, rig.connection_id)
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    assert state(rig, order_id) == ("held", "missing_shipping_rate")
    assert '"By bicycle"' in rig.order(order_id).hold_sentence
    assert ("order", "missing_shipping_rate") in rig.open_issues()
    sweep_orders(rig.connection_id)
    assert jobs("order_statuses")
    Merchant(rig.rig.url).add_rate("By bicycle")
    read_rates(rig.store, rig.connection_id)  # as that job does
    assert jobs("order_import")
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert shipping(rig, order_id)["name"] == "By bicycle"
    assert ("order", "missing_shipping_rate") not in rig.open_issues()


def test_a_missing_shipping_rate_is_looked_for_when_a_person_retries(rig: OrderRig) -> None:
    rate_id = Merchant(rig.rig.url).add_rate("By boat")
    read_rates(rig.store, rig.connection_id)
    rig.setting("default_shipping_rate", "By boat")
    Merchant(rig.rig.url).delete_rate(rate_id)
    read_rates(rig.store, rig.connection_id)
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    Merchant(rig.rig.url).add_rate("By boat")
    start_import(rig.connection_id, "boss", hold="missing_shipping_rate")
    assert finish_run(rig) == ["done"]
    assert state(rig, order_id) == ("imported", "")


def test_importing_switched_off_leaves_orders_out_until_it_is_on(rig: OrderRig) -> None:
    rig.setting("order_import", False)
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    assert state(rig, order_id) == ("not_wanted", "import_off")
    assert set(rig.deductions(order_id)) == {"held"}
    rig.setting("order_import", True)
    start_import(rig.connection_id, "boss", order_ids=[rig.order(order_id).id])
    assert finish_run(rig) == ["done"]
    assert len(rig.in_store(order_id)) == 1


@pytest.mark.parametrize("importing", [True, False])
def test_what_was_shipped_before_connecting_stays_out_although_a_person_asks(rig: OrderRig, importing: bool) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.act(order_id, "advance", to="IN_TRANSIT")
    (told,) = rig.market.orders([order_id])
    old = replace(told, id=f"50000000001{importing:02}", created_at=told.created_at - timedelta(days=3))
    with transaction() as conn:
        store_orders_read(conn, rig.connection_id, [old])
    rig.setting("order_import", importing)
    start_import(rig.connection_id, "boss", order_ids=[rig.order(old.id).id])
    assert finish_run(rig) == ["skipped"]
    assert state(rig, old.id) == ("not_wanted", "shipped_before")
    assert rig.order(old.id).hold_sentence.startswith("It was shipped on TikTok before this connection was made")
    assert (rig.in_store(old.id), rig.deductions(old.id)) == ([], [])


def test_four_workers_make_each_order_once(rig: OrderRig) -> None:
    bought = rig.buy_many(16, rig.skus[0], kind="normal", on_hold=False)
    rig.drain()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: rig.try_import(), range(4)))
    assert [state(rig, one) for one in bought] == [("imported", "")] * 16
    made = [one["comments"].split()[2] for one in rig.store_list()]
    assert [made.count(one) for one in bought] == [1] * 16


@pytest.mark.parametrize("switch", [{}, {"hide_order_comments": True}, {"order_search_delay_seconds": 600}])
def test_an_answer_lost_after_the_effect_is_found_again(rig: OrderRig, switch: dict[str, Any]) -> None:
    rig.control("shopwired/switches", switch)
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()
    rig.fault(CREATE, "cut_after", times=1)
    rig.try_import()
    assert rig.order(order_id).import_state == "unknown"
    rig.hurry()
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1
    assert set(rig.deductions(order_id)) == {"done"}


def test_an_answer_lost_before_the_effect_is_made_again_only_after_two_looks(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()
    rig.fault(CREATE, "cut_before", times=1)
    rig.try_import()
    slow = replace(rig.importing(), recheck_s=120.0)
    for _ in range(3):  # each look finds nothing, and the second one is not due yet
        rig.hurry()
        order_import.import_orders(slow)
        assert rig.order(order_id).import_state == "unknown"
    assert rig.in_store(order_id) == []
    with transaction() as conn:
        conn.execute(update(store_orders).values(empty_since=text("empty_since - interval '120 seconds'")))
    rig.hurry()
    order_import.import_orders(slow)
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1


def test_a_store_in_trouble_is_tried_again_later(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()
    rig.fault("GET /v1/orders/search", "http_503")
    rig.try_import()
    row = rig.order(order_id)
    assert (row.import_state, row.tries) == ("importing", 1)
    rig.control("faults", method="DELETE")
    rig.hurry()
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")


def needs_a_person(rig: OrderRig, order_id: str) -> bool:
    """Whether the page shows the order under that tab, and names its cause."""
    shown = orders_page(rig.connection_id, OrderFilter(tab=NEEDS_A_PERSON)).rows
    named = {group.hold for group in hold_groups(rig.connection_id, tab=NEEDS_A_PERSON)}
    return order_id in {row.remote_id for row in shown} and rig.order(order_id).hold in named


def try_until_told(rig: OrderRig) -> None:
    """Import again and again, as the jobs would, until a person is told."""
    at_once = replace(rig.importing(), recheck_s=0.0)
    for _ in range(40):
        rig.hurry()
        with suppress(Temporary):
            order_import.import_orders(at_once)
        if ("order", "store_trouble") in rig.open_issues():
            return
    pytest.fail("nobody was told")


@pytest.mark.parametrize(
    ("endpoint", "fault", "waits"),
    [(CREATE, "http_500", "unknown"), ("GET /v1/orders/search", "http_503", "importing")],
)
def test_an_order_that_is_never_made_is_told_of_and_tried_on(
    rig: OrderRig, endpoint: str, fault: str, waits: str
) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()
    rig.fault(endpoint, fault)
    rig.try_import()
    assert not needs_a_person(rig, order_id)
    try_until_told(rig)
    assert (rig.order(order_id).import_state, rig.order(order_id).tries) == (waits, MANY_TRIES)
    assert needs_a_person(rig, order_id)
    assert count_held(rig.connection_id, "store_trouble") == 1
    rig.control("faults", method="DELETE")
    for _ in range(3):
        rig.hurry()
        order_import.import_orders(replace(rig.importing(), recheck_s=0.0))
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1
    assert ("order", "store_trouble") not in rig.open_issues()


def test_an_order_in_trouble_that_is_cancelled_troubles_nobody(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()
    rig.fault("GET /v1/orders/search", "http_503")
    try_until_told(rig)
    rig.act(order_id, "advance", to="CANCELLED")
    rig.drain()
    rig.hurry()
    rig.try_import()
    assert state(rig, order_id) == ("not_wanted", "cancelled")
    assert ("order", "store_trouble") not in rig.open_issues()


class _Interrupted:
    """The store, with something happening right after it has made an order, before its answer is used."""

    def __init__(self, rig: OrderRig, happens: Callable[[], None]) -> None:
        self._store, self._happens = rig.store, happens
        self.capabilities = rig.store.capabilities

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create_order(self, draft: StoreOrderDraft) -> StoreOrder:
        made = self._store.create_order(draft)
        self._happens()
        return made


class _Breaking:
    """The store, which makes an order with another total and then is in trouble."""

    def __init__(self, rig: OrderRig) -> None:
        self._store, self._made = rig.store, False
        self.capabilities = rig.store.capabilities

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create_order(self, draft: StoreOrderDraft) -> StoreOrder:
        self._store.create_order(draft)
        self._made = True
        raise Conflict("It has another total.")

    def find_orders(self, *given: Any, **named: Any) -> Any:
        if self._made:
            raise Temporary("The store is in trouble.")
        return self._store.find_orders(*given, **named)


def test_a_retried_order_whose_call_was_made_is_seen_to_the_end(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], quantity=1, on_hold=False)
    rig.drain()
    with transaction() as conn:
        mine = update(shop_orders).where(shop_orders.c.remote_id == order_id)
        conn.execute(mine.values(import_state="held", hold="refused"))
    run_id = start_import(rig.connection_id, "boss", order_ids=[rig.order(order_id).id])
    (item,) = claim(run_id, limit=5, seconds=60)
    broken: Any = _Breaking(rig)
    assert import_item(replace(rig.importing(), store=broken), item).status == "failed"
    rig.hurry()
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1


def killed() -> None:
    raise KeyboardInterrupt


def test_killed_between_the_call_and_its_answer_it_is_found_again(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()
    with pytest.raises(KeyboardInterrupt):
        order_import.import_orders(replace(rig.importing(), store=_Interrupted(rig, killed)))  # type: ignore[arg-type]
    kept = rig.store_order(order_id)
    assert kept is not None
    assert kept.state == "sending"
    rig.try_import()
    assert rig.order(order_id).import_state == "importing"  # its lease has not run out
    rig.hurry()
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1


def test_a_line_cancelled_while_the_order_is_read_is_noticed(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], quantity=2, on_hold=False)
    rig.drain()
    (told,) = rig.market.orders([order_id])
    less = replace(told, lines=(replace(told.lines[0], status="CANCELLED"), *told.lines[1:]), seller_note="one less")
    row_id = rig.order(order_id).id

    with transaction() as conn:

        def cancel(*_: Any) -> None:
            with transaction() as other:
                store_orders_read(other, rig.connection_id, [less])

        event.listen(conn, "after_cursor_execute", cancel, once=True)
        stored = load_orders(conn, [row_id])[row_id]
    seen = [line.status for line in stored.order.lines]
    assert "CANCELLED" in seen or stored.changed_at < rig.order(order_id).changed_at, "or it is never looked at again"


def test_a_worker_taken_for_dead_does_not_overwrite_what_came_after_it(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()

    def overtaken() -> None:
        rig.hurry()  # the lease is over
        rig.try_import()  # and another worker finds the order in the store

    store: Any = _Interrupted(rig, overtaken)
    order_import.import_orders(replace(rig.importing(), store=store))
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1
    assert rig.deductions(order_id).count("done") == len(rig.deductions(order_id))


def without_draft(rig: OrderRig, order_id: str) -> None:
    """As it is once the customer's details are no longer kept."""
    with transaction() as conn:
        mine = store_orders.c.order_id == rig.order(order_id).id
        conn.execute(update(store_orders).where(mine).values(draft=None))


def test_an_imported_order_whose_draft_is_no_longer_kept_is_not_made_again(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    without_draft(rig, order_id)
    start_import(rig.connection_id, "boss", order_ids=[rig.order(order_id).id])
    assert finish_run(rig) == ["skipped"]
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1


def test_a_lost_answer_is_found_again_although_the_draft_is_no_longer_kept(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False, quantity=2)
    rig.drain()
    rig.fault(CREATE, "cut_after", times=1)
    rig.try_import()
    without_draft(rig, order_id)
    rig.hurry()
    rig.try_import()
    assert state(rig, order_id) == ("imported", "")
    assert len(rig.in_store(order_id)) == 1
    assert set(rig.deductions(order_id)) == {"done"}


def test_the_draft_is_stored_sealed(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    row = rig.order(order_id)
    with transaction() as conn:
        intent = order_intents.intent_of(conn, row.id)
        plain = conn.execute(text("SELECT draft::text FROM store_orders WHERE order_id = :id"), {"id": row.id}).scalar()
    assert intent is not None
    assert intent.draft is not None
    assert intent.draft.address.name
    assert intent.draft.address.name not in str(plain)
    assert intent.draft.total == row.total


def test_the_shop_is_told_our_number_once(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    refer_orders(rig.market, rig.connection_id)
    kept = rig.store_order(order_id)
    assert kept is not None
    assert kept.referred_at is not None
    assert refer_orders(rig.market, rig.connection_id) == 0


def test_an_outage_of_the_shop_gives_no_order_number_up(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    rig.fault("POST /order/202406/orders/external_orders", "http_503", vendor="tiktok")
    for _ in range(6):
        with suppress(Temporary):
            refer_orders(rig.market, rig.connection_id)
    rig.control("faults", method="DELETE")
    refer_orders(rig.market, rig.connection_id)
    kept = rig.store_order(order_id)
    assert kept is not None
    assert kept.referred_at is not None


def test_fields_of_the_order_arrive_in_the_stores_custom_fields(rig: OrderRig) -> None:
    wanted = {
        "delivery_option": "tiktok_delivery", "id": "tiktok_id", "payment.total": "tiktok_total", "sample": "is_sample",
        "lines.seller_sku": "tiktok_skus", "ship_by": "ship_by", "replaced_order_id": "replaces",
        "address.name": "recipient", "address.lines": "street", "buyer_email": "buyer_email",
    }  # fmt: skip
    for source, target in wanted.items():
        map_to(rig, "order_field", source, target)
    order_id = rig.buy(rig.skus[0], rig.skus[1], on_hold=False, quantity=2)
    rig.work()
    (told,) = rig.market.orders([order_id])
    assert told.address is not None and told.ship_by is not None
    assert rig.in_store(order_id)[0]["customFields"] == {
        "tiktok_delivery": "Standard Shipping",
        "tiktok_id": order_id,
        "tiktok_total": str(rig.order(order_id).total.quantize(Decimal("0.01"))),
        "is_sample": "No",
        "tiktok_skus": f"{rig.skus[0]}, {rig.skus[1]}",
        "ship_by": f"{told.ship_by:%Y-%m-%d %H:%M} UTC",
        "recipient": told.address.name,
        "street": ", ".join(told.address.lines),
        "buyer_email": told.buyer_email,
    }


def test_what_tiktok_hides_of_the_recipient_is_not_copied(rig: OrderRig) -> None:
    map_to(rig, "order_field", "address.name", "recipient")
    map_to(rig, "order_field", "shipping_type", "shipped_by")
    order_id = rig.buy(rig.skus[0], kind="masked", on_hold=False)
    rig.work()
    assert rig.in_store(order_id)[0]["customFields"] == {"shipped_by": "TIKTOK"}


def test_a_field_no_order_has_cannot_be_mapped(rig: OrderRig) -> None:
    with pytest.raises(MappingRefused, match="no field 'shoe_size'"):
        map_to(rig, "order_field", "shoe_size", "shoes")


def test_importing_needs_a_live_connection(rig: OrderRig) -> None:
    importing = rig.importing()
    assert isinstance(importing, Importing)
    with transaction() as conn:
        conn.execute(text("UPDATE connections SET disconnected_at = now()"))
    order_id = rig.buy(rig.skus[0])
    with pytest.raises(Exception, match="disconnected"):
        order_import.import_orders(importing)
    with transaction() as conn:
        conn.execute(text("UPDATE connections SET disconnected_at = NULL"))
    assert rig.in_store(order_id) == []
