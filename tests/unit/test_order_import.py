"""Whether and as what an order of the Shop reaches the store: a table of cases and the law of totals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.order_import import Decision, ImportRules, Linked, OrderFacts, decide
from core.domain.orders import Address, Component, Payment, ShopLine, ShopOrder

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STATUSES = {"AWAITING_SHIPMENT": "502", "IN_TRANSIT": "503"}
ADDRESS = Address("Ann Example", "(+44)7000000000", ("1 Sample Street",), "Leeds", "", "LS1 1AA", "GB")


def line(number: int, sku: str = "MUG-RED", price: str = "15.00", off: str = "0", **changes: object) -> ShopLine:
    original, discount = Decimal(price), Decimal(off)
    plain = ShopLine(
        id=f"L{number}",
        product_id="P1",
        sku_id=f"S-{sku}",
        seller_sku=sku,
        title="Mug",
        sku_title="Red",
        original_price=original,
        sale_price=original - discount,
        seller_discount=discount,
        platform_discount=Decimal(0),
        status="AWAITING_SHIPMENT",
    )
    return replace(plain, **changes)


def payment(lines: tuple[ShopLine, ...], shipping: str = "3.99", **changes: object) -> Payment:
    original = sum((one.original_price for one in lines), Decimal(0))
    seller = sum((one.seller_discount for one in lines), Decimal(0))
    fee = Decimal(shipping)
    plain = Payment(
        currency="GBP",
        total=original - seller + fee,
        sub_total=original - seller,
        original_products=original,
        seller_discount=seller,
        platform_discount=Decimal(0),
        shipping_fee=fee,
        original_shipping=fee,
        shipping_seller_discount=Decimal(0),
        shipping_platform_discount=Decimal(0),
        tax=Decimal(0),
    )
    return replace(plain, **changes)


def order(*lines: ShopLine, **changes: object) -> ShopOrder:
    kept = lines or (line(1), line(2))
    plain = ShopOrder(
        id="577000000000000101",
        status="AWAITING_SHIPMENT",
        order_type="NORMAL",
        created_at=NOW,
        updated_at=NOW,
        paid_at=NOW,
        by_tiktok=False,
        shipping_type="SELLER",
        delivery_option_id="7",
        delivery_option="Standard Shipping",
        warehouse_id="W1",
        buyer_email="a@chat.seller.tiktok.com",
        buyer_message="",
        seller_note="",
        address=ADDRESS,
        payment=payment(kept),
        lines=kept,
    )
    return replace(plain, **changes)


def variant(number: int, sku: str, stock: int | None = 10) -> Linked:
    return Linked(number, f"sw{number}", "0", sku, f"Store {sku}", stock)


def facts(shown: ShopOrder, stock: int | None = 10, rules: ImportRules | None = None, **changes: object) -> OrderFacts:
    linked: dict[str, Linked] = {}
    numbers: dict[str, int] = {}
    for one in shown.lines:
        names = [component.seller_sku for component in one.components] or [one.seller_sku]
        for position, name in enumerate(names):
            key = f"{one.id}/{position}" if one.components else one.id
            number = numbers.setdefault(name, len(numbers) + 1)
            if name and not name.startswith("UNKNOWN"):
                linked[key] = variant(number, name, stock)
    plain = OrderFacts(rules or ImportRules(), "GBP", STATUSES, linked, NOW)
    return replace(plain, **changes)


def outcome(shown: ShopOrder, **changes: object) -> tuple[str, str]:
    decision = decide(shown, facts(shown, **changes))
    return decision.state, decision.code


BUNDLE = line(1, "SET", "30.00", components=(Component("S1", "MUG-RED", 2), Component("S2", "PLATE", 1)))


@pytest.mark.parametrize(
    ("shown", "given_facts", "expected"),
    [
        (order(), {}, ("create", "")),
        (order(status="CANCELLED"), {}, ("not_wanted", "cancelled")),
        (order(by_tiktok=True), {}, ("not_wanted", "fulfilled_by_tiktok")),
        (order(by_tiktok=True), {"rules": ImportRules(creation_deducts_stock=False)}, ("create", "")),
        (order(), {"rules": ImportRules(import_orders=False)}, ("not_wanted", "import_off")),
        (order(status="UNPAID"), {}, ("held", "unpaid")),
        (order(status="ON_HOLD", address=None), {}, ("held", "on_hold")),
        (order(status="DELIVERED"), {}, ("held", "unmapped_status")),
        (order(status="BRAND_NEW"), {}, ("held", "unmapped_status")),
        (order(), {"currency": "EUR"}, ("held", "currency")),
        (order(line(1, "UNKNOWN-1")), {}, ("held", "unlinked_sku")),
        (order(address=None), {}, ("held", "no_address")),
        (order(address=None, shipping_type="TIKTOK_DIGITAL"), {}, ("create", "")),
        (order(), {"stock": 1}, ("held", "out_of_stock")),
        (order(ship_by=NOW - timedelta(hours=1)), {"stock": 1}, ("held", "out_of_stock_late")),
        (order(), {"stock": 1, "rules": ImportRules(continue_selling=True)}, ("create", "")),
        (order(), {"stock": None}, ("create", "")),
        (order(BUNDLE), {}, ("create", "")),
        (order(BUNDLE), {"stock": 1}, ("held", "out_of_stock")),
    ],
)
def test_what_becomes_of_an_order(shown: ShopOrder, given_facts: dict[str, object], expected: tuple[str, str]) -> None:
    assert outcome(shown, **given_facts) == expected


@pytest.mark.parametrize(("for_all", "own", "state"), [(False, True, "create"), (True, False, "held")])
def test_continue_selling_of_a_sku_goes_before_that_of_the_connection(for_all: bool, own: bool, state: str) -> None:
    short = facts(order(), stock=0, rules=ImportRules(continue_selling=for_all))
    linked = {key: replace(one, continue_selling=own) for key, one in short.linked.items()}
    assert decide(order(), replace(short, linked=linked)).state == state


def created(shown: ShopOrder, **changes: object) -> Decision:
    decision = decide(shown, facts(shown, **changes))
    assert decision.draft is not None, decision.sentence
    return decision


def test_units_of_one_sku_at_one_price_become_one_line() -> None:
    draft = created(order(line(1), line(2), line(3, "PLATE"))).draft
    assert draft is not None
    assert [(one.sku, one.quantity, one.price) for one in draft.lines] == [
        ("MUG-RED", 2, Decimal("15.00")),
        ("PLATE", 1, Decimal("15.00")),
    ]
    assert draft.comments.startswith("TikTok order 577000000000000101")


def test_a_bundle_is_its_components_with_the_price_on_the_first_and_says_so() -> None:
    draft = created(order(BUNDLE)).draft
    assert draft is not None
    assert [(one.sku, one.quantity, one.price) for one in draft.lines] == [
        ("MUG-RED", 1, Decimal("30.00")),
        ("MUG-RED", 1, Decimal(0)),
        ("PLATE", 1, Decimal(0)),
    ]
    assert "Virtual bundles" in draft.comments


def test_discounts_by_funder_are_lines_of_their_own() -> None:
    lines = (line(1, off="1.50"), line(2, off="1.50"))
    paid = payment(lines)
    paid = replace(
        paid,
        platform_discount=Decimal("2.00"),
        sub_total=paid.sub_total - 2,
        shipping_platform_discount=Decimal("1.00"),
        shipping_fee=Decimal("2.99"),
        total=paid.total - 3,
    )
    shown = order(*lines, payment=paid)
    draft = created(shown).draft
    assert draft is not None
    assert {(one.name, one.amount) for one in draft.discounts} == {
        ("TikTok seller discount", Decimal("3.00")),
        ("TikTok platform discount", Decimal("2.00")),
        ("TikTok platform shipping discount", Decimal("1.00")),
    }
    assert draft.total == Decimal("27.99")
    with_it_back = created(shown, rules=ImportRules(add_platform_discount_back=True)).draft
    assert with_it_back is not None
    assert with_it_back.total == Decimal("30.99")


@pytest.mark.parametrize(
    ("difference", "expected"), [("0.01", "create"), ("-0.05", "create"), ("0.06", "held"), ("-0.06", "held")]
)
def test_a_remainder_is_named_up_to_five_pence(difference: str, expected: str) -> None:
    shown = order()
    shown = replace(shown, payment=replace(shown.payment, total=shown.payment.total + Decimal(difference)))
    decision = decide(shown, facts(shown))
    assert decision.state == expected
    if decision.draft is not None:
        named = [one for one in (*decision.draft.discounts, *decision.draft.fees) if one.name == "TikTok rounding"]
        assert [one.amount for one in named] == [abs(Decimal(difference))]
    else:
        assert decision.code == "total_difference"
        assert f"{Decimal(difference):+.2f}" in decision.sentence


@pytest.mark.parametrize(
    ("cancelled", "accounted"),
    [
        (line(2, "PLATE", status="CANCELLED"), ["15.00"]),
        (line(2, "PLATE", off="3.00", status="CANCELLED"), ["15.00"]),
        (line(2, "PLATE", price="15.00", off="15.00", gift=True, status="CANCELLED"), []),
    ],
)
def test_a_cancelled_line_is_not_shipped_but_its_money_is_accounted_for(
    cancelled: ShopLine, accounted: list[str]
) -> None:
    shown = order(line(1, off="1.50"), cancelled)
    if cancelled.gift:  # TikTok counts a gift nowhere in the payment
        shown = replace(shown, payment=payment(shown.lines[:1]))
    draft = created(shown).draft
    assert draft is not None
    assert [one.sku for one in draft.lines] == ["MUG-RED"]
    assert [(one.name, one.amount) for one in draft.fees] == [
        ("Cancelled before import, refunded on TikTok", Decimal(amount)) for amount in accounted
    ]
    assert draft.total == shown.payment.total


def test_what_the_packers_must_know_stands_in_the_comments() -> None:
    shown = order(line(1, gift=True), replaced_order_id="R1", sample=True, shipping_type="TIKTOK", buyer_message="Hi")
    shown = replace(shown, payment=replace(shown.payment, total=shown.payment.shipping_fee))
    shown = replace(shown, payment=replace(shown.payment, original_products=Decimal(0), sub_total=Decimal(0)))
    draft = created(shown).draft
    assert draft is not None
    for words in ("Buyer: Hi", "Replacement for TikTok order R1", "Creator sample", "Contains a gift", "label"):
        assert words in draft.comments


money = st.decimals(Decimal("0.01"), Decimal("500"), places=2)


@given(
    st.lists(st.tuples(money, st.sampled_from(["A", "B", "C"])), min_size=1, max_size=8),
    st.decimals(0, 1, places=4),
    money,
    st.integers(-5, 5),
)
def test_lines_discounts_shipping_and_fees_always_add_up(
    units: list[tuple[Decimal, str]], share: Decimal, shipping: Decimal, pence: int
) -> None:
    lines = tuple(
        line(number, sku, str(price), str((price * share).quantize(Decimal("0.01"))))
        for number, (price, sku) in enumerate(units, 1)
    )
    paid = payment(lines, str(shipping))
    paid = replace(paid, total=paid.total + Decimal(pence) / 100)
    draft = created(order(*lines, payment=paid)).draft
    assert draft is not None
    reached = sum((one.price * one.quantity for one in draft.lines), Decimal(0)) + draft.shipping
    reached += sum((one.amount for one in draft.fees), Decimal(0))
    reached -= sum((one.amount for one in draft.discounts), Decimal(0))
    assert reached == draft.total == paid.total
