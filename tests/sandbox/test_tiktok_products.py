"""The life of products: replay, allowance, review, edits, prices, stock, batches, search."""

from __future__ import annotations

import base64
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.tiktok_caller import HARBOUR_WAREHOUSE, Caller, product_body, sku
from tests.waiting import wait_until

CREATE = "/product/202309/products"
SEARCH = "/product/202502/products/search"
HARBOUR = "7495001122334455667"


def state(sandbox: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.get("/_sandbox/state").json()["tiktok"]
    return found


def approve(sandbox: httpx.Client, *ids: str) -> None:
    assert sandbox.post("/_sandbox/review", json={"product_ids": list(ids)}).json() == {"reviewed": len(ids)}


def live_product(caller: Caller, *skus: dict[str, Any]) -> tuple[str, list[str], str]:
    """Id, SKU ids and picture of an approved product."""
    image = caller.image()
    made = caller.create(product_body(image, **({"skus": list(skus)} if skus else {})))
    approve(caller.http, made["product_id"])
    return made["product_id"], [one["id"] for one in made["skus"]], image


def stock_of(sku_id: str, *rows: tuple[str, int]) -> dict[str, Any]:
    return {"id": sku_id, "inventory": [{"warehouse_id": id, "quantity": quantity} for id, quantity in rows]}


def test_a_replayed_key_gives_the_first_answer(caller: Caller, sandbox: httpx.Client) -> None:
    body = product_body(caller.image(), idempotency_key=str(uuid.uuid4()))
    first, second = caller.create(body), caller.create(body)
    assert first == second
    after = state(sandbox)
    assert (after["products_created"], after["idempotent_replays"], after["live_products"]) == (1, 1, 1)
    assert after["shops"][HARBOUR]["allowance_used_today"] == 1


def test_a_key_with_another_body_is_refused(caller: Caller) -> None:
    body = product_body(caller.image(), idempotency_key="one-key")
    caller.create(body)
    assert caller.answer("POST", CREATE, body | {"title": "Another jar"})["code"] == 12052910


def test_a_key_of_a_refused_body_may_be_used_again(caller: Caller) -> None:
    body = product_body(caller.image(), idempotency_key="one-key")
    assert caller.answer("POST", CREATE, body | {"title": " "})["code"] == 12052261
    assert caller.answer("POST", CREATE, body)["code"] == 0


def test_a_key_is_forgotten_after_a_day(caller: Caller, sandbox: httpx.Client) -> None:
    body = product_body(caller.image(), idempotency_key="one-key")
    first = caller.create(body)
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 86400 + 60})
    assert caller.create(body)["product_id"] != first["product_id"]
    assert state(sandbox)["duplicates"] == 1


def test_a_key_belongs_to_its_shop(caller: Caller, sandbox: httpx.Client) -> None:
    quay = Caller(sandbox, "quay.corner")
    body = product_body(caller.image(), idempotency_key="one-key")
    bristol = [sku() | {"inventory": [{"warehouse_id": "7068517275539721164", "quantity": 1}]}]
    caller.create(body)
    assert quay.create(body | {"skus": bristol})["product_id"]


def test_twenty_callers_with_one_key_make_one_product(caller: Caller, sandbox: httpx.Client) -> None:
    body = product_body(caller.image(), idempotency_key="one-key")
    with ThreadPoolExecutor(20) as pool:
        ids = list(pool.map(lambda _: caller.create(body)["product_id"], range(20)))
    assert len(set(ids)) == 1
    assert state(sandbox)["live_products"] == 1


def test_duplicates_are_counted_by_seller_sku_among_live_products(caller: Caller, sandbox: httpx.Client) -> None:
    body = product_body(caller.image())
    ids = [caller.create(body)["product_id"] for _ in range(3)]
    assert (state(sandbox)["duplicates"], state(sandbox)["duplicate_seller_skus"]) == (2, ["JAR-1L-CLR"])
    caller.data("DELETE", CREATE, {"product_ids": ids[:2]})
    assert state(sandbox)["duplicates"] == 0


