"""The worker: runs jobs, keeps the clock, and takes over the jobs of workers that went silent."""

from __future__ import annotations

import asyncio
import sys
import threading

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from core.config import Settings, SettingsError, settings
from core.jobs.clock import Clock
from core.jobs.demo import DemoFailed, ensure_demo
from core.jobs.handlers import register
from core.logs import configure, log
from core.services.database import trust_recent_connections, wait_for_schema

_LOST = (ConnectorException, psycopg.OperationalError, OSError)


def make_app(config: Settings) -> App:
    """Procrastinate's async face: it only runs jobs, deferring goes through ``core.queue``."""
    conninfo = config.database_url.replace("postgresql+psycopg://", "postgresql://")
    size = config.worker_concurrency + 3
    connector = PsycopgConnector(conninfo=conninfo, min_size=2, max_size=size, kwargs={"application_name": "worker"})
    app = App(connector=connector)
    register(app)
    return app


async def sweep(app: App, config: Settings) -> None:
    """Queue again the jobs of silent workers, for ever. It is no job itself, so it cannot stall as one."""
    while True:
        await asyncio.sleep(config.sweep_seconds)
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=config.stall_seconds):
                log().warning("a silent worker's job is queued again", action="sweep", job=job.id, task=job.task_name)
                await _take_over(app, job)
        except _LOST as error:
            log().warning("the sweep waits for the database", action="sweep", error=str(error))


async def _take_over(app: App, job: Job) -> None:
    try:
        await app.job_manager.retry_job(job)
    except ConnectorException:
        # The same work waits already under the same key: that one does it.
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)


async def work(config: Settings) -> None:
    """Run jobs until a signal ends it; a lost database is waited for."""
    ready = config.home / "worker.ready"
    while True:
        app = make_app(config)
        try:
            async with app.open_async():
                sweeping = asyncio.create_task(sweep(app, config))
                ready.touch()
                try:
                    await app.run_worker_async(
                        concurrency=config.worker_concurrency,
                        fetch_job_polling_interval=2,
                        update_heartbeat_interval=config.heartbeat_seconds,
                        stalled_worker_timeout=config.stall_seconds,
                        shutdown_graceful_timeout=20,
                        delete_jobs="never",
                    )
                    return
                finally:
                    sweeping.cancel()
        except _LOST as error:
            log().warning("the worker waits for the database", action="worker", error=str(error))
            await asyncio.sleep(1)


def connect_demo() -> None:
    """With a sandbox and nothing connected yet, connect the demo store and Shop, as a person would."""
    try:
        ensure_demo()
    except DemoFailed as error:
        log().error("the demo could not be connected", action="demo", sentence=str(error))


def main() -> int:
    try:
        config = settings()
    except SettingsError as error:
        sys.exit(str(error))
    configure(config.log_level)
    try:
        wait_for_schema()
    except RuntimeError as error:
        sys.exit(str(error))
    trust_recent_connections()
    clock = Clock()
    clock.start()
    threading.Thread(target=connect_demo, name="demo", daemon=True).start()
    try:
        asyncio.run(work(config))
    finally:
        clock.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
