"""Every button about stock that changes something: the role is checked here, the service called, the deed recorded."""

from __future__ import annotations

from collections.abc import Sequence

from console.acting import acting, record
from console.refusals import NotPossible
from core.domain.filters import Selection
from core.domain.people import Role
from core.reads.paging import COUNT_CAP
from core.reads.stock import FixPlan, check_fix_plan, fix_plan, matching_skus, product_ids_of
from core.reads.unsettled_writes import unsettled_writes
from core.services import price_stock, stock_check, stock_rules, stock_why, stock_writes
from core.services.database import transaction
from core.services.runs import DryRun
from core.services.stock_rules import SkuRule
from core.services.stock_why import Why

# The Shop takes a listing's stock in one call, about ten of them a second.
_FIX_S = 0.15


def check_now(connection_id: int) -> int:
    """Queue a stock check, or find the one under way; its id."""
    actor = acting(Role.OPERATOR)
    check_id = stock_check.start_check(connection_id, actor.login)
    record(actor, "start_stock_check", connection_id, f"check:{check_id}")
    return check_id


def _plan(connection_id: int, selection: Selection) -> tuple[FixPlan, tuple[str, ...]]:
    """What correcting would touch, and a sentence where more SKUs match than are taken at once."""
    if selection.stock is None:
        return fix_plan(connection_id, selection.ids), ()
    found = matching_skus(connection_id, selection.stock, most=COUNT_CAP + 1)
    said = f"Only the first {COUNT_CAP:,} of the SKUs that match are taken: narrow the list for the others."
    return fix_plan(connection_id, found[:COUNT_CAP]), (said,) if len(found) > COUNT_CAP else ()


def plan_fix(connection_id: int, selection: Selection) -> DryRun:
    """What ``fix`` would do; changes nothing."""
    acting(Role.OPERATOR)
    plan, warnings = _plan(connection_id, selection)
    return DryRun(len(plan.ids), plan.skipped, len(plan.ids) * _FIX_S, warnings)


def fix(connection_id: int, selection: Selection) -> int:
    """Queue the correction of SKUs that differ; the run's id. Raises ``NotPossible`` when there is none."""
    actor = acting(Role.OPERATOR)
    run_id = _start(connection_id, _plan(connection_id, selection)[0].ids, actor.login)
    record(actor, "fix_stock", connection_id, f"run:{run_id}", selection=selection.as_json())
    return run_id


def _start(connection_id: int, sku_ids: Sequence[int], login: str) -> int:
    """What the last check found is corrected with its log; what differs since is sent like any change of stock."""
    if not sku_ids:
        raise NotPossible("None of these SKUs differs in a way that can be corrected.")
    run_id = stock_check.fix(connection_id, login, sku_ids=sku_ids)
    if run_id is not None:
        return run_id
    products = Selection(ids=tuple(product_ids_of(sku_ids)))
    return price_stock.start_push(connection_id, products, login, "stock")


def plan_fix_cause(connection_id: int, cause: str) -> DryRun:
    """What ``fix_cause`` would do; changes nothing."""
    acting(Role.OPERATOR)
    will, skipped = check_fix_plan(connection_id, cause)
    return DryRun(will, skipped, will * _FIX_S)


def fix_cause(connection_id: int, cause: str) -> int:
    """Queue the correction of all that the last check found for one cause, or of all of it; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = stock_check.fix(connection_id, actor.login, cause=cause or None)
    if run_id is None:
        raise NotPossible("The last check left nothing that can be corrected: check again.")
    record(actor, "fix_stock", connection_id, f"run:{run_id}", cause=cause)
    return run_id


def explain(sku_id: int) -> Why:
    """Why a SKU has its number; read only."""
    with transaction() as connection:
        return stock_why.explain(connection, sku_id)


def rule_of(variant_id: int) -> SkuRule:
    """The SKU's own rule; read only."""
    with transaction() as connection:
        return stock_rules.rules_of(connection, [variant_id]).get(variant_id, SkuRule())


def save_rule(store_account_id: int, variant_id: int, rule: SkuRule) -> None:
    """Keep the SKU's own buffer, cap, alert and continue selling. The service records it."""
    actor = acting(Role.OPERATOR)
    with transaction() as connection:
        stock_rules.save_rules(connection, store_account_id, {variant_id: rule}, actor)


def settle_write(connection_id: int, variant_id: int, *, arrived: bool) -> None:
    """Say of a write to the store's stock whether it arrived. The service records it."""
    actor = acting(Role.OPERATOR)
    if not unsettled_writes(connection_id, variant_id).shown:
        raise NotPossible("This write is settled already, or belongs to another store; nothing was changed.")
    with transaction() as connection:
        stock_writes.settle_by_person(connection, connection_id, variant_id, actor, arrived=arrived)
