"""Answers of ShopWired about orders that its sandbox never gives, from a server of our own over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.domain.errors import Unknown
from core.domain.orders import StoreOrderDraft
from core.http.client import HttpClient
from core.ports import Store
from core.stores.registry import PLATFORMS
from core.stores.shopwired.order_body import order_body
from tests.store_harness import CountingJournal, CountingRates
from tests.store_orders_rig import ADDRESS, fresh, line, recently


@contextmanager
def answering(answers: list[tuple[int, str]]) -> Iterator[tuple[str, list[str]]]:
    """A ShopWired that gives these answers to orders, one after the other, and notes what was asked."""
    asked: list[str] = []
    fixed = {"/business": '{"id":1,"countryCode":"GB"}', "/countries": '[{"id":222,"iso":"GB"}]'}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path.removeprefix("/v1")
            self.rfile.read(int(self.headers.get("content-length") or 0))
            if path not in fixed:
                asked.append(f"{self.command} {path}")
            status, text = (200, fixed[path]) if path in fixed else answers.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def shopwired_at(url: str) -> Store:
    credentials = {"api_key": "k", "api_secret": fresh("s")}
    return PLATFORMS["shopwired"].make(HttpClient(CountingJournal(), CountingRates()), url, credentials, "1")


PLAIN = StoreOrderDraft(
    marker="TikTok order 1",
    shop_order_id="1",
    status_id="5",
    address=ADDRESS,
    email="",
    lines=(line("1", "MUG", quantity=1, price="0.07"),),
    shipping_name="Post",
    shipping=Decimal("0.10"),
    discounts=(),
    fees=(),
    total=Decimal("0.17"),
    currency="GBP",
    comments="TikTok order 1",
)
MADE = '{"id":9,"reference":4021,"total":0.17,"comments":"TikTok order 1","status":{"id":5,"name":"Paid"}}'


def test_an_answer_with_little_in_it_is_read_back_after_a_moment() -> None:
    with answering([(201, '{"id":9}'), (404, "{}"), (200, MADE)]) as (url, asked):
        made = shopwired_at(url).create_order(PLAIN)
    assert (made.remote_id, made.number, made.total, made.status) == ("9", "4021", Decimal("0.17"), "Paid")
    assert asked == ["POST /orders", "GET /orders/9", "GET /orders/9"]


def test_an_order_made_that_cannot_be_read_back_is_unknown() -> None:
    with answering([(201, '{"id":9}'), (404, "{}"), (404, "{}")]) as (url, _), pytest.raises(Unknown, match="order 9"):
        shopwired_at(url).create_order(PLAIN)
    with answering([(201, "[]")]) as (url, _), pytest.raises(Unknown, match="looked up"):
        shopwired_at(url).create_order(PLAIN)


def test_a_search_may_answer_with_a_plain_list_of_ids() -> None:
    answers = [(200, "[]"), (200, '[{"id":8},{"id":9,"reference":4021}]'), (404, "{}"), (200, MADE)]
    with answering(answers) as (url, asked):
        (found,) = shopwired_at(url).find_orders("TikTok order 1", since=recently())
    assert found.remote_id == "9"
    assert asked == ["GET /orders", "GET /orders/search", "GET /orders/8", "GET /orders/9"]


def test_a_body_holds_money_as_exact_numbers() -> None:
    body = order_body(PLAIN, country_ids={"GB": 222}, country="GB", vat=Decimal("1.20"))
    assert body["products"][0]["price"] == 0.07
    assert body["shippingRate"]["value"] == 0.08
    assert sum(fee["value"] for fee in body["fees"]) - sum(one["value"] for one in body["discounts"]) == 0
