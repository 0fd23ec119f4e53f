"""From the store's words to the Shop's: which category, which brand, which attribute values a product gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from core.domain.catalog import Product
from core.domain.limits import MarketLimits
from core.domain.listing import AttributeValue, CategoryAttribute, Problem, Severity, ShopBrand
from core.domain.plaintext import cleaned, one_line, quoted
from core.domain.stock import WAREHOUSE

CATEGORY: Final = "category"
BRAND: Final = "brand"
DEFAULT_CATEGORY: Final = "default_category"
ATTRIBUTE: Final = "attribute"
# Of orders: a TikTok status to the store's status, a SKU of the Shop to a variant, a field to a custom field.
ORDER_STATUS: Final = "order_status"
SKU: Final = "sku"
ORDER_FIELD: Final = "order_field"
ORDER_KINDS: Final = (ORDER_STATUS, SKU, ORDER_FIELD)
UNNAMED_SKU: Final = "TikTok SKU "  # what stands before the Shop's id of a SKU that the seller gave no name
# A category of the Shop to the weight and sizes of products in it that have none (P22).
PART_NUMBER: Final = "Part number (MPN)"  # where an attribute may come from, beside the custom fields
PARCEL: Final = "parcel"
KINDS: Final = (CATEGORY, BRAND, DEFAULT_CATEGORY, ATTRIBUTE, PARCEL, *ORDER_KINDS, WAREHOUSE)
ANY_CATEGORY: Final = "*"

_PERMISSIONS: Final = {
    "INVITE_ONLY": (
        "is invite-only",
        "Apply for it in Seller Center's Qualification Center, or choose another category.",
    ),
    "NON_MAIN_CATEGORY": (
        "lies outside the Shop's main category",
        "Choose a category inside the Shop's main category.",
    ),
    "PROHIBITED": ("is prohibited in this market", "Choose another category."),
}


class MappingRefused(Exception):
    """A mapping that cannot be saved; ``sentence`` says which and why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class MappingConflict(MappingRefused):
    """Somebody else changed the same mapping meanwhile."""


def sku_shown(seller_sku: str, sku_id: str) -> str:
    """What a SKU of the Shop is called: the seller's name for it, or TikTok's id where there is none."""
    return seller_sku or f"{UNNAMED_SKU}{sku_id}"


def sku_kept(shown: str) -> str:
    """The name by which a SKU's mapping is kept, by what the SKU is called."""
    return shown.removeprefix(UNNAMED_SKU)


@dataclass(frozen=True, slots=True)
class CategoryInfo:
    """A category of the Shop as far as choosing needs it; ``path`` is the names from the root down."""

    id: str
    path: str
    leaf: bool
    permission: str


@dataclass(frozen=True, slots=True)
class CategoryChoice:
    """``source`` is own, mapped, default, or empty when there is none."""

    category_id: str | None
    source: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class BrandChoice:
    """``brand_id`` None is sent as “No Brand”."""

    brand_id: str | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """Where an attribute's value comes from: a custom field of the product, a listed value, or a fixed text.

    With a field, the listed value or the text is the default for products whose field is empty (P22).
    """

    value_id: str = ""
    text: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class AttributeChoice:
    values: tuple[AttributeValue, ...] = ()
    problems: tuple[Problem, ...] = ()


def attribute_source(category_id: str, attribute_id: str) -> str:
    """The ``source_id`` of an attribute's mapping; ``ANY_CATEGORY`` for all categories at once."""
    return f"{category_id}/{attribute_id}"


def choose_category(
    own: str | None,
    product_categories: Iterable[str],
    mapped: Mapping[str, str],
    default: str | None,
    known: Mapping[str, CategoryInfo],
) -> CategoryChoice:
    """The product's own choice, else its first mapped store category, else the default (P25), with what is wrong."""
    first = next((target for one in product_categories if (target := mapped.get(one))), None)
    for category_id, source in ((own, "own"), (first, "mapped"), (default, "default")):
        if category_id:
            refusal = refusal_of(category_id, known)
            return CategoryChoice(category_id, source, (_category_error(*refusal),) if refusal else ())
    missing = Problem(
        "category_missing",
        Severity.ERROR,
        "The product has no TikTok category: none of its store categories is mapped and there is no default.",
        "Map its store category, choose a category for this product, or set a default category.",
        "category",
    )
    return CategoryChoice(None, "", (missing,))


