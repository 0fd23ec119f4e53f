"""What the store tests need of each platform's sandbox: keys, and a merchant's hand that changes things there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from core.http.client import HttpClient
from core.ports import Exchange, Store
from core.stores.registry import PLATFORMS, Platform
from tests.waiting import HTTP_S, wait_until

_hand = httpx.Client(timeout=HTTP_S)  # one for all: making one takes longer than a call


class CountingJournal:
    """Keeps what was called."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def keep(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def paths(self) -> list[str]:
        return [f"{exchange.method} {exchange.endpoint}" for exchange in self.exchanges]


class CountingRates:
    """Lets everything through and remembers who asked for permits and who was told to slow down."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, int]] = []
        self.slowed: list[tuple[str, datetime]] = []

    def take(self, key: str, *, priority: int, deadline_s: float) -> None:
        self.taken.append((key, priority))

    def slow_down(self, key: str, until: datetime) -> None:
        self.slowed.append((key, until))


@dataclass
class Merchant:
    """Works in the sandbox's ShopWired admin through its API."""

    base: str
    key: str = "sw-key-harbour"
    secret: str = "sw-secret-harbour"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = _hand.request(method, f"{self.base}/v1{path}", json=body, auth=(self.key, self.secret))
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def count(self) -> int:
        return int(self.ask("GET", "/products/count")["count"])

    def create(self, title: str, sku: str, stock: int = 5, *, net_prices: bool = False) -> str:
        body = {"title": title, "sku": sku, "stock": stock, "price": 10, "active": True, "vatExclusive": net_prices}
        return str(self.ask("POST", "/products", body)["id"])

    def rename(self, remote_id: str, title: str) -> None:
        self.ask("PUT", f"/products/{remote_id}", {"title": title})

    def restock(self, sku: str, quantity: int) -> None:
        self.ask("POST", "/stock", {"sku": sku, "quantity": quantity})

    def order(self, remote_id: str) -> Any:
        """An order with everything the admin shows of it."""
        parts = "status,billing_address,shipping_address,shipping,discounts,fees,admin_comments,products"
        return self.ask("GET", f"/orders/{remote_id}?embed={parts}")

    def add_picture(self, remote_id: str, url: str) -> int:
        return int(self.ask("POST", f"/products/{remote_id}/images", {"image": url})["id"])

    def delete_picture(self, remote_id: str, picture_id: int) -> None:
        self.ask("DELETE", f"/products/{remote_id}/images/{picture_id}")

    def add_rate(self, name: str) -> int:
        """A shipping rate; several may have one name."""
        body = {"country": 222, "name": name, "criteria": "price", "from": 0, "to": 0, "cost": 4.5}
        return int(self.ask("POST", "/shipping-rates", body | {"vatExclusive": False})["id"])

    def delete_rate(self, rate_id: int) -> None:
        self.ask("DELETE", f"/shipping-rates/{rate_id}")

    def delete_order(self, remote_id: str) -> None:
        self.ask("DELETE", f"/orders/{remote_id}")

    def delete(self, remote_id: str) -> None:
        self.ask("DELETE", f"/products/{remote_id}")


@dataclass
class StoreAtSandbox:
    """A platform's store as its adapter reaches it, the merchant behind it, and how to make further ones."""

    platform: Platform
    base: str
    merchant: Merchant
    journal: CountingJournal = field(default_factory=CountingJournal)
    rates: CountingRates = field(default_factory=CountingRates)

    def __post_init__(self) -> None:
        self.http = HttpClient(self.journal, self.rates)

    def store(self, **credentials: str) -> Store:
        return self.platform.make(self.http, f"{self.base}/v1", self.credentials() | credentials, "1")

    def credentials(self) -> dict[str, str]:
        return {"api_key": self.merchant.key, "api_secret": self.merchant.secret, "webhook_secret": "sw-hook-harbour"}

    def control(self, path: str, body: dict[str, Any], method: str = "POST") -> Any:
        answer = _hand.request(method, f"{self.base}/_sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json()


def at_sandbox(name: str, base: str) -> StoreAtSandbox:
    """The named platform's store at the sandbox, with rates off and nothing happening by itself."""
    found = StoreAtSandbox(PLATFORMS[name], base, Merchant(base))
    found.control("limits", {"off": True})
    found.control("shopwired/switches", {"stock_changes_per_minute": 0})
    return found


@dataclass
class Receiver:
    """An address that takes webhooks; the gateway's part in tests."""

    address: str
    bodies: list[bytes] = field(default_factory=list)

    def wait_for(self, wanted: Callable[[bytes], bool]) -> bytes:
        wait_until(lambda: any(map(wanted, list(self.bodies))), "the arrival of such a webhook")
        return next(filter(wanted, self.bodies))


@contextmanager
def receiving(platform: Platform, secret: str) -> Iterator[Receiver]:
    """Receive webhooks as the platform wants them answered; those not genuine get 403 and are not kept."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            genuine = platform.is_genuine(secret, dict(self.headers), body)
            token = platform.handshake(secret, body) if genuine else None
            if genuine and token is None:
                receiver.bodies.append(body)
            self.send_response(200 if genuine else 403)
            self.send_header("content-type", "text/plain")
            self.end_headers()
            self.wfile.write((token or "").encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.address = f"http://127.0.0.1:{server.server_address[1]}/webhooks/store"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
