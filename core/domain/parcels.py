"""Weight and size of the parcel: from the product's own fields, else from its category's defaults, else from the
connection's, never 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any, Final

from core.domain.catalog import Product
from core.domain.limits import MarketLimits
from core.domain.listing import Package, Problem, Severity
from core.domain.mapping import field_of
from core.domain.plaintext import in_words, quoted

CM_PER_INCH: Final = Decimal("2.54")
_LEAST_KG: Final = Decimal("0.001")
_MOST_KG: Final = 100
_MOST_CM: Final = 1_000
_SIDES: Final = ("length", "width", "height")
_UNITS: Final = {
    "CENTIMETER": Decimal(1),
    "CENTIMETRE": Decimal(1),
    "CENTIMETERS": Decimal(1),
    "CENTIMETRES": Decimal(1),
    "CM": Decimal(1),
    "INCH": CM_PER_INCH,
    "INCHES": CM_PER_INCH,
    "IN": CM_PER_INCH,
}
_COST: Final = "Wrong weights and sizes lead to wrong shipping cost."


@dataclass(frozen=True, slots=True)
class ParcelDefaults:
    """What is used where the product says nothing (P22); sizes in whole centimetres, all three or none.

    ``weight_of`` and ``sizes_of`` say whose default each is: the connection's or the category's.
    """

    weight_kg: Decimal | None = None
    length_cm: int | None = None
    width_cm: int | None = None
    height_cm: int | None = None
    weight_of: str = "connection"
    sizes_of: str = "connection"

    def over(self, general: ParcelDefaults) -> ParcelDefaults:
        """These, a category's, and those of the connection where they say nothing."""
        weight = (self.weight_kg, "category") if self.weight_kg else (general.weight_kg, general.weight_of)
        sizes, sizes_of = (self, "category") if self.sizes else (general, general.sizes_of)
        return ParcelDefaults(weight[0], sizes.length_cm, sizes.width_cm, sizes.height_cm, weight[1], sizes_of)

    @property
    def sizes(self) -> tuple[int, int, int] | None:
        if self.length_cm and self.width_cm and self.height_cm:
            return self.length_cm, self.width_cm, self.height_cm
        return None


def read_parcel(document: Mapping[str, Any]) -> ParcelDefaults:
    """A category's defaults as they are stored; what is not there is None."""
    weight = document.get("weight_kg")
    length, width, height = (document.get(f"{side}_cm") for side in _SIDES)
    return ParcelDefaults(Decimal(str(weight)) if weight else None, length, width, height)


def parcel_document(defaults: ParcelDefaults) -> dict[str, Any]:
    """A category's defaults as they are stored: the weight as text, whole centimetres, nothing that is None."""
    weight = None if defaults.weight_kg is None else f"{defaults.weight_kg.normalize():f}"
    found = {"weight_kg": weight} | {f"{side}_cm": getattr(defaults, f"{side}_cm") for side in _SIDES}
    return {name: value for name, value in found.items() if value is not None}


def parcel_refusal(document: Mapping[str, Any]) -> str:
    """Why these cannot be a category's defaults, in a sentence; empty when they can."""
    weight = _number(str(document["weight_kg"])) if "weight_kg" in document else None
    if "weight_kg" in document and (weight is None or weight > _MOST_KG):
        return f"The weight must be above 0 and at most {_MOST_KG} kg, not {quoted(str(document['weight_kg']))}."
    sides = [document[f"{side}_cm"] for side in _SIDES if f"{side}_cm" in document]
    if sides and len(sides) < len(_SIDES):
        return "Give length, width and height, or none of them."
    for side in sides:
        if not isinstance(side, int) or not 1 <= side <= _MOST_CM:
            return f"Length, width and height must be whole centimetres from 1 to {_MOST_CM:,}, not {side}."
    return "" if weight or sides else "Give a weight, or length, width and height."


def parcel_words(document: Mapping[str, Any]) -> str:
    """A category's defaults in words: "0.5 kg, 20 x 10 x 5 cm"."""
    kept = read_parcel(document)
    weight = f"{kept.weight_kg.normalize():f} kg" if kept.weight_kg else ""
    sizes = " x ".join(str(side) for side in kept.sizes) + " cm" if kept.sizes else ""
    return ", ".join(part for part in (weight, sizes) if part)


@dataclass(frozen=True, slots=True)
class Parcel:
    """``package`` is None when it cannot be sent."""

    package: Package | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sizes:
    found: tuple[int, int, int] | None
    problems: tuple[Problem, ...] = ()


def parcel_of(
    product: Product,
    weights: Iterable[Decimal | None],
    defaults: ParcelDefaults,
    limits: MarketLimits,
    *,
    sizes_required: bool,
) -> Parcel:
    """The parcel of a listing whose variants weigh ``weights`` (kilograms); the heaviest counts for all of them.

    Sizes come from the custom fields TikTok Length, Width, Height and Unit, are converted to centimetres and rounded
    up to whole ones (TikTok Shop Partner Center, Create Product, ``package_dimensions``).
    """
    weight, problems = _weight(list(weights), defaults, limits)
    sizes = _sizes(product, defaults, required=sizes_required)
    problems = [*problems, *sizes.problems]
    if weight is None or any(problem.severity is Severity.ERROR for problem in problems):
        return Parcel(None, tuple(problems))
    return Parcel(Package(weight, *(sizes.found or (None, None, None))), tuple(problems))


