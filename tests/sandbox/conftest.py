"""A sandbox shared by the tests of one file, and callers of it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.sandbox_server import running_sandbox
from tests.tiktok_caller import Caller
from tests.waiting import HTTP_S


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base address of a running sandbox with 50 demo products."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), products=50) as url:
        yield url


@pytest.fixture
def sandbox(sandbox_url: str) -> Iterator[httpx.Client]:
    """A client of a freshly reset sandbox."""
    with httpx.Client(base_url=sandbox_url, timeout=HTTP_S) as client:
        client.post("/_sandbox/reset").raise_for_status()
        yield client


@pytest.fixture
def caller(sandbox: httpx.Client) -> Caller:
    """Harbour Lane's TikTok shop, without rate limits, its reviewers asleep."""
    sandbox.post("/_sandbox/limits", json={"off": True}).raise_for_status()
    sandbox.post("/_sandbox/review", json={"delay_seconds": 3600}).raise_for_status()
    return Caller(sandbox)
