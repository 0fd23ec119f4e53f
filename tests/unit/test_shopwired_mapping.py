"""ShopWired's records as ours, the odd ones too."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.domain.catalog import Change, OptionValue, Picture, Product
from core.domain.errors import Temporary
from core.stores.shopwired.mapping import brand_from, business_from, category_from, change_from, product_from
from core.stores.shopwired.webhooks import change_in, handshake_answer, is_genuine

# As in ShopWired's reference: a product with every embed we ask for.
HOLDER = r"""{
  "id": 70011, "title": "Oak Tealight Holder", "description": "<p>Turned oak.</p>",
  "active": true, "new": false, "sku": null, "stock": 0,
  "price": 14.5, "salePrice": null, "comparePrice": 18.0, "costPrice": 4.1,
  "gtin": null, "mpn": "OTH", "weight": 0.35, "vatExclusive": false,
  "slug": "oak-tealight-holder", "url": "https://shop.example/oak-tealight-holder",
  "createdAt": "Tue, 03 Mar 2026 09:12:44 +0000", "updatedAt": "Fri, 12 Jun 2026 17:01:09 +0100",
  "categories": [{"id": 310, "title": "Candle holders"}, {"id": 300, "title": "Home"}],
  "brand": {"id": 12, "title": "Acme"},
  "images": [{"id": 5501, "url": "https://cdn.example/oth-1.jpg", "description": "Front", "sortOrder": 0},
             {"id": 5502, "url": "https://cdn.example/oth-2.jpg", "description": null, "sortOrder": 1}],
  "variations": [
    {"id": 8801, "sku": "OTH-S", "price": null, "salePrice": null, "costPrice": null,
     "stock": 12, "weight": null, "gtin": "5012345678900", "mpn": null, "image": 1,
     "values": [{"id": 21, "name": "Small", "option": {"id": 4, "name": "Size"}}]},
    {"id": 8802, "sku": "", "price": 16.0, "salePrice": 15, "costPrice": null,
     "stock": 3, "weight": 0.5, "gtin": "Does not apply", "mpn": "OTH-L", "image": 9,
     "values": [{"id": 22, "name": "Large", "option": {"id": 4, "name": "Size"}}]}
  ],
  "customFields": {"google_product_category": "Home Fragrance", "tiktok_length": 12, "gift": true,
                   "tags": ["a", "b"], "empty": "", "none": null}
}"""


def record(**changes: Any) -> dict[str, Any]:
    """A plain product without variations, as the HTTP client parses it (fractions are decimals)."""
    plain = {"id": 7, "title": "Mug", "sku": "MUG", "stock": 4, "price": Decimal("10"), "active": True}
    return plain | changes


def product(**changes: Any) -> Product:
    return product_from(record(**changes), country="GB")


def test_a_full_product() -> None:
    found = product_from(json.loads(HOLDER, parse_float=Decimal), country="GB")
    assert (found.remote_id, found.title, found.active) == ("70011", "Oak Tealight Holder", True)
    assert found.category_ids == ("310", "300")
    assert (found.brand_id, found.brand_name) == ("12", "Acme")
    assert found.pictures == (
        Picture("https://cdn.example/oth-1.jpg", "Front"),
        Picture("https://cdn.example/oth-2.jpg"),
    )
    assert found.created_at == datetime(2026, 3, 3, 9, 12, 44, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 6, 12, 16, 1, 9, tzinfo=UTC)
    fields = {"google_product_category": "Home Fragrance", "tiktok_length": "12", "gift": "true", "tags": "a, b"}
    assert found.custom_fields == fields


def test_a_variation_without_a_price_has_its_parents() -> None:
    small, large = product_from(json.loads(HOLDER, parse_float=Decimal), country="GB").variants
    assert (small.price, small.weight_kg, small.picture) == (Decimal("14.5"), Decimal("0.35"), 1)
    assert small.options == (OptionValue("Size", "Small"),)
    assert (large.price, large.sale_price, large.weight_kg) == (Decimal("16.0"), Decimal(15), Decimal("0.5"))
    assert (large.sku, large.gtin, large.picture) == (None, None, None)


def test_the_parents_sale_reaches_only_variations_without_a_price() -> None:
    variations = [{"id": 1, "sku": "A", "price": None}, {"id": 2, "sku": "B", "price": Decimal(12)}]
    first, second = product(salePrice=Decimal(8), variations=variations).variants
    assert (first.price, first.sale_price) == (Decimal(10), Decimal(8))
    assert (second.price, second.sale_price) == (Decimal(12), None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, None), (0, None), (Decimal("0.00"), None), (Decimal("7.5"), Decimal("7.5")), ("", None), ("x", None)],
)
def test_sale_price(given: Any, expected: Decimal | None) -> None:
    assert product(salePrice=given).variants[0].sale_price == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Decimal("9.95"), Decimal("9.95")),
        (10, Decimal(10)),
        ("12.50", Decimal("12.50")),
        (0, Decimal(0)),
        (None, None),
        (True, None),
        ("NaN", None),
        ([], None),
        (10**12, None),
    ],
)
def test_price(given: Any, expected: Decimal | None) -> None:
    assert product(price=given).variants[0].price == expected


@pytest.mark.parametrize(
    ("country", "net", "gross"),
    [("GB", "10", "12.00"), ("GB", "9.99", "11.99"), ("GB", "0.03", "0.04"), ("FR", "10", "10"), ("", "10", "10")],
)
def test_net_prices_become_gross_in_britain(country: str, net: str, gross: str) -> None:
    given = record(vatExclusive=True, price=Decimal(net), salePrice=Decimal(net))
    found = product_from(given, country=country)
    assert found.vat_exclusive
    assert (found.variants[0].price, found.variants[0].sale_price) == (Decimal(gross), Decimal(gross))


def test_a_variations_own_net_price_becomes_gross_too() -> None:
    found = product(vatExclusive=True, variations=[{"id": 1, "sku": "A", "price": Decimal(5)}, {"id": 2, "sku": "B"}])
    assert [variant.price for variant in found.variants] == [Decimal("6.00"), Decimal("12.00")]


@pytest.mark.parametrize(
    ("sku", "stock", "expected"),
    [
        ("MUG", 4, (("MUG", 4))),
        ("MUG", None, ("MUG", 0)),
        ("MUG", -3, ("MUG", -3)),
        ("MUG", Decimal("2.9"), ("MUG", 2)),
        ("MUG", "7", ("MUG", 7)),
        ("MUG", 10**20, ("MUG", 2**31 - 1)),
        (None, 9, (None, None)),
        ("  ", 9, (None, None)),
        ("A B ", 1, ("A B ", 1)),
        (12345, 1, ("12345", 1)),
    ],
)
def test_sku_and_stock_of_a_plain_product(sku: Any, stock: Any, expected: tuple[str | None, int | None]) -> None:
    found = product(sku=sku, stock=stock)
    assert len(found.variants) == 1
    assert found.variants[0].remote_id == "0"
    assert (found.variants[0].sku, found.variants[0].stock) == expected


def test_a_variation_with_a_sku_and_no_stock_has_none_left() -> None:
    found = product(variations=[{"id": 1, "sku": "A", "stock": None}, {"id": 2, "sku": None, "stock": None}])
    assert [variant.stock for variant in found.variants] == [0, None]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("5012345678900", "5012345678900"), (" 5012345678900 ", "5012345678900"), ("Does not apply", None),
     ("does not apply", None), ("N/A", None), ("", None), (None, None), (5012345678900, "5012345678900")],
)  # fmt: skip
def test_gtin(given: Any, expected: str | None) -> None:
    assert product(gtin=given).variants[0].gtin == expected


@pytest.mark.parametrize(
    ("given", "expected"), [(Decimal("0.35"), Decimal("0.35")), (0, None), (-1, None), (None, None), ("2", Decimal(2))]
)
def test_weight(given: Any, expected: Decimal | None) -> None:
    assert product(weight=given).variants[0].weight_kg == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Mon, 23 Nov 2015 18:42:29 +0000", datetime(2015, 11, 23, 18, 42, 29, tzinfo=UTC)),
        ("2015-11-23T18:42:29Z", datetime(2015, 11, 23, 18, 42, 29, tzinfo=UTC)),
        ("2015-11-23T18:42:29", datetime(2015, 11, 23, 18, 42, 29, tzinfo=UTC)),
        (1448304149, datetime(2015, 11, 23, 18, 42, 29, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
        ({}, None),
        (10**18, None),
    ],
)
def test_times(given: Any, expected: datetime | None) -> None:
    assert product(updatedAt=given).updated_at == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, (None, None)), (12, ("12", None)), ({"id": 12, "title": "Acme"}, ("12", "Acme")), ([], (None, None))],
)
def test_brand_of_a_product(given: Any, expected: tuple[str | None, str | None]) -> None:
    found = product(brand=given)
    assert (found.brand_id, found.brand_name) == expected


def test_a_picture_without_an_address_moves_the_others_up() -> None:
    images = [{"url": "https://a/1"}, {"url": ""}, {"url": "https://a/3"}]
    variations = [{"id": number, "sku": str(number), "image": number} for number in range(4)]
    found = product(images=images, variations=variations)
    assert [picture.url for picture in found.pictures] == ["https://a/1", "https://a/3"]
    assert [variant.picture for variant in found.variants] == [0, None, 1, None]


def test_what_postgres_cannot_keep_is_left_out() -> None:
    found = product(title="a\x00b", description="half \ud800 pair 😀", customFields={"k\x00": "v\udfff"})
    assert (found.title, found.description, found.custom_fields) == ("ab", "half  pair 😀", {"k": "v"})


def test_wrong_types_count_as_absent() -> None:
    found = product(title=["x"], images="none", variations={}, categories=None, customFields=[], url=3, active="yes")
    assert (found.title, found.pictures, found.category_ids, found.custom_fields) == ("", (), (), {})
    assert (found.active, len(found.variants)) == (False, 1)


@pytest.mark.parametrize("damaged", [None, [], "text", {}, {"id": None}, {"id": ""}])
def test_a_record_without_an_id_is_a_damaged_answer(damaged: Any) -> None:
    for read in (lambda: product_from(damaged, country="GB"), lambda: brand_from(damaged)):
        with pytest.raises(Temporary, match="without an id"):
            read()


def test_category_path_runs_from_the_root() -> None:
    given = {"id": 9, "title": "Tealights", "parents": [{"title": "Candles"}, {"title": "Home"}], "active": False}
    found = category_from(given)
    assert (found.remote_id, found.path, found.active) == ("9", "Home > Candles > Tealights", False)
    assert category_from({"id": 1, "title": "Home"}).path == "Home"


def test_business() -> None:
    found = business_from({"id": 1, "name": "Lane", "domain": "lane.example", "currency": "gbp", "countryCode": "gb"})
    assert (found.remote_id, found.currency, found.country) == ("1", "GBP", "GB")


AT = "Sat, 13 Jun 2026 10:02:52 +0000"
MOMENT = datetime(2026, 6, 13, 10, 2, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("topic", "data", "expected"),
    [
        ("product.updated", {"object": {}}, Change("5", "product", "updated", "70", MOMENT)),
        ("product.deleted", {"object": {}}, Change("5", "product", "deleted", "70", MOMENT)),
        (
            "product.stock_changed",
            {"sku": "OTH-S", "isVariation": True, "newQuantity": 10},
            Change("5", "stock", "stock_changed", "70", MOMENT, "OTH-S", 10),
        ),
        (
            "product.stock_changed",
            {"sku": "OTH-S", "isVariation": True, "newQuantity": 9, "orderId": 90001},
            Change("5", "stock", "stock_changed", "70", MOMENT, "OTH-S", 9, by_order=True),
        ),
        ("product.stock_changed", [], Change("5", "stock", "stock_changed", "70", MOMENT)),
        ("category.created", {}, Change("5", "category", "created", "70", MOMENT)),
        ("brand.updated", {}, Change("5", "brand", "updated", "70", MOMENT)),
        ("order.finalized", {}, Change("5", "order", "finalized", "70", MOMENT)),
        (
            "order.refund.created",
            {"object": {"id": 70, "orderId": 9001}},
            Change("5", "order", "refund.created", "9001", MOMENT),
        ),
        ("order.refund.deleted", {"object": {"id": 70}}, None),
        ("customer.updated", {}, None),
        ("batch.completed", {"action": "x", "count": 3}, None),
        ("", {}, None),
    ],
)
def test_events(topic: str, data: Any, expected: Change | None) -> None:
    event = {"id": 5, "createdAt": AT, "topic": topic, "subjectType": "x", "subjectId": 70, "data": data}
    assert change_from(event) == expected
    assert change_in(json.dumps({"timestamp": AT, "event": event}).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"event": 3}', b"\xff", b"[" * 100_000])
def test_a_webhook_that_makes_no_sense_tells_nothing(body: bytes) -> None:
    assert change_in(body) is None
    assert handshake_answer("secret", body) is None


def test_signature_is_over_the_raw_bytes() -> None:
    body = '{"event":{"id":1},  "ünï": "x"}'.encode()
    good = hmac.new(b"hook-secret", body, hashlib.sha256).hexdigest()
    assert is_genuine("hook-secret", {"X-ShopWired-Signature": good}, body)
    assert is_genuine("hook-secret", {"x-shopwired-signature": good}, body)
    assert not is_genuine("hook-secret", {"x-shopwired-signature": good}, body.replace(b"  ", b" "))
    assert not is_genuine("other", {"x-shopwired-signature": good}, body)
    assert not is_genuine("hook-secret", {"x-shopwired-signature": good.upper()}, body)
    assert not is_genuine("hook-secret", {"x-shopwired-signature": "Ünsigned"}, body)
    assert not is_genuine("hook-secret", {}, body)


def test_without_a_secret_nothing_is_genuine() -> None:
    empty = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    assert not is_genuine("", {"x-shopwired-signature": empty}, b"{}")


def test_handshake_answers_the_hmac_of_the_token() -> None:
    body = json.dumps({"timestamp": AT, "verificationToken": "abc123"}).encode()
    # openssl dgst -sha256 -hmac sw-hook, of "abc123"
    expected = "b1a43268e9cce43aaaff48065b9e699e414d5701b47b36b3fb0e33b12c151c93"
    assert handshake_answer("sw-hook", body) == expected
    assert handshake_answer("sw-hook", b'{"event": {}}') is None
