"""Rules and attributes of a category. TikTok publishes them by API only, so these are plausible ones that differ per
branch and are always the same for the same category."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox.tiktok.categories import Category, number_of, tree

COLOUR, SIZE, SPECIFICATION, MATERIAL, OCCASION = "100000", "100007", "100398", "100107", "100392"
BATTERIES, BATTERY_TYPE, YES = "101126", "101127", "1000058"
NET_CONTENT = "101610"
CE_CERTIFICATE, SAFETY_SHEET = "7182427311584347905", "7182427311584347906"
APPAREL = ("Womenswear & Underwear", "Menswear & Underwear", "Kids' Fashion", "Muslim Fashion", "Shoes")
POWERED = ("Household Appliances", "Phones & Electronics", "Computers & Office Equipment", "Toys & Hobbies")


@dataclass(frozen=True)
class AttributeKind:
    """An attribute as it can appear in any category; `sales` ones make variants."""

    id: str
    name: str
    values: tuple[str, ...]
    sales: bool = False
    many: bool = False
    custom: bool = False
    data_format: str = ""

    @property
    def value_ids(self) -> dict[str, str]:
        """Value id to name: seven digits that follow from the attribute's id."""
        first = 1000000 + (int(self.id) - 100000) * 40
        return {self._value_id(first, index): name for index, name in enumerate(self.values)}

    def _value_id(self, first: int, index: int) -> str:
        if self.id == BATTERIES:
            return str(int(YES) + index)
        return str(first + index + 100000)


KINDS = {
    kind.id: kind
    for kind in (
        AttributeKind(COLOUR, "Color", ("Black", "White", "Blue", "Red", "Green", "Natural"), sales=True),
        AttributeKind(SIZE, "Size", ("XS", "S", "M", "L", "XL", "One size"), sales=True),
        AttributeKind(SPECIFICATION, "Specification", ("Standard", "Large"), sales=True),
        AttributeKind(
            MATERIAL, "Material", ("Glass", "Bamboo", "Cotton", "Steel", "Plastic", "Wood"), many=True, custom=True
        ),
        AttributeKind(OCCASION, "Occasion", ("Everyday", "Wedding", "Holiday", "Outdoor"), many=True),
        AttributeKind("100701", "Pattern", ("Plain", "Striped", "Floral", "Checked")),
        AttributeKind("100397", "Season", ("All seasons", "Spring", "Summer", "Autumn", "Winter"), many=True),
        AttributeKind("100198", "Country of Origin", ("United Kingdom", "China", "India", "Italy"), custom=True),
        AttributeKind("100347", "Quantity Per Pack", ("1", "2", "4", "6", "12"), custom=True),
        AttributeKind("101395", "CA Prop 65: Carcinogens", ("Yes", "No")),
        AttributeKind("100149", "Target Age", ("Babies", "Children", "Adults")),
        AttributeKind("101400", "Care Instructions", ("Machine wash", "Hand wash", "Dry clean"), custom=True),
        AttributeKind("101489", "Skin Type", ("All", "Dry", "Oily", "Sensitive"), many=True),
        AttributeKind("101021", "Plug Type", ("UK", "EU", "USB", "None")),
        AttributeKind(NET_CONTENT, "Net Content (ml)", (), custom=True, data_format="POSITIVE_INT_OR_DECIMAL"),
        AttributeKind(BATTERIES, "Contains Batteries", ("Yes", "No")),
        AttributeKind(BATTERY_TYPE, "Battery Type", ("Alkaline", "Lithium-ion", "Button cell")),
    )
}
EXTRAS = ("100701", "100397", "100198", "100347", "101395", "100149")


@dataclass(frozen=True)
class Rules:
    """What the category asks of a product, in our own terms; `wire` gives the vendor's."""

    required: frozenset[str]
    attributes: tuple[str, ...]
    dimensions_required: bool
    size_chart_supported: bool
    size_chart_required: bool
    certifications: tuple[tuple[str, str, bool], ...]


@cache
def rules_of(category_id: str) -> Rules:
    """The rules of a leaf."""
    category = tree()[category_id]
    draw = number_of("rules", category.branch)
    apparel = category.root in APPAREL
    return Rules(
        required=_required(category, draw),
        attributes=_attributes(category, draw),
        dimensions_required=draw % 5 < 2,
        size_chart_supported=apparel,
        size_chart_required=category.root == "Womenswear & Underwear" and draw % 3 == 0,
        certifications=_certifications(category, draw),
    )


