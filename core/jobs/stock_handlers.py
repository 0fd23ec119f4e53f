"""The jobs of the stock flow: each is a service call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from core import wiring
from core.jobs.runs import ProcessMany
from core.logs import about
from core.ports import Marketplace
from core.services import price_stock as offers
from core.services import stock_check as checks
from core.services.live import live
from core.services.runs import Item, Outcome, connection_of, parameters_of
from core.services.stock_read_back import read_named


def market_of(connection_id: int) -> Marketplace:
    return wiring.marketplace(live(connection_id).shop_id)


def run_of_pushes(run_id: int) -> ProcessMany:
    """How the items of a run that pushes prices and stock are worked on."""
    connection_id, part = connection_of(run_id), str(parameters_of(run_id).get("part", "offers"))
    market = market_of(connection_id)

    def process(items: Sequence[Item]) -> Mapping[int, Outcome]:
        return offers.push_items(market, connection_id, items, part)

    return process


def price_stock(connection_id: int, product_ids: list[int] | None = None) -> None:
    """Products that changed; with None, whatever was not acknowledged or not read back, and checks that were parked."""
    if product_ids is not None:
        offers.judge_low_stock_of(connection_id, product_ids)
        offers.push_changed(market_of(connection_id), connection_id, product_ids)
        return
    checks.resume_checks(connection_id)
    if offers.has_open(connection_id):
        offers.push_open(market_of(connection_id), connection_id)


def run_of_fixes(run_id: int) -> ProcessMany:
    """How the items of a run that corrects what a stock check found are worked on."""
    connection_id, check_id = connection_of(run_id), _check_of(run_id)
    market = market_of(connection_id)

    def process(items: Sequence[Item]) -> Mapping[int, Outcome]:
        ended = offers.push_items(market, connection_id, items, "stock", always=False)
        checks.settle_items(check_id, [one.subject_id for one in items if ended[one.id].status != "waiting"])
        return ended

    return process


def end_of_fixes(run_id: int) -> None:
    checks.finish_check(_check_of(run_id))


def _check_of(run_id: int) -> int:
    return int(parameters_of(run_id)["check_id"])


def stock_check(check_id: int) -> None:
    connection_id = checks.connection_of_check(check_id)
    with about(connection_id=connection_id):
        checks.run_check(market_of(connection_id), check_id)


def nightly_stock_check(connection_id: int, due_at: str | None = None) -> None:
    """``due_at``: when it was due; None in a job that an earlier release queued."""
    due = datetime.fromisoformat(due_at) if due_at else None
    checks.start_nightly(connection_id, datetime.now(UTC), due=due)


def stock_read_back(connection_id: int, sku_ids: list[str]) -> None:
    read_named(market_of(connection_id), connection_id, sku_ids)


def price_stock_unsent(connection_id: int) -> None:
    """Whatever should be offered by now and was never sent, whoever forgot to say so."""
    if offers.has_unsent(connection_id):
        offers.push_unsent(market_of(connection_id), connection_id)


def price_stock_all(connection_id: int, left: str | None = None) -> None:
    """After a rule changed; ``left``: the warehouse that the store's location was mapped to before."""
    offers.judge_low_stock_of(connection_id, None)
    offers.push_all(market_of(connection_id), connection_id, left=left)
