"""The demo world of a first start: connects the sandbox's store and Shop by the same steps a person takes.

Only where a sandbox is set and nothing was ever connected. The identities are the sandbox's, in ``docs/sandbox.md``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from core import wiring
from core.config import Settings, settings
from core.domain.people import SYSTEM, Actor
from core.logs import log
from core.ports import Marketplace
from core.queue import defer
from core.reads.connections import all_connections
from core.services import (
    authorisation,
    connect_shop,
    connect_store,
    demo_attributes,
    demo_mappings,
    demo_send,
    people,
    product_status,
    tiktok_apps,
)
from core.services.authorisation import AuthorisationError
from core.services.connect_store import StoreRefused
from core.services.database import release_lease, take_lease, transaction

_LEASE_S, _PATIENCE_S, _STEP_S, _AGAIN_S = 180, 120.0, 1.0, 2


@dataclass(frozen=True, slots=True)
class Demo:
    """Who connects what: the owner's TikTok account, the app, the store's keys."""

    app_key: str = "6f0demo1key"
    app_secret: str = "demo-app-secret-0001"
    service_id: str = "7420000000000000001"
    owner: str = "harbour.lane"
    api_key: str = "sw-key-harbour"
    api_secret: str = "sw-secret-harbour"
    webhook_secret: str = "sw-hook-harbour"


class DemoFailed(Exception):
    """The sandbox or the gateway did not do its part; the text says which."""


def ensure_demo(demo: Demo | None = None) -> int | None:
    """Connect the demo store and Shop, once; the connection's id, or None where there is nothing to do.

    Waits up to two minutes for the sandbox and the gateway. Raises ``DemoFailed``.
    """
    config = settings()
    if not config.sandbox_url or all_connections():
        return None
    lease = take_lease("demo", seconds=_LEASE_S)
    if lease is None:
        return None
    try:
        return None if all_connections() else _connect(config, demo or Demo())
    except (StoreRefused, AuthorisationError) as error:
        raise DemoFailed(error.sentence) from error
    finally:
        release_lease("demo", lease)


def _connect(config: Settings, demo: Demo) -> int:
    with httpx.Client(timeout=10, trust_env=False) as browser:
        _register_address(browser, config, demo)
        with transaction() as connection:
            admin = people.ensure_first_admin(connection)
            app_id = tiktok_apps.save_app(
                connection,
                app_key=demo.app_key,
                app_secret=demo.app_secret,
                service_id=demo.service_id,
                name="Sandbox app",
                by=admin,
            )
        store_account_id = _connect_store(config, demo, admin)
        with transaction() as connection:
            auth = wiring.marketplace_auth(app_id)
            started = authorisation.start(connection, auth, app_id=app_id, store_account_id=store_account_id, by=admin)
        _approve(browser, started.url, demo.owner)
    grant = authorisation.exchange(auth, started.key, admin)
    connection_id = connect_shop.confirm(started.key, grant.shops[0].id, admin)
    with transaction() as connection:
        defer(connection, "demo_mappings", after_seconds=_AGAIN_S, connection_id=connection_id)
    _let_buyers_in(config)
    log().info("the demo store and Shop are connected", action="demo", connection=connection_id)
    return connection_id


def _let_buyers_in(config: Settings) -> None:
    """Orders arrive from now on; TikTok's hold hour lasts a minute, so that a newcomer sees one through."""
    control = f"{config.sandbox_url}/_sandbox/tiktok"
    httpx.post(f"{control}/hold_seconds", json={"seconds": 60}, timeout=10, trust_env=False)
    pace = {"orders_per_minute": config.demo_orders}
    httpx.post(f"{control}/buyers", json=pace, timeout=10, trust_env=False)


def _connect_store(config: Settings, demo: Demo, by: Actor) -> int:
    credentials = {
        "api_key": demo.api_key,
        "api_secret": demo.api_secret,
        "webhook_secret": demo.webhook_secret,
    }
    base_url = f"{config.sandbox_url}/v1"
    store = wiring.new_store("shopwired", base_url, credentials)
    added = connect_store.connect_store(store, platform="shopwired", base_url=base_url, credentials=credentials, by=by)
    return added.store_account_id


def _register_address(browser: httpx.Client, config: Settings, demo: Demo) -> None:
    """What a developer does once in Partner Center: say where the authorise page sends people back to."""
    address = {"app_key": demo.app_key, "redirect_url": f"{config.gateway_url}/oauth/tiktok/return"}
    answer = _patiently(lambda: browser.post(f"{config.sandbox_url}/_sandbox/apps", json=address))
    if answer.status_code != 200:
        raise DemoFailed(f"The sandbox did not take the app's return address: {answer.text}")


def _approve(browser: httpx.Client, url: str, owner: str) -> None:
    """What the Shop's owner does on the authorise page, and what their browser does after."""
    asked = httpx.URL(url)
    form = {"account": owner, "decision": "approve"} | dict(asked.params)
    answer = browser.post(asked.copy_with(query=None), data=form)
    if answer.status_code != 302:
        raise DemoFailed(f"The sandbox's authorise page answered {answer.status_code}.")
    back = _patiently(lambda: browser.get(answer.headers["location"]))
    if back.status_code != 200:
        raise DemoFailed(f"The gateway did not keep the authorisation: it answered {back.status_code}.")


def _patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The other process may still be starting."""
    ends = time.monotonic() + _PATIENCE_S
    while True:
        try:
            answer = ask()
            if answer.status_code != 503 or time.monotonic() > ends:
                return answer
        except httpx.TransportError as error:
            if time.monotonic() > ends:
                raise DemoFailed(f"No answer from {error.request.url.host}:{error.request.url.port}.") from error
        time.sleep(_STEP_S)


def map_categories(market: Marketplace, connection_id: int) -> None:
    """The job ``demo_mappings``: once both sides' categories are here, map most of them."""
    if not demo_mappings.is_ready(connection_id):
        _later("demo_mappings", connection_id)
        return
    mapped = demo_mappings.map_most(market, connection_id, SYSTEM)
    log().info("demo categories are mapped", action="demo", mapped=mapped)
    _later("demo_attributes", connection_id)


def answer_attributes(connection_id: int) -> None:
    """The job ``demo_attributes``: once the mapped categories' rules are here, answer most of what they require."""
    if not demo_attributes.is_ready(connection_id):
        _later("demo_attributes", connection_id)
        return
    answered = demo_attributes.answer_most(connection_id, SYSTEM)
    log().info("demo attributes are answered", action="demo", answered=answered)
    _later("demo_send", connection_id)


def send_some(connection_id: int) -> None:
    """The job ``demo_send``: once readiness has judged everything, a part of what is ready is sent, once."""
    if not product_status.is_settled(connection_id):
        _later("demo_send", connection_id)
        return
    run_id = demo_send.send_some(connection_id, SYSTEM.login, most=settings().demo_sends)
    log().info("demo products are being sent", action="demo", run=run_id)


def _later(job: str, connection_id: int) -> None:
    with transaction() as connection:
        defer(connection, job, after_seconds=_AGAIN_S, connection_id=connection_id)


def main() -> None:
    connection_id = ensure_demo()
    log().info("demo", action="demo", connection=connection_id)


if __name__ == "__main__":
    main()
