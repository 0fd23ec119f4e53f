"""Store orders follow the Shop's: forwards only, once, and where the two contradict each other a person is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.config import Settings
from core.db.engine import transaction
from core.domain.errors import Temporary, Unknown
from core.domain.mapping import ORDER_STATUS
from core.reads.order_issues import order_issues
from core.services import order_import, order_status
from core.services.issues import IssueChanged, settle_issue
from core.services.mappings import MappingChange, set_mapping
from core.services.order_drain import store_orders_read
from core.services.order_facts import cancelling_returns, learn_creation
from core.services.order_holds import MANY_TRIES, wake_all
from core.services.order_mappings import status_kinds, status_map
from core.services.order_status import start_status, status_item
from core.services.runs import claim
from tests.connect_rig import jobs
from tests.order_rig import OrderRig, running_order_rig

SET_STATUS, COMMENT = "POST /v1/orders/{id}/status", "POST /v1/orders/{id}/comments"


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[OrderRig]:
    with running_order_rig(home) as found:
        yield found


@pytest.fixture(autouse=True)
def calm(rig: OrderRig) -> None:
    rig.calm()


@pytest.fixture
def imported(rig: OrderRig) -> str:
    """An order of three units of the first SKU that the store has."""
    order_id = rig.buy(rig.skus[0], quantity=3, on_hold=False)
    rig.work()
    assert rig.order(order_id).import_state == "imported"
    return order_id


def status(rig: OrderRig, order_id: str) -> str:
    (made,) = rig.in_store(order_id)
    return str(made["status"]["type"])


def calls(rig: OrderRig, endpoint: str) -> int:
    counted: dict[str, Any] = rig.control("state", method="GET")["calls"]["shopwired"]
    return int(counted.get(endpoint, 0))


def by_hand(rig: OrderRig, order_id: str, kind: str) -> None:
    """Somebody sets the status in the store's own admin."""
    with transaction() as conn:
        kinds = status_kinds(conn, rig.store_account_id)
    wanted = next(one for one, its in kinds.items() if its == kind)
    rig.store.set_order_status(str(rig.in_store(order_id)[0]["id"]), wanted)


def test_defaults_are_made_when_the_store_is_connected(rig: OrderRig) -> None:
    with transaction() as conn:
        kinds, mapped = status_kinds(conn, rig.store_account_id), status_map(conn, rig.connection_id)
    assert {name: kinds[target] for name, target in mapped.items()} == {
        "UNPAID": "unpaid",
        "ON_HOLD": "unpaid",
        "AWAITING_SHIPMENT": "paid",
        "PARTIALLY_SHIPPING": "paid",
        "AWAITING_COLLECTION": "paid",
        "IN_TRANSIT": "shipped",
        "DELIVERED": "shipped",
        "COMPLETED": "shipped",
        "CANCELLED": "cancelled",
    }


def test_the_store_order_is_shipped_when_the_shops_is_and_told_once(rig: OrderRig, imported: str) -> None:
    assert status(rig, imported) == "paid"
    before = calls(rig, SET_STATUS)
    for step in ("AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED"):
        rig.act(imported, "advance", to=step)
        rig.work()
        rig.work()
    assert status(rig, imported) == "shipped"
    assert calls(rig, SET_STATUS) == before + 1


def emails(rig: OrderRig, order_id: str) -> list[str]:
    """What the store's customer was told of, and to the buyer's own address."""
    told = rig.control("shopwired/emails", {"order_id": rig.in_store(order_id)[0]["id"]})["emails"]
    (order,) = rig.market.orders([order_id])
    assert {one["recipient"] for one in told} <= {order.buyer_email}
    return [one["about"] for one in told]


