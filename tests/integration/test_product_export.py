"""product_export against the sandbox: sent once, answers lost and found, refused, edited, deleted and sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, insert, select, text, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import (
    connections,
    listing_skus,
    listings,
    picture_checks,
    product_states,
    products,
    run_items,
    runs,
    uploaded_pictures,
    variants,
)
from core.domain.filters import ProductFilter, Selection
from core.domain.mapping import ATTRIBUTE
from core.jobs import handlers
from core.services import product_export
from core.services.listing_pictures import PictureTrouble, known_pictures, pictures_of, upload_pictures
from core.services.live import NotLive, live
from core.services.mappings import MappingChange, set_default_category, set_mappings
from core.services.own_categories import set_own_category
from core.services.picture_check import check_pictures
from core.services.product_export import LostItem, Sending, export_item, start_send
from core.services.product_export_facts import prepare
from core.services.product_export_skips import plan_send
from core.services.product_readiness import drafts_for
from core.services.product_status import refresh_status
from core.services.runs import Item, Outcome, stop_runs
from core.services.settings_of_connection import save_setting
from core.services.shop_metadata import save_category_rule
from core.services.stock_offers import live_listing_ids
from tests.connect_rig import jobs
from tests.listing_rig import ListingRig, running_listing_rig
from tests.tiktok_caller import Caller
from tests.waiting import HTTP_S

BATTERY_LEAF = "986248"  # Computers & Office Equipment > Office Equipment
CREATE = "POST /product/202309/products"
EDIT = "PUT /product/202509/products/{product_id}"


@pytest.fixture(scope="module")
def rig(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListingRig]:
    with running_listing_rig(Path(tmp_path_factory.mktemp("sandbox")), 60) as made:
        made.rig.control.post("/_sandbox/limits", json={"off": True}).raise_for_status()
        from core.services import shop_metadata

        shop_metadata.download(made.market, made.connection_id)
        leaf = made.easy_leaf()
        with transaction() as connection:
            set_default_category(connection, made.connection_id, leaf, made.rig.boss)
        made.judge_all()
        yield made


@pytest.fixture(autouse=True)
def no_faults(rig: ListingRig) -> Iterator[None]:
    yield
    rig.rig.control.delete("/_sandbox/faults").raise_for_status()


def ready_products(rig: ListingRig, count: int) -> list[int]:
    """Ready products of which nothing was ever sent, with one variant and a picture each."""
    with_one = (
        select(product_states.c.product_id)
        .join(products, products.c.id == product_states.c.product_id)
        .where(
            product_states.c.connection_id == rig.connection_id,
            product_states.c.status == "ready",
            products.c.variant_count == 1,
            ~product_states.c.problem_codes.overlap(["picture_unusable", "picture_missing"]),
            products.c.id.not_in(select(listings.c.product_id)),
        )
        .order_by(products.c.id)
        .limit(count)
    )
    with transaction() as connection:
        found = list(connection.execute(with_one).scalars())
    assert len(found) == count, "the demo catalogue has too few ready products"
    return found


def send(rig: ListingRig, product_id: int, attempt: int = 1) -> Outcome:
    sending = Sending(live(rig.connection_id), rig.market, rig.pictures, lambda: True)
    return export_item(sending, Item(0, 0, rig.connection_id, "product", product_id, attempt))


def listing_of(product_id: int) -> Any:
    wanted = select(listings).where(listings.c.product_id == product_id, listings.c.ended_at.is_(None))
    with transaction() as connection:
        return connection.execute(wanted).one()


def becomes(rig: ListingRig, product_id: int, tiktok_status: str, audit_status: str = "NONE") -> None:
    """The Shop has said so, and we have read it."""
    with transaction() as connection:
        told = update(listings).where(listings.c.product_id == product_id, listings.c.ended_at.is_(None))
        connection.execute(told.values(tiktok_status=tiktok_status, audit_status=audit_status))
        refresh_status(connection, rig.connection_id, [product_id])


def retitle(product_id: int, title: str) -> None:
    with transaction() as connection:
        changed = {"title": title, "content_hash": title}
        connection.execute(update(products).where(products.c.id == product_id).values(**changed))


def let_leases_end(product_id: int) -> None:
    """As when their holder has been gone for long."""
    with transaction() as connection:
        mine = listings.c.product_id == product_id
        connection.execute(update(listings).where(mine).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))


def faults(rig: ListingRig, fault: str, times: int, endpoint: str = CREATE) -> None:
    rule = {"vendor": "tiktok", "endpoint": endpoint, "fault": fault, "rate": 1.0, "times": times}
    rig.rig.control.post("/_sandbox/faults", json={"seed": 1, "rules": [rule]}).raise_for_status()


def in_sandbox(rig: ListingRig) -> dict[str, Any]:
    state: dict[str, Any] = rig.rig.control.get("/_sandbox/state").json()["tiktok"]
    return state


def test_a_ready_product_is_sent_and_goes_into_review(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    outcome = send(rig, product_id)
    assert (outcome.status, outcome.code) == ("done", "")
    listing = listing_of(product_id)
    assert (listing.state, listing.tiktok_status, listing.audit_status) == ("sent", "PENDING", "AUDITING")
    assert rig.market.listing(listing.remote_id).status == "PENDING"
    assert rig.state(product_id).status == "under_review"
    assert rig.state(product_id).sync == "sent"
    with transaction() as connection:
        sku = connection.execute(select(listing_skus).where(listing_skus.c.listing_id == listing.id)).one()
    assert sku.remote_id
    assert sku.quantity_acknowledged_at is not None


def test_sending_again_unchanged_does_nothing(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    becomes(rig, product_id, "ACTIVATE", "APPROVED")
    before = rig.rig.calls(CREATE), rig.rig.calls(EDIT)
    assert send(rig, product_id).code == "unchanged"
    assert (rig.rig.calls(CREATE), rig.rig.calls(EDIT)) == before


def test_an_answer_lost_after_the_effect_is_found_by_reading_back(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    faults(rig, "cut_after", 1)
    lost = send(rig, product_id)
    assert lost.status == "unknown"
    assert listing_of(product_id).state == "unknown"
    assert rig.state(product_id).status == "unknown"
    created = in_sandbox(rig)["products_created"]
    found = send(rig, product_id)
    assert found.status == "done"
    assert "read back" in found.sentence
    assert listing_of(product_id).state == "sent"
    assert in_sandbox(rig)["products_created"] == created
    assert in_sandbox(rig)["duplicates"] == 0


def test_a_kill_between_the_intent_and_the_call_sends_the_same_bytes_once(
    rig: ListingRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (product_id,) = ready_products(rig, 1)

    class Killed(BaseException):
        """Nothing after this line of the process ran."""

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(product_export, "_call", killed)
        with pytest.raises(Killed):
            send(rig, product_id)
    intent = listing_of(product_id)
    assert intent.state == "sending"
    assert send(rig, product_id).status == "waiting"
    let_leases_end(product_id)
    assert send(rig, product_id).status == "done"
    sent = listing_of(product_id)
    assert (bytes(sent.body), sent.idempotency_key) == (bytes(intent.body), intent.idempotency_key)
    assert in_sandbox(rig)["duplicates"] == 0


def test_when_reading_back_finds_nothing_the_same_key_is_used_again(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    faults(rig, "cut_after", 1)
    send(rig, product_id)
    with transaction() as connection:
        # An intent younger than the Shop's listing: the read-back does not take the listing for its own.
        later = {"intended_at": datetime.now(UTC) + timedelta(hours=1)}
        connection.execute(update(listings).where(listings.c.product_id == product_id).values(**later))
    replays = in_sandbox(rig)["idempotent_replays"]
    assert send(rig, product_id).status == "done"
    assert in_sandbox(rig)["idempotent_replays"] == replays + 1
    assert in_sandbox(rig)["duplicates"] == 0


def test_an_outcome_that_stays_open_is_looked_at_ever_later_and_then_given_up(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    faults(rig, "cut_before", 50)
    waits = []
    for attempt in (1, 5, 11):
        outcome = send(rig, product_id, attempt)
        assert outcome.status == "unknown"
        assert outcome.not_before is not None
        waits.append(outcome.not_before - datetime.now(UTC))
    assert timedelta(seconds=0) < waits[0] < waits[1] < waits[2] <= timedelta(minutes=5)
    given_up = send(rig, product_id, 12)
    assert (given_up.status, given_up.code) == ("failed", "open")
    assert listing_of(product_id).state == "unknown", "the next send settles it"
    rig.rig.control.delete("/_sandbox/faults").raise_for_status()
    assert send(rig, product_id).status == "done"


def test_a_call_cut_before_its_effect_is_made_again(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    faults(rig, "cut_before", 1)
    outcomes = [send(rig, product_id).status for _ in range(3)]
    assert "done" in outcomes
    assert in_sandbox(rig)["duplicates"] == 0


def test_the_daily_allowance_parks_a_product_until_tomorrow(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    shop = rig.rig.control.get("/_sandbox/state").json()["tiktok"]["shops"]
    shop_id = next(iter(shop))
    rig.rig.control.post("/_sandbox/limits", json={"tiktok": {"daily_products": {shop_id: 0}}}).raise_for_status()
    parked = send(rig, product_id)
    rig.rig.control.post("/_sandbox/limits", json={"tiktok": {"daily_products": {shop_id: 1000}}}).raise_for_status()
    assert (parked.status, parked.code) == ("waiting", "allowance")
    assert parked.not_before is not None
    assert parked.not_before > datetime.now(UTC)
    assert listing_of(product_id).state == "intended"
    assert send(rig, product_id).status == "done"
    assert listing_of(product_id).generation == 2


def test_a_product_that_is_not_ready_says_why(rig: ListingRig) -> None:
    wanted = select(product_states.c.product_id).where(product_states.c.status == "not_ready").limit(1)
    with transaction() as connection:
        product_id = connection.execute(wanted).scalar_one()
    outcome = send(rig, product_id)
    assert plan_send(rig.connection_id, Selection(ids=(product_id,))).skipped == (("Not ready", 1),)
    assert outcome.status == "skipped"
    assert outcome.code.startswith("not_ready:")
    assert outcome.sentence.startswith("Not ready: ")


@pytest.mark.parametrize(
    ("told", "word"),
    [
        (("PENDING", "AUDITING"), "Under review"),
        (("ACTIVATE", "AUDITING"), "Under review"),
        (("FREEZE", "NONE"), "Suspended"),
        (("PLATFORM_DEACTIVATED", "NONE"), "Suspended"),
    ],
)
def test_what_the_shop_holds_is_left_alone_as_the_dry_run_says(
    rig: ListingRig, told: tuple[str, str], word: str
) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    becomes(rig, product_id, *told)
    retitle(product_id, "A better title for it")
    before = listing_of(product_id), rig.rig.calls(EDIT)
    assert plan_send(rig.connection_id, Selection(ids=(product_id,))).skipped == ((word, 1),)
    outcome = send(rig, product_id)
    assert (outcome.status, outcome.code) == ("skipped", word.lower().replace(" ", "_"))
    assert outcome.sentence.startswith(f"{word}: ")
    assert (listing_of(product_id), rig.rig.calls(EDIT)) == before


def test_a_variant_under_review_is_left_alone_while_another_goes(rig: ListingRig) -> None:
    """Listed on their own (G1), variants share the product's word: the one that most needs a person."""
    wanted = select(products.c.id).where(
        products.c.variant_count > 1, products.c.id.not_in(select(listings.c.product_id))
    )
    with transaction() as connection:
        candidates = list(connection.scalars(wanted.order_by(products.c.id)))
        save_setting(connection, rig.connection_id, "list_variants_separately", True, rig.rig.boss)
    try:
        rig.judge_all()
        product_id = next(one for one in candidates if rig.state(one).status == "ready")
        assert send(rig, product_id).status == "done"
        with transaction() as connection:
            mine = listings.c.product_id == product_id
            first, *others = list(connection.scalars(select(listings.c.id).where(mine).order_by(listings.c.id)))
            refused = update(listings).where(listings.c.id == first)
            connection.execute(refused.values(tiktok_status="FAILED", audit_status="FAILED"))
            refresh_status(connection, rig.connection_id, [product_id])
        assert rig.state(product_id).status == "failed_review"
        retitle(product_id, "A better title for all of them")
        assert send(rig, product_id).status == "done"
        with transaction() as connection:
            rounds = dict(connection.execute(select(listings.c.id, listings.c.review_round).where(mine)).all())
        assert rounds == {first: 2} | dict.fromkeys(others, 1)
        becomes(rig, product_id, "ACTIVATE", "APPROVED")
        with transaction() as connection:
            connection.execute(update(listings).where(listings.c.id == others[-1]).values(audit_status="AUDITING"))
            refresh_status(connection, rig.connection_id, [product_id])
        assert send(rig, product_id).code == "under_review", "one of them is, so all of them wait"
    finally:
        with transaction() as connection:
            save_setting(connection, rig.connection_id, "list_variants_separately", False, rig.rig.boss)
        rig.judge_all()


