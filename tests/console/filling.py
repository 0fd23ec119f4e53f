"""Rows for the console's tests: a connected store with products in every status, listings, runs, calls, mappings.

Written straight into the tables, so that a page is tested against states that would take a whole system days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, text

from core.db import tables
from core.domain.people import Role
from core.domain.statuses import ProductStatus
from core.services import people

PASSWORD = "a long enough password"
STATUSES = (
    ProductStatus.NOT_READY,
    ProductStatus.READY,
    ProductStatus.UNDER_REVIEW,
    ProductStatus.FAILED,
    ProductStatus.FAILED_REVIEW,
    ProductStatus.ACTIVE,
    ProductStatus.CATEGORY_MISSING,
    ProductStatus.UNKNOWN,
)
LISTED = {
    ProductStatus.UNDER_REVIEW: ("PENDING", "AUDITING"),
    ProductStatus.FAILED_REVIEW: ("FAILED", "FAILED"),
    ProductStatus.ACTIVE: ("ACTIVATE", "APPROVED"),
}
REASON = {"position": "Title", "reasons": ["The title is not allowed"], "suggestions": ["Write another title."]}
PROBLEM = {
    "code": "weight_missing",
    "severity": "error",
    "sentence": "The weight is missing.",
    "fix": "Set a weight in the store.",
    "field": "weight",
    "variant_id": None,
}
NASTY = '<img src=x onerror="window.hurt=1"> [link](http://evil.example) ![x](http://evil.example/x.png)'


@dataclass(frozen=True)
class Filled:
    connection_id: int
    store_account_id: int
    shop_id: int
    product_ids: tuple[int, ...]


def add_users(conn: Connection) -> None:
    """viewer, operator and admin, all with ``PASSWORD``."""
    for role in Role:
        people.add_user(conn, str(role), role, password=PASSWORD)


def _one(conn: Connection, table: Any, **values: Any) -> int:
    return int(conn.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())


def connect(conn: Connection, name: str = "Harbour Lane") -> tuple[int, int, int]:
    """(connection, store account, shop) with nothing in them."""
    app = conn.execute(text("SELECT min(id) FROM tiktok_apps")).scalar()
    app = app or _one(conn, tables.tiktok_apps, app_key="key", app_secret=b"", service_id="1", name="App")
    account = _one(
        conn, tables.store_accounts, platform="shopwired", base_url="http://127.0.0.1:9/v1", business_id=name,
        name=name, domain="harbour.example", country="GB", currency="GBP", credentials=b"",
    )  # fmt: skip
    ends = datetime.now(UTC) + timedelta(days=80)
    shop = _one(
        conn, tables.shops, app_id=app, remote_id=f"74{account:017}", name=f"{name} Goods", region="GB",
        cipher="c", scopes=[], access_expires_at=ends, refresh_expires_at=ends,
    )  # fmt: skip
    connection = _one(conn, tables.connections, store_account_id=account, shop_id=shop, name=f"{name} – {name} Goods")
    return connection, account, shop


def fill(conn: Connection, *, products: int = 120) -> Filled:
    """A connection with ``products`` products going round the statuses, and something on every page."""
    connection, account, shop = connect(conn)
    ids = tuple(_product(conn, account, number) for number in range(1, products + 1))
    for number, product_id in enumerate(ids, start=1):
        _state(conn, connection, product_id, number)
    _words(conn, account, shop)
    _work(conn, connection, ids)
    return Filled(connection, account, shop, ids)


def _product(conn: Connection, account: int, number: int) -> int:
    sku, title = f"SKU-{number:04}", f"Mug number {number}" if number > 1 else NASTY
    product_id = _one(
        conn, tables.products, store_account_id=account, remote_id=str(number), title=title,
        description="A mug.", active=True, url=f"https://harbour.example/{number}", category_ids=["11"],
        brand_id="21", brand_name="Kiln", pictures=[], variant_count=1, sku=sku, price=10 + number % 7,
        stock=number, search_text=f"{title} {sku}".lower(), content_hash=str(number),
    )  # fmt: skip
    _one(
        conn, tables.variants, product_id=product_id, store_account_id=account, remote_id="0", position=0, sku=sku,
        price=10 + number % 7, stock=number,
    )  # fmt: skip
    return product_id


def _state(conn: Connection, connection: int, product_id: int, number: int) -> None:
    status = STATUSES[number % len(STATUSES)]
    waits = status in (ProductStatus.NOT_READY, ProductStatus.CATEGORY_MISSING)
    changed = datetime.now(UTC) - timedelta(minutes=number)
    conn.execute(
        insert(tables.product_states).values(
            connection_id=connection, product_id=product_id, status=status, assessed_hash="x", changed_at=changed,
            problem_codes=["weight_missing"] if waits else [], problems=[PROBLEM] if waits else [],
            first_problem=PROBLEM["sentence"] if waits else "",
        )
    )  # fmt: skip
    if status in LISTED:
        tiktok, audit = LISTED[status]
        bad = status == ProductStatus.FAILED_REVIEW
        _one(
            conn, tables.listings, connection_id=connection, product_id=product_id, state="sent",
            remote_id=f"1729{product_id:015}", sent_at=changed, tiktok_status=tiktok, audit_status=audit,
            reasons=[REASON] if bad else [], reason_keys=REASON["reasons"] if bad else [], review_round=1,
            changed_at=changed,
        )  # fmt: skip


def _words(conn: Connection, account: int, shop: int) -> None:
    for number in (11, 12, 13):
        row = {"store_account_id": account, "remote_id": str(number), "title": f"Cups {number}"}
        conn.execute(insert(tables.store_categories).values(path=f"Kitchen > Cups {number}", active=True, **row))
    conn.execute(insert(tables.store_brands).values(store_account_id=account, remote_id="21", title="Kiln"))
    for number in range(600001, 600021):
        conn.execute(
            insert(tables.shop_categories).values(
                shop_id=shop, id=str(number), parent_id="6", name=f"Leaf {number}", path=f"Home > Leaf {number}",
                leaf=True, permission="AVAILABLE",
            )
        )  # fmt: skip
    conn.execute(insert(tables.shop_brands).values(shop_id=shop, id="700001", name="Kiln", authorised=True, t1=False))


def _work(conn: Connection, connection: int, ids: tuple[int, ...]) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    run = _one(
        conn, tables.runs, connection_id=connection, kind="product_export", title="Send products", status="done",
        created_by="operator", started_at=at, finished_at=at + timedelta(minutes=5), total=20,
    )  # fmt: skip
    for position, product_id in enumerate(ids[:20], start=1):
        failed = position % 5 == 0
        conn.execute(
            insert(tables.run_items).values(
                run_id=run, position=position, subject_kind="product", subject_id=product_id, attempt=1,
                status="failed" if failed else "done", code="12052900" if failed else "", finished_at=at,
                sentence="=The Shop refuses this brand." if failed else "Sent, now in review.",
            )
        )  # fmt: skip
    for number, product_id in enumerate(ids[:60]):
        conn.execute(
            insert(tables.api_calls).values(
                at=at, connection_id=connection, remote="tiktok", account="74", method="POST",
                path="/product/202309/products", endpoint="/product/202309/products",
                status=429 if number % 4 == 0 else 200, code="0", request_id=f"REQ{number:05}", duration_ms=90,
                request='{"title": "Mug"}', response='{"code": 0}', error="", subject=f"product:{product_id}",
            )
        )  # fmt: skip
    conn.execute(insert(tables.audit).values(login="operator", action="send_all", subject=f"run:{run}", detail={}))
    conn.execute(
        insert(tables.inbox).values(source="tiktok", account="74", delivery_id="d1", topic="PRODUCT", body=b"{}")
    )
