"""A TikTok shop of the sandbox where tests put goods on the shelf, buy, and move orders on."""

from __future__ import annotations

from typing import Any

from tests.tiktok_caller import Caller, authorize

ROYAL_MAIL, DPD = "6671794738251726849", "6657598289359323137"
OUT_OF_STOCK = "seller_cancel_reason_out_of_stock_uk"
HARBOUR = "7495001122334455667"
DAY = 86400


class ShopFloor:
    """Harbour Lane's shop, through the control panel and one caller."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.products: dict[str, dict[str, str]] = {}

    def control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What a control call under /_sandbox/ answers; it must succeed."""
        response = self.caller.http.post(f"/_sandbox/{path}", json=body or {})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def shelf(self, *seller_skus: str, quantity: int = 50, price: str = "10.00") -> None:
        """Products of one SKU each, live at once."""
        skus = [{"seller_sku": sku, "quantity": quantity, "price": price} for sku in seller_skus]
        for made in self.control("tiktok/shelf", {"skus": skus})["products"]:
            self.products[made["seller_sku"]] = made

    def buy(self, **given: Any) -> str:
        """The id of one order."""
        (id,) = self.control("tiktok/buy", given)["order_ids"]
        return str(id)

    def buy_many(self, count: int, **given: Any) -> list[str]:
        """The ids of many orders of one second."""
        ids: list[str] = self.control("tiktok/buy", {"count": count, **given})["order_ids"]
        return ids

    def order(self, order_id: str) -> dict[str, Any]:
        """The order as Get Order Detail shows it."""
        (order,) = self.caller.data("GET", "/order/202507/orders", ids=order_id)["orders"]
        return dict(order)

    def status(self, order_id: str) -> str:
        """The order's status."""
        return str(self.order(order_id)["status"])

    def act(self, order_id: str, act: str, **given: Any) -> dict[str, Any]:
        """What somebody does to one order: advance, cancel_request, address, split, hold_seconds."""
        return self.control(f"tiktok/orders/{order_id}/{act}", given)

    def pass_time(self, seconds: float) -> None:
        """Shift the clock; what is due happens before this returns. Tokens that end with it are got anew."""
        self.control("clock", {"shift_seconds": seconds})
        if seconds > DAY:
            self.caller.token = authorize(self.caller.http, "harbour.lane")["access_token"]

    def stock(self, seller_sku: str) -> dict[str, Any]:
        """Inventory Search of one SKU."""
        body = {"sku_ids": [self.products[seller_sku]["sku_id"]]}
        (product,) = self.caller.data("POST", "/product/202309/inventory/search", body)["inventory"]
        return dict(product["skus"][0])

    def search(self, body: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
        """One page of Get Order List."""
        given = {"page_size": "100"} | query
        return self.caller.data("POST", "/order/202309/orders/search", body or {}, **given)

    def state(self) -> dict[str, Any]:
        """TikTok Shop's part of the sandbox's state."""
        state: dict[str, Any] = self.caller.http.get("/_sandbox/state").json()["tiktok"]
        return state
