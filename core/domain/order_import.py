"""order_import: whether an order of the Shop becomes a store order now, and exactly what that order is.

Pure rules. What they need to know is in ``OrderFacts``; what they decide is a ``Decision``: create this draft, wait
for something named, or leave it out for a reason named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.domain.mapping import sku_shown
from core.domain.orders import Address, Named, ShopLine, ShopOrder, StoreLine, StoreOrderDraft

ROUNDING_MAXIMUM = Decimal("0.05")
_BEFORE_SHIPMENT = ("UNPAID", "ON_HOLD")
_SHIPPING_NAME = "TikTok Shop delivery"
_NOWHERE = Address("", "", (), "", "", "", "")


@dataclass(frozen=True, slots=True)
class Linked:
    """The store's variant that a line (or a bundle's component) stands for. ``stock`` None: not counted.

    ``continue_selling``: the SKU's own rule, before the connection's; None has none.
    """

    variant_id: int
    product_remote_id: str
    variant_remote_id: str
    sku: str
    title: str
    stock: int | None
    vat_exclusive: bool = False
    continue_selling: bool | None = None


@dataclass(frozen=True, slots=True)
class ImportRules:
    """The connection's settings that decide (G4, G8, G13, G15) and what the store cannot do (law 13)."""

    import_orders: bool = True
    can_update_orders: bool = False
    creation_deducts_stock: bool = True
    continue_selling: bool = False
    add_platform_discount_back: bool = False
    send_emails: bool = False
    shipping_rate: str = ""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """``linked`` by the id of a line, or ``line id/component number`` of a bundle's; ``statuses`` by TikTok status.

    ``rates``: the names of the store's shipping rates; None where they are not known.
    """

    rules: ImportRules
    currency: str
    statuses: Mapping[str, str]
    linked: Mapping[str, Linked]
    now: datetime
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    rates: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """``state``: create, held or not_wanted. ``code`` groups causes, ``sentence`` says it to a person."""

    state: str
    code: str = ""
    sentence: str = ""
    missing: tuple[str, ...] = ()
    draft: StoreOrderDraft | None = None


# Its goods are no longer on the shelf, so a store order made now would take them off a second time.
SHIPPED_BEFORE = Decision(
    "not_wanted",
    "shipped_before",
    "It was shipped on TikTok before this connection was made, so it is shown here only: created in the store, its "
    "goods would be taken off the shelf a second time.",
)


def decide(order: ShopOrder, facts: OrderFacts) -> Decision:
    """The first rule that speaks decides; without any the order is created."""
    return (
        _left_out(order, facts.rules)
        or _waiting(order, facts)
        or _without_rate(facts)
        or _unlinked(order, facts)
        or _undeliverable(order)
        or _out_of_stock(order, facts)
        or _priced(order, facts)
    )


def _left_out(order: ShopOrder, rules: ImportRules) -> Decision | None:
    if order.status in ("CANCELLED", "CANCEL"):
        return Decision("not_wanted", "cancelled", "It was cancelled before it was imported.")
    if order.by_tiktok and rules.creation_deducts_stock:
        sentence = (
            "TikTok fulfils it from its own stock, so it is not created in the store, which would deduct its own."
        )
        return Decision("not_wanted", "fulfilled_by_tiktok", sentence)
    if not rules.import_orders:
        return Decision("not_wanted", "import_off", "Order importing is off for this connection.")
    return None


def _waiting(order: ShopOrder, facts: OrderFacts) -> Decision | None:
    if order.status in _BEFORE_SHIPMENT and not facts.rules.can_update_orders:
        why = "is not paid yet" if order.status == "UNPAID" else "is in TikTok's hold hour and may not be shipped"
        return Decision(
            "held", order.status.lower(), f"It {why}: its stock is reserved, and it is imported after that."
        )
    if order.status not in facts.statuses:
        sentence = f"The TikTok status {order.status} is not mapped to a store status: map it in Mappings."
        return Decision("held", "unmapped_status", sentence)
    if order.payment.currency != facts.currency:
        sentence = (
            f"It was paid in {order.payment.currency} and the store works in {facts.currency}: "
            "set the store's currency to the Shop's."
        )
        return Decision("held", "currency", sentence)
    return None


def _without_rate(facts: OrderFacts) -> Decision | None:
    rate = facts.rules.shipping_rate
    if not rate or facts.rates is None or rate in facts.rates:
        return None
    sentence = (
        f'The store no longer has the shipping rate "{rate}", which imported orders are to carry: choose another in '
        "Settings, Orders, or add it in the store again."
    )
    return Decision("held", "missing_shipping_rate", sentence)


def line_keys(line: ShopLine) -> tuple[str, ...]:
    """Under which keys the line's store variants are looked up: itself, or each component of a bundle."""
    if not line.components:
        return (line.id,)
    return tuple(f"{line.id}/{number}" for number, _ in enumerate(line.components))


