"""Money: a ``Decimal`` amount with its ISO 4217 currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_NO_MINOR_UNIT = frozenset({"IDR", "JPY", "KRW", "VND"})


def minor_digits(currency: str) -> int:
    """How many decimals an amount in ``currency`` has when it is shown or sent (2, or 0 for JPY and the like)."""
    return 0 if currency in _NO_MINOR_UNIT else 2


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in one currency; adding two currencies is a programming error and raises ``ValueError``."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def rounded(self) -> Money:
        """To the minor unit, halves away from zero."""
        quantum = Decimal(1).scaleb(-minor_digits(self.currency))
        return Money(self.amount.quantize(quantum, ROUND_HALF_UP), self.currency)

    def text(self) -> str:
        """The amount as the APIs take it, such as ``12.90``."""
        return f"{self.rounded().amount:f}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added: convert one of them first")
        return other.amount
