"""Every button that changes something: the role is checked here, the service called, the deed recorded.

A page draws its buttons by role too, but that is presentation: whoever reaches these functions without the role gets
``Forbidden``, whose sentence the page shows.
"""

from __future__ import annotations

from typing import Any

from console import session
from console.refusals import NotPossible
from core.domain.filters import Selection
from core.domain.people import Actor, Forbidden, Role
from core.reads.connections import all_connections
from core.services import (
    audit,
    connect_shop,
    connect_store,
    price_stock,
    price_stock_plan,
    product_delete,
    product_export,
    runs,
    settings_of_connection,
)
from core.services.database import transaction
from core.services.runs import DryRun

PARTS = {"all": "Send", "price": "Send price", "stock": "Send stock"}


def acting(role: Role) -> Actor:
    """Who is signed in now, as the database has it. Raises ``Forbidden`` without the role or the session."""
    actor = session.signed_in()
    if actor is None:
        raise Forbidden("Your session has ended: sign in again.")
    actor.require(role)
    return actor


def _record(actor: Actor, action: str, connection_id: int | None, subject: str = "", **detail: Any) -> None:
    with transaction() as connection:
        audit.record(connection, user=actor, action=action, connection_id=connection_id, subject=subject, detail=detail)


def plan_send(connection_id: int, selection: Selection, part: str) -> DryRun:
    """What ``send`` would do; changes nothing."""
    acting(Role.OPERATOR)
    if part == "all":
        return product_export.plan_send(connection_id, selection)
    return price_stock_plan.plan_push(connection_id, selection)


def send(connection_id: int, selection: Selection, part: str) -> int:
    """Queue the sending of products, or of their prices or stock alone; the run's id."""
    actor = acting(Role.OPERATOR)
    if part == "all":
        run_id = product_export.start_send(connection_id, selection, actor.login)
    else:
        run_id = price_stock.start_push(connection_id, selection, actor.login, part)
    _record(actor, f"send_{part}", connection_id, f"run:{run_id}", selection=selection.as_json())
    return run_id


def sync_now(connection_id: int) -> int:
    """Send everything that is ready and not in the Shop; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = product_export.sync_now(connection_id, actor.login)
    _record(actor, "sync_now", connection_id, f"run:{run_id}")
    return run_id


def plan_delete(connection_id: int, selection: Selection) -> DryRun:
    """What ``delete`` would do; changes nothing."""
    acting(Role.OPERATOR)
    return product_delete.plan_delete(connection_id, selection)


def delete(connection_id: int, selection: Selection) -> int:
    """Queue the deletion of listings in the Shop, never in the store; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = product_delete.start_delete(connection_id, selection, actor.login)
    _record(actor, "delete_listings", connection_id, f"run:{run_id}", selection=selection.as_json())
    return run_id


def stop_run(run_id: int, connection_id: int | None) -> None:
    """Nothing new is begun from now on."""
    actor = acting(Role.OPERATOR)
    try:
        runs.stop_run(run_id, actor.login)
    except ValueError as error:
        raise NotPossible(str(error)) from error
    _record(actor, "stop_run", connection_id, f"run:{run_id}")


def retry_failed(run_id: int, connection_id: int | None, code: str | None = None) -> int:
    """A new run over the items that failed, of one cause where ``code`` is given; its id."""
    actor = acting(Role.OPERATOR)
    again = runs.retry_failed(run_id, actor.login, code=code)
    _record(actor, "retry_failed", connection_id, f"run:{run_id}", again=again, code=code or "")
    return again


def test_shop(connection_id: int) -> str:
    """Ask the Shop who we are; its sentence of success."""
    from core import wiring

    actor = acting(Role.OPERATOR)
    row = next((one for one in all_connections() if one.id == connection_id), None)
    if row is None:
        raise NotPossible(f"There is no connection {connection_id}.")
    sentence = connect_shop.check_connection(wiring.marketplace(row.shop_id), connection_id)
    _record(actor, "test_shop", connection_id, f"shop:{row.shop_id}")
    return sentence


def test_store(store_account_id: int) -> str:
    """Try the saved credentials of a store; a sentence of success."""
    from core import wiring

    actor = acting(Role.OPERATOR)
    business = connect_store.check_store(wiring.store(store_account_id), store_account_id)
    _record(actor, "test_store", None, f"store:{store_account_id}")
    return f"{business.name} answers: country {business.country}, currency {business.currency}."


def save_settings(connection_id: int, values: dict[str, Any]) -> None:
    """Save what differs, all or nothing. The service records each change."""
    actor = acting(Role.ADMIN)
    with transaction() as connection:
        before = settings_of_connection.load_settings(connection, connection_id)
        for name, value in values.items():
            if getattr(before, name) != value:
                settings_of_connection.save_setting(connection, connection_id, name, value, actor)


def automatic_sync(connection_id: int) -> bool:
    """Whether products are sent by themselves; read only."""
    with transaction() as connection:
        return settings_of_connection.load_settings(connection, connection_id).automatic_sync
