"""ShopWired's orders: creating one, finding it again, its status and notes. There is no way to change one otherwise.

Facts: ShopWired's API reference (shopwired.readme.io: Orders, Order statuses, Shipping rates, Countries).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from core.domain.errors import Conflict, Missing, RemoteError, Unknown
from core.domain.orders import StoreOrder, StoreOrderDraft, StoreOrderStatus
from core.http.client import Answer, Unreadable
from core.http.policy import writing
from core.stores import wire
from core.stores.shopwired.calls import LISTS, ONE, PAGE, ShopWiredCalls, digits, records
from core.stores.shopwired.mapping import VAT
from core.stores.shopwired.order_body import order_body

_FIELDS = {"embed": "status", "fields": "id,reference,created,total,comments,trackingUrl,status"}
_KINDS = ("unpaid", "paid", "shipped", "cancelled")
_SEARCH_PAGES = 10  # a search that finds a thousand orders for one number does not search by it
_LAG_S = 1.0  # a new order may be absent from reads for a moment
_CENT = Decimal("0.01")


class StoreOrders(ShopWiredCalls):
    """The order part of ``ports.Store``."""

    def order_statuses(self) -> tuple[StoreOrderStatus, ...]:
        """In the order the merchant gave them. Not paged."""
        found = records(self._get("/order-statuses", {}, priority=LISTS), "order statuses")
        rows = sorted(map(wire.fields, found), key=lambda row: wire.whole(row.get("sortOrder")) or 0)
        return tuple(_status(row) for row in rows if wire.identifier(row) is not None)

    def shipping_rates(self) -> tuple[str, ...]:
        """A rate has a row for each country and band of prices or weights, so one name may come several times."""
        rows = map(wire.fields, self._list("/shipping-rates", {}))
        return tuple(dict.fromkeys(name for row in rows if (name := wire.text(row.get("name")).strip())))

    def create_order(self, draft: StoreOrderDraft) -> StoreOrder:
        """Create it and compare the store's total with the draft's.

        Not idempotent. Raises ``Unknown`` when the outcome was not learnt, and ``Conflict`` (code ``total``) when the
        order was made with another total: ``find_orders`` gives it, and a person decides.
        """
        country = self._country()
        vat = VAT.get(country, Decimal(1))
        body = order_body(draft, country_ids=self._country_ids(), country=country, vat=vat)
        made = self._write("POST", "/orders", body, read=_made, query={"embed": "status"}, priority=ONE)
        order = self._whole_order(made, draft)
        if order.total.quantize(_CENT) != draft.total.quantize(_CENT):
            sentence = (
                f"ShopWired made order {order.number} of {order.total:.2f} {draft.currency} for {draft.marker}, which "
                f"is worth {draft.total:.2f} {draft.currency}: compare them, then keep or delete it in ShopWired."
            )
            raise Conflict(sentence, code="total")
        return order

    def find_orders(self, marker: str, *, since: datetime) -> tuple[StoreOrder, ...]:
        """Orders whose comments have ``marker`` as their first line: by search, and among those created from ``since``.

        Each way alone may miss one: search may be late or not look at comments, and the list knows only its time.
        """
        start = {"from": str(int(since.timestamp())), "sort": "date"}
        listed = self._list("/orders", _FIELDS | start, priority=ONE)
        found: dict[str, StoreOrder] = {}
        for record in chain(self._searched(marker), listed):
            order = self._with_comments(wire.fields(record))
            if order is not None and _first_line(order.comments) == marker:
                found[order.remote_id] = order
        return tuple(found.values())

    def order(self, remote_id: str) -> StoreOrder:
        path = f"/orders/{digits(remote_id, 'order')}"
        return _order(self._get(path, _FIELDS, endpoint="/orders/{id}", priority=ONE))

    def set_order_status(self, remote_id: str, status_id: str, *, tracking_url: str = "", email: bool = False) -> None:
        """Absolute, so it is repeated when it is certain that it had no effect. ``email``: tell the customer."""
        path = f"/orders/{digits(remote_id, 'order')}/status"
        body = {"status": int(digits(status_id, "order status")), "sendEmail": email}
        told = body | ({"trackingUrl": tracking_url} if tracking_url else {})
        writing(
            lambda: self._write("POST", path, told, read=lambda _: None, endpoint="/orders/{id}/status", priority=ONE)
        )

    def comment_order(self, remote_id: str, text: str) -> None:
        """An admin comment, which customers do not see."""
        path = f"/orders/{digits(remote_id, 'order')}/comments"
        body = {"content": text}
        self._write("POST", path, body, read=lambda _: None, endpoint="/orders/{id}/comments", priority=ONE)

    def _country_ids(self) -> Mapping[str, int]:
        """ShopWired's id of each country by its ISO code; asked once in a process. Not paged."""
        with self._known.lock:
            if self._known.country_ids is None:
                rows = map(wire.fields, records(self._get("/countries", {}, priority=LISTS), "countries"))
                pairs = ((wire.text(row.get("iso")).upper(), wire.whole(row.get("id"))) for row in rows)
                self._known.country_ids = {iso: number for iso, number in pairs if iso and number is not None}
            return self._known.country_ids

    def _whole_order(self, made: Mapping[str, Any], draft: StoreOrderDraft) -> StoreOrder:
        """The order just made, from the answer where it tells the total and the status, else read back."""
        if wire.amount(made.get("total")) is not None and wire.fields(made.get("status")):
            return replace(_order(made), comments=wire.text(made.get("comments")) or draft.comments)
        remote_id = wire.text(made.get("id"))
        try:
            try:
                return self.order(remote_id)
            except Missing:
                time.sleep(_LAG_S)
                return self.order(remote_id)
        except RemoteError as error:
            sentence = f"ShopWired made order {remote_id} for {draft.marker}, but it could not be read back yet."
            raise Unknown(sentence, code=error.code) from error

    def _searched(self, marker: str) -> Iterator[Any]:
        """What a search for the marker's most telling word finds: one for all words might find every order of ours."""
        keywords = max(marker.split(), key=len)
        for page in range(_SEARCH_PAGES):
            query = {"keywords": keywords, "count": str(PAGE), "offset": str(page * PAGE), **_FIELDS}
            rows = _found(self._get("/orders/search", query, priority=ONE))
            yield from rows
            if len(rows) < PAGE:
                return

    def _with_comments(self, record: Mapping[str, Any]) -> StoreOrder | None:
        """The order of a row; a search may answer with little more than ids, so then it is read. None: gone since."""
        remote_id = wire.identifier(dict(record))
        if remote_id is None:
            return None
        if "comments" in record and "total" in record:
            return _order(record)
        try:
            return self.order(remote_id)
        except Missing:
            return None


