"""listing_review against the sandbox: what the Shop decides is read back, with its reasons, and never backwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core.config import Settings
from core.db.engine import now, transaction
from core.db.tables import connections, cursors, listing_skus, listings, product_states, products
from core.domain.errors import Temporary
from core.domain.filters import ProductFilter, Selection
from core.reads.activity import calls_about
from core.reads.products import products_page, tab_counts
from core.services import listing_review, shop_metadata
from core.services.listing_review import review_listings, save_reviews
from core.services.live import NotLive, live
from core.services.mappings import set_default_category
from core.services.product_export import Sending, export_item
from core.services.product_export_skips import plan_send
from core.services.product_status import refresh_status
from core.services.runs import Item
from tests.listing_rig import ListingRig, running_listing_rig

GET, SEARCH = "GET /product/202309/products/{product_id}", "POST /product/202502/products/search"


@pytest.fixture(scope="module")
def rig(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListingRig]:
    with running_listing_rig(Path(tmp_path_factory.mktemp("sandbox")), 40) as made:
        made.rig.control.post("/_sandbox/review", json={"delay_seconds": 86_400}).raise_for_status()
        shop_metadata.download(made.market, made.connection_id)
        with transaction() as connection:
            set_default_category(connection, made.connection_id, made.easy_leaf(), made.rig.boss)
        made.judge()
        yield made


@pytest.fixture(autouse=True)
def nothing_else_to_tell(rig: ListingRig) -> None:
    """What earlier tests left behind has been read."""
    review_listings(rig.market, rig.connection_id)


def send(rig: ListingRig, product_id: int) -> None:
    sending = Sending(live(rig.connection_id), rig.market, rig.pictures, lambda: True)
    outcome = export_item(sending, Item(0, 0, rig.connection_id, "product", product_id, 1))
    assert outcome.status == "done", outcome


def shown(rig: ListingRig, tab: str) -> set[int]:
    """The products of a tab, as many as its count says."""
    page = products_page(rig.connection_id, ProductFilter(tab=tab))
    assert len(page.rows) == page.count.number == tab_counts(rig.connection_id, ProductFilter())[tab].number
    return {row.id for row in page.rows}


def sent(rig: ListingRig) -> int:
    """A product that was just sent and waits for its review."""
    ready = select(product_states.c.product_id).where(
        product_states.c.status == "ready", product_states.c.product_id.not_in(select(listings.c.product_id))
    )
    with transaction() as connection:
        product_id = int(connection.execute(ready.order_by(product_states.c.product_id).limit(1)).scalar_one())
    send(rig, product_id)
    return product_id


def listing_of(product_id: int) -> Any:
    wanted = select(listings).where(listings.c.product_id == product_id, listings.c.ended_at.is_(None))
    with transaction() as connection:
        return connection.execute(wanted).one()


def judge(rig: ListingRig, product_id: int, verdict: str = "approve", **more: str) -> None:
    asked = {"product_ids": [listing_of(product_id).remote_id], "verdict": verdict} | more
    rig.rig.control.post("/_sandbox/review", json=asked).raise_for_status()


def on_sale(rig: ListingRig) -> int:
    product_id = sent(rig)
    judge(rig, product_id)
    review_listings(rig.market, rig.connection_id)
    assert rig.state(product_id).status == "active"
    return product_id


def edit(rig: ListingRig, product_id: int, title: str) -> None:
    with transaction() as connection:
        connection.execute(update(products).where(products.c.id == product_id).values(title=title))
    send(rig, product_id)


def values_of(product_id: int, **values: Any) -> None:
    with transaction() as connection:
        connection.execute(update(listings).where(listings.c.product_id == product_id).values(**values))


def test_an_approved_listing_is_found_by_polling_and_told_once(rig: ListingRig) -> None:
    product_id = sent(rig)
    assert rig.state(product_id).status == "under_review"
    judge(rig, product_id)
    assert review_listings(rig.market, rig.connection_id) == 1
    listing = listing_of(product_id)
    assert (listing.tiktok_status, listing.audit_status, listing.reasons) == ("ACTIVATE", "APPROVED", [])
    assert listing.reviewed_at is not None
    assert rig.state(product_id).status == "active"
    assert review_listings(rig.market, rig.connection_id) == 0


def test_reasons_are_kept_whole_and_go_when_it_is_sent_again(rig: ListingRig) -> None:
    product_id = sent(rig)
    judge(rig, product_id, "reject", reason="Picture is blurred")
    review_listings(rig.market, rig.connection_id)
    listing = listing_of(product_id)
    assert (listing.tiktok_status, listing.audit_status) == ("FAILED", "FAILED")
    (reason,) = listing.reasons
    assert reason["reasons"] == ["Picture is blurred"]
    assert reason["suggestions"]
    assert listing.reason_keys == ["Picture is blurred"]
    assert rig.state(product_id).status == "failed_review"
    assert rig.state(product_id).status_sentence == f"{reason['position']}: Picture is blurred"
    asked = [call for call in calls_about([f"product:{product_id}"]) if call.method == "GET"]
    assert [call.path for call in asked] == [f"/product/202309/products/{listing.remote_id}"], "it is in the drawer"
    send(rig, product_id)
    assert (listing_of(product_id).reasons, listing_of(product_id).reason_keys) == ([], [])
    assert (rig.state(product_id).status, rig.state(product_id).status_sentence) == ("under_review", "")


def test_what_the_shop_said_earlier_is_no_news(rig: ListingRig) -> None:
    product_id = on_sale(rig)
    told = rig.market.listing(listing_of(product_id).remote_id)
    earlier = replace(told, status="DRAFT", audit_status="NONE", updated_at=told.updated_at - timedelta(seconds=1))
    assert save_reviews(rig.market, rig.connection_id, [earlier]) == 0
    assert save_reviews(rig.market, rig.connection_id, [told]) == 0
    assert rig.state(product_id).status == "active"
    same_second = replace(told, status="SELLER_DEACTIVATED")
    assert save_reviews(rig.market, rig.connection_id, [same_second]) == 1
    assert rig.state(product_id).status == "unlisted"


def test_an_edit_under_review_leaves_the_old_version_on_sale_when_refused(rig: ListingRig) -> None:
    product_id = on_sale(rig)
    edit(rig, product_id, "Oak bread board with another name")
    review_listings(rig.market, rig.connection_id)
    assert rig.state(product_id).status == "under_review"
    listing = listing_of(product_id)
    assert (listing.tiktok_status, listing.audit_status, listing.review_round) == ("ACTIVATE", "AUDITING", 2)
    judge(rig, product_id, "reject", reason="Picture is blurred")
    review_listings(rig.market, rig.connection_id)
    listing = listing_of(product_id)
    assert (listing.tiktok_status, listing.audit_status) == ("ACTIVATE", "FAILED")
    assert listing.reason_keys == ["Picture is blurred"]
    state = rig.state(product_id)
    assert state.status == "active"
    assert state.status_sentence.startswith("The last change was disapproved and the version before stays on sale: ")
    assert state.status_sentence.endswith(": Picture is blurred")


def test_one_that_was_deleted_in_the_shop_can_be_sent_anew(rig: ListingRig) -> None:
    product_id = on_sale(rig)
    first = listing_of(product_id)
    assert rig.market.delete_listings([first.remote_id]) == ()
    review_listings(rig.market, rig.connection_id)
    gone = listing_of(product_id)
    assert (gone.tiktok_status, gone.deleted_by) == ("DELETED", "")
    assert gone.deleted_at is not None
    assert (rig.state(product_id).status, rig.state(product_id).sync) == ("unlisted", "not_sent")
    chosen = Selection(ids=(product_id,))
    assert plan_send(rig.connection_id, chosen).will == 1
    assert product_id in shown(rig, "Off or unlisted")
    assert product_id not in shown(rig, "Ready")
    with transaction() as connection:
        broken = product_states.c.product_id == product_id
        connection.execute(product_states.update().where(broken).values(problems=[{"severity": "error"}]))
        refresh_status(connection, rig.connection_id, [product_id])
    assert rig.state(product_id).status == "unlisted"
    assert plan_send(rig.connection_id, chosen).skipped == (("Not ready", 1),)
    send(rig, product_id)
    assert listing_of(product_id).remote_id != first.remote_id


def test_one_that_the_platform_froze_is_suspended(rig: ListingRig) -> None:
    product_id = on_sale(rig)
    frozen = {"product_ids": [listing_of(product_id).remote_id], "status": "FREEZE"}
    rig.rig.control.post("/_sandbox/enforce", json=frozen).raise_for_status()
    review_listings(rig.market, rig.connection_id)
    assert rig.state(product_id).status == "suspended"
    values_of(product_id, reasons=[{"position": "", "reasons": ["Sold as new", "Not safe", "A copy"]}])
    with transaction() as connection:
        refresh_status(connection, rig.connection_id, [product_id])
    assert rig.state(product_id).status_sentence == "Sold as new; Not safe; and 1 more"


def test_a_sku_id_that_was_lost_with_an_answer_is_found_again(rig: ListingRig) -> None:
    product_id = sent(rig)
    mine = listing_skus.c.listing_id == listing_of(product_id).id
    with transaction() as connection:
        known = set(connection.scalars(select(listing_skus.c.remote_id).where(mine)))
        connection.execute(update(listing_skus).where(mine).values(remote_id=None))
    judge(rig, product_id)
    review_listings(rig.market, rig.connection_id)
    with transaction() as connection:
        rows = connection.execute(select(listing_skus.c.remote_id, listing_skus.c.shop_price).where(mine)).all()
    assert {row.remote_id for row in rows} == known
    assert all(row.shop_price for row in rows)


def test_a_forgotten_listing_is_asked_for_by_itself_every_ten_minutes(
    rig: ListingRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    product_id = sent(rig)
    judge(rig, product_id)
    skip_what_is_listed(rig, monkeypatch)
    assert review_listings(rig.market, rig.connection_id) == 0
    values_of(product_id, sent_at=now() - timedelta(minutes=11), checked_at=None)
    assert review_listings(rig.market, rig.connection_id) == 1
    assert rig.state(product_id).status == "active"
    assert "GET" in {call.method for call in calls_about([f"product:{product_id}"])}


def test_a_long_review_is_not_asked_for_at_every_poll(rig: ListingRig, monkeypatch: pytest.MonkeyPatch) -> None:
    product_id = sent(rig)
    review_listings(rig.market, rig.connection_id)
    skip_what_is_listed(rig, monkeypatch)
    values_of(product_id, sent_at=now() - timedelta(minutes=11), checked_at=None)
    before = rig.rig.calls(GET)
    for _ in range(3):
        review_listings(rig.market, rig.connection_id)
    assert rig.rig.calls(GET) == before + 1
    values_of(product_id, checked_at=now() - timedelta(minutes=11))
    review_listings(rig.market, rig.connection_id)
    assert rig.rig.calls(GET) == before + 2
    judge(rig, product_id)


def test_a_forgotten_listing_that_is_gone_counts_as_deleted(rig: ListingRig, monkeypatch: pytest.MonkeyPatch) -> None:
    product_id = sent(rig)
    assert rig.market.delete_listings([listing_of(product_id).remote_id]) == ()
    skip_what_is_listed(rig, monkeypatch)
    values_of(product_id, sent_at=now() - timedelta(minutes=11))
    review_listings(rig.market, rig.connection_id)
    assert listing_of(product_id).tiktok_status == "DELETED"


def test_the_cursor_stays_when_the_list_could_not_be_read(rig: ListingRig) -> None:
    product_id = sent(rig)
    judge(rig, product_id)
    before = cursor()
    rule = {"vendor": "tiktok", "endpoint": SEARCH, "fault": "http_503", "times": None}
    rig.rig.control.post("/_sandbox/faults", json={"rules": [rule]}).raise_for_status()
    with pytest.raises(Temporary):
        review_listings(rig.market, rig.connection_id)
    assert cursor() == before
    rig.rig.control.delete("/_sandbox/faults").raise_for_status()
    assert review_listings(rig.market, rig.connection_id) == 1
    assert cursor() > before


def test_a_disconnected_connection_reads_nothing(rig: ListingRig) -> None:
    with transaction() as connection:
        connection.execute(update(connections).values(disconnected_at=func.now()))
    before = rig.rig.calls(SEARCH)
    with pytest.raises(NotLive):
        review_listings(rig.market, rig.connection_id)
    assert rig.rig.calls(SEARCH) == before
    with transaction() as connection:
        connection.execute(update(connections).values(disconnected_at=None))


def cursor() -> str:
    with transaction() as connection:
        return str(connection.scalar(select(cursors.c.value).where(cursors.c.name.like("listing_review:%"))))


def skip_what_is_listed(rig: ListingRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the Shop's list had left out everything up to now."""
    monkeypatch.setattr(listing_review, "_OVERLAP", timedelta(0))
    time.sleep(1.1)  # the Shop tells whole seconds
    with transaction() as connection:
        mine = cursors.c.name == f"listing_review:{rig.connection_id}"
        connection.execute(update(cursors).where(mine).values(value=now().isoformat()))
