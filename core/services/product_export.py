"""product_export: send products to the Shop, one or many, each exactly once, with a result per product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, literal, select

from core.db.engine import statement, transaction
from core.db.filters import selected_products
from core.db.tables import product_states
from core.domain.errors import Expired, RateLimited, RemoteError, Temporary, Unknown
from core.domain.filters import ProductFilter, Selection
from core.domain.listing import ListingDraft, RemoteListing, SentListing, SentSku
from core.domain.statuses import ProductStatus
from core.ports import Marketplace, PictureSource
from core.services import listing_intents as intents
from core.services.listing_pictures import (
    PictureTrouble,
    Uploaded,
    forget_pictures,
    remember,
    upload_pictures,
)
from core.services.live import LiveConnection
from core.services.price_stock_queue import queue_push
from core.services.product_export_facts import Prepared, listed_elsewhere, prepare
from core.services.product_export_skips import LEFT_ALONE, left_alone, skipped_listing
from core.services.product_status import refresh_status
from core.services.runs import Item, Outcome, start_run
from core.services.settings_of_connection import load_settings

CALL_LEASE_S = 40.0  # longer than one call may take, shorter than anybody wants to wait after a crash
_SAME_KEY_FOR = timedelta(hours=24)
_MOST_TRIES = 12
ALLOWANCE_CODES = frozenset({"12052093", "12052109"})
_UNKNOWN_PICTURE = frozenset({"12052722", "12052300", "12052360"})


@dataclass(frozen=True, slots=True)
class Sending:
    """What one product's export needs: the connection, its Shop and pictures, and whether the item is still ours.

    ``prepared`` holds what ``prepare`` read for several products at once; one that is not there is read by itself.
    """

    target: LiveConnection
    market: Marketplace
    pictures: PictureSource
    still_ours: Callable[[], bool]
    prepared: dict[int, Prepared] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A listing taken for one call: ``number`` fences its outcome, ``remote_id`` is what an edit changes.

    ``priced``: whether an edit carries the prices of the SKUs that the Shop has; the price goes again if in doubt.
    """

    listing_id: int
    number: int
    draft: ListingDraft
    variant_id: int | None
    remote_id: str | None
    priced: bool = False

    @property
    def is_plain(self) -> bool:
        """A whole product for the first time: its outcome is saved in one statement, with what the product shows."""
        return self.variant_id is None and self.remote_id is None


class LostItem(Exception):
    """Somebody else has taken the item over; nothing more may be done for it here."""


def start_send(connection_id: int, selection: Selection, by: str, *, title: str = "Send products") -> int:
    """Queue the export of the selection; the run's id. Every product selected becomes an item with its result."""
    chosen = selected_products(connection_id, selection).subquery()
    with transaction() as connection:
        return start_run(
            connection,
            kind="product_export",
            title=title,
            connection_id=connection_id,
            by=by,
            items=select(literal("product"), chosen.c[0]),
        )


def sync_now(connection_id: int, by: str) -> int:
    """Send everything that is ready and was never sent (G2)."""
    return start_send(connection_id, Selection(products=ProductFilter(tab="Ready")), by, title="Sync now")


def export_item(sending: Sending, item: Item) -> Outcome:
    """Send one product of a run, and say how it ended.

    Raises ``Expired`` or ``NotLive`` when a person has to reconnect, ``LostItem`` when the item is somebody else's.
    """
    try:
        outcome = _export_product(sending, item.subject_id)
        return _look_again(outcome, item.attempt) if outcome.status == "unknown" else outcome
    except RateLimited as limited:
        code = "allowance" if limited.code in ALLOWANCE_CODES else "rate"
        return Outcome("waiting", limited.sentence, code, limited.until)
    except Expired:
        raise
    except Temporary as trouble:
        return _try_again(trouble, item.attempt)
    except RemoteError as refusal:
        return Outcome("failed", refusal.sentence, refusal.code)


def _try_again(trouble: Temporary, attempt: int) -> Outcome:
    if attempt >= _MOST_TRIES:
        return Outcome("failed", f"Given up after {attempt} tries: {trouble.sentence}", trouble.code or "temporary")
    return Outcome("waiting", trouble.sentence, trouble.code or "temporary", _after(attempt))


def _look_again(outcome: Outcome, attempt: int) -> Outcome:
    """Later and later; then a person decides, and whoever sends it again settles the open outcome first."""
    if attempt >= _MOST_TRIES:
        return Outcome("failed", f"Its outcome is still open after {attempt} tries: {outcome.sentence}", "open")
    return replace(outcome, not_before=_after(attempt))


def _after(attempt: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=min(2.0**attempt, 300.0))