def test_the_daily_allowance(caller: Caller, sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/limits", json={"tiktok": {"daily_products": {HARBOUR: 2}}})
    body = product_body(caller.image())
    assert [caller.answer("POST", CREATE, body)["code"] for _ in range(3)] == [0, 0, 12052093]
    assert caller.answer("POST", CREATE, body | {"save_mode": "AS_DRAFT"})["code"] == 0
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 86400})
    assert caller.answer("POST", CREATE, body)["code"] == 0


def test_the_demo_shops_have_the_allowance_of_their_age(sandbox: httpx.Client) -> None:
    shops = state(sandbox)["shops"]
    assert [shop["daily_products"] for shop in shops.values()] == [1000, 100, 1000]


def test_review_comes_by_itself_after_the_delay(caller: Caller, sandbox: httpx.Client) -> None:
    sandbox.post("/_sandbox/review", json={"delay_seconds": 0.5, "reject_rate": 0})
    id = caller.create(product_body(caller.image()))["product_id"]
    waiting = caller.product(id)
    assert (waiting["status"], waiting["audit"]["status"]) == ("PENDING", "AUDITING")
    wait_until(lambda: bool(caller.product(id)["status"] == "ACTIVATE"))
    assert caller.product(id)["audit"] == {"status": "APPROVED", "pre_approved_reasons": []}


def rejected_of_a_hundred(sandbox: httpx.Client) -> set[str]:
    """Titles that the reviewers of a fresh sandbox refuse, at a rate of 0.3."""
    sandbox.post("/_sandbox/reset")
    sandbox.post("/_sandbox/limits", json={"off": True})
    sandbox.post("/_sandbox/review", json={"reject_rate": 0.3, "delay_seconds": 3600})
    caller = Caller(sandbox)
    image = caller.image()
    for n in range(100):
        caller.create(product_body(image, title=f"Jar number {n}", skus=[sku(f"J-{n}")]))
    assert sandbox.post("/_sandbox/review").json() == {"reviewed": 100}
    found = caller.data("POST", SEARCH, {"status": "FAILED"}, page_size="100")["products"]
    return {one["title"] for one in found}


def test_review_by_chance_is_seeded_and_about_as_strict_as_told(sandbox: httpx.Client) -> None:
    first = rejected_of_a_hundred(sandbox)
    assert 15 <= len(first) <= 45
    assert rejected_of_a_hundred(sandbox) == first


def test_a_rejected_product_tells_why_and_can_be_mended(caller: Caller, sandbox: httpx.Client) -> None:
    image = caller.image()
    made = caller.create(product_body(image))
    order = {"product_ids": [made["product_id"]], "verdict": "reject", "reason": "Picture is blurred"}
    sandbox.post("/_sandbox/review", json=order)
    failed = caller.product(made["product_id"])
    assert (failed["status"], failed["product_status"], failed["audit"]["status"]) == ("FAILED", "DRAFT", "FAILED")
    assert failed["audit_failed_reasons"][0]["reasons"] == ["Picture is blurred"]
    mended = product_body(image, skus=[sku() | {"id": made["skus"][0]["id"]}], title="Sharper jar")
    edited = caller.data("PUT", f"/product/202509/products/{made['product_id']}", mended)
    assert edited["audit"] == {"status": "AUDITING"}
    assert edited["skus"][0]["id"] == made["skus"][0]["id"]
    pending = caller.product(made["product_id"])
    assert (pending["status"], pending["audit_failed_reasons"]) == ("PENDING", [])


def test_a_product_can_be_pre_approved(caller: Caller, sandbox: httpx.Client) -> None:
    id = caller.create(product_body(caller.image()))["product_id"]
    sandbox.post("/_sandbox/review", json={"product_ids": [id], "verdict": "pre_approve"})
    product = caller.product(id)
    assert product["status"] == "PENDING"
    assert product["audit"] == {"status": "PRE_APPROVED", "pre_approved_reasons": ["KYC_PENDING"]}


