"""price_stock: what is offered reaches the Shop, is proven by reading it back, and survives refusals."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from core.config import Settings
from core.db.engine import transaction
from core.db.leases import release_lease, take_lease
from core.db.tables import (
    connections,
    listing_skus,
    listings,
    mappings,
    product_states,
    products,
    shop_order_lines,
    shop_orders,
    shops,
    sku_rules,
    stock_deductions,
    variants,
    warehouses,
)
from core.domain.errors import Conflict, Temporary
from core.domain.listing import ItemError
from core.domain.orders import InventoryLevel
from core.services import listing_review, price_stock_send
from core.services.catalogue_pull import pull_products
from core.services.mappings import MappingChange, set_mapping
from core.services.price_stock import has_open, open_listings, push_all, push_changed, push_items
from core.services.price_stock_queue import queue_push
from core.services.runs import Item
from tests.connect_rig import jobs
from tests.stock_rig import StockRig, running_stock_rig
from tests.waiting import wait_until

UPDATE = "POST /product/202309/products/{product_id}/inventory/update"
PRICES = "POST /product/202309/products/{product_id}/prices/update"
SEARCH = "POST /product/202309/inventory/search"


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[StockRig]:
    with running_stock_rig(home) as running:
        running.push_open()
        yield running


@pytest.fixture(autouse=True)
def no_faults(rig: StockRig) -> Iterator[None]:
    yield
    rig.base.rig.control.delete("/_sandbox/faults").raise_for_status()


class Places:
    """A SKU of the Shop that lies in several warehouses: what each has now, and what was set in them, call by call."""

    def __init__(self, sku: Any, **quantities: int) -> None:
        self.sku, self.now = sku, quantities
        self.set: list[dict[str, int]] = []

    def inventory(self, sku_ids: Any) -> tuple[InventoryLevel, ...]:
        total, places = sum(self.now.values()), tuple(self.now.items())
        return (InventoryLevel(self.sku.remote_id, self.sku.seller_sku, total, 0, 0, 0, places),)

    def update_inventory(self, listing: str, quantities: Any) -> tuple[ItemError, ...]:
        ((sku_id, places),) = quantities
        if {place for place, _ in places} != self.now.keys():
            return (ItemError(sku_id, "12019028", "All warehouses have to be named."),)
        self.now = dict(places)
        self.set.append(self.now)
        return ()

    def push(self, rig: StockRig, product_id: int) -> Any:
        return push_with(rig, product_id, update_inventory=self.update_inventory, inventory=self.inventory)


class Shop:
    """The real Shop, except for what a test lets it do differently."""

    def __init__(self, real: Any, **instead: Any) -> None:
        self._real, self._instead = real, instead

    def __getattr__(self, name: str) -> Any:
        return self._instead.get(name) or getattr(self._real, name)


def push_with(rig: StockRig, *product_ids: int, **instead: Any) -> Any:
    return push_changed(Shop(rig.market, **instead), rig.connection_id, product_ids)  # type: ignore[arg-type]


def wait_is_over(rig: StockRig) -> None:
    """As if a quarter of an hour had gone by."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with transaction() as conn:
        conn.execute(update(listing_skus).values(quantity_retry_at=past, price_retry_at=past))


def test_a_store_change_reaches_the_shop_and_is_read_back(rig: StockRig) -> None:
    product_id = rig.listed[0]
    rig.set_stock(product_id, 41)
    pushed = rig.push([product_id])
    sku = rig.sku(product_id)
    assert (pushed.quantities, pushed.errors, pushed.trouble) == (1, {}, None)
    assert rig.shown(sku.remote_id) == 41
    assert (sku.sent_quantity, sku.shop_quantity) == (41, 41)
    assert sku.quantity_sent_at < sku.quantity_acknowledged_at <= sku.read_back_at
    assert list(sku.shop_warehouses.values()) == [41]


