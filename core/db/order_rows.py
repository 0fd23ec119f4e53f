"""An order of the Shop as rows, and rows as an order. Personal data goes into the sealed customer and nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from core.domain.order_words import area_of, fulfilment_of, search_text_of, tags_of
from core.domain.orders import Address, Component, Payment, ShopLine, ShopOrder
from core.secrets import Sealer

# The store's variant of a (SKU id, seller SKU) of the Shop.
Links = Mapping[tuple[str, str], int]

_AMOUNTS = tuple(field.name for field in fields(Payment) if field.name not in ("currency", "fees"))
# Fields of an order that have no column of their own and say nothing of the customer.
_DETAILS = (
    "delivery_option_id", "delivery_option", "warehouse_id", "on_hold", "sample", "replaced_order_id",
    "exchanged_order_id", "cancel_requested", "cancel_reason", "cancelled_by", "address_changed", "payment_method",
)  # fmt: skip
_UNKEEPABLE = re.compile(r"\\x00|\\ud[89a-f]")  # as ``repr`` writes NUL and half of a surrogate pair
_PARCEL = ("package_id", "tracking_number", "provider_name")


@dataclass(frozen=True, slots=True)
class Told:
    """An order as it came; ``digest`` is a keyed fingerprint of all of it: equal content, equal fingerprint."""

    order: ShopOrder
    digest: str


def customer_place(order_id: int) -> str:
    """What the sealed customer of an order is bound to."""
    return f"shop_orders/{order_id}/customer"


def customer_key_of(name: str, seal: Sealer) -> str:
    """For finding a customer by the exact name, however it is spaced and cased."""
    plain = " ".join(name.casefold().split())
    return seal.fingerprint(plain) if plain else ""


def told(order: ShopOrder, seal: Sealer) -> Told:
    """The order with its fingerprint, without characters that Postgres cannot keep."""
    text = repr(order)
    if _UNKEEPABLE.search(text):
        order = _kept(order)
        text = repr(order)
    return Told(order, seal.fingerprint(text)[:32])


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, tuple):
        return tuple(map(_kept, value))
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{one.name: _kept(getattr(value, one.name)) for one in fields(value)})
    return value


def sealed_customer(order_id: int, order: ShopOrder, seal: Sealer) -> bytes:
    return seal.seal(json.dumps(_customer(order)), customer_place(order_id))


def order_row(order_id: int, connection_id: int, found: Told, seal: Sealer) -> dict[str, Any]:
    """The row of ``shop_orders``, without what is our own doing (import state, hold, lease)."""
    order, address = found.order, found.order.address
    return {
        "id": order_id,
        "connection_id": connection_id,
        "remote_id": order.id,
        "status": order.status,
        "order_type": order.order_type,
        "shipping_type": order.shipping_type,
        "by_tiktok": order.by_tiktok,
        "tags": tags_of(order),
        "currency": order.payment.currency,
        "total": order.payment.total,
        "payment": _payment(order.payment),
        "unit_count": len(order.lines),
        "customer": sealed_customer(order_id, order, seal),
        "customer_key": customer_key_of(address.name, seal) if address and not address.masked else "",
        "masked": address is not None and address.masked,
        "area": area_of(address),
        "country": address.country if address else "",
        "detail": _detail(order, seal) | {"digest": found.digest},
        "ordered_at": order.created_at,
        "paid_at": order.paid_at,
        "remote_updated_at": order.updated_at,
        "ship_by": order.ship_by,
        "collect_by": order.collect_by,
        "deliver_by": order.deliver_by,
        "tracking_number": order.tracking_number,
        "provider_name": order.provider_name,
        "fulfilment": fulfilment_of(order.status),
        "search_text": search_text_of(order),
    }


def line_rows(order_id: int, order: ShopOrder, links: Links) -> list[dict[str, Any]]:
    """A row a unit, and under a virtual bundle a row for each unit of its components."""
    rows = []
    for line in order.lines:
        rows.append(_line_row(order_id, line, None if line.components else links.get((line.sku_id, line.seller_sku))))
        for number, part in enumerate(line.components):
            variant_id = links.get((part.sku_id, part.seller_sku))
            units = range(part.count)
            rows += [_part_row(order_id, line, f"{line.id}/{number}/{unit}", part, variant_id) for unit in units]
    return rows


def order_from(row: Row[Any], lines: Sequence[Row[Any]], customer: Mapping[str, Any]) -> ShopOrder:
    """The order as the Shop told it."""
    detail = row.detail
    return ShopOrder(
        id=row.remote_id,
        status=row.status,
        order_type=row.order_type,
        created_at=row.ordered_at,
        updated_at=row.remote_updated_at,
        paid_at=row.paid_at,
        by_tiktok=row.by_tiktok,
        shipping_type=row.shipping_type,
        buyer_email=customer.get("email", ""),
        buyer_message=customer.get("message", ""),
        seller_note=customer.get("note", ""),
        address=_address_from(customer.get("address")),
        payment=_payment_from(row.currency, row.payment),
        lines=tuple(_line_from(line, detail) for line in lines),
        ship_by=row.ship_by,
        collect_by=row.collect_by,
        deliver_by=row.deliver_by,
        tracking_number=row.tracking_number,
        provider_name=row.provider_name,
        package_ids=tuple(detail.get("package_ids", ())),
        **{name: detail[name] for name in _DETAILS},
    )


def _customer(order: ShopOrder) -> dict[str, Any]:
    address = order.address
    return {
        "email": order.buyer_email,
        "message": order.buyer_message,
        "note": order.seller_note,
        "name": address.name if address else "",
        "address": {name: getattr(address, name) for name in Address.__slots__} if address else None,
    }


def _detail(order: ShopOrder, seal: Sealer) -> dict[str, Any]:
    plain: dict[str, Any] = {name: getattr(order, name) for name in _DETAILS}
    all_parcels = {line.id: [getattr(line, name) for name in _PARCEL] for line in order.lines}
    parcels = {line_id: parcel for line_id, parcel in all_parcels.items() if any(parcel)}
    bundles = {
        line.id: [[part.sku_id, part.seller_sku, part.count] for part in line.components]
        for line in order.lines
        if line.components
    }
    plain |= {"package_ids": list(order.package_ids), "parcels": parcels, "bundles": bundles}
    plain["address_key"] = seal.fingerprint(repr(order.address))[:32] if order.address else ""
    return plain


def _payment(payment: Payment) -> dict[str, Any]:
    amounts: dict[str, Any] = {name: str(getattr(payment, name)) for name in _AMOUNTS}
    return amounts | {"fees": [[name, str(amount)] for name, amount in payment.fees]}


def _payment_from(currency: str, told: Mapping[str, Any]) -> Payment:
    fees = tuple((name, Decimal(amount)) for name, amount in told["fees"])
    return Payment(currency=currency, fees=fees, **{name: Decimal(told[name]) for name in _AMOUNTS})


def _address_from(told: Mapping[str, Any] | None) -> Address | None:
    return Address(**{**told, "lines": tuple(told["lines"])}) if told else None


def _line_row(order_id: int, line: ShopLine, variant_id: int | None) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "remote_id": line.id,
        "parent_line_id": "",
        "product_remote_id": line.product_id,
        "sku_remote_id": line.sku_id,
        "seller_sku": line.seller_sku,
        "title": line.title,
        "sku_title": line.sku_title,
        "bundle": bool(line.components),
        "gift": line.gift,
        "original_price": line.original_price,
        "sale_price": line.sale_price,
        "seller_discount": line.seller_discount,
        "platform_discount": line.platform_discount,
        "status": line.status,
        "cancel_reason": line.cancel_reason,
        "variant_id": variant_id,
    }


def _part_row(order_id: int, line: ShopLine, key: str, part: Component, variant_id: int | None) -> dict[str, Any]:
    free = dict.fromkeys(("original_price", "sale_price", "seller_discount", "platform_discount"), Decimal(0))
    its = {"remote_id": key, "parent_line_id": line.id, "product_remote_id": "", "sku_remote_id": part.sku_id}
    rest = {"seller_sku": part.seller_sku, "title": "", "sku_title": "", "bundle": False, "gift": line.gift}
    return _line_row(order_id, line, variant_id) | its | rest | free


def _line_from(row: Row[Any], detail: Mapping[str, Any]) -> ShopLine:
    package_id, tracking_number, provider_name = detail["parcels"].get(row.remote_id, ("", "", ""))
    return ShopLine(
        id=row.remote_id,
        product_id=row.product_remote_id,
        sku_id=row.sku_remote_id,
        seller_sku=row.seller_sku,
        title=row.title,
        sku_title=row.sku_title,
        original_price=row.original_price,
        sale_price=row.sale_price,
        seller_discount=row.seller_discount,
        platform_discount=row.platform_discount,
        status=row.status,
        gift=row.gift,
        package_id=package_id,
        tracking_number=tracking_number,
        provider_name=provider_name,
        cancel_reason=row.cancel_reason,
        components=tuple(Component(*part) for part in detail["bundles"].get(row.remote_id, ())),
    )
