"""demo_mappings: most of the demo store's categories are mapped as the Shop recommends, the rest wait for a person."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from sqlalchemy import func, select

from core.db.engine import transaction
from core.db.tables import connections, mappings, products, pull_states, shop_categories
from core.domain.errors import Refused
from core.domain.mapping import CATEGORY
from core.domain.people import Actor
from core.ports import Marketplace
from core.services.mappings import MappingChange, recommend_for, set_mappings

_PERCENT = 70


def is_ready(connection_id: int) -> bool:
    """Whether the first catalogue pull ended and the Shop's categories are here."""
    c = connections.c
    pulled = select(pull_states.c.full_finished_at).join(
        connections, c.store_account_id == pull_states.c.store_account_id
    )
    tree = select(shop_categories.c.id).join(connections, c.shop_id == shop_categories.c.shop_id)
    with transaction() as conn:
        finished = conn.execute(pulled.where(c.id == connection_id)).scalar_one_or_none()
        return finished is not None and conn.execute(tree.where(c.id == connection_id).limit(1)).first() is not None


def map_most(market: Marketplace, connection_id: int, by: Actor) -> int:
    """Map about seven in ten of the store categories that products are in; how many were mapped.

    Nothing is done once anything is mapped. The same ones are chosen every time.
    """
    c, p = connections.c, products.c
    used = select(func.unnest(p.category_ids)).join(connections, c.store_account_id == p.store_account_id)
    with transaction() as conn:
        mine = select(mappings.c.id).where(mappings.c.connection_id == connection_id, mappings.c.kind == CATEGORY)
        if conn.execute(mine.limit(1)).first() is not None:
            return 0
        found = set(conn.execute(used.where(c.id == connection_id, p.deleted_at.is_(None))).scalars())
    changes = []
    for store_category_id in sorted(filter(_is_chosen, found)):
        with suppress(Refused):  # a title the Shop refuses to judge: that category waits for a person too
            recommended = recommend_for(market, connection_id, store_category_id)
            if recommended is None or recommended.refusal:
                continue
            changes.append(MappingChange(CATEGORY, store_category_id, recommended.category_id))
    if not changes:
        return 0
    with transaction() as conn:
        return set_mappings(conn, connection_id, changes, by)


def _is_chosen(store_category_id: str) -> bool:
    return hashlib.sha256(store_category_id.encode()).digest()[0] % 100 < _PERCENT
