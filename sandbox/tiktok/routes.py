"""Routes of TikTok Shop."""

from __future__ import annotations

from starlette.routing import BaseRoute

from sandbox.world import World


def routes(world: World) -> list[BaseRoute]:
    """Everything TikTok Shop serves."""
    return []
