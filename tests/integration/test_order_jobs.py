"""The jobs of the order flow as they queue one another: from a webhook, a clock and a click to the store order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App, SyncPsycopgConnector
from sqlalchemy import insert, select

from core.config import Settings
from core.db.engine import transaction
from core.db.tables import inbox, run_items
from core.jobs.handlers import register
from core.jobs.schedules import PLAN
from core.services.order_import import start_import
from core.services.order_status import start_status
from core.services.webhook_intake import handle
from tests.connect_rig import HARBOUR
from tests.order_rig import OrderRig, running_order_rig


@pytest.fixture(scope="module")
def rig(database: Settings, home: Path) -> Iterator[OrderRig]:
    with running_order_rig(home) as found:
        yield found


@pytest.fixture(autouse=True)
def calm(rig: OrderRig) -> None:
    rig.calm()


@pytest.fixture(scope="module")
def tasks() -> dict[str, Callable[..., None]]:
    """Every job by its name, as the worker knows them."""
    app = App(connector=SyncPsycopgConnector())
    register(app)
    return {name: task.func for name, task in app.tasks.items()}


def work_off(tasks: dict[str, Callable[..., None]]) -> list[str]:
    """Run what is queued of the order flow, and what that queues, until nothing is left; the names in turn."""
    done = []
    while True:
        with transaction() as conn:
            row = conn.exec_driver_sql(
                "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = (SELECT id FROM procrastinate_jobs"
                " WHERE status = 'todo' AND (starts_with(task_name, 'order') OR task_name = 'stock_writes')"
                " ORDER BY id LIMIT 1) RETURNING task_name, args"
            ).first()
        if row is None:
            return done
        tasks[row.task_name](**row.args)
        done.append(row.task_name)


def tell(rig: OrderRig, order_id: str, number: int) -> None:
    """What the gateway keeps of a webhook, and the job that acts on it."""
    row: dict[str, Any] = {"source": "tiktok", "account": HARBOUR, "delivery_id": f"{order_id}{number}", "body": b""}
    with transaction() as conn:
        conn.execute(insert(inbox).values(**row, topic="ORDER_STATUS_CHANGE", subject=f"order:{order_id}"))
    handle("tiktok", HARBOUR)


def test_a_webhook_leads_to_the_store_order_and_its_status(
    rig: OrderRig, tasks: dict[str, Callable[..., None]]
) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    tell(rig, order_id, 1)
    assert work_off(tasks) == ["order_hints", "order_import", "order_reference"]
    (made,) = rig.in_store(order_id)
    assert made["status"]["type"] == "paid"
    rig.act(order_id, "advance", to="IN_TRANSIT")
    tell(rig, order_id, 2)
    assert "order_status" in work_off(tasks)
    assert rig.in_store(order_id)[0]["status"]["type"] == "shipped"


def test_the_clock_finds_what_no_webhook_told(rig: OrderRig, tasks: dict[str, Callable[..., None]]) -> None:
    planned = {one.job for one in PLAN}
    assert {"order_drain", "order_sweep", "order_statuses"} <= planned
    order_id = rig.buy(rig.skus[0], on_hold=False)
    tasks["order_drain"](connection_id=rig.connection_id)
    work_off(tasks)
    assert len(rig.in_store(order_id)) == 1


def test_the_sweep_queues_what_has_lost_its_job(rig: OrderRig, tasks: dict[str, Callable[..., None]]) -> None:
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs, procrastinate_events CASCADE")
    assert work_off(tasks) == []
    tasks["order_sweep"](connection_id=rig.connection_id)
    work_off(tasks)
    assert rig.order(order_id).import_state == "imported"


def test_a_setting_wakes_what_it_held_back(rig: OrderRig, tasks: dict[str, Callable[..., None]]) -> None:
    rig.setting("order_import", False)
    order_id = rig.buy(rig.skus[0], on_hold=False)
    rig.drain()
    work_off(tasks)
    assert rig.order(order_id).hold == "import_off"
    rig.setting("order_import", True)
    assert work_off(tasks)[0] == "order_wake"
    assert rig.order(order_id).import_state == "imported"


def test_runs_import_and_follow_many(rig: OrderRig, tasks: dict[str, Callable[..., None]]) -> None:
    bought = rig.buy_many(6, rig.skus[0], kind="normal", on_hold=False)
    rig.drain()
    ids = [rig.order(one).id for one in bought]
    with transaction() as conn:
        conn.exec_driver_sql("TRUNCATE procrastinate_jobs, procrastinate_events CASCADE")
    for start in (lambda: start_import(rig.connection_id, "boss", order_ids=ids),
                  lambda: start_status(rig.connection_id, ids, "boss")):  # fmt: skip
        run_id = start()
        work_off(tasks)
        with transaction() as conn:
            ended = list(conn.scalars(select(run_items.c.status).where(run_items.c.run_id == run_id)))
        assert ended == ["done"] * 6
    assert {rig.order(one).import_state for one in bought} == {"imported"}
