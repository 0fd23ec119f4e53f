"""Every button that changes something: the role is checked here, the service called, the deed recorded.

A page draws its buttons by role too, but that is presentation: whoever reaches these functions without the role gets
``Forbidden``, whose sentence the page shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console import session
from console.acting import acting, record
from console.refusals import NotPossible
from core import wiring
from core.domain.filters import Selection
from core.domain.people import Role
from core.reads.connections import ConnectionRow, all_connections
from core.services import (
    audit,
    authorisation,
    connect_shop,
    connect_store,
    connection_checks,
    mapping_effect,
    mappings,
    own_categories,
    own_content,
    people,
    picture_check,
    price_stock,
    price_stock_plan,
    product_delete,
    product_export,
    product_export_skips,
    product_status,
    runs,
    settings_of_connection,
    tiktok_apps,
)
from core.services.authorisation import Grant, Pending, Started
from core.services.connect_shop import OfferedShop
from core.services.connection_checks import Check
from core.services.database import transaction
from core.services.mapping_effect import MappingEffect
from core.services.mappings import MappingChange, Recommendation
from core.services.people import User
from core.services.runs import DryRun

PARTS = {"all": "Send", "price": "Send price", "stock": "Send stock"}


def _row(connection_id: int) -> ConnectionRow:
    row = next((one for one in all_connections() if one.id == connection_id), None)
    if row is None:
        raise NotPossible(f"There is no connection {connection_id}.")
    return row


def plan_send(connection_id: int, selection: Selection, part: str) -> DryRun:
    """What ``send`` would do; changes nothing."""
    acting(Role.OPERATOR)
    if part == "all":
        return product_export_skips.plan_send(connection_id, selection)
    return price_stock_plan.plan_push(connection_id, selection)


def send(connection_id: int, selection: Selection, part: str) -> int:
    """Queue the sending of products, or of their prices or stock alone; the run's id."""
    actor = acting(Role.OPERATOR)
    if part == "all":
        run_id = product_export.start_send(connection_id, selection, actor.login)
    else:
        run_id = price_stock.start_push(connection_id, selection, actor.login, part)
    record(actor, f"send_{part}", connection_id, f"run:{run_id}", selection=selection.as_json())
    return run_id


def sync_now(connection_id: int) -> int:
    """Send everything that is ready and not in the Shop; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = product_export.sync_now(connection_id, actor.login)
    record(actor, "sync_now", connection_id, f"run:{run_id}")
    return run_id


def plan_delete(connection_id: int, selection: Selection) -> DryRun:
    """What ``delete`` would do; changes nothing."""
    acting(Role.OPERATOR)
    return product_delete.plan_delete(connection_id, selection)


def delete(connection_id: int, selection: Selection) -> int:
    """Queue the deletion of listings in the Shop, never in the store; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = product_delete.start_delete(connection_id, selection, actor.login)
    record(actor, "delete_listings", connection_id, f"run:{run_id}", selection=selection.as_json())
    return run_id


def stop_run(run_id: int, connection_id: int | None) -> None:
    """Nothing new is begun from now on."""
    actor = acting(Role.OPERATOR)
    try:
        runs.stop_run(run_id, actor.login)
    except ValueError as error:
        raise NotPossible(str(error)) from error
    record(actor, "stop_run", connection_id, f"run:{run_id}")


def retry_failed(run_id: int, connection_id: int | None, code: str | None = None) -> int:
    """A new run over the items that failed, of one cause where ``code`` is given; its id."""
    actor = acting(Role.OPERATOR)
    again = runs.retry_failed(run_id, actor.login, code=code)
    record(actor, "retry_failed", connection_id, f"run:{run_id}", again=again, code=code or "")
    return again


def test_shop(connection_id: int) -> str:
    """Ask the Shop who we are; its sentence of success."""
    actor = acting(Role.OPERATOR)
    row = _row(connection_id)
    sentence = connect_shop.check_connection(wiring.marketplace(row.shop_id), connection_id)
    record(actor, "test_shop", connection_id, f"shop:{row.shop_id}")
    return sentence


def test_store(store_account_id: int) -> str:
    """Try the saved credentials of a store; a sentence of success."""
    actor = acting(Role.OPERATOR)
    business = connect_store.check_store(wiring.store(store_account_id), store_account_id)
    record(actor, "test_store", None, f"store:{store_account_id}")
    return f"{business.name} answers: country {business.country}, currency {business.currency}."


