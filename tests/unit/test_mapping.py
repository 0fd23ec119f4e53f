"""Which category, brand and attribute values a product gets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.listing import CategoryAttribute, Severity, ShopBrand
from core.domain.mapping import (
    PART_NUMBER,
    AttributeRule,
    CategoryInfo,
    choose_attributes,
    choose_brand,
    choose_category,
    field_of,
)
from tests.unit.readiness_cases import GB, product, variant

KNOWN = {
    "10": CategoryInfo("10", "Kitchen", False, "AVAILABLE"),
    "11": CategoryInfo("11", "Kitchen > Jars", True, "AVAILABLE"),
    "12": CategoryInfo("12", "Kitchen > Knives", True, "INVITE_ONLY"),
    "13": CategoryInfo("13", "Garden > Pots", True, "NON_MAIN_CATEGORY"),
    "14": CategoryInfo("14", "Garden > Poison", True, "PROHIBITED"),
}


@pytest.mark.parametrize(
    ("own", "mapped", "default", "chosen", "source"),
    [
        ("11", {"a": "12"}, "13", "11", "own"),
        (None, {"a": "11"}, "13", "11", "mapped"),
        (None, {"b": "11"}, None, "11", "mapped"),
        (None, {"a": "", "b": "11"}, None, "11", "mapped"),
        (None, {"a": "11", "b": "12"}, None, "11", "mapped"),
        (None, {}, "11", "11", "default"),
        (None, {"z": "12"}, "11", "11", "default"),
        ("", {"a": ""}, "11", "11", "default"),
    ],
)
def test_own_before_mapped_before_default(
    own: str | None, mapped: dict[str, str], default: str | None, chosen: str, source: str
) -> None:
    choice = choose_category(own, ("a", "b"), mapped, default, KNOWN)
    assert (choice.category_id, choice.source, choice.problems) == (chosen, source, ())


@pytest.mark.parametrize(
    ("category", "code", "words"),
    [
        ("10", "category_not_leaf", "only the lowest ones"),
        ("12", "category_not_permitted", "invite-only"),
        ("13", "category_not_permitted", "main category"),
        ("14", "category_not_permitted", "prohibited"),
        ("99", "category_unknown", "not in the Shop's category tree"),
    ],
)
def test_a_category_that_cannot_be_listed_in_says_why(category: str, code: str, words: str) -> None:
    (problem,) = choose_category(category, (), {}, "11", KNOWN).problems
    assert problem.code == code
    assert words in problem.sentence
    assert problem.fix


def test_no_category_at_all_is_missing() -> None:
    choice = choose_category(None, ("a",), {}, None, KNOWN)
    assert choice.category_id is None
    assert [one.code for one in choice.problems] == ["category_missing"]


PLAIN, SHOWN, FAMOUS = (
    ShopBrand("1", "Oak", False, False),
    ShopBrand("2", "Elm", True, True),
    ShopBrand("3", "Nikora", False, True),
)
BRANDS = {brand.id: brand for brand in (PLAIN, SHOWN, FAMOUS)}


@pytest.mark.parametrize(
    ("mapped", "send", "unauthorised", "brand", "codes"),
    [
        ({"b": "2"}, True, "error", "2", []),
        ({"b": "1"}, True, "error", "1", ["brand_not_shown"]),
        ({"b": "3"}, True, "error", None, ["brand_unauthorised"]),
        ({"b": "3"}, True, "no_brand", None, ["brand_replaced"]),
        ({"b": "3"}, False, "error", None, []),
        ({"b": "9"}, True, "error", None, ["brand_unknown"]),
        ({"b": ""}, True, "error", None, []),
        ({}, True, "error", None, ["brand_unmapped"]),
    ],
)
def test_the_brand_follows_the_mapping_and_the_authorisation(
    mapped: dict[str, str], send: bool, unauthorised: str, brand: str | None, codes: list[str]
) -> None:
    of = product(brand_id="b", brand_name="Nikora")
    choice = choose_brand(of, mapped, BRANDS, send_brand=send, unauthorised=unauthorised)
    assert choice.brand_id == brand
    assert [one.code for one in choice.problems] == codes


def test_a_product_without_brand_needs_no_word() -> None:
    assert choose_brand(product(), {}, BRANDS, send_brand=True, unauthorised="error").problems == ()


def attribute(**changes: Any) -> CategoryAttribute:
    values: dict[str, Any] = {
        "id": "100107",
        "name": "Material",
        "kind": "PRODUCT_PROPERTY",
        "required": True,
        "multiple": True,
        "free_text": False,
        "values": (("1000411", "Glass"), ("1000412", "Bamboo")),
    }
    return CategoryAttribute(**(values | changes))


@pytest.mark.parametrize(
    ("rule", "free", "value_id", "name", "code"),
    [
        (AttributeRule(value_id="1000411"), False, "1000411", None, None),
        (AttributeRule(value_id="555"), False, None, None, "attribute_missing"),
        (AttributeRule(text="glass"), False, "1000411", None, None),
        (AttributeRule(text="Porcelain"), False, None, None, "attribute_missing"),
        (AttributeRule(text="Porcelain"), True, None, "Porcelain", None),
        (AttributeRule(field="material"), False, "1000412", None, None),
        (AttributeRule(field="Missing field"), True, None, None, "attribute_missing"),
        (AttributeRule(text="x" * 501), True, None, None, "attribute_missing"),
        (None, True, None, None, "attribute_missing"),
    ],
)
def test_required_attributes_come_from_a_value_a_text_or_a_field(
    rule: AttributeRule | None, free: bool, value_id: str | None, name: str | None, code: str | None
) -> None:
    rules = {"11/100107": rule} if rule else {}
    of = product(custom_fields={"Material": "bamboo"})
    choice = choose_attributes("11", (attribute(free_text=free),), rules, of, GB)
    assert [(one.value_id, one.name) for one in choice.values] == ([(value_id, name)] if code is None else [])
    assert [one.code for one in choice.problems] == ([code] if code else [])
    assert all("Material" in one.sentence for one in choice.problems)


@pytest.mark.parametrize(
    ("rule", "free", "sent", "codes"),
    [
        (AttributeRule(value_id="1000411", field="Material"), False, "1000412", []),
        (AttributeRule(value_id="1000411", field="Missing field"), False, "1000411", ["attribute_default"]),
        (AttributeRule(text="Glass", field="Missing field"), False, "1000411", ["attribute_default"]),
        (AttributeRule(text="Clay", field="Missing field"), True, "Clay", ["attribute_default"]),
        (AttributeRule(text="Clay", field="Missing field"), False, None, ["attribute_missing"]),
        (AttributeRule(value_id="1000411", field="Colour"), False, None, ["attribute_missing"]),
    ],
)
def test_a_value_beside_a_field_is_the_default_where_the_field_is_empty(
    rule: AttributeRule, free: bool, sent: str | None, codes: list[str]
) -> None:
    of = product(custom_fields={"Material": "bamboo", "Colour": "red"})
    choice = choose_attributes("11", (attribute(free_text=free),), {"11/100107": rule}, of, GB)
    assert [one.value_id or one.name for one in choice.values] == ([sent] if sent else [])
    assert [one.code for one in choice.problems] == codes
    for marked in (one for one in choice.problems if one.code == "attribute_default"):
        assert marked.severity is Severity.NOTE
        assert "“Missing field” is empty, so the default “" in marked.sentence


def test_a_rule_for_the_category_wins_over_one_for_all() -> None:
    rules = {"11/100107": AttributeRule(text="Glass"), "*/100107": AttributeRule(text="Bamboo")}
    here = choose_attributes("11", (attribute(),), rules, product(), GB)
    there = choose_attributes("12", (attribute(),), rules, product(), GB)
    assert [one.value_id for one in (*here.values, *there.values)] == ["1000411", "1000412"]


@pytest.mark.parametrize(
    ("numbers", "sent"),
    [
        ((" OTH ",), ["OTH"]),
        (("OTH", None, "OTH"), ["OTH"]),
        (("OTH-S", "OTH-L"), []),
        ((None, " "), []),
    ],
)
def test_an_attribute_can_take_the_part_number(numbers: tuple[str | None, ...], sent: list[str]) -> None:
    of = product(variants=tuple(variant(str(place), mpn=number) for place, number in enumerate(numbers)))
    rules = {"11/100107": AttributeRule(field=PART_NUMBER)}
    choice = choose_attributes("11", (attribute(free_text=True, required=False, values=()),), rules, of, GB)
    assert [one.name for one in choice.values] == sent


def test_optional_and_sales_attributes_without_a_rule_are_left_alone() -> None:
    some = (attribute(required=False), attribute(id="100000", kind="SALES_PROPERTY"))
    assert choose_attributes("11", some, {}, product(), GB).problems == ()


BATTERIES = {"id": "101126", "name": "Contains Batteries", "values": (("1000058", "Yes"), ("1000059", "No"))}
KIND = {"id": "101127", "name": "Battery Type", "required": False, "values": (("7", "Alkaline"),)}


@pytest.mark.parametrize(
    ("batteries", "kind", "sent", "codes"),
    [
        ("1000058", "7", ["1000058", "7"], []),
        ("1000058", None, ["1000058"], ["attribute_missing"]),
        ("1000059", "7", ["1000059"], []),
        ("1000059", None, ["1000059"], []),
        (None, "7", [], []),
    ],
)
def test_a_conditional_attribute_goes_only_with_the_value_that_asks_for_it(
    batteries: str | None, kind: str | None, sent: list[str], codes: list[str]
) -> None:
    """TikTok Shop refuses it missing with 12052182, and filled in without need with 12052183."""
    conditional = attribute(**KIND, conditions=(("101126", "1000058"),))
    given = {"11/101126": batteries, "11/101127": kind}
    rules = {source: AttributeRule(value_id=value) for source, value in given.items() if value}
    asked = (conditional, attribute(**BATTERIES, required=False))  # whichever comes first
    choice = choose_attributes("11", asked, rules, product(), GB)
    assert sorted(str(one.value_id) for one in choice.values) == sorted(sent)
    assert [one.code for one in choice.problems] == codes
    assert all("Battery Type" in one.sentence for one in choice.problems)


def test_a_condition_may_hang_on_a_conditional_attribute() -> None:
    first = attribute(**KIND, conditions=(("101126", "1000058"),))
    second = attribute(id="9", name="Cells", required=False, conditions=(("101127", "7"),))
    asked = (second, first, attribute(**BATTERIES))
    for batteries, codes in (("1000058", ["attribute_missing"]), ("1000059", [])):
        rules = {"11/101126": AttributeRule(value_id=batteries), "11/101127": AttributeRule(value_id="7")}
        assert [one.code for one in choose_attributes("11", asked, rules, product(), GB).problems] == codes


@pytest.mark.parametrize("name", ["tiktok_length", "TikTok Length", "TIKTOK LENGTH", "tiktok-length", "TikTok_length "])
def test_custom_fields_are_found_however_they_are_spelt(name: str) -> None:
    assert field_of(product(custom_fields={name: " 12 "}), "TikTok Length") == "12"


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", *KNOWN, "99"])), st.sampled_from([None, *KNOWN]))
def test_a_category_is_chosen_whenever_anything_points_to_one(mapped: dict[str, str], default: str | None) -> None:
    choice = choose_category(None, ("a", "b", "c"), mapped, default, KNOWN)
    assert (choice.category_id is None) == (not default and not any(mapped.values()))
    usable = choice.category_id in KNOWN and KNOWN[choice.category_id].leaf and choice.category_id == "11"
    assert bool(choice.problems) != usable
