"""ShopWired's REST API v1 as a ``Store``: HTTP Basic keys, lists by count and offset, an events feed."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from core.domain.catalog import Business, Change, Product, StoreBrand, StoreCategory
from core.domain.errors import Missing, Temporary
from core.http.client import Answer
from core.ports import StoreCapabilities
from core.stores import wire
from core.stores.shopwired import mapping
from core.stores.shopwired.calls import CLOCKS_S, CRAWL, EVENTS, LISTS, ONE, PAGE, digits, records
from core.stores.shopwired.orders import StoreOrders
from core.stores.shopwired.stock import StoreStock
from core.stores.shopwired.webhooks import TOPICS

_EMBED = "variations,images,categories,brand,custom_fields"
_AT_ONCE = 4  # pages asked for at the same time
_AHEAD = 8  # pages asked for or read that nobody has taken yet
_EVENT_PAGES = 50  # of one look at the feed; the next look goes on from there
_SINCE_TIME = "after:"


class ShopWired(StoreOrders, StoreStock):
    """One ShopWired business; implements ``ports.Store``."""

    capabilities = StoreCapabilities(
        can_update_orders=False, has_change_feed=True, signs_webhooks=True, platform="shopwired"
    )

    def business(self) -> Business:
        found = mapping.business_from(self._get("/business", {}, priority=ONE))
        self._known.country = found.country
        return found

    def product_count(self) -> int:
        found = wire.whole(wire.fields(self._get("/products/count", {}, priority=LISTS)).get("count"))
        if found is None:
            raise Temporary("ShopWired did not say how many products there are: it is asked again later.")
        return found

    def products(self, *, offset: int = 0) -> Iterator[tuple[Product, ...]]:
        """All products by creation, 100 a page, in order.

        Up to four pages are asked for at once and eight kept ahead, so that the store works while the caller does.
        """
        waiting: deque[Future[tuple[Product, ...]]] = deque()
        over = threading.Event()

        def read(start: int) -> tuple[Product, ...]:
            page = () if over.is_set() else self._product_page(start)
            if len(page) < PAGE:
                over.set()
            return page

        ahead = 1
        with ThreadPoolExecutor(_AT_ONCE, "shopwired-pages") as readers:
            try:
                while True:
                    while len(waiting) < ahead:
                        waiting.append(readers.submit(copy_context().run, read, offset))
                        offset += PAGE
                    page = waiting.popleft().result()
                    if page:
                        yield page
                    if len(page) < PAGE:
                        return
                    ahead = _AHEAD  # a shop of one page is read by one call
            finally:
                over.set()

    def product(self, remote_id: str) -> Product:
        path = f"/products/{digits(remote_id, 'product')}"
        record = self._get(path, {"embed": _EMBED}, endpoint="/products/{id}", priority=ONE)
        return mapping.product_from(record, country=self._country_for([record]))

    def categories(self) -> tuple[StoreCategory, ...]:
        return tuple(map(mapping.category_from, self._list("/categories", {"embed": "parents"})))

    def brands(self) -> tuple[StoreBrand, ...]:
        return tuple(map(mapping.brand_from, self._list("/brands", {})))

    def changes(self, since: str | None) -> tuple[tuple[Change, ...], str | None]:
        """``GET /events?since_id``, oldest first, at most 5,000 at a time.

        The cursor is an event id; before the first event it is a time, two minutes early, which ``created_after``
        takes [inferred: as Unix seconds, like ShopWired's other date filters].
        """
        if since is None:
            return (), f"{_SINCE_TIME}{int(time.time()) - CLOCKS_S}"
        events: list[Any] = []
        for _ in range(_EVENT_PAGES):
            page = records(self._get("/events", _after(since), priority=EVENTS), "events")
            ids = [found for event in page if (found := wire.whole(wire.identifier(event))) is not None]
            events.extend(page)
            since = str(max(ids)) if ids else since
            if len(page) < PAGE or not ids:
                break
        return tuple(change for event in events if (change := mapping.change_from(event)) is not None), since

    def register_webhooks(self, address: str) -> tuple[str, ...]:
        """One webhook per topic; those switched off are switched on, those unverified are checked again.

        Registering starts ShopWired's handshake with ``address`` at once, so the gateway has to be up.
        """
        present = {wire.text(hook.get("topic")): hook for hook in self._webhooks(address)}
        for topic in TOPICS:
            hook = present.get(topic)
            wanted = {"topic": topic, "url": address, "enabled": True}
            if hook is None:
                self._send("POST", "/webhooks", wanted)
                continue
            path = f"/webhooks/{digits(hook.get('id'), 'webhook')}"
            if not wire.flag(hook.get("enabled")):
                self._send("PUT", path, wanted, endpoint="/webhooks/{id}")
            if not wire.flag(hook.get("verified")):
                self._send("POST", f"{path}/verify", {}, endpoint="/webhooks/{id}/verify")
        return TOPICS

    def remove_webhooks(self, address: str) -> None:
        for hook in self._webhooks(address):
            with suppress(Missing):
                path = f"/webhooks/{digits(hook.get('id'), 'webhook')}"
                self._send("DELETE", path, None, endpoint="/webhooks/{id}")

    def _webhooks(self, address: str) -> list[dict[str, Any]]:
        found = map(wire.fields, self._list("/webhooks", {}))
        return [hook for hook in found if hook.get("url") == address]

    def _product_page(self, offset: int) -> tuple[Product, ...]:
        query = {"count": str(PAGE), "offset": str(offset), "embed": _EMBED}

        def read(answer: Answer) -> tuple[Product, ...]:
            page = records(answer.json(), "products")
            country = self._country_for(page)
            return tuple(mapping.product_from(record, country=country) for record in page)

        return self._read("/products", query, read, priority=CRAWL)

    def _country_for(self, page: list[Any]) -> str:
        """The business's country, which decides VAT; asked once, and only when a record has net prices."""
        if not any(wire.flag(wire.fields(record).get("vatExclusive")) for record in page):
            return ""
        return self._country()


def _after(since: str) -> dict[str, str]:
    if since.startswith(_SINCE_TIME):
        return {"count": str(PAGE), "created_after": since.removeprefix(_SINCE_TIME)}
    return {"count": str(PAGE), "since_id": since}
