"""Every method of our TikTok Shop client over a socket against the sandbox, each request checked with the field list.

The token host and Deauthorize Shop are not in the published list; ``spec_check.ENDPOINTS_OF_OTHER_PAGES`` names them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from core.domain.errors import Conflict, Expired, Missing, NotConfigured, Refused
from core.domain.money import Money
from core.ports import Marketplace, MarketplaceAuth
from core.tiktok import products
from core.tiktok.endpoints import ENDPOINTS
from tests.contract.spec_check import ENDPOINTS_OF_OTHER_PAGES, endpoint_name
from tests.sandbox_server import running_sandbox
from tests.tiktok_side import (
    APP_KEY,
    HARBOUR,
    MAPLE,
    OF_ORDERS,
    SERVICE_ID,
    CheckedClient,
    Kept,
    Side,
    auth_of,
    code_for,
    connect,
    draft_of,
    never_called,
    picture,
    simple_category,
    uploaded,
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), products=10) as address:
        yield address


@pytest.fixture(scope="module")
def side(url: str) -> Iterator[Side]:
    """One connected Shop for the file; at the end no request differed from the list and no signature was refused."""
    made = connect(url)
    made.control("limits", off=True)
    made.control("review", delay_seconds=3600)
    yield made
    assert made.http.differences == []
    assert made.state()["tiktok"]["rejected_signatures"] == 0
    made.http.close()


@pytest.fixture(scope="module")
def category(side: Side) -> str:
    return simple_category(side.shop)


def test_ports_are_implemented(side: Side) -> None:
    for port, made in ((Marketplace, side.shop), (MarketplaceAuth, side.auth)):
        names = {name for name in vars(port) if not name.startswith("_")}
        assert not {name for name in names if not callable(getattr(made, name, None))}


def test_every_endpoint_is_documented() -> None:
    unknown = [row for row in ENDPOINTS if endpoint_name(row.method, row.path) is None]
    assert unknown == []
    assert {"GET /api/v2/token/get", "GET /api/v2/token/refresh"} <= set(ENDPOINTS_OF_OTHER_PAGES)


def test_authorize_url_names_the_service_and_the_state(url: str) -> None:
    address = auth_of(CheckedClient(Kept()), url).authorize_url("a b&c")
    assert parse_qs(urlsplit(address).query) == {"service_id": [SERVICE_ID], "state": ["a b&c"]}
    assert urlsplit(address).path == "/open/authorize"


def test_tokens_and_shops(side: Side, url: str) -> None:
    token = side.auth.token(code_for(url, "maple.street"))
    assert token.access_expires_at > datetime.now(UTC) + timedelta(days=6)
    assert token.refresh_expires_at > token.access_expires_at
    assert (token.user_type, token.region) == (0, "US")
    assert "seller.product.write" in token.scopes
    (shop,) = side.auth.shops(token.access_token)
    assert (shop.id, shop.region) == (MAPLE, "US")
    assert shop.cipher
    renewed = side.auth.refresh(token.refresh_token)
    assert renewed.access_token != token.access_token
    assert side.auth.shops(renewed.access_token) == (shop,)


def test_a_code_works_once(side: Side, url: str) -> None:
    code = code_for(url)
    side.auth.token(code)
    with pytest.raises(Expired, match="used already or is older than 30 minutes"):
        side.auth.token(code)


def test_an_unknown_refresh_token_asks_for_a_person(side: Side) -> None:
    with pytest.raises(Expired, match="Reconnect the Shop"):
        side.auth.refresh("GCP_never")


def test_wrong_app_secret_is_said_in_words(side: Side, url: str) -> None:
    with pytest.raises(NotConfigured, match="Check the app key and app secret"):
        auth_of(side.http, url, app_secret="wrong").token(code_for(url))


def test_secrets_never_reach_the_journal(side: Side, url: str) -> None:
    token = side.auth.token(code_for(url))
    text = repr(side.journal.exchanges)
    for secret in (token.access_token, token.refresh_token, "demo-app-secret-0001", side.vault.token.access_token):
        assert secret not in text
    kept = next(one for one in side.journal.exchanges if one.endpoint == "/api/v2/token/get")
    assert "app_secret=[redacted]" in kept.request and APP_KEY in kept.request


def test_shop_facts(side: Side) -> None:
    shop = side.shop
    assert [found.id for found in shop.shops()] == [HARBOUR]
    assert {"SALES_WAREHOUSE", "RETURN_WAREHOUSE"} <= {warehouse.kind for warehouse in shop.warehouses()}
    checks = shop.prerequisites()
    assert ("RETURN_WAREHOUSE", True, ()) in checks


def test_categories_are_the_whole_tree(side: Side) -> None:
    tree = side.shop.categories()
    ids = {category.id for category in tree}
    assert sum(category.leaf for category in tree) > 1_500
    assert all(category.parent_id in ids for category in tree if category.parent_id != "0")
    assert {"AVAILABLE", "INVITE_ONLY"} <= {category.permission for category in tree}


def test_category_rules_and_attributes(side: Side) -> None:
    leaves = [category for category in side.shop.categories() if category.leaf][::60]
    rules = [side.shop.category_rule(leaf.id) for leaf in leaves]
    assert [rule.category_id for rule in rules] == [leaf.id for leaf in leaves]
    assert len({rule.dimensions_required for rule in rules}) == 2
    attributes = [attribute for leaf in leaves for attribute in side.shop.category_attributes(leaf.id)]
    assert {attribute.kind for attribute in attributes} == {"SALES_PROPERTY", "PRODUCT_PROPERTY"}
    assert any(attribute.required for attribute in attributes), "is_requried (sic) is read"
    conditional = {(attribute.name, attribute.conditions) for attribute in attributes if attribute.conditions}
    assert conditional == {("Battery Type", (("101126", "1000058"),))}


def test_recommendation(side: Side) -> None:
    leaf = side.shop.recommend_category("Ceramic coffee mug", "A mug")
    assert leaf in {category.id for category in side.shop.categories() if category.leaf}
    assert side.shop.recommend_category("zzzzqqqq") is None


def test_brands_come_in_pages(side: Side, category: str) -> None:
    pages = list(side.shop.brands())
    assert len(pages) > 1 and all(len(page) == 100 for page in pages[:-1])
    brands = [brand for page in pages for brand in page]
    assert len({brand.id for brand in brands}) == len(brands)
    assert {brand.authorised for brand in brands} == {True, False}
    assert next(side.shop.brands(category_id=category))


def test_uploads(side: Side) -> None:
    made = side.shop.upload_picture(picture(700), "mug.jpg")
    assert (made.width, made.height) == (700, 700)
    assert made.uri and made.url.startswith("http")
    with pytest.raises(Refused, match="picture") as refusal:
        side.shop.upload_picture(b"no picture", "mug.jpg")
    assert refusal.value.code.isdigit() and len(refusal.value.request_id) == 34
    assert side.shop.upload_file(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF", "report.pdf")


def test_create_get_search_edit_delete(side: Side, category: str) -> None:
    shop, key = side.shop, str(uuid4())
    draft = draft_of(shop, category)
    pictures = uploaded(shop)
    body = shop.listing_body(draft, pictures, idempotency_key=key)
    sent = shop.create_product(body)
    assert [sku.seller_sku for sku in sent.skus] == [sku.seller_sku for sku in draft.skus]
    assert shop.create_product(body).id == sent.id, "the same key with the same bytes makes no second product"

    seen = shop.listing(sent.id)
    assert (seen.title, seen.status, seen.audit_status) == (draft.title, "PENDING", "AUDITING")
    assert [sku.price for sku in seen.skus] == [Money(Decimal("12.90"), "GBP"), Money(Decimal("13.90"), "GBP")]
    assert [sku.quantities for sku in seen.skus] == [((draft.warehouse_id, 5),), ((draft.warehouse_id, 6),)]
    assert abs(seen.created_at - datetime.now(UTC)) < timedelta(minutes=1)

    assert [found.id for found in shop.find_by_seller_skus([draft.skus[1].seller_sku])] == [sent.id]
    sku_ids = {sku.variant_id: made.id for sku, made in zip(draft.skus, sent.skus, strict=True)}
    changed = replace(draft, title=draft.title + " new")
    edited = shop.edit_product(sent.id, shop.listing_body(changed, pictures, sku_ids=sku_ids))
    assert [sku.id for sku in edited.skus] == [sku.id for sku in sent.skus], "known SKUs keep their ids"
    assert shop.listing(sent.id).title == changed.title
    shop.partial_edit(sent.id, json.dumps({"title": draft.title}).encode())
    assert shop.listing(sent.id).title == draft.title

    assert shop.delete_listings([sent.id]) == ()
    assert shop.find_by_seller_skus([draft.skus[1].seller_sku]) == ()
    with pytest.raises(Conflict):
        shop.listing(sent.id)
    with pytest.raises(Missing):
        shop.listing("1729000000000000000")


def test_seller_skus_with_signs_are_found(side: Side, category: str) -> None:
    """What needs encoding in JSON goes over the wire as it was signed."""
    draft = draft_of(side.shop, category, stem="Größe/+&=%-" + uuid4().hex[:6], variants=1)
    body = side.shop.listing_body(draft, uploaded(side.shop), idempotency_key=str(uuid4()))
    made = side.shop.create_product(body)
    assert made.skus[0].seller_sku == draft.skus[0].seller_sku
    assert [one.id for one in side.shop.find_by_seller_skus([draft.skus[0].seller_sku])] == [made.id]


def test_find_by_seller_skus_is_bounded(side: Side) -> None:
    assert side.shop.find_by_seller_skus([]) == ()
    with pytest.raises(ValueError, match="at most 10"):
        side.shop.find_by_seller_skus(["x"] * 11)


def live(side: Side, category: str) -> tuple[str, list[str], str]:
    """An approved listing: its id, its SKU ids, its warehouse."""
    draft = draft_of(side.shop, category)
    made = side.shop.create_product(side.shop.listing_body(draft, uploaded(side.shop), idempotency_key=str(uuid4())))
    side.control("review", product_ids=[made.id], verdict="approve")
    return made.id, [sku.id for sku in made.skus], draft.warehouse_id


def test_price_and_stock_of_a_live_listing(side: Side, category: str) -> None:
    listing_id, skus, warehouse = live(side, category)
    assert side.shop.listing(listing_id).status == "ACTIVATE"
    side.shop.update_prices(listing_id, [(skus[0], Money(Decimal("8.5"), "GBP"))])
    assert side.shop.update_inventory(listing_id, [(skus[0], [(warehouse, 0)]), (skus[1], [(warehouse, 41)])]) == ()
    seen = side.shop.listing(listing_id)
    assert seen.skus[0].price == Money(Decimal("8.50"), "GBP")
    assert [sku.quantities for sku in seen.skus] == [((warehouse, 0),), ((warehouse, 41),)]


def test_success_is_not_success_for_each_sku(side: Side, category: str) -> None:
    listing_id, skus, warehouse = live(side, category)
    errors = side.shop.update_inventory(
        listing_id, [(skus[0], [(warehouse, 7)]), (skus[1], [(warehouse, 1_000_000_000)])]
    )
    assert [error.item_id for error in errors] == [skus[1]]
    assert "stock quantity is not accepted" in errors[0].sentence
    assert side.shop.listing(listing_id).skus[0].quantities == ((warehouse, 7),)


def test_stock_to_zero_goes_first(side: Side, category: str) -> None:
    listing_id, skus, warehouse = live(side, category)
    side.shop.update_inventory(listing_id, [(skus[0], [(warehouse, 3)])])
    side.shop.update_inventory(listing_id, [(skus[0], [(warehouse, 0)])])
    assert [call.priority for call in side.http.calls[-2:]] == [2, 1]


def test_activate_deactivate_in_batches(side: Side, category: str) -> None:
    listing_id, _, _ = live(side, category)
    assert side.shop.deactivate_listings([listing_id]) == ()
    assert side.shop.listing(listing_id).status == "SELLER_DEACTIVATED"
    assert side.shop.activate_listings([listing_id]) == ()
    unknown = [str(1729999000000000000 + number) for number in range(25)]
    before = len(side.http.calls)
    errors = side.shop.delete_listings(unknown)
    assert len(side.http.calls) - before == 2, "20 ids a call"
    assert [error.item_id for error in errors] == unknown
    assert all(error.sentence.startswith("The product does not exist on TikTok Shop") for error in errors)


def test_rejected_listing_tells_the_reasons(side: Side, category: str) -> None:
    draft = draft_of(side.shop, category)
    made = side.shop.create_product(side.shop.listing_body(draft, uploaded(side.shop), idempotency_key=str(uuid4())))
    side.control("review", product_ids=[made.id], verdict="reject", reason="Title does not match the pictures")
    seen = side.shop.listing(made.id)
    assert (seen.status, seen.audit_status) == ("FAILED", "FAILED")
    assert seen.reasons[0].reasons == ("Title does not match the pictures",)
    assert seen.reasons[0].position and seen.reasons[0].suggestions


def test_price_of_a_listing_in_review_is_a_conflict(side: Side, category: str) -> None:
    draft = draft_of(side.shop, category)
    made = side.shop.create_product(side.shop.listing_body(draft, uploaded(side.shop), idempotency_key=str(uuid4())))
    with pytest.raises(Conflict, match="status does not allow this"):
        side.shop.update_prices(made.id, [(made.skus[0].id, Money(Decimal("9"), "GBP"))])


def test_refusals_name_what_tiktok_named(side: Side, category: str) -> None:
    draft = replace(draft_of(side.shop, category), title="茶杯" * 20)
    with pytest.raises(Refused, match="Change the title") as refusal:
        side.shop.create_product(side.shop.listing_body(draft, uploaded(side.shop), idempotency_key=str(uuid4())))
    assert refusal.value.code in ("12052262", "12052266")


def test_listings_updated_halves_a_large_window(side: Side, category: str, monkeypatch: pytest.MonkeyPatch) -> None:
    since = datetime.now(UTC) - timedelta(seconds=5)
    pictures = uploaded(side.shop)
    made = set()
    for number in range(6):
        draft = draft_of(side.shop, category, variants=1)
        made.add(side.shop.create_product(side.shop.listing_body(draft, pictures, idempotency_key=str(uuid4()))).id)
        if number % 2:
            time.sleep(1)
    until = datetime.now(UTC) + timedelta(seconds=5)
    whole = [one.id for page in side.shop.listings_updated(since, until) for one in page]
    assert made <= set(whole)

    monkeypatch.setattr(products, "_MOST_ROWS", 3)
    monkeypatch.setattr(products, "_PAGE", 2)
    before = len(side.http.calls)
    halved = [one.id for page in side.shop.listings_updated(since, until) for one in page]
    windows = {json.loads(call.content or b"")["update_time_ge"] for call in side.http.calls[before:]}
    assert sorted(halved) == sorted(whole), "every listing once, none lost"
    assert len(windows) > 2
    assert any("page_token" in call.query for call in side.http.calls[before:])


def test_webhooks_are_registered_once_and_removed(side: Side) -> None:
    address = "http://127.0.0.1:8502/webhooks/tiktok"
    topics = side.shop.register_webhooks(address)
    assert {"PRODUCT_STATUS_CHANGE", "SELLER_DEAUTHORIZATION"} <= set(topics)
    before = len(side.http.calls)
    assert side.shop.register_webhooks(address) == topics
    assert [call.method for call in side.http.calls[before:]] == ["GET"], "what is right already is left alone"
    side.shop.remove_webhooks()
    before = len(side.http.calls)
    side.shop.remove_webhooks()
    assert [call.method for call in side.http.calls[before:]] == ["GET"]


def test_journal_tells_code_request_id_and_shop(side: Side) -> None:
    side.shop.warehouses()
    kept = side.journal.exchanges[-1]
    assert (kept.remote, kept.account, kept.method) == ("tiktok", HARBOUR, "GET")
    assert (kept.endpoint, kept.status, kept.code) == ("/logistics/202309/warehouses", 200, "0")
    assert len(kept.request_id) == 34 and kept.error == ""
    assert "warehouses" in kept.response and "12 Quay Row" not in kept.response


def test_every_endpoint_but_those_of_orders_was_called(side: Side, request: pytest.FixtureRequest) -> None:
    """The last of the file: the others made the calls, each compared with the list on its way out."""
    chosen = {getattr(item, "originalname", "") for item in request.session.items}
    if {name for name in globals() if name.startswith("test_")} - chosen:
        pytest.skip("only the whole file calls them all")
    assert never_called([row for row in ENDPOINTS if not row.path.startswith(OF_ORDERS)], side.http.calls) == []
