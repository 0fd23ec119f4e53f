"""shipping_rates: what the store's shipping rates are called, for the one that imported orders carry (G8, O5)."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from core.db.engine import transaction
from core.db.tables import connections, store_accounts
from core.domain.errors import NotConfigured
from core.logs import log
from core.ports import Store
from core.services.order_holds import live_of, wake_held

_HELD = "o.hold = 'missing_shipping_rate'"


def read_rates(store: Store, connection_id: int) -> None:
    """Read and keep the names; where they changed, orders that waited for one are decided again.

    Raises what the store raises, except for a key that may not read shipping: then any name will do.
    """
    try:
        found = store.shipping_rates()
    except NotConfigured as refusal:
        log().info("shipping rates cannot be read", action="order_statuses", sentence=refusal.sentence)
        found = None
    with transaction() as conn:
        if known_rates(conn, connection_id) == found:
            return
        account = conn.execute(
            select(connections.c.store_account_id).where(connections.c.id == connection_id)
        ).scalar_one()
        kept = None if found is None else list(found)
        conn.execute(update(store_accounts).where(store_accounts.c.id == account).values(shipping_rates=kept))
        for one in live_of(conn, account):
            wake_held(conn, one, _HELD)


def known_rates(conn: Connection, connection_id: int) -> tuple[str, ...] | None:
    """The names as last read; None before that, and where the store does not tell them."""
    a, c = store_accounts.c, connections.c
    joined = connections.join(store_accounts, a.id == c.store_account_id)
    found = conn.execute(select(a.shipping_rates).select_from(joined).where(c.id == connection_id)).scalar()
    return None if found is None else tuple(found)
