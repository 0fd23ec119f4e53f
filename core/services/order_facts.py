"""order_facts: what deciding about an order needs to know, read from the database in the caller's transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import now
from core.db.orders import StoredOrder
from core.db.tables import cursors, products, shop_order_lines, sku_rules, variants
from core.domain.order_import import ImportRules, Linked, OrderFacts
from core.ports import StoreCapabilities
from core.services.live import LiveConnection
from core.services.order_mappings import custom_fields, status_map
from core.services.settings_of_connection import ConnectionSettings
from core.services.shipping_rates import known_rates
from core.services.stock_holds import unseen_units


def facts_of(
    conn: Connection,
    target: LiveConnection,
    settings: ConnectionSettings,
    capabilities: StoreCapabilities,
    stored: StoredOrder,
) -> OrderFacts:
    """The connection's rules and mappings, and the store's variants that the order's lines stand for."""
    deducts = creation_deducts(conn, target.store_account_id, capabilities)
    rules = ImportRules(
        import_orders=settings.order_import,
        can_update_orders=capabilities.can_update_orders,
        creation_deducts_stock=deducts is not False,
        continue_selling=settings.continue_selling,
        add_platform_discount_back=settings.add_platform_discount_back,
        send_emails=settings.customer_emails,
        shipping_rate=settings.default_shipping_rate,
    )
    return OrderFacts(
        rules=rules,
        currency=target.currency,
        statuses=status_map(conn, target.id),
        linked=_linked(conn, stored.id),
        now=now(),
        custom_fields=custom_fields(conn, target.id, stored.order),
        rates=known_rates(conn, target.id),
    )


def creation_deducts(conn: Connection, store_account_id: int, capabilities: StoreCapabilities) -> bool | None:
    """Whether creating an order takes its goods off the store's stock: as the platform says, else as was learnt."""
    if capabilities.creation_deducts_stock is not None:
        return capabilities.creation_deducts_stock
    return _learnt(conn, _creation(store_account_id))


def learn_creation(conn: Connection, store_account_id: int, deducts: bool) -> None:
    """Keep what the first import showed."""
    _keep(conn, _creation(store_account_id), deducts)


def cancelling_returns(conn: Connection, store_account_id: int) -> bool | None:
    """Whether cancelling a store order puts its goods back on the shelf; None: not learnt yet."""
    return _learnt(conn, _cancelling(store_account_id))


def learn_cancelling(conn: Connection, store_account_id: int, returns: bool) -> None:
    _keep(conn, _cancelling(store_account_id), returns)


def _linked(conn: Connection, order_id: int) -> dict[str, Linked]:
    """By the id of a line, or ``line id/component number`` of a bundle's; deleted variants count as not linked."""
    line, v, p = shop_order_lines.c, variants.c, products.c
    columns = (
        line.remote_id, line.parent_line_id, v.id, v.remote_id.label("variant_remote_id"), v.sku, v.stock,
        p.remote_id.label("product_remote_id"), p.title, p.vat_exclusive, sku_rules.c.continue_selling,
    )  # fmt: skip
    joined = shop_order_lines.join(variants, v.id == line.variant_id).join(products, p.id == v.product_id)
    joined = joined.outerjoin(sku_rules, sku_rules.c.variant_id == v.id)
    living = (line.order_id == order_id, v.deleted_at.is_(None), p.deleted_at.is_(None))
    rows = conn.execute(select(*columns).select_from(joined).where(*living)).all()
    gone = unseen_units(conn, sorted({row.id for row in rows}))
    return {_key(row): _variant(row, gone.get(row.id, 0)) for row in rows}


def _key(row: Any) -> str:
    """A component's units are rows ``line id/number/unit``; the rule asks once a component."""
    return row.remote_id.rpartition("/")[0] if row.parent_line_id else str(row.remote_id)


def _variant(row: Any, gone: int) -> Linked:
    return Linked(
        variant_id=row.id,
        product_remote_id=row.product_remote_id,
        variant_remote_id=row.variant_remote_id,
        sku=row.sku or "",
        title=row.title,
        stock=None if row.stock is None else row.stock - gone,
        vat_exclusive=row.vat_exclusive,
        continue_selling=row.continue_selling,
    )


def _creation(store_account_id: int) -> str:
    return f"creation_deducts:{store_account_id}"


def _cancelling(store_account_id: int) -> str:
    return f"cancelling_returns:{store_account_id}"


def _learnt(conn: Connection, name: str) -> bool | None:
    value = conn.execute(select(cursors.c.value).where(cursors.c.name == name)).scalar()
    return None if value is None else value == "yes"


def _keep(conn: Connection, name: str, value: bool) -> None:
    row = insert(cursors).values(name=name, value="yes" if value else "no")
    told = {"value": row.excluded.value, "moved_at": func.now()}
    conn.execute(row.on_conflict_do_update(index_elements=["name"], set_=told))
