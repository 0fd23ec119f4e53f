"""Warehouses, delivery options and shipping providers of the demo shops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox import demo
from sandbox.tiktok.answers import Refused

REGION_NAMES = {"GB": "United Kingdom", "US": "United States"}


@dataclass(frozen=True)
class Warehouse:
    """A place of a shop; only enabled sales warehouses hold stock of listings."""

    id: str
    shop_id: str
    name: str
    type: str
    effect_status: str
    is_default: bool
    city: str
    postal_code: str
    region: str


WAREHOUSES = (
    Warehouse(
        "7068517275539719942", demo.HARBOUR_SHOP.id, "Leeds main", "SALES_WAREHOUSE", "ENABLED", True,
        "Leeds", "LS1 4AP", "GB",
    ),
    Warehouse(
        "7068517275539720011", demo.HARBOUR_SHOP.id, "Leeds returns", "RETURN_WAREHOUSE", "ENABLED", True,
        "Leeds", "LS1 4AP", "GB",
    ),
    Warehouse(
        "7068517275539720075", demo.HARBOUR_SHOP.id, "York overflow", "SALES_WAREHOUSE", "DISABLED", False,
        "York", "YO1 7HH", "GB",
    ),
    Warehouse(
        "7068517275539721164", demo.QUAY_SHOP.id, "Bristol", "SALES_WAREHOUSE", "ENABLED", True,
        "Bristol", "BS1 5TR", "GB",
    ),
    Warehouse(
        "7068517275539721202", demo.QUAY_SHOP.id, "Bristol returns", "RETURN_WAREHOUSE", "ENABLED", True,
        "Bristol", "BS1 5TR", "GB",
    ),
    Warehouse(
        "7068517275539722331", demo.MAPLE_SHOP.id, "Columbus", "SALES_WAREHOUSE", "ENABLED", True,
        "Columbus", "43004", "US",
    ),
)  # fmt: skip
BY_ID = {warehouse.id: warehouse for warehouse in WAREHOUSES}

DELIVERY_OPTIONS = (
    ("7091146663229654785", "Standard delivery", "STANDARD"),
    ("7091146663229654786", "Express delivery", "EXPRESS"),
    ("7091146663229654787", "Sent by seller", "SEND_BY_SELLER"),
)
SEND_BY_SELLER = DELIVERY_OPTIONS[2][0]
# Ids as seen in live shops; clients must query them.
PROVIDERS = {
    "GB": (
        ("6671794738251726849", "Royal Mail"),
        ("6599541761693270018", "EVRi"),
        ("6657598289359323137", "DPD UK"),
        ("6641219975896514562", "Yodel UK"),
        ("6639580521074524161", "DHL UK"),
        ("6699476450581430274", "Parcel Force"),
        ("6649195729745887233", "UK Mail"),
        ("6658174162568658945", "DX Delivery"),
    ),
    "US": (
        ("7117858858072016686", "USPS"),
        ("7117859084333745966", "UPS"),
        ("7129720299146184490", "FedEx"),
    ),
}


def warehouses_on_wire(shop_id: str) -> list[dict[str, Any]]:
    """The answer of Get Warehouse List, with the vendor's spelling `distict`."""
    return [_warehouse(one) for one in WAREHOUSES if one.shop_id == shop_id]


def _warehouse(one: Warehouse) -> dict[str, Any]:
    street = "12 Quay Row"
    return {
        "id": one.id,
        "name": one.name,
        "entity_id": str(int(one.id) // 1000 * 1000),
        "type": one.type,
        "sub_type": "DOMESTIC_WAREHOUSE",
        "effect_status": one.effect_status,
        "is_default": one.is_default,
        "address": {
            "region": REGION_NAMES[one.region],
            "region_code": one.region,
            "state": "England" if one.region == "GB" else "Ohio",
            "city": one.city,
            "distict": "",
            "town": "",
            "postal_code": one.postal_code,
            "address_line1": street,
            "address_line2": "",
            "full_address": f"{street}, {one.city}, {one.postal_code}",
            "contact_person": "Goods In",
            "phone_number": "+44*******000" if one.region == "GB" else "+1*******000",
            "geolocation": {"latitude": "53.7950", "longitude": "-1.5460"},
        },
    }


def delivery_options(shop_id: str, warehouse_id: str, scope: str) -> list[dict[str, Any]]:
    """Options of one warehouse; with scope PRODUCT only id and name."""
    warehouse = BY_ID.get(warehouse_id)
    if warehouse is None or warehouse.shop_id != shop_id:
        raise Refused(36009003, "Internal error. The warehouse does not exist.")
    if scope == "PRODUCT":
        return [{"id": id, "name": name} for id, name, _ in DELIVERY_OPTIONS]
    return [
        {
            "id": id,
            "name": name,
            "type": type,
            "description": f"{name} within {REGION_NAMES[warehouse.region]}",
            "platform": ["TIKTOK_SHOP"],
            "dimension_limit": {"max_length": 120, "max_width": 80, "max_height": 80, "unit": "CM"},
            "weight_limit": {"min_weight": 1, "max_weight": 30000, "unit": "GRAM"},
        }
        for id, name, type in DELIVERY_OPTIONS
    ]


def shipping_providers(region: str, delivery_option_id: str) -> list[dict[str, str]]:
    """Providers a seller may name; options shipped by TikTok have no list."""
    if delivery_option_id not in {id for id, _, _ in DELIVERY_OPTIONS}:
        raise Refused(21008116, "The delivery option is not subscribed.")
    if delivery_option_id != SEND_BY_SELLER:
        raise Refused(21008117, "The delivery option is shipped by TikTok and has no provider list.")
    return [{"id": id, "name": name} for id, name in PROVIDERS[region]]
