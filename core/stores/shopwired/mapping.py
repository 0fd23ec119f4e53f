"""ShopWired's records as ours.

Facts: ShopWired's API reference (shopwired.readme.io: Products, Variations, Categories, Brands, Business, Events) and
its help pages "Webhooks" and "API overview". What those do not say is marked [inferred].
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.domain.catalog import (
    Business,
    Change,
    OptionValue,
    Picture,
    Product,
    StoreBrand,
    StoreCategory,
    Variant,
)
from core.domain.errors import Temporary
from core.stores import wire

ONLY_VARIANT = "0"
VAT = {"GB": Decimal("1.20")}  # the standard rate, by the business's country
_NO_GTIN = frozenset({"does not apply", "n/a", "na", "none", "-"})
_KINDS = ("product", "category", "brand", "order")


@dataclass(frozen=True, slots=True)
class _Prices:
    price: Decimal | None
    sale_price: Decimal | None


def product_from(record: Any, *, country: str) -> Product:
    """A product read with ``embed=variations,images,categories,brand,custom_fields``.

    Prices become what a customer pays: of a product marked ``vatExclusive`` the amounts are net, and VAT of 20 % is
    added where the business is in Great Britain [inferred: ShopWired names no rate per product]; other amounts are
    gross. A variation without a price has its parent's price and sale price. Weights are kilograms.

    Raises ``Temporary`` when the record has no id, as a damaged answer would.
    """
    found = wire.fields(record)
    remote_id = _id_of(found, "product")
    pictures, places = _pictures(found.get("images"))
    vat = VAT.get(country, Decimal(1)) if wire.flag(found.get("vatExclusive")) else Decimal(1)
    brand = found.get("brand")
    return Product(
        remote_id=remote_id,
        title=wire.text(found.get("title")).strip(),
        description=wire.text(found.get("description")),
        active=wire.flag(found.get("active")),
        url=wire.text(found.get("url")).strip(),
        variants=_variants(found, vat, places),
        pictures=pictures,
        category_ids=tuple(dict.fromkeys(filter(None, map(wire.identifier, wire.items(found.get("categories")))))),
        brand_id=wire.identifier(brand),
        brand_name=wire.optional_text(brand.get("title")) if isinstance(brand, dict) else None,
        custom_fields=_custom_fields(found.get("customFields")),
        vat_exclusive=wire.flag(found.get("vatExclusive")),
        created_at=wire.moment(found.get("createdAt")),
        updated_at=wire.moment(found.get("updatedAt")),
    )


def category_from(record: Any) -> StoreCategory:
    """A category read with ``embed=parents``, which lists the nearest parent first and the root last."""
    found = wire.fields(record)
    title = wire.text(found.get("title")).strip()
    parents = [wire.text(wire.fields(parent).get("title")).strip() for parent in wire.items(found.get("parents"))]
    path = " > ".join([*reversed(parents), title])
    return StoreCategory(_id_of(found, "category"), title, path, active=found.get("active") is not False)


def brand_from(record: Any) -> StoreBrand:
    found = wire.fields(record)
    return StoreBrand(_id_of(found, "brand"), wire.text(found.get("title")).strip())


def business_from(record: Any) -> Business:
    found = wire.fields(record)
    return Business(
        remote_id=_id_of(found, "business"),
        name=wire.text(found.get("name")).strip(),
        domain=wire.text(found.get("domain")).strip(),
        country=wire.text(found.get("countryCode")).strip().upper(),
        currency=wire.text(found.get("currency")).strip().upper(),
    )


def change_from(event: Any) -> Change | None:
    """An event of the feed or of a webhook, or None when it is about something we do not keep.

    ``product.stock_changed`` becomes kind ``stock`` with the SKU, its new quantity and whether an order caused it. A
    refund's subject is its order, where the event tells it.
    """
    found = wire.fields(event)
    kind, _, action = wire.text(found.get("topic")).partition(".")
    event_id, subject = wire.identifier(found.get("id")), wire.identifier(found.get("subjectId"))
    at = wire.moment(found.get("createdAt"))
    if kind not in _KINDS or event_id is None or subject is None or at is None:
        return None
    data = wire.fields(found.get("data"))
    if action == "stock_changed":
        quantity = wire.whole(data.get("newQuantity"))
        sku, by_order = wire.optional_text(data.get("sku")), data.get("orderId") is not None
        return Change(event_id, "stock", action, subject, at, sku, quantity, by_order)
    if action.startswith("refund."):
        subject = wire.identifier(wire.fields(data.get("object")).get("orderId"))
        return Change(event_id, kind, action, subject, at) if subject is not None else None
    return Change(event_id, kind, action, subject, at)


def _id_of(found: dict[str, Any], kind: str) -> str:
    remote_id = wire.identifier(found.get("id"))
    if remote_id is None:
        raise Temporary(f"ShopWired gave a {kind} without an id: the answer is damaged, it is read again later.")
    return remote_id


def _pictures(given: Any) -> tuple[tuple[Picture, ...], dict[int, int]]:
    """The pictures that have an address, and where each of ShopWired's places went when one was left out."""
    pictures: list[Picture] = []
    places: dict[int, int] = {}
    for place, image in enumerate(wire.items(given)):
        url = wire.text(wire.fields(image).get("url")).strip()
        if url:
            places[place] = len(pictures)
            pictures.append(Picture(url, wire.text(wire.fields(image).get("description")).strip()))
    return tuple(pictures), places


