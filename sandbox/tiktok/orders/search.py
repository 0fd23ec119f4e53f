"""Get Order List: pages of orders by time (Partner Center, Order API).

A page token is bound to the search and to a place in its order, so rows that change meanwhile move: with the oldest
update first they come again on a later page, with the newest first they may be missed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from sandbox.tiktok.answers import Refused, Rendered
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import shaking, times

STATUSES = (
    "UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED",
    "COMPLETED", "CANCELLED",
)  # fmt: skip
SHIPPING_TYPES = ("TIKTOK", "SELLER", "TIKTOK_DIGITAL")
SORT_FIELDS = ("create_time", "update_time")
MOST_WAREHOUSES = 100
BAD_TOKEN = Refused(36009004, "Invalid parameter. The 'page_token' query parameter is invalid or has expired.")


def search(ask: Ask) -> Rendered:
    """Get Order List."""
    field, order, size = sorting(ask.query, SORT_FIELDS, most=100, default_order="DESC")
    where, params = _conditions(ask)
    key = fingerprint(where, params, field, order, size)
    place = read_token(ask, key)
    total = place["total"] if place else ask.world.db.value(f"SELECT COUNT(*) FROM tt_orders WHERE {where}", params)
    more, more_params = after(field, order, place)
    rows = ask.world.db.query(
        f"SELECT id, document, {field} AS place FROM tt_orders WHERE {where}{more}"
        f" ORDER BY {field} {order}, id {order} LIMIT ?",
        [*params, *more_params, size + 1],
    )
    token = make_token(ask, key, rows[size - 1], total) if len(rows) > size else ""
    if ask.fault == "moved":
        shaking.move_some(ask.world, [row["id"] for row in rows[:size]])
    documents = ",".join(row["document"] for row in rows[:size])
    return Rendered(f'{{"total_count":{total},"next_page_token":{json.dumps(token)},"orders":[{documents}]}}')


def _conditions(ask: Ask) -> tuple[str, list[Any]]:
    body = ask.body
    where: list[str] = ["shop_id = ?"]
    params: list[Any] = [ask.shop.id]
    one_of(body, "order_status", STATUSES)
    one_of(body, "shipping_type", SHIPPING_TYPES)
    add_times(body, where, params)
    for name, column in (("order_status", "status"), ("shipping_type", "shipping_type"), ("buyer_user_id", "user_id")):
        if body.get(name):
            where.append(f"{column} = ?")
            params.append(body[name])
    if body.get("is_buyer_request_cancel") is not None:
        where.append("is_cancel_requested = ?")
        params.append(int(body["is_buyer_request_cancel"]))
    warehouse_ids = body.get("warehouse_ids") or []
    if len(warehouse_ids) > MOST_WAREHOUSES:
        raise Refused(36009004, f"Invalid parameter. 'warehouse_ids' takes at most {MOST_WAREHOUSES} ids.")
    if warehouse_ids:
        where.append(f"warehouse_id IN ({','.join('?' * len(warehouse_ids))})")
        params += warehouse_ids
    return " AND ".join(where), params


def one_of(body: dict[str, Any], name: str, known: tuple[str, ...]) -> None:
    """Refused when the word under `name` is none of the documented ones."""
    if body.get(name) and body[name] not in known:
        raise Refused(36009004, f"Invalid parameter. '{name}' must be one of {', '.join(known)}.")


def add_times(body: dict[str, Any], where: list[str], params: list[Any]) -> None:
    """Windows of create and update time: `_ge` is inclusive, `_lt` is not; both kinds together are both meant."""
    for field in SORT_FIELDS:
        for name, sign in ((f"{field}_ge", ">="), (f"{field}_lt", "<")):
            if body.get(name) is not None:
                where.append(f"{field} {sign} ?")
                params.append(body[name])


def sorting(query: dict[str, Any], fields: tuple[str, ...], *, most: int, default_order: str) -> tuple[str, str, int]:
    """Sort field, order and page size of a query; Refused when they are none of the documented ones."""
    field, order = query.get("sort_field") or fields[0], query.get("sort_order") or default_order
    size = int(query["page_size"])
    if field not in fields:
        raise Refused(36009004, f"Invalid parameter. 'sort_field' must be one of {', '.join(fields)}.")
    if order not in ("ASC", "DESC"):
        raise Refused(36009004, "Invalid parameter. 'sort_order' must be ASC or DESC.")
    if not 1 <= size <= most:
        raise Refused(36009004, f"Invalid parameter. 'page_size' must be within 1 to {most}.")
    return field, order, size


def fingerprint(*parts: Any) -> str:
    """What a page token is bound to."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def make_token(ask: Ask, key: str, last: dict[str, Any], total: int) -> str:
    """The token of the page that begins after the row `last` (its `place` and `id`)."""
    parts = [key, last["place"], last["id"], total, int(ask.world.clock.now())]
    return base64.b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode()


def read_token(ask: Ask, key: str) -> dict[str, Any] | None:
    """What the token says; None on the first page. Refused when it is foreign, of another search, or too old."""
    text = ask.query.get("page_token") or ""
    if not text:
        return None
    try:
        bound, place, id, total, made = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, TypeError) as error:
        raise BAD_TOKEN from error
    age = ask.world.clock.now() - made
    if bound != key or age > times.seconds(ask.world, "page_token_seconds") or ask.fault == "token_expired":
        raise BAD_TOKEN
    return {"place": place, "id": id, "total": total}


def after(field: str, order: str, place: dict[str, Any] | None) -> tuple[str, list[Any]]:
    """The condition that leaves out what earlier pages showed."""
    if place is None:
        return "", []
    sign = ">" if order == "ASC" else "<"
    return f" AND ({field}, id) {sign} (?, ?)", [place["place"], place["id"]]
