"""Tables, seed, counts and limits of ShopWired."""

from __future__ import annotations

from typing import Any

from sandbox.world import World

SCHEMA = ""


def seed(world: World) -> None:
    """Fill the demo businesses."""


def report(world: World) -> dict[str, Any]:
    """Counts for `GET /_sandbox/state`."""
    return {}


def set_limits(world: World, section: dict[str, Any]) -> None:
    """Take the `shopwired` part of `POST /_sandbox/limits`."""
