"""ShopWired's stock by SKU (ShopWired's API reference: Stock). Writes are absolute; unknown SKUs pass in silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.domain.catalog import Change
from core.domain.errors import Missing
from core.http.client import Answer, Unreadable
from core.http.policy import writing
from core.stores import wire
from core.stores.shopwired.calls import CLOCKS_S, STOCK, ShopWiredCalls, digits
from core.stores.shopwired.mapping import change_from

_BATCH = 15  # ShopWired's largest


class StoreStock(ShopWiredCalls):
    """The stock part of ``ports.Store``."""

    def stock(self, sku: str) -> int | None:
        """What the store has of a SKU now, or None when it does not know the SKU."""
        try:
            told = wire.fields(self._get("/stock", {"sku": sku}, priority=STOCK))
        except Missing:
            return None
        quantity = wire.whole(told.get("quantity"))
        if quantity is None:
            raise Unreadable(f"ShopWired did not say how many it has of the SKU {sku!r}: it is asked again later.")
        return quantity

    def set_stock(self, quantities: Sequence[tuple[str, int]]) -> int:
        """Absolute (SKU, quantity), 15 a call; returns how many values the store says it changed.

        A SKU that had its quantity already and one that the store does not know both count as not changed.
        """
        return sum(self._set_batch(quantities[start : start + _BATCH]) for start in range(0, len(quantities), _BATCH))

    def stock_changes(self, product_id: str, sku: str, *, since: datetime) -> tuple[Change, ...]:
        """From the events feed, beginning two minutes early because clocks differ.

        A change names the order that caused it; one by an API call or in the admin has none to name [inferred].
        """
        wanted = {
            "topic": "product.stock_changed",
            "subject_id": digits(product_id, "product"),
            "created_after": str(int(since.timestamp()) - CLOCKS_S),
        }
        told = map(change_from, self._list("/events", wanted, priority=STOCK))
        return tuple(change for change in told if change is not None and change.sku == sku)

    def _set_batch(self, batch: Sequence[tuple[str, int]]) -> int:
        body = {"items": [{"sku": sku, "quantity": quantity} for sku, quantity in batch]}
        return writing(lambda: self._write("POST", "/stock", body, read=_updated, priority=STOCK))


def _updated(answer: Answer) -> int:
    updated = wire.whole(wire.fields(answer.json()).get("updated"))
    if updated is None:
        raise Unreadable("ShopWired did not say how many stock values it changed.", code="unreadable")
    return updated
