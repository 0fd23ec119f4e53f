"""Parcels of an order on TikTok Shop, and where the carrier shows how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from core.domain.order_words import is_cancelled
from core.domain.orders import ShopOrder

# A carrier by a word of the name that TikTok gives it, and its page for a number. Carriers whose page needs more than
# the number (a postcode, say) are left out: for them the number itself has to do.
_PAGES: Final = (
    ("royal mail", "https://www.royalmail.com/track-your-item#/tracking-results/{}"),
    ("evri", "https://www.evri.com/track/parcel/{}"),
    ("dhl", "https://www.dhl.com/gb-en/home/tracking.html?tracking-id={}"),
    ("fedex", "https://www.fedex.com/fedextrack/?trknbr={}"),
    ("usps", "https://tools.usps.com/go/TrackConfirmAction?tLabels={}"),
    ("ups", "https://www.ups.com/track?tracknum={}"),
)


@dataclass(frozen=True, slots=True)
class Tracked:
    """A tracking number with its carrier's name, as TikTok tells both."""

    number: str
    carrier: str

    @property
    def page(self) -> str:
        """The carrier's page for the number; empty for a carrier whose page is not known."""
        name = self.carrier.lower()
        return next((page.format(quote(self.number, safe="")) for word, page in _PAGES if word in name), "")

    def words(self) -> str:
        return f"{self.carrier} {self.number}".strip()


def tracked(order: ShopOrder) -> tuple[Tracked, ...]:
    """Every tracking number of the order once; none of an order that was cancelled."""
    if order.status == "CANCELLED":
        return ()
    lines = [(line.tracking_number, line.provider_name) for line in order.lines if not is_cancelled(line)]
    carriers: dict[str, str] = {}
    for number, carrier in [*lines, (order.tracking_number, order.provider_name)]:
        if number and not carriers.get(number):
            carriers[number] = carrier
    return tuple(Tracked(number, carrier) for number, carrier in carriers.items())
