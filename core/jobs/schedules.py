"""What happens by the clock: each schedule defers one job per target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from core.domain.occurrences import Daily, Every, Schedule
from core.reads.targets import live_connections, live_shops, live_stores, once
from core.services.stock_check import NIGHTLY

LONDON = "Europe/London"
_HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule and its job. ``targets`` gives the argument that tells one job from the next, and its values.

    ``dated``: the job is told when it was due, for its worker's clock may be behind the one that queued it.
    """

    name: str
    job: str
    schedule: Schedule
    targets: Callable[[], list[dict[str, Any]]]
    arguments: dict[str, Any] = field(default_factory=dict)
    dated: bool = False


def _daily(at: str) -> Daily:
    return Daily(time.fromisoformat(at), LONDON, _HALF_A_DAY)


def _every(**period: int) -> Every:
    return Every(timedelta(**period))


PLAN: tuple[Planned, ...] = (
    Planned("listing_review", "listing_review", _every(seconds=20), live_connections),
    Planned("catalogue_changes", "catalogue_pull", _every(minutes=1), live_stores, {"full": False}),
    Planned("price_stock_again", "price_stock", _every(minutes=1), live_connections, {"product_ids": None}),
    Planned("order_drain", "order_drain", _every(seconds=30), live_connections),
    Planned("order_sweep", "order_sweep", _every(minutes=1), live_connections),
    Planned("price_stock_unsent", "price_stock_unsent", _every(minutes=10), live_connections),
    Planned("stock_check", "nightly_stock_check", NIGHTLY, live_connections, dated=True),
    Planned("product_readiness", "product_readiness", _every(minutes=5), live_connections),
    Planned("picture_check", "picture_check", _every(minutes=10), live_connections),
    Planned("webhook_sweep", "webhook_sweep", _every(seconds=30), once),
    Planned("token_refresh", "token_refresh", _every(hours=1), live_shops),
    Planned("catalogue_crawl", "catalogue_pull", _daily("03:00"), live_stores, {"full": True}),
    Planned("picture_check_again", "picture_check_again", _daily("05:00"), live_connections),
    Planned("shop_metadata", "shop_metadata", _daily("04:00"), live_connections),
    Planned("order_statuses", "order_statuses", _every(hours=6), live_connections),
    Planned("connection_check", "connection_check", _every(hours=6), live_connections),
    Planned("reauthorisation_warning", "reauthorisation_warning", _daily("08:00"), once),
    Planned("housekeeping", "housekeeping", _daily("04:30"), once),
)