def test_its_latency_runs_from_the_stores_change_to_the_reading(rig: StockRig) -> None:
    product_id, before = rig.listed[0], len(rig.latencies("stock"))
    told = datetime.now(UTC) - timedelta(seconds=3)
    rig.set_product(product_id, remote_updated_at=told - timedelta(hours=1))
    rig.set_stock(product_id, rig.sku(product_id).stock + 1, stock_at=told)
    rig.push([product_id])
    (kept,) = rig.latencies("stock")[before:]
    assert kept.subject == rig.sku(product_id).seller_sku
    assert kept.began_at == told
    assert timedelta(seconds=3) <= kept.ended_at - kept.began_at < timedelta(minutes=2)
    assert rig.sku(product_id).quantity_began_at is None


def test_nothing_is_sent_where_nothing_differs(rig: StockRig) -> None:
    before, kept = rig.calls(UPDATE), len(rig.latencies("stock"))
    pushed = rig.push(rig.listed)
    assert (pushed.quantities, pushed.prices, rig.calls(UPDATE)) == (0, 0, before)
    assert len(rig.latencies("stock")) == kept


def test_a_price_change_is_sent_read_back_and_measured(rig: StockRig) -> None:
    product_id = rig.listed[1]
    rig.set_stock(product_id, 8, price=Decimal("31.40"), sale_price=None)
    pushed = rig.push([product_id])
    sku = rig.sku(product_id)
    assert (pushed.prices, sku.sent_price, sku.shop_price) == (1, Decimal("31.40"), Decimal("31.40"))
    assert [one.subject for one in rig.latencies("price")][-1:] == [sku.seller_sku]


def test_the_rules_of_a_sku_go_before_those_of_the_connection(rig: StockRig) -> None:
    product_id = rig.listed[2]
    variant_id, account = rig.sku(product_id).variant_id, rig.base.store_account_id
    rig.set_stock(product_id, 50)
    rig.setting("stock_buffer", 3)
    rig.setting("stock_cap", 40)
    push_all(rig.market, rig.connection_id)
    assert rig.sku(product_id).shop_quantity == 40
    rule = {"variant_id": variant_id, "store_account_id": account, "buffer": 20, "cap": None}
    with transaction() as conn:
        conn.execute(sku_rules.insert().values(rule))
    push_all(rig.market, rig.connection_id)
    assert rig.sku(product_id).shop_quantity == 30
    with transaction() as conn:
        conn.execute(update(sku_rules).values(cap=7))
    push_all(rig.market, rig.connection_id)
    assert rig.sku(product_id).shop_quantity == 7
    rig.setting("stock_buffer", None)
    rig.setting("stock_cap", None)
    with transaction() as conn:
        conn.execute(sku_rules.delete())
    push_all(rig.market, rig.connection_id)
    assert rig.sku(product_id).shop_quantity == 50


def test_one_sale_lowers_what_every_connection_offers(rig: StockRig) -> None:
    """An order of another connection of the same store account holds the units back here too (K8)."""
    product_id = rig.listed[2]
    variant_id, account = rig.sku(product_id).variant_id, rig.base.store_account_id
    rig.set_stock(product_id, 9)
    rig.push([product_id])
    with transaction() as conn:
        other = _another_connection(conn, account)
        conn.execute(stock_deductions.insert(), _held_units(conn, other, account, variant_id, units=2))
        queue_push(conn, account, [product_id])
    assert jobs("price_stock")[-1][1] == {"connection_id": rig.connection_id, "product_ids": [product_id]}
    rig.push([product_id])
    assert (rig.sku(product_id).shop_quantity, rig.shown(rig.sku(product_id).remote_id)) == (7, 7)
    with transaction() as conn:
        conn.exec_driver_sql(
            "INSERT INTO connection_settings (connection_id, name, value) VALUES (%s, 'stock_buffer', '4')", (other,)
        )
    rig.push([product_id])
    assert rig.sku(product_id).shop_quantity == 3, "one buffer for all connections of the store"
    with transaction() as conn:
        conn.execute(update(connections).where(connections.c.id == other).values(disconnected_at=datetime.now(UTC)))
        conn.execute(stock_deductions.delete())
    rig.push([product_id])
    assert rig.sku(product_id).shop_quantity == 9


