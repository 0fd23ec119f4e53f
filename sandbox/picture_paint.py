"""Paints one product picture and encodes it in the format and state a case asks for."""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from sandbox.picture_shapes import Step, palette, steps_of

ASSETS: Final = Path(__file__).parent / "assets"
HEAVY_BYTES: Final = 11 * 1024 * 1024
MEDIA_TYPES: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "svg": "image/svg+xml",
}

# Width and height of every case that is a picture at all. The comment says what a marketplace makes of it.
SIZES: Final = {
    "plain": (800, 800),
    "duplicate": (800, 800),  # the same bytes for every product that asks
    "portrait": (900, 1200),
    "landscape": (1200, 900),
    "transparent": (800, 800),
    "rotated": (800, 600),  # stored on its side, upright by its EXIF orientation
    "cmyk": (800, 800),
    "animated": (800, 800),
    "large": (5000, 5000),  # over 4,000 pixels
    "heavy": (800, 800),  # over 10 MB
    "warning": (400, 400),  # allowed, but under the recommended 600
    "small": (250, 250),  # under 300 pixels: refused
    "wide": (1200, 400),  # 3:1: refused
    "broken": (800, 800),  # cut off in the middle
}
ORIENTATION_TAG: Final = 0x0112
ROTATED_CLOCKWISE: Final = 6


@dataclass(frozen=True)
class Wanted:
    """A picture to paint. `view` 1 is the whole product, 2 a close-up, 3 and up on a tinted ground."""

    case: str
    shape: str
    colour: str
    view: int
    ext: str


def encode(wanted: Wanted) -> bytes:
    """Bytes of the picture in its format. Raises KeyError for an unknown case or extension."""
    if wanted.ext == "heic":
        # Pillow cannot write HEIC, so one stored picture stands for all of them.
        return (ASSETS / "sample.heic").read_bytes()
    if wanted.ext == "svg":
        return _svg(wanted)
    width, height = SIZES[wanted.case]
    image = paint(wanted, width, height)
    data = _save(image, wanted)
    if wanted.case == "heavy":
        return pad_jpeg(data, HEAVY_BYTES)
    return data[: len(data) * 2 // 5] if wanted.case == "broken" else data


def paint(wanted: Wanted, width: int, height: int) -> Image.Image:
    """The drawing centred on a ground of the given pixel size, smoothed by painting it larger when it is small."""
    clear = wanted.case == "transparent"
    colours = palette(wanted.colour)
    if wanted.view >= 3:
        colours = {**colours, "ground": colours["light"], "light": colours["ground"]}
    ground = (*colours["ground"], 0) if clear else colours["ground"]
    scale = 2 if max(width, height) <= 1200 else 1
    side = min(width, height) * scale
    canvas = Image.new("RGBA" if clear else "RGB", (width * scale, height * scale), ground)
    left, top = (width * scale - side) / 2, (height * scale - side) / 2
    draw = ImageDraw.Draw(canvas)
    zoom = 1.7 if wanted.view == 2 else 0.9
    unit = side / 100 * zoom
    origin = (left + side / 2 - 50 * unit, top + side / 2 - (50 if wanted.view == 2 else 54) * unit)
    for step in steps_of(wanted.shape):
        fill = ground if step.role == "ground" else colours[step.role]
        _paint_step(draw, step, fill, origin, unit)
    if wanted.view != 2:
        _label(draw, f"{wanted.colour} {wanted.shape}", (left + side / 2, top + side * 0.92), side, colours["ink"])
    return canvas.reduce(scale) if scale > 1 else canvas


def _paint_step(
    draw: ImageDraw.ImageDraw, step: Step, fill: tuple[int, ...], origin: tuple[float, float], unit: float
) -> None:
    points = [origin[index % 2] + value * unit for index, value in enumerate(step.points)]
    if step.kind == "e":
        draw.ellipse(points, fill=fill)
    elif step.kind == "r":
        draw.rounded_rectangle(points, radius=step.size * unit, fill=fill)
    elif step.kind == "p":
        draw.polygon(points, fill=fill)
    else:
        draw.line(points, fill=fill, width=max(1, round(step.size * unit)))


def _label(
    draw: ImageDraw.ImageDraw, text: str, centre: tuple[float, float], side: float, ink: tuple[int, int, int]
) -> None:
    font = ImageFont.load_default(size=side * 0.045)
    draw.text(centre, text, font=font, fill=ink, anchor="mm")


def _save(image: Image.Image, wanted: Wanted) -> bytes:
    out = io.BytesIO()
    if wanted.case == "rotated":
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = ROTATED_CLOCKWISE
        image.transpose(Image.Transpose.ROTATE_90).save(out, "JPEG", quality=82, exif=exif)
    elif wanted.case == "cmyk":
        image.convert("CMYK").save(out, "JPEG", quality=82)
    elif wanted.case == "animated":
        frames = [image.quantize(32), image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).quantize(32)]
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=400, loop=0)
    elif wanted.ext in ("png", "gif") and wanted.case != "transparent":
        image.quantize(64).save(out, wanted.ext.upper())
    elif wanted.ext == "webp":
        image.save(out, "WEBP", quality=80, method=2)
    elif wanted.ext == "tiff":
        image.save(out, "TIFF", compression="tiff_lzw")
    elif wanted.ext == "jpg":
        image.convert("RGB").save(out, "JPEG", quality=82)
    else:
        image.save(out, wanted.ext.upper())
    return out.getvalue()


