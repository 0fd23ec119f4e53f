"""Facts about the shop itself: business, features, countries, shipping rates, payment methods, order statuses."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from sandbox.shopwired.answers import ApiError, answer, dump, list_answer, no_content, text_answer
from sandbox.shopwired.asks import Ask, project
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.writing import plain_values, required_text

UNITED_KINGDOM = 222
COUNTRIES = (
    (222, "GB", "United Kingdom"), (103, "IE", "Ireland"), (73, "FR", "France"), (81, "DE", "Germany"),
    (195, "ES", "Spain"), (105, "IT", "Italy"), (223, "US", "United States"),
)  # fmt: skip
FEATURES = ("google_product_fields", "custom_basket_prices", "custom_fields", "trade_accounts")
PAYMENT_METHODS = (
    (1, "paypal", "PayPal"),
    (2, "shopwired_payments", "ShopWired Payments"),
    (3, "tiktok", "TikTok Shop"),
)
RATE_FIELDS: dict[str, tuple[str, Any]] = {
    "name": ("text", ""),
    "criteria": ("text", "price"),
    "from": ("number", 0),
    "to": ("number", 0),
    "cost": ("number", 0),
    "vatExclusive": ("flag", False),
}


def get_business(ask: Ask) -> Response:
    """The business of this key."""
    row = ask.world.db.one("SELECT * FROM sw_businesses WHERE id = ?", (ask.business,)) or {}
    document = {
        "id": row["id"],
        "name": row["name"],
        "domain": f"{row['slug']}.example",
        "currency": row["currency"],
        "countryCode": row["country"],
        "active": True,
    }
    return text_answer(ask.world, project(dump(document), ask.names("fields")))


def list_features(ask: Ask) -> Response:
    """`[{name, enabled}]`, one of them with `?name=`."""
    wanted = ask.call.query.get("name")
    names = [name for name in FEATURES if wanted in (None, "", name)]
    off = ask.world.setting(f"shopwired.features_off.{ask.business}", [])
    return answer(ask.world, [{"name": name, "enabled": name not in off} for name in names])


def change_feature(ask: Ask) -> Response:
    """`{name, status}` switches a feature."""
    name, status = required_text(ask.given, "name"), ask.given.get("status")
    if name not in FEATURES or not isinstance(status, bool):
        raise ApiError(422, f"The feature '{name}' cannot get the status {status!r}")
    setting = f"shopwired.features_off.{ask.business}"
    off = {*ask.world.setting(setting, []), name} if not status else {*ask.world.setting(setting, [])} - {name}
    ask.world.set_setting(setting, sorted(off))
    return answer(ask.world, {"name": name, "enabled": status})


def list_countries(ask: Ask) -> Response:
    """Countries; not paged."""
    return answer(ask.world, [{"id": ident, "iso": iso, "name": name, "states": []} for ident, iso, name in COUNTRIES])


def list_payment_methods(ask: Ask) -> Response:
    """External payment methods; not paged."""
    return answer(ask.world, [{"id": ident, "name": name, "title": title} for ident, name, title in PAYMENT_METHODS])


def list_statuses(ask: Ask) -> Response:
    """Order statuses; their ids differ from business to business."""
    rows = ask.world.db.query("SELECT * FROM sw_statuses WHERE business = ? ORDER BY sort_order, id", (ask.business,))
    return answer(ask.world, [status_document(row) for row in rows])


def status_document(row: dict[str, Any]) -> dict[str, Any]:
    """`{id, name, type, sortOrder}` of a stored status."""
    return {"id": row["id"], "name": row["name"], "type": row["type"], "sortOrder": row["sort_order"]}


def create_status(ask: Ask) -> Response:
    """A new status is always of type `custom`."""
    name = required_text(ask.given, "name")
    order = plain_values(ask.given, {"sortOrder": ("whole", 0)}).get("sortOrder") or 0
    with ask.world.db.transaction():
        ident = next_id(ask.world, "status")
        ask.world.db.execute(
            "INSERT INTO sw_statuses VALUES (?, ?, ?, 'custom', ?)", (ident, ask.business, name, order)
        )
    return answer(ask.world, {"id": ident, "name": name, "type": "custom", "sortOrder": order}, 201)


def delete_status(ask: Ask) -> Response:
    """204; 422 while an order has it."""
    ident = ask.ident()
    if ask.world.db.one("SELECT id FROM sw_orders WHERE business = ? AND status = ?", (ask.business, ident)):
        raise ApiError(422, "The order status is in use")
    if not ask.world.db.execute("DELETE FROM sw_statuses WHERE id = ? AND business = ?", (ident, ask.business)):
        raise ApiError(404, f"There is no order status with the id {ident}")
    return no_content()


def list_rates(ask: Ask) -> Response:
    """Shipping rates, paged; `embed=country` adds the country."""
    count, offset = ask.page()
    rows = ask.world.db.query(
        "SELECT document FROM sw_rates WHERE business = ? ORDER BY id LIMIT ? OFFSET ?", (ask.business, count, offset)
    )
    embed = f',"country":{{"id":{UNITED_KINGDOM}}}}}' if "country" in ask.names("embed") else "}"
    return list_answer(ask.world, [row["document"][:-1] + embed for row in rows])


def delete_rate(ask: Ask) -> Response:
    """204."""
    ident = ask.ident()
    if not ask.world.db.execute("DELETE FROM sw_rates WHERE id = ? AND business = ?", (ident, ask.business)):
        raise ApiError(404, f"There is no shipping rate with the id {ident}")
    return no_content()


def create_rate(ask: Ask) -> Response:
    """Everything but `enabled` is required."""
    missing = [name for name in ("country", *RATE_FIELDS) if name not in ask.given]
    if missing:
        raise ApiError(422, f"The field '{missing[0]}' is required")
    values = plain_values(ask.given, RATE_FIELDS)
    with ask.world.db.transaction():
        document = {"id": next_id(ask.world, "rate"), **values}
        ask.world.db.execute(
            "INSERT INTO sw_rates VALUES (?, ?, ?, ?)",
            (document["id"], ask.business, document["name"], dump(document)),
        )
    return answer(ask.world, document, 201)
