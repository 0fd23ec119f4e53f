"""Pictures and pages of the sandbox's shops, fetched over HTTP."""

from __future__ import annotations

import io
import time

import httpx
import pillow_heif
import pytest
from PIL import Image, ImageOps, UnidentifiedImageError

from tests.sandbox.shopwired_clients import shop_client
from tests.waiting import HTTP_S

pillow_heif.register_heif_opener()


def fetch(base_url: str, case: str, ext: str = "jpg", tag: str = "7-1") -> httpx.Response:
    return httpx.get(f"{base_url}/pictures/{case}/mug-teal/{tag}.{ext}", timeout=HTTP_S)


@pytest.mark.parametrize(
    ("case", "ext", "kind", "size"),
    [
        ("plain", "jpg", "JPEG", (800, 800)),
        ("plain", "png", "PNG", (800, 800)),
        ("plain", "webp", "WEBP", (800, 800)),
        ("plain", "gif", "GIF", (800, 800)),
        ("plain", "bmp", "BMP", (800, 800)),
        ("plain", "tiff", "TIFF", (800, 800)),
        ("plain", "heic", "HEIF", (800, 800)),
        ("portrait", "jpg", "JPEG", (900, 1200)),
        ("landscape", "jpg", "JPEG", (1200, 900)),
        ("cmyk", "jpg", "JPEG", (800, 800)),
        ("large", "jpg", "JPEG", (5000, 5000)),
        ("warning", "jpg", "JPEG", (400, 400)),
        ("small", "jpg", "JPEG", (250, 250)),
        ("wide", "jpg", "JPEG", (1200, 400)),
    ],
)
def test_pictures_are_what_they_say(sandbox_url: str, case: str, ext: str, kind: str, size: tuple[int, int]) -> None:
    answer = fetch(sandbox_url, case, ext)
    assert answer.headers["content-type"].startswith("image/")
    with Image.open(io.BytesIO(answer.content)) as image:
        image.load()
        assert (image.format, image.size) == (kind, size)
        # A drawing, not a blank sheet.
        assert len(image.convert("RGB").resize((100, 100)).getcolors(10_000) or []) > 20


def test_odd_but_usable_pictures(sandbox_url: str) -> None:
    clear = Image.open(io.BytesIO(fetch(sandbox_url, "transparent", "png").content))
    assert clear.mode == "RGBA" and clear.getpixel((2, 2))[3] == 0  # type: ignore[index]
    turned = Image.open(io.BytesIO(fetch(sandbox_url, "rotated").content))
    assert turned.size == (600, 800) and ImageOps.exif_transpose(turned).size == (800, 600)
    film = Image.open(io.BytesIO(fetch(sandbox_url, "animated", "gif").content))
    assert getattr(film, "n_frames", 1) == 2
    drawing = fetch(sandbox_url, "plain", "svg")
    assert drawing.headers["content-type"].startswith("image/svg+xml") and "<ellipse" in drawing.text


def test_bad_pictures_are_bad(sandbox_url: str) -> None:
    heavy = fetch(sandbox_url, "heavy").content
    assert len(heavy) > 10 * 1024 * 1024 and Image.open(io.BytesIO(heavy)).size == (800, 800)
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(fetch(sandbox_url, "broken").content)).load()
    page = fetch(sandbox_url, "page")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(page.content))
    assert fetch(sandbox_url, "empty").content == b""
    assert fetch(sandbox_url, "missing").status_code == 404
    assert fetch(sandbox_url, "plain", tag="x-1").status_code == 200
    assert httpx.get(f"{sandbox_url}/pictures/plain/nothing-teal/1-1.jpg", timeout=HTTP_S).status_code == 404
    assert httpx.get(f"{sandbox_url}/pictures/uploads/..%2F..%2Fsandbox.db", timeout=HTTP_S).status_code == 404


def test_servers_that_misbehave(sandbox_url: str) -> None:
    moved = fetch(sandbox_url, "redirect")
    assert moved.status_code == 302
    found = httpx.get(f"{sandbox_url}{moved.headers['location']}", timeout=HTTP_S)
    assert found.content == fetch(sandbox_url, "plain").content
    assert fetch(sandbox_url, "loop").headers["location"].endswith("/pictures/loop/mug-teal/7-1.jpg")
    start = time.monotonic()
    assert fetch(sandbox_url, "slow").status_code == 200
    assert time.monotonic() - start > 2


def test_bytes_differ_between_products_unless_they_are_duplicates(sandbox_url: str) -> None:
    for ext in ("jpg", "png"):
        first, again = (fetch(sandbox_url, "plain", ext, "1-1").content for _ in range(2))
        other = fetch(sandbox_url, "plain", ext, "2-1").content
        assert first == again and first != other
        assert Image.open(io.BytesIO(first)).tobytes() == Image.open(io.BytesIO(other)).tobytes()
    assert fetch(sandbox_url, "duplicate", tag="1-1").content == fetch(sandbox_url, "duplicate", tag="2-1").content


def test_pages_follow_a_changed_slug_and_hide_what_is_hidden(sandbox: httpx.Client) -> None:
    with shop_client(str(sandbox.base_url)) as shop:
        product = shop.get("/products", params={"count": 1, "embed": "images"}).json()[0]
        page = httpx.get(product["url"], timeout=HTTP_S)
        assert page.status_code == 200 and product["title"] in page.text
        assert product["images"][0]["url"] in page.text
        new = shop.put(f"/products/{product['id']}", json={"slug": "A new name!"}).json()
        assert (new["slug"], new["url"]) == ("a-new-name", f"{sandbox.base_url}/shop/harbour-lane/a-new-name".strip())
        shop.put(f"/products/{product['id']}", json={"slug": "third"}).raise_for_status()
        for old in (product["url"], new["url"]):
            moved = httpx.get(old, timeout=HTTP_S)
            assert (moved.status_code, moved.headers["location"]) == (301, "/shop/harbour-lane/third")
        shop.put(f"/products/{product['id']}", json={"slug": product["slug"]}).raise_for_status()
        assert httpx.get(product["url"], timeout=HTTP_S).status_code == 200
        shop.put(f"/products/{product['id']}", json={"active": False}).raise_for_status()
        assert httpx.get(product["url"], timeout=HTTP_S).status_code == 404
    assert httpx.get(f"{sandbox.base_url}/shop/harbour-lane/never-was", timeout=HTTP_S).status_code == 404
    assert httpx.get(f"{sandbox.base_url}/media/mug.mp4", timeout=HTTP_S).content[4:8] == b"ftyp"
