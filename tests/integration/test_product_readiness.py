"""product_readiness and picture_check on the demo catalogue: real Postgres, real sandbox."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from core.config import Settings
from core.db.catalogue import load_products, mark_deleted, save_products
from core.db.engine import now, transaction
from core.db.tables import pending_pictures, picture_checks, product_states, products, stock_deductions
from core.domain.catalog import Picture, Product, Variant
from core.domain.money import Money
from core.domain.own_content import OwnContentRefused
from core.domain.statuses import ProductStatus
from core.services import shop_metadata
from core.services.mappings import set_default_category
from core.services.own_categories import set_own_category
from core.services.own_content import save_own_content
from core.services.picture_check import check_pictures, look_again, look_again_at_unusable
from core.services.product_preview import preview
from core.services.product_readiness import assess_stale, drafts_for
from core.services.product_status import lock_states, mark_stale
from core.services.settings_of_connection import save_setting
from sandbox.catalogue import case_of
from tests.connect_rig import jobs
from tests.listing_rig import ListingRig, running_listing_rig
from tests.lock_rig import Waiting

PRODUCTS = 240


@pytest.fixture(scope="module")
def rig(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListingRig]:
    """The demo catalogue with a default category that demands nothing, judged, its pictures looked at."""
    with running_listing_rig(Path(tmp_path_factory.mktemp("sandbox")), PRODUCTS) as made:
        shop_metadata.download(made.market, made.connection_id)
        with transaction() as connection:
            set_default_category(connection, made.connection_id, made.easy_leaf(), made.rig.boss)
        made.judge()
        check_pictures(made.pictures, made.connection_id, seconds=600)
        made.judge()
        yield made


def by_case(rig: ListingRig) -> dict[str, Any]:
    """One state of each demo case, by the case's name."""
    rows = rig.states()
    return {case_of(number).partition(":")[2] or "good": row for number, row in reversed(list(enumerate(rows)))}


def test_every_product_has_been_judged_and_most_are_ready(rig: ListingRig) -> None:
    rows = rig.states()
    assert len(rows) == PRODUCTS
    assert all(row.assessed_hash for row in rows)
    ready = [row for row in rows if row.status == ProductStatus.READY]
    assert len(ready) > PRODUCTS * 0.6
    assert all(row.first_problem == "" or "error" not in json.dumps(row.problems) for row in ready)
    refused = [row for row in rows if row.status == ProductStatus.NOT_READY]
    assert all(row.first_problem for row in refused)
    assert {row.category_source for row in rows} == {"default"}


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("no_weight", "weight_missing"),
        ("no_picture", "picture_missing"),
        ("empty_description", "description_missing"),
        ("no_sku", "sku_missing"),
        ("sku_with_space", "sku_with_space"),
        ("long_sku", "sku_too_long"),
        ("wrong_gtin", "identifier_check_digit"),
        ("small_picture", "picture_too_small"),
        ("wide_picture", "picture_shape"),
        ("broken_picture", "picture_unusable"),
        ("missing_picture", "picture_unusable"),
        ("page_picture", "picture_unusable"),
        ("empty_picture", "picture_unusable"),
        ("heavy_picture", "picture_unusable"),
        ("loop_picture", "picture_unusable"),
        ("zero_price", "price_missing"),
        ("inactive", "inactive"),
        ("long_title", "title_too_long"),
    ],
)
def test_each_bad_demo_product_is_refused_for_its_own_reason(rig: ListingRig, case: str, code: str) -> None:
    row = by_case(rig)[case]
    assert row.status == ProductStatus.NOT_READY
    found = [problem for problem in row.problems if problem["code"] == code]
    assert found and found[0]["severity"] == "error"
    assert found[0]["sentence"] and found[0]["fix"]
    assert code in row.problem_codes


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("good", ""),
        ("does_not_apply_gtin", "identifier_missing"),
        ("emoji_title", "title_cleaned"),
        ("right_to_left_title", "title_cleaned"),
        ("zero_width_title", "title_cleaned"),
        ("script_title", "title_cleaned"),
        ("negative_stock", "stock_negative"),
        ("huge_stock", "stock_over_maximum"),
        ("many_variants", ""),
        ("wild_description", "description_reduced"),
        ("plain_webp_picture", "picture_changed"),
        ("plain_svg_picture", "picture_changed"),
        ("plain_heic_picture", "picture_changed"),
        ("transparent_png_picture", "picture_changed"),
        ("cmyk_jpg_picture", "picture_changed"),
        ("large_jpg_picture", "picture_changed"),
        ("rotated_jpg_picture", "picture_doubtful"),
        ("redirect_jpg_picture", ""),
        ("duplicate_jpg_picture", "picture_identical"),
        ("warning_jpg_picture", "picture_doubtful"),
    ],
)
def test_odd_demo_products_are_ready_and_say_what_changes(rig: ListingRig, case: str, code: str) -> None:
    row = by_case(rig)[case]
    assert row.status == ProductStatus.READY, row.first_problem
    assert not code or code in row.problem_codes


