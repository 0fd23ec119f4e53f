"""Our TikTok Shop client's orders and stock levels over a socket against the sandbox, each request checked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from core.domain.errors import Refused, Temporary, Unknown
from core.domain.order_import import ImportRules, Linked, OrderFacts, decide, line_keys
from core.domain.orders import ShopOrder
from core.tiktok import endpoints, orders
from tests.sandbox_server import running_sandbox
from tests.tiktok_side import OF_ORDERS, Side, connect, never_called

SEARCH = "POST /order/202309/orders/search"
DETAIL = "GET /order/202507/orders"
REFERENCES = "POST /order/202406/orders/external_orders"
KINDS = (
    "normal", "on_hold", "masked", "bundle", "gift", "unknown_sku", "fbt", "rounding", "sample", "replacement",
    "exchange", "preorder",
)  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), products=10) as address:
        yield address


@pytest.fixture(scope="module")
def connected(url: str) -> Iterator[Side]:
    """One connected Shop with goods; at the end no request differed from the list, no signature was refused."""
    made = connect(url)
    made.control("limits", off=True)
    goods = [{"seller_sku": f"MUG-{number}", "quantity": 90_000, "price": "15.00"} for number in range(4)]
    made.control("tiktok/shelf", skus=goods)
    yield made
    assert made.http.differences == []
    assert made.state()["tiktok"]["rejected_signatures"] == 0
    made.http.close()


@pytest.fixture
def side(connected: Side) -> Iterator[Side]:
    yield connected
    connected.control("faults", rules=[])


def buy(side: Side, count: int = 1, **how: Any) -> list[str]:
    """Ids of new orders."""
    made = side.control("tiktok/buy", count=count, **how)["order_ids"]
    assert len(made) == count
    return list(made)


def one(side: Side, **how: Any) -> ShopOrder:
    (order,) = side.shop.orders(buy(side, **how))
    return order


def everything(side: Side, since: datetime) -> list[ShopOrder]:
    until = datetime.now(UTC) + timedelta(seconds=5)
    return [order for page in side.shop.orders_updated(since, until) for order in page]


def searches(side: Side, before: int) -> list[tuple[int, bool]]:
    """(where the window began, whether a page token went along) of the searches since call ``before``."""
    calls = [call for call in side.http.calls[before:] if call.endpoint.endswith("/orders/search")]
    return [(json.loads(call.content or b"")["update_time_ge"], "page_token" in call.query) for call in calls]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_order_is_read_and_adds_up(side: Side, kind: str) -> None:
    order = one(side, kind=kind)
    paid = order.payment
    assert paid.total == paid.sub_total + paid.shipping_fee + sum((fee for _, fee in paid.fees), Decimal(0))
    assert order.lines and order.payment.currency == "GBP"
    assert order.status == ("ON_HOLD" if kind in ("on_hold", "preorder") else "AWAITING_SHIPMENT")
    assert order.by_tiktok is (kind == "fbt")
    assert order.sample is (kind == "sample")
    assert bool(order.replaced_order_id) is (kind == "replacement")
    assert bool(order.exchanged_order_id) is (kind == "exchange")
    assert any(line.gift for line in order.lines) is (kind == "gift")
    assert any(line.components for line in order.lines) is (kind == "bundle")
    if order.status == "ON_HOLD":
        assert order.address is None and order.on_hold
    else:
        assert order.address is not None and order.address.country == "GB" and order.address.town
        assert order.address.masked is (kind in ("masked", "fbt"))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"on_hold", "preorder", "fbt"}))
def test_every_kind_of_order_can_become_a_store_order_to_the_penny(side: Side, kind: str) -> None:
    order = one(side, kind=kind)
    keys = [key for line in order.lines for key in line_keys(line)]
    linked = {key: Linked(place, "1", "0", f"S{place}", "Mug", None) for place, key in enumerate(keys)}
    facts = OrderFacts(ImportRules(), "GBP", {"AWAITING_SHIPMENT": "5"}, linked, datetime.now(UTC))
    decision = decide(order, facts)
    assert decision.state == "create", decision.sentence
    assert decision.draft is not None and decision.draft.total == order.payment.total


def test_the_list_and_the_detail_tell_the_same(side: Side) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    made = {order_id for kind in KINDS for order_id in buy(side, kind=kind)}
    listed = {order.id: order for order in everything(side, since) if order.id in made}
    assert set(listed) == made
    assert listed == {order.id: order for order in side.shop.orders(sorted(made))}


def test_the_life_of_an_order(side: Side) -> None:
    (order_id,) = buy(side, on_hold=False)
    steps = ("AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")
    seen = []
    for step in steps:
        side.control(f"tiktok/orders/{order_id}/advance", to=step)
        seen.append(side.shop.orders([order_id])[0])
    assert [order.status for order in seen] == list(steps)
    assert seen[0].tracking_number and seen[0].provider_name == "Royal Mail" and seen[0].package_ids
    assert seen[0].ship_by is not None and seen[0].collect_by is not None and seen[0].deliver_by is not None
    assert seen[0].created_at < seen[0].ship_by < seen[0].deliver_by


def test_cancellations(side: Side) -> None:
    asked, dropped = buy(side, on_hold=False), buy(side, on_hold=False)
    side.control(f"tiktok/orders/{asked[0]}/cancel_request")
    side.control(f"tiktok/orders/{dropped[0]}/advance", to="CANCELLED")
    waiting, gone = side.shop.orders(asked)[0], side.shop.orders(dropped)[0]
    assert (waiting.status, waiting.cancel_requested) == ("AWAITING_SHIPMENT", True)
    assert (gone.status, gone.cancelled_by) == ("CANCELLED", "SYSTEM")
    assert gone.cancel_reason and {line.status for line in gone.lines} == {"CANCELLED"}


def test_orders_by_id_in_chunks_without_those_nobody_knows(side: Side) -> None:
    made = buy(side, 60)
    unknown = [str(int(made[0]) + 10**15 + number) for number in range(5)]
    before = len(side.http.calls)
    assert sorted(order.id for order in side.shop.orders([*made, *unknown, made[0]])) == sorted(made)
    assert len(side.http.calls) - before == 2
    assert side.shop.orders([]) == side.shop.orders(unknown) == ()


def test_one_refused_id_does_not_hide_the_others(side: Side) -> None:
    made = buy(side, 12)
    side.control("limits", tiktok={"strict_order_ids": True})
    try:
        found = side.shop.orders([*made[:5], "577999999999999999", *made[5:]])
    finally:
        side.control("limits", tiktok={"strict_order_ids": False})
    assert sorted(order.id for order in found) == sorted(made)


def test_an_order_missing_from_the_detail_is_left_out(side: Side) -> None:
    made = buy(side, 3)
    side.fault("missing_detail", DETAIL)
    assert len(side.shop.orders(made)) == 2
    assert len(side.shop.orders(made)) == 3


def test_the_older_version_answers_when_the_newer_is_gone(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = endpoints.Endpoint("order_get", "GET", "/order/202999/orders", endpoints.ORDER_READ)
    monkeypatch.setattr(endpoints, "ORDER_GET", gone)
    made = buy(side)
    assert [order.id for order in side.shop.orders(made)] == made
    assert side.http.calls[-1].endpoint == "/order/202309/orders"
    side.http.differences.clear()  # the path that never was is none of the list


def test_pages_come_oldest_first_and_whole(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_PAGE", 3)
    time.sleep(1.1)
    since = datetime.now(UTC)
    made = buy(side, 10, on_hold=False)  # one second, so that only tokens lead on
    pages = list(side.shop.orders_updated(since, datetime.now(UTC) + timedelta(seconds=5)))
    assert max(map(len, pages)) == 3
    found = [order for page in pages for order in page]
    assert sorted(order.id for order in found) == sorted(made)
    assert [order.updated_at for order in found] == sorted(order.updated_at for order in found)


def bought_over_seconds(side: Side, each: int = 3, seconds: int = 3) -> list[str]:
    made = []
    for _ in range(seconds):
        time.sleep(1.05)
        made += buy(side, each, on_hold=False)
    return made


def test_windows_begin_anew_at_what_is_settled(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_PAGE", 4)
    monkeypatch.setattr(orders, "_MOVING", timedelta(seconds=1))
    time.sleep(1.1)
    since = datetime.now(UTC)
    made = bought_over_seconds(side, each=3, seconds=4)
    time.sleep(2.1)
    before = len(side.http.calls)
    found = everything(side, since)
    assert {order.id for order in found} >= set(made)
    assert len(found) < 3 * len(made), "only what stands on a border comes again"
    windows = [start for start, _ in searches(side, before)]
    assert len(set(windows)) >= 3 and windows == sorted(windows)


def test_a_token_that_expires_loses_nothing(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_PAGE", 4)
    time.sleep(1.1)
    since = datetime.now(UTC)
    made = bought_over_seconds(side)
    side.fault("token_expired", SEARCH, times=2)  # the first strikes a page without a token, which nothing happens to
    before = len(side.http.calls)
    assert {order.id for order in everything(side, since)} >= set(made)
    assert sum(not token for _, token in searches(side, before)) == 2, "the window was begun anew"


def test_a_token_that_never_works_is_told(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_PAGE", 2)
    since = datetime.now(UTC) - timedelta(seconds=1)
    buy(side, 5, on_hold=False)
    side.fault("token_expired", SEARCH, times=None)
    with pytest.raises(Refused, match="page_token"):
        everything(side, since)


@pytest.mark.parametrize("settle", [False, True])
def test_orders_that_move_while_they_are_paged_through_are_all_seen(
    side: Side, monkeypatch: pytest.MonkeyPatch, settle: bool
) -> None:
    monkeypatch.setattr(orders, "_PAGE", 3)
    if settle:
        monkeypatch.setattr(orders, "_MOVING", timedelta(seconds=1))
    time.sleep(1.1)
    since = datetime.now(UTC)
    made = bought_over_seconds(side, each=4)
    side.fault("moved", SEARCH, times=5)
    found = everything(side, since)
    assert {order.id for order in found} >= set(made)


def test_a_whole_refusal_is_no_expired_token(side: Side) -> None:
    since = datetime.now(UTC) - timedelta(minutes=5)
    side.fault("http_503", SEARCH, times=50)
    with pytest.raises(Temporary):
        everything(side, since)


def test_a_backlog_is_read_after_what_is_new(side: Side) -> None:
    list(side.shop.orders_updated(datetime.now(UTC) - timedelta(minutes=10), datetime.now(UTC)))
    assert side.http.calls[-1].priority == 3
    list(side.shop.orders_updated(datetime.now(UTC) - timedelta(days=30), datetime.now(UTC) - timedelta(days=29)))
    assert side.http.calls[-1].priority == 6


def test_short_trouble_is_survived(side: Side) -> None:
    made = buy(side)
    side.fault("rate_429", DETAIL, times=1, retry_after="1")
    assert [order.id for order in side.shop.orders(made)] == made
    side.fault("cut_before", SEARCH, times=2)
    assert set(made) <= {order.id for order in everything(side, datetime.now(UTC) - timedelta(minutes=1))}


def test_our_number_is_told_and_may_be_told_again(side: Side) -> None:
    order = one(side, kind="normal")
    lines = [(f"L{place}", line.id) for place, line in enumerate(order.lines)]
    assert side.shop.refer_order(order.id, "4021", lines) == side.shop.refer_order(order.id, "4021", lines) == ()
    body = json.loads(side.http.calls[-1].content or b"")
    assert body["orders"][0]["external_order"]["platform"] == "ORDER_MANAGEMENT_SYSTEM"
    (error,) = side.shop.refer_order(order.id, "4021", [("L1", "577999999999999999")])
    assert (error.item_id, error.code) == (order.id, "36020001")
    assert "577999999999999999" in error.sentence
    side.fault("cut_after", REFERENCES)
    with pytest.raises(Unknown):
        side.shop.refer_order(order.id, "4021", lines)


def test_inventory_tells_what_is_in_the_shop(side: Side) -> None:
    sku = f"LAMP-{uuid4().hex[:8]}"
    (listed,) = side.control("tiktok/shelf", skus=[{"seller_sku": sku, "quantity": 30}])["products"]
    unknown = "1729999999999999999"
    (level,) = side.shop.inventory([listed["sku_id"], unknown])
    assert (level.sku_id, level.seller_sku, level.in_shop) == (listed["sku_id"], sku, 30)
    assert sum(quantity for _, quantity in level.warehouses) == 30
    buy(side, skus=[sku], quantity=4, kind="normal", on_hold=False)
    (level,) = side.shop.inventory([listed["sku_id"]])
    assert level.in_shop == 26
    assert side.shop.inventory([]) == ()
    with pytest.raises(ValueError, match="at most 600"):
        side.shop.inventory(["1"] * 601)


def test_the_buyer_never_reaches_the_journal(side: Side) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    before = len(side.journal.exchanges)
    order = one(side, kind="normal", on_hold=False)
    everything(side, since)
    kept = repr(side.journal.exchanges[before:])
    address = order.address
    assert address is not None and not address.masked
    for private in (address.name, address.phone, *address.lines, address.postcode, order.buyer_email):
        assert private and private not in kept
    assert order.id in kept and order.lines[0].seller_sku in kept


def test_order_webhooks_are_registered(side: Side) -> None:
    topics = side.shop.register_webhooks("http://127.0.0.1:8502/webhooks/tiktok")
    wanted = {"ORDER_STATUS_CHANGE", "RECIPIENT_ADDRESS_UPDATE", "PACKAGE_UPDATE", "CANCELLATION_STATUS_CHANGE"}
    assert wanted <= set(topics)
    side.shop.remove_webhooks()


def test_every_endpoint_of_orders_was_called(side: Side, request: pytest.FixtureRequest) -> None:
    """The last of the file: the others made the calls, each compared with the list on its way out."""
    chosen = {getattr(item, "originalname", "") for item in request.session.items}
    if {name for name in globals() if name.startswith("test_")} - chosen:
        pytest.skip("only the whole file calls them all")
    assert never_called([row for row in endpoints.ENDPOINTS if row.path.startswith(OF_ORDERS)], side.http.calls) == []