def _export_product(sending: Sending, product_id: int) -> Outcome:
    ready = sending.prepared.pop(product_id, None) or prepare(sending.target, [product_id])[product_id]
    settled = [_resolve(sending, listing) for listing in ready.live.values() if listing.outcome_open]
    if any(outcome is not None for outcome in settled):
        return _worst([outcome for outcome in settled if outcome is not None])
    if settled:
        ready = prepare(sending.target, [product_id])[product_id]
    assessment = ready.assessment
    if assessment is None:
        return Outcome("skipped", "The store no longer has this product.", "gone")
    if ready.status in LEFT_ALONE:
        return left_alone(ProductStatus(ready.status))
    if not assessment.drafts:
        problem = next(problem for problem in assessment.problems if problem.severity == "error")
        return Outcome("skipped", f"Not ready: {problem.sentence}", f"not_ready:{problem.code}")
    return _worst([_send(sending, ready, draft, variant) for variant, draft in _by_variant(assessment.drafts)])


def _by_variant(drafts: tuple[tuple[str | None, ListingDraft], ...]) -> list[tuple[int | None, ListingDraft]]:
    return [(int(variant) if variant is not None else None, draft) for variant, draft in drafts]


def _worst(outcomes: list[Outcome]) -> Outcome:
    order = ("unknown", "waiting", "failed", "done", "skipped")
    return min(outcomes, key=lambda outcome: order.index(outcome.status))


def _send(sending: Sending, ready: Prepared, draft: ListingDraft, variant_id: int | None) -> Outcome:
    live = ready.live.get(variant_id)
    if live is not None and (skipped := skipped_listing(live, draft)) is not None:
        return skipped
    taken = listed_elsewhere(ready.taken, draft, live)
    if taken:
        return Outcome("failed", taken, "listed_elsewhere")
    edited = live if live is not None and live.in_shop else None
    try:
        place, market, known = sending.target, sending.market, ready.pictures
        uploaded = upload_pictures(place, market, sending.pictures, draft, known, sending.still_ours)
    except PictureTrouble as trouble:
        return Outcome("failed", trouble.sentence, "picture")
    _end_deleted(ready.live, variant_id)
    outcome = _intend_and_call(sending, draft, variant_id, live, edited, uploaded)
    if edited and edited.remote_id and edited.tiktok_status == "SELLER_DEACTIVATED" and outcome.status == "done":
        errors = sending.market.activate_listings([edited.remote_id])
        return Outcome("failed", errors[0].sentence, errors[0].code) if errors else outcome
    return outcome


def _end_deleted(live: intents.LiveOnes, variant_id: int | None) -> None:
    """A listing of the other kind (G1) that the Shop has deleted is over when this one takes its place."""
    replaced = [one for one in live.values() if (one.variant_id is None) != (variant_id is None)]
    for one in replaced:
        if one.tiktok_status == "DELETED":
            with transaction() as connection:
                intents.end_listing(connection, one.id)


def _intend_and_call(
    sending: Sending,
    draft: ListingDraft,
    variant_id: int | None,
    live: intents.Live | None,
    edited: intents.Live | None,
    uploaded: Uploaded,
) -> Outcome:
    """Store exactly what will be sent, then send it."""
    if not sending.still_ours():
        remember(uploaded.fresh)
        raise LostItem
    connection_id, key = sending.target.id, None if edited else intents.new_key()
    with statement() if live is None else transaction() as connection:
        ids = intents.sku_ids(connection, edited.id) if edited else None
        priced = edited is None or _prices_go_along(connection, connection_id, edited)
        body = sending.market.listing_body(draft, uploaded.by_url, idempotency_key=key, sku_ids=ids, priced=priced)
        taken = intents.store_intent(
            connection,
            connection_id,
            draft,
            variant_id,
            live,
            body=body,
            key=key,
            seconds=CALL_LEASE_S,
            fresh=uploaded.fresh,
        )
    if taken is None:
        return _later("Another worker is sending it just now.", seconds=CALL_LEASE_S / 4)
    return _call(sending, _Attempt(*taken, draft, variant_id, edited.remote_id if edited else None, priced), body)


def _prices_go_along(connection: Connection, connection_id: int, edited: intents.Live) -> bool:
    """Only with a listing that is not on sale: Update Price does not take those, and prices of the others go that way.

    Where prices are not kept equal (G9, P5) the Shop's own stay.
    """
    if edited.tiktok_status == "ACTIVATE" or not load_settings(connection, connection_id).price_upload:
        return False
    s = product_states.c
    kept = select(s.sync_price).where(s.connection_id == connection_id, s.product_id == edited.product_id)
    return bool(connection.execute(kept).scalar_one())


def _call_again(sending: Sending, listing: intents.Live, draft: ListingDraft) -> Outcome:
    """The same call with the same bytes, for a listing whose outcome is open."""
    if not sending.still_ours():
        raise LostItem
    taken = intents.begin_call(listing, seconds=CALL_LEASE_S)
    if taken is None:
        return _later("Another worker is sending it just now.", seconds=CALL_LEASE_S / 4)
    attempt, body = taken
    mine = _Attempt(listing.id, attempt, draft, listing.variant_id, listing.remote_id)
    return _call(sending, mine, body, again=True)


