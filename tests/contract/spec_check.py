"""Compares TikTok Shop calls and answers with the published field list in tiktok_shop_spec.json.

`check_request` and `check_answer` give one sentence per difference, so an empty list means agreement. Of answers the
published list says which fields there are and of what type, and never which are required: an answer that lacks fields,
or has none at all, agrees with it, and what must be there is asserted by the tests that need it. Endpoints and fields
that the list (December 2025) lacks but the vendor documents elsewhere are named here, with their source.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

SPEC_FILE = Path(__file__).parent / "tiktok_shop_spec.json"
COMMON_QUERY = frozenset({"app_key", "sign", "timestamp"})
Fields = dict[str, dict[str, Any]]


def _field(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


def _required(*names: str) -> Fields:
    return {name: _field("string", required=True) for name in names}


_TOKENS: Fields = {
    "access_token": _field("string"),
    "access_token_expire_in": _field("int"),
    "refresh_token": _field("string"),
    "refresh_token_expire_in": _field("int"),
    "open_id": _field("string"),
    "seller_name": _field("string"),
    "seller_base_region": _field("string"),
    "user_type": _field("int"),
    "granted_scopes": _field("[]string"),
}
# Partner Center, "Seller authorization guide" and "Deauthorize Shop": unsigned token host, and a call newer than
# the list.
ENDPOINTS_OF_OTHER_PAGES: dict[str, dict[str, Fields]] = {
    "GET /api/v2/token/get": {
        "query": _required("app_key", "app_secret", "auth_code", "grant_type"),
        "data": _TOKENS,
    },
    "GET /api/v2/token/refresh": {
        "query": _required("app_key", "app_secret", "refresh_token", "grant_type"),
        "data": _TOKENS,
    },
    "DELETE /authorization/202403/shops": {"query": _required("shop_cipher"), "data": {}},
}
# Older versions that still answer, with the fields of their successor (Partner Center, "API versioning").
_EDIT = "PUT /product/202509/products/{product_id}"
_PARTIAL_EDIT = "POST /product/202509/products/{product_id}/partial_edit"
_CANCEL = "POST /return_refund/202309/cancellations"
OLDER_VERSIONS = {
    **{one.replace("202509", "202309"): one for one in (_EDIT, _PARTIAL_EDIT)},
    "GET /order/202309/orders": "GET /order/202507/orders",
    # Newer than the list; they differ by the support of virtual bundles.
    **{one.replace("202309", "202602"): one for one in (_CANCEL, f"{_CANCEL}/search")},
}
_SCHEDULED_SALE = _field(
    "object", fields={"is_enabled_scheduled_sale": _field("bool"), "schedule_sale_time": _field("int")}
)
_NEW_BODY_FIELDS: Fields = {
    "scheduled_sale": _SCHEDULED_SALE,
    "search_terms": _field("[]string"),
    "key_product_features": _field("[]string"),
    "locale": _field("string"),
    "auto_translate_enabled": _field("bool"),
}
_ORDER_LINES = _field(
    "[]object", fields={"order_line_id": _field("string", required=True), "sub_item_id": _field("string")}
)
_CANCEL_LINES = _field(
    "[]object",
    fields={"order_line_item_id": _field("string", required=True), "sub_order_line_item_id": _field("string")},
)
# Partner Center, Get Order Detail: the units inside a virtual bundle, later than the list.
_SUB_ITEMS: Fields = {
    "sub_item_info": _field(
        "[]object",
        fields={
            name: _field("string")
            for name in (
                "id", "sku_id", "product_id", "product_name", "sku_name", "sku_image", "seller_sku", "currency",
                "original_price", "sale_price", "seller_discount", "platform_discount", "display_status",
                "package_id", "package_status", "tracking_number", "shipping_provider_id", "shipping_provider_name",
                "cancel_reason", "cancel_user", "warehouse_id",
            )
        },
    )
}  # fmt: skip
# Fields of the 2026 changelog and of the current endpoint pages.
BODY_FIELDS_OF_OTHER_PAGES: dict[str, Fields] = {
    "POST /product/202309/products": _NEW_BODY_FIELDS,
    "POST /product/202309/products/listing_check": _NEW_BODY_FIELDS | {"category_version": _field("string")},
    "PUT /product/202509/products/{product_id}": _NEW_BODY_FIELDS | {"inventory_mode": _field("string")},
    "POST /product/202509/products/{product_id}/partial_edit": _NEW_BODY_FIELDS | {"inventory_mode": _field("string")},
    # Line and sub-line pairs for virtual bundles.
    "POST /fulfillment/202309/orders/{order_id}/packages": {"order_line_list": _ORDER_LINES},
    "POST /fulfillment/202309/orders/{order_id}/split": {
        "splittable_groups_v2": _field(
            "[]object", fields={"id": _field("string", required=True), "order_line_list": _ORDER_LINES}
        )
    },
    _CANCEL: {"order_line_list": _CANCEL_LINES},
}
DATA_FIELDS_OF_OTHER_PAGES: dict[str, Fields] = {
    "GET /product/202309/products/{product_id}": {
        "scheduled_sale": _SCHEDULED_SALE,
        "search_terms": _field("[]string"),
        "key_product_features": _field("[]string"),
        "product_tags": _field("[]string"),
    },
    "POST /product/202502/products/search": {"product_tags": _field("[]string"), "scheduled_sale": _SCHEDULED_SALE},
    "GET /fulfillment/202309/packages/{package_id}": {"package_sub_status": _field("string")},
}
# Fields inside listed objects that the list lacks, by endpoint and place of the object.
INNER_FIELDS_OF_OTHER_PAGES: dict[str, dict[str, Fields]] = {
    "GET /order/202507/orders": {"data.orders[].line_items[]": _SUB_ITEMS},
    "POST /order/202309/orders/search": {"data.orders[].line_items[]": _SUB_ITEMS},
    # Seen in live answers.
    "GET /fulfillment/202309/orders/{order_id}/tracking": {"data.tracking[]": {"action_code": _field("int")}},
    f"{_CANCEL}/search": {"data.cancellations[]": {"should_replenish_stock": _field("bool")}},
}
QUERY_FIELDS_OF_OTHER_PAGES: dict[str, Fields] = {
    # Needed for EU cross-border routes since March 2026.
    "GET /logistics/202309/delivery_options/{delivery_option_id}/shipping_providers": {
        "warehouse_region": _field("string"),
        "buyer_region": _field("string"),
    },
}


def check_answer(method: str, path: str, data: Any) -> list[str]:
    """Differences of an answer's `data` from the list. `path` may be the real one or the template."""
    name = endpoint_name(method, path)
    if name is None:
        return [f"{method} {path} is no documented endpoint"]
    if data is None:
        return []
    fields = _endpoint(name).get("data", {}) | DATA_FIELDS_OF_OTHER_PAGES.get(name, {})
    inner = INNER_FIELDS_OF_OTHER_PAGES.get(name, {})
    allowed = {f"{place} has the unknown field {field}" for place, more in inner.items() for field in more}
    found = [text for text in _compare(fields, data, "data") if text not in allowed]
    return found + [
        text
        for place, more in inner.items()
        for one in _reach(data, place.split(".")[1:])
        for text in _compare(more, {key: one[key] for key in one if key in more}, place)
    ]


