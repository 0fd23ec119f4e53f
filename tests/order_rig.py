"""The demo store and Shop, connected, with some of the store's SKUs on the Shop's shelf: where orders begin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select, text, update

from core.db.engine import transaction
from core.db.tables import issues, shop_orders, shops, store_orders, variants
from core.domain.errors import RemoteError
from core.ports import Marketplace, Store
from core.services import order_import, order_status
from core.services.catalogue_pull import pull_catalogue
from core.services.live import LiveConnection, live
from core.services.order_drain import Drained, drain_orders
from core.services.order_import import Importing
from core.services.order_mappings import read_statuses
from core.services.order_sweep import sweep_orders
from core.services.settings_of_connection import save_setting
from core.services.stock_holds import held_units
from core.services.stock_writes import write_wanted
from tests.connect_rig import Rig, running_rig

RECHECK_S = 0.3
_EMBED = "status,products,discounts,fees,shipping,admin_comments,shipping_address,custom_fields"


@dataclass
class OrderRig:
    """``skus`` are on the Shop's shelf and in the store, plenty of each."""

    rig: Rig
    store_account_id: int
    connection_id: int
    market: Marketplace
    store: Store
    skus: list[str]

    @property
    def target(self) -> LiveConnection:
        return live(self.connection_id)

    def control(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> dict[str, Any]:
        answer = self.rig.control.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def fault(self, endpoint: str, fault: str, *, vendor: str = "shopwired", **rule: Any) -> None:
        """One fault from now on; ``times`` says how often."""
        self.control("faults", {"rules": [{"vendor": vendor, "endpoint": endpoint, "fault": fault, **rule}]})

    def buy(self, *skus: str, kind: str = "normal", **given: Any) -> str:
        """The id of one order."""
        (order_id,) = self.buy_many(1, *skus, kind=kind, **given)
        return order_id

    def buy_many(self, count: int, *skus: str, **given: Any) -> list[str]:
        body = {"count": count, "skus": list(skus), "ignore_stock": True, **given}
        ids: list[str] = self.control("tiktok/buy", body)["order_ids"]
        return ids

    def act(self, order_id: str, act: str, **given: Any) -> None:
        self.control(f"tiktok/orders/{order_id}/{act}", given)

    def drain(self) -> Drained:
        return drain_orders(self.market, self.connection_id)

    def importing(self) -> Importing:
        return Importing(self.target, self.store, RECHECK_S)

    def work(self) -> None:
        """Drain, import, follow, write stock: once each, as the jobs would."""
        self.drain()
        sweep_orders(self.connection_id)
        order_import.import_orders(self.importing())
        order_status.follow_statuses(self.store, self.target)
        write_wanted(self.store, self.store_account_id)

    def work_stock(self) -> None:
        write_wanted(self.store, self.store_account_id)

    def order(self, remote_id: str) -> Row[Any]:
        with transaction() as conn:
            return conn.execute(select(shop_orders).where(shop_orders.c.remote_id == remote_id)).one()

    def store_order(self, remote_id: str) -> Row[Any] | None:
        joined = store_orders.join(shop_orders, shop_orders.c.id == store_orders.c.order_id)
        wanted = select(store_orders).select_from(joined).where(shop_orders.c.remote_id == remote_id)
        with transaction() as conn:
            return conn.execute(wanted).one_or_none()

    def in_store(self, remote_id: str) -> list[dict[str, Any]]:
        """The store's orders for an order of the Shop, as the store's own API shows them."""
        marker = f"TikTok order {remote_id}"
        return [one for one in self.store_list() if str(one.get("comments") or "").startswith(marker)]

    def store_list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            query = {"count": 100, "offset": len(found), "embed": _EMBED}
            answer = self.rig.control.get("/v1/orders", params=query, auth=("sw-key-harbour", "sw-secret-harbour"))
            page = answer.raise_for_status().json()
            found += page
            if len(page) < 100:
                return found

    def stock(self, sku: str) -> int:
        found = self.store.stock(sku)
        assert found is not None
        return found

    def restock(self, sku: str, quantity: int) -> None:
        """In the store, and in our copy of it."""
        self.store.set_stock([(sku, quantity)])
        pull_catalogue(self.store, self.store_account_id, full=False)

    def variant(self, sku: str) -> int:
        ours = (variants.c.store_account_id == self.store_account_id, variants.c.sku == sku)
        with transaction() as conn:
            return int(conn.execute(select(variants.c.id).where(*ours)).scalar_one())

    def held(self, sku: str) -> int:
        variant_id = self.variant(sku)
        with transaction() as conn:
            return held_units(conn, self.store_account_id, [variant_id]).get(variant_id, 0)

    def deductions(self, remote_id: str) -> list[str]:
        query = text(
            "SELECT d.outcome FROM stock_deductions d JOIN shop_order_lines l ON l.id = d.line_id"
            " JOIN shop_orders o ON o.id = l.order_id WHERE o.remote_id = :id ORDER BY d.id"
        )
        with transaction() as conn:
            return list(conn.scalars(query, {"id": remote_id}))

    def setting(self, name: str, value: Any) -> None:
        with transaction() as conn:
            save_setting(conn, self.connection_id, name, value, self.rig.boss)

    def open_issues(self) -> set[tuple[str, str]]:
        wanted = select(issues.c.subject_kind, issues.c.code).where(issues.c.closed_at.is_(None))
        with transaction() as conn:
            return {(row.subject_kind, row.code) for row in conn.execute(wanted)}

    def hurry(self) -> None:
        """What would be tried again later is tried again now."""
        with transaction() as conn:
            conn.execute(update(shop_orders).values(not_before=None, lease_until=None))

    def try_import(self) -> str:
        """Import what waits; the name of the trouble that stopped it, or nothing."""
        try:
            order_import.import_orders(self.importing())
        except RemoteError as trouble:
            return type(trouble).__name__
        return ""

    def calm(self) -> None:
        """No faults, switches, settings and issues of an earlier test; orders stay, each test makes its own."""
        self.control("faults", method="DELETE")
        switches = {"hide_order_comments": False, "order_search_delay_seconds": 0, "orders_deduct_stock": True}
        switches |= {"order_picture_rules": False, "cancel_returns_stock": False}
        self.control("shopwired/switches", switches)
        with transaction() as conn:
            conn.exec_driver_sql("TRUNCATE issues, connection_settings")
            conn.exec_driver_sql("TRUNCATE procrastinate_jobs, procrastinate_events CASCADE")
            conn.exec_driver_sql("DELETE FROM mappings WHERE kind IN ('sku', 'order_field')")
            conn.exec_driver_sql("UPDATE shop_orders SET import_state = 'not_wanted' WHERE import_state <> 'imported'")
        read_statuses(self.store, self.connection_id)


@contextmanager
def running_order_rig(home: Path, products: int = 40) -> Iterator[OrderRig]:
    with running_rig(home, products) as rig:
        account = rig.add_store().store_account_id
        connection_id = rig.connect(account)
        store = rig.store()
        pull_catalogue(store, account, full=True)
        with transaction() as conn:
            shop_id, cipher = conn.execute(select(shops.c.id, shops.c.cipher)).one()
            unique = text(
                "SELECT sku FROM variants WHERE sku <> '' AND stock IS NOT NULL GROUP BY sku HAVING count(*) = 1"
                " ORDER BY sku LIMIT 6"
            )
            skus = list(conn.scalars(unique))
        store.set_stock([(sku, 1000) for sku in skus])
        pull_catalogue(store, account, full=False)
        listed = [{"seller_sku": sku, "quantity": 5000, "price": "12.99"} for sku in skus]
        rig.control.post("/_sandbox/tiktok/shelf", json={"skus": listed}).raise_for_status()
        market = rig.shop(shop_id, cipher=cipher)
        read_statuses(store, connection_id)
        yield OrderRig(rig, account, connection_id, market, store, skus)
