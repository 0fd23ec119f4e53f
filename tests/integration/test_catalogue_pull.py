"""catalogue_pull on a real Postgres and the real sandbox: whole, interrupted, by the feed, deletions, side by side."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from core.config import Settings
from core.db.engine import now, transaction
from core.db.tables import (
    connections,
    listing_skus,
    listings,
    product_states,
    products,
    pull_states,
    shops,
    store_accounts,
    store_brands,
    store_categories,
    tiktok_apps,
    variants,
)
from core.domain.errors import Expired, Temporary
from core.ports import Store
from core.services.catalogue_pull import Pulled, pull_catalogue, pull_products
from core.services.pull_lease import LeaseLost, PullLease, pull_state, take_pull
from tests.sandbox_server import running_sandbox
from tests.store_harness import StoreAtSandbox, at_sandbox
from tests.waiting import wait_until

PRODUCTS = 230
ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys
from core.services import catalogue_pull
from tests.store_harness import StoreAtSandbox, Merchant, PLATFORMS
catalogue_pull._PAGES_AT_ONCE = 1
there = StoreAtSandbox(PLATFORMS["shopwired"], sys.argv[1], Merchant(sys.argv[1]))
catalogue_pull.pull_catalogue(there.store(), int(sys.argv[2]), full=True)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(Path(tmp_path_factory.mktemp("sandbox")), PRODUCTS) as base:
        yield base


@dataclass
class World:
    """A fresh store account with one connection, and the sandbox's store behind it."""

    there: StoreAtSandbox
    account: int
    connection: int

    def pull(self, *, full: bool = False, store: Store | None = None) -> Pulled:
        return pull_catalogue(store or self.there.store(), self.account, full=full)

    def live(self) -> int:
        its = (products.c.store_account_id == self.account, products.c.deleted_at.is_(None))
        return int(scalar(select(func.count()).select_from(products).where(*its)))

    def product(self, remote_id: str) -> Any:
        its = (products.c.store_account_id == self.account, products.c.remote_id == remote_id)
        with transaction() as connection:
            return connection.execute(select(products).where(*its)).one_or_none()

    def calls(self) -> Counter[str]:
        """The calls made since the last time this was asked."""
        counted = Counter(self.there.journal.paths())
        self.there.journal.exchanges.clear()
        return counted

    def jobs(self) -> Counter[str]:
        with transaction() as connection:
            rows = connection.execute(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'"))
            return Counter(row.task_name for row in rows)


def scalar(statement: Any) -> Any:
    with transaction() as connection:
        return connection.scalar(statement)


@pytest.fixture
def world(base: str, database: Settings) -> Iterator[World]:
    there = at_sandbox("shopwired", base)
    with transaction() as connection:
        for table in (listing_skus, listings, product_states, connections, shops, tiktok_apps, store_accounts):
            connection.execute(table.delete())
        connection.execute(text("DELETE FROM procrastinate_jobs"))
        account = connection.scalar(store_accounts.insert().values(
            platform="shopwired", base_url=base, business_id="1", name="Harbour Lane", country="GB", currency="GBP",
            credentials=b"").returning(store_accounts.c.id))  # fmt: skip
        app = connection.scalar(tiktok_apps.insert().values(
            app_key="k", app_secret=b"", service_id="s").returning(tiktok_apps.c.id))  # fmt: skip
        shop = connection.scalar(shops.insert().values(
            app_id=app, remote_id="1", name="Shop", region="GB", cipher="c").returning(shops.c.id))  # fmt: skip
        joined = connection.scalar(connections.insert().values(
            store_account_id=account, shop_id=shop, name="Harbour").returning(connections.c.id))  # fmt: skip
    yield World(there, int(account or 0), int(joined or 0))
    there.control("faults", {}, method="DELETE")


class Dying(Exception):
    """Stands for kill -9 at this point: nothing after it happens."""


class DyingStore:
    """The real store until ``pages`` pages were handed out or ``singles`` products read."""

    def __init__(self, store: Store, *, pages: int = 10**6, singles: int = 10**6) -> None:
        self._store, self._pages, self._singles = store, pages, singles

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def products(self, *, offset: int = 0) -> Iterator[Sequence[Any]]:
        for page in self._store.products(offset=offset):
            if self._pages == 0:
                raise Dying
            self._pages -= 1
            yield page

    def product(self, remote_id: str) -> Any:
        if self._singles == 0:
            raise Dying
        self._singles -= 1
        return self._store.product(remote_id)


def test_a_full_pull_brings_everything(world: World) -> None:
    pulled = world.pull(full=True)
    assert pulled == Pulled(True, read=PRODUCTS, changed=PRODUCTS, deleted=0)
    assert world.live() == world.there.merchant.count()
    remote_variants = sum(len(product.variants) for page in world.there.store().products() for product in page)
    assert scalar(select(func.count()).select_from(variants)) == remote_variants
    assert scalar(select(func.count()).select_from(store_categories)) == len(world.there.store().categories())
    assert scalar(select(func.count()).select_from(store_brands)) == len(world.there.store().brands())
    state = pull_state(world.account)
    assert not state.full_under_way
    assert state.full_total == PRODUCTS


def test_a_full_pull_has_everything_looked_at(world: World) -> None:
    world.pull(full=True)
    mine = product_states.c.connection_id == world.connection
    assert scalar(select(func.count()).select_from(product_states).where(mine)) == PRODUCTS
    assert world.jobs() == Counter({"product_readiness": 1, "picture_check": 1})


def test_the_same_again_changes_nothing(world: World) -> None:
    world.pull(full=True)
    with transaction() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))
        connection.execute(update(product_states).values(assessed_hash="x"))
    assert world.pull(full=True) == Pulled(True, read=PRODUCTS, changed=0, deleted=0)
    assert world.jobs() == Counter()
    assert scalar(select(func.count()).select_from(product_states).where(product_states.c.assessed_hash == "x"))


