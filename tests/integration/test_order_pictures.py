"""Orders that the store refuses for a product's picture: product and picture are named, and the fix is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import picture_checks
from core.services import order_status
from core.services.catalogue_pull import pull_catalogue
from core.services.order_import import import_item, start_import
from core.services.order_status import start_status, status_item
from core.services.picture_refusals import picture_refusal
from core.services.runs import claim
from tests.connect_rig import jobs
from tests.order_rig import OrderRig, running_order_rig
from tests.store_harness import Merchant
from tests.store_orders_rig import fresh


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[OrderRig]:
    with running_order_rig(home) as found:
        yield found


@pytest.fixture(autouse=True)
def calm(rig: OrderRig) -> None:
    rig.calm()


@dataclass
class Spoilt:
    """A product of the store with a picture that breaks its orders."""

    rig: OrderRig
    merchant: Merchant
    remote_id: str
    sku: str
    title: str
    picture_id: int

    def pull(self) -> None:
        pull_catalogue(self.rig.store, self.rig.store_account_id, full=False)

    def put_right(self) -> None:
        self.merchant.delete_picture(self.remote_id, self.picture_id)
        self.pull()


@pytest.fixture
def spoilt(rig: OrderRig) -> Spoilt:
    merchant, sku = Merchant(rig.rig.url), fresh("GIF")
    title = f"Moving jug {sku}"
    remote_id = merchant.create(title, sku, stock=50)
    merchant.add_picture(remote_id, f"https://pictures.example/{sku}/still.jpg")
    found = Spoilt(
        rig, merchant, remote_id, sku, title, merchant.add_picture(remote_id, f"https://p.example/{sku}.gif")
    )
    found.pull()
    rig.control("tiktok/shelf", {"skus": [{"seller_sku": sku, "quantity": 50, "price": "9.99"}]})
    return found


def names_both(sentence: str, spoilt: Spoilt) -> bool:
    return f"{spoilt.sku}.gif" in sentence and spoilt.title in sentence and "still.jpg" not in sentence


def test_an_import_refused_for_a_picture_names_it_and_is_tried_again_after_the_fix(
    rig: OrderRig, spoilt: Spoilt
) -> None:
    rig.control("shopwired/switches", {"order_picture_rules": True})
    order_id = rig.buy(spoilt.sku, on_hold=False, quantity=1)
    rig.work()
    row = rig.order(order_id)
    assert (row.import_state, row.hold) == ("held", "picture_refused")
    assert names_both(row.hold_sentence, spoilt)
    assert ("order", "picture_refused") in rig.open_issues()
    assert rig.in_store(order_id) == []
    spoilt.put_right()
    assert jobs("order_import")
    rig.try_import()
    assert rig.order(order_id).import_state == "imported"
    assert len(rig.in_store(order_id)) == 1
    assert ("order", "picture_refused") not in rig.open_issues()


def test_a_status_refused_for_a_picture_names_it_and_is_tried_again_after_the_fix(
    rig: OrderRig, spoilt: Spoilt
) -> None:
    order_id = rig.buy(spoilt.sku, on_hold=False, quantity=1)
    rig.work()
    rig.control("shopwired/switches", {"order_picture_rules": True})
    rig.act(order_id, "advance", to="IN_TRANSIT")
    rig.work()
    kept = rig.store_order(order_id)
    assert kept is not None
    assert names_both(kept.sentence, spoilt)
    assert ("order", "picture_refused") in rig.open_issues()
    assert rig.in_store(order_id)[0]["status"]["type"] == "paid"
    spoilt.put_right()
    assert jobs("order_status")
    order_status.follow_statuses(rig.store, rig.target)
    assert rig.in_store(order_id)[0]["status"]["type"] == "shipped"
    assert ("order", "picture_refused") not in rig.open_issues()


def test_both_can_be_retried_by_a_person(rig: OrderRig, spoilt: Spoilt) -> None:
    first = rig.buy(spoilt.sku, on_hold=False, quantity=1)
    rig.work()
    rig.control("shopwired/switches", {"order_picture_rules": True})
    rig.act(first, "advance", to="IN_TRANSIT")
    second = rig.buy(spoilt.sku, on_hold=False, quantity=1)
    rig.work()
    spoilt.merchant.delete_picture(spoilt.remote_id, spoilt.picture_id)
    (item,) = claim(start_import(rig.connection_id, "boss", hold="picture_refused"), limit=5, seconds=60)
    assert import_item(rig.importing(), item).status == "done"
    assert len(rig.in_store(second)) == 1
    (item,) = claim(start_status(rig.connection_id, [rig.order(first).id], "boss"), limit=5, seconds=60)
    assert status_item(rig.store, rig.target, item).status == "done"
    assert rig.in_store(first)[0]["status"]["type"] == "shipped"


@pytest.mark.parametrize(
    ("said", "named", "unnamed"),
    [
        ("The image is too small", ["too small to be seen", "{sku}.gif", "{title}"], ["still.jpg"]),
        ("An image of {title} is wrong", ["{sku}.gif"], ["still.jpg"]),
        ("The picture still.jpg is wrong", ["still.jpg", "{title}"], ["{sku}.gif"]),
    ],
)
def test_what_the_refusal_leaves_open_is_told_by_what_is_known_of_the_pictures(
    rig: OrderRig, spoilt: Spoilt, said: str, named: list[str], unnamed: list[str]
) -> None:
    order_id = rig.buy(spoilt.sku, on_hold=False, quantity=1)
    rig.drain()
    words: dict[str, Any] = {"sku": spoilt.sku, "title": spoilt.title}
    with transaction() as conn:
        wrong = "It is too small to be seen."
        conn.execute(insert(picture_checks).values(url=f"https://p.example/{spoilt.sku}.gif", error=wrong))
        sentence = picture_refusal(conn, rig.order(order_id).id, said.format(**words))
        assert picture_refusal(conn, rig.order(order_id).id, "There is nothing with the SKU 'X'") is None
    assert sentence is not None
    answer = sentence.partition("Look at")[2]
    assert all(word.format(**words) in answer for word in named)
    assert not any(word.format(**words) in answer for word in unnamed)
