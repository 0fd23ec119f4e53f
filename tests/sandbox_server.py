"""Starts a real sandbox process for tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


@contextmanager
def running_sandbox(home: Path, products: int = 50) -> Iterator[str]:
    """The base address of a sandbox on a free port with its state in `home`; stopped afterwards."""
    process = start_sandbox(home, products)
    try:
        yield base_url(process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def start_sandbox(home: Path, products: int = 50) -> subprocess.Popen[str]:
    """A sandbox process that prints its address when it is about to serve."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--home", str(home), "--products", str(products)]
    # Stock stands still, so that a test sees only what it did itself.
    command += ["--stock-changes-per-minute", "0"]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def base_url(process: subprocess.Popen[str]) -> str:
    """Wait for the line with the address. The socket listens by then, so a first call merely waits."""
    assert process.stdout is not None
    words = process.stdout.readline().split()
    assert words[:1] == ["sandbox"], f"the sandbox ended with code {process.wait(timeout=60)}"
    return words[1]
