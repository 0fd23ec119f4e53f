"""A whole system for a measurement: a Postgres of its own with ordinary settings, migrated, and a sandbox."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from core.db import embedded
from core.secrets import make_key_file

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Stage:
    """``environment`` is what processes of this system run with; ``sandbox`` the sandbox's address."""

    home: Path
    sandbox: str
    environment: dict[str, str]

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    def run(self, *words: str) -> Any:
        """Run a Python module of ours to its end and return the JSON of the last line it printed."""
        done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, env=self.environment, capture_output=True,
                              text=True, check=False)  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} failed:\n{done.stderr[-3000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def start(self, *words: str, without: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start a process of this system, without some of its settings; who starts it ends it."""
        settings = {name: value for name, value in self.environment.items() if name not in without}
        with open(self.home / "processes.log", "ab") as log:
            return subprocess.Popen([sys.executable, *words], cwd=ROOT, env=settings, stdout=log, stderr=log)

    def control(self, path: str, body: dict[str, Any]) -> Any:
        return httpx.post(f"{self.sandbox}/_sandbox/{path}", json=body, timeout=600).raise_for_status().json()


@contextmanager
def staged(products: int) -> Iterator[Stage]:
    """A running system with so many demo products, the sandbox's rates and our own switched off."""
    home = Path(tempfile.mkdtemp(prefix="crossdock-bench-"))
    home.chmod(0o711)
    cluster = embedded.Cluster(home)
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", "--home", str(home / "sandbox"), "--products", str(products)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        address = _address(sandbox)
        stage = Stage(home, address, _environment(embedded.start(cluster), home, address))
        subprocess.run([sys.executable, "-m", "core.db.migrate"], cwd=ROOT, env=stage.environment, check=True,
                       capture_output=True)  # fmt: skip
        make_key_file(home)
        stage.control("limits", {"off": True})
        stage.control("shopwired/switches", {"stock_changes_per_minute": 0})
        yield stage
    finally:
        sandbox.terminate()
        sandbox.wait(timeout=30)
        embedded.stop(cluster)
        shutil.rmtree(home, ignore_errors=True)


def alternating(rounds: int, *sides: str) -> Sequence[str]:
    """The sides in turn, the order reversed each round, so that neither always runs on a warmer machine."""
    return [side for number in range(rounds) for side in (sides if number % 2 == 0 else sides[::-1])]


def _address(sandbox: subprocess.Popen[str]) -> str:
    assert sandbox.stdout is not None
    words = sandbox.stdout.readline().split()
    if words[:1] != ["sandbox"]:
        raise RuntimeError(f"the sandbox ended with code {sandbox.wait(timeout=5)}")
    return words[1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(database_url: str, home: Path, sandbox: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("CROSSDOCK_")}
    return own | {
        "DATABASE_URL": database_url,
        "CROSSDOCK_HOME": str(home),
        "CROSSDOCK_OWN_RATES": "off",
        "CROSSDOCK_SANDBOX_URL": sandbox,
        "CROSSDOCK_TRUSTED_ORIGINS": sandbox,
        "CROSSDOCK_TIKTOK_API_URL": sandbox,
        "CROSSDOCK_TIKTOK_AUTH_URL": sandbox,
        "CROSSDOCK_GATEWAY_PORT": str(_free_port()),
        "CROSSDOCK_SHOPWIRED_URL": f"{sandbox}/v1",
        "CROSSDOCK_TIKTOK_AUTHORIZE_URL": sandbox,
        "CROSSDOCK_DEMO_SENDS": "0",
        "CROSSDOCK_DEMO_ORDERS": "0",
        "CROSSDOCK_LOG_LEVEL": "warning",
    }
