"""The jobs: each is a service call. Their names are the words that services defer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from procrastinate import App

from core import wiring
from core.domain.errors import RateLimited, RemoteError, Temporary
from core.jobs import demo
from core.jobs import stock_handlers as stock
from core.jobs.order_handlers import ORDER_JOBS, ORDER_RUNS, Process
from core.jobs.runs import SHIFT_S, ProcessMany, StillOurs, work_on_batches, work_on_run
from core.logs import about, log
from core.ports import Marketplace
from core.services import automatic_sync, connect_shop, connection_checks, own_categories, short_links
from core.services import catalogue_pull as pull
from core.services import housekeeping as keeping
from core.services import listing_review as review
from core.services import picture_check as pictures
from core.services import product_delete as deletion
from core.services import product_export as export
from core.services import product_export_facts as facts
from core.services import product_readiness as readiness
from core.services import shop_metadata as metadata
from core.services import webhook_intake as intake
from core.services import webhook_registration as registration
from core.services.authorisation import AuthorisationError
from core.services.database import DATABASE_TROUBLE, took_too_long, transaction
from core.services.job_outcomes import report_failure, report_success, try_again
from core.services.live import NotLive, ends_of, live
from core.services.product_export import LostItem
from core.services.runs import Item, Outcome, connection_of, end_stopped, parameters_of

T = TypeVar("T")
_AGAIN_S = 15


class Crashed(Exception):
    """Our own code failed; the text names the error, the log has the rest."""


def guarded(action: str, work: Callable[[], T]) -> T:
    """Run ``work``; any error that is not one of those everybody understands becomes ``Crashed``, logged once."""
    try:
        return work()
    except (RemoteError, NotLive, LostItem, *DATABASE_TROUBLE):
        raise
    except Exception as error:
        log().exception("a job failed", action=action, error=repr(error))
        raise Crashed(f"{type(error).__name__}: {error}") from error


def shop_of(connection_id: int) -> Marketplace:
    return wiring.marketplace(live(connection_id).shop_id)


def contained(action: str, process: Callable[[Item, StillOurs], Outcome]) -> Callable[[Item, StillOurs], Outcome]:
    """One item's crash is that item's result: the others go on."""

    def run(item: Item, still_ours: StillOurs) -> Outcome:
        try:
            return guarded(action, lambda: process(item, still_ours))
        except Crashed as crash:
            return Outcome("failed", f"Crossdock failed on this one ({crash}); the log has the details.", "crash")

    return run


def together(action: str, process: ProcessMany) -> ProcessMany:
    """The same for items that are worked on together."""

    def run(items: Sequence[Item]) -> Mapping[int, Outcome]:
        try:
            return guarded(action, lambda: process(items))
        except Crashed as crash:
            sentence = f"Crossdock failed on this one or one beside it ({crash}); the log has the details."
            return {item.id: Outcome("failed", sentence, "crash") for item in items}

    return run


def product_export(run_id: int) -> None:
    target = live(connection_of(run_id))
    market, source = wiring.marketplace(target.shop_id), wiring.picture_source()
    prepared: dict[int, facts.Prepared] = {}

    def prefetch(items: Sequence[Item]) -> None:
        prepared.clear()
        prepared.update(facts.prepare(target, [item.subject_id for item in items]))

    def process(item: Item, still_ours: StillOurs) -> Outcome:
        return export.export_item(export.Sending(target, market, source, still_ours, prepared), item)

    work_on_run(run_id, "product_export", contained("product_export", process), prefetch=prefetch)


def product_delete(run_id: int) -> None:
    market, by = wiring.marketplace(live(connection_of(run_id)).shop_id), str(parameters_of(run_id).get("by", ""))
    process = contained("product_delete", lambda item, _: deletion.delete_item(market, item, by))
    work_on_run(run_id, "product_delete", process)


def price_stock_run(run_id: int) -> None:
    work_on_batches(run_id, "price_stock_run", together("price_stock", stock.run_of_pushes(run_id)))


def stock_fix_run(run_id: int) -> None:
    if work_on_batches(run_id, "stock_fix_run", together("stock_check", stock.run_of_fixes(run_id))):
        stock.end_of_fixes(run_id)


def own_category_run(run_id: int) -> None:
    work_on_batches(run_id, own_categories.RUN, together("own_category", own_categories.run_of(run_id)))


def listing_review(connection_id: int) -> None:
    review.review_listings(shop_of(connection_id), connection_id)


def catalogue_pull(store_account_id: int, full: bool = False) -> None:
    pull.pull_catalogue(wiring.store(store_account_id), store_account_id, full=full)
    with transaction() as connection:
        short_links.ensure_codes(connection, store_account_id)


def catalogue_hints(store_account_id: int, remote_ids: list[str]) -> None:
    pull.pull_products(wiring.store(store_account_id), store_account_id, remote_ids)


def product_readiness(connection_id: int) -> None:
    ends = time.monotonic() + SHIFT_S
    while readiness.assess_stale(connection_id):
        if time.monotonic() > ends:
            readiness.come_again(connection_id)
            return
    automatic_sync.send_eligible(connection_id)


def picture_check(connection_id: int) -> None:
    pictures.check_pictures(wiring.picture_source(), connection_id)


def picture_check_again(connection_id: int) -> None:
    pictures.look_again_at_unusable(connection_id)


def shop_metadata(connection_id: int) -> None:
    metadata.download(shop_of(connection_id), connection_id)


def category_rules(connection_id: int) -> None:
    metadata.download_rules(shop_of(connection_id), connection_id)


def connection_check(connection_id: int) -> None:
    target = live(connection_id)
    market = wiring.marketplace(target.shop_id)
    try:
        connect_shop.check_connection(market, connection_id)
    except AuthorisationError as refused:
        log().warning("the connection does not work", action="connection_check", sentence=refused.sentence)
        return
    connection_checks.read_prerequisites(market, connection_id)


def webhooks_register(connection_id: int) -> None:
    target = live(connection_id)
    market, store = wiring.marketplace(target.shop_id), wiring.store(target.store_account_id)
    registration.register_webhooks(
        market, store, connection_id, store_signs=wiring.store_signs(target.store_account_id)
    )


def disconnect_cleanup(connection_id: int) -> None:
    shop_id, store_account_id = ends_of(connection_id)
    registration.clean_up(wiring.marketplace(shop_id), wiring.store(store_account_id), connection_id)


def reauthorisation_warning() -> None:
    with transaction() as connection:
        connection_checks.warn_of_reauthorisation(connection)


def demo_attributes(connection_id: int) -> None:
    demo.answer_attributes(connection_id)


def demo_send(connection_id: int) -> None:
    demo.send_some(connection_id)


def demo_mappings(connection_id: int) -> None:
    demo.map_categories(shop_of(connection_id), connection_id)


def webhook_intake(source: str, account: str) -> None:
    intake.handle(source, account)


def webhook_sweep() -> None:
    intake.requeue_waiting()


def token_refresh(shop_id: int) -> None:
    wiring.marketplace(shop_id).shops()


def housekeeping() -> None:
    keeping.keep_house()


JOBS: dict[str, Callable[..., None]] = {
    "category_rules": category_rules,
    "connection_check": connection_check,
    "disconnect_cleanup": disconnect_cleanup,
    "reauthorisation_warning": reauthorisation_warning,
    "webhooks_register": webhooks_register,
    "catalogue_hints": catalogue_hints,
    "catalogue_pull": catalogue_pull,
    "demo_attributes": demo_attributes,
    "demo_mappings": demo_mappings,
    "demo_send": demo_send,
    "housekeeping": housekeeping,
    "listing_review": listing_review,
    "own_category_run": own_category_run,
    "picture_check": picture_check,
    "picture_check_again": picture_check_again,
    "price_stock": stock.price_stock,
    "price_stock_all": stock.price_stock_all,
    "price_stock_run": price_stock_run,
    "price_stock_unsent": stock.price_stock_unsent,
    "stock_check": stock.stock_check,
    "stock_read_back": stock.stock_read_back,
    "stock_fix_run": stock_fix_run,
    "nightly_stock_check": stock.nightly_stock_check,
    "product_delete": product_delete,
    "product_export": product_export,
    "product_readiness": product_readiness,
    "shop_metadata": shop_metadata,
    "token_refresh": token_refresh,
    "webhook_intake": webhook_intake,
    "webhook_sweep": webhook_sweep,
}


def _working_on(name: str, process_of: Callable[[int], Process]) -> Callable[..., None]:
    def job(run_id: int) -> None:
        work_on_run(run_id, name, contained(name, process_of(run_id)))

    return job


def register(app: App) -> None:
    """Make every job known to the worker's App under its name."""
    on_runs = {name: _working_on(name, process_of) for name, process_of in ORDER_RUNS.items()}
    for name, job in (JOBS | ORDER_JOBS | on_runs).items():
        app.task(name=name)(_run(name, job))


