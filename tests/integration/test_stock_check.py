"""The stock check: every SKU is compared, every difference explained, what is wrong corrected, and all of it logged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as sized
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from core import wiring
from core.config import Settings
from core.db.engine import transaction
from core.db.leases import release_lease, take_lease
from core.db.tables import (
    connections,
    issues,
    listing_skus,
    listings,
    run_items,
    runs,
    shops,
    sku_rules,
    stock_check_items,
    stock_checks,
    stock_deductions,
    variants,
    warehouses,
)
from core.domain.errors import Temporary
from core.domain.filters import StockFilter
from core.domain.stock import LEFT_ALONE, Cause, Standing, offered
from core.jobs import handlers
from core.jobs.clock import tick
from core.jobs.schedules import PLAN
from core.reads.activity import calls_of_item
from core.reads.flow_causes import flow_causes
from core.reads.latency import stock_waiting
from core.reads.paging import Count
from core.reads.stock import NOT_CHECKED, fix_plan, stock_page
from core.reads.stock_charts import charts
from core.services import stock_check
from core.services.live import require_live
from core.services.low_stock import judge_low_stock
from core.services.price_stock import push_all
from core.services.stock_compare import differing, unsent
from core.services.stock_offers import load_ground
from core.services.stock_read_back import Asked, database_time, read_named, store_levels
from core.services.webhook_intake import TIKTOK, Door, handle, verify_and_store
from tests.connect_rig import jobs
from tests.stock_rig import StockRig, running_stock_rig

SEARCH = "POST /product/202309/inventory/search"
UPDATE = "POST /product/202309/products/{product_id}/inventory/update"


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[StockRig]:
    with running_stock_rig(home, listed=8) as running:
        running.push_open()
        yield running


@pytest.fixture(autouse=True)
def clean(rig: StockRig) -> Iterator[None]:
    """Every SKU is right, and no check and no job is left from another test."""
    rig.base.rig.control.delete("/_sandbox/faults").raise_for_status()
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE stock_checks, procrastinate_jobs, runs CASCADE")
        conn.execute(update(listing_skus).values(quantity_acknowledged_at=None, quantity_retry_at=None))
    rig.push_open()
    yield


def check(rig: StockRig, *, correct: bool = True) -> Any:
    """Run a check to its end, its corrections too; the check's row."""
    check_id = stock_check.start_check(rig.connection_id, "ann")
    stock_check.run_check(rig.market, check_id)
    row = _row(check_id)
    if correct and row.run_id is not None:
        handlers.stock_fix_run(row.run_id)
    return _row(check_id)


def _row(check_id: int) -> Any:
    with transaction() as conn:
        return conn.execute(select(stock_checks).where(stock_checks.c.id == check_id)).one()


def items(check_id: int) -> dict[int, Any]:
    """By the SKU's row."""
    wanted = select(stock_check_items).where(stock_check_items.c.check_id == check_id)
    with transaction() as conn:
        return {row.listing_sku_id: row for row in conn.execute(wanted)}


def test_a_shop_that_is_right_has_nothing_to_correct(rig: StockRig) -> None:
    done = check(rig)
    assert (done.compared, done.found, done.corrected, done.remaining, done.run_id) == (8, 0, 0, 0, None)
    assert done.finished_at is not None
    assert done.sentence == "Every SKU is as it should be."


