"""Status words: one colour each for the whole console, and never a colour without its word."""

from __future__ import annotations

import re
from collections.abc import Iterable

import streamlit as st
from streamlit.column_config import MultiselectColumn

from core.domain.statuses import EXPORT_WORDS, PRODUCT_WORDS, ExportStatus, ProductStatus, Tone, Word

BADGE = {
    Tone.GREY: "gray",
    Tone.BLUE: "blue",
    Tone.AMBER: "orange",
    Tone.RED: "red",
    Tone.GREEN: "green",
    Tone.VIOLET: "violet",
}

RUN_WORDS: dict[str, Word] = {
    "queued": Word("Queued", Tone.GREY, "Waits for a worker."),
    "running": Word("Running", Tone.BLUE, "Under way."),
    "stopping": Word("Stopping", Tone.AMBER, "What was begun is finished, nothing new is begun."),
    "stopped": Word("Stopped", Tone.GREY, "A person stopped it before its end."),
    "done": Word("Done", Tone.GREEN, "Every item has its result."),
}
ITEM_WORDS: dict[str, Word] = {
    "waiting": Word("Waiting", Tone.GREY, "Its turn has not come."),
    "running": Word("Running", Tone.BLUE, "Being worked on."),
    "done": Word("Done", Tone.GREEN, "It worked."),
    "failed": Word("Failed", Tone.RED, "It was refused, for the reason shown."),
    "skipped": Word("Skipped", Tone.GREY, "Left out, for the reason shown."),
    "unknown": Word("Unknown", Tone.VIOLET, "Sent, and no answer came back; it is being looked up."),
}
# What begins a list or underlines a heading, at the beginning of a line only.
_LIST_OR_RULE = re.compile(r"^([ \t]*(?:\d{1,9}(?=\.))?)([-+=.])", re.MULTILINE)
# Whether a product was sent, beside the status it has since.
SYNC_WORDS = {"sent": "Sent", "not_sent": "Not sent", "failed": "Failed"}


def product_word(status: str) -> Word:
    """A status this version does not know shows as itself."""
    return PRODUCT_WORDS[ProductStatus(status)] if status in PRODUCT_WORDS else Word(status, Tone.VIOLET, "")


def export_word(status: str) -> Word:
    return EXPORT_WORDS[ExportStatus(status)]


def badge(word: Word) -> None:
    st.badge(word.label, color=BADGE[word.tone], help=word.sentence or None)


def column(label: str, words: Iterable[Word], *, width: int = 130) -> MultiselectColumn:
    """For cells that hold ``[word.label]``."""
    listed = list(words)
    sentences = "\n".join(f"- **{word.label}**: {word.sentence}" for word in listed if word.sentence)
    return MultiselectColumn(
        label,
        width=width,
        options=[word.label for word in listed],
        color=[BADGE[word.tone] for word in listed],
        help=sentences or None,
    )


def escaped(text: str) -> str:
    """``text`` from outside as Streamlit's markdown shows it letter by letter."""
    plain = "".join(f"\\{letter}" if letter in "\\`*_[]()$:~#|<>!{}&" else letter for letter in text)
    return _LIST_OR_RULE.sub(r"\1\\\2", plain)
