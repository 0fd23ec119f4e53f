"""shop_metadata: categories, brands, warehouses and rules from the Shop, over HTTP, kept and refreshed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import category_rules, product_states, shop_brands, shop_categories, warehouses
from core.domain.errors import RemoteError
from core.services import shop_metadata
from core.services.listing_context import load_rules
from core.services.mappings import set_default_category
from tests.connect_rig import jobs
from tests.listing_rig import ListingRig, running_listing_rig


@pytest.fixture(scope="module")
def rig(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListingRig]:
    with running_listing_rig(Path(tmp_path_factory.mktemp("sandbox")), 20) as made:
        yield made


def test_everything_is_read_and_paths_are_built(rig: ListingRig) -> None:
    done = shop_metadata.download(rig.market, rig.connection_id)
    assert done.changed
    c = shop_categories.c
    with transaction() as connection:
        leaves = connection.scalar(select(func.count()).where(c.shop_id == rig.shop_id, c.leaf))
        deepest = connection.execute(select(c.path, c.name, c.parent_id).where(c.leaf).limit(50)).all()
        parents = set(connection.scalars(select(c.id).where(~c.leaf)))
        brands = connection.scalar(select(func.count()).select_from(shop_brands))
        t1 = connection.scalar(select(func.count()).where(shop_brands.c.t1, ~shop_brands.c.authorised))
        default = connection.execute(select(warehouses).where(warehouses.c.is_default)).all()
    assert leaves == 1571
    assert done.categories > leaves
    assert all(row.path.endswith(f" > {row.name}") and row.parent_id in parents for row in deepest)
    assert brands == done.brands > 100
    assert t1 and t1 > 0
    assert [row.kind for row in default].count("SALES_WAREHOUSE") == 1


def test_reading_the_same_again_changes_nothing_and_judges_nothing(rig: ListingRig) -> None:
    rig.judge()
    before = {row.product_id: row.assessed_hash for row in rig.states()}
    assert not shop_metadata.download(rig.market, rig.connection_id).changed
    assert {row.product_id: row.assessed_hash for row in rig.states()} == before
    assert None not in before.values()


def test_the_rules_of_a_newly_used_category_are_read_and_products_judged_again(rig: ListingRig) -> None:
    with transaction() as connection:
        c = shop_categories.c
        leaf = connection.scalar(select(c.id).where(c.leaf, c.path.like("Toys%"), c.permission == "AVAILABLE").limit(1))
        assert leaf is not None
        set_default_category(connection, rig.connection_id, leaf, rig.rig.boss)
        assert shop_metadata.used_categories(connection, rig.connection_id) == [leaf]
    assert ("category_rules", {"connection_id": rig.connection_id}) in jobs()
    rig.judge()
    assert all("category_rules_unread" in row.problem_codes for row in rig.states() if row.category_id == leaf)
    assert shop_metadata.download_rules(rig.market, rig.connection_id) == 1
    assert shop_metadata.download_rules(rig.market, rig.connection_id) == 0
    rig.judge()
    assert not any("category_rules_unread" in row.problem_codes for row in rig.states())
    with transaction() as connection:
        rules = load_rules(connection, rig.connection_id)
    assert rules.category_rules[leaf] == rig.market.category_rule(leaf)
    assert rules.category_attributes[leaf] == rig.market.category_attributes(leaf)


def test_attributes_that_were_stored_before_their_conditions_are_still_read(rig: ListingRig) -> None:
    battery = "101127"
    leaf = "986248"  # Computers & Office Equipment > Office Equipment
    attributes = rig.market.category_attributes(leaf)
    with transaction() as connection:
        shop_metadata.save_category_rule(connection, rig.shop_id, rig.market.category_rule(leaf), attributes)
        assert load_rules(connection, rig.connection_id, also=[leaf]).category_attributes[leaf] == attributes
        older = (
            "UPDATE category_rules SET attributes = (SELECT jsonb_agg(one - 'conditions') FROM jsonb_array_elements("
        )
        connection.execute(text(f"{older}attributes) AS one) WHERE category_id = :leaf"), {"leaf": leaf})
        read = load_rules(connection, rig.connection_id, also=[leaf]).category_attributes[leaf]
    assert [one.id for one in read] == [one.id for one in attributes]
    assert next(one for one in read if one.id == battery).conditions == ()


def test_a_category_that_goes_or_turns_into_a_branch_is_noticed(rig: ListingRig) -> None:
    with transaction() as connection:
        state = connection.execute(select(product_states.c.category_id).limit(1)).scalar_one()
        c = shop_categories.c
        connection.execute(update(shop_categories).where(c.id == state).values(leaf=False))
        invented = {"shop_id": rig.shop_id, "id": "999", "parent_id": "0", "name": "X", "path": "X"}
        connection.execute(shop_categories.insert().values(**invented, leaf=True, permission="AVAILABLE"))
        connection.execute(
            shop_brands.insert().values(shop_id=rig.shop_id, id="9", name="X", authorised=True, t1=False)
        )
        connection.execute(update(category_rules).values(fetched_at=func.now()))
    assert shop_metadata.download(rig.market, rig.connection_id).changed
    with transaction() as connection:
        assert connection.scalar(select(c.leaf).where(c.id == state)) is True
        assert connection.scalar(select(func.count()).where(c.id == "999")) == 0
        assert connection.scalar(select(func.count()).where(shop_brands.c.id == "9")) == 0
    assert any(row.assessed_hash is None for row in rig.states())


def test_trouble_in_the_middle_keeps_what_was_read_before_it(rig: ListingRig) -> None:
    with transaction() as connection:
        connection.execute(warehouses.delete())
        connection.execute(
            shop_brands.insert().values(shop_id=rig.shop_id, id="9", name="X", authorised=True, t1=False)
        )
    rule = {"vendor": "tiktok", "endpoint": "GET /product/202309/brands", "fault": "http_500", "times": None}
    rig.rig.control.post("/_sandbox/faults", json={"rules": [rule]}).raise_for_status()
    try:
        with pytest.raises(RemoteError):
            shop_metadata.download(rig.market, rig.connection_id)
    finally:
        rig.rig.control.delete("/_sandbox/faults")
    with transaction() as connection:
        assert connection.scalar(select(func.count()).select_from(warehouses)) > 0
        assert connection.scalar(select(func.count()).where(shop_brands.c.id == "9")) == 1
