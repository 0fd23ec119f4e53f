"""Reading a Shop's orders: all of them, each once, the newest state, nothing of the customer in the clear."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from core.config import Settings
from core.db.engine import transaction
from core.db.order_rows import customer_key_of, customer_place
from core.db.orders import load_orders
from core.db.tables import cursors, inbox, run_items, shop_order_lines, shop_orders
from core.domain.errors import Temporary
from core.logs import about
from core.reads.latency import freshness
from core.secrets import sealer
from core.services import order_drain
from core.services.order_drain import download_day, drain_orders, read_orders, start_download, store_orders_read
from core.services.runs import claim, save_outcome
from core.services.webhook_intake import handle
from tests.connect_rig import HARBOUR, jobs
from tests.order_rig import OrderRig, running_order_rig


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[OrderRig]:
    with running_order_rig(home) as found:
        yield found


@pytest.fixture(autouse=True)
def calm(rig: OrderRig) -> None:
    rig.calm()


def stored() -> set[str]:
    with transaction() as conn:
        return set(conn.scalars(select(shop_orders.c.remote_id)))


def cursor(rig: OrderRig) -> datetime:
    with transaction() as conn:
        name = cursors.c.name == f"orders:{rig.connection_id}"
        return datetime.fromisoformat(conn.execute(select(cursors.c.value).where(name)).scalar_one())


def test_an_order_is_stored_as_the_shop_tells_it(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], kind="bundle", quantity=1)
    rig.drain()
    (told,) = rig.market.orders([order_id])
    row = rig.order(order_id)
    with transaction() as conn:
        assert load_orders(conn, [row.id])[row.id].order == told
        lines = conn.execute(select(shop_order_lines).where(shop_order_lines.c.order_id == row.id)).all()
    assert (row.tags, row.fulfilment, row.country) == (["bundle"], "unshipped", "GB")
    assert row.area and row.search_text.startswith(order_id)
    assert [line.bundle for line in lines] == [True, False]
    assert [line.variant_id for line in lines] == [None, rig.variant(rig.skus[0])]


def test_the_customer_is_sealed_and_nowhere_else(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0])
    rig.drain()
    (told,) = rig.market.orders([order_id])
    assert told.address is not None and not told.address.masked
    row = rig.order(order_id)
    open_text = sealer().open(row.customer, customer_place(row.id))
    assert json.loads(open_text)["address"]["name"] == told.address.name
    assert row.customer_key == customer_key_of(f" {told.address.name.upper()} ", sealer())
    with transaction() as conn:
        all_else = text(
            "SELECT (to_jsonb(o) - 'customer')::text || jsonb_agg(to_jsonb(l))::text FROM shop_orders o"
            " JOIN shop_order_lines l ON l.order_id = o.id WHERE o.id = :id GROUP BY o.id"
        )
        seen = conn.execute(all_else, {"id": row.id}).scalar_one()
    for private in (
        told.address.name,
        told.address.phone,
        told.address.postcode,
        told.buyer_email,
        *told.address.lines,
    ):
        assert private and private not in seen


def test_masked_details_are_said_to_be_masked(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], kind="masked")
    rig.drain()
    row = rig.order(order_id)
    assert (row.masked, row.customer_key, row.shipping_type) == (True, "", "TIKTOK")


def test_reading_again_changes_nothing(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0])
    rig.drain()
    before = rig.order(order_id)
    drained = rig.drain()
    assert drained.read >= 1
    assert drained.changed == 0
    assert rig.order(order_id) == before


def test_older_never_overwrites_newer(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    (old,) = rig.market.orders([order_id])
    rig.act(order_id, "advance", to="IN_TRANSIT")
    rig.drain()
    assert rig.order(order_id).status == "IN_TRANSIT"
    same_second = replace(old, updated_at=rig.order(order_id).remote_updated_at)
    for late in (replace(old, updated_at=old.updated_at - timedelta(seconds=5)), same_second):
        with transaction() as conn:
            assert store_orders_read(conn, rig.connection_id, [late]).changed == ()
    assert rig.order(order_id).status == "IN_TRANSIT"


def test_a_hundred_hints_at_once_make_one_order(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], rig.skus[1], kind="gift")
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: read_orders(rig.market, rig.connection_id, [order_id]), range(100)))
    assert sum(result.new for result in results) == 1
    row = rig.order(order_id)
    assert json.loads(sealer().open(row.customer, customer_place(row.id)))["name"]
    with transaction() as conn:
        ours = shop_order_lines.c.order_id == row.id
        counted = conn.execute(select(func.count()).select_from(shop_order_lines).where(ours)).scalar_one()
    assert counted == row.unit_count


def test_orders_that_move_and_tokens_that_expire_lose_nothing(rig: OrderRig) -> None:
    search = "POST /order/202309/orders/search"
    bought = rig.buy_many(430, rig.skus[0], kind="on_hold")  # all in one second, on five pages
    rules = [
        {"vendor": "tiktok", "endpoint": search, "fault": "token_expired", "rate": 0.3, "times": 2},
        {"vendor": "tiktok", "endpoint": search, "fault": "moved", "rate": 0.5, "times": 4},
    ]
    rig.control("faults", {"seed": 5, "rules": rules})
    rig.drain()
    rig.control("faults", method="DELETE")
    assert set(bought) <= stored()
    rig.drain()
    (sample,) = rig.market.orders(bought[:1])
    assert rig.order(bought[0]).status == sample.status


class _Dying:
    """The Shop, until the process is killed after some pages."""

    def __init__(self, rig: OrderRig, pages: int) -> None:
        self._market, self._pages = rig.market, pages

    def orders_updated(self, since: datetime, until: datetime) -> Iterator[Any]:
        for number, page in enumerate(self._market.orders_updated(since, until)):
            if number == self._pages:
                raise KeyboardInterrupt
            yield page


def test_a_drain_that_was_killed_goes_on_where_it_stood(rig: OrderRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_drain, "_PAGES_AT_ONCE", 1)
    monkeypatch.setattr(order_drain, "_OVERLAP", timedelta(0))
    time.sleep(1.1)  # so that the orders of the tests before are not of the cursor's second
    rig.buy(rig.skus[0])
    rig.drain()
    bought = rig.buy_many(250, rig.skus[0], kind="normal", on_hold=False)
    before = cursor(rig)
    with pytest.raises(KeyboardInterrupt):
        drain_orders(_Dying(rig, 2), rig.connection_id)  # type: ignore[arg-type]
    there = set(bought) & stored()
    assert 0 < len(there) < 250
    assert cursor(rig) >= before
    rig.drain()
    assert set(bought) <= stored()


class _Moving:
    """The Shop, where an order changes while it is read and stands on the first page; it dies before the second."""

    def __init__(self, page: tuple[Any, ...]) -> None:
        self._page = page

    def orders_updated(self, since: datetime, until: datetime) -> Iterator[Any]:
        yield self._page
        raise KeyboardInterrupt


def test_half_way_the_cursor_stays_behind_what_changes_just_now(rig: OrderRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_drain, "_PAGES_AT_ONCE", 1)
    (told,) = rig.market.orders([rig.buy(rig.skus[0])])
    present = datetime.now(UTC).replace(microsecond=0)
    with transaction() as conn:
        conn.execute(cursors.delete())
    settled = replace(told, id="5000000000012", updated_at=present - timedelta(days=2))
    moving = replace(told, id="5000000000013", updated_at=present)
    with pytest.raises(KeyboardInterrupt):
        drain_orders(_Moving((moving, settled)), rig.connection_id)  # type: ignore[arg-type]
    assert {settled.id, moving.id} <= stored()
    assert cursor(rig) == settled.updated_at
    rig.drain()
    assert cursor(rig) >= told.updated_at


def test_orders_that_left_before_we_were_connected_are_shown_only(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.act(order_id, "advance", to="IN_TRANSIT")
    (told,) = rig.market.orders([order_id])
    old = replace(told, id="5000000000001", created_at=told.created_at - timedelta(days=3))
    with transaction() as conn:
        store_orders_read(conn, rig.connection_id, [old])
    row = rig.order("5000000000001")
    assert (row.import_state, row.hold) == ("not_wanted", "shipped_before")
    assert rig.deductions("5000000000001") == []


def test_a_date_range_is_downloaded_again(rig: OrderRig) -> None:
    order_id = rig.buy(rig.skus[0])
    with pytest.raises(ValueError, match="can be downloaded"):
        start_download(rig.connection_id, datetime.now(UTC).date() + timedelta(days=1), "boss")
    run_id = start_download(rig.connection_id, datetime.now(UTC).date() - timedelta(days=2), "boss")
    items = claim(run_id, limit=10, seconds=60)
    assert len(items) == 3
    for item in items:
        outcome = download_day(rig.market, rig.connection_id, item)
        with transaction() as conn:
            save_outcome(conn, item, outcome)
    assert order_id in stored()
    with transaction() as conn:
        done = list(conn.scalars(select(run_items.c.status).where(run_items.c.run_id == run_id)))
    assert done == ["done"] * 3


def test_a_date_range_ends_with_its_last_day(rig: OrderRig) -> None:
    today = datetime.now(UTC).date()
    run_id = start_download(rig.connection_id, today - timedelta(days=9), "boss", today - timedelta(days=6))
    days = [date.fromordinal(item.subject_id) for item in claim(run_id, limit=10, seconds=60)]
    assert days == [today - timedelta(days=back) for back in (9, 8, 7, 6)]
    with pytest.raises(ValueError, match="before the first"):
        start_download(rig.connection_id, today - timedelta(days=2), "boss", today - timedelta(days=3))
    with pytest.raises(ValueError, match="can be downloaded"):
        start_download(rig.connection_id, today, "boss", today + timedelta(days=1))


def test_a_quiet_shop_is_told_from_one_that_does_not_answer(rig: OrderRig) -> None:
    with about(connection_id=rig.connection_id):
        rig.drain()
        first = freshness(rig.connection_id)
        rig.drain()
        second = freshness(rig.connection_id)
        rig.fault("POST /order/202309/orders/search", "http_503", vendor="tiktok", times=None)
        with pytest.raises(Temporary):
            rig.drain()
        third = freshness(rig.connection_id)
    assert first.orders_asked_at is not None and second.orders_asked_at is not None
    assert first.order_read_at == second.order_read_at, "no order came meanwhile"
    assert second.orders_asked_at > first.orders_asked_at
    assert third.orders_asked_at == second.orders_asked_at, "the Shop was asked and did not answer"
    assert third.store_read_at is not None


def test_switched_off_nothing_is_read(rig: OrderRig) -> None:
    rig.drain()
    rig.setting("order_download", False)
    order_id = rig.buy(rig.skus[0])
    assert not rig.drain().done
    assert not read_orders(rig.market, rig.connection_id, [order_id]).done
    assert order_id not in stored()


def test_characters_that_no_database_keeps_are_left_out(rig: OrderRig) -> None:
    (told,) = rig.market.orders([rig.buy(rig.skus[0])])
    odd = replace(told, id="5000000000002", seller_note="a\x00b\ud83d", lines=(replace(told.lines[0], title="x\x00y"),))
    with transaction() as conn:
        store_orders_read(conn, rig.connection_id, [odd])
    row = rig.order("5000000000002")
    with transaction() as conn:
        order = load_orders(conn, [row.id])[row.id].order
    assert (order.seller_note, order.lines[0].title) == ("ab?", "xy")


@pytest.mark.parametrize(("count", "wanted"), [(3, "order_hints"), (30, "order_drain")])
def test_a_few_hints_are_read_singly_and_many_by_the_list(rig: OrderRig, count: int, wanted: str) -> None:
    rows = [
        {"source": "tiktok", "account": HARBOUR, "delivery_id": f"{wanted}{number}", "topic": "ORDER_STATUS_CHANGE",
         "subject": f"order:{number}", "body": b""}
        for number in range(count)
    ]  # fmt: skip
    with transaction() as conn:
        conn.execute(insert(inbox), rows)
    handle("tiktok", HARBOUR)
    ((_, arguments),) = jobs(wanted)
    if wanted == "order_hints":
        assert arguments == {"connection_id": rig.connection_id, "order_ids": ["0", "1", "2"]}
