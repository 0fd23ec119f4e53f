"""Search Products and Get Product (Partner Center, Products API)."""

from __future__ import annotations

import base64
import json
from typing import Any

from sandbox.database import Row
from sandbox.tiktok import brands, categories, pictures, shelf
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.documents import Document
from sandbox.tiktok.gate import Ask
from sandbox.world import World

REACHABLE_ROWS = 10_000
STATUSES = (
    "ALL", "DRAFT", "PENDING", "FAILED", "ACTIVATE", "SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED", "FREEZE", "DELETED",
    "SCHEDULED",
)  # fmt: skip
AUDIT_STATUSES = ("AUDITING", "FAILED", "APPROVED")
PLAIN_FIELDS = (
    "title", "description", "package_dimensions", "package_weight", "external_product_id", "search_terms",
    "key_product_features", "scheduled_sale", "manufacturer_ids", "responsible_person_ids", "shipping_template_id",
    "primary_combined_product_id",
)  # fmt: skip
SKU_PLAIN_FIELDS = (
    "external_sku_id", "identifier_code", "extra_identifier_codes", "external_urls", "pre_sale", "fees",
    "sku_unit_count",
)  # fmt: skip


def search(ask: Ask) -> dict[str, Any]:
    """Search Products: newest update first, at most 10,000 rows deep."""
    size = check_page_size(ask.query["page_size"])
    offset = read_page_token(ask.query.get("page_token", ""))
    if offset + size > REACHABLE_ROWS:
        raise Refused(12052180, "Too many products. At most 10000 can be read; narrow the search by time.")
    where, params = _conditions(ask)
    total = ask.world.db.value(f"SELECT COUNT(*) FROM tt_products WHERE {where}", params)
    rows = ask.world.db.query(
        f"SELECT * FROM tt_products WHERE {where} ORDER BY update_time DESC, id DESC LIMIT ? OFFSET ?",
        [*params, size, offset],
    )
    skus = shelf.skus_of_many(ask.world, [row["id"] for row in rows])
    more = offset + len(rows) < total
    return {
        "total_count": total,
        "next_page_token": page_token(offset + size) if more else "",
        "products": [_row_on_wire(row, skus.get(row["id"], []), ask.shop.region) for row in rows],
    }


def check_page_size(size: int) -> int:
    """1 to 100, else 12019109."""
    if not 1 <= size <= 100:
        raise Refused(12019109, "The page size is invalid. It must be within 1 to 100.")
    return size


def page_token(offset: int) -> str:
    """An opaque token."""
    return base64.b64encode(f"offset={offset}\n".encode()).decode()


def read_page_token(token: str) -> int:
    """The offset of a token, else 12019108."""
    if not token:
        return 0
    try:
        text = base64.b64decode(token, validate=True).decode()
        return int(text.strip().removeprefix("offset="))
    except ValueError as error:
        raise Refused(12019108, "The page token is invalid.") from error


def _conditions(ask: Ask) -> tuple[str, list[Any]]:
    body = ask.body
    where, params = ["shop_id = ?"], [ask.shop.id]
    _add_status(body, where, params)
    _add_times(body, where, params)
    seller_skus, sku_ids = body.get("seller_skus") or [], body.get("sku_ids") or []
    if len(seller_skus) > 10:
        raise Refused(12019027, "There are too many seller SKUs. The maximum is 10.")
    if len(sku_ids) > 10:
        raise Refused(12019087, "There are too many SKU ids. The maximum is 10.")
    for column, wanted in (("seller_sku", seller_skus), ("id", sku_ids)):
        if wanted:
            marks = ",".join("?" * len(wanted))
            where.append(f"id IN (SELECT product_id FROM tt_skus WHERE shop_id = ? AND {column} IN ({marks}))")
            params += [ask.shop.id, *wanted]
    if body.get("return_draft_version"):
        where.append("(draft_document IS NOT NULL OR status = 'DRAFT')")
    return " AND ".join(where), params


def _add_status(body: dict[str, Any], where: list[str], params: list[Any]) -> None:
    status = body.get("status") or "ALL"
    if status not in STATUSES:
        raise Refused(12052910, f"The input parameters are invalid: status {status}.")
    if status != "ALL":
        where.append("status = ?")
        params.append(status)
    audits = body.get("audit_status") or []
    if set(audits) - set(AUDIT_STATUSES):
        raise Refused(12052910, "The input parameters are invalid: audit_status.")
    if audits:
        where.append(f"audit_status IN ({','.join('?' * len(audits))})")
        params += audits


def _add_times(body: dict[str, Any], where: list[str], params: list[Any]) -> None:
    for column, code in (("create_time", 12019118), ("update_time", 12019119)):
        low, high = body.get(f"{column}_ge"), body.get(f"{column}_le")
        if low is not None and high is not None and low > high:
            raise Refused(code, f"The {column} range is invalid.")
        for bound, sign in ((low, ">="), (high, "<=")):
            if bound is not None:
                where.append(f"{column} {sign} ?")
                params.append(bound)


def _row_on_wire(row: Row, skus: list[Row], region: str) -> dict[str, Any]:
    return {
        "id": row["id"],
        "title": row["title"],
        "status": row["status"],
        "create_time": row["create_time"],
        "update_time": row["update_time"],
        "has_draft": row["draft_document"] is not None,
        "is_not_for_sale": False,
        "sales_regions": [region],
        "product_sync_fail_reasons": [],
        "recommended_categories": [],
        "audit": _audit(row),
        "skus": [_search_sku(sku) for sku in skus],
    }


