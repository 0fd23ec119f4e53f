"""A short link leads to the store's own domain and nowhere else."""

import pytest

from core.services.short_links import is_of_store

API = "https://api.ecommerceapi.uk/v1"
SANDBOX = "http://127.0.0.1:8600"


@pytest.mark.parametrize(
    "url",
    [
        "https://harbour-lane.example/mugs/blue",
        "http://www.harbour-lane.example/",
        "https://HARBOUR-LANE.example:443/a?b=c#d",
    ],
)
def test_pages_of_the_store(url: str) -> None:
    assert is_of_store(url, "www.harbour-lane.example", API)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://harbour-lane.example.evil.example/",
        "https://evilharbour-lane.example/",
        "https://harbour-lane.example@evil.example/",
        "https://evil.example\\@harbour-lane.example/",
        "https://harbour-lane.example:8443/",
        "https://harbour-lane.example:x/",
        "//harbour-lane.example/",
        "/mugs/blue",
        "javascript:alert(1)//harbour-lane.example",
        "ftp://harbour-lane.example/",
        "https://harbour-lane.example/\r\nset-cookie: a=b",
        "https://[::1/",
        "",
        f"{SANDBOX}/shop/mug",
    ],
)
def test_everything_else(url: str) -> None:
    assert not is_of_store(url, "harbour-lane.example", API, SANDBOX)


def test_store_without_a_domain_has_no_pages() -> None:
    assert not is_of_store("https:///x", "", API)


def test_sandbox_stores_have_their_pages_in_the_sandbox() -> None:
    page = f"{SANDBOX}/shop/harbour-lane/mug"
    assert is_of_store(page, "harbour-lane.example", f"{SANDBOX}/v1", SANDBOX)
    assert not is_of_store(page, "harbour-lane.example", f"{SANDBOX}/v1")
    assert not is_of_store("http://127.0.0.1:8601/shop", "harbour-lane.example", f"{SANDBOX}/v1", SANDBOX)
