"""One call to ShopWired, whatever it is about: keys, rate bucket, what a refusal means, lists by count and offset."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from core.domain.errors import Expired, Missing, NotConfigured, Temporary
from core.http.client import Answer, Call, HttpClient
from core.http.policy import reading
from core.stores import wire
from core.stores.shopwired import mapping

PAGE = 100  # ShopWired's largest
BUCKET = "api"
CLOCKS_S = 120  # the store's clock may differ from ours by this much
STOCK, EVENTS, ONE, LISTS, CRAWL = 2, 3, 4, 6, 7  # priorities in the shared rate bucket (0 first)
# Fields of orders that hold the customer's data; in lower case, as the journal compares them.
CUSTOMER_FIELDS = ("billingaddress", "shippingaddress", "comments", "content", "deviceinfo", "dateofbirth")
_OF_ORDERS = (*CUSTOMER_FIELDS, "customfields")  # where a merchant may have the customer's data copied to

T = TypeVar("T")


@dataclass
class Known:
    """What hardly ever changes of a business, asked for once in a process: its country and ShopWired's country ids."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    country: str | None = None
    country_ids: Mapping[str, int] | None = None


@lru_cache(maxsize=64)
def _known_of(base_url: str, authorization: str) -> Known:
    return Known()


class ShopWiredCalls:
    """What the parts of a ShopWired store share. Safe for use by several threads.

    Reads are repeated a few times when the trouble is temporary. Raises ``Expired`` for a refused key and
    ``NotConfigured`` for a key without the permission, beside what ``HttpClient.send`` raises.
    """

    def __init__(self, http: HttpClient, *, base_url: str, api_key: str, api_secret: str, account: str) -> None:
        pair = base64.b64encode(f"{api_key}:{api_secret}".encode()).decode()
        self._headers = {"authorization": f"Basic {pair}"}
        self._http, self._base, self._account = http, base_url.rstrip("/"), account
        self._known = _known_of(self._base, pair)

    def _country(self) -> str:
        """The business's country, such as GB."""
        with self._known.lock:
            if self._known.country is None:
                self._known.country = mapping.business_from(self._get("/business", {}, priority=ONE)).country
            return self._known.country

    def _list(self, path: str, query: Mapping[str, str], *, priority: int = LISTS) -> list[Any]:
        """All rows of a list that is not large."""
        rows: list[Any] = []
        while True:
            paging = {"count": str(PAGE), "offset": str(len(rows))}
            page = records(self._get(path, {**query, **paging}, priority=priority), path.strip("/"))
            rows.extend(page)
            if len(page) < PAGE:
                return rows

    def _get(self, path: str, query: Mapping[str, str], *, priority: int, endpoint: str = "") -> Any:
        return self._read(path, query, Answer.json, priority=priority, endpoint=endpoint)

    def _read(
        self, path: str, query: Mapping[str, str], read: Callable[[Answer], T], *, priority: int, endpoint: str = ""
    ) -> T:
        call = self._call("GET", path, None, endpoint=endpoint, query=query, priority=priority)
        return reading(lambda: read(self._http.send(call, classify=classify, private=_private(path))))

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, *, endpoint: str = "") -> None:
        self._write(method, path, body, read=lambda _: None, endpoint=endpoint)

    def _write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        read: Callable[[Answer], T],
        endpoint: str = "",
        query: Mapping[str, str] | None = None,
        priority: int = LISTS,
    ) -> T:
        """Sent once. An answer that cannot be read leaves the outcome ``Unknown``."""
        result: list[T] = []

        def judge(answer: Answer) -> None:
            classify(answer)
            if 200 <= answer.status < 300:
                result.append(read(answer))

        call = self._call(method, path, body, endpoint=endpoint, query=query or {}, priority=priority)
        self._http.send(call, classify=judge, private=_private(path))
        return result[0]

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        endpoint: str,
        query: Mapping[str, str],
        priority: int,
    ) -> Call:
        content = None if body is None else json.dumps(body).encode()
        return Call(
            remote="shopwired",
            account=self._account,
            method=method,
            url=self._base + path,
            endpoint=endpoint or path,
            query=query,
            headers=self._headers | ({"content-type": "application/json"} if content is not None else {}),
            content=content,
            write=method != "GET",
            priority=priority,
            bucket=BUCKET,
        )


def _private(path: str) -> tuple[str, ...]:
    return _OF_ORDERS if path.startswith("/orders") else CUSTOMER_FIELDS


def classify(answer: Answer) -> None:
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


def records(found: Any, what: str) -> list[Any]:
    """A list's rows; raises ``Temporary`` for anything else."""
    if not isinstance(found, list):
        raise Temporary(f"ShopWired gave something else than a list of {what}: it is read again later.")
    return found


def digits(remote_id: Any, what: str) -> str:
    """An id fit for a path: ShopWired's are positive whole numbers."""
    found = wire.text(remote_id)
    if not (found.isascii() and found.isdigit()):
        raise Missing(f"ShopWired has no {what} {found!r}: its ids are whole numbers.", code="404")
    return found