def test_every_difference_is_found_explained_and_corrected(rig: StockRig) -> None:
    changed, new, silent = (rig.sku(product_id) for product_id in rig.listed[:3])
    rig.seller_sets(changed.listing, changed.remote_id, changed.stock + 4)
    rig.set_stock(rig.listed[1], new.stock + 9)
    with transaction() as conn:
        mine = listing_skus.c.id == silent.id
        conn.execute(update(listing_skus).where(mine).values(quantity_acknowledged_at=None))
    rig.seller_sets(silent.listing, silent.remote_id, silent.stock + 1)
    done = check(rig)
    found = items(done.id)
    assert {row: (one.cause, one.before, one.expected, one.after, one.outcome) for row, one in found.items()} == {
        changed.id: ("changed in the Shop", changed.stock + 4, changed.stock, changed.stock, "corrected"),
        new.id: ("new in store", new.stock, new.stock + 9, new.stock + 9, "corrected"),
        silent.id: ("not acknowledged yet", silent.stock + 1, silent.stock, silent.stock, "corrected"),
    }
    assert (done.compared, done.found, done.corrected, done.remaining) == (8, 3, 3, 0)
    assert rig.shown(changed.remote_id) == changed.stock
    with transaction() as conn:
        mine = select(listing_skus.c.listing_id).where(listing_skus.c.id == changed.id).scalar_subquery()
        corrected = (run_items.c.run_id == done.run_id, run_items.c.subject_id == mine)
        item_id = conn.execute(select(run_items.c.id).where(*corrected)).scalar_one()
    assert UPDATE in {f"{call.method} {call.endpoint}" for call in calls_of_item(item_id)}
    assert check(rig).found == 0


def test_reservations_are_left_alone(rig: StockRig) -> None:
    campaign, creator = rig.sku(rig.listed[0]), rig.sku(rig.listed[4])
    for sku, kind, quantity in ((campaign, "campaign", 2), (creator, "creator", 1)):
        rig.control("tiktok/reserve", seller_sku=sku.seller_sku, kind=kind, name="Autumn", quantity=quantity)
    done = check(rig)
    assert {row: (one.cause, one.expected - one.before, one.outcome) for row, one in items(done.id).items()} == {
        campaign.id: ("campaign reservation", 2, "left"),
        creator.id: ("campaign reservation", 1, "left"),
    }
    assert (done.run_id, done.found, done.corrected, done.remaining) == (None, 2, 0, 2)
    assert (rig.sku(rig.listed[0]).shop_campaign, rig.sku(rig.listed[4]).shop_creator) == (2, 1)
    assert stock_check.fix(rig.connection_id, "ann") is None
    rig.set_stock(rig.listed[0], 1)
    rig.push([rig.listed[0]])
    assert rig.sku(rig.listed[0]).sent_quantity == 2, "never below what is reserved"
    for sku, kind in ((campaign, "campaign"), (creator, "creator")):
        rig.control("tiktok/reserve", seller_sku=sku.seller_sku, kind=kind, name="Autumn", quantity=0)
    rig.set_stock(rig.listed[0], 12)
    rig.push([rig.listed[0]])
    check(rig)


def test_a_warehouse_in_holiday_mode_keeps_its_zero(rig: StockRig) -> None:
    holiday = rig.sku(rig.listed[1])
    level = rig.market.inventory([holiday.remote_id])[0]

    class Shop:
        """The sandbox has no holiday mode, so this one thing is played."""

        def inventory(self, sku_ids: Any) -> Any:
            told = {one.sku_id: one for one in rig.market.inventory(sku_ids)}
            return tuple((told | {holiday.remote_id: replace(level, in_shop=0)}).values())

    (place,) = holiday.shop_warehouses
    row = {"connection_id": rig.connection_id, "remote_id": place, "name": "Leeds", "kind": "SALES_WAREHOUSE"}
    with transaction() as conn:
        conn.execute(warehouses.insert().values(**row, status="RESTRICTED", is_default=True))
    check_id = stock_check.start_check(rig.connection_id, "ann")
    stock_check.run_check(Shop(), check_id)  # type: ignore[arg-type]
    with transaction() as conn:
        conn.execute(warehouses.delete())
    ((row_id, one),) = items(check_id).items()
    assert (row_id, one.cause, one.outcome) == (holiday.id, "holiday mode", "left")
    assert _row(check_id).run_id is None
    assert stock_check.fix(rig.connection_id, "ann", sku_ids=[holiday.id]) is None


class Silent:
    """The Shop, which does not name some SKUs in its inventory."""

    def __init__(self, real: Any, *unnamed: str) -> None:
        self._real, self._unnamed = real, unnamed

    def inventory(self, sku_ids: Any) -> Any:
        return tuple(one for one in self._real.inventory(sku_ids) if one.sku_id not in self._unnamed)


