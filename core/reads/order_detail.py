"""One order as its drawer shows it: lines with their store SKUs, money, the address where it may be seen, packages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, select

from core.db.order_rows import customer_place, order_from
from core.db.tables import products, shop_order_lines, shop_orders, stock_deductions, store_orders, variants
from core.domain.orders import ShopOrder
from core.reads.order_money import Money, money_of
from core.reads.paging import reading
from core.secrets import SecretsError, sealer

_NO_PARCEL = ("", "", "")


@dataclass(frozen=True, slots=True)
class LineRow:
    """One unit, or one component unit of a bundle (``part``). ``deduction`` is who took it off the store's stock."""

    id: int
    remote_id: str
    part: bool
    title: str
    sku_title: str
    seller_sku: str
    sku_remote_id: str
    bundle: bool
    gift: bool
    original_price: Decimal
    sale_price: Decimal
    status: str
    cancel_reason: str
    variant_id: int | None
    variant_sku: str | None
    product_id: int | None
    product_title: str | None
    deduction: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes together: ``lines`` are the remote ids of its units."""

    package_id: str
    tracking_number: str
    provider_name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoreSide:
    """The store order, as far as it has come; ``state`` is intended, sending, unknown or created."""

    state: str
    remote_id: str | None
    number: str
    status: str
    total: Decimal | None
    marker: str
    intended_at: datetime
    created_at: datetime | None
    status_sent_at: datetime | None
    referred_at: datetime | None
    behind: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Customer:
    """Whom it goes to. ``note`` says why there is less than usual."""

    name: str = ""
    phone: str = ""
    email: str = ""
    lines: tuple[str, ...] = ()
    message: str = ""
    seller_note: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """``order`` is the order as the Shop told it, without its customer; ``customer`` is opened for who may see it."""

    id: int
    order: ShopOrder
    country: str
    area: str
    tags: tuple[str, ...]
    masked: bool
    fulfilment: str
    import_state: str
    hold: str
    hold_sentence: str
    missing_skus: tuple[str, ...]
    tries: int
    received_at: datetime
    imported_at: datetime | None
    lines: tuple[LineRow, ...]
    parcels: tuple[Parcel, ...]
    store: StoreSide | None
    money: Money
    customer: Customer

    @property
    def subjects(self) -> tuple[str, ...]:
        """What calls, deeds and runs about this order are filed under."""
        return (f"order:{self.id}",)


def order_detail(connection_id: int, order_id: int, *, customers: bool) -> OrderDetail | None:
    """None when the connection has no such order. ``customers``: whether names and addresses are opened."""
    with reading() as conn:
        mine = (shop_orders.c.id == order_id, shop_orders.c.connection_id == connection_id)
        row = conn.execute(select(shop_orders).where(*mine)).first()
        if row is None:
            return None
        lines = tuple(LineRow(**dict(one)) for one in conn.execute(_lines(order_id)).mappings())
        whole = conn.execute(_whole_lines(order_id)).all()
        made = conn.execute(select(store_orders).where(store_orders.c.order_id == order_id)).first()
    order = order_from(row, whole, {})
    return OrderDetail(
        id=row.id,
        order=order,
        country=row.country,
        area=row.area,
        tags=tuple(row.tags),
        masked=row.masked,
        fulfilment=row.fulfilment,
        import_state=row.import_state,
        hold=row.hold,
        hold_sentence=row.hold_sentence,
        missing_skus=tuple(row.missing_skus),
        tries=row.tries,
        received_at=row.received_at,
        imported_at=row.imported_at,
        lines=lines,
        parcels=_parcels(row),
        store=_store_side(made),
        money=money_of(order.payment, _draft(made), made.total if made and made.state == "created" else None),
        customer=_customer(row) if customers else Customer(note="Operators and administrators see the customer."),
    )


def _lines(order_id: int) -> Select[Any]:
    line, v, p = shop_order_lines.c, variants.c, products.c
    took = select(stock_deductions.c.outcome).where(
        stock_deductions.c.line_id == line.id, stock_deductions.c.variant_id == line.variant_id
    )
    columns = (
        line.id,
        line.remote_id,
        (line.parent_line_id != "").label("part"),
        line.title,
        line.sku_title,
        line.seller_sku,
        line.sku_remote_id,
        line.bundle,
        line.gift,
        line.original_price,
        line.sale_price,
        line.status,
        line.cancel_reason,
        line.variant_id,
        v.sku.label("variant_sku"),
        v.product_id,
        p.title.label("product_title"),
        took.limit(1).scalar_subquery().label("deduction"),
    )
    joined = shop_order_lines.outerjoin(variants, v.id == line.variant_id).outerjoin(products, p.id == v.product_id)
    return select(*columns).select_from(joined).where(line.order_id == order_id).order_by(line.id)


def _whole_lines(order_id: int) -> Select[Any]:
    line = shop_order_lines.c
    return select(shop_order_lines).where(line.order_id == order_id, line.parent_line_id == "").order_by(line.id)


def _parcels(row: Row[Any]) -> tuple[Parcel, ...]:
    """The packages of the order; units that are in none are left out."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for line_id, parcel in row.detail.get("parcels", {}).items():
        grouped.setdefault(tuple(parcel) if len(parcel) == len(_NO_PARCEL) else _NO_PARCEL, []).append(line_id)
    known = {package_id for package_id, _, _ in grouped}
    empty = [one for one in row.detail.get("package_ids", ()) if one not in known]
    return (
        *(Parcel(*parcel, tuple(sorted(lines))) for parcel, lines in sorted(grouped.items())),
        *(Parcel(package_id, "", "", ()) for package_id in empty),
    )


def _store_side(row: Row[Any] | None) -> StoreSide | None:
    if row is None:
        return None
    return StoreSide(
        row.state, row.remote_id, row.number, row.status, row.total, row.marker, row.intended_at, row.created_at,
        row.status_sent_at, row.referred_at, row.behind, row.sentence,
    )  # fmt: skip


def _draft(row: Row[Any] | None) -> dict[str, Any] | None:
    """The store order as it was meant; None before it was, and once its days are over."""
    if row is None or not row.draft or "sealed" not in row.draft:
        return None
    try:
        opened = sealer().open(bytes.fromhex(row.draft["sealed"]), f"store_orders/{row.order_id}/draft")
    except SecretsError:
        return None
    found: dict[str, Any] = json.loads(opened)
    return found


def _customer(row: Row[Any]) -> Customer:
    if row.customer is None:
        return Customer(note="The customer's details are no longer kept.")
    try:
        told = json.loads(sealer().open(bytes(row.customer), customer_place(row.id)))
    except SecretsError as error:
        return Customer(note=str(error))
    address = told.get("address")
    note = "" if address else "TikTok gives no address."
    if address and row.masked:
        note = (
            "TikTok hides these details: it ships the order itself, or the time to see them is over. "
            "Print the label in Seller Center; the Shop's shipping options must be Seller Shipping to see them here."
        )
    found = address or {}
    parts = [*found.get("lines", ()), *(found.get(name, "") for name in ("town", "county", "postcode", "country"))]
    return Customer(
        told.get("name", ""),
        found.get("phone", ""),
        told.get("email", ""),
        tuple(part for part in parts if part),
        told.get("message", ""),
        told.get("note", ""),
        note,
    )
