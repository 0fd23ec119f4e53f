"""Orders for the console's tests: stored as they are when read from the Shop, then put into every state."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert, text, update

from core.db import tables
from core.db.orders import save_orders
from core.domain.orders import Address, Payment, ShopLine, ShopOrder
from core.secrets import sealer
from core.services.stock_deductions import hold_units
from tests.console.filling import NASTY, Filled

ADDRESS = Address("Ann Example", "+44 7000 000000", ("1 Sample Street",), "Leeds", "", "LS1 1AA", "GB")
MISSING = "GHOST-01"
STATUSES = (
    ("AWAITING_SHIPMENT", "imported", ""),
    ("AWAITING_SHIPMENT", "held", "unlinked_sku"),
    ("ON_HOLD", "held", "on_hold"),
    ("IN_TRANSIT", "imported", ""),
    ("AWAITING_SHIPMENT", "held", "refused"),
    ("COMPLETED", "imported", ""),
    ("CANCELLED", "not_wanted", "cancelled"),
    ("AWAITING_SHIPMENT", "waiting", ""),
    ("AWAITING_SHIPMENT", "held", "out_of_stock"),
    ("DELIVERED", "imported", ""),
)
SENTENCES = {
    "unlinked_sku": f"1 SKU is not linked to the store: {MISSING}.",
    "on_hold": "It is in TikTok's hold hour and may not be shipped.",
    "refused": "ShopWired refuses the order: the product was deleted.",
    "out_of_stock": "Out of stock, not imported: SKU-0009. It is imported once the stock is there.",
    "cancelled": "It was cancelled before it was imported.",
}


@dataclass(frozen=True)
class Orders:
    """Our ids of the orders, in the order they were placed, oldest first."""

    ids: tuple[int, ...]


def remote_id(number: int) -> str:
    return f"5764{number:014}"


def shop_order(number: int, **changes: Any) -> ShopOrder:
    """An order of two units, 23.99 GBP with postage; ``number`` chooses its state."""
    status, _, hold = STATUSES[number % len(STATUSES)]
    at = datetime.now(UTC) - timedelta(minutes=17 * (200 - number))
    sku = MISSING if hold == "unlinked_sku" else f"SKU-{number:04}"
    moving = status == "IN_TRANSIT"
    line = ShopLine(
        id=f"L{number:05}", product_id="P1", sku_id=f"S{number}", seller_sku=sku, sku_title="Red",
        title=f"Mug number {number}" if number != 1 else NASTY, original_price=Decimal("12.00"),
        sale_price=Decimal("10.00"), seller_discount=Decimal("1.50"), platform_discount=Decimal("0.50"), status=status,
        package_id="PK1" if moving else "", provider_name="Royal Mail" if moving else "",
        tracking_number=f"JD{number:010}" if moving else "",
    )  # fmt: skip
    payment = Payment(
        "GBP", total=Decimal("23.99"), sub_total=Decimal("20.00"), original_products=Decimal("24.00"),
        seller_discount=Decimal("3.00"), platform_discount=Decimal("1.00"), shipping_fee=Decimal("3.99"),
        original_shipping=Decimal("3.99"), shipping_seller_discount=Decimal(0), shipping_platform_discount=Decimal(0),
        tax=Decimal(0),
    )  # fmt: skip
    masked = number % 10 == 5
    hidden = replace(ADDRESS, name="A** E******", phone="***", lines=("*** ***",), masked=True)
    order = ShopOrder(
        id=remote_id(number), status=status, order_type="NORMAL", created_at=at, updated_at=at, paid_at=at,
        by_tiktok=False, shipping_type="TIKTOK" if masked else "SELLER", delivery_option_id="1",
        delivery_option="Standard", warehouse_id="W1", buyer_email="", buyer_message="Please ring", seller_note="",
        address=hidden if masked else replace(ADDRESS, name=f"Ann Example {number}"), payment=payment,
        lines=(line, replace(line, id=f"L{number:05}b")), ship_by=at + timedelta(days=2),
        tracking_number=line.tracking_number, provider_name=line.provider_name,
    )  # fmt: skip
    return replace(order, **changes)


def fill_orders(conn: Connection, filled: Filled, *, orders: int = 60) -> Orders:
    """``orders`` orders going round the states, the store's statuses, two of them mapped."""
    found = [shop_order(number) for number in range(1, orders + 1)]
    links = {
        (f"S{number}", f"SKU-{number:04}"): variant
        for number in range(1, orders + 1)
        if (variant := _variant(conn, filled, f"SKU-{number:04}"))
    }
    saved = save_orders(conn, filled.connection_id, found, links)
    oldest_first = text("SELECT id FROM shop_orders WHERE id = ANY(:ids) ORDER BY ordered_at")
    ids = tuple(conn.scalars(oldest_first, {"ids": list(saved.new)}))
    hold_units(conn, list(ids))
    for number, order_id in enumerate(ids, start=1):
        _state(conn, filled, order_id, number)
    _statuses(conn, filled)
    return Orders(ids)


def _variant(conn: Connection, filled: Filled, sku: str) -> int | None:
    query = text("SELECT id FROM variants WHERE store_account_id = :account AND sku = :sku")
    return conn.execute(query, {"account": filled.store_account_id, "sku": sku}).scalar()


def _state(conn: Connection, filled: Filled, order_id: int, number: int) -> None:
    _, state, hold = STATUSES[number % len(STATUSES)]
    values: dict[str, Any] = {"import_state": state, "hold": hold, "hold_sentence": SENTENCES.get(hold, "")}
    if hold == "unlinked_sku":
        values["missing_skus"] = [MISSING]
    conn.execute(update(tables.shop_orders).where(tables.shop_orders.c.id == order_id).values(values))
    if state == "imported":
        _store_order(conn, filled, order_id, number)


def _store_order(conn: Connection, filled: Filled, order_id: int, number: int) -> None:
    draft = {
        "lines": [{"price": "12.00", "quantity": 2}],
        "shipping": "3.99",
        "discounts": [
            {"name": "TikTok seller discount", "amount": "3.00"},
            {"name": "TikTok platform discount", "amount": "1.00"},
        ],
        "fees": [],
        "total": "23.99",
        "address": asdict(ADDRESS),
    }
    sealed = sealer().seal(json.dumps(draft), f"store_orders/{order_id}/draft").hex()
    conn.execute(
        insert(tables.store_orders).values(
            order_id=order_id, store_account_id=filled.store_account_id, state="created", remote_id=f"9{order_id:05}",
            number=f"10{number:04}", marker=f"TikTok order {remote_id(number)}", status_id="502", status="Paid",
            total=Decimal("23.99"), draft={"sealed": sealed, "units": [], "address_key": ""},
            created_at=datetime.now(UTC),
        )
    )  # fmt: skip


def _statuses(conn: Connection, filled: Filled) -> None:
    found = (("501", "Awaiting payment", "unpaid"), ("502", "Paid", "paid"), ("503", "Dispatched", "shipped"))
    for position, (remote, name, kind) in enumerate(found):
        conn.execute(
            insert(tables.store_order_statuses).values(
                store_account_id=filled.store_account_id, remote_id=remote, name=name, kind=kind, position=position
            )
        )
    for status, target in (("AWAITING_SHIPMENT", "502"), ("IN_TRANSIT", "503")):
        conn.execute(
            insert(tables.mappings).values(
                connection_id=filled.connection_id, kind="order_status", source_id=status, target_id=target
            )
        )
