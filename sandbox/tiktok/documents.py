"""How a product is stored: a document in the shape of the request, with ids given and names resolved.

Prices and stock are not part of the document: they live in `tt_skus`, where they change at once and without review.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sandbox.tiktok.category_rules import KINDS
from sandbox.tiktok.sku_checks import is_own_id

NOT_CONTENT = ("save_mode", "idempotency_key", "inventory_mode", "replicated_products", "subscribe_info_edit", "skus")
SKU_STATE = ("price", "inventory", "list_price", "external_list_prices")
Document = dict[str, Any]
Names = dict[tuple[str, str], tuple[str, str]]


def new_id() -> str:
    """19 digits beginning with 1729, far beyond what a double holds."""
    return f"1729{secrets.randbelow(10**15):015d}"


def own_id(*names: str) -> str:
    """The 19-digit id of a custom attribute or value: the same for the same names."""
    digest = hashlib.sha256("\x1f".join(names).encode()).hexdigest()
    return f"7512{int(digest[:15], 16) % 10**15:015d}"


def make(body: dict[str, Any], known: Document | None = None) -> Document:
    """The document of a request body. `known` is the document being edited, whose custom names its ids refer to."""
    document = {name: value for name, value in body.items() if name not in NOT_CONTENT and not _is_blank(value)}
    names = _names(known)
    document["product_attributes"] = [_product_attribute(one) for one in body.get("product_attributes") or []]
    document["skus"] = [_sku(sku, names) for sku in body.get("skus") or []]
    return document


def _is_blank(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _product_attribute(one: dict[str, Any]) -> dict[str, Any]:
    kind = KINDS.get(one["id"])
    values = []
    for value in one["values"]:
        id, name = value.get("id") or "", value.get("name") or ""
        if kind is not None and id in kind.value_ids:
            name = kind.value_ids[id]
        elif kind is not None and name in kind.values:
            id = next(known_id for known_id, known_name in kind.value_ids.items() if known_name == name)
        values.append({"id": id or own_id(one["id"], name), "name": name})
    return {"id": one["id"], "name": kind.name if kind else "", "values": values}


def _sku(sku: dict[str, Any], names: Names) -> dict[str, Any]:
    kept = {name: value for name, value in sku.items() if name not in SKU_STATE and not _is_blank(value)}
    kept["id"] = sku.get("id") or new_id()
    kept["sales_attributes"] = [_sales_attribute(one, names) for one in sku.get("sales_attributes") or []]
    return kept


def _sales_attribute(one: dict[str, Any], names: Names) -> dict[str, Any]:
    """Ids win over names; a name that TikTok knows gets TikTok's id, any other one of its own."""
    id, name = one.get("id") or "", one.get("name") or ""
    kind = KINDS.get(id) or next((k for k in KINDS.values() if k.sales and k.name.lower() == name.lower()), None)
    id = id or (kind.id if kind else own_id(name))
    value_id, value_name = one.get("value_id") or "", one.get("value_name") or ""
    values = kind.value_ids if kind else {}
    if value_id in values:
        value_name = values[value_id]
    elif not value_id:
        value_id = next((v for v, text in values.items() if text == value_name), own_id(id, value_name))
    old_name, old_value = names.get((id, value_id), ("", ""))
    resolved = {
        "id": id,
        "name": kind.name if kind else name or old_name,
        "value_id": value_id,
        "value_name": value_name or old_value,
    }
    return resolved | {key: one[key] for key in ("sku_img", "supplementary_sku_images") if one.get(key)}


def _names(document: Document | None) -> Names:
    """Names behind the custom ids of a document."""
    attributes = [one for sku in (document or {}).get("skus", []) for one in sku["sales_attributes"]]
    return {
        (one["id"], one["value_id"]): (one["name"], one["value_name"])
        for one in attributes
        if is_own_id(one["value_id"])
    }


def sku_results(document: Document) -> list[dict[str, Any]]:
    """The `skus` of the answers of create and edit."""
    return [_sku_result(sku) for sku in document["skus"]]


def _sku_result(sku: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": sku["id"],
        "seller_sku": sku.get("seller_sku", ""),
        "sales_attributes": [{"id": one["id"], "value_id": one["value_id"]} for one in sku["sales_attributes"]],
    }
    return result | {key: sku[key] for key in ("external_sku_id", "fees") if key in sku}