def _reach(data: Any, steps: list[str]) -> list[dict[str, Any]]:
    """All objects at a place such as `orders[].line_items[]`."""
    if not steps:
        return [data]
    name, rest = steps[0].removesuffix("[]"), steps[1:]
    value = data.get(name) or []
    return [found for one in (value if isinstance(value, list) else [value]) for found in _reach(one, rest)]


def check_request(method: str, path: str, query: dict[str, str], body: Any = None) -> list[str]:
    """Differences of a request from the list: unknown names, wrong types, missing mandatory ones.

    `query` holds decoded text; `body` is the parsed JSON, or for uploads a dict of the parts.
    """
    name = endpoint_name(method, path)
    if name is None:
        return [f"{method} {path} is no documented endpoint"]
    endpoint = _endpoint(name)
    wanted = endpoint.get("query", {}) | QUERY_FIELDS_OF_OTHER_PAGES.get(name, {})
    common = frozenset() if path.startswith("/api/v2/token") else COMMON_QUERY
    given = {key: value for key, value in query.items() if key not in common}
    found = [f"query lacks {key}" for key in sorted(common - set(query))]
    found += _compare_query(wanted, given)
    fields = endpoint.get("body", {}) | BODY_FIELDS_OF_OTHER_PAGES.get(name, {})
    if isinstance(body, dict) and body.get("save_mode") == "AS_DRAFT":
        fields = {key: field | {"required": False} for key, field in fields.items()}
    return found + _compare(fields, {} if body is None else body, "body")


