"""price_stock: what is offered reaches the Shop, is proven by reading it back, and survives refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Settings
from tests.stock_rig import StockRig, running_stock_rig

UPDATE = "POST /product/202309/products/{product_id}/inventory/update"


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[StockRig]:
    with running_stock_rig(home) as running:
        running.push_open()
        yield running


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
