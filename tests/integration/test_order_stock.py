"""A sale on TikTok takes its units off the store's stock exactly once, and a cancellation gives them back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from core.config import Settings
from core.db.engine import transaction
from core.db.leases import is_free, release_lease, take_lease
from core.db.tables import cursors, issues, stock_deductions, variants
from core.domain.catalog import Change
from core.domain.errors import Conflict, Missing, Refused, RemoteError, Temporary
from core.reads.latency import orders_left_out
from core.services import order_import
from core.services.catalogue_pull import pull_products
from core.services.issues import open_issue
from core.services.order_facts import creation_deducts
from core.services.order_holds import wake_all
from core.services.order_sweep import sweep_orders
from core.services.stock_writes import SettlingRefused, settle_by_person, stock_lease, write_wanted
from tests.connect_rig import jobs
from tests.order_rig import OrderRig, running_order_rig

WRITE = "POST /v1/stock"


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[OrderRig]:
    with running_order_rig(home) as found:
        yield found


@pytest.fixture(autouse=True)
def calm(rig: OrderRig) -> None:
    rig.calm()


@pytest.fixture
def by_stock(rig: OrderRig) -> OrderRig:
    """Orders are not imported, only their stock is (G5)."""
    rig.setting("order_import", False)
    rig.setting("stock_import", True)
    return rig


def forget_capability() -> None:
    with transaction() as conn:
        conn.execute(delete(cursors).where(cursors.c.name.like("creation_deducts:%")))


def test_units_are_held_until_the_stock_we_know_shows_the_sale(rig: OrderRig) -> None:
    sku = rig.skus[0]
    held, stock = rig.held(sku), rig.stock(sku)
    order_id = rig.buy(sku, quantity=4, on_hold=False)
    rig.drain()
    assert rig.held(sku) == held + 4
    rig.try_import()
    assert (rig.stock(sku), rig.held(sku)) == (stock - 4, held + 4)  # the store has it, our copy does not show it yet
    (hint,) = [one["remote_ids"] for _, one in jobs("catalogue_hints")]
    pull_products(rig.store, rig.store_account_id, hint)
    assert rig.held(sku) == 0
    assert rig.deductions(order_id) == ["done"] * 4


def test_a_bundle_takes_its_components_once(rig: OrderRig) -> None:
    first, second = rig.skus[1], rig.skus[2]
    before = rig.stock(first), rig.stock(second)
    order_id = rig.buy(first, second, kind="bundle", quantity=1)
    rig.work()
    assert rig.order(order_id).import_state == "imported"
    assert (rig.stock(first), rig.stock(second)) == (before[0] - 1, before[1] - 2)
    assert rig.deductions(order_id) == ["done"] * 3


def test_that_the_store_does_not_deduct_is_learnt_and_we_do(rig: OrderRig) -> None:
    forget_capability()
    rig.control("shopwired/switches", {"orders_deduct_stock": False})
    sku, before = rig.skus[3], rig.stock(rig.skus[3])
    first = rig.buy(sku, quantity=2, on_hold=False)
    rig.work()
    with transaction() as conn:
        assert creation_deducts(conn, rig.store_account_id, rig.store.capabilities) is False
    second = rig.buy(sku, quantity=1, on_hold=False)
    for _ in range(3):
        rig.work()
    assert rig.stock(sku) == before - 3
    assert rig.deductions(first) + rig.deductions(second) == ["done"] * 3
    rig.act(second, "advance", to="CANCELLED")
    for _ in range(3):
        rig.work()
    assert rig.stock(sku) == before - 2
    forget_capability()


def test_that_the_store_deducts_is_learnt(rig: OrderRig) -> None:
    forget_capability()
    rig.buy(rig.skus[3], quantity=2, on_hold=False)
    rig.work()
    with transaction() as conn:
        assert creation_deducts(conn, rig.store_account_id, rig.store.capabilities) is True


def test_without_importing_the_stock_falls_once_and_comes_back_once(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[4]
    before = rig.stock(sku)
    order_id = rig.buy(sku, quantity=3, on_hold=False)
    for _ in range(3):
        rig.work()
    assert rig.in_store(order_id) == []
    assert (rig.order(order_id).import_state, rig.order(order_id).hold) == ("not_wanted", "import_off")
    assert (rig.stock(sku), rig.deductions(order_id)) == (before - 3, ["done"] * 3)
    rig.act(order_id, "advance", to="CANCELLED")
    for _ in range(3):
        rig.work()
    assert (rig.stock(sku), rig.deductions(order_id)) == (before, ["given_back"] * 3)


def test_an_order_on_hold_is_only_reserved(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[4]
    before = rig.stock(sku)
    order_id = rig.buy(sku, kind="on_hold", quantity=1)
    rig.work()
    assert (rig.stock(sku), rig.deductions(order_id)) == (before, ["held"])
    rig.act(order_id, "advance", to="AWAITING_SHIPMENT")
    rig.work()
    assert (rig.stock(sku), rig.deductions(order_id)) == (before - 1, ["done"])


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "http_503"])
def test_a_lost_answer_to_a_stock_write_is_settled_by_reading_back(by_stock: OrderRig, fault: str) -> None:
    rig, sku = by_stock, by_stock.skus[5]
    before = rig.stock(sku)
    order_id = rig.buy(sku, quantity=2, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    rig.fault(WRITE, fault, times=1)
    for _ in range(3):
        try:
            write_wanted(rig.store, rig.store_account_id)
        except RemoteError:
            continue
    assert (rig.stock(sku), rig.deductions(order_id)) == (before - 2, ["done"] * 2)


class _StoreOf:
    """The store of a rig; what differs from it is a subclass's."""

    def __init__(self, rig: OrderRig) -> None:
        self._rig, self.capabilities = rig, rig.store.capabilities

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rig.store, name)


