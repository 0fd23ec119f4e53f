"""The words of the Orders page: TikTok's statuses, fulfilment, causes of waiting, and the tabs analysts work by."""

from __future__ import annotations

from typing import Final

from core.domain.statuses import Tone, Word

STATUS_WORDS: Final[dict[str, Word]] = {
    "UNPAID": Word("Unpaid", Tone.GREY, "Placed and not paid: its stock is reserved."),
    "ON_HOLD": Word("On hold", Tone.BLUE, "Paid, and in the hour in which the buyer may still cancel."),
    "AWAITING_SHIPMENT": Word("Awaiting shipment", Tone.AMBER, "Paid and to be shipped by the time shown."),
    "PARTIALLY_SHIPPING": Word("Partially shipping", Tone.AMBER, "Some of its packages are on their way."),
    "AWAITING_COLLECTION": Word("Awaiting collection", Tone.BLUE, "Packed; the carrier has not scanned it yet."),
    "IN_TRANSIT": Word("In transit", Tone.BLUE, "With the carrier."),
    "DELIVERED": Word("Delivered", Tone.GREEN, "With the buyer."),
    "COMPLETED": Word("Completed", Tone.GREEN, "Delivered, and past the time to return it."),
    "CANCELLED": Word("Cancelled", Tone.GREY, "Cancelled by the buyer, the seller or TikTok."),
}
FULFILMENT_WORDS: Final[dict[str, Word]] = {
    "unshipped": Word("Unshipped", Tone.GREY, "Nothing has left."),
    "partly_shipped": Word("Partly shipped", Tone.AMBER, "Some packages have left."),
    "awaiting_collection": Word("Awaiting collection", Tone.BLUE, "Waits for the carrier."),
    "shipped": Word("Shipped", Tone.BLUE, "With the carrier."),
    "delivered": Word("Delivered", Tone.GREEN, "With the buyer."),
    "cancelled": Word("Cancelled", Tone.GREY, "Will not be shipped."),
}
IMPORT_WORDS: Final[dict[str, Word]] = {
    "waiting": Word("To import", Tone.GREY, "Nothing stands in the way: it is imported next."),
    "importing": Word("Importing", Tone.BLUE, "Being made in the store just now."),
    "unknown": Word("Unknown", Tone.VIOLET, "Sent, and no answer came back: the store is asked before anything else."),
    "held": Word("Not imported", Tone.AMBER, "Something has to come first; the sentence says what."),
    "imported": Word("Imported", Tone.GREEN, "The store has it."),
    "not_wanted": Word("Left out", Tone.GREY, "It is not imported, for the reason shown."),
}
# What orders wait for, said of several: "6 orders wait for a SKU mapping."
HOLD_WORDS: Final[dict[str, str]] = {
    "unlinked_sku": "wait for a SKU mapping",
    "unmapped_status": "have a TikTok status that is not mapped",
    "out_of_stock": "are out of stock, not imported",
    "out_of_stock_late": "are out of stock and past their ship-by time",
    "no_address": "have no address to ship to",
    "currency": "were paid in another currency than the store's",
    "total_difference": "have a total that cannot be explained",
    "missing_shipping_rate": "are to carry a shipping rate that the store no longer has",
    "picture_refused": "were refused by the store for a picture",
    "refused": "were refused by the store",
    "unpaid": "are not paid yet",
    "on_hold": "are in TikTok's hold hour",
}
# Causes that pass by themselves as the order goes on, and causes that a mapping or stock takes away.
PASSING: Final = ("unpaid", "on_hold", "no_address")
WAITING_FOR: Final = ("unlinked_sku", "unmapped_status", "out_of_stock")

NEEDS_A_PERSON, WAITING = "Needs a person", "Waiting for stock or mapping"
# Tabs that are nothing but some of TikTok's statuses.
STATUS_TABS: Final[dict[str, tuple[str, ...]]] = {
    "On hold": ("UNPAID", "ON_HOLD"),
    "To ship": ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"),
    "Shipped": ("AWAITING_COLLECTION", "IN_TRANSIT"),
    "Done": ("DELIVERED", "COMPLETED"),
    "Cancelled": ("CANCELLED",),
}
ORDER_TABS: Final = (NEEDS_A_PERSON, WAITING, *STATUS_TABS)


def status_word(status: str) -> Word:
    """A status this version does not know shows as itself."""
    return STATUS_WORDS.get(status) or Word(status, Tone.VIOLET, "TikTok sent a status this version does not know.")


def hold_words(code: str) -> str:
    """What several orders held for one cause do; a cause without words of its own shows its code."""
    return HOLD_WORDS.get(code) or f"wait: {code.replace('_', ' ')}"
