"""picture_refusals: an order that the store refuses for a product's picture says which, and waits for it (O17)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, text

from core.db.tables import picture_checks, products, shop_order_lines, variants
from core.domain.picture_refusals import Shown, blamed, is_about_pictures
from core.services.order_follow_up import defer_once
from core.services.order_holds import live_of, wake_held

PICTURE = "picture_refused"
FIX = "Replace the picture in the store: it is tried again by itself."
_HELD = """
o.hold = 'picture_refused' AND EXISTS (SELECT 1 FROM shop_order_lines l JOIN variants v ON v.id = l.variant_id
WHERE l.order_id = o.id AND v.product_id = ANY(:product_ids))
"""
# Refused statuses are few, and each is an open issue.
_LATE = """
UPDATE store_orders s SET behind = true FROM issues i
WHERE i.connection_id = :connection_id AND i.code = 'picture_refused' AND i.closed_at IS NULL
AND i.subject_kind = 'order' AND s.order_id = i.subject_id::bigint AND s.state = 'created'
AND EXISTS (SELECT 1 FROM shop_order_lines l JOIN variants v ON v.id = l.variant_id
 WHERE l.order_id = s.order_id AND v.product_id = ANY(:product_ids))
"""


def picture_refusal(conn: Connection, order_id: int, said: str) -> str | None:
    """The sentence that names product and picture; None where the refusal is about something else."""
    if not is_about_pictures(said):
        return None
    return f"The store refused it for a picture: {said.rstrip('.')}. Look at {blamed(said, _shown(conn, order_id))}."


def wake_repictured(conn: Connection, store_account_id: int, product_ids: Sequence[int]) -> None:
    """These products changed: what was refused for a picture of theirs is tried again, in every connection."""
    for connection_id in live_of(conn, store_account_id):
        wake_held(conn, connection_id, _HELD, product_ids=list(product_ids))
        given = {"connection_id": connection_id, "product_ids": list(product_ids)}
        if conn.execute(text(_LATE), given).rowcount:
            defer_once(conn, "order_status", connection_id)


def _shown(conn: Connection, order_id: int) -> list[Shown]:
    line, v, p = shop_order_lines.c, variants.c, products.c
    joined = shop_order_lines.join(variants, v.id == line.variant_id).join(products, p.id == v.product_id)
    wanted = select(p.id, p.title, v.sku, p.pictures).select_from(joined).where(line.order_id == order_id)
    rows = {row.id: row for row in conn.execute(wanted.order_by(p.id, line.id.desc()))}.values()
    urls = [picture["url"] for row in rows for picture in row.pictures]
    k = picture_checks.c
    bad = select(k.url, k.error).where(k.url.in_(urls), k.error != "")
    wrong = {row.url: row.error for row in conn.execute(bad)}
    return [
        Shown(row.title, row.sku or "", tuple((one["url"], wrong.get(one["url"], "")) for one in row.pictures))
        for row in rows
    ]
