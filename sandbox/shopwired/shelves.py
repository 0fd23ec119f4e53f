"""`/categories` and `/brands`, which work alike; only categories have parents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sandbox.catalogue import BASE_MARK, slug_of
from sandbox.shopwired.answers import ApiError, answer, dump, list_answer, no_content, rfc2822, text_answer
from sandbox.shopwired.asks import Ask, project
from sandbox.shopwired.events import happened
from sandbox.shopwired.sequences import next_id
from sandbox.shopwired.writing import SHELF_FIELDS, id_list, plain_values, required_text, value_map

Handler = Callable[[Ask], Response]


class Shelves:
    """Handlers for one kind, `category` or `brand`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def list_all(self, ask: Ask) -> Response:
        """Paged, in the order of creation or by title; `active` filters."""
        count, offset = ask.page()
        where, params = self._where(ask)
        rows = ask.world.db.query(
            f"SELECT * FROM sw_shelves WHERE {where} ORDER BY {ask.order(title='title COLLATE NOCASE')}"
            " LIMIT ? OFFSET ?",
            (*params, count, offset),
        )
        return list_answer(ask.world, [self._text(ask, row) for row in rows])

    def count(self, ask: Ask) -> Response:
        """`{"count": n}` under the same filter."""
        where, params = self._where(ask)
        return answer(
            ask.world, {"count": ask.world.db.value(f"SELECT COUNT(*) FROM sw_shelves WHERE {where}", params)}
        )

    def get(self, ask: Ask) -> Response:
        """One of them."""
        return text_answer(ask.world, self._text(ask, self._row(ask, ask.ident())))

    def create(self, ask: Ask) -> Response:
        """`title` is required; 201."""
        required_text(ask.given, "title")
        with ask.world.db.transaction():
            lean: dict[str, Any] = {"id": next_id(ask.world, self._kind)}
            lean |= {name: default for name, (_, default) in SHELF_FIELDS.items()}
            lean |= {"url": "", "createdAt": rfc2822(ask.world.clock.now())}
            self._store(ask, lean, {"parents": "[]", "custom_fields": "{}"})
            happened(ask.world, ask.business, f"{self._kind}.created", lean["id"], dump({"object": lean}))
        return text_answer(ask.world, self._text(ask, self._row(ask, lean["id"])), 201)

    def update(self, ask: Ask) -> Response:
        """A partial change; `parents` and `customFields` are replaced as a whole."""
        if "title" in ask.given:
            required_text(ask.given, "title")
        with ask.world.db.transaction():
            row = self._row(ask, ask.ident())
            lean = json.loads(row["lean"])
            self._store(ask, lean, row)
            happened(ask.world, ask.business, f"{self._kind}.updated", lean["id"], dump({"object": lean}))
        return self.get(ask)

    def delete(self, ask: Ask) -> Response:
        """204; products keep no trace of it."""
        with ask.world.db.transaction():
            row = self._row(ask, ask.ident())
            ask.world.db.execute("DELETE FROM sw_shelves WHERE kind = ? AND id = ?", (self._kind, row["id"]))
            self._forget(ask, row["id"])
            happened(ask.world, ask.business, f"{self._kind}.deleted", row["id"], f'{{"object":{row["lean"]}}}')
        return no_content()

    def _where(self, ask: Ask) -> tuple[str, tuple[Any, ...]]:
        active = ask.flag("active")
        if active is None:
            return "business = ? AND kind = ?", (ask.business, self._kind)
        return "business = ? AND kind = ? AND active = ?", (ask.business, self._kind, active)

    def _row(self, ask: Ask, ident: int) -> dict[str, Any]:
        row = ask.world.db.one(
            "SELECT * FROM sw_shelves WHERE kind = ? AND id = ? AND business = ?", (self._kind, ident, ask.business)
        )
        if row is None:
            raise ApiError(404, f"There is no {self._kind} with the id {ident}")
        return row

    def _text(self, ask: Ask, row: dict[str, Any]) -> str:
        embeds, text = ask.names("embed"), row["lean"][:-1]
        if "parents" in embeds and self._kind == "category":
            text += f',"parents":[{",".join(self._ancestors(ask, row))}]'
        if "custom_fields" in embeds and row["custom_fields"] != "{}":
            text += f',"customFields":{row["custom_fields"]}'
        return project(text + "}", ask.names("fields"))

    def _ancestors(self, ask: Ask, row: dict[str, Any]) -> list[str]:
        """Documents of all ancestors, the nearest first, the root last; none of them carries its own parents."""
        found: dict[int, str] = {}
        waiting = json.loads(row["parents"])
        while waiting:
            ident = waiting.pop(0)
            parent = ask.world.db.one("SELECT * FROM sw_shelves WHERE kind = ? AND id = ?", (self._kind, ident))
            if parent is not None and ident not in found:
                found[ident] = parent["lean"]
                waiting += json.loads(parent["parents"])
        return list(found.values())

    def _store(self, ask: Ask, lean: dict[str, Any], row: dict[str, Any]) -> None:
        values = plain_values(ask.given, SHELF_FIELDS)
        lean |= values
        lean["slug"] = slug_of(lean["slug"] or lean["title"])
        lean["url"] = self._url(ask, lean["slug"])
        parents, custom_fields = row["parents"], row["custom_fields"]
        if "parents" in ask.given and self._kind == "category":
            parents = dump([self._row(ask, ident)["id"] for ident in id_list(ask.given, "parents")])
        if "customFields" in ask.given:
            kept = {name: item for name, item in value_map(ask.given, "customFields").items() if item != ""}
            custom_fields = dump(kept)
        ask.world.db.execute(
            "INSERT OR REPLACE INTO sw_shelves VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (lean["id"], ask.business, self._kind, lean["title"], int(lean["active"]), dump(lean), parents,
             custom_fields),
        )  # fmt: skip

    def _url(self, ask: Ask, slug: str) -> str:
        shop = ask.world.db.value("SELECT slug FROM sw_businesses WHERE id = ?", (ask.business,))
        return f"{BASE_MARK}/shop/{shop}/{'c' if self._kind == 'category' else 'b'}/{slug}"

    def _forget(self, ask: Ask, ident: int) -> None:
        if self._kind == "brand":
            ask.world.db.execute("UPDATE sw_products SET brand = NULL WHERE brand = ?", (ident,))
            return
        ask.world.db.execute(
            "UPDATE sw_products SET categories = (SELECT json_group_array(value) FROM json_each(categories)"
            " WHERE value <> ?) WHERE business = ? AND EXISTS (SELECT 1 FROM json_each(categories) WHERE value = ?)",
            (ident, ask.business, ident),
        )


CATEGORIES = Shelves("category")
BRANDS = Shelves("brand")
