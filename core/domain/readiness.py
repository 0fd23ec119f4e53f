"""Readiness: what would be sent for a product, and in words everything that stands in the way (P14)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from core.domain.catalog import Product
from core.domain.description import Description, lost_in_words, reduced, without_pictures
from core.domain.listing import AttributeValue, CategoryRule, ListingDraft, Problem, Severity, SkuDraft
from core.domain.listing_rules import ListingContext, ListingRules, as_listed
from core.domain.mapping import CategoryChoice, choose_attributes, choose_brand, choose_category, video_address
from core.domain.parcels import Parcel, parcel_of
from core.domain.pictures import PictureChoice, choose_pictures, judge, judge_film, name_of
from core.domain.plaintext import has_chinese, in_words, quoted
from core.domain.skus import JudgedVariant, judge_variants, lacking_codes, option_problems, with_pictures
from core.domain.titles import title_of, variant_title

_RANK: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_BOOKS: Final = re.compile(r"\bbooks?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Assessment:
    """``drafts`` are what would be sent: (the variant's id, or None for the whole product; the listing).

    Empty drafts: the product is not ready, and an error among ``problems`` says why. Problems come stock first, then
    the worst first. ``unchecked_pictures`` have not been looked at yet. ``title``, ``description`` (HTML) and
    ``picture_urls`` are those of the whole product, ready or not.
    """

    drafts: tuple[tuple[str | None, ListingDraft], ...]
    problems: tuple[Problem, ...]
    category_id: str | None
    category_source: str
    unchecked_pictures: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    picture_urls: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        return bool(self.drafts)


@dataclass(slots=True)
class _Parts:
    """What a draft is made of, gathered step by step; ``problems`` are those of the whole product."""

    product: Product
    title: str
    description: str
    category: CategoryChoice
    pictures: PictureChoice
    problems: list[Problem]
    brand_id: str | None = None
    attributes: tuple[AttributeValue, ...] = ()
    rule: CategoryRule | None = None
    video_url: str | None = None
    unchecked: tuple[str, ...] = ()


def assess(product: Product, context: ListingContext) -> Assessment:
    """Judge one product. Pure and quick: everything it needs is in ``context``."""
    listed = as_listed(product, context.own)
    parts = _parts(listed, context)
    judged = judge_variants(listed, context, book=_is_book(parts.category, context.rules))
    if not context.rules.separate_variants or len(judged) == 1:
        parts.problems += option_problems(listed, context.rules.limits)
    judged, more = _variant_pictures(judged, product, context)
    parts.unchecked = tuple(dict.fromkeys((*parts.unchecked, *more)))
    drafts, problems = _drafts(parts, judged, context)
    if (note := lacking_codes(judged)) is not None:
        problems.append(note)
    if parts.unchecked:
        problems.append(_unchecked(len(parts.unchecked)))
    return Assessment(
        drafts=tuple(drafts),
        problems=_ordered(problems),
        category_id=parts.category.category_id,
        category_source=parts.category.source,
        unchecked_pictures=parts.unchecked,
        title=parts.title,
        description=parts.description,
        picture_urls=parts.pictures.urls,
    )


def _parts(product: Product, context: ListingContext) -> _Parts:
    rules = context.rules
    title = title_of(product.title, rules.limits)
    category = choose_category(
        context.own_category_id, product.category_ids, rules.category_map, rules.default_category, rules.categories
    )
    pictures = choose_pictures(product.pictures, context.pictures, rules.limits)
    parts = _Parts(product, title.text, "", category, pictures, [])
    parts.problems += [*_connection_problems(product, rules), *category.problems, *title.problems, *pictures.problems]
    _add_description(parts, context)
    if not category.problems:
        _add_category_rules(parts, rules)
    brand = choose_brand(
        product, rules.brand_map, rules.brands, send_brand=rules.send_brand, unauthorised=rules.unauthorised_brand
    )
    parts.brand_id = brand.brand_id
    parts.problems += [*brand.problems, *_video(parts, context)]
    return parts


def _connection_problems(product: Product, rules: ListingRules) -> list[Problem]:
    found = []
    if not product.active:
        fix = "Set it to active in the store."
        found.append(_error("inactive", "The product is not active in the store.", fix, "active"))
    if rules.store_currency != rules.limits.currency:
        sentence = f"The store's prices are in {rules.store_currency}, the Shop's in {rules.limits.currency}."
        found.append(_error("currency_mismatch", sentence, "Connect a Shop of the store's currency.", "price"))
    if rules.warehouse_id is None:
        fix = "Set a default sales warehouse in Seller Center, then read the Shop's data again."
        found.append(_error("warehouse_missing", "The Shop has no usable sales warehouse.", fix, "warehouse"))
    if product.vat_exclusive:
        sentence = "The store marks this price as excluding VAT; it is sent as it stands, and buyers pay just that."
        fix = "Make the price include VAT in the store, or add a mark-up in the settings."
        found.append(Problem("price_without_vat", Severity.WARNING, sentence, fix, "price"))
    return found


def _add_description(parts: _Parts, context: ListingContext) -> None:
    limits = context.rules.limits
    description = reduced(parts.product.description, limits)
    bad = _bad_pictures(description, context)
    if bad:
        description = without_pictures(description, {url for url, _ in bad})
        parts.problems += [problem for _, problem in bad]
    parts.description = description.html
    unknown = tuple(url for url in description.pictures if url not in context.pictures)
    parts.unchecked += (*parts.pictures.unchecked, *unknown)
    if not description.html:
        fix = "Write a description in the store."
        parts.problems.append(_error("description_missing", "The product has no description.", fix, "description"))
    elif not limits.chinese_allowed and has_chinese(description.html):
        sentence = "The description has Chinese characters, which TikTok Shop refuses here."
        fix = "Change the description in the store, or give the product a TikTok description of its own."
        parts.problems.append(_error("description_language", sentence, fix, "description"))
    if description.lost:
        code = "description_cut" if description.cut else "description_reduced"
        severity = Severity.WARNING if description.cut else Severity.NOTE
        fix = "Compare both versions; shorten or rewrite the store's description if it matters."
        parts.problems.append(Problem(code, severity, lost_in_words(description), fix, "description"))


def _bad_pictures(description: Description, context: ListingContext) -> list[tuple[str, Problem]]:
    """Pictures of the description that cannot be sent: they are left out, which is a warning."""
    bad = []
    for place, url in enumerate(description.pictures):
        facts = context.pictures.get(url)
        errors = judge(name_of(place + 1, url), facts, context.rules.limits, shaped=False) if facts else []
        errors = [problem for problem in errors if problem.severity is Severity.ERROR]
        if errors:
            sentence = f"In the description: {errors[0].sentence} It is left out."
            warning = Problem("description_picture", Severity.WARNING, sentence, errors[0].fix, "description")
            bad.append((url, warning))
    return bad


def _add_category_rules(parts: _Parts, rules: ListingRules) -> None:
    category_id = parts.category.category_id or ""
    parts.rule = rules.category_rules.get(category_id)
    if parts.rule is None:
        sentence = f"What TikTok category {quoted(rules.categories[category_id].path, 120)} demands is not known yet."
        fix = "It is being read from the Shop; look again in a minute."
        parts.problems.append(_error("category_rules_unread", sentence, fix, "category"))
        return
    needed = [quoted(name) for _, name, required in parts.rule.certifications if required]
    if needed:
        sentence = f"The category needs a document: {in_words(needed)}."
        fix = "Upload the document for this product, or choose another category."
        parts.problems.append(_error("document_missing", sentence, fix, "documents"))
    if parts.rule.size_chart_required:
        fix = "Attach a size chart to this product, or choose another category."
        parts.problems.append(_error("size_chart_missing", "The category needs a size chart.", fix, "documents"))
    chosen = choose_attributes(
        category_id, rules.category_attributes.get(category_id, ()), rules.attribute_rules, parts.product, rules.limits
    )
    parts.attributes = chosen.values
    parts.problems += chosen.problems


def _video(parts: _Parts, context: ListingContext) -> list[Problem]:
    address = video_address(parts.product)
    if not address:
        return []
    split = urlsplit(address)
    if split.scheme in ("http", "https") and split.hostname and split.path.lower().endswith(".mp4"):
        parts.video_url = address
        facts = context.pictures.get(address)
        parts.unchecked += () if facts else (address,)
        return judge_film(facts, context.rules.limits) if facts else []
    sentence = f"The custom field TikTok Video says {quoted(address)}; it must be the public address of an .mp4 file."
    return [_error("video_address", sentence, "Correct TikTok Video in the store, or clear it.", "video")]


def _is_book(category: CategoryChoice, rules: ListingRules) -> bool:
    info = rules.categories.get(category.category_id or "")
    return info is not None and _BOOKS.search(info.path) is not None


def _variant_pictures(
    judged: list[JudgedVariant], product: Product, context: ListingContext
) -> tuple[list[JudgedVariant], tuple[str, ...]]:
    """The variants with their pictures (G11), and those pictures of theirs that have not been looked at yet."""
    rules = context.rules
    if not rules.send_variant_images or rules.separate_variants or len(judged) < 2:
        return judged, ()
    urls: list[str | None] = []
    for one in judged:
        place = one.variant.picture
        url = product.pictures[place].url if place is not None and 0 <= place < len(product.pictures) else None
        facts = context.pictures.get(url) if url else None
        broken = facts and any(found.severity is Severity.ERROR for found in judge("", facts, rules.limits))
        urls.append(None if broken else url)
    pictured = with_pictures(judged, urls)
    used = {attribute.picture_url for one in pictured if one.draft for attribute in one.draft.attributes}
    return pictured, tuple(url for url in urls if url and url in used and url not in context.pictures)


def _drafts(
    parts: _Parts, judged: list[JudgedVariant], context: ListingContext
) -> tuple[list[tuple[str | None, ListingDraft]], list[Problem]]:
    """The listings that can be sent, and all problems: those of a variant stop only that variant if others go."""
    sendable = [one for one in judged if one.draft]
    groups: list[tuple[str | None, list[JudgedVariant]]] = [(None, sendable)] if sendable else []
    if context.rules.separate_variants and len(judged) > 1:
        groups = [(one.draft.variant_id, [one]) for one in sendable if one.draft]
    drafts, problems = [], list(parts.problems)
    if not groups:
        problems += _parcel(parts, judged, context).problems
    for variant_id, group in groups:
        draft, found = _draft(parts, group, context, separate=variant_id is not None)
        problems += found
        if draft is not None:
            drafts.append((variant_id, draft))
    own = [problem for one in judged for problem in one.problems]
    if not judged:
        own = [_error("variants_missing", "The product has nothing to buy.", "Add a variant in the store.", "options")]
    return drafts, list(dict.fromkeys([*_softened(own, sent=bool(drafts)), *_softened(problems, sent=bool(drafts))]))


def _softened(problems: Iterable[Problem], *, sent: bool) -> list[Problem]:
    """An error of one variant is a warning of the product when the others are sent without it."""
    return [
        replace(problem, severity=Severity.WARNING, sentence=f"{problem.sentence} This variant is not sent.")
        if sent and problem.variant_id is not None and problem.severity is Severity.ERROR
        else problem
        for problem in problems
    ]


def _draft(
    parts: _Parts, group: list[JudgedVariant], context: ListingContext, *, separate: bool
) -> tuple[ListingDraft | None, list[Problem]]:
    rules = context.rules
    parcel = _parcel(parts, group, context)
    title, problems = parts.title, list(parcel.problems)
    if separate:
        variant_id = context.variant_ids.get(group[0].variant.remote_id)
        problems = [replace(one, variant_id=variant_id) if one.field == "weight" else one for one in problems]
        named = variant_title(title, tuple(option.value for option in group[0].variant.options), rules.limits)
        title, problems = named.text, [*problems, *named.problems]
    blocked = any(problem.severity is Severity.ERROR for problem in parts.problems)
    if parcel.package is None or blocked or rules.warehouse_id is None or parts.category.category_id is None:
        return None, problems
    skus: list[SkuDraft] = [one.draft for one in group if one.draft]
    draft = ListingDraft(
        product_id=context.product_id,
        title=title,
        description=parts.description,
        category_id=parts.category.category_id,
        skus=tuple(replace(sku, attributes=()) for sku in skus) if separate else tuple(skus),
        picture_urls=_picture_urls(parts, group[0], separate=separate),
        package=parcel.package,
        warehouse_id=rules.warehouse_id,
        brand_id=parts.brand_id,
        attributes=parts.attributes,
        video_url=parts.video_url,
        external_id=None if separate else parts.product.remote_id,
    )
    return draft, problems


def _parcel(parts: _Parts, group: list[JudgedVariant], context: ListingContext) -> Parcel:
    required = parts.rule is not None and parts.rule.dimensions_required
    weights = [one.variant.weight_kg for one in group]
    defaults = context.rules.parcel_in(parts.category.category_id)
    return parcel_of(parts.product, weights, defaults, context.rules.limits, sizes_required=required)


def _picture_urls(parts: _Parts, one: JudgedVariant, *, separate: bool) -> tuple[str, ...]:
    """The product's pictures; a variant listed on its own shows its own picture first."""
    urls = parts.pictures.urls
    place = one.variant.picture
    if not separate or place is None or not 0 <= place < len(urls):
        return urls
    return (urls[place], *urls[:place], *urls[place + 1 :])


def _unchecked(count: int) -> Problem:
    words = "1 picture has" if count == 1 else f"{count} pictures have"
    sentence = f"{words} not been looked at yet."
    return Problem(
        "picture_unchecked", Severity.NOTE, sentence, "They are fetched and checked by themselves.", "pictures"
    )


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    def place(problem: Problem) -> tuple[bool, int]:
        stock = problem.field == "stock" and problem.severity is not Severity.NOTE
        return not stock, _RANK[problem.severity]

    return tuple(sorted(problems, key=place))


def _error(code: str, sentence: str, fix: str, field: str) -> Problem:
    return Problem(code, Severity.ERROR, sentence, fix, field)
