"""connection_checks: the setup checklist of a connection (C8). A line is ok, wrong or unknown, with its fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import transaction
from core.db.tables import connection_checks, connections, shops, store_accounts, warehouses
from core.domain.counting import counted
from core.domain.regions import market_name, misfit
from core.domain.scopes import missing, sentence_for
from core.ports import Marketplace
from core.services.issues import close_issue, open_issue

State = Literal["ok", "wrong", "unknown"]
WARNING_DAYS = (14, 7, 1)
# A grant without an end is told as one a lifetime away.
_ENDLESS = timedelta(days=20 * 365)
MOST_PICKUP, MOST_RETURN = 45, 1
CONNECT = "connect"
_SELLER_CENTER = "TikTok Shop Seller Center, "
_SHIPPING = f"{_SELLER_CENTER}Shipping settings"
# TikTok Shop Partner Center, "Get Listing Prerequisites": (our words, where it is put right).
_PREREQUISITES: dict[str, tuple[str, str]] = {
    "SHOP_STATUS": ("Shop status", f"{_SELLER_CENTER}home page"),
    "SHOP_TAX": ("Tax details", f"{_SELLER_CENTER}Account settings, Tax"),
    "PICKUP_WAREHOUSE": ("Pick-up warehouse", f"{_SHIPPING}, Warehouses"),
    "RETURN_WAREHOUSE": ("Return address", f"{_SHIPPING}, Warehouses"),
    "DELIVERY_OPTION": ("Shipping options", f"{_SHIPPING}, Shipping options: Seller Shipping"),
    "SHIPPING_TEMPLATE": ("Shipping template with a rate", f"{_SHIPPING}, Shipping templates"),
    "PRODUCT_QUANTITY_LIMIT": ("Number of products allowed", f"{_SELLER_CENTER}Products"),
    "EXTENDED_PRODUCER_RESPONSIBILITY": (
        "Producer responsibility",
        f"{_SELLER_CENTER}Account settings, Qualifications",
    ),
    "BANK_ACCOUNT": ("Bank account", f"{_SELLER_CENTER}Finance, Bank account"),
    "CONTACT_INFO": ("Contact details", f"{_SELLER_CENTER}Account settings"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line. ``fix`` says what to do or where; ``link`` is the part of the page Settings that does it, or empty."""

    name: str
    state: State
    sentence: str
    fix: str = ""
    link: str = ""
    checked_at: datetime | None = None


def checklist(conn: Connection, connection_id: int) -> tuple[Check, ...]:
    """Every line, told from what is stored; nothing remote is asked here."""
    c, s, a = connections.c, shops.c, store_accounts.c
    joined = connections.join(shops, s.id == c.shop_id).join(store_accounts, a.id == c.store_account_id)
    columns = (
        a.name.label("store"), a.country, a.currency, a.status.label("store_status"),
        a.status_sentence.label("store_sentence"), s.name.label("shop"), s.region, s.status, s.status_sentence,
        s.scopes, s.access_expires_at, s.refresh_expires_at, func.now().label("now"),
    )  # fmt: skip
    row = conn.execute(select(*columns).select_from(joined).where(c.id == connection_id)).one()
    depots = conn.execute(select(warehouses).where(warehouses.c.connection_id == connection_id)).all()
    return (
        _store(row),
        _token(row),
        _authorisation(row),
        _fit(row),
        _permissions(row),
        *_warehouse_lines(depots, row.region),
        *_kept_lines(conn, connection_id),
    )


def keep_check(conn: Connection, connection_id: int, check: Check) -> None:
    """Keep a line that only the other side can answer, over what it was before."""
    row = insert(connection_checks).values(
        connection_id=connection_id, name=check.name, state=check.state, sentence=check.sentence, fix=check.fix
    )
    told = {part: row.excluded[part] for part in ("state", "sentence", "fix")}
    conn.execute(
        row.on_conflict_do_update(index_elements=["connection_id", "name"], set_=told | {"checked_at": func.now()})
    )


