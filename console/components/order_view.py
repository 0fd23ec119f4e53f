"""How an order looks in the table: its columns, its cells, its countdown, and the same as lines of a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from console.components import status, words
from core.domain.order_tabs import FULFILMENT_WORDS, IMPORT_WORDS, STATUS_WORDS, status_word
from core.domain.statuses import Tone, Word
from core.reads.orders import OrderRow

_SOON, _TODAY = timedelta(hours=4), timedelta(hours=24)
_OPEN = ("unshipped", "partly_shipped")
HEAD = (
    "Order id", "Customer", "Date (UTC)", "Total", "Currency", "Units", "TikTok status", "Store status", "Store order",
    "Note", "Fulfilment", "Ship by (UTC)", "API received (UTC)", "API sent (UTC)", "Marks",
)  # fmt: skip


def columns(currency: str, due: Sequence[Word], store: Sequence[Word]) -> dict[str, Any]:
    """``due`` and ``store`` are the words that the rows shown use.

    Together as wide as a window of 1280 pixels leaves, so that nothing lies beyond its edge.
    """
    c = st.column_config
    return {
        "order": c.TextColumn("Order id", width=130),
        "customer": c.TextColumn("Customer", width=84),
        "date": c.DatetimeColumn("Date (GMT)", format="D MMM, HH:mm", timezone="UTC", width=84),
        "total": c.NumberColumn(f"Total ({currency})" if currency else "Total", format="%.2f", width=66),
        "status": status.column("TikTok status", STATUS_WORDS.values(), width=120),
        "store": status.column("Store status", store, width=86),
        "due": status.column("Ship by", due, width=86),
        "fulfilment": status.column("Fulfilment", FULFILMENT_WORDS.values(), width=82),
        "received": c.DatetimeColumn(
            "API received", format="D MMM, HH:mm", timezone="UTC", width=84, help="When it was read from TikTok, GMT."
        ),
        "sent": c.DatetimeColumn(
            "API sent", format="D MMM, HH:mm", timezone="UTC", width=84, help="When the store got it, GMT."
        ),
        "note": c.TextColumn("Note", width=52),
    }


def cells(row: OrderRow, at: datetime) -> dict[str, Any]:
    due = due_word(row, at)
    return {
        "order": row.remote_id,
        "customer": "Not shown to viewers" if row.customer is None else row.customer,
        "date": row.ordered_at,
        "total": float(row.total),
        "status": [status_word(row.status).label],
        "store": [store_word(row).label],
        "fulfilment": [FULFILMENT_WORDS[row.fulfilment].label] if row.fulfilment in FULFILMENT_WORDS else [],
        "due": [due.label] if due else [],
        "received": row.received_at,
        "sent": row.sent_at,
        "note": ". ".join(part for part in (", ".join(marks(row)), note(row)) if part),
    }


def due_word(row: OrderRow, at: datetime) -> Word | None:
    """The countdown to the time by which it must be shipped, red under four hours; None once it has left."""
    if row.ship_by is None or row.fulfilment not in _OPEN:
        return None
    time = row.ship_by - at
    tone = Tone.RED if time < _SOON else Tone.AMBER if time < _TODAY else Tone.GREY
    return Word(words.left(row.ship_by, at), tone, "")


def store_word(row: OrderRow) -> Word:
    """The store's own status, or what stands in the way of one."""
    if row.store_status is not None:
        return Word(row.store_status or "In the store", Tone.GREEN, "")
    return IMPORT_WORDS[row.import_state]


def note(row: OrderRow) -> str:
    """Why it is not imported, or what the store could not be told."""
    return row.store_sentence if row.store_status is not None else row.hold_sentence


def marks(row: OrderRow) -> list[str]:
    """What sets it apart: bundle, replacement, sample, shipped or fulfilled by TikTok."""
    found = list(row.tags)
    if row.by_tiktok:
        found.append("fulfilled by TikTok")
    elif row.shipping_type == "TIKTOK":
        found.append("shipped by TikTok")
    return found


def distinct(found: Sequence[Word | None]) -> list[Word]:
    """Each word once, for the colours of a column."""
    return list({word.label: word for word in found if word is not None}.values())


def line(row: OrderRow) -> tuple[object, ...]:
    """The row in a file, under ``HEAD``."""
    return (
        row.remote_id,
        row.customer or "",
        row.ordered_at.isoformat(),
        row.total,
        row.currency,
        row.units,
        row.status,
        store_word(row).label,
        row.store_number,
        note(row),
        row.fulfilment,
        row.ship_by.isoformat() if row.ship_by else "",
        row.received_at.isoformat(),
        row.sent_at.isoformat() if row.sent_at else "",
        ", ".join(marks(row)),
    )
