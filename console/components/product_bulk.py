"""The bulk actions on products, asked the same way wherever products are listed."""

from __future__ import annotations

from functools import partial

from console import actions, context
from console.components import bulk
from console.components.selection import Selected
from core.domain.filters import Selection

VERBS = {"all": "Send", "price": "Send prices of", "stock": "Send stock of"}


def ask_to_send(chosen: Selection, part: str, selected: Selected | None = None, title: str = "") -> None:
    """A button's callback: sending whole listings (``all``), or their ``price`` or ``stock`` alone."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title=title or actions.PARTS[part],
            verb=VERBS[part],
            selection=chosen,
            plan=partial(actions.plan_send, connection_id, part=part),
            start=partial(actions.send, connection_id, part=part),
            selected=selected,
        )
    )


def ask_to_delete(chosen: Selection, selected: Selected | None = None) -> None:
    """A button's callback: deleting in the Shop, never in the store."""
    connection_id = context.current_id()
    bulk.ask(
        bulk.Ask(
            title="Delete from TikTok",
            verb="Delete",
            selection=chosen,
            plan=partial(actions.plan_delete, connection_id),
            start=partial(actions.delete, connection_id),
            selected=selected,
            deletes=True,
            note="Deleted in the Shop only. The store keeps them, and they can be sent again.",
        )
    )
