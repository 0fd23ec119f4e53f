"""The reviewers: after a while each waiting product passes or fails, by seeded chance or by order."""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Row
from sandbox.tiktok import product_events, shelf
from sandbox.world import World

REJECT_RATE = 0.12
BATCH = 500
REASONS = (
    ("Product Name", "Title does not match the pictures",
     "The title and the first picture show different goods. Correct one of them and submit again."),
    ("Product Name", "Title contains promotional words",
     "Remove words such as sale, free delivery or best price from the title."),
    ("Main Image", "Picture contains text or watermark",
     "The first picture carries text, a logo or a watermark. Upload a picture that shows only the product."),
    ("Main Image", "Picture is blurred",
     "The first picture is not sharp enough. Upload one of at least 600 x 600 pixels."),
    ("Product Category", "Category does not fit the product",
     "The product belongs to another category. Choose it by the title and submit again."),
    ("Product Description", "Description sends buyers elsewhere",
     "The description names another website or contact. Remove links, e-mail addresses and telephone numbers."),
    ("Brand", "Brand could not be verified",
     "The pictures show a brand that the product does not name. Choose the brand or prove the right to sell it."),
    ("Product Attributes", "Attributes contradict the description",
     "The material given differs from the one in the description. Correct the attribute."),
)  # fmt: skip


def run_due(world: World) -> int:
    """Judge everything whose time has come; gives how many."""
    rows = world.db.query(
        "SELECT * FROM tt_products WHERE review_due <= ? ORDER BY review_due LIMIT ?", (world.clock.now(), BATCH)
    )
    for row in rows:
        judge(world, row)
    return len(rows)


def run_now(world: World) -> int:
    """Judge everything that waits, due or not."""
    rows = world.db.query("SELECT * FROM tt_products WHERE review_due IS NOT NULL")
    for row in rows:
        judge(world, row)
    return len(rows)


def judge(world: World, row: Row) -> None:
    """By chance: the same goods submitted the same number of times meet the same fate under the same seed."""
    skus = json.loads(row["document"])["skus"]
    first_sku = skus[0].get("seller_sku", "") if skus else ""
    draw = world.random(f"review:{first_sku}:{row['title']}:{row['submissions']}")
    if draw.random() < world.setting("tiktok.reject_rate", REJECT_RATE):
        reject(world, row, *draw.choice(REASONS))
    else:
        approve(world, row)


def approve(world: World, row: Row) -> None:
    """The submitted version goes live; a product with a start in the future waits for it as SCHEDULED."""
    with world.db.transaction():
        if _was_withdrawn(world, row):
            return
        if row["review_document"]:
            _replace_live_version(world, row)
        document = json.loads(row["review_document"] or row["document"])
        start = (document.get("scheduled_sale") or {}).get("schedule_sale_time", 0) / 1000
        scheduled = start > world.clock.now()
        shelf.change(
            world, row["id"], status="SCHEDULED" if scheduled else "ACTIVATE", product_status="ACTIVATE",
            audit_status="APPROVED", review_document=None, review_due=None, reasons=[], pre_approved_reasons=[],
        )  # fmt: skip
    first_pass = row["product_status"] in ("INITIAL", "DRAFT")
    status = "PRODUCT_FIRST_PASS_REVIEW" if first_pass else "PRODUCT_STATUS_CHANGED"
    product_events.status_changed(world, row["shop_id"], row["id"], status)
    product_events.audit_changed(world, row["shop_id"], row["id"], "APPROVED", [])


def _was_withdrawn(world: World, row: Row) -> bool:
    """Whether the product was deleted, deactivated or judged since it was read."""
    due = world.db.value("SELECT review_due FROM tt_products WHERE id = ?", (row["id"],))
    return bool(due != row["review_due"])


def _replace_live_version(world: World, row: Row) -> None:
    document: dict[str, Any] = json.loads(row["review_document"])
    states = [sku.pop("new_state", {}) for sku in document["skus"]]
    shelf.put_skus(world, row["shop_id"], row["id"], document, states, is_live=True)
    shelf.change(world, row["id"], document=document, title=document["title"])


def pre_approve(world: World, row: Row, reason: str) -> None:
    """The review is passed, but a prerequisite is open, so the product stays pending."""
    shelf.change(world, row["id"], audit_status="PRE_APPROVED", pre_approved_reasons=[reason], review_due=None)
    product_events.audit_changed(world, row["shop_id"], row["id"], "PRE_APPROVED", [reason])


def reject(world: World, row: Row, position: str, reason: str, suggestion: str) -> None:
    """A first version fails; the second version of a live product fails without touching the first."""
    found = [
        {
            "position": position,
            "reasons": [reason],
            "suggestions": [suggestion],
            "listing_platform": "TIKTOK_SHOP",
        }
    ]
    with world.db.transaction():
        if _was_withdrawn(world, row):
            return
        status = {} if row["review_document"] else {"status": "FAILED", "product_status": "DRAFT"}
        shelf.change(
            world, row["id"], audit_status="FAILED", reasons=found, review_document=None, review_due=None, **status
        )
    product_events.status_changed(world, row["shop_id"], row["id"], "PRODUCT_AUDIT_FAILURE", reason)
    product_events.audit_changed(world, row["shop_id"], row["id"], "FAILED", [])


def start_scheduled(world: World) -> None:
    """Scheduled products whose time has come go on sale."""
    for row in world.db.query("SELECT * FROM tt_products WHERE status = 'SCHEDULED'"):
        start = json.loads(row["document"])["scheduled_sale"]["schedule_sale_time"] / 1000
        if start <= world.clock.now():
            shelf.change(world, row["id"], status="ACTIVATE")
            product_events.status_changed(world, row["shop_id"], row["id"])
