"""Records dealt with one after the other: which troubles end the round, and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from core.domain.errors import RateLimited, Refused, RemoteError, Temporary
from core.services.one_by_one import one_by_one


def working(troubles: dict[int, RemoteError], seen: list[int]) -> Callable[[int], bool]:
    def work(one: int) -> bool:
        seen.append(one)
        if one in troubles:
            raise troubles[one]
        return one % 2 == 0

    return work


def test_it_counts_what_was_done() -> None:
    assert one_by_one(range(1, 6), working({}, [])) == 2


@pytest.mark.parametrize(
    ("troubles", "reached", "raised"),
    [
        ({2: Temporary("down")}, 9, Temporary),
        ({2: Temporary("down"), 3: Temporary("down"), 5: Temporary("down")}, 9, Temporary),
        ({2: Temporary("down"), 3: Temporary("down"), 4: Temporary("down")}, 4, Temporary),
        ({4: RateLimited("too many", until=datetime(2026, 11, 22, tzinfo=UTC))}, 4, RateLimited),
        ({4: Refused("no")}, 4, Refused),
    ],
)
def test_one_in_trouble_holds_up_no_other(
    troubles: dict[int, RemoteError], reached: int, raised: type[RemoteError]
) -> None:
    seen: list[int] = []
    with pytest.raises(raised):
        one_by_one(range(1, 10), working(troubles, seen))
    assert seen == list(range(1, reached + 1))
