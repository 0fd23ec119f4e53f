"""A connected Shop with live listings of store products: where pushes and stock checks begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, update

from core.db.engine import transaction
from core.db.tables import connection_settings, latencies, listing_skus, listings, products, variants
from core.domain.listing import ListingDraft
from core.domain.money import Money
from core.services.listing_review import review_listings
from core.services.price_stock import push_changed, push_open
from core.services.price_stock_send import Pushed
from core.services.product_status import mark_stale
from tests.listing_rig import ListingRig, running_listing_rig
from tests.store_harness import Merchant
from tests.tiktok_side import MAIN_URL, draft_of, simple_category, uploaded


@dataclass
class StockRig:
    """``listed`` are our ids of the products that have a live listing, each with as many SKUs as its variants."""

    base: ListingRig
    merchant: Merchant
    listed: list[int]

    @property
    def connection_id(self) -> int:
        return self.base.connection_id

    @property
    def market(self) -> Any:
        return self.base.market

    def control(self, path: str, **body: Any) -> Any:
        answer = self.base.rig.control.post(f"/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, fault: str, endpoint: str, times: int | None = 1, **more: Any) -> None:
        rule = {"vendor": "tiktok", "endpoint": endpoint, "fault": fault, "times": times} | more
        self.control("faults", rules=[rule])

    def push(self, product_ids: Sequence[int]) -> Pushed:
        return push_changed(self.market, self.connection_id, product_ids)

    def push_open(self) -> Pushed:
        return push_open(self.market, self.connection_id)

    def sku(self, product_id: int) -> Any:
        return self.skus(product_id)[0]

    def skus(self, product_id: int) -> list[Any]:
        """The rows of a product's live SKUs, with the store's stock and the listing's id in the Shop."""
        joined = listing_skus.join(variants, variants.c.id == listing_skus.c.variant_id)
        joined = joined.join(listings, listings.c.id == listing_skus.c.listing_id)
        columns = (listing_skus, variants.c.stock, variants.c.sku, listings.c.remote_id.label("listing"))
        wanted = select(*columns).select_from(joined).where(variants.c.product_id == product_id)
        live = listing_skus.c.ended_at.is_(None)
        with transaction() as connection:
            return list(connection.execute(wanted.where(live).order_by(listing_skus.c.id)))

    def set_stock(self, product_id: int, stock: int, **columns: Any) -> None:
        """As a pull would store it: every variant of the product has this stock."""
        values = {"stock": stock, "changed_at": "now()"} | columns
        with transaction() as connection:
            connection.execute(update(variants).where(variants.c.product_id == product_id).values(**values))

    def set_product(self, product_id: int, **columns: Any) -> None:
        with transaction() as connection:
            connection.execute(update(products).where(products.c.id == product_id).values(**columns))

    def setting(self, name: str, value: Any) -> None:
        row = {"connection_id": self.connection_id, "name": name, "value": value}
        with transaction() as connection:
            mine = connection_settings.c.connection_id == self.connection_id
            connection.execute(connection_settings.delete().where(mine, connection_settings.c.name == name))
            if value is not None:
                connection.execute(connection_settings.insert().values(**row))

    def shown(self, sku_id: str) -> int:
        """What the Shop has in shop now."""
        (level,) = self.market.inventory([sku_id])
        return int(level.in_shop)

    def seller_sets(self, listing: str, sku_id: str, quantity: int) -> None:
        """Somebody changes the stock in Seller Center."""
        (level,) = self.market.inventory([sku_id])
        places = [(place, quantity) for place, _ in level.warehouses]
        assert self.market.update_inventory(listing, [(sku_id, places)]) == ()

    def latencies(self, kind: str) -> list[Any]:
        wanted = select(latencies).where(latencies.c.kind == kind, latencies.c.connection_id == self.connection_id)
        with transaction() as connection:
            return list(connection.execute(wanted.order_by(latencies.c.id)))

    def calls(self, endpoint: str) -> int:
        return self.base.rig.calls(endpoint)


@contextmanager
def running_stock_rig(home: Path, *, listed: int = 6, products_in_store: int = 20) -> Iterator[StockRig]:
    """``listed`` products of one variant are live in the Shop, with the store's prices and stock."""
    with running_listing_rig(home, products_in_store) as base:
        base.rig.control.post("/_sandbox/review", json={"delay_seconds": 0, "reject_rate": 0}).raise_for_status()
        with transaction() as connection:
            mark_stale(connection, connection_id=base.connection_id)
        chosen = _listable(base.store_account_id, listed)
        rig = StockRig(base, Merchant(base.rig.url), [row.product_id for row in chosen])
        pattern = draft_of(base.market, simple_category(base.market), "pattern", variants=1)
        pictures = uploaded(base.market)
        for row in chosen:
            _send(base, _draft(pattern, row), pictures)
        base.rig.control.post("/_sandbox/review", json={}).raise_for_status()
        review_listings(base.market, base.connection_id)
        yield rig


def _listable(store_account_id: int, count: int) -> list[Any]:
    joined = variants.join(products, products.c.id == variants.c.product_id)
    columns = (variants.c.id, variants.c.product_id, variants.c.sku, variants.c.price, variants.c.sale_price)
    usable = (
        products.c.store_account_id == store_account_id,
        products.c.variant_count == 1,
        products.c.active,
        variants.c.stock > 0,
        variants.c.price > 1,
        variants.c.sku.regexp_match(r"^\S{1,40}$"),
    )
    wanted = select(*columns, variants.c.stock).select_from(joined).where(*usable).order_by(products.c.id)
    with transaction() as connection:
        found = {row.sku: row for row in connection.execute(wanted)}
    assert len(found) >= count, f"the demo catalogue has {len(found)} simple products"
    return list(found.values())[:count]


def _draft(pattern: ListingDraft, row: Any) -> ListingDraft:
    price = Money(Decimal(row.sale_price or row.price), "GBP")
    sku = replace(
        pattern.skus[0], variant_id=str(row.id), seller_sku=row.sku, price=price, quantity=row.stock, identifier=None
    )
    title = f"Stoneware mug for coffee and tea {row.sku}"
    return replace(pattern, product_id=str(row.product_id), title=title, skus=(sku,), picture_urls=(MAIN_URL,))


def _send(base: ListingRig, draft: ListingDraft, pictures: Any) -> None:
    """Create the listing in the Shop, and the rows as the export leaves them."""
    body = base.market.listing_body(draft, pictures, idempotency_key=str(uuid4()))
    made, (sku,) = base.market.create_product(body), draft.skus
    listing = {
        "connection_id": base.connection_id, "product_id": int(draft.product_id), "state": "sent",
        "remote_id": made.id, "draft": {"warehouse_id": draft.warehouse_id}, "sent_at": func.now(),
        "tiktok_status": "PENDING", "audit_status": "AUDITING",
    }  # fmt: skip
    marks = ("price_sent_at", "price_acknowledged_at", "quantity_sent_at", "quantity_acknowledged_at")
    row = dict.fromkeys(marks, func.now()) | {
        "connection_id": base.connection_id, "variant_id": int(sku.variant_id), "seller_sku": sku.seller_sku,
        "remote_id": made.skus[0].id, "sent_price": sku.price.amount, "sent_quantity": sku.quantity,
    }  # fmt: skip
    with transaction() as connection:
        listing_id = connection.execute(listings.insert().values(**listing).returning(listings.c.id)).scalar_one()
        connection.execute(listing_skus.insert().values(listing_id=listing_id, **row))