def test_a_killed_full_pull_goes_on_where_it_stood(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.services.catalogue_pull._PAGES_AT_ONCE", 1)
    with pytest.raises(Dying):
        world.pull(full=True, store=DyingStore(world.there.store(), pages=2))
    state = pull_state(world.account)
    assert state.full_under_way
    assert (state.full_offset, world.live()) == (200, 200)
    world.calls()
    resumed = world.pull()
    assert resumed.read == 130  # from row 100: a page is read again
    assert resumed.changed == 30
    assert world.live() == PRODUCTS
    assert not pull_state(world.account).full_under_way
    assert world.calls()["GET /categories"] == 0


def test_the_position_and_the_page_are_stored_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.services.catalogue_pull._PAGES_AT_ONCE", 1)

    def dying(*_: Any, **__: Any) -> None:
        raise Dying

    with monkeypatch.context() as patch, pytest.raises(Dying):
        patch.setattr("core.services.catalogue_pull.mark_stale", dying)  # after the products, before the commit
        world.pull(full=True)
    assert (pull_state(world.account).full_offset, world.live()) == (0, 0)


def test_a_first_pull_marks_the_feed_before_the_first_page(world: World) -> None:
    store = world.there.store()
    real, made = store.products, []

    def products_meanwhile(*, offset: int = 0) -> Iterator[Any]:
        for page in real(offset=offset):
            if not made:
                made.append(page[0].remote_id)
                world.there.merchant.rename(page[0].remote_id, "Renamed while pulling")
            yield page

    store.products = products_meanwhile  # type: ignore[method-assign]
    world.pull(full=True, store=store)
    assert world.product(made[0]).title == "Renamed while pulling"


def test_the_feed_brings_what_was_made_changed_and_restocked(world: World) -> None:
    world.pull(full=True)
    merchant = world.there.merchant
    made = merchant.create("Driftwood Frame", "FRAME-1", stock=4)
    world.calls()
    assert world.pull() == Pulled(True, read=1, changed=1, deleted=0)
    calls = world.calls()
    assert calls["GET /products"] == 0
    assert calls["GET /products/{id}"] == 1
    assert (world.product(made).title, world.product(made).stock) == ("Driftwood Frame", 4)
    merchant.rename(made, "Driftwood Frame, large")
    merchant.restock("FRAME-1", 9)
    merchant.restock("FRAME-1", 8)
    assert world.pull().read == 1  # three events, one product
    assert (world.product(made).title, world.product(made).stock) == ("Driftwood Frame, large", 8)
    assert world.pull() == Pulled(True)
    merchant.delete(made)
    world.pull()


def test_the_feed_brings_a_deletion(world: World) -> None:
    made = world.there.merchant.create("Short-lived", "GONE-1")
    world.pull(full=True)
    world.there.merchant.delete(made)
    pulled = world.pull()
    assert (pulled.deleted, world.product(made).deleted_at is None) == (1, False)
    assert world.pull().deleted == 0


def test_only_a_404_of_its_own_deletes(world: World) -> None:
    """The feed says deleted, but the store still has it, or cannot be asked: it stays."""
    merchant = world.there.merchant
    made = merchant.create("Stays", "STAY-1")
    world.pull(full=True)
    cursor = pull_state(world.account).cursor
    rule = {"vendor": "shopwired", "endpoint": "GET /v1/products/{id}", "fault": "http_503", "rate": 1}
    merchant.rename(made, "Stays for good")
    world.there.control("faults", {"rules": [rule]})
    with pytest.raises(Temporary):
        world.pull()
    assert world.product(made).deleted_at is None
    assert pull_state(world.account).cursor == cursor  # moves last: nothing is missed
    world.there.control("faults", {}, method="DELETE")
    world.pull()
    assert world.product(made).title == "Stays for good"
    merchant.delete(made)


def test_a_full_pull_asks_for_each_product_it_did_not_meet(world: World) -> None:
    merchant = world.there.merchant
    gone, stays = merchant.create("Gone", "UNMET-1"), merchant.create("Stays", "UNMET-2")
    world.pull(full=True)
    merchant.delete(gone)
    with transaction() as connection:  # as if the feed had been lost
        connection.execute(update(pull_states).values(cursor="99999999"))

    store = world.there.store()
    real = store.products

    def without(*, offset: int = 0) -> Iterator[Any]:
        for page in real(offset=offset):
            yield tuple(product for product in page if product.remote_id != stays)

    store.products = without  # type: ignore[method-assign]
    world.calls()
    pulled = world.pull(full=True, store=store)
    assert pulled.deleted == 1
    assert world.calls()["GET /products/{id}"] == 2
    assert world.product(gone).deleted_at is not None
    assert world.product(stays).deleted_at is None
    merchant.delete(stays)


def test_a_store_that_lists_too_little_is_not_believed(world: World) -> None:
    world.pull(full=True)
    store = world.there.store()
    store.products = lambda *, offset=0: iter(())  # type: ignore[method-assign]
    with pytest.raises(Temporary, match=f"listed 0 of its {PRODUCTS}"):
        world.pull(full=True, store=store)
    assert world.live() == PRODUCTS
    note = scalar(select(pull_states.c.note).where(pull_states.c.store_account_id == world.account))
    assert note.startswith("The store listed 0")
    assert world.pull().read == PRODUCTS  # the full pull was not done, so the next one does it
    assert scalar(select(pull_states.c.note).where(pull_states.c.store_account_id == world.account)) == ""


def test_many_changes_are_read_by_pages(world: World) -> None:
    world.pull(full=True)
    merchant = world.there.merchant
    its = products.c.store_account_id == world.account
    with transaction() as connection:
        remote_ids = list(connection.scalars(select(products.c.remote_id).where(its).order_by(products.c.id).limit(24)))
    for number, remote_id in enumerate(remote_ids):
        merchant.rename(remote_id, f"Renamed {number} {world.account}")
    world.calls()
    assert world.pull().changed == 24
    calls = world.calls()
    assert calls["GET /products/{id}"] == 0
    assert calls["GET /products"] >= 3
    assert world.product(remote_ids[7]).title == f"Renamed 7 {world.account}"
    assert world.pull() == Pulled(True)


def test_two_at_once_are_one(world: World) -> None:
    together = Barrier(2)

    def pull(_: int) -> Pulled:
        together.wait()
        return world.pull(full=True)

    with ThreadPoolExecutor(2) as workers:
        results = list(workers.map(pull, range(2)))
    turned_away, winner = sorted(results, key=lambda result: result.done)
    assert turned_away == Pulled(False)
    assert winner.changed == PRODUCTS
    assert world.live() == PRODUCTS
    assert world.jobs()["catalogue_pull"] == 1  # who was turned away comes back, should the other be killed


def test_a_pull_that_was_taken_over_stores_nothing_more(world: World) -> None:
    store = world.there.store()
    real = store.products

    def overtaken(*, offset: int = 0) -> Iterator[Any]:
        pages = real(offset=offset)
        first = next(pages)
        with transaction() as connection:
            connection.execute(update(pull_states).values(lease_until=now() - timedelta(seconds=1)))
        assert isinstance(take_pull(world.account), PullLease)
        yield first
        yield from pages

    store.products = overtaken  # type: ignore[method-assign]
    assert world.pull(full=True, store=store) == Pulled(False)
    assert world.live() == 0
    assert isinstance(take_pull(world.account), int)  # the other's lease was not given away


def test_a_lease_fences_and_runs_out(world: World) -> None:
    lease = take_pull(world.account)
    assert isinstance(lease, PullLease)
    waiting = take_pull(world.account)
    assert isinstance(waiting, int)
    assert 60 < waiting <= 91
    with transaction() as connection:
        connection.execute(update(pull_states).values(lease_until=now() - timedelta(seconds=1)))
    newer = take_pull(world.account)
    assert isinstance(newer, PullLease)
    with pytest.raises(LeaseLost), lease.saving(full_offset=77):
        pass
    lease.release()
    assert isinstance(take_pull(world.account), int)
    newer.release()
    assert isinstance(take_pull(world.account), PullLease)


def test_hints_read_only_what_they_name(world: World) -> None:
    merchant = world.there.merchant
    made, other = merchant.create("Hinted", "HINT-1"), merchant.create("Not hinted", "HINT-2")
    world.pull(full=True)
    merchant.rename(made, "Hinted again")
    merchant.rename(other, "Not hinted, but changed")
    world.calls()
    pulled = pull_products(world.there.store(), world.account, [made, made])
    assert pulled == Pulled(True, read=1, changed=1)
    assert world.calls() == Counter({"GET /products/{id}": 1})
    assert (world.product(made).title, world.product(other).title) == ("Hinted again", "Not hinted")
    for remote_id in (made, other):
        merchant.delete(remote_id)
    assert pull_products(world.there.store(), world.account, [made, other]).deleted == 2


def test_a_hint_of_a_product_the_store_does_not_find_yet_is_asked_twice(world: World) -> None:
    world.pull(full=True)
    made = world.there.merchant.create("Just made", "NEW-1")
    rule = {"lag_seconds": 0.8}
    world.there.control("shopwired/switches", rule)
    try:
        assert pull_products(world.there.store(), world.account, [made]).changed == 1
    finally:
        world.there.control("shopwired/switches", {"lag_seconds": 0})
    assert world.product(made).title == "Just made"
    world.there.merchant.delete(made)


def test_listed_products_have_their_price_and_stock_sent(world: World) -> None:
    merchant = world.there.merchant
    listed, other = merchant.create("Listed", "SELL-1"), merchant.create("Not listed", "SELL-2")
    world.pull(full=True)
    with transaction() as connection:
        product_id = world.product(listed).id
        variant = connection.scalar(select(variants.c.id).where(variants.c.product_id == product_id))
        values = {"connection_id": world.connection, "product_id": product_id}
        listing = connection.scalar(listings.insert().values(values).returning(listings.c.id))
        row = {"listing_id": listing, "connection_id": world.connection, "variant_id": variant, "seller_sku": "SELL-1"}
        connection.execute(listing_skus.insert().values(row))
        connection.execute(text("DELETE FROM procrastinate_jobs"))
    for sku in ("SELL-1", "SELL-2"):
        merchant.restock(sku, 3)
    merchant.rename(listed, "Listed, renamed")
    world.pull()
    with transaction() as connection:
        rows = connection.execute(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'price_stock'")).all()
    assert [row.args for row in rows] == [{"connection_id": world.connection, "product_ids": [product_id]}]
    with transaction() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))
    merchant.rename(listed, "Only words")
    world.pull()
    assert world.jobs()["price_stock"] == 0
    for remote_id in (listed, other):
        merchant.delete(remote_id)


