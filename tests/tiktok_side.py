"""Our own TikTok Shop client against the sandbox: what its tests share."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
from PIL import Image

from core.domain.listing import AttributeValue, Identifier, ListingDraft, Package, SalesAttribute, SkuDraft, Token
from core.domain.money import Money
from core.http.client import Answer, Call, Classify, HttpClient
from core.ports import Exchange, UploadedPicture
from core.tiktok.auth import TikTokAuth
from core.tiktok.client import TikTokShop
from core.tiktok.endpoints import Endpoint
from tests.contract.spec_check import check_request
from tests.waiting import HTTP_S

APP_KEY, APP_SECRET, SERVICE_ID = "6f0demo1key", "demo-app-secret-0001", "7420000000000000001"
OF_ORDERS = ("/order/", "/product/202309/inventory/")  # paths that test_tiktok_orders.py calls
HARBOUR, QUAY, MAPLE = "7495001122334455667", "7495001122334455789", "7495001122334455901"


@dataclass
class Kept:
    """A journal in memory."""

    exchanges: list[Exchange] = field(default_factory=list)

    def keep(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


class CheckedClient(HttpClient):
    """The real client; every request that leaves it for TikTok is first compared with the published field list."""

    def __init__(self, journal: Kept, rates: Any = None, **more: Any) -> None:
        super().__init__(journal, rates, **more)
        self.calls: list[Call] = []
        self.differences: list[str] = []

    def send(self, call: Call, *, classify: Classify | None = None, private: Iterable[str] = ()) -> Answer:
        self.calls.append(call)
        body: Any = json.loads(call.content) if call.content else None
        if call.files is not None:
            body = {part.name: part.data if part.filename else part.data.decode() for part in call.files}
        path = urlsplit(call.url).path
        found = check_request(call.method, path, dict(call.query), body)
        self.differences += [f"{call.method} {path}: {text}" for text in found]
        return super().send(call, classify=classify, private=private)


def never_called(endpoints: Iterable[Endpoint], calls: Iterable[Call]) -> list[str]:
    """Names of the endpoints, by method, path and rate bucket, that are in none of the calls."""
    seen = {(call.method, call.endpoint, call.bucket) for call in calls}
    return [row.name for row in endpoints if (row.method, row.path, row.bucket) not in seen]


@dataclass
class Vault:
    """Keeps one pair of tokens and refreshes it on the real token host; counts what it was asked for."""

    auth: TikTokAuth
    token: Token
    refreshed: int = 0

    def access_token(self) -> str:
        return self.token.access_token

    def refresh(self, rejected: str) -> str:
        if self.token.access_token == rejected:
            self.refreshed += 1
            self.token = self.auth.refresh(self.token.refresh_token)
        return self.token.access_token


@dataclass
class Side:
    """A connected Shop with everything a test looks at."""

    url: str
    http: CheckedClient
    journal: Kept
    auth: TikTokAuth
    vault: Vault
    shop: TikTokShop

    def fault(self, fault: str, endpoint: str = "*", times: int | None = 1, **more: Any) -> None:
        rule = {"vendor": "tiktok", "endpoint": endpoint, "fault": fault, "times": times} | more
        httpx.post(f"{self.url}/_sandbox/faults", json={"rules": [rule]}, timeout=HTTP_S).raise_for_status()

    def control(self, path: str, **body: Any) -> Any:
        answer = httpx.post(f"{self.url}/_sandbox/{path}", json=body, timeout=HTTP_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.control_get("state")

    def control_get(self, path: str) -> Any:
        return httpx.get(f"{self.url}/_sandbox/{path}", timeout=HTTP_S).raise_for_status().json()


def code_for(url: str, account: str = "harbour.lane", service_id: str = SERVICE_ID) -> str:
    """Approve on the authorise page as ``account``; the code TikTok sends back."""
    form = {"service_id": service_id, "account": account, "decision": "approve", "state": "s"}
    answer = httpx.post(f"{url}/open/authorize", data=form, timeout=HTTP_S)
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def auth_of(http: HttpClient, url: str, **more: str) -> TikTokAuth:
    names = {"app_key": APP_KEY, "app_secret": APP_SECRET, "service_id": SERVICE_ID} | more
    return TikTokAuth(http, auth_url=url, authorize_url=url, api_url=url, **names)


def connect(url: str, account: str = "harbour.lane", make: Callable[[Kept], CheckedClient] = CheckedClient) -> Side:
    """Authorise, fetch tokens, find the Shop and build its client, all over HTTP."""
    journal = Kept()
    http = make(journal)
    auth = auth_of(http, url)
    token = auth.token(code_for(url, account))
    (found,) = auth.shops(token.access_token)
    vault = Vault(auth, token)
    shop = TikTokShop(
        http,
        api_url=url,
        app_key=APP_KEY,
        app_secret=APP_SECRET,
        cipher=found.cipher,
        account=found.id,
        vault=vault,
        region=found.region,
        currency="GBP",
    )
    return Side(url, http, journal, auth, vault, shop)


def picture(side: int = 600) -> bytes:
    """A JPEG with noise, so that no two are the same file."""
    image = Image.effect_noise((side, side), 60).convert("RGB")
    image.putpixel((0, 0), (random.randrange(256), random.randrange(256), random.randrange(256)))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=60)
    return written.getvalue()


MAIN_URL, DETAIL_URL, RED_URL = "https://store/main.jpg", "https://store/detail.jpg?a=1&b=2", "https://store/red.jpg"


def uploaded(shop: TikTokShop) -> dict[str, UploadedPicture]:
    return {
        MAIN_URL: shop.upload_picture(picture(), "main.jpg"),
        DETAIL_URL: shop.upload_picture(picture(), "detail.jpg", "DESCRIPTION_IMAGE"),
        RED_URL: shop.upload_picture(picture(), "red.jpg", "ATTRIBUTE_IMAGE"),
    }


def simple_category(shop: TikTokShop) -> str:
    """A leaf that this Shop may use and that asks for no certificate and no size chart."""
    for category in shop.categories():
        if category.leaf and category.permission == "AVAILABLE":
            rule = shop.category_rule(category.id)
            if not rule.size_chart_required and not any(needed for _, _, needed in rule.certifications):
                return category.id
    raise AssertionError("the sandbox has no simple category")


def draft_of(shop: TikTokShop, category_id: str, stem: str = "", variants: int = 2) -> ListingDraft:
    """A listing that the sandbox accepts; seller SKUs are ``stem`` with a number."""
    stem = stem or uuid4().hex[:10]
    (warehouse,) = [w for w in shop.warehouses() if w.kind == "SALES_WAREHOUSE" and w.status == "ENABLED" and w.default]
    attributes = tuple(
        AttributeValue(a.id, value_id=a.values[0][0]) if a.values else AttributeValue(a.id, name="Plain")
        for a in shop.category_attributes(category_id)
        if a.required
    )
    skus = tuple(_sku(stem, number, variants) for number in range(variants))
    return ListingDraft(
        product_id="1",
        title=f"Stoneware mug for coffee and tea {stem}",
        description='<p>Holds 350 ml.</p><img src="https://store/detail.jpg?a=1&amp;b=2"><p>Dishwasher safe.</p>',
        category_id=category_id,
        skus=skus,
        picture_urls=(MAIN_URL,),
        package=Package(Decimal("0.4501"), 12, 12, 18),
        warehouse_id=warehouse.id,
        attributes=attributes,
    )


def _sku(stem: str, number: int, variants: int) -> SkuDraft:
    colour = SalesAttribute("Colour", f"Colour {number}", RED_URL)
    return SkuDraft(
        variant_id=str(number + 1),
        seller_sku=f"{stem}-{number}",
        price=Money(Decimal("12.9") + number, "GBP"),
        quantity=5 + number,
        identifier=Identifier("EAN", ean(random.randrange(10**11))),
        attributes=(colour,) if variants > 1 else (),
    )


def ean(number: int) -> str:
    """13 digits with a right check digit."""
    digits = f"5{number:011d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)
