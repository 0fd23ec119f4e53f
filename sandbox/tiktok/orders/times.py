"""How long things take on the sandbox clock, in seconds; each can be set by `POST /_sandbox/tiktok/times`."""

from __future__ import annotations

from sandbox.world import World

DAY = 86400.0
TIMES = {
    "hold_seconds": 3600.0,  # the buyer's remorse hour (Partner Center, On hold orders)
    "payment_seconds": 3600.0,  # an unpaid order is cancelled after this; the real figure is not published
    "rts_seconds": 2 * DAY,  # promised: arranged by then
    "tts_seconds": 3 * DAY,  # promised: scanned by the carrier by then
    "delivery_seconds": 7 * DAY,  # promised: delivered by then
    "shipping_due_seconds": 5 * DAY,  # cancelled automatically when not arranged by then
    "collection_due_seconds": 7 * DAY,  # cancelled automatically when not scanned by then
    "delivery_due_seconds": 30 * DAY,
    "request_seconds": 2 * DAY,  # a buyer's cancellation is approved by itself after 48 h
    "scan_seconds": 4 * 3600.0,  # from arranged to the carrier's first scan
    "transit_seconds": 1.5 * DAY,  # from the scan to the door
    "after_sales_seconds": 14 * DAY,  # from the door to COMPLETED
    "platform_ships_seconds": 6 * 3600.0,  # FBT: TikTok's own warehouse arranges it
    "release_seconds": 7 * DAY,  # pre-orders are released after this
    "tracking_change_seconds": 3 * DAY,  # shipping info may be corrected for 72 h
    "page_token_seconds": 3600.0,  # not published: how long a page token of an order search lives
}


def seconds(world: World, name: str) -> float:
    """The length in force of one of TIMES."""
    return float(world.setting(f"tiktok.times.{name}", TIMES[name]))
