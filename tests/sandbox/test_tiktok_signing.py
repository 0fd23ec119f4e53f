"""The published signature vectors, and signatures as they arrive over HTTP."""

from __future__ import annotations

import json

import pytest

from sandbox.tiktok.signing import sign_request, sign_webhook
from tests.tiktok_caller import APP_SECRET, Caller, sign

SECRET = "e59af819cc"
COMMON = {"app_key": "29a39d", "timestamp": "1623812664"}
CIPHER = {"shop_cipher": "GCP_XF90igAAAABh00qsWgtvOiGFNqyubMt3"}
SEARCH = "/product/202502/products/search"
PAGE = {"page_size": "2", "page_token": "b2Zmc2V0PTI+/="}
IDS = "1729592969712207008,1729592969712207021"

VECTORS = {
    "V1": (
        "/authorization/202309/shops",
        COMMON,
        "",
        "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8",
    ),
    "V2": (
        SEARCH,
        COMMON | CIPHER | PAGE,
        '{"status":"ACTIVATE","seller_skus":["DE-Größe-S"]}',
        "6e7a0141fb13cff37637989695daeec1a746a6d41f381bc29fc891c33e177e3b",
    ),
    "V2b": (
        SEARCH,
        COMMON | CIPHER | PAGE,
        '{"seller_skus":["DE-Größe-S"],"status":"ACTIVATE"}',
        "04d5baeba54c6a2074a9126ee75cc0db9ed0a9abf7bce34d463cdea27b25891c",
    ),
    "V3": (
        "/product/202309/images/upload",
        COMMON,
        "",
        "2f292aaeecc6a6ce8c7240771265c3342b343f27ef91271fe72a9452d74fa844",
    ),
    "V4": (
        "/product/202309/products",
        COMMON | CIPHER,
        '{"product_ids":["1729592969712207008","1729592969712207021"]}',
        "efc3cac1557dad9e786319b8c31f0282bd71c24e7f4593ba39c0ec1ac2830e21",
    ),
    "V5": (
        "/product/202405/products/diagnoses",
        COMMON | CIPHER | {"product_ids": IDS, "access_token": "x", "sign": "y"},
        "",
        "4b5ba3e38d76b02bfe3f017c78790fa2306a6b6d8312681aee288cb3c11aeb61",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_published_vectors(name: str) -> None:
    path, query, body, expected = VECTORS[name]
    assert sign_request(SECRET, path, query, body.encode()) == expected


def test_published_webhook_vector() -> None:
    data = {
        "is_on_hold_order": True,
        "order_id": "576653688135258178",
        "order_status": "UNPAID",
        "update_time": 1718305585,
    }
    envelope = {
        "type": 1,
        "tts_notification_id": "7380066284010030890",
        "shop_id": "7495540735365777507",
        "timestamp": 1718305585,
        "data": data,
    }
    body = json.dumps(envelope, separators=(",", ":")).encode()
    assert sign_webhook("abcdef", "123", body) == "5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05"


def test_odd_characters_in_a_page_token_are_signed_decoded(caller: Caller) -> None:
    answer = caller.answer("POST", SEARCH, {}, page_size="2", page_token="b2Zmc2V0PTI+/=")
    assert answer["code"] == 12019108, "the token is nonsense, but its signature is right"


def test_the_signed_bytes_are_the_sent_bytes(caller: Caller) -> None:
    body = b'{"status" : "ALL"}'
    assert caller.answer("POST", SEARCH, body, page_size="2")["code"] == 0
    response = caller.call("POST", SEARCH, body, page_size="2")
    url = response.request.url
    headers = {"x-tts-access-token": caller.token, "content-type": "application/json"}
    respaced = caller.http.post(url, content=b'{"status": "ALL"}', headers=headers)
    assert (respaced.status_code, respaced.json()["code"]) == (401, 106001)


def test_an_empty_object_passes_signed_or_unsigned(caller: Caller) -> None:
    signed = caller.call("POST", SEARCH, b"{}", page_size="2")
    query = {key: value for key, value in dict(signed.request.url.params).items() if key != "sign"}
    unsigned = caller.call("POST", SEARCH, b"{}", **query, sign=sign(APP_SECRET, SEARCH, query))
    assert (signed.json()["code"], unsigned.json()["code"]) == (0, 0)
