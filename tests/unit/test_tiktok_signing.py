"""The signing vectors: V1 is the worked example of "Sign your API request", all five agree with the official SDK."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tiktok import webhooks
from core.tiktok.signing import ShopClock, sign

SECRET = "e59af819cc"
PLAIN = {"app_key": "29a39d", "timestamp": "1623812664"}
SHOP = PLAIN | {"shop_cipher": "GCP_XF90igAAAABh00qsWgtvOiGFNqyubMt3"}
SEARCH = SHOP | {"page_size": "2", "page_token": "b2Zmc2V0PTI+/="}
IDS = "1729592969712207008,1729592969712207021"

VECTORS = [
    (
        "V1",
        "/authorization/202309/shops",
        PLAIN,
        "",
        "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8",
    ),
    (
        "V2",
        "/product/202502/products/search",
        SEARCH,
        '{"status":"ACTIVATE","seller_skus":["DE-Größe-S"]}',
        "6e7a0141fb13cff37637989695daeec1a746a6d41f381bc29fc891c33e177e3b",
    ),
    (
        "V2b",
        "/product/202502/products/search",
        SEARCH,
        '{"seller_skus":["DE-Größe-S"],"status":"ACTIVATE"}',
        "04d5baeba54c6a2074a9126ee75cc0db9ed0a9abf7bce34d463cdea27b25891c",
    ),
    (
        "V3",
        "/product/202309/images/upload",
        PLAIN,
        "",
        "2f292aaeecc6a6ce8c7240771265c3342b343f27ef91271fe72a9452d74fa844",
    ),
    (
        "V4",
        "/product/202309/products",
        SHOP,
        '{"product_ids":["1729592969712207008","1729592969712207021"]}',
        "efc3cac1557dad9e786319b8c31f0282bd71c24e7f4593ba39c0ec1ac2830e21",
    ),
    (
        "V5",
        "/product/202405/products/diagnoses",
        SHOP | {"product_ids": IDS, "access_token": "x", "sign": "y"},
        "",
        "4b5ba3e38d76b02bfe3f017c78790fa2306a6b6d8312681aee288cb3c11aeb61",
    ),
]


@pytest.mark.parametrize(("name", "path", "query", "body", "expected"), VECTORS, ids=[row[0] for row in VECTORS])
def test_vector(name: str, path: str, query: dict[str, str], body: str, expected: str) -> None:
    assert sign(SECRET, path, query, body.encode()) == expected


@given(st.dictionaries(st.text(min_size=1), st.text()), st.randoms())
def test_the_order_of_the_query_does_not_matter(query: dict[str, str], random: object) -> None:
    names = list(query)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert sign(SECRET, "/p", query) == sign(SECRET, "/p", {name: query[name] for name in names})


def test_one_byte_of_the_body_changes_the_signature() -> None:
    assert sign(SECRET, "/p", PLAIN, b'{"a":1}') != sign(SECRET, "/p", PLAIN, b'{"a": 1}')


def test_clock_follows_the_server() -> None:
    clock = ShopClock()
    now = datetime.now(UTC)
    clock.follow(now + timedelta(minutes=20))
    assert abs(clock.timestamp() - (now.timestamp() + 1200)) <= 1


PUSHES = [
    (
        "abcdef",
        "123",
        b'{"type":1,"tts_notification_id":"7380066284010030890","shop_id":"7495540735365777507","timestamp":1718305585,'
        b'"data":{"is_on_hold_order":true,"order_id":"576653688135258178","order_status":"UNPAID",'
        b'"update_time":1718305585}}',
        "5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05",
    ),
    (
        "k1demo",
        "s1demo",
        b'{"type":1,"tts_notification_id":"9000000000000000001","shop_id":"7000000000000000001","timestamp":1700000000,'
        b'"data":{"is_on_hold_order":false,"order_id":"570000000000000001","order_status":"AWAITING_SHIPMENT",'
        b'"update_time":1700000000}}',
        "2074ee11ff7ba3c75e70e92c51e48a113175d942de8fc91e8edda9b2a4a91f83",
    ),
]


@pytest.mark.parametrize(("app_key", "secret", "body", "digest"), PUSHES)
def test_webhook_signature(app_key: str, secret: str, body: bytes, digest: str) -> None:
    assert webhooks.verify(app_key, secret, body, digest)
    assert not webhooks.verify(app_key, secret, body + b" ", digest)
    assert not webhooks.verify(app_key, "other", body, digest)
    assert not webhooks.verify(app_key, secret, body, "")
    assert not webhooks.verify(app_key, secret, body, "é" * 64)
    assert not webhooks.verify("", "", body, digest)


def test_webhook_is_read() -> None:
    push = webhooks.parse(PUSHES[0][2])
    assert (push.kind, push.shop_id, push.notification_id) == (1, "7495540735365777507", "7380066284010030890")
    assert push.at == datetime(2024, 6, 13, 19, 6, 25, tzinfo=UTC)
    assert push.data["order_id"] == "576653688135258178"


def test_webhook_keeps_every_digit_of_a_product_id_sent_as_a_number() -> None:
    push = webhooks.parse(b'{"type":5,"shop_id":"1","timestamp":1,"data":{"product_id":1729592969712207008}}')
    assert push.product_id == "1729592969712207008"
    assert push.topic == "PRODUCT_STATUS_CHANGE"
    assert push.notification_id == ""


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"type":"x"}', b'{"type":1,"data":[]}', b"[" * 100_000])
def test_a_malformed_webhook_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(webhooks.Malformed, match="TikTok Shop"):
        webhooks.parse(body)
