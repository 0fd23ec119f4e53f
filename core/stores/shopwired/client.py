"""ShopWired's REST API v1 as a ``Store``: HTTP Basic keys, lists by count and offset, an events feed."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

from core.domain.catalog import Business, Change, Product, StoreBrand, StoreCategory
from core.domain.errors import Expired, Missing, NotConfigured, Temporary
from core.http.client import Answer, Call, HttpClient
from core.http.policy import reading
from core.ports import StoreCapabilities
from core.stores import wire
from core.stores.shopwired import mapping
from core.stores.shopwired.webhooks import TOPICS

PAGE = 100  # ShopWired's largest
BUCKET = "api"
_EMBED = "variations,images,categories,brand,custom_fields"
_AT_ONCE = 4  # pages asked for at the same time
_AHEAD = 8  # pages asked for or read that nobody has taken yet
_EVENT_PAGES = 50  # of one look at the feed; the next look goes on from there
_OVERLAP_S = 120  # the store's clock may differ from ours by this much
_SINCE_TIME = "after:"
_EVENTS, _ONE, _LISTS, _CRAWL = 3, 4, 6, 7  # priorities in the shared rate bucket (0 first)

T = TypeVar("T")


class ShopWired:
    """One ShopWired business. Safe for use by several threads.

    Reads are repeated a few times when the trouble is temporary. Raises ``Expired`` for a refused key and
    ``NotConfigured`` for a key without the permission, beside what ``HttpClient.send`` raises.
    """

    capabilities = StoreCapabilities(
        can_update_orders=False, has_change_feed=True, signs_webhooks=True, platform="shopwired"
    )

    def __init__(self, http: HttpClient, *, base_url: str, api_key: str, api_secret: str, account: str) -> None:
        pair = base64.b64encode(f"{api_key}:{api_secret}".encode()).decode()
        self._headers = {"authorization": f"Basic {pair}"}
        self._http, self._base, self._account = http, base_url.rstrip("/"), account
        self._country: str | None = None
        self._lock = threading.Lock()

    def business(self) -> Business:
        found = mapping.business_from(self._get("/business", {}, priority=_ONE))
        self._country = found.country
        return found

    def product_count(self) -> int:
        found = wire.whole(wire.fields(self._get("/products/count", {}, priority=_LISTS)).get("count"))
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
        path = f"/products/{_digits(remote_id, 'product')}"
        record = self._get(path, {"embed": _EMBED}, endpoint="/products/{id}", priority=_ONE)
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
            return (), f"{_SINCE_TIME}{int(time.time()) - _OVERLAP_S}"
        events: list[Any] = []
        for _ in range(_EVENT_PAGES):
            page = _records(self._get("/events", _after(since), priority=_EVENTS), "events")
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
            path = f"/webhooks/{_digits(hook.get('id'), 'webhook')}"
            if not wire.flag(hook.get("enabled")):
                self._send("PUT", path, wanted, endpoint="/webhooks/{id}")
            if not wire.flag(hook.get("verified")):
                self._send("POST", f"{path}/verify", {}, endpoint="/webhooks/{id}/verify")
        return TOPICS

    def remove_webhooks(self, address: str) -> None:
        for hook in self._webhooks(address):
            with suppress(Missing):
                path = f"/webhooks/{_digits(hook.get('id'), 'webhook')}"
                self._send("DELETE", path, None, endpoint="/webhooks/{id}")

    def _webhooks(self, address: str) -> list[dict[str, Any]]:
        found = map(wire.fields, self._list("/webhooks", {}))
        return [hook for hook in found if hook.get("url") == address]

    def _product_page(self, offset: int) -> tuple[Product, ...]:
        query = {"count": str(PAGE), "offset": str(offset), "embed": _EMBED}

        def read(answer: Answer) -> tuple[Product, ...]:
            records = _records(answer.json(), "products")
            country = self._country_for(records)
            return tuple(mapping.product_from(record, country=country) for record in records)

        return self._read("/products", query, read, priority=_CRAWL)

    def _country_for(self, records: list[Any]) -> str:
        """The business's country, which decides VAT; asked once, and only when a record has net prices."""
        if not any(wire.flag(wire.fields(record).get("vatExclusive")) for record in records):
            return ""
        with self._lock:
            if self._country is None:
                self.business()
            return self._country or ""

    def _list(self, path: str, query: Mapping[str, str]) -> list[Any]:
        """All rows of a list that is not large."""
        rows: list[Any] = []
        while True:
            paging = {"count": str(PAGE), "offset": str(len(rows))}
            page = _records(self._get(path, {**query, **paging}, priority=_LISTS), path.strip("/"))
            rows.extend(page)
            if len(page) < PAGE:
                return rows

    def _get(self, path: str, query: Mapping[str, str], *, priority: int, endpoint: str = "") -> Any:
        return self._read(path, query, Answer.json, priority=priority, endpoint=endpoint)

    def _read(
        self, path: str, query: Mapping[str, str], read: Callable[[Answer], T], *, priority: int, endpoint: str = ""
    ) -> T:
        call = Call(
            remote="shopwired",
            account=self._account,
            method="GET",
            url=self._base + path,
            endpoint=endpoint or path,
            query=query,
            headers=self._headers,
            priority=priority,
            bucket=BUCKET,
        )
        return reading(lambda: read(self._http.send(call, classify=_classify)))

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, *, endpoint: str = "") -> None:
        content = None if body is None else json.dumps(body).encode()
        call = Call(
            remote="shopwired",
            account=self._account,
            method=method,
            url=self._base + path,
            endpoint=endpoint or path,
            headers=self._headers | ({"content-type": "application/json"} if content is not None else {}),
            content=content,
            write=True,
            priority=_LISTS,
            bucket=BUCKET,
        )
        self._http.send(call, classify=_classify)


def _classify(answer: Answer) -> None:
    """Who has to do what when ShopWired turns a key down; every other status means what HTTP says."""
    if answer.status == 401:
        raise Expired("ShopWired does not accept this API key and secret: enter them again in Settings.", code="401")
    if answer.status == 403:
        sentence = (
            "The ShopWired API key lacks a permission for this: allow it in ShopWired under Account, API keys"
            f" ({_message(answer)})."
        )
        raise NotConfigured(sentence, code="403")


def _message(answer: Answer) -> str:
    with suppress(Temporary):
        return wire.text(wire.fields(answer.json()).get("message")).rstrip(".") or "no reason given"
    return "no reason given"


def _records(found: Any, what: str) -> list[Any]:
    if not isinstance(found, list):
        raise Temporary(f"ShopWired gave something else than a list of {what}: it is read again later.")
    return found


def _after(since: str) -> dict[str, str]:
    if since.startswith(_SINCE_TIME):
        return {"count": str(PAGE), "created_after": since.removeprefix(_SINCE_TIME)}
    return {"count": str(PAGE), "since_id": since}


def _digits(remote_id: Any, what: str) -> str:
    """An id fit for a path: ShopWired's are positive whole numbers."""
    found = wire.text(remote_id)
    if not (found.isascii() and found.isdigit()):
        raise Missing(f"ShopWired has no {what} {found!r}: its ids are whole numbers.", code="404")
    return found
