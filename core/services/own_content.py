"""own_content: keeps what one product says on TikTok only (P9, P24) and has it judged anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from core.db.tables import product_states, products
from core.domain.own_content import OwnContentRefused, own_document
from core.domain.people import Actor
from core.services import audit
from core.services.product_status import lock_states, mark_stale


def save_own_content(
    connection: Connection, connection_id: int, product_id: int, entered: Mapping[str, str], by: Actor
) -> bool:
    """Keep texts as they were entered, by the names of ``own_content.FIELDS``; whether anything changed.

    Fields that are not among them stay. What is in the Shop follows when the product is sent again. Raises
    ``OwnContentRefused``, and nothing is kept.
    """
    wanted = own_document(entered)
    s, p = product_states.c, products.c
    mine = (s.connection_id == connection_id, s.product_id == product_id)
    live = select(s.own_content).join(products, p.id == s.product_id).where(*mine, p.deleted_at.is_(None))
    lock_states(connection, connection_id)
    before: dict[str, Any] | None = connection.scalar(live.with_for_update(of=product_states))
    if before is None:
        raise OwnContentRefused("The store no longer has this product, so nothing can be kept for it.")
    after = {name: value for name, value in before.items() if name == "pictures"} | wanted
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if not changed:
        return False
    connection.execute(update(product_states).where(*mine).values(own_content=after))
    mark_stale(connection, connection_id=connection_id, product_ids=[product_id])
    subject, detail = f"product:{product_id}", {"fields": changed}
    audit.record(
        connection, user=by, action="save_own_content", connection_id=connection_id, subject=subject, detail=detail
    )
    return True
