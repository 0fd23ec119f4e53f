"""The words of the Orders page: TikTok's statuses, fulfilment, causes of waiting, and the tabs analysts work by."""

from __future__ import annotations

from datetime import datetime, timedelta
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
# What one order waits for, and several: "1 order waits for a SKU mapping", "6 orders wait for a SKU mapping".
HOLD_WORDS: Final[dict[str, tuple[str, str]]] = {
    "unlinked_sku": ("waits for a SKU mapping", "wait for a SKU mapping"),
    "unmapped_status": ("has a TikTok status that is not mapped", "have a TikTok status that is not mapped"),
    "out_of_stock": ("is out of stock, not imported", "are out of stock, not imported"),
    "out_of_stock_late": ("is out of stock and past its ship-by time", "are out of stock and past their ship-by time"),
    "no_address": ("has no address to ship to", "have no address to ship to"),
    "currency": ("was paid in another currency than the store's", "were paid in another currency than the store's"),
    "total_difference": ("has a total that cannot be explained", "have a total that cannot be explained"),
    "missing_shipping_rate": (
        "is to carry a shipping rate that the store no longer has",
        "are to carry a shipping rate that the store no longer has",
    ),
    "picture_refused": ("was refused by the store for a picture", "were refused by the store for a picture"),
    "refused": ("was refused by the store", "were refused by the store"),
    "store_trouble": (
        "could not be made in the store, and is tried again",
        "could not be made in the store, and are tried again",
    ),
    "unpaid": ("is not paid yet", "are not paid yet"),
    "on_hold": ("is in TikTok's hold hour", "are in TikTok's hold hour"),
}
# Issues of orders that the store has, of one order and of several.
ISSUE_WORDS: Final[dict[str, tuple[str, str]]] = {
    "address_changed": (
        "had the delivery address changed after it was imported",
        "had the delivery address changed after they were imported",
    ),
    "lines_cancelled": (
        "had units cancelled after it was imported",
        "had units cancelled after they were imported",
    ),
    "total_differs": ("has another total in the store", "have another total in the store"),
    "several_store_orders": ("is in the store more than once", "are in the store more than once"),
    "return_unclear": (
        "was cancelled, and nobody can tell whether its stock was put back",
        "were cancelled, and nobody can tell whether their stock was put back",
    ),
    "order_conflict": ("is contradicted by its store order", "are contradicted by their store orders"),
    "status_trouble": (
        "could not be given its status in the store, and is tried again",
        "could not be given their status in the store, and are tried again",
    ),
    "status_refused": ("had its status refused by the store", "had their status refused by the store"),
    "picture_refused": (
        "had its status refused by the store for a picture",
        "had their status refused by the store for a picture",
    ),
}
# Of an order that is not held but tried on, as the store failed with it time and again.
IN_TROUBLE: Final = "store_trouble"
NO_ADDRESS: Final = "no_address"
# So long an address is waited for; one that is missing any longer, or this shortly before the order must be shipped,
# is for a person.
ADDRESS_WITHIN, ADDRESS_BEFORE_SHIP_BY = timedelta(hours=24), timedelta(hours=4)
# Causes that pass by themselves as the order goes on (an address only so long, see ``address_overdue``), and causes
# that a mapping or stock takes away.
PASSING: Final = ("unpaid", "on_hold", NO_ADDRESS)
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


def address_overdue(ordered_at: datetime, ship_by: datetime | None, at: datetime) -> bool:
    """Whether an order that TikTok gives no address for needs a person by ``at``."""
    return at - ordered_at >= ADDRESS_WITHIN or (ship_by is not None and ship_by - at <= ADDRESS_BEFORE_SHIP_BY)


def status_word(status: str) -> Word:
    """A status this version does not know shows as itself."""
    return STATUS_WORDS.get(status) or Word(status, Tone.VIOLET, "TikTok sent a status this version does not know.")


def hold_words(code: str, number: int = 2) -> str:
    """What so many orders held for one cause do; a cause without words of its own shows its code."""
    one, several = HOLD_WORDS.get(code) or (f"waits: {_plain(code)}", f"wait: {_plain(code)}")
    return one if number == 1 else several


def issue_words(code: str, number: int) -> str:
    """What is the matter with so many orders that the store has and that have an issue of their own."""
    one, several = ISSUE_WORDS.get(code) or (f"needs a look: {_plain(code)}", f"need a look: {_plain(code)}")
    return one if number == 1 else several


def _plain(code: str) -> str:
    return code.replace("_", " ")
