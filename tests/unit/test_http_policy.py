"""What statuses mean, how long to wait, what is repeated and what may be kept of a call."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import Conflict, Expired, Missing, NotConfigured, RateLimited, Refused, Temporary, Unknown
from core.http import policy, redaction
from core.http.client import encoded_query

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "write", "kind"),
    [
        (200, True, type(None)),
        (204, False, type(None)),
        (302, False, Refused),
        (400, True, Refused),
        (401, False, Expired),
        (403, False, NotConfigured),
        (404, False, Missing),
        (408, True, Temporary),
        (409, True, Conflict),
        (422, True, Refused),
        (429, True, RateLimited),
        (500, False, Temporary),
        (500, True, Unknown),
        (502, True, Unknown),
        (503, True, Temporary),
        (504, False, Temporary),
    ],
)
def test_status_means(status: int, write: bool, kind: type) -> None:
    found = policy.by_status(status, {}, who="ShopWired", what="GET /products", write=write, detail="why")
    assert type(found) is kind


def test_sentence_names_the_place_and_the_detail() -> None:
    found = policy.by_status(404, {}, who="ShopWired", what="GET /products/{id}", write=False, detail="no such product")
    assert str(found) == "ShopWired does not have GET /products/{id} (status 404): no such product."


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0", 0), ("1.5", 1.5), ("-3", 0), ("999999", 3600), ("soon", None), ("nan", None), ("", None)],
)
def test_retry_after_seconds(text: str, seconds: float | None) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert policy.retry_after({"retry-after": text}, NOW) == expected


def test_retry_after_date() -> None:
    then = NOW + timedelta(seconds=90)
    assert policy.retry_after({"retry-after": format_datetime(then, usegmt=True)}, NOW) == then


def test_backoff_doubles_once_per_rest_and_is_capped() -> None:
    backoff = policy.Backoff(first_s=0.0)
    start = datetime.now(UTC)
    first = backoff.next("a")
    assert backoff.next("a") == first, "a refusal during the rest does not lengthen it"
    assert timedelta(0) <= first - start < timedelta(seconds=0.7)

    capped = policy.Backoff(first_s=1000.0)
    assert timedelta(seconds=59) < capped.next("b") - datetime.now(UTC) < timedelta(seconds=61)
    capped.clear("b")
    assert capped.next("b") > datetime.now(UTC) + timedelta(seconds=59)


def test_reading_repeats_temporary_trouble_only() -> None:
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise Temporary("not now")
        return "done"

    with stamina.set_testing(True, attempts=4):
        assert policy.reading(work) == "done"
    assert len(calls) == 3


@pytest.mark.parametrize("error", [Refused("no"), Unknown("perhaps"), Missing("gone")])
def test_reading_does_not_repeat_what_is_certain(error: Exception) -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        policy.reading(work)
    assert len(calls) == 1


def test_reading_leaves_a_long_wait_to_the_queue() -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        raise RateLimited("slow down", until=datetime.now(UTC) + timedelta(minutes=5))

    with pytest.raises(RateLimited):
        policy.reading(work)
    assert len(calls) == 1


def test_secrets_and_people_leave_the_text() -> None:
    body = (
        b'{"access_token":"GCP_abc\\"x","n":1,"data":{"phone_number": "+44 7700 900123","postal_code":12345,'
        b'"recipient":{"full_address":"1 High St"},"title":"Mug","address":{"a":"b"},"own":["x","y"]}}'
    )
    text = redaction.body_text(body, private=("own",))
    for gone in ("GCP_abc", '"x', "7700", "12345", "High St", '"b"', '"y"'):
        assert gone not in text
    assert '"title":"Mug"' in text and '"n":1' in text


ADDRESS = {"name": "Ann SECRET", "addressLine1": "1 SECRET St {rear door}", "city": "SECRETville"}


@pytest.mark.parametrize(
    "values",
    [
        {"shippingAddress": ADDRESS},
        {"shippingAddress": ADDRESS | {"addressLine2": "} ] \\", "country": {"id": 3, "names": ["SECRET"]}}},
        {"customFields": {"note": "Hi :} my name is SECRET", "other": "SECRET"}},
        {"customFields": ["] SECRET", "{[ SECRET", {"note": 'a "quoted" SECRET'}]},
        {"emailAddress": "SECRET@x", "addressLine1": "SECRET", "addressLine2": "SECRET", "addressLine3": "SECRET"},
        {"city": "SECRET", "title": "Mug"},
    ],
)
def test_braces_in_what_people_write_let_nothing_out(values: dict[str, object]) -> None:
    body = json.dumps({"a": 1, **values, "z": {"kept": 2}})
    private = ("shippingaddress", "customfields")
    assert '"kept": 2' in redaction.body_text(body.encode(), private)
    for end in range(len(body)):
        assert "SECRET" not in redaction.body_text(body[:end].encode(), private)


@given(st.text(), st.integers(0, 60))
def test_a_secret_cut_off_in_the_middle_is_gone_too(secret: str, keep: int) -> None:
    marked = f"SECRET{secret}".encode("unicode_escape").decode().replace('"', "").replace("\\", "")
    body = f'{{"ok":1,"refresh_token":"{marked}"'.encode()[: 26 + keep]
    assert "SEC" not in redaction.body_text(body)


def test_a_large_body_is_cut_and_says_so() -> None:
    text = redaction.body_text(b"x" * 1_000_000)
    assert len(text) < redaction.KEPT_CHARACTERS + 50
    assert text.endswith("[1,000,000 bytes in all]")


def test_query_keeps_names_and_hides_secrets() -> None:
    assert redaction.query_text({"app_key": "k", "sign": "s", "auth_code": "c"}) == (
        "?app_key=k&sign=[redacted]&auth_code=[redacted]"
    )


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_encoded_query_is_read_back_as_it_was(query: dict[str, str]) -> None:
    from urllib.parse import unquote

    encoded = encoded_query(query)
    assert "+" not in encoded and " " not in encoded and "/" not in encoded
    pairs = [part.split("=") for part in encoded.split("&")] if query else []
    assert {unquote(name): unquote(value) for name, value in pairs} == query
