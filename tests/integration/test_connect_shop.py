"""Connecting a Shop as a person does, against the sandbox's authorise page, token host and API."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core import config
from core.config import Settings
from core.db.engine import transaction
from core.db.tables import audit, connections, issues, oauth_states, runs, shops, store_accounts, warehouses
from core.domain.people import SYSTEM, Actor, Role
from core.domain.scopes import SCOPES
from core.jobs import handlers
from core.services import authorisation, connect_shop, people
from core.services.authorisation import AuthorisationError
from core.services.connect_store import check_store
from core.services.connection_checks import Check, checklist, read_prerequisites, warn_of_reauthorisation
from core.services.live import NotLive, require_live
from core.services.runs import start_run
from core.services.settings_of_connection import load_settings, save_setting
from core.services.webhook_registration import clean_up, register_webhooks
from tests.connect_rig import HARBOUR, QUAY_KEYS, Rig, jobs, running_rig


@pytest.fixture(scope="module")
def world(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("sandbox")) as rig:
        yield rig


@pytest.fixture
def rig(world: Rig) -> Rig:
    world.forget_all()
    return world


def count(table: object) -> int:
    with transaction() as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def later(by: timedelta) -> None:
    with transaction() as conn:
        conn.execute(update(oauth_states).values(expires_at=oauth_states.c.expires_at - by))


def line(connection_id: int, name: str) -> Check:
    with transaction() as conn:
        found = {check.name: check for check in checklist(conn, connection_id)}
    return found[name]


def forget_jobs() -> None:
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs CASCADE")


def shop_of(rig: Rig, connection_id: int, account: str = HARBOUR):  # type: ignore[no-untyped-def]
    with transaction() as conn:
        joined = connections.join(shops, shops.c.id == connections.c.shop_id)
        row = conn.execute(select(shops).select_from(joined).where(connections.c.id == connection_id)).one()
    return rig.shop(row.id, cipher=row.cipher, account=account)


def test_owner_connects_and_the_first_jobs_wait(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    started = rig.start(account)
    with transaction() as conn:
        assert [one.status for one in authorisation.pending(conn, rig.boss)] == ["waiting"]
    assert rig.come_back(rig.decide(started.url, "harbour.lane")).ok
    with transaction() as conn:
        (pending,) = authorisation.pending(conn, rig.boss)
    assert (pending.key, pending.status, pending.store_account_id) == (started.key, "returned", account)
    grant = authorisation.exchange(rig.auth(), started.key, rig.boss)
    with transaction() as conn:
        (offered,) = connect_shop.offered_shops(conn, grant)
    assert (offered.shop.id, offered.obstacle, offered.known_before) == (HARBOUR, "", False)
    connection_id = connect_shop.confirm(started.key, HARBOUR, rig.boss)
    with transaction() as conn:
        live = require_live(conn, connection_id)
        shop = conn.execute(select(shops)).one()
        assert "connect_shop" in conn.execute(select(audit.c.action)).scalars().all()
        assert authorisation.pending(conn, rig.boss) == []
    assert (live.store_account_id, live.region, live.currency) == (account, "GB", "GBP")
    assert (shop.seller_name, shop.name) == ("Harbour Lane Goods", "Harbour Lane Goods")
    assert set(shop.scopes) >= {scope.name for scope in SCOPES}
    assert shop.cipher
    asked = dict(jobs())
    assert asked == {
        "shop_metadata": {"connection_id": connection_id},
        "catalogue_pull": {"store_account_id": account, "full": True},
        "connection_check": {"connection_id": connection_id},
        "order_statuses": {"connection_id": connection_id},
        "order_drain": {"connection_id": connection_id},
        "webhooks_register": {"connection_id": connection_id},
        "product_readiness": {"connection_id": connection_id},
    }


def test_the_state_is_not_stored_and_the_code_only_sealed(rig: Rig) -> None:
    started = rig.start(rig.add_store().store_account_id)
    state = started.url.rpartition("state=")[2]
    answer = rig.decide(started.url, "harbour.lane")
    code = answer.headers["location"].partition("code=")[2].partition("&")[0]
    assert rig.come_back(answer).ok
    with transaction() as conn:
        row = conn.execute(select(oauth_states)).one()
    for secret in (state, code):
        assert not any(secret.encode() in bytes(value) for value in row if isinstance(value, bytes))


def test_refusal_at_the_shop_is_told(rig: Rig) -> None:
    started = rig.start(rig.add_store().store_account_id)
    returned = rig.come_back(rig.decide(started.url, "harbour.lane", "deny"))
    assert not returned.ok
    assert "refused in TikTok Shop (auth_denied)" in returned.sentence
    with pytest.raises(AuthorisationError, match="auth_denied"):
        authorisation.exchange(rig.auth(), started.key, rig.boss)


def test_replayed_invented_and_late_returns_change_nothing(rig: Rig) -> None:
    started = rig.start(rig.add_store().store_account_id)
    answer = rig.decide(started.url, "harbour.lane")
    assert rig.come_back(answer).ok
    assert "used already" in rig.come_back(answer).sentence
    with transaction() as conn:
        assert not authorisation.store_return(conn, state="invented", code="x", error="").ok
    late = rig.start(rig.add_store().store_account_id)
    later(authorisation.LIFE + timedelta(seconds=1))
    assert not rig.come_back(rig.decide(late.url, "harbour.lane")).ok
    with pytest.raises(AuthorisationError, match="over 30 minutes old"):
        authorisation.exchange(rig.auth(), started.key, rig.boss)


def test_a_code_is_traded_once_and_the_grant_comes_back_when_asked_again(rig: Rig) -> None:
    grant = rig.granted(rig.add_store().store_account_id)
    assert authorisation.exchange(rig.auth(), grant.key, rig.boss) == grant
    assert rig.calls("GET /api/v2/token/get") == 1
    connect_shop.confirm(grant.key, HARBOUR, rig.boss)
    with pytest.raises(AuthorisationError, match="used already"):
        connect_shop.confirm(grant.key, HARBOUR, rig.boss)


def test_a_code_used_elsewhere_is_refused_and_the_old_connection_untouched(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    connection_id = rig.connect(account)
    started = rig.start(account)
    answer = rig.decide(started.url, "harbour.lane")
    code = answer.headers["location"].partition("code=")[2].partition("&")[0]
    assert rig.come_back(answer).ok
    rig.control.get(
        "/api/v2/token/get",
        params={
            "app_key": "6f0demo1key",
            "app_secret": "demo-app-secret-0001",
            "auth_code": code,
            "grant_type": "authorized_code",
        },
    )
    with pytest.raises(AuthorisationError, match="did not accept the authorisation"):
        authorisation.exchange(rig.auth(), started.key, rig.boss)
    with transaction() as conn:
        assert require_live(conn, connection_id)


def test_only_the_user_who_started_may_go_on(rig: Rig) -> None:
    with transaction() as conn:
        other = Actor(people.add_user(conn, "other", Role.ADMIN), "other", Role.ADMIN)
    grant = rig.granted(rig.add_store().store_account_id)
    for act in (
        lambda: authorisation.exchange(rig.auth(), grant.key, other),
        lambda: connect_shop.confirm(grant.key, HARBOUR, other),
    ):
        with pytest.raises(AuthorisationError):
            act()
    assert count(connections) == 0


def test_staff_of_the_shop_get_no_further_than_the_shops_page(rig: Rig) -> None:
    started = rig.start(rig.add_store().store_account_id)
    answer = rig.decide(started.url, "harbour.staff")
    assert answer.status_code == 403
    with pytest.raises(AuthorisationError, match="has not answered yet"):
        authorisation.exchange(rig.auth(), started.key, rig.boss)


def test_account_that_is_no_seller_is_refused_plainly(rig: Rig) -> None:
    class CreatorsAuth:
        """The sandbox's auth host, telling that the account belongs to a creator: it has no such accounts itself."""

        def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
            return getattr(rig.auth(), name)

        def token(self, code: str):  # type: ignore[no-untyped-def]
            return replace(rig.auth().token(code), user_type=1)

    started = rig.start(rig.add_store().store_account_id)
    assert rig.come_back(rig.decide(started.url, "harbour.lane")).ok
    with pytest.raises(AuthorisationError, match="not the Shop's main account, and only its owner can connect"):
        authorisation.exchange(CreatorsAuth(), started.key, rig.boss)  # type: ignore[arg-type]
    with transaction() as conn:
        (pending,) = authorisation.pending(conn, rig.boss)
    assert (pending.status, pending.sentence) == ("refused", authorisation.NOT_OWNER)


