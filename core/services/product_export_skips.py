"""What product_export leaves alone, and why: the dry run counts it, and the run skips it with the same words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import and_, case, func, select

from core.db.engine import transaction
from core.db.filters import selected_products
from core.db.tables import product_states
from core.domain.counting import counted
from core.domain.filters import Selection
from core.domain.listing import ListingDraft
from core.domain.money import Money
from core.domain.statuses import PRODUCT_WORDS, ProductStatus, of_listing
from core.services.listing_intents import Live
from core.services.runs import DryRun, Outcome

NOT_SENDABLE = {
    ProductStatus.NOT_READY,
    ProductStatus.CATEGORY_MISSING,
    ProductStatus.SENDING,
    ProductStatus.UNKNOWN,
    ProductStatus.UNDER_REVIEW,
    ProductStatus.SUSPENDED,
    ProductStatus.OFF,
}
# What a run leaves alone too, when it comes to it: with what the Shop holds, nothing may be changed now.
LEFT_ALONE = {
    ProductStatus.UNDER_REVIEW: "Under review: the Shop is still judging what it was sent, so nothing was changed.",
    ProductStatus.SUSPENDED: "Suspended: the Shop took it down, and it is put right in Seller Center before sending.",
    ProductStatus.OFF: "Off: it is switched off for TikTok.",
}

_SECONDS_EACH = 1.0  # three writes a second, about three of them a product


def plan_send(connection_id: int, selection: Selection) -> DryRun:
    """What sending the selection would do: how many are sent, which are skipped and why."""
    chosen = selected_products(connection_id, selection).subquery()
    s = product_states.c
    broken = s.problems.contains([{"severity": "error"}])
    sendable = s.status.not_in([str(status) for status in NOT_SENDABLE])
    status = case((and_(sendable, broken), str(ProductStatus.NOT_READY)), else_=s.status).label("said")
    mine = (s.connection_id == connection_id, s.product_id.in_(select(chosen)))
    said = select(status).where(*mine).subquery()
    with transaction() as connection:
        found = connection.execute(select(said.c.said, func.count()).group_by(said.c.said))
        counts = {ProductStatus(status): count for status, count in found}
    skipped = {status: count for status, count in counts.items() if status in NOT_SENDABLE}
    will = sum(counts.values()) - sum(skipped.values())
    words = tuple((PRODUCT_WORDS[status].label, count) for status, count in skipped.items())
    live = counts.get(ProductStatus.ACTIVE, 0)
    one, several = "is on sale and goes back into review when its", "are on sale and go back into review when their"
    warnings = (f"{counted(live, one, several)} content changed.",) if live else ()
    return DryRun(will, words, will * _SECONDS_EACH, warnings)


def left_alone(status: ProductStatus) -> Outcome:
    """The result of a product in one of the states of ``LEFT_ALONE``."""
    return Outcome("skipped", LEFT_ALONE[status], str(status))


def skipped_listing(live: Live, draft: ListingDraft) -> Outcome | None:
    """Why this listing is not sent again; None when it is. Its last outcome must be known."""
    if _nothing_to_send(live, draft):
        return Outcome("skipped", "Nothing has changed since it was sent.", "unchanged")
    # Asked of each listing too: variants listed on their own (G1) share the one word of their product.
    word = of_listing(live.tiktok_status or "PENDING", live.audit_status or "AUDITING")
    return left_alone(word) if live.in_shop and word in LEFT_ALONE else None


def _nothing_to_send(live: Live, draft: ListingDraft) -> bool:
    """Price and stock go by themselves (P23), so they alone are no reason to send a listing into review again."""
    if live.state != "sent" or not live.in_shop or live.draft is None or live.state_code:
        return False
    at_rest = live.audit_status != "FAILED" and live.tiktok_status not in ("FAILED", "SELLER_DEACTIVATED")
    return at_rest and without_offers(live.draft) == without_offers(draft)


def without_offers(draft: ListingDraft) -> ListingDraft:
    """The draft with prices and quantities taken out, to compare what the Shop reviews."""
    bare = tuple(replace(sku, price=Money(Decimal(0), sku.price.currency), quantity=0) for sku in draft.skus)
    return replace(draft, skus=bare)
