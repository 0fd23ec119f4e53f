"""What the tables can be narrowed to, and what a bulk action is about."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

_NOT_KEPT = "[text]"


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """``tab`` is a key of ``PRODUCT_TABS`` or empty; ``text`` words to find, or a pasted list of SKUs.

    ``status`` is one ``ProductStatus`` or empty; ``first``: ``problem`` has to be the first of the product's.
    """

    tab: str = ""
    text: str = ""
    status: str = ""
    problem: str = ""
    category: str = ""
    brand: str = ""
    sync: str = ""
    first: bool = False


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """``tab`` is an ``ExportStatus`` or empty; ``reason`` a review reason as the Shop words it."""

    tab: str = ""
    text: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """``tab`` is a key of ``ORDER_TABS`` or empty, ``status`` one of TikTok's own.

    ``store`` is the store's id of a status, "none" (not imported) or "out" (left out); ``hold`` a cause of waiting;
    ``issue`` the code of an open issue of an order that the store has; ``first`` and ``last`` are UTC days as
    ``2026-11-22``; ``area`` a place on the map; ``channel`` is "seller" (who ships it), "tiktok" or "fbt" (from
    TikTok's own warehouse). ``before`` is where a list longer than its pages goes on: ``time/id`` of the last row seen.
    ``unshipped``: only what has not left yet.
    """

    tab: str = ""
    text: str = ""
    status: str = ""
    store: str = ""
    hold: str = ""
    issue: str = ""
    first: str = ""
    last: str = ""
    area: str = ""
    channel: str = ""
    before: str = ""
    unshipped: bool = False


@dataclass(frozen=True, slots=True)
class StockFilter:
    """``state`` is a key of ``STOCK_STATES`` or empty; ``cause`` one of the last check; ``most`` pieces on hand."""

    text: str = ""
    state: str = ""
    cause: str = ""
    category: str = ""
    warehouse: str = ""
    size: str = ""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows by id, or all that match a filter: exactly one of the two is given."""

    ids: tuple[int, ...] = ()
    products: ProductFilter | None = None
    exports: ExportFilter | None = None
    orders: OrderFilter | None = None
    stock: StockFilter | None = None

    def as_json(self) -> dict[str, Any]:
        """For the record of who did what. Every role may read that, so the words looked for among orders stay out of
        it: they may be a customer's name."""
        orders = replace(self.orders, text=_NOT_KEPT if self.orders.text else "") if self.orders else None
        return {
            "ids": list(self.ids),
            "products": asdict(self.products) if self.products else None,
            "exports": asdict(self.exports) if self.exports else None,
            "orders": asdict(orders) if orders else None,
            "stock": asdict(self.stock) if self.stock else None,
        }


_SEPARATORS = re.compile(r"[\n,;\t]+")


def pasted_list(text: str) -> tuple[str, ...]:
    """The SKUs of a pasted list (line breaks, commas, semicolons or tabs between them); empty for plain words."""
    parts = tuple(part.strip() for part in _SEPARATORS.split(text) if part.strip())
    return parts if len(parts) > 1 else ()
