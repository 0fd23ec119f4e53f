"""What a picture file is, and how it becomes one that TikTok Shop takes."""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from core.domain.limits import MarketLimits
from core.domain.pictures import FILM, KEPT_FORMATS, PictureFacts, scale_of
from core.http.drawings import drawn, is_drawing
from core.http.films import is_film
from core.http.picture_trouble import BadPicture

pillow_heif.register_heif_opener()

MOST_PIXELS: Final = 50_000_000
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
_HEAVY_PIXELS: Final = 8_000_000
_heavy = threading.BoundedSemaphore(1)  # one large picture in memory at a time, whatever the number of threads
_ORIENTATION: Final = 0x0112
_QUALITIES: Final = (90, 82, 74)
_SIMPLE_MODES: Final = ("RGB", "L", "P", "1")


@dataclass(frozen=True, slots=True)
class ConvertedPicture:
    """``form`` is JPEG or PNG; ``notes`` say in words what was changed, none: the bytes are the given ones."""

    data: bytes
    form: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


def inspect(data: bytes, url: str) -> PictureFacts:
    """What the picture is, from its header alone where that is enough; a drawing counts as drawn, a film as MP4.

    Raises ``BadPicture``.
    """
    if is_film(data):
        return PictureFacts(url, format=FILM, bytes=len(data), digest=hashlib.sha256(data).hexdigest())
    if is_drawing(data):
        with _opened(drawn(data)) as picture:
            return PictureFacts(url, *picture.size, "SVG", len(data), hashlib.sha256(data).hexdigest())
    with _opened(data) as image:
        _require_whole(image, data)
        width, height = image.size
        if _turned(image):
            width, height = height, width
        digest = hashlib.sha256(data).hexdigest()
        return PictureFacts(url, width, height, _form(image), len(data), digest)


def convert(data: bytes, limits: MarketLimits) -> ConvertedPicture:
    """The picture as a JPEG or PNG within the market's limits, upright, on white, without metadata.

    A JPEG or PNG that is so already keeps its bytes. Raises ``BadPicture``.
    """
    if is_drawing(data):
        with _opened(drawn(data)) as picture:
            return _encoded(_flattened(picture, limits), limits, ("converted from SVG to JPEG",))
    with _opened(data) as image:
        _require_whole(image, data)
        form, too_large = _form(image), _too_large(image, data, limits)
        if form in KEPT_FORMATS and not too_large and not _turned(image) and not _tells_place(image):
            return ConvertedPicture(data, form, *image.size)
        notes = _notes(image, form, too_large)
        heavy = image.width * image.height > _HEAVY_PIXELS
        with _heavy if heavy else nullcontext():
            return _encoded(_flattened(image, limits), limits, notes)


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """The picture with only its header read. Pillow's many ways of failing become ``BadPicture``."""
    if not data:
        raise BadPicture("it is empty.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MOST_PIXELS is our own limit
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    size = f"{image.width} x {image.height} px"
                    raise BadPicture(f"it has {size}, more than {MOST_PIXELS // 1_000_000} million pixels.")
                yield image
    except Image.DecompressionBombError as error:
        raise BadPicture(f"it has more than {MOST_PIXELS // 1_000_000} million pixels.") from error
    except UnidentifiedImageError as error:
        raise BadPicture(_what_else(data)) from error
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, MemoryError) as error:
        raise BadPicture("the file is damaged.") from error


def _what_else(data: bytes) -> str:
    start = data[:1000].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "its address leads to a web page, not to a picture."
    return "the file is not a picture of a known format."


def _require_whole(image: Image.Image, data: bytes) -> None:
    """Refuse a file that was cut off: its end is missing, though its header is fine."""
    ends = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}.get(image.format or "")
    if ends is not None and ends not in data[-4096:]:
        raise BadPicture("the file is damaged: its end is missing.")


def _form(image: Image.Image) -> str:
    """The format by content, with what keeps a JPEG or PNG from being sent as it is."""
    form = image.format or ""
    if form == "JPEG" and image.mode not in _SIMPLE_MODES:
        return f"{image.mode} JPEG"
    if form == "PNG" and (image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info):
        return "PNG with transparency"
    if form == "PNG" and image.mode not in _SIMPLE_MODES:
        return "16-bit PNG"
    return form


def _turned(image: Image.Image) -> bool:
    """Whether the EXIF orientation turns the picture by 90 or 270 degrees, or mirrors it."""
    return image.format in ("JPEG", "MPO", "TIFF", "WEBP") and image.getexif().get(_ORIENTATION, 1) in range(5, 9)


def _tells_place(image: Image.Image) -> bool:
    """Whether the file holds EXIF data of any kind: place, camera, half turn, mirror."""
    return "exif" in image.info


def _too_large(image: Image.Image, data: bytes, limits: MarketLimits) -> bool:
    return max(image.size) > limits.picture_max or len(data) > limits.picture_bytes


def _notes(image: Image.Image, form: str, too_large: bool) -> tuple[str, ...]:
    notes = []
    if form not in KEPT_FORMATS:
        notes.append(f"converted from {form} to JPEG")
    if too_large:
        notes.append(f"scaled down from {image.width} x {image.height} px")
    if _turned(image):
        notes.append("turned upright")
    return tuple(notes) or ("metadata removed",)


def _flattened(image: Image.Image, limits: MarketLimits) -> Image.Image:
    """Upright, scaled down where too large, RGB, transparent parts white."""
    scale = scale_of(image.width, image.height, limits)
    if image.format == "JPEG" and scale < 1:
        image.draft("RGB", (int(image.width * scale), int(image.height * scale)))  # decodes smaller, saves memory
    image.load()
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((limits.picture_max, limits.picture_max), Image.Resampling.LANCZOS)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        ground = Image.new("RGB", upright.size, "white")
        ground.paste(upright, mask=upright.getchannel("A"))
        return ground
    if upright.mode.startswith("I;16"):
        upright = upright.point(lambda value: value / 256).convert("L")
    return upright if upright.mode == "RGB" else upright.convert("RGB")


def _encoded(image: Image.Image, limits: MarketLimits, notes: tuple[str, ...]) -> ConvertedPicture:
    """As JPEG without metadata, of less quality and then smaller until it fits."""
    while True:
        for quality in _QUALITIES:
            target = io.BytesIO()
            image.save(target, "JPEG", quality=quality, optimize=False)
            if target.tell() <= limits.picture_bytes:
                return ConvertedPicture(target.getvalue(), "JPEG", *image.size, notes)
        image = image.resize((max(image.width * 4 // 5, 1), max(image.height * 4 // 5, 1)), Image.Resampling.LANCZOS)