def _run(name: str, job: Callable[..., None]) -> Callable[..., None]:
    def run(**arguments: Any) -> None:
        with about(connection_id=arguments.get("connection_id")):
            run_job(name, job, arguments)

    run.__name__ = name
    return run


def run_job(name: str, job: Callable[..., None], arguments: dict[str, Any]) -> None:
    """Run one job. Parked work ends quietly, trouble of the remote system is tried again, our own is an issue."""
    try:
        guarded(name, lambda: job(**arguments))
    except NotLive as parked:
        log().info("parked", action=name, sentence=parked.sentence)
        if "run_id" in arguments:
            end_stopped(arguments["run_id"])
    except RateLimited as limited:
        try_again(name, arguments, seconds=(limited.until - datetime.now(UTC)).total_seconds())
    except Temporary as trouble:
        log().warning("tried again later", action=name, sentence=trouble.sentence)
        try_again(name, arguments, seconds=_AGAIN_S)
    except DATABASE_TROUBLE as trouble:
        sentence = f"The database: {getattr(trouble, 'orig', trouble)}"
        log().warning("tried again later", action=name, sentence=sentence)
        if took_too_long(trouble):
            report_failure(name, arguments, sentence)
        try_again(name, arguments, seconds=_AGAIN_S * 4 if took_too_long(trouble) else _AGAIN_S / 5)
    except (RemoteError, Crashed) as failure:
        report_failure(name, arguments, str(failure))
        raise
    else:
        report_success(name, arguments)