def endpoint_name(method: str, path: str) -> str | None:
    """`METHOD /path/{template}` of a real path or a template; a fixed path wins over one with parameters."""
    found = [name for name, pattern in _patterns() if pattern.fullmatch(f"{method} {path}")]
    name = min(found, key=lambda one: one.count("{"), default=None)
    return OLDER_VERSIONS.get(name, name) if name else None


@cache
def _endpoints() -> dict[str, dict[str, Fields]]:
    listed = json.loads(SPEC_FILE.read_text())["endpoints"]
    return {f"{one['method']} {one['path']}": one for one in listed} | ENDPOINTS_OF_OTHER_PAGES


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    names = [*_endpoints(), *OLDER_VERSIONS]
    return [(name, re.compile(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(name)))) for name in names]


def _endpoint(name: str) -> dict[str, Fields]:
    return {part: fields or {} for part, fields in _endpoints()[name].items() if part in ("query", "body", "data")}


def _compare_query(wanted: Fields, given: dict[str, str]) -> list[str]:
    found = [f"query has the unknown parameter {name}" for name in given if name not in wanted]
    found += [f"query lacks {name}" for name, field in wanted.items() if field.get("required") and name not in given]
    for name, text in given.items():
        kind = wanted.get(name, {}).get("type")
        if kind == "int" and not re.fullmatch(r"-?\d+", text):
            found.append(f"query.{name} is {text!r}, not a whole number")
        if kind == "bool" and text not in ("true", "false", "0", "1"):
            found.append(f"query.{name} is {text!r}, not true or false")
    return found


def _compare(fields: Fields, given: Any, place: str) -> list[str]:
    if not isinstance(given, dict):
        return [f"{place} is {type(given).__name__}, not object"]
    found = [f"{place} has the unknown field {name}" for name in given if name not in fields]
    missing = [name for name, field in fields.items() if field.get("required") and given.get(name) is None]
    found += [f"{place} lacks {name}" for name in missing]
    for name, value in given.items():
        if name in fields and value is not None:
            found += _compare_value(fields[name], value, f"{place}.{name}")
    return found


def _compare_value(field: dict[str, Any], value: Any, place: str) -> list[str]:
    kind: str = field["type"]
    if kind.startswith("[]"):
        if not isinstance(value, list):
            return [f"{place} is {type(value).__name__}, not a list"]
        inner = field | {"type": kind[2:]}
        return [text for one in value for text in _compare_value(inner, one, f"{place}[]")]
    if kind == "object":
        # An object listed without fields is free.
        return _compare(field["fields"], value, place) if "fields" in field else []
    return [] if _is_of(kind, value) else [f"{place} is {type(value).__name__}, not {kind}"]


def _is_of(kind: str, value: Any) -> bool:
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "file":
        return True
    return isinstance(value, {"string": str, "bool": bool}[kind])
