"""Rules of single SKUs, what a change of rules starts, and why a SKU has its number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import audit, latencies, listing_skus, shop_order_lines, shop_orders, stock_checks, stock_deductions
from core.services.housekeeping import keep_house
from core.services.settings_of_connection import save_setting
from core.services.stock_rules import RuleError, SkuRule, rules_of, save_rules
from core.services.stock_why import Why, explain
from tests.connect_rig import jobs
from tests.stock_rig import StockRig, running_stock_rig


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[StockRig]:
    with running_stock_rig(home, listed=3) as running:
        running.push_open()
        yield running


@pytest.fixture(autouse=True)
def no_jobs(rig: StockRig) -> None:
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs, shop_orders, latencies CASCADE")


def rule(rig: StockRig, variant_id: int, new: SkuRule) -> None:
    with transaction() as conn:
        save_rules(conn, rig.base.store_account_id, {variant_id: new}, rig.base.rig.boss)


def why(rig: StockRig, product_id: int) -> Why:
    with transaction() as conn:
        return explain(conn, rig.sku(product_id).id)


def sell(rig: StockRig, variant_id: int, units: int, *, outcome: str, order: str) -> None:
    now = datetime.now(UTC)
    placed = {
        "connection_id": rig.connection_id, "remote_id": order, "status": "AWAITING_SHIPMENT", "currency": "GBP",
        "total": 1, "payment": {}, "unit_count": units, "ordered_at": now, "remote_updated_at": now,
    }  # fmt: skip
    free = {"original_price": 0, "sale_price": 0, "seller_discount": 0, "platform_discount": 0}
    with transaction() as conn:
        order_id = conn.scalar(shop_orders.insert().values(placed).returning(shop_orders.c.id))
        for number in range(units):
            line: dict[str, Any] = {"order_id": order_id, "remote_id": str(number), "variant_id": variant_id} | free
            line_id = conn.scalar(shop_order_lines.insert().values(line).returning(shop_order_lines.c.id))
            held = {"line_id": line_id, "store_account_id": rig.base.store_account_id, "variant_id": variant_id}
            conn.execute(stock_deductions.insert().values(**held, outcome=outcome))


def test_units_of_no_order_are_named(rig: StockRig) -> None:
    product_id = rig.listed[0]
    unit = {"store_account_id": rig.base.store_account_id, "variant_id": rig.sku(product_id).variant_id, "by": "us"}
    with transaction() as conn:
        conn.execute(stock_deductions.insert(), [unit | {"wanted": "take"}] * 2)
    held = next(step for step in why(rig, product_id).steps if step.name == "held by orders")
    assert (held.change, held.source) == (-2, "2 taken in the store just as we wrote its stock, and taken off again")
    with transaction() as conn:
        conn.execute(stock_deductions.delete())


def test_a_rule_is_kept_recorded_and_pushed(rig: StockRig) -> None:
    product_id = rig.listed[0]
    variant_id = rig.sku(product_id).variant_id
    rule(rig, variant_id, SkuRule(buffer=2, cap=9))
    with transaction() as conn:
        assert rules_of(conn, [variant_id]) == {variant_id: SkuRule(2, 9, None)}
        row = conn.execute(select(audit).where(audit.c.action == "save_sku_rule").order_by(audit.c.id.desc())).first()
    assert row is not None
    assert row.detail["after"] == {"buffer": 2, "cap": 9, "low_stock_alert": None, "continue_selling": None}
    assert [given for _, given in jobs("price_stock")] == [
        {"connection_id": rig.connection_id, "product_ids": [product_id]}
    ]
    rule(rig, variant_id, SkuRule())
    with transaction() as conn:
        assert rules_of(conn, [variant_id]) == {}


@pytest.mark.parametrize("wrong", [SkuRule(buffer=-1), SkuRule(cap=1_000_000), SkuRule(low_stock_alert=-5)])
def test_a_rule_that_does_not_fit_is_refused_in_words(rig: StockRig, wrong: SkuRule) -> None:
    with pytest.raises(RuleError) as refused:
        rule(rig, rig.sku(rig.listed[0]).variant_id, wrong)
    assert "must be from 0 to 999,999" in refused.value.sentence


def test_a_rule_of_another_stores_variant_is_refused(rig: StockRig) -> None:
    with pytest.raises(RuleError):
        rule(rig, 999_999_999, SkuRule(buffer=1))


@pytest.mark.parametrize(("name", "value"), [("stock_buffer", 1), ("price_rounding", "up_to_99")])
def test_a_changed_setting_has_every_sku_looked_at(rig: StockRig, name: str, value: Any) -> None:
    with transaction() as conn:
        save_setting(conn, rig.connection_id, name, value, rig.base.rig.boss)
        save_setting(conn, rig.connection_id, name, value, rig.base.rig.boss)
    assert jobs("price_stock_all") == [("price_stock_all", {"connection_id": rig.connection_id})]
    rig.setting(name, None)


def test_the_sum_is_shown_step_by_step_with_its_sources(rig: StockRig) -> None:
    product_id = rig.listed[1]
    variant_id = rig.sku(product_id).variant_id
    rig.set_stock(product_id, 30)
    sell(rig, variant_id, 3, outcome="held", order="5001")
    sell(rig, variant_id, 1, outcome="not_ours", order="5002")
    rule(rig, variant_id, SkuRule(buffer=4, cap=20))
    rig.push([product_id])
    found = why(rig, product_id)
    assert [(step.name, step.change, step.left) for step in found.steps] == [
        ("on hand", 30, 30), ("held by orders", -3, 27), ("buffer", -4, 23), ("cap", -3, 20),
    ]  # fmt: skip
    assert {step.name: step.source for step in found.steps} == {
        "on hand": "the store, as last read",
        "held by orders": "TikTok orders not yet off the store's stock: 5001",
        "buffer": "the rule of this SKU",
        "cap": "the rule of this SKU",
    }
    assert all(step.at is not None for step in found.steps if step.name != "held by orders")
    assert (found.offered, found.to_send, found.sent, found.shown) == (20, 20, 20, 20)
    assert found.sent_at is not None
    assert found.acknowledged_at is not None
    assert found.read_back_at is not None
    assert found.sent_at < found.acknowledged_at <= found.read_back_at
    assert found.held_orders == ("5001",)
    rule(rig, variant_id, SkuRule())


@pytest.mark.parametrize(("for_all", "own", "offered"), [(False, True, 1), (True, False, 0), (True, None, 1)])
def test_continue_selling_of_a_sku_goes_before_that_of_the_connection(
    rig: StockRig, for_all: bool, own: bool | None, offered: int
) -> None:
    product_id = rig.listed[1]
    variant_id = rig.sku(product_id).variant_id
    rig.set_stock(product_id, 0)
    rig.setting("continue_selling", for_all)
    rule(rig, variant_id, SkuRule(continue_selling=own))
    rig.push([product_id])
    found = why(rig, product_id)
    assert (found.offered, found.shown) == (offered, offered)
    sources = {step.name: step.source for step in found.steps}
    whose = "the setting of this connection" if own is None else "the rule of this SKU"
    assert sources.get("continue selling") == (whose if offered else None)
    rig.setting("continue_selling", None)
    rule(rig, variant_id, SkuRule())


def test_a_told_stock_names_its_webhook(rig: StockRig) -> None:
    told = datetime.now(UTC)
    rig.set_stock(rig.listed[1], 31, stock_at=told)
    first = why(rig, rig.listed[1]).steps[0]
    assert (first.source, first.at, first.left) == ("the store, as a signed webhook told", told, 31)


def test_exposure_is_what_sells_while_the_shop_does_not_know(rig: StockRig) -> None:
    sell(rig, rig.sku(rig.listed[2]).variant_id, 70, outcome="not_ours", order="5003")
    now = datetime.now(UTC)
    slow = {"connection_id": rig.connection_id, "kind": "stock", "began_at": now - timedelta(hours=2), "ended_at": now}
    with transaction() as conn:
        conn.execute(latencies.insert().values(slow))
    found = why(rig, rig.listed[2])
    assert (found.units_sold, found.lag) == (70, timedelta(hours=2))
    assert found.exposure == Decimal("0.83")


def test_whatever_else_matters_is_said(rig: StockRig) -> None:
    sku = rig.sku(rig.listed[2])
    (ours,) = sku.shop_warehouses
    values = {
        "quantity_hold": "12052393", "price_hold": "12052038", "shop_warehouses": {ours: 1, "W9": 4},
        "error_sentence": "The Shop said no.",
    }  # fmt: skip
    with transaction() as conn:
        conn.execute(update(listing_skus).where(listing_skus.c.id == sku.id).values(**values))
    rig.setting("inventory_upload", False)
    notes = why(rig, rig.listed[2]).notes
    rig.setting("inventory_upload", None)
    assert notes == (
        "Stock upload is off for this connection, so the Shop's own number stays.",
        "A promotion locks the stock; it is sent when the promotion ends.",
        f"A promotion locks the price; {sku.sent_price:.2f} is sent when the promotion ends.",
        "Other warehouses keep what they have: W9.",
        "The Shop said no.",
    )


def test_old_checks_and_latencies_go_in_time(rig: StockRig) -> None:
    now = datetime.now(UTC)
    with transaction() as conn:
        conn.execute(stock_checks.delete())
        for days in (20, 100):
            at = now - timedelta(days=days)
            mine = {"connection_id": rig.connection_id, "kind": "on demand"}
            conn.execute(stock_checks.insert().values(**mine, finished_at=at))
            conn.execute(latencies.insert().values(**(mine | {"kind": "stock"}), began_at=at, ended_at=at))
    gone = keep_house()
    assert (gone["stock_checks"], gone["latencies"]) == (1, 1)
    with transaction() as conn:
        assert len(conn.execute(select(stock_checks)).all()) == 1
