"""SVG drawings as pictures. Whoever draws it has to expect that it names files and addresses, or never ends.

So it is read first, and refused where it is more than shapes; and it is drawn by a process of its own that can open
nothing and is stopped in time (``drawing_process``).
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final
from xml.parsers import expat

from PIL import Image

from core.http.picture_trouble import BadPicture

DRAWN_PX: Final = 1_600  # the longer side; large enough to be sent without a warning in every shape that is allowed
MOST_BYTES: Final = 1_000_000
MOST_ELEMENTS: Final = 20_000
MOST_DEPTH: Final = 100
MOST_PIXELS_INSIDE: Final = 16_000_000
_SECONDS: Final = 10.0
_PROCESS: Final = Path(__file__).with_name("drawing_process.py")
_ADVICE: Final = "save it as PNG or JPEG in the store."
_SVG: Final = "http://www.w3.org/2000/svg"
_REFERENCE: Final = re.compile(r"url\(\s*['\"]?\s*([^'\")\s]*)", re.IGNORECASE)
_INSIDE: Final = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,([A-Za-z0-9+/=\s]+)")
_one_at_a_time = threading.BoundedSemaphore(1)


def is_drawing(data: bytes) -> bool:
    """Whether the bytes are meant as an SVG drawing."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return b"<svg" in start and start.startswith(b"<") and not start.startswith((b"<!doctype html", b"<html"))


def drawn(data: bytes) -> bytes:
    """The drawing as a PNG with transparency, its longer side ``DRAWN_PX``. Raises ``BadPicture``."""
    if len(data) > MOST_BYTES:
        raise BadPicture(f"it is an SVG drawing of over {MOST_BYTES // 1_000_000} MB: {_ADVICE}")
    _Reader().read(data)
    command = [sys.executable, "-I", str(_PROCESS), str(DRAWN_PX)]
    try:
        with _one_at_a_time:
            made = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, env={}, check=False)
    except subprocess.TimeoutExpired as error:
        raise BadPicture(f"it is an SVG drawing that takes too long to draw: {_ADVICE}") from error
    if made.returncode != 0 or not made.stdout:
        raise BadPicture(f"it is an SVG drawing that cannot be drawn: {_ADVICE}")
    return made.stdout


class _Reader:
    """Reads a drawing from its first to its last element and refuses what is more than shapes."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._elements = 0
        self._pixels_inside = 0
        self._style: list[str] = []
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity

    def read(self, data: bytes) -> None:
        """Raises ``BadPicture``."""
        try:
            data.decode()
            self._parser.Parse(data, True)
        except UnicodeDecodeError as error:
            raise BadPicture(f"it is an SVG drawing that is not written in UTF-8: {_ADVICE}") from error
        except expat.ExpatError as error:
            raise BadPicture("the file is damaged.") from error
        self._check_references("".join(self._style))

    def _begin(self, full_name: str, attributes: dict[str, str]) -> None:
        space, _, name = full_name.rpartition(" ")
        self._path.append(name)
        self._elements += 1
        if len(self._path) == 1 and (space, name) != (_SVG, "svg"):
            raise BadPicture("the file is not a picture of a known format.")
        if self._elements > MOST_ELEMENTS or len(self._path) > MOST_DEPTH:
            raise BadPicture(f"it is an SVG drawing of too many parts: {_ADVICE}")
        if name == "foreignObject":
            raise BadPicture(f"it is an SVG drawing that holds a web page: {_ADVICE}")
        for attribute, value in attributes.items():
            if attribute.rpartition(" ")[2] == "href" and name not in ("a", "script"):
                self._check_address(value.strip())
            self._check_references(value)

    def _end(self, _: str) -> None:
        self._path.pop()

    def _text(self, text: str) -> None:
        if "style" in self._path:
            self._style.append(text)
        elif "text" in self._path and text.strip():
            raise BadPicture(f"it is an SVG drawing with text, whose fonts are not known here: {_ADVICE}")

    def _entity(self, *_: object) -> None:
        raise BadPicture(f"it is an SVG drawing that declares entities: {_ADVICE}")

    def _check_references(self, text: str) -> None:
        for address in _REFERENCE.findall(text):
            self._check_address(address)
        if "@import" in text.lower():
            self._check_address("@import")

    def _check_address(self, address: str) -> None:
        """A part of the drawing itself, or a picture that lies in it; anything else is elsewhere."""
        if address.startswith("#") or not address:
            return
        inside = _INSIDE.fullmatch(address)
        if inside is None:
            raise BadPicture(f"it is an SVG drawing that shows something from elsewhere: {_ADVICE}")
        self._pixels_inside += _pixels(inside.group(1))
        if self._pixels_inside > MOST_PIXELS_INSIDE:
            raise BadPicture(f"it is an SVG drawing that holds too large a picture: {_ADVICE}")


def _pixels(encoded: str) -> int:
    """The size of a picture that lies in a drawing, from its header."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
            return image.width * image.height
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadPicture("the file is damaged: a picture in it cannot be read.") from error
