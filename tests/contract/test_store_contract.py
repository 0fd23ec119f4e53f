"""What every store adapter must do, against its platform's sandbox over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from core.domain.catalog import Change, Product
from core.domain.errors import Expired, Missing, NotConfigured, RateLimited, Temporary
from core.stores.registry import PLATFORMS
from tests.sandbox_server import running_sandbox
from tests.store_harness import StoreAtSandbox, at_sandbox, receiving

PRODUCTS = 250


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(Path(tmp_path_factory.mktemp("sandbox")), PRODUCTS) as base:
        yield base


@pytest.fixture(params=sorted(PLATFORMS))
def there(request: pytest.FixtureRequest, base: str) -> Iterator[StoreAtSandbox]:
    found = at_sandbox(request.param, base)
    yield found
    found.control("faults", {}, method="DELETE")
    found.control("limits", {"off": True})


def everything(there: StoreAtSandbox, offset: int = 0) -> list[Product]:
    return list(chain.from_iterable(there.store().products(offset=offset)))


def break_calls(there: StoreAtSandbox, fault: str, times: int, **more: Any) -> None:
    rule = {"vendor": there.platform.name, "endpoint": "GET *", "fault": fault, "rate": 1, "times": times, **more}
    there.control("faults", {"rules": [rule]})


def test_the_platform_says_what_it_needs(there: StoreAtSandbox) -> None:
    platform = there.platform
    assert {field.name for field in platform.fields} >= {platform.webhook_secret}
    assert any(field.secret for field in platform.fields)
    assert there.store().capabilities.platform == platform.name


def test_business(there: StoreAtSandbox) -> None:
    business = there.store().business()
    assert (business.name, business.country, business.currency) == ("Harbour Lane", "GB", "GBP")
    assert business.remote_id
    assert business.domain


def test_pages_hold_every_product_once_and_in_order(there: StoreAtSandbox) -> None:
    pages = list(there.store().products())
    assert max(map(len, pages)) <= 100
    ids = [product.remote_id for page in pages for product in page]
    assert len(ids) == len(set(ids)) == there.merchant.count() == there.store().product_count()
    assert ids == sorted(ids, key=int)


def test_pages_from_an_offset(there: StoreAtSandbox) -> None:
    whole = everything(there)
    assert everything(there, offset=120) == whole[120:]
    assert everything(there, offset=len(whole) + 500) == []


def test_a_reader_that_stops_early_stops_the_reading(there: StoreAtSandbox) -> None:
    pages = there.store().products()
    next(pages)
    pages.close()
    asked = len(there.journal.exchanges)
    time.sleep(0.3)
    assert len(there.journal.exchanges) == asked
    assert asked <= 5


def test_products_are_whole(there: StoreAtSandbox) -> None:
    found = everything(there)
    assert all(product.variants for product in found)
    assert any(len(product.variants) > 1 for product in found)
    varied = next(product for product in found if len(product.variants) > 1)
    assert all(variant.options for variant in varied.variants)
    for part in ("pictures", "category_ids", "brand_name", "custom_fields", "description", "updated_at"):
        assert any(getattr(product, part) for product in found), part
    assert any(product.vat_exclusive for product in found)


def test_one_product_is_the_same_as_in_its_page(there: StoreAtSandbox) -> None:
    listed = everything(there)[7]
    assert there.store().product(listed.remote_id) == listed


@pytest.mark.parametrize("remote_id", ["999999999", "0", "-1", "12/variations", "?embed=x", "", "ten"])
def test_a_product_that_is_not_there(there: StoreAtSandbox, remote_id: str) -> None:
    with pytest.raises(Missing):
        there.store().product(remote_id)


def test_categories_and_brands(there: StoreAtSandbox) -> None:
    categories = {category.remote_id: category for category in there.store().categories()}
    brands = {brand.remote_id: brand for brand in there.store().brands()}
    found = everything(there)
    assert {one for product in found for one in product.category_ids} <= set(categories)
    assert {product.brand_id for product in found if product.brand_id} <= set(brands)
    deep = next(category for category in categories.values() if " > " in category.path)
    assert deep.path.endswith(deep.title)


def test_changes_begin_from_now_on_and_come_once(there: StoreAtSandbox) -> None:
    store, merchant = there.store(), there.merchant
    told, cursor = store.changes(None)
    assert told == ()
    remote_id = merchant.create("Seaside Lantern", "LAMP-1")
    merchant.restock("LAMP-1", 3)
    merchant.delete(remote_id)
    told, after = store.changes(cursor)
    mine = [change for change in told if change.subject_id == remote_id]
    assert {(change.kind, change.action) for change in mine} >= {("product", "created"), ("product", "deleted")}
    stock = next(change for change in mine if change.kind == "stock")
    assert (stock.sku, stock.quantity) == ("LAMP-1", 3)
    assert [int(change.event_id) for change in told] == sorted(int(change.event_id) for change in told)
    assert store.changes(after) == ((), after)
    assert store.changes(cursor)[0] == told


def test_many_changes_come_in_one_go(there: StoreAtSandbox) -> None:
    store, merchant = there.store(), there.merchant
    remote_id = merchant.create("Busy Lantern", "LAMP-2", stock=0)
    _, cursor = store.changes(store.changes(None)[1])
    for quantity in range(1, 131):
        merchant.restock("LAMP-2", quantity)
    told, _ = store.changes(cursor)
    assert [change.quantity for change in told if change.kind == "stock"] == list(range(1, 131))
    merchant.delete(remote_id)


def test_registering_webhooks_twice_is_once(there: StoreAtSandbox) -> None:
    store, merchant = there.store(), there.merchant
    with receiving(there.platform, there.credentials()["webhook_secret"]) as receiver:
        topics = store.register_webhooks(receiver.address)
        assert store.register_webhooks(receiver.address) == topics
        hooks = [hook for hook in merchant.ask("GET", "/webhooks?count=100") if hook["url"] == receiver.address]
        assert sorted(hook["topic"] for hook in hooks) == sorted(topics)
        assert all(hook["verified"] and hook["enabled"] for hook in hooks)
        remote_id = merchant.create("Pier Lantern", "LAMP-3")
        body = receiver.wait_for(lambda body: told_of(there, body) == (remote_id, "created"))
        assert change_of(there, body).kind == "product"
        store.remove_webhooks(receiver.address)
        store.remove_webhooks(receiver.address)
        assert not [h for h in merchant.ask("GET", "/webhooks?count=100") if h["url"] == receiver.address]
        merchant.delete(remote_id)


def test_a_webhook_switched_off_is_switched_on_again(there: StoreAtSandbox) -> None:
    store, merchant = there.store(), there.merchant
    with receiving(there.platform, there.credentials()["webhook_secret"]) as receiver:
        store.register_webhooks(receiver.address)
        hook = next(h for h in merchant.ask("GET", "/webhooks?count=100") if h["url"] == receiver.address)
        merchant.ask("PUT", f"/webhooks/{hook['id']}", {**hook, "enabled": False})
        store.register_webhooks(receiver.address)
        assert merchant.ask("GET", f"/webhooks/{hook['id']}")["enabled"]
        store.remove_webhooks(receiver.address)


def test_a_receiver_with_another_secret_is_not_verified(there: StoreAtSandbox) -> None:
    store, merchant = there.store(), there.merchant
    with receiving(there.platform, "another-secret") as receiver:
        store.register_webhooks(receiver.address)
        hooks = [hook for hook in merchant.ask("GET", "/webhooks?count=100") if hook["url"] == receiver.address]
        assert hooks
        assert not any(hook["verified"] for hook in hooks)
        store.remove_webhooks(receiver.address)


def change_of(there: StoreAtSandbox, body: bytes) -> Change:
    change = there.platform.change_in(body)
    assert change is not None
    return change


def told_of(there: StoreAtSandbox, body: bytes) -> tuple[str, str]:
    change = there.platform.change_in(body)
    return (change.subject_id, change.action) if change else ("", "")


def test_a_wrong_key_is_expired(there: StoreAtSandbox) -> None:
    with pytest.raises(Expired, match="Settings") as caught:
        there.store(api_secret="wrong").business()
    assert caught.value.code == "401"


def test_a_key_without_the_permission_is_not_configured(there: StoreAtSandbox) -> None:
    with pytest.raises(NotConfigured, match="permission"):
        next(there.store(api_key="sw-key-limited").products())


def test_too_many_calls_slows_everybody_and_is_obeyed(there: StoreAtSandbox) -> None:
    break_calls(there, "rate_429", times=2, retry_after="1")
    began = datetime.now(UTC)
    assert there.store().business().name == "Harbour Lane"
    assert (datetime.now(UTC) - began).total_seconds() >= 2
    assert len(there.rates.slowed) == 2
    assert len({key for key, _ in there.rates.slowed} | {key for key, _ in there.rates.taken}) == 1
    assert all(until > began for _, until in there.rates.slowed)


def test_calls_over_the_documented_rate_are_repeated_when_they_may(there: StoreAtSandbox) -> None:
    there.control("limits", {"off": False})
    store = there.store()
    for _ in range(43):  # over the bucket of 40
        store.business()
    assert len([exchange for exchange in there.journal.exchanges if exchange.status == 429]) >= 1


@pytest.mark.parametrize("fault", ["http_500", "http_502", "http_503", "truncated", "html_page", "cut_before"])
def test_short_trouble_is_survived(there: StoreAtSandbox, fault: str) -> None:
    expected = everything(there)
    break_calls(there, fault, times=2)
    assert everything(there) == expected


@pytest.mark.parametrize("fault", ["http_503", "truncated", "wrong_type", "html_page", "cut_before"])
def test_lasting_trouble_is_temporary(there: StoreAtSandbox, fault: str) -> None:
    break_calls(there, fault, times=100)
    with pytest.raises(Temporary) as caught:
        there.store().brands()
    assert not isinstance(caught.value, RateLimited)
    assert caught.value.sentence.endswith(".")


def test_every_call_is_kept_without_secrets(there: StoreAtSandbox) -> None:
    there.store().product_count()
    kept = there.journal.exchanges
    assert kept
    assert all(exchange.remote == there.platform.name and exchange.account == "1" for exchange in kept)
    assert not any(secret in repr(kept) for secret in (there.merchant.secret, "authorization", "Basic "))
