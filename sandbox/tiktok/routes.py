"""Routes of TikTok Shop."""

from __future__ import annotations

from starlette.routing import BaseRoute

from sandbox.tiktok import auth_pages, gate, pictures, product_events, review, switches
from sandbox.tiktok.endpoints import ENDPOINTS
from sandbox.tiktok.orders import control, running
from sandbox.tiktok.orders.stream import Stream
from sandbox.world import World


def routes(world: World) -> list[BaseRoute]:
    """Everything TikTok Shop serves, and its part of the control panel. Starts the reviewers."""
    world.deliveries.set_policy("tiktok", product_events.POLICY)
    buyers = Stream(world)
    world.every_tick(lambda: _work(world))
    world.every_tick(buyers.tick)
    return [
        *switches.routes(world),
        *control.routes(world),
        *auth_pages.routes(world),
        *pictures.routes(world),
        *gate.routes(world, ENDPOINTS),
    ]


def _work(world: World) -> None:
    review.run_due(world)
    review.start_scheduled(world)
    product_events.notice_expiring(world)
    running.run_due(world)
