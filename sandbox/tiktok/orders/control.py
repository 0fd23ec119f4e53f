"""Orders' part of the control panel: buy, move on, cancel, change; buyers a minute; times; reservations; a shelf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import demo
from sandbox.control import allow_keys, control_route, number, read_object
from sandbox.faults import ControlError
from sandbox.tiktok import product_events
from sandbox.tiktok.orders import acts, buying, kinds, seller_centre, stock, stock_events, stream, times
from sandbox.tiktok.orders.buying import Purchase
from sandbox.world import World

PREFIX = "/_sandbox/tiktok"
ORDER_ACTS: dict[str, Callable[[World, str, dict[str, Any]], dict[str, Any]]] = {
    "advance": acts.advance,
    "cancel_request": acts.cancel_request,
    "address": acts.change_address,
    "split": acts.split,
    "hold_seconds": acts.set_hold,
}


def routes(world: World) -> list[BaseRoute]:
    """Control endpoints of orders."""
    panel = _Panel(world)
    return [
        control_route("POST", f"{PREFIX}/buy", panel.buy),
        control_route("POST", f"{PREFIX}/buyers", panel.buyers),
        control_route("POST", f"{PREFIX}/times", panel.times),
        control_route("POST", f"{PREFIX}/hold_seconds", panel.hold_seconds),
        control_route("POST", f"{PREFIX}/reserve", panel.reserve),
        control_route("POST", f"{PREFIX}/shelf", panel.shelf),
        control_route("POST", f"{PREFIX}/console_webhooks", panel.console_webhooks),
        *(_order_route(world, name, act) for name, act in ORDER_ACTS.items()),
    ]


def _order_route(world: World, name: str, act: Callable[[World, str, dict[str, Any]], dict[str, Any]]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            given = read_object(await request.body())
            order_id = request.path_params["order_id"]
            return JSONResponse(await run_in_threadpool(act, world, order_id, given))
        except ControlError as error:
            return JSONResponse({"error": str(error)}, status_code=422)

    return Route(f"{PREFIX}/orders/{{order_id}}/{name}", endpoint, methods=["POST"])


class _Panel:
    def __init__(self, world: World) -> None:
        self._world = world

    def buy(self, given: dict[str, Any]) -> dict[str, Any]:
        """Make orders now. The ids of all of them are in the answer."""
        allow_keys(given, "shop_id", "count", "skus", "quantity", "kind", "paid", "on_hold", "ignore_stock")
        purchase = Purchase(
            shop_id=self._shop(given),
            count=_whole(given, "count", 1, 1, 200_000),
            kind=_kind(given.get("kind")),
            skus=tuple(_texts(given, "skus")),
            quantity=_whole(given, "quantity", 1, 1, 200) if given.get("quantity") is not None else None,
            paid=bool(given.get("paid", True)),
            on_hold=None if given.get("on_hold") is None else bool(given["on_hold"]),
            is_rush=bool(given.get("ignore_stock", False)),
        )
        orders = buying.buy(self._world, purchase)
        ids = [order.id for order in orders]
        return {"created": len(ids), "sold_out": purchase.count - len(ids), "order_ids": ids}

    def buyers(self, given: dict[str, Any]) -> dict[str, Any]:
        """How many orders a minute come by themselves."""
        allow_keys(given, "orders_per_minute")
        self._world.set_setting("tiktok.orders_per_minute", number(given, "orders_per_minute"))
        return {"orders_per_minute": stream.per_minute(self._world)}

    def times(self, given: dict[str, Any]) -> dict[str, Any]:
        """How long things take, in seconds; answers with all of them."""
        allow_keys(given, *times.TIMES)
        for name in given:
            self._world.set_setting(f"tiktok.times.{name}", number(given, name))
        return {name: times.seconds(self._world, name) for name in times.TIMES}

    def hold_seconds(self, given: dict[str, Any]) -> dict[str, Any]:
        """The remorse hour of orders that enter it from now on."""
        allow_keys(given, "seconds")
        return self.times({"hold_seconds": number(given, "seconds")})

    def reserve(self, given: dict[str, Any]) -> dict[str, Any]:
        """Set aside units of a SKU for a campaign or a creator; quantity 0 ends it."""
        allow_keys(given, "shop_id", "seller_sku", "kind", "name", "quantity")
        kind = given.get("kind", "campaign")
        if kind not in stock.KINDS:
            raise ControlError(f"The kind {kind!r} is unknown; use {' or '.join(stock.KINDS)}.")
        sku_id = seller_centre.live_sku(self._world, self._shop(given), str(given.get("seller_sku")))
        quantity = _whole(given, "quantity", 0, 0, 99_999)
        name = str(given.get("name", kind))
        before = stock.reserve(self._world, sku_id, kind, name, quantity)
        trigger = f"{kind}_lock" if quantity > before else f"{kind}_unlock"
        changes = {sku_id: {f"{kind}_locked_delta": quantity - before, "in_shop_delta": before - quantity}}
        stock_events.tell(self._world, self._shop(given), changes, trigger)
        return {"sku_id": sku_id, "kind": kind, "name": name, "quantity": quantity}

    def console_webhooks(self, given: dict[str, Any]) -> dict[str, Any]:
        """Subscribe the demo app to topics 27 and 68 of a shop, as its settings in Partner Center would."""
        allow_keys(given, "shop_id", "address")
        address, now = given.get("address"), int(self._world.clock.now())
        if not isinstance(address, str):
            raise ControlError(f"The key 'address' needs a text, not {address!r}.")
        for event_type in product_events.CONSOLE_TYPES:
            row = (demo.TIKTOK_APP.app_key, self._shop(given), event_type, address, now, now)
            self._world.db.execute("INSERT OR REPLACE INTO tt_webhooks VALUES (?, ?, ?, ?, ?, ?)", row)
        return {"topics": sorted(product_events.CONSOLE_TYPES.values()), "address": address}

    def shelf(self, given: dict[str, Any]) -> dict[str, Any]:
        """Products that somebody lists in Seller Center, live at once and without review."""
        allow_keys(given, "shop_id", "skus")
        listed = seller_centre.put_on_shelf(self._world, self._shop(given), given.get("skus"))
        return {"products": listed}

    def _shop(self, given: dict[str, Any]) -> str:
        shop_id = str(given.get("shop_id", demo.HARBOUR_SHOP.id))
        if not self._world.db.one("SELECT 1 FROM tt_shops WHERE id = ?", (shop_id,)):
            raise ControlError(f"There is no shop {shop_id}.")
        return shop_id


def _kind(kind: Any) -> str | None:
    if kind is not None and kind not in kinds.KINDS:
        raise ControlError(f"The kind {kind!r} is unknown; use one of {', '.join(kinds.KINDS)}.")
    return None if kind is None else str(kind)


def _whole(given: dict[str, Any], key: str, default: int, low: int, high: int) -> int:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ControlError(f"The key {key!r} needs a whole number from {low} to {high}, not {value!r}.")
    return value


def _texts(given: dict[str, Any], key: str) -> list[str]:
    value = given.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ControlError(f"The key {key!r} needs a list of texts, not {value!r}.")
    return value