def test_a_sku_that_the_shop_does_not_name_is_a_difference(rig: StockRig) -> None:
    gone = rig.sku(rig.listed[4])
    check_id = stock_check.start_check(rig.connection_id, "ann")
    stock_check.run_check(Silent(rig.market, gone.remote_id), check_id)  # type: ignore[arg-type]
    done = _row(check_id)
    ((row, one),) = items(check_id).items()
    assert (row, one.cause, one.outcome) == (gone.id, "not named by the Shop", "left")
    assert (one.expected, one.before) == (gone.stock, None)
    assert one.sentence == "The Shop did not name this SKU when its stock was asked for."
    assert (done.compared, done.uncompared, done.found, done.remaining, done.run_id) == (7, 1, 1, 1, None)
    assert done.sentence == "1 SKU differed: 0 corrected, 1 left. 1 SKU could not be compared."
    assert rig.sku(rig.listed[4]).shop_quantity is None
    assert stock_check.fix(rig.connection_id, "ann") is None
    (shown,) = stock_page(rig.connection_id, StockFilter(cause="not named by the Shop")).rows
    assert (shown.id, shown.shop, shown.cause, shown.sentence) == (gone.id, None, one.cause, one.sentence)
    assert [point.skus for point in charts(rig.connection_id).drift] == [1]
    assert [(worst.times, worst.pieces) for worst in charts(rig.connection_id).worst] == [(1, 0)]
    assert check(rig).sentence == "Every SKU is as it should be."
    assert rig.sku(rig.listed[4]).shop_quantity == gone.stock


def test_skus_that_are_not_read_do_not_count_as_compared(rig: StockRig) -> None:
    frozen, wrong = rig.sku(rig.listed[6]), rig.sku(rig.listed[0])
    mine = listings.c.id == frozen.listing_id
    with transaction() as conn:
        status = conn.scalar(select(listings.c.tiktok_status).where(mine))
        conn.execute(update(listings).where(mine).values(tiktok_status="FREEZE"))
    rig.seller_sets(wrong.listing, wrong.remote_id, wrong.stock + 3)
    done = check(rig)
    right = check(rig)
    with transaction() as conn:
        conn.execute(update(listings).where(mine).values(tiktok_status=status))
    assert (done.compared, done.uncompared, done.found, done.corrected) == (7, 1, 1, 1)
    assert done.sentence == "1 SKU differed: 1 corrected, 0 left. 1 SKU could not be compared."
    assert right.sentence == "Every compared SKU is as it should be. 1 SKU could not be compared."


def test_a_correction_that_the_shop_does_not_show_is_no_correction(rig: StockRig) -> None:
    wrong = rig.sku(rig.listed[2])
    rig.seller_sets(wrong.listing, wrong.remote_id, wrong.stock + 3)
    done = check(rig, correct=False)
    (level,) = rig.market.inventory([wrong.remote_id])
    with transaction() as conn:
        store_levels(conn, [Asked(wrong.id, wrong.remote_id, level.warehouses[0][0])], [], database_time())
        conn.execute(
            update(listing_skus).where(listing_skus.c.id == wrong.id).values(quantity_acknowledged_at=done.started_at)
        )
    stock_check.settle_items(done.id, [wrong.listing_id])
    assert [(one.outcome, one.after) for one in items(done.id).values()] == [("refused", None)]