def test_the_store_e_mails_buyers_where_that_is_switched_on_and_nowhere_else(rig: OrderRig, imported: str) -> None:
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert status(rig, imported) == "shipped"
    assert emails(rig, imported) == []
    rig.setting("customer_emails", True)
    told = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    assert emails(rig, told) == ["created"]
    rig.act(told, "advance", to="IN_TRANSIT")
    rig.work()
    assert emails(rig, told) == ["created", "Dispatched"]
    rig.setting("customer_emails", False)
    rig.act(imported, "advance", to="CANCELLED")
    rig.work()
    assert emails(rig, imported) == []


def test_a_lost_answer_is_simply_asked_again(rig: OrderRig, imported: str) -> None:
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.drain()
    rig.fault(SET_STATUS, "cut_after", times=1)
    for _ in range(2):
        try:
            order_status.follow_statuses(rig.store, rig.target)
        except Temporary:
            rig.hurry()
    kept = rig.store_order(imported)
    assert kept is not None
    assert (status(rig, imported), kept.behind) == ("shipped", False)


class _Broken:
    """The store, where one order can never be read."""

    def __init__(self, rig: OrderRig, remote_id: str) -> None:
        self._store, self._remote_id = rig.store, remote_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def order(self, remote_id: str) -> Any:
        if remote_id == self._remote_id:
            raise Temporary("The store is in trouble with it.")
        return self._store.order(remote_id)


def test_an_order_in_trouble_holds_up_no_other(rig: OrderRig, imported: str) -> None:
    another = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    for order_id in (imported, another):
        rig.act(order_id, "advance", to="IN_TRANSIT")
    rig.drain()
    broken = _Broken(rig, str(rig.in_store(imported)[0]["id"]))
    with pytest.raises(Temporary, match="in trouble with it"):
        order_status.follow_statuses(broken, rig.target)  # type: ignore[arg-type]
    assert (status(rig, imported), status(rig, another)) == ("paid", "shipped")
    rig.hurry()
    order_status.follow_statuses(rig.store, rig.target)
    assert status(rig, imported) == "shipped"


class _Failing:
    """The store, where setting the status of some orders always fails."""

    def __init__(self, rig: OrderRig, remote_ids: set[str]) -> None:
        self._store, self._remote_ids = rig.store, remote_ids

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def set_order_status(self, remote_id: str, *given: Any, **named: Any) -> None:
        if remote_id in self._remote_ids:
            raise Unknown("The store failed.")
        self._store.set_order_status(remote_id, *given, **named)


def test_orders_that_always_fail_are_put_off_told_of_and_hold_up_no_other(rig: OrderRig) -> None:
    bought = [rig.buy(rig.skus[0], quantity=1, on_hold=False) for _ in range(4)]
    rig.work()
    for order_id in bought:
        rig.act(order_id, "advance", to="IN_TRANSIT")
    rig.drain()
    failing: Any = _Failing(rig, {str(rig.in_store(one)[0]["id"]) for one in bought[:3]})
    with pytest.raises(Temporary, match="The store failed"):
        order_status.follow_statuses(failing, rig.target)
    assert [rig.order(one).tries for one in bought] == [1, 1, 1, 0]
    with transaction() as conn:
        conn.execute(text("UPDATE shop_orders SET not_before = now() + interval '1 hour' WHERE tries > 0"))
    order_status.follow_statuses(failing, rig.target)
    assert [status(rig, one) for one in bought] == ["paid", "paid", "paid", "shipped"]
    for _ in range(MANY_TRIES - 1):
        assert ("order", "status_trouble") not in rig.open_issues()
        rig.hurry()
        with pytest.raises(Temporary, match="The store failed"):
            order_status.follow_statuses(failing, rig.target)
    assert ("order", "status_trouble") in rig.open_issues()
    rig.hurry()
    order_status.follow_statuses(rig.store, rig.target)
    assert {status(rig, one) for one in bought} == {"shipped"}
    assert ("order", "status_trouble") not in rig.open_issues()
    assert {rig.order(one).tries for one in bought} == {0}


