"""product_export of 1,000 ready products against a bare loop that makes the same calls.

The bare loop has the drafts in hand before its clock starts. For each it fetches and converts the pictures, uploads
them and creates the product: same HTTP client, same picture conversion, same four at once, no journal, no intent, no
outcome, no lease. Ours is a run worked on by four jobs, from the selection to the saved outcomes.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select

from bench.results import Row, compared
from bench.stage import Stage, alternating, staged
from core import wiring
from core.config import settings
from core.db.engine import transaction, trust_recent_connections
from core.db.tables import pending_pictures, product_states, run_items, runs, shops
from core.domain.filters import Selection
from core.domain.limits import limits_of
from core.domain.listing import ListingDraft
from core.http.client import HttpClient
from core.jobs import demo, handlers
from core.ports import Exchange
from core.services.listing_intents import new_key
from core.services.listing_pictures import pictures_of, upload_prepared
from core.services.live import live
from core.services.product_export import start_send
from core.services.product_readiness import drafts_for
from core.services.shop_token import ShopTokenVault
from core.services.tiktok_apps import load_app
from core.tiktok.client import TikTokShop

CATALOGUE, PRODUCTS, ROUNDS, THREADS = 3_600, 500, 2, 4
SHOP = "7495001122334455667"


def measure() -> list[Row]:
    with staged(CATALOGUE) as stage:
        stage.environment["CROSSDOCK_SANDBOX_URL"] = stage.sandbox
        stage.control("limits", {"off": True, "tiktok": {"daily_products": {SHOP: 1_000_000}}})
        gateway = stage.start("gateway.py")
        try:
            prepared = stage.run("bench.product_export", "prepare")
        finally:
            gateway.terminate()
            gateway.wait(timeout=30)
        return [_compare(stage, prepared)]


def _compare(stage: Stage, prepared: dict[str, Any]) -> Row:
    ready = random.Random(1).sample(prepared["ready"], len(prepared["ready"]))  # kinds come round in the catalogue
    needed = 2 * ROUNDS * PRODUCTS
    if len(ready) < needed:
        raise RuntimeError(f"only {len(ready)} products are ready, {needed} are needed: enlarge the catalogue")
    samples: dict[str, list[dict[str, Any]]] = {"ours": [], "bare": []}
    for number, side in enumerate(alternating(ROUNDS, "ours", "bare")):
        ids = ready[number * PRODUCTS : (number + 1) * PRODUCTS]
        (stage.home / "ids.json").write_text(json.dumps(ids))
        samples[side].append(stage.run("bench.product_export", side, str(stage.home / "ids.json")))
    speeds = {side: [sample["sent"] / sample["seconds"] for sample in taken] for side, taken in samples.items()}
    return compared(
        "product_export_speed",
        f"Export of {PRODUCTS * ROUNDS:,} ready products of the demo catalogue, pictures fetched, converted and "
        "uploaded; other: the same calls from a bare loop with the same HTTP client and conversion; "
        f"{THREADS} at once on both sides, median of {ROUNDS} runs of {PRODUCTS} on each side, in turn, every product "
        "sent once; the sandbox's rates and our own are off.",
        ours=speeds["ours"], other=speeds["bare"], at_least=0.7, units="products/s", raw=samples,
    )  # fmt: skip


def prepare() -> dict[str, Any]:
    """Connect the demo, read everything, map every category, answer every attribute; which products are ready."""
    connection_id = demo.ensure_demo()
    assert connection_id is not None
    target = live(connection_id)
    handlers.shop_metadata(connection_id)
    handlers.catalogue_pull(target.store_account_id, full=True)
    demo.map_categories(wiring.marketplace(target.shop_id), connection_id)
    handlers.category_rules(connection_id)
    demo.answer_attributes(connection_id)
    handlers.product_readiness(connection_id)
    _look_at_pictures(connection_id)
    return {"ready": _ready(connection_id)}


def _ready(connection_id: int) -> list[int]:
    ready = select(product_states.c.product_id).where(
        product_states.c.connection_id == connection_id, product_states.c.status == "ready"
    )
    with transaction() as connection:
        return list(connection.execute(ready.order_by(product_states.c.product_id)).scalars())


def _look_at_pictures(connection_id: int) -> None:
    """Fetch every picture once: the unusable ones are found, and the sandbox has drawn the others for both sides."""
    due = or_(pending_pictures.c.not_before.is_(None), pending_pictures.c.not_before <= func.now())
    pending = select(func.count()).select_from(pending_pictures).where(due)
    while True:
        handlers.picture_check(connection_id)
        handlers.product_readiness(connection_id)
        with transaction() as connection:
            if connection.execute(pending).scalar_one() == 0:
                return


def ours(ids: list[int]) -> dict[str, Any]:
    """A run of four jobs, as one worker with four threads works on it."""
    trust_recent_connections()
    began = time.perf_counter()
    run_id = start_send(1, Selection(ids=tuple(ids)), "bench")
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(_work_on, [run_id] * THREADS))
    return {"seconds": time.perf_counter() - began, "sent": _sent(run_id)}


def _work_on(run_id: int) -> None:
    """One job after another, as a worker takes them from the queue."""
    while not _has_ended(run_id):
        handlers.product_export(run_id)
        time.sleep(0.05)


def _has_ended(run_id: int) -> bool:
    with transaction() as connection:
        return connection.execute(select(runs.c.status).where(runs.c.id == run_id)).scalar_one() == "done"


def _sent(run_id: int) -> int:
    done = select(run_items.c.id).where(run_items.c.run_id == run_id, run_items.c.status == "done")
    with transaction() as connection:
        return len(connection.execute(done).all())


class NoJournal:
    """Keeps nothing."""

    def keep(self, exchange: Exchange) -> None:
        return


def bare(ids: list[int]) -> dict[str, Any]:
    """The same calls, nothing kept."""
    target = live(1)
    with transaction() as connection:
        assessments = drafts_for(connection, 1, ids)
    drafts = [draft for one in assessments.values() for _, draft in one.drafts]
    send = _sender(_bare_shop(target.shop_id))
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        sent = sum(threads.map(send, drafts))
    return {"seconds": time.perf_counter() - began, "sent": sent}


def _bare_shop(shop_id: int) -> TikTokShop:
    with transaction() as connection:
        shop = connection.execute(select(shops).where(shops.c.id == shop_id)).one()
        app = load_app(connection, shop.app_id)
    return TikTokShop(
        HttpClient(NoJournal(), None),
        api_url=settings().tiktok_api_url,
        app_key=app.app_key,
        app_secret=app.app_secret,
        cipher=shop.cipher,
        account=shop.remote_id,
        vault=ShopTokenVault(shop_id, wiring.marketplace_auth(shop.app_id)),
        region=shop.region,
        currency=limits_of(shop.region).currency,
    )


def _sender(shop: TikTokShop) -> Callable[[ListingDraft], int]:
    source = wiring.picture_source()

    def send(draft: ListingDraft) -> int:
        pictures = {}
        for url, use_case in pictures_of(draft):
            prepared = source.prepare(url, use_case, region="GB")
            pictures[url] = upload_prepared(shop, prepared, use_case)
        shop.create_product(shop.listing_body(draft, pictures, idempotency_key=new_key()))
        return 1

    return send


def main(side: str, *files: str) -> dict[str, Any]:
    """One side in a process of its own; the products' ids come in a file."""
    if side == "prepare":
        return prepare()
    ids = json.loads(Path(files[0]).read_text())
    return ours(ids) if side == "ours" else bare(ids)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
