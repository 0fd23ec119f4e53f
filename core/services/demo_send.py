"""demo_send: on a first start a part of the demo's ready products goes to the Shop, so that every page shows life."""

from __future__ import annotations

from sqlalchemy import select

from core.db.engine import transaction
from core.db.tables import product_states, runs
from core.domain.filters import Selection
from core.domain.statuses import ProductStatus
from core.services.product_export import start_send


def send_some(connection_id: int, by: str, *, most: int) -> int | None:
    """Send up to ``most`` ready products; the run's id, or None when anything was ever sent or nothing is ready."""
    ready = (
        select(product_states.c.product_id)
        .where(product_states.c.connection_id == connection_id, product_states.c.status == str(ProductStatus.READY))
        .order_by(product_states.c.product_id)
        .limit(most)
    )
    with transaction() as connection:
        if connection.execute(select(runs.c.id).where(runs.c.connection_id == connection_id).limit(1)).first():
            return None
        ids = tuple(connection.execute(ready).scalars())
    return start_send(connection_id, Selection(ids=ids), by, title="Send the first products") if ids else None
