"""The console's small parts that need no browser and no database."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from console.components import calls, mapping_files, mapping_grid, sheets, status, words
from console.components.selection import Selected
from console.pictures import SIDE, shrunk
from console.refusals import NotPossible
from core.domain.filters import ProductFilter
from core.domain.mapping import BRAND, CATEGORY
from core.domain.statuses import EXPORT_WORDS, PRODUCT_WORDS
from core.reads.mappings import MappingRow
from core.reads.products import Choice

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1"])
def test_a_formula_becomes_text(cell: str) -> None:
    written = sheets.table_file(("A",), [(cell,)]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(written, newline="")))[1] == [f"'{cell}"]


def test_numbers_stay_numbers() -> None:
    assert sheets.table_file(("A",), [(-1,)]).decode("utf-8-sig").splitlines()[1] == "-1"


def test_every_row_stops_at_a_short_page() -> None:
    asked = []

    def fetch(page: int) -> list[int]:
        asked.append(page)
        return [page] * (50 if page < 3 else 7)

    assert len(list(sheets.every_row(fetch))) == 107
    assert asked == [1, 2, 3]


def test_ticks_on_one_page_leave_the_others() -> None:
    selected = Selected({1, 2, 30})
    assert selected.take_page([1, 2, 3], [2, 3])
    assert selected.ids == {2, 3, 30}
    assert not selected.take_page([1, 2, 3], [2, 3])
    assert selected.positions([3, 4, 2]) == [0, 2]


def test_unticking_one_of_everything_leaves_the_page() -> None:
    selected = Selected()
    selected.choose_all(ProductFilter(tab="Ready"))
    assert selected.positions([1, 2, 3]) == [0, 1, 2]
    assert not selected.take_page([1, 2, 3], [1, 2, 3])
    assert selected.take_page([1, 2, 3], [1, 3])
    assert selected.everything is None
    assert selected.ids == {1, 3}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 seconds"), (1, "1 second"), (90, "1 minute"), (7_200, "2 hours"), (200_000, "2 days")],
)
def test_spans(seconds: float, said: str) -> None:
    assert words.span(seconds) == said
    assert words.ago(AT - timedelta(seconds=seconds), AT) == f"{said} ago"


def test_text_from_outside_is_shown_letter_by_letter() -> None:
    assert status.escaped("**a** [b](c) :red[d] $x$") == r"\*\*a\*\* \[b\]\(c\) \:red\[d\] \$x\$"
    assert status.escaped("&lt;b&gt; &copy;") == r"\&lt;b\&gt; \&copy;"
    assert status.escaped("- 5-ply\n + a+b\n1. One\n12) Two\n1.5 kg\nx\n---\n===") == (
        "\\- 5-ply\n \\+ a+b\n1\\. One\n12\\) Two\n1\\.5 kg\nx\n\\---\n\\==="
    )


def test_every_tone_has_a_colour() -> None:
    assert {word.tone for word in (*PRODUCT_WORDS.values(), *EXPORT_WORDS.values())} <= set(status.BADGE)


def test_two_targets_of_one_name_are_told_apart() -> None:
    labels = mapping_grid.labels_of(BRAND, (Choice("1", "Kiln"), Choice("2", "Kiln")))
    assert labels == {"No brand": "", "Kiln": "1", "Kiln (2)": "2"}


def row(source: str, target: str | None = None, version: int = 0) -> MappingRow:
    return MappingRow(source, f"Word {source}", 1, target, None, version, None, "")


def test_a_file_changes_what_differs() -> None:
    present = {"1": row("1"), "2": row("2", "600", 3), "3": row("3", "700", 1), "4": row("4", "800", 1)}
    data = "\ufeffstore_id,tiktok_id\n1,600\n2,600\n3,-\n4,\n".encode()
    changes = mapping_files.changes_in(CATEGORY, data, present)
    assert [(one.source_id, one.target_id, one.version) for one in changes] == [
        ("1", "600", 0),
        ("3", "", 1),
        ("4", None, 1),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"store_id,tiktok_id\n9,600\n", "Line 2: the store has no category with the id '9'"),
        (b"a,b\n1,2\n", "no column store_id and tiktok_id"),
        (b"\xff\xfe\x00", "not CSV in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(data: bytes, said: str) -> None:
    with pytest.raises(NotPossible, match=said):
        mapping_files.changes_in(CATEGORY, data, {"1": row("1")})


def picture(size: tuple[int, int], mode: str = "RGB", form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (10, 200, 30) if mode == "RGB" else (10, 200, 30, 0)).save(out, form)
    return out.getvalue()


def test_a_thumbnail_is_square_and_on_white() -> None:
    small = shrunk(picture((600, 300), "RGBA"))
    assert small is not None
    made = Image.open(io.BytesIO(small))
    assert (made.format, made.size, made.getpixel((40, 40))) == ("JPEG", (SIDE, SIDE), (255, 255, 255))


@pytest.mark.parametrize("data", [b"", b"<svg/>", picture((99, 99))[:40]])
def test_what_is_no_picture_gives_none(data: bytes) -> None:
    assert shrunk(data) is None


def test_a_call_shows_its_body_line_by_line_below_its_query() -> None:
    assert calls.pretty('?sign=[redacted]\n{"title":"Mug"}') == '?sign=[redacted]\n{\n  "title": "Mug"\n}'
    assert calls.pretty('{"title":"Mug"}') == '{\n  "title": "Mug"\n}'
    assert calls.pretty("a=1&b=2") == "a=1&b=2"
