"""A connection pool whose every read and write ends at one deadline.

httpx and httpcore only time out single reads, so a server that sends a byte a second could hold a call for ever.
Here the network stream itself knows when the whole call has to end.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

_KEPT_ALIVE = 40
_IDLE_SECONDS = 20.0  # below what servers keep open, so that a call seldom meets a connection just closed
_present = threading.local()  # a call is sent and read in one thread


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Every network operation of this thread inside the block ends within ``seconds`` of its start."""
    _present.ends = time.monotonic() + seconds
    try:
        yield
    finally:
        _present.ends = None


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    ends = getattr(_present, "ends", None)
    if ends is None:
        return timeout
    left = float(ends) - time.monotonic()
    if left <= 0:
        raise late("the deadline of the call has passed")
    return left if timeout is None else min(timeout, left)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class DeadlineBackend(httpcore.SyncBackend):
    """Connects as httpcore does, with streams that end at the thread's deadline."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(super().connect_tcp(host, port, left, local_address, socket_options))


class Pool:
    """Keep-alive connections to any host, shared by all threads. Follows no redirects and keeps no cookies."""

    def __init__(self, connections: int = 100, backend: httpcore.NetworkBackend | None = None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=connections,
            max_keepalive_connections=_KEPT_ALIVE,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=backend or DeadlineBackend(),
        )

    def handle(self, request: httpcore.Request) -> httpcore.Response:
        """Send ``request`` and read the head of its answer, within the present ``deadline``.

        Raises httpcore's errors.
        """
        return self._pool.handle_request(request)

    def open(self, request: httpx.Request, seconds: float) -> httpcore.Response:
        """The same for a request that httpx built."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        return self.handle(
            httpcore.Request(
                request.method,
                target,
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}},
            )
        )

    def close(self) -> None:
        self._pool.close()
