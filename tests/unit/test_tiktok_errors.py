"""What TikTok Shop's codes become, and the words they are given."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.errors import (
    Conflict,
    Expired,
    Missing,
    NotConfigured,
    RateLimited,
    Refused,
    RemoteError,
    Temporary,
    Unknown,
)
from core.http import policy
from core.tiktok import error_codes
from core.tiktok.endpoints import IMAGE_UPLOAD, INVENTORY_UPDATE, PRODUCT_CREATE, PRODUCT_GET, Endpoint
from core.tiktok.errors import ClockOff, Said, TokenRejected, auth_error_of, error_of, item_error_of, sentence_of
from core.tiktok.fields import Fields

MORE = " For more details: https://m.tiktok.shop/s/AIrCq9"


def told(code: str, message: str = "", endpoint: Endpoint = PRODUCT_GET, **headers: str) -> RemoteError:
    return error_of(Said(code, message, "REQ1", headers, endpoint))


@pytest.mark.parametrize(
    ("code", "read", "write"),
    [
        ("36009003", Temporary, Unknown),
        ("36009007", Temporary, Unknown),
        ("12052881", Temporary, Unknown),
        ("36009002", RateLimited, RateLimited),
        ("36009037", RateLimited, RateLimited),
        ("36009009", Refused, Refused),
        ("36009033", NotConfigured, NotConfigured),
        ("36009043", NotConfigured, NotConfigured),
        ("101000", Expired, Expired),
        ("105001", TokenRejected, TokenRejected),
        ("105002", TokenRejected, TokenRejected),
        ("105005", NotConfigured, NotConfigured),
        ("106001", NotConfigured, NotConfigured),
        ("106011", Expired, Expired),
        ("106013", Refused, Refused),
        ("12019150", Missing, Missing),
        ("12052032", Missing, Missing),
        ("12052901", Conflict, Conflict),
        ("12052104", Refused, Refused),
        ("12052223", NotConfigured, NotConfigured),
        ("12052093", RateLimited, RateLimited),
        ("99999999", Refused, Refused),
    ],
)
def test_class_of_a_code(code: str, read: type, write: type) -> None:
    assert type(told(code, "words")) is read
    found = told(code, "words", PRODUCT_CREATE)
    assert type(found) is write
    assert (found.code, found.request_id) == (code, "REQ1")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Invalid timestamp. The 'timestamp' query parameter must not be earlier than 5 minutes before …", ClockOff),
        ("Invalid timestamp. The `timestamp` must not exceed the current time by more than 30 seconds.", ClockOff),
        ("Invalid timestamp. It must not be lesser than 0.", ClockOff),
        ("Invalid credentials. The 'x-tts-access-token' header is invalid.", TokenRejected),
        ("Invalid credentials. The 'access_token' header is invalid.", TokenRejected),
        ("Invalid credentials. Invalid 'app_key' query parameter.", NotConfigured),
        ("Missing credentials. The request does not include a required signature in the query.", NotConfigured),
        ("Unexpected identifier. The 'shop_cipher' query parameter is not required for this request.", Expired),
        ("Invalid identifier. The 'shop_id' query parameter is invalid.", Expired),
        ("MainImages is a required field and has not been provided.", Refused),
        ("invalid param error", Refused),
        ("", Refused),
    ],
)
def test_the_overloaded_code_is_split_by_its_words(message: str, kind: type) -> None:
    assert type(told("36009004", message + MORE)) is kind


def test_a_missing_scope_names_scope_screen_and_what_stops() -> None:
    sentence = told("105005", "Access denied.", PRODUCT_CREATE).sentence
    assert "seller.product.write" in sentence and "product create" in sentence and "Settings, Connection" in sentence


def test_retry_after_is_obeyed() -> None:
    found = told("36009002", "Too many requests", **{"retry-after": "30"})
    assert isinstance(found, RateLimited)
    assert timedelta(seconds=28) < found.until - datetime.now(UTC) <= timedelta(seconds=30)
    silent = told("36009002", "Too many requests")
    assert isinstance(silent, RateLimited) and silent.until == policy.NOT_SAID


def test_the_hourly_cap_of_a_development_shop_waits_for_the_hour() -> None:
    found = told("36009037", "cap")
    assert isinstance(found, RateLimited)
    assert (found.until.minute, found.until.second) == (0, 0)
    assert timedelta(0) < found.until - datetime.now(UTC) <= timedelta(hours=1)
    assert "start anew at" in found.sentence


def test_the_sentence_keeps_tiktoks_words_and_says_what_to_do() -> None:
    assert told("12052104", "missing product attribute ID 100107." + MORE, PRODUCT_CREATE).sentence == (
        "A required attribute is missing: missing product attribute ID 100107. "
        "Give the product a value for it under Mappings, Attributes."
    )


def test_a_new_code_says_that_it_is_new() -> None:
    assert told("12059999", "Something else.").sentence == (
        "TikTok Shop refused with the new code 12059999: Something else."
    )


def test_an_upload_that_fails_inside_is_temporary() -> None:
    assert type(told("36009003", "", IMAGE_UPLOAD)) is Temporary
    assert type(told("36009003", "", INVENTORY_UPDATE)) is Unknown


def test_codes_of_the_token_host() -> None:
    assert type(auth_error_of("36004004", "invalid auth code", "R")) is Expired
    assert type(auth_error_of("36004001", "rt has expired", "R")) is Expired
    assert type(auth_error_of("98001004", "parameter invalid", "R")) is NotConfigured
    assert "new code 36004999" in auth_error_of("36004999", "odd", "R").sentence


def test_an_item_error_prefers_what_is_more_exact() -> None:
    entry = {
        "code": 12019024,
        "message": "stock count is invalid",
        "detail": {
            "sku_id": "1729700000000010117",
            "extra_errors": [{"code": 12052055, "message": "must be within limits.", "warehouse_id": "7068"}],
        },
    }
    found = item_error_of(Fields(entry, "errors"))
    assert (found.item_id, found.code) == ("1729700000000010117", "12052055")
    assert found.sentence.startswith("A stock quantity is not accepted: must be within limits.")


def test_an_item_error_without_detail_still_says_something() -> None:
    found = item_error_of(Fields({"code": 12052032, "message": "The product does not exist"}, "errors"))
    assert (found.item_id, found.code) == ("", "12052032")
    assert "does not exist" in found.sentence


def test_every_row_is_a_plain_sentence_and_every_code_stands_once() -> None:
    rows = (*error_codes.GATEWAY, *error_codes.PRODUCTS, *error_codes.ORDERS)
    codes = [code for row in rows for code in row[0].split()]
    assert len(codes) == len(set(codes)) > 250
    for _, _, meaning, fix in (*rows, *error_codes.AUTH_HOST):
        assert re.fullmatch(r"[A-Z][^.!]*", meaning), meaning
        assert fix == "" or re.fullmatch(r"[A-Z][^!]*\.", fix), fix
    assert all(sentence_of(code, "why").count("why") == 1 for code in codes)