def test_refused_keys_are_noted_on_the_account(world: World) -> None:
    with pytest.raises(Expired):
        world.pull(full=True, store=world.there.store(api_secret="wrong"))
    status = select(store_accounts.c.status).where(store_accounts.c.id == world.account)
    assert scalar(status) == "refused"
    world.pull(full=True)
    assert scalar(status) == "ok"


def test_kill_9_leaves_the_lease_behind_and_nothing_is_lost(world: World) -> None:
    slow = {"vendor": "shopwired", "endpoint": "GET /v1/products", "fault": "slow", "rate": 1, "seconds": 0.7}
    world.there.control("faults", {"rules": [slow]})
    child = subprocess.Popen([sys.executable, "-c", CHILD, world.there.base, str(world.account)], cwd=ROOT)
    try:
        wait_until(lambda: world.live() >= 100, "the arrival of a hundred products")
    finally:
        child.kill()
        child.wait()
    stood = pull_state(world.account)
    assert stood.full_under_way
    assert stood.full_offset == world.live() < PRODUCTS
    world.there.control("faults", {}, method="DELETE")
    assert world.pull() == Pulled(False)  # the dead one still holds the lease, so this one comes back later
    with transaction() as connection:
        waiting = connection.execute(
            text("SELECT args, scheduled_at - now() AS wait FROM procrastinate_jobs WHERE task_name = 'catalogue_pull'")
        ).one()
        connection.execute(update(pull_states).values(lease_until=func.now()))
    assert waiting.args == {"store_account_id": world.account, "full": False}
    assert timedelta(seconds=30) < waiting.wait < timedelta(seconds=95)
    assert world.pull(full=False).changed == PRODUCTS - stood.full_offset
    assert world.live() == PRODUCTS