def save_settings(connection_id: int, values: dict[str, Any]) -> int:
    """Save what differs, all or nothing, and have readiness looked at again; how many differed.

    The service records each change.
    """
    actor = acting(Role.ADMIN)
    with transaction() as connection:
        before = settings_of_connection.load_settings(connection, connection_id)
        changed = {name: value for name, value in values.items() if not _same(getattr(before, name), value)}
        for name, value in changed.items():
            settings_of_connection.save_setting(connection, connection_id, name, value, actor)
        if changed:
            product_status.mark_stale(connection, connection_id=connection_id)
    return len(changed)


def _same(before: object, value: object) -> bool:
    """Numbers come from the form as text."""
    return before == value or (isinstance(value, str) and value.strip() == ("" if before is None else str(before)))


def preview_mappings(connection_id: int, changes: Sequence[MappingChange]) -> MappingEffect:
    """What saving would do to the products; changes nothing."""
    acting(Role.OPERATOR)
    with transaction() as connection:
        return mapping_effect.preview_mappings(connection, connection_id, changes)


def save_mappings(connection_id: int, changes: Sequence[MappingChange]) -> int:
    """Save all of them or none; how many really changed. The service records them."""
    actor = acting(Role.OPERATOR)
    with transaction() as connection:
        return mappings.set_mappings(connection, connection_id, changes, actor)


def undo_mapping(connection_id: int, history_id: int) -> None:
    """Put one mapping back to what it was before a recorded change."""
    actor = acting(Role.OPERATOR)
    with transaction() as connection:
        mappings.undo(connection, connection_id, history_id, actor)


def recommend_categories(connection_id: int, store_category_ids: Sequence[str]) -> dict[str, Recommendation]:
    """What the Shop recommends for each of the store's categories; those without an answer are left out."""
    acting(Role.OPERATOR)
    market = wiring.marketplace(_row(connection_id).shop_id)
    found = {one: mappings.recommend_for(market, connection_id, one) for one in store_category_ids}
    return {one: answer for one, answer in found.items() if answer is not None}


def set_own_category(connection_id: int, product_id: int, category_id: str | None) -> int:
    """A category for one product alone, before any mapping; None takes it away."""
    actor = acting(Role.OPERATOR)
    with transaction() as connection:
        return own_categories.set_own_category(connection, connection_id, [product_id], category_id, actor)


def save_own_content(connection_id: int, product_id: int, entered: Mapping[str, str]) -> bool:
    """What one product says on TikTok only, as texts by field; whether anything changed."""
    actor = acting(Role.OPERATOR)
    with transaction() as connection:
        return own_content.save_own_content(connection, connection_id, product_id, entered, actor)


def check_pictures_again(connection_id: int, product_id: int) -> None:
    """Have all pictures of one product looked at once more."""
    actor = acting(Role.OPERATOR)
    with transaction() as connection:
        picture_check.look_again(connection, connection_id, [product_id])
    record(actor, "check_pictures_again", connection_id, f"product:{product_id}")


def plan_own_categories(connection_id: int, selection: Selection, category_id: str | None) -> DryRun:
    """What ``set_own_categories`` would do; changes nothing."""
    acting(Role.OPERATOR)
    return own_categories.plan_set(connection_id, selection, category_id)


def set_own_categories(connection_id: int, selection: Selection, category_id: str | None) -> int:
    """Queue a category of their own for many products, None to follow the mappings again; the run's id."""
    actor = acting(Role.OPERATOR)
    run_id = own_categories.start_set(connection_id, selection, category_id, actor.login)
    detail = {"selection": selection.as_json(), "category_id": category_id}
    record(actor, "set_own_categories", connection_id, f"run:{run_id}", **detail)
    return run_id


def undo_own_categories(connection_id: int, run_id: int) -> int:
    """Queue putting back what such a run changed; the new run's id."""
    actor = acting(Role.OPERATOR)
    again = own_categories.start_undo(connection_id, run_id, actor.login)
    record(actor, "undo_own_categories", connection_id, f"run:{again}", undoes=run_id)
    return again


def load_settings(connection_id: int) -> settings_of_connection.ConnectionSettings:
    """The connection's settings; read only."""
    with transaction() as connection:
        return settings_of_connection.load_settings(connection, connection_id)


def checklist(connection_id: int) -> tuple[Check, ...]:
    """The setup checklist; read only."""
    with transaction() as connection:
        return connection_checks.checklist(connection, connection_id)


