"""Signed endpoints about orders: path, scopes and what answers it."""

from __future__ import annotations

from sandbox.tiktok.gate import Endpoint
from sandbox.tiktok.orders import detail, references, search

INFO = ("seller.order.info",)
REFERENCES = ("seller.order.ext_ref.read", "seller.order.info")
WRITE_REFERENCES = ("seller.order.ext_ref.write", "seller.order.ext_ref.write.custom")

READS = (
    Endpoint("POST", "/order/202309/orders/search", INFO, search.search),
    *(Endpoint("GET", f"/order/{version}/orders", INFO, detail.detail) for version in ("202309", "202507")),
    Endpoint("GET", "/order/202407/orders/{order_id}/price_detail", INFO, detail.price_detail),
    Endpoint("GET", "/order/202406/orders/{order_id}/external_orders", REFERENCES, references.get),
    Endpoint("POST", "/order/202406/orders/external_order_search", REFERENCES, references.search),
    Endpoint("POST", "/order/202406/orders/external_orders", WRITE_REFERENCES, references.add, is_write=True),
)
ORDERS = (*READS,)