def test_with_the_sync_off_nothing_moves_until_it_is_on(rig: OrderRig, imported: str) -> None:
    rig.setting("order_status_sync", False)
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert status(rig, imported) == "paid"
    rig.setting("order_status_sync", True)
    run_id = start_status(rig.connection_id, [rig.order(imported).id], "boss")
    (item,) = claim(run_id, limit=5, seconds=60)
    assert status_item(rig.store, rig.target, item).status == "done"
    assert status(rig, imported) == "shipped"


def test_an_unmapped_status_is_refused_loudly_and_followed_once_mapped(rig: OrderRig, imported: str) -> None:
    with transaction() as conn:
        target = status_map(conn, rig.connection_id)["IN_TRANSIT"]
        set_mapping(conn, rig.connection_id, MappingChange(ORDER_STATUS, "IN_TRANSIT", None), rig.rig.boss)
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert status(rig, imported) == "paid"
    assert ("order_status", "unmapped_status") in rig.open_issues()
    with transaction() as conn:
        set_mapping(conn, rig.connection_id, MappingChange(ORDER_STATUS, "IN_TRANSIT", target), rig.rig.boss)
    order_status.follow_statuses(rig.store, rig.target)
    assert status(rig, imported) == "shipped"
    assert ("order_status", "unmapped_status") not in rig.open_issues()


def test_a_store_order_that_went_further_by_hand_is_not_put_back(rig: OrderRig, imported: str) -> None:
    by_hand(rig, imported, "shipped")
    rig.act(imported, "advance", to="AWAITING_COLLECTION")
    (told,) = rig.market.orders([imported])
    with transaction() as conn:  # make the mapped status differ from what we last sent
        conn.execute(text("UPDATE store_orders SET status_id = '' , behind = true"))
        store_orders_read(conn, rig.connection_id, [told])
    order_status.follow_statuses(rig.store, rig.target)
    assert status(rig, imported) == "shipped"


@pytest.mark.parametrize("followed", [True, False])
def test_what_staff_set_stays_until_the_shop_goes_on(rig: OrderRig, imported: str, followed: bool) -> None:
    by_hand(rig, imported, "custom")
    rig.setting("order_status_sync", followed)
    (told,) = rig.market.orders([imported])
    gone = replace(told.lines[0], status="CANCELLED")
    with transaction() as conn:
        one_less = replace(told, lines=(gone, *told.lines[1:]), seller_note="one line less")
        store_orders_read(conn, rig.connection_id, [one_less])
    order_status.follow_statuses(rig.store, rig.target)
    assert status(rig, imported) == "custom"
    assert ("order", "lines_cancelled") in rig.open_issues()
    rig.setting("order_status_sync", True)
    with transaction() as conn:
        wake_all(conn, rig.connection_id)
    order_status.follow_statuses(rig.store, rig.target)
    assert status(rig, imported) == "custom"
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert status(rig, imported) == "shipped"


def statuses_of(rig: OrderRig, kind: str) -> list[str]:
    with transaction() as conn:
        return sorted(one for one, its in status_kinds(conn, rig.store_account_id).items() if its == kind)


def map_status(rig: OrderRig, source: str, target: str | None) -> None:
    with transaction() as conn:
        set_mapping(conn, rig.connection_id, MappingChange(ORDER_STATUS, source, target), rig.rig.boss)


def test_orders_in_the_store_follow_a_changed_mapping(rig: OrderRig, imported: str) -> None:
    by_staff = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    by_hand(rig, by_staff, "shipped")
    with transaction() as conn:
        paid = status_map(conn, rig.connection_id)["AWAITING_SHIPMENT"]
    map_status(rig, "AWAITING_SHIPMENT", statuses_of(rig, "custom")[0])
    assert jobs("order_status")
    order_status.follow_statuses(rig.store, rig.target)
    assert (status(rig, imported), status(rig, by_staff)) == ("custom", "shipped")
    by_hand(rig, imported, "unpaid")
    map_status(rig, "AWAITING_SHIPMENT", paid)
    order_status.follow_statuses(rig.store, rig.target)
    assert (status(rig, imported), status(rig, by_staff)) == ("unpaid", "shipped"), "staff have set them"
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert status(rig, imported) == "shipped"