def _weight(
    weights: list[Decimal | None], defaults: ParcelDefaults, limits: MarketLimits
) -> tuple[Decimal | None, list[Problem]]:
    own = [weight for weight in weights if weight and weight > 0]
    if own:
        heaviest = _rounded(max(own))
        if heaviest > limits.weight_max_kg:
            sentence = f"The weight of {heaviest.normalize():f} kg is above {limits.weight_max_kg} kg."
            return None, [_error("weight_too_high", sentence, "Correct the weight in the store.", "weight")]
        return heaviest, []
    if defaults.weight_kg and defaults.weight_kg > 0:
        sentence = f"The weight of {defaults.weight_kg.normalize():f} kg is the {defaults.weight_of}'s default. {_COST}"
        warning = Problem("weight_default", Severity.WARNING, sentence, "Set the weight in the store.", "weight")
        return _rounded(defaults.weight_kg), [warning]
    fix = "Set the weight in the store, or a default weight for its category in Mappings, or for all in Settings."
    return None, [_error("weight_missing", "The product has no weight.", fix, "weight")]


def _rounded(weight: Decimal) -> Decimal:
    return max(weight.quantize(_LEAST_KG, ROUND_CEILING), _LEAST_KG)


def _sizes(product: Product, defaults: ParcelDefaults, *, required: bool) -> _Sizes:
    texts = {side: field_of(product, f"TikTok {side}") for side in _SIDES}
    given = [side for side in _SIDES if texts[side] and not _is_zero(texts[side])]
    if not given:
        return _without_sizes(defaults, "The product has no size.", required=required)
    if len(given) < len(_SIDES):
        lacking = in_words([f"TikTok {side.capitalize()}" for side in _SIDES if side not in given])
        return _without_sizes(defaults, f"The size is incomplete: no value for {lacking}.", required=required)
    factor = _factor(product)
    if isinstance(factor, Problem):
        return _Sizes(None, (factor,))
    return _measured({side: texts[side] or "" for side in _SIDES}, factor)


def _is_zero(text: str | None) -> bool:
    return bool(text) and not (text or "").strip("0., ")


def _without_sizes(defaults: ParcelDefaults, cause: str, *, required: bool) -> _Sizes:
    """``cause`` is an error only where the category needs sizes and there is no default."""
    fix = (
        "Set the custom fields TikTok Length, Width, Height and Unit in the store, or default sizes for its category "
        "in Mappings, or for all in Settings."
    )
    if defaults.sizes:
        length, width, height = defaults.sizes
        sentence = f"{cause} The {defaults.sizes_of}'s default of {length} x {width} x {height} cm is sent. {_COST}"
        return _Sizes(defaults.sizes, (Problem("size_default", Severity.WARNING, sentence, fix, "size"),))
    if required:
        return _Sizes(None, (_error("size_missing", f"{cause} This category needs one.", fix, "size"),))
    if cause.startswith("The size is incomplete"):
        sentence = f"{cause} It is left out."
        return _Sizes(None, (Problem("size_incomplete", Severity.WARNING, sentence, fix, "size"),))
    return _Sizes(None)


def _factor(product: Product) -> Decimal | Problem:
    """Centimetres per unit; without a unit centimetres are meant."""
    unit = field_of(product, "TikTok Unit")
    if unit is None:
        return Decimal(1)
    factor = _UNITS.get(unit.upper())
    if factor is None:
        sentence = f"The custom field TikTok Unit says {quoted(unit)}; it must be CENTIMETER or INCH."
        return _error("size_unit", sentence, "Correct TikTok Unit in the store.", "size")
    return factor


def _measured(texts: dict[str, str], factor: Decimal) -> _Sizes:
    found, problems = [], []
    for side, text in texts.items():
        number = _number(text)
        if number is None:
            sentence = f"The custom field TikTok {side.capitalize()} says {quoted(text)}; it must be a number above 0."
            fix = f"Correct TikTok {side.capitalize()} in the store."
            problems.append(_error("size_not_a_number", sentence, fix, "size"))
        else:
            found.append(max(int((number * factor).to_integral_value(ROUND_CEILING)), 1))
    return _Sizes(None, tuple(problems)) if problems else _Sizes((found[0], found[1], found[2]))


def _number(text: str) -> Decimal | None:
    """A positive number below 10,000, written with a point or a comma."""
    try:
        number = Decimal(text.replace(",", ".").strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 < number < 10_000 else None


def _error(code: str, sentence: str, fix: str, field: str) -> Problem:
    return Problem(code, Severity.ERROR, sentence, fix, field)
