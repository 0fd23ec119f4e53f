"""order_tracking: tracking that TikTok Shop has is put on the store order, once (G10, O9, F3).

ShopWired keeps one tracking address an order and no number (ShopWired's API reference, "Update an order's status"), so
the first parcel whose carrier's page is known becomes that address, and every other number is a note for the staff.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.orders import ShopOrder, StoreOrder
from core.domain.tracking import Tracked, tracked
from core.services.settings_of_connection import ConnectionSettings


@dataclass(frozen=True, slots=True)
class Tracking:
    """What the store order was not told of yet. ``page`` is the address it should have, or empty; ``ours`` the one
    that we gave it before."""

    page: str
    ours: str
    new: tuple[Tracked, ...]
    numbers: tuple[str, ...]

    def page_for(self, present: StoreOrder) -> str:
        """The address to give the store order now; empty where it has it, or has one of the merchant's own."""
        if present.tracking_url == self.page or present.tracking_url not in ("", self.ours):
            return ""
        return self.page

    def note_for(self, present: StoreOrder) -> str:
        """What the address does not say, in words; empty when it says it all."""
        shown = self.page if present.tracking_url in ("", self.ours, self.page) else ""
        rest = [one.words() for one in self.new if not shown or one.page != shown]
        return f"TikTok Shop: sent with {', '.join(rest)}." if rest else ""

    def noted(self) -> dict[str, Any]:
        """To keep with the store order, so that it is told once."""
        return {"tracking": list(self.numbers), "tracking_url": self.page}


def tracking_of(order: ShopOrder, settings: ConnectionSettings, noted: Mapping[str, Any]) -> Tracking | None:
    """None where there is nothing to tell, or the connection does not pull tracking."""
    if not settings.query_shipping_change:
        return None
    parcels = tracked(order)
    new = tuple(one for one in parcels if one.number not in noted.get("tracking", ()))
    if not new:
        return None
    page = next((one.page for one in parcels if one.page), "")
    return Tracking(page, noted.get("tracking_url", ""), new, tuple(one.number for one in parcels))


def status_to_follow(order: ShopOrder, settings: ConnectionSettings) -> str | None:
    """The TikTok status whose mapped status the store order should have; None where it is to stay as it is.

    An order that TikTok fulfils is completed as soon as it has a tracking number: nobody else will ship it.
    """
    if order.status == "CANCELLED":
        return order.status if settings.query_status_change else None
    if order.by_tiktok and settings.query_shipping_change and tracked(order):
        return "COMPLETED"
    return order.status if settings.order_status_sync else None
