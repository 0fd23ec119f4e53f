"""Serves the sandbox on a socket: uvicorn with a protocol that lets a call cut its own connection."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


class CuttableProtocol(H11Protocol):
    """Puts `sandbox.abort` into every scope: a function that drops the connection without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the app for this connection."""
        super().connection_made(transport)
        inner: Any = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["sandbox.abort"] = transport.abort
            await inner(scope, receive, send)

        self.app = app


def listen(port: int) -> socket.socket:
    """A socket on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
    # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it every answer waits 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(512)
    return sock


def serve_for_ever(app: ASGIApp, sock: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl+C, then stop within a second whatever is still running."""
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
        date_header=False,  # calls.serve writes it from the sandbox's clock
        lifespan="on",
    )
    uvicorn.Server(config).run(sockets=[sock])