def test_all_pictures_have_been_looked_at(rig: ListingRig) -> None:
    with transaction() as connection:
        assert connection.scalar(select(func.count()).select_from(pending_pictures)) == 0
        seen = connection.execute(select(picture_checks)).all()
    assert len(seen) > PRODUCTS
    assert not any("picture_unchecked" in row.problem_codes for row in rig.states())
    good = [row for row in seen if not row.error]
    assert all(row.format and row.digest for row in good)
    films = [row for row in good if row.format == "MP4"]
    assert films
    assert all(row.width and row.height for row in good if row not in films)


def test_what_would_be_sent_is_told_before_it_is_sent(rig: ListingRig) -> None:
    cases = by_case(rig)
    good = preview(rig.connection_id, cases["good"].product_id)
    assert good is not None
    with transaction() as connection:
        ((_, draft),) = drafts_for(connection, rig.connection_id, [cases["good"].product_id]).popitem()[1].drafts
    assert (good.ready, good.titles, good.description) == (True, (draft.title,), draft.description)
    assert len(good.pictures) == len(draft.picture_urls)
    assert all(one.notes for one in good.pictures)
    wild = preview(rig.connection_id, cases["wild_description"].product_id)
    assert wild is not None
    assert any(note.startswith("The description is sent without ") for note in wild.notes)
    drawn = preview(rig.connection_id, cases["plain_svg_picture"].product_id)
    assert drawn is not None
    assert any("becomes a JPEG" in note for one in drawn.pictures for note in one.notes)


def test_what_is_not_ready_is_shown_as_well(rig: ListingRig) -> None:
    row = by_case(rig)["no_weight"]
    shown = preview(rig.connection_id, row.product_id)
    assert shown is not None
    assert not shown.ready
    assert shown.titles == (row.title,)
    assert shown.description.startswith("<p>")
    assert shown.pictures
    assert preview(rig.connection_id, 0) is None


def test_drafts_carry_the_databases_ids_and_the_default_warehouse(rig: ListingRig) -> None:
    row = by_case(rig)["good"]
    with transaction() as connection:
        (assessment,) = drafts_for(connection, rig.connection_id, [row.product_id]).values()
        stored = load_products(connection, [row.product_id])[row.product_id]
    ((variant, draft),) = assessment.drafts
    assert variant is None
    assert draft.product_id == str(row.product_id)
    assert {sku.variant_id for sku in draft.skus} == {str(own) for own in stored.variant_ids.values()}
    warehouses = {one.id: one for one in rig.market.warehouses()}
    assert warehouses[draft.warehouse_id].kind == "SALES_WAREHOUSE"
    assert draft.category_id == row.category_id


def added(rig: ListingRig, remote_id: str, **changes: Any) -> int:
    """A product of our own in the store account; marked stale like one that was pulled."""
    variant = {"sku": f"OWN-{remote_id}", "price": Decimal(5), "stock": 3, "weight_kg": Decimal(1), "gtin": None}
    own = {name: changes.pop(name) for name in list(changes) if name in variant}
    url = f"{rig.rig.url}/pictures/plain/mug-teal/own-1.jpg"
    product = Product(
        remote_id=remote_id,
        title=changes.pop("title", f"Own product {remote_id}"),
        description="<p>A thing.</p>",
        active=True,
        url="https://shop.example/x",
        variants=(Variant("0", **(variant | own)),),
        pictures=changes.pop("pictures", (Picture(url),)),
    )
    with transaction() as connection:
        save_products(connection, rig.store_account_id, [product], seen_at=now())
        found = select(products.c.id).where(products.c.remote_id == remote_id)
        (product_id,) = connection.scalars(found.where(products.c.store_account_id == rig.store_account_id))
        mark_stale(connection, store_account_id=rig.store_account_id, product_ids=[product_id])
    return int(product_id)