def test_a_cancelled_order_is_cancelled_in_the_store_and_its_goods_go_back_once(rig: OrderRig) -> None:
    before = rig.stock(rig.skus[1])
    order_id = rig.buy(rig.skus[1], quantity=3, on_hold=False)
    rig.work()
    assert rig.stock(rig.skus[1]) == before - 3
    rig.act(order_id, "advance", to="CANCELLED")
    for _ in range(3):
        rig.work()
    assert status(rig, order_id) == "cancelled"
    assert rig.stock(rig.skus[1]) == before
    assert rig.deductions(order_id) == ["given_back"] * 3
    assert rig.order(order_id).import_state == "imported"


def test_cancellations_are_pulled_where_that_is_switched_on(rig: OrderRig, imported: str) -> None:
    stock = rig.stock(rig.skus[0])
    rig.setting("query_status_change", False)
    rig.act(imported, "advance", to="CANCELLED")
    rig.work()
    assert status(rig, imported) == "paid"
    assert rig.stock(rig.skus[0]) == stock
    assert set(rig.deductions(imported)) == {"done"}
    never = rig.buy(rig.skus[0], paid=False)
    rig.act(never, "advance", to="CANCELLED")
    rig.work()
    assert rig.order(never).hold == "cancelled"
    assert rig.in_store(never) == []
    rig.setting("query_status_change", True)
    wake(rig)
    assert status(rig, imported) == "cancelled"
    assert rig.stock(rig.skus[0]) == stock + 3
    assert rig.in_store(never) == []


def wake(rig: OrderRig) -> None:
    """What saving a setting queues."""
    assert jobs("order_wake")
    with transaction() as conn:
        wake_all(conn, rig.connection_id)
    order_status.follow_statuses(rig.store, rig.target)
    rig.work_stock()


def page(rig: OrderRig, order_id: str) -> str | None:
    (made,) = rig.in_store(order_id)
    url: str | None = made["trackingUrl"]
    return url


def royal_mail(order_id: str) -> str:
    """The page of the number that the sandbox's seller types in."""
    return f"https://www.royalmail.com/track-your-item#/tracking-results/RM{order_id[-9:]}GB"


def test_tracking_is_pulled_once_and_tells_the_customer_nothing(rig: OrderRig) -> None:
    rig.setting("query_shipping_change", True)
    rig.setting("customer_emails", True)
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.work()
    before = calls(rig, SET_STATUS)
    rig.act(order_id, "advance", to="AWAITING_COLLECTION")
    for _ in range(3):
        rig.work()
    assert (status(rig, order_id), page(rig, order_id)) == ("paid", royal_mail(order_id))
    assert calls(rig, SET_STATUS) == before + 1
    assert emails(rig, order_id) == ["created"]
    rig.act(order_id, "advance", to="DELIVERED")
    for _ in range(2):
        rig.work()
    assert (status(rig, order_id), page(rig, order_id)) == ("shipped", royal_mail(order_id))
    assert calls(rig, SET_STATUS) == before + 2


@pytest.mark.parametrize("wanted", [True, False])
def test_tracking_that_was_there_before_the_import_is_not_forgotten(rig: OrderRig, wanted: bool) -> None:
    rig.setting("query_shipping_change", wanted)
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.act(order_id, "advance", to="AWAITING_COLLECTION")
    rig.work()
    assert page(rig, order_id) == (royal_mail(order_id) if wanted else None)
    kept = rig.store_order(order_id)
    assert kept is not None
    assert not kept.behind


