"""Tables as CSV and Excel files that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

import streamlit as st
import xlsxwriter

from core.reads.paging import COUNT_CAP, PAGE_SIZE, Count

R = TypeVar("R")

# A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def table_file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with a byte order mark, as Excel wants it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def workbook(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """One sheet. Text stays text, whatever it begins with; times with a zone are written in UTC."""
    out = io.BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, plain) as book:
        moment, bold = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}), book.add_format({"bold": True})
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, head, bold)
        for number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(number, place, cell.astimezone(UTC).replace(tzinfo=None), moment)
                elif isinstance(cell, bool) or cell is None or not isinstance(cell, int | float | Decimal):
                    sheet.write_string(number, place, "" if cell is None else str(cell))
                else:
                    sheet.write_number(number, place, cell)
    return out.getvalue()


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


def download(
    name: str, head: Sequence[str], rows: Callable[[], Iterable[Sequence[object]]], count: Count | None = None
) -> None:
    """Buttons that make the file when pressed: the same filters, columns and order as the table above them.

    ``count``: of the list, where ``rows`` ends with its pages; a longer list is said to be cut.
    """
    stem = f"{name}-{datetime.now(UTC):%Y-%m-%d-%H%M}"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Download CSV",
            data=lambda: table_file(head, rows()),
            file_name=f"{stem}.csv",
            mime="text/csv",
            key=f"download_{name}",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Download Excel",
            data=lambda: workbook(head, rows()),
            file_name=f"{stem}.xlsx",
            mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            key=f"download_{name}_excel",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )
        if count is not None and count.capped:
            st.caption(f"The first {COUNT_CAP:,} rows; narrow the list for the others.", width="content")
