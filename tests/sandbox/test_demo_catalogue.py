"""The demo catalogue: its mix, its truth, and how it is served by a big sandbox."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import httpx
import pytest

from sandbox.catalogue import BAD_PICTURES, INCOMPLETE, ODD, ODD_PICTURES, DemoProduct, demo_products, gtin13
from sandbox.catalogue_words import BRANDS, SHELVES
from tests.sandbox.shopwired_clients import QUAY, shop_client
from tests.sandbox_server import running_sandbox
from tests.waiting import HTTP_S


@pytest.fixture(scope="module")
def catalogue() -> list[DemoProduct]:
    return list(demo_products(1, 500))


def picture_cases(product: DemoProduct) -> set[tuple[str, str]]:
    return {(path.split("/")[2], path.rsplit(".", 1)[1]) for path, _ in product.images}


def check_digit_is_right(gtin: str) -> bool:
    """GS1: from the right, weights 1 and 3 in turn, and the sum divides by ten."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(gtin))) % 10 == 0


def test_the_same_products_every_time_and_other_ones_in_the_other_shop(catalogue: list[DemoProduct]) -> None:
    assert list(islice(demo_products(1, 100_000), 500)) == catalogue
    assert [product.fields["title"] for product in demo_products(2, 20)] != [
        product.fields["title"] for product in catalogue[:20]
    ]


def test_mix_of_good_incomplete_and_odd(catalogue: list[DemoProduct]) -> None:
    kinds = Counter(product.case.partition(":")[0] for product in catalogue)
    assert kinds == {"good": 325, "incomplete": 100, "odd": 75}
    cases = Counter(product.case.partition(":")[2] for product in catalogue if product.case != "good")
    assert set(cases) == {*INCOMPLETE, *ODD} and min(cases.values()) >= 2
    assert 0.15 <= sum(bool(product.variations) for product in catalogue) / 500 <= 0.25


def test_every_picture_case_appears_at_least_twice(catalogue: list[DemoProduct]) -> None:
    seen = Counter(case for product in catalogue for case in picture_cases(product))
    wanted = {*((name, "jpg") for name in BAD_PICTURES), *ODD_PICTURES, ("portrait", "jpg"), ("landscape", "jpg")}
    assert {case for case in wanted if seen[case] < 2} == set()


def test_good_products_are_really_good(catalogue: list[DemoProduct]) -> None:
    good = [product for product in catalogue if product.case == "good"]
    for product in good:
        holders = product.variations or [product.fields]
        assert product.fields["weight"] > 0 and product.fields["price"] > 0 and product.fields["description"]
        assert {"tiktok_length", "tiktok_width", "tiktok_height", "tiktok_unit"} <= set(product.custom_fields)
        assert product.images and picture_cases(product) <= {(n, "jpg") for n in ("plain", "portrait", "landscape")}
        assert all(check_digit_is_right(holder["gtin"]) and len(holder["gtin"]) == 13 for holder in holders)
        assert all(holder["sku"] and " " not in holder["sku"] and len(holder["sku"]) <= 50 for holder in holders)
        assert all(holder["stock"] >= 0 for holder in holders)
        assert len(product.variations) == 0 or 2 <= len(product.variations) <= 12
        assert product.shelf and product.brand in BRANDS
    skus = [holder["sku"] for product in good for holder in product.variations or [product.fields]]
    gtins = [holder["gtin"] for product in good for holder in product.variations or [product.fields]]
    assert len(set(skus)) == len(skus) and len(set(gtins)) == len(gtins)


def test_faults_are_where_the_case_says(catalogue: list[DemoProduct]) -> None:
    by_case: dict[str, list[DemoProduct]] = {}
    for product in catalogue:
        by_case.setdefault(product.case.partition(":")[2], []).append(product)
    assert all(product.fields["weight"] is None for product in by_case["no_weight"])
    assert all(not product.images for product in by_case["no_picture"])
    assert all(" " in product.fields["sku"] for product in by_case["sku_with_space"])
    assert all(len(product.fields["sku"]) > 50 for product in by_case["long_sku"])
    assert not any(check_digit_is_right(product.fields["gtin"]) for product in by_case["wrong_gtin"])
    assert max(Counter(product.fields["sku"] for product in by_case["duplicate_sku"]).values()) >= 2
    assert all(len(product.fields["title"]) > 290 for product in by_case["long_title"])
    assert all("<script>" in product.fields["title"] for product in by_case["script_title"])
    assert all(len(product.variations) == 120 for product in by_case["many_variants"])
    assert all(product.shelf is None for product in by_case["no_category"])
    assert all(product.fields["stock"] < 0 for product in by_case["negative_stock"])


def test_gtin_has_the_check_digit_of_gs1s_own_example() -> None:
    assert gtin13("629104150021"[:4], int("629104150021"[4:])) == "6291041500213"


def test_there_are_about_40_categories_in_two_levels() -> None:
    assert 35 <= len(SHELVES) + sum(len(leaves) for leaves in SHELVES.values()) <= 45


def test_a_catalogue_of_3000_is_crawled_completely(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, products=3000) as url, shop_client(url) as shop:
        httpx.post(f"{url}/_sandbox/limits", json={"off": True}, timeout=HTTP_S).raise_for_status()
        params = {"count": 100, "embed": "variations,images,categories,brand,custom_fields"}
        ids: set[int] = set()
        for offset in range(0, 3000, 100):
            ids |= {product["id"] for product in shop.get("/products", params={**params, "offset": offset}).json()}
        assert len(ids) == 3000
        with shop_client(url, QUAY) as quay:
            assert quay.get("/products/count").json() == {"count": 60}
        state = httpx.get(f"{url}/_sandbox/state", timeout=HTTP_S).json()["shopwired"]["businesses"]
        assert state["Harbour Lane"]["products"] == 3000
        edited = next(iter(ids))
        shop.put(f"/products/{edited}", json={"title": "Kept over a restart"}).raise_for_status()
    with running_sandbox(tmp_path, products=3000) as url, shop_client(url) as shop:
        product = shop.get(f"/products/{edited}", params={"embed": "images"}).json()
        assert product["title"] == "Kept over a restart"
        assert product["url"].startswith(url)
