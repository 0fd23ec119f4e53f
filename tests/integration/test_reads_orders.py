"""Reads of orders: what a filter finds, the order of pages, and that the bulk of a filter is what the page shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from core import config
from core.db import engine
from core.db.orders import save_orders
from core.db.tables import shop_orders
from core.domain.filters import OrderFilter
from core.domain.order_tabs import NEEDS_A_PERSON, ORDER_TABS, WAITING
from core.domain.orders import Payment
from core.reads import latency, orders
from core.reads.flow_causes import flow_causes
from core.reads.order_detail import order_detail
from core.reads.order_map import order_map
from core.reads.order_money import money_of
from core.reads.order_timeline import order_timeline
from core.reads.overview import causes
from core.reads.paging import PAGE_SIZE
from core.services.issues import open_issue
from tests.console.filling import Filled, connect, fill
from tests.console.order_filling import fill_orders, remote_id, shop_order
from tests.unit.overdue_cases import OVERDUE

COUNT = 120


@pytest.fixture(scope="module")
def shop(database: config.Settings) -> Filled:
    with engine.transaction() as conn:
        there = fill(conn, products=COUNT)
        fill_orders(conn, there, orders=COUNT)
        return there


def ids_of(connection_id: int, wanted: OrderFilter, **how: object) -> list[int]:
    """All ids of a filter, page by page."""
    found: list[int] = []
    for page in range(1, 10):
        rows = orders.orders_page(connection_id, wanted, page=page, **how).rows  # type: ignore[arg-type]
        found += [row.id for row in rows]
        if len(rows) < PAGE_SIZE:
            return found
    raise AssertionError("the list does not end")


def test_pages_hold_every_order_once_newest_first(shop: Filled) -> None:
    found = ids_of(shop.connection_id, OrderFilter())
    assert len(found) == len(set(found)) == COUNT
    times = [row.ordered_at for row in orders.orders_page(shop.connection_id, OrderFilter()).rows]
    assert times == sorted(times, reverse=True)
    assert ids_of(shop.connection_id, OrderFilter(), descending=False) == found[::-1]


@pytest.mark.parametrize("tab", ["", *ORDER_TABS])
def test_a_tab_counts_and_acts_on_what_it_shows(tab: str, shop: Filled) -> None:
    wanted = OrderFilter(tab=tab)
    shown = ids_of(shop.connection_id, wanted)
    assert orders.tab_counts(shop.connection_id, OrderFilter())[tab].number == len(shown)
    assert set(orders.matching_ids(shop.connection_id, wanted)) == set(shown)


def test_a_list_goes_on_before_its_last_row(shop: Filled) -> None:
    everything = ids_of(shop.connection_id, OrderFilter())
    first = orders.orders_page(shop.connection_id, OrderFilter()).rows
    rest = OrderFilter(before=f"{first[-1].ordered_at.isoformat()}/{first[-1].id}")
    assert ids_of(shop.connection_id, rest) == everything[PAGE_SIZE:]


def test_days_are_whole_and_in_utc(shop: Filled) -> None:
    rows = orders.orders_page(shop.connection_id, OrderFilter()).rows
    day = rows[0].ordered_at.astimezone(UTC).date()
    found = ids_of(shop.connection_id, OrderFilter(first=day.isoformat(), last=day.isoformat()))
    at = {row.id: row.ordered_at for row in rows}
    assert found and all(at[one].date() == day for one in found if one in at)
    assert ids_of(shop.connection_id, OrderFilter(first="tomorrow")) == []
    later = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert ids_of(shop.connection_id, OrderFilter(first=later)) == []


def test_orders_by_who_ships_them(shop: Filled) -> None:
    everything = set(ids_of(shop.connection_id, OrderFilter()))
    fulfilled = min(everything)
    with engine.transaction() as conn:
        conn.exec_driver_sql("UPDATE shop_orders SET by_tiktok = true WHERE id = %(id)s", {"id": fulfilled})
        by_us = set(conn.exec_driver_sql(
            "SELECT id FROM shop_orders WHERE NOT by_tiktok AND shipping_type = 'SELLER'").scalars())  # fmt: skip
    found = {name: set(ids_of(shop.connection_id, OrderFilter(channel=name))) for name in ("seller", "tiktok", "fbt")}
    with engine.transaction() as conn:
        conn.exec_driver_sql("UPDATE shop_orders SET by_tiktok = false WHERE id = %(id)s", {"id": fulfilled})
    assert found["fbt"] == {fulfilled}
    assert found["seller"] == by_us & everything and found["seller"]
    assert found["tiktok"] == everything - by_us - {fulfilled} and found["tiktok"]
    assert ids_of(shop.connection_id, OrderFilter(channel="pigeon")) == []


def test_unshipped_orders_by_their_ship_by_time(shop: Filled) -> None:
    rows = orders.orders_page(shop.connection_id, OrderFilter(), sort="ship", descending=False).rows
    times = [row.ship_by for row in rows if row.ship_by]
    assert times == sorted(times) and {row.fulfilment for row in rows} == {"unshipped"}
    unshipped = OrderFilter(unshipped=True)
    listed = set(ids_of(shop.connection_id, OrderFilter(), sort="ship"))
    assert set(orders.matching_ids(shop.connection_id, unshipped)) == listed
    assert orders.tab_counts(shop.connection_id, unshipped)[""].number == len(listed) < COUNT


def test_common_words_and_rare_ones_find_the_same(shop: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two ways of looking for words agree: through the index, and along the list."""
    wanted = OrderFilter(text="mug number")
    through_index, tabs = ids_of(shop.connection_id, wanted), orders.tab_counts(shop.connection_id, wanted)
    monkeypatch.setattr(orders, "_SAMPLE", 100)
    assert ids_of(shop.connection_id, wanted) == through_index
    assert orders.tab_counts(shop.connection_id, wanted) == tabs
    monkeypatch.setattr(orders, "_COMMON", ((15, 60),))
    page = orders.orders_page(shop.connection_id, wanted, page=2)
    assert (page.count.number, page.count.capped) == (60, True)
    assert page.after == f"{page.rows[-1].ordered_at.isoformat()}/{page.rows[-1].id}"
    assert orders.tab_counts(shop.connection_id, wanted)[""].text() == "60+"


