"""An order of the Shop, and the store order that is made of it, whatever the store platform calls things.

Money is in the order's currency. GB prices include VAT. A line is exactly one unit, as TikTok Shop has it
(TikTok Shop Partner Center, Get Order Detail: line items carry no quantity).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Address:
    """Where the order goes. ``masked``: TikTok hides it with asterisks or leaves it out; nothing reveals it."""

    name: str
    phone: str
    lines: tuple[str, ...]
    town: str
    county: str
    postcode: str
    country: str
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """What the buyer paid and how it came about; the names are those of TikTok's ``payment`` object.

    total = sub_total + shipping_fee + tax + fees; sub_total = original_products - seller_discount - platform_discount.
    """

    currency: str
    total: Decimal
    sub_total: Decimal
    original_products: Decimal
    seller_discount: Decimal
    platform_discount: Decimal
    shipping_fee: Decimal
    original_shipping: Decimal
    shipping_seller_discount: Decimal
    shipping_platform_discount: Decimal
    tax: Decimal
    fees: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """What a virtual bundle holds: ``count`` of a SKU in each unit of the bundle."""

    sku_id: str
    seller_sku: str
    count: int


@dataclass(frozen=True, slots=True)
class ShopLine:
    """One unit ordered. ``status`` is TikTok's display status of the line."""

    id: str
    product_id: str
    sku_id: str
    seller_sku: str
    title: str
    sku_title: str
    original_price: Decimal
    sale_price: Decimal
    seller_discount: Decimal
    platform_discount: Decimal
    status: str
    gift: bool = False
    package_id: str = ""
    tracking_number: str = ""
    provider_name: str = ""
    cancel_reason: str = ""
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order as the Shop tells it. ``status``, ``order_type``, ``shipping_type`` are the Shop's own words.

    ``by_tiktok``: fulfilled by TikTok (FBT). ``raw`` is the answer as it came, without customer data.
    """

    id: str
    status: str
    order_type: str
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None
    by_tiktok: bool
    shipping_type: str
    delivery_option_id: str
    delivery_option: str
    warehouse_id: str
    buyer_email: str
    buyer_message: str
    seller_note: str
    address: Address | None
    payment: Payment
    lines: tuple[ShopLine, ...]
    on_hold: bool = False
    sample: bool = False
    replaced_order_id: str = ""
    exchanged_order_id: str = ""
    cancel_requested: bool = False
    cancel_reason: str = ""
    cancelled_by: str = ""
    address_changed: bool = False
    ship_by: datetime | None = None
    collect_by: datetime | None = None
    deliver_by: datetime | None = None
    tracking_number: str = ""
    provider_name: str = ""
    package_ids: tuple[str, ...] = ()
    payment_method: str = ""


@dataclass(frozen=True, slots=True)
class StoreLine:
    """A line of the store order: ``price`` is for one unit, VAT included in GB.

    ``vat_exclusive``: the store keeps this product's prices without VAT.
    """

    variant_id: int
    product_remote_id: str
    variant_remote_id: str
    sku: str
    title: str
    quantity: int
    price: Decimal
    vat_exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A named amount: a discount (given as a positive amount to take off) or a fee (added)."""

    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class StoreOrderDraft:
    """A store order as it would be created. ``marker`` is what it is found by again: ``TikTok order <id>``.

    sum(lines) - discounts + shipping + fees = total, to the penny.
    """

    marker: str
    shop_order_id: str
    status_id: str
    address: Address
    email: str
    lines: tuple[StoreLine, ...]
    shipping_name: str
    shipping: Decimal
    discounts: tuple[Named, ...]
    fees: tuple[Named, ...]
    total: Decimal
    currency: str
    comments: str
    custom_fields: dict[str, str] = field(default_factory=dict)
    payment_method: str = "TikTok Shop"
    send_emails: bool = False


@dataclass(frozen=True, slots=True)
class StoreOrder:
    """An order that the store has: ``number`` is what people see, ``marker`` as found in its comments."""

    remote_id: str
    number: str
    status_id: str
    status: str
    total: Decimal
    created_at: datetime | None
    comments: str
    tracking_url: str = ""


@dataclass(frozen=True, slots=True)
class StoreOrderStatus:
    """``kind`` is one of unpaid, paid, shipped, cancelled, custom."""

    remote_id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class InventoryLevel:
    """What the Shop holds of a SKU. ``in_shop`` is what may be compared with what we offered; never the total."""

    sku_id: str
    seller_sku: str
    in_shop: int
    committed: int
    campaign: int
    creator: int
    warehouses: tuple[tuple[str, int], ...] = ()
