"""Puts the vendors of the sandbox together into one Starlette application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from sandbox import control, storefront
from sandbox.shopwired import routes as shopwired_routes
from sandbox.shopwired import state as shopwired_state
from sandbox.tiktok import routes as tiktok_routes
from sandbox.tiktok import state as tiktok_state
from sandbox.world import World


@dataclass(frozen=True)
class Vendor:
    """One outside system. `seed` must bear being called twice; `set_limits` takes this vendor's part of
    `POST /_sandbox/limits` and raises ControlError for what it does not know."""

    name: str
    schema: str
    seed: Callable[[World], None]
    report: Callable[[World], dict[str, Any]]
    set_limits: Callable[[World, dict[str, Any]], None]
    routes: Callable[[World], list[BaseRoute]]


VENDORS = (
    Vendor(
        "tiktok",
        tiktok_state.SCHEMA,
        tiktok_state.seed,
        tiktok_state.report,
        tiktok_state.set_limits,
        tiktok_routes.routes,
    ),
    Vendor(
        "shopwired",
        shopwired_state.SCHEMA,
        shopwired_state.seed,
        shopwired_state.report,
        shopwired_state.set_limits,
        shopwired_routes.routes,
    ),
)


def build_app(home: Path, *, products: int = 500, base_url: str, orders_per_minute: float = 0) -> Starlette:
    """The whole sandbox with its state in `home/sandbox.db`; seeded at the first start and when `products` changes."""
    world = World(home, base_url=base_url, products=products, orders_per_minute=orders_per_minute)
    for vendor in VENDORS:
        world.db.script(vendor.schema)
    if world.setting("seeded.products", None) != products:
        seed(world)
    routes: list[BaseRoute] = control.routes(world, VENDORS, seed)
    for vendor in VENDORS:
        routes += vendor.routes(world)
    routes += storefront.routes(world)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        world.start()
        yield
        world.stop()

    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.world = world
    return app


def seed(world: World) -> None:
    """Fill the demo world of every vendor."""
    for vendor in VENDORS:
        vendor.seed(world)
    world.set_setting("seeded.products", world.products)
