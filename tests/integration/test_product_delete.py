"""product_delete against the sandbox: listings leave the Shop, never the store, and every item ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import connections, listings, products, run_items, runs
from core.domain.errors import Conflict
from core.domain.filters import ExportFilter, Selection
from core.jobs.runs import work_on_run
from core.services.product_delete import delete_item, plan_delete, start_delete
from tests.stock_rig import StockRig, running_stock_rig

DELETE = "DELETE /product/202309/products"


@pytest.fixture(scope="module")
def rig(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockRig]:
    with running_stock_rig(Path(tmp_path_factory.mktemp("sandbox")), listed=10, products_in_store=24) as made:
        yield made


@pytest.fixture(autouse=True)
def clean(rig: StockRig) -> Iterator[None]:
    yield
    rig.base.rig.control.delete("/_sandbox/faults").raise_for_status()
    with transaction() as connection:
        connection.execute(update(connections).values(disconnected_at=None))


def next_listed(rig: StockRig) -> int:
    """A product whose listing is on sale."""
    on_sale = select(listings.c.product_id).where(listings.c.tiktok_status == "ACTIVATE", listings.c.deleted_by == "")
    with transaction() as connection:
        return int(connection.execute(on_sale.order_by(listings.c.id).limit(1)).scalar_one())


def listing_of(product_id: int) -> Any:
    with transaction() as connection:
        return connection.execute(select(listings).where(listings.c.product_id == product_id)).one()


def start(rig: StockRig, *product_ids: int) -> int:
    return start_delete(rig.connection_id, Selection(ids=product_ids), "ada")


def work(rig: StockRig, run_id: int) -> None:
    """What the job product_delete does."""
    with transaction() as connection:
        connection.execute(text("UPDATE run_items SET not_before = NULL"))
    work_on_run(run_id, "product_delete", lambda item, _: delete_item(rig.market, item, "ada"))


def item_of(run_id: int) -> Any:
    with transaction() as connection:
        return connection.execute(select(run_items).where(run_items.c.run_id == run_id)).one()


def test_the_listing_goes_and_the_store_keeps_the_product(rig: StockRig) -> None:
    product_id = next_listed(rig)
    in_store = rig.merchant.count()
    remote_id = listing_of(product_id).remote_id
    run_id = start(rig, product_id)
    work(rig, run_id)
    assert item_of(run_id).status == "done"
    assert item_of(run_id).sentence == "Deleted in the Shop; the store still has it."
    with pytest.raises(Conflict):
        rig.market.listing(remote_id)
    listing = listing_of(product_id)
    assert (listing.tiktok_status, listing.deleted_by, listing.ended_at) == ("DELETED", "ada", None)
    assert listing.deleted_at is not None
    assert rig.merchant.count() == in_store
    with transaction() as connection:
        kept = connection.execute(select(products.c.deleted_at, products.c.active).where(products.c.id == product_id))
        assert tuple(kept.one()) == (None, True)
    assert rig.base.state(product_id).sync == "not_sent"


def test_the_plan_counts_what_the_shop_does_not_have(rig: StockRig) -> None:
    listed = next_listed(rig)
    with transaction() as connection:
        without = select(products.c.id).where(products.c.id.not_in(select(listings.c.product_id))).limit(2)
        others = list(connection.scalars(without))
    plan = plan_delete(rig.connection_id, Selection(ids=(listed, *others)))
    assert (plan.will, plan.skipped) == (1, (("Not in the Shop", 2),))
    run_id = start(rig, listed, *others)
    assert item_of(run_id).subject_id == listing_of(listed).id


def test_exports_are_deleted_by_what_the_page_shows(rig: StockRig) -> None:
    with transaction() as connection:
        live = connection.scalar(select(func.count()).where(listings.c.tiktok_status == "ACTIVATE"))
    assert live
    assert plan_delete(rig.connection_id, Selection(exports=ExportFilter(tab="approved"))).will == live
    assert plan_delete(rig.connection_id, Selection(exports=ExportFilter(tab="deleted"))).will == 0


def test_one_that_is_deleted_already_costs_no_call(rig: StockRig) -> None:
    product_id = next_listed(rig)
    first, second = start(rig, product_id), start(rig, product_id)
    work(rig, first)
    before = rig.calls(DELETE)
    work(rig, second)
    assert (item_of(second).status, item_of(second).code) == ("skipped", "deleted")
    assert rig.calls(DELETE) == before


def test_one_that_somebody_deleted_in_seller_center_counts_as_deleted(rig: StockRig) -> None:
    product_id = next_listed(rig)
    rig.market.delete_listings([listing_of(product_id).remote_id])
    run_id = start(rig, product_id)
    work(rig, run_id)
    assert item_of(run_id).status == "done"
    assert listing_of(product_id).tiktok_status == "DELETED"


def test_a_refusal_inside_a_success_leaves_the_listing_as_it_was(rig: StockRig) -> None:
    product_id = next_listed(rig)
    rig.fault("hidden_errors", DELETE)
    run_id = start(rig, product_id)
    work(rig, run_id)
    item = item_of(run_id)
    assert item.status == "failed"
    assert item.sentence and item.code
    assert listing_of(product_id).tiktok_status == "ACTIVATE"


def test_one_that_the_platform_froze_cannot_be_deleted(rig: StockRig) -> None:
    product_id = next_listed(rig)
    rig.control("enforce", product_ids=[listing_of(product_id).remote_id], status="FREEZE")
    run_id = start(rig, product_id)
    work(rig, run_id)
    assert item_of(run_id).status == "failed"
    assert listing_of(product_id).deleted_at is None
    with transaction() as connection:
        connection.execute(update(listings).where(listings.c.product_id == product_id).values(tiktok_status="FREEZE"))


@pytest.mark.parametrize("fault", ["cut_after", "truncated", "http_503", "rate_429"])
def test_a_call_without_an_answer_is_made_again(rig: StockRig, fault: str) -> None:
    product_id = next_listed(rig)
    rig.fault(fault, DELETE, times=None)
    run_id = start(rig, product_id)
    work(rig, run_id)
    item = item_of(run_id)
    assert item.status in ("waiting", "unknown")
    assert item.sentence
    assert item.not_before is not None
    rig.base.rig.control.delete("/_sandbox/faults").raise_for_status()
    work(rig, run_id)
    assert item_of(run_id).status == "done"
    assert listing_of(product_id).tiktok_status == "DELETED"


def test_trouble_that_does_not_end_ends_the_item(rig: StockRig) -> None:
    product_id = next_listed(rig)
    rig.fault("http_503", DELETE, times=None)
    run_id = start(rig, product_id)
    with transaction() as connection:
        connection.execute(update(run_items).where(run_items.c.run_id == run_id).values(attempt=20))
    work(rig, run_id)
    assert item_of(run_id).status == "failed"
    with transaction() as connection:
        assert connection.scalar(select(runs.c.status).where(runs.c.id == run_id)) == "done"


def test_after_disconnecting_nothing_is_deleted(rig: StockRig) -> None:
    product_id = next_listed(rig)
    run_id = start(rig, product_id)
    with transaction() as connection:
        connection.execute(update(connections).values(disconnected_at=func.now()))
    before = rig.calls(DELETE)
    work(rig, run_id)
    assert (item_of(run_id).status, item_of(run_id).code) == ("waiting", "parked")
    assert rig.calls(DELETE) == before
