"""What the tables can be narrowed to, and what a bulk action is about."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """``tab`` is a key of ``PRODUCT_TABS`` or empty; ``text`` words to find, or a pasted list of SKUs."""

    tab: str = ""
    text: str = ""
    problem: str = ""
    category: str = ""
    brand: str = ""
    sync: str = ""


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """``tab`` is an ``ExportStatus`` or empty; ``reason`` a review reason as the Shop words it."""

    tab: str = ""
    text: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows by id, or all that match a filter: exactly one of the two is given."""

    ids: tuple[int, ...] = ()
    products: ProductFilter | None = None
    exports: ExportFilter | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "ids": list(self.ids),
            "products": asdict(self.products) if self.products else None,
            "exports": asdict(self.exports) if self.exports else None,
        }


_SEPARATORS = re.compile(r"[\n,;\t]+")


def pasted_list(text: str) -> tuple[str, ...]:
    """The SKUs of a pasted list (line breaks, commas, semicolons or tabs between them); empty for plain words."""
    parts = tuple(part.strip() for part in _SEPARATORS.split(text) if part.strip())
    return parts if len(parts) > 1 else ()
