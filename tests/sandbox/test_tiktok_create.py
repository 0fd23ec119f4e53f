"""Create Product: every documented rule with its own code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.tiktok_caller import HARBOUR_WAREHOUSE, PLAIN_CATEGORY, Caller, product_body, sku
from tests.waiting import HTTP_S

CREATE = "/product/202309/products"
V2 = {"category_version": "v2"}
QUAY_WAREHOUSE = "7068517275539721164"
RETURNS, DISABLED = "7068517275539720011", "7068517275539720075"
Body = dict[str, Any]
Change = Callable[[Body], Any]


def put(**changes: Any) -> Change:
    return lambda body: body.update(changes)


def put_sku(**changes: Any) -> Change:
    return lambda body: body["skus"][0].update(changes)


def stock(*rows: tuple[str, int]) -> Change:
    return put_sku(inventory=[{"warehouse_id": id, "quantity": quantity} for id, quantity in rows])


def varied(*skus: list[dict[str, Any]]) -> Change:
    return put(skus=[sku(f"V-{place}", sales_attributes=attributes) for place, attributes in enumerate(skus)])


def colour(name: str, **more: Any) -> dict[str, Any]:
    return {"id": "100000", "value_name": name} | more


def weight(value: str, unit: str = "KILOGRAM") -> Change:
    return put(package_weight={"value": value, "unit": unit})


def size(length: str = "12", unit: str = "CENTIMETER") -> Change:
    return put(package_dimensions={"length": length, "width": "12", "height": "18", "unit": unit})


def code(type: str, text: str) -> Change:
    return put_sku(identifier_code={"type": type, "code": text})


def attribute(id: str, *values: dict[str, str]) -> Change:
    return lambda body: body["product_attributes"].append({"id": id, "values": list(values)})


IMAGE = '<img src="{}" width="300" height="300">'
NO_URI = "tos-maliva-i-o3syd03w52-us/" + "0" * 32
CASES: list[tuple[int, Change]] = [
    (12052261, put(title="   ")),
    (12052051, put(title="a " * 128)),
    (12052262, put(title="Glass jar 玻璃")),
    (12052931, put(title="Glass jar \U0001f600")),
    (12052931, put(title="Jar &amp; lid")),
    (12052931, put(title="Jar\twith tab")),
    (12052931, put(title="!!! ???")),
    (12052931, put(title="Jaaaaaaaaaar")),
    (12052015, put(description=" ")),
    (12052013, put(description="<p>" + "ab " * 3400 + "</p>")),
    (12052346, put(description="<p>玻璃</p>")),
    (12052932, put(description="<p>Great \U0001f600</p>")),
    (12052344, put(description="<p>one</p></div>")),
    (12052348, put(description='<p><img src="x"></p>')),
    (12052340, put(description=IMAGE.format("https://example.com/a.jpg"))),
    (12052002, put(category_id="jars")),
    (12052023, put(category_id="123")),
    (12052217, put(category_version="v1")),
    (12052230, put(category_version=None)),
    (12052026, put(brand_id="7082427311584000000")),
    (12019013, put(brand_id="Acme")),
    (12052104, put(product_attributes=[])),
    (12052254, attribute("100107", {"name": "Wood"})),
    (12052240, attribute("999999", {"name": "x"})),
    (12052529, attribute("100392", {"id": "1"})),
    (12052247, attribute("100392", {"name": "Tuesdays"})),
    (12052246, attribute("101395", {"name": "Yes"}, {"name": "No"})),
    (12052251, attribute("100392", {"name": "Wedding"}, {"name": "Wedding"})),
    (12052248, attribute("100392", {})),
    (12052249, put(product_attributes=[{"id": "100107", "values": [{"name": "ab " * 700}]}])),
    (12052935, put(product_attributes=[{"id": "100107", "values": [{"name": "oak \U0001f600"}]}])),
    (12052655, put(certifications=[{"id": "5", "images": []}])),
    (12052128, put(size_chart={"template": {"id": "5"}})),
    (12052670, put(size_chart={"image": {"uri": NO_URI}})),
    (12052028, put(main_images=[])),
    (12052306, put(main_images=[{"uri": NO_URI}] * 10)),
    (12052300, put(main_images=[{"uri": "https://example.com/a.jpg"}])),
    (12052722, put(main_images=[{"uri": NO_URI}])),
    (12052902, put(skus=[])),
    (12052558, varied(*[[colour(f"c{n}")] for n in range(301)])),
    (12052559, put(skus=[sku("A"), sku("B")])),
    (12052550, varied([colour("Blue")], [{"name": "Lid", "value_name": "Oak"}])),
    (12052560, varied([colour("Blue")], [colour("Blue")])),
    (12052525, varied([colour("Blue"), *({"name": name, "value_name": "x"} for name in ("A", "B", "C"))])),
    (12052527, varied([{"id": "999999", "value_name": "x"}])),
    (12019019, varied([{"name": "Lid", "value_name": "x" * 51}])),
    (12052933, varied([{"name": "Lid \U0001f600", "value_name": "x"}])),
    (12052934, varied([colour("red \U0001f600")])),
    (12052520, varied([colour("Blue", sku_img={"uri": "x"})])),
    (12052722, varied([colour("Blue", sku_img={"uri": NO_URI})])),
    (12052528, varied([colour("Blue", sku_img={"uri": NO_URI}),
                       {"name": "Lid", "value_name": "Oak", "sku_img": {"uri": NO_URI}}])),
    (12052357, varied([colour("Blue", supplementary_sku_images=[{"uri": NO_URI}])])),
    (12052054, put_sku(seller_sku="x" * 51)),
    (12019059, put_sku(seller_sku="JAR 1")),
    (12052554, put_sku(seller_sku="玻璃")),
    (12052571, put_sku(price={"currency": "GBP"})),
    (12052084, put_sku(price={"amount": "12.99", "currency": "USD"})),
    (12052073, put_sku(price={"amount": "12.999", "currency": "GBP"})),
    (12052073, put_sku(price={"amount": "-1", "currency": "GBP"})),
    (12052570, put_sku(price={"amount": "0.00", "currency": "GBP"})),
    (12052570, put_sku(price={"amount": "5600.01", "currency": "GBP"})),
    (12052376, put_sku(list_price={"amount": "20.00", "currency": "GBP"})),
    (12052486, stock()),
    (12052097, stock(("7068517275530000000", 1))),
    (12052530, stock((QUAY_WAREHOUSE, 1))),
    (12052531, stock((DISABLED, 1))),
    (12052532, stock((RETURNS, 1))),
    (12052555, stock((HARBOUR_WAREHOUSE, 1), (HARBOUR_WAREHOUSE, 2))),
    (12052055, stock((HARBOUR_WAREHOUSE, 100_000))),
    (12052055, stock((HARBOUR_WAREHOUSE, -1))),
    (12052600, put_sku(identifier_code={"code": "5060000000017"})),
    (12052591, code("EAN", "506000000001")),
    (12052591, code("UPC", "5060000000017")),
    (12052598, code("ISBN", "12345X6789")),
    (12019011, weight("heavy")),
    (12052181, weight("0")),
    (12052006, weight("0.8501")),
    (12019061, weight("2", "POUND")),
    (12019060, weight("850", "GRAM")),
    (12052005, size("12.5")),
    (12052005, size("0")),
    (12052916, size(unit="INCH")),
    (12052222, put(is_cod_allowed=True)),
    (12052369, put(external_product_id="x" * 1000)),
    (12052360, put(video={"id": "v0"})),
    (12052284, put(manufacturer_ids=["1"])),
    (12052289, put(responsible_person_ids=["1"])),
    (12052707, put(minimum_order_quantity=5)),
    (12052604, put(scheduled_sale={"is_enabled_scheduled_sale": True, "schedule_sale_time": 5})),
    (12052910, put(idempotency_key="k" * 129)),
    (12052910, put(save_mode="PUBLISH")),
]  # fmt: skip


@pytest.fixture(scope="module")
def seller(sandbox_url: str) -> Any:
    """One seller and one picture for the whole table: nothing of it creates a product."""
    with httpx.Client(base_url=sandbox_url, timeout=HTTP_S) as http:
        http.post("/_sandbox/reset").raise_for_status()
        http.post("/_sandbox/limits", json={"off": True}).raise_for_status()
        caller = Caller(http)
        yield caller, caller.image()


@pytest.mark.parametrize(("expected", "change"), CASES)
def test_a_broken_rule_has_its_code(seller: tuple[Caller, str], expected: int, change: Change) -> None:
    caller, image = seller
    body = product_body(image)
    change(body)
    response = caller.call("POST", CREATE, body)
    assert (response.status_code, response.json()["code"]) == (200, expected), response.json()["message"]
    assert response.json()["data"] is None


def test_the_table_covers_its_codes_distinctly() -> None:
    assert len({expected for expected, _ in CASES}) > 65


ALARMS, DOLL_ACCESSORIES, BLOUSES, HEADPHONES = "930568", "604390", "601265", "601990"


def required_attributes(caller: Caller, leaf: str) -> list[dict[str, Any]]:
    found = caller.data("GET", f"/product/202309/categories/{leaf}/attributes", **V2)["attributes"]
    return [
        {"id": one["id"], "values": [{"id": one["values"][-1]["id"]}]} for one in found if one.get("is_requried")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("leaf", "rule", "without", "expected"),
    [
        (ALARMS, "package_dimension", "package_dimensions", 12019012),
        (DOLL_ACCESSORIES, "product_certifications", "certifications", 12052105),
        (BLOUSES, "size_chart", "size_chart", 12052673),
    ],
)
def test_what_only_some_categories_ask_for(caller: Caller, leaf: str, rule: str, without: str, expected: int) -> None:
    rules = caller.data("GET", f"/product/202309/categories/{leaf}/rules", **V2)[rule]
    assert (rules[0] if isinstance(rules, list) else rules)["is_required"]
    attributes = required_attributes(caller, leaf)
    body = product_body(caller.image(), category_id=leaf, product_attributes=attributes)
    body.pop(without, None)
    assert caller.answer("POST", CREATE, body)["code"] == expected


def test_a_certificate_by_file_is_accepted(caller: Caller) -> None:
    leaf = DOLL_ACCESSORIES
    rules = caller.data("GET", f"/product/202309/categories/{leaf}/rules", **V2)
    wanted = next(one for one in rules["product_certifications"] if one["is_required"])
    path = "/product/202309/files/upload"
    file = caller.upload(b"%PDF-1.4 certificate", path=path, name="ukca.pdf").json()["data"]
    papers = [{"id": wanted["id"], "files": [{key: file[key] for key in ("id", "name", "format")}]}]
    body = product_body(caller.image(), category_id=leaf, certifications=papers)
    made = caller.create(body | {"product_attributes": required_attributes(caller, leaf)})
    assert caller.product(made["product_id"])["certifications"][0]["files"][0]["name"] == "ukca.pdf"


def test_conditional_attributes(caller: Caller) -> None:
    image = caller.image()
    batteries = [{"id": "101126", "values": [{"name": "Yes"}]}]
    kind = {"id": "101127", "values": [{"name": "Alkaline"}]}
    body = product_body(image, category_id=HEADPHONES)
    others = [one for one in required_attributes(caller, HEADPHONES) if one["id"] != "101126"]
    check = {key: value for key, value in body.items() if key != "save_mode"}

    def codes(*attributes: dict[str, Any]) -> list[int]:
        asked = check | {"product_attributes": [*others, *attributes]}
        answer = caller.data("POST", f"{CREATE}/listing_check", asked)
        return [reason["code"] for reason in answer["fail_reasons"]]

    assert 12052182 in codes(*batteries)
    assert 12052183 in codes(kind)
    assert codes(*batteries, kind) == []


@pytest.mark.parametrize(("status", "expected"), [("INVITE_ONLY", 12052223), ("NON_MAIN_CATEGORY", 12052225)])
def test_categories_the_shop_may_not_use(caller: Caller, sandbox: httpx.Client, status: str, expected: int) -> None:
    quay = Caller(sandbox, "quay.corner")
    tree = quay.data("GET", "/product/202309/categories", **V2)["categories"]
    leaf = next(one for one in tree if one["is_leaf"] and one["permission_statuses"] == [status])
    body = product_body(quay.image(), category_id=leaf["id"])
    assert quay.answer("POST", CREATE, body)["code"] == expected


def test_parents_are_no_categories_for_products(caller: Caller) -> None:
    image = caller.image()
    tree = {one["id"]: one for one in caller.data("GET", "/product/202309/categories", **V2)["categories"]}
    parent = tree[PLAIN_CATEGORY]["parent_id"]
    assert tree[tree[parent]["parent_id"]]["parent_id"] == "0"
    assert caller.answer("POST", CREATE, product_body(image, category_id=parent))["code"] == 12052024


def test_brands_by_their_rights(caller: Caller) -> None:
    brands = caller.data("GET", "/product/202309/brands", page_size="100", category_id=PLAIN_CATEGORY)["brands"]
    more = caller.data("GET", "/product/202309/brands", page_size="100", category_id=PLAIN_CATEGORY,
                       page_token="b2Zmc2V0PTIwMAo=")["brands"]  # fmt: skip
    assert brands[0]["authorized_status"] == "AUTHORIZED"
    foreign = [one for one in brands + more if one["authorized_status"] == "UNAUTHORIEZD"]
    famous = next(one for one in foreign if one["is_t1_brand"])
    plain = next(one for one in foreign if not one["is_t1_brand"] and one["brand_status"] == "AVAILABLE")
    closed = next(one for one in foreign if not one["is_t1_brand"] and one["brand_status"] == "UNAVAILABLE")
    image = caller.image()
    assert caller.answer("POST", CREATE, product_body(image, brand_id=famous["id"]))["code"] == 12052208
    kept = caller.create(product_body(image, brand_id=plain["id"]))
    assert kept["warnings"] == []
    assert caller.product(kept["product_id"])["brand"]["name"] == plain["name"]
    dropped = caller.create(product_body(image, brand_id=closed["id"]))
    assert len(dropped["warnings"]) == 1
    assert "brand" not in caller.product(dropped["product_id"])


def test_identifiers_are_unique_in_the_shop_while_live(caller: Caller) -> None:
    image = caller.image()
    body = product_body(image, skus=[sku(identifier_code={"type": "EAN", "code": "5060000000017"})])
    first = caller.create(body)
    assert caller.answer("POST", CREATE, body)["code"] == 12052592
    caller.data("DELETE", CREATE, {"product_ids": [first["product_id"]]})
    assert caller.answer("POST", CREATE, body)["code"] == 0


def test_the_same_external_product_id_twice(caller: Caller) -> None:
    body = product_body(caller.image(), external_product_id="SW-77")
    caller.create(body)
    assert caller.answer("POST", CREATE, body)["code"] == 12052996


def test_a_small_picture_of_another_use_is_no_main_image(caller: Caller) -> None:
    small = caller.image(200, 200, "ATTRIBUTE_IMAGE")
    assert caller.answer("POST", CREATE, product_body(small))["code"] == 12052301


def test_a_draft_needs_little(caller: Caller) -> None:
    made = caller.create({"title": "Half a jar", "save_mode": "AS_DRAFT"})
    product = caller.product(made["product_id"])
    assert (product["status"], product["audit"]["status"], product["skus"]) == ("DRAFT", "NONE", [])
    assert caller.answer("POST", CREATE, {"title": " ", "save_mode": "AS_DRAFT"})["code"] == 12052261


def test_the_dry_run_tells_everything_at_once_and_keeps_nothing(caller: Caller, sandbox: httpx.Client) -> None:
    body = product_body(NO_URI, title=" ", product_attributes=[], skus=[sku(amount="0")])
    del body["save_mode"]
    answer = caller.data("POST", f"{CREATE}/listing_check", body)
    assert answer["check_result"] == "FAILED"
    assert [one["code"] for one in answer["fail_reasons"]] == [12052261, 12052104, 12052722, 12052570]
    fine = product_body(caller.image())
    del fine["save_mode"]
    assert caller.data("POST", f"{CREATE}/listing_check", fine) == {"check_result": "PASS", "fail_reasons": []}
    assert sandbox.get("/_sandbox/state").json()["tiktok"]["products_created"] == 0


def test_a_us_shop_sells_in_dollars(sandbox: httpx.Client, caller: Caller) -> None:
    maple = Caller(sandbox, "maple.street")
    image = maple.image()
    assert image.startswith("tos-useast5-")
    columbus = {"inventory": [{"warehouse_id": "7068517275539722331", "quantity": 3}]}
    pounds = product_body(image, skus=[sku() | columbus])
    assert maple.answer("POST", CREATE, pounds)["code"] == 12052084
    price = {"price": {"amount": "12.99", "currency": "USD"}}
    imperial = {"package_weight": {"value": "2.25", "unit": "POUND"}}
    mixed = product_body(image, skus=[sku() | columbus | price]) | imperial
    assert maple.answer("POST", CREATE, mixed)["code"] == 12052915
    inches = {"package_dimensions": {"length": "5", "width": "5", "height": "7", "unit": "INCH"}}
    assert maple.answer("POST", CREATE, mixed | inches)["code"] == 0
