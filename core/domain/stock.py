"""Stock: how the number that is offered comes about, and why the Shop may say another one (laws 3 and 12).

The store owns stock. Offered = clamp(min(cap, on hand - buffer - held), 0, market maximum). All counts are pieces.
The Shop's in-shop quantity is what may be compared with it: units reserved for campaigns and creators are part of
what we set and not of what the Shop's own page sells (TikTok Shop Partner Center, Inventory Search).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from core.domain.catalog import Change

WAREHOUSE: Final = "warehouse"  # kind of mapping: a store's location to the Shop's warehouse, "" for none
MAIN_LOCATION: Final = "main"  # of stores that keep one stock only
_WHOLE_SECOND: Final = timedelta(seconds=1)
_ANOTHER_CHANGE: Final = timedelta(days=1)
HOLIDAY: Final = "RESTRICTED"  # status of a warehouse in holiday mode
WRITE_UNKNOWN: Final = "stock_write_unknown"  # issue: nobody can tell whether the store's stock was written (G5)

# The Shop's codes (Partner Center, product error codes): a promotion locks the price, or stock below the present one.
PRICE_LOCKS: Final = frozenset({"12052038", "12019045"})
STOCK_LOCKS: Final = frozenset({"12052393"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the offered quantity of one SKU follows from. ``on_hand`` None: the store does not say.

    ``selling``: whether the product is on sale in the store; ``reserved``: for campaigns and creators in the Shop;
    ``continue_selling``: keep offering what is sold out (G13), as many as the cap says, or one.
    """

    on_hand: int | None
    maximum: int
    held: int = 0
    buffer: int = 0
    cap: int | None = None
    selling: bool = True
    reserved: int = 0
    continue_selling: bool = False


def is_written(changes: Sequence[Change], *, target: int, since: datetime, seen: int) -> bool | None:
    """Whether a write of ``target`` begun at ``since`` is among the store's ``changes`` of that stock, oldest first.

    None: they do not tell, because the last of them is not the stock ``seen`` after them, or because the same was
    written shortly before. The store's moments are whole seconds of its own clock.
    """
    alike = [change for change in changes if change.quantity == target and not change.by_order]
    if alike:
        return True if alike[-1].at >= since - _WHOLE_SECOND else None
    return False if changes and changes[-1].quantity == seen else None


def undone_by(changes: Sequence[Change], *, before: int, target: int, took: timedelta) -> int:
    """By how many pieces others had changed the stock when a write of ``target`` replaced it, which counted on
    ``before``. ``took``: at most so long before the write that was read.

    Negative where they took pieces. 0 where ``changes``, oldest first, do not tell. What came before the reading is
    part of ``before``; how long ago that is, is counted from the write, since the store's clock may not be ours.
    """
    ours = [place for place, change in enumerate(changes) if change.quantity == target and not change.by_order]
    if not ours or not ours[-1]:
        return 0
    ahead, written = changes[ours[-1] - 1], changes[ours[-1]]
    if ahead.quantity is None or ahead.at < written.at - took - 2 * _WHOLE_SECOND:
        return 0
    return ahead.quantity - before


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the sum: what it is called, what it changed, and what was left after it."""

    name: str
    change: int
    left: int


def steps(standing: Standing) -> tuple[Step, ...]:
    """The sum from what is on hand to what is offered, in order; the last step leaves the offered quantity."""
    on_hand = max(standing.on_hand or 0, 0)
    found = [Step("on hand", on_hand, on_hand)]

    def follow(name: str, left: int) -> None:
        found.append(Step(name, left - found[-1].left, left))

    follow("not on sale", on_hand if standing.selling else 0)
    follow("held by orders", found[-1].left - standing.held)
    follow("buffer", found[-1].left - standing.buffer)
    follow("cap", found[-1].left if standing.cap is None else min(found[-1].left, standing.cap))
    follow("market maximum", min(found[-1].left, standing.maximum))
    follow("not below 0", max(found[-1].left, 0))
    if standing.continue_selling and standing.selling and found[-1].left == 0:
        follow("continue selling", min(1 if standing.cap is None else standing.cap, standing.maximum))
    always = ("on hand", "held by orders", "buffer")
    return tuple(step for step in found if step.change or step.name in always)


def offered(standing: Standing) -> int:
    """How many should be offered."""
    return steps(standing)[-1].left


def to_send(wanted: int, reserved: int) -> int:
    """What is set in the Shop: never less than what campaigns and creators have reserved."""
    return max(wanted, reserved)


def spread(
    quantity: int, ours: str, present: Mapping[str, int], left: Collection[str] = ()
) -> tuple[tuple[str, int], ...]:
    """(warehouse id, quantity) of all warehouses of a SKU: ours gets the quantity, those that were ours and are
    ``left`` get none, the others keep what they have."""
    others = {place: 0 if place in left else count for place, count in present.items() if place != ours}
    return ((ours, quantity), *sorted(others.items()))


def in_our_warehouse(in_shop: int, ours: str, present: Mapping[str, int]) -> int:
    """The in-shop quantity without what lies in warehouses that are not ours to set."""
    return in_shop - sum(count for place, count in present.items() if place != ours)


class Cause(StrEnum):
    """Why the Shop's number differs from the one it should be; the words are shown as they are."""

    NOT_ACKNOWLEDGED = "not acknowledged yet"
    CHANGED_IN_SHOP = "changed in the Shop"
    HELD_BY_ORDERS = "held by orders"
    PROMOTION = "promotion"
    CAMPAIGN = "campaign reservation"
    HOLIDAY = "holiday mode"
    NOT_NAMED = "not named by the Shop"
    NEW_IN_STORE = "new in store"
    UNKNOWN = "unknown"


