"""What `/_sandbox/` offers: see the state, reset, faults, clock, limits, seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.faults import ControlError
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.app import Vendor

Action = Callable[[dict[str, Any]], dict[str, Any]]


def control_route(method: str, path: str, action: Action) -> Route:
    """A control endpoint: JSON object in, JSON object out; ControlError becomes 422 with its sentence."""

    async def endpoint(request: Request) -> Response:
        try:
            given = read_object(await request.body())
            return JSONResponse(await run_in_threadpool(action, given))
        except ControlError as error:
            return JSONResponse({"error": str(error)}, status_code=422)

    return Route(path, endpoint, methods=[method])


def allow_keys(given: dict[str, Any], *known: str) -> None:
    """Raise ControlError when `given` has any other key."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ControlError(f"The key {unknown[0]!r} is unknown here; use {', '.join(known) or 'no key'}.")


def number(given: dict[str, Any], key: str) -> float:
    """A number under `key`, else ControlError."""
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError(f"The key {key!r} needs a number, not {value!r}.")
    return float(value)


def routes(world: World, vendors: Sequence[Vendor], seed: Callable[[World], None]) -> list[BaseRoute]:
    """Routes under `/_sandbox/` that concern every vendor."""
    panel = _Panel(world, vendors, seed)
    return [
        control_route("GET", "/_sandbox/state", panel.state),
        control_route("POST", "/_sandbox/reset", panel.reset),
        control_route("POST", "/_sandbox/seed", panel.seed),
        control_route("GET", "/_sandbox/faults", panel.faults),
        control_route("POST", "/_sandbox/faults", panel.set_faults),
        control_route("DELETE", "/_sandbox/faults", panel.clear_faults),
        control_route("POST", "/_sandbox/clock", panel.clock),
        control_route("POST", "/_sandbox/limits", panel.limits),
    ]


class _Panel:
    def __init__(self, world: World, vendors: Sequence[Vendor], seed: Callable[[World], None]) -> None:
        self._world = world
        self._vendors = vendors
        self._seed = seed

    def state(self, given: dict[str, Any]) -> dict[str, Any]:
        allow_keys(given)
        world = self._world
        answer: dict[str, Any] = {
            "now": world.clock.now(),
            "webhooks": world.deliveries.report(),
            "calls": {vendor.name: world.counts(f"calls.{vendor.name}.") for vendor in self._vendors},
            "faults": world.counts("faults."),
        }
        for vendor in self._vendors:
            answer[vendor.name] = vendor.report(world)
        return answer

    def reset(self, given: dict[str, Any]) -> dict[str, Any]:
        allow_keys(given)
        with self._world.db.transaction():
            self._world.reset()
            self._seed(self._world)
        return {"reset": True}

    def seed(self, given: dict[str, Any]) -> dict[str, Any]:
        """`seed` sets the chance of everything drawn from now on; `products` the size of the demo catalogue."""
        allow_keys(given, "seed", "products")
        if "seed" in given:
            self._world.set_setting("seed", int(number(given, "seed")))
        if "products" in given:
            self._world.products = int(number(given, "products"))
        self._seed(self._world)
        return {"seed": self._world.setting("seed", 1), "products": self._world.products}

    def faults(self, given: dict[str, Any]) -> dict[str, Any]:
        allow_keys(given)
        return {"rules": self._world.faults.describe()}

    def set_faults(self, given: dict[str, Any]) -> dict[str, Any]:
        allow_keys(given, "seed", "rules")
        rules = given.get("rules", [])
        if not isinstance(rules, list):
            raise ControlError(f"The key 'rules' needs a list, not {rules!r}.")
        self._world.faults.replace(int(given.get("seed", 1)), rules)
        return {"rules": self._world.faults.describe()}

    def clear_faults(self, given: dict[str, Any]) -> dict[str, Any]:
        allow_keys(given)
        self._world.faults.clear()
        return {"rules": []}

    def clock(self, given: dict[str, Any]) -> dict[str, Any]:
        """`shift_seconds` lets time pass; `skew_seconds` sets how wrong the caller's clock shall look."""
        allow_keys(given, "shift_seconds", "skew_seconds")
        if "skew_seconds" in given:
            self._world.set_setting("clock.skew_seconds", number(given, "skew_seconds"))
        if "shift_seconds" in given:
            self._world.clock.shift(number(given, "shift_seconds"))
            self._world.tick()
        return {"now": self._world.clock.now()}

    def limits(self, given: dict[str, Any]) -> dict[str, Any]:
        """`off` lifts every rate limit; `strict_https` brings back the vendors' demand for public https addresses."""
        allow_keys(given, "off", "strict_https", *(vendor.name for vendor in self._vendors))
        for vendor in self._vendors:
            section = given.get(vendor.name, {})
            if not isinstance(section, dict):
                raise ControlError(f"The key {vendor.name!r} needs an object, not {section!r}.")
            vendor.set_limits(self._world, section)
        for switch in ("off", "strict_https"):
            if switch in given:
                self._world.set_setting(f"limits.{switch}", bool(given[switch]))
        return {switch: self._world.setting(f"limits.{switch}", False) for switch in ("off", "strict_https")}


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a control request; an empty body is an empty object."""
    try:
        given = json.loads(body or b"{}")
    except ValueError as error:
        raise ControlError(f"The body must be JSON: {error}.") from error
    if not isinstance(given, dict):
        raise ControlError("The body must be a JSON object.")
    return given
