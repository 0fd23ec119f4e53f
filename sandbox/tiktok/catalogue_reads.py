"""Categories, rules, attributes, brands, prerequisites, shops, warehouses: what a client reads before it lists."""

from __future__ import annotations

from typing import Any

from sandbox.tiktok import accounts, brands, categories, category_rules, logistics, product_events
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.product_checks import permission
from sandbox.tiktok.product_reads import check_page_size, page_token, read_page_token
from sandbox.tiktok.text_checks import check_title

CHECK_ITEMS = (
    "SHOP_STATUS", "SHOP_TAX", "PICKUP_WAREHOUSE", "RETURN_WAREHOUSE", "DELIVERY_OPTION", "SHIPPING_TEMPLATE",
    "PRODUCT_QUANTITY_LIMIT", "EXTENDED_PRODUCER_RESPONSIBILITY", "BANk_ACCOUNT", "CONTACT_INFO",
)  # fmt: skip
MOST_BRAND_ROWS = 10_000


def authorized_shops(ask: Ask) -> dict[str, Any]:
    """Get Authorized Shops."""
    shop = {
        "id": ask.shop.id,
        "name": ask.shop.name,
        "region": ask.shop.region,
        "seller_type": "LOCAL",
        "cipher": accounts.cipher(ask.token.app_key, ask.shop.id),
        "code": ask.shop.code,
    }
    return {"shops": [shop]}


def deauthorize_shop(ask: Ask) -> dict[str, Any]:
    """Deauthorize Shop: the app gives its permission back."""
    product_events.deauthorize(ask.world, ask.token.app_key, ask.shop.id)
    return {}


def seller_shops(ask: Ask) -> dict[str, Any]:
    """Get Active Shops: no cipher here, and inactive shops are left out."""
    shops = [{"id": ask.shop.id, "region": ask.shop.region}] if ask.shop.is_active else []
    return {"shops": shops}


def seller_permissions(ask: Ask) -> dict[str, Any]:
    """Get Seller Permissions: the demo sellers are local ones."""
    return {"permissions": []}


def _need_v2(version: str | None) -> None:
    if version != "v2":
        raise Refused(12052217, "All regions must use V2 categories. Set category_version to v2.")


def get_categories(ask: Ask) -> dict[str, Any]:
    """Get Categories: the whole tree in one flat list."""
    _need_v2(ask.query.get("category_version"))
    keyword = ask.query.get("keyword", "").lower()
    found = [one for one in categories.tree().values() if keyword in one.name.lower()]
    return {
        "categories": [
            {
                "id": one.id,
                "parent_id": one.parent_id,
                "local_name": one.name,
                "is_leaf": one.is_leaf,
                "permission_statuses": permission(ask.shop, one),
            }
            for one in found
        ]
    }


def _leaf(ask: Ask) -> categories.Category:
    _need_v2(ask.query.get("category_version"))
    category = categories.tree().get(ask.params["category_id"])
    if category is None:
        raise Refused(12052023, f"The category {ask.params['category_id']} does not exist.")
    if not category.is_leaf:
        raise Refused(12052024, f"The category {category.id} is not a leaf category.")
    return category


def get_attributes(ask: Ask) -> dict[str, Any]:
    """Get Attributes."""
    return {"attributes": category_rules.attributes_on_wire(_leaf(ask).id)}


def get_rules(ask: Ask) -> dict[str, Any]:
    """Get Category Rules."""
    return category_rules.rules_on_wire(_leaf(ask).id)


def recommend_category(ask: Ask) -> dict[str, Any]:
    """Recommend Category: by the words of the title."""
    _need_v2(ask.body.get("category_version"))
    title = ask.body["product_title"]
    for problem in check_title(title, ask.shop.region):
        raise problem
    leaf = categories.recommend(title)
    if leaf is None:
        raise Refused(12019064, "No category matches the product.")
    path = [
        {
            "id": one.id,
            "name": one.name,
            "level": one.level,
            "is_leaf": one.is_leaf,
            "permission_statuses": permission(ask.shop, one),
        }
        for one in categories.chain(leaf.id)
    ]
    return {"leaf_category_id": leaf.id, "categories": path}


def get_brands(ask: Ask) -> dict[str, Any]:
    """Get Brands: authorised ones first; `brand_status` only with a category."""
    size, offset = check_page_size(ask.query["page_size"]), read_page_token(ask.query.get("page_token", ""))
    if offset + size > MOST_BRAND_ROWS:
        raise Refused(12019123, "The page is beyond the maximum.")
    category = None
    if "category_id" in ask.query:
        category = categories.tree().get(ask.query["category_id"])
        if category is None:
            raise Refused(12052023, f"The category {ask.query['category_id']} does not exist.")
    prefix, mine = ask.query.get("brand_name", "").lower(), brands.authorised(ask.shop.id)
    found = [one for one in brands.all_brands().values() if one.name.lower().startswith(prefix)]
    if ask.query.get("is_authorized"):
        found = [one for one in found if one.id in mine]
    found.sort(key=lambda one: one.id not in mine)
    page = [_brand(one, category, is_mine=one.id in mine) for one in found[offset : offset + size]]
    more = offset + size < len(found)
    return {"brands": page, "next_page_token": page_token(offset + size) if more else "", "total_count": len(found)}


def _brand(brand: brands.Brand, category: categories.Category | None, *, is_mine: bool) -> dict[str, Any]:
    """With the vendor's spelling of the status."""
    wire: dict[str, Any] = {
        "id": brand.id,
        "name": brand.name,
        "authorized_status": "AUTHORIZED" if is_mine else "UNAUTHORIEZD",
        "is_t1_brand": brand.is_t1,
    }
    if category is not None:
        wire["brand_status"] = "AVAILABLE" if brands.is_available(brand, category) else "UNAVAILABLE"
    return wire


def prerequisites(ask: Ask) -> dict[str, Any]:
    """Check Listing Prerequisites 202312, with the vendor's spelling of one item."""
    has_return = any(
        one.shop_id == ask.shop.id and one.type == "RETURN_WAREHOUSE" for one in logistics.WAREHOUSES
    )  # fmt: skip
    failed = {} if has_return else {"RETURN_WAREHOUSE": ["Set up a return warehouse in Seller Center."]}
    return {
        "check_results": [
            {"check_item": item, "is_failed": item in failed, "fail_reasons": failed.get(item, [])}
            for item in CHECK_ITEMS
        ]
    }


def warehouses(ask: Ask) -> dict[str, Any]:
    """Get Warehouse List."""
    return {"warehouses": logistics.warehouses_on_wire(ask.shop.id)}


def delivery_options(ask: Ask) -> dict[str, Any]:
    """Get Warehouse Delivery Options."""
    scope = ask.query.get("scope", "WAREHOUSE")
    return {"delivery_options": logistics.delivery_options(ask.shop.id, ask.params["warehouse_id"], scope)}


def shipping_providers(ask: Ask) -> dict[str, Any]:
    """Get Shipping Providers."""
    return {"shipping_providers": logistics.shipping_providers(ask.shop.region, ask.params["delivery_option_id"])}