def test_one_that_is_switched_off_is_skipped(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    with transaction() as connection:
        connection.execute(update(product_states).where(product_states.c.product_id == product_id).values(sell=False))
        refresh_status(connection, rig.connection_id, [product_id])
    assert plan_send(rig.connection_id, Selection(ids=(product_id,))).skipped == (("Off", 1),)
    assert (send(rig, product_id).status, send(rig, product_id).code) == ("skipped", "off")


def test_an_open_outcome_is_settled_though_the_product_is_not_ready(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    faults(rig, "cut_after", 1)
    assert send(rig, product_id).status == "unknown"
    with transaction() as connection:
        connection.execute(update(products).where(products.c.id == product_id).values(active=False))
    assert send(rig, product_id).status == "done"
    assert listing_of(product_id).state == "sent"
    assert rig.state(product_id).status == "under_review"


def test_changed_content_is_an_edit_of_the_same_listing(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    remote_id = listing_of(product_id).remote_id
    rig.rig.control.post("/_sandbox/review", json={"product_ids": [remote_id], "verdict": "approve"})
    becomes(rig, product_id, "ACTIVATE", "APPROVED")
    retitle(product_id, "A better title for it")
    assert send(rig, product_id).status == "done"
    edited = listing_of(product_id)
    assert (edited.remote_id, edited.review_round) == (remote_id, 2)
    assert rig.market.listing(remote_id).audit_status == "AUDITING"


def reprice(product_id: int, price: str, stock: int) -> None:
    with transaction() as connection:
        told = update(variants).where(variants.c.product_id == product_id)
        connection.execute(told.values(price=Decimal(price), sale_price=None, stock=stock))


def sold_as(rig: ListingRig, product_id: int) -> tuple[Decimal, int]:
    """(price, quantity) of its only SKU in the Shop."""
    (sku,) = rig.market.listing(listing_of(product_id).remote_id).skus
    return sku.price.amount, sum(quantity for _, quantity in sku.quantities)


def sent_as(product_id: int) -> tuple[Decimal, int]:
    """The same as we last sent it."""
    wanted = select(listing_skus.c.sent_price, listing_skus.c.sent_quantity)
    with transaction() as connection:
        (row,) = connection.execute(wanted.where(listing_skus.c.listing_id == listing_of(product_id).id))
    return row.sent_price, row.sent_quantity


def test_an_edit_of_a_listing_on_sale_leaves_price_and_stock_to_their_own_way(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    remote_id = listing_of(product_id).remote_id
    rig.rig.control.post("/_sandbox/review", json={"product_ids": [remote_id], "verdict": "approve"})
    becomes(rig, product_id, "ACTIVATE", "APPROVED")
    before = sold_as(rig, product_id)
    assert before == sent_as(product_id)
    reprice(product_id, "77.70", before[1] + 5)  # the rules of stock, such as held units, are not the edit's to apply
    retitle(product_id, "A title that says more")
    queued = len(jobs("price_stock"))
    assert send(rig, product_id).status == "done"
    assert sold_as(rig, product_id) == before
    assert sent_as(product_id) == before, "what was not sent is not taken for sent"
    assert len(jobs("price_stock")) == queued + 1


@pytest.mark.parametrize("uploaded", [True, False])
def test_an_edit_of_a_listing_not_on_sale_brings_its_price_unless_that_is_off(rig: ListingRig, uploaded: bool) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    remote_id = listing_of(product_id).remote_id
    rig.rig.control.post("/_sandbox/review", json={"product_ids": [remote_id], "verdict": "reject"})
    becomes(rig, product_id, "FAILED", "FAILED")
    price, quantity = sold_as(rig, product_id)
    reprice(product_id, "77.70", quantity + 5)
    with transaction() as connection:
        save_setting(connection, rig.connection_id, "price_upload", uploaded, rig.rig.boss)
    try:
        assert send(rig, product_id).status == "done"
    finally:
        with transaction() as connection:
            save_setting(connection, rig.connection_id, "price_upload", True, rig.rig.boss)
    assert sold_as(rig, product_id) == sent_as(product_id) == (Decimal("77.70") if uploaded else price, quantity)


def test_an_edit_known_not_to_have_happened_leaves_the_listing_as_it_was(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    becomes(rig, product_id, "ACTIVATE", "APPROVED")
    retitle(product_id, "A title that waits")
    faults(rig, "rate_429", 50, EDIT)
    assert send(rig, product_id).status == "waiting"
    rig.rig.control.delete("/_sandbox/faults").raise_for_status()
    assert listing_of(product_id).state == "sent"
    assert rig.state(product_id).status == "active", "on sale as before, not for ever being sent"
    assert send(rig, product_id).status == "done"
    assert rig.market.listing(listing_of(product_id).remote_id).title == "A title that waits"


@pytest.mark.parametrize("state", ["sending", "unknown", "intended"])
def test_a_listing_keeps_its_stock_in_step_while_an_edit_of_it_is_open(rig: ListingRig, state: str) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    becomes(rig, product_id, "ACTIVATE", "APPROVED")
    with transaction() as connection:
        connection.execute(update(listings).where(listings.c.id == listing_of(product_id).id).values(state=state))
        assert live_listing_ids(connection, rig.connection_id, [product_id]) == [listing_of(product_id).id]


def test_a_stale_look_sends_nothing_a_second_time(rig: ListingRig) -> None:
    """Two runs hold the product; what the second has read is from before the first sent it."""
    (product_id,) = ready_products(rig, 1)
    faults(rig, "rate_429", 50)
    assert send(rig, product_id).status == "waiting"
    rig.rig.control.delete("/_sandbox/faults").raise_for_status()
    target = live(rig.connection_id)
    late = Sending(target, rig.market, rig.pictures, lambda: True, prepare(target, [product_id]))
    assert send(rig, product_id).status == "done"
    made, sent = in_sandbox(rig)["products_created"], listing_of(product_id)
    outcome = export_item(late, Item(0, 0, rig.connection_id, "product", product_id, 1))
    assert (outcome.status, outcome.code) == ("waiting", "again")
    assert in_sandbox(rig)["products_created"] == made
    assert listing_of(product_id) == sent


def test_a_listing_deleted_in_the_shop_is_sent_as_a_new_one(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    old = listing_of(product_id)
    assert rig.market.delete_listings([old.remote_id]) == ()
    becomes(rig, product_id, "DELETED")
    assert send(rig, product_id).status == "done"
    new = listing_of(product_id)
    assert new.id != old.id
    assert new.remote_id != old.remote_id


def test_a_picture_is_uploaded_once_for_the_shop(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    send(rig, product_id)
    images = in_sandbox(rig)["images"]
    becomes(rig, product_id, "ACTIVATE", "APPROVED")
    with transaction() as connection:
        known = connection.execute(select(uploaded_pictures.c.source_url)).scalars().all()
    retitle(product_id, "Another title for it")
    assert known
    assert send(rig, product_id).status == "done"
    assert in_sandbox(rig)["images"] == images


def test_a_video_is_looked_at_uploaded_once_and_shown(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    film = f"{rig.rig.url}/media/mug.mp4"
    with transaction() as connection:
        fields = products.c.custom_fields.op("||")({"TikTok Video": film})
        connection.execute(update(products).where(products.c.id == product_id).values(custom_fields=fields))
    rig.judge_all()
    check_pictures(rig.pictures, rig.connection_id, seconds=600)
    rig.judge()
    assert send(rig, product_id).status == "done"
    caller = Caller(httpx.Client(base_url=rig.rig.url, timeout=HTTP_S))
    shown = caller.data("GET", f"/product/202309/products/{listing_of(product_id).remote_id}")
    with transaction() as connection:
        wanted = select(uploaded_pictures.c.uri).where(uploaded_pictures.c.source_url == film)
        assert shown["video"]["id"] == connection.execute(wanted).scalar_one()
        looked = select(picture_checks.c.format, picture_checks.c.error).where(picture_checks.c.url == film)
        assert connection.execute(looked).one() == ("MP4", "")


def test_a_variant_sold_by_another_listing_is_not_listed_twice(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    with transaction() as connection:
        variant_id = connection.execute(select(variants.c.id).where(variants.c.product_id == product_id)).scalar_one()
        other = insert(listings).values(
            connection_id=rig.connection_id, product_id=product_id, variant_id=variant_id, state="sent", remote_id="1"
        )
        listing_id = connection.execute(other.returning(listings.c.id)).scalar_one()
        connection.execute(
            insert(listing_skus).values(
                listing_id=listing_id, connection_id=rig.connection_id, variant_id=variant_id, seller_sku="TAKEN"
            )
        )
    outcome = send(rig, product_id)
    assert (outcome.status, outcome.code) == ("failed", "listed_elsewhere")
    assert "TAKEN" in outcome.sentence


def test_what_was_deleted_in_the_shop_is_listed_by_variants_and_back(rig: ListingRig) -> None:
    """Switching how variants are listed (G1): the listings of before are deleted, then the new ones go."""
    wanted = select(products.c.id).where(
        products.c.variant_count > 1, products.c.id.not_in(select(listings.c.product_id))
    )
    with transaction() as connection:
        candidates = list(connection.scalars(wanted.order_by(products.c.id)))
    product_id = next(one for one in candidates if rig.state(one).status == "ready")
    assert send(rig, product_id).status == "done"
    try:
        for separately in (True, False):
            with transaction() as connection:
                save_setting(connection, rig.connection_id, "list_variants_separately", separately, rig.rig.boss)
            rig.judge_all()
            before = live_ones(product_id)
            becomes(rig, product_id, "ACTIVATE", "APPROVED")
            assert send(rig, product_id).code == "listed_elsewhere"
            assert rig.market.delete_listings(list(before.values())) == ()
            becomes(rig, product_id, "DELETED")
            assert send(rig, product_id).status == "done"
            after = live_ones(product_id)
            assert not after.keys() & before.keys(), "the deleted ones are over"
            assert (len(after) > 1) is separately
            with transaction() as connection:
                sold = select(listing_skus.c.listing_id).join(variants, variants.c.id == listing_skus.c.variant_id)
                mine = (variants.c.product_id == product_id, listing_skus.c.ended_at.is_(None))
                assert set(connection.scalars(sold.where(*mine))) == set(after)
    finally:
        with transaction() as connection:
            save_setting(connection, rig.connection_id, "list_variants_separately", False, rig.rig.boss)
        rig.judge_all()


def live_ones(product_id: int) -> dict[int, str]:
    """The live listings of a product: the Shop's id by ours."""
    wanted = select(listings.c.id, listings.c.remote_id)
    with transaction() as connection:
        rows = connection.execute(wanted.where(listings.c.product_id == product_id, listings.c.ended_at.is_(None)))
        return {row.id: row.remote_id for row in rows}


@pytest.fixture
def disconnect(rig: ListingRig) -> Iterator[Callable[[], None]]:
    """What a person may do while a run is under way; undone after the test."""

    def to(moment: datetime | None) -> None:
        with transaction() as connection:
            connection.execute(update(connections).values(disconnected_at=moment))

    yield lambda: to(datetime.now(UTC))
    to(None)


def test_a_disconnected_connection_sends_nothing(rig: ListingRig, disconnect: Callable[[], None]) -> None:
    (product_id,) = ready_products(rig, 1)
    target = live(rig.connection_id)
    disconnect()
    with pytest.raises(NotLive, match="disconnected"):
        prepare(target, [product_id])


def test_disconnecting_stops_what_was_prepared_already(rig: ListingRig, disconnect: Callable[[], None]) -> None:
    (product_id,) = ready_products(rig, 1)
    target = live(rig.connection_id)
    sending = Sending(target, rig.market, rig.pictures, lambda: True, prepare(target, [product_id]))
    created = rig.rig.calls(CREATE)
    disconnect()
    with pytest.raises(NotLive, match="disconnected"):
        export_item(sending, Item(0, 0, rig.connection_id, "product", product_id, 1))
    assert (rig.rig.calls(CREATE), rig.state(product_id).status) == (created, "ready")
    with transaction() as connection:
        assert connection.execute(select(listings).where(listings.c.product_id == product_id)).all() == []


def test_a_run_of_a_connection_that_is_disconnected_ends(rig: ListingRig, disconnect: Callable[[], None]) -> None:
    (product_id,) = ready_products(rig, 1)
    run_id = start_send(rig.connection_id, Selection(ids=(product_id,)), "ada")
    disconnect()
    with transaction() as connection:
        stop_runs(connection, rig.connection_id, "The connection was disconnected.")
        found = select(run_items.c.status, run_items.c.code).where(run_items.c.run_id == run_id)
        assert connection.execute(found).one() == ("skipped", "stopped")
    handlers.run_job("product_export", handlers.product_export, {"run_id": run_id})
    with transaction() as connection:
        assert connection.execute(select(runs.c.status).where(runs.c.id == run_id)).scalar_one() == "stopped"


def test_disconnecting_stops_the_call_again_of_an_open_outcome(rig: ListingRig, disconnect: Callable[[], None]) -> None:
    (product_id,) = ready_products(rig, 1)
    faults(rig, "cut_before", 1)
    assert send(rig, product_id).status == "unknown"
    target = live(rig.connection_id)
    sending = Sending(target, rig.market, rig.pictures, lambda: True, prepare(target, [product_id]))
    created = rig.rig.calls(CREATE)
    disconnect()
    with pytest.raises(NotLive, match="disconnected"):
        export_item(sending, Item(0, 0, rig.connection_id, "product", product_id, 1))
    assert (rig.rig.calls(CREATE), listing_of(product_id).state) == (created, "unknown")


def test_pictures_of_an_item_that_somebody_else_has_taken_are_remembered(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    with transaction() as connection:
        connection.execute(delete(uploaded_pictures))
    target = live(rig.connection_id)
    prepared = prepare(target, [product_id])
    assessment = prepared[product_id].assessment
    assert assessment is not None
    answers = iter([True for _ in pictures_of(assessment.drafts[0][1])] + [False])  # the last is for the call
    sending = Sending(target, rig.market, rig.pictures, lambda: next(answers), prepared)
    with pytest.raises(LostItem):
        export_item(sending, Item(0, 0, rig.connection_id, "product", product_id, 1))
    images = in_sandbox(rig)["images"]
    assert send(rig, product_id).status == "done"
    assert in_sandbox(rig)["images"] == images


def test_pictures_uploaded_before_a_bad_one_are_remembered(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    target = live(rig.connection_id)
    with transaction() as connection:
        ((_, draft),) = drafts_for(connection, rig.connection_id, [product_id])[product_id].drafts
        bad = replace(draft, picture_urls=(*draft.picture_urls, f"{rig.rig.url}/media/gone.jpg"))
    with pytest.raises(PictureTrouble):
        upload_pictures(target, rig.market, rig.pictures, bad, {}, lambda: True)
    with transaction() as connection:
        known = known_pictures(connection, target.shop_id, [bad])
    assert set(known) == {(url, "MAIN_IMAGE") for url in draft.picture_urls}


def test_a_picture_that_fails_while_it_is_sent_is_shown_at_once(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    gone = f"{rig.rig.url}/media/gone-since.jpg"
    with transaction() as connection:
        pictures = [{"url": gone, "alt": ""}]
        connection.execute(update(products).where(products.c.id == product_id).values(pictures=pictures))
        seen = {"width": 800, "height": 800, "format": "JPEG", "bytes": 9_000, "digest": "gone"}
        connection.execute(insert(picture_checks).values(url=gone, **seen))
    outcome = send(rig, product_id)
    assert (outcome.status, outcome.code) == ("failed", "picture")
    rig.judge()
    state = rig.state(product_id)
    assert (state.status, state.problem_codes[0]) == ("not_ready", "picture_unusable")


def test_a_description_shows_a_picture_whose_address_has_parameters(rig: ListingRig) -> None:
    (product_id,) = ready_products(rig, 1)
    picture = f"{rig.rig.url}/pictures/plain/mug-teal/sized-1.jpg?w=800&h=600"
    shown = f'<p>Mine</p><img src="{picture.replace("&", "&amp;")}">'
    with transaction() as connection:
        connection.execute(update(products).where(products.c.id == product_id).values(description=shown))
    assert send(rig, product_id).status == "done"
    with transaction() as connection:
        wanted = select(uploaded_pictures.c.url).where(uploaded_pictures.c.source_url == picture)
        uploaded = connection.execute(wanted).scalar_one()
    caller = Caller(httpx.Client(base_url=rig.rig.url, timeout=HTTP_S))
    sold = caller.data("GET", f"/product/202309/products/{listing_of(product_id).remote_id}")
    assert f'src="{uploaded}"' in sold["description"]


def test_a_conditional_attribute_is_asked_for_before_the_shop_refuses_it(rig: ListingRig) -> None:
    leaf, batteries, kind, yes, no = BATTERY_LEAF, "101126", "101127", "1000058", "1000059"
    attributes = rig.market.category_attributes(leaf)
    alkaline = next(one for one in attributes if one.id == kind).values[0][0]
    (product_id,) = ready_products(rig, 1)

    def answers(**values: str) -> None:
        changes = [MappingChange(ATTRIBUTE, f"*/{one}", value) for one, value in values.items()]
        with transaction() as connection:
            set_mappings(connection, rig.connection_id, changes, rig.rig.boss)
        rig.judge()

    with transaction() as connection:
        save_category_rule(connection, rig.shop_id, rig.market.category_rule(leaf), attributes)
        set_own_category(connection, rig.connection_id, [product_id], leaf, rig.rig.boss)
    required = {one.id: one.values[0][0] for one in attributes if one.required and one.id != batteries}
    answers(**required | {batteries: yes})
    assert rig.state(product_id).problem_codes[0] == "attribute_missing"
    answers(**{kind: alkaline})
    assert send(rig, product_id).status == "done"
    becomes(rig, product_id, "ACTIVATE", "APPROVED")
    answers(**{batteries: no})
    assert send(rig, product_id).status == "done"


def test_a_run_holds_every_product_selected_and_the_dry_run_says_which_are_skipped(rig: ListingRig) -> None:
    everything = Selection(products=ProductFilter())
    dry = plan_send(rig.connection_id, everything)
    run_id = start_send(rig.connection_id, everything, "ada")
    with transaction() as connection:
        items = connection.execute(select(run_items.c.subject_id).where(run_items.c.run_id == run_id)).scalars().all()
        jobs = text("SELECT count(*) FROM procrastinate_jobs WHERE args->>'run_id' = :run")
        assert connection.execute(jobs, {"run": str(run_id)}).scalar_one() == 3
    assert len(items) == dry.will + sum(count for _, count in dry.skipped)
    assert dry.skipped
