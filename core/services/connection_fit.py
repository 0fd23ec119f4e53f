"""connection_fit: whether each store and its Shop agree in country and currency; a misfit stops all data sync."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from core.db.tables import connections, shops, store_accounts
from core.domain.regions import misfit


def apply_fit(conn: Connection, *, store_account_id: int | None = None, connection_id: int | None = None) -> None:
    """Block or free the live connections concerned by what is now known of both sides."""
    c, s, a = connections.c, shops.c, store_accounts.c
    facts = select(
        c.id, c.blocked_sentence, a.name.label("store"), a.country, a.currency, s.name.label("shop"), s.region
    )
    facts = facts.select_from(connections.join(shops, s.id == c.shop_id).join(store_accounts)).where(
        c.disconnected_at.is_(None)
    )
    if store_account_id is not None:
        facts = facts.where(c.store_account_id == store_account_id)
    if connection_id is not None:
        facts = facts.where(c.id == connection_id)
    for row in conn.execute(facts).all():
        sentence = misfit(store=row.store, country=row.country, currency=row.currency, shop=row.shop, region=row.region)
        if sentence != row.blocked_sentence:
            conn.execute(update(connections).where(c.id == row.id).values(blocked_sentence=sentence))