def test_like_characters_are_letters(shop: Filled) -> None:
    assert ids_of(shop.connection_id, OrderFilter(text="%%%")) == []
    assert ids_of(shop.connection_id, OrderFilter(text="___")) == []


def test_customers_are_found_by_their_exact_name_only(shop: Filled) -> None:
    name = OrderFilter(text="  ann   EXAMPLE 41 ")
    assert len(ids_of(shop.connection_id, name, customers=True)) == 1
    assert ids_of(shop.connection_id, name) == []
    assert ids_of(shop.connection_id, OrderFilter(text="Ann"), customers=True) == []


def test_another_connection_sees_nothing(shop: Filled) -> None:
    with engine.transaction() as conn:
        stranger = connect(conn, "Stranger")[0]
    assert ids_of(stranger, OrderFilter(text=remote_id(3))) == []
    mine = ids_of(shop.connection_id, OrderFilter())[0]
    assert order_detail(stranger, mine, customers=True) is None


def test_names_stay_closed_unless_asked_for(shop: Filled) -> None:
    rows = orders.orders_page(shop.connection_id, OrderFilter()).rows
    assert {row.customer for row in rows} == {None}
    opened = order_detail(shop.connection_id, rows[0].id, customers=False)
    assert opened is not None and opened.customer.name == "" and opened.order.address is None


