"""The control panel: what it counts, what it refuses, and that state outlives the process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox_server import base_url, running_sandbox, start_sandbox
from tests.tiktok_caller import Caller, product_body
from tests.waiting import HTTP_S


def test_calls_are_counted_by_template(caller: Caller, sandbox: httpx.Client) -> None:
    for id in ("1", "2"):
        caller.call("GET", f"/product/202309/products/{id}")
    calls = sandbox.get("/_sandbox/state").json()["calls"]["tiktok"]
    assert calls["GET /product/202309/products/{product_id}"] == 2
    assert calls["GET /api/v2/token/get"] == 1


def test_reset_forgets_everything(caller: Caller, sandbox: httpx.Client) -> None:
    caller.create(product_body(caller.image()))
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 1000})
    assert sandbox.post("/_sandbox/reset").json() == {"reset": True}
    state = sandbox.get("/_sandbox/state").json()
    assert (state["tiktok"]["products_created"], state["tiktok"]["images"]) == (0, 0)
    assert state["calls"]["tiktok"] == {}
    assert abs(state["now"] - time.time()) < 5
    assert caller.call("GET", "/product/202309/products/1").json()["code"] == 36009004


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/_sandbox/reset", {"x": 1}, "'x' is unknown"),
        ("/_sandbox/clock", {"shift_seconds": "soon"}, "'shift_seconds' needs a number"),
        ("/_sandbox/limits", {"shopify": {}}, "'shopify' is unknown"),
        ("/_sandbox/limits", {"tiktok": {"speed": 1}}, "'speed' is unknown under tiktok"),
        ("/_sandbox/limits", {"tiktok": {"reads_per_second": 0}}, "needs a number above 0"),
        ("/_sandbox/limits", {"tiktok": {"daily_products": {"5": 1}}}, "There is no shop 5."),
        ("/_sandbox/faults", {"rules": [{"fault": "meteor"}]}, "unknown fault 'meteor'"),
        ("/_sandbox/faults", {"rules": [{"fault": "slow", "rate": 2}]}, "a number from 0 to 1"),
        ("/_sandbox/faults", {"rules": [{"fault": "slow", "often": 2}]}, "unknown key 'often'"),
        ("/_sandbox/review", {"product_ids": ["5"]}, "There is no product '5'."),
        ("/_sandbox/review", {"verdict": "approve"}, "needs 'product_ids'"),
        ("/_sandbox/apps", {"app_key": "x", "redirect_url": "y"}, "no app with the key 'x'"),
        ("/_sandbox/shops", {"shop_id": "5", "active": False}, "There is no shop '5'."),
        ("/_sandbox/revoke", {"app_key": "x", "shop_id": "5"}, "has not authorized"),
        ("/_sandbox/enforce", {"status": "GONE"}, "'GONE' is unknown"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(
    sandbox: httpx.Client, path: str, body: dict[str, Any], words: str
) -> None:
    response = sandbox.post(path, json=body)
    assert response.status_code == 422
    assert words in response.json()["error"]


def test_a_body_that_is_no_json(sandbox: httpx.Client) -> None:
    response = sandbox.post("/_sandbox/clock", content=b"{")
    assert (response.status_code, "must be JSON" in response.json()["error"]) == (422, True)


def test_apps_are_listed_without_secrets(sandbox: httpx.Client) -> None:
    listed = sandbox.get("/_sandbox/apps")
    assert listed.json()["apps"][0]["app_key"] == "6f0demo1key"
    assert "demo-app-secret" not in listed.text


def test_state_outlives_the_process(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, products=5) as url, httpx.Client(base_url=url, timeout=HTTP_S) as http:
        http.post("/_sandbox/limits", json={"off": True})
        http.post("/_sandbox/review", json={"delay_seconds": 3600})
        caller = Caller(http)
        id = caller.create(product_body(caller.image()))["product_id"]
    with running_sandbox(tmp_path, products=5) as url, httpx.Client(base_url=url, timeout=HTTP_S) as http:
        caller.http = http
        assert caller.product(id)["status"] == "PENDING"
        state = http.get("/_sandbox/state").json()
        assert state["tiktok"]["products_created"] == 1
        assert state["calls"]["tiktok"]["POST /product/202309/products"] == 1


def test_it_stops_even_while_answering(tmp_path: Path) -> None:
    process = start_sandbox(tmp_path, products=5)
    url = base_url(process)
    rule = {"endpoint": "GET /api/v2/token/get", "fault": "slow", "seconds": 30}
    httpx.post(f"{url}/_sandbox/faults", json={"rules": [rule]}, timeout=HTTP_S)
    with pytest.raises(httpx.TimeoutException):
        httpx.get(f"{url}/api/v2/token/get", timeout=0.3)
    start = time.monotonic()
    process.terminate()
    process.wait(timeout=60)
    assert time.monotonic() - start < 20, "it waited for the answer to end"


def test_a_taken_port_is_one_sentence(tmp_path: Path, sandbox_url: str) -> None:
    port = sandbox_url.rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", "--port", port, "--home", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr == f"Port {port} is taken; set CROSSDOCK_SANDBOX_PORT or --port to a free one.\n"
