"""`/custom-fields`: definitions of the extra fields that products and other things can carry."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.responses import Response

from sandbox.shopwired.answers import ApiError, dump, list_answer, no_content, text_answer
from sandbox.shopwired.asks import Ask
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.writing import plain_values, required_text

TYPES = frozenset({"text", "toggle", "choice", "list", "date", "date_time", "value_list", "product_list"})
ITEM_TYPES = frozenset({"product", "category", "brand", "order", "page", "blog_post", "customer"})
MAXIMUM_ALLOWED_VALUES = 20
_NAME = re.compile(r"[A-Za-z0-9_]{1,40}")


def list_custom_fields(ask: Ask) -> Response:
    """All definitions, paged."""
    count, offset = ask.page()
    rows = ask.world.db.query(
        "SELECT document FROM sw_custom_fields WHERE business = ? ORDER BY id LIMIT ? OFFSET ?",
        (ask.business, count, offset),
    )
    return list_answer(ask.world, [row["document"] for row in rows])


def get_custom_field(ask: Ask) -> Response:
    """One definition."""
    return text_answer(ask.world, dump(_find(ask)))


def create_custom_field(ask: Ask) -> Response:
    """`name` and `itemType` are required; bad ones are 400 here, not 422 (the page lists 201, 400, 401, 500)."""
    try:
        required_text(ask.given, "name")
        required_text(ask.given, "itemType")
        document = {"label": None, "type": "text", "sortOrder": None, "allowedValues": None, **_checked(ask.given)}
    except ApiError as error:
        raise ApiError(400, error.message) from error
    taken = ask.world.db.one(
        "SELECT id FROM sw_custom_fields WHERE business = ? AND name = ?", (ask.business, document["name"])
    )
    if taken is not None:
        raise ApiError(400, f"There is a custom field '{document['name']}' already")
    with ask.world.db.transaction():
        document = {"id": next_id(ask.world, "custom_field"), **document}
        _store(ask, document)
    return text_answer(ask.world, dump(document), 201)


def update_custom_field(ask: Ask) -> Response:
    """A partial change."""
    with ask.world.db.transaction():
        document = {**_find(ask), **_checked(ask.given)}
        _store(ask, document)
    return text_answer(ask.world, dump(document))


def delete_custom_field(ask: Ask) -> Response:
    """204."""
    ask.world.db.execute("DELETE FROM sw_custom_fields WHERE id = ?", (_find(ask)["id"],))
    return no_content()


def _find(ask: Ask) -> dict[str, Any]:
    row = ask.world.db.one(
        "SELECT document FROM sw_custom_fields WHERE id = ? AND business = ?", (ask.ident(), ask.business)
    )
    if row is None:
        raise ApiError(404, f"There is no custom field with the id {ask.ident()}")
    found: dict[str, Any] = json.loads(row["document"])
    return found


def _store(ask: Ask, document: dict[str, Any]) -> None:
    ask.world.db.execute(
        "INSERT OR REPLACE INTO sw_custom_fields VALUES (?, ?, ?, ?)",
        (document["id"], ask.business, document["name"], dump(document)),
    )


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    texts = dict.fromkeys(("name", "label", "type", "itemType"), ("text", None))
    values = plain_values(given, {**texts, "sortOrder": ("whole", None)})
    if "name" in values and not _NAME.fullmatch(values["name"] or ""):
        raise ApiError(422, "The field 'name' takes 1 to 40 letters, digits and underscores")
    for name, known in (("type", TYPES), ("itemType", ITEM_TYPES)):
        if name in values and values[name] not in known:
            raise ApiError(422, f"The field '{name}' cannot be {values[name]!r}")
    allowed = given.get("allowedValues")
    if allowed is not None:
        if not isinstance(allowed, list) or not all(isinstance(item, str) for item in allowed):
            raise ApiError(422, "The field 'allowedValues' must be a list of texts")
        if len(allowed) > MAXIMUM_ALLOWED_VALUES:
            raise ApiError(422, f"The field 'allowedValues' takes at most {MAXIMUM_ALLOWED_VALUES} values")
        values["allowedValues"] = allowed
    return values
