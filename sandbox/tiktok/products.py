"""Create, edit and partially edit products, and the dry run (Partner Center, Products API)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox.database import Row
from sandbox.tiktok import brands, categories, documents, shelf, sku_checks
from sandbox.tiktok.answers import Refused
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.product_checks import Listing, problems

KEY_LONGEST = 128
KEY_SECONDS = 24 * 3600
CLOSED = ("FREEZE", "DELETED")
NO_DRAFT = ("FREEZE", "DELETED", "PENDING")
BRAND_DROPPED = "The brand is not available in this category and was left out."


def create(ask: Ask) -> dict[str, Any]:
    """Create Product. The same `idempotency_key` with the same body gives the first answer again for a day; with
    another body it is refused."""
    key = ask.body.get("idempotency_key") or ""
    if len(key) > KEY_LONGEST:
        raise Refused(12052910, "The input parameters are invalid: idempotency_key is over 128 characters.")
    digest = hashlib.sha256(json.dumps(ask.body, sort_keys=True).encode()).hexdigest()
    with ask.world.db.transaction():
        first = _first_answer(ask, key, digest)
        if first is not None:
            ask.world.count("tiktok.idempotent_replays")
            return first
        answer = _create(ask)
        if key:
            ask.world.db.execute(
                "INSERT OR REPLACE INTO tt_idempotency VALUES (?, ?, ?, ?, ?)",
                (ask.shop.id, key, digest, json.dumps(answer), ask.world.clock.now()),
            )
        return answer


def _first_answer(ask: Ask, key: str, digest: str) -> dict[str, Any] | None:
    if not key:
        return None
    row = ask.world.db.one("SELECT * FROM tt_idempotency WHERE shop_id = ? AND key = ?", (ask.shop.id, key))
    if row is None or row["made"] < ask.world.clock.now() - KEY_SECONDS:
        return None
    if row["body_hash"] != digest:
        words = "The input parameters are invalid: this idempotency_key was used with another request body."
        raise Refused(12052910, words)
    answer: dict[str, Any] = json.loads(row["answer"])
    return answer


def _create(ask: Ask) -> dict[str, Any]:
    is_draft = _is_draft(ask.body)
    body, warnings = _settle_brand(ask.body)
    _refuse_first_problem(Listing(ask.world, ask.shop, body, is_draft=is_draft))
    _refuse_taken_external_id(ask, "")
    if not is_draft:
        shelf.take_allowance(ask.world, ask.shop.id, ask.shop.daily_products)
    product_id, document = documents.new_id(), documents.make(body)
    shelf.insert(ask.world, ask.shop.id, product_id, document, is_draft=is_draft)
    shelf.put_skus(ask.world, ask.shop.id, product_id, document, body.get("skus") or [], is_live=not is_draft)
    ask.world.count(f"tiktok.products_created.{ask.shop.id}")
    return {"product_id": product_id, "skus": documents.sku_results(document), "warnings": warnings}


def _is_draft(body: dict[str, Any]) -> bool:
    mode = body.get("save_mode") or "LISTING"
    if mode not in ("LISTING", "AS_DRAFT"):
        raise Refused(12052910, f"The input parameters are invalid: save_mode {mode}.")
    return bool(mode == "AS_DRAFT")


def _refuse_first_problem(listing: Listing) -> None:
    problem = next(problems(listing), None)
    if problem is not None:
        raise problem


def _settle_brand(body: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """An ordinary brand that the category does not take is dropped with a warning."""
    brand = brands.all_brands().get(body.get("brand_id") or "")
    category = categories.tree().get(body.get("category_id") or "")
    if brand is None or brand.is_t1 or category is None or brands.is_available(brand, category):
        return body, []
    return {name: value for name, value in body.items() if name != "brand_id"}, [{"message": BRAND_DROPPED}]


def _refuse_taken_external_id(ask: Ask, product_id: str) -> None:
    external = ask.body.get("external_product_id")
    if not external:
        return
    taken = ask.world.db.one(
        "SELECT 1 FROM tt_products WHERE shop_id = ? AND external_product_id = ? AND id <> ? AND status <> 'DELETED'",
        (ask.shop.id, external, product_id),
    )
    if taken:
        raise Refused(12052996, f"The external product id {external} is used by another product.")


def edit(ask: Ask) -> dict[str, Any]:
    """Edit Product: everything is overwritten, blanks included, but price and inventory that are left out stay."""
    return _edit(ask, lambda row: ask.body) | {"warnings": []}


def partial_edit(ask: Ask) -> dict[str, Any]:
    """Partial Edit Product: top-level properties left out stay, those given replace the old ones as a whole."""

    def merged(row: Row) -> dict[str, Any]:
        newest: dict[str, Any] = json.loads(row["draft_document"] or row["review_document"] or row["document"])
        return newest | ask.body

    return _edit(ask, merged)


def _edit(ask: Ask, body_of: Any) -> dict[str, Any]:
    with ask.world.db.transaction():
        row = shelf.product(ask.world, ask.shop.id, ask.params["product_id"])
        is_draft = _is_draft(ask.body)
        if row["status"] in (NO_DRAFT if is_draft else CLOSED):
            raise Refused(12052901, "The operation is not available in the current status of the product.")
        body, _ = _settle_brand(body_of(row))
        _check_sku_ids(ask, row, body)
        _refuse_first_problem(Listing(ask.world, ask.shop, body, row["id"], is_draft))
        _refuse_taken_external_id(ask, row["id"])
        document = documents.make(body, json.loads(row["document"]))
        audit = _store_edit(ask, row, document, body.get("skus") or [], is_draft=is_draft)
        return {"product_id": row["id"], "audit": {"status": audit}, "skus": documents.sku_results(document)}


def _check_sku_ids(ask: Ask, row: Row, body: dict[str, Any]) -> None:
    """SKUs with an id must be of this product, and each named once. Those of a waiting version count too."""
    known = set(shelf.skus(ask.world, row["id"]))
    for version in ("review_document", "draft_document"):
        known |= {sku["id"] for sku in json.loads(row[version] or '{"skus":[]}')["skus"]}
    ids = [sku["id"] for sku in body.get("skus") or [] if sku.get("id")]
    if len(set(ids)) < len(ids):
        raise Refused(12052553, "A SKU id is duplicated.")
    foreign = [id for id in ids if id not in known]
    if foreign:
        raise Refused(12052557, f"The SKU {foreign[0]} does not belong to the product.")


def _store_edit(
    ask: Ask, row: Row, document: documents.Document, given: list[dict[str, Any]], *, is_draft: bool
) -> str:
    """Keep the new version where its state asks for; gives the audit status of the answer."""
    world, id = ask.world, row["id"]
    if is_draft and row["status"] != "DRAFT":
        shelf.change(world, id, draft_document=document)
        return str(row["audit_status"])
    if row["status"] == "ACTIVATE":
        return _store_edit_of_live(ask, row, document, given)
    status, audit, due = row["status"], "NONE", None
    if row["status"] in ("DRAFT", "PENDING", "FAILED") and not is_draft:
        status, audit, due = "PENDING", "AUDITING", shelf.review_due(world)
        if row["status"] == "DRAFT":
            shelf.take_allowance(world, ask.shop.id, ask.shop.daily_products)
    shelf.put_skus(world, ask.shop.id, id, document, given, is_live=not is_draft)
    shelf.change(
        world, id, title=document.get("title", ""), document=document, status=status, audit_status=audit,
        review_due=due, reasons=[], submissions=row["submissions"] + 1,
        external_product_id=document.get("external_product_id"),
    )  # fmt: skip
    return audit


def _store_edit_of_live(ask: Ask, row: Row, document: documents.Document, given: list[dict[str, Any]]) -> str:
    """Price and stock of a live product change at once. Other changes wait for review as a second version."""
    world, id = ask.world, row["id"]
    live = shelf.skus(world, id)
    for asked in given:
        if asked.get("id") in live:
            _set_state(ask, asked)
    if _content(document) == _content(json.loads(row["document"])):
        shelf.change(world, id, draft_document=None)
        return "APPROVED"
    for sku, asked in zip(document["skus"], given, strict=True):
        if sku["id"] not in live:
            sku["new_state"] = {key: asked[key] for key in ("price", "inventory") if key in asked}
    shelf.change(
        world, id, review_document=document, draft_document=None, audit_status="AUDITING",
        review_due=shelf.review_due(world), submissions=row["submissions"] + 1,
    )  # fmt: skip
    return "AUDITING"


def _set_state(ask: Ask, asked: dict[str, Any]) -> None:
    if asked.get("price"):
        shelf.set_price(ask.world, asked["id"], asked["price"])
    if asked.get("inventory"):
        shelf.set_inventory(ask.world, asked["id"], asked["inventory"])


def _content(document: documents.Document) -> documents.Document:
    """What a reviewer looks at, so without the version of the category tree that the document names."""
    return {name: value for name, value in document.items() if name != "category_version"}


def check_listing(ask: Ask) -> dict[str, Any]:
    """Check Product Listing: a dry run that tells every broken rule, and keeps nothing."""
    # Its generated field list has no category_version, so the current tree is meant when none is named.
    body = {"category_version": "v2"} | ask.body
    found = list(problems(Listing(ask.world, ask.shop, body)))
    reasons = [{"code": one.code, "message": one.message} for one in found]
    return {"check_result": "FAILED" if found else "PASS", "fail_reasons": reasons}


def update_price(ask: Ask) -> dict[str, Any]:
    """Update Price: only of live products; all SKUs or none."""
    with ask.world.db.transaction():
        row = shelf.product(ask.world, ask.shop.id, ask.params["product_id"])
        if row["status"] != "ACTIVATE":
            raise Refused(12019113, "The product status is invalid. Prices can be updated for live products only.")
        _check_price_skus(ask, set(shelf.skus(ask.world, row["id"])))
        for sku in ask.body["skus"]:
            for problem in sku_checks.check_price(ask.shop, sku["price"], bad_format=12052012):
                raise problem
            shelf.set_price(ask.world, sku["id"], sku["price"])
        shelf.change(ask.world, row["id"])
    return {}


def _check_price_skus(ask: Ask, known: set[str]) -> None:
    ids = [sku["id"] for sku in ask.body["skus"]]
    if not ids:
        raise Refused(12052902, "The SKU list is empty.")
    if len(set(ids)) < len(ids):
        raise Refused(12052553, "A SKU id is duplicated.")
    for id in ids:
        if id not in known:
            raise Refused(12052557, f"The SKU {id} does not belong to the product.")