def _unlinked(order: ShopOrder, facts: OrderFacts) -> Decision | None:
    missing = tuple(dict.fromkeys(name for line in _kept(order) for name in _missing(line, facts.linked)))
    if not missing:
        return None
    one = len(missing) == 1
    sentence = f"{len(missing)} {'SKU is' if one else 'SKUs are'} not linked to the store: {', '.join(missing)}."
    return Decision("held", "unlinked_sku", sentence, missing)


def _missing(line: ShopLine, linked: Mapping[str, Linked]) -> list[str]:
    if not line.components:
        return [] if line.id in linked else [sku_shown(line.seller_sku, line.sku_id)]
    return [
        sku_shown(component.seller_sku, component.sku_id)
        for key, component in zip(line_keys(line), line.components, strict=True)
        if key not in linked
    ]


def _undeliverable(order: ShopOrder) -> Decision | None:
    if order.address is not None or order.shipping_type == "TIKTOK_DIGITAL":
        return None
    return Decision("held", "no_address", "TikTok gives no address to ship to yet: it is read again.")


def _out_of_stock(order: ShopOrder, facts: OrderFacts) -> Decision | None:
    """Only where the store would be short; what this very order needs is compared with what is on the shelf (O16)."""
    if order.by_tiktok:
        return None
    short = [
        linked.sku
        for linked, needed in _needed(order, facts.linked)
        if linked.stock is not None and linked.stock < needed and not _sold_without_stock(linked, facts.rules)
    ]
    if not short:
        return None
    if order.ship_by is not None and facts.now > order.ship_by:
        sentence = f"Out of stock ({', '.join(short)}) and past its ship-by time: fulfil it in Seller Center."
        return Decision("held", "out_of_stock_late", sentence)
    sentence = f"Out of stock, not imported: {', '.join(short)}. It is imported once the stock is there."
    return Decision("held", "out_of_stock", sentence)


def _sold_without_stock(linked: Linked, rules: ImportRules) -> bool:
    return rules.continue_selling if linked.continue_selling is None else linked.continue_selling


def _needed(order: ShopOrder, linked: Mapping[str, Linked]) -> list[tuple[Linked, int]]:
    needed: dict[int, tuple[Linked, int]] = {}
    for line in _kept(order):
        counts = [component.count for component in line.components] or [1]
        for key, count in zip(line_keys(line), counts, strict=True):
            variant = linked[key]
            before = needed.get(variant.variant_id, (variant, 0))[1]
            needed[variant.variant_id] = (variant, before + count)
    return list(needed.values())


def _kept(order: ShopOrder) -> list[ShopLine]:
    return [line for line in order.lines if line.status != "CANCELLED"]


def _priced(order: ShopOrder, facts: OrderFacts) -> Decision:
    """The draft whose total equals what the buyer paid, to the penny (law 14)."""
    lines = _store_lines(order, facts.linked)
    discounts, fees = _discounts(order, facts.rules), _fees(order)
    shipping, total = order.payment.original_shipping, _total(order, facts.rules)
    sum_of_lines = sum((line.price * line.quantity for line in lines), Decimal(0))
    reached = sum_of_lines + shipping + _sum(fees) - _sum(discounts)
    remainder = total - reached
    if abs(remainder) > ROUNDING_MAXIMUM:
        sentence = (
            f"Its parts add up to {reached:.2f} {facts.currency} and the buyer paid {total:.2f}: "
            f"{remainder:+.2f} cannot be explained, so it is held for a person."
        )
        return Decision("held", "total_difference", sentence)
    if remainder > 0:
        fees.append(Named("TikTok rounding", remainder))
    elif remainder < 0:
        discounts.append(Named("TikTok rounding", -remainder))
    return Decision("create", draft=_draft(order, facts, lines, discounts, fees, total))


def _total(order: ShopOrder, rules: ImportRules) -> Decimal:
    """What the store order is worth: what the buyer paid, plus TikTok's own part where the setting wants it."""
    if not rules.add_platform_discount_back:
        return order.payment.total
    return order.payment.total + order.payment.platform_discount + order.payment.shipping_platform_discount


def _store_lines(order: ShopOrder, linked: Mapping[str, Linked]) -> tuple[StoreLine, ...]:
    """Units of one variant at one price become one line. A bundle's components carry its price on the first."""
    grouped: dict[tuple[int, Decimal, str], int] = {}
    variants: dict[int, Linked] = {}
    for line in _kept(order):
        for variant, price, count, note in _units(line, linked):
            variants[variant.variant_id] = variant
            place = (variant.variant_id, price, note)
            grouped[place] = grouped.get(place, 0) + count
    return tuple(
        _line(variants[variant_id], price, note, count) for (variant_id, price, note), count in grouped.items()
    )