def test_what_is_sold_already_is_not_listed_again(rig: ListingRig) -> None:
    """Units that another Shop of the same store has sold are not in the store's stock for long (K8)."""
    product_id = added(rig, "sold-elsewhere", stock=3)
    account = {"store_account_id": rig.store_account_id}
    with transaction() as connection:
        (variant_id,) = load_products(connection, [product_id])[product_id].variant_ids.values()
        connection.execute(insert(stock_deductions), [account | {"variant_id": variant_id}] * 2)
        (assessment,) = drafts_for(connection, rig.connection_id, [product_id]).values()
    ((_, draft),) = assessment.drafts
    assert [sku.quantity for sku in draft.skus] == [1]


def test_a_shared_sku_concerns_both_products_and_so_does_its_end(rig: ListingRig) -> None:
    first, second = added(rig, "t1", title="First twin", sku="TWIN-1"), added(rig, "t2", sku="OTHER-1")
    rig.judge()
    assert "sku_duplicate" not in rig.state(first).problem_codes
    added(rig, "t2", title="Second twin", sku="TWIN-1")
    rig.judge()
    for one, other in ((first, "Second twin"), (second, "First twin")):
        (problem,) = [found for found in rig.state(one).problems if found["code"] == "sku_duplicate"]
        assert other in problem["sentence"]
    added(rig, "t2", sku="OTHER-1")
    rig.judge()
    assert "sku_duplicate" not in rig.state(first).problem_codes + rig.state(second).problem_codes


def test_a_shared_code_names_the_other_sku(rig: ListingRig) -> None:
    code = "4006381333931"
    first, second = added(rig, "g1", gtin=code), added(rig, "g2", gtin=code)
    rig.judge()
    sentences = [rig.state(one).first_problem for one in (first, second)]
    assert "“OWN-g2”" in sentences[0] and "“OWN-g1”" in sentences[1]
    added(rig, "g2")
    rig.judge()
    assert "identifier_duplicate" not in rig.state(first).problem_codes


def test_settings_count_at_the_next_look(rig: ListingRig) -> None:
    row = by_case(rig)["no_weight"]
    with transaction() as connection:
        save_setting(connection, rig.connection_id, "default_weight_kg", "0.5", rig.rig.boss)
        save_setting(connection, rig.connection_id, "price_markup_percent", "10", rig.rig.boss)
    rig.judge_all()
    state = rig.state(row.product_id)
    assert state.status == ProductStatus.READY
    assert "weight_default" in state.problem_codes
    good = by_case(rig)["good"]
    with transaction() as connection:
        (made,) = drafts_for(connection, rig.connection_id, [good.product_id]).values()
        stored = load_products(connection, [good.product_id])[good.product_id]
        save_setting(connection, rig.connection_id, "default_weight_kg", None, rig.rig.boss)
        save_setting(connection, rig.connection_id, "price_markup_percent", "0", rig.rig.boss)
    asked = stored.product.variants[0].sale_price or stored.product.variants[0].price
    assert asked is not None
    assert made.drafts[0][1].skus[0].price.amount == Money(asked * Decimal("1.1"), "GBP").rounded().amount
    rig.judge_all()


def test_a_product_may_have_a_category_of_its_own(rig: ListingRig) -> None:
    row, leaf = by_case(rig)["good"], rig.easy_leaf(1)
    with transaction() as connection:
        assert set_own_category(connection, rig.connection_id, [row.product_id], leaf, rig.rig.boss) == 1
        assert set_own_category(connection, rig.connection_id, [row.product_id], leaf, rig.rig.boss) == 0
    rig.judge()
    state = rig.state(row.product_id)
    assert (state.category_id, state.category_source, state.status) == (leaf, "own", ProductStatus.READY)
    with transaction() as connection:
        set_own_category(connection, rig.connection_id, [row.product_id], None, rig.rig.boss)
    rig.judge()
    assert rig.state(row.product_id).category_source == "default"


def test_what_a_product_says_on_tiktok_only_is_what_is_sent(rig: ListingRig) -> None:
    row = by_case(rig)["good"]
    picture = f"{rig.rig.url}/media/own-only.jpg"
    entered = {
        "title": "A title for TikTok",
        "description": f'Mine<p><img src="{picture}"></p>',
        "weight_kg": "3",
        "length_cm": "30",
        "width_cm": "20",
        "height_cm": "10",
    }
    with transaction() as connection:
        assert save_own_content(connection, rig.connection_id, row.product_id, entered, rig.rig.boss)
        assert not save_own_content(connection, rig.connection_id, row.product_id, entered, rig.rig.boss)
        (made,) = drafts_for(connection, rig.connection_id, [row.product_id]).values()
        ((_, draft),) = made.drafts
    assert (draft.title, draft.description.startswith("<p>Mine</p>")) == ("A title for TikTok", True)
    assert (draft.package.weight_kg, draft.package.length_cm, draft.package.height_cm) == (Decimal(3), 30, 10)
    assert rig.state(row.product_id).assessed_hash is None
    assert picture in made.unchecked_pictures
    with transaction() as connection:
        connection.execute(
            insert(picture_checks).values(url=picture, width=800, height=800, format="JPEG", bytes=9_000, digest="own")
        )
        (again,) = drafts_for(connection, rig.connection_id, [row.product_id]).values()
        assert picture not in again.unchecked_pictures, "what is known of a picture of its own is read"
        assert save_own_content(connection, rig.connection_id, row.product_id, {}, rig.rig.boss)
        (stores,) = drafts_for(connection, rig.connection_id, [row.product_id]).values()
    assert stores.drafts[0][1].title != "A title for TikTok"
    rig.judge()


