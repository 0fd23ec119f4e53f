"""Readiness: everything that would fail is named before anything is sent."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.catalog import OptionValue, Picture, Product, Variant
from core.domain.limits import limits_of
from core.domain.listing import CategoryRule, Severity
from core.domain.offers import PriceRules, StockRules, offer_of, price_of, ruled
from core.domain.own_content import OwnContent
from core.domain.parcels import ParcelDefaults, parcel_document, parcel_refusal, parcel_words, read_parcel
from core.domain.pictures import PictureFacts
from core.domain.readiness import assess
from tests.unit.readiness_cases import (
    GB,
    GOOD_PICTURE,
    JARS,
    PICTURE,
    SIZES,
    context,
    judged,
    problem,
    product,
    sized,
    variant,
)


def test_a_good_product_is_ready_and_says_nothing() -> None:
    found = judged(product())
    assert found.problems == ()
    ((remote_id, draft),) = found.drafts
    assert remote_id is None
    assert (draft.product_id, draft.category_id, found.category_source) == ("1", JARS, "mapped")
    (sku,) = draft.skus
    assert (sku.variant_id, sku.seller_sku, sku.price.text(), sku.quantity) == ("v0", "JAR-0", "12.99", 40)
    assert sku.identifier is not None and sku.identifier.digits == "4006381333931"
    assert (draft.package.weight_kg, draft.package.height_cm) == (Decimal("0.850"), 18)
    assert draft.picture_urls == (PICTURE,)


def alone(**changes: Any) -> Product:
    return product(variants=(variant(**({"gtin": "4006381333931"} | changes)),))


def fields(**changes: str) -> Product:
    return product(custom_fields={name: text for name, text in (SIZES | changes).items() if text})


LONG_SKU = "S" * 51
FILM = "https://shop.example/jar.mp4"


def test_a_video_waits_to_be_looked_at_and_is_judged_then() -> None:
    of = fields(tiktok_video=FILM)
    unseen = judged(of)
    assert unseen.ready and unseen.unchecked_pictures == (FILM,)
    seen = {PICTURE: GOOD_PICTURE, FILM: PictureFacts(FILM, format="MP4", bytes=4_000, digest="f")}
    found = judged(of, pictures=seen)
    assert found.problems == () and found.drafts[0][1].video_url == FILM
    large = judged(of, pictures=seen | {FILM: PictureFacts(FILM, format="MP4", bytes=6_000_000, digest="f")})
    assert not large.ready
    assert problem(large, "video_unusable").sentence == "The video jar.mp4 has 6.0 MB; TikTok Shop takes at most 5 MB."


@pytest.mark.parametrize(
    ("of", "code", "field", "words"),
    [
        (alone(sku=None), "sku_missing", "sku", "The product has no SKU"),
        (alone(sku="  "), "sku_missing", "sku", "no SKU"),
        (alone(sku=LONG_SKU), "sku_too_long", "sku", "51 characters"),
        (alone(sku="A B"), "sku_with_space", "sku", "“A B”"),
        (alone(sku="A\u200bB"), "sku_unsafe", "sku", "invisible"),
        (alone(sku="JAR-玻璃"), "sku_chinese", "sku", "Chinese"),
        (alone(price=None), "price_missing", "price", "no price"),
        (alone(price=Decimal(0)), "price_missing", "price", "a price of 0"),
        (alone(price=Decimal(5601)), "price_out_of_range", "price", "5601.00 GBP"),
        (alone(weight_kg=None), "weight_missing", "weight", "no weight"),
        (alone(weight_kg=Decimal(0)), "weight_missing", "weight", "no weight"),
        (alone(weight_kg=Decimal(2000)), "weight_too_high", "weight", "2000 kg"),
        (alone(gtin="4006381333932"), "identifier_check_digit", "identifier", "check digit"),
        (product(custom_fields={}), "size_missing", "size", "no size"),
        (fields(tiktok_width=""), "size_missing", "size", "TikTok Width"),
        (fields(tiktok_width="0"), "size_missing", "size", "TikTok Width"),
        (fields(tiktok_width="12 cm approx"), "size_not_a_number", "size", "“12 cm approx”"),
        (fields(tiktok_unit="FEET"), "size_unit", "size", "“FEET”"),
        (fields(tiktok_video="ftp://x/y.mp4"), "video_address", "video", "ftp://x/y.mp4"),
        (fields(tiktok_video="https://x.example/y.avi"), "video_address", "video", ".mp4"),
        (product(title=""), "title_missing", "title", "no title"),
        (product(description="<p> </p>"), "description_missing", "description", "no description"),
        (product(pictures=()), "picture_missing", "pictures", "no picture"),
        (product(category_ids=()), "category_missing", "category", "no TikTok category"),
        (product(active=False), "inactive", "active", "not active"),
        (product(variants=()), "variants_missing", "options", "nothing to buy"),
    ],
)
def test_what_would_fail_is_an_error_with_its_field_and_fix(of: Product, code: str, field: str, words: str) -> None:
    found = judged(of)
    assert not found.ready
    named = problem(found, code)
    assert (named.severity, named.field) == (Severity.ERROR, field)
    assert words in named.sentence
    assert named.fix.endswith(".")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"store_currency": "EUR"}, "currency_mismatch"),
        ({"warehouse_id": None}, "warehouse_missing"),
        ({"category_rules": {}}, "category_rules_unread"),
        ({"category_rules": {JARS: CategoryRule(JARS, False, True)}}, "size_chart_missing"),
        ({"category_rules": {JARS: CategoryRule(JARS, False, False, (("7", "CE mark", True),))}}, "document_missing"),
        ({"sku_twins": {"JAR-0": ("Another jar",)}}, "sku_duplicate"),
        ({"code_twins": {"4006381333931": ("OTHER-1",)}}, "identifier_duplicate"),
        ({"pictures": {PICTURE: replace(GOOD_PICTURE, width=200)}}, "picture_too_small"),
    ],
)
def test_what_the_surroundings_forbid_is_an_error(changes: dict[str, Any], code: str) -> None:
    found = judged(product(), **changes)
    assert not found.ready
    assert problem(found, code).severity is Severity.ERROR


def test_twins_are_named() -> None:
    found = judged(product(), sku_twins={"JAR-0": ("Another jar",)}, code_twins={"4006381333931": ("OTHER-1",)})
    assert "“Another jar”" in problem(found, "sku_duplicate").sentence
    sentence = problem(found, "identifier_duplicate").sentence
    assert "4006381333931" in sentence and "“JAR-0”" in sentence and "“OTHER-1”" in sentence


@pytest.mark.parametrize(
    ("stock", "rules", "held", "quantity", "codes"),
    [
        (40, StockRules(), 0, 40, []),
        (0, StockRules(), 0, 0, []),
        (-3, StockRules(), 0, 0, ["stock_negative"]),
        (None, StockRules(), 0, 0, ["stock_unknown"]),
        (2_500_000, StockRules(), 0, 99_999, ["stock_over_maximum"]),
        (40, StockRules(buffer=5), 10, 25, []),
        (40, StockRules(buffer=50), 0, 0, []),
        (40, StockRules(cap=7), 0, 7, []),
    ],
)
def test_stock_is_brought_into_the_range(
    stock: int | None, rules: StockRules, held: int, quantity: int, codes: list[str]
) -> None:
    offer = offer_of(stock, rules, GB, held=held)
    assert offer.quantity == quantity
    assert [one.code for one in offer.problems] == codes


def test_a_market_without_zero_refuses_it() -> None:
    offer = offer_of(0, StockRules(), replace(GB, stock_min=1))
    assert [(one.code, one.severity) for one in offer.problems] == [("stock_under_minimum", "error")]


def test_stock_problems_come_first() -> None:
    found = judged(alone(stock=-3, sku=None, weight_kg=None))
    assert [one.code for one in found.problems] == ["stock_negative", "sku_missing", "weight_missing"]


@pytest.mark.parametrize(
    ("price", "sale", "rules", "sent"),
    [
        ("12.99", None, PriceRules(), "12.99"),
        ("12.99", "9.99", PriceRules(), "9.99"),
        ("12.99", "0", PriceRules(), "12.99"),
        ("12.99", "15", PriceRules(), "12.99"),
        ("10", None, PriceRules(Decimal(10), Decimal("0.5")), "11.50"),
        ("12.40", None, PriceRules(rounding="up_to_99"), "12.99"),
        ("12.99", None, PriceRules(rounding="up_to_99"), "12.99"),
        ("13.00", None, PriceRules(rounding="up_to_99"), "13.99"),
        ("12.50", None, PriceRules(rounding="nearest_whole"), "13.00"),
        ("12.74", None, PriceRules(rounding="nearest_50"), "12.50"),
        ("12.75", None, PriceRules(rounding="nearest_50"), "13.00"),
    ],
)
def test_the_price_follows_sale_mark_up_and_rounding(
    price: str, sale: str | None, rules: PriceRules, sent: str
) -> None:
    found = price_of(variant(price=Decimal(price), sale_price=Decimal(sale) if sale else None), rules, GB)
    assert found.money is not None
    assert found.money.text() == sent
    assert [one.code for one in found.problems] == (["sale_price_ignored"] if sale == "15" else [])


@given(st.decimals("0.01", "5000", places=2), st.sampled_from(["none", "up_to_99", "nearest_whole", "nearest_50"]))
def test_rounding_never_moves_a_price_by_more_than_its_step(amount: Decimal, rounding: str) -> None:
    sent = ruled(amount, PriceRules(rounding=rounding), "GBP").amount
    step = {"none": Decimal(0), "up_to_99": Decimal(1), "nearest_whole": Decimal("0.5"), "nearest_50": Decimal("0.25")}
    assert abs(sent - amount) <= step[rounding]
    assert rounding != "up_to_99" or (sent >= amount and f"{sent:f}".endswith(".99"))


def test_inches_become_centimetres_rounded_up() -> None:
    of = fields(tiktok_length="4.7", tiktok_width="5", tiktok_height="0,5", tiktok_unit="inch")
    ((_, draft),) = judged(of).drafts
    assert (draft.package.length_cm, draft.package.width_cm, draft.package.height_cm) == (12, 13, 2)


def test_defaults_fill_in_and_are_marked() -> None:
    of = product(variants=(variant(weight_kg=None),), custom_fields={})
    found = judged(of, parcel=ParcelDefaults(Decimal("0.4"), 20, 15, 10))
    ((_, draft),) = found.drafts
    assert (draft.package.weight_kg, draft.package.length_cm) == (Decimal("0.400"), 20)
    for code in ("weight_default", "size_default"):
        assert problem(found, code).severity is Severity.WARNING
        assert "default" in problem(found, code).sentence


@pytest.mark.parametrize(
    ("of_category", "weight", "length", "whose"),
    [
        (ParcelDefaults(Decimal("0.7"), 30, 20, 10), "0.7", 30, ("category's", "category's")),
        (ParcelDefaults(Decimal("0.7")), "0.7", 20, ("category's", "connection's")),
        (ParcelDefaults(None, 30, 20, 10), "0.4", 30, ("connection's", "category's")),
        (None, "0.4", 20, ("connection's", "connection's")),
    ],
)
def test_the_default_of_the_category_goes_before_that_of_the_connection(
    of_category: ParcelDefaults | None, weight: str, length: int, whose: tuple[str, str]
) -> None:
    of = product(variants=(variant(weight_kg=None),), custom_fields={})
    kept = {"99": ParcelDefaults(Decimal(9))} | ({JARS: of_category} if of_category else {})
    found = judged(of, parcel=ParcelDefaults(Decimal("0.4"), 20, 15, 10), category_parcels=kept)
    ((_, draft),) = found.drafts
    assert (draft.package.weight_kg, draft.package.length_cm) == (Decimal(weight), length)
    for code, owner in zip(("weight_default", "size_default"), whose, strict=True):
        assert f"{owner} default" in problem(found, code).sentence


def test_what_the_product_has_goes_before_any_default() -> None:
    kept = {JARS: ParcelDefaults(Decimal("0.7"), 30, 20, 10)}
    ((_, draft),) = judged(product(), category_parcels=kept).drafts
    ((_, plain),) = judged(product()).drafts
    assert draft.package == plain.package


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        ({"weight_kg": "0.5"}, ""),
        ({"length_cm": 3, "width_cm": 2, "height_cm": 1}, ""),
        ({}, "Give a weight, or length, width and height."),
        ({"weight_kg": "0"}, "The weight must be above 0"),
        ({"weight_kg": "101"}, "at most 100 kg"),
        ({"weight_kg": "heavy"}, "“heavy”"),
        ({"length_cm": 3, "width_cm": 2}, "or none of them"),
        ({"length_cm": 3, "width_cm": 2, "height_cm": 1_001}, "from 1 to 1,000, not 1001"),
    ],
)
def test_defaults_of_a_category_are_checked(document: dict[str, Any], refusal: str) -> None:
    assert refusal in parcel_refusal(document)
    assert bool(refusal) == bool(parcel_refusal(document))


def test_defaults_of_a_category_are_kept_and_said() -> None:
    kept = ParcelDefaults(Decimal("0.50"), 30, 20, 10)
    document = parcel_document(kept)
    assert read_parcel(json.loads(json.dumps(document))) == kept
    assert parcel_words(document) == "0.5 kg, 30 x 20 x 10 cm"
    assert parcel_words(parcel_document(ParcelDefaults(Decimal(20)))) == "20 kg"


def test_sizes_may_be_absent_where_the_category_needs_none() -> None:
    free = {JARS: CategoryRule(JARS, dimensions_required=False, size_chart_required=False)}
    found = judged(product(custom_fields={}), category_rules=free)
    assert found.problems == () and found.drafts[0][1].package.length_cm is None
    partial = judged(product(custom_fields={"TikTok Length": "20"}), category_rules=free)
    assert partial.ready
    assert problem(partial, "size_incomplete").severity is Severity.WARNING


def pair(**second: Any) -> Product:
    return product(variants=(sized("1", "Small"), sized("2", "Large", **second)))


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"sku": None}, "sku_missing"),
        ({"price": Decimal(0)}, "price_missing"),
        ({"gtin": "123"}, "identifier_length"),
        ({"options": (OptionValue("Size", "Large " * 9),)}, "option_value_length"),
        ({"options": (OptionValue("Colour", "Red"),)}, "options_differ"),
        ({"options": ()}, "options_differ"),
        ({"options": (OptionValue("Size", "small"),)}, "options_duplicate"),
    ],
)
def test_one_unready_variant_is_named_and_does_not_stop_the_other(second: dict[str, Any], code: str) -> None:
    of = pair() if "options" not in second else product(variants=(sized("1", "Small"), variant("2", **second)))
    of = pair(**second) if "options" not in second else of
    found = judged(of)
    ((_, draft),) = found.drafts
    assert [sku.variant_id for sku in draft.skus] == ["v1"]
    named = problem(found, code)
    assert (named.variant_id, named.severity) == ("v2", Severity.WARNING)
    assert named.sentence.startswith("Variant “") and named.sentence.endswith("This variant is not sent.")
    assert not any(one.severity is Severity.ERROR for one in found.problems)


def test_the_same_sku_or_code_on_two_variants_stops_both_and_names_both() -> None:
    found = judged(product(variants=(sized("1", "Small", sku="X"), sized("2", "Large", sku="X"), sized("3", "Huge"))))
    assert [sku.variant_id for sku in found.drafts[0][1].skus] == ["v3"]
    sentences = [one.sentence for one in found.problems if one.code == "sku_duplicate"]
    assert "“Small”" in sentences[0] and "“Large”" in sentences[0] and len(sentences) == 2
    code = "4006381333931"
    twins = judged(product(variants=(sized("1", "Small", gtin=code), sized("2", "Large", gtin=code))))
    assert not twins.ready
    assert {one.variant_id for one in twins.problems if one.code == "identifier_duplicate"} == {"v1", "v2"}


@pytest.mark.parametrize(
    ("variants", "code"),
    [
        (tuple(sized(str(number), f"Size {number}") for number in range(301)), "variants_too_many"),
        (tuple(variant(str(number)) for number in range(2)), "options_missing"),
        (
            tuple(variant(str(n), options=tuple(OptionValue(kind, f"{kind}{n}") for kind in "ABCD")) for n in range(2)),
            "options_too_many",
        ),
        (
            tuple(variant(str(n), options=(OptionValue("Name of this option is", str(n)),)) for n in range(2)),
            "option_name_too_long",
        ),
        ((variant("1", options=tuple(OptionValue(kind, kind) for kind in "ABCD")),), "options_too_many"),
        ((variant("1", options=(OptionValue("Name of this option is", "1"),)),), "option_name_too_long"),
    ],
)
def test_what_concerns_all_variants_stops_the_product(variants: tuple[Variant, ...], code: str) -> None:
    found = judged(product(variants=variants))
    assert not found.ready
    assert problem(found, code).severity is Severity.ERROR
    if len(variants) == 1:
        assert not judged(product(variants=variants), separate_variants=True).ready, "its options are sent all the same"


def test_three_hundred_variants_fit_in_gb_and_one_hundred_elsewhere() -> None:
    of = product(variants=tuple(sized(str(number), f"Size {number}") for number in range(300)))
    assert len(judged(of).drafts[0][1].skus) == 300
    elsewhere = judged(of, limits=replace(limits_of("MY"), currency="GBP"))
    assert "at most 100" in problem(elsewhere, "variants_too_many").sentence


def test_variants_as_separate_listings_each_have_their_own_title_and_parcel() -> None:
    of = product(
        variants=(sized("1", "Small"), sized("2", "Large", weight_kg=None), sized("3", "Huge", weight_kg=Decimal(2)))
    )
    found = judged(of, separate_variants=True)
    assert [(remote_id, draft.title) for remote_id, draft in found.drafts] == [
        ("v1", "Bamboo lid glass storage jar - Small"),
        ("v3", "Bamboo lid glass storage jar - Huge"),
    ]
    assert [draft.package.weight_kg for _, draft in found.drafts] == [Decimal("0.850"), Decimal("2.000")]
    assert all(len(draft.skus) == 1 and draft.skus[0].attributes == () for _, draft in found.drafts)
    assert [draft.external_id for _, draft in found.drafts] == [None, None]
    assert [draft.external_id for _, draft in judged(of).drafts] == [of.remote_id]
    missing = problem(found, "weight_missing")
    assert (missing.variant_id, missing.severity) == ("v2", Severity.WARNING)


def test_variants_without_options_can_still_be_listed_separately() -> None:
    found = judged(product(variants=(variant("1"), variant("2"))), separate_variants=True)
    assert len(found.drafts) == 2


def coloured(remote_id: str, colour: str, size: str, picture: int | None) -> Variant:
    return variant(remote_id, options=(OptionValue("Size", size), OptionValue("Colour", colour)), picture=picture)


def test_variant_pictures_stand_on_the_one_option_they_follow() -> None:
    red, blue = "https://s.example/red.jpg", "https://s.example/blue.jpg"
    of = product(
        pictures=(Picture(red), Picture(blue)),
        variants=(coloured("1", "Red", "S", 0), coloured("2", "Red", "L", 0), coloured("3", "Blue", "S", 1)),
    )
    known = {url: PictureFacts(url, 800, 800, "JPEG", 9, url) for url in (red, blue)}
    skus = judged(of, pictures=known).drafts[0][1].skus
    assert [[one.picture_url for one in sku.attributes] for sku in skus] == [[None, red], [None, red], [None, blue]]
    without = judged(of, pictures=known, send_variant_images=False).drafts[0][1].skus
    assert all(one.picture_url is None for sku in without for one in sku.attributes)
    broken = known | {blue: PictureFacts(blue, error="it was not found.")}
    stopped = judged(of, pictures=broken)
    assert problem(stopped, "picture_unusable").severity is Severity.ERROR


def test_pictures_not_looked_at_are_told_apart_and_stop_nothing() -> None:
    of = product(description='<p>A</p><img src="https://s.example/d.jpg">')
    found = judged(of, pictures={})
    assert found.ready
    assert found.unchecked_pictures == (PICTURE, "https://s.example/d.jpg")
    assert problem(found, "picture_unchecked").severity is Severity.NOTE


def test_a_bad_picture_in_the_description_is_left_out_with_a_warning() -> None:
    bad = "https://s.example/d.jpg"
    known = {PICTURE: GOOD_PICTURE, bad: PictureFacts(bad, error="it was not found.")}
    found = judged(product(description=f'<p>A</p><img src="{bad}">'), pictures=known)
    assert found.drafts[0][1].description == "<p>A</p>"
    assert problem(found, "description_picture").severity is Severity.WARNING


def test_content_for_tiktok_only_goes_before_the_stores() -> None:
    own = OwnContent(title="TikTok jar", description="<p>Mine</p>", sizes_cm=("1", "2", "3"), weight_kg=Decimal(3))
    ((_, draft),) = judged(fields(tiktok_unit="INCH"), own=own).drafts
    assert (draft.title, draft.description) == ("TikTok jar", "<p>Mine</p>")
    assert (draft.package.weight_kg, draft.package.length_cm, draft.package.height_cm) == (Decimal("3.000"), 1, 3)


def test_a_product_with_its_own_category_says_so() -> None:
    found = judged(product(), category_map={}, own_category_id=JARS)
    assert (found.category_id, found.category_source, found.ready) == (JARS, "own", True)


def test_a_missing_code_is_noted_and_names_the_skus() -> None:
    found = judged(pair())
    assert "JAR-1 and JAR-2" in problem(found, "identifier_missing").sentence
    assert found.ready


_TEXTS = st.one_of(st.none(), st.sampled_from(["", "A", "A B", "JAR", "S" * 60, "12", "0", "é\u202e"]))
_NUMBERS = st.one_of(st.none(), st.sampled_from([Decimal(0), Decimal("-1"), Decimal("9.99"), Decimal(10**9)]))
_OPTIONS = st.builds(OptionValue, st.sampled_from(["Size", "Colour"]), st.text(max_size=60))
_VARIANTS = st.builds(
    Variant,
    remote_id=st.sampled_from("12345"),
    sku=_TEXTS,
    price=_NUMBERS,
    stock=st.one_of(st.none(), st.integers(-(10**9), 10**9)),
    sale_price=_NUMBERS,
    gtin=_TEXTS,
    weight_kg=_NUMBERS,
    picture=st.one_of(st.none(), st.integers(-2, 5)),
    options=st.lists(_OPTIONS, max_size=4).map(tuple),
)
_PRODUCTS = st.builds(
    product,
    title=st.text(max_size=300),
    description=st.text(max_size=80),
    active=st.booleans(),
    variants=st.lists(_VARIANTS, max_size=5).map(tuple),
    custom_fields=st.dictionaries(
        st.sampled_from(["tiktok_length", "TikTok Unit", "tiktok video"]), st.text(max_size=9)
    ),
)


@settings(max_examples=200, deadline=None)
@given(_PRODUCTS, st.booleans(), st.booleans())
def test_a_product_is_ready_exactly_when_no_error_is_left(of: Product, separate: bool, sized_too: bool) -> None:
    parcel = ParcelDefaults(Decimal(1), 10, 10, 10) if sized_too else ParcelDefaults()
    found = assess(of, context(of, separate_variants=separate, parcel=parcel))
    errors = [one for one in found.problems if one.severity is Severity.ERROR]
    assert found.ready == (not errors)
    assert all(one.sentence and one.fix and one.field and one.code for one in found.problems)
    for _, draft in found.drafts:
        assert draft.skus and 1 <= len(draft.title) <= GB.title_max and draft.package.weight_kg > 0
        for sku in draft.skus:
            assert 0 <= sku.quantity <= GB.stock_max and sku.price.amount > 0
            assert 1 <= len(sku.seller_sku) <= 50 and not any(letter.isspace() for letter in sku.seller_sku)
        combinations = [tuple(one.value for one in sku.attributes) for sku in draft.skus]
        assert len(set(combinations)) == len(combinations)
