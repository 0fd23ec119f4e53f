"""`/_sandbox/shopwired/`: things that happen in the shops, and switches for how they behave."""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute

from sandbox.control import allow_keys, control_route, number
from sandbox.faults import ControlError
from sandbox.shopwired import emails
from sandbox.shopwired.answers import ApiError
from sandbox.shopwired.background import StockLife, per_minute
from sandbox.shopwired.products import change_product
from sandbox.shopwired.stock import sell
from sandbox.world import World

# Every switch with its value on a fresh sandbox.
SWITCHES: dict[str, Any] = {
    "retry_after": True,
    "clamp_count": False,
    "lag_seconds": 0,
    "drop_reference": False,
    "hide_order_comments": False,
    "order_search_delay_seconds": 0,
    "orders_deduct_stock": True,
    "cancel_returns_stock": False,
    "order_picture_rules": False,
    "stock_changes_per_minute": 2,  # or what `--stock-changes-per-minute` says
}


def routes(world: World) -> list[BaseRoute]:
    """Sell, change, switches; and the stock changes that happen by themselves begin."""
    desk = _Desk(world)
    world.every_tick(StockLife(world).tick)
    return [
        control_route("POST", "/_sandbox/shopwired/sell", desk.sell),
        control_route("POST", "/_sandbox/shopwired/change", desk.change),
        control_route("POST", "/_sandbox/shopwired/switches", desk.switches),
        control_route("POST", "/_sandbox/shopwired/secret", desk.secret),
        control_route("POST", "/_sandbox/shopwired/emails", desk.emails),
    ]


class _Desk:
    def __init__(self, world: World) -> None:
        self._world = world

    def sell(self, given: dict[str, Any]) -> dict[str, Any]:
        """Somebody buys in the shop window: `{"business", "sku", "quantity"}` lowers the stock."""
        allow_keys(given, "business", "sku", "quantity")
        business, sku = self._business(given), given.get("sku")
        left = sell(self._world, business, str(sku), int(number({"quantity": 1, **given}, "quantity")))
        if left is None:
            raise ControlError(f"Business {business} has no SKU {sku!r}; look it up with GET /v1/products.")
        return {"sku": sku, "stock": left}

    def change(self, given: dict[str, Any]) -> dict[str, Any]:
        """Somebody edits a product in the admin: `{"product_id", "fields"}`, fields as in PUT /v1/products/{id}."""
        allow_keys(given, "product_id", "fields")
        ident, fields = int(number(given, "product_id")), given.get("fields")
        if not isinstance(fields, dict):
            raise ControlError(f"The key 'fields' needs an object, not {fields!r}.")
        business = self._world.db.value("SELECT business FROM sw_products WHERE id = ?", (ident,))
        try:
            change_product(self._world, int(business or 0), ident, fields)
        except ApiError as error:
            raise ControlError(f"{error.message}.") from error
        return {"product_id": ident, "changed": sorted(fields)}

    def switches(self, given: dict[str, Any]) -> dict[str, Any]:
        """Sets any of `SWITCHES` and answers all of them."""
        allow_keys(given, *SWITCHES)
        for name, value in given.items():
            if isinstance(SWITCHES[name], bool) and not isinstance(value, bool):
                raise ControlError(f"The key {name!r} needs true or false, not {value!r}.")
            if not isinstance(SWITCHES[name], bool):
                number(given, name)
            self._world.set_setting(f"shopwired.{name}", value)
        answer = {name: self._world.setting(f"shopwired.{name}", default) for name, default in SWITCHES.items()}
        return {**answer, "stock_changes_per_minute": per_minute(self._world)}

    def secret(self, given: dict[str, Any]) -> dict[str, Any]:
        """Sets the webhook secret of a business; null sends webhooks unsigned."""
        allow_keys(given, "business", "secret")
        business, secret = self._business(given), given.get("secret")
        self._world.db.execute("UPDATE sw_businesses SET webhook_secret = ? WHERE id = ?", (secret, business))
        return {"business": business, "secret": secret}

    def emails(self, given: dict[str, Any]) -> dict[str, Any]:
        """What the shop sent its customer about an order: `{"order_id"}`."""
        allow_keys(given, "order_id")
        return {"emails": emails.sent(self._world, int(number(given, "order_id")))}

    def _business(self, given: dict[str, Any]) -> int:
        business = int(number(given, "business"))
        if self._world.db.one("SELECT id FROM sw_businesses WHERE id = ?", (business,)) is None:
            raise ControlError(f"There is no business {business}; use 1 or 2.")
        return business
