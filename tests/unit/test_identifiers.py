"""Identifier codes: which kind a code is sent as, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.identifiers import PRIORITY, first_usable, identify


@pytest.mark.parametrize(
    ("raw", "book", "kind", "digits"),
    [
        ("4006381333931", False, "EAN", "4006381333931"),
        ("96385074", False, "EAN", "96385074"),
        ("036000291452", False, "UPC", "036000291452"),
        ("10614141000415", False, "GTIN", "10614141000415"),
        (" 4006381-333931 ", False, "EAN", "4006381333931"),
        ("978-0-306-40615-7", True, "EAN", "9780306406157"),
        ("0-306-40615-2", True, "EAN", "9780306406157"),
    ],
)
def test_right_codes_are_sent_as_digits(raw: str, book: bool, kind: str, digits: str) -> None:
    found = identify(raw, book=book).identifier
    assert found is not None
    assert (found.kind, found.digits) == (kind, digits)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("4006381333932", "identifier_check_digit"),
        ("036000291453", "identifier_check_digit"),
        ("12345", "identifier_length"),
        ("0306406152", "identifier_length"),
        ("400638133393115", "identifier_length"),
        ("ABC12345", "identifier_not_digits"),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", "identifier_not_digits"),
    ],
)
def test_wrong_codes_are_refused_in_words(raw: str, code: str) -> None:
    judged = identify(raw)
    assert judged.identifier is None
    assert judged.code == code
    assert judged.sentence.endswith(".")


@pytest.mark.parametrize(
    "raw", [None, "", "  ", "Does not apply", "DOES NOT APPLY", "n/a", "none", "0000000000000", "-"]
)
def test_no_code_is_not_an_error(raw: str | None) -> None:
    assert identify(raw).identifier is None
    assert identify(raw).code == ""


def test_an_isbn_is_one_for_books_only_and_by_priority() -> None:
    books_first = ("ISBN", "EAN", "GTIN", "UPC")
    as_book = identify("9780306406157", priority=books_first, book=True).identifier
    as_other = identify("9780306406157", priority=books_first, book=False).identifier
    assert as_book is not None and as_book.kind == "ISBN"
    assert as_other is not None and as_other.kind == "EAN"


def test_the_priority_chooses_among_several_codes_and_may_leave_a_kind_out() -> None:
    codes = ["036000291452", "4006381333931"]
    by_default, upc_first = first_usable(codes), first_usable(codes, priority=("UPC", "EAN"))
    assert by_default.identifier is not None and by_default.identifier.kind == "EAN"
    assert upc_first.identifier is not None and upc_first.identifier.kind == "UPC"
    assert identify("036000291452", priority=("EAN",)) == identify(None)
    assert first_usable(["12345", None]).code == "identifier_length"
    fourteen = identify("10614141000415", priority=("EAN", "GTIN")).identifier
    assert fourteen is not None and fourteen.kind == "EAN"


def _check_digit(body: str) -> str:
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


@settings(deadline=None)
@given(st.sampled_from([7, 11, 12, 13]), st.data())
def test_any_code_with_its_gs1_check_digit_passes_and_with_another_fails(length: int, data: st.DataObject) -> None:
    body = data.draw(st.text("0123456789", min_size=length, max_size=length).filter(lambda text: text.strip("0")))
    right = _check_digit(body)
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != right]))
    found = identify(body + right)
    assert found.identifier is not None and found.identifier.digits == body + right
    assert identify(body + wrong).code == "identifier_check_digit"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_whatever_is_sent_is_digits_of_a_permitted_length(raw: str) -> None:
    found = identify(raw, book=True)
    assert not (found.identifier and found.code)
    if found.identifier:
        assert found.identifier.kind in PRIORITY
        assert found.identifier.digits.isascii() and found.identifier.digits.isdigit()
        assert len(found.identifier.digits) in (8, 12, 13, 14)
