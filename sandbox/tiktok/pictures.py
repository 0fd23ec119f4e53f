"""Uploads of images and files: decoded for real, limits enforced (Partner Center, Upload Product Image / File)."""

from __future__ import annotations

import re
import secrets
import struct
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError
from starlette.datastructures import UploadFile
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from sandbox.calls import Call, route
from sandbox.database import Row
from sandbox.tiktok.answers import Refused, TikTokVoice
from sandbox.tiktok.gate import Ask
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS tt_images (
    uri TEXT PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL, use_case TEXT NOT NULL,
    media_type TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tt_image_bytes (uri TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tt_files (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, bytes BLOB NOT NULL);
"""
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "BMP": "image/bmp"}
USE_CASES = ("MAIN_IMAGE", "ATTRIBUTE_IMAGE", "DESCRIPTION_IMAGE", "CERTIFICATION_IMAGE", "SIZE_CHART_IMAGE")
LARGEST_IMAGE = 10 * 1024 * 1024
SIDES = (100, 20000)
MAIN_SIDES = (300, 4000)
SIZE_CHART_SHORT_SIDE = 1024
LARGEST_DECODED = 64_000_000
"""Pixels up to which a picture is decoded in full; the sandbox trusts the header of larger ones to save memory."""
SQUARED_CASES = ("MAIN_IMAGE", "ATTRIBUTE_IMAGE")
BUCKETS = {"US": "tos-useast5-i-omjb5zjo8w-tx"}
BUCKET = "tos-maliva-i-o3syd03w52-us"
URI = re.compile(r"tos-[a-z0-9-]+/[0-9a-f]{32}")
FOLDER = "/tiktok-images"
ORIGIN = "~tplv-o3syd03w52-origin-jpeg.jpeg?from=1432613627"
THUMB_SIDE = 300
THUMB = "~tplv-o3syd03w52-resize-jpeg:300:300.jpeg?from=1432613627"

VIDEO_FORMATS = ("MP4", "MOV", "MKV", "WMV", "WEBM", "AVI", "3GP", "FLV", "MPEG")
LARGEST_PDF, LARGEST_VIDEO = 20 * 1024 * 1024, 100 * 1024 * 1024
FILE_NAME = re.compile(r"[^\W_][^\s.]*\.[A-Za-z0-9]+")

Image.MAX_IMAGE_PIXELS = None  # the limits below are checked before anything is decoded


def upload_image(ask: Ask) -> dict[str, Any]:
    """Upload Product Image."""
    use_case = str(ask.form.get("use_case") or "MAIN_IMAGE")
    if use_case not in USE_CASES:
        raise Refused(11050001, f"invalid param: use_case {use_case}")
    content = _part(ask)
    if len(content) > LARGEST_IMAGE:
        raise Refused(12038005, "The file is too large. The maximum size is 10 MB.")
    width, height, media_type = _decode(content)
    _check_sides(use_case, width, height)
    if use_case in SQUARED_CASES and not 0.75 <= width / height <= 4 / 3:
        width = height = min(width, height)
        content, media_type = _fitted(content, media_type, width)
    uri = f"{BUCKETS.get(ask.shop.region, BUCKET)}/{secrets.token_hex(16)}"
    with ask.world.db.transaction():
        ask.world.db.execute("INSERT INTO tt_images VALUES (?, ?, ?, ?, ?)", (uri, width, height, use_case, media_type))
        ask.world.db.execute("INSERT INTO tt_image_bytes VALUES (?, ?)", (uri, content))
    return {"uri": uri, "url": image_url(ask.world, uri), "width": width, "height": height, "use_case": use_case}


def _part(ask: Ask) -> bytes:
    """The bytes of the part `data`."""
    part = ask.form.get("data")
    if not isinstance(part, UploadFile):
        raise Refused(36009004, "Data is a required field and has not been provided.")
    part.file.seek(0)
    return bytes(part.file.read())


def _decode(content: bytes) -> tuple[int, int, str]:
    """Width, height and media type. Refused for what is no picture, a broken one, or one of another format."""
    heic = _heic_size(content)
    if heic is not None:
        return *heic, "image/heic"
    try:
        with Image.open(BytesIO(content)) as picture:
            if picture.format not in FORMATS:
                raise Refused(12038004, f"The file format {picture.format} is not supported.")
            if picture.width * picture.height <= LARGEST_DECODED:
                picture.load()
            return picture.width, picture.height, FORMATS[picture.format]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, struct.error) as error:
        raise Refused(12038002, "The file is invalid. It could not be read as an image.") from error


def _fitted(content: bytes, media_type: str, side: int) -> tuple[bytes, str]:
    """The middle of the picture as a square JPEG. HEIC stays as it is, for Pillow alone does not read it."""
    if media_type == "image/heic":
        return content, media_type
    target = BytesIO()
    with Image.open(BytesIO(content)) as picture:
        ImageOps.fit(picture.convert("RGB"), (side, side)).save(target, "JPEG", quality=90)
    return target.getvalue(), "image/jpeg"


def _heic_size(content: bytes) -> tuple[int, int] | None:
    """Pillow alone does not read HEIC, so its size comes from the largest `ispe` box. None when it is no HEIC."""
    if content[4:8] != b"ftyp" or content[8:12] not in (b"heic", b"heix", b"mif1", b"hevc"):
        return None
    sizes = [struct.unpack(">II", content[at.end() + 4 : at.end() + 12]) for at in re.finditer(b"ispe", content)]
    if not sizes:
        raise Refused(12038002, "The file is invalid. It could not be read as an image.")
    width, height = max(sizes)
    return width, height


def _check_sides(use_case: str, width: int, height: int) -> None:
    low, high = MAIN_SIDES if use_case == "MAIN_IMAGE" else SIDES
    if not (low <= width <= high and low <= height <= high):
        raise Refused(12038014, f"Image dimensions must be within {low} x {low} to {high} x {high}.")
    if use_case == "SIZE_CHART_IMAGE" and min(width, height) < SIZE_CHART_SHORT_SIDE:
        raise Refused(12038014, f"Image dimensions must be within 1024 x 1024 to {high} x {high}.")


def upload_file(ask: Ask) -> dict[str, Any]:
    """Upload Product File: certificates and videos."""
    name = str(ask.form.get("name") or "")
    if not name:
        raise Refused(12019104, "The file name is empty.")
    content = _part(ask)
    if not content:
        raise Refused(12019103, "The file is empty.")
    kind = name.rpartition(".")[2].upper()
    if not FILE_NAME.fullmatch(name) or kind not in ("PDF", *VIDEO_FORMATS):
        raise Refused(12019105, f"The file name or format of {name} is not supported.")
    if kind == "PDF" and not content.startswith(b"%PDF-"):
        raise Refused(12038002, "The file is invalid. It is no PDF.")
    if len(content) > (LARGEST_PDF if kind == "PDF" else LARGEST_VIDEO):
        raise Refused(12038005, "The file is too large.")
    id = f"v09e40f40000{secrets.token_hex(10)}"
    ask.world.db.execute("INSERT INTO tt_files VALUES (?, ?, ?, ?)", (id, name, kind, content))
    return {"id": id, "url": f"{ask.world.base_url}{FOLDER}/{id}", "name": name, "format": kind}


def find_image(world: World, uri: str) -> Row | None:
    """Size and use of an uploaded image."""
    return world.db.one("SELECT * FROM tt_images WHERE uri = ?", (uri,))


def video_on_wire(world: World, id: str) -> dict[str, Any]:
    """The video of a product, as Get Product shows it; width, height and cover are not known here."""
    row = world.db.one("SELECT format, length(bytes) AS size FROM tt_files WHERE id = ?", (id,))
    assert row is not None, "the video was looked up when the product was created"
    megabytes = -(-row["size"] // (1024 * 1024))
    return {"id": id, "url": f"{world.base_url}{FOLDER}/{id}", "format": row["format"], "size": megabytes}


def find_file(world: World, id: str) -> Row | None:
    """Name and format of an uploaded file."""
    return world.db.one("SELECT id, name, format FROM tt_files WHERE id = ?", (id,))


def image_url(world: World, uri: str) -> str:
    """Where the picture can be fetched; on this machine, with TikTok's own shape of path."""
    return f"{world.base_url}{FOLDER}/{uri}{ORIGIN}"


def image_on_wire(world: World, uri: str) -> dict[str, Any]:
    """An image as reads show it."""
    row = find_image(world, uri) or {"width": 0, "height": 0}
    thumb = f"{world.base_url}{FOLDER}/{uri}{THUMB}"
    return {
        "uri": uri,
        "width": row["width"],
        "height": row["height"],
        "urls": [image_url(world, uri)],
        "thumb_urls": [thumb],
    }


def routes(world: World) -> list[BaseRoute]:
    """Serves what was uploaded, as TikTok's picture host does."""

    def picture(call: Call) -> Response:
        uri = f"{call.params['bucket']}/{call.params['name'].partition('~')[0]}"
        found = world.db.one(
            "SELECT media_type, bytes FROM tt_images JOIN tt_image_bytes USING (uri) WHERE uri = ?", (uri,)
        )
        if found is None:
            return PlainTextResponse("not found", 404)
        content, media_type = found["bytes"], found["media_type"]
        if "resize-jpeg" in call.params["name"]:
            content, media_type = _fitted(content, media_type, THUMB_SIDE)
        return Response(content, media_type=media_type)

    def file(call: Call) -> Response:
        found = world.db.one("SELECT bytes FROM tt_files WHERE id = ?", (call.params["id"],))
        if found is None:
            return PlainTextResponse("not found", 404)
        return Response(found["bytes"], media_type="application/octet-stream")

    voice = TikTokVoice()
    return [
        route(world, voice, "GET", f"{FOLDER}/{{bucket}}/{{name}}", picture),
        route(world, voice, "GET", f"{FOLDER}/{{id}}", file),
    ]