def _svg(wanted: Wanted) -> bytes:
    colours = palette(wanted.colour)
    paint_of = {role: "#{:02x}{:02x}{:02x}".format(*rgb) for role, rgb in colours.items()}
    parts = [f'<rect width="100" height="100" fill="{paint_of["ground"]}"/>']
    parts += [_svg_step(step, paint_of[step.role]) for step in steps_of(wanted.shape)]
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="800" viewBox="0 0 100 100">'
    return (head + "".join(parts) + "</svg>").encode()


def _svg_step(step: Step, fill: str) -> str:
    points = step.points
    if step.kind == "p":
        pairs = " ".join(f"{x:g},{y:g}" for x, y in zip(points[::2], points[1::2], strict=True))
        return f'<polygon points="{pairs}" fill="{fill}"/>'
    x0, y0, x1, y1 = points
    if step.kind == "e":
        size = f'rx="{(x1 - x0) / 2:g}" ry="{(y1 - y0) / 2:g}"'
        return f'<ellipse cx="{(x0 + x1) / 2:g}" cy="{(y0 + y1) / 2:g}" {size} fill="{fill}"/>'
    if step.kind == "r":
        return (
            f'<rect x="{x0:g}" y="{y0:g}" width="{x1 - x0:g}" height="{y1 - y0:g}" rx="{step.size:g}" fill="{fill}"/>'
        )
    return f'<line x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}" stroke="{fill}" stroke-width="{step.size:g}"/>'


def mark(data: bytes, ext: str, text: str) -> bytes:
    """The same picture with `text` as a hidden comment, so that every product's file has bytes of its own.

    JPEG and PNG only; other formats come back unchanged.
    """
    if ext == "jpg" and data[:2] == b"\xff\xd8":
        return data[:2] + _jpeg_comment(text.encode()) + data[2:]
    if ext == "png" and data[-12:-8] == b"\x00\x00\x00\x00":
        body = b"tEXtComment\x00" + text.encode("latin-1", "replace")
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return data[:-12] + chunk + data[-12:]
    return data


def pad_jpeg(data: bytes, size: int) -> bytes:
    """A JPEG grown to at least `size` bytes by comments; the picture itself stays as it is."""
    block = _jpeg_comment(b"\x00" * 65000)
    return data[:2] + block * (max(0, size - len(data)) // len(block) + 1) + data[2:]


def _jpeg_comment(payload: bytes) -> bytes:
    return b"\xff\xfe" + struct.pack(">H", len(payload) + 2) + payload
