"""The shop window: a page for every product."""

from __future__ import annotations

from starlette.routing import BaseRoute

from sandbox.world import World


def routes(world: World) -> list[BaseRoute]:
    """Storefront pages."""
    return []