def test_a_live_product_keeps_its_old_version_during_review(caller: Caller, sandbox: httpx.Client) -> None:
    id, _, _ = live_product(caller)
    edited = caller.data("POST", f"/product/202509/products/{id}/partial_edit", {"title": "Jar, second edition"})
    assert edited["audit"] == {"status": "AUDITING"}
    assert caller.product(id)["title"] == "Bamboo Lid Glass Storage Jar 1L"
    assert caller.product(id, return_under_review_version="true")["title"] == "Jar, second edition"
    order = {"product_ids": [id], "verdict": "reject"}
    sandbox.post("/_sandbox/review", json=order)
    kept = caller.product(id)
    assert (kept["status"], kept["audit"]["status"]) == ("ACTIVATE", "FAILED")
    assert kept["title"] == "Bamboo Lid Glass Storage Jar 1L"
    found = caller.data("POST", SEARCH, {"audit_status": ["FAILED"]}, page_size="10")["products"]
    assert [one["id"] for one in found] == [id]
    caller.data("POST", f"/product/202509/products/{id}/partial_edit", {"title": "Jar, third edition"})
    approve(sandbox, id)
    assert caller.product(id)["title"] == "Jar, third edition"


def test_price_and_stock_alone_need_no_review(caller: Caller) -> None:
    id, (sku_id,), _ = live_product(caller)
    same = sku(amount="15.00", quantity=7) | {"id": sku_id}
    edited = caller.data("POST", f"/product/202509/products/{id}/partial_edit", {"skus": [same]})
    assert edited["audit"] == {"status": "APPROVED"}
    product = caller.product(id)
    assert product["skus"][0]["price"]["sale_price"] == "15.00"
    assert product["skus"][0]["inventory"] == [{"warehouse_id": HARBOUR_WAREHOUSE, "quantity": 7}]


def test_a_full_edit_blanks_what_it_leaves_out_but_price_and_stock(caller: Caller, sandbox: httpx.Client) -> None:
    id, (sku_id,), image = live_product(caller)
    body = product_body(image, skus=[{"id": sku_id, "seller_sku": "JAR-2"}])
    del body["package_dimensions"]
    caller.data("PUT", f"/product/202509/products/{id}", body)
    approve(sandbox, id)
    product = caller.product(id)
    assert "package_dimensions" not in product
    assert product["skus"][0]["seller_sku"] == "JAR-2"
    assert product["skus"][0]["price"]["sale_price"] == "12.99"
    assert product["skus"][0]["inventory"][0]["quantity"] == 40


def colours(*names: str) -> list[dict[str, Any]]:
    return [sku(f"JAR-{name}", sales_attributes=[{"id": "100000", "value_name": name}]) for name in names]


def test_skus_are_added_kept_and_removed_by_an_edit(caller: Caller, sandbox: httpx.Client) -> None:
    id, (blue, _), _ = live_product(caller, *colours("Blue", "Red"))
    new = colours("Blue", "Teal")
    new[0]["id"] = blue
    answer = caller.data("POST", f"/product/202309/products/{id}/partial_edit", {"skus": new})
    approve(sandbox, id)
    skus = caller.product(id)["skus"]
    assert [one["seller_sku"] for one in skus] == ["JAR-Blue", "JAR-Teal"]
    assert skus[0]["id"] == blue
    assert skus[1]["sales_attributes"][0]["value_name"] == "Teal"
    assert skus[1]["sales_attributes"][0]["value_id"] == answer["skus"][1]["sales_attributes"][0]["value_id"]
    assert skus[1]["inventory"][0]["quantity"] == 40


