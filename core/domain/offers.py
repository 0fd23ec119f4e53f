"""What a variant costs and how many are offered in the Shop."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Final

from core.domain.catalog import Variant
from core.domain.limits import MarketLimits
from core.domain.listing import Problem, Severity
from core.domain.money import Money

_PRICE_FIX: Final = "Set the price in the store, or change the price rules of this connection."


@dataclass(frozen=True, slots=True)
class PriceRules:
    """The price rules of a connection (G14): first the percentage, then the fixed amount, then the rounding.

    ``rounding``: none, up_to_99 (the next amount that ends in .99), nearest_whole, nearest_50 (steps of 0.50).
    """

    markup_percent: Decimal = Decimal(0)
    markup_fixed: Decimal = Decimal(0)
    rounding: str = "none"


@dataclass(frozen=True, slots=True)
class StockRules:
    """Pieces held back from sale (``buffer``) and the most that is ever offered (``cap``)."""

    buffer: int = 0
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """``money`` is what the buyer pays, or None when it cannot be sent."""

    money: Money | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    quantity: int
    problems: tuple[Problem, ...] = ()


def store_price(variant: Variant) -> Decimal | None:
    """What the store asks: the sale price where it is lower than the price and above nothing, else the price."""
    if variant.sale_price and variant.price is not None and 0 < variant.sale_price < variant.price:
        return variant.sale_price
    return variant.price


def ruled(amount: Decimal, rules: PriceRules, currency: str) -> Money:
    """``amount`` after the price rules, rounded to the currency's minor unit."""
    marked = amount * (1 + rules.markup_percent / 100) + rules.markup_fixed
    if rules.rounding == "up_to_99":
        ending = Decimal("0.99")
        marked = (Money(marked, currency).rounded().amount - ending).to_integral_value(ROUND_CEILING) + ending
    elif rules.rounding == "nearest_whole":
        marked = marked.quantize(Decimal(1), ROUND_HALF_UP)
    elif rules.rounding == "nearest_50":
        marked = (marked * 2).quantize(Decimal(1), ROUND_HALF_UP) / 2
    return Money(marked, currency).rounded()


def price_of(variant: Variant, rules: PriceRules, limits: MarketLimits, *, variant_id: str | None = None) -> Price:
    """The price to send, in the market's currency; an amount of 0 or outside the market's range is an error."""
    asked = store_price(variant)
    if asked is None or asked <= 0:
        words = "no price" if asked is None else f"a price of {asked.normalize():f}"
        return Price(None, (_price("price_missing", f"It has {words}.", variant_id),))
    money = ruled(asked, rules, limits.currency)
    if not limits.price_min <= money.amount <= limits.price_max:
        bounds = f"{limits.price_min:f} to {limits.price_max:f}"
        sentence = f"Its price of {money.text()} {money.currency} lies outside what TikTok Shop takes, {bounds}."
        return Price(None, (_price("price_out_of_range", sentence, variant_id),))
    if variant.sale_price and variant.price is not None and variant.sale_price > variant.price:
        sentence = f"Its sale price {variant.sale_price:.2f} is above its price {variant.price:.2f}; the price is sent."
        return Price(money, (_price("sale_price_ignored", sentence, variant_id, Severity.WARNING),))
    return Price(money)


def offer_of(
    stock: int | None, rules: StockRules, limits: MarketLimits, *, held: int = 0, variant_id: str | None = None
) -> Offer:
    """How many to offer: the store's stock less what is held and buffered, at most the cap, inside the market's range.

    ``held`` are pieces sold in the Shop that the store does not know of yet. Less than nothing counts as nothing.
    """
    problems = []
    if stock is None:
        problems.append(_stock("stock_unknown", "The store gives no stock; 0 is sent.", variant_id))
    elif stock < 0:
        problems.append(_stock("stock_negative", f"Its stock is {stock}; 0 is sent.", variant_id))
    wanted = max((stock or 0), 0) - rules.buffer - held
    if rules.cap is not None:
        wanted = min(wanted, rules.cap)
    if wanted > limits.stock_max:
        sentence = f"Its stock of {wanted:,} is above what TikTok Shop takes; {limits.stock_max:,} is sent."
        problems.append(_stock("stock_over_maximum", sentence, variant_id))
    quantity = min(max(wanted, 0), limits.stock_max)
    if quantity < limits.stock_min:
        sentence = f"It would be offered {quantity} times; TikTok Shop takes {limits.stock_min} or more here."
        problems.append(_stock("stock_under_minimum", sentence, variant_id, Severity.ERROR))
    return Offer(quantity, tuple(problems))


def _price(code: str, sentence: str, variant_id: str | None, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(code, severity, sentence, _PRICE_FIX, "price", variant_id)


def _stock(code: str, sentence: str, variant_id: str | None, severity: Severity = Severity.WARNING) -> Problem:
    return Problem(code, severity, sentence, "Correct the stock in the store.", "stock", variant_id)
