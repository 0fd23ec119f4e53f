"""Every signed endpoint the sandbox serves: path, scopes, cipher rule and what answers it."""

from __future__ import annotations

from sandbox.tiktok import batches, catalogue_reads, pictures, product_events, product_reads, products, stock
from sandbox.tiktok.gate import Endpoint
from sandbox.tiktok.orders.endpoints import ORDERS

AUTHORIZATION = ("seller.authorization.info",)
SHOP = ("seller.shop.info", "seller.authorization.info")
READ = ("seller.product.basic",)
WRITE = ("seller.product.write",)
LOGISTICS = ("seller.logistics", "seller.fulfillment.basic")

IDENTITY = (
    Endpoint("GET", "/authorization/202309/shops", AUTHORIZATION, catalogue_reads.authorized_shops, "refused"),
    Endpoint("DELETE", "/authorization/202403/shops", AUTHORIZATION, catalogue_reads.deauthorize_shop, is_write=True),
    Endpoint("GET", "/seller/202309/shops", SHOP, catalogue_reads.seller_shops, "ignored"),
    Endpoint("GET", "/seller/202309/permissions", SHOP, catalogue_reads.seller_permissions, "ignored"),
    Endpoint("GET", "/event/202309/webhooks", AUTHORIZATION, product_events.get),
    Endpoint("PUT", "/event/202309/webhooks", AUTHORIZATION, product_events.put, is_write=True),
    Endpoint("DELETE", "/event/202309/webhooks", AUTHORIZATION, product_events.delete, is_write=True),
)
PLACES = (
    Endpoint("GET", "/logistics/202309/warehouses", LOGISTICS, catalogue_reads.warehouses),
    Endpoint(
        "GET", "/logistics/202309/warehouses/{warehouse_id}/delivery_options", LOGISTICS,
        catalogue_reads.delivery_options,
    ),
    Endpoint(
        "GET", "/logistics/202309/delivery_options/{delivery_option_id}/shipping_providers", LOGISTICS,
        catalogue_reads.shipping_providers,
    ),
)  # fmt: skip
CATALOGUE = (
    Endpoint("GET", "/product/202309/categories", READ, catalogue_reads.get_categories),
    Endpoint("GET", "/product/202309/categories/{category_id}/attributes", READ, catalogue_reads.get_attributes),
    Endpoint("GET", "/product/202309/categories/{category_id}/rules", READ, catalogue_reads.get_rules),
    Endpoint("POST", "/product/202309/categories/recommend", READ, catalogue_reads.recommend_category),
    Endpoint("GET", "/product/202309/brands", READ, catalogue_reads.get_brands),
    Endpoint("GET", "/product/202312/prerequisites", READ, catalogue_reads.prerequisites),
)
UPLOADS = (
    Endpoint(
        "POST", "/product/202309/images/upload", READ, pictures.upload_image, "ignored", is_write=True,
        is_multipart=True,
    ),
    Endpoint(
        "POST", "/product/202309/files/upload", READ, pictures.upload_file, "ignored", is_write=True,
        is_multipart=True,
    ),
)  # fmt: skip
PRODUCTS = (
    Endpoint("POST", "/product/202502/products/search", READ, product_reads.search),
    Endpoint("GET", "/product/202309/products/{product_id}", READ, product_reads.get),
    Endpoint("POST", "/product/202309/products", WRITE, products.create, is_write=True),
    Endpoint("POST", "/product/202309/products/listing_check", READ, products.check_listing),
    Endpoint("DELETE", "/product/202309/products", WRITE, batches.delete, is_write=True),
    Endpoint("POST", "/product/202309/products/activate", WRITE, batches.activate, is_write=True),
    Endpoint("POST", "/product/202309/products/deactivate", WRITE, batches.deactivate, is_write=True),
    Endpoint("POST", "/product/202309/products/recover", WRITE, batches.recover, is_write=True),
    Endpoint("POST", "/product/202309/inventory/search", READ, stock.search_inventory),
    Endpoint(
        "POST", "/product/202309/products/{product_id}/inventory/update", WRITE, stock.update_inventory, is_write=True
    ),
    Endpoint(
        "POST", "/product/202309/products/{product_id}/prices/update", WRITE, products.update_price, is_write=True
    ),
    *(Endpoint("PUT", f"/product/{version}/products/{{product_id}}", WRITE, products.edit, is_write=True)
      for version in ("202309", "202509")),
    *(Endpoint("POST", f"/product/{version}/products/{{product_id}}/partial_edit", WRITE, products.partial_edit,
               is_write=True)
      for version in ("202309", "202509")),
)  # fmt: skip
ENDPOINTS = (*IDENTITY, *PLACES, *CATALOGUE, *UPLOADS, *PRODUCTS, *ORDERS)
