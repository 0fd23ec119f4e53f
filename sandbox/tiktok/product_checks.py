"""Business rules of Create and Edit Product for everything but its SKUs; each broken rule has its documented code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.tiktok import brands, categories, category_rules, pictures, sku_checks
from sandbox.tiktok.accounts import Shop
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.attribute_checks import check_attributes
from sandbox.tiktok.text_checks import check_description, check_title
from sandbox.world import World

NEW_SELLER_ALLOWANCE = 100
MAIN_IMAGES = 9
WEIGHT_DECIMALS = {"KILOGRAM": 3, "POUND": 2, "GRAM": 0}
WEIGHT_UNITS = {
    "US": ("KILOGRAM", "POUND"),
    "BR": ("KILOGRAM", "GRAM"),
    "JP": ("KILOGRAM", "GRAM"),
    "MX": ("KILOGRAM", "GRAM"),
}
LENGTH_UNITS = {"US": ("CENTIMETER", "INCH")}
IMPERIAL = ("POUND", "INCH")
CERTIFICATIONS = 10
DAYS_AHEAD_SCHEDULED = 90


@dataclass(frozen=True)
class Listing:
    """A product body to be judged. `product_id` is the product being edited, `is_draft` asks for `save_mode`
    AS_DRAFT, where only what is given is judged."""

    world: World
    shop: Shop
    body: dict[str, Any]
    product_id: str | None = None
    is_draft: bool = False

    def wants(self, name: str) -> bool:
        """Whether this field is to be judged: always when listing, when given in a draft."""
        return not self.is_draft or self.body.get(name) is not None


def problems(listing: Listing) -> Iterator[Refused]:
    """Every broken rule, in the order the checks run."""
    body = listing.body
    if listing.wants("title"):
        yield from check_title(body.get("title") or "", listing.shop.region)
    if listing.wants("description"):
        yield from check_description(body.get("description") or "", f"{listing.world.base_url}{pictures.FOLDER}/")
    if listing.wants("category_id"):
        wrong_category = list(_check_category(listing))
        yield from wrong_category
        if wrong_category:
            return
        yield from _check_by_category(listing)
    if listing.wants("main_images"):
        yield from _check_main_images(listing)
    if listing.wants("skus"):
        yield from sku_checks.problems(listing.world, listing.shop, body.get("skus") or [], listing.product_id)
    yield from _check_package(listing)
    yield from _check_rest(listing)


def _check_category(listing: Listing) -> Iterator[Refused]:
    category_id, version = listing.body.get("category_id") or "", listing.body.get("category_version")
    if version is not None and version != "v2":
        yield Refused(12052217, "All regions must use V2 categories. Set category_version to v2.")
        return
    if not category_id.isdigit():
        yield Refused(12052002, f"The category id {category_id!r} has a wrong format.")
        return
    category = categories.tree().get(category_id)
    if category is None:
        yield Refused(12052023, f"The category {category_id} does not exist.")
    elif version is None:
        yield Refused(12052230, "The category version and the category id do not match. The version defaults to v1.")
    elif not category.is_leaf:
        yield Refused(12052024, f"The category {category_id} is not a leaf category.")
    else:
        yield from _check_permission(listing.shop, category)


def _check_permission(shop: Shop, category: categories.Category) -> Iterator[Refused]:
    status = permission(shop, category)[0]
    if status == "INVITE_ONLY":
        yield Refused(12052223, "The category is restricted. Apply for it in the Qualification Center.")
    if status == "NON_MAIN_CATEGORY":
        yield Refused(12052225, "The category is outside the main category of the shop.")


def permission(shop: Shop, category: categories.Category) -> list[str]:
    """Permission statuses of the category for this shop."""
    return categories.permission_statuses(category, is_new_seller=shop.daily_products <= NEW_SELLER_ALLOWANCE)


def _check_by_category(listing: Listing) -> Iterator[Refused]:
    """What the category's rules ask for."""
    body, category_id = listing.body, listing.body["category_id"]
    rules = category_rules.rules_of(category_id)
    yield from _check_brand(listing, categories.tree()[category_id])
    yield from check_attributes(category_id, body.get("product_attributes") or [], is_draft=listing.is_draft)
    yield from _check_certifications(listing, rules)
    chart = body.get("size_chart") or {}
    if rules.size_chart_required and not chart and not listing.is_draft:
        yield Refused(12052673, "A size chart is required in this category.")
    if chart.get("template"):
        yield Refused(12052128, "The size chart template was not found.")
    elif chart.get("image") and pictures.find_image(listing.world, chart["image"]["uri"]) is None:
        yield Refused(12052670, "The size chart image URI is invalid.")
    if rules.dimensions_required and not body.get("package_dimensions") and not listing.is_draft:
        yield Refused(12019012, "The package size is invalid. Package dimensions are required in this category.")


def _check_brand(listing: Listing, category: categories.Category) -> Iterator[Refused]:
    brand_id = listing.body.get("brand_id")
    if not brand_id:
        return
    if not brand_id.isdigit():
        yield Refused(12019013, f"The brand id {brand_id!r} is invalid.")
        return
    brand = brands.all_brands().get(brand_id)
    if brand is None:
        yield Refused(12052026, f"The brand {brand_id} does not exist.")
    elif brand_id in brands.authorised(listing.shop.id):
        if not brands.is_available(brand, category):
            yield Refused(12052201, "The brand is not authorized in this category.")
    elif brand.is_t1:
        yield Refused(12052208, f"The brand {brand.name} requires authorization.")


