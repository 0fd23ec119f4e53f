"""SVG drawings become JPEG; what is more than shapes is refused, and drawing can reach nothing and ends in time."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from core.domain.errors import Refused
from core.domain.limits import limits_of
from core.http import drawing_process, drawings
from core.http.images import GuardedPictures
from core.http.picture_files import convert, inspect
from core.http.picture_trouble import BadPicture
from tests.sandbox_server import running_sandbox

GB = limits_of("GB")
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="40" height="30"'
RED = '<rect width="40" height="30" fill="#ff0000"/>'


def svg(inside: str, before: str = "") -> bytes:
    return f"{before}{HEAD}>{inside}</svg>".encode()


def middle(data: bytes) -> tuple[int, ...]:
    with Image.open(io.BytesIO(data)) as image:
        found = image.convert("RGBA").getpixel((image.width // 2, image.height // 2))
    assert isinstance(found, tuple)
    return tuple(int(part) for part in found)


def inner(size: tuple[int, int], form: str = "PNG") -> str:
    target = io.BytesIO()
    Image.new("1", size).save(target, form)
    return base64.b64encode(target.getvalue()).decode()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(Path(tmp_path_factory.mktemp("sandbox"))) as url:
        yield url


def test_a_drawing_of_the_store_becomes_a_jpeg_like_its_photograph(base: str) -> None:
    pictures = GuardedPictures([base])
    address = f"{base}/pictures/plain/mug-teal/x-1.svg"
    facts = pictures.look(address)
    assert (facts.format, facts.width, facts.height, facts.error) == ("SVG", 1600, 1600, "")
    made = pictures.prepare(address)
    assert (made.name[-4:], made.notes) == (".jpg", ("converted from SVG to JPEG",))
    photograph = pictures.fetch(f"{base}/pictures/plain/mug-teal/x-1.png")
    distance = [abs(one - other) for one, other in zip(middle(made.data), middle(photograph), strict=True)]
    assert max(distance) < 25
    pictures.close()


def test_what_is_not_painted_is_white_and_the_shape_is_kept() -> None:
    made = convert(svg('<circle cx="1" cy="1" r="1"/>'), GB)
    assert (made.form, made.width, made.height) == ("JPEG", 1600, 1200)
    assert min(middle(made.data)) > 250


@pytest.mark.parametrize(
    "harmless",
    [
        svg(RED, '<?xml version="1.0" encoding="utf-8"?>\n<!-- drawn by hand -->\n'),
        svg(RED, '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'),
        b"\xef\xbb\xbf" + svg(RED),
        svg(f"{RED}<script>while (true) alert(1)</script>"),
        svg(f'{RED}<a href="https://example.com/">{"<g/>"}</a><text> </text>'),
        svg(
            '<defs><linearGradient id="g"><stop stop-color="red"/></linearGradient></defs>'
            + RED.replace("#ff0000", "url(#g)")
        ),
        svg(f'{RED}<image href="data:image/png;base64,{inner((4, 4))}" width="1" height="1"/>'),
    ],
)
def test_what_ordinary_programs_write_is_drawn(harmless: bytes) -> None:
    assert inspect(harmless, "u").format == "SVG"
    assert middle(convert(harmless, GB).data)[0] > 240


@pytest.mark.parametrize(
    ("drawing", "words"),
    [
        (svg('<image href="http://127.0.0.1:1/a.png" width="9" height="9"/>'), "from elsewhere"),
        (svg('<image xlink:href="/etc/hostname" width="9" height="9"/>'), "from elsewhere"),
        (svg('<use href="other.svg#a"/>'), "from elsewhere"),
        (svg('<filter id="f"><feImage href="file:///a.png"/></filter>'), "from elsewhere"),
        (svg('<image href="data:image/svg+xml;base64,PHN2Zy8+" width="9" height="9"/>'), "from elsewhere"),
        (svg("<style>rect { fill: url('http://a.example/x') }</style>" + RED), "from elsewhere"),
        (svg("<style>@import 'http://a.example/x.css';</style>" + RED), "from elsewhere"),
        (svg(RED.replace("#ff0000", "url(b.svg#x)")), "from elsewhere"),
        (svg(RED, '<!DOCTYPE svg [<!ENTITY a "b">]>'), "entities"),
        (svg(RED, '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "entities"),
        (svg('<foreignObject width="9" height="9"/>'), "web page"),
        (svg("<text>Sale</text>"), "with text"),
        (svg("<text><tspan>Sale</tspan></text>"), "with text"),
        (
            svg(f'<image href="data:image/png;base64,{inner((9000, 9000))}" width="9" height="9"/>'),
            "too large a picture",
        ),
        (svg('<image href="data:image/png;base64,AAAA" width="9" height="9"/>'), "cannot be read"),
        (svg("<g>" * 200 + "</g>" * 200), "too many parts"),
        (svg("<g/>" * 30_000), "too many parts"),
        (svg(RED) + b" " * 1_000_000, "over 1 MB"),
        (svg(RED).replace(b"40", b"\xff40"), "UTF-8"),
        (svg("<g>"), "damaged"),
        (b'<a xmlns="http://www.w3.org/2000/svg"><svg/></a>', "known format"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="0" height="9"/>', "cannot be drawn"),
    ],
)
def test_what_is_more_than_shapes_is_refused_at_once(drawing: bytes, words: str) -> None:
    began = time.monotonic()
    for work in (lambda: inspect(drawing, "u"), lambda: convert(drawing, GB)):
        with pytest.raises(BadPicture, match=words):
            work()
    assert time.monotonic() - began < 20


def test_a_refusal_names_the_picture(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = GuardedPictures([base])
    monkeypatch.setattr(drawings, "MOST_BYTES", 100)
    with pytest.raises(Refused, match=r"x-1\.svg cannot be used: it is an SVG drawing of over"):
        pictures.prepare(f"{base}/pictures/plain/mug-teal/x-1.svg")
    pictures.close()


def test_size_is_bounded_whatever_the_drawing_asks_for() -> None:
    huge = svg(RED).replace(b'width="40" height="30"', b'width="100000000" height="100000000"', 1)
    facts = inspect(huge, "u")
    assert (facts.width, facts.height) == (1600, 1600)


def test_a_drawing_without_an_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = '<filter id="f"><feTurbulence baseFrequency="0.5" numOctaves="100000"/></filter>'
    endless = svg(noise + RED.replace("/>", ' filter="url(#f)"/>'))
    monkeypatch.setattr(drawings, "_SECONDS", 0.8)
    began = time.monotonic()
    with pytest.raises(BadPicture, match=r"too long|cannot be drawn"):
        inspect(endless, "u")
    assert time.monotonic() - began < 40
    copies = "".join(
        f'<g id="g{one}">{f"<use href=%s#g{one - 1}%s/>" % (chr(34), chr(34)) * 10}</g>' for one in range(1, 7)
    )
    with pytest.raises(BadPicture, match=r"too long|cannot be drawn"):
        inspect(svg(f'<defs><rect id="g0" width="9" height="9"/>{copies}</defs><use href="#g6"/>'), "u")


def test_the_process_that_draws_opens_no_file(tmp_path: Path) -> None:
    """Also where the check before it were to miss something."""
    picture = tmp_path / "secret.png"
    Image.new("RGB", (40, 30), "blue").save(picture)
    names = svg(f'<image href="{picture}" width="40" height="30"/>')
    command = [sys.executable, "-I", str(Path(drawing_process.__file__)), "40"]
    made = subprocess.run(command, input=names, capture_output=True, timeout=120, check=True)
    assert middle(made.stdout)[3] == 0, "nothing of the file may be seen"
    shapes = subprocess.run(command, input=svg(RED), capture_output=True, timeout=120, check=True)
    assert middle(shapes.stdout) == (255, 0, 0, 255)
