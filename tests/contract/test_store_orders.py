"""What every store adapter must do with orders, against its platform's sandbox over real sockets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import Conflict, Missing, Refused, Temporary, Unknown
from core.domain.orders import Address
from core.ports import Store
from core.stores.registry import PLATFORMS
from tests.sandbox_server import running_sandbox
from tests.store_harness import StoreAtSandbox, at_sandbox, receiving
from tests.store_orders_rig import ADDRESS, USUAL, break_calls, draft, goods, line, recently, status_of, switch

CREATE = "POST /v1/orders"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(Path(tmp_path_factory.mktemp("sandbox")), 20) as base:
        yield base


@pytest.fixture(params=sorted(PLATFORMS))
def there(request: pytest.FixtureRequest, base: str) -> Iterator[StoreAtSandbox]:
    found = at_sandbox(request.param, base)
    yield found
    found.control("faults", {}, method="DELETE")
    found.control("limits", {"off": True})
    found.control(f"{request.param}/switches", USUAL)


def test_a_store_has_every_part_of_the_port(there: StoreAtSandbox) -> None:
    names = {name for name in vars(Store) if not name.startswith("_")}
    assert not {name for name in names if not callable(getattr(there.store(), name, None))}


def test_statuses_have_the_kinds_that_mapping_needs(there: StoreAtSandbox) -> None:
    statuses = there.store().order_statuses()
    assert {status.kind for status in statuses} >= {"unpaid", "paid", "shipped", "cancelled"}
    assert len({status.remote_id for status in statuses}) == len(statuses)
    assert all(status.name for status in statuses)


def test_shipping_rates_are_told_by_name_each_once(there: StoreAtSandbox) -> None:
    names = there.store().shipping_rates()
    assert names is not None and len(names) > 1
    assert len(set(names)) == len(names) and all(names)
    there.merchant.add_rate(names[0])
    added = there.merchant.add_rate("Seventh heaven")
    assert there.store().shipping_rates() == (*names, "Seventh heaven")
    there.merchant.delete_rate(added)
    assert there.store().shipping_rates() == names


def test_an_order_is_created_whole_and_to_the_penny(there: StoreAtSandbox) -> None:
    store, wanted = there.store(), draft(there)
    made = store.create_order(wanted)
    assert (made.total, made.status_id) == (wanted.total, wanted.status_id)
    assert made.number and made.status and made.comments == wanted.comments
    assert made.created_at is not None and abs(made.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert store.order(made.remote_id) == made

    seen = there.merchant.order(made.remote_id)
    assert seen["paymentMethod"] == "TikTok Shop"
    for place in ("billingAddress", "shippingAddress"):
        address = seen[place]
        assert (address["name"], address["telephone"]) == ("Ann Example", "(+44)7000000000")
        assert (address["addressLine1"], address["addressLine2"]) == ("1 Sample Street", "Flat 2")
        assert (address["city"], address["province"], address["postcode"]) == ("Leeds", "West Yorkshire", "LS1 1AA")
        assert (address["country"], address["emailAddress"]) == ("United Kingdom", wanted.email)
    assert [(one["sku"], one["quantity"], one["price"]) for one in seen["products"]] == [
        (wanted.lines[0].sku, 2, 14.99)
    ]
    assert seen["shipping"][0]["name"] == "Standard Shipping"
    assert ("TikTok seller discount", 1.5) in {(one["name"], one["value"]) for one in seen["discounts"]}
    assert ("Small order fee", 0.31) in {(one["name"], one["value"]) for one in seen["fees"]}


@pytest.mark.parametrize("net_prices", [False, True])
def test_every_amount_reaches_its_total(there: StoreAtSandbox, net_prices: bool) -> None:
    """The store keeps shipping, and goods priced without VAT, net in whole pence, which not every amount survives."""
    product_id, sku = goods(there, stock=1000, net_prices=net_prices)
    chance, store = random.Random(7), there.store()
    pence = [0, 1, 3, 399, 299, 495, 1000, *(chance.randrange(1, 5000) for _ in range(13))]
    for shipping, price in zip(pence, reversed(pence), strict=True):
        cost = Decimal(price) / 100
        bought = replace(line(product_id, sku, quantity=3), price=cost, vat_exclusive=net_prices)
        wanted = draft(there, bought, shipping=Decimal(shipping) / 100, discounts=(), fees=())
        assert store.create_order(wanted).total == wanted.total


def test_another_total_in_the_store_is_a_conflict_that_names_both(there: StoreAtSandbox) -> None:
    product_id, sku = goods(there, net_prices=True)  # but the draft does not know
    wanted = draft(there, line(product_id, sku, price="10.00"))
    with pytest.raises(Conflict) as caught:
        there.store().create_order(wanted)
    (made,) = there.store().find_orders(wanted.marker, since=recently())
    assert made.total != wanted.total
    assert caught.value.code == "total"
    for named in (f"{made.total:.2f} GBP", f"{wanted.total:.2f} GBP", made.number, wanted.marker):
        assert named in caught.value.sentence


def test_a_draft_that_does_not_add_up_is_not_sent(there: StoreAtSandbox) -> None:
    wanted = draft(there)
    with pytest.raises(Refused, match="add up to"):
        there.store().create_order(replace(wanted, total=wanted.total + 1))
    assert there.store().find_orders(wanted.marker, since=recently()) == ()


def test_hidden_and_foreign_addresses(there: StoreAtSandbox) -> None:
    nowhere = Address("", "", (), "", "", "", "", masked=True)
    made = there.store().create_order(draft(there, address=nowhere))
    assert there.merchant.order(made.remote_id)["shippingAddress"]["country"] == "United Kingdom"
    long = replace(ADDRESS, lines=("A", "B", "C", "D"), country="US", county="California")
    made = there.store().create_order(draft(there, address=long))
    address = there.merchant.order(made.remote_id)["shippingAddress"]
    assert (address["addressLine3"], address["state"], address["country"]) == ("C, D", "California", "United States")
    with pytest.raises(Refused, match="'ZZ'"):
        there.store().create_order(draft(there, address=replace(ADDRESS, country="ZZ")))


def test_what_the_store_refuses_is_said_in_its_words(there: StoreAtSandbox) -> None:
    unknown = draft(there, line("1", "NO-SUCH-SKU"))
    with pytest.raises(Refused, match="NO-SUCH-SKU"):
        there.store().create_order(unknown)
    with pytest.raises(Refused, match="status"):
        there.store().create_order(replace(unknown, status_id="987654"))
    assert there.store().find_orders(unknown.marker, since=recently()) == ()


def test_goods_without_a_sku_go_by_their_product(there: StoreAtSandbox) -> None:
    product_id = there.merchant.create("Nameless", "")
    made = there.store().create_order(draft(there, line(product_id, "")))
    assert there.merchant.order(made.remote_id)["products"][0]["id"] == int(product_id)
    with pytest.raises(Refused, match="by its SKU"):
        there.store().create_order(draft(there, replace(line(product_id, ""), variant_remote_id="77")))


def test_only_the_same_first_line_counts(there: StoreAtSandbox) -> None:
    store, wanted = there.store(), draft(there)
    made = store.create_order(wanted)
    for comments in (f"{wanted.marker}9\nx", f"About {wanted.marker}", f"x\n{wanted.marker}", ""):
        store.create_order(replace(draft(there), comments=comments))
    assert store.find_orders(wanted.marker, since=recently()) == (made,)
    assert store.find_orders("TikTok order 1", since=recently()) == ()


def test_found_by_search_when_the_list_starts_too_late(there: StoreAtSandbox) -> None:
    store, wanted = there.store(), draft(there)
    made = store.create_order(wanted)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert store.find_orders(wanted.marker, since=later) == (made,)
    switch(there, hide_order_comments=True)
    assert store.find_orders(wanted.marker, since=later) == ()


@pytest.mark.parametrize("hidden", [{"hide_order_comments": True}, {"order_search_delay_seconds": 3600}])
def test_found_by_the_list_when_search_does_not_know_it(there: StoreAtSandbox, hidden: dict[str, Any]) -> None:
    switch(there, **hidden)
    store, wanted = there.store(), draft(there)
    made = store.create_order(wanted)
    assert store.find_orders(wanted.marker, since=recently()) == (made,)


@pytest.mark.parametrize("fault", ["cut_after", "truncated"])
@pytest.mark.parametrize("hidden", [{}, {"hide_order_comments": True}, {"order_search_delay_seconds": 3600}])
def test_a_lost_answer_is_unknown_and_the_order_is_found(
    there: StoreAtSandbox, fault: str, hidden: dict[str, Any]
) -> None:
    switch(there, **hidden)
    store, wanted = there.store(), draft(there)
    break_calls(there, CREATE, fault)
    with pytest.raises(Unknown):
        store.create_order(wanted)
    (found,) = store.find_orders(wanted.marker, since=recently())
    assert found.total == wanted.total
    assert [call for call in there.journal.paths() if call == "POST /orders"] == ["POST /orders"], "never repeated"


@pytest.mark.parametrize(
    ("fault", "error"),
    [("cut_before", Unknown), ("http_503", Temporary), ("http_500", Unknown), ("html_page", Unknown)],
)
def test_trouble_without_effect_leaves_no_order(there: StoreAtSandbox, fault: str, error: type[Exception]) -> None:
    store, wanted = there.store(), draft(there)
    break_calls(there, CREATE, fault)
    with pytest.raises(error):
        store.create_order(wanted)
    assert store.find_orders(wanted.marker, since=recently()) == ()


def test_many_recent_orders_are_looked_through(there: StoreAtSandbox) -> None:
    switch(there, hide_order_comments=True)
    product_id, sku = goods(there)
    began = datetime.now(UTC) - timedelta(seconds=1)
    store, wanted = there.store(), draft(there, line(product_id, sku))
    made = store.create_order(wanted)
    body = {
        "status": int(wanted.status_id),
        "shippingAddress": {"countryId": 222},
        "billingAddress": {"countryId": 222},
    }
    body |= {"shippingRate": {"name": "x", "value": 0}, "products": [{"sku": sku, "quantity": 1, "price": 1}]}
    for _ in range(105):
        there.merchant.ask("POST", "/orders", body)
    last = store.create_order(draft(there, line(product_id, sku)))
    assert store.find_orders(wanted.marker, since=began) == (made,)
    assert store.find_orders(last.comments.splitlines()[0], since=began) == (last,)


def test_an_order_that_is_not_there(there: StoreAtSandbox) -> None:
    made = there.store().create_order(draft(there))
    there.merchant.delete_order(made.remote_id)
    for remote_id in (made.remote_id, "0", "-1", "ten", ""):
        with pytest.raises(Missing):
            there.store().order(remote_id)


def test_status_and_tracking_may_be_set_twice(there: StoreAtSandbox) -> None:
    store = there.store()
    made = store.create_order(draft(there))
    shipped = status_of(store, "shipped")
    for _ in range(2):
        store.set_order_status(made.remote_id, shipped, tracking_url="https://track.example/RM1", email=True)
    assert store.order(made.remote_id).status_id == shipped
    assert (made.tracking_url, store.order(made.remote_id).tracking_url) == ("", "https://track.example/RM1")
    assert there.merchant.order(made.remote_id)["trackingUrl"] == "https://track.example/RM1"
    store.set_order_status(made.remote_id, made.status_id)
    assert there.merchant.order(made.remote_id)["trackingUrl"] == "https://track.example/RM1", "left as it was"
    with pytest.raises(Refused, match="status"):
        store.set_order_status(made.remote_id, "987654")
    with pytest.raises(Missing):
        store.set_order_status("999999999", shipped)


def test_a_status_is_set_through_short_trouble(there: StoreAtSandbox) -> None:
    store = there.store()
    made = store.create_order(draft(there))
    break_calls(there, "POST /v1/orders/{id}/status", "http_503")
    store.set_order_status(made.remote_id, status_of(store, "cancelled"))
    assert store.order(made.remote_id).status_id == status_of(store, "cancelled")


def test_notes_for_the_staff(there: StoreAtSandbox) -> None:
    made = there.store().create_order(draft(there))
    there.store().comment_order(made.remote_id, "The address changed on TikTok Shop.")
    notes = there.merchant.order(made.remote_id)["adminComments"]
    assert [note["content"] for note in notes] == ["The address changed on TikTok Shop."]
    assert there.store().order(made.remote_id).comments == made.comments
    with pytest.raises(Missing):
        there.store().comment_order("999999999", "x")


def test_order_webhooks_name_the_order(there: StoreAtSandbox) -> None:
    store = there.store()
    with receiving(there.platform, there.credentials()["webhook_secret"]) as receiver:
        store.register_webhooks(receiver.address)
        made = store.create_order(draft(there))
        store.set_order_status(made.remote_id, status_of(store, "shipped"))
        there.merchant.delete_order(made.remote_id)
        for action in ("created", "status_changed", "deleted"):
            receiver.wait_for(lambda body, action=action: told(there, body) == ("order", action, made.remote_id))
        store.remove_webhooks(receiver.address)


def told(there: StoreAtSandbox, body: bytes) -> tuple[str, str, str]:
    change = there.platform.change_in(body)
    return (change.kind, change.action, change.subject_id) if change else ("", "", "")


def test_the_customer_never_reaches_the_journal(there: StoreAtSandbox) -> None:
    store, wanted = there.store(), draft(there, custom_fields={"Call": "Ann Example 7000000000"})
    made = store.create_order(wanted)
    store.order(made.remote_id)
    store.find_orders(wanted.marker, since=recently())
    kept = repr(there.journal.exchanges)
    for private in ("Ann Example", "7000000000", "Sample Street", "LS1 1AA", "Leeds", wanted.email, "at the back"):
        assert private not in kept
    assert wanted.lines[0].sku in kept and "Standard Shipping" in kept