@pytest.mark.parametrize("topic", [27, 68])
def test_a_change_that_the_shop_tells_of_is_read(rig: StockRig, topic: int) -> None:
    told, other = rig.sku(rig.listed[1]), rig.sku(rig.listed[2])
    for sku in (told, other):
        rig.seller_sets(sku.listing, sku.remote_id, sku.stock + 4)
    with transaction() as conn:
        account = conn.execute(select(shops.c.remote_id)).scalar_one()
    push = {"type": topic, "shop_id": account, "tts_notification_id": f"stock-{topic}", "timestamp": 1}
    body = json.dumps(push | {"data": {"product_id": told.listing, "sku_id": told.remote_id}}).encode()
    door = Door(TIKTOK, lambda *_: True, lambda _: None, wiring._shop_hint)
    assert verify_and_store(door, {}, body).outcome == "stored"
    with transaction() as conn:
        conn.exec_driver_sql("DELETE FROM procrastinate_jobs WHERE task_name = 'stock_read_back'")
    handle(TIKTOK, account)
    ((_, given),) = jobs("stock_read_back")
    assert given == {"connection_id": rig.connection_id, "sku_ids": [told.remote_id]}
    handlers.JOBS["stock_read_back"](**given)
    assert rig.sku(rig.listed[1]).shop_quantity == told.stock + 4
    assert rig.sku(rig.listed[2]).shop_quantity == other.stock, "of this one nothing was told"


def test_units_sold_in_the_shop_are_not_given_back(rig: StockRig) -> None:
    sold = rig.sku(rig.listed[2])
    rig.control("tiktok/buy", count=1, skus=[sold.seller_sku], quantity=1, kind="normal")
    done = check(rig)
    ((row, one),) = items(done.id).items()
    assert (row, one.cause, one.outcome, one.before) == (sold.id, "held by orders", "left", sold.stock - 1)
    assert one.sentence == "1 were sold in the Shop, and their orders have not reached us yet."
    assert stock_check.fix(rig.connection_id, "ann") is None
    assert stock_check.fix(rig.connection_id, "ann", sku_ids=[sold.id]) is None
    assert fix_plan(rig.connection_id, [sold.id]).skipped == (("Left as it is: held by orders", 1),)
    assert rig.shown(sold.remote_id) == sold.stock - 1


def shown(rig: StockRig, cause: str) -> list[int]:
    return [row.id for row in stock_page(rig.connection_id, StockFilter(cause=cause)).rows]


def test_a_difference_of_today_has_no_cause_of_last_night(rig: StockRig) -> None:
    """Neither of one that was corrected, nor of one between other numbers; and it can be corrected."""
    corrected, sold = rig.sku(rig.listed[0]), rig.sku(rig.listed[2])
    rig.seller_sets(corrected.listing, corrected.remote_id, corrected.stock + 4)
    rig.control("tiktok/buy", count=1, skus=[sold.seller_sku], quantity=1, kind="normal")
    done = check(rig)
    assert {one.cause for one in items(done.id).values()} == {"changed in the Shop", "held by orders"}
    assert shown(rig, "held by orders") == [sold.id]
    for sku in (corrected, sold):
        rig.seller_sets(sku.listing, sku.remote_id, sku.stock + 5)
    read_named(rig.market, rig.connection_id, [corrected.remote_id, sold.remote_id])
    rows = {row.id: row for row in stock_page(rig.connection_id, StockFilter(state="differs")).rows}
    assert {(row.cause, row.sentence) for row in rows.values()} == {(NOT_CHECKED, "")}
    assert sorted(shown(rig, NOT_CHECKED)) == sorted(rows) == sorted([corrected.id, sold.id])
    assert shown(rig, "changed in the Shop") == shown(rig, "held by orders") == []
    assert sorted(fix_plan(rig.connection_id, list(rows)).ids) == sorted(rows)
    run_id = stock_check.fix(rig.connection_id, "ann", sku_ids=list(rows))
    assert run_id is not None
    handlers.stock_fix_run(run_id)
    assert rig.shown(corrected.remote_id) == corrected.stock
    assert stock_page(rig.connection_id, StockFilter(state="differs")).rows == ()


def test_a_number_that_is_not_acknowledged_is_found_by_its_cause(rig: StockRig) -> None:
    sku = rig.sku(rig.listed[0])
    assert check(rig).found == 0
    rig.set_stock(rig.listed[0], sku.stock + 3)
    with transaction() as conn:
        conn.execute(update(listing_skus).where(listing_skus.c.id == sku.id).values(quantity_acknowledged_at=None))
    assert (shown(rig, "not acknowledged yet"), shown(rig, NOT_CHECKED)) == ([sku.id], [])