def _units(line: ShopLine, linked: Mapping[str, Linked]) -> list[tuple[Linked, Decimal, int, str]]:
    if not line.components:
        return [(linked[line.id], _price(line), 1, " (gift)" if line.gift else "")]
    units: list[tuple[Linked, Decimal, int, str]] = []
    for number, (key, component) in enumerate(zip(line_keys(line), line.components, strict=True)):
        first = number == 0
        units.append((linked[key], _price(line) if first else Decimal(0), 1, " (virtual bundle)"))
        rest = component.count - 1
        if rest:
            units.append((linked[key], Decimal(0), rest, " (virtual bundle)"))
    return units


def _price(line: ShopLine) -> Decimal:
    """Before any discount: those are taken off the whole order, cancelled lines and all."""
    return Decimal(0) if line.gift else line.original_price


def _line(variant: Linked, price: Decimal, note: str, count: int) -> StoreLine:
    return StoreLine(
        variant.variant_id,
        variant.product_remote_id,
        variant.variant_remote_id,
        variant.sku,
        variant.title + note,
        count,
        price,
        variant.vat_exclusive,
    )


def _discounts(order: ShopOrder, rules: ImportRules) -> list[Named]:
    payment = order.payment
    named = [
        Named("TikTok seller discount", payment.seller_discount),
        Named("TikTok seller shipping discount", payment.shipping_seller_discount),
    ]
    if not rules.add_platform_discount_back:
        named += [
            Named("TikTok platform discount", payment.platform_discount),
            Named("TikTok platform shipping discount", payment.shipping_platform_discount),
        ]
    return [discount for discount in named if discount.amount]


def _fees(order: ShopOrder) -> list[Named]:
    """Tax beside the prices (not in GB, where they include VAT), fees, and what was cancelled but paid."""
    cancelled = sum((_price(line) for line in order.lines if line.status == "CANCELLED"), Decimal(0))
    named = [Named("Tax", order.payment.tax)] if order.payment.tax and _tax_is_extra(order) else []
    named += [Named(name.replace("_", " ").capitalize(), amount) for name, amount in order.payment.fees if amount]
    if cancelled:
        named.append(Named("Cancelled before import, refunded on TikTok", cancelled))
    return named


def _tax_is_extra(order: ShopOrder) -> bool:
    payment = order.payment
    fees = sum((amount for _, amount in payment.fees), Decimal(0))
    return payment.sub_total + payment.shipping_fee + fees + payment.tax == payment.total


def _sum(named: list[Named]) -> Decimal:
    return sum((one.amount for one in named), Decimal(0))


def _draft(
    order: ShopOrder,
    facts: OrderFacts,
    lines: tuple[StoreLine, ...],
    discounts: list[Named],
    fees: list[Named],
    total: Decimal,
) -> StoreOrderDraft:
    marker = marker_of(order.id)
    return StoreOrderDraft(
        marker=marker,
        shop_order_id=order.id,
        status_id=facts.statuses[order.status],
        address=order.address or _NOWHERE,
        email=order.buyer_email,
        lines=lines,
        shipping_name=facts.rules.shipping_rate or order.delivery_option or _SHIPPING_NAME,
        shipping=order.payment.original_shipping,
        discounts=tuple(discounts),
        fees=tuple(fees),
        total=total,
        currency=order.payment.currency,
        comments="\n".join([marker, *_delivery_notes(order, facts.rules), *order_notes(order)]),
        custom_fields=dict(facts.custom_fields),
        send_emails=facts.rules.send_emails,
    )


def _delivery_notes(order: ShopOrder, rules: ImportRules) -> list[str]:
    """What the buyer chose, where the store order carries a rate of the store's instead."""
    hidden = rules.shipping_rate and order.delivery_option not in ("", rules.shipping_rate)
    return [f"Delivery option on TikTok: {order.delivery_option}"] if hidden else []


def marker_of(shop_order_id: str) -> str:
    """How the store order begins its comments, and is found again by."""
    return f"TikTok order {shop_order_id}"


def order_notes(order: ShopOrder) -> list[str]:
    """What the people who pack it must know, a line each."""
    notes = []
    if order.buyer_message:
        notes.append(f"Buyer: {order.buyer_message}")
    if order.seller_note:
        notes.append(f"Note in Seller Center: {order.seller_note}")
    if any(line.components for line in order.lines):
        notes.append("Virtual bundles")
    if order.replaced_order_id:
        notes.append(f"Replacement for TikTok order {order.replaced_order_id}")
    if order.exchanged_order_id:
        notes.append(f"Exchange for TikTok order {order.exchanged_order_id}")
    if order.sample:
        notes.append("Creator sample")
    if any(line.gift for line in order.lines):
        notes.append("Contains a gift")
    if order.shipping_type == "TIKTOK":
        notes.append("Shipped by TikTok: print the label in Seller Center, do not ship it from the store")
    if order.address is not None and order.address.masked:
        notes.append("TikTok hides the buyer's details")
    return notes