class _Cut(_StoreOf):
    """With a sale in its own shop window and no answer when stock is written, if that still arrives."""

    def __init__(self, rig: OrderRig, sku: str, *, sold: int = 7, arrives: bool = True) -> None:
        super().__init__(rig)
        self._sku, self._sold, self._arrives = sku, sold, arrives

    def set_stock(self, quantities: Any) -> int:
        if self._arrives:
            self._rig.store.set_stock(quantities)
        self._rig.control("shopwired/sell", {"business": 1, "sku": self._sku, "quantity": self._sold})
        raise KeyboardInterrupt


class _Forgetful(_StoreOf):
    """Without a memory of what happened to its stock."""

    def stock_changes(self, *_: Any, **__: Any) -> tuple[Change, ...]:
        return ()


def cut_short(rig: OrderRig, sku: str, store: Any, *, quantity: int) -> str:
    """An order whose stock was being written by ``store`` when the worker was killed."""
    order_id = rig.buy(sku, quantity=quantity, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    with pytest.raises(KeyboardInterrupt):
        write_wanted(store, rig.store_account_id)
    with transaction() as conn:
        conn.execute(text("UPDATE leases SET lease_until = now()"))
    return order_id


@pytest.mark.parametrize("sold", [2, 7], ids=["as many as we took", "another number"])
@pytest.mark.parametrize("arrives", [True, False])
def test_what_became_of_a_write_is_told_by_the_stores_own_history(by_stock: OrderRig, sold: int, arrives: bool) -> None:
    rig, sku = by_stock, by_stock.skus[5]
    rig.buy(sku, quantity=1, on_hold=False)
    rig.work()  # a write that arrived: the store is known to remember such
    before = rig.stock(sku)
    order_id = cut_short(rig, sku, _Cut(rig, sku, sold=sold, arrives=arrives), quantity=2)
    for _ in range(2):
        write_wanted(rig.store, rig.store_account_id)
    assert (rig.stock(sku), rig.deductions(order_id)) == (before - sold - 2, ["done"] * 2)
    assert ("variant", "stock_write_unknown") not in rig.open_issues()


@pytest.mark.parametrize("taken", [True, False])
def test_a_write_that_nobody_can_tell_of_is_for_a_person(by_stock: OrderRig, taken: bool) -> None:
    rig, sku = by_stock, by_stock.skus[5]
    order_id = cut_short(rig, sku, _Cut(rig, sku), quantity=1)
    stock = rig.stock(sku)
    forgetful: Any = _Forgetful(rig)
    assert write_wanted(forgetful, rig.store_account_id) == 0
    assert (rig.stock(sku), rig.deductions(order_id)) == (stock, ["unknown"])
    assert ("variant", "stock_write_unknown") in rig.open_issues()
    assert rig.held(sku) >= 1
    with transaction() as conn:
        assert settle_by_person(conn, rig.connection_id, rig.variant(sku), rig.rig.boss, arrived=taken) == 1
    with transaction() as conn, pytest.raises(SettlingRefused, match="settled already"):
        settle_by_person(conn, rig.connection_id, rig.variant(sku), rig.rig.boss, arrived=False)
    write_wanted(rig.store, rig.store_account_id)
    assert (rig.stock(sku), rig.deductions(order_id)) == (stock if taken else stock - 1, ["done"])
    assert ("variant", "stock_write_unknown") not in rig.open_issues()


class _Selling(_StoreOf):
    """With a sale in its own shop window right after it has confirmed a write of stock."""

    def __init__(self, rig: OrderRig, sku: str, quantity: int) -> None:
        super().__init__(rig)
        self._sku, self._quantity = sku, quantity

    def set_stock(self, quantities: Any) -> int:
        changed: int = self._rig.store.set_stock(quantities)
        self._rig.control("shopwired/sell", {"business": 1, "sku": self._sku, "quantity": self._quantity})
        return changed


@pytest.mark.parametrize("sold", [3, 2], ids=["as much as came back", "another number"])
def test_a_write_that_the_store_confirmed_is_settled_whatever_is_sold_since(by_stock: OrderRig, sold: int) -> None:
    rig, sku = by_stock, by_stock.skus[5]
    order_id = rig.buy(sku, quantity=3, on_hold=False)
    rig.work()
    before = rig.stock(sku)
    assert rig.deductions(order_id) == ["done"] * 3
    rig.act(order_id, "advance", to="CANCELLED")
    rig.drain()
    order_import.import_orders(rig.importing())
    store: Any = _Selling(rig, sku, sold)
    assert write_wanted(store, rig.store_account_id) == 1
    rig.work()
    assert (rig.stock(sku), rig.deductions(order_id)) == (before + 3 - sold, ["given_back"] * 3)
    assert ("variant", "stock_write_unknown") not in rig.open_issues()


class _Overtaken(_StoreOf):
    """Whose stock changes ``by`` pieces between being read and being written; ``cut``: the write is not answered."""

    def __init__(self, rig: OrderRig, sku: str, by: int, *, cut: bool) -> None:
        super().__init__(rig)
        self._sku, self._by, self._cut = sku, by, cut

    def set_stock(self, quantities: Any) -> int:
        if self._by < 0:
            self._rig.control("shopwired/sell", {"business": 1, "sku": self._sku, "quantity": -self._by})
        else:
            self._rig.store.set_stock([(self._sku, self._rig.stock(self._sku) + self._by)])
        changed: int = self._rig.store.set_stock(quantities)
        if self._cut:
            raise KeyboardInterrupt
        return changed


@pytest.mark.parametrize("cut", [False, True], ids=["answered", "killed"])
@pytest.mark.parametrize("by", [-1, -4, 5], ids=["one sold", "several sold", "put on the shelf"])
def test_what_others_change_while_we_write_is_not_undone(by_stock: OrderRig, by: int, cut: bool) -> None:
    rig, sku = by_stock, by_stock.skus[5]
    before = rig.stock(sku)
    order_id = rig.buy(sku, quantity=2, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    store: Any = _Overtaken(rig, sku, by, cut=cut)
    with pytest.raises(KeyboardInterrupt) if cut else nullcontext():
        write_wanted(store, rig.store_account_id)
    with transaction() as conn:
        conn.execute(text("UPDATE leases SET lease_until = now()"))
    for _ in range(2):
        write_wanted(rig.store, rig.store_account_id)
    assert (rig.stock(sku), rig.deductions(order_id)) == (before + by - 2, ["done"] * 2)
    assert ("variant", "stock_write_unknown") not in rig.open_issues()


class _Behind(_Overtaken):
    """Whose clock is half a minute behind ours."""

    def stock_changes(self, *given: Any, **named: Any) -> tuple[Change, ...]:
        told = self._rig.store.stock_changes(*given, **named)
        return tuple(replace(change, at=change.at - timedelta(seconds=30)) for change in told)


@pytest.mark.parametrize("by", [-1, 5], ids=["one sold", "put on the shelf"])
def test_it_is_not_undone_either_where_the_stores_clock_is_behind(by_stock: OrderRig, by: int) -> None:
    rig, sku = by_stock, by_stock.skus[5]
    before = rig.stock(sku)
    order_id = rig.buy(sku, quantity=2, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    store: Any = _Behind(rig, sku, by, cut=False)
    assert write_wanted(store, rig.store_account_id) == 1
    rig.work_stock()
    assert (rig.stock(sku), rig.deductions(order_id)) == (before + by - 2, ["done"] * 2)


def test_nobody_settles_a_write_that_is_under_way(by_stock: OrderRig) -> None:
    rig = by_stock
    variant_id = rig.variant(rig.skus[5])
    with transaction() as conn:
        asked = {"subject": ("variant", str(variant_id)), "code": "stock_write_unknown", "sentence": "Did it arrive?"}
        open_issue(conn, connection_id=None, **asked)
    name = stock_lease(rig.store_account_id, variant_id)
    attempt = take_lease(name, seconds=30)
    assert attempt is not None
    with transaction() as conn, pytest.raises(SettlingRefused, match="being written at this moment"):
        settle_by_person(conn, rig.connection_id, variant_id, rig.rig.boss, arrived=True)
    release_lease(name, attempt)


class _Slow(_StoreOf):
    """Which takes as long to tell a stock as a lease lasts."""

    def __init__(self, rig: OrderRig, sku: str) -> None:
        super().__init__(rig)
        self._lease = stock_lease(rig.store_account_id, rig.variant(sku))
        self.free: list[bool] = []

    def stock(self, sku: str) -> int | None:
        told: int | None = self._rig.store.stock(sku)
        with transaction() as conn:
            conn.execute(text("UPDATE leases SET lease_until = now() WHERE name = :name"), {"name": self._lease})
        return told

    def set_stock(self, quantities: Any) -> int:
        with transaction() as conn:
            self.free.append(is_free(conn, self._lease))
        changed: int = self._rig.store.set_stock(quantities)
        return changed


def test_nobody_else_may_write_after_a_slow_reading(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[5]
    rig.buy(sku, quantity=1, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    store: Any = _Slow(rig, sku)
    assert write_wanted(store, rig.store_account_id) == 1
    assert store.free == [False]


def test_a_sku_that_the_store_lost_is_named(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[3]
    order_id = rig.buy(sku, quantity=1, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    stock = rig.stock(sku)
    with transaction() as conn:
        conn.execute(update(variants).where(variants.c.sku == sku).values(sku="GONE-1"))
    assert write_wanted(rig.store, rig.store_account_id) == 0
    assert ("variant", "stock_sku_unknown") in rig.open_issues()
    with transaction() as conn:
        conn.execute(update(variants).where(variants.c.sku == "GONE-1").values(sku=sku))
    write_wanted(rig.store, rig.store_account_id)
    assert (rig.stock(sku), rig.deductions(order_id)) == (stock - 1, ["done"])
    assert ("variant", "stock_sku_unknown") not in rig.open_issues()


def test_an_order_whose_stock_we_took_is_not_created_afterwards(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[4]
    order_id = rig.buy(sku, quantity=1, on_hold=False)
    rig.work()
    stock = rig.stock(sku)
    rig.setting("order_import", True)
    order_import.import_orders(rig.importing())
    with transaction() as conn:
        wake_all(conn, rig.connection_id)
    rig.work()
    assert (rig.order(order_id).import_state, rig.order(order_id).hold) == ("not_wanted", "stock_taken")
    assert (rig.stock(sku), rig.in_store(order_id)) == (stock, [])


def test_with_both_switched_off_units_are_held_until_they_leave(rig: OrderRig) -> None:
    rig.setting("order_import", False)
    sku = rig.skus[4]
    stock = rig.stock(sku)
    order_id = rig.buy(sku, quantity=1, on_hold=False)
    rig.work()
    assert rig.deductions(order_id) == ["held"]
    rig.act(order_id, "advance", to="IN_TRANSIT")
    rig.work()
    assert (rig.stock(sku), rig.deductions(order_id)) == (stock, ["not_ours"])


def test_what_the_merchant_was_left_to_take_is_not_written_by_us(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[4]
    rig.restock(sku, 0)
    order_id = rig.buy(sku, quantity=1, on_hold=False)
    rig.work()
    assert rig.deductions(order_id) == ["held"]
    rig.setting("stock_import", False)
    rig.act(order_id, "advance", to="IN_TRANSIT")
    rig.work()
    rig.restock(sku, 5)
    rig.work_stock()
    assert (rig.stock(sku), rig.deductions(order_id)) == (5, ["not_ours"])


@pytest.mark.parametrize("seller_sku", ["", "TT-LEFT-1"])
def test_what_left_while_importing_was_off_stays_out_when_it_is_switched_on(rig: OrderRig, seller_sku: str) -> None:
    rig.setting("order_import", False)
    sku, stock = seller_sku or rig.skus[4], rig.stock(rig.skus[4])
    if seller_sku:  # not linked to the store yet
        rig.control("tiktok/shelf", {"skus": [{"seller_sku": sku, "quantity": 50, "price": "9.99"}]})
    order_id = rig.buy(sku, quantity=1, on_hold=False)
    rig.work()
    rig.act(order_id, "advance", to="IN_TRANSIT")
    rig.work()
    units = rig.deductions(order_id)
    rig.setting("order_import", True)
    assert orders_left_out(rig.connection_id).number >= 1
    switched_on(rig)
    row = rig.order(order_id)
    assert (row.import_state, row.hold) == ("not_wanted", "left_while_off")
    assert "left while importing was off" in row.hold_sentence
    assert (rig.in_store(order_id), rig.stock(rig.skus[4]), rig.deductions(order_id)) == ([], stock, units)
    assert rig.open_issues() == set()


def switched_on(rig: OrderRig) -> None:
    """What saving the setting queues, and what comes after it."""
    assert jobs("order_wake")
    with transaction() as conn:
        wake_all(conn, rig.connection_id)
    rig.work()


def test_a_write_that_is_only_queued_is_called_off_when_the_store_takes_the_units(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[4]
    stock = rig.stock(sku)
    order_id = rig.buy(sku, quantity=2, on_hold=False)
    rig.drain()
    rig.try_import()
    rig.setting("order_import", True)
    with transaction() as conn:
        wake_all(conn, rig.connection_id)
    rig.drain()
    rig.fault("POST /v1/orders", "cut_after", times=1)
    rig.try_import()
    rig.work_stock()
    rig.hurry()
    rig.work()
    assert rig.order(order_id).import_state == "imported"
    assert (rig.stock(sku), rig.deductions(order_id)) == (stock - 2, ["done", "done"])


def test_a_write_that_has_begun_keeps_the_order_out_of_the_store(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[4]
    stock = rig.stock(sku)
    order_id = rig.buy(sku, quantity=2, on_hold=False)
    rig.drain()
    rig.try_import()

    class Dying:
        def __getattr__(self, name: str) -> Any:
            return getattr(rig.store, name)

        def set_stock(self, quantities: Any) -> int:
            rig.store.set_stock(quantities)
            raise KeyboardInterrupt

    store: Any = Dying()
    with pytest.raises(KeyboardInterrupt):
        write_wanted(store, rig.store_account_id)
    assert rig.deductions(order_id) == ["unknown", "unknown"]
    rig.setting("order_import", True)
    with transaction() as conn:
        wake_all(conn, rig.connection_id)
        conn.execute(text("UPDATE leases SET lease_until = now()"))
    rig.work()
    assert (rig.order(order_id).import_state, rig.order(order_id).hold) == ("not_wanted", "stock_taken")
    assert (rig.in_store(order_id), rig.stock(sku), rig.deductions(order_id)) == ([], stock - 2, ["done", "done"])


def test_no_more_is_taken_than_there_is(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[0]
    rig.restock(sku, 1)
    order_id = rig.buy(sku, quantity=3, on_hold=False)
    rig.work()
    assert (rig.stock(sku), rig.deductions(order_id)) == (0, ["done", "held", "held"])
    with transaction() as conn:
        oversold = issues.c.code == "stock_oversold"
        said = conn.scalar(select(issues.c.sentence).where(oversold, issues.c.closed_at.is_(None)))
    assert said == f"{sku} is oversold by 2: its stock in the store is 0, and orders still need 2 of it."
    rig.work_stock()
    assert (rig.stock(sku), rig.deductions(order_id)) == (0, ["done", "held", "held"])
    rig.restock(sku, 6)
    rig.work_stock()
    assert (rig.stock(sku), rig.deductions(order_id)) == (4, ["done"] * 3)
    assert ("variant", "stock_oversold") not in rig.open_issues()


def test_an_oversold_order_that_is_cancelled_gives_back_what_it_took(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[0]
    rig.restock(sku, 1)
    order_id = rig.buy(sku, quantity=3, on_hold=False)
    rig.work()
    assert ("variant", "stock_oversold") in rig.open_issues()
    rig.act(order_id, "advance", to="CANCELLED")
    for _ in range(2):
        rig.work()
    assert (rig.stock(sku), rig.deductions(order_id)) == (1, ["given_back"] * 3)
    assert ("variant", "stock_oversold") not in rig.open_issues()


class _Stubborn:
    """The store, which cannot tell the stock of some SKUs."""

    def __init__(self, rig: OrderRig, *bad: str, trouble: RemoteError | None = None) -> None:
        self._rig, self._bad, self.asked = rig, bad, 0
        self._trouble = trouble or Temporary("The store is not well.")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rig.store, name)

    def stock(self, sku: str) -> int | None:
        self.asked += 1
        if sku in self._bad:
            raise self._trouble
        return self._rig.store.stock(sku)


def test_a_sku_in_trouble_does_not_hold_up_the_others(by_stock: OrderRig) -> None:
    rig = by_stock
    first, *others = sorted(rig.skus[:5], key=rig.variant)
    stock = {sku: rig.stock(sku) for sku in (first, *others)}
    rig.buy(first, *others, quantity=1, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    store: Any = _Stubborn(rig, first)
    with pytest.raises(Temporary):
        write_wanted(store, rig.store_account_id)
    assert {sku: stock[sku] - rig.stock(sku) for sku in stock} == {first: 0} | dict.fromkeys(others, 1)
    rig.work_stock()
    assert rig.stock(first) == stock[first] - 1


@pytest.mark.parametrize("kind", [Refused, Missing, Conflict])
def test_a_sku_that_the_store_refuses_does_not_hold_up_the_others(by_stock: OrderRig, kind: type[RemoteError]) -> None:
    rig = by_stock
    first, *others = sorted(rig.skus[1:4], key=rig.variant)
    stock = {sku: rig.stock(sku) for sku in (first, *others)}
    rig.buy(first, *others, quantity=1, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    store: Any = _Stubborn(rig, first, trouble=kind("The store takes no stock of this product."))
    assert write_wanted(store, rig.store_account_id) == 2
    assert {sku: stock[sku] - rig.stock(sku) for sku in stock} == {first: 0} | dict.fromkeys(others, 1)
    sweep_orders(rig.connection_id)
    with transaction() as conn:
        refused = (issues.c.code == "stock_write_refused", issues.c.closed_at.is_(None))
        (issue,) = conn.execute(select(issues).where(*refused)).all()
    assert (issue.subject_kind, issue.subject_id) == ("variant", str(rig.variant(first)))
    assert (
        issue.sentence == f"The store refuses to change the stock of {first}: The store takes no stock of this product."
    )
    rig.work_stock()
    assert rig.stock(first) == stock[first] - 1
    assert ("variant", "stock_write_refused") not in rig.open_issues()


def test_a_refusal_that_no_order_waits_for_is_forgotten(by_stock: OrderRig) -> None:
    rig, sku = by_stock, by_stock.skus[0]
    order_id = rig.buy(sku, quantity=1, on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    store: Any = _Stubborn(rig, sku, trouble=Refused("No."))
    assert write_wanted(store, rig.store_account_id) == 0
    assert ("variant", "stock_write_refused") in rig.open_issues()
    rig.act(order_id, "advance", to="CANCELLED")
    rig.work()
    sweep_orders(rig.connection_id)
    assert ("variant", "stock_write_refused") not in rig.open_issues()


def test_a_store_in_trouble_is_left_alone_after_three_skus(by_stock: OrderRig) -> None:
    rig = by_stock
    rig.buy(*rig.skus[:5], on_hold=False)
    rig.drain()
    order_import.import_orders(rig.importing())
    store: Any = _Stubborn(rig, *rig.skus)
    with pytest.raises(Temporary):
        write_wanted(store, rig.store_account_id)
    assert store.asked == 3
    rig.work_stock()


def test_every_unit_has_one_row(rig: OrderRig) -> None:
    with transaction() as conn:
        d = stock_deductions.c
        rows = conn.execute(select(d.line_id, d.variant_id).where(d.line_id.is_not(None))).all()
    assert len(rows) == len(set(rows)) > 0