def test_what_is_left_alone_needs_nobody(rig: StockRig) -> None:
    campaign, wrong = rig.sku(rig.listed[0]), rig.sku(rig.listed[3])
    rig.control("tiktok/reserve", seller_sku=campaign.seller_sku, kind="campaign", name="Autumn", quantity=2)
    assert (check(rig).remaining, stock_waiting(rig.connection_id)) == (1, Count(0))
    assert [cause for cause in flow_causes(rig.connection_id) if cause.page == "stock"] == []
    rig.seller_sets(wrong.listing, wrong.remote_id, wrong.stock + 2)
    rig.fault("hidden_errors", UPDATE, times=None)
    done = check(rig)
    assert (done.remaining, stock_waiting(rig.connection_id)) == (2, Count(1))
    (line,) = [cause for cause in flow_causes(rig.connection_id) if cause.page == "stock"]
    assert line.count == Count(1)
    rows = stock_page(rig.connection_id, StockFilter(**dict(line.parameters))).rows
    assert [row.id for row in rows] == [wrong.id]
    rig.control("tiktok/reserve", seller_sku=campaign.seller_sku, kind="campaign", name="Autumn", quantity=0)


@pytest.mark.parametrize("cause", list(Cause))
def test_what_is_left_alone_is_corrected_by_nobody(rig: StockRig, cause: Cause) -> None:
    wrong = rig.sku(rig.listed[5])
    rig.seller_sets(wrong.listing, wrong.remote_id, wrong.stock - 1)
    done = check(rig, correct=False)
    with transaction() as conn:
        conn.execute(update(runs).values(status="done"))
        conn.execute(update(stock_check_items).values(cause=str(cause), outcome="left"))
    left = cause in LEFT_ALONE
    assert fix_plan(rig.connection_id, [wrong.id]).ids == (() if left else (wrong.id,))
    assert (stock_check.fix(rig.connection_id, "ann") is None) is left
    assert [one.outcome for one in items(done.id).values()] == ["left" if left else "found"]


def test_a_refused_correction_says_why_and_is_left(rig: StockRig) -> None:
    wrong = rig.sku(rig.listed[3])
    rig.seller_sets(wrong.listing, wrong.remote_id, wrong.stock + 2)
    rig.fault("hidden_errors", UPDATE, times=None)
    done = check(rig)
    (one,) = items(done.id).values()
    assert (one.outcome, one.after, done.corrected, done.remaining) == ("refused", wrong.stock + 2, 0, 1)
    assert "could not" in one.sentence or "not accepted" in one.sentence
    rig.base.rig.control.delete("/_sandbox/faults").raise_for_status()
    run_id = stock_check.fix(rig.connection_id, "bob", sku_ids=[wrong.id])
    assert run_id is not None
    handlers.stock_fix_run(run_id)
    assert [one.outcome for one in items(done.id).values()] == ["corrected"]
    assert (_row(done.id).remaining, rig.shown(wrong.remote_id)) == (0, wrong.stock)
    with transaction() as conn:
        assert conn.scalar(select(runs.c.created_by).where(runs.c.id == run_id)) == "bob"


def test_only_the_chosen_cause_is_fixed(rig: StockRig) -> None:
    changed, new = rig.sku(rig.listed[0]), rig.sku(rig.listed[1])
    rig.seller_sets(changed.listing, changed.remote_id, changed.stock + 4)
    rig.set_stock(rig.listed[1], new.stock + 1)
    done = check(rig, correct=False)
    with transaction() as conn:
        conn.execute(update(runs).values(status="done"))
        conn.execute(update(stock_check_items).values(outcome="refused"))
    run_id = stock_check.fix(rig.connection_id, "ann", cause="new in store")
    assert run_id is not None
    handlers.stock_fix_run(run_id)
    assert {row: one.outcome for row, one in items(done.id).items()} == {changed.id: "refused", new.id: "corrected"}


