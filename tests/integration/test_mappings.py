"""Mappings: saved in bulk, checked, versioned, recorded, undone, weighed before saving, recommended by the Shop."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.config import Settings
from core.db.catalogue import load_products
from core.db.engine import transaction
from core.db.tables import audit, mapping_history, mappings, shop_brands, shop_categories
from core.domain.counting import counted
from core.domain.mapping import MappingConflict, MappingRefused, attribute_source
from core.domain.people import Actor, Role
from core.domain.statuses import ProductStatus
from core.reads.parcel_defaults import parcel_rows
from core.services import shop_metadata
from core.services.listing_context import load_mapped
from core.services.mapping_effect import preview_mappings
from core.services.mappings import (
    MappingChange,
    recommend_category,
    recommend_for,
    set_default_category,
    set_mapping,
    set_mappings,
    undo,
)
from core.services.own_categories import set_own_category
from core.services.picture_check import check_pictures
from tests.listing_rig import ListingRig, running_listing_rig

ADA = Actor(None, "ada", Role.OPERATOR)


@pytest.fixture(scope="module")
def world(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListingRig]:
    with running_listing_rig(Path(tmp_path_factory.mktemp("sandbox")), 80) as made:
        shop_metadata.download(made.market, made.connection_id)
        made.judge()
        check_pictures(made.pictures, made.connection_id, seconds=600)
        made.judge()
        yield made


@pytest.fixture
def rig(world: ListingRig) -> ListingRig:
    """Nothing mapped, nothing on record."""
    with transaction() as connection:
        connection.execute(mappings.delete())
        connection.execute(mapping_history.delete())
    world.judge_all()
    return world


def save(rig: ListingRig, *changes: MappingChange, by: Actor = ADA) -> int:
    with transaction() as connection:
        return set_mappings(connection, rig.connection_id, changes, by)


def stored(rig: ListingRig) -> list[Any]:
    with transaction() as connection:
        return list(connection.execute(select(mappings).order_by(mappings.c.kind, mappings.c.source_id)))


def errors_of(row: Any) -> list[str]:
    return [one["code"] for one in row.problems if one["severity"] == "error"]


def busiest_category(rig: ListingRig) -> str:
    """The store category with the most products that would be ready but for their category."""
    counts: Counter[str] = Counter()
    for row in rig.states():
        if errors_of(row) == ["category_missing"]:
            counts.update(row.category_ids)
    return counts.most_common(1)[0][0]


def test_mapping_a_category_makes_its_products_ready_and_touches_no_others(rig: ListingRig) -> None:
    leaf, source = rig.easy_leaf(), busiest_category(rig)
    change = MappingChange("category", source, leaf, version=0)
    with transaction() as connection:
        effect = preview_mappings(connection, rig.connection_id, [change])
    assert stored(rig) == []
    concerned = [row for row in rig.states() if source in row.category_ids]
    assert save(rig, change) == 1
    waiting = {row.product_id for row in rig.states() if row.assessed_hash is None}
    assert waiting == {row.product_id for row in concerned}
    rig.judge()
    after = [row for row in rig.states() if source in row.category_ids]
    assert {(row.category_id, row.category_source) for row in after} == {(leaf, "mapped")}
    ready = sum(row.status == ProductStatus.READY for row in after)
    assert ready > 0
    assert effect.exact and effect.products == len(concerned)
    assert (effect.become_ready, effect.gain_category, effect.lose_category) == (ready, len(concerned), 0)
    assert effect.sentence() == f"{counted(ready, 'becomes ready', 'become ready')}, {len(concerned)} get a category."
    with transaction() as connection:
        back = preview_mappings(connection, rig.connection_id, [MappingChange("category", source, None)])
    assert (back.stop_being_ready, back.lose_category) == (ready, len(concerned))


def test_a_default_weight_of_a_category_makes_its_products_ready_and_is_undone(rig: ListingRig) -> None:
    leaf = rig.easy_leaf()
    save(rig, MappingChange("default_category", "", leaf))
    rig.judge()
    light = [row.product_id for row in rig.states() if errors_of(row) == ["weight_missing"]]
    lacking = {row.product_id for row in rig.states() if "weight_missing" in row.problem_codes}
    assert light and len(lacking) < len(rig.states())
    change = MappingChange("parcel", leaf, "", version=0, detail={"weight_kg": "0.5"})
    with transaction() as connection:
        effect = preview_mappings(connection, rig.connection_id, [change])
    assert effect.become_ready == len(light)
    (row,) = parcel_rows(rig.connection_id, state="lacking")
    assert (row.source_id, row.lacking, row.version) == (leaf, len(lacking), 0)
    assert save(rig, change) == 1
    assert all(row.assessed_hash is None for row in rig.states() if row.category_id == leaf)
    rig.judge()
    marked = {row.product_id for row in rig.states() if "weight_default" in row.problem_codes}
    assert marked == lacking
    assert {row.status for row in rig.states() if row.product_id in light} == {ProductStatus.READY}
    (row,) = parcel_rows(rig.connection_id, state="set")
    assert (row.default.weight_kg, row.lacking, row.updated_by) == (Decimal("0.5"), 0, "ada")
    with transaction() as connection:
        last = connection.scalar(select(func.max(mapping_history.c.id)))
        undo(connection, rig.connection_id, last, ADA)
    rig.judge()
    assert {row.product_id for row in rig.states() if "weight_missing" in row.problem_codes} == lacking


def test_defaults_that_cannot_be_are_refused(rig: ListingRig) -> None:
    for source, detail in (("123", {"weight_kg": "1"}), (rig.easy_leaf(), {"weight_kg": "-1"}), (rig.easy_leaf(), {})):
        with pytest.raises(MappingRefused):
            save(rig, MappingChange("parcel", source, "", detail=detail))
    assert stored(rig) == []


def test_a_sample_says_that_it_is_one(rig: ListingRig) -> None:
    with transaction() as connection:
        change = MappingChange("default_category", "", rig.easy_leaf())
        effect = preview_mappings(connection, rig.connection_id, [change], most=10)
    assert (effect.exact, effect.judged, effect.products) == (False, 10, 80)
    assert effect.gain_category == 10
    assert effect.sentence().startswith("Of 10 of the 80 products concerned, ")


def test_an_unread_category_is_named_in_the_effect(rig: ListingRig) -> None:
    c = shop_categories.c
    with transaction() as connection:
        wanted = select(c.id, c.path).where(c.leaf, c.permission == "AVAILABLE").order_by(c.id.desc()).limit(1)
        leaf, path = connection.execute(wanted).one()
        effect = preview_mappings(connection, rig.connection_id, [MappingChange("default_category", "", leaf)])
    assert effect.rules_unread == (path,)
    assert effect.sentence().endswith("What the new category demands is read after saving.")


def test_only_the_lowest_categories_can_be_mapped_to(rig: ListingRig) -> None:
    with transaction() as connection:
        branch = connection.scalar(select(shop_categories.c.id).where(~shop_categories.c.leaf).limit(1))
    for target in (branch, "123"):
        with pytest.raises(MappingRefused) as refusal:
            save(rig, MappingChange("category", "1", rig.easy_leaf()), MappingChange("category", "2", target))
        assert "TikTok category" in refusal.value.sentence
    with pytest.raises(MappingRefused, match="only the lowest ones"), transaction() as connection:
        set_own_category(connection, rig.connection_id, [1], branch, ADA)
    with pytest.raises(MappingRefused, match="brands again"):
        save(rig, MappingChange("brand", "1", "nobody"))
    assert stored(rig) == []


def test_who_saves_an_older_version_is_told_who_was_quicker(rig: ListingRig) -> None:
    first, second = rig.easy_leaf(), rig.easy_leaf(1)
    save(rig, MappingChange("category", "1", first, version=0))
    save(rig, MappingChange("category", "1", second, version=1), by=Actor(None, "grace", Role.OPERATOR))
    with pytest.raises(MappingConflict, match="changed by grace meanwhile"):
        save(rig, MappingChange("category", "1", first, version=1), MappingChange("category", "2", first, version=0))
    with pytest.raises(MappingConflict):
        save(rig, MappingChange("category", "1", first, version=0))
    (row,) = stored(rig)
    assert (row.target_id, row.version, row.updated_by) == (second, 2, "grace")


def test_of_many_who_save_at_once_one_wins(rig: ListingRig) -> None:
    leaf, outcomes = rig.easy_leaf(), []
    gate = threading.Barrier(6)

    def attempt(number: int) -> None:
        gate.wait()
        try:
            outcomes.append(save(rig, MappingChange("category", "1", leaf, 0), by=Actor(None, str(number), Role.ADMIN)))
        except MappingConflict as conflict:
            outcomes.append(conflict)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(1) == 1
    assert sum(isinstance(one, MappingConflict) for one in outcomes) == 5


def test_saving_what_is_already_so_changes_and_records_nothing(rig: ListingRig) -> None:
    change = MappingChange("category", "1", rig.easy_leaf())
    assert (save(rig, change), save(rig, change)) == (1, 0)
    with transaction() as connection:
        assert len(connection.execute(select(mapping_history)).all()) == 1
    with pytest.raises(MappingRefused, match="twice"):
        save(rig, change, change)
    with pytest.raises(MappingRefused, match="no kind"):
        save(rig, MappingChange("planet", "1", "2"))


def newest(rig: ListingRig) -> Any:
    with transaction() as connection:
        h = mapping_history.c
        return connection.execute(select(mapping_history).order_by(h.id.desc()).limit(1)).one()


def test_every_change_is_recorded_and_can_be_undone(rig: ListingRig) -> None:
    first, second = rig.easy_leaf(), rig.easy_leaf(1)
    save(rig, MappingChange("category", "1", first))
    made = newest(rig)
    save(rig, MappingChange("category", "1", second))
    changed = newest(rig)
    assert (made.before_id, made.after_id, made.by) == (None, first, "ada")
    assert (changed.before_id, changed.after_id) == (first, second)
    with pytest.raises(MappingConflict, match="changed again since"), transaction() as connection:
        undo(connection, rig.connection_id, made.id, ADA)
    with transaction() as connection:
        undo(connection, rig.connection_id, changed.id, ADA)
    assert [row.target_id for row in stored(rig)] == [first]
    with transaction() as connection:
        undo(connection, rig.connection_id, newest(rig).id, ADA)
        recorded = connection.execute(select(audit.c.login).where(audit.c.action == "set_mappings")).all()
    assert [row.target_id for row in stored(rig)] == [second]
    with pytest.raises(MappingRefused, match="no longer on record"), transaction() as connection:
        undo(connection, rig.connection_id, 999_999, ADA)
    assert len(recorded) >= 4


def test_a_removed_attribute_mapping_comes_back_whole(rig: ListingRig) -> None:
    source = attribute_source("*", "100107")
    save(rig, MappingChange("attribute", source, "", detail={"field": "Material"}))
    save(rig, MappingChange("attribute", source, None))
    assert stored(rig) == []
    with transaction() as connection:
        undo(connection, rig.connection_id, newest(rig).id, ADA)
        mapped = load_mapped(connection, rig.connection_id)
    assert mapped.attributes[source].field == "Material"


def test_a_required_attribute_is_demanded_until_it_is_mapped(rig: ListingRig) -> None:
    leaf, attribute = demanding_leaf(rig)
    with transaction() as connection:
        set_default_category(connection, rig.connection_id, leaf, ADA)
    shop_metadata.download_rules(rig.market, rig.connection_id)
    rig.judge()
    assert all("attribute_missing" in row.problem_codes for row in rig.states() if row.category_id == leaf)
    value = attribute.values[0][0]
    save(rig, MappingChange("attribute", attribute_source(leaf, attribute.id), value))
    rig.judge()
    assert not any("attribute_missing" in row.problem_codes for row in rig.states())


def demanding_leaf(rig: ListingRig) -> tuple[str, Any]:
    """A leaf whose only demand is one attribute with listed values, and that attribute."""
    c = shop_categories.c
    with transaction() as connection:
        leaves = list(connection.scalars(select(c.id).where(c.leaf, c.permission == "AVAILABLE").order_by(c.id)))
    for leaf in leaves:
        required = [one for one in rig.market.category_attributes(leaf) if one.required]
        if len(required) == 1 and required[0].values:
            return leaf, required[0]
    raise AssertionError("the sandbox has no leaf that demands one attribute")


def test_a_brand_is_sent_when_mapped_and_judged_again_when_not_authorised(rig: ListingRig) -> None:
    b = shop_brands.c
    with transaction() as connection:
        famous = connection.scalar(select(b.id).where(b.t1, ~b.authorised).limit(1))
        ours = connection.scalar(select(b.id).where(b.authorised).limit(1))
        set_default_category(connection, rig.connection_id, rig.easy_leaf(), ADA)
    rig.judge()
    row = next(row for row in rig.states() if "brand_unmapped" in row.problem_codes)
    with transaction() as connection:
        brand = load_products(connection, [row.product_id])[row.product_id].product.brand_id
    assert brand is not None and famous is not None and ours is not None
    save(rig, MappingChange("brand", brand, famous))
    rig.judge()
    assert "brand_unauthorised" in rig.state(row.product_id).problem_codes
    save(rig, MappingChange("brand", brand, ours))
    rig.judge()
    assert not {"brand_unauthorised", "brand_unmapped"} & set(rig.state(row.product_id).problem_codes)


def test_two_thousand_mappings_are_saved_at_once(rig: ListingRig) -> None:
    leaf = rig.easy_leaf()
    assert save(rig, *(MappingChange("category", f"c{number}", leaf, 0) for number in range(2000))) == 2000
    assert len(stored(rig)) == 2000
    assert save(rig, *(MappingChange("category", f"c{number}", None, 1) for number in range(2000))) == 2000
    assert stored(rig) == []


def test_the_shop_recommends_a_category(rig: ListingRig) -> None:
    row = next(row for row in rig.states() if row.category_ids)
    one = recommend_category(rig.market, rig.connection_id, row.title)
    many = recommend_for(rig.market, rig.connection_id, row.category_ids[0])
    assert one is not None and " > " in one.path
    assert many is not None and many.category_id
    with transaction() as connection:
        assert set_mapping(
            connection, rig.connection_id, MappingChange("category", row.category_ids[0], many.category_id), ADA
        )