def test_tracking_stays_on_tiktok_until_it_is_wanted(rig: OrderRig, imported: str) -> None:
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert (status(rig, imported), page(rig, imported)) == ("shipped", None)
    rig.setting("query_shipping_change", True)
    wake(rig)
    assert page(rig, imported) == royal_mail(imported)


def test_tracking_comes_although_statuses_are_not_followed(rig: OrderRig, imported: str) -> None:
    rig.setting("order_status_sync", False)
    rig.setting("query_shipping_change", True)
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert (status(rig, imported), page(rig, imported)) == ("paid", royal_mail(imported))


def test_a_lost_answer_to_tracking_is_not_told_twice(rig: OrderRig, imported: str) -> None:
    rig.setting("query_shipping_change", True)
    rig.act(imported, "advance", to="AWAITING_COLLECTION")
    rig.drain()
    before = calls(rig, SET_STATUS)
    rig.fault(SET_STATUS, "cut_after", times=1)
    for _ in range(3):
        try:
            order_status.follow_statuses(rig.store, rig.target)
        except Temporary:
            rig.hurry()
    assert page(rig, imported) == royal_mail(imported)
    assert calls(rig, SET_STATUS) == before + 1
    kept = rig.store_order(imported)
    assert kept is not None
    assert (kept.behind, len(kept.noted["tracking"])) == (False, 1)


def test_the_stores_own_tracking_stays_and_ours_is_a_note(rig: OrderRig, imported: str) -> None:
    rig.setting("query_shipping_change", True)
    (made,) = rig.in_store(imported)
    own = "https://parcels.example/77"
    rig.store.set_order_status(str(made["id"]), str(made["status"]["id"]), tracking_url=own)
    rig.act(imported, "advance", to="AWAITING_COLLECTION")
    for _ in range(2):
        rig.work()
    assert page(rig, imported) == own
    (comment,) = rig.in_store(imported)[0]["adminComments"]
    assert comment["content"] == f"TikTok Shop: sent with Royal Mail RM{imported[-9:]}GB."


def test_several_parcels_and_unknown_carriers_are_notes(rig: OrderRig, imported: str) -> None:
    rig.setting("query_shipping_change", True)
    (told,) = rig.market.orders([imported])
    parcels = (("B 1", "Bicycle"), ("AB123456789GB", "Royal Mail"), ("AB123456790GB", "Royal Mail"))
    lines = tuple(
        replace(line, tracking_number=number, provider_name=carrier)
        for line, (number, carrier) in zip(told.lines, parcels, strict=True)
    )
    for note in ("", "seen again"):
        with transaction() as conn:
            store_orders_read(conn, rig.connection_id, [replace(told, lines=lines, seller_note=note)])
        order_status.follow_statuses(rig.store, rig.target)
        rig.hurry()
    assert (page(rig, imported) or "").endswith("AB123456789GB")
    (comment,) = rig.in_store(imported)[0]["adminComments"]
    assert comment["content"] == "TikTok Shop: sent with Bicycle B 1, Royal Mail AB123456790GB."


def test_an_order_that_tiktok_fulfils_is_completed_when_its_tracking_comes(rig: OrderRig) -> None:
    with transaction() as conn:
        learn_creation(conn, rig.store_account_id, False)
    rig.control("shopwired/switches", {"orders_deduct_stock": False})
    before = rig.stock(rig.skus[0])
    bought = [rig.buy(rig.skus[0], kind="fbt") for _ in range(2)]
    rig.work()
    assert [status(rig, one) for one in bought] == ["paid", "paid"]
    for on, order_id in zip((False, True), bought, strict=True):
        rig.setting("query_shipping_change", on)
        rig.act(order_id, "advance", to="AWAITING_COLLECTION")
        rig.work()
    assert [status(rig, one) for one in bought] == ["paid", "shipped"]
    assert [page(rig, one) is not None for one in bought] == [False, True]
    assert rig.stock(rig.skus[0]) == before
    assert [rig.deductions(one) for one in bought] == [[], []]
    with transaction() as conn:
        learn_creation(conn, rig.store_account_id, True)


