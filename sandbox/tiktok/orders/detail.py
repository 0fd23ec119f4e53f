"""Get Order Detail and Get Price Detail (Partner Center, Order API)."""

from __future__ import annotations

from typing import Any

from sandbox.tiktok.answers import Refused, Rendered
from sandbox.tiktok.gate import Ask
from sandbox.tiktok.orders import book, money
from sandbox.tiktok.orders.book import Order

MOST_IDS = 50
NOT_YOURS = Refused(21008111, "The order does not belong to this seller.")
# Only the detail has them, not the list. Outside Brazil they say nothing.
CARD = (
    ',"payment_card_type":"Debit","payment_method_code":"","payment_auth_code":"",'
    '"channel_entity_national_registry_id":""}'
)


def detail(ask: Ask) -> Rendered:
    """Get Order Detail: by id, in no promised order. Ids that nobody knows are left out, or refused when set so."""
    wanted: list[str] = list(dict.fromkeys(ask.query["ids"]))
    if not wanted or len(wanted) > MOST_IDS:
        raise Refused(36009004, f"Invalid parameter. 'ids' takes 1 to {MOST_IDS} order ids.")
    marks = ",".join("?" * len(wanted))
    rows = ask.world.db.query(f"SELECT id, shop_id, document FROM tt_orders WHERE id IN ({marks})", wanted)
    if any(row["shop_id"] != ask.shop.id for row in rows):
        raise NOT_YOURS
    if len(rows) < len(wanted) and ask.world.setting("tiktok.strict_order_ids", False):
        raise NOT_YOURS
    if ask.fault == "missing_detail":
        rows = rows[1:]
    documents = ",".join(row["document"][:-1] + CARD for row in rows)
    return Rendered(f'{{"orders":[{documents}]}}')


def own_order(ask: Ask, order_id: str) -> Order:
    """The order of this shop, else Refused with 21008111."""
    order = book.find(ask.world, order_id)
    if order is None or order.shop_id != ask.shop.id:
        raise NOT_YOURS
    return order


def price_detail(ask: Ask) -> dict[str, Any]:
    """Get Price Detail: the same sums for the order and for each of its lines."""
    order = own_order(ask, ask.params["order_id"])
    payment = order.document["payment"]
    whole = _prices(
        payment["original_total_product_price"], payment["seller_discount"], payment["platform_discount"],
        payment["tax"], payment,
    )  # fmt: skip
    lines = [
        {"id": line["id"]}
        | {"currency": line["currency"], "cod_fee_amount": "0.00"}
        | _prices(line["original_price"], line["seller_discount"], line["platform_discount"], _tax(line), None)
        for line in order.lines
    ]
    return {"currency": payment["currency"], "cod_fee_net_amount": "0.00", "line_items": lines} | whole


def _tax(line: dict[str, Any]) -> str:
    return str(line["item_tax"][0]["tax_amount"]) if line.get("item_tax") else "0"


def _prices(listed: str, by_seller: str, by_platform: str, tax: str, payment: dict[str, str] | None) -> dict[str, str]:
    carriage = {name: money.pence(payment[name]) if payment else 0 for name in (
        "original_shipping_fee", "shipping_fee", "shipping_fee_seller_discount", "shipping_fee_platform_discount",
    )}  # fmt: skip
    whole, sale = money.pence(listed), money.pence(listed) - money.pence(by_seller) - money.pence(by_platform)
    paid = sale + carriage["shipping_fee"] + money.pence(tax)
    amounts = {
        "total": whole + carriage["original_shipping_fee"],
        "payment": paid,
        "sku_list_price": whole,
        "sku_sale_price": sale,
        "subtotal": sale,
        "subtotal_deduction_seller": money.pence(by_seller),
        "subtotal_deduction_platform": money.pence(by_platform),
        "subtotal_tax_amount": money.pence(tax),
        "shipping_list_price": carriage["original_shipping_fee"],
        "shipping_sale_price": carriage["shipping_fee"],
        "shipping_fee_deduction_seller": carriage["shipping_fee_seller_discount"],
        "shipping_fee_deduction_platform": carriage["shipping_fee_platform_discount"],
        "tax_amount": money.pence(tax),
        "net_price_amount": paid - money.pence(tax),
    }
    return {name: money.text(amount) for name, amount in amounts.items()} | {"cod_fee": "0.00"}