@pytest.mark.parametrize(
    ("skus", "code"),
    [
        ([], 12052902),
        ([sku() | {"id": "1729000000000000000"}], 12052557),
    ],
)
def test_edits_of_foreign_or_no_skus(caller: Caller, skus: list[Any], code: int) -> None:
    id, _, _ = live_product(caller)
    assert caller.answer("POST", f"/product/202509/products/{id}/partial_edit", {"skus": skus})["code"] == code


def test_a_draft_of_a_live_product_stays_beside_it(caller: Caller) -> None:
    id, _, _ = live_product(caller)
    draft = {"save_mode": "AS_DRAFT", "title": "Jar to come"}
    caller.data("POST", f"/product/202509/products/{id}/partial_edit", draft)
    product = caller.product(id)
    assert (product["status"], product["has_draft"]) == ("ACTIVATE", True)
    assert product["title"] == "Bamboo Lid Glass Storage Jar 1L"
    assert caller.product(id, return_draft_version="true")["title"] == "Jar to come"


def test_a_version_that_does_not_exist(caller: Caller) -> None:
    id, _, _ = live_product(caller)
    for name in ("return_under_review_version", "return_draft_version"):
        assert caller.answer("GET", f"{CREATE}/{id}", **{name: "true"})["code"] == 12052547


def test_the_states_by_batch_calls(caller: Caller, sandbox: httpx.Client) -> None:
    id, _, _ = live_product(caller)

    def status() -> str:
        rows = caller.data("POST", SEARCH, {}, page_size="10")["products"]
        return str(rows[0]["status"])

    for action, expected in (("deactivate", "SELLER_DEACTIVATED"), ("activate", "PENDING")):
        assert caller.data("POST", f"{CREATE}/{action}", {"product_ids": [id]}) == {}
        assert status() == expected
    approve(sandbox, id)
    assert caller.data("DELETE", CREATE, {"product_ids": [id]}) == {}
    assert status() == "DELETED"
    assert caller.answer("GET", f"{CREATE}/{id}")["code"] == 12052901
    assert caller.data("POST", f"{CREATE}/recover", {"product_ids": [id]}) == {}
    assert status() == "SELLER_DEACTIVATED"


def test_batches_fail_per_product_inside_a_success(caller: Caller, sandbox: httpx.Client) -> None:
    live, _, _ = live_product(caller)
    quay = Caller(sandbox, "quay.corner")
    answer = caller.data("POST", f"{CREATE}/activate", {"product_ids": [live, "1729999000000000001"]})
    assert [(one["code"], one["detail"]["product_id"]) for one in answer["errors"]] == [
        (12052901, live),
        (12052032, "1729999000000000001"),
    ]
    foreign = quay.data("POST", f"{CREATE}/deactivate", {"product_ids": [live]})
    assert foreign["errors"][0]["code"] == 12052048
    assert caller.answer("DELETE", CREATE, {"product_ids": ["1"] * 21})["code"] == 12019120


def test_frozen_products_cannot_be_touched(caller: Caller, sandbox: httpx.Client) -> None:
    id, (sku_id,), _ = live_product(caller)
    sandbox.post("/_sandbox/enforce", json={"product_ids": [id], "status": "FREEZE"})
    assert caller.answer("GET", f"{CREATE}/{id}")["code"] == 12052901
    assert caller.data("DELETE", CREATE, {"product_ids": [id]})["errors"][0]["code"] == 12052901
    stock = {"skus": [stock_of(sku_id, (HARBOUR_WAREHOUSE, 1))]}
    assert caller.answer("POST", f"{CREATE}/{id}/inventory/update", stock)["code"] == 12052901


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ({"amount": "13.49", "currency": "GBP"}, 0),
        ({"amount": "13.4999", "currency": "GBP"}, 12052012),
        ({"amount": "6000", "currency": "GBP"}, 12052570),
        ({"amount": "13.49", "currency": "EUR"}, 12052084),
    ],
)
def test_price_updates(caller: Caller, price: dict[str, str], code: int) -> None:
    id, (sku_id,), _ = live_product(caller)
    answer = caller.answer("POST", f"{CREATE}/{id}/prices/update", {"skus": [{"id": sku_id, "price": price}]})
    assert answer["code"] == code
    expected = price["amount"] if code == 0 else "12.99"
    assert caller.product(id)["skus"][0]["price"]["tax_exclusive_price"] == expected