def _check_certifications(listing: Listing, rules: category_rules.Rules) -> Iterator[Refused]:
    given = listing.body.get("certifications") or []
    ids = [one["id"] for one in given]
    known = {id for id, _, _ in rules.certifications}
    if len(set(ids)) != len(ids):
        yield Refused(12052656, "A qualification id is duplicated.")
    if len(given) > CERTIFICATIONS:
        yield Refused(12052657, "There are too many qualification files.")
    yield from (Refused(12052655, f"The qualification id {id} does not exist.") for id in ids if id not in known)
    for id, name, is_required in rules.certifications:
        if is_required and id not in ids and not listing.is_draft:
            yield Refused(12052105, f"The required qualification {name} is missing.")
    for one in given:
        for image in one.get("images") or []:
            if pictures.find_image(listing.world, image["uri"]) is None:
                yield Refused(12052650, "The qualification image URI is illegal.")
        for file in one.get("files") or []:
            if pictures.find_file(listing.world, file["id"]) is None:
                yield Refused(12052658, "The qualification file URI is illegal.")


def _check_main_images(listing: Listing) -> Iterator[Refused]:
    images = listing.body.get("main_images") or []
    if not images:
        yield Refused(12052028, "A main image is required.")
    if len(images) > MAIN_IMAGES:
        yield Refused(12052306, f"There are too many main images. The maximum is {MAIN_IMAGES}.")
    for image in images:
        yield from check_image(listing.world, image["uri"])


def check_image(world: World, uri: str) -> Iterator[Refused]:
    """A main image: a known upload between 300 and 4000 px."""
    if not pictures.URI.fullmatch(uri):
        yield Refused(12052300, f"The image URI {uri!r} is illegal.")
        return
    row = pictures.find_image(world, uri)
    if row is None:
        yield Refused(12052722, f"The image URI {uri} is unknown to TikTok Shop.")
        return
    low, high = pictures.MAIN_SIDES
    if min(row["width"], row["height"]) < low:
        yield Refused(12052301, "The image is too small.")
    if max(row["width"], row["height"]) > high:
        yield Refused(12052302, "The image is too big.")


def _check_package(listing: Listing) -> Iterator[Refused]:
    weight, size = listing.body.get("package_weight"), listing.body.get("package_dimensions")
    region = listing.shop.region
    if weight:
        yield from _check_weight(weight, region)
    elif not listing.is_draft:
        yield Refused(12019011, "The package weight is invalid.")
    if size:
        yield from _check_size(size, region)
    if weight and size and (weight["unit"] in IMPERIAL) != (size["unit"] in IMPERIAL):
        yield Refused(12052915, "Metric and imperial units cannot be mixed.")


def _check_weight(weight: dict[str, str], region: str) -> Iterator[Refused]:
    unit = weight["unit"]
    if unit not in WEIGHT_UNITS.get(region, ("KILOGRAM",)):
        code = 12019061 if unit in IMPERIAL else 12019060
        yield Refused(code, f"The weight unit {unit} is not available in {region}.")
        return
    value = _positive(weight["value"])
    if value is None:
        yield Refused(12019011, f"The package weight {weight['value']!r} is invalid.")
    elif value == 0:
        yield Refused(12052181, "The package weight must not be zero.")
    elif -int(value.as_tuple().exponent) > WEIGHT_DECIMALS[unit]:
        yield Refused(12052006, f"The package weight has more than {WEIGHT_DECIMALS[unit]} decimals.")


def _check_size(size: dict[str, str], region: str) -> Iterator[Refused]:
    unit = size["unit"]
    if unit not in LENGTH_UNITS.get(region, ("CENTIMETER",)):
        yield Refused(12052916, f"The dimension unit {unit} is not available in {region}.")
    for name, code in (("height", 12052003), ("width", 12052004), ("length", 12052005)):
        if not re.fullmatch(r"0*[1-9]\d*", size[name]):
            yield Refused(code, f"The package {name} {size[name]!r} must be a positive whole number.")


def _positive(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value >= 0 else None


def _check_rest(listing: Listing) -> Iterator[Refused]:
    body = listing.body
    if body.get("is_cod_allowed"):
        yield Refused(12052222, "Cash on delivery is not supported in this category.")
    if len(body.get("external_product_id") or "") > 999:
        yield Refused(12052369, "The external product id is too long.")
    if body.get("video") and pictures.find_file(listing.world, body["video"]["id"]) is None:
        yield Refused(12052360, "The video id is unknown.")
    if body.get("manufacturer_ids"):
        yield Refused(12052284, "The manufacturer was not found.")
    if body.get("responsible_person_ids"):
        yield Refused(12052289, "The responsible person was not found.")
    if (body.get("minimum_order_quantity") or 1) > 1:
        yield Refused(12052707, "A minimum order quantity is not supported in this region.")
    schedule = body.get("scheduled_sale") or {}
    if schedule.get("is_enabled_scheduled_sale"):
        ahead = (schedule.get("schedule_sale_time") or 0) / 1000 - listing.world.clock.now()
        if not 0 < ahead <= DAYS_AHEAD_SCHEDULED * 86400:
            yield Refused(12052604, "The scheduled time must be later than now and within 90 days.")
