"""Tables, seed, counts and limits of TikTok Shop."""

from __future__ import annotations

from typing import Any

from sandbox.world import World

SCHEMA = ""


def seed(world: World) -> None:
    """Fill the demo shops."""


def report(world: World) -> dict[str, Any]:
    """Counts for `GET /_sandbox/state`."""
    return {}


def set_limits(world: World, section: dict[str, Any]) -> None:
    """Take the `tiktok` part of `POST /_sandbox/limits`."""