def test_shop_of_another_country_is_not_connected(rig: Rig) -> None:
    grant = rig.granted(rig.add_store().store_account_id, "maple.street")
    with transaction() as conn:
        (offered,) = connect_shop.offered_shops(conn, grant)
    assert "Harbour Lane is in United Kingdom (GB)" in offered.obstacle
    assert "Maple Street Supply is in United States (US)" in offered.obstacle
    with pytest.raises(AuthorisationError) as refusal:
        connect_shop.confirm(grant.key, offered.shop.id, rig.boss)
    assert refusal.value.sentence == offered.obstacle
    assert count(connections) == 0
    assert count(shops) == 0


def test_country_that_changes_later_stops_all_work_until_it_is_put_right(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    connection_id = rig.connect(account)
    with transaction() as conn:
        conn.execute(update(shops).values(region="US"))
    check_store(rig.store(), account)
    with transaction() as conn, pytest.raises(NotLive, match="United States"):
        require_live(conn, connection_id)
    assert line(connection_id, "Region and currency").state == "wrong"
    connect_shop.check_connection(shop_of(rig, connection_id), connection_id)
    with transaction() as conn:
        assert require_live(conn, connection_id).region == "GB"


def test_missing_essential_permission_is_named(rig: Rig) -> None:
    scopes = ["seller.authorization.info", "seller.product.basic"]
    rig.control.post("/_sandbox/apps", json={"app_key": "6f0demo1key", "scopes": scopes}).raise_for_status()
    with pytest.raises(AuthorisationError, match=r"was not granted seller\.product\.write \(sending products"):
        rig.granted(rig.add_store().store_account_id)


def test_other_missing_permission_connects_and_stands_in_the_checklist(rig: Rig) -> None:
    scopes = ["seller.authorization.info", "seller.product.basic", "seller.product.write", "seller.logistics"]
    rig.control.post("/_sandbox/apps", json={"app_key": "6f0demo1key", "scopes": scopes}).raise_for_status()
    check = line(rig.connect(rig.add_store().store_account_id), "Permissions")
    assert check.state == "wrong"
    assert "seller.order.info (reading orders)" in check.sentence


def test_disconnecting_stops_at_once_and_reconnecting_finds_everything(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    connection_id = rig.connect(account)
    with transaction() as conn:
        save_setting(conn, connection_id, "stock_buffer", 4, rig.boss)
        run_id = start_run(
            conn, kind="product_export", title="x", connection_id=connection_id, by="boss", items=[("product", 1)]
        )
    connect_shop.disconnect(connection_id, rig.boss)
    with transaction() as conn:
        with pytest.raises(NotLive, match="is disconnected: reconnect it in Settings"):
            require_live(conn, connection_id)
        assert conn.execute(select(runs.c.status).where(runs.c.id == run_id)).scalar_one() == "stopping"
    assert jobs("disconnect_cleanup") == [("disconnect_cleanup", {"connection_id": connection_id})]
    connect_shop.disconnect(connection_id, rig.boss)
    assert rig.connect(account) == connection_id
    with transaction() as conn:
        assert require_live(conn, connection_id)
        assert load_settings(conn, connection_id).stock_buffer == 4


def test_another_shop_is_a_connection_of_its_own_beside_the_first(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    first, second = rig.connect(account), rig.connect(account, "quay.corner")
    assert first != second
    with transaction() as conn:
        assert require_live(conn, first)
        assert require_live(conn, second)
        assert load_settings(conn, second) == load_settings(conn, first)


def test_a_shop_is_live_once_and_free_after_disconnecting(rig: Rig) -> None:
    first = rig.connect(rig.add_store().store_account_id)
    other = rig.add_store(QUAY_KEYS).store_account_id
    with pytest.raises(AuthorisationError, match="already connected to the store Harbour Lane: disconnect it there"):
        rig.connect(other)
    connect_shop.disconnect(first, rig.boss)
    assert rig.connect(other) != first


def test_two_confirmations_of_one_shop_at_the_same_moment_make_one_connection(rig: Rig) -> None:
    accounts = [rig.add_store().store_account_id, rig.add_store(QUAY_KEYS).store_account_id]
    keys = [rig.granted(account).key for account in accounts]

    def confirm(key: str) -> str:
        try:
            return str(connect_shop.confirm(key, HARBOUR, rig.boss))
        except AuthorisationError as error:
            return error.sentence

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(confirm, keys))
    assert told[0].isdigit()
    assert "already connected" in told[1]
    assert count(connections) == 1


def test_button_test_fills_in_what_the_shop_tells_and_marks_a_lost_one(rig: Rig) -> None:
    connection_id = rig.connect(rig.add_store().store_account_id)
    with transaction() as conn:
        conn.execute(update(shops).values(cipher="stale", name="old"))
    sentence = connect_shop.check_connection(shop_of(rig, connection_id), connection_id)
    assert f"Shop id {HARBOUR}" in sentence
    with transaction() as conn:
        row = conn.execute(select(shops)).one()
    assert row.cipher.startswith("GCP_")
    assert row.name == "Harbour Lane Goods"
    rig.control.post("/_sandbox/revoke", json={"app_key": "6f0demo1key", "shop_id": HARBOUR}).raise_for_status()
    with pytest.raises(AuthorisationError, match="reconnect it in Settings"):
        connect_shop.check_connection(shop_of(rig, connection_id), connection_id)
    with transaction() as conn, pytest.raises(NotLive):
        require_live(conn, connection_id)
    assert line(connection_id, "TikTok token").state == "wrong"


def test_checklist_reads_prerequisites_and_warehouses(rig: Rig) -> None:
    connection_id = rig.connect(rig.add_store().store_account_id)
    assert line(connection_id, "Sales warehouse").state == "unknown"
    market = shop_of(rig, connection_id)
    read_prerequisites(market, connection_id)
    for depot in market.warehouses():
        with transaction() as conn:
            conn.execute(
                warehouses.insert().values(
                    connection_id=connection_id,
                    remote_id=depot.id,
                    name=depot.name,
                    kind=depot.kind,
                    status=depot.status,
                    is_default=depot.default,
                    region=depot.region,
                )
            )
    with transaction() as conn:
        lines = {check.name: check for check in checklist(conn, connection_id)}
    assert {name for name, check in lines.items() if check.state == "wrong"} == set()
    assert lines["Sales warehouse"].state == "ok"
    assert lines["Return address"].sentence == "The Shop's own check passed."
    with transaction() as conn:
        conn.execute(update(warehouses).where(warehouses.c.kind == "SALES_WAREHOUSE").values(status="RESTRICTED"))
        conn.execute(warehouses.delete().where(warehouses.c.kind == "RETURN_WAREHOUSE"))
    assert "left so" in line(connection_id, "Holiday mode").sentence
    assert line(connection_id, "Return warehouse").state == "wrong"


def test_authorisation_is_counted_down_and_warned_of(rig: Rig) -> None:
    connection_id = rig.connect(rig.add_store().store_account_id)
    assert line(connection_id, "Authorise again").state == "ok"
    for days, step in ((13, 14), (6, 7), (0.5, 1)):
        with transaction() as conn:
            conn.execute(update(shops).values(refresh_expires_at=func.now() + timedelta(days=days, minutes=1)))
            assert warn_of_reauthorisation(conn) == 1
        with transaction() as conn:
            open_codes = conn.execute(select(issues.c.code).where(issues.c.closed_at.is_(None))).scalars().all()
        assert open_codes == [f"reauthorise_{step}"]
    assert line(connection_id, "Authorise again").state == "wrong"
    with transaction() as conn:
        conn.execute(update(shops).values(refresh_expires_at=func.now() + timedelta(days=36_000)))
        assert warn_of_reauthorisation(conn) == 0
    assert line(connection_id, "Authorise again").sentence == "The authorisation has no end date."


def test_webhooks_are_registered_and_called_off(rig: Rig) -> None:
    account = rig.add_store().store_account_id
    connection_id = rig.connect(account)
    market, store = shop_of(rig, connection_id), rig.store()
    for _ in range(2):
        register_webhooks(market, store, connection_id, store_signs=True)
    assert "/webhooks/tiktok/6f0demo1key" in line(connection_id, "Webhooks of the Shop").sentence
    assert f"/webhooks/shopwired/{account}" in line(connection_id, "Webhooks of the store").sentence
    clean_up(market, store, connection_id)
    assert line(connection_id, "Webhooks of the Shop").state == "ok"
    connect_shop.disconnect(connection_id, SYSTEM)
    clean_up(market, store, connection_id)
    assert rig.calls("DELETE /event/202309/webhooks") > 0
    assert "Called off" in line(connection_id, "Webhooks of the Shop").sentence


def test_testing_the_connection_again_registers_the_webhooks(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_id = rig.connect(rig.add_store().store_account_id)
    monkeypatch.delenv("CROSSDOCK_SANDBOX_URL")
    config.settings.cache_clear()
    register_webhooks(shop_of(rig, connection_id), rig.store(), connection_id, store_signs=True)
    for side in ("Shop", "store"):
        assert "set CROSSDOCK_PUBLIC_URL" in line(connection_id, f"Webhooks of the {side}").sentence
    monkeypatch.undo()
    config.settings.cache_clear()
    forget_jobs()
    handlers.connection_check(connection_id)
    assert jobs("webhooks_register") == [("webhooks_register", {"connection_id": connection_id})]
    handlers.webhooks_register(connection_id)
    assert "/webhooks/tiktok/6f0demo1key" in line(connection_id, "Webhooks of the Shop").sentence
    assert "/webhooks/shopwired/" in line(connection_id, "Webhooks of the store").sentence


def test_a_real_vendor_beside_the_sandbox_is_given_no_address_of_this_machine(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = rig.add_store().store_account_id
    connection_id = rig.connect(account)

    def sentences() -> tuple[str, str]:
        register_webhooks(shop_of(rig, connection_id), rig.store(), connection_id, store_signs=True)
        shop_side, store_side = (line(connection_id, f"Webhooks of the {side}").sentence for side in ("Shop", "store"))
        return shop_side, store_side

    monkeypatch.setenv("CROSSDOCK_TIKTOK_API_URL", "https://open-api.tiktokglobalshop.com")
    config.settings.cache_clear()
    shop_side, store_side = sentences()
    assert "set CROSSDOCK_PUBLIC_URL" in shop_side
    assert "/webhooks/shopwired/" in store_side
    monkeypatch.undo()
    config.settings.cache_clear()
    with transaction() as conn:
        conn.execute(update(store_accounts).values(base_url="https://api.ecommerceapi.uk/v1"))
    shop_side, store_side = sentences()
    assert "/webhooks/tiktok/6f0demo1key" in shop_side
    assert "set CROSSDOCK_PUBLIC_URL" in store_side


def test_a_shop_that_lets_us_in_no_more_is_asked_for_no_webhooks(rig: Rig) -> None:
    connection_id = rig.connect(rig.add_store().store_account_id)
    forget_jobs()
    rig.control.post("/_sandbox/revoke", json={"app_key": "6f0demo1key", "shop_id": HARBOUR}).raise_for_status()
    handlers.connection_check(connection_id)
    assert jobs("webhooks_register") == []


def test_without_a_webhook_secret_the_store_is_polled(rig: Rig) -> None:
    connection_id = rig.connect(rig.add_store().store_account_id)
    register_webhooks(shop_of(rig, connection_id), rig.store(), connection_id, store_signs=False)
    assert "changes are found by polling" in line(connection_id, "Webhooks of the store").sentence


def test_store_that_refuses_its_keys_stands_in_the_checklist(rig: Rig) -> None:
    connection_id = rig.connect(rig.add_store().store_account_id, "harbour.lane")
    with transaction() as conn:
        conn.execute(update(store_accounts).values(status="refused", status_sentence="No."))
    assert line(connection_id, "Store credentials").sentence == "No."
