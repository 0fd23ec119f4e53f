"""TikTok Shop's part of `/_sandbox/`: review, app registration, shop state, revocation, enforcement."""

from __future__ import annotations

import json
from typing import Any

from starlette.routing import BaseRoute

from sandbox.control import allow_keys, control_route, number
from sandbox.database import Row
from sandbox.faults import ControlError
from sandbox.tiktok import accounts, product_events, review, shelf
from sandbox.world import World

VERDICTS = ("approve", "reject", "pre_approve")
ENFORCED = ("FREEZE", "PLATFORM_DEACTIVATED")


def routes(world: World) -> list[BaseRoute]:
    """Control endpoints of TikTok Shop."""
    switches = _Switches(world)
    return [
        control_route("POST", "/_sandbox/review", switches.review),
        control_route("GET", "/_sandbox/apps", switches.apps),
        control_route("POST", "/_sandbox/apps", switches.set_app),
        control_route("POST", "/_sandbox/shops", switches.set_shop),
        control_route("POST", "/_sandbox/revoke", switches.revoke),
        control_route("POST", "/_sandbox/enforce", switches.enforce),
        control_route("POST", "/_sandbox/expire", switches.expire),
    ]


class _Switches:
    def __init__(self, world: World) -> None:
        self._world = world

    def review(self, given: dict[str, Any]) -> dict[str, Any]:
        """Settings of the reviewers, a verdict on named products, or, with nothing given, everything waiting now."""
        allow_keys(given, "product_ids", "verdict", "reason", "delay_seconds", "reject_rate")
        settings = [key for key in ("delay_seconds", "reject_rate") if key in given]
        for key in settings:
            name = {"delay_seconds": "review_delay"}.get(key, key)
            self._world.set_setting(f"tiktok.{name}", number(given, key))
        if "product_ids" in given:
            return {"reviewed": self._judge(given)}
        if settings and "verdict" not in given:
            return {"reviewed": 0}
        if "verdict" in given:
            raise ControlError("The key 'verdict' needs 'product_ids'.")
        return {"reviewed": review.run_now(self._world)}

    def _judge(self, given: dict[str, Any]) -> int:
        verdict = given.get("verdict", "approve")
        if verdict not in VERDICTS:
            raise ControlError(f"The verdict {verdict!r} is unknown; use one of {', '.join(VERDICTS)}.")
        rows = [self._product(id) for id in given["product_ids"]]
        for row in rows:
            if row["review_due"] is None:
                raise ControlError(f"Product {row['id']} is {row['status']} and waits for no review.")
        for row in rows:
            if verdict == "approve":
                review.approve(self._world, row)
            elif verdict == "pre_approve":
                review.pre_approve(self._world, row, given.get("reason", "KYC_PENDING"))
            else:
                reason = given.get("reason", review.REASONS[0][1])
                review.reject(self._world, row, "Product Name", reason, "Correct it and submit again.")
        return len(rows)

    def apps(self, given: dict[str, Any]) -> dict[str, Any]:
        """The registered apps, without their secrets."""
        allow_keys(given)
        rows = self._world.db.query("SELECT app_key, service_id, redirect_url, scopes FROM tt_apps")
        return {"apps": [row | {"scopes": json.loads(row["scopes"])} for row in rows]}

    def set_app(self, given: dict[str, Any]) -> dict[str, Any]:
        """Change the registered redirect address, or the scopes that sellers grant from now on."""
        allow_keys(given, "app_key", "redirect_url", "scopes")
        app_key = given.get("app_key")
        if accounts.app(self._world, str(app_key)) is None:
            raise ControlError(f"There is no app with the key {app_key!r}.")
        if "redirect_url" in given:
            self._set_app_column("redirect_url", str(given["redirect_url"]), app_key)
        if "scopes" in given:
            self._set_app_column("scopes", json.dumps(given["scopes"]), app_key)
        return self.apps({})

    def _set_app_column(self, column: str, value: str, app_key: Any) -> None:
        self._world.db.execute(f"UPDATE tt_apps SET {column} = ? WHERE app_key = ?", (value, app_key))

    def set_shop(self, given: dict[str, Any]) -> dict[str, Any]:
        """Switch a shop active or inactive (36009043)."""
        allow_keys(given, "shop_id", "active")
        active = bool(given.get("active", True))
        if not self._world.db.execute(
            "UPDATE tt_shops SET is_active = ? WHERE id = ?", (int(active), given.get("shop_id"))
        ):
            raise ControlError(f"There is no shop {given.get('shop_id')!r}.")
        return {"shop_id": given["shop_id"], "active": active}

    def revoke(self, given: dict[str, Any]) -> dict[str, Any]:
        """The seller removes the app in Seller Center: tokens die and webhook 6 is sent."""
        allow_keys(given, "app_key", "shop_id")
        app_key, shop_id = str(given.get("app_key")), str(given.get("shop_id"))
        if not product_events.deauthorize(self._world, app_key, shop_id):
            raise ControlError(f"Shop {shop_id} has not authorized the app {app_key}.")
        return {"revoked": True}

    def enforce(self, given: dict[str, Any]) -> dict[str, Any]:
        """The platform freezes or deactivates products."""
        allow_keys(given, "product_ids", "status", "reason")
        status = given.get("status")
        if status not in ENFORCED:
            raise ControlError(f"The status {status!r} is unknown here; use one of {', '.join(ENFORCED)}.")
        rows = [self._product(id) for id in given.get("product_ids", [])]
        for row in rows:
            shelf.change(self._world, row["id"], status=status, product_status=status, review_due=None)
            reason = str(given.get("reason", "The product breaks a rule of the platform."))
            product_events.status_changed(self._world, row["shop_id"], row["id"], reason=reason)
        return {"enforced": len(rows)}

    def expire(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let access tokens of a shop end now (`access`), or its whole authorization in so many seconds (`refresh`)."""
        allow_keys(given, "shop_id", "access", "refresh_in_seconds")
        now, shop_id = self._world.clock.now(), given.get("shop_id")
        changed = 0
        if given.get("access"):
            changed += self._world.db.execute("UPDATE tt_tokens SET expires = ? WHERE shop_id = ?", (now - 1, shop_id))
        if "refresh_in_seconds" in given:
            end = now + number(given, "refresh_in_seconds")
            changed += self._world.db.execute(
                "UPDATE tt_grants SET refresh_expires = ? WHERE shop_id = ?", (end, shop_id)
            )
        return {"changed": changed}

    def _product(self, id: Any) -> Row:
        row = self._world.db.one("SELECT * FROM tt_products WHERE id = ?", (id,))
        if row is None:
            raise ControlError(f"There is no product {id!r}.")
        return row
