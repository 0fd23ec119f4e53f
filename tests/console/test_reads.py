"""What pages show, counted two ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import insert

from core.db import engine, tables
from core.domain.filters import ExportFilter, ProductFilter
from core.domain.mapping import BRAND
from core.domain.statuses import PRODUCT_TABS, ExportStatus
from core.reads import activity, connections, exports, mappings, overview, products, search
from core.reads.paging import COUNT_CAP, PAGE_SIZE, Count
from core.reads.product_detail import product_detail
from core.services.issues import open_issue
from tests.console.filling import Filled

WANTED = (
    ProductFilter(),
    ProductFilter(text="number 1"),
    ProductFilter(problem="weight_missing"),
    ProductFilter(category="11", text="mug"),
    ProductFilter(brand="21"),
    ProductFilter(brand="none such"),
)


def rows_of(connection_id: int, wanted: ProductFilter, **order: object) -> list[products.ProductRow]:
    found: list[products.ProductRow] = []
    for page in range(1, COUNT_CAP // PAGE_SIZE):
        some = products.products_page(connection_id, wanted, page=page, **order).rows  # type: ignore[arg-type]
        found += some
        if len(some) < PAGE_SIZE:
            break
    return found


@pytest.fixture
def one_deleted(filled: Filled) -> int:
    """The last product is gone from the store, so no count and no row may hold it."""
    gone = filled.product_ids[-1]
    with engine.transaction() as conn:
        conn.exec_driver_sql(f"UPDATE products SET deleted_at = now() WHERE id = {gone}")
    return gone


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_every_tab_counts_the_rows_it_shows(wanted: ProductFilter, one_deleted: int, filled: Filled) -> None:
    counts = products.tab_counts(filled.connection_id, wanted)
    for tab in ("", *PRODUCT_TABS):
        rows = rows_of(filled.connection_id, replace(wanted, tab=tab))
        assert counts[tab] == Count(len(rows)), tab
        assert one_deleted not in {row.id for row in rows}
    page = products.products_page(filled.connection_id, wanted)
    assert page.count == counts[""]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("name", lambda row: row.title),
        ("price", lambda row: row.price),
        ("stock", lambda row: row.stock),
        ("changed", lambda row: row.changed_at),
    ],
)
def test_pages_put_together_are_sorted_and_whole(
    sort: str, key: Callable[[products.ProductRow], object], descending: bool, filled: Filled
) -> None:
    rows = rows_of(filled.connection_id, ProductFilter(), sort=sort, descending=descending)
    assert len({row.id for row in rows}) == len(rows) >= 119
    keys = [key(row) for row in rows]
    assert keys == sorted(keys, reverse=descending)  # type: ignore[type-var]


def test_the_same_price_keeps_its_order_from_page_to_page(filled: Filled) -> None:
    first = [row.id for row in rows_of(filled.connection_id, ProductFilter(), sort="price")]
    assert first == [row.id for row in rows_of(filled.connection_id, ProductFilter(), sort="price")]


def test_every_export_tab_counts_the_rows_it_shows(filled: Filled) -> None:
    counts = exports.tab_counts(filled.connection_id, ExportFilter())
    for status in ExportStatus:
        page = exports.exports_page(filled.connection_id, ExportFilter(tab=status))
        assert counts[status] == page.count == Count(len(page.rows))
        assert {row.status for row in page.rows} <= {status}
    assert sum(counts[status].number for status in ExportStatus) == counts[""].number == 45


def test_a_file_of_mappings_goes_on_where_pages_end(filled: Filled) -> None:
    present = mappings.every_mapping(filled.connection_id, BRAND)
    rows = [
        {"store_account_id": filled.store_account_id, "remote_id": f"x{one}", "title": f"Brand {one:05}"}
        for one in range(COUNT_CAP)
    ]
    with engine.transaction() as conn:
        conn.execute(insert(tables.store_brands), rows)
    found = mappings.every_mapping(filled.connection_id, BRAND)
    assert len(found) == len(present) + COUNT_CAP
    assert found[:PAGE_SIZE] == mappings.mappings_page(filled.connection_id, BRAND).rows


def test_another_connection_sees_nothing_of_it(filled: Filled) -> None:
    elsewhere = filled.connection_id + 1000
    assert products.products_page(elsewhere, ProductFilter()).rows == ()
    assert search.find(elsewhere, "SKU-0003") == ()
    assert overview.causes(elsewhere) == ()
    assert all(one.id != elsewhere for one in connections.all_connections())


@pytest.mark.parametrize("text", ["%", "_", "\\", "'; DROP TABLE products; --", "\x01"])
def test_signs_of_the_database_are_only_signs(text: str, filled: Filled) -> None:
    assert products.products_page(filled.connection_id, ProductFilter(text=text)).rows == ()


@pytest.mark.parametrize(
    ("text", "kind"), [("SKU-0003", "SKU"), ("REQ00007", "Call"), ("number 33", "Product"), ("17", "Store product")]
)
def test_search_everything_finds_the_exact_first(text: str, kind: str, filled: Filled) -> None:
    hits = search.find(filled.connection_id, text)
    assert hits[0].kind == kind


def test_a_tiktok_id_finds_its_product(filled: Filled) -> None:
    remote_id = exports.exports_page(filled.connection_id, ExportFilter()).rows[0].remote_id
    assert search.find(filled.connection_id, remote_id)[0].kind == "TikTok product"


def test_a_count_stops_at_its_cap() -> None:
    assert Count(COUNT_CAP, True).text() == "10,000+"
    assert Count(COUNT_CAP, True).pages == COUNT_CAP // PAGE_SIZE


def test_the_timeline_of_a_product_has_its_webhooks_and_the_runs_on_its_listing(filled: Filled) -> None:
    product_id = filled.product_ids[12]  # number 13 is on sale
    detail = product_detail(filled.connection_id, product_id)
    assert detail is not None
    (listing,) = detail.listings
    store, shop = str(filled.store_account_id), detail.accounts[1]
    hints = [
        ("shopwired", store, "product.updated", f"product:{detail.remote_id}"),
        ("shopwired", store, "stock.changed", f"stock:{detail.remote_id}"),
        ("tiktok", shop, "PRODUCT_STATUS_CHANGE", f"product:{listing.remote_id}"),
        ("shopwired", store + "0", "of another store", f"product:{detail.remote_id}"),
        ("shopwired", store, "of another product", f"product:{detail.remote_id}0"),
    ]
    with engine.transaction() as conn:
        for number, (source, account, topic, subject) in enumerate(hints):
            told = {"source": source, "account": account, "topic": topic, "subject": subject, "body": b"{}"}
            conn.execute(insert(tables.inbox).values(delivery_id=f"hint-{number}", **told))
        title = {"kind": "stock_fix_run", "title": "Correct stock", "created_by": "ann"}
        run_id = conn.execute(insert(tables.runs).values(**title).returning(tables.runs.c.id)).scalar_one()
        item = {"run_id": run_id, "position": 1, "subject_kind": "listing", "subject_id": listing.id, "status": "done"}
        conn.execute(insert(tables.run_items).values(**item))
    events = activity.timeline(detail.subjects, hints=detail.hints, accounts=detail.accounts)
    told = {event.title for event in events if event.kind == "webhook"}
    assert told == {"Webhook product.updated", "Webhook stock.changed", "Webhook PRODUCT_STATUS_CHANGE"}
    assert "Correct stock: done" in {event.title for event in events}


def shown_by(connection_id: int, cause: overview.Cause) -> Count:
    """How many rows the page shows that a line of the overview opens."""
    address = dict(cause.parameters)
    if cause.page == "exports":
        return exports.exports_page(connection_id, ExportFilter(**address)).count
    first = address.pop("first", "") == "1"
    return products.products_page(connection_id, ProductFilter(**address, first=first)).count


def test_a_line_of_the_overview_opens_the_rows_it_counts(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    suspended, several = filled.product_ids[2], filled.product_ids[7]
    with engine.transaction() as conn:
        conn.exec_driver_sql(f"UPDATE product_states SET status = 'suspended' WHERE product_id = {suspended}")
        conn.exec_driver_sql(
            "UPDATE product_states SET problem_codes = '{brand_missing,weight_missing}',"
            f' problems = \'[{{"code": "brand_missing"}}]\' || problems WHERE product_id = {several}'
        )
    found = overview.causes(filled.connection_id)
    assert {cause.page for cause in found} == {"exports", "products"}
    for cause in found:
        assert cause.count == shown_by(filled.connection_id, cause), cause
    said = {f"{cause.count.text()} {cause.sentence}" for cause in found}
    assert {"1 product was taken down by the Shop", "1 product is not ready: brand missing"} <= said
    monkeypatch.setattr(overview, "COUNT_CAP", 20)
    sampled = [cause.count for cause in overview.causes(filled.connection_id) if "not ready" in cause.sentence]
    assert sampled and all(count.capped for count in sampled), "a part of them is not all of them"


def test_what_is_low_is_counted_once_and_shown_as_such(filled: Filled) -> None:
    def lines() -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
        return [
            (cause.sentence if cause.alone else f"{cause.count.text()} {cause.sentence}", cause.page, cause.parameters)
            for cause in overview.causes(filled.connection_id)
            if cause.page in ("stock", "activity")
        ]

    def low(sku: str) -> str:
        return f"{sku} has 3 left; the alert is at 5."

    with engine.transaction() as conn:
        for number in (1, 2):
            open_issue(
                conn, connection_id=filled.connection_id, subject=("variant", str(number)), code="low_stock",
                sentence=low(f"AB-{number}"), link="stock",
            )  # fmt: skip
            if number == 1:
                continue
            open_issue(
                conn, connection_id=filled.connection_id, subject=("job", "x"), code="job_failed",
                sentence="The job x failed.", link="activity",
            )  # fmt: skip
    assert sorted(lines()) == [
        ("2 SKUs have less left than their alert value", "stock", (("state", "low"),)),
        ("The job x failed.", "activity", ()),
    ]
    with engine.transaction() as conn:
        conn.exec_driver_sql("UPDATE issues SET closed_at = now() WHERE subject_id IN ('2', 'x')")
    assert lines() == [("AB-1 has 3 left; the alert is at 5.", "stock", (("state", "low"),))]
    with engine.transaction() as conn:
        conn.exec_driver_sql("DELETE FROM issues")


def test_every_day_of_fourteen_is_counted(filled: Filled) -> None:
    found = overview.sent_by_day(filled.connection_id)
    assert [(found[-1].day - one.day).days for one in found] == list(range(13, -1, -1))
    assert sum(one.number for one in found) == 45
