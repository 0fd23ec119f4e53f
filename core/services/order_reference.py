"""order_reference: the Shop is told our number of an order. Best effort: the order is none the worse without."""

from __future__ import annotations

from sqlalchemy import func, select, update

from core.db.engine import transaction
from core.db.tables import shop_order_lines, shop_orders, store_orders
from core.domain.errors import Conflict, Missing, Refused, Unknown
from core.logs import about, log
from core.ports import Marketplace

_MOST_TRIES = 5
_BATCH = 100


def refer_orders(market: Marketplace, connection_id: int) -> int:
    """Tell the Shop of every created store order it does not know of yet; how many it took.

    Raises ``Temporary`` and what else stops all calls; an order that is refused five times is left alone.
    """
    s, o = store_orders.c, shop_orders.c
    joined = store_orders.join(shop_orders, o.id == s.order_id)
    due = (o.connection_id == connection_id, s.state == "created", s.referred_at.is_(None), s.refer_tries < _MOST_TRIES)
    wanted = select(s.order_id, s.number, o.remote_id).select_from(joined).where(*due).order_by(s.id).limit(_BATCH)
    with transaction() as conn:
        rows = conn.execute(wanted).all()
    return sum(_refer(market, row.order_id, row.number, row.remote_id) for row in rows)


def _refer(market: Marketplace, order_id: int, number: str, remote_id: str) -> bool:
    line = shop_order_lines.c
    units = select(line.id, line.remote_id).where(line.order_id == order_id, line.parent_line_id == "")
    with transaction() as conn:
        lines = [(str(row.id), row.remote_id) for row in conn.execute(units.order_by(line.id))]
    mine = update(store_orders).where(store_orders.c.order_id == order_id)
    with about(subject=f"order:{order_id}"):
        try:
            errors = market.refer_order(remote_id, number, lines)
            refusal = errors[0].sentence if errors else ""
        except Unknown:
            return False  # absolute, so it is simply told again
        except (Refused, Missing, Conflict) as error:
            refusal = error.sentence
        if refusal:
            with transaction() as conn:
                conn.execute(mine.values(refer_tries=store_orders.c.refer_tries + 1))
            log().warning("the Shop did not take our order number", action="order_reference", sentence=refusal)
            return False
    with transaction() as conn:
        conn.execute(mine.values(referred_at=func.now()))
    return True