def refusal_of(category_id: str, known: Mapping[str, CategoryInfo]) -> tuple[str, str, str] | None:
    """Why a category cannot be listed in, as (code, sentence, fix), or None: only usable leaves can."""
    info = known.get(category_id)
    if info is None:
        sentence = f"TikTok category {category_id} is not in the Shop's category tree."
        return "category_unknown", sentence, "Download the categories again, then choose another one."
    if not info.leaf:
        sentence = (
            f"TikTok category {quoted(info.path, 120)} has categories below it; only the lowest ones can be used."
        )
        return "category_not_leaf", sentence, "Choose one of the categories below it."
    if info.permission in _PERMISSIONS:
        words, fix = _PERMISSIONS[info.permission]
        return "category_not_permitted", f"TikTok category {quoted(info.path, 120)} {words}.", fix
    return None


def choose_brand(
    product: Product,
    mapped: Mapping[str, str],
    known: Mapping[str, ShopBrand],
    *,
    send_brand: bool,
    unauthorised: str,
) -> BrandChoice:
    """The mapped brand, else “No Brand”; ``unauthorised`` (error, no_brand) rules what happens to a T1 brand (P18).

    TikTok takes authorised brands and unauthorised ordinary ones (which it does not show); an unauthorised T1 brand
    is refused with code 12052208 (TikTok Shop Partner Center, Get Brands).
    """
    if not send_brand or not product.brand_id:
        return BrandChoice(None)
    target = mapped.get(product.brand_id)
    name = quoted(product.brand_name or product.brand_id)
    if target is None:
        sentence = f"The store's brand {name} is not mapped; the product is sent as “No Brand”."
        return BrandChoice(None, (_brand("brand_unmapped", Severity.NOTE, sentence, "Map it if TikTok has it."),))
    if target == "":
        return BrandChoice(None)
    brand = known.get(target)
    if brand is None:
        sentence = f"The TikTok brand {target} that {name} is mapped to is no longer in the Shop's list."
        return BrandChoice(None, (_brand("brand_unknown", Severity.ERROR, sentence, "Map the brand again."),))
    return _authorised(brand, name, unauthorised)


def _authorised(brand: ShopBrand, name: str, unauthorised: str) -> BrandChoice:
    if brand.authorised:
        return BrandChoice(brand.id)
    if not brand.t1:
        sentence = f"The Shop is not authorised for the TikTok brand {quoted(brand.name)}; buyers will not see it."
        fix = "Ask for the authorisation in Seller Center if it should be shown."
        return BrandChoice(brand.id, (_brand("brand_not_shown", Severity.NOTE, sentence, fix),))
    sentence = f"The Shop is not authorised for the TikTok brand {quoted(brand.name)} that {name} is mapped to"
    if unauthorised == "no_brand":
        problem = _brand(
            "brand_replaced",
            Severity.WARNING,
            f"{sentence}; it is sent as “No Brand”.",
            "Ask for the authorisation in Seller Center, then read the brands again.",
        )
        return BrandChoice(None, (problem,))
    fix = "Ask for the authorisation in Seller Center, or map the brand to “No Brand”."
    return BrandChoice(None, (_brand("brand_unauthorised", Severity.ERROR, f"{sentence}.", fix),))


def choose_attributes(
    category_id: str,
    attributes: Iterable[CategoryAttribute],
    rules: Mapping[str, AttributeRule],
    product: Product,
    limits: MarketLimits,
) -> AttributeChoice:
    """Values of the category's product attributes; a required one without a value is an error that names it (M7).

    A value that is a default is marked by a note (P22).
    """
    asked = [one for one in attributes if one.kind == "PRODUCT_PROPERTY"]
    rule_of = {one.id: _rule_of(category_id, one.id, rules) for one in asked}
    made = {one.id: _value(one, rule, product, limits) for one in asked if (rule := rule_of[one.id])}
    values: list[AttributeValue] = []
    problems: list[Problem] = []
    for attribute in _applying(asked, made):
        rule, value = rule_of[attribute.id], made.get(attribute.id)
        if value and rule:
            values.append(value)
            problems += _by_default(attribute, rule, product)
        elif rule or attribute.required:
            problems += _without_value(attribute, rule, product)
    return AttributeChoice(tuple(values), tuple(problems))


def _rule_of(category_id: str, attribute_id: str, rules: Mapping[str, AttributeRule]) -> AttributeRule | None:
    """One for this category goes before one for all."""
    here = rules.get(attribute_source(category_id, attribute_id))
    return here or rules.get(attribute_source(ANY_CATEGORY, attribute_id))


