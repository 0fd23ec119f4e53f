"""The jobs of the stock flow: each is a service call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core import wiring
from core.jobs.runs import ProcessMany
from core.ports import Marketplace
from core.services import price_stock as offers
from core.services.live import live
from core.services.runs import Item, Outcome, connection_of, parameters_of


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
    """Products that changed; with None, whatever was not acknowledged or not read back."""
    if product_ids is not None:
        offers.push_changed(market_of(connection_id), connection_id, product_ids)
    elif offers.has_open(connection_id):
        offers.push_open(market_of(connection_id), connection_id)


def price_stock_all(connection_id: int) -> None:
    offers.push_all(market_of(connection_id), connection_id)
