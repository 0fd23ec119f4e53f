"""Hints: kept once, dealt with per subject, many of them by one read."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from core import wiring
from core.config import Settings
from core.db.engine import transaction
from core.db.tables import inbox
from core.services.connect_shop import disconnect
from core.services.webhook_intake import MOST_SINGLE, Outcome, handle, requeue_waiting, verify_and_store
from tests.connect_rig import APP_KEY, APP_SECRET, HARBOUR, Rig, jobs, running_rig

SECRET = "sw-hook-harbour"


@pytest.fixture(scope="module")
def world(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("sandbox")) as rig:
        yield rig


@pytest.fixture
def rig(world: Rig) -> Rig:
    world.forget_all()
    return world


@pytest.fixture
def account(rig: Rig) -> int:
    return rig.add_store().store_account_id


def store_event(number: int, topic: str = "product.updated", subject: int = 70011, **data: Any) -> bytes:
    event = {
        "id": number, "businessId": 1, "createdAt": "Sat, 13 Jun 2026 10:02:52 +0000", "topic": topic,
        "subjectType": topic.partition(".")[0], "subjectId": subject, "data": data or {"object": {"id": subject}},
    }  # fmt: skip
    return json.dumps({"timestamp": "Sat, 13 Jun 2026 10:02:55 +0000", "event": event}).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-shopwired-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def shop_push(kind: int, notification: str | None = "1", **data: Any) -> bytes:
    envelope = {"type": kind, "shop_id": HARBOUR, "timestamp": 1718305585, "data": data}
    return json.dumps(envelope | ({"tts_notification_id": notification} if notification else {})).encode()


def shop_signed(body: bytes) -> dict[str, str]:
    return {"authorization": hmac.new(APP_SECRET.encode(), APP_KEY.encode() + body, hashlib.sha256).hexdigest()}


def from_store(account: int, body: bytes, headers: dict[str, str] | None = None) -> Outcome:
    door = wiring.store_door("shopwired", account)
    assert door
    return verify_and_store(door, signed(body) if headers is None else headers, body).outcome


def from_shop(body: bytes, headers: dict[str, str] | None = None) -> Outcome:
    door = wiring.shop_door(APP_KEY)
    assert door
    return verify_and_store(door, shop_signed(body) if headers is None else headers, body).outcome


def rows() -> list[Any]:
    with transaction() as conn:
        return list(conn.execute(select(inbox).order_by(inbox.c.id)))


def forget_jobs() -> None:
    with transaction() as conn:
        conn.exec_driver_sql("DELETE FROM procrastinate_jobs")


def test_one_hint_becomes_one_read(account: int) -> None:
    assert from_store(account, store_event(1)) == Outcome.STORED
    assert jobs() == [("webhook_intake", {"source": "shopwired", "account": str(account)})]
    forget_jobs()
    assert handle("shopwired", str(account)) == 1
    assert jobs() == [("catalogue_hints", {"store_account_id": account, "remote_ids": ["70011"]})]
    (row,) = rows()
    assert (row.status, row.subject, row.note) == ("done", "product:70011", "1 product is read again.")
    assert handle("shopwired", str(account)) == 0


def test_a_hundred_times_the_same_in_parallel_is_one_row_and_one_job(account: int) -> None:
    body = store_event(7)
    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(lambda _: from_store(account, body), range(100)))
    assert outcomes.count(Outcome.STORED) == 1
    assert outcomes.count(Outcome.DUPLICATE) == 99
    assert len(rows()) == 1
    assert len(jobs("webhook_intake")) == 1


def test_hints_about_one_record_are_one_read(account: int) -> None:
    for number in range(5):
        from_store(account, store_event(number, subject=number % 2))
    handle("shopwired", str(account))
    assert jobs("catalogue_hints") == [("catalogue_hints", {"store_account_id": account, "remote_ids": ["0", "1"]})]


def test_many_hints_are_one_page_read(account: int) -> None:
    for number in range(MOST_SINGLE + 1):
        from_store(account, store_event(number, subject=number))
    handle("shopwired", str(account))
    assert jobs("catalogue_hints") == []
    assert jobs("catalogue_pull") == [("catalogue_pull", {"store_account_id": account, "full": False})]


def test_two_handlers_share_the_hints(account: int) -> None:
    for number in range(10):
        from_store(account, store_event(number, subject=number))
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(lambda _: handle("shopwired", str(account)), range(2))) == 10
    read = [remote_id for _, arguments in jobs("catalogue_hints") for remote_id in arguments["remote_ids"]]
    assert sorted(read) == sorted(map(str, range(10)))


def test_forged_altered_and_unsigned_ones_leave_nothing(account: int) -> None:
    body = store_event(1)
    for headers in (signed(body, "another"), signed(body + b" "), {}, {"x-shopwired-signature": ""}):
        assert from_store(account, body, headers) == Outcome.FORGED
    push = shop_push(5, product_id=1)
    for headers in ({"authorization": ""}, {}, signed(push)):
        rows_before = rows()
        door = wiring.shop_door(APP_KEY)
        assert door is None or verify_and_store(door, headers, push).outcome == Outcome.FORGED
        assert rows() == rows_before == []


def test_customers_of_an_order_are_not_kept(account: int) -> None:
    body = store_event(3, "order.created", 90001, object={"id": 90001, "billingAddress": {"name": "Ada Byron"}})
    assert from_store(account, body) == Outcome.STORED
    handle("shopwired", str(account))
    (row,) = rows()
    assert (row.body, row.status, row.note) == (b"", "done", "Nothing to do: store orders are not read.")


def test_handshake_is_answered_and_not_kept(account: int) -> None:
    body = json.dumps({"timestamp": "x", "verificationToken": "abc"}).encode()
    door = wiring.store_door("shopwired", account)
    assert door
    receipt = verify_and_store(door, signed(body), body)
    assert receipt.text == hmac.new(SECRET.encode(), b"abc", hashlib.sha256).hexdigest()
    assert rows() == []


def test_doors_open_only_for_those_we_know(rig: Rig, account: int) -> None:
    assert wiring.store_door("shopwired", account + 1) is None
    assert wiring.store_door("elsewhere", account) is None
    assert wiring.shop_door("unknown") is None
    assert wiring.shop_door("a\x00") is None


def test_product_push_has_the_review_read(rig: Rig, account: int) -> None:
    connection_id = rig.connect(account)
    forget_jobs()
    big = 1729592969712207008
    assert from_shop(shop_push(5, product_id=big, status="PRODUCT_AUDIT_FAILURE")) == Outcome.STORED
    assert rows()[0].subject == f"product:{big}"
    handle("tiktok", HARBOUR)
    assert jobs("listing_review") == [("listing_review", {"connection_id": connection_id})]


def test_push_without_a_number_is_known_by_its_body(rig: Rig, account: int) -> None:
    rig.connect(account)
    body = shop_push(5, None, product_id=1)
    assert [from_shop(body), from_shop(body), from_shop(shop_push(5, None, product_id=2))] == [
        Outcome.STORED,
        Outcome.DUPLICATE,
        Outcome.STORED,
    ]


def test_push_about_the_authorisation_has_the_connection_tested(rig: Rig, account: int) -> None:
    connection_id = rig.connect(account)
    forget_jobs()
    from_shop(shop_push(6, message="gone"))
    handle("tiktok", HARBOUR)
    assert jobs("connection_check") == [("connection_check", {"connection_id": connection_id})]


def test_push_for_a_shop_we_do_not_have_is_not_kept(rig: Rig, account: int) -> None:
    rig.app()
    assert from_shop(shop_push(5, product_id=1)) == Outcome.UNKNOWN_ACCOUNT
    assert from_shop(b'{"type":"x"}') == Outcome.NOT_UNDERSTOOD
    assert rows() == []


def test_push_for_a_disconnected_shop_starts_nothing(rig: Rig, account: int) -> None:
    disconnect(rig.connect(account), rig.boss)
    forget_jobs()
    from_shop(shop_push(5, product_id=1))
    handle("tiktok", HARBOUR)
    assert [name for name, _ in jobs()] == ["webhook_intake"]
    assert rows()[0].note == "Nothing to do."


def test_hints_whose_job_was_lost_are_found_again(account: int) -> None:
    from_store(account, store_event(1))
    forget_jobs()
    assert requeue_waiting() == 1
    assert jobs() == [("webhook_intake", {"source": "shopwired", "account": str(account)})]
