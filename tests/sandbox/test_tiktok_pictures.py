"""Uploads: what is taken, what is refused, and what is served back."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from PIL import Image

from tests.tiktok_caller import Caller, picture, product_body

FILES = "/product/202309/files/upload"


def heic(width: int, height: int) -> bytes:
    """The boxes that tell a HEIC's size, without a picture in them."""
    ispe = struct.pack(">I4sIII", 20, b"ispe", 0, width, height)
    return struct.pack(">I4s4sI", 16, b"ftyp", b"heic", 0) + ispe


def noise(side: int) -> bytes:
    """A picture file of more than 10 MB."""
    target = BytesIO()
    Image.effect_noise((side, side), 120).convert("RGB").save(target, "PNG", compress_level=0)
    return target.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_formats_that_pass(caller: Caller, kind: str) -> None:
    answer = caller.upload(picture(400, 400, kind)).json()
    assert answer["code"] == 0
    assert (answer["data"]["width"], answer["data"]["height"]) == (400, 400)
    assert answer["data"]["use_case"] == "MAIN_IMAGE"


def test_heic_passes_by_its_size(caller: Caller) -> None:
    assert caller.upload(heic(800, 800)).json()["data"]["width"] == 800
    assert caller.upload(heic(80, 80)).json()["code"] == 12038014


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", 12038002),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 12038002),
        (picture(400, 400)[:-900], 12038002),
        (picture(400, 400, "GIF"), 12038004),
        (picture(400, 400, "TIFF"), 12038004),
    ],
)
def test_what_is_no_picture_for_tiktok(caller: Caller, content: bytes, code: int) -> None:
    assert caller.upload(content).json()["code"] == code


def test_a_file_over_ten_megabytes(caller: Caller) -> None:
    content = noise(1900)
    assert len(content) > 10 * 1024 * 1024
    assert caller.upload(content).json()["code"] == 12038005


@pytest.mark.parametrize(
    ("use_case", "width", "height", "code"),
    [
        ("MAIN_IMAGE", 299, 600, 12038014),
        ("MAIN_IMAGE", 300, 300, 0),
        ("MAIN_IMAGE", 4001, 4000, 12038014),
        ("ATTRIBUTE_IMAGE", 99, 100, 12038014),
        ("ATTRIBUTE_IMAGE", 100, 100, 0),
        ("DESCRIPTION_IMAGE", 5000, 100, 0),
        ("SIZE_CHART_IMAGE", 1023, 2000, 12038014),
        ("SIZE_CHART_IMAGE", 1024, 1024, 0),
        ("POSTER", 600, 600, 11050001),
    ],
)
def test_sizes_by_use(caller: Caller, use_case: str, width: int, height: int, code: int) -> None:
    assert caller.upload(picture(width, height, "PNG"), use_case).json()["code"] == code


@pytest.mark.parametrize(
    ("use_case", "size", "adjusted"),
    [
        ("MAIN_IMAGE", (1200, 600), (600, 600)),
        ("MAIN_IMAGE", (800, 600), (800, 600)),
        ("ATTRIBUTE_IMAGE", (300, 900), (300, 300)),
        ("DESCRIPTION_IMAGE", (1200, 600), (1200, 600)),
    ],
)
def test_odd_shapes_are_squared(
    caller: Caller, use_case: str, size: tuple[int, int], adjusted: tuple[int, int]
) -> None:
    data = caller.upload(picture(*size), use_case).json()["data"]
    assert (data["width"], data["height"]) == adjusted
    assert served_size(caller, data["url"]) == adjusted


def served_size(caller: Caller, url: str) -> tuple[int, int]:
    with Image.open(BytesIO(caller.http.get(url).content)) as shown:
        return shown.size


def test_a_part_is_missing(caller: Caller) -> None:
    path = "/product/202309/images/upload"
    full = caller.upload(picture(400, 400)).request
    files = {"other": ("a.jpg", picture(400, 400), "image/jpeg")}
    answer = caller.http.post(full.url, files=files, headers={"x-tts-access-token": caller.token})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Data is a required field")
    assert path in str(full.url)


def test_uploads_are_served_back(caller: Caller) -> None:
    content = picture(640, 640)
    data = caller.upload(content).json()["data"]
    assert data["uri"] in data["url"]
    served = caller.http.get(data["url"])
    assert (served.content, served.headers["content-type"]) == (content, "image/jpeg")
    made = caller.create(product_body(data["uri"]))
    image = caller.product(made["product_id"])["main_images"][0]
    assert (image["width"], image["urls"]) == (640, [data["url"]])
    assert served_size(caller, image["thumb_urls"][0]) == (300, 300)
    assert caller.http.get(data["url"].replace(data["uri"][-6:], "000000")).status_code == 404


def test_a_description_may_show_uploaded_pictures(caller: Caller) -> None:
    url = caller.upload(picture(600, 400), "DESCRIPTION_IMAGE").json()["data"]["url"]
    html = f'<p>See</p><img src="{url}" width="600" height="400">'
    main = caller.image()
    assert caller.answer("POST", "/product/202309/products", product_body(main, description=html))["code"] == 0
    wide = html.replace('width="600"', 'width="4000"')
    assert caller.answer("POST", "/product/202309/products", product_body(main, description=wide))["code"] == 12052342
    many = f'<img src="{url}" width="1" height="1">' * 31
    assert caller.answer("POST", "/product/202309/products", product_body(main, description=many))["code"] == 12052056


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("report.pdf", b"%PDF-1.7", 0),
        ("film.mp4", b"\x00\x00", 0),
        ("report.pdf", b"plain text", 12038002),
        ("report.pdf", b"", 12019103),
        ("", b"%PDF-1.7", 12019104),
        ("report.exe", b"MZ", 12019105),
        ("my report.pdf", b"%PDF-1.7", 12019105),
        ("report.v2.pdf", b"%PDF-1.7", 12019105),
        ("-report.pdf", b"%PDF-1.7", 12019105),
    ],
)
def test_files(caller: Caller, name: str, content: bytes, code: int) -> None:
    answer = caller.upload(content, path=FILES, name=name).json()
    assert answer["code"] == code, answer["message"]
    if code == 0:
        assert answer["data"]["format"] == name.rpartition(".")[2].upper()
        assert caller.http.get(answer["data"]["url"]).content == content