def test_a_reading_in_which_nothing_moved_pushes_what_it_frees(rig: StockRig) -> None:
    product_id, store = rig.listed[2], rig.base.rig.store()
    account, variant_id = rig.base.store_account_id, rig.sku(product_id).variant_id
    with transaction() as conn:
        remote_id = conn.scalar(select(products.c.remote_id).where(products.c.id == product_id))
    pull_products(store, account, [remote_id])
    known = rig.sku(product_id).stock
    with transaction() as conn:
        sold = _held_units(conn, rig.connection_id, account, variant_id, units=2)
        done = {"outcome": "done", "by": "store", "settled_at": datetime.now(UTC)}
        conn.execute(stock_deductions.insert(), [unit | done for unit in sold])
    rig.push([product_id])
    assert rig.sku(product_id).shop_quantity == known - 2, "held until the product has been read again"
    with transaction() as conn:
        conn.execute(text("DELETE FROM procrastinate_jobs"))
    for _ in range(2):  # the second reading frees nothing
        pull_products(store, account, [remote_id])
        pushes = [("price_stock", {"connection_id": rig.connection_id, "product_ids": [product_id]})]
        assert jobs("price_stock") == pushes
    rig.push([product_id])
    assert rig.sku(product_id).shop_quantity == known
    with transaction() as conn:
        conn.execute(shop_orders.delete())


def _another_connection(conn: Any, account: int) -> int:
    app_id = conn.scalar(select(shops.c.app_id).limit(1))
    shop = {"app_id": app_id, "remote_id": "7490000000000000001", "name": "Other", "region": "GB", "cipher": "x"}
    shop_id = conn.scalar(shops.insert().values(shop).returning(shops.c.id))
    joined = {"store_account_id": account, "shop_id": shop_id, "name": "Other"}
    return int(conn.scalar(connections.insert().values(joined).returning(connections.c.id)))


def _held_units(conn: Any, connection_id: int, account: int, variant_id: int, *, units: int) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    order = {
        "connection_id": connection_id, "remote_id": "576460000000000001", "status": "AWAITING_SHIPMENT",
        "currency": "GBP", "total": 10, "payment": {}, "unit_count": units, "ordered_at": now,
        "remote_updated_at": now,
    }  # fmt: skip
    order_id = conn.scalar(shop_orders.insert().values(order).returning(shop_orders.c.id))
    free = {"original_price": 0, "sale_price": 0, "seller_discount": 0, "platform_discount": 0}
    held = []
    for number in range(units):
        line = {"order_id": order_id, "remote_id": str(number), "variant_id": variant_id} | free
        line_id = conn.scalar(shop_order_lines.insert().values(line).returning(shop_order_lines.c.id))
        held.append({"line_id": line_id, "store_account_id": account, "variant_id": variant_id})
    return held


def test_a_product_that_ended_in_the_store_is_offered_no_more(rig: StockRig) -> None:
    product_id = rig.listed[3]
    rig.set_product(product_id, active=False)
    rig.push([product_id])
    assert rig.sku(product_id).shop_quantity == 0
    rig.set_product(product_id, active=True, deleted_at=datetime.now(UTC))
    rig.set_stock(product_id, 5)
    rig.push([product_id])
    assert rig.sku(product_id).shop_quantity == 0
    rig.set_product(product_id, deleted_at=None)
    rig.push([product_id])
    assert rig.sku(product_id).shop_quantity == 5


def test_switched_off_means_that_the_shops_values_stay(rig: StockRig) -> None:
    product_id = rig.listed[3]
    rig.setting("inventory_upload", False)
    rig.setting("price_upload", False)
    rig.set_stock(product_id, 77, price=Decimal("55.00"), sale_price=None)
    pushed = rig.push([product_id])
    assert (pushed.quantities, pushed.prices) == (0, 0)
    rig.setting("inventory_upload", None)
    rig.setting("price_upload", None)
    own = (product_states.c.connection_id == rig.connection_id) & (product_states.c.product_id == product_id)
    with transaction() as conn:
        conn.execute(update(product_states).where(own).values(sync_stock=False))
    pushed = rig.push([product_id])
    assert (pushed.quantities, pushed.prices) == (0, 1)
    with transaction() as conn:
        conn.execute(update(product_states).where(own).values(sync_stock=True))
    assert rig.push([product_id]).quantities == 1


