"""Clients of the sandbox's ShopWired, and a receiver for its webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.waiting import HTTP_S

HARBOUR = ("sw-key-harbour", "sw-secret-harbour")
QUAY = ("sw-key-quay", "sw-secret-quay")
LIMITED = ("sw-key-limited", "sw-secret-harbour")
HARBOUR_HOOK_SECRET = "sw-hook-harbour"


def shop_client(base_url: str, credentials: tuple[str, str] | None = HARBOUR) -> httpx.Client:
    """A client of `/v1` with the credentials of a business."""
    return httpx.Client(base_url=f"{base_url}/v1", auth=credentials, timeout=HTTP_S)


@dataclass
class Receiver:
    """What came in, and how to answer: `status` after `seconds` for events, `secret` for the handshake."""

    url: str = ""
    secret: str = HARBOUR_HOOK_SECRET
    status: int = 200
    seconds: float = 0.0
    handshakes: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    signatures_right: list[bool] = field(default_factory=list)

    def take(self, body: bytes, signature: str | None) -> tuple[int, bytes]:
        """Status and body of the answer."""
        right = hmac.new(HARBOUR_HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        self.signatures_right.append(signature == right)
        message = json.loads(body)
        if "verificationToken" in message:
            self.handshakes += 1
            token = message["verificationToken"].encode()
            return 200, hmac.new(self.secret.encode(), token, hashlib.sha256).hexdigest().encode()
        self.events.append(message["event"])
        time.sleep(self.seconds)
        return self.status, b""


@contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    """A real HTTP server on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = receiver.take(body, self.headers.get("X-ShopWired-Signature"))
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with suppress(BrokenPipeError):  # a sender that waited too long has gone
                self.wfile.write(answer)

        def log_message(self, *parts: object) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