def test_a_check_that_broke_off_reads_on_where_it_stood(rig: StockRig) -> None:
    rig.fault("http_503", SEARCH, times=None)
    check_id = stock_check.start_check(rig.connection_id, "ann")
    with pytest.raises(Temporary):
        stock_check.run_check(rig.market, check_id)
    assert _row(check_id).finished_at is None
    assert _row(check_id).sentence != ""
    rig.base.rig.control.delete("/_sandbox/faults").raise_for_status()
    with transaction() as conn:
        later = update(listing_skus).where(listing_skus.c.id == rig.sku(rig.listed[0]).id)
        conn.execute(later.values(read_back_at=datetime.now(UTC) + timedelta(minutes=1)))
    asked: list[str] = []

    class Shop:
        def inventory(self, sku_ids: Any) -> Any:
            asked.extend(sku_ids)
            return rig.market.inventory(sku_ids)

    stock_check.run_check(Shop(), check_id)  # type: ignore[arg-type]
    assert len(asked) == 7
    assert _row(check_id).finished_at is not None
    stock_check.run_check(Shop(), check_id)  # type: ignore[arg-type]
    assert len(asked) == 7, "a check that has ended is not run again"
    with transaction() as conn:
        conn.execute(update(listing_skus).values(read_back_at=datetime.now(UTC)))


def test_asking_twice_gives_the_check_under_way(rig: StockRig) -> None:
    first = stock_check.start_check(rig.connection_id, "ann")
    assert stock_check.start_check(rig.connection_id, "bob") == first
    assert [given for _, given in jobs("stock_check")] == [{"check_id": first}]


def test_four_people_who_ask_at_once_get_one_check(rig: StockRig) -> None:
    for _ in range(5):
        with ThreadPoolExecutor(4) as people:
            started = set(people.map(lambda name: stock_check.start_check(rig.connection_id, name), "abcd"))
        assert len(started) == 1
        with transaction() as conn:
            conn.exec_driver_sql("TRUNCATE stock_checks, procrastinate_jobs CASCADE")


def test_a_check_that_met_a_parked_connection_goes_on_when_it_is_live(rig: StockRig) -> None:
    check_id = stock_check.start_nightly(rig.connection_id, datetime(2026, 6, 5, 1, 1, tzinfo=UTC))
    assert check_id is not None
    mine = connections.c.id == rig.connection_id
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs CASCADE")
        conn.execute(update(connections).where(mine).values(blocked_sentence="The Shop is closed."))
    handlers.run_job("stock_check", handlers.JOBS["stock_check"], {"check_id": check_id})
    assert _row(check_id).finished_at is None
    sweep = partial(handlers.run_job, "price_stock", handlers.JOBS["price_stock"], {"connection_id": rig.connection_id})
    sweep()
    assert jobs("stock_check") == [], "nothing is done while it is parked"
    with transaction() as conn:
        conn.execute(update(connections).where(mine).values(blocked_sentence=""))
    sweep()
    sweep()
    assert jobs("stock_check") == [("stock_check", {"check_id": check_id})]
    handlers.run_job("stock_check", handlers.JOBS["stock_check"], {"check_id": check_id})
    assert _row(check_id).compared == 8
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs CASCADE")
    sweep()
    assert jobs("stock_check") == [], "it has ended"


def test_a_check_under_way_is_not_queued_again(rig: StockRig) -> None:
    check_id = stock_check.start_check(rig.connection_id, "ann")
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs CASCADE")
    attempt = take_lease(f"stock_check:{rig.connection_id}", seconds=30)
    assert attempt is not None
    stock_check.resume_checks(rig.connection_id)
    assert jobs("stock_check") == []
    release_lease(f"stock_check:{rig.connection_id}", attempt)
    stock_check.resume_checks(rig.connection_id)
    assert jobs("stock_check") == [("stock_check", {"check_id": check_id})]