def read_prerequisites(marketplace: Marketplace, connection_id: int) -> None:
    """Ask the Shop for its own listing prerequisites and keep them; raises what the port raises."""
    told = marketplace.prerequisites()
    with transaction() as conn:
        names = [name for name, _ in _PREREQUISITES.values()]
        old = (connection_checks.c.connection_id == connection_id, connection_checks.c.name.in_(names))
        conn.execute(delete(connection_checks).where(*old))
        for item, passed, reasons in told:
            keep_check(conn, connection_id, _prerequisite(item, passed, reasons))


def warn_of_reauthorisation(conn: Connection) -> int:
    """An issue for each live connection whose authorisation ends within 14, 7 or 1 days; returns how many warn.

    Once a day is often enough. A later step replaces the one before.
    """
    c, s = connections.c, shops.c
    ends = s.refresh_expires_at
    soon = conn.execute(
        select(c.id, s.id.label("shop_id"), s.name, ends.label("ends"), (ends - func.now()).label("left"))
        .select_from(connections.join(shops, s.id == c.shop_id))
        .where(c.disconnected_at.is_(None), s.status == "ok")
    ).all()
    warned = 0
    for row in soon:
        step = _step(row.left) if row.ends is not None else None
        for days in WARNING_DAYS:
            if days != step:
                close_issue(conn, subject=("shop", str(row.shop_id)), code=f"reauthorise_{days}")
        if step is not None:
            warned += 1
            _open_warning(conn, row, step)
    return warned


def _open_warning(conn: Connection, row: Any, step: int) -> None:
    open_issue(
        conn,
        connection_id=row.id,
        subject=("shop", str(row.shop_id)),
        code=f"reauthorise_{step}",
        sentence=f"{row.name} must be authorised again by {row.ends:%d %b %Y %H:%M} GMT.",
        fix="The Shop's owner authorises the app again in Settings; nothing is lost.",
        link="settings",
    )


def _step(left: timedelta) -> int | None:
    """The smallest warning step the remaining time is within."""
    return min((days for days in WARNING_DAYS if left <= timedelta(days=days)), default=None)


def _store(row: Any) -> Check:
    if row.store_status == "ok":
        return Check("Store credentials", "ok", f"{row.store} accepts the saved credentials.")
    return Check("Store credentials", "wrong", row.store_sentence, "Enter the credentials again.", CONNECT)


def _token(row: Any) -> Check:
    if row.status != "ok":
        return Check("TikTok token", "wrong", row.status_sentence, "Reconnect the Shop.", CONNECT)
    if row.access_expires_at is None:
        return Check("TikTok token", "unknown", "No token is stored.", "Reconnect the Shop.", CONNECT)
    ends = f"{row.access_expires_at:%d %b %Y %H:%M} GMT"
    return Check("TikTok token", "ok", f"Works until {ends} and renews itself a day before.")


def _authorisation(row: Any) -> Check:
    name = "Authorise again"
    if row.refresh_expires_at is None:
        return Check(name, "unknown", "The Shop did not say how long the authorisation lasts.")
    left = row.refresh_expires_at - row.now
    if left > _ENDLESS:
        return Check(name, "ok", "The authorisation has no end date.")
    sentence = f"Must be done by {row.refresh_expires_at:%d %b %Y}, in {counted(max(left.days, 0), 'day')}."
    soon = left <= timedelta(days=WARNING_DAYS[0])
    return Check(name, "wrong", sentence, "Reconnect the Shop.", CONNECT) if soon else Check(name, "ok", sentence)


def _fit(row: Any) -> Check:
    sentence = misfit(store=row.store, country=row.country, currency=row.currency, shop=row.shop, region=row.region)
    if sentence:
        return Check("Region and currency", "wrong", sentence, "All data sync is stopped until they agree.")
    return Check("Region and currency", "ok", f"Both sell in {market_name(row.region)} in {row.currency}.")