def _variants(found: dict[str, Any], vat: Decimal, places: dict[int, int]) -> tuple[Variant, ...]:
    parent = _Prices(_gross(found.get("price"), vat), _sale(found.get("salePrice"), vat))
    weight = _weight(found.get("weight"))
    variations = [item for item in wire.items(found.get("variations")) if wire.identifier(item) is not None]
    if variations:
        return tuple(_variant(item, parent, weight, vat, places) for item in variations)
    sku = wire.optional_text(found.get("sku"))
    return (
        Variant(
            remote_id=ONLY_VARIANT,
            sku=sku,
            price=parent.price,
            stock=(wire.whole(found.get("stock")) or 0) if sku else None,  # without a SKU ShopWired counts no stock
            sale_price=parent.sale_price,
            gtin=_gtin(found.get("gtin")),
            mpn=wire.optional_text(found.get("mpn")),
            weight_kg=weight,
        ),
    )


def _variant(
    found: dict[str, Any], parent: _Prices, weight: Decimal | None, vat: Decimal, places: dict[int, int]
) -> Variant:
    own = _Prices(_gross(found.get("price"), vat), _sale(found.get("salePrice"), vat))
    sku, stock = wire.optional_text(found.get("sku")), wire.whole(found.get("stock"))
    inherits = own.price is None
    place = wire.whole(found.get("image"))
    return Variant(
        remote_id=wire.identifier(found) or ONLY_VARIANT,
        sku=sku,
        price=parent.price if inherits else own.price,
        stock=0 if stock is None and sku else stock,
        sale_price=own.sale_price or (parent.sale_price if inherits else None),
        gtin=_gtin(found.get("gtin")),
        mpn=wire.optional_text(found.get("mpn")),
        weight_kg=_weight(found.get("weight")) or weight,
        picture=None if place is None else places.get(place),
        options=tuple(_options(found.get("values"))),
    )


def _options(values: Any) -> list[OptionValue]:
    """[{id, name, option: {id, name}}] as option and value names."""
    pairs = [
        (wire.text(wire.fields(wire.fields(value).get("option")).get("name")).strip(), wire.fields(value).get("name"))
        for value in wire.items(values)
    ]
    return [OptionValue(option, wire.text(name).strip()) for option, name in pairs]


def _gross(value: Any, vat: Decimal) -> Decimal | None:
    found = wire.amount(value)
    if found is None or vat == 1:
        return found
    return (found * vat).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _sale(value: Any, vat: Decimal) -> Decimal | None:
    """A sale price of nothing is no sale."""
    found = _gross(value, vat)
    return found if found is not None and found > 0 else None


def _weight(value: Any) -> Decimal | None:
    found = wire.amount(value)
    return found if found is not None and 0 < found < 1_000_000 else None


def _gtin(value: Any) -> str | None:
    """ShopWired lets a merchant write that there is none, in words."""
    found = wire.text(value).strip()
    return found if found and found.lower() not in _NO_GTIN else None


def _custom_fields(given: Any) -> dict[str, str]:
    """Values as text: a toggle is ``true`` or ``false``, lists are joined by commas, empty ones are left out."""
    read = {wire.text(name): _as_text(value) for name, value in wire.fields(given).items()}
    return {name: value for name, value in read.items() if value}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(filter(None, map(_as_text, value)))
    return wire.text(value).strip()