def test_an_error_inside_a_success_is_one_skus_own_and_waits_its_time(rig: StockRig) -> None:
    product_id = rig.listed[4]
    rig.set_stock(product_id, 33)
    rig.fault("hidden_errors", UPDATE)
    pushed = rig.push([product_id])
    sku = rig.sku(product_id)
    ((error,),) = pushed.errors.values()
    assert (error.code, sku.quantity_hold, sku.quantity_acknowledged_at) == ("12052037", "12052037", None)
    assert sku.error_sentence == error.sentence != ""
    before = rig.calls(UPDATE)
    assert open_listings(rig.connection_id) == []
    rig.push([product_id])
    assert rig.calls(UPDATE) == before, "a refused value is not sent over and over"
    wait_is_over(rig)
    rig.push_open()
    sku = rig.sku(product_id)
    assert (sku.shop_quantity, sku.quantity_hold, sku.error_sentence) == (33, "", "")


def test_an_answer_that_was_lost_is_settled_by_reading(rig: StockRig) -> None:
    product_id = rig.listed[4]
    rig.set_stock(product_id, 34)
    rig.fault("cut_after", UPDATE)
    rig.push([product_id])
    sku = rig.sku(product_id)
    assert (sku.shop_quantity, rig.shown(sku.remote_id)) == (34, 34)
    assert sku.quantity_acknowledged_at is not None
    assert not has_open(rig.connection_id)


def test_a_call_that_never_arrived_is_made_again_by_the_clock(rig: StockRig) -> None:
    product_id = rig.listed[4]
    rig.set_stock(product_id, 35)
    rig.fault("http_503", UPDATE, times=None)
    with pytest.raises(Temporary):
        rig.push([product_id])
    assert rig.sku(product_id).quantity_acknowledged_at is None
    rig.base.rig.control.delete("/_sandbox/faults").raise_for_status()
    assert has_open(rig.connection_id)
    rig.push_open()
    assert (rig.shown(rig.sku(product_id).remote_id), has_open(rig.connection_id)) == (35, False)


def test_a_reading_that_failed_is_made_later(rig: StockRig) -> None:
    product_id = rig.listed[4]
    rig.set_stock(product_id, 36)
    rig.fault("http_503", SEARCH, times=None)
    with pytest.raises(Temporary):
        rig.push([product_id])
    rig.base.rig.control.delete("/_sandbox/faults").raise_for_status()
    assert rig.sku(product_id).shop_quantity == 35
    assert has_open(rig.connection_id)
    updates = rig.calls(UPDATE)
    rig.push_open()
    assert (rig.sku(product_id).shop_quantity, rig.calls(UPDATE)) == (36, updates)


def test_a_value_that_did_not_stay_is_sent_again_at_most_three_times(rig: StockRig) -> None:
    product_id = rig.listed[4]
    sku = rig.sku(product_id)

    def forgetful(listing: str, quantities: Any) -> tuple[ItemError, ...]:
        return ()  # says success and keeps the old number

    rig.set_stock(product_id, 37)
    push_with(rig, product_id, update_inventory=forgetful)
    sku = rig.sku(product_id)
    assert (sku.shop_quantity, sku.quantity_acknowledged_at, sku.quantity_misses) == (36, None, 1)
    for _ in range(3):
        push_with(rig, product_id, update_inventory=forgetful)
    sku = rig.sku(product_id)
    assert (sku.quantity_misses, sku.quantity_acknowledged_at is None) == (3, False)
    with transaction() as conn:
        conn.execute(update(listing_skus).values(quantity_acknowledged_at=None))
    rig.push_open()
    sku = rig.sku(product_id)
    assert (sku.quantity_misses, sku.shop_quantity) == (0, 37)


