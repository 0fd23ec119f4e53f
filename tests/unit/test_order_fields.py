"""Every field of an order can be copied into the store."""

from __future__ import annotations

from dataclasses import fields

from core.domain.order_fields import ORDER_FIELDS
from core.domain.orders import Address, Payment, ShopOrder

# Parts whose own fields are offered one by one.
PARTS = {"address", "payment", "lines"}


def test_every_field_of_an_order_is_offered() -> None:
    own = {one.name for one in fields(ShopOrder)} - PARTS
    paid = {f"payment.{one.name}" for one in fields(Payment)}
    delivered = {f"address.{one.name}" for one in fields(Address)} - {"address.masked"}
    assert own | paid | delivered <= set(ORDER_FIELDS)


def test_each_has_words_of_its_own() -> None:
    labels = [one.label for one in ORDER_FIELDS.values()]
    assert len(set(labels)) == len(labels)


def test_what_tells_of_the_buyer_is_marked() -> None:
    marked = {name for name, one in ORDER_FIELDS.items() if one.customer}
    assert {name for name in ORDER_FIELDS if name.startswith(("address.", "buyer_"))} | {"seller_note"} == marked