def _found(answer: Any) -> list[Any]:
    """The rows of a search, which comes as ``{"totalItems", "items"}`` or as a plain list."""
    if isinstance(answer, dict) and "items" in answer:
        answer = answer["items"]
    return records(answer, "orders")


def _made(answer: Answer) -> dict[str, Any]:
    """The answer to a creation; without an id nobody knows what was made."""
    found = wire.fields(answer.json())
    if wire.identifier(found) is None:
        raise Unreadable("ShopWired answered the creation of an order without the order's id.", code="unreadable")
    return found


def _order(record: Any) -> StoreOrder:
    """``reference`` is the number people see; some answers leave it out. Raises ``Unreadable`` without id or total."""
    found = wire.fields(record)
    remote_id, total = wire.identifier(found), wire.amount(found.get("total"))
    if remote_id is None or total is None:
        raise Unreadable("ShopWired gave an order without its id or total: it is read again later.", code="unreadable")
    status = wire.fields(found.get("status"))
    return StoreOrder(
        remote_id=remote_id,
        number=wire.text(found.get("reference")) or remote_id,
        status_id=wire.identifier(found.get("status")) or "",
        status=wire.text(status.get("name")),
        total=total,
        created_at=wire.moment(found.get("created")),
        comments=wire.text(found.get("comments")),
        tracking_url=wire.text(found.get("trackingUrl")).strip(),
    )


def _status(row: dict[str, Any]) -> StoreOrderStatus:
    kind = wire.text(row.get("type")).lower()
    return StoreOrderStatus(
        remote_id=wire.identifier(row) or "",
        name=wire.text(row.get("name")).strip(),
        kind=kind if kind in _KINDS else "custom",
    )


def _first_line(comments: str) -> str:
    return next(iter(comments.splitlines()), "").strip()
