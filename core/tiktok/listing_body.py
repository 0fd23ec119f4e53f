"""Our drafts as TikTok Shop wants them (Partner Center, "Create Product" 202309 and "Edit Product" 202509)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from html import escape, unescape
from typing import Any

from core.domain.listing import AttributeValue, ListingDraft, Package, SalesAttribute, SkuDraft
from core.ports import UploadedPicture
from core.tiktok.calls import json_bytes

CATEGORY_VERSION = "v2"  # all regions must use V2 categories; the default of the API is still v1
Pictures = Mapping[str, UploadedPicture]

_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_SOURCE = re.compile(r"""\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_LARGEST_SIDE = 3999  # pictures in a description stay below 4000 pixels
_GRAM = Decimal("0.001")


def listing_body(
    draft: ListingDraft,
    pictures: Pictures,
    *,
    idempotency_key: str | None,
    sku_ids: Mapping[str, str] | None,
    priced: bool = True,
) -> bytes:
    """The bytes of Create Product (with a key) or Edit Product (with the Shop's SKU ids by variant id).

    The stock of a SKU that the Shop has is left out of an edit, and its price unless ``priced``: it keeps what is
    omitted there (Partner Center, Edit Product), and both have calls of their own. Raises ``ValueError`` naming a
    picture of the draft that was not uploaded.
    """
    body: dict[str, Any] = {
        "save_mode": "LISTING",
        "title": draft.title,
        "description": described(draft.description, pictures),
        "category_id": draft.category_id,
        "category_version": CATEGORY_VERSION,
        "main_images": [{"uri": _uri(url, pictures)} for url in draft.picture_urls],
        "skus": [
            _sku(sku, draft.warehouse_id, pictures, (sku_ids or {}).get(sku.variant_id), priced) for sku in draft.skus
        ],
    }
    body |= _package(draft.package)
    if draft.brand_id:
        body["brand_id"] = draft.brand_id
    if draft.attributes:
        body["product_attributes"] = _attributes(draft.attributes)
    if draft.video_url:
        body["video"] = {"id": _uri(draft.video_url, pictures)}
    if draft.external_id:
        body["external_product_id"] = draft.external_id
    if idempotency_key is not None:
        body["idempotency_key"] = idempotency_key
    return json_bytes(body)


def described(html: str, pictures: Pictures) -> str:
    """The description with the store's pictures replaced by the uploaded ones, with their width and height.

    A picture that was not uploaded leaves the description: TikTok Shop refuses addresses that are not its own.
    """

    def replaced(found: re.Match[str]) -> str:
        source = _SOURCE.search(found.group())
        picture = pictures.get(unescape(source.group(1) or source.group(2) or "")) if source else None
        if picture is None:
            return ""
        width, height = _within(picture.width, picture.height)
        return f'<img src="{escape(picture.url)}" width="{width}" height="{height}">'

    return _IMAGE.sub(replaced, html)


def _within(width: int, height: int) -> tuple[int, int]:
    longest = max(width, height)
    if longest <= _LARGEST_SIDE:
        return width, height
    return max(1, width * _LARGEST_SIDE // longest), max(1, height * _LARGEST_SIDE // longest)


def _uri(url: str, pictures: Pictures) -> str:
    picture = pictures.get(url)
    if picture is None:
        raise ValueError(f"The picture {url} was not uploaded before the product that shows it.")
    return picture.uri


def _sku(sku: SkuDraft, warehouse_id: str, pictures: Pictures, sku_id: str | None, priced: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"seller_sku": sku.seller_sku}
    if sku_id is None or priced:
        body["price"] = {"amount": sku.price.text(), "currency": sku.price.currency}
    if sku_id is None:
        body["inventory"] = [{"warehouse_id": warehouse_id, "quantity": sku.quantity}]
    else:
        body["id"] = sku_id
    if sku.identifier is not None:
        body["identifier_code"] = {"type": sku.identifier.kind, "code": sku.identifier.digits}
    if sku.attributes:
        body["sales_attributes"] = [_sales_attribute(attribute, pictures) for attribute in sku.attributes]
    return body


def _sales_attribute(attribute: SalesAttribute, pictures: Pictures) -> dict[str, Any]:
    body: dict[str, Any] = {"name": attribute.name, "value_name": attribute.value}
    if attribute.picture_url is not None:
        body["sku_img"] = {"uri": _uri(attribute.picture_url, pictures)}
    return body


def _attributes(values: tuple[AttributeValue, ...]) -> list[dict[str, Any]]:
    """An attribute with several values is one object with all of them."""
    together: dict[str, list[dict[str, str]]] = {}
    for value in values:
        told = {"id": value.value_id} if value.value_id else {"name": value.name or ""}
        together.setdefault(value.attribute_id, []).append(told)
    return [{"id": attribute_id, "values": told} for attribute_id, told in together.items()]


def _package(package: Package) -> dict[str, Any]:
    """Kilograms with at most 3 decimals and whole centimetres, all three sides or none."""
    weight = package.weight_kg.quantize(_GRAM, ROUND_UP).normalize()
    body: dict[str, Any] = {"package_weight": {"value": f"{weight:f}", "unit": "KILOGRAM"}}
    sides = (package.length_cm, package.width_cm, package.height_cm)
    if None not in sides:
        length, width, height = map(str, sides)
        body["package_dimensions"] = {"length": length, "width": width, "height": height, "unit": "CENTIMETER"}
    return body