def test_a_promotion_keeps_the_price_until_it_ends(rig: StockRig) -> None:
    product_id = rig.listed[1]
    asked: list[Any] = []

    def locked(listing: str, prices: Any) -> None:
        asked.append(prices)
        raise Conflict("The price is locked by a promotion.", code="12052038")

    rig.set_stock(product_id, 8, price=Decimal("19.00"))
    pushed = push_with(rig, product_id, update_prices=locked)
    sku = rig.sku(product_id)
    assert [error.code for errors in pushed.errors.values() for error in errors] == ["12052038"]
    assert (sku.price_hold, sku.sent_price, sku.shop_price) == ("12052038", Decimal("19.00"), Decimal("31.40"))
    push_with(rig, product_id, update_prices=locked)
    assert len(asked) == 1, "no edit war"
    wait_is_over(rig)
    rig.push_open()
    sku = rig.sku(product_id)
    assert (sku.price_hold, sku.shop_price, sku.error_sentence) == ("", Decimal("19.00"), "")


def test_a_stock_lock_is_shown_and_sent_when_it_ends(rig: StockRig) -> None:
    product_id = rig.listed[1]

    def locked(listing: str, quantities: Any) -> tuple[ItemError, ...]:
        return tuple(ItemError(sku_id, "12052393", "The stock is locked by a promotion.") for sku_id, _ in quantities)

    rig.set_stock(product_id, 2)
    push_with(rig, product_id, update_inventory=locked)
    sku = rig.sku(product_id)
    assert (sku.quantity_hold, sku.shop_quantity) == ("12052393", 8)
    assert sku.error_sentence == "The stock is locked by a promotion."
    wait_is_over(rig)
    rig.push_open()
    assert (rig.sku(product_id).quantity_hold, rig.sku(product_id).shop_quantity) == ("", 2)


def test_never_below_what_campaigns_reserved(rig: StockRig) -> None:
    product_id = rig.listed[5]
    sku = rig.sku(product_id)
    with transaction() as conn:
        conn.execute(update(listing_skus).where(listing_skus.c.id == sku.id).values(shop_campaign=6))
    rig.set_stock(product_id, 4)
    asked: list[Any] = []

    def taking(listing: str, quantities: Any) -> Any:
        asked.extend(quantities)
        return rig.market.update_inventory(listing, quantities)

    push_with(rig, product_id, update_inventory=taking)
    assert [count for _, places in asked for _, count in places] == [6]


def test_every_warehouse_of_a_sku_is_named(rig: StockRig) -> None:
    product_id = rig.listed[5]
    sku = rig.sku(product_id)
    (ours,) = sku.shop_warehouses
    asked: list[Any] = []

    def noting(listing: str, quantities: Any) -> tuple[ItemError, ...]:
        asked.append(dict(quantities))
        if len(asked) == 1:
            return (ItemError(sku.remote_id, "12019028", "All warehouses have to be named."),)
        return ()

    def levels(sku_ids: Any) -> Any:
        return (InventoryLevel(sku.remote_id, sku.seller_sku, 21, 0, 0, 0, ((ours, 12), ("W2", 9))),)

    rig.set_stock(product_id, 12)
    pushed = push_with(rig, product_id, update_inventory=noting, inventory=levels)
    assert (pushed.errors, len(asked)) == ({}, 2)
    assert dict(asked[1][sku.remote_id]) == {ours: 12, "W2": 9}
    after = rig.sku(product_id)
    assert (after.shop_quantity, after.shop_warehouses) == (12, {ours: 12, "W2": 9})
    rig.set_stock(product_id, 11)
    push_with(rig, product_id, update_inventory=noting, inventory=levels)
    assert dict(asked[2][sku.remote_id]) == {ours: 11, "W2": 9}, "another warehouse keeps what it has"


