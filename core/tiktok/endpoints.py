"""Every TikTok Shop call we make: one row each (Partner Center, API reference).

Paths carry their version. ``scope`` is what the seller must have granted. ``shop`` says whether ``shop_cipher``
goes along: uploads and the authorised shops refuse it. ``priority`` follows the order in which a scarce rate is
given out: 0 confirm shipment, 1 stock to zero, 2 stock, 3 order read, 4 price, 5 product, 6 to 9 backfill.
"""

from __future__ import annotations

from dataclasses import dataclass

AUTHORIZATION = "seller.authorization.info"
PRODUCT_READ = "seller.product.basic"
PRODUCT_WRITE = "seller.product.write"
LOGISTICS = "seller.logistics"
ORDER_READ = "seller.order.info"
ORDER_REFER = "seller.order.ext_ref.write"

# Fields of orders that hold the buyer's data under names which mean nothing private elsewhere.
BUYER_FIELDS = frozenset(
    {
        "name", "first_name_local_script", "last_name_local_script", "post_town", "address_name", "buyer_nickname",
        "buyer_avatar", "seller_note", "payment_auth_code", "channel_entity_national_registry_id",
    }
)  # fmt: skip

STOCK_TO_ZERO = 1
BACKFILL = 6
METADATA = 7


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``write``: a lost answer leaves its outcome unknown. An upload only makes a file that nothing names yet, so it
    counts as a write for the rates and not for the outcome. ``private`` names further fields, in lower case, that the
    journal must not keep."""

    name: str
    method: str
    path: str
    scope: str
    shop: bool = True
    write: bool = False
    upload: bool = False
    priority: int = 5
    private: frozenset[str] = frozenset()

    @property
    def bucket(self) -> str:
        """``write:product_create``: the kind decides the default rate, the name makes it one bucket per endpoint."""
        return f"{'write' if self.write or self.upload else 'read'}:{self.name}"


AUTHORIZED_SHOPS = Endpoint(
    "authorized_shops", "GET", "/authorization/202309/shops", AUTHORIZATION, shop=False, priority=METADATA
)
WEBHOOKS = Endpoint("webhooks", "GET", "/event/202309/webhooks", AUTHORIZATION, priority=METADATA)
WEBHOOK_SET = Endpoint("webhook_set", "PUT", "/event/202309/webhooks", AUTHORIZATION, write=True, priority=METADATA)
WEBHOOK_END = Endpoint("webhook_end", "DELETE", "/event/202309/webhooks", AUTHORIZATION, write=True, priority=METADATA)

WAREHOUSES = Endpoint("warehouses", "GET", "/logistics/202309/warehouses", LOGISTICS, priority=METADATA)

CATEGORIES = Endpoint("categories", "GET", "/product/202309/categories", PRODUCT_READ, priority=METADATA)
CATEGORY_RULES = Endpoint(
    "category_rules", "GET", "/product/202309/categories/{category_id}/rules", PRODUCT_READ, priority=METADATA
)
CATEGORY_ATTRIBUTES = Endpoint(
    "category_attributes", "GET", "/product/202309/categories/{category_id}/attributes", PRODUCT_READ, priority=METADATA
)
CATEGORY_RECOMMEND = Endpoint(
    "category_recommend", "POST", "/product/202309/categories/recommend", PRODUCT_READ, priority=METADATA
)
BRANDS = Endpoint("brands", "GET", "/product/202309/brands", PRODUCT_READ, priority=METADATA)
PREREQUISITES = Endpoint("prerequisites", "GET", "/product/202312/prerequisites", PRODUCT_READ, priority=METADATA)

IMAGE_UPLOAD = Endpoint("image_upload", "POST", "/product/202309/images/upload", PRODUCT_READ, shop=False, upload=True)
FILE_UPLOAD = Endpoint("file_upload", "POST", "/product/202309/files/upload", PRODUCT_READ, shop=False, upload=True)

PRODUCT_CREATE = Endpoint("product_create", "POST", "/product/202309/products", PRODUCT_WRITE, write=True)
PRODUCT_GET = Endpoint("product_get", "GET", "/product/202309/products/{product_id}", PRODUCT_READ)
PRODUCT_SEARCH = Endpoint("product_search", "POST", "/product/202502/products/search", PRODUCT_READ)
PRODUCT_WALK = Endpoint("product_walk", "POST", "/product/202502/products/search", PRODUCT_READ, priority=BACKFILL)
PRODUCT_EDIT = Endpoint("product_edit", "PUT", "/product/202509/products/{product_id}", PRODUCT_WRITE, write=True)
PRODUCT_PARTIAL_EDIT = Endpoint(
    "product_partial_edit", "POST", "/product/202509/products/{product_id}/partial_edit", PRODUCT_WRITE, write=True
)
PRODUCT_ACTIVATE = Endpoint("product_activate", "POST", "/product/202309/products/activate", PRODUCT_WRITE, write=True)
PRODUCT_DEACTIVATE = Endpoint(
    "product_deactivate", "POST", "/product/202309/products/deactivate", PRODUCT_WRITE, write=True
)
PRODUCT_DELETE = Endpoint("product_delete", "DELETE", "/product/202309/products", PRODUCT_WRITE, write=True)
PRICES_UPDATE = Endpoint(
    "prices_update",
    "POST",
    "/product/202309/products/{product_id}/prices/update",
    PRODUCT_WRITE,
    write=True,
    priority=4,
)
INVENTORY_UPDATE = Endpoint(
    "inventory_update",
    "POST",
    "/product/202309/products/{product_id}/inventory/update",
    PRODUCT_WRITE,
    write=True,
    priority=2,
)
INVENTORY_SEARCH = Endpoint("inventory_search", "POST", "/product/202309/inventory/search", PRODUCT_READ, priority=2)

ORDER_SEARCH = Endpoint(
    "order_search", "POST", "/order/202309/orders/search", ORDER_READ, priority=3, private=BUYER_FIELDS
)
ORDER_GET = Endpoint("order_get", "GET", "/order/202507/orders", ORDER_READ, priority=3, private=BUYER_FIELDS)
# The version before, which has the same fields, should TikTok Shop retire the newer one.
ORDER_GET_OLDER = Endpoint("order_get", "GET", "/order/202309/orders", ORDER_READ, priority=3, private=BUYER_FIELDS)
ORDER_REFERENCES_ADD = Endpoint(
    "order_references_add", "POST", "/order/202406/orders/external_orders", ORDER_REFER, write=True, priority=METADATA
)

ENDPOINTS: tuple[Endpoint, ...] = (
    AUTHORIZED_SHOPS,
    WEBHOOKS,
    WEBHOOK_SET,
    WEBHOOK_END,
    WAREHOUSES,
    CATEGORIES,
    CATEGORY_RULES,
    CATEGORY_ATTRIBUTES,
    CATEGORY_RECOMMEND,
    BRANDS,
    PREREQUISITES,
    IMAGE_UPLOAD,
    FILE_UPLOAD,
    PRODUCT_CREATE,
    PRODUCT_GET,
    PRODUCT_SEARCH,
    PRODUCT_WALK,
    PRODUCT_EDIT,
    PRODUCT_PARTIAL_EDIT,
    PRODUCT_ACTIVATE,
    PRODUCT_DEACTIVATE,
    PRODUCT_DELETE,
    PRICES_UPDATE,
    INVENTORY_UPDATE,
    INVENTORY_SEARCH,
    ORDER_SEARCH,
    ORDER_GET,
    ORDER_GET_OLDER,
    ORDER_REFERENCES_ADD,
)
