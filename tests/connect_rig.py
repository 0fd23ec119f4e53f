"""A sandbox and a database with which a test connects stores and Shops as the console does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import insert

from core import config
from core.db.engine import transaction
from core.db.journal import PostgresJournal
from core.db.tables import users
from core.domain.people import Actor, Role
from core.http.client import HttpClient
from core.ports import Store
from core.services import authorisation, connect_shop
from core.services.connect_store import StoreAdded, connect_store
from core.services.shop_token import ShopTokenVault
from core.services.tiktok_apps import save_app
from core.stores.registry import PLATFORMS
from core.tiktok.auth import TikTokAuth
from core.tiktok.client import TikTokShop
from tests.sandbox_server import running_sandbox
from tests.waiting import HTTP_S

APP_KEY, APP_SECRET, SERVICE_ID = "6f0demo1key", "demo-app-secret-0001", "7420000000000000001"
HARBOUR, QUAY, MAPLE = "7495001122334455667", "7495001122334455789", "7495001122334455901"
HARBOUR_KEYS = {"api_key": "sw-key-harbour", "api_secret": "sw-secret-harbour", "webhook_secret": "sw-hook-harbour"}
QUAY_KEYS = {"api_key": "sw-key-quay", "api_secret": "sw-secret-quay", "webhook_secret": "sw-hook-quay"}


@dataclass
class Rig:
    """``control`` speaks to the sandbox itself, ``boss`` is an administrator."""

    url: str
    control: httpx.Client
    http: HttpClient
    boss: Actor

    def store(self, **keys: str) -> Store:
        return PLATFORMS["shopwired"].make(self.http, f"{self.url}/v1", HARBOUR_KEYS | keys, "new")

    def add_store(self, keys: dict[str, str] | None = None) -> StoreAdded:
        given = keys or HARBOUR_KEYS
        base_url = f"{self.url}/v1"
        return connect_store(
            self.store(**given), platform="shopwired", base_url=base_url, credentials=given, by=self.boss
        )

    def auth(self) -> TikTokAuth:
        return TikTokAuth(
            self.http,
            auth_url=self.url,
            authorize_url=self.url,
            api_url=self.url,
            app_key=APP_KEY,
            app_secret=APP_SECRET,
            service_id=SERVICE_ID,
        )

    def shop(self, shop_id: int, *, cipher: str = "", account: str = HARBOUR) -> TikTokShop:
        return TikTokShop(
            self.http,
            api_url=self.url,
            app_key=APP_KEY,
            app_secret=APP_SECRET,
            cipher=cipher,
            account=account,
            vault=ShopTokenVault(shop_id, self.auth()),
            region="GB",
            currency="GBP",
        )

    def app(self) -> int:
        with transaction() as conn:
            return save_app(conn, app_key=APP_KEY, app_secret=APP_SECRET, service_id=SERVICE_ID, by=self.boss)

    def start(self, store_account_id: int, by: Actor | None = None) -> authorisation.Started:
        app_id = self.app()
        with transaction() as conn:
            return authorisation.start(
                conn, self.auth(), app_id=app_id, store_account_id=store_account_id, by=by or self.boss
            )

    def decide(self, url: str, account: str, decision: str = "approve") -> httpx.Response:
        """The Shop's authorise page, used as ``account``; a redirect when it leads back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return self.control.post("/open/authorize", data=query | {"account": account, "decision": decision})

    def come_back(self, answer: httpx.Response) -> authorisation.Returned:
        """What the gateway does with the redirect."""
        assert answer.status_code == 302, answer.text
        given = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
        with transaction() as conn:
            return authorisation.store_return(
                conn, state=given["state"], code=given.get("code", ""), error=given.get("error", "")
            )

    def granted(self, store_account_id: int, account: str = "harbour.lane") -> authorisation.Grant:
        """All the way to a grant that waits for confirmation."""
        started = self.start(store_account_id)
        assert self.come_back(self.decide(started.url, account)).ok
        return authorisation.exchange(self.auth(), started.key, self.boss)

    def connect(self, store_account_id: int, account: str = "harbour.lane") -> int:
        grant = self.granted(store_account_id, account)
        return connect_shop.confirm(grant.key, grant.shops[0].id, self.boss)

    def calls(self, endpoint: str) -> int:
        counted: dict[str, Any] = self.control.get("/_sandbox/state").json()["calls"]["tiktok"]
        return int(counted.get(endpoint, 0))

    def forget_all(self) -> None:
        """An empty database and a sandbox as new."""
        self.control.post("/_sandbox/reset").raise_for_status()
        self.control.post("/_sandbox/limits", json={"off": True}).raise_for_status()
        with transaction() as conn:
            conn.exec_driver_sql("TRUNCATE users, store_accounts, tiktok_apps, issues, inbox, runs CASCADE")
            conn.exec_driver_sql("TRUNCATE procrastinate_jobs, procrastinate_events CASCADE")
            made = insert(users).values(login="boss", role="admin").returning(users.c.id)
            self.boss = Actor(conn.execute(made).scalar_one(), "boss", Role.ADMIN)


@contextmanager
def running_rig(home: Path, products: int = 20, **variables: str) -> Iterator[Rig]:
    """A rig on the database that is set, with the sandbox's addresses and ``variables`` in the environment."""
    with running_sandbox(home, products) as url, pytest.MonkeyPatch.context() as patch:
        for name in ("SANDBOX", "TIKTOK_API", "TIKTOK_AUTH", "TIKTOK_AUTHORIZE"):
            patch.setenv(f"CROSSDOCK_{name}_URL", url)
        for name, value in variables.items():
            patch.setenv(f"CROSSDOCK_{name}", value)
        config.settings.cache_clear()
        with httpx.Client(base_url=url, timeout=HTTP_S) as control:
            rig = Rig(url, control, HttpClient(PostgresJournal(), None), Actor(None, "boss", Role.ADMIN))
            rig.forget_all()
            yield rig
    config.settings.cache_clear()


def jobs(name: str | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Name and arguments of the jobs that wait, oldest first."""
    with transaction() as conn:
        rows = conn.exec_driver_sql("SELECT task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [(row.task_name, row.args) for row in rows if name in (None, row.task_name)]


def environment() -> dict[str, str]:
    """For processes that a test starts."""
    return dict(os.environ)
