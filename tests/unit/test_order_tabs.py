"""What the tabs of the Orders page stand for: when waiting by itself becomes a matter for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.order_tabs import HOLD_WORDS, ISSUE_WORDS, address_overdue, hold_words, issue_words
from tests.unit.overdue_cases import OVERDUE

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("age", "left", "overdue"), OVERDUE)
def test_an_address_is_waited_for_only_so_long(age: float, left: float | None, overdue: bool) -> None:
    ship_by = None if left is None else NOW + timedelta(hours=left)
    assert address_overdue(NOW - timedelta(hours=age), ship_by, NOW) is overdue


def test_one_and_several_have_their_own_words() -> None:
    assert hold_words("unlinked_sku", 1) == "waits for a SKU mapping"
    assert hold_words("unlinked_sku", 6) == "wait for a SKU mapping"
    assert issue_words("address_changed", 1) == "had the delivery address changed after it was imported"
    assert (hold_words("new_cause", 1), issue_words("new_cause", 2)) == ("waits: new cause", "need a look: new cause")
    assert all(one != several for one, several in HOLD_WORDS.values())
    assert all(one and several for one, several in ISSUE_WORDS.values())
