"""A small HTTP server that takes webhooks, for tests of whoever sends them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.waiting import wait_until


@dataclass
class Received:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came in so far. `status` is what is answered from now on, after `wait_seconds`."""

    address: str
    status: int = 200
    wait_seconds: float = 0
    requests: list[Received] = field(default_factory=list)

    def wait_for(self, count: int) -> list[Received]:
        """The requests once there are so many, or an assertion."""
        wait_until(lambda: len(self.requests) >= count, f"the arrival of {count} webhooks")
        return self.requests


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of loopback."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.requests.append(Received({name.lower(): text for name, text in self.headers.items()}, body))
            time.sleep(receiver.wait_seconds)
            self.send_response(receiver.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.address = f"http://127.0.0.1:{server.server_port}/hooks/tiktok"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