def _applying(asked: Sequence[CategoryAttribute], made: Mapping[str, AttributeValue | None]) -> list[CategoryAttribute]:
    """Those that go with these values: one with conditions only where a value that goes too meets one, required then.

    TikTok refuses it missing there with 12052182 and filled in elsewhere with 12052183; conditions may hang together.
    """
    going = {one.id for one in asked if one.required or not one.conditions}
    while True:
        chosen = {(one, value.value_id) for one in going if (value := made.get(one))}
        met = {one.id for one in asked if chosen.intersection(one.conditions)} - going
        if not met:
            return [replace(one, required=one.required or bool(one.conditions)) for one in asked if one.id in going]
        going |= met


def _value(
    attribute: CategoryAttribute, rule: AttributeRule, product: Product, limits: MarketLimits
) -> AttributeValue | None:
    own = _own_text(rule, product)
    if rule.value_id and not own:
        listed = any(value_id == rule.value_id for value_id, _ in attribute.values)
        return AttributeValue(attribute.id, value_id=rule.value_id) if listed else None
    text = own or one_line(cleaned(rule.text).text)
    if not text:
        return None
    for value_id, name in attribute.values:
        if name.casefold() == text.casefold():
            return AttributeValue(attribute.id, value_id=value_id)
    fits = attribute.free_text and len(text) <= limits.attribute_value
    return AttributeValue(attribute.id, name=text) if fits else None


def _own_text(rule: AttributeRule, product: Product) -> str:
    """What the product's custom field says; empty without one."""
    return one_line(cleaned(field_of(product, rule.field) or "").text) if rule.field else ""


def _by_default(attribute: CategoryAttribute, rule: AttributeRule, product: Product) -> list[Problem]:
    if not rule.field or _own_text(rule, product):
        return []
    what = quoted(next((name for value_id, name in attribute.values if value_id == rule.value_id), rule.text))
    field, name = quoted(rule.field), quoted(attribute.name)
    sentence = f"The custom field {field} is empty, so the default {what} is sent as {name}."
    fix = f"Fill in {field} in the store where the default does not fit."
    return [Problem("attribute_default", Severity.NOTE, sentence, fix, "attributes")]


def _without_value(attribute: CategoryAttribute, rule: AttributeRule | None, product: Product) -> list[Problem]:
    name = quoted(attribute.name)
    if rule is None:
        sentence = f"The category needs the attribute {name}, and nothing gives it a value."
    elif rule.field and not rule.text and not rule.value_id and not _own_text(rule, product):
        sentence = f"The attribute {name} comes from the custom field {quoted(rule.field)}, which is empty here."
    else:
        what = quoted(_own_text(rule, product) or rule.text or rule.value_id)
        sentence = f"The value {what} of the attribute {name} is not one that TikTok takes."
    code = "attribute_missing" if attribute.required else "attribute_left_out"
    severity = Severity.ERROR if attribute.required else Severity.WARNING
    fix = f"Set {name} for this category on the Mappings page, tab Attributes."
    return [Problem(code, severity, sentence, fix, "attributes")]


@lru_cache(maxsize=4096)
def field_key(name: str) -> str:
    """``TikTok Length`` and ``tiktok_length`` are the same custom field."""
    return name.replace("_", " ").replace("-", " ").casefold().strip()


def field_of(product: Product, name: str) -> str | None:
    """The text of a custom field, however its name is spelt; None when it is missing or blank.

    ``PART_NUMBER`` is the one that the product's variants have in common.
    """
    if name == PART_NUMBER:
        numbers = {variant.mpn.strip() for variant in product.variants if variant.mpn and variant.mpn.strip()}
        return numbers.pop() if len(numbers) == 1 else None
    exact = product.custom_fields.get(name)
    if exact is not None:
        return exact.strip() or None
    wanted = field_key(name)
    return next((text.strip() for key, text in product.custom_fields.items() if field_key(key) == wanted), None) or None


def video_address(product: Product) -> str | None:
    """Where the product's video lies, as the store says (P16)."""
    return field_of(product, "TikTok Video")


def _category_error(code: str, sentence: str, fix: str) -> Problem:
    return Problem(code, Severity.ERROR, sentence, fix, "category")


def _brand(code: str, severity: Severity, sentence: str, fix: str) -> Problem:
    return Problem(code, severity, sentence, fix, "brand")
