"""Product pictures served over HTTP, painted on demand and kept in memory and on disk.

Address: `/pictures/{case}/{shape}-{colour}/{tag}-{view}.{ext}`. `case` is a key of `picture_paint.SIZES` or one of
the broken servers below; `tag` is any text and only makes the bytes of JPEG and PNG files differ between products.
Pictures sent to the shop's API are kept under `/pictures/uploads/`.
"""

import asyncio
import hashlib
import re
import threading
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.picture_paint import MEDIA_TYPES, SIZES, Wanted, encode, mark
from sandbox.picture_shapes import COLOURS, shape_names

SLOW_SECONDS: Final = 3.0
SERVER_CASES: Final = ("missing", "slow", "redirect", "loop", "page", "empty")
MEMORY_BYTES: Final = 48 * 1024 * 1024
_UPLOAD_NAME: Final = re.compile(r"[0-9a-f]{32}\.[a-z]{3,4}")
_SIGNATURES: Final = (
    (b"\xff\xd8", "jpg"),
    (b"\x89PNG", "png"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
)


class Gallery:
    """Painted pictures by what they show, limited in memory, all of them kept under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: OrderedDict[Wanted, bytes] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def picture(self, wanted: Wanted) -> bytes:
        """Bytes of one picture. Raises KeyError for a case or extension nobody can paint."""
        with self._lock:
            if wanted in self._memory:
                self._memory.move_to_end(wanted)
                return self._memory[wanted]
        data = self._from_disk(wanted)
        with self._lock:
            if wanted not in self._memory:
                self._memory[wanted] = data
                self._held += len(data)
            while self._held > MEMORY_BYTES and len(self._memory) > 1:
                self._held -= len(self._memory.popitem(last=False)[1])
        return data

    def _from_disk(self, wanted: Wanted) -> bytes:
        name = f"{wanted.case}-{wanted.shape}-{wanted.colour}-{wanted.view}.{wanted.ext}"
        path = self._folder / name
        if path.exists():
            return path.read_bytes()
        data = encode(wanted)
        write_whole(path, data)
        return data

    def keep(self, data: bytes) -> str:
        """Store an uploaded picture; returns its path below the base address."""
        name = f"{hashlib.sha256(data).hexdigest()[:32]}.{extension_of(data)}"
        write_whole(self._folder / "uploads" / name, data)
        return f"/pictures/uploads/{name}"

    def kept(self, name: str) -> bytes | None:
        """Bytes of an uploaded picture by its file name, or None."""
        path = self._folder / "uploads" / name
        if not _UPLOAD_NAME.fullmatch(name) or not path.exists():
            return None
        return path.read_bytes()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that readers in other threads never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{threading.get_ident()}")
    partial.write_bytes(data)
    partial.replace(path)


def extension_of(data: bytes) -> str:
    """File extension by the first bytes; unknown contents count as jpg, as a careless shop would."""
    for signature, ext in _SIGNATURES:
        if data.startswith(signature):
            return ext
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return "heic"
    return "svg" if b"<svg" in data[:300] else "jpg"


def picture_path(case: str, shape: str, colour: str, tag: str, view: int = 1, ext: str = "jpg") -> str:
    """Path of a picture below the base address."""
    return f"/pictures/{case}/{shape}-{colour}/{tag}-{view}.{ext}"


def routes(gallery: Gallery) -> list[Route]:
    """The picture server's routes."""

    async def show(request: Request) -> Response:
        return await _show(gallery, request)

    def uploaded(request: Request) -> Response:
        name = request.path_params["name"]
        data = gallery.kept(name)
        if data is None:
            return Response("No such picture", status_code=404, media_type="text/plain")
        return _answer(data, name.rsplit(".", 1)[1])

    return [
        Route("/pictures/uploads/{name}", uploaded, methods=["GET"]),
        Route("/pictures/{case}/{what}/{tag}-{view:int}.{ext}", show, methods=["GET"]),
    ]


async def _show(gallery: Gallery, request: Request) -> Response:
    case, ext = request.path_params["case"], request.path_params["ext"]
    if case in ("redirect", "loop"):
        target = case if case == "loop" else "plain"
        return RedirectResponse(request.url.path.replace(f"/{case}/", f"/{target}/", 1), status_code=302)
    if case == "page":
        return HTMLResponse("<html><body><h1>Please sign in</h1></body></html>")
    if case == "empty":
        return Response(b"", media_type="image/jpeg")
    if case == "slow":
        await asyncio.sleep(SLOW_SECONDS)
        case = "plain"
    shape, _, colour = request.path_params["what"].partition("-")
    if case not in SIZES or ext not in MEDIA_TYPES or shape not in shape_names() or colour not in COLOURS:
        return Response("No such picture", status_code=404, media_type="text/plain")
    wanted = Wanted(case, shape, colour, min(request.path_params["view"], 3), ext)
    data = await run_in_threadpool(gallery.picture, wanted)
    if case not in ("duplicate", "broken"):
        data = mark(data, ext, f"{request.path_params['tag']}-{request.path_params['view']}")
    return _answer(data, ext)


def _answer(data: bytes, ext: str) -> Response:
    headers = {"Cache-Control": "public, max-age=86400", "ETag": f'"{zlib.crc32(data):08x}-{len(data)}"'}
    return Response(data, media_type=MEDIA_TYPES.get(ext, "application/octet-stream"), headers=headers)
