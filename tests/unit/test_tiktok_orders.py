"""What our words make of an order of TikTok Shop: the plain one, and every odd one its documentation allows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.domain.orders import Address, Component, InventoryLevel
from core.http.client import Unreadable
from core.tiktok import order_mapping, webhooks
from core.tiktok.fields import Fields

# Field names and forms as in Partner Center, Get Order Detail; a UK order that the seller ships.
ADDRESS = {
    "name": "Ann Example",
    "first_name": "Ann Example",
    "last_name": "",
    "phone_number": "(+44)7000000000",
    "address_line1": "1 Sample Street",
    "address_line2": "Flat 2",
    "address_line3": "",
    "post_town": "Leeds",
    "postal_code": "LS1 1AA",
    "region_code": "GB",
    "full_address": "1 Sample Street, Flat 2, Leeds, LS1 1AA, United Kingdom",
    "district_info": [
        {"address_level": "L0", "address_level_name": "Country", "address_name": "United Kingdom"},
        {"address_level": "L1", "address_level_name": "Nation", "address_name": "England"},
        {"address_level": "L2", "address_level_name": "County", "address_name": "West Yorkshire"},
        {"address_level": "L3", "address_level_name": "Town", "address_name": "Leeds"},
    ],
}
LINE = {
    "id": "577000000000000111",
    "sku_id": "1729000000000000601",
    "product_id": "1729000000000000600",
    "seller_sku": "MUG-RED",
    "product_name": "Mug",
    "sku_name": "Red",
    "currency": "GBP",
    "original_price": "15.00",
    "seller_discount": "1.50",
    "platform_discount": "0.25",
    "sale_price": "13.25",
    "display_status": "AWAITING_SHIPMENT",
    "is_gift": False,
    "tracking_number": "",
}
PAYMENT = {
    "currency": "GBP",
    "original_total_product_price": "30.00",
    "seller_discount": "3.00",
    "platform_discount": "0.50",
    "sub_total": "26.50",
    "original_shipping_fee": "3.99",
    "shipping_fee": "2.99",
    "shipping_fee_seller_discount": "1.00",
    "shipping_fee_platform_discount": "0",
    "tax": "0",
    "total_amount": "29.49",
}
ORDER = {
    "id": "577000000000000101",
    "status": "AWAITING_SHIPMENT",
    "order_type": "NORMAL",
    "fulfillment_type": "FULFILLMENT_BY_SELLER",
    "shipping_type": "SELLER",
    "delivery_option_id": "7000000000000000201",
    "delivery_option_name": "Standard Shipping",
    "create_time": 1767225600,
    "paid_time": 1767225660,
    "update_time": 1767229300,
    "rts_sla_time": 1767484800,
    "tts_sla_time": 1767657600,
    "delivery_sla_time": 1768003200,
    "is_on_hold_order": True,
    "is_buyer_request_cancel": False,
    "has_updated_recipient_address": False,
    "warehouse_id": "7000000000000000301",
    "buyer_email": "abc123@chat.seller.tiktok.com",
    "buyer_message": "Leave it at the back",
    "tracking_number": "",
    "payment_method_name": "Card",
    "payment": PAYMENT,
    "recipient_address": ADDRESS,
    "packages": [],
    "line_items": [LINE, LINE | {"id": "577000000000000112"}],
}
READABLE = Address(
    "Ann Example", "(+44)7000000000", ("1 Sample Street", "Flat 2"), "Leeds", "West Yorkshire", "LS1 1AA", "GB"
)


def read(**changes: Any) -> Any:
    """The order with changes; a change to ``...`` leaves the field out."""
    changed = {name: value for name, value in (ORDER | changes).items() if value is not ...}
    return order_mapping.shop_order(Fields(changed, "orders"))


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_plain_order() -> None:
    order = read()
    assert (order.id, order.status, order.order_type) == ("577000000000000101", "AWAITING_SHIPMENT", "NORMAL")
    assert (order.created_at, order.paid_at, order.updated_at) == (at(1767225600), at(1767225660), at(1767229300))
    assert (order.ship_by, order.collect_by, order.deliver_by) == (at(1767484800), at(1767657600), at(1768003200))
    assert (order.shipping_type, order.by_tiktok, order.on_hold) == ("SELLER", False, True)
    assert (order.delivery_option_id, order.delivery_option) == ("7000000000000000201", "Standard Shipping")
    assert (order.warehouse_id, order.payment_method) == ("7000000000000000301", "Card")
    assert (order.buyer_email, order.buyer_message) == ("abc123@chat.seller.tiktok.com", "Leave it at the back")
    assert order.address == READABLE
    assert [line.id for line in order.lines] == ["577000000000000111", "577000000000000112"]
    line = order.lines[0]
    assert (line.seller_sku, line.sku_id, line.product_id) == ("MUG-RED", "1729000000000000601", "1729000000000000600")
    assert (line.title, line.sku_title, line.status, line.gift) == ("Mug", "Red", "AWAITING_SHIPMENT", False)
    assert (line.original_price, line.sale_price) == (Decimal("15.00"), Decimal("13.25"))
    assert (line.seller_discount, line.platform_discount) == (Decimal("1.50"), Decimal("0.25"))


def test_payment_adds_up() -> None:
    paid = read().payment
    assert paid.currency == "GBP"
    assert paid.sub_total == paid.original_products - paid.seller_discount - paid.platform_discount
    assert paid.shipping_fee == paid.original_shipping - paid.shipping_seller_discount - paid.shipping_platform_discount
    assert paid.total == paid.sub_total + paid.shipping_fee + paid.tax == Decimal("29.49")
    assert paid.fees == ()


@pytest.mark.parametrize(
    ("changes", "fees"),
    [
        ({"retail_delivery_fee": "0.28", "total_amount": "29.77"}, (("retail_delivery_fee", Decimal("0.28")),)),
        (
            {"small_order_fee": "1.00", "handling_fee": "0.50", "total_amount": "30.99"},
            (("small_order_fee", Decimal("1.00")), ("handling_fee", Decimal("0.50"))),
        ),
        ({"payment_platform_discount": "2.00", "total_amount": "27.49"}, (("payment_platform_discount", Decimal(-2)),)),
        ({"buyer_service_fee": "1.00"}, ()),  # told, but the total is reached without it
        ({"buyer_service_fee": "1.00", "tax": "2.00", "total_amount": "31.49"}, ()),
        ({"buyer_service_fee": "0"}, ()),
    ],
)
def test_fees_are_named_where_the_total_needs_them(changes: dict[str, str], fees: tuple[Any, ...]) -> None:
    paid = read(payment=PAYMENT | changes).payment
    assert paid.fees == fees
    if fees:
        assert paid.total == paid.sub_total + paid.shipping_fee + sum(amount for _, amount in paid.fees)


def test_a_co_funded_shipping_discount_is_not_lost() -> None:
    off = {"shipping_fee_seller_discount": "0", "shipping_fee_cofunded_discount": "3.99", "shipping_fee": "0"}
    paid = read(payment=PAYMENT | off).payment
    assert paid.original_shipping - paid.shipping_seller_discount - paid.shipping_platform_discount == paid.shipping_fee


@pytest.mark.parametrize(
    ("told", "known"),
    [("CANCEL", "CANCELLED"), ("CANCELLED", "CANCELLED"), ("SOMETHING_NEW", "SOMETHING_NEW"), (..., ""), (None, "")],
)
def test_statuses(told: Any, known: str) -> None:
    assert read(status=told).status == known


def test_a_line_cancelled_in_the_shorter_word() -> None:
    line = LINE | {"display_status": "CANCEL", "cancel_reason": "Out of stock", "cancel_user": "SELLER"}
    order = read(line_items=[line], cancel_reason="Out of stock", cancellation_initiator="SELLER")
    assert (order.lines[0].status, order.lines[0].cancel_reason) == ("CANCELLED", "Out of stock")
    assert (order.cancel_reason, order.cancelled_by) == ("Out of stock", "SELLER")


@pytest.mark.parametrize("name", sorted(set(ORDER) - {"id"}))
def test_any_field_may_be_missing_or_null(name: str) -> None:
    assert read(**{name: ...}).id == read(**{name: None}).id == ORDER["id"]


@pytest.mark.parametrize("name", sorted(set(LINE) - {"id"}))
def test_any_field_of_a_line_may_be_missing(name: str) -> None:
    bare = {key: value for key, value in LINE.items() if key != name}
    assert read(line_items=[bare]).lines[0].id == LINE["id"]


def test_nearly_nothing_is_still_an_order() -> None:
    order = order_mapping.shop_order(Fields({"id": 577000000000000101, "update_time": 1767229300}, "orders"))
    assert (order.id, order.status, order.address, order.lines) == ("577000000000000101", "", None, ())
    assert order.updated_at == at(1767229300)
    assert order.payment.total == Decimal(0)


def test_without_an_update_time_the_creation_counts() -> None:
    assert read(update_time=...).updated_at == at(1767225600)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ...},
        {"payment": PAYMENT | {"total_amount": "a lot"}},
        {"payment": PAYMENT | {"total_amount": "NaN"}},
        {"payment": []},
        {"line_items": "none"},
        {"line_items": [{"sku_id": "1"}]},
        {"update_time": 1767229300000},
        {"is_on_hold_order": "yes"},
    ],
)
def test_what_cannot_be_an_order_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable, match="TikTok Shop sent"):
        read(**changes)


def masked_address(**changes: Any) -> Address:
    address = read(recipient_address=ADDRESS | changes).address
    assert address is not None
    return address


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "A** E******"},
        {"phone_number": "(+44)70****000"},
        {"address_line1": "1 S***** S*****"},
        {"postal_code": "L** 1**"},
        {"name": "", "first_name": "", "last_name": ""},
        {"address_line1": "", "address_line2": "", "full_address": ""},
    ],
)
def test_hidden_addresses_are_known_by_asterisks_and_gaps(changes: dict[str, str]) -> None:
    address = masked_address(**changes)
    assert address.masked
    assert (address.town, address.country) == ("Leeds", "GB")
    assert not masked_address().masked


EMPTY = dict.fromkeys(ADDRESS, "") | {"district_info": []}


@pytest.mark.parametrize("told", [..., None, {}, EMPTY, EMPTY | {"region_code": "GB"}])
@pytest.mark.parametrize(
    ("changes", "is_there"),
    [
        ({"status": "ON_HOLD"}, False),
        ({"status": "ON_HOLD", "shipping_type": "TIKTOK"}, False),
        ({"status": "UNPAID", "fulfillment_type": "FULFILLMENT_BY_TIKTOK"}, False),
        ({"status": "AWAITING_SHIPMENT"}, False),
        ({"shipping_type": "TIKTOK_DIGITAL"}, False),
        ({"shipping_type": "TIKTOK"}, True),
        ({"fulfillment_type": "FULFILLMENT_BY_TIKTOK"}, True),
    ],
)
def test_no_address_at_all(told: Any, changes: dict[str, str], is_there: bool) -> None:
    address = read(recipient_address=told, **changes).address
    assert (address is not None and address.masked) if is_there else address is None


def test_names_and_lines_from_what_there_is() -> None:
    assert masked_address(name="", first_name="Ann", last_name="Example").name == "Ann Example"
    bare = {"address_line1": "", "address_line2": "", "address_detail": "1 Sample Street, Flat 2"}
    assert masked_address(**bare).lines == ("1 Sample Street, Flat 2",)
    assert masked_address(post_town="").town == "Leeds", "from the districts"


def test_a_us_address() -> None:
    districts = [
        {"address_level": "L0", "address_level_name": "Country", "address_name": "United States"},
        {"address_level": "L1", "address_level_name": "State", "address_name": "California"},
        {"address_level": "L2", "address_level_name": "County", "address_name": "Los Angeles"},
        {"address_level": "L3", "address_level_name": "City", "address_name": "Burbank"},
    ]
    address = masked_address(region_code="us", post_town="", district_info=districts)
    assert (address.town, address.county, address.country) == ("Burbank", "California", "US")


def test_virtual_bundles() -> None:
    listed = [
        {"product_id": "P", "sku_id": "S1", "seller_sku": "MUG-RED", "sku_count": 2},
        {"product_id": "P", "sku_id": "S2", "seller_sku": "SPOON"},
    ]
    pieces = [{"id": "1", "sku_id": "S1", "seller_sku": "MUG-RED"}] * 2 + [{"id": "3", "sku_id": "S2"}]
    bundle = read(line_items=[LINE | {"combined_listing_skus": listed, "sub_item_info": pieces}]).lines[0]
    assert bundle.components == (Component("S1", "MUG-RED", 2), Component("S2", "SPOON", 1))
    counted = read(line_items=[LINE | {"sub_item_info": pieces}]).lines[0]
    assert counted.components == (Component("S1", "MUG-RED", 2), Component("S2", "", 1))


def test_replacement_exchange_sample_gift() -> None:
    order = read(is_replacement_order=True, replaced_order_id="577000000000000009", is_sample_order=True)
    assert (order.replaced_order_id, order.sample) == ("577000000000000009", True)
    assert read(exchange_source_order_id="5770").exchanged_order_id == "5770"
    assert read(exchange_order_source_id="5771").exchanged_order_id == "5771"
    assert read(line_items=[LINE | {"is_gift": True}]).lines[0].gift


def test_by_tiktok_and_a_pending_cancellation() -> None:
    order = read(fulfillment_type="FULFILLMENT_BY_TIKTOK", is_buyer_request_cancel=True)
    assert (order.by_tiktok, order.cancel_requested) == (True, True)
    assert read(has_updated_recipient_address=True).address_changed


def test_packages_and_tracking_of_the_order_or_its_lines() -> None:
    shipped = LINE | {"package_id": "115", "tracking_number": "RM1GB", "shipping_provider_name": "Royal Mail"}
    order = read(packages=[{"id": "114"}, {"id": "115"}], line_items=[LINE, shipped])
    assert order.package_ids == ("114", "115")
    assert (order.tracking_number, order.provider_name) == ("RM1GB", "Royal Mail")
    own = read(tracking_number="EV2", shipping_provider="Evri", line_items=[shipped])
    assert (own.tracking_number, own.provider_name) == ("EV2", "Evri")


def level(**changes: Any) -> InventoryLevel:
    spread = {
        "in_shop_inventory": {"quantity": 30},
        "campaign_inventory": [{"campaign_name": "Sale", "quantity": 5}, {"campaign_name": "Flash", "quantity": 2}],
        "creator_inventory": [{"creator_name": "ann", "quantity": 1}],
    }
    sku = {
        "id": "S1",
        "seller_sku": "MUG-RED",
        "total_available_quantity": 38,
        "total_committed_quantity": 2,
        "total_available_inventory_distribution": spread,
        "warehouse_inventory": [{"warehouse_id": "W1", "available_quantity": 38, "committed_quantity": 2}],
    }
    changed = {name: value for name, value in (sku | changes).items() if value is not ...}
    (found,) = order_mapping.inventory(Fields({"inventory": [{"product_id": "P1", "skus": [changed]}]}, "data"))
    return found


def test_inventory_tells_the_reserved_apart() -> None:
    assert level() == InventoryLevel("S1", "MUG-RED", 30, 2, campaign=7, creator=1, warehouses=(("W1", 38),))
    assert level(total_available_inventory_distribution={"in_shop_inventory": {"quantity": 0}}).in_shop == 0
    bare = level(total_available_inventory_distribution=..., warehouse_inventory=...)
    assert (bare.in_shop, bare.campaign, bare.creator, bare.warehouses) == (38, 0, 0, ())
    assert order_mapping.inventory(Fields(None, "data")) == ()


def push(kind: int, data: str) -> webhooks.Push:
    return webhooks.parse(b'{"type":%d,"shop_id":"7","timestamp":1767225600,"data":%s}' % (kind, data.encode()))


@pytest.mark.parametrize(
    ("kind", "data", "topic", "order_ids"),
    [
        (1, '{"order_id":"5770","order_status":"CANCEL","update_time":1}', "ORDER_STATUS_CHANGE", ("5770",)),
        (3, '{"order_id":5771,"update_time":1}', "RECIPIENT_ADDRESS_UPDATE", ("5771",)),
        (
            4,
            '{"sc_type":"COMBINE","package_list":[{"package_id":"1","order_id_list":["5770","5771"]},'
            '{"package_id":"2","order_id_list":["5771","5772"]}]}',
            "PACKAGE_UPDATE",
            ("5770", "5771", "5772"),
        ),
        (4, '{"package_list":[{"package_id":"1"},7,{"order_id_list":"x"}]}', "PACKAGE_UPDATE", ()),
        (4, '{"package_list":null}', "PACKAGE_UPDATE", ()),
        (11, '{"order_id":"5770","cancel_id":"4","cancel_status":"X"}', "CANCELLATION_STATUS_CHANGE", ("5770",)),
        (5, '{"product_id":17}', "PRODUCT_STATUS_CHANGE", ()),
    ],
)
def test_which_orders_a_webhook_is_about(kind: int, data: str, topic: str, order_ids: tuple[str, ...]) -> None:
    told = push(kind, data)
    assert (told.topic, told.order_ids) == (topic, order_ids)


def test_stock_webhooks_name_their_sku() -> None:
    told = push(68, '{"event_id":"1","product_id":"P1","sku_id":"S1"}')
    assert (told.topic, told.product_id, told.sku_id) == ("INVENTORY_UPDATE", "P1", "S1")
    assert push(27, '{"sku_id":"S2"}').topic == "INVENTORY_STATUS"


def test_order_topics_are_registered_and_stock_topics_cannot_be() -> None:
    assert {"ORDER_STATUS_CHANGE", "RECIPIENT_ADDRESS_UPDATE", "PACKAGE_UPDATE", "CANCELLATION_STATUS_CHANGE"} <= set(
        webhooks.WANTED
    )
    assert not set(webhooks.WANTED) & set(webhooks.UNREGISTERED.values())
