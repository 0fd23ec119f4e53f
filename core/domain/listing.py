"""A listing: what we want TikTok Shop to sell, what it says of it, and the problems in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.money import Money


class Severity(StrEnum):
    ERROR = "error"  # the product cannot be sent
    WARNING = "warning"  # it can be sent, and something is lost or doubtful
    NOTE = "note"  # for information


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a product, in words. ``code`` is stable and groups equal causes.

    ``field`` is where it is fixed (``title``, ``pictures``, ``category`` …); ``variant_id`` the store's variant id
    when only that variant is concerned.
    """

    code: str
    severity: Severity
    sentence: str
    fix: str
    field: str
    variant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Identifier:
    """``kind`` is GTIN, EAN, UPC or ISBN; ``digits`` has passed its check digit."""

    kind: str
    digits: str


@dataclass(frozen=True, slots=True)
class SalesAttribute:
    """What a buyer chooses: ``name`` up to 20 and ``value`` up to 50 characters."""

    name: str
    value: str
    picture_url: str | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """``weight_kg`` in kilograms; sizes in whole centimetres, or None where the category does not need them."""

    weight_kg: Decimal
    length_cm: int | None = None
    width_cm: int | None = None
    height_cm: int | None = None


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """A category attribute: either the id of a listed value or a free ``name``."""

    attribute_id: str
    value_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class SkuDraft:
    """One SKU as it would be sent: ``quantity`` is what is offered in each of ``warehouse_ids`` of the listing."""

    variant_id: str
    seller_sku: str
    price: Money
    quantity: int
    identifier: Identifier | None = None
    attributes: tuple[SalesAttribute, ...] = ()


@dataclass(frozen=True, slots=True)
class ListingDraft:
    """A whole listing ready to send; picture urls are the store's and are uploaded before the call.

    ``description`` may hold ``<img src="store url">``, replaced by uploaded pictures. ``warehouse_id`` is the Shop's.
    ``external_id`` is the store's product id, told to the Shop; None for a variant listed on its own, because no two
    listings of a Shop may share one.
    """

    product_id: str
    title: str
    description: str
    category_id: str
    skus: tuple[SkuDraft, ...]
    picture_urls: tuple[str, ...]
    package: Package
    warehouse_id: str
    brand_id: str | None = None
    attributes: tuple[AttributeValue, ...] = ()
    video_url: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteSku:
    """A SKU of a listing as the Shop tells it; ``price`` is what the buyer sees."""

    id: str
    seller_sku: str
    price: Money | None
    quantities: tuple[tuple[str, int], ...]  # (warehouse id, quantity)


@dataclass(frozen=True, slots=True)
class ReviewReason:
    """Why the Shop disapproved: the area, its short reasons and its long suggestions, in the Shop's words."""

    position: str
    reasons: tuple[str, ...]
    suggestions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoteListing:
    """A listing as the Shop tells it: ``status`` and ``audit_status`` are the Shop's own words."""

    id: str
    title: str
    status: str
    audit_status: str
    created_at: datetime
    updated_at: datetime
    skus: tuple[RemoteSku, ...]
    reasons: tuple[ReviewReason, ...] = ()


@dataclass(frozen=True, slots=True)
class SentSku:
    """The Shop's id of a SKU we sent."""

    id: str
    seller_sku: str


@dataclass(frozen=True, slots=True)
class SentListing:
    """The Shop's answer to Create or Edit Product."""

    id: str
    skus: tuple[SentSku, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemError:
    """One item of a batch that failed inside an answer that says success. ``item_id`` is the Shop's id."""

    item_id: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """What a leaf category demands."""

    category_id: str
    dimensions_required: bool
    size_chart_required: bool
    certifications: tuple[tuple[str, str, bool], ...] = ()  # (id, name, required)


@dataclass(frozen=True, slots=True)
class CategoryAttribute:
    """An attribute of a leaf category. ``kind`` is SALES_PROPERTY or PRODUCT_PROPERTY; values are (id, name).

    ``conditions`` are (attribute id, value id): where one of them is chosen it is required, else it must be empty.
    """

    id: str
    name: str
    kind: str
    required: bool
    multiple: bool
    free_text: bool
    values: tuple[tuple[str, str], ...] = ()
    conditions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ShopCategory:
    """A node of the Shop's category tree; only leaves can be listed in. ``permission`` is the Shop's first word."""

    id: str
    parent_id: str
    name: str
    leaf: bool
    permission: str


@dataclass(frozen=True, slots=True)
class ShopBrand:
    id: str
    name: str
    authorised: bool
    t1: bool


@dataclass(frozen=True, slots=True)
class Warehouse:
    """``kind`` is SALES_WAREHOUSE or RETURN_WAREHOUSE; ``status`` ENABLED, DISABLED or RESTRICTED (holiday mode)."""

    id: str
    name: str
    kind: str
    status: str
    default: bool
    region: str


@dataclass(frozen=True, slots=True)
class AuthorisedShop:
    """A Shop that a token may act for."""

    id: str
    name: str
    region: str
    cipher: str
    code: str
    seller_type: str


@dataclass(frozen=True, slots=True)
class Token:
    """A pair of tokens with their absolute ends (UTC)."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    open_id: str
    seller_name: str
    region: str
    user_type: int
    scopes: tuple[str, ...] = field(default_factory=tuple)