def test_nothing_is_kept_for_a_product_that_is_gone(rig: ListingRig) -> None:
    with transaction() as connection, pytest.raises(OwnContentRefused, match="no longer has this product"):
        save_own_content(connection, rig.connection_id, 0, {"title": "Jar"}, rig.rig.boss)


def test_a_product_that_changes_while_it_is_judged_is_judged_once_more(rig: ListingRig) -> None:
    product_id = added(rig, "race", title="Before")
    with transaction() as connection:
        connection.execute(text("SELECT 1 FROM product_states WHERE product_id = :id FOR UPDATE"), {"id": product_id})
        rig.judge()  # leaves alone what somebody else is writing
    assert rig.state(product_id).assessed_hash is None
    for number in range(6):
        changed = threading.Thread(target=added, args=(rig, "race"), kwargs={"title": f"Race {number}" * (number % 2)})
        changed.start()
        rig.judge()
        changed.join()
        rig.judge()
        assert ("title_missing" in rig.state(product_id).problem_codes) is (number % 2 == 0)


def test_one_that_is_gone_from_the_store_is_settled(rig: ListingRig) -> None:
    product_id = added(rig, "gone")
    with transaction() as connection:
        connection.execute(update(products).where(products.c.id == product_id).values(deleted_at=now()))
    rig.judge()
    assert rig.state(product_id).problem_codes == []
    assert rig.state(product_id).assessed_hash == "gone"
    with transaction() as connection:
        assert drafts_for(connection, rig.connection_id, [product_id]) == {}


def test_trouble_of_the_moment_is_tried_again_and_then_given_up(rig: ListingRig) -> None:
    check_pictures(rig.pictures, rig.connection_id, seconds=600)
    product_id = added(rig, "dead", pictures=(Picture(f"{rig.rig.url}/pictures/slow/mug-teal/x-1.jpg"),))
    with transaction() as connection:
        connection.execute(delete(picture_checks).where(picture_checks.c.url.like("%/slow/%")))
        mark_stale(connection, connection_id=rig.connection_id, product_ids=[product_id])
    rig.judge()
    impatient = type(rig.pictures)((rig.rig.url,), seconds=0.2)
    assert check_pictures(impatient, rig.connection_id) == 0
    with transaction() as connection:
        waiting = connection.execute(select(pending_pictures)).one()
        assert waiting.tries == 1 and waiting.not_before > now()
        connection.execute(update(pending_pictures).values(tries=3, not_before=None))
    assert any(name == "picture_check" for name, _ in jobs())
    assert rig.state(product_id).status == ProductStatus.READY
    check_pictures(impatient, rig.connection_id)
    rig.judge()
    assert "did not arrive within 0.2 seconds" in rig.state(product_id).first_problem
    with transaction() as connection:
        look_again(connection, rig.connection_id, [product_id])
    rig.judge()
    check_pictures(rig.pictures, rig.connection_id, seconds=600)
    rig.judge()
    assert rig.state(product_id).status == ProductStatus.READY
    impatient.close()


def refused_once(rig: ListingRig, remote_id: str, **changes: Any) -> int:
    """A product whose pictures were looked at while their host refused them."""
    product_id = added(rig, remote_id, **changes)
    rig.judge()
    strict = type(rig.pictures)(())
    check_pictures(strict, rig.connection_id, seconds=600)
    strict.close()
    rig.judge()
    return product_id


def test_a_picture_that_failed_once_is_looked_at_again_when_a_person_asks(rig: ListingRig) -> None:
    pictures = tuple(Picture(f"{rig.rig.url}/pictures/plain/mug-teal/once-{view}.jpg") for view in (1, 2))
    product_id = refused_once(rig, "once", pictures=pictures)
    assert rig.state(product_id).status == ProductStatus.NOT_READY
    with transaction() as connection:
        look_again(connection, rig.connection_id, [product_id])
    rig.judge()
    assert rig.state(product_id).status == ProductStatus.NOT_READY, "what is known holds until it is looked at"
    assert any(name == "picture_check" for name, _ in jobs())
    check_pictures(rig.pictures, rig.connection_id, seconds=600)
    rig.judge()
    assert rig.state(product_id).status == ProductStatus.READY


