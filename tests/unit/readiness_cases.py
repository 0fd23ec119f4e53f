"""A product that is ready in every respect, and the surroundings it is judged in; tests change one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.domain.catalog import OptionValue, Picture, Product, Variant
from core.domain.limits import limits_of
from core.domain.listing import CategoryRule, Problem
from core.domain.listing_rules import ListingContext, ListingRules
from core.domain.mapping import CategoryInfo
from core.domain.pictures import PictureFacts
from core.domain.readiness import Assessment, assess

GB = limits_of("GB")
JARS = "601450"
PICTURE = "https://shop.example/jar.jpg"
GOOD_PICTURE = PictureFacts(PICTURE, 1000, 1000, "JPEG", 120_000, "aa")
SIZES = {"tiktok_length": "12", "tiktok_width": "12", "tiktok_height": "18", "tiktok_unit": "CENTIMETER"}


def variant(remote_id: str = "0", **changes: Any) -> Variant:
    values: dict[str, Any] = {
        "remote_id": remote_id,
        "sku": f"JAR-{remote_id}",
        "price": Decimal("12.99"),
        "stock": 40,
        "weight_kg": Decimal("0.85"),
    }
    return Variant(**(values | changes))


def sized(remote_id: str, size: str, **changes: Any) -> Variant:
    return variant(remote_id, options=(OptionValue("Size", size),), **changes)


def product(**changes: Any) -> Product:
    values: dict[str, Any] = {
        "remote_id": "77",
        "title": "Bamboo lid glass storage jar",
        "description": "<p>Airtight jar.</p>",
        "active": True,
        "url": "https://shop.example/jar",
        "variants": (variant(gtin="4006381333931"),),
        "pictures": (Picture(PICTURE),),
        "category_ids": ("c1",),
        "custom_fields": SIZES,
    }
    return Product(**(values | changes))


def rules(**changes: Any) -> ListingRules:
    values: dict[str, Any] = {
        "limits": GB,
        "store_currency": "GBP",
        "warehouse_id": "7068517275539719942",
        "category_map": {"c1": JARS},
        "categories": {JARS: CategoryInfo(JARS, "Kitchenware > Storage jars", True, "AVAILABLE")},
        "category_rules": {JARS: CategoryRule(JARS, dimensions_required=True, size_chart_required=False)},
        "category_attributes": {JARS: ()},
    }
    return ListingRules(**(values | changes))


def context(of: Product | None = None, **changes: Any) -> ListingContext:
    """Rule changes by the rules' own names, everything else by the context's."""
    names = ListingContext.__dataclass_fields__
    own = {name: value for name, value in changes.items() if name in names}
    of = of or product()
    made = ListingContext(
        rules=rules(**{name: value for name, value in changes.items() if name not in names}),
        product_id="1",
        variant_ids={one.remote_id: f"v{one.remote_id}" for one in of.variants},
        pictures={PICTURE: GOOD_PICTURE},
    )
    return replace(made, **own)


def judged(of: Product, **changes: Any) -> Assessment:
    return assess(of, context(of, **changes))


def problem(assessment: Assessment, code: str) -> Problem:
    """The first problem with this code; fails with all there are."""
    found = [one for one in assessment.problems if one.code == code]
    assert found, f"no {code} among {[(one.code, one.sentence) for one in assessment.problems]}"
    return found[0]
