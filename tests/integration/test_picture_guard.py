"""Pictures are fetched under guard: private places, redirects, endless and huge files, and what becomes of formats."""

from __future__ import annotations

import io
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from PIL import Image

from core.domain.errors import Refused, Temporary
from core.domain.limits import limits_of
from core.http import images
from core.http.images import GuardedPictures, is_public
from core.http.picture_files import convert, inspect
from core.http.picture_trouble import BadPicture
from tests.sandbox_server import running_sandbox
from tests.waiting import HTTP_S

GB = limits_of("GB")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(Path(tmp_path_factory.mktemp("sandbox")), 1) as base:
        yield base


@pytest.fixture(scope="module")
def pictures(base: str) -> Iterator[GuardedPictures]:
    made = GuardedPictures((base,))
    yield made
    made.close()


class _Awkward(BaseHTTPRequestHandler):
    """Answers by the path's first word; counts who came."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        what, _, rest = self.path.strip("/").partition("/")
        getattr(self, f"_{what}")(rest)

    def _to(self, rest: str) -> None:
        self.send_response(302)
        self.send_header("Location", bytes.fromhex(rest).decode())
        self.end_headers()

    def _endless(self, rest: str) -> None:
        self.send_response(200)
        self.end_headers()
        chunk = b"\xff\xd8" + b"x" * 65_534
        try:
            while True:
                self.wfile.write(chunk)
        except OSError:
            self.close_connection = True

    def _drip(self, rest: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            for _ in range(600):
                self.wfile.write(b"X-Slow: 1\r\n")
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def _status(self, rest: str) -> None:
        self.send_response(int(rest))
        self.end_headers()

    def _cut(self, rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"\xff\xd8 half")

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def awkward_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Awkward)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Awkward.seen.clear()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def awkward() -> Iterator[str]:
    with awkward_server() as url:
        yield url


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.8", False),
        ("192.168.1.1", False),
        ("172.16.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/a.jpg", "private network"),
        ("http://localhost/a.jpg", "private network"),
        ("https://[::1]/a.jpg", "private network"),
        ("http://[::ffff:127.0.0.1]/a.jpg", "private network"),
        ("http://169.254.169.254/latest/meta-data", "private network"),
        ("http://2130706433/a.jpg", "private network"),
        ("http://0x7f.1/a.jpg", "private network"),
        ("http://127.0.0.1:6379/a.jpg", "port 6379"),
        ("http://8.8.8.8:22/a.jpg", "port 22"),
        ("file:///etc/passwd", "http://"),
        ("ftp://example.com/a.jpg", "http://"),
        ("gopher://127.0.0.1/x", "http://"),
        ("data:image/png;base64,xx", "http://"),
        ("//no-scheme/a.jpg", "http://"),
        ("", "http://"),
        ("http://exa mple/a.jpg", "web address"),
        ("http://host:99999/a.jpg", "web address"),
    ],
)
def test_private_places_and_other_schemes_are_refused(url: str, reason: str) -> None:
    guard = GuardedPictures()
    with pytest.raises(Refused, match=reason):
        guard.fetch(url)
    assert reason in guard.look(url).error


def test_the_trusted_origin_alone_is_let_through(base: str, awkward: str) -> None:
    guard = GuardedPictures((base,))
    assert guard.fetch(f"{base}/pictures/plain/mug-teal/a-1.jpg").startswith(b"\xff\xd8")
    with pytest.raises(Refused, match="port"):
        guard.fetch(f"{awkward}/status/200")
    assert _Awkward.seen == []


def test_a_redirect_into_a_private_place_is_not_followed(awkward: str) -> None:
    guard = GuardedPictures((awkward,))
    for target in ("http://127.0.0.1/x", "http://169.254.169.254/x", "file:///etc/passwd", "http://10.0.0.1:8080/x"):
        with pytest.raises(Refused):
            guard.fetch(f"{awkward}/to/{target.encode().hex()}")


def test_three_redirects_are_followed_and_not_a_fourth(awkward: str, base: str) -> None:
    guard = GuardedPictures((awkward, base))
    url = f"{base}/pictures/plain/mug-teal/b-1.jpg"
    for _ in range(3):
        url = f"{awkward}/to/{url.encode().hex()}"
    assert guard.fetch(url).startswith(b"\xff\xd8")
    with pytest.raises(Refused, match="more than 3 times"):
        guard.fetch(f"{awkward}/to/{url.encode().hex()}")


def test_a_name_that_changes_its_answer_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is public, every later one is this machine; nobody may be reached here."""
    answers = iter(["198.51.100.7", "127.0.0.1", "127.0.0.1"])
    asked = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(images.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(images, "is_public", lambda address: address == "198.51.100.7")
    assert images.public_address("shop.example", 80) == "198.51.100.7"
    with pytest.raises(Refused, match="private network"):
        GuardedPictures(seconds=0.5).fetch("http://shop.example/a.jpg")
    assert asked == ["shop.example", "shop.example"]


def test_one_private_answer_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(2, 1, 6, "", (address, 80)) for address in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(images.socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(Refused, match="private network"):
        GuardedPictures().fetch("http://shop.example/a.jpg")


def test_endless_and_dripping_answers_end_in_bounded_time(awkward: str) -> None:
    began = time.monotonic()
    guard = GuardedPictures((awkward,), seconds=1.5)
    with pytest.raises(Refused, match="over 10 MB"):
        guard.fetch(f"{awkward}/endless")
    with pytest.raises(Temporary, match="did not arrive within"):
        guard.fetch(f"{awkward}/drip")
    assert time.monotonic() - began < 25


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("status/404", Refused, "not found"),
        ("status/410", Refused, "not found"),
        ("status/403", Refused, "refused it"),
        ("status/429", Temporary, "429"),
        ("status/503", Temporary, "503"),
        ("cut", Temporary, "connection failed"),
    ],
)
def test_bad_answers_are_told_apart(awkward: str, path: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        GuardedPictures((awkward,)).fetch(f"{awkward}/{path}")


@pytest.mark.parametrize(
    ("path", "form", "size"),
    [
        ("plain/mug-teal/x-1.jpg", "JPEG", (800, 800)),
        ("plain/mug-teal/x-1.png", "PNG", (800, 800)),
        ("plain/mug-teal/x-1.webp", "WEBP", (800, 800)),
        ("plain/mug-teal/x-1.gif", "GIF", (800, 800)),
        ("plain/mug-teal/x-1.bmp", "BMP", (800, 800)),
        ("plain/mug-teal/x-1.tiff", "TIFF", (800, 800)),
        ("plain/mug-teal/x-1.heic", "HEIF", None),
        ("transparent/mug-teal/x-1.png", "PNG with transparency", (800, 800)),
        ("cmyk/mug-teal/x-1.jpg", "CMYK JPEG", (800, 800)),
        ("rotated/mug-teal/x-1.jpg", "JPEG", (800, 600)),
        ("large/mug-teal/x-1.jpg", "JPEG", (5000, 5000)),
    ],
)
def test_every_format_of_the_store_becomes_one_the_shop_takes(
    pictures: GuardedPictures, base: str, path: str, form: str, size: tuple[int, int] | None
) -> None:
    url = f"{base}/pictures/{path}"
    facts = pictures.look(url)
    assert (facts.error, facts.format) == ("", form)
    assert size is None or (facts.width, facts.height) == size
    made = pictures.prepare(url, region="GB")
    with Image.open(io.BytesIO(made.data)) as image:
        image.load()
        assert image.format in ("JPEG", "PNG")
        assert image.size == (made.width, made.height)
        assert max(image.size) <= 4000
        assert not image.getexif()
        assert image.mode == "RGB" or image.format == "PNG"
    untouched = form in ("JPEG", "PNG") and "plain" in path
    assert (made.data == pictures.fetch(url)) is untouched
    assert bool(made.notes) is not untouched


def test_transparent_parts_become_white_and_sides_come_upright(pictures: GuardedPictures, base: str) -> None:
    clear = pictures.prepare(f"{base}/pictures/transparent/mug-teal/x-1.png")
    with Image.open(io.BytesIO(clear.data)) as image:
        corner = image.convert("RGB").getpixel((2, 2))
    assert isinstance(corner, tuple) and min(corner) > 248
    with Image.open(io.BytesIO(pictures.fetch(f"{base}/pictures/rotated/mug-teal/x-1.jpg"))) as image:
        assert image.size == (600, 800)
    turned = pictures.prepare(f"{base}/pictures/rotated/mug-teal/x-1.jpg")
    assert (turned.width, turned.height) == (800, 600)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing/mug-teal/x-1.jpg", "not found"),
        ("broken/mug-teal/x-1.jpg", "damaged"),
        ("empty/mug-teal/x-1.jpg", "empty"),
        ("page/mug-teal/x-1.jpg", "web page"),
        ("loop/mug-teal/x-1.jpg", "more than 3 times"),
        ("heavy/mug-teal/x-1.jpg", "over 10 MB"),
        ("small/mug-teal/x-1.jpg", "at least 300 px"),
        ("wide/mug-teal/x-1.jpg", "3:4 and 4:3"),
    ],
)
def test_pictures_that_cannot_be_sent_are_named(pictures: GuardedPictures, base: str, path: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refusal:
        pictures.prepare(f"{base}/pictures/{path}")
    assert "x-1" in refusal.value.sentence


def test_what_was_prepared_is_small_enough_and_well_named(pictures: GuardedPictures, base: str) -> None:
    for name in ("plain/mug-teal/x-1.heic", "cmyk/mug-teal/x-1.jpg", "large/mug-teal/x-1.jpg"):
        made = pictures.prepare(f"{base}/pictures/{name}")
        assert len(made.data) <= GB.picture_bytes
        assert made.name.endswith(".jpg") and " " not in made.name


def png_claiming(width: int, height: int) -> bytes:
    """A small file whose header promises a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png_claiming(60_000, 60_000), "million pixels"),
        (png_claiming(8_000, 7_000), "million pixels"),
        (b"", "empty"),
        (b"\xff\xd8\xff\xe0 not a jpeg", "picture|damaged"),
        (b"GIF89a", "picture|damaged"),
        (b"%PDF-1.4", "known format"),
        (b"II*\x00" + b"\xff" * 40, "picture|damaged"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "picture|damaged"),
    ],
)
def test_bombs_and_broken_files_are_refused_quickly(data: bytes, words: str) -> None:
    began = time.process_time()
    for work in (lambda: inspect(data, "u"), lambda: convert(data, GB)):
        with pytest.raises(BadPicture, match=words):
            work()
    assert time.process_time() - began < 2


def test_a_file_with_a_wrong_ending_is_what_its_content_says() -> None:
    target = io.BytesIO()
    Image.new("RGB", (700, 700), "red").save(target, "PNG")
    assert inspect(target.getvalue(), "https://s.example/a.jpg").format == "PNG"


def test_place_and_camera_do_not_leave_the_house() -> None:
    target, exif = io.BytesIO(), Image.Exif()
    exif[0x010F] = "Camera maker"
    Image.new("RGB", (700, 700), "red").save(target, "JPEG", exif=exif)
    made = convert(target.getvalue(), GB)
    assert b"Camera maker" in target.getvalue() and b"Camera maker" not in made.data
    assert made.notes == ("metadata removed",)


def test_a_file_over_five_megabytes_is_made_smaller() -> None:
    target = io.BytesIO()
    Image.effect_noise((2600, 2600), 90).convert("RGB").save(target, "JPEG", quality=97)
    assert len(target.getvalue()) > GB.picture_bytes
    made = convert(target.getvalue(), GB)
    assert len(made.data) <= GB.picture_bytes
    assert made.notes


def test_the_guard_works_for_many_at_once(pictures: GuardedPictures, base: str) -> None:
    urls = [f"{base}/pictures/plain/mug-teal/m{number}-1.jpg" for number in range(40)]
    found: list[str] = []
    threads = [threading.Thread(target=lambda url=url: found.append(pictures.look(url).format)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["JPEG"] * 40
    assert httpx.get(f"{base}/_sandbox/state", timeout=HTTP_S).status_code == 200