def test_another_warehouse_keeps_what_it_has_now(rig: StockRig) -> None:
    """What it had at the last reading may be a day old, and setting it again would sell what is sold."""
    product_id = rig.listed[5]
    (ours,) = rig.sku(product_id).shop_warehouses.keys() - {"W2"}
    places = Places(rig.sku(product_id), **{ours: 11, "W2": 20})
    rig.set_stock(product_id, 10)
    places.push(rig, product_id)
    assert rig.sku(product_id).shop_warehouses == {ours: 10, "W2": 20}
    places.now["W2"] = 3  # 17 are sold from it
    rig.set_stock(product_id, 9)
    assert places.push(rig, product_id).trouble is None
    assert (places.set[-1], rig.sku(product_id).shop_warehouses) == ({ours: 9, "W2": 3},) * 2


def test_a_sku_of_one_warehouse_is_sent_without_asking_first(rig: StockRig) -> None:
    product_id, before = rig.listed[3], rig.calls(SEARCH)
    rig.set_stock(product_id, 78)
    assert rig.push([product_id]).quantities == 1
    assert rig.calls(SEARCH) == before + 1, "only read back"


def test_the_warehouse_that_was_ours_is_emptied_when_another_is_mapped(rig: StockRig) -> None:
    """Else both would sell the same goods."""
    product_id = rig.listed[5]
    (ours,) = rig.sku(product_id).shop_warehouses.keys() - {"W2"}
    places = Places(rig.sku(product_id), **{ours: 9, "W2": 3})
    shop: Any = Shop(rig.market, update_inventory=places.update_inventory, inventory=places.inventory)
    others = [listing_skus.c.id != rig.sku(product_id).id, listing_skus.c.ended_at.is_(None)]
    with transaction() as conn:  # this SKU alone is in several warehouses
        conn.execute(update(listing_skus).where(*others).values(ended_at=datetime.now(UTC)))
        conn.execute(text("DELETE FROM procrastinate_jobs"))
        place = {"connection_id": rig.connection_id, "remote_id": "W2", "name": "York", "kind": "SALES_WAREHOUSE"}
        place |= {"status": "ENABLED", "is_default": False}
        conn.execute(warehouses.insert().values(place))
    for target, there in (("W2", {ours: 0, "W2": 9}), (None, {ours: 9, "W2": 0})):
        with transaction() as conn:
            change = MappingChange("warehouse", "main", target)
            assert set_mapping(conn, rig.connection_id, change, rig.base.rig.boss)
        ((_, asked),) = jobs("price_stock_all")
        assert push_all(shop, asked["connection_id"], left=asked["left"]).errors == {}
        sku = rig.sku(product_id)
        assert (places.now, sku.shop_warehouses, sku.shop_quantity) == (there, there, 9)
        assert sku.quantity_acknowledged_at is not None
        with transaction() as conn:
            conn.execute(text("DELETE FROM procrastinate_jobs"))
    places.now["W2"] = 4  # from now on it is somebody else's
    rig.set_stock(product_id, 8)
    places.push(rig, product_id)
    assert places.now == {ours: 8, "W2": 4}
    with transaction() as conn:
        conn.execute(warehouses.delete().where(warehouses.c.remote_id == "W2"))
        conn.execute(update(listing_skus).where(others[0]).values(ended_at=None))


def test_a_location_mapped_to_none_sends_no_stock(rig: StockRig) -> None:
    product_id = rig.listed[2]
    row = {"connection_id": rig.connection_id, "kind": "warehouse", "source_id": "main", "target_id": "", "detail": {}}
    with transaction() as conn:
        conn.execute(mappings.insert().values(row))
    rig.set_stock(product_id, 60)
    assert rig.push([product_id]).quantities == 0
    with transaction() as conn:
        conn.execute(mappings.delete().where(mappings.c.kind == "warehouse"))
    assert rig.push([product_id]).quantities == 1


def test_a_listing_that_somebody_sends_is_left_and_queued_again(rig: StockRig) -> None:
    product_id = rig.listed[0]
    with transaction() as conn:
        listing_id = conn.scalar(select(listings.c.id).where(listings.c.product_id == product_id))
    attempt = take_lease(f"offers:{listing_id}", seconds=30)
    assert attempt is not None
    rig.set_stock(product_id, 43)
    assert rig.push([product_id]).busy == {listing_id}
    assert jobs("price_stock")[-1][1] == {"connection_id": rig.connection_id, "product_ids": [product_id]}
    release_lease(f"offers:{listing_id}", attempt)
    assert rig.push([product_id]).quantities == 1


