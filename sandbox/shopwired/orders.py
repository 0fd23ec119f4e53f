"""`/orders`: create, find, read, status, comments, refunds, delete. There is no way to change an order otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sandbox.shopwired import emails
from sandbox.shopwired.answers import ApiError, answer, dump, list_answer, no_content, rfc2822, text_answer
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.events import happened
from sandbox.shopwired.order_making import check_pictures, check_required, order_document
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.shop import status_document
from sandbox.shopwired.stock import lower_stock
from sandbox.shopwired.writing import is_id, required_text

MAXIMUM_IDS = 50
# Key in an order's document of every embed; without its embed a key is absent.
EMBEDS = {
    "status": "status", "billing_address": "billingAddress", "shipping_address": "shippingAddress", "tax": "tax",
    "customer": "customer", "shipping": "shipping", "discounts": "discounts", "fees": "fees", "refunds": "refunds",
    "partial_payments": "partialPayments", "admin_comments": "adminComments", "file_archives": "fileArchives",
    "products": "products", "custom_fields": "customFields",
}  # fmt: skip


def list_orders(ask: Ask) -> Response:
    """Orders, oldest first or by `sort`, filtered by ids, archived, status and time of creation."""
    count, offset = ask.page()
    where, params = _where(ask)
    rows = ask.world.db.query(
        f"SELECT * FROM sw_orders WHERE {where} ORDER BY {ask.order(date='created')} LIMIT ? OFFSET ?",
        (*params, count, offset),
    )
    return list_answer(ask.world, [_text(ask, row) for row in rows])


def count_orders(ask: Ask) -> Response:
    """`{"count": n}` under the same filters."""
    where, params = _where(ask)
    return answer(ask.world, {"count": ask.world.db.value(f"SELECT COUNT(*) FROM sw_orders WHERE {where}", params)})


def search_orders(ask: Ask) -> Response:
    """`{"totalItems", "items"}` of orders with the keywords in reference, customer, address, SKU or comments.

    The sandbox can be told to leave the comments out, and to know new orders only after a while.
    """
    keywords = ask.call.query.get("keywords", "").strip().lower()
    if not keywords:
        raise ApiError(422, "The field 'keywords' is required")
    count, offset = ask.page()
    delay = ask.world.setting("shopwired.order_search_delay_seconds", 0)
    rows = ask.world.db.query(
        f"SELECT * FROM sw_orders WHERE business = ? AND created <= ? ORDER BY {ask.order(date='created')}",
        (ask.business, ask.world.clock.now() - delay),
    )
    hidden = ask.world.setting("shopwired.hide_order_comments", False)
    found = [row for row in rows if keywords in _searchable(json.loads(row["document"]), hidden)]
    items = ",".join(_text(ask, row) for row in found[offset : offset + count])
    return text_answer(ask.world, f'{{"totalItems":{len(found)},"items":[{items}]}}')


def _searchable(order: dict[str, Any], hide_comments: bool) -> str:
    address, billing = order["shippingAddress"], order["billingAddress"]
    texts = [str(order["reference"]), str(order["id"]), address["name"], address["postcode"], billing["emailAddress"]]
    texts += [line["sku"] for line in order["products"]] + [line["title"] for line in order["products"]]
    if not hide_comments:
        texts.append(order["comments"])
    return "\n".join(text for text in texts if text).lower()


def get_order(ask: Ask) -> Response:
    """One order; 404 for a moment after its creation when the sandbox is told to lag."""
    row = _row(ask)
    lag = ask.world.setting("shopwired.lag_seconds", 0)
    if lag and row["created"] > ask.world.clock.now() - lag:
        raise ApiError(404, f"There is no order with the id {row['id']}")
    return text_answer(ask.world, _text(ask, row))


def create_order(ask: Ask) -> Response:
    """201 with the order. Its goods leave the stock, unless the sandbox is told that they do not."""
    check_required(ask.given)
    email = emails.wanted(ask.given, "sendEmails")
    with ask.world.db.transaction():
        status = _status(ask, ask.given["status"])
        ident, now = next_id(ask.world, "order"), ask.world.clock.now()
        document = order_document(ask, ident, rfc2822(now), status)
        ask.world.db.execute(
            "INSERT INTO sw_orders VALUES (?, ?, ?, ?, ?, ?, ?)",
            (ident, ask.business, document["reference"], now, status["id"], int(document["archived"]), dump(document)),
        )
        if email:
            emails.send(ask, document, "created")
        _announce(ask, document, "order.created")
        if status["type"] == "paid":
            _announce(ask, document, "order.finalized")
        if ask.world.setting("shopwired.orders_deduct_stock", True):
            for line in document["products"]:
                lower_stock(ask.world, ask.business, line["sku"], line["quantity"], ident)
    return text_answer(ask.world, _text(ask, _row(ask, ident)), 201)


def set_status(ask: Ask) -> Response:
    """`status` is required; `trackingUrl` is kept with the order; `sendEmail` tells the customer.

    Cancelling leaves the stock as it is, unless the sandbox is told otherwise.
    """
    email = emails.wanted(ask.given, "sendEmail")
    with ask.world.db.transaction():
        document = _document(_row(ask))
        before = document["status"]
        document["status"] = _status(ask, ask.given.get("status"))
        check_pictures(ask, [line["id"] for line in document["products"]])
        if "trackingUrl" in ask.given:
            document["trackingUrl"] = required_text(ask.given, "trackingUrl")
        _store(ask, document)
        if email:
            emails.send(ask, document, document["status"]["name"])
        if before["id"] != document["status"]["id"]:
            data = dump({"newStatus": document["status"]})
            happened(ask.world, ask.business, "order.status_changed", document["id"], data)
            _put_back(ask, before, document)
            if document["status"]["type"] == "paid" and before["type"] == "unpaid":
                _announce(ask, document, "order.finalized")
        _announce(ask, document, "order.updated")
    return text_answer(ask.world, _text(ask, _row(ask)))


def _put_back(ask: Ask, before: dict[str, Any], order: dict[str, Any]) -> None:
    """Where the sandbox is told so, cancelling an order puts all its goods back on the shelf."""
    cancelled = order["status"]["type"] == "cancelled" != before["type"]
    if cancelled and ask.world.setting("shopwired.cancel_returns_stock", False):
        for line in order["products"]:
            lower_stock(ask.world, ask.business, line["sku"], -line["quantity"], order["id"])


def add_comment(ask: Ask) -> Response:
    """An admin comment; 201."""
    content = required_text(ask.given, "content")
    with ask.world.db.transaction():
        document = _document(_row(ask))
        comment = {
            "id": next_id(ask.world, "comment"),
            "created": rfc2822(ask.world.clock.now()),
            "content": content,
            "status_id": document["status"]["id"],
        }
        document["adminComments"].append(comment)
        _store(ask, document)
        _announce(ask, document, "order.updated")
    return answer(ask.world, comment, 201)


def delete_comment(ask: Ask) -> Response:
    """204."""
    with ask.world.db.transaction():
        document = _document(_row(ask))
        kept = [comment for comment in document["adminComments"] if comment["id"] != ask.ident("cid")]
        if len(kept) == len(document["adminComments"]):
            raise ApiError(404, f"There is no comment with the id {ask.ident('cid')}")
        document["adminComments"] = kept
        _store(ask, document)
    return no_content()


def list_refunds(ask: Ask) -> Response:
    """Refunds of an order."""
    return answer(ask.world, _document(_row(ask))["refunds"])


def create_refund(ask: Ask) -> Response:
    """A record of a refund; `amount` and `comment` are required. No money moves and no stock comes back."""
    comment, amount = required_text(ask.given, "comment"), ask.given.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount <= 0:
        raise ApiError(422, "The field 'amount' must be a number above 0")
    with ask.world.db.transaction():
        document = _document(_row(ask))
        moment = rfc2822(ask.world.clock.now())
        refund: dict[str, Any] = {
            "id": next_id(ask.world, "refund"),
            "created": moment,
            "name": comment,
            "value": amount,
        }
        document["refunds"].append(refund)
        _store(ask, document)
        told = {"id": refund["id"], "orderId": document["id"], "createdAt": moment, "amount": amount}
        data = dump({"object": {**told, "description": comment}})
        happened(ask.world, ask.business, "order.refund.created", refund["id"], data)
    return answer(ask.world, refund, 201)


def delete_order(ask: Ask) -> Response:
    """204; stock stays as it is."""
    with ask.world.db.transaction():
        document = _document(_row(ask))
        ask.world.db.execute("DELETE FROM sw_orders WHERE id = ?", (document["id"],))
        _announce(ask, document, "order.deleted")
    return no_content()


ENTRIES: tuple[tuple[str, str, Callable[[Ask], Response]], ...] = (
    ("GET", "/orders", list_orders),
    ("POST", "/orders", create_order),
    ("GET", "/orders/count", count_orders),
    ("GET", "/orders/search", search_orders),
    ("GET", "/orders/{id}", get_order),
    ("DELETE", "/orders/{id}", delete_order),
    ("POST", "/orders/{id}/status", set_status),
    ("POST", "/orders/{id}/comments", add_comment),
    ("DELETE", "/orders/{id}/comments/{cid}", delete_comment),
    ("GET", "/orders/{id}/refunds", list_refunds),
    ("POST", "/orders/{id}/refunds", create_refund),
)


def _where(ask: Ask) -> tuple[str, list[Any]]:
    tests, params = ["business = ?"], [ask.business]
    idents = ask.names("ids")
    if len(idents) > MAXIMUM_IDS or not all(ident.isdigit() for ident in idents):
        raise ApiError(400, f"The parameter 'ids' takes at most {MAXIMUM_IDS} ids")
    if idents:
        tests.append(f"id IN ({','.join('?' * len(idents))})")
        params += [int(ident) for ident in idents]
    if ask.flag("archived") is not None:
        tests.append("archived = ?")
        params.append(ask.flag("archived") or 0)
    for name, test in (("status", "status = ?"), ("from", "created >= ?"), ("to", "created <= ?")):
        if ask.call.query.get(name):
            tests.append(test)
            params.append(ask.whole(name, 0))
    return " AND ".join(tests), params


def _row(ask: Ask, ident: int | None = None) -> dict[str, Any]:
    wanted = ask.ident() if ident is None else ident
    row = ask.world.db.one("SELECT * FROM sw_orders WHERE id = ? AND business = ?", (wanted, ask.business))
    if row is None:
        raise ApiError(404, f"There is no order with the id {wanted}")
    return row


def _document(row: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(row["document"])
    return document


def _text(ask: Ask, row: dict[str, Any]) -> str:
    """The order with the embeds asked for; with `fields` only the named keys."""
    wanted = {EMBEDS[name] for name in ask.names("embed") if name in EMBEDS}
    absent, fields = set(EMBEDS.values()) - wanted, ask.names("fields")
    document = _document(row)
    return dump({key: item for key, item in document.items() if key not in absent and (not fields or key in fields)})


def _status(ask: Ask, ident: Any) -> dict[str, Any]:
    row = ask.world.db.one(
        "SELECT * FROM sw_statuses WHERE id = ? AND business = ?",
        (ident if is_id(ident) else -1, ask.business),
    )
    if row is None:
        raise ApiError(422, f"There is no order status {ident!r}")
    return status_document(row)


def _store(ask: Ask, document: dict[str, Any]) -> None:
    ask.world.db.execute(
        "UPDATE sw_orders SET status = ?, archived = ?, document = ? WHERE id = ?",
        (document["status"]["id"], int(document["archived"]), dump(document), document["id"]),
    )


def _announce(ask: Ask, document: dict[str, Any], topic: str) -> None:
    """Raise an event with the order without embeds, and without `reference` when the sandbox is told to drop it."""
    plain = {key: item for key, item in document.items() if key not in set(EMBEDS.values())}
    if ask.world.setting("shopwired.drop_reference", False):
        plain.pop("reference")
    happened(ask.world, ask.business, topic, document["id"], dump({"object": plain}))