def test_the_timeline_has_everybody(shop: Filled) -> None:
    order_id = ids_of(shop.connection_id, OrderFilter(text=remote_id(10)))[0]
    with engine.transaction() as conn:
        conn.exec_driver_sql(
            "INSERT INTO audit (login, action, subject, detail) VALUES ('ada', 'import_order', %(s)s, '{}')",
            {"s": f"order:{order_id}"},
        )
        conn.exec_driver_sql(
            "INSERT INTO inbox (source, account, delivery_id, topic, subject, body) "
            "VALUES ('tiktok', '74', 'x1', 'ORDER_STATUS_CHANGE', %(s)s, '')",
            {"s": f"order:{remote_id(10)}"},
        )
        conn.exec_driver_sql(
            "INSERT INTO inbox (source, account, delivery_id, topic, subject, body) VALUES"
            " ('tiktok', '74', 'x2', 'PACKAGE_UPDATE', %(among)s, ''),"
            " ('tiktok', '74', 'x3', 'PACKAGE_UPDATE', %(others)s, '')",
            {"among": f"order:{remote_id(11)},{remote_id(10)}", "others": f"order:{remote_id(11)},{remote_id(12)}"},
        )
        conn.exec_driver_sql(
            "INSERT INTO api_calls (at, remote, account, method, path, endpoint, status, code, request_id, duration_ms,"
            " request, response, error, subject) VALUES (now(), 'tiktok', '74', 'GET', '/o', '/o', 200, '0', 'REQ9',"
            " 12, '', '', '', %(s)s)",
            {"s": f"order:{order_id}"},
        )
    detail = order_detail(shop.connection_id, order_id, customers=True)
    assert detail is not None
    events = order_timeline(detail)
    assert {"call", "person", "webhook", "decision"} <= {event.kind for event in events}
    webhooks = [event.title for event in events if event.kind == "webhook"]
    assert webhooks == ["Webhook PACKAGE_UPDATE", "Webhook ORDER_STATUS_CHANGE"]
    assert "REQ9" in {event.request_id for event in events}
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)


def test_areas_add_up_to_the_orders(shop: Filled) -> None:
    found = order_map(shop.connection_id, OrderFilter())
    assert sum(area.orders for area in found.areas) == found.orders == COUNT and not found.capped


def test_a_new_order_counts_today(shop: Filled) -> None:
    before = latency.order_numbers(shop.connection_id).today
    now = datetime.now(UTC)
    with engine.transaction() as conn:
        save_orders(conn, shop.connection_id, [shop_order(COUNT + 10, created_at=now, updated_at=now)], {})
    assert latency.order_numbers(shop.connection_id).today == before + 1


def payment(**changes: object) -> Payment:
    values: dict[str, object] = dict.fromkeys(
        ("seller_discount", "platform_discount", "shipping_seller_discount", "shipping_platform_discount", "tax"),
        Decimal(0),
    )
    values |= {"currency": "GBP", "total": Decimal("13.99"), "sub_total": Decimal(10)}
    values |= {"original_products": Decimal(10), "shipping_fee": Decimal("3.99"), "original_shipping": Decimal("3.99")}
    return Payment(**(values | changes))  # type: ignore[arg-type]


def draft(total: str, **changes: object) -> dict[str, object]:
    plain = {"lines": [{"price": "10.00", "quantity": 1}], "shipping": "3.99", "discounts": [], "fees": []}
    return plain | {"total": total} | changes


def test_money_names_the_difference() -> None:
    assert money_of(payment(), None, None).difference is None
    equal = money_of(payment(), draft("13.99"), Decimal("13.99"))
    assert (equal.difference, equal.explained) == (0, "Both sides are equal.")
    paid = payment(platform_discount=Decimal(1), total=Decimal("12.99"))
    back = money_of(paid, draft("13.99"), Decimal("13.99"))
    assert back.difference == Decimal("1.00") and "added back" in back.explained
    off = money_of(payment(), draft("13.99"), Decimal("10.00"))
    assert "Nothing on either side explains it" in off.explained


def test_the_rounding_is_a_line_of_its_own() -> None:
    rounded = draft("13.99", discounts=[{"name": "TikTok rounding", "amount": "0.01"}])
    lines = {line.label: (line.shop, line.store) for line in money_of(payment(), rounded, None).lines}
    assert lines["TikTok rounding"] == (None, Decimal("-0.01"))


@pytest.fixture
def complained(shop: Filled) -> Iterator[dict[str, int]]:
    """An imported order for each code of an issue, a held one whose issue is what it is held for, one of another
    connection; what was opened is taken away again."""
    imported = ids_of(shop.connection_id, OrderFilter(store="502"))
    held = ids_of(shop.connection_id, OrderFilter(hold="out_of_stock"))[0]
    found = {"address_changed": imported[0], "return_unclear": imported[1]}
    with engine.transaction() as conn:
        for code, order_id in (*found.items(), ("out_of_stock", held)):
            connection = None if code == "return_unclear" else shop.connection_id
            subject = ("order", str(order_id))
            open_issue(conn, connection_id=connection, subject=subject, code=code, sentence=f"Order {order_id}.")
        open_issue(
            conn,
            connection_id=shop.connection_id,
            subject=("variant", str(imported[2])),
            code="low_stock",
            sentence=".",
        )
    yield found
    with engine.transaction() as conn:
        conn.exec_driver_sql("DELETE FROM issues")


