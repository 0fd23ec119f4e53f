"""Numbers with what they count."""

import pytest

from core.domain.counting import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("order",), "0 orders"),
        (1, ("order",), "1 order"),
        (1_200, ("order",), "1,200 orders"),
        (1, ("category", "categories"), "1 category"),
        (2, ("category", "categories"), "2 categories"),
        (1, ("order waits", "orders wait"), "1 order waits"),
        (3, ("order waits", "orders wait"), "3 orders wait"),
    ],
)
def test_one_is_not_many(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said
