"""The merchant's catalogue as every store adapter delivers it, whatever the platform calls things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a product in the store; ``url`` is public, ``alt`` its text, in the order shown."""

    url: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class OptionValue:
    """One choice that tells a variant from its siblings: option ``Size``, value ``Small``."""

    option: str
    value: str


@dataclass(frozen=True, slots=True)
class Variant:
    """What is bought and counted. ``remote_id`` is unique within the product.

    ``price`` and ``sale_price`` are what the customer pays, in the store's currency; ``weight_kg`` in kilograms;
    ``picture`` is the index of its picture among the product's pictures, or None.
    """

    remote_id: str
    sku: str | None
    price: Decimal | None
    stock: int | None
    sale_price: Decimal | None = None
    gtin: str | None = None
    mpn: str | None = None
    weight_kg: Decimal | None = None
    picture: int | None = None
    options: tuple[OptionValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the store. It always has a variant: one without choices has exactly one, ``remote_id`` "0"."""

    remote_id: str
    title: str
    description: str
    active: bool
    url: str
    variants: tuple[Variant, ...]
    pictures: tuple[Picture, ...] = ()
    category_ids: tuple[str, ...] = ()
    brand_id: str | None = None
    brand_name: str | None = None
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    vat_exclusive: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoreCategory:
    """``path`` is the names from the root down, joined by " > "."""

    remote_id: str
    title: str
    path: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class StoreBrand:
    remote_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Business:
    """Who owns the store account: ``country`` ISO 3166-1 alpha-2, ``currency`` ISO 4217."""

    remote_id: str
    name: str
    domain: str
    country: str
    currency: str


@dataclass(frozen=True, slots=True)
class Change:
    """A hint from the store that a record changed. ``kind``: product, stock, category, brand or order.

    ``event_id`` orders the hints of one account; ``quantity`` is the signed new stock of ``sku`` where told, and
    ``by_order`` whether one of the store's orders took it.
    """

    event_id: str
    kind: str
    action: str
    subject_id: str
    at: datetime
    sku: str | None = None
    quantity: int | None = None
    by_order: bool = False