@pytest.mark.parametrize(
    ("moments", "nights"),
    [
        # The night on which the clocks go back has two one o'clocks and one 02:00; London is on GMT by then.
        (["2026-10-25T00:59:00+00:00", "2026-10-25T02:00:00+00:00", "2026-10-25T02:30:00+00:00"],
         [("2026-10-24", True), ("2026-10-25", False)]),
        # The night on which they go forward has no 01:30; 02:00 is one hour after midnight in UTC.
        (["2026-03-29T01:00:00+00:00", "2026-03-29T01:59:00+00:00", "2026-03-30T01:00:00+00:00"],
         [("2026-03-29", False), ("2026-03-30", False)]),
        # Down from the evening until noon.
        (["2026-06-02T11:00:00+00:00", "2026-06-02T11:01:00+00:00"], [("2026-06-02", True)]),
    ],
)  # fmt: skip
def test_one_check_a_local_day(rig: StockRig, moments: list[str], nights: list[tuple[str, bool]]) -> None:
    for moment in moments:
        stock_check.start_nightly(rig.connection_id, datetime.fromisoformat(moment))
    c = stock_checks.c
    with transaction() as conn:
        found = conn.execute(select(c.local_day, c.late).where(c.kind == "nightly").order_by(c.id)).all()
    assert [(row.local_day, row.late) for row in found] == nights


def test_four_workers_that_race_start_one_check(rig: StockRig) -> None:
    moment = datetime(2026, 6, 3, 1, 0, 5, tzinfo=UTC)
    with ThreadPoolExecutor(4) as workers:
        started = list(workers.map(lambda _: stock_check.start_nightly(rig.connection_id, moment), range(4)))
    assert sum(one is not None for one in started) == 1
    assert len(jobs("stock_check")) == 1


def test_tonights_check_is_that_of_the_clock_that_told_of_it(rig: StockRig) -> None:
    """The worker that runs the job may have a clock that says it is not 02:00 yet."""
    (nightly,) = [planned for planned in PLAN if planned.job == "nightly_stock_check"]
    tonight = datetime(2031, 6, 3, 1, 0, 1, tzinfo=UTC)
    assert tick([nightly], moment=tonight) == ["stock_check"]
    ((name, given),) = jobs("nightly_stock_check")
    handlers.JOBS[name](**given)
    with transaction() as conn:
        (found,) = conn.execute(select(stock_checks.c.local_day, stock_checks.c.due_at, stock_checks.c.late)).all()
    assert (str(found.local_day), found.due_at, found.late) == ("2031-06-03", tonight.replace(second=0), False)


def test_a_connection_may_want_no_nightly_check(rig: StockRig) -> None:
    rig.setting("nightly_stock_check", False)
    assert stock_check.start_nightly(rig.connection_id, datetime(2026, 6, 4, 1, 1, tzinfo=UTC)) is None
    rig.setting("nightly_stock_check", None)


def test_the_shops_own_numbers_stay_where_stock_is_not_uploaded(rig: StockRig) -> None:
    wrong = rig.sku(rig.listed[3])
    rig.seller_sets(wrong.listing, wrong.remote_id, wrong.stock + 2)
    rig.setting("inventory_upload", False)
    assert check(rig).found == 0
    rig.setting("inventory_upload", None)
    assert check(rig).found == 1


counts = st.none() | st.integers(-5, 120_000)
rules = st.none() | st.integers(0, 200)


