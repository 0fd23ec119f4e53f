"""The e-mails that the shops send their customers about orders: kept, never sent."""

from __future__ import annotations

from typing import Any

from sandbox.shopwired.answers import ApiError
from sandbox.shopwired.asks import Ask
from sandbox.world import World


def wanted(given: dict[str, Any], name: str) -> bool:
    """Whether the caller asks for an e-mail; without the field there is none. Raises ApiError 422 for anything else."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise ApiError(422, f"The field '{name}' must be true or false")
    return value


def send(ask: Ask, order: dict[str, Any], about: str) -> None:
    """Tell the customer about the order; somebody without an e-mail address cannot be told."""
    recipient = order["billingAddress"]["emailAddress"]
    if recipient:
        row = (ask.business, order["id"], about, recipient)
        ask.world.db.execute("INSERT INTO sw_emails (business, order_id, about, recipient) VALUES (?, ?, ?, ?)", row)


def sent(world: World, order_id: int) -> list[dict[str, Any]]:
    """What was sent about an order, oldest first: `about` is `created`, or the name of the new status."""
    return world.db.query("SELECT about, recipient FROM sw_emails WHERE order_id = ? ORDER BY id", (order_id,))