def _call(sending: Sending, mine: _Attempt, body: bytes, *, again: bool = False) -> Outcome:
    """Make the call and save its outcome. ``again``: an earlier one may have had its effect."""
    try:
        if mine.remote_id is None:
            sent = sending.market.create_product(body)
        else:
            sent = sending.market.edit_product(mine.remote_id, body)
    except Unknown as unknown:
        _save(sending, mine, partial(intents.save_unknown, sentence=unknown.sentence))
        return _later(unknown.sentence, seconds=2, status="unknown")
    except (Temporary, Expired) as trouble:
        keep = intents.save_unknown if again else partial(intents.save_not_sent, edit=mine.remote_id is not None)
        _save(sending, mine, partial(keep, sentence=trouble.sentence))
        raise
    except RemoteError as refusal:
        return _refused(sending, mine, refusal)
    return _sent(sending, mine, sent)


def _save(sending: Sending, mine: _Attempt, save: Callable[..., bool]) -> None:
    with transaction() as connection:
        save(connection, mine.listing_id, mine.number)
        refresh_status(connection, sending.target.id, [int(mine.draft.product_id)])


def _sent(sending: Sending, mine: _Attempt, sent: SentListing) -> Outcome:
    with statement() if mine.is_plain else transaction() as connection:
        shown = intents.save_sent(connection, mine.listing_id, mine.number, mine.draft, sent, priced=mine.priced)
        if shown is None:
            raise LostItem
        if mine.remote_id is not None:
            queue_push(connection, sending.target.store_account_id, [int(mine.draft.product_id)])
        if not shown:
            refresh_status(connection, sending.target.id, [int(mine.draft.product_id)])
    note = f" The Shop notes: {' '.join(sent.warnings)}" if sent.warnings else ""
    return Outcome("done", f"Sent, now in review.{note}")


def _refused(sending: Sending, mine: _Attempt, refusal: RemoteError) -> Outcome:
    if refusal.code in _UNKNOWN_PICTURE:
        forget_pictures(sending.target, mine.draft)
    edit = mine.remote_id is not None
    _save(sending, mine, partial(intents.save_refused, refusal=refusal, edit=edit))
    return Outcome("failed", refusal.sentence, refusal.code)


def _later(sentence: str, *, seconds: float, status: str = "waiting") -> Outcome:
    return Outcome(status, sentence, "again", datetime.now(UTC) + timedelta(seconds=seconds))


def _resolve(sending: Sending, listing: intents.Live) -> Outcome | None:
    """Find out what became of a call whose answer we never saw (R10); None when it had no effect.

    Read back by seller SKU first; if the Shop does not have it, the same key with the same bytes within 24 hours.
    An edit sets everything absolutely, so it is simply made again. Raises ``Temporary`` while it stays open.
    """
    draft, body = listing.draft, listing.body
    if draft is None or body is None or listing.leased:
        raise Temporary("Another worker is still sending this product.", code="again")
    if listing.remote_id is None:
        found = _read_back(sending.market, listing, draft)
        if found is not None:
            return _adopt(sending, listing, draft, found)
        if listing.called_at is not None and datetime.now(UTC) - listing.called_at > _SAME_KEY_FOR:
            _forget(sending, listing, draft)
            return None
    return _call_again(sending, listing, draft)


def _read_back(market: Marketplace, listing: intents.Live, draft: ListingDraft) -> RemoteListing | None:
    """The listing the lost call made, known by its seller SKUs and by being no older than the intent."""
    wanted = {sku.seller_sku for sku in draft.skus}
    earliest = listing.intended_at - timedelta(minutes=5)
    found = market.find_by_seller_skus([sku.seller_sku for sku in draft.skus[:10]])
    fitting = [one for one in found if wanted & {sku.seller_sku for sku in one.skus} and one.created_at >= earliest]
    return min(fitting, key=lambda one: one.created_at, default=None)


def _adopt(sending: Sending, listing: intents.Live, draft: ListingDraft, found: RemoteListing) -> Outcome:
    taken = intents.begin_call(listing, seconds=CALL_LEASE_S)
    if taken is None:
        raise Temporary("Another worker is settling this product.", code="again")
    sent = SentListing(found.id, tuple(SentSku(sku.id, sku.seller_sku) for sku in found.skus))
    _sent(sending, _Attempt(listing.id, taken[0], draft, listing.variant_id, listing.remote_id), sent)
    return Outcome("done", "Sent; the Shop's answer was lost and has been read back.")


def _forget(sending: Sending, listing: intents.Live, draft: ListingDraft) -> None:
    """A day later the Shop still does not have it: it did not happen, and a new generation may begin."""
    taken = intents.begin_call(listing, seconds=CALL_LEASE_S)
    if taken is not None:
        mine = _Attempt(listing.id, taken[0], draft, listing.variant_id, listing.remote_id)
        _save(sending, mine, partial(intents.save_not_sent, sentence="The call had no effect.", edit=False))