def _required(category: Category, draw: int) -> frozenset[str]:
    """About a third of the branches need nothing."""
    required = set()
    if category.root in APPAREL or draw % 3 == 1:
        required.add(MATERIAL)
    if draw % 7 == 2:
        required.add("100198")
    if category.root == "Beauty & Personal Care" and draw % 2:
        required.add("101489")
    if category.root in POWERED and draw % 2:
        required.add(BATTERIES)
    return frozenset(required)


def _attributes(category: Category, draw: int) -> tuple[str, ...]:
    chosen = [COLOUR, SIZE if category.root in APPAREL else SPECIFICATION, MATERIAL, OCCASION]
    chosen += [extra for place, extra in enumerate(EXTRAS) if draw >> place & 1 or extra in _required(category, draw)]
    if category.root in APPAREL:
        chosen.append("101400")
    if category.root == "Beauty & Personal Care":
        chosen += ["101489", NET_CONTENT]
    if category.root in POWERED:
        chosen += [BATTERIES, BATTERY_TYPE, "101021"]
    return tuple(chosen)


def _certifications(category: Category, draw: int) -> tuple[tuple[str, str, bool], ...]:
    """(id, name, is required). Toys need a conformity mark, some powered goods a safety data sheet."""
    if category.branch == ("Toys & Hobbies", "Electric & Remote Control Toys"):
        return ((CE_CERTIFICATE, "UKCA or CE certificate", True),)
    if category.root == "Toys & Hobbies":
        return ((CE_CERTIFICATE, "UKCA or CE certificate", draw % 4 == 0),)
    if category.root in POWERED:
        return ((SAFETY_SHEET, "Battery safety data sheet", False),)
    return ()


def rules_on_wire(category_id: str) -> dict[str, Any]:
    """The answer of Get Category Rules for a UK or US shop, where EU duties do not apply."""
    rules = rules_of(category_id)
    return {
        "product_certifications": [_certification(*one) for one in rules.certifications],
        "size_chart": {"is_supported": rules.size_chart_supported, "is_required": rules.size_chart_required},
        "package_dimension": {"is_required": rules.dimensions_required},
        "cod": {"is_supported": False},
        "epr": {"is_required": False},
        "fees": [],
        "manufacturer": {"is_required": False},
        "responsible_person": {"is_required": False},
        "allowed_special_product_types": ["PRE_ORDER"],
    }


def _certification(id: str, name: str, is_required: bool) -> dict[str, Any]:
    conditions = []
    if id == SAFETY_SHEET:
        conditions = [_condition(BATTERIES, YES)]
    return {
        "id": id,
        "name": name,
        "is_required": is_required,
        "sample_image_url": "",
        "document_details": f"A readable copy of the {name}, as an image or PDF.",
        "expiration_date": {"is_required": False},
        "requirement_conditions": conditions,
    }


def attributes_on_wire(category_id: str) -> list[dict[str, Any]]:
    """The answer of Get Attributes, with the vendor's spelling `is_requried`."""
    rules = rules_of(category_id)
    return [_attribute(KINDS[id], id in rules.required) for id in rules.attributes]


def _attribute(kind: AttributeKind, is_required: bool) -> dict[str, Any]:
    values = [{"id": id, "name": name} for id, name in kind.value_ids.items()]
    if kind.sales:
        return {
            "id": kind.id,
            "name": kind.name,
            "type": "SALES_PROPERTY",
            "is_customizable": True,
            "values": values,
        }
    wire: dict[str, Any] = {
        "id": kind.id,
        "name": kind.name,
        "type": "PRODUCT_PROPERTY",
        "is_requried": is_required,
        "is_multiple_selection": kind.many,
        "is_customizable": kind.custom,
        "values": values,
    }
    if kind.data_format:
        wire["value_data_format"] = kind.data_format
    if kind.id == BATTERY_TYPE:
        wire["requirement_conditions"] = [_condition(BATTERIES, YES)]
    return wire


def _condition(attribute_id: str, value_id: str) -> dict[str, str]:
    return {
        "condition_type": "VALUE_ID_MATCH",
        "attribute_id": attribute_id,
        "attribute_value_id": value_id,
    }
