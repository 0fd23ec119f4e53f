"""Every button about orders that changes something: the role is checked here, the service called, the deed recorded."""

from __future__ import annotations

from datetime import date

from console.acting import acting, record
from console.refusals import NotPossible
from core.domain.filters import Selection
from core.domain.mapping import SKU
from core.domain.people import Role
from core.reads.order_issues import order_issues
from core.reads.order_plans import count_held, import_plan, status_plan
from core.reads.orders import matching_ids
from core.reads.paging import COUNT_CAP
from core.services import issues, mappings, order_drain, order_import, order_links, order_status
from core.services.database import transaction
from core.services.mappings import MappingChange
from core.services.order_links import Suggestion
from core.services.runs import DryRun

# An import takes about four calls to the store, a status one or two; ShopWired takes two a second.
_IMPORT_S, _STATUS_S = 2.0, 0.8


def _chosen(connection_id: int, selection: Selection) -> tuple[list[int], tuple[str, ...]]:
    """The orders an action is about, and a sentence where more match than are taken at once."""
    if selection.orders is None:
        return list(selection.ids), ()
    found = matching_ids(connection_id, selection.orders, customers=True, most=COUNT_CAP + 1)
    if len(found) <= COUNT_CAP:
        return found, ()
    said = f"Only the newest {COUNT_CAP:,} of the orders that match are taken: narrow the list for the others."
    return found[:COUNT_CAP], (said,)


def plan_import(connection_id: int, selection: Selection) -> DryRun:
    """What ``import_again`` would do; changes nothing."""
    acting(Role.OPERATOR)
    ids, warnings = _chosen(connection_id, selection)
    plan = import_plan(connection_id, ids)
    return DryRun(len(plan.ids), plan.skipped, len(plan.ids) * _IMPORT_S, warnings)


def import_again(connection_id: int, selection: Selection) -> int:
    """Queue another try for orders the store does not have; the run's id."""
    actor = acting(Role.OPERATOR)
    plan = import_plan(connection_id, _chosen(connection_id, selection)[0])
    run_id = order_import.start_import(connection_id, actor.login, order_ids=plan.ids)
    record(actor, "import_orders", connection_id, f"run:{run_id}", selection=selection.as_json())
    return run_id


def plan_retry(connection_id: int, hold: str) -> DryRun:
    """What ``retry_held`` would do; changes nothing."""
    acting(Role.OPERATOR)
    will = count_held(connection_id, hold)
    return DryRun(will, (), will * _IMPORT_S)


def retry_held(connection_id: int, hold: str) -> int:
    """Queue another try for all orders that are held for one cause; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = order_import.start_import(connection_id, actor.login, hold=hold)
    record(actor, "retry_held_orders", connection_id, f"run:{run_id}", hold=hold)
    return run_id


def plan_status(connection_id: int, selection: Selection) -> DryRun:
    """What ``sync_status`` would do; changes nothing."""
    acting(Role.OPERATOR)
    ids, warnings = _chosen(connection_id, selection)
    plan = status_plan(connection_id, ids)
    return DryRun(len(plan.ids), plan.skipped, len(plan.ids) * _STATUS_S, warnings)


def sync_status(connection_id: int, selection: Selection) -> int:
    """Queue bringing store orders up to what TikTok says; the run's id."""
    actor = acting(Role.OPERATOR)
    plan = status_plan(connection_id, _chosen(connection_id, selection)[0])
    run_id = order_status.start_status(connection_id, list(plan.ids), actor.login)
    record(actor, "sync_order_status", connection_id, f"run:{run_id}", selection=selection.as_json())
    return run_id


def import_one(connection_id: int, order_id: int) -> int:
    """Queue another try for one order; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = order_import.start_import(connection_id, actor.login, order_ids=[order_id])
    record(actor, "import_order", connection_id, f"order:{order_id}", run=run_id)
    return run_id


def sync_one(connection_id: int, order_id: int) -> int:
    """Queue the status sync of one order; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = order_status.start_status(connection_id, [order_id], actor.login)
    record(actor, "sync_order_status", connection_id, f"order:{order_id}", run=run_id)
    return run_id


def settle_issue(connection_id: int, order_id: int, issue_id: int, times: int) -> None:
    """Say that an issue of an order is settled, as it was seen. The service records it."""
    actor = acting(Role.OPERATOR)
    if issue_id not in {issue.id for issue in order_issues(connection_id, order_id)}:
        raise NotPossible("This was settled already, or belongs to another order; nothing was changed.")
    with transaction() as connection:
        issues.settle_issue(connection, issue_id, times, connection_id=connection_id, by=actor)


def download_orders(connection_id: int, first: date, last: date | None = None) -> int:
    """Queue the reading again of all orders that changed from one day to another, or until now; the run's id."""
    actor = acting(Role.OPERATOR)
    try:
        run_id = order_drain.start_download(connection_id, first, actor.login, last)
    except ValueError as error:
        raise NotPossible(str(error)) from error
    days = {"first": first.isoformat()} | ({"last": last.isoformat()} if last else {})
    record(actor, "download_orders", connection_id, f"run:{run_id}", **days)
    return run_id


def suggested_variants(connection_id: int, sku: str, title: str) -> list[Suggestion]:
    """Variants of the store that an unlinked SKU may stand for, the likeliest first."""
    acting(Role.OPERATOR)
    with transaction() as connection:
        return order_links.suggestions(connection, connection_id, sku, title)


def map_sku(connection_id: int, sku: str, variant_id: int) -> int:
    """Link a SKU of the Shop to a variant of the store; orders that wait for it are imported by themselves."""
    actor = acting(Role.OPERATOR)
    with transaction() as connection:
        return mappings.set_mappings(connection, connection_id, [MappingChange(SKU, sku, str(variant_id))], actor)
