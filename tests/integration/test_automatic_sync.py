"""Automatic sync on the demo catalogue: what became ready or changed is sent by itself, once, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import connections, listings, product_states, products, run_items, runs
from core.domain.filters import Selection
from core.jobs import handlers
from core.jobs.runs import work_on_run
from core.services import shop_metadata
from core.services.automatic_sync import BY, send_eligible
from core.services.catalogue_pull import pull_products
from core.services.listing_review import review_listings
from core.services.live import live
from core.services.mappings import set_default_category
from core.services.product_delete import delete_item, start_delete
from core.services.product_export import Sending, export_item
from core.services.product_export_skips import plan_send
from core.services.product_status import mark_stale
from core.services.runs import claim, settle, stop_run
from core.services.settings_of_connection import save_setting
from tests.listing_rig import ListingRig, running_listing_rig
from tests.store_harness import Merchant

PRODUCTS = 20


@pytest.fixture(scope="module")
def rig(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListingRig]:
    with running_listing_rig(Path(tmp_path_factory.mktemp("sandbox")), PRODUCTS) as made:
        shop_metadata.download(made.market, made.connection_id)
        with transaction() as connection:
            set_default_category(connection, made.connection_id, made.easy_leaf(), made.rig.boss)
        made.judge()
        # Four are enough to see who is sent and who is not.
        with transaction() as connection:
            keep = select(product_states.c.product_id).where(product_states.c.status == "ready").limit(4)
            connection.execute(
                update(product_states).where(product_states.c.product_id.not_in(keep)).values(sell=False)
            )
        yield made


@pytest.fixture(autouse=True)
def nothing_sent_yet(rig: ListingRig) -> None:
    """Every test begins with an empty Shop, and automatic sync on."""
    with transaction() as connection:
        remote_ids = [str(one) for one in connection.scalars(select(listings.c.remote_id))]
    rig.market.delete_listings(remote_ids)
    with transaction() as connection:
        connection.execute(text("TRUNCATE listings, runs, procrastinate_jobs CASCADE"))
        connection.execute(update(connections).values(disconnected_at=None))
    switch(rig, True)
    rig.judge_all()


def switch(rig: ListingRig, on: bool) -> None:
    with transaction() as connection:
        save_setting(connection, rig.connection_id, "automatic_sync", on, rig.rig.boss)


def ready(rig: ListingRig) -> list[int]:
    return [row.product_id for row in rig.states() if row.status == "ready" and row.sell]


def our_runs() -> list[Any]:
    with transaction() as connection:
        return list(connection.execute(select(runs).where(runs.c.created_by == BY).order_by(runs.c.id)))


def items_of(run_id: int) -> list[tuple[int, str]]:
    wanted = select(run_items.c.subject_id, run_items.c.status).where(run_items.c.run_id == run_id)
    with transaction() as connection:
        return [tuple(row) for row in connection.execute(wanted.order_by(run_items.c.subject_id))]


def work(rig: ListingRig, run_id: int) -> None:
    """What the job product_export does."""
    sending = Sending(live(rig.connection_id), rig.market, rig.pictures, lambda: True)
    work_on_run(run_id, "product_export", lambda item, _: export_item(sending, item))


def all_on_sale(rig: ListingRig) -> list[int]:
    """The ready products, sent by automatic sync and approved."""
    wanted = ready(rig)
    run_id = send_eligible(rig.connection_id)
    assert run_id is not None
    work(rig, run_id)
    approve(rig)
    assert [rig.state(one).status for one in wanted] == ["active"] * len(wanted)
    return wanted


def approve(rig: ListingRig) -> None:
    with transaction() as connection:
        waiting = select(listings.c.remote_id).where(listings.c.audit_status == "AUDITING")
        remote_ids = list(connection.scalars(waiting))
    rig.rig.control.post("/_sandbox/review", json={"product_ids": remote_ids, "verdict": "approve"}).raise_for_status()
    review_listings(rig.market, rig.connection_id)


def change_in_store(rig: ListingRig, product_id: int, **fields: Any) -> None:
    """Somebody edits the product in the store, the change is pulled, readiness judges it."""
    with transaction() as connection:
        remote_id = connection.scalar(select(products.c.remote_id).where(products.c.id == product_id))
    if fields:
        Merchant(rig.rig.url).ask("PUT", f"/products/{remote_id}", fields)
    pull_products(rig.rig.store(), rig.store_account_id, [str(remote_id)])
    handlers.product_readiness(rig.connection_id)


def test_off_nothing_is_sent(rig: ListingRig) -> None:
    switch(rig, False)
    handlers.product_readiness(rig.connection_id)
    assert our_runs() == []


def test_after_readiness_every_ready_product_is_sent_once(rig: ListingRig) -> None:
    wanted = ready(rig)
    assert len(wanted) == 4
    handlers.product_readiness(rig.connection_id)
    (run,) = our_runs()
    assert (run.kind, run.title, run.total) == ("product_export", "Automatic sync", 4)
    assert items_of(run.id) == [(one, "waiting") for one in wanted]
    handlers.product_readiness(rig.connection_id)
    assert len(our_runs()) == 1
    work(rig, run.id)
    assert items_of(run.id) == [(one, "done") for one in wanted]
    handlers.product_readiness(rig.connection_id)
    assert len(our_runs()) == 1


def test_nothing_is_sent_while_readiness_has_work_left(rig: ListingRig) -> None:
    with transaction() as connection:
        mark_stale(connection, connection_id=rig.connection_id, product_ids=ready(rig)[:1])
    assert send_eligible(rig.connection_id) is None


def test_a_disconnected_connection_sends_nothing(rig: ListingRig) -> None:
    with transaction() as connection:
        connection.execute(text("UPDATE connections SET disconnected_at = now()"))
    handlers.product_readiness(rig.connection_id)
    assert our_runs() == []


def test_four_workers_at_once_start_one_run(rig: ListingRig) -> None:
    threads = [threading.Thread(target=send_eligible, args=(rig.connection_id,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (run,) = our_runs()
    assert run.total == 4


def test_a_changed_title_goes_and_a_changed_stock_is_none_of_our_business(rig: ListingRig) -> None:
    first, second, *_ = all_on_sale(rig)
    change_in_store(rig, second, stock=77)
    assert len(our_runs()) == 1
    change_in_store(rig, first, title="Oak bread board with a long handle")
    assert items_of(our_runs()[-1].id) == [(first, "waiting")]
    work(rig, our_runs()[-1].id)
    assert items_of(our_runs()[-1].id) == [(first, "done")]
    approve(rig)
    handlers.product_readiness(rig.connection_id)
    assert len(our_runs()) == 2


def test_a_change_of_what_is_mapped_goes_too(rig: ListingRig) -> None:
    wanted = all_on_sale(rig)
    with transaction() as connection:
        set_default_category(connection, rig.connection_id, rig.easy_leaf(1), rig.rig.boss)
    handlers.product_readiness(rig.connection_id)
    assert items_of(our_runs()[-1].id) == [(one, "waiting") for one in wanted]


def test_a_change_during_review_goes_when_the_review_is_over(rig: ListingRig) -> None:
    first, *_ = ready(rig)
    run_id = send_eligible(rig.connection_id)
    assert run_id is not None
    work(rig, run_id)
    change_in_store(rig, first, title="Oak bread board under review")
    assert len(our_runs()) == 1
    approve(rig)
    handlers.product_readiness(rig.connection_id)
    assert items_of(our_runs()[-1].id) == [(first, "waiting")]


def test_what_changes_meanwhile_joins_the_run_under_way(rig: ListingRig) -> None:
    first, second, *_ = all_on_sale(rig)
    change_in_store(rig, first, title="Oak bread board, first of two")
    (_, run) = our_runs()
    (item,) = claim(run.id, limit=1, seconds=60)
    change_in_store(rig, second, title="Oak bread board, second of two")
    assert len(our_runs()) == 2
    assert our_runs()[-1].total == 2
    assert items_of(run.id) == [(item.subject_id, "running"), (second, "waiting")]


def test_what_failed_or_was_stopped_waits_for_its_next_change(rig: ListingRig) -> None:
    first, *_ = ready(rig)
    handlers.product_readiness(rig.connection_id)
    (run,) = our_runs()
    stop_run(run.id, "ada")
    assert settle(run.id, job="product_export")
    handlers.product_readiness(rig.connection_id)
    assert len(our_runs()) == 1
    change_in_store(rig, first, title="Oak bread board after a stop")
    assert items_of(our_runs()[-1].id) == [(first, "waiting")]


def test_what_a_person_deleted_is_not_brought_back(rig: ListingRig) -> None:
    first, *_ = all_on_sale(rig)
    run_id = start_delete(rig.connection_id, Selection(ids=(first,)), "ada")
    (item,) = claim(run_id, limit=1, seconds=60)
    assert delete_item(rig.market, item, "ada").status == "done"
    assert rig.state(first).status == "unlisted"
    change_in_store(rig, first, title="Oak bread board that was deleted")
    assert len(our_runs()) == 1
    assert plan_send(rig.connection_id, Selection(ids=(first,))).will == 1, "a person may send it again"


def test_what_was_taken_down_in_the_shop_stays_down(rig: ListingRig) -> None:
    first, *_ = all_on_sale(rig)
    with transaction() as connection:
        remote_id = connection.scalar(select(listings.c.remote_id).where(listings.c.product_id == first))
    assert rig.market.deactivate_listings([str(remote_id)]) == ()
    review_listings(rig.market, rig.connection_id)
    assert rig.state(first).status == "unlisted"
    change_in_store(rig, first, title="Oak bread board that was taken down")
    assert len(our_runs()) == 1


def test_a_product_that_is_no_longer_to_be_sold_is_not_sent(rig: ListingRig) -> None:
    first, *_ = ready(rig)
    with transaction() as connection:
        mine = product_states.c.product_id == first
        connection.execute(update(product_states).where(mine).values(sell=False))
    try:
        handlers.product_readiness(rig.connection_id)
        assert first not in dict(items_of(our_runs()[-1].id))
    finally:
        with transaction() as connection:
            connection.execute(update(product_states).where(mine).values(sell=True))
