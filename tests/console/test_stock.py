"""The Stock page: empty, full, for each role; its charts, its table, why a number is what it is, the checks."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook
from streamlit.testing.v1 import AppTest

from console import stock_actions
from console.components import sheets, stock_why
from console.refusals import NotPossible
from core.db import engine
from core.domain.filters import Selection, StockFilter
from core.domain.people import SYSTEM, Forbidden, Role
from core.domain.stock import Cause
from core.reads import activity, latency, stock, stock_charts
from core.services.issues import open_issue
from core.services.live import live
from core.services.settings_of_connection import save_setting
from core.services.stock_compare import differing
from core.services.stock_offers import load_ground
from core.services.stock_rules import RuleError, SkuRule
from tests.console.conftest import Open
from tests.console.filling import Filled, connect
from tests.console.order_filling import fill_orders
from tests.console.stock_filling import CAUSES, Stock, fill_stock

SignIn = Callable[[Role], str]


@pytest.fixture(scope="module")
def held(filled: Filled) -> Stock:
    with engine.transaction() as conn:
        fill_orders(conn, filled)
        return fill_stock(conn, filled)


def markdown(at: AppTest) -> str:
    return "\n".join(entry.value for entry in at.markdown)


def rows(at: AppTest) -> Any:
    return next(frame.value for frame in at.dataframe if "should" in frame.value)


@pytest.mark.parametrize("role", list(Role))
def test_before_the_first_listing(role: Role, database: None, open_page: Open) -> None:
    with engine.transaction() as conn:
        connection_id = connect(conn, f"Zebra {role}")[0]
    at = open_page("stock", role, c=str(connection_id))
    assert "No SKUs in the Shop yet" in markdown(at)
    assert any("02:00 in London" in entry.value for entry in at.caption)
    assert not at.error


@pytest.mark.parametrize("role", list(Role))
def test_every_sku_with_its_sum(role: Role, open_page: Open, held: Stock) -> None:
    at = open_page("stock", role)
    found = rows(at)
    assert len(found) == len(held.sku_ids) == 45
    assert found["difference"].abs().iloc[0] == found["difference"].abs().max() > 0
    assert not at.error
    acting = {"check_now", "fix_all", "bulk_fix"}
    keys = {button.key for button in at.button}
    assert acting & keys == (set() if role == Role.VIEWER else acting)


def test_past_the_end_of_the_skus_is_their_last_page(open_page: Open, held: Stock) -> None:
    assert len(rows(open_page("stock", page="99"))) == 45
    differing = rows(open_page("stock", page="2", state="differs"))
    assert differing.equals(rows(open_page("stock", state="differs")))


def test_the_charts_are_there(open_page: Open, filled: Filled, held: Stock) -> None:
    found = stock_charts.charts(filled.connection_id)
    assert {row.cause for row in found.by_cause} == {str(one) for one in CAUSES}
    assert sum(row.skus for row in found.by_size) == held.found
    assert len(found.worst) == 10 and found.worst[0].times == 5
    assert [point.skus for point in found.drift] == [held.found] * 5
    assert latency.mismatches(filled.connection_id) == (held.found,) * 5
    assert "Worst ten SKUs" in markdown(open_page("stock"))


def test_a_click_on_a_chart_filters_the_table(open_page: Open, filled: Filled, held: Stock) -> None:
    everything = rows(open_page("stock", state="differs"))
    by_cause = rows(open_page("stock", cause=str(Cause.CAMPAIGN)))
    assert 0 < len(by_cause) < len(everything)
    assert set(by_cause["cause"]) == {str(Cause.CAMPAIGN)}
    sizes = {row.size: row.skus for row in stock_charts.charts(filled.connection_id).by_size}
    for size, number in sizes.items():
        assert len(rows(open_page("stock", size=size))) == number


def test_what_came_since_the_check_is_a_cause_to_choose(open_page: Open, held: Stock) -> None:
    with engine.transaction() as conn:
        mine = {"id": held.sku_ids[0]}
        query = "UPDATE listing_skus SET shop_quantity = shop_quantity + %(by)s WHERE id = %(id)s"
        conn.exec_driver_sql(query, mine | {"by": 9})
    at = open_page("stock", cause=stock.NOT_CHECKED)
    choice = next(box for box in at.selectbox if "Since the last check" in box.options)
    assert choice.value == stock.NOT_CHECKED and not at.error
    assert set(rows(at)["cause"]) == {stock.NOT_CHECKED}
    assert "fix_all" not in {button.key for button in at.button}, "the last check knows nothing of them"
    with engine.transaction() as conn:
        conn.exec_driver_sql(query, mine | {"by": -9})


def test_filters(open_page: Open, held: Stock) -> None:
    assert list(rows(open_page("stock", q="SKU-0002"))["sku"]) == ["SKU-0002"]
    assert set(rows(open_page("stock", most="10"))["hand"]) <= set(range(11))
    assert len(rows(open_page("stock", warehouse="W1"))) == 45
    assert "Nothing matches" in markdown(open_page("stock", state="unread"))
    assert "Nothing matches" in markdown(open_page("stock", state="nonsense"))


def test_what_should_be_offered_is_what_the_check_says(sign_in: SignIn, filled: Filled, held: Stock) -> None:
    sign_in(Role.ADMIN)
    with engine.transaction() as conn:
        variants = conn.exec_driver_sql("SELECT id FROM variants ORDER BY id LIMIT 8").scalars().all()
    rules = [SkuRule(buffer=3), SkuRule(cap=2), SkuRule(buffer=0, cap=7), SkuRule(cap=0), SkuRule(buffer=999_999)]
    rules += [SkuRule(buffer=999, continue_selling=True), SkuRule(cap=0, continue_selling=False)]
    for variant_id, rule in zip(variants, rules, strict=False):
        stock_actions.save_rule(filled.store_account_id, variant_id, rule)
    for keeps_selling in (False, True):
        with engine.transaction() as conn:
            for name, value in (("stock_buffer", 4), ("stock_cap", 50), ("continue_selling", keeps_selling)):
                save_setting(conn, filled.connection_id, name, value, SYSTEM)
        with engine.transaction() as conn:
            found = differing(load_ground(conn, live(filled.connection_id)))
            theirs = {row.id: row.wanted for row in conn.execute(found)}
        pages = stock.stock_page(filled.connection_id, StockFilter(state="differs")).rows
        assert {row.id: row.should for row in pages} == theirs
        for row in pages[:8]:
            assert stock_actions.explain(row.id).offered == row.should
    with engine.transaction() as conn:
        conn.exec_driver_sql("TRUNCATE sku_rules")
        conn.exec_driver_sql(
            "DELETE FROM connection_settings WHERE name IN ('stock_buffer', 'stock_cap', 'continue_selling')"
        )


def test_why_this_number(open_page: Open, held: Stock) -> None:
    why = stock_actions.explain(held.sku_ids[0])
    bars = stock_why.bars(why)
    assert bars[0]["step"] == "on hand" and bars[-1] == {
        "step": "offered", "low": 0, "high": why.offered, "change": why.offered, "kind": "offered",
    }  # fmt: skip
    at = open_page("stock", why=str(held.sku_ids[0]))
    steps = next(frame.value for frame in at.dataframe if "Source" in frame.value)
    assert steps["Step"].iloc[0] == "on hand"
    assert any("Exposure" in entry.value for entry in at.caption)
    assert not at.error
    nobody = open_page("stock", why="99999999")
    assert "no SKU with this number" in markdown(nobody)


@pytest.fixture
def unsettled(filled: Filled, held: Stock) -> tuple[int, int]:
    """A variant (and its listed SKU) whose stock was to be written, and nobody knows whether it was."""
    with engine.transaction() as conn:
        variant_id, sku, sku_id = conn.exec_driver_sql(
            "SELECT d.variant_id, s.seller_sku, s.id FROM stock_deductions d"
            " JOIN listing_skus s ON s.variant_id = d.variant_id WHERE d.outcome IN ('held', 'done') ORDER BY 1 LIMIT 1"
        ).one()
        conn.exec_driver_sql(
            "UPDATE stock_deductions SET outcome = 'unknown', wanted = 'take', by = 'us', before = 8, target = 7"
            " WHERE variant_id = %(id)s", {"id": variant_id},
        )  # fmt: skip
        sentence = f"The stock of {sku} was to go from 8 to 7, and now it has 1."
        asked = {"subject": ("variant", str(variant_id)), "code": "stock_write_unknown", "fix": "Look."}
        open_issue(conn, connection_id=None, sentence=sentence, **asked)
    return variant_id, sku_id


def settled(variant_id: int) -> tuple[str, bool]:
    """The outcome of the units, and whether a person is still asked."""
    with engine.transaction() as conn:
        outcome = conn.exec_driver_sql(
            "SELECT max(outcome) FROM stock_deductions WHERE variant_id = %(id)s", {"id": variant_id}
        ).scalar_one()
        asked = conn.exec_driver_sql(
            "SELECT count(*) FROM issues WHERE code = 'stock_write_unknown' AND closed_at IS NULL"
        ).scalar_one()
    return outcome, bool(asked)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_write_of_which_nobody_can_tell_is_settled(
    arrived: bool, open_page: Open, filled: Filled, unsettled: tuple[int, int]
) -> None:
    variant_id, sku_id = unsettled
    choices = {f"arrived_{variant_id}", f"not_arrived_{variant_id}"}
    for page, query in (("overview", {}), ("stock", {"why": str(sku_id)})):
        seen = open_page(page, Role.VIEWER, **query)
        assert "was to go from 8 to 7" in markdown(seen)
        assert not choices & {button.key for button in seen.button}
    with pytest.raises(Forbidden, match="viewer"):
        stock_actions.settle_write(filled.connection_id, variant_id, arrived=arrived)
    page, query, key = ("overview", {}, "arrived") if arrived else ("stock", {"why": str(sku_id)}, "not_arrived")
    at = open_page(page, Role.OPERATOR, **query)
    at.button(key=f"{key}_{variant_id}").click().run()
    assert not at.exception and not at.error
    assert settled(variant_id) == ("done" if arrived else "held", False)
    assert "was to go from 8 to 7" not in markdown(at)
    deed = activity.audit_page(text="settle_stock_write").rows[0]
    assert (deed.login, deed.subject, deed.detail["arrived"]) == ("operator", f"variant:{variant_id}", arrived)
    with pytest.raises(NotPossible, match="settled already"):
        stock_actions.settle_write(filled.connection_id, variant_id, arrived=arrived)


def test_a_write_of_another_store_is_not_settled_here(sign_in: SignIn, unsettled: tuple[int, int]) -> None:
    sign_in(Role.OPERATOR)
    with engine.transaction() as conn:
        elsewhere = connect(conn, "Moor Street")[0]
    with pytest.raises(NotPossible, match="another store"):
        stock_actions.settle_write(elsewhere, unsettled[0], arrived=True)
    assert settled(unsettled[0]) == ("unknown", True)


def test_the_log_of_a_check(open_page: Open, held: Stock) -> None:
    at = open_page("stock", Role.VIEWER, check=str(held.check_id))
    log = next(frame.value for frame in at.dataframe if "Shop said" in frame.value)
    assert len(log) == held.found
    assert {"left as it is", "being corrected"} == set(log["Outcome"])


@pytest.fixture
def long_log(filled: Filled, held: Stock) -> Iterator[int]:
    """A check of long ago that found 120 SKUs, none of them in the Shop any more."""
    then = "now() - interval '90 days'"
    with engine.transaction() as conn:
        check_id = conn.exec_driver_sql(
            "INSERT INTO stock_checks (connection_id, kind, local_day, started_by, started_at, finished_at, compared,"
            f" found, corrected, remaining, sentence) VALUES ({filled.connection_id}, 'asked', '2026-01-01', 'ada',"
            f" {then}, {then}, 120, 120, 0, 120, '') RETURNING id"
        ).scalar_one()
        conn.exec_driver_sql(
            "INSERT INTO listing_skus (listing_id, connection_id, variant_id, seller_sku, ended_at)"
            " SELECT listing_id, connection_id, variant_id, 'GONE-' || number, now() FROM listing_skus,"
            f" generate_series(1, 120) AS number WHERE id = {held.sku_ids[0]}"
        )
        conn.exec_driver_sql(
            "INSERT INTO stock_check_items (check_id, listing_sku_id, expected, before, cause, outcome, sentence, at)"
            f" SELECT {check_id}, id, 5, 3, 'new in store', 'left', '', {then} FROM listing_skus"
            " WHERE seller_sku LIKE 'GONE-%%'"
        )
    yield int(check_id)
    with engine.transaction() as conn:
        conn.exec_driver_sql(f"DELETE FROM stock_check_items WHERE check_id = {check_id}")
        conn.exec_driver_sql(f"DELETE FROM stock_checks WHERE id = {check_id}")
        conn.exec_driver_sql("DELETE FROM listing_skus WHERE seller_sku LIKE 'GONE-%%'")


def log_of(at: AppTest) -> Any:
    return next((frame.value for frame in at.dataframe if "Shop said" in frame.value), None)


def test_the_page_of_a_log_comes_from_the_address(open_page: Open, held: Stock, long_log: int) -> None:
    at = open_page("stock", check=str(long_log), log_page="3")
    assert at.pagination(key="check_log_page").value == 3
    assert len(log_of(at)) == 20
    at.pagination(key="check_log_page").select(2).run()
    assert at.query_params["log_page"] == "2" and len(log_of(at)) == 50


def test_another_check_begins_with_the_first_page_of_its_log(open_page: Open, held: Stock, long_log: int) -> None:
    shorter = open_page("stock", check=str(held.check_id), log_page="3")
    assert len(log_of(shorter)) == held.found
    assert not any("found no difference" in entry.value for entry in shorter.caption)
    at = open_page("stock", check=str(long_log), log_page="3")
    at.button(key="check_away_").click().run()
    assert "log_page" not in at.query_params and "check" not in at.query_params


def test_fixing_one_many_and_all(sign_in: SignIn, filled: Filled, held: Stock) -> None:
    sign_in(Role.OPERATOR)
    everything = Selection(stock=StockFilter(state="differs"))
    plan = stock_actions.plan_fix(filled.connection_id, everything)
    assert plan.will and any("campaign" in reason for reason, _ in plan.skipped)
    run_id = stock_actions.fix(filled.connection_id, everything)
    with engine.transaction() as conn:
        kind, items = conn.exec_driver_sql(
            "SELECT kind, (SELECT count(*) FROM run_items WHERE run_id = runs.id) FROM runs WHERE id = %(id)s",
            {"id": run_id},
        ).one()
    assert (kind, items > 0) == ("stock_fix_run", True)
    with pytest.raises(NotPossible, match="None of these SKUs"):
        stock_actions.fix(filled.connection_id, Selection(ids=(99_999_999,)))
    assert stock_actions.fix_cause(filled.connection_id, str(Cause.CHANGED_IN_SHOP)) > run_id


def test_what_stands_in_the_address_is_not_markdown(open_page: Open, held: Stock) -> None:
    at = open_page("stock", cause="[see](http://evil.example)")
    assert at.button(key="fix_all").label == r"Fix all: \[see\]\(http\://evil.example\)"


def test_more_than_can_be_taken_at_once_is_said(
    sign_in: SignIn, filled: Filled, held: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(Role.OPERATOR)
    everything = Selection(stock=StockFilter())
    assert stock_actions.plan_fix(filled.connection_id, everything).warnings == ()
    monkeypatch.setattr(stock_actions, "COUNT_CAP", 20)
    dry = stock_actions.plan_fix(filled.connection_id, everything)
    assert dry.will + sum(number for _, number in dry.skipped) == 20
    assert dry.warnings == ("Only the first 20 of the SKUs that match are taken: narrow the list for the others.",)


def test_fixing_all_says_first_what_would_happen(open_page: Open, filled: Filled, held: Stock) -> None:
    with engine.transaction() as conn:
        conn.exec_driver_sql("DELETE FROM runs WHERE kind = 'stock_fix_run'")
        left = conn.exec_driver_sql(
            f"SELECT count(*) FROM stock_check_items WHERE check_id = {held.check_id} AND cause = 'new in store'"
        ).scalar_one()
    queued = "SELECT count(*) FROM runs WHERE kind = 'stock_fix_run'"
    at = open_page("stock", cause="new in store")
    at.button(key="fix_all").click().run()
    assert at.button(key="bulk_confirm").label == f"Correct {left} items"
    with engine.transaction() as conn:
        assert conn.exec_driver_sql(queued).scalar_one() == 0, "nothing is queued before it is confirmed"
    assert not at.exception and not at.error
    stock_actions.fix_cause(filled.connection_id, "new in store")
    with engine.transaction() as conn:
        assert conn.exec_driver_sql(queued).scalar_one() == 1
    campaign = open_page("stock", cause=str(Cause.CAMPAIGN))
    campaign.button(key="fix_all").click().run()
    assert "Left as it is: campaign reservation" in markdown(campaign).replace("\\", "")
    assert not [button for button in campaign.button if button.key == "bulk_confirm"]


def test_check_now_queues_one_check(open_page: Open, filled: Filled, held: Stock) -> None:
    at = open_page("stock")
    at.button(key="check_now").click().run()
    again = stock_actions.check_now(filled.connection_id)
    with engine.transaction() as conn:
        open_ones = conn.exec_driver_sql("SELECT id FROM stock_checks WHERE finished_at IS NULL").scalars().all()
        assert open_ones == [again]
        conn.exec_driver_sql("UPDATE stock_checks SET finished_at = now()")
    assert any("under way" in entry.value for entry in at.info)


def test_a_sku_keeps_selling_by_a_rule_of_its_own(open_page: Open, filled: Filled, held: Stock) -> None:
    at = open_page("stock", why=str(held.sku_ids[8]))
    (choice,) = [box for box in at.selectbox if str(box.key).startswith("rule_continue_selling_")]
    assert choice.value == "As in Settings" and "oversell" in choice.help
    choice.select("On")
    (save,) = [button for button in at.button if str(button.key).startswith("rule_save_")]
    save.click().run()
    assert not at.exception and not at.error
    variant_id = int(str(save.key).removeprefix("rule_save_"))
    assert stock_actions.rule_of(variant_id) == SkuRule(continue_selling=True)
    stock_actions.save_rule(filled.store_account_id, variant_id, SkuRule())


def test_a_rule_that_does_not_fit_is_refused(sign_in: SignIn, filled: Filled, held: Stock) -> None:
    sign_in(Role.OPERATOR)
    with pytest.raises(RuleError, match="must be from 0"):
        stock_actions.save_rule(filled.store_account_id, 1, SkuRule(buffer=-1))


@pytest.mark.parametrize("name", ["check_now", "plan_fix", "fix", "plan_fix_cause", "fix_cause", "save_rule"])
def test_a_viewer_is_refused(name: str, sign_in: SignIn) -> None:
    sign_in(Role.VIEWER)
    action = getattr(stock_actions, name)
    with pytest.raises(Forbidden, match="viewer"):
        action(*(None for _ in inspect.signature(action).parameters))


def _a_long_list() -> None:
    from console.components import sheets
    from core.reads.paging import Count

    sheets.download("short", ("A",), list, Count(10_000))
    sheets.download("long", ("A",), list, Count(10_000, capped=True))


def test_a_file_that_is_cut_says_so() -> None:
    shown = AppTest.from_function(_a_long_list).run()
    assert [entry.value for entry in shown.caption] == ["The first 10,000 rows; narrow the list for the others."]


def test_files_run_nothing_in_a_spreadsheet() -> None:
    cells = ("=1+1", "+44", "@x", "-5", -5, Decimal("2.50"), None, datetime(2026, 11, 22, 1, 2, tzinfo=UTC))
    text = sheets.table_file(["a"] * len(cells), [cells]).decode("utf-8-sig").splitlines()[1]
    assert text.startswith("'=1+1,'+44,'@x,'-5,-5,2.50,")
    book = sheets.workbook(["a"] * len(cells), [cells])
    read = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()[1]
    assert read[:6] == ["=1+1", "+44", "@x", "-5", -5.0, 2.5]
    with ZipFile(io.BytesIO(book)) as inside:
        assert b"<f>" not in inside.read("xl/worksheets/sheet1.xml")
