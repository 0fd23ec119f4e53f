"""What our TikTok Shop client makes of trouble on the way, each fault switched on in the sandbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
import stamina

from core.domain.errors import (
    Expired,
    NotConfigured,
    RateLimited,
    Refused,
    RemoteError,
    Temporary,
    Unknown,
)
from core.ports import UploadedPicture
from core.tiktok.client import TikTokShop
from tests.sandbox_server import running_sandbox
from tests.tiktok_side import (
    APP_KEY,
    APP_SECRET,
    HARBOUR,
    CheckedClient,
    Side,
    code_for,
    connect,
    draft_of,
    picture,
    simple_category,
    uploaded,
)

CREATE = "POST /product/202309/products"
GET = "GET /product/202309/products/{product_id}"
WAREHOUSES = "GET /logistics/202309/warehouses"
STOCK = "POST /product/202309/products/{product_id}/inventory/update"
UPLOAD = "POST /product/202309/images/upload"


@dataclass
class Rates:
    """A bucket that always grants and remembers who was slowed down."""

    taken: list[tuple[str, int]] = field(default_factory=list)
    slowed: dict[str, datetime] = field(default_factory=dict)

    def take(self, key: str, *, priority: int, deadline_s: float) -> None:
        self.taken.append((key, priority))

    def slow_down(self, key: str, until: datetime) -> None:
        self.slowed[key] = until


RATES = Rates()


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), products=10) as url:
        side = connect(url, make=lambda journal: CheckedClient(journal, RATES, timeout_s=3))
        side.control("limits", off=True)
        yield side
        side.http.close()


@pytest.fixture(scope="module")
def category(connected: Side) -> str:
    return simple_category(connected.shop)


@pytest.fixture
def side(connected: Side) -> Iterator[Side]:
    """No fault left over, and repeats without waiting."""
    httpx.delete(f"{connected.url}/_sandbox/faults").raise_for_status()
    RATES.slowed.clear()
    RATES.taken.clear()
    yield connected
    httpx.delete(f"{connected.url}/_sandbox/faults").raise_for_status()


@pytest.fixture(scope="module")
def pictures(connected: Side) -> dict[str, UploadedPicture]:
    return uploaded(connected.shop)


@pytest.fixture
def fresh(connected: Side, category: str, pictures: dict[str, UploadedPicture]) -> tuple[bytes, str]:
    """The body of a product not yet sent, and its seller SKU."""
    draft = draft_of(connected.shop, category, variants=1)
    body = connected.shop.listing_body(draft, pictures, idempotency_key=str(uuid4()))
    return body, draft.skus[0].seller_sku


def calls_of(side: Side, endpoint: str) -> int:
    return int(side.state()["calls"]["tiktok"].get(endpoint, 0))


def test_an_expired_token_is_refreshed_once_and_the_call_made_again(side: Side) -> None:
    side.control("expire", shop_id=HARBOUR, access=True)
    before, refreshed = calls_of(side, WAREHOUSES), side.vault.refreshed
    assert side.shop.warehouses()
    assert side.vault.refreshed == refreshed + 1
    assert calls_of(side, WAREHOUSES) == before + 2
    assert side.shop.warehouses() and side.vault.refreshed == refreshed + 1, "the new token is remembered"


def test_a_write_survives_an_expired_token(side: Side, fresh: tuple[bytes, str]) -> None:
    body, seller_sku = fresh
    side.control("expire", shop_id=HARBOUR, access=True)
    made = side.shop.create_product(body)
    assert [one.id for one in side.shop.find_by_seller_skus([seller_sku])] == [made.id]


def test_a_token_that_stays_refused_is_not_refreshed_for_ever(side: Side) -> None:
    refreshed = side.vault.refreshed
    side.fault("expired_token", WAREHOUSES, times=None)
    with pytest.raises(Expired, match="Reconnect the Shop"):
        side.shop.warehouses()
    assert side.vault.refreshed == refreshed + 1


def test_a_revoked_shop_asks_for_a_person(side: Side) -> None:
    side.fault("revoked_shop", WAREHOUSES, times=None)
    with pytest.raises(Expired, match="Reconnect the Shop") as error:
        side.shop.warehouses()
    assert error.value.code == "36009004"


def test_a_wrong_clock_is_corrected_by_the_server(side: Side) -> None:
    side.control("clock", skew_seconds=-3600)
    try:
        before = calls_of(side, WAREHOUSES)
        assert side.shop.warehouses()
        assert calls_of(side, WAREHOUSES) == before + 2
        assert side.shop.warehouses()
        assert calls_of(side, WAREHOUSES) == before + 3, "the correction is kept"
    finally:
        side.control("clock", skew_seconds=0)
    assert side.shop.warehouses()


def assert_rest(until: datetime, began: datetime, *, least: float, most: float) -> None:
    """Seconds of rest after an answer that came between ``began`` and now."""
    assert began + timedelta(seconds=least) < until < datetime.now(UTC) + timedelta(seconds=most)


def test_429_with_retry_after_slows_the_bucket_for_everybody(side: Side) -> None:
    side.fault("rate_429", WAREHOUSES, times=None, retry_after="40")
    before = calls_of(side, WAREHOUSES)
    began = datetime.now(UTC)
    with pytest.raises(RateLimited) as error:
        side.shop.warehouses()
    assert_rest(error.value.until, began, least=39, most=41)
    assert RATES.slowed == {f"tiktok:{HARBOUR}:read:warehouses": error.value.until}
    assert calls_of(side, WAREHOUSES) == before + 1, "a long wait is left to the queue"


def test_429_without_retry_after_rests_a_little_longer_each_time(side: Side) -> None:
    side.fault("rate_429", STOCK, times=None)
    for least, most in ((0.5, 1.6), (1.5, 2.6)):
        began = datetime.now(UTC)
        with stamina.set_testing(True, attempts=1), pytest.raises(RateLimited) as error:
            side.shop.update_inventory("1729000000000000000", [("1", [("2", 3)])])
        assert_rest(error.value.until, began, least=least, most=most)
        time.sleep(max(0.0, (error.value.until - datetime.now(UTC)).total_seconds()))
    assert list(RATES.slowed) == [f"tiktok:{HARBOUR}:write:inventory_update"]


def test_a_short_limit_is_waited_out(side: Side) -> None:
    side.fault("rate_429", WAREHOUSES, times=1, retry_after="1")
    begun = time.monotonic()
    assert side.shop.warehouses()
    assert time.monotonic() - begun > 0.9


@pytest.mark.parametrize("fault", ["http_500", "http_502", "http_503", "cut_before", "cut_after", "truncated"])
def test_a_read_is_repeated(side: Side, fault: str) -> None:
    side.fault(fault, WAREHOUSES, times=1)
    before = calls_of(side, WAREHOUSES)
    assert side.shop.warehouses()
    assert calls_of(side, WAREHOUSES) == before + 2


@pytest.mark.parametrize("fault", ["wrong_type", "html_page", "http_500", "http_502", "http_503", "truncated"])
def test_a_read_that_stays_broken_is_temporary(side: Side, fault: str) -> None:
    side.fault(fault, WAREHOUSES, times=None)
    with stamina.set_testing(True, attempts=2), pytest.raises(Temporary) as error:
        side.shop.warehouses()
    assert "TikTok Shop" in error.value.sentence
    assert side.journal.exchanges[-1].error == error.value.sentence


@pytest.mark.parametrize(
    ("fault", "happened"),
    [
        ("cut_after", True),
        ("truncated", True),
        ("wrong_type", True),
        ("cut_before", False),
        ("html_page", False),
        ("http_500", False),
        ("http_502", False),
    ],
)
def test_a_write_whose_answer_was_lost_is_unknown_and_never_repeated(
    side: Side, fresh: tuple[bytes, str], fault: str, happened: bool
) -> None:
    body, seller_sku = fresh
    side.fault(fault, CREATE, times=None)
    before = calls_of(side, CREATE)
    with pytest.raises(Unknown) as error:
        side.shop.create_product(body)
    assert calls_of(side, CREATE) == before + 1
    assert "took effect is being looked up" in error.value.sentence
    httpx.delete(f"{side.url}/_sandbox/faults")
    found = side.shop.find_by_seller_skus([seller_sku])
    assert bool(found) is happened
    made = side.shop.create_product(body)
    assert [one.id for one in side.shop.find_by_seller_skus([seller_sku])] == [made.id], "the same key makes no second"


def test_a_write_that_cannot_have_happened_is_tried_once_more(side: Side, fresh: tuple[bytes, str]) -> None:
    body, seller_sku = fresh
    side.fault("http_503", CREATE, times=1)
    made = side.shop.create_product(body)
    assert [one.id for one in side.shop.find_by_seller_skus([seller_sku])] == [made.id]


def test_an_upload_is_simply_repeated(side: Side) -> None:
    side.fault("cut_after", UPLOAD, times=2)
    assert side.shop.upload_picture(picture(), "a.jpg").uri


def test_hidden_errors_come_out_per_item(side: Side, fresh: tuple[bytes, str]) -> None:
    body, _ = fresh
    made = side.shop.create_product(body)
    warehouse = side.shop.listing(made.id).skus[0].quantities[0][0]
    side.fault("hidden_errors", STOCK, times=1)
    errors = side.shop.update_inventory(made.id, [(made.skus[0].id, [(warehouse, 3)])])
    assert [error.item_id for error in errors] == [made.skus[0].id]
    assert errors[0].code and errors[0].sentence


def test_a_slow_answer_ends_at_the_deadline(side: Side) -> None:
    side.fault("slow", WAREHOUSES, times=None, seconds=8)
    begun = time.monotonic()
    with stamina.set_testing(True, attempts=1), pytest.raises(Temporary, match="no whole answer came in time"):
        side.shop.warehouses()
    assert 2.5 < time.monotonic() - begun < 7.5, "its answer was waited for"


def test_a_missing_scope_is_named(side: Side) -> None:
    scopes = side.control_get("apps")["apps"][0]["scopes"]
    side.control("apps", app_key=APP_KEY, scopes=[scope for scope in scopes if scope != "seller.product.write"])
    try:
        token = side.auth.token(code_for(side.url, "quay.corner"))
        (found,) = side.auth.shops(token.access_token)
        with pytest.raises(NotConfigured, match=r"not granted seller\.product\.write.*Settings"):
            shop_like(side, found.id, token.access_token, cipher=found.cipher).delete_listings(["1"])
    finally:
        side.control("apps", app_key=APP_KEY, scopes=scopes)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"app_key": "nobody"}, NotConfigured, "Check the app key"),
        ({"app_secret": "wrong"}, NotConfigured, "Check the app secret"),
        ({"cipher": "GCP_other"}, Expired, "Reconnect the Shop"),
        ({"cipher": None}, Refused, "which Shop"),
    ],
)
def test_wrong_credentials_name_their_cause(
    side: Side, change: dict[str, str | None], kind: type[RemoteError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        shop_like(side, HARBOUR, side.vault.token.access_token, **change).warehouses()


def test_an_inactive_shop_is_told(side: Side) -> None:
    side.control("shops", shop_id=HARBOUR, active=False)
    try:
        with pytest.raises(NotConfigured, match="The Shop is inactive"):
            side.shop.warehouses()
    finally:
        side.control("shops", shop_id=HARBOUR, active=True)


def test_the_daily_allowance_waits_for_tomorrow_and_slows_nobody(side: Side, fresh: tuple[bytes, str]) -> None:
    side.control("limits", tiktok={"daily_products": {HARBOUR: 0}})
    try:
        body, _ = fresh
        with pytest.raises(RateLimited, match="allowance of new listings") as error:
            side.shop.create_product(body)
    finally:
        side.control("limits", tiktok={"daily_products": {HARBOUR: 1000}})
    assert error.value.until.time().isoformat() == "00:00:00"
    assert side.shop.create_product(body).id


def test_many_threads_share_one_client(side: Side) -> None:
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(len(side.shop.warehouses()))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 12 and set(results) == {results[0]}


def shop_like(side: Side, account: str, token: str, **change: str | None) -> TikTokShop:
    """Another client on the same connection, with something changed in it."""
    given = {"app_key": APP_KEY, "app_secret": APP_SECRET, "cipher": "GCP_any"} | change
    return TikTokShop(
        side.http,
        api_url=side.url,
        account=account,
        vault=OneToken(token),
        region="GB",
        currency="GBP",
        **given,  # type: ignore[arg-type]
    )


@dataclass
class OneToken:
    token: str

    def access_token(self) -> str:
        return self.token

    def refresh(self, rejected: str) -> str:
        raise Expired("There is no other token.")