@sized(max_examples=25, deadline=None)
@given(
    stock=counts,
    buffer=rules,
    cap=rules,
    active=st.booleans(),
    account_buffer=st.integers(0, 9),
    shown=st.integers(0, 50),
    go_on=st.booleans(),
    own_go_on=st.none() | st.booleans(),
)
def test_sql_and_domain_agree_on_what_is_offered(
    rig: StockRig,
    stock: int | None,
    buffer: int | None,
    cap: int | None,
    active: bool,
    account_buffer: int,
    shown: int,
    go_on: bool,
    own_go_on: bool | None,
) -> None:
    product_id = rig.listed[7]
    sku = rig.sku(product_id)
    rig.setting("stock_buffer", account_buffer)
    rig.setting("continue_selling", go_on)
    rig.set_stock(product_id, stock)  # type: ignore[arg-type]
    rig.set_product(product_id, active=active)
    rule = {"variant_id": sku.variant_id, "store_account_id": rig.base.store_account_id, "buffer": buffer, "cap": cap}
    rule |= {"continue_selling": own_go_on}
    with transaction() as conn:
        conn.execute(sku_rules.delete())
        conn.execute(sku_rules.insert().values(rule))
        conn.execute(update(listing_skus).where(listing_skus.c.id == sku.id).values(shop_quantity=shown))
        ground = load_ground(conn, require_live(conn, rig.connection_id))
        found = {row.id: row.wanted for row in conn.execute(differing(ground))}
        conn.execute(update(listing_skus).where(listing_skus.c.id == sku.id).values(sent_quantity=shown))
        to_send = {row.id: row.wanted for row in conn.execute(unsent(ground))}
    kept = account_buffer if buffer is None else buffer
    keeps = go_on if own_go_on is None else own_go_on
    wanted = offered(Standing(stock, 99_999, 0, kept, cap, active, continue_selling=keeps))
    assert found.get(sku.id) == (None if wanted == shown else wanted)
    assert to_send.get(sku.id) == found.get(sku.id)


def test_after_the_property_everything_is_as_before(rig: StockRig) -> None:
    with transaction() as conn:
        conn.execute(sku_rules.delete())
    rig.setting("stock_buffer", None)
    rig.setting("continue_selling", None)
    rig.set_product(rig.listed[7], active=True)
    rig.set_stock(rig.listed[7], 12)
    push_all(rig.market, rig.connection_id)
    assert check(rig).found == 0


def test_low_stock_is_one_issue_until_it_is_back(rig: StockRig) -> None:
    product_id = rig.listed[6]
    variant_id, seller_sku = rig.sku(product_id).variant_id, rig.sku(product_id).seller_sku
    with transaction() as conn:
        conn.execute(issues.delete())
        conn.execute(update(variants).values(stock=50))
    rig.set_stock(product_id, 3)
    rig.setting("low_stock_alert", 5)

    def judged() -> list[str]:
        wanted = select(issues.c.sentence).where(issues.c.code == "low_stock", issues.c.closed_at.is_(None))
        with transaction() as conn:
            judge_low_stock(conn, rig.connection_id)
            return list(conn.scalars(wanted))

    def shown() -> list[str]:
        return [row.sku for row in stock_page(rig.connection_id, StockFilter(state="low")).rows]

    assert judged() == judged() == [f"{seller_sku} has 3 left; the alert is at 5."]
    assert shown() == [seller_sku]
    rig.set_stock(product_id, 6)
    assert (judged(), shown()) == ([], [])
    unit = {"store_account_id": rig.base.store_account_id, "variant_id": variant_id, "by": "us", "outcome": "held"}
    with transaction() as conn:
        conn.execute(stock_deductions.insert(), [unit] * 2)
    assert judged() == [f"{seller_sku} has 4 left; the alert is at 5."]
    assert shown() == [seller_sku], "the page shows what the issue counts"
    with transaction() as conn:
        conn.execute(stock_deductions.delete().where(stock_deductions.c.line_id.is_(None)))
    rule = {"variant_id": variant_id, "store_account_id": rig.base.store_account_id, "low_stock_alert": 2}
    with transaction() as conn:
        conn.execute(sku_rules.insert().values(rule))
    assert judged() == [], "an alert value of the SKU goes before that for all"
    rig.set_stock(product_id, 1)
    assert judged() == [f"{seller_sku} has 1 left; the alert is at 2."]
    rig.set_stock(product_id, 9)
    assert judged() == []
    rig.setting("low_stock_alert", None)
    with transaction() as conn:
        conn.execute(sku_rules.delete())
        assert conn.scalar(select(func.count()).where(issues.c.code == "low_stock")) == 3
