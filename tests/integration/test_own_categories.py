"""A category for many products at once, each with its result, and the whole of it put back again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import mapping_history, product_states, products, run_items, runs
from core.domain.filters import ProductFilter, Selection
from core.domain.mapping import MappingRefused
from core.jobs.handlers import own_category_run
from core.services import shop_metadata
from core.services.mappings import set_default_category
from core.services.own_categories import plan_set, set_own_category, start_set, start_undo
from tests.connect_rig import jobs
from tests.listing_rig import ListingRig, running_listing_rig


@pytest.fixture(scope="module")
def rig(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListingRig]:
    with running_listing_rig(Path(tmp_path_factory.mktemp("sandbox")), 60) as made:
        shop_metadata.download(made.market, made.connection_id)
        with transaction() as connection:
            set_default_category(connection, made.connection_id, made.easy_leaf(), made.rig.boss)
        made.judge()
        yield made


@pytest.fixture(autouse=True)
def as_mapped(rig: ListingRig) -> None:
    with transaction() as connection:
        connection.execute(update(product_states).values(own_category_id=None))


def own(rig: ListingRig) -> dict[int, str | None]:
    s = product_states.c
    with transaction() as connection:
        rows = connection.execute(select(s.product_id, s.own_category_id).where(s.connection_id == rig.connection_id))
        return {row.product_id: row.own_category_id for row in rows}


def work(run_id: int) -> Counter[tuple[str, str]]:
    """Do the run; how many items ended how."""
    own_category_run(run_id)
    with transaction() as connection:
        assert connection.scalar(select(runs.c.status).where(runs.c.id == run_id)) == "done"
        rows = connection.execute(select(run_items.c.status, run_items.c.code).where(run_items.c.run_id == run_id))
        return Counter((row.status, row.code) for row in rows)


def some(rig: ListingRig, number: int) -> list[int]:
    return sorted(own(rig))[:number]


def test_many_products_get_a_category_and_are_judged_with_it(rig: ListingRig) -> None:
    leaf, everything = rig.easy_leaf(1), Selection(products=ProductFilter())
    with transaction() as connection:
        set_own_category(connection, rig.connection_id, some(rig, 3), leaf, rig.rig.boss)
    rig.judge()
    plan = plan_set(rig.connection_id, everything, leaf)
    assert (plan.will, plan.skipped) == (57, (("Have it already", 3),))
    run_id = start_set(rig.connection_id, everything, leaf, "ada")
    assert jobs("own_category_run")[-1][1]["run_id"] == run_id
    assert work(run_id) == {("done", ""): 57, ("skipped", "unchanged"): 3}
    assert set(own(rig).values()) == {leaf}
    rig.judge()
    assert {(row.category_id, row.category_source) for row in rig.states()} == {(leaf, "own")}
    with transaction() as connection:
        h = mapping_history.c
        kept = connection.scalar(select(func.count()).where(h.kind == "own_category", h.by == "ada"))
    assert kept == 57


def test_a_run_is_put_back_where_nothing_was_changed_since(rig: ListingRig) -> None:
    first, second = rig.easy_leaf(1), rig.easy_leaf(2)
    had, changed, plain = some(rig, 3)
    with transaction() as connection:
        set_own_category(connection, rig.connection_id, [had], second, rig.rig.boss)
    run_id = start_set(rig.connection_id, Selection(ids=(had, changed, plain)), first, "ada")
    assert work(run_id) == {("done", ""): 3}
    with transaction() as connection:
        set_own_category(connection, rig.connection_id, [changed], second, rig.rig.boss)
    undoing = start_undo(rig.connection_id, run_id, "grace")
    assert work(undoing) == {("done", ""): 2, ("skipped", "changed_since"): 1}
    now = own(rig)
    assert (now[had], now[changed], now[plain]) == (second, second, None)
    again = start_undo(rig.connection_id, undoing, "grace")
    assert work(again) == {("done", ""): 2}, "undoing can be undone"
    assert (own(rig)[had], own(rig)[plain]) == (first, first)


def test_none_of_their_own_follows_the_mappings_again(rig: ListingRig) -> None:
    chosen = some(rig, 2)
    with transaction() as connection:
        set_own_category(connection, rig.connection_id, chosen, rig.easy_leaf(1), rig.rig.boss)
    assert work(start_set(rig.connection_id, Selection(ids=tuple(chosen)), None, "ada")) == {("done", ""): 2}
    rig.judge()
    assert {row.category_source for row in rig.states() if row.product_id in chosen} == {"default"}


def test_a_batch_that_is_worked_on_twice_changes_nothing_more(rig: ListingRig) -> None:
    run_id = start_set(rig.connection_id, Selection(ids=tuple(some(rig, 2))), rig.easy_leaf(1), "ada")
    work(run_id)
    with transaction() as connection:
        connection.execute(update(run_items).where(run_items.c.run_id == run_id).values(status="waiting"))
        connection.execute(update(runs).where(runs.c.id == run_id).values(status="running", finished_at=None))
    assert work(run_id) == {("skipped", "unchanged"): 2}
    assert work(start_undo(rig.connection_id, run_id, "ada")) == {("done", ""): 2}


def test_what_the_store_no_longer_has_and_what_no_product_can_have(rig: ListingRig) -> None:
    gone, here = some(rig, 2)
    chosen = Selection(ids=(gone, here))
    with pytest.raises(MappingRefused):
        plan_set(rig.connection_id, chosen, "123")
    with pytest.raises(MappingRefused):
        start_set(rig.connection_id, chosen, "123", "ada")
    run_id = start_set(rig.connection_id, chosen, rig.easy_leaf(1), "ada")
    with transaction() as connection:
        connection.execute(update(products).where(products.c.id == gone).values(deleted_at=func.now()))
    assert work(run_id) == {("done", ""): 1, ("skipped", "gone"): 1}
    with transaction() as connection:
        connection.execute(update(products).where(products.c.id == gone).values(deleted_at=None))
