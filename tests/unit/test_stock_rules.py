"""How many are offered, what is sent, and why the Shop may say another number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.catalog import Change
from core.domain.limits import limits_of
from core.domain.offers import StockRules, offer_of
from core.domain.stock import (
    LEFT_ALONE,
    Cause,
    Difference,
    Standing,
    began_at,
    cause_of,
    exposure,
    in_our_warehouse,
    is_newer_event,
    is_written,
    offered,
    sentence_of,
    spread,
    steps,
    to_send,
    undone_by,
)

GB = limits_of("GB")
counts = st.integers(min_value=-1_000_000, max_value=1_000_000_000)
few = st.integers(min_value=0, max_value=200_000)


@pytest.mark.parametrize(
    ("standing", "quantity"),
    [
        (Standing(10, 99_999), 10),
        (Standing(10, 99_999, held=3), 7),
        (Standing(10, 99_999, held=3, buffer=2), 5),
        (Standing(10, 99_999, held=3, buffer=2, cap=4), 4),
        (Standing(10, 99_999, cap=0), 0),
        (Standing(3, 99_999, buffer=5), 0),
        (Standing(-4, 99_999), 0),
        (Standing(None, 99_999), 0),
        (Standing(200_000, 99_999), 99_999),
        (Standing(200_000, 99_999, buffer=150_000), 50_000),
        (Standing(10, 99_999, selling=False), 0),
        (Standing(2, 99_999, held=9), 0),
        (Standing(0, 99_999, continue_selling=True), 1),
        (Standing(-3, 99_999, cap=4, continue_selling=True), 4),
        (Standing(2, 99_999, cap=4, continue_selling=True), 2),
        (Standing(0, 99_999, cap=0, continue_selling=True), 0),
        (Standing(0, 99_999, selling=False, continue_selling=True), 0),
    ],
)
def test_offered_is_the_clamped_sum(standing: Standing, quantity: int) -> None:
    assert offered(standing) == quantity


@given(on_hand=st.none() | counts, held=few, buffer=few, cap=st.none() | few)
def test_the_steps_add_up_and_agree_with_what_a_new_listing_offers(
    on_hand: int | None, held: int, buffer: int, cap: int | None
) -> None:
    found = steps(Standing(on_hand, GB.stock_max, held, buffer, cap))
    assert sum(step.change for step in found) == found[-1].left
    assert [step.left for step in found] == [sum(one.change for one in found[: i + 1]) for i in range(len(found))]
    assert 0 <= found[-1].left <= GB.stock_max
    assert found[-1].left == offer_of(on_hand, StockRules(buffer, cap), GB, held=held).quantity


@given(on_hand=counts, held=few, buffer=few, sold=st.integers(min_value=0, max_value=50))
def test_a_sale_never_raises_what_is_offered(on_hand: int, held: int, buffer: int, sold: int) -> None:
    before = offered(Standing(on_hand, GB.stock_max, held, buffer))
    assert offered(Standing(on_hand, GB.stock_max, held + sold, buffer)) <= before
    # Once the store has taken the units off, nothing is counted twice.
    assert (
        offered(Standing(on_hand - sold, GB.stock_max, held, buffer))
        == offered(Standing(on_hand, GB.stock_max, held + sold, buffer))
        or on_hand < sold
    )


def test_a_campaign_keeps_its_reserved_units() -> None:
    assert to_send(20, 5) == 20
    assert to_send(3, 5) == 5


def test_every_warehouse_is_named_and_only_ours_is_set() -> None:
    assert spread(7, "A", {}) == (("A", 7),)
    assert spread(7, "A", {"A": 3, "C": 4, "B": 2}) == (("A", 7), ("B", 2), ("C", 4))
    assert spread(7, "A", {"A": 3, "C": 4, "B": 2}, left=("A", "B")) == (("A", 7), ("B", 0), ("C", 4))
    assert in_our_warehouse(9, "A", {"A": 3, "C": 4, "B": 2}) == 3


CASES = [
    (Difference(wanted=10, in_shop=0, sent=10, warehouse_status="RESTRICTED"), Cause.HOLIDAY),
    (Difference(wanted=10, in_shop=7, sent=10, warehouse_status="RESTRICTED"), Cause.CHANGED_IN_SHOP),
    (Difference(wanted=20, in_shop=15, reserved=5, sent=20), Cause.CAMPAIGN),
    (Difference(wanted=3, in_shop=0, reserved=5, sent=5), Cause.CAMPAIGN),
    (Difference(wanted=20, in_shop=9, reserved=5, sent=20), Cause.CHANGED_IN_SHOP),
    (Difference(wanted=2, in_shop=9, sent=2, hold="12052393", acknowledged=False), Cause.PROMOTION),
    (Difference(wanted=2, in_shop=9, sent=2, acknowledged=False), Cause.NOT_ACKNOWLEDGED),
    (Difference(wanted=2, in_shop=9, sent=2, acknowledged=False, hold="12019024"), Cause.NOT_ACKNOWLEDGED),
    (Difference(wanted=10, in_shop=8, sent=10, committed=2), Cause.HELD_BY_ORDERS),
    (Difference(wanted=10, in_shop=8, sent=10, committed=5, known=4), Cause.CHANGED_IN_SHOP),
    (Difference(wanted=10, in_shop=8, sent=10, committed=5, known=3), Cause.HELD_BY_ORDERS),
    (Difference(wanted=10, in_shop=12, sent=10, committed=5), Cause.CHANGED_IN_SHOP),
    (Difference(wanted=10, in_shop=4, sent=4), Cause.NEW_IN_STORE),
    (Difference(wanted=10, in_shop=4, sent=None), Cause.NEW_IN_STORE),
    (Difference(wanted=10, in_shop=6, sent=4), Cause.UNKNOWN),
    (Difference(wanted=10, in_shop=None, sent=4, warehouse_status="RESTRICTED"), Cause.NOT_NAMED),
]


@pytest.mark.parametrize(("difference", "cause"), CASES)
def test_every_difference_has_its_cause(difference: Difference, cause: Cause) -> None:
    assert cause_of(difference) is cause
    assert sentence_of(cause, difference).endswith(".")


@given(
    wanted=few, in_shop=few, reserved=few, sent=st.none() | few,
    committed=st.integers(0, 50), known=st.integers(0, 50), acknowledged=st.booleans(),
)  # fmt: skip
def test_what_is_left_alone_is_right_or_explained(
    wanted: int, in_shop: int, reserved: int, sent: int | None, committed: int, known: int, acknowledged: bool
) -> None:
    found = cause_of(Difference(wanted, in_shop, reserved, committed, known, sent, acknowledged))
    if found in LEFT_ALONE:
        missing = max(wanted, reserved) - in_shop - reserved
        assert missing == 0 or 0 < missing <= committed - known


NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("told", "remote", "began"),
    [
        (None, None, NOON),
        (NOON - 2 * SECOND, None, NOON - 2 * SECOND),
        (NOON - 2 * SECOND, NOON - 900 * SECOND, NOON - 2 * SECOND),  # a hint; the product is not read yet
        (NOON - 900 * SECOND, NOON - 40 * SECOND, NOON - 40 * SECOND),  # a reading; the hint was another one
        (None, NOON + 5 * SECOND, NOON),  # the store's clock is ahead of ours
        (NOON - timedelta(days=3), None, NOON),
    ],
)
def test_a_latency_begins_when_the_store_changed(
    told: datetime | None, remote: datetime | None, began: datetime
) -> None:
    assert began_at(NOON - 60 * SECOND, told, NOON, remote) == began
    assert began_at(None, told, NOON, remote) == began


def test_nothing_began_where_the_store_did_not_change() -> None:
    assert began_at(NOON, NOON - SECOND, NOON - SECOND, NOON + SECOND) is None


@pytest.mark.parametrize(
    ("new", "kept", "newer"),
    [("10", "9", True), ("9", "10", False), ("10", "10", False), ("1", "", True), ("b", "a", True), ("", "", False)],
)
def test_hints_are_ordered_by_their_id(new: str, kept: str, newer: bool) -> None:
    assert is_newer_event(new, kept) is newer


def test_exposure_is_sales_rate_times_lag() -> None:
    assert exposure(300, timedelta(minutes=1), timedelta(minutes=15)) == Decimal(4500)
    assert exposure(300, timedelta(minutes=1), timedelta(seconds=5)) == Decimal(25)
    assert exposure(0, timedelta(days=7), timedelta(hours=1)) == Decimal(0)


AT = datetime(2026, 6, 13, 10, 2, 52, 400_000, tzinfo=UTC)


def told(*changes: tuple[float, int, bool]) -> list[Change]:
    """What the store remembers: seconds after ``AT`` in whole seconds, the new stock, and whether by an order."""
    moments = [(AT + timedelta(seconds=after)).replace(microsecond=0) for after, _, _ in changes]
    return [
        Change(str(number), "stock", "stock_changed", "70", moment, "MUG", quantity, by_order)
        for number, (moment, (_, quantity, by_order)) in enumerate(zip(moments, changes, strict=True))
    ]


@pytest.mark.parametrize(
    ("changes", "seen", "expected"),
    [
        pytest.param([(0, 7, False)], 7, True, id="it is there"),
        pytest.param([(0, 7, False), (1, 5, True)], 5, True, id="sold since"),
        pytest.param([(0, 7, False), (1, 10, True)], 10, True, id="as many came back as we took"),
        pytest.param([(1, 7, True)], 7, False, id="an order took as many as we meant to"),
        pytest.param([(1, 8, True)], 8, False, id="an order only"),
        pytest.param([(1, 8, False)], 8, False, id="somebody set another number"),
        pytest.param([(1, 8, True)], 5, None, id="the history lags behind"),
        pytest.param([], 10, None, id="no history"),
        pytest.param([(-5, 7, False), (-3, 10, True)], 10, None, id="the same was written before"),
        pytest.param([(-5, 7, False), (-3, 10, True), (0, 7, False), (1, 6, True)], 6, True, id="before and now"),
    ],
)
def test_whether_a_write_of_7_is_in_the_stores_history(
    changes: list[tuple[float, int, bool]], seen: int, expected: bool | None
) -> None:
    assert is_written(told(*changes), target=7, since=AT, seen=seen) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([(0, 7, False)], 0, id="nobody else"),
        pytest.param([(0, 9, True), (0, 7, False)], -1, id="one sold"),
        pytest.param([(0, 9, True), (1, 5, True), (1, 7, False), (2, 6, True)], -5, id="several sold"),
        pytest.param([(0, 30, False), (1, 7, False)], 20, id="put on the shelf"),
        pytest.param([(0, 12, False), (0, 10, True), (1, 7, False)], 0, id="as many came as went"),
        pytest.param([(-5, 30, False), (0, 7, False)], 0, id="long before, and not as we read it since"),
        pytest.param([(-5, 7, False), (-3, 10, True), (0, 9, True), (0, 7, False)], -1, id="the same set before"),
        pytest.param([(-60, 9, True), (-59, 7, False)], -1, id="by a clock that is behind ours"),
        pytest.param([(90, 9, True), (90, 7, False)], -1, id="by a clock that is ahead of ours"),
        pytest.param([(84, 30, False), (90, 7, False)], 0, id="long before, by a clock that is ahead of ours"),
        pytest.param([(0, 9, True)], 0, id="our write is not told"),
        pytest.param([], 0, id="no history"),
    ],
)
def test_what_a_write_of_7_instead_of_10_undid(changes: list[tuple[float, int, bool]], expected: int) -> None:
    assert undone_by(told(*changes), before=10, target=7, took=timedelta(seconds=1)) == expected
