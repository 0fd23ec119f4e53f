"""Routes of ShopWired."""

from __future__ import annotations

from starlette.routing import BaseRoute

from sandbox.world import World


def routes(world: World) -> list[BaseRoute]:
    """Everything ShopWired serves."""
    return []
