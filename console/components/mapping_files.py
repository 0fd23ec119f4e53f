"""Mappings as a CSV file, out and in; what comes in is checked and previewed like an edit."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import streamlit as st

from console import context
from console.components import mapping_grid, sheets
from console.components.status import escaped
from console.refusals import NotPossible
from core.domain.mapping import BRAND
from core.reads import mappings
from core.services.mappings import MappingChange

HEAD = ("store_id", "store_name", "products", "tiktok_id", "tiktok_name")
MOST_ROWS = 20_000
_MOST_MB = 5


def download(kind: str) -> None:
    connection_id = context.current_id()

    sheets.download(f"{kind}-mappings", HEAD, lambda: map(_line, mappings.every_mapping(connection_id, kind)))


def _line(row: mappings.MappingRow) -> tuple[object, ...]:
    """A mapping to deliberately none has a dash; an unmapped word has nothing."""
    target = "-" if row.target_id == "" else row.target_id or ""
    return row.source_id, row.label, row.products, target, row.target_label or ""


def upload(kind: str) -> None:
    with st.popover("Upload CSV", key=f"upload_{kind}"):
        st.caption(
            "The columns store_id and tiktok_id count: the TikTok id, a dash for deliberately none, empty for "
            "not mapped. Words that the file leaves out stay as they are."
        )
        file = st.file_uploader("CSV file", type=["csv"], key=f"file_{kind}", max_upload_size=_MOST_MB)
        if file is None or not st.button("Preview", key=f"preview_file_{kind}"):
            return
        try:
            changes = changes_in(kind, file.getvalue(), _present(kind))
        except NotPossible as refusal:
            st.error(escaped(refusal.sentence))
            return
        if not changes:
            st.info("The file changes nothing.")
            return
    mapping_grid.preview(kind, changes)


def _present(kind: str) -> dict[str, mappings.MappingRow]:
    return {row.source_id: row for row in mappings.every_mapping(context.current_id(), kind)}


def changes_in(kind: str, data: bytes, present: Mapping[str, mappings.MappingRow]) -> list[MappingChange]:
    """What a file changes. Raises ``NotPossible`` naming the line that cannot be read."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        lines = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotPossible(f"The file is not CSV in UTF-8: {error}.") from error
    lacking = {"store_id", "tiktok_id"} - set(reader.fieldnames or ())
    if lacking:
        raise NotPossible(f"The file has no column {' and '.join(sorted(lacking))}: download one to see the columns.")
    if len(lines) > MOST_ROWS:
        raise NotPossible(f"The file has {len(lines):,} lines: at most {MOST_ROWS:,} are read at once.")
    wanted = {}
    for number, line in enumerate(lines, start=2):
        source = _plain(line["store_id"])
        if source not in present:
            word = "brand" if kind == BRAND else "category"
            raise NotPossible(f"Line {number}: the store has no {word} with the id {source!r}.")
        target = _plain(line["tiktok_id"])
        wanted[source] = "" if target == "-" else target or None
    return [
        MappingChange(kind, source, target, version=present[source].version)
        for source, target in wanted.items()
        if target != present[source].target_id
    ]


def _plain(cell: str | None) -> str:
    """Without the apostrophe that keeps a spreadsheet from taking text for a formula."""
    return (cell or "").strip().removeprefix("'")
