"""A bare TikTok Shop caller for tests: it signs as the documents say and shares no code with client or sandbox."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from PIL import Image

APP_KEY, APP_SECRET, SERVICE_ID = "6f0demo1key", "demo-app-secret-0001", "7420000000000000001"
HARBOUR_WAREHOUSE = "7068517275539719942"
PLAIN_CATEGORY = "853000"  # Home Supplies > Home Organizers > Storage Bottles & Jars


def sign(secret: str, path: str, query: dict[str, str], body: bytes = b"") -> str:
    """Partner Center, Sign your API request."""
    text = "".join(key + query[key] for key in sorted(query) if key not in ("sign", "access_token"))
    message = secret.encode() + path.encode() + text.encode() + body + secret.encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class Caller:
    """Calls as the demo app for one seller."""

    def __init__(self, http: httpx.Client, login: str = "harbour.lane") -> None:
        self.http = http
        self.tokens = authorize(http, login)
        self.token: str = self.tokens["access_token"]
        self.cipher = ""
        self.cipher = self.data("GET", "/authorization/202309/shops")["shops"][0]["cipher"]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        cipher: bool = True,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> httpx.Response:
        """A signed call; extra keywords go into the query (an empty one removes a parameter)."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"app_key": APP_KEY, "timestamp": str(int(time.time()))} | query
        if cipher and self.cipher and "shop_cipher" not in query:
            given["shop_cipher"] = self.cipher
        given = {name: value for name, value in given.items() if value != ""}
        given.setdefault("sign", sign(APP_SECRET, path, given, content))
        standard = {"x-tts-access-token": self.token, "content-type": "application/json"}
        return self.http.request(method, path, params=given, content=content, headers=standard | (headers or {}))

    def answer(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """The envelope of a call."""
        parsed: dict[str, Any] = self.call(method, path, body, **query).json()
        return parsed

    def data(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """The data of a call that must succeed."""
        no_cipher = path == "/authorization/202309/shops"
        answer = self.call(method, path, body, cipher=not no_cipher, **query).json()
        assert answer["code"] == 0, answer
        data: dict[str, Any] = answer["data"]
        return data

    def upload(
        self, content: bytes, use_case: str = "MAIN_IMAGE", path: str = "/product/202309/images/upload", **form: str
    ) -> httpx.Response:
        """A multipart upload, which is signed without its body."""
        query = {"app_key": APP_KEY, "timestamp": str(int(time.time()))}
        query["sign"] = sign(APP_SECRET, path, query)
        files = {"data": ("picture.bin", content, "application/octet-stream")}
        fields = form or {"use_case": use_case}
        return self.http.post(path, params=query, files=files, data=fields, headers={"x-tts-access-token": self.token})

    def image(self, width: int = 600, height: int = 600, use_case: str = "MAIN_IMAGE") -> str:
        """The uri of a freshly uploaded picture."""
        answer = self.upload(picture(width, height), use_case).json()
        assert answer["code"] == 0, answer
        uri: str = answer["data"]["uri"]
        return uri

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """The data of Create Product, which must succeed."""
        return self.data("POST", "/product/202309/products", body)

    def product(self, product_id: str, **query: str) -> dict[str, Any]:
        """The data of Get Product."""
        return self.data("GET", f"/product/202309/products/{product_id}", **query)


def authorize(http: httpx.Client, login: str) -> dict[str, Any]:
    """Approve the demo app as this seller and trade the code for tokens."""
    form = {"service_id": SERVICE_ID, "state": "s1", "account": login, "decision": "approve"}
    back = http.post("/open/authorize", data=form, follow_redirects=False)
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
    query = {"app_key": APP_KEY, "app_secret": APP_SECRET, "auth_code": code, "grant_type": "authorized_code"}
    tokens: dict[str, Any] = http.get("/api/v2/token/get", params=query).json()["data"]
    return tokens


def picture(width: int, height: int, kind: str = "JPEG") -> bytes:
    """A plain picture file."""
    target = BytesIO()
    Image.new("RGB", (width, height), (200, 120, 40)).save(target, kind)
    return target.getvalue()


def product_body(image_uri: str, **changes: Any) -> dict[str, Any]:
    """A body that passes every rule of the sandbox for Harbour Lane Goods."""
    body: dict[str, Any] = {
        "title": "Bamboo Lid Glass Storage Jar 1L",
        "description": "<p>Airtight jar with bamboo lid.</p>",
        "category_id": PLAIN_CATEGORY,
        "category_version": "v2",
        "save_mode": "LISTING",
        "main_images": [{"uri": image_uri}],
        "package_weight": {"value": "0.85", "unit": "KILOGRAM"},
        "package_dimensions": {"length": "12", "width": "12", "height": "18", "unit": "CENTIMETER"},
        "product_attributes": [{"id": "100107", "values": [{"name": "Glass"}]}],
        "skus": [sku()],
    }
    return body | changes


def sku(seller_sku: str = "JAR-1L-CLR", quantity: int = 40, amount: str = "12.99", **more: Any) -> dict[str, Any]:
    """One SKU in Leeds."""
    return {
        "seller_sku": seller_sku,
        "price": {"amount": amount, "currency": "GBP"},
        "inventory": [{"warehouse_id": HARBOUR_WAREHOUSE, "quantity": quantity}],
    } | more
