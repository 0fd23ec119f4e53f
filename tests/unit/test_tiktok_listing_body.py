"""Our drafts in the exact shape that Create Product and Edit Product take, and answers read back."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.listing import AttributeValue, Identifier, ListingDraft, Package, SalesAttribute, SkuDraft
from core.domain.money import Money
from core.http.client import Unreadable
from core.ports import UploadedPicture
from core.tiktok import mapping
from core.tiktok.fields import Fields
from core.tiktok.listing_body import described, listing_body
from tests.contract.spec_check import check_request

PICTURES = {
    "https://s/1.jpg": UploadedPicture("bucket/1", "https://p16/1.jpeg?x=1&y=2", 800, 600),
    "https://s/2.jpg?a=1&b=2": UploadedPicture("bucket/2", "https://p16/2.jpeg", 8000, 2000),
}
DRAFT = ListingDraft(
    product_id="1",
    title="Größe “M” mug",
    description='<p>Hi</p><img src="https://s/2.jpg?a=1&amp;b=2">',
    category_id="853000",
    skus=(
        SkuDraft(
            variant_id="11",
            seller_sku="MUG-R",
            price=Money(Decimal("12.5"), "GBP"),
            quantity=3,
            identifier=Identifier("EAN", "5060000000017"),
            attributes=(SalesAttribute("Colour", "Red", "https://s/1.jpg"), SalesAttribute("Size", "M")),
        ),
        SkuDraft(variant_id="12", seller_sku="MUG-B", price=Money(Decimal("13"), "GBP"), quantity=0),
    ),
    picture_urls=("https://s/1.jpg",),
    package=Package(Decimal("0.85"), 12, 13, 18),
    warehouse_id="7068517275539719942",
    brand_id="7082427311584347905",
    attributes=(
        AttributeValue("100107", value_id="1000411"),
        AttributeValue("100107", value_id="1000412"),
        AttributeValue("100392", name="Birthday"),
    ),
)


def test_a_whole_product_carries_the_stores_id_and_a_variant_on_its_own_none() -> None:
    """Two listings of one Shop must not share it (12052996), and separate variants are of one product."""
    for key in ("5a2f9c1e", None):
        body = json.loads(listing_body(replace(DRAFT, external_id="4711"), PICTURES, idempotency_key=key, sku_ids=None))
        assert body["external_product_id"] == "4711"
        query = {"app_key": "k", "sign": "s", "timestamp": "1", "shop_cipher": "c"}
        assert check_request("POST", "/product/202309/products", query, body) == []
    assert "external_product_id" not in json.loads(listing_body(DRAFT, PICTURES, idempotency_key=None, sku_ids=None))


def test_create_body_has_the_documented_shape() -> None:
    raw = listing_body(DRAFT, PICTURES, idempotency_key="5a2f9c1e", sku_ids=None)
    body = json.loads(raw)
    assert body == {
        "save_mode": "LISTING",
        "title": "Größe “M” mug",
        "description": '<p>Hi</p><img src="https://p16/2.jpeg" width="3999" height="999">',
        "category_id": "853000",
        "category_version": "v2",
        "main_images": [{"uri": "bucket/1"}],
        "skus": [
            {
                "seller_sku": "MUG-R",
                "price": {"amount": "12.50", "currency": "GBP"},
                "inventory": [{"warehouse_id": "7068517275539719942", "quantity": 3}],
                "identifier_code": {"type": "EAN", "code": "5060000000017"},
                "sales_attributes": [
                    {"name": "Colour", "value_name": "Red", "sku_img": {"uri": "bucket/1"}},
                    {"name": "Size", "value_name": "M"},
                ],
            },
            {
                "seller_sku": "MUG-B",
                "price": {"amount": "13.00", "currency": "GBP"},
                "inventory": [{"warehouse_id": "7068517275539719942", "quantity": 0}],
            },
        ],
        "package_weight": {"value": "0.85", "unit": "KILOGRAM"},
        "package_dimensions": {"length": "12", "width": "13", "height": "18", "unit": "CENTIMETER"},
        "brand_id": "7082427311584347905",
        "product_attributes": [
            {"id": "100107", "values": [{"id": "1000411"}, {"id": "1000412"}]},
            {"id": "100392", "values": [{"name": "Birthday"}]},
        ],
        "idempotency_key": "5a2f9c1e",
    }
    query = {"app_key": "k", "timestamp": "1", "sign": "s", "shop_cipher": "c"}
    assert check_request("POST", "/product/202309/products", query, body) == []
    assert "Größe".encode() in raw and b": " not in raw.replace(b"</p>", b"")


def test_the_same_draft_gives_the_same_bytes() -> None:
    first = listing_body(DRAFT, PICTURES, idempotency_key="k", sku_ids=None)
    assert listing_body(replace(DRAFT), dict(PICTURES), idempotency_key="k", sku_ids={}) == first


@pytest.mark.parametrize("priced", [True, False])
def test_edit_body_names_the_known_skus_and_has_no_key(priced: bool) -> None:
    ids = {"11": "1729700000000010117"}
    body = json.loads(listing_body(DRAFT, PICTURES, idempotency_key=None, sku_ids=ids, priced=priced))
    assert [sku.get("id") for sku in body["skus"]] == ["1729700000000010117", None]
    assert ["inventory" in sku for sku in body["skus"]] == [False, True], "what the Shop has keeps its stock"
    assert ["price" in sku for sku in body["skus"]] == [priced, True]
    assert "idempotency_key" not in body
    query = {"app_key": "k", "timestamp": "1", "sign": "s", "shop_cipher": "c"}
    assert check_request("PUT", "/product/202509/products/1729", query, body) == []


@pytest.mark.parametrize(
    ("weight", "text"), [("1", "1"), ("10.000", "10"), ("0.8501", "0.851"), ("0.0001", "0.001"), ("100", "100")]
)
def test_weight_is_kilograms_with_three_decimals_and_never_zero(weight: str, text: str) -> None:
    draft = replace(DRAFT, package=Package(Decimal(weight)))
    body = json.loads(listing_body(draft, PICTURES, idempotency_key=None, sku_ids=None))
    assert body["package_weight"] == {"value": text, "unit": "KILOGRAM"}
    assert "package_dimensions" not in body


def test_sizes_are_all_or_none() -> None:
    draft = replace(DRAFT, package=Package(Decimal(1), 10, None, 20))
    assert b"package_dimensions" not in listing_body(draft, PICTURES, idempotency_key=None, sku_ids=None)


def test_yen_have_no_decimals() -> None:
    sku = replace(DRAFT.skus[0], price=Money(Decimal("1200"), "JPY"))
    body = json.loads(listing_body(replace(DRAFT, skus=(sku,)), PICTURES, idempotency_key=None, sku_ids=None))
    assert body["skus"][0]["price"] == {"amount": "1200", "currency": "JPY"}


def test_a_main_picture_that_was_not_uploaded_is_named() -> None:
    with pytest.raises(ValueError, match=r"https://s/none\.jpg"):
        listing_body(replace(DRAFT, picture_urls=("https://s/none.jpg",)), PICTURES, idempotency_key=None, sku_ids=None)


def test_pictures_of_the_description() -> None:
    html = '<p>a</p><img src=\'https://s/1.jpg\' alt="x"><IMG SRC="https://elsewhere/x.png"/><p>b</p><img>'
    expected = '<p>a</p><img src="https://p16/1.jpeg?x=1&amp;y=2" width="800" height="600"><p>b</p>'
    assert described(html, PICTURES) == expected


def test_shown_price_of_get_and_search() -> None:
    def price_of(price: object) -> Money | None:
        product = {"id": "1", "create_time": 1, "update_time": 1, "skus": [{"id": "2", "price": price}]}
        return mapping.remote_listing(Fields(product, "product")).skus[0].price

    assert price_of({"currency": "GBP", "sale_price": "12.99", "tax_exclusive_price": "10"}) == Money(
        Decimal("12.99"), "GBP"
    )
    assert price_of({"currency": "GBP", "tax_exclusive_price": "12.99"}) == Money(Decimal("12.99"), "GBP")
    assert price_of(None) is None
    for odd in ("twelve", "NaN", "Infinity"):
        with pytest.raises(Unreadable, match="not a number"):
            price_of({"currency": "GBP", "sale_price": odd})


@pytest.mark.parametrize(
    "product",
    [
        {},
        {"id": ""},
        {"id": "1", "skus": "unexpected"},
        {"id": "1", "skus": ["unexpected"]},
        {"id": "1", "audit": []},
        {"id": "1", "title": {}},
        {"id": "1", "create_time": "soon"},
        {"id": "1", "create_time": 1761200411000000},
        {"id": "1", "skus": [{"id": "2", "inventory": [{"quantity": True}]}]},
        {"id": "1", "audit_failed_reasons": [{"reasons": [{}]}]},
    ],
)
def test_another_shape_than_documented_is_said(product: object) -> None:
    with pytest.raises(Unreadable, match="TikTok Shop sent"):
        mapping.remote_listing(Fields(product, "product"))


def test_statuses_and_fields_never_seen_before_are_kept() -> None:
    product = {"id": 1729592969712207008, "status": "NEW_STATE", "novel": {"a": 1}, "audit": None, "skus": None}
    listing = mapping.remote_listing(Fields(product, "product"))
    assert (listing.id, listing.status, listing.audit_status) == ("1729592969712207008", "NEW_STATE", "")
