"""Tables as CSV files that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import streamlit as st

from core.reads.paging import COUNT_CAP, PAGE_SIZE

R = TypeVar("R")

# A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with a byte order mark, as Excel wants it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def safe(cell: object) -> object:
    """Text that would be a formula gets an apostrophe before it; numbers stay numbers."""
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell


def every_row(fetch: Callable[[int], Sequence[R]]) -> Iterator[R]:
    """All rows of a list, page by page, up to where paging ends."""
    for page in range(1, COUNT_CAP // PAGE_SIZE + 1):
        rows = fetch(page)
        yield from rows
        if len(rows) < PAGE_SIZE:
            return


def download(name: str, head: Sequence[str], rows: Callable[[], Iterable[Sequence[object]]]) -> None:
    """A button that makes the file when it is pressed: the same filters, columns and order as the table above it."""
    st.download_button(
        "Download CSV",
        data=lambda: table_file(head, rows()),
        file_name=f"{name}-{datetime.now(UTC):%Y-%m-%d-%H%M}.csv",
        mime="text/csv",
        key=f"download_{name}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )
