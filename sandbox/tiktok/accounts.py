"""Apps, sellers, their shops, and what sellers granted: codes, tokens, ciphers (Partner Center, Authorization)."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from sandbox import demo
from sandbox.database import Row
from sandbox.tiktok.answers import EXPIRED_TOKEN, UNKNOWN_TOKEN, Refused
from sandbox.world import World

CODE_SECONDS = 30 * 60
ACCESS_SECONDS = 7 * 86400
REFRESH_SECONDS = 365 * 86400
ALL_SCOPES = (
    "seller.authorization.info",
    "seller.shop.info",
    "seller.product.basic",
    "seller.product.write",
    "seller.order.info",
    "seller.order.ext_ref.read",
    "seller.order.ext_ref.write",
    "seller.fulfillment.basic",
    "seller.fulfillment.package.write",
    "seller.delivery.status.write",
    "seller.logistics",
    "seller.return_refund.basic",
    "seller.finance.info",
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_apps (
    app_key TEXT PRIMARY KEY, app_secret TEXT NOT NULL, service_id TEXT NOT NULL UNIQUE, redirect_url TEXT NOT NULL,
    scopes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tt_shops (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, region TEXT NOT NULL, currency TEXT NOT NULL, code TEXT NOT NULL,
    daily_products INTEGER NOT NULL, is_active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS tt_codes (
    code TEXT PRIMARY KEY, app_key TEXT NOT NULL, login TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS tt_grants (
    app_key TEXT NOT NULL, shop_id TEXT NOT NULL, login TEXT NOT NULL, scopes TEXT NOT NULL,
    refresh_token TEXT NOT NULL UNIQUE, refresh_expires REAL NOT NULL, noticed_day INTEGER,
    PRIMARY KEY (app_key, shop_id));
CREATE TABLE IF NOT EXISTS tt_tokens (
    access_token TEXT PRIMARY KEY, app_key TEXT NOT NULL, shop_id TEXT NOT NULL, scopes TEXT NOT NULL,
    expires REAL NOT NULL);
"""


@dataclass(frozen=True)
class Shop:
    """A shop as calls see it; currency and region decide many rules."""

    id: str
    name: str
    region: str
    currency: str
    code: str
    daily_products: int
    is_active: bool


@dataclass(frozen=True)
class Token:
    """A valid access token: which app acts for which shop, and what it may do."""

    app_key: str
    shop_id: str
    scopes: frozenset[str]


def seed(world: World) -> None:
    """The demo app and shops; settings made by hand survive."""
    app = demo.TIKTOK_APP
    world.db.execute(
        "INSERT OR IGNORE INTO tt_apps VALUES (?, ?, ?, ?, ?)",
        (app.app_key, app.app_secret, app.service_id, app.redirect_url, json.dumps(ALL_SCOPES)),
    )
    for shop in demo.TIKTOK_SHOPS:
        world.db.execute(
            "INSERT OR IGNORE INTO tt_shops VALUES (?, ?, ?, ?, ?, ?, 1)",
            (shop.id, shop.name, shop.region, shop.currency, shop.code, shop.daily_products),
        )


def app(world: World, app_key: str) -> Row | None:
    """The app with this key."""
    return world.db.one("SELECT * FROM tt_apps WHERE app_key = ?", (app_key,))


def shop(world: World, shop_id: str) -> Shop:
    """The shop with this id, which must exist."""
    row = world.db.one("SELECT * FROM tt_shops WHERE id = ?", (shop_id,))
    if row is None:
        raise LookupError(f"There is no shop {shop_id}.")
    return Shop(**{**row, "is_active": bool(row["is_active"])})


def cipher(app_key: str, shop_id: str) -> str:
    """The opaque `shop_cipher`: the same for every authorization of this shop by this app."""
    digest = hashlib.sha256(f"{app_key}:{shop_id}".encode()).hexdigest()
    return f"GCP_{digest[:8]}AAAAA{digest[8:31]}"


def account(login: str) -> demo.TikTokAccount | None:
    """The demo account that signs in with this name."""
    return next((one for one in demo.TIKTOK_ACCOUNTS if one.login == login), None)


