"""Orders and stock levels of a Shop: reading them, and telling the Shop our numbers of its orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from core.domain.errors import Missing, Refused
from core.domain.listing import ItemError
from core.domain.orders import InventoryLevel, ShopOrder
from core.tiktok import endpoints, order_mapping
from core.tiktok.calls import ShopResource, json_bytes
from core.tiktok.endpoints import Endpoint
from core.tiktok.mapping import item_errors

_PAGE = 100
_MOST_IDS = 50  # orders of one detail read
_MOST_SKUS = 600  # SKUs of one inventory search
_MOST_LINES = 100  # lines of one external reference
_RETIRED = frozenset({"36009009", "36009010", "36009014"})  # the path or version is gone
_PLATFORM = "ORDER_MANAGEMENT_SYSTEM"
# An order that changed this shortly before a page was read may stand in it out of order.
_MOVING = timedelta(minutes=2)
_BACKLOG = timedelta(days=1)
_MOST_RESTARTS = 3


class Orders(ShopResource):
    """The order and stock reading part of ``ports.Marketplace``."""

    def orders_updated(self, since: datetime, until: datetime) -> Iterator[tuple[ShopOrder, ...]]:
        """Orders by update time, both ends inclusive, oldest first, a page of at most 100 at a time.

        Orders move to the end while they are paged through, and a page token may run out (Partner Center, Get Order
        List). So each page begins a new window at the newest update time that is certainly in place, and tokens only
        lead through what shares one second or moves just now. A window is begun anew when its token is refused.
        What stands on such a border comes again; nothing is left out.
        """
        window, token, restarts = int(since.timestamp()), "", 0
        end, priority = int(until.timestamp()) + 1, self._rank(since)
        while True:
            settled = (self._calls.now() - _MOVING).timestamp()
            try:
                page, following = self._order_page(window, end, token, priority)
            except Refused:
                restarts += 1
                if not token or restarts > _MOST_RESTARTS:
                    raise
                token = ""
                continue
            if page:
                yield page
            if not page or not following:
                return
            safe = max((at for at in _seconds(page) if at < settled), default=window)
            if window < safe < end:
                window, token, restarts = safe, "", 0
            else:
                token = following

    def orders(self, order_ids: Sequence[str]) -> tuple[ShopOrder, ...]:
        """The orders with all their detail, 50 a call; ids the Shop does not know are left out."""
        wanted = list(dict.fromkeys(order_ids))
        found: list[ShopOrder] = []
        for start in range(0, len(wanted), _MOST_IDS):
            found += self._known_orders(wanted[start : start + _MOST_IDS])
        return tuple(found)

    def refer_order(self, order_id: str, store_order: str, lines: Sequence[tuple[str, str]]) -> tuple[ItemError, ...]:
        """Add our number of an order, with (store line id, the Shop's line id) of its lines; 100 of them at most.

        May be repeated. Returns why the Shop did not take it, nothing when it did.
        """
        named = [{"id": ours, "origin_id": theirs} for ours, theirs in lines[:_MOST_LINES]]
        reference = {"id": store_order, "platform": _PLATFORM, "line_items": named}
        body = json_bytes({"orders": [{"id": order_id, "external_order": reference}]})
        return self._calls.call(endpoints.ORDER_REFERENCES_ADD, body=body, read=item_errors)

    def inventory(self, sku_ids: Sequence[str]) -> tuple[InventoryLevel, ...]:
        """What the Shop holds of at most 600 SKUs; those it does not know are left out."""
        if not sku_ids:
            return ()
        if len(sku_ids) > _MOST_SKUS:
            raise ValueError(f"{len(sku_ids)} SKUs were asked for at once: at most {_MOST_SKUS} are allowed.")
        body = json_bytes({"sku_ids": list(sku_ids)})
        return self._calls.call(endpoints.INVENTORY_SEARCH, body=body, read=order_mapping.inventory)

    def _rank(self, since: datetime) -> int | None:
        return endpoints.BACKFILL if since < self._calls.now() - _BACKLOG else None

    def _order_page(self, first: int, end: int, token: str, priority: int | None) -> tuple[tuple[ShopOrder, ...], str]:
        query = {"page_size": str(_PAGE), "sort_field": "update_time", "sort_order": "ASC"}
        body: dict[str, Any] = {"update_time_ge": first, "update_time_lt": end}
        return self._calls.call(
            endpoints.ORDER_SEARCH,
            query=query | ({"page_token": token} if token else {}),
            body=json_bytes(body),
            read=order_mapping.order_page,
            priority=priority,
        )

    def _known_orders(self, order_ids: Sequence[str]) -> tuple[ShopOrder, ...]:
        """TikTok Shop may refuse a whole read for one foreign id; it is then found by halving."""
        try:
            return self._detail(order_ids)
        except Missing:
            if len(order_ids) == 1:
                return ()
        middle = len(order_ids) // 2
        return self._known_orders(order_ids[:middle]) + self._known_orders(order_ids[middle:])

    def _detail(self, order_ids: Sequence[str]) -> tuple[ShopOrder, ...]:
        try:
            return self._detail_of(endpoints.ORDER_GET, order_ids)
        except Refused as refusal:
            if refusal.code not in _RETIRED:
                raise
        return self._detail_of(endpoints.ORDER_GET_OLDER, order_ids)

    def _detail_of(self, endpoint: Endpoint, order_ids: Sequence[str]) -> tuple[ShopOrder, ...]:
        return self._calls.call(endpoint, query={"ids": ",".join(order_ids)}, read=order_mapping.orders)


def _seconds(page: Sequence[ShopOrder]) -> Iterator[int]:
    return (int(order.updated_at.timestamp()) for order in page)