def test_killed_after_cancelling_the_goods_still_go_back_once(rig: OrderRig) -> None:
    before = rig.stock(rig.skus[2])
    order_id = rig.buy(rig.skus[2], quantity=2, on_hold=False)
    rig.work()
    rig.act(order_id, "advance", to="CANCELLED")
    rig.drain()

    class Dying:
        capabilities = rig.store.capabilities

        def __getattr__(self, name: str) -> Any:
            return getattr(rig.store, name)

        def set_order_status(self, *given: Any, **named: Any) -> None:
            rig.store.set_order_status(*given, **named)
            raise KeyboardInterrupt

    store: Any = Dying()
    with pytest.raises(KeyboardInterrupt):
        order_status.follow_statuses(store, rig.target)
    assert status(rig, order_id) == "cancelled"
    rig.hurry()
    rig.work()
    assert rig.stock(rig.skus[2]) == before
    assert rig.deductions(order_id) == ["given_back"] * 2


def test_cancelled_after_it_was_shipped_is_for_a_person(rig: OrderRig, imported: str) -> None:
    stock = rig.stock(rig.skus[0])
    by_hand(rig, imported, "shipped")
    rig.act(imported, "advance", to="CANCELLED")
    rig.work()
    assert status(rig, imported) == "shipped"
    assert ("order", "order_conflict") in rig.open_issues()
    assert rig.stock(rig.skus[0]) == stock
    assert set(rig.deductions(imported)) == {"done"}


