"""Signed endpoints about orders: path, scopes and what answers it."""

from __future__ import annotations

from sandbox.tiktok.gate import Endpoint
from sandbox.tiktok.orders import cancellation_calls, detail, package_reads, references, search, shipping

INFO = ("seller.order.info",)
REFERENCES = ("seller.order.ext_ref.read", "seller.order.info")
WRITE_REFERENCES = ("seller.order.ext_ref.write", "seller.order.ext_ref.write.custom")
FULFILMENT = ("seller.fulfillment.basic",)
PACKAGES = ("seller.fulfillment.package.write",)
LOGISTICS = ("seller.logistics",)
AFTER_SALES = ("seller.return_refund.basic",)
ORDER = "/fulfillment/202309/orders/{order_id}"
PACKAGE = "/fulfillment/202309/packages/{package_id}"
CANCELLATION = "/return_refund/202309/cancellations/{cancel_id}"

READS = (
    Endpoint("POST", "/order/202309/orders/search", INFO, search.search),
    *(Endpoint("GET", f"/order/{version}/orders", INFO, detail.detail) for version in ("202309", "202507")),
    Endpoint("GET", "/order/202407/orders/{order_id}/price_detail", INFO, detail.price_detail),
    Endpoint("GET", "/order/202406/orders/{order_id}/external_orders", REFERENCES, references.get),
    Endpoint("POST", "/order/202406/orders/external_order_search", REFERENCES, references.search),
    Endpoint("POST", "/order/202406/orders/external_orders", WRITE_REFERENCES, references.add, is_write=True),
)
SHIPPING = (
    Endpoint("POST", "/fulfillment/202309/packages/search", FULFILMENT, package_reads.search),
    Endpoint("GET", PACKAGE, FULFILMENT, package_reads.detail),
    Endpoint("GET", f"{ORDER}/tracking", LOGISTICS, package_reads.tracking),
    Endpoint("POST", f"{ORDER}/packages", FULFILMENT, shipping.mark_shipped, is_write=True),
    Endpoint("POST", f"{PACKAGE}/ship", FULFILMENT, shipping.ship_package, is_write=True),
    Endpoint("POST", f"{ORDER}/shipping_info/update", LOGISTICS, shipping.update_order_shipping, is_write=True),
    Endpoint("POST", f"{PACKAGE}/shipping_info/update", FULFILMENT, shipping.update_package_shipping, is_write=True),
    Endpoint("GET", "/fulfillment/202309/orders/split_attributes", PACKAGES, shipping.split_attributes),
    Endpoint("POST", f"{ORDER}/split", PACKAGES, shipping.split, is_write=True),
)
CANCELLATIONS = (
    *(Endpoint("POST", f"/return_refund/{version}/cancellations", AFTER_SALES, cancellation_calls.create,
               is_write=True)
      for version in ("202309", "202602")),
    *(Endpoint("POST", f"/return_refund/{version}/cancellations/search", AFTER_SALES, cancellation_calls.search)
      for version in ("202309", "202602")),
    Endpoint("POST", f"{CANCELLATION}/approve", AFTER_SALES, cancellation_calls.approve, is_write=True),
    Endpoint("POST", f"{CANCELLATION}/reject", AFTER_SALES, cancellation_calls.reject, is_write=True),
)  # fmt: skip
ORDERS = (*READS, *SHIPPING, *CANCELLATIONS)