def _audit(row: Row) -> dict[str, Any]:
    return {"status": row["audit_status"], "pre_approved_reasons": json.loads(row["pre_approved_reasons"])}


def _search_sku(sku: Row) -> dict[str, Any]:
    """In search the shown price of a local seller sits in `tax_exclusive_price`, unlike in Get Product."""
    return {
        "id": sku["id"],
        "seller_sku": sku["seller_sku"],
        "status_info": {"status": "NORMAL"},
        "price": {"currency": sku["currency"], "tax_exclusive_price": sku["amount"]},
        "inventory": sku["inventory"],
    }


def get(ask: Ask) -> dict[str, Any]:
    """Get Product: the base version, or the one under review, or the draft."""
    product_id = ask.params["product_id"]
    row = ask.world.db.one(
        "SELECT * FROM tt_products WHERE id = ? AND shop_id = ?", (product_id, ask.shop.id)
    )  # fmt: skip
    if row is None:
        raise Refused(12019150, "The product id does not exist.")
    if row["status"] in ("FREEZE", "DELETED"):
        raise Refused(12052901, "The operation is not available in the current status of the product.")
    return _product_on_wire(ask.world, row, _wanted_version(ask, row))


def _wanted_version(ask: Ask, row: Row) -> Document:
    under_review = ask.query.get("return_under_review_version", False)
    draft = ask.query.get("return_draft_version", False)
    if under_review and draft:
        raise Refused(12052910, "The input parameters are invalid: ask for one version only.")
    text = row["document"]
    if under_review:
        text = row["review_document"] or (row["document"] if row["status"] == "PENDING" else None)
    if draft:
        text = row["draft_document"] or (row["document"] if row["status"] == "DRAFT" else None)
    if text is None:
        raise Refused(12052547, "There is no such version of the product. Read the online version.")
    document: Document = json.loads(text)
    return document


def _product_on_wire(world: World, row: Row, document: Document) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "id": row["id"],
        "status": row["status"],
        "product_status": row["product_status"],
        "audit": _audit(row),
        "audit_failed_reasons": json.loads(row["reasons"]),
        "create_time": row["create_time"],
        "update_time": row["update_time"],
        "has_draft": row["draft_document"] is not None,
        "is_cod_allowed": False,
        "is_not_for_sale": False,
        "is_pre_owned": False,
        "product_types": [],
        "recommended_categories": [],
        "title": "",
        "description": "",
        "category_chains": _chains(document),
        "main_images": [pictures.image_on_wire(world, image["uri"]) for image in document.get("main_images", [])],
        "product_attributes": document["product_attributes"],
    }
    wire |= {name: document[name] for name in PLAIN_FIELDS if name in document}
    wire |= _optional_parts(world, document)
    states = shelf.skus(world, row["id"])
    wire["skus"] = [_sku_on_wire(world, sku, states.get(sku["id"])) for sku in document["skus"]]
    return wire


def _chains(document: Document) -> list[dict[str, Any]]:
    if "category_id" not in document:
        return []
    return [
        {
            "id": one.id,
            "parent_id": one.parent_id,
            "local_name": one.name,
            "is_leaf": one.is_leaf,
        }
        for one in categories.chain(document["category_id"])
    ]


def _optional_parts(world: World, document: Document) -> dict[str, Any]:
    """Objects that reads leave out when they are not set."""
    parts: dict[str, Any] = {}
    brand = brands.all_brands().get(document.get("brand_id", ""))
    if brand is not None:
        parts["brand"] = {"id": brand.id, "name": brand.name}
    if "video" in document:
        parts["video"] = pictures.video_on_wire(world, document["video"]["id"])
    chart = document.get("size_chart", {}).get("image")
    if chart:
        parts["size_chart"] = {"image": pictures.image_on_wire(world, chart["uri"])}
    if document.get("certifications"):
        parts["certifications"] = [_certification(world, one) for one in document["certifications"]]
    return parts


def _certification(world: World, one: dict[str, Any]) -> dict[str, Any]:
    images = [pictures.image_on_wire(world, image["uri"]) for image in one.get("images") or []]
    files = [
        {
            "id": file["id"],
            "name": file["name"],
            "format": file["format"],
            "urls": [f"{world.base_url}{pictures.FOLDER}/{file['id']}"],
        }
        for file in one.get("files") or []
    ]
    return {"id": one["id"], "images": images, "files": files}


def _sku_on_wire(world: World, sku: dict[str, Any], state: Row | None) -> dict[str, Any]:
    new = sku.get("new_state", {})
    price = new.get("price") or {}
    amount, currency = price.get("amount", "0"), price.get("currency", "")
    inventory = new.get("inventory") or []
    if state is not None:
        amount, currency, inventory = state["amount"], state["currency"], state["inventory"]
    wire = {
        "id": sku["id"],
        "seller_sku": sku.get("seller_sku", ""),
        "status_info": {"status": "NORMAL"},
        "price": {"currency": currency, "sale_price": amount, "tax_exclusive_price": amount},
        "inventory": inventory,
        "sales_attributes": [_sales_attribute(world, one) for one in sku["sales_attributes"]],
    }
    return wire | {name: sku[name] for name in SKU_PLAIN_FIELDS if name in sku}


def _sales_attribute(world: World, one: dict[str, Any]) -> dict[str, Any]:
    wire = {name: one[name] for name in ("id", "name", "value_id", "value_name")}
    if one.get("sku_img"):
        wire["sku_img"] = pictures.image_on_wire(world, one["sku_img"]["uri"])
    more = one.get("supplementary_sku_images")
    if more:
        wire["supplementary_sku_images"] = [pictures.image_on_wire(world, image["uri"]) for image in more]
    return wire