class _SlowClock(datetime):
    """Of a machine that is an hour behind the database."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) - timedelta(hours=1)


@pytest.mark.parametrize("skewed", [False, True])
def test_cancelled_while_it_was_being_created_it_is_cancelled_after_that(
    rig: OrderRig, monkeypatch: pytest.MonkeyPatch, skewed: bool
) -> None:
    before = rig.stock(rig.skus[3])
    order_id = rig.buy(rig.skus[3], quantity=1, on_hold=False)
    rig.drain()

    class Meanwhile:
        capabilities = rig.store.capabilities

        def __getattr__(self, name: str) -> Any:
            return getattr(rig.store, name)

        def create_order(self, draft: Any) -> Any:
            rig.act(order_id, "advance", to="CANCELLED")
            if skewed:
                monkeypatch.setattr("core.db.order_rows.datetime", _SlowClock, raising=False)
            rig.drain()
            return rig.store.create_order(draft)

    store: Any = Meanwhile()
    order_import.import_orders(replace(rig.importing(), store=store))
    kept = rig.store_order(order_id)
    assert kept is not None
    assert kept.behind
    rig.work()
    assert status(rig, order_id) == "cancelled"
    assert rig.stock(rig.skus[3]) == before
    assert rig.deductions(order_id) == ["given_back"]


def test_a_line_cancelled_later_is_told_once_and_goes_back(rig: OrderRig, imported: str) -> None:
    stock, comments = rig.stock(rig.skus[0]), calls(rig, COMMENT)
    (told,) = rig.market.orders([imported])
    gone = replace(told.lines[0], status="CANCELLED")
    later = replace(told, lines=(gone, *told.lines[1:]), seller_note="one line less")
    for _ in range(2):
        with transaction() as conn:
            store_orders_read(conn, rig.connection_id, [later])
        order_status.follow_statuses(rig.store, rig.target)
        rig.hurry()
        rig.work_stock()
    assert calls(rig, COMMENT) == comments + 1
    assert rig.skus[0] in rig.in_store(imported)[0]["adminComments"][0]["content"]
    assert ("order", "lines_cancelled") in rig.open_issues()
    assert rig.stock(rig.skus[0]) == stock + 1
    assert sorted(rig.deductions(imported)) == ["done", "done", "given_back"]


@pytest.mark.parametrize("returns", [True, False])
@pytest.mark.parametrize("written", ["before", "after"])
def test_cancelled_in_part_and_then_wholly_every_unit_goes_back_once(
    rig: OrderRig, imported: str, returns: bool, written: str
) -> None:
    with transaction() as conn:
        conn.execute(text("DELETE FROM cursors WHERE name LIKE 'cancelling_returns:%'"))
    rig.control("shopwired/switches", {"cancel_returns_stock": returns})
    stock = rig.stock(rig.skus[0])
    (told,) = rig.market.orders([imported])
    gone = replace(told.lines[0], status="CANCELLED")
    with transaction() as conn:
        one_less = replace(told, lines=(gone, *told.lines[1:]), seller_note="one line less")
        store_orders_read(conn, rig.connection_id, [one_less])
    order_status.follow_statuses(rig.store, rig.target)
    if written == "before":
        rig.work_stock()
        assert rig.stock(rig.skus[0]) == stock + 1
    rig.act(imported, "advance", to="CANCELLED")
    for _ in range(3):
        rig.hurry()
        rig.work()
    assert status(rig, imported) == "cancelled"
    assert (rig.stock(rig.skus[0]), rig.deductions(imported)) == (stock + 3, ["given_back"] * 3)
    assert ("order", "return_unclear") not in rig.open_issues()
    with transaction() as conn:
        assert cancelling_returns(conn, rig.store_account_id) is returns
        conn.execute(text("DELETE FROM cursors WHERE name LIKE 'cancelling_returns:%'"))


def test_a_later_address_is_a_comment_and_an_issue_once(rig: OrderRig, imported: str) -> None:
    before = calls(rig, COMMENT)
    rig.act(imported, "address", postal_code="LS1 1AA")
    rig.work()
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert calls(rig, COMMENT) == before + 1
    comment = rig.in_store(imported)[0]["adminComments"][0]["content"]
    assert "changed the delivery address" in comment
    assert "LS1" not in comment  # what is logged of the call holds no personal data
    assert ("order", "address_changed") in rig.open_issues()
    assert status(rig, imported) == "shipped"


def test_an_issue_of_an_order_names_it_and_is_settled_until_it_happens_again(rig: OrderRig, imported: str) -> None:
    order_id = rig.order(imported).id
    rig.act(imported, "address", postal_code="LS1 1AA")
    rig.work()
    (issue,) = order_issues(rig.connection_id, order_id)
    made = rig.store_order(imported)
    assert made is not None
    assert imported in issue.sentence and str(made.number) in issue.sentence
    with transaction() as conn:
        settle_issue(conn, issue.id, issue.times, connection_id=rig.connection_id, by=rig.rig.boss)
    assert order_issues(rig.connection_id, order_id) == ()
    rig.work()
    assert order_issues(rig.connection_id, order_id) == ()
    rig.act(imported, "address", postal_code="LS2 2BB")
    rig.work()
    (again,) = order_issues(rig.connection_id, order_id)
    assert again.id != issue.id
    rig.act(imported, "address", postal_code="LS3 3CC")
    rig.work()
    with transaction() as conn, pytest.raises(IssueChanged):
        settle_issue(conn, again.id, again.times, connection_id=rig.connection_id, by=rig.rig.boss)
    (still,) = order_issues(rig.connection_id, order_id)
    assert (still.id, still.times) == (again.id, 2)


def test_a_store_order_that_is_gone_is_said(rig: OrderRig, imported: str) -> None:
    remote_id = rig.in_store(imported)[0]["id"]
    rig.rig.control.delete(f"/v1/orders/{remote_id}", auth=("sw-key-harbour", "sw-secret-harbour")).raise_for_status()
    rig.act(imported, "advance", to="IN_TRANSIT")
    rig.work()
    assert ("order", "order_conflict") in rig.open_issues()
    kept = rig.store_order(imported)
    assert kept is not None
    assert not kept.behind
