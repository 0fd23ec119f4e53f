"""The status words of the console, each with one colour and one sentence, and the rules that choose them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """grey: not started, blue: under way, amber: waits for a person, red: refused, green: live, violet: unknown."""

    GREY = "grey"
    BLUE = "blue"
    AMBER = "amber"
    RED = "red"
    GREEN = "green"
    VIOLET = "violet"


@dataclass(frozen=True, slots=True)
class Word:
    label: str
    tone: Tone
    sentence: str


class ProductStatus(StrEnum):
    CATEGORY_MISSING = "category_missing"
    NOT_READY = "not_ready"
    READY = "ready"
    SENDING = "sending"
    UNKNOWN = "unknown"
    FAILED = "failed"
    UNDER_REVIEW = "under_review"
    FAILED_REVIEW = "failed_review"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    UNLISTED = "unlisted"
    OFF = "off"


PRODUCT_WORDS: dict[ProductStatus, Word] = {
    ProductStatus.CATEGORY_MISSING: Word(
        "Category missing", Tone.AMBER, "No TikTok category is mapped and there is no default category."
    ),
    ProductStatus.NOT_READY: Word("Not ready", Tone.AMBER, "Not sent: the Shop would refuse it as it stands."),
    ProductStatus.READY: Word("Not synced", Tone.GREY, "Not sent yet, and nothing stands in the way."),
    ProductStatus.SENDING: Word("Sending", Tone.BLUE, "Queued or on its way to the Shop."),
    ProductStatus.UNKNOWN: Word(
        "Unknown", Tone.VIOLET, "It was sent and no answer came back; the Shop is asked before anything is repeated."
    ),
    ProductStatus.FAILED: Word("Failed to sync", Tone.RED, "The Shop refused it when it was sent."),
    ProductStatus.UNDER_REVIEW: Word("Under review", Tone.BLUE, "The Shop has it and is reviewing it."),
    ProductStatus.FAILED_REVIEW: Word("Failed review", Tone.RED, "The Shop reviewed it and disapproved."),
    ProductStatus.ACTIVE: Word("Active", Tone.GREEN, "On sale in the Shop."),
    ProductStatus.SUSPENDED: Word("Suspended", Tone.RED, "Taken down by the Shop."),
    ProductStatus.UNLISTED: Word(
        "Synced (unlisted)", Tone.GREY, "It was sent, but is a draft, deactivated, scheduled or deleted in the Shop."
    ),
    ProductStatus.OFF: Word("Off", Tone.GREY, "Switched off for TikTok by us."),
}

# What an analyst means by a tab of the Products page.
PRODUCT_TABS: dict[str, tuple[ProductStatus, ...]] = {
    "Not ready": (ProductStatus.NOT_READY, ProductStatus.CATEGORY_MISSING),
    "Ready": (ProductStatus.READY,),
    "In review": (ProductStatus.UNDER_REVIEW, ProductStatus.SENDING),
    "Unknown": (ProductStatus.UNKNOWN,),
    "Failed": (ProductStatus.FAILED, ProductStatus.FAILED_REVIEW, ProductStatus.SUSPENDED),
    "Active": (ProductStatus.ACTIVE,),
    "Off or unlisted": (ProductStatus.OFF, ProductStatus.UNLISTED),
}


class ExportStatus(StrEnum):
    APPROVED = "approved"
    DISAPPROVED = "disapproved"
    IN_REVIEW = "in_review"
    DELETED = "deleted"


EXPORT_WORDS: dict[ExportStatus, Word] = {
    ExportStatus.APPROVED: Word("Approved", Tone.GREEN, "The Shop approved it."),
    ExportStatus.DISAPPROVED: Word("Disapproved", Tone.RED, "The Shop disapproved it, for the reasons shown."),
    ExportStatus.IN_REVIEW: Word("In review", Tone.BLUE, "The Shop is reviewing it."),
    ExportStatus.DELETED: Word("Deleted", Tone.GREY, "Deleted in the Shop; the store still has it."),
}

_BY_TIKTOK_STATUS: dict[str, ProductStatus] = {
    "PENDING": ProductStatus.UNDER_REVIEW,
    "FAILED": ProductStatus.FAILED_REVIEW,
    "ACTIVATE": ProductStatus.ACTIVE,
    "SELLER_DEACTIVATED": ProductStatus.UNLISTED,
    "DRAFT": ProductStatus.UNLISTED,
    "INITIAL": ProductStatus.UNLISTED,
    "SCHEDULED": ProductStatus.UNLISTED,
    "DELETED": ProductStatus.UNLISTED,
    "PLATFORM_DEACTIVATED": ProductStatus.SUSPENDED,
    "FREEZE": ProductStatus.SUSPENDED,
}


def of_listing(tiktok_status: str, audit_status: str) -> ProductStatus:
    """The word for what the Shop says; a live listing whose edit is being audited is under review (P23)."""
    if tiktok_status == "ACTIVATE" and audit_status == "AUDITING":
        return ProductStatus.UNDER_REVIEW
    return _BY_TIKTOK_STATUS.get(tiktok_status, ProductStatus.UNKNOWN)


def of_export(tiktok_status: str | None, audit_status: str | None) -> ExportStatus:
    """The four words of the Exports page (E1)."""
    if tiktok_status == "DELETED":
        return ExportStatus.DELETED
    if tiktok_status in ("FAILED", "PLATFORM_DEACTIVATED", "FREEZE") or audit_status == "FAILED":
        return ExportStatus.DISAPPROVED
    if tiktok_status in ("ACTIVATE", "SELLER_DEACTIVATED", "SCHEDULED") and audit_status != "AUDITING":
        return ExportStatus.APPROVED
    return ExportStatus.IN_REVIEW


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """What the status of a product is chosen from. ``listing_state`` is our own work's state, None without one."""

    sell: bool
    has_category: bool
    ready: bool
    listing_state: str | None
    tiktok_status: str | None
    audit_status: str | None


def of_product(facts: ProductFacts) -> ProductStatus:
    """The one word for a product: what the Shop has, or had, comes before what we would send."""
    if facts.listing_state in ("intended", "sending"):
        return ProductStatus.SENDING
    if facts.listing_state == "unknown":
        return ProductStatus.UNKNOWN
    if facts.listing_state == "sent" and (facts.sell or facts.tiktok_status != "DELETED"):
        return of_listing(facts.tiktok_status or "PENDING", facts.audit_status or "AUDITING")
    if not facts.sell:
        return ProductStatus.OFF
    if facts.listing_state == "refused":
        return ProductStatus.FAILED
    if facts.ready:
        return ProductStatus.READY
    return ProductStatus.NOT_READY if facts.has_category else ProductStatus.CATEGORY_MISSING
