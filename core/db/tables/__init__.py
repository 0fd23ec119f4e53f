"""The schema, one file per area. Import tables from here: ``from core.db.tables import products``."""

from core.db.tables.catalogue import (
    pending_pictures,
    picture_checks,
    product_states,
    products,
    pull_states,
    store_brands,
    store_categories,
    variants,
)
from core.db.tables.connections import (
    connection_checks,
    connection_settings,
    connections,
    oauth_states,
    shops,
    store_accounts,
    tiktok_apps,
    warehouses,
)
from core.db.tables.journal import api_calls, inbox, issues
from core.db.tables.listings import listing_skus, listings, short_links, uploaded_pictures
from core.db.tables.mappings import category_rules, mapping_history, mappings, shop_brands, shop_categories
from core.db.tables.orders import (
    latencies,
    shop_order_lines,
    shop_orders,
    stock_check_items,
    stock_checks,
    stock_deductions,
    store_order_statuses,
    store_orders,
)
from core.db.tables.people import audit, login_attempts, sessions, sign_in_links, users
from core.db.tables.schema import metadata
from core.db.tables.work import cursors, leases, occurrences, rate_buckets, run_items, runs

__all__ = [
    "api_calls",
    "audit",
    "category_rules",
    "connection_checks",
    "connection_settings",
    "connections",
    "cursors",
    "inbox",
    "issues",
    "latencies",
    "leases",
    "listing_skus",
    "listings",
    "login_attempts",
    "mapping_history",
    "mappings",
    "metadata",
    "oauth_states",
    "occurrences",
    "pending_pictures",
    "picture_checks",
    "product_states",
    "products",
    "pull_states",
    "rate_buckets",
    "run_items",
    "runs",
    "sessions",
    "shop_brands",
    "shop_categories",
    "shop_order_lines",
    "shop_orders",
    "shops",
    "short_links",
    "sign_in_links",
    "stock_check_items",
    "stock_checks",
    "stock_deductions",
    "store_accounts",
    "store_brands",
    "store_categories",
    "store_order_statuses",
    "store_orders",
    "tiktok_apps",
    "uploaded_pictures",
    "users",
    "variants",
    "warehouses",
]