def test_an_order_with_an_issue_of_its_own_needs_a_person(shop: Filled, complained: dict[str, int]) -> None:
    mine, tab = set(complained.values()), OrderFilter(tab=NEEDS_A_PERSON)
    refused = set(ids_of(shop.connection_id, OrderFilter(hold="refused")))
    assert set(ids_of(shop.connection_id, tab)) == refused | mine
    assert orders.tab_counts(shop.connection_id, OrderFilter())[NEEDS_A_PERSON].number == len(refused | mine)
    words = OrderFilter(text="mug number", tab=NEEDS_A_PERSON)
    assert set(ids_of(shop.connection_id, words)) == refused | mine
    assert orders.tab_counts(shop.connection_id, words)[NEEDS_A_PERSON].number == len(refused | mine)
    waiting = orders.tab_counts(shop.connection_id, OrderFilter())[WAITING].number
    assert latency.orders_waiting(shop.connection_id).number == len(refused | mine) + waiting


def test_the_overview_opens_exactly_the_orders_it_counts(shop: Filled, complained: dict[str, int]) -> None:
    lines = {cause.parameters: cause for cause in flow_causes(shop.connection_id) if cause.page == "orders"}
    for code, order_id in complained.items():
        cause = lines[("tab", NEEDS_A_PERSON), ("issue", code)]
        assert cause.count.number == 1
        assert ids_of(shop.connection_id, OrderFilter(**dict(cause.parameters))) == [order_id]
    assert not any("Order " in cause.sentence for cause in causes(shop.connection_id)), "counted by order alone"
    assert ids_of(shop.connection_id, OrderFilter(issue="nonsense")) == []


def test_an_order_that_waits_too_long_for_an_address_needs_a_person(shop: Filled) -> None:
    now = datetime.now(UTC)
    found = ids_of(shop.connection_id, OrderFilter(store="out"))[: len(OVERDUE)]
    with engine.transaction() as conn:
        before = conn.exec_driver_sql("SELECT * FROM shop_orders WHERE id = ANY(%(ids)s)", {"ids": found}).all()
        for order_id, (age, left, _) in zip(found, OVERDUE, strict=True):
            values = {
                "status": "AWAITING_SHIPMENT", "import_state": "held", "hold": "no_address",
                "ordered_at": now - timedelta(hours=age),
                "ship_by": None if left is None else now + timedelta(hours=left),
            }  # fmt: skip
            conn.execute(update(shop_orders).where(shop_orders.c.id == order_id).values(values))
    try:
        overdue = {order_id for order_id, case in zip(found, OVERDUE, strict=True) if case[2]}
        wanted = OrderFilter(tab=NEEDS_A_PERSON, hold="no_address")
        assert set(ids_of(shop.connection_id, wanted)) == overdue
        assert overdue <= set(ids_of(shop.connection_id, OrderFilter(tab=NEEDS_A_PERSON, text="mug number")))
        groups = {group.hold: group.orders for group in orders.hold_groups(shop.connection_id, tab=NEEDS_A_PERSON)}
        assert groups["no_address"] == len(overdue)
        (cause,) = (one for one in flow_causes(shop.connection_id) if "no address" in one.sentence)
        assert (cause.count.number, OrderFilter(**dict(cause.parameters))) == (len(overdue), wanted)
        held = orders.tab_counts(shop.connection_id, OrderFilter())
        stuck = held[NEEDS_A_PERSON].number + held[WAITING].number
        assert latency.orders_waiting(shop.connection_id).number == stuck
    finally:
        with engine.transaction() as conn:
            for row in before:
                conn.execute(update(shop_orders).where(shop_orders.c.id == row.id).values(row._asdict()))