def test_a_listing_taken_by_another_while_the_first_of_its_chunk_was_slow_is_not_sent(
    rig: StockRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would send is older than what the other sends."""
    slow, other = sorted(rig.listed[:2], key=lambda product_id: rig.sku(product_id).listing_id)
    rig.set_stock(slow, 51)
    rig.set_stock(other, 52)
    name = f"offers:{rig.sku(other).listing_id}"
    asked: list[str] = []
    taken: list[int] = []
    monkeypatch.setattr(price_stock_send, "_LEASE_S", 0.2)

    def take() -> bool:
        taken.extend(filter(None, [take_lease(name, seconds=30)]))
        return bool(taken)

    def slowly(remote_id: str, skus: Any) -> Any:
        asked.append(remote_id)
        wait_until(take, "the end of the other listing's lease")
        return rig.market.update_inventory(remote_id, skus)

    pushed = push_with(rig, slow, other, update_inventory=slowly)
    assert asked == [rig.sku(slow).listing]
    assert (pushed.quantities, pushed.busy) == (1, {rig.sku(other).listing_id})
    release_lease(name, taken[0])
    monkeypatch.undo()
    assert rig.push([other]).quantities == 1


def test_many_pushes_at_once_end_with_the_last_intended_value(rig: StockRig) -> None:
    product_ids = rig.listed[:3]

    def change(number: int) -> None:
        for product_id in product_ids:
            rig.set_stock(product_id, 100 + number)
        rig.push(product_ids)

    with ThreadPoolExecutor(6) as hands:
        list(hands.map(change, range(12)))
    rig.push(product_ids)
    for product_id in product_ids:
        sku = rig.sku(product_id)
        assert rig.shown(sku.remote_id) == sku.stock == sku.shop_quantity


def test_every_item_of_a_run_says_how_it_ended(rig: StockRig) -> None:
    with transaction() as conn:
        unlisted = conn.scalar(select(variants.c.product_id).where(variants.c.product_id.not_in(rig.listed)).limit(1))
    wanted = [*rig.listed[:2], unlisted]
    items = [Item(number, 1, rig.connection_id, "product", one, 1) for number, one in enumerate(wanted)]
    before = rig.calls(UPDATE)
    ended = push_items(rig.market, rig.connection_id, items, "stock")
    assert {number: (one.status, one.sentence[:5]) for number, one in ended.items()} == {
        0: ("done", "Sent."),
        1: ("done", "Sent."),
        2: ("skipped", "It is"),
    }
    assert rig.calls(UPDATE) == before + 2


def test_a_listing_that_comes_alive_gets_what_changed_meanwhile(rig: StockRig) -> None:
    product_id = rig.listed[0]
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs CASCADE")
        conn.execute(
            update(listings)
            .where(listings.c.product_id == product_id)
            .values(tiktok_status="FREEZE", remote_updated_at=datetime.now(UTC) - timedelta(days=1))
        )
    rig.set_stock(product_id, 19)
    assert rig.push([product_id]).quantities == 0
    listing_review.review_listings(rig.market, rig.connection_id)
    assert {"connection_id": rig.connection_id, "product_ids": [product_id]} in [
        given for _, given in jobs("price_stock")
    ]
    assert rig.push([product_id]).quantities == 1


def test_the_calls_of_many_listings_go_side_by_side(rig: StockRig) -> None:
    """Slow answers of different listings are waited for together."""
    from core.services.price_stock_send import push_listings

    with transaction() as conn:
        ids = list(conn.scalars(select(listings.c.id).where(listings.c.product_id.in_(rig.listed))))
    assert push_listings(rig.market, rig.connection_id, [*ids, *range(900_000, 900_040)]).trouble is None
