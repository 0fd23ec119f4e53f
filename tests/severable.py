"""A TCP proxy that a test can cut and mend: a database that goes away and comes back, for one process only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Wire:
    """Forwards 127.0.0.1:``port`` to ``target``."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """Nobody gets through, and those who were through are thrown out."""
        for one in [self._listener, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def mend(self) -> None:
        self._listener = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def severable(database_url: str) -> Iterator[tuple[Wire, str]]:
    """A wire to the database and the URL that goes through it."""
    parts = urlsplit(database_url)
    wire = Wire((parts.hostname or "127.0.0.1", parts.port or 5432))
    account = f"{parts.username}:{parts.password}@" if parts.username else ""
    try:
        yield wire, parts._replace(netloc=f"{account}127.0.0.1:{wire.port}").geturl()
    finally:
        wire.cut()
