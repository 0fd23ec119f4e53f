"""A connected demo store and Shop with the catalogue pulled and the Shop's data read: where readiness begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core.db.engine import transaction
from core.db.tables import category_rules, connections, product_states, products, shop_categories, shops
from core.http.images import GuardedPictures
from core.ports import Marketplace
from core.services import shop_metadata
from core.services.catalogue_pull import pull_catalogue
from core.services.product_readiness import assess_stale
from core.services.product_status import mark_stale
from tests.connect_rig import Rig, running_rig


@dataclass
class ListingRig:
    """``connection_id`` joins the Harbour Lane store and Shop; nothing is mapped yet."""

    rig: Rig
    store_account_id: int
    connection_id: int
    shop_id: int
    market: Marketplace
    pictures: GuardedPictures

    def judge(self) -> int:
        """Judge everything that waits for it; how many looks that took."""
        looks = 0
        while count := assess_stale(self.connection_id):
            looks += count
        return looks

    def judge_all(self) -> None:
        with transaction() as connection:
            mark_stale(connection, connection_id=self.connection_id)
        self.judge()

    def state(self, product_id: int) -> Any:
        s = product_states.c
        wanted = select(product_states).where(s.connection_id == self.connection_id, s.product_id == product_id)
        with transaction() as connection:
            return connection.execute(wanted).one()

    def states(self) -> list[Any]:
        wanted = select(product_states, products.c.title, products.c.category_ids, products.c.sku).join(
            products, products.c.id == product_states.c.product_id
        )
        with transaction() as connection:
            ours = wanted.where(product_states.c.connection_id == self.connection_id)
            return list(connection.execute(ours.order_by(products.c.id)))

    def easy_leaf(self, place: int = 0) -> str:
        """A leaf with known rules that demands neither documents nor attributes; ``place`` chooses among several."""
        c, r = shop_categories.c, category_rules.c
        usable = (c.shop_id == self.shop_id, c.leaf, c.permission == "AVAILABLE")
        with transaction() as connection:
            leaves = list(connection.scalars(select(c.id).where(*usable).order_by(c.id)))
        found = 0
        for leaf in leaves:
            rule, attributes = self.market.category_rule(leaf), self.market.category_attributes(leaf)
            demanding = rule.size_chart_required or any(needed for _, _, needed in rule.certifications)
            if demanding or rule.dimensions_required or any(one.required for one in attributes):
                continue
            with transaction() as connection:
                shop_metadata.save_category_rule(connection, self.shop_id, rule, attributes)
            if found == place:
                return leaf
            found += 1
        raise AssertionError(f"the sandbox has no leaf without demands ({r.category_id})")


@contextmanager
def running_listing_rig(home: Path, products: int = 60) -> Iterator[ListingRig]:
    with running_rig(home, products) as rig:
        account = rig.add_store().store_account_id
        connection_id = rig.connect(account)
        pull_catalogue(rig.store(), account, full=True)
        with transaction() as connection:
            joined = shops.join(connections, connections.c.shop_id == shops.c.id)
            wanted = select(shops.c.id, shops.c.cipher).select_from(joined).where(connections.c.id == connection_id)
            shop_id, cipher = connection.execute(wanted).one()
        pictures = GuardedPictures((rig.url,))
        yield ListingRig(rig, account, connection_id, shop_id, rig.shop(shop_id, cipher=cipher), pictures)
        pictures.close()
