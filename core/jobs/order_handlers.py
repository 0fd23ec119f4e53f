"""The jobs of the order flow: each is a service call. What works on runs gives its process to ``handlers``."""

from __future__ import annotations

from collections.abc import Callable

from core import wiring
from core.config import settings
from core.jobs.runs import StillOurs
from core.services import order_drain as drain
from core.services import order_import as importing
from core.services import order_mappings, order_reference, order_status, order_sweep, shipping_rates, stock_writes
from core.services.database import transaction
from core.services.live import live
from core.services.order_holds import wake_all
from core.services.runs import Item, Outcome, connection_of

Process = Callable[[Item, StillOurs], Outcome]


def order_drain(connection_id: int) -> None:
    drain.drain_orders(wiring.marketplace(live(connection_id).shop_id), connection_id)


def order_hints(connection_id: int, order_ids: list[str]) -> None:
    drain.read_orders(wiring.marketplace(live(connection_id).shop_id), connection_id, order_ids)


def order_import(connection_id: int) -> None:
    importing.import_orders(_importing(connection_id))


def order_status_job(connection_id: int) -> None:
    target = live(connection_id)
    order_status.follow_statuses(wiring.store(target.store_account_id), target)


def order_reference_job(connection_id: int) -> None:
    order_reference.refer_orders(wiring.marketplace(live(connection_id).shop_id), connection_id)


def order_sweep_job(connection_id: int) -> None:
    order_sweep.sweep_orders(connection_id)


def order_wake(connection_id: int) -> None:
    with transaction() as conn:
        wake_all(conn, connection_id)


def order_statuses(connection_id: int) -> None:
    store = wiring.store(live(connection_id).store_account_id)
    order_mappings.read_statuses(store, connection_id)
    shipping_rates.read_rates(store, connection_id)


def stock_writes_job(store_account_id: int) -> None:
    stock_writes.write_wanted(wiring.store(store_account_id), store_account_id)


def downloading(run_id: int) -> Process:
    connection_id = connection_of(run_id)
    market = wiring.marketplace(live(connection_id).shop_id)
    return lambda item, _: drain.download_day(market, connection_id, item)


def importing_again(run_id: int) -> Process:
    work = _importing(connection_of(run_id))
    return lambda item, _: importing.import_item(work, item)


def following_again(run_id: int) -> Process:
    target = live(connection_of(run_id))
    store = wiring.store(target.store_account_id)
    return lambda item, _: order_status.status_item(store, target, item)


def _importing(connection_id: int) -> importing.Importing:
    target = live(connection_id)
    store = wiring.store(target.store_account_id)
    return importing.Importing(target, store, settings().order_recheck_seconds)


ORDER_JOBS: dict[str, Callable[..., None]] = {
    "order_drain": order_drain,
    "order_hints": order_hints,
    "order_import": order_import,
    "order_reference": order_reference_job,
    "order_status": order_status_job,
    "order_statuses": order_statuses,
    "order_sweep": order_sweep_job,
    "order_wake": order_wake,
    "stock_writes": stock_writes_job,
}
# Runs: how an item is worked on, by the name of the job.
ORDER_RUNS: dict[str, Callable[[int], Process]] = {
    "order_download": downloading,
    "order_import_run": importing_again,
    "order_status_run": following_again,
}
