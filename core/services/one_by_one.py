"""Records of a store dealt with one after the other, where one in trouble must not hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.domain.errors import RateLimited, Temporary

_MOST_TROUBLES = 3  # in a row: then it is the store that is in trouble


def one_by_one(ids: Iterable[int], work: Callable[[int], bool]) -> int:
    """Work on each id; for how many ``work`` was true.

    Raises what ``work`` raises: ``RateLimited`` at once, ``Temporary`` once the others are done or after three in a
    row.
    """
    done = in_a_row = 0
    met: Temporary | None = None
    for one in ids:
        try:
            done += work(one)
            in_a_row = 0
        except RateLimited:
            raise
        except Temporary as trouble:
            met, in_a_row = trouble, in_a_row + 1
            if in_a_row == _MOST_TROUBLES:
                raise
    if met is not None:
        raise met
    return done