def test_price_updates_are_all_or_nothing_and_for_live_products(caller: Caller, sandbox: httpx.Client) -> None:
    id, (blue, red), image = live_product(caller, *colours("Blue", "Red"))
    path = f"{CREATE}/{id}/prices/update"
    good = {"amount": "20.00", "currency": "GBP"}
    mixed = [{"id": blue, "price": good}, {"id": red, "price": good | {"amount": "9999"}}]
    assert caller.answer("POST", path, {"skus": mixed})["code"] == 12052570
    assert caller.product(id)["skus"][0]["price"]["sale_price"] == "12.99"
    assert caller.answer("POST", path, {"skus": mixed[:1] * 2})["code"] == 12052553
    assert caller.answer("POST", path, {"skus": [{"id": "5", "price": good}]})["code"] == 12052557
    waiting = caller.create(product_body(image, skus=[sku("X")]))
    path = f"{CREATE}/{waiting['product_id']}/prices/update"
    assert caller.answer("POST", path, {"skus": mixed[:1]})["code"] == 12019113


def test_stock_fails_per_sku_inside_a_success(caller: Caller) -> None:
    id, (blue, red), _ = live_product(caller, *colours("Blue", "Red"))
    asked = [
        stock_of(blue, (HARBOUR_WAREHOUSE, 38)),
        stock_of(red, (HARBOUR_WAREHOUSE, 100_000)),
        stock_of("1729000000000000000", (HARBOUR_WAREHOUSE, 1)),
    ]
    errors = caller.data("POST", f"{CREATE}/{id}/inventory/update", {"skus": asked})["errors"]
    assert [(one["code"], one["detail"]["sku_id"]) for one in errors] == [
        (12019024, red),
        (12052556, "1729000000000000000"),
    ]
    extra = errors[0]["detail"]["extra_errors"]
    assert [(one["code"], one["warehouse_id"]) for one in extra] == [(12052055, HARBOUR_WAREHOUSE)]
    assert [one["inventory"][0]["quantity"] for one in caller.product(id)["skus"]] == [38, 40]


@pytest.mark.parametrize("quantity", [0, 99_999])
def test_stock_at_its_bounds(caller: Caller, quantity: int) -> None:
    id, (sku_id,), _ = live_product(caller)
    stock = [stock_of(sku_id, (HARBOUR_WAREHOUSE, quantity))]
    assert caller.data("POST", f"{CREATE}/{id}/inventory/update", {"skus": stock}) == {}
    searched = caller.data("POST", "/product/202309/inventory/search", {"sku_ids": [sku_id]})["inventory"]
    assert searched[0]["product_id"] == id
    found = searched[0]["skus"][0]
    assert found["total_available_quantity"] == quantity
    assert found["total_available_inventory_distribution"]["in_shop_inventory"] == {"quantity": quantity}


def test_stock_names_all_warehouses_of_the_sku(caller: Caller) -> None:
    id, (sku_id,), _ = live_product(caller)
    path = f"{CREATE}/{id}/inventory/update"
    without = {"skus": [{"id": sku_id, "inventory": [{"quantity": 3}]}]}
    assert caller.data("POST", path, without) == {}
    foreign = {"skus": [stock_of(sku_id, (HARBOUR_WAREHOUSE, 3), ("7068517275539721164", 3))]}
    errors = caller.data("POST", path, foreign)["errors"]
    assert {one["code"] for one in errors[0]["detail"]["extra_errors"]} == {12052530, 12019028}