def issue_code(world: World, app_key: str, login: str) -> str:
    """A fresh auth code: single use, 30 minutes."""
    code = "ROW_" + secrets.token_urlsafe(24)
    expires = world.clock.now() + CODE_SECONDS
    world.db.execute("INSERT INTO tt_codes VALUES (?, ?, ?, ?)", (code, app_key, login, expires))
    return code


def spend_code(world: World, app_key: str, code: str) -> dict[str, Any]:
    """Trade a code for tokens; the answer of Get Token. Raises Refused for an unknown, used or expired code."""
    with world.db.transaction():
        row = world.db.one("SELECT * FROM tt_codes WHERE code = ? AND app_key = ?", (code, app_key))
        if row is None or row["expires"] < world.clock.now():
            raise Refused(36004004, "invalid auth code")
        world.db.execute("DELETE FROM tt_codes WHERE code = ?", (code,))
        return _grant(world, app_key, row["login"])


def _grant(world: World, app_key: str, login: str) -> dict[str, Any]:
    signed_in = account(login)
    registered = app(world, app_key)
    if signed_in is None or registered is None:
        raise Refused(36004004, "invalid auth code")
    world.db.execute(
        "INSERT OR REPLACE INTO tt_grants VALUES (?, ?, ?, ?, ?, ?, NULL)",
        (
            app_key,
            signed_in.shop_id,
            login,
            registered["scopes"],
            _new_token(),
            world.clock.now() + REFRESH_SECONDS,
        ),
    )
    return _tokens(world, app_key, signed_in.shop_id)


def refresh(world: World, app_key: str, refresh_token: str) -> dict[str, Any]:
    """A new access token, and with rotation on a new refresh token too. The old access token lives on until its own
    end, as nothing documented says otherwise."""
    with world.db.transaction():
        row = world.db.one("SELECT * FROM tt_grants WHERE refresh_token = ? AND app_key = ?", (refresh_token, app_key))
        if row is None:
            raise Refused(36004005, "can not find related auth record")
        if row["refresh_expires"] < world.clock.now():
            raise Refused(36004001, "rt has expired")
        if world.setting("tiktok.rotate_refresh", False):
            world.db.execute(
                "UPDATE tt_grants SET refresh_token = ? WHERE refresh_token = ?", (_new_token(), refresh_token)
            )
        return _tokens(world, app_key, row["shop_id"])


def _tokens(world: World, app_key: str, shop_id: str) -> dict[str, Any]:
    row = world.db.one("SELECT * FROM tt_grants WHERE app_key = ? AND shop_id = ?", (app_key, shop_id))
    assert row is not None, "tokens are made for an existing grant only"
    access, expires = _new_token(), int(world.clock.now()) + ACCESS_SECONDS
    world.db.execute("INSERT INTO tt_tokens VALUES (?, ?, ?, ?, ?)", (access, app_key, shop_id, row["scopes"], expires))
    granted = shop(world, shop_id)
    return {
        "access_token": access,
        "access_token_expire_in": expires,
        "refresh_token": row["refresh_token"],
        "refresh_token_expire_in": int(row["refresh_expires"]),
        "open_id": hashlib.sha256(f"{app_key}:{row['login']}".encode()).hexdigest()[:24],
        "seller_name": granted.name,
        "seller_base_region": granted.region,
        "user_type": 0,
        "granted_scopes": json.loads(row["scopes"]),
    }


def check_token(world: World, app_key: str, access_token: str) -> Token:
    """The token's rights; Refused with 36009004 when unknown or revoked, 105002 when expired."""
    row = world.db.one("SELECT * FROM tt_tokens WHERE access_token = ? AND app_key = ?", (access_token, app_key))
    if row is None:
        raise UNKNOWN_TOKEN
    if row["expires"] <= world.clock.now():
        raise EXPIRED_TOKEN
    return Token(app_key, row["shop_id"], frozenset(json.loads(row["scopes"])))


def revoke(world: World, app_key: str, shop_id: str) -> bool:
    """End the app's permission: tokens of this pair are unknown from now on. False when there was none."""
    with world.db.transaction():
        world.db.execute("DELETE FROM tt_tokens WHERE app_key = ? AND shop_id = ?", (app_key, shop_id))
        return world.db.execute("DELETE FROM tt_grants WHERE app_key = ? AND shop_id = ?", (app_key, shop_id)) > 0


def _new_token() -> str:
    return "GCP_" + secrets.token_urlsafe(30)
