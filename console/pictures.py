"""Small pictures of products, fetched under guard by us and never by the browser from somewhere else."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from hashlib import sha256
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from core import wiring
from core.config import settings
from core.domain.errors import RemoteError
from core.logs import log
from core.reads.products import picture_url

SIDE = 80  # pixels
_MOST_PIXELS = 40_000_000
# A page asks for 50 at once. A few threads fetch; who waits longer shows the grey square until the next view.
_FETCHING = threading.BoundedSemaphore(6)
_PATIENCE_S = 3
_PLACEHOLDER = Path(__file__).parent / "static" / "no-picture.svg"
_KEPT_HEADERS = {"cache-control": "private, max-age=3600"}


def thumbnail(request: Request) -> Response:
    """``/thumb/<product id>``: the first picture as a JPEG of 80 pixels, or a grey square."""
    url = picture_url(int(request.path_params["product_id"]))
    if not url:
        return _placeholder()
    path = _place(url)
    if not path.exists() and not _fetch(url, path):
        return _placeholder()
    return FileResponse(path, media_type="image/jpeg", headers=_KEPT_HEADERS)


PICTURES = [Route("/thumb/{product_id:int}", thumbnail, methods=["GET"])]


def _place(url: str) -> Path:
    return settings().home / "thumbs" / f"{sha256(url.encode()).hexdigest()}.jpg"


def _fetch(url: str, path: Path) -> bool:
    """False when there is no usable picture at ``url``; asked again at the next view."""
    if not _FETCHING.acquire(timeout=_PATIENCE_S):
        return False
    try:
        small = shrunk(wiring.picture_source().fetch(url))
    except RemoteError as error:
        log().info("thumbnail", url=url, error=error.sentence)
        return False
    finally:
        _FETCHING.release()
    if small is None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(small)
    Path(name).replace(path)
    return True


def shrunk(data: bytes) -> bytes | None:
    """``data`` as a square JPEG of 80 pixels on white; None when it is no picture or an absurdly large one."""
    try:
        picture = Image.open(io.BytesIO(data))
        if picture.width * picture.height > _MOST_PIXELS:
            return None
        turned = ImageOps.exif_transpose(picture).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    white = Image.new("RGBA", turned.size, "white")
    white.alpha_composite(turned)
    square = ImageOps.pad(white.convert("RGB"), (SIDE, SIDE), color="white")
    out = io.BytesIO()
    square.save(out, "JPEG", quality=82)
    return out.getvalue()


def _placeholder() -> Response:
    return FileResponse(_PLACEHOLDER, media_type="image/svg+xml", headers={"cache-control": "private, max-age=60"})