def test_inventory_search_needs_ids_and_not_too_many(caller: Caller) -> None:
    path = "/product/202309/inventory/search"
    assert caller.call("POST", path, {}).status_code == 400
    assert caller.answer("POST", path, {"product_ids": ["1"] * 101})["code"] == 12019015
    assert caller.data("POST", path, {"product_ids": ["1"]}) == {"inventory": []}


def test_search_pages_through_everything_once(caller: Caller) -> None:
    image = caller.image()
    made = {caller.create(product_body(image, skus=[sku(f"P-{n}")]))["product_id"] for n in range(23)}
    seen: list[str] = []
    token = ""
    while True:
        page = caller.data("POST", SEARCH, {"status": "PENDING"}, page_size="10", page_token=token)
        assert page["total_count"] == 23
        seen += [one["id"] for one in page["products"]]
        token = page["next_page_token"]
        if not token:
            break
    assert len(seen) == 23
    assert set(seen) == made


def test_search_by_seller_sku_and_time(caller: Caller, sandbox: httpx.Client) -> None:
    image = caller.image()
    first = caller.create(product_body(image, skus=[sku("T-1")]))["product_id"]
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 100})
    second = caller.create(product_body(image, skus=[sku("T-2")]))["product_id"]
    moment = caller.product(second)["update_time"]

    def ids(**body: Any) -> list[str]:
        return [one["id"] for one in caller.data("POST", SEARCH, body, page_size="10")["products"]]

    assert ids() == [second, first]
    assert ids(seller_skus=["T-1"]) == [first]
    assert ids(seller_skus=["T-1", "T-2", "t-1"]) == [second, first]
    assert ids(update_time_ge=moment) == [second]
    assert ids(update_time_le=moment - 1) == [first]
    assert ids(create_time_ge=moment - 50, create_time_le=moment) == [second]
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 100})
    caller.data("POST", f"/product/202509/products/{first}/partial_edit", {"title": "Touched jar"})
    assert ids(update_time_ge=moment + 1) == [first]


@pytest.mark.parametrize(
    ("body", "query", "code"),
    [
        ({"seller_skus": ["x"] * 11}, {}, 12019027),
        ({"sku_ids": ["1"] * 11}, {}, 12019087),
        ({"update_time_ge": 5, "update_time_le": 4}, {}, 12019119),
        ({"create_time_ge": 5, "create_time_le": 4}, {}, 12019118),
        ({"status": "LIVE"}, {}, 12052910),
        ({}, {"page_size": "101"}, 12019109),
        ({}, {"page_size": "0"}, 12019109),
        ({}, {"page_size": "100", "page_token": base64.b64encode(b"offset=9901\n").decode()}, 12052180),
        ({}, {"page_size": "100", "page_token": base64.b64encode(b"offset=9900\n").decode()}, 0),
    ],
)
def test_search_at_its_limits(caller: Caller, body: dict[str, Any], query: dict[str, str], code: int) -> None:
    assert caller.answer("POST", SEARCH, body, **({"page_size": "10"} | query))["code"] == code


def test_ids_are_text_beyond_the_reach_of_doubles(caller: Caller) -> None:
    made = caller.create(product_body(caller.image()))
    for id in (made["product_id"], made["skus"][0]["id"]):
        assert isinstance(id, str)
        assert len(id) == 19
        assert int(id) > 2**53


def test_a_scheduled_product_waits_for_its_day(caller: Caller, sandbox: httpx.Client) -> None:
    start = int(sandbox.get("/_sandbox/state").json()["now"]) + 3600
    schedule = {"is_enabled_scheduled_sale": True, "schedule_sale_time": start * 1000}
    id = caller.create(product_body(caller.image(), scheduled_sale=schedule))["product_id"]
    approve(sandbox, id)
    assert caller.product(id)["status"] == "SCHEDULED"
    sandbox.post("/_sandbox/clock", json={"shift_seconds": 3700})
    assert caller.product(id)["status"] == "ACTIVATE"
