"""price_stock: what a push of prices or stock would do, before a person starts it (P21)."""

from __future__ import annotations

from sqlalchemy import func, select

from core.db.engine import transaction
from core.db.filters import selected_products
from core.db.tables import listings
from core.domain.filters import Selection
from core.services.runs import DryRun

_SECONDS_EACH = 0.5  # three writes a second for prices and for stock


def plan_push(connection_id: int, selection: Selection) -> DryRun:
    """How many products would be pushed; those that the Shop does not have are skipped."""
    chosen = selected_products(connection_id, selection).subquery()
    in_shop = select(func.count(listings.c.product_id.distinct())).where(
        listings.c.connection_id == connection_id,
        listings.c.ended_at.is_(None),
        listings.c.state == "sent",
        func.coalesce(listings.c.tiktok_status, "") != "DELETED",
        listings.c.product_id.in_(select(chosen)),
    )
    with transaction() as connection:
        selected = connection.execute(select(func.count()).select_from(chosen)).scalar_one()
        will = connection.execute(in_shop).scalar_one()
    missing = selected - will
    return DryRun(will, (("Not in the Shop", missing),) if missing else (), will * _SECONDS_EACH)
