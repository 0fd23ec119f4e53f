"""The variants of a product as SKUs of a listing: each judged by itself, then against its siblings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.domain.catalog import Product, Variant
from core.domain.identifiers import first_usable
from core.domain.limits import MarketLimits
from core.domain.listing import Identifier, Problem, SalesAttribute, Severity, SkuDraft
from core.domain.listing_rules import ListingContext
from core.domain.mapping import field_of
from core.domain.offers import offer_of, price_of
from core.domain.plaintext import cleaned, has_chinese, in_words, one_line, quoted, shortened_runs

_SPACE: Final = re.compile(r"\s")
_CODE_FIELDS: Final = ("GTIN", "EAN", "UPC", "ISBN")
_SKU_FIX: Final = "Give the variant a SKU of its own in the store: at most {} characters, no spaces."
_CODE_FIX: Final = "Correct the code in the store, or clear it where the category needs none."


@dataclass(frozen=True, slots=True)
class JudgedVariant:
    """``draft`` is None when the variant cannot be sent; the reason is then an error among ``problems``."""

    variant: Variant
    name: str
    draft: SkuDraft | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Siblings:
    """What the variants of one product have in common: option names, who has which SKU, whether it is a book."""

    kinds: tuple[str, ...]
    skus: dict[str, list[str]]
    book: bool


def variant_name(variant: Variant) -> str:
    """``Small / Red`` by its options, else its SKU."""
    return " / ".join(option.value for option in variant.options) or variant.sku or f"number {variant.remote_id}"


def judge_variants(product: Product, context: ListingContext, *, book: bool) -> list[JudgedVariant]:
    """Every variant with its draft and its own problems; pictures of variants are added by ``with_pictures``."""
    sku_count: dict[str, list[str]] = {}
    for variant in product.variants:
        if variant.sku:
            sku_count.setdefault(variant.sku, []).append(variant_name(variant))
    siblings = _Siblings(_kinds(product), sku_count, book)
    judged = [_judge(variant, product, context, siblings) for variant in product.variants]
    return _without_code_twins(_without_option_twins(judged))


def option_problems(product: Product, limits: MarketLimits) -> list[Problem]:
    """What is wrong with the choices as a whole, so that no variant can be sent."""
    kinds = _kinds(product)
    if not kinds and len(product.variants) < 2:
        return []
    if not kinds:
        sentence = f"The product has {len(product.variants)} variants without options to choose them by."
        return [_problem("options_missing", sentence, "Give each variant its options in the store.", "options")]
    if len(kinds) > limits.option_kinds:
        sentence = f"The product has {len(kinds)} options; TikTok Shop takes at most {limits.option_kinds}."
        return [_problem("options_too_many", sentence, "Join two of the options in the store.", "options")]
    long = [quoted(kind, 80) for kind in kinds if len(_clean(kind, limits)) > limits.option_name]
    if long:
        sentence = f"The option name {in_words(long)} is longer than {limits.option_name} characters."
        return [_problem("option_name_too_long", sentence, "Shorten the option's name in the store.", "options")]
    if len(product.variants) > limits.skus:
        sentence = f"The product has {len(product.variants)} variants; TikTok Shop takes at most {limits.skus} here."
        fix = "Split the product in the store, or list variants as separate TikTok products."
        return [_problem("variants_too_many", sentence, fix, "options")]
    return []


def lacking_codes(judged: Iterable[JudgedVariant]) -> Problem | None:
    """A note naming the SKUs that would be sent without an identifier code; exempt categories need none."""
    lacking = [one.draft.seller_sku for one in judged if one.draft and one.draft.identifier is None]
    if not lacking:
        return None
    named = in_words(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
    sentence = f"No identifier code (GTIN, EAN, UPC, ISBN) is sent for {named}."
    fix = "Set it in the store; only categories that TikTok exempts need none."
    return Problem("identifier_missing", Severity.NOTE, sentence, fix, "identifier")


def with_pictures(judged: Sequence[JudgedVariant], urls: Sequence[str | None]) -> list[JudgedVariant]:
    """The SKUs with a picture on one option: the first whose every value has one picture of its own.

    ``urls`` runs along ``judged``. TikTok Shop takes pictures on one kind of option only (error 12052528).
    """
    pairs = [(one, url) for one, url in zip(judged, urls, strict=True) if one.draft]
    width = min((len(one.draft.attributes) for one, _ in pairs if one.draft), default=0)
    for place in sorted(range(width), key=lambda at: not _is_colour(pairs[0][0], at)):
        shown: dict[str, str | None] = {}
        fits = all(
            url and shown.setdefault(one.draft.attributes[place].value, url) == url for one, url in pairs if one.draft
        )
        if fits and len(set(shown.values())) > 1:
            return [_pictured(one, place, shown) for one in judged]
    return list(judged)


def _is_colour(one: JudgedVariant, place: int) -> bool:
    return one.draft is not None and one.draft.attributes[place].name.casefold() in ("colour", "color")


def _pictured(one: JudgedVariant, place: int, shown: dict[str, str | None]) -> JudgedVariant:
    if one.draft is None:
        return one
    attributes = list(one.draft.attributes)
    attributes[place] = replace(attributes[place], picture_url=shown[attributes[place].value])
    return replace(one, draft=replace(one.draft, attributes=tuple(attributes)))


def _kinds(product: Product) -> tuple[str, ...]:
    """The option names most variants have, in their order."""
    counts = Counter(tuple(option.option for option in variant.options) for variant in product.variants)
    return max(counts, key=lambda names: counts[names], default=())


def _judge(variant: Variant, product: Product, context: ListingContext, siblings: _Siblings) -> JudgedVariant:
    rules, variant_id = context.rules, context.variant_ids.get(variant.remote_id, variant.remote_id)
    name = variant_name(variant)
    price = price_of(variant, rules.prices, rules.limits, variant_id=variant_id)
    held = context.held.get(variant_id, 0)
    offer = offer_of(variant.stock, rules.stock, rules.limits, held=held, variant_id=variant_id)
    identifier, code_problems = _identifier(variant, product, context, variant_id, siblings.book)
    kinds = siblings.kinds if len(product.variants) > 1 else None
    attributes, option_errors = _attributes(variant, kinds, rules.limits, variant_id)
    problems = [*offer.problems, *price.problems, *_sku_problems(variant, context, siblings.skus, variant_id)]
    problems += [*code_problems, *option_errors]
    subject = f"Variant {quoted(name)}" if len(product.variants) > 1 else "The product"
    named = tuple(replace(problem, sentence=_about(subject, problem.sentence)) for problem in problems)
    if price.money is None or any(problem.severity is Severity.ERROR for problem in named):
        return JudgedVariant(variant, name, None, named)
    draft = SkuDraft(variant_id, variant.sku or "", price.money, offer.quantity, identifier, attributes)
    return JudgedVariant(variant, name, draft, named)


def _about(subject: str, sentence: str) -> str:
    """``It has no price.`` as ``Variant “Small” has no price.``"""
    if sentence.startswith("Its "):
        return f"{subject}: its {sentence[4:]}"
    if sentence.startswith("It "):
        return f"{subject} {sentence[3:]}"
    return f"{subject}: {sentence[0].lower()}{sentence[1:]}"


def _sku_problems(
    variant: Variant, context: ListingContext, skus: dict[str, list[str]], variant_id: str
) -> list[Problem]:
    sku, limit = variant.sku or "", context.rules.limits.seller_sku
    fix = _SKU_FIX.format(limit)
    if not sku.strip():
        return [_problem("sku_missing", "It has no SKU.", fix, "sku", variant_id)]
    if len(sku) > limit:
        sentence = f"Its SKU {quoted(sku)} has {len(sku)} characters; TikTok Shop takes at most {limit}."
        return [_problem("sku_too_long", sentence, fix, "sku", variant_id)]
    if _SPACE.search(sku):
        return [_problem("sku_with_space", f"Its SKU {quoted(sku)} has a space in it.", fix, "sku", variant_id)]
    if cleaned(sku).removed:
        return [_problem("sku_unsafe", f"Its SKU {quoted(sku)} has invisible characters.", fix, "sku", variant_id)]
    if not context.rules.limits.chinese_allowed and has_chinese(sku):
        sentence = f"Its SKU {quoted(sku)} has Chinese characters, which TikTok Shop refuses here."
        return [_problem("sku_chinese", sentence, fix, "sku", variant_id)]
    siblings = [name for name in skus[sku] if name != variant_name(variant)]
    others = [*siblings, *context.sku_twins.get(sku, ())]
    if others or len(skus[sku]) > 1:
        where = in_words([quoted(other) for other in others[:3]]) or "another variant of the same name"
        sentence = f"Its SKU {quoted(sku)} is also the SKU of {where}."
        return [_problem("sku_duplicate", sentence, fix, "sku", variant_id)]
    return []


def _identifier(
    variant: Variant, product: Product, context: ListingContext, variant_id: str, book: bool
) -> tuple[Identifier | None, list[Problem]]:
    raws = [variant.gtin]
    if len(product.variants) == 1:
        raws += [field_of(product, name) for name in _CODE_FIELDS]
    judged = first_usable(raws, priority=context.rules.identifier_priority, book=book)
    if judged.code:
        return None, [_problem(judged.code, judged.sentence, _CODE_FIX, "identifier", variant_id)]
    others = context.code_twins.get(judged.identifier.digits, ()) if judged.identifier else ()
    if judged.identifier and others:
        return None, [_code_twin(judged.identifier, variant.sku or variant_name(variant), others, variant_id)]
    return judged.identifier, []


def _code_twin(identifier: Identifier, sku: str, others: Sequence[str], variant_id: str) -> Problem:
    named = in_words([quoted(other) for other in others[:3]])
    sentence = f"The code {identifier.digits} of {quoted(sku)} is also the code of {named}."
    return _problem("identifier_duplicate", sentence, _CODE_FIX, "identifier", variant_id)


def _attributes(
    variant: Variant, kinds: tuple[str, ...] | None, limits: MarketLimits, variant_id: str
) -> tuple[tuple[SalesAttribute, ...], list[Problem]]:
    if kinds is not None and tuple(option.option for option in variant.options) != kinds:
        wanted = in_words([quoted(kind) for kind in kinds])
        sentence = f"It has not the same options as its siblings, which have {wanted}."
        return (), [
            _problem("options_differ", sentence, "Give it the same options in the store.", "options", variant_id)
        ]
    made, problems = [], []
    for option in variant.options:
        value = _clean(option.value, limits)
        if len(value) > limits.option_value or not value:
            sentence = (
                f"Its {option.option} {quoted(value)} has {len(value)} characters; 1 to {limits.option_value} fit."
            )
            fix = "Shorten the option's value in the store."
            problems.append(_problem("option_value_length", sentence, fix, "options", variant_id))
        made.append(SalesAttribute(_clean(option.option, limits), value))
    return tuple(made), problems


def _clean(text: str, limits: MarketLimits) -> str:
    return shortened_runs(one_line(cleaned(text).text), limits.equal_run)


def _without_option_twins(judged: list[JudgedVariant]) -> list[JudgedVariant]:
    """Of variants with the same choices only the first can be sent (error 12052560)."""
    seen: dict[tuple[str, ...], str] = {}
    kept = []
    for one in judged:
        values = tuple(attribute.value.casefold() for attribute in one.draft.attributes) if one.draft else ()
        if one.draft and values and values in seen:
            sentence = f"Variant {quoted(one.name)} with SKU {quoted(one.draft.seller_sku)} has the same options as "
            sentence += f"the one with SKU {quoted(seen[values])}."
            fix = "Give each variant its own combination of options in the store."
            one = _refused(one, _problem("options_duplicate", sentence, fix, "options", one.draft.variant_id))
        elif one.draft and values:
            seen[values] = one.draft.seller_sku
        kept.append(one)
    return kept


def _without_code_twins(judged: list[JudgedVariant]) -> list[JudgedVariant]:
    """The same code on two variants of the product is refused on both, naming both."""
    holders: dict[str, list[str]] = {}
    for one in judged:
        if one.draft and one.draft.identifier:
            holders.setdefault(one.draft.identifier.digits, []).append(one.draft.seller_sku)
    kept = []
    for one in judged:
        identifier = one.draft.identifier if one.draft else None
        if one.draft and identifier and len(holders[identifier.digits]) > 1:
            others = [sku for sku in holders[identifier.digits] if sku != one.draft.seller_sku]
            one = _refused(one, _code_twin(identifier, one.draft.seller_sku, others, one.draft.variant_id))
        kept.append(one)
    return kept


def _refused(one: JudgedVariant, problem: Problem) -> JudgedVariant:
    return replace(one, draft=None, problems=(*one.problems, problem))


def _problem(code: str, sentence: str, fix: str, field: str, variant_id: str | None = None) -> Problem:
    return Problem(code, Severity.ERROR, sentence, fix, field, variant_id)