def _permissions(row: Any) -> Check:
    if not row.scopes:
        return Check("Permissions", "unknown", "The Shop did not say which permissions it granted.")
    lacking = sentence_for(missing(row.scopes))
    if lacking:
        return Check("Permissions", "wrong", lacking, "Partner Center, Manage API; then reconnect.", CONNECT)
    return Check("Permissions", "ok", "All permissions that are used were granted.")


def _warehouse_lines(depots: Sequence[Row[Any]], region: str) -> Iterator[Check]:
    """Sales and return warehouses, their number, their country, and holiday mode (C9)."""
    if not depots:
        yield Check("Sales warehouse", "unknown", "The Shop's warehouses were not read yet.")
        return
    sales = [depot for depot in depots if depot.kind == "SALES_WAREHOUSE"]
    returns = [depot for depot in depots if depot.kind == "RETURN_WAREHOUSE"]
    default = next((depot for depot in sales if depot.is_default), None)
    if default is None:
        words = "There is no sales warehouse." if not sales else "No sales warehouse is set as the default."
        yield Check("Sales warehouse", "wrong", words, f"{_SHIPPING}, Warehouses")
    else:
        yield Check("Sales warehouse", "ok", f"{default.name} is the default of {len(sales)}.")
    for depot in sales:
        if depot.status == "RESTRICTED":
            yield Check("Holiday mode", "ok", f"{depot.name} is in holiday mode: its stock shows as 0 and is left so.")
        elif depot.status == "DISABLED" and depot.is_default:
            yield Check("Warehouse switched off", "wrong", f"{depot.name} is disabled.", f"{_SHIPPING}, Warehouses")
    yield _return_line(returns)
    yield _number_line(len(sales), len(returns))
    foreign = [f"{depot.name} ({depot.region})" for depot in depots if depot.region not in ("", region)]
    if foreign:
        words = f"Outside {market_name(region)}: {', '.join(foreign)}."
        yield Check("Warehouses in the Shop's country", "wrong", words, f"{_SHIPPING}, Warehouses")
    else:
        yield Check("Warehouses in the Shop's country", "ok", f"All are in {market_name(region)}.")


def _return_line(returns: Sequence[Row[Any]]) -> Check:
    if returns:
        return Check("Return warehouse", "ok", f"{returns[0].name} takes returns.")
    return Check("Return warehouse", "wrong", "There is no return warehouse.", f"{_SHIPPING}, Warehouses")


def _number_line(sales: int, returns: int) -> Check:
    words = f"{sales} pick-up and {returns} return; at most {MOST_PICKUP} and {MOST_RETURN} are allowed."
    fits = sales <= MOST_PICKUP and returns <= MOST_RETURN
    return Check("Number of warehouses", "ok" if fits else "wrong", words, "" if fits else f"{_SHIPPING}, Warehouses")


def _prerequisite(item: str, passed: bool, reasons: Sequence[str]) -> Check:
    # The Shop spells one of them BANk_ACCOUNT.
    name, where = _PREREQUISITES.get(item.upper(), (item.replace("_", " ").capitalize(), f"{_SELLER_CENTER}home page"))
    if passed:
        return Check(name, "ok", "The Shop's own check passed.")
    return Check(name, "wrong", " ".join(reasons) or "The Shop's own check failed and gives no reason.", where)


def _kept_lines(conn: Connection, connection_id: int) -> Iterator[Check]:
    k = connection_checks.c
    rows = conn.execute(select(connection_checks).where(k.connection_id == connection_id).order_by(k.name)).all()
    yield from (Check(row.name, row.state, row.sentence, row.fix, "", row.checked_at) for row in rows)
    if not any(row.name.startswith("Webhooks") for row in rows):
        yield Check("Webhooks of the Shop", "unknown", "Not registered yet; changes are found by polling.")
