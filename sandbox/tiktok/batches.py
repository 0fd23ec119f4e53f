"""Delete, recover, activate, deactivate: up to 20 products a call, each failing on its own inside a success."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.database import Row
from sandbox.tiktok import product_events, shelf
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.gate import Ask

MOST_IDS = 20
WRONG_STATUS = "The operation is not available in the current status of the product."


def activate(ask: Ask) -> dict[str, Any]:
    """From deactivated back to review; counts against the day's allowance."""

    def one(row: Row) -> None:
        _need(row, "SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED")
        shelf.take_allowance(ask.world, ask.shop.id, ask.shop.daily_products)
        shelf.change(
            ask.world, row["id"], status="PENDING", audit_status="AUDITING",
            review_due=shelf.review_due(ask.world), submissions=row["submissions"] + 1,
        )  # fmt: skip

    return _each(ask, one)


def deactivate(ask: Ask) -> dict[str, Any]:
    """Takes a live product off sale at once."""

    def one(row: Row) -> None:
        _need(row, "ACTIVATE")
        _settle(ask, row, "SELLER_DEACTIVATED")

    return _each(ask, one)


def delete(ask: Ask) -> dict[str, Any]:
    """Any product but frozen and deleted ones."""

    def one(row: Row) -> None:
        if row["status"] in ("FREEZE", "DELETED"):
            raise Refused(12052901, WRONG_STATUS)
        _settle(ask, row, "DELETED")

    return _each(ask, one)


def recover(ask: Ask) -> dict[str, Any]:
    """A deleted product comes back deactivated."""

    def one(row: Row) -> None:
        _need(row, "DELETED")
        _settle(ask, row, "SELLER_DEACTIVATED")

    return _each(ask, one)


def _settle(ask: Ask, row: Row, status: str) -> None:
    shelf.change(
        ask.world, row["id"], status=status, product_status=status, audit_status="NONE", review_due=None,
        review_document=None,
    )  # fmt: skip
    product_events.status_changed(ask.world, row["shop_id"], row["id"])


def _need(row: Row, *statuses: str) -> None:
    if row["status"] not in statuses:
        raise Refused(12052901, WRONG_STATUS)


def _each(ask: Ask, action: Callable[[Row], None]) -> dict[str, Any]:
    ids: list[str] = ask.body["product_ids"]
    if not ids:
        raise Refused(12052030, "The product id is required.")
    if len(ids) > MOST_IDS:
        raise Refused(12019120, f"There are too many product ids. The maximum is {MOST_IDS}.")
    errors = []
    for place, id in enumerate(dict.fromkeys(ids)):
        try:
            with ask.world.db.transaction():
                if ask.fault == "hidden_errors" and place == 0:
                    raise Refused(12052990, "The check failed.")
                action(shelf.product(ask.world, ask.shop.id, id))
        except Refused as error:
            errors.append(_error(id, error))
    return {"errors": errors} if errors else {}


def _error(product_id: str, error: Refused) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "detail": {"product_id": product_id}}
