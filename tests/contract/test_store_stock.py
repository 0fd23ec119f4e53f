"""What every store adapter must do with stock, against its platform's sandbox over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.errors import Unknown
from core.stores.registry import PLATFORMS
from tests.sandbox_server import running_sandbox
from tests.store_harness import StoreAtSandbox, at_sandbox
from tests.store_orders_rig import USUAL, break_calls, draft, fresh, goods, line, switch


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(Path(tmp_path_factory.mktemp("sandbox")), 20) as base:
        yield base


@pytest.fixture(params=sorted(PLATFORMS))
def there(request: pytest.FixtureRequest, base: str) -> Iterator[StoreAtSandbox]:
    found = at_sandbox(request.param, base)
    yield found
    found.control("faults", {}, method="DELETE")
    found.control("limits", {"off": True})
    found.control(f"{request.param}/switches", USUAL)


def test_stock_is_read_and_set(there: StoreAtSandbox) -> None:
    store, (_, sku) = there.store(), goods(there, stock=7)
    assert store.stock(sku) == 7
    assert store.set_stock([(sku, 3)]) == 1
    assert (store.stock(sku), store.set_stock([(sku, 3)])) == (3, 0)
    assert store.stock("NO-SUCH-SKU") is None
    assert store.set_stock([("NO-SUCH-SKU", 5)]) == 0, "passed over in silence"
    assert store.set_stock([]) == 0


def test_the_store_tells_what_happened_to_a_stock(there: StoreAtSandbox) -> None:
    store, (product, sku) = there.store(), goods(there, stock=7)
    other = goods(there, stock=7)[1]
    since = datetime.now(UTC)
    store.set_stock([(sku, 9), (other, 4)])
    store.create_order(draft(there, line(product, sku, quantity=2)))
    store.set_stock([(sku, 9), (sku, 9)])
    told = store.stock_changes(product, sku, since=since)
    assert [(change.quantity, change.by_order) for change in told] == [(9, False), (7, True), (9, False)]
    assert store.stock_changes(product, sku, since=since + timedelta(hours=1)) == ()


def test_stock_of_skus_with_signs(there: StoreAtSandbox) -> None:
    sku = fresh("Größe/+&=% #")
    there.merchant.create("Odd Mug", sku, 4)
    assert there.store().stock(sku) == 4
    assert there.store().set_stock([(sku, 9)]) == 1
    assert there.store().stock(sku) == 9


def test_much_stock_goes_in_batches(there: StoreAtSandbox) -> None:
    skus = [goods(there)[1] for _ in range(32)]
    mixed = [pair for sku in skus for pair in ((sku, 41), (fresh("GONE"), 41))]
    assert there.store().set_stock(mixed) == 32
    assert [call for call in there.journal.paths() if call == "POST /stock"] == ["POST /stock"] * 5
    assert all(there.store().stock(sku) == 41 for sku in skus)


def test_a_lost_answer_to_stock_is_unknown_and_may_be_repeated(there: StoreAtSandbox) -> None:
    store, (_, sku) = there.store(), goods(there, stock=7)
    break_calls(there, "POST /v1/stock", "cut_after")
    with pytest.raises(Unknown):
        store.set_stock([(sku, 2)])
    assert store.stock(sku) == 2
    assert store.set_stock([(sku, 2)]) == 0


@pytest.mark.parametrize("deducts", [True, False])
def test_whether_an_order_takes_stock_can_be_learnt(there: StoreAtSandbox, deducts: bool) -> None:
    switch(there, orders_deduct_stock=deducts)
    product_id, sku = goods(there, stock=20)
    there.store().create_order(draft(there, line(product_id, sku, quantity=3)))
    assert there.store().stock(sku) == (17 if deducts else 20)
    assert there.store().capabilities.creation_deducts_stock is None
