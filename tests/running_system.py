"""A whole system of a test's own: sandbox, workers, gateway and console as real processes on a real Postgres."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import find_free_port
from tests.sandbox_server import REPOSITORY, running_sandbox
from tests.waiting import HTTP_S, status_of, wait_until


@dataclass
class System:
    """``environment`` is what every process of it runs with; ``workers`` are the living ones."""

    sandbox: str
    environment: dict[str, str]
    logs: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    gateway: subprocess.Popen[bytes] | None = None
    console: subprocess.Popen[bytes] | None = None

    @property
    def console_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['CROSSDOCK_CONSOLE_PORT']}"

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A call to the sandbox's control panel."""
        answer = httpx.request(method, f"{self.sandbox}/_sandbox/{path}", json=body, timeout=HTTP_S)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def start(self, program: str) -> subprocess.Popen[bytes]:
        """``worker.py``, ``gateway.py`` or ``console/serve.py`` as a process with a log of its own."""
        number = len(list(self.logs.iterdir()))
        with (self.logs / f"{number:03}-{Path(program).name}.log").open("wb") as log:
            command = [sys.executable, program]
            return subprocess.Popen(command, cwd=REPOSITORY, env=self.environment, stdout=log, stderr=log)

    def start_worker(self) -> None:
        self.workers.append(self.start("worker.py"))

    def start_console(self) -> None:
        """Comes back once it answers."""
        self.console = self.start("console/serve.py")
        wait_until(lambda: status_of(f"{self.console_url}/login") == 200, "the console's start")

    def kill_worker(self, index: int) -> None:
        """kill -9, and another one in its place, as the supervisor would."""
        worker = self.workers.pop(index)
        worker.kill()
        worker.wait(timeout=60)
        self.start_worker()

    def kill_gateway(self) -> None:
        """kill -9 of the public door, and a new one on the same port."""
        assert self.gateway is not None
        self.gateway.kill()
        self.gateway.wait(timeout=60)
        self.gateway = self.start("gateway.py")

    def stop(self) -> None:
        running = [*self.workers, *(one for one in (self.gateway, self.console) if one is not None)]
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=60)
        self.workers.clear()


@contextmanager
def running_system(home: Path, database_url: str, *, products: int, workers: int, **variables: str) -> Iterator[System]:
    """Sandbox and workers; the demo connection is made by the first worker. ``variables`` are added to the
    environment of our processes."""
    with running_sandbox(home, products) as sandbox:
        logs = home / "logs"
        logs.mkdir(exist_ok=True)
        system = System(sandbox, _environment(home, database_url, sandbox) | variables, logs)
        try:
            system.gateway = system.start("gateway.py")
            for _ in range(workers):
                system.start_worker()
            yield system
        finally:
            system.stop()


def _environment(home: Path, database_url: str, sandbox: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CROSSDOCK_")}
    return kept | {
        "DATABASE_URL": database_url,
        "CROSSDOCK_HOME": str(home),
        "CROSSDOCK_GATEWAY_PORT": str(find_free_port()),
        "CROSSDOCK_CONSOLE_PORT": str(find_free_port()),
        "CROSSDOCK_SANDBOX_URL": sandbox,
        "CROSSDOCK_DEMO_SENDS": "0",
        "CROSSDOCK_DEMO_ORDERS": "0",
        "CROSSDOCK_TIKTOK_API_URL": sandbox,
        "CROSSDOCK_TIKTOK_AUTH_URL": sandbox,
        "CROSSDOCK_TIKTOK_AUTHORIZE_URL": sandbox,
        "CROSSDOCK_EVENTS_URL": sandbox,
        "CROSSDOCK_SHOPWIRED_URL": f"{sandbox}/v1",
        "CROSSDOCK_TRUSTED_ORIGINS": sandbox,
    }
