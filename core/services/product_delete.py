"""product_delete: take listings out of the Shop, never out of the store (E2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, literal, select, update

from core.db.engine import transaction
from core.db.filters import selected_products
from core.db.tables import listing_skus, listings
from core.domain.errors import Expired, RateLimited, RemoteError, Temporary, Unknown
from core.domain.filters import Selection
from core.domain.listing import ItemError
from core.ports import Marketplace
from core.services.live import require_live
from core.services.product_status import refresh_status
from core.services.runs import DryRun, Item, Outcome, start_run

GONE = "12052032"  # the product does not exist
MOST_AT_ONCE = 20  # TikTok Shop Partner Center, Delete Products: at most 20 product ids a call
_MOST_SKUS = 10
_MOST_TRIES = 12


def _in_shop(connection_id: int, selection: Selection) -> tuple[ColumnElement[bool], ...]:
    chosen = selected_products(connection_id, selection).subquery()
    return (
        listings.c.connection_id == connection_id,
        listings.c.ended_at.is_(None),
        listings.c.remote_id.is_not(None),
        listings.c.product_id.in_(select(chosen)),
        func.coalesce(listings.c.tiktok_status, "") != "DELETED",
    )


def plan_delete(connection_id: int, selection: Selection) -> DryRun:
    """How many listings would be deleted; products the Shop does not have are skipped."""
    chosen = selected_products(connection_id, selection).subquery()
    with transaction() as connection:
        selected = connection.execute(select(func.count()).select_from(chosen)).scalar_one()
        condition = _in_shop(connection_id, selection)
        here = select(func.count(), func.count(listings.c.product_id.distinct())).where(*condition)
        will, products = connection.execute(here).one()
    missing = selected - products
    skipped = (("Not in the Shop", missing),) if missing else ()
    return DryRun(will, skipped, will / MOST_AT_ONCE)


def start_delete(connection_id: int, selection: Selection, by: str) -> int:
    """Queue the deletion of the selection's listings; the run's id."""
    with transaction() as connection:
        chosen = select(literal("listing"), listings.c.id).where(*_in_shop(connection_id, selection))
        return start_run(
            connection,
            kind="product_delete",
            title="Delete from TikTok",
            connection_id=connection_id,
            by=by,
            items=chosen,
            parameters={"by": by},
        )


def delete_item(market: Marketplace, item: Item, by: str) -> Outcome:
    """Delete one listing in the Shop. Repeating is harmless: what is gone already counts as deleted.

    Raises ``Expired`` or ``NotLive`` when a person has to reconnect.
    """
    wanted = select(listings).where(listings.c.id == item.subject_id)
    with transaction() as connection:
        row = connection.execute(wanted).one()
        require_live(connection, row.connection_id)
    if row.tiktok_status == "DELETED" or row.remote_id is None:
        return Outcome("skipped", "It is deleted in the Shop already.", "deleted")
    try:
        errors = market.delete_listings([row.remote_id])
        if errors and not _is_gone(market, row.id, row.remote_id, errors[0]):
            return Outcome("failed", errors[0].sentence, errors[0].code)
    except RateLimited as limited:
        return Outcome("waiting", limited.sentence, "rate", limited.until)
    except (Temporary, Unknown) as trouble:
        return _try_again(trouble, item.attempt)
    except Expired:
        raise
    except RemoteError as refusal:
        return Outcome("failed", refusal.sentence, refusal.code)
    _save_deleted(row, by)
    return Outcome("done", "Deleted in the Shop; the store still has it.")


def _is_gone(market: Marketplace, listing_id: int, remote_id: str, error: ItemError) -> bool:
    """Whether the Shop refused because it is deleted already: the same code also stands for a frozen one."""
    if error.code == GONE:
        return True
    mine = (listing_skus.c.listing_id == listing_id, listing_skus.c.ended_at.is_(None))
    with transaction() as connection:
        seller_skus = list(connection.scalars(select(listing_skus.c.seller_sku).where(*mine).limit(_MOST_SKUS)))
    return bool(seller_skus) and remote_id not in {one.id for one in market.find_by_seller_skus(seller_skus)}


def _try_again(trouble: RemoteError, attempt: int) -> Outcome:
    """Deleting twice does no harm, so an answer that was lost needs no more than another try."""
    if attempt >= _MOST_TRIES:
        return Outcome("failed", f"Given up after {attempt} tries: {trouble.sentence}", trouble.code or "temporary")
    status = "unknown" if isinstance(trouble, Unknown) else "waiting"
    pause = timedelta(seconds=min(2.0**attempt, 300.0))
    return Outcome(status, trouble.sentence, trouble.code or "temporary", datetime.now(UTC) + pause)


def _save_deleted(row: Row[Any], by: str) -> None:
    gone = {"tiktok_status": "DELETED", "deleted_at": func.now(), "deleted_by": by, "changed_at": func.now()}
    with transaction() as connection:
        connection.execute(update(listings).where(listings.c.id == row.id).values(**gone))
        refresh_status(connection, row.connection_id, [row.product_id])
