"""The kinds of orders a shop meets, and how often they come in the background stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any

from sandbox.tiktok.orders import ids, money, wares
from sandbox.tiktok.orders.documents import BY_SELLER, BY_TIKTOK, TIKTOK_WAREHOUSE
from sandbox.tiktok.orders.money import Shipping, Unit
from sandbox.tiktok.orders.wares import Shelf, Ware

# Percent of the background stream; docs/sandbox.md repeats the table.
SHARES = {
    "normal": 52.0,
    "on_hold": 25.0,
    "masked": 6.0,
    "bundle": 4.0,
    "gift": 3.0,
    "unknown_sku": 3.0,
    "fbt": 2.0,
    "rounding": 2.0,
    "sample": 1.0,
    "replacement": 1.0,
    "exchange": 0.5,
    "preorder": 0.5,
}
_NAMES, _UP_TO = tuple(SHARES), tuple(accumulate(SHARES.values()))
WHOLE_NOTHING = Shipping()


@dataclass
class Basket:
    """What one order of a kind consists of. `more` are members of the document that differ from a plain order."""

    units: list[Unit]
    carriage: Shipping
    fulfilment: str = BY_SELLER
    shipping_type: str = "SELLER"
    warehouse_id: str = ""
    on_hold: bool = False
    extra: int = 0
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Wish:
    """What is asked of one order: the SKUs of `shelf` when `named`, `quantity` of each or by chance."""

    kind: str
    shelf: Shelf
    chance: Random
    named: bool
    quantity: int | None
    now: int
    earlier_order_id: str
    release_seconds: float


def draw_kind(chance: Random) -> str:
    """A kind by its share."""
    return chance.choices(_NAMES, cum_weights=_UP_TO)[0]


def basket(wish: Wish) -> Basket | None:
    """The basket of the wanted kind, or None when everything is sold out."""
    return _MAKERS[wish.kind](wish)


def _normal(wish: Wish) -> Basket | None:
    units = _units(wish)
    if not units:
        return None
    money.discount(wish.chance, units)
    return Basket(units, money.shipping(wish.chance))


def _units(wish: Wish) -> list[Unit]:
    """Named SKUs are all bought; else one to three by chance. Each unit becomes a line of its own."""
    if wish.named:
        chosen = wish.shelf.all()
    else:
        count = wish.chance.choices((1, 2, 3), weights=(65, 25, 10))[0]
        picked = [wish.shelf.pick(wish.chance) for _ in range(count)]
        chosen = list(dict.fromkeys(one for one in picked if one is not None))
    units = []
    for ware in chosen:
        most = max(wish.shelf.in_shop(ware.sku_id), 1)
        count = wish.quantity or min(wish.chance.choices((1, 2, 3), weights=(75, 15, 10))[0], most)
        units += [Unit(ware, ware.price) for _ in range(count)]
    return units


def _on_hold(wish: Wish) -> Basket | None:
    found = _normal(wish)
    if found is not None:
        found.on_hold = True
    return found


def _masked(wish: Wish) -> Basket | None:
    """TikTok arranges the delivery, so name and street stay hidden for good."""
    found = _normal(wish)
    if found is not None:
        found.shipping_type = "TIKTOK"
    return found


def _fbt(wish: Wish) -> Basket | None:
    """TikTok's own warehouse sends it; the seller's stock has nothing to do with it."""
    found = _masked(wish)
    if found is not None:
        found.fulfilment, found.warehouse_id = BY_TIKTOK, TIKTOK_WAREHOUSE
    return found


def _bundle(wish: Wish) -> Basket | None:
    """Two SKUs sold as one listing: one unit of the first, two of the second when nothing is named."""
    chosen = wish.shelf.all() if wish.named else _different(wish, 2)
    if not chosen:
        return None
    parts = tuple((ware, 1 if place == 0 else 2) for place, ware in enumerate(chosen))
    ware = wares.bundle_of(list(parts))
    units = [Unit(ware, ware.price, parts=parts) for _ in range(wish.quantity or 1)]
    return Basket(units, money.shipping(wish.chance))


def _different(wish: Wish, count: int) -> list[Ware]:
    picked = [wish.shelf.pick(wish.chance) for _ in range(count * 3)]
    return list(dict.fromkeys(one for one in picked if one is not None))[:count]


def _gift(wish: Wish) -> Basket | None:
    """A promotion adds one more unit for nothing."""
    found = _normal(wish)
    if found is not None:
        present = wish.shelf.pick(wish.chance) or found.units[0].ware
        found.units.append(Unit(present, 0, is_gift=True))
    return found


def _sample(wish: Wish) -> Basket | None:
    """A creator gets it free of charge."""
    units = [Unit(unit.ware, 0) for unit in _units(wish)]
    return Basket(units, WHOLE_NOTHING, more={"is_sample_order": True}) if units else None


def _replacement(wish: Wish) -> Basket | None:
    more = {"is_replacement_order": True, "replaced_order_id": wish.earlier_order_id}
    units = [Unit(unit.ware, 0) for unit in _units(wish)]
    return Basket(units, WHOLE_NOTHING, more=more) if units else None


def _exchange(wish: Wish) -> Basket | None:
    """Prices stand there and are taken off again as the seller's discount."""
    more = {"is_exchange_order": True, "exchange_source_order_id": wish.earlier_order_id}
    units = [Unit(unit.ware, unit.original, seller_discount=unit.original) for unit in _units(wish)]
    return Basket(units, WHOLE_NOTHING, more=more) if units else None


def _unknown_sku(wish: Wish) -> Basket | None:
    ware = wares.unknown_ware(wish.chance)
    units = [Unit(ware, ware.price) for _ in range(wish.quantity or 1)]
    return Basket(units, money.shipping(wish.chance))


def _preorder(wish: Wish) -> Basket | None:
    found = _on_hold(wish)
    if found is not None:
        found.more = {
            "order_type": "PRE_ORDER",
            "release_date": int(wish.now + wish.release_seconds),
            "handling_duration": {"days": "7", "type": "CALENDAR_DAY"},
        }
    return found


def _rounding(wish: Wish) -> Basket | None:
    """Three for 10.00: the lines say 3.33 each, the order says 10.00."""
    ware = wish.shelf.all()[0] if wish.named else wish.shelf.pick(wish.chance)
    if ware is None:
        return None
    price = ware.price - ware.price % 100 + 33
    return Basket([Unit(ware, price) for _ in range(3)], money.shipping(wish.chance), extra=1)


_MAKERS: dict[str, Callable[[Wish], Basket | None]] = {
    "normal": _normal,
    "on_hold": _on_hold,
    "masked": _masked,
    "bundle": _bundle,
    "gift": _gift,
    "unknown_sku": _unknown_sku,
    "fbt": _fbt,
    "rounding": _rounding,
    "sample": _sample,
    "replacement": _replacement,
    "exchange": _exchange,
    "preorder": _preorder,
}
KINDS = tuple(_MAKERS)


def stranger_order_id() -> str:
    """An order older than the sandbox, for the first replacement of a shop."""
    return ids.order_id(0)