def read_prerequisites(connection_id: int) -> None:
    """Ask the Shop for its own listing prerequisites again."""
    actor = acting(Role.OPERATOR)
    connection_checks.read_prerequisites(wiring.marketplace(_row(connection_id).shop_id), connection_id)
    record(actor, "check_prerequisites", connection_id)


def connect_a_store(platform: str, base_url: str, credentials: dict[str, str]) -> str:
    """Try the credentials and keep them; a sentence of success."""
    actor = acting(Role.ADMIN)
    kept = {name: value.strip() for name, value in credentials.items() if value.strip()}
    lacking = [field.label for field in wiring.PLATFORMS[platform].fields if field.required and field.name not in kept]
    if lacking:
        raise NotPossible(f"{' and '.join(lacking)} must be filled in.")
    address = base_url.strip().rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise NotPossible(f"The address {address!r} must begin with https://.")
    added = connect_store.connect_store(
        wiring.new_store(platform, address, kept), platform=platform, base_url=address, credentials=kept, by=actor
    )
    business = added.business
    return f"{business.name} is connected: country {business.country}, currency {business.currency}."


def save_app(app_key: str, app_secret: str, service_id: str, name: str) -> int:
    """Keep a TikTok app; its id."""
    actor = acting(Role.ADMIN)
    with transaction() as connection:
        return tiktok_apps.save_app(
            connection, app_key=app_key, app_secret=app_secret, service_id=service_id, name=name, by=actor
        )


def start_authorisation(app_id: int, store_account_id: int) -> Started:
    """A one-time way to TikTok Shop's authorise page."""
    actor = acting(Role.ADMIN)
    auth = wiring.marketplace_auth(app_id)
    with transaction() as connection:
        return authorisation.start(connection, auth, app_id=app_id, store_account_id=store_account_id, by=actor)


def pending_authorisations() -> Sequence[Pending]:
    """This administrator's own ones that are not over; none for anybody else."""
    actor = session.signed_in()
    if actor is None or not actor.may(Role.ADMIN):
        return ()
    with transaction() as connection:
        return authorisation.pending(connection, actor)


def offered_shops(pending: Pending) -> tuple[Grant, Sequence[OfferedShop]]:
    """What the Shop granted, to choose from; trades the code for a token the first time."""
    actor = acting(Role.ADMIN)
    grant = authorisation.exchange(wiring.marketplace_auth(pending.app_id), pending.key, actor)
    with transaction() as connection:
        return grant, connect_shop.offered_shops(connection, grant)


def confirm_shop(key: str, shop_remote_id: str) -> int:
    """Make the chosen Shop a live connection; its id."""
    return connect_shop.confirm(key, shop_remote_id, acting(Role.ADMIN))


def disconnect(connection_id: int) -> None:
    """Nothing is sent or read from now on; settings, mappings and history stay."""
    connect_shop.disconnect(connection_id, acting(Role.ADMIN))


def list_users() -> Sequence[User]:
    """Everybody, for administrators."""
    acting(Role.ADMIN)
    with transaction() as connection:
        return people.list_users(connection)


def add_user(login: str, role: Role, name: str, password: str) -> int:
    """A new user's id; without a password they sign in by a link."""
    actor = acting(Role.ADMIN)
    with transaction() as connection:
        user_id = people.add_user(connection, login, role, name=name, password=password or None)
        audit.record(connection, user=actor, action="add_user", subject=f"user:{user_id}", detail={"role": role})
    return user_id


def change_user(user_id: int, *, role: Role | None = None, enabled: bool | None = None, password: str = "") -> None:
    """Give a user another role or password, or let them in or out."""
    actor = acting(Role.ADMIN)
    with transaction() as connection:
        if role is not None:
            people.set_role(connection, user_id, role)
        if enabled is not None:
            (people.enable_user if enabled else people.disable_user)(connection, user_id)
        if password:
            people.set_password(connection, user_id, password, keep_token=session.session_token())
        detail = {"role": role, "enabled": enabled, "new_password": bool(password)}
        audit.record(connection, user=actor, action="change_user", subject=f"user:{user_id}", detail=detail)


def sign_in_link(user_id: int) -> str:
    """The path of a link that signs a user in once within 15 minutes, on the machine Crossdock runs on."""
    actor = acting(Role.ADMIN)
    with transaction() as connection:
        token = people.make_sign_in_link(connection, user_id)
        audit.record(connection, user=actor, action="make_sign_in_link", subject=f"user:{user_id}")
    return f"/sign-in?token={token}"
