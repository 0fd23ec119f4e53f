"""A store's credentials, tried against the sandbox's ShopWired and kept sealed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, update

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import issues, store_accounts
from core.services.connect_shop import disconnect
from core.services.connect_store import StoreRefused, check_store, load_credentials, replace_credentials
from tests.connect_rig import HARBOUR_KEYS, QUAY_KEYS, Rig, jobs, running_rig


@pytest.fixture(scope="module")
def world(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("sandbox")) as rig:
        yield rig


@pytest.fixture
def rig(world: Rig) -> Rig:
    world.forget_all()
    return world


def test_connected_store_is_known_and_its_keys_are_sealed(rig: Rig) -> None:
    added = rig.add_store()
    assert (added.business.name, added.business.country, added.business.currency) == ("Harbour Lane", "GB", "GBP")
    with transaction() as conn:
        row = conn.execute(select(store_accounts)).one()
        assert load_credentials(conn, added.store_account_id) == HARBOUR_KEYS
    assert (row.name, row.status, row.platform) == ("Harbour Lane", "ok", "shopwired")
    assert not any(value.encode() in bytes(row.credentials) for value in HARBOUR_KEYS.values())


def test_same_business_entered_again_stays_one_account_with_the_new_keys(rig: Rig) -> None:
    first = rig.add_store()
    second = rig.add_store(HARBOUR_KEYS | {"webhook_secret": "changed"})
    assert first.store_account_id == second.store_account_id
    with transaction() as conn:
        assert load_credentials(conn, first.store_account_id)["webhook_secret"] == "changed"


def test_two_businesses_stand_side_by_side(rig: Rig) -> None:
    assert rig.add_store().store_account_id != rig.add_store(QUAY_KEYS).store_account_id


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api_key": "sw-key-wrong"}, "refuses this key or secret"),
        ({"api_secret": "wrong"}, "refuses this key or secret"),
        ({"api_key": "sw-key-limited"}, "The key works but may not do all that is needed"),
    ],
)
def test_bad_keys_are_refused_in_words_and_nothing_is_kept(rig: Rig, changes: dict[str, str], words: str) -> None:
    with pytest.raises(StoreRefused, match=words) as refusal:
        rig.add_store(HARBOUR_KEYS | changes)
    assert "Account, API keys" in refusal.value.sentence
    with transaction() as conn:
        assert conn.execute(select(func.count()).select_from(store_accounts)).scalar_one() == 0


def test_unreachable_store_says_nothing_about_the_keys(rig: Rig) -> None:
    rule = {"vendor": "shopwired", "endpoint": "GET /v1/business", "fault": "http_503", "rate": 1.0, "times": None}
    rig.control.post("/_sandbox/faults", json={"seed": 1, "rules": [rule]}).raise_for_status()
    with pytest.raises(StoreRefused, match="could not be asked") as refusal:
        rig.add_store()
    assert not refusal.value.for_good


def test_store_tested_again_learns_or_is_marked(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    with pytest.raises(StoreRefused):
        check_store(rig.store(api_secret="changed there"), account)
    with transaction() as conn:
        row = conn.execute(select(store_accounts)).one()
        issue = conn.execute(select(issues)).one()
        conn.execute(update(store_accounts).values(country="FR"))
    assert (row.status, row.status_sentence) == ("refused", issue.sentence)
    assert issue.code == "store_refused"
    assert check_store(rig.store(), account).country == "GB"
    with transaction() as conn:
        row = conn.execute(select(store_accounts)).one()
        assert (row.status, row.status_sentence, row.country) == ("ok", "", "GB")
        assert conn.execute(select(issues.c.closed_at)).scalar_one() is not None


def test_keys_of_another_business_do_not_replace(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    with pytest.raises(StoreRefused, match="belong to Quay Corner Store, not to Harbour Lane"):
        replace_credentials(rig.store(**QUAY_KEYS), account, QUAY_KEYS, rig.boss)
    with transaction() as conn:
        assert load_credentials(conn, account) == HARBOUR_KEYS


def test_new_credentials_have_the_webhooks_registered_anew(rig: Rig) -> None:
    account = rig.add_store(HARBOUR_KEYS | {"webhook_secret": ""}).store_account_id
    connection_id = rig.connect(account)
    forget_jobs()
    replace_credentials(rig.store(), account, HARBOUR_KEYS, rig.boss)
    wanted = [("webhooks_register", {"connection_id": connection_id})]
    assert jobs("webhooks_register") == wanted
    forget_jobs()
    rig.add_store()  # entered once more as if it were new
    assert jobs("webhooks_register") == wanted


def test_new_credentials_of_a_store_without_a_live_connection_register_nothing(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    disconnect(rig.connect(account), rig.boss)
    forget_jobs()
    replace_credentials(rig.store(), account, HARBOUR_KEYS, rig.boss)
    assert jobs("webhooks_register") == []


def forget_jobs() -> None:
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs CASCADE")
