"""TikTok Shop's orders and stock levels to our words (Partner Center, Order API: Get Order List, Get Order Detail).

TikTok Shop leaves out what does not apply, so every field may be missing. Words it may add to (statuses, types) are
kept as they come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from core.domain.orders import Address, Component, InventoryLevel, Payment, ShopLine, ShopOrder
from core.tiktok.fields import Fields

_NEVER = datetime.fromtimestamp(0, UTC)
_SAME_STATUS = {"CANCEL": "CANCELLED"}  # webhooks and some answers have the shorter word
_FEES = (
    "retail_delivery_fee", "small_order_fee", "buyer_service_fee", "handling_fee", "distance_fee",
    "distance_shipping_fee", "shipping_insurance_fee", "item_insurance_fee", "item_insurance_tax",
    "payment_discount_service_fee",
)  # fmt: skip
_TOWNS = ("town", "city", "municipality")


def order_page(data: Fields) -> tuple[tuple[ShopOrder, ...], str]:
    """A page of orders and the token of the next one, "" at the end."""
    return orders(data), data.text("next_page_token")


def orders(data: Fields) -> tuple[ShopOrder, ...]:
    return tuple(shop_order(order) for order in data.items("orders"))


def shop_order(order: Fields) -> ShopOrder:
    """An order as Get Order List or Get Order Detail tells it."""
    lines = tuple(_line(line) for line in order.items("line_items"))
    created_at = order.optional_moment("create_time")
    by_tiktok = order.text("fulfillment_type") == "FULFILLMENT_BY_TIKTOK"
    return ShopOrder(
        id=order.needed("id"),
        status=_status(order.text("status")),
        order_type=order.text("order_type"),
        created_at=created_at or _NEVER,
        updated_at=order.optional_moment("update_time") or created_at or _NEVER,
        paid_at=order.optional_moment("paid_time"),
        by_tiktok=by_tiktok,
        shipping_type=order.text("shipping_type"),
        delivery_option_id=order.text("delivery_option_id"),
        delivery_option=order.text("delivery_option_name"),
        warehouse_id=order.text("warehouse_id"),
        buyer_email=order.text("buyer_email"),
        buyer_message=order.text("buyer_message"),
        seller_note=order.text("seller_note"),
        address=_address(order, by_tiktok),
        payment=_payment(order.part("payment")),
        lines=lines,
        on_hold=order.flag("is_on_hold_order"),
        sample=order.flag("is_sample_order"),
        replaced_order_id=order.text("replaced_order_id"),
        exchanged_order_id=order.text("exchange_source_order_id") or order.text("exchange_order_source_id"),
        cancel_requested=order.flag("is_buyer_request_cancel"),
        cancel_reason=order.text("cancel_reason"),
        cancelled_by=order.text("cancellation_initiator"),
        address_changed=order.flag("has_updated_recipient_address"),
        ship_by=order.optional_moment("rts_sla_time"),
        collect_by=order.optional_moment("tts_sla_time"),
        deliver_by=order.optional_moment("delivery_sla_time"),
        tracking_number=order.text("tracking_number") or _first(line.tracking_number for line in lines),
        provider_name=order.text("shipping_provider") or _first(line.provider_name for line in lines),
        package_ids=_package_ids(order, lines),
        payment_method=order.text("payment_method_name"),
    )


def inventory(data: Fields) -> tuple[InventoryLevel, ...]:
    """Stock by SKU; SKUs the Shop does not know are absent."""
    return tuple(_level(sku) for product in data.items("inventory") for sku in product.items("skus"))


def _status(word: str) -> str:
    return _SAME_STATUS.get(word, word)


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _package_ids(order: Fields, lines: tuple[ShopLine, ...]) -> tuple[str, ...]:
    named = [package.text("id") for package in order.items("packages")] + [line.package_id for line in lines]
    return tuple(dict.fromkeys(filter(None, named)))


def _line(line: Fields) -> ShopLine:
    return ShopLine(
        id=line.needed("id"),
        product_id=line.text("product_id"),
        sku_id=line.text("sku_id"),
        seller_sku=line.text("seller_sku"),
        title=line.text("product_name"),
        sku_title=line.text("sku_name"),
        original_price=line.amount("original_price"),
        sale_price=line.amount("sale_price"),
        seller_discount=line.amount("seller_discount"),
        platform_discount=line.amount("platform_discount"),
        status=_status(line.text("display_status")),
        gift=line.flag("is_gift"),
        package_id=line.text("package_id"),
        tracking_number=line.text("tracking_number"),
        provider_name=line.text("shipping_provider_name"),
        cancel_reason=line.text("cancel_reason"),
        components=_components(line),
    )


def _components(line: Fields) -> tuple[Component, ...]:
    """What one unit of a virtual bundle holds. Where the list by SKU is missing, its single pieces are counted."""
    listed = tuple(
        Component(part.text("sku_id"), part.text("seller_sku"), max(part.number("sku_count"), 1))
        for part in line.items("combined_listing_skus")
    )
    if listed:
        return listed
    single = line.items("sub_item_info")
    if not single:
        return ()
    pieces = Counter((piece.text("sku_id"), piece.text("seller_sku")) for piece in single)
    return tuple(Component(sku_id, seller_sku, count) for (sku_id, seller_sku), count in pieces.items())


def _payment(payment: Fields) -> Payment:
    total, sub_total = payment.amount("total_amount"), payment.amount("sub_total")
    shipping, tax = payment.amount("shipping_fee"), payment.amount("tax")
    fees = tuple((name, amount) for name in _FEES if (amount := payment.amount(name)))
    if off := payment.amount("payment_platform_discount"):
        fees += (("payment_platform_discount", -off),)
    if total in (sub_total + shipping, sub_total + shipping + tax):
        fees = ()  # like tax in some markets, they are told but contained in the prices
    return Payment(
        currency=payment.text("currency"),
        total=total,
        sub_total=sub_total,
        original_products=payment.amount("original_total_product_price"),
        seller_discount=payment.amount("seller_discount"),
        platform_discount=payment.amount("platform_discount"),
        shipping_fee=shipping,
        original_shipping=payment.amount("original_shipping_fee"),
        # How a co-funded discount is shared out is not told; nothing says that TikTok gives it back.
        shipping_seller_discount=payment.amount("shipping_fee_seller_discount")
        + payment.amount("shipping_fee_cofunded_discount"),
        shipping_platform_discount=payment.amount("shipping_fee_platform_discount"),
        tax=tax,
        fees=fees,
    )


def _address(order: Fields, by_tiktok: bool) -> Address | None:
    """None while TikTok Shop gives nothing of it (on hold, unpaid, digital goods).

    Masked are addresses with asterisks and those without a name or a street. For parcels that TikTok ships itself
    the address stays hidden for good, so there an empty one counts as masked.
    """
    told = order.part("recipient_address")
    region, levels = told.text("region_code").upper(), _levels(told)
    name = told.text("name") or " ".join(filter(None, (told.text("first_name"), told.text("last_name"))))
    lines = tuple(filter(None, (told.text(f"address_line{number}").strip() for number in (1, 2, 3, 4))))
    if not lines and (whole := told.text("address_detail") or told.text("full_address")):
        lines = (whole,)
    address = Address(
        name=name,
        phone=told.text("phone_number"),
        lines=lines,
        town=told.text("post_town") or _town(levels),
        county=_county(levels, region),
        postcode=told.text("postal_code"),
        country=region,
    )
    seen = (name, address.phone, *lines, address.town, address.postcode)
    if not any(seen):
        hidden = by_tiktok or order.text("shipping_type") == "TIKTOK"
        waiting = order.text("status") in ("UNPAID", "ON_HOLD")
        return replace(address, masked=True) if hidden and not waiting else None
    return replace(address, masked=True) if not name or not lines or any("*" in text for text in seen) else address


def _levels(told: Fields) -> dict[str, tuple[str, str]]:
    """The district of each level, L0 (country) downwards: (what the level is called in lower case, its name)."""
    return {
        one.text("address_level").upper(): (one.text("address_level_name").lower(), one.text("address_name"))
        for one in told.items("district_info")
    }


def _town(levels: dict[str, tuple[str, str]]) -> str:
    """The lowest district called a town; else level 3, which the US documents as its city."""
    lowest_first = [levels[level] for level in sorted(levels, reverse=True)]
    called = (name for word, name in lowest_first if any(town in word for town in _TOWNS))
    return next(called, levels.get("L3", ("", ""))[1])


def _county(levels: dict[str, tuple[str, str]], region: str) -> str:
    """The state or province; in the UK level 1 is the nation and level 2 the county [inferred]."""
    word, name = levels.get("L2" if region == "GB" else "L1", ("", ""))
    return "" if any(town in word for town in _TOWNS) else name


def _level(sku: Fields) -> InventoryLevel:
    """Without a distribution nothing is reserved, and all that is available is in the shop."""
    spread = sku.part("total_available_inventory_distribution")
    campaign = sum(one.number("quantity") for one in spread.items("campaign_inventory"))
    creator = sum(one.number("quantity") for one in spread.items("creator_inventory"))
    in_shop = spread.part("in_shop_inventory")
    available = sku.number("total_available_quantity") - campaign - creator
    return InventoryLevel(
        sku_id=sku.needed("id"),
        seller_sku=sku.text("seller_sku"),
        in_shop=in_shop.number("quantity") if in_shop.has("quantity") else available,
        committed=sku.number("total_committed_quantity"),
        campaign=campaign,
        creator=creator,
        warehouses=tuple(
            (place.text("warehouse_id"), place.number("available_quantity"))
            for place in sku.items("warehouse_inventory")
        ),
    )