# These are right as they are, or are put right by somebody else: nothing is sent.
LEFT_ALONE: Final = frozenset({Cause.HELD_BY_ORDERS, Cause.PROMOTION, Cause.CAMPAIGN, Cause.HOLIDAY, Cause.NOT_NAMED})


@dataclass(frozen=True, slots=True)
class Difference:
    """A SKU whose in-shop quantity is not the offered one; ``in_shop`` None: the Shop did not name the SKU.

    ``committed``: units in the Shop's open orders; ``known``: those of them whose orders we have. ``sent`` is the
    last quantity we set, ``acknowledged`` whether the Shop took it before this was read. ``hold``: the code with
    which the Shop refused it.
    """

    wanted: int
    in_shop: int | None
    reserved: int = 0
    committed: int = 0
    known: int = 0
    sent: int | None = None
    acknowledged: bool = True
    hold: str = ""
    warehouse_status: str = "ENABLED"


def cause_of(difference: Difference) -> Cause:
    """Why the two numbers differ, the surest cause first."""
    if difference.in_shop is None:
        return Cause.NOT_NAMED
    available, expected = difference.in_shop + difference.reserved, to_send(difference.wanted, difference.reserved)
    if difference.warehouse_status == HOLIDAY and difference.in_shop == 0:
        return Cause.HOLIDAY
    if difference.reserved and available == expected:
        return Cause.CAMPAIGN
    if difference.hold in STOCK_LOCKS:
        return Cause.PROMOTION
    if not difference.acknowledged:
        return Cause.NOT_ACKNOWLEDGED
    if is_sold(expected - available, difference.committed - difference.known):
        return Cause.HELD_BY_ORDERS
    if available == difference.sent or difference.sent is None:
        return Cause.NEW_IN_STORE
    return Cause.CHANGED_IN_SHOP if expected == difference.sent else Cause.UNKNOWN


def is_sold(missing: int, units: int) -> bool:
    """Whether pieces that the Shop has less than expected are explained by ``units`` in orders."""
    return 0 < missing <= units


def sentence_of(cause: Cause, difference: Difference) -> str:
    """The cause in a sentence with its numbers."""
    wanted, shown = difference.wanted, difference.in_shop or 0
    said = {
        Cause.NOT_ACKNOWLEDGED: f"{difference.sent} was sent and the Shop has not confirmed it; it is sent again.",
        Cause.CHANGED_IN_SHOP: f"{difference.sent} was sent and confirmed, and somebody changed it to {shown} since.",
        Cause.HELD_BY_ORDERS: f"{wanted - shown} were sold in the Shop, and their orders have not reached us yet.",
        Cause.PROMOTION: "A promotion locks the stock: it is sent when the promotion ends.",
        Cause.CAMPAIGN: f"{difference.reserved} are reserved for campaigns or creators; the number is right.",
        Cause.HOLIDAY: "The warehouse is in holiday mode, so the Shop shows 0.",
        Cause.NOT_NAMED: "The Shop did not name this SKU when its stock was asked for.",
        Cause.NEW_IN_STORE: f"The store's stock or its rules now give {wanted}, which has not been sent yet.",
        Cause.UNKNOWN: f"The Shop says {shown} where {wanted} should be, and neither side explains it.",
    }
    return said[cause]


def began_at(
    sent_at: datetime | None, told_at: datetime | None, changed_at: datetime, remote_at: datetime | None
) -> datetime | None:
    """When the store changed what is about to be sent; None when it did not change since our last sending.

    ``sent_at``: our last sending; ``told_at``: what the last hint told; ``changed_at``: when our copy changed;
    ``remote_at``: when the store says that the product changed. The later of what the store said belongs to this
    change, unless it is a day older than our copy: then it belongs to another one.
    """
    if sent_at is not None and changed_at <= sent_at:
        return None
    said = max((at for at in (told_at, remote_at) if at is not None), default=changed_at)
    return min(said, changed_at) if changed_at - said < _ANOTHER_CHANGE else changed_at


def is_newer_event(new: str, kept: str) -> bool:
    """Whether a hint came after the one whose quantity we use; ids of one account rise."""
    if new.isdigit() and kept.isdigit():
        return int(new) > int(kept)
    return new != kept and (len(new), new) > (len(kept), kept)


def exposure(units_sold: int, over: timedelta, lag: timedelta) -> Decimal:
    """Pieces that may be sold while the Shop does not know of a change: sales rate times lag, to a hundredth."""
    rate = Decimal(units_sold) / Decimal(max(over.total_seconds(), 1))
    return (rate * Decimal(lag.total_seconds())).quantize(Decimal("0.01"), ROUND_HALF_UP)