def test_pictures_for_tiktok_only_are_looked_at_again_too(rig: ListingRig) -> None:
    product_id = added(rig, "own-again")
    picture = f"{rig.rig.url}/pictures/plain/mug-teal/again-1.jpg"
    with transaction() as connection:
        connection.execute(insert(picture_checks).values(url=picture, error="it was not there."))
        entered = {"description": f'Mine<p><img src="{picture}"></p>'}
        save_own_content(connection, rig.connection_id, product_id, entered, rig.rig.boss)
    rig.judge()
    assert "description_picture" in rig.state(product_id).problem_codes
    look_again_at_unusable(rig.connection_id)
    check_pictures(rig.pictures, rig.connection_id, seconds=600)
    rig.judge()
    assert "description_picture" not in rig.state(product_id).problem_codes


def test_once_a_day_only_what_could_not_be_used_is_looked_at_again(rig: ListingRig) -> None:
    good = f"{rig.rig.url}/pictures/plain/mug-teal/own-1.jpg"
    check_pictures(rig.pictures, rig.connection_id, seconds=600)
    bad = f"{rig.rig.url}/pictures/plain/mug-teal/daily-1.jpg"
    product_id = refused_once(rig, "daily", pictures=(Picture(good), Picture(bad)))
    look_again_at_unusable(rig.connection_id)
    with transaction() as connection:
        ours = select(pending_pictures.c.url).where(pending_pictures.c.product_id == product_id)
        assert list(connection.scalars(ours)) == [bad]
    check_pictures(rig.pictures, rig.connection_id, seconds=600)
    rig.judge()
    assert rig.state(product_id).status == ProductStatus.READY


def test_what_waits_for_readiness_holds_nothing_that_readiness_wants(rig: ListingRig) -> None:
    rows = by_case(rig)
    product_id = added(rig, "lock", pictures=(Picture(f"{rig.rig.url}/pictures/plain/mug-teal/lock-1.jpg"),))
    rig.judge()

    def look_at_bad_ones_again() -> None:
        with transaction() as connection:
            look_again(connection, rig.connection_id, [rows["broken_picture"].product_id])

    def say_something_else() -> None:
        with transaction() as connection:
            save_own_content(connection, rig.connection_id, product_id, {"title": "Mine"}, rig.rig.boss)

    for work in (
        lambda: check_pictures(rig.pictures, rig.connection_id, seconds=600),
        look_at_bad_ones_again,
        say_something_else,
    ):
        with transaction() as connection:
            lock_states(connection, rig.connection_id)
            waiting = Waiting(work)
            for table in (product_states, pending_pictures, picture_checks, products):
                connection.execute(select(table).with_for_update(nowait=True)).all()
        waiting.finish()
    rig.judge()


def test_a_product_is_marked_deleted_while_readiness_names_it(rig: ListingRig) -> None:
    product_id = added(rig, "named")
    with transaction() as readiness, transaction() as reading:
        named = {"product_id": product_id, "store_account_id": rig.store_account_id, "url": "http://x.invalid/1.jpg"}
        readiness.execute(insert(pending_pictures).values(named))
        reading.execute(text("SET LOCAL lock_timeout = '1s'"))
        assert mark_deleted(reading, rig.store_account_id, ["named"], asked_at=now()) == [product_id]
        readiness.rollback()
    rig.judge()


def test_two_at_once_share_the_work(rig: ListingRig) -> None:
    with transaction() as connection:
        mark_stale(connection, connection_id=rig.connection_id)
        total = connection.scalar(
            select(func.count()).where(
                product_states.c.connection_id == rig.connection_id, product_states.c.assessed_hash.is_(None)
            )
        )
    done: list[int] = []

    def work() -> None:
        while count := assess_stale(rig.connection_id, batch=20):
            done.append(count)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(done) == total
    assert all(row.assessed_hash for row in rig.states())


def test_judging_is_quick(rig: ListingRig) -> None:
    with transaction() as connection:
        mark_stale(connection, connection_id=rig.connection_id)
    began = time.process_time()
    count = rig.judge()
    seconds = time.process_time() - began  # of this process alone, so that other work beside it does not count
    assert count / seconds > 150  # several times below what a quiet machine does
