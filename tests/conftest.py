"""What every test may ask for: a real Postgres, a fresh migrated database, settings, a free port, Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from core import config, secrets
from core.db import embedded, engine

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "template_migrated"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Nothing of the person's own system may leak into a test.
for _name in [name for name in os.environ if name.startswith("CROSSDOCK_") or name == "DATABASE_URL"]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary directory that other accounts can pass through, as the database's account must (pytest's own
    are private to us); removed at the end of the session."""
    folder = Path(tempfile.mkdtemp(prefix="crossdock-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(open_folder: Path) -> Iterator[str]:
    """The server of this session, started as run.py starts its own but careless of power cuts, with a migrated
    template database. Yields the URL of its maintenance database."""
    careless = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
    cluster = embedded.Cluster(open_folder, settings=careless)
    server = embedded.start(cluster)
    try:
        execute(with_database(server, "postgres"), "CREATE DATABASE {}", TEMPLATE)
        migrate(with_database(server, TEMPLATE), open_folder)
        yield with_database(server, "postgres")
    finally:
        embedded.stop(cluster)


@pytest.fixture(scope="module")
def database_url(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh migrated database for this test module, dropped after it. postgresql://, for SQLAlchemy and psycopg."""
    stem = "".join(letter if letter.isalnum() else "_" for letter in Path(request.node.name).stem)
    name = f"t_{stem[-40:]}_{os.urandom(4).hex()}"
    execute(postgres_url, "CREATE DATABASE {} TEMPLATE {}", name, TEMPLATE)
    yield with_database(postgres_url, name)
    execute(postgres_url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty CROSSDOCK_HOME for this test module."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def settings(database_url: str, home: Path) -> Iterator[config.Settings]:
    """Settings of a system of this module's own, also set in the environment for code that reads them there."""
    ports = ("CONSOLE", "GATEWAY", "SANDBOX")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url)
        patch.setenv("CROSSDOCK_HOME", str(home))
        for name in ports:
            patch.setenv(f"CROSSDOCK_{name}_PORT", str(find_free_port()))
        config.settings.cache_clear()
        yield config.settings()
    config.settings.cache_clear()


@pytest.fixture(scope="module")
def database(settings: config.Settings) -> Iterator[config.Settings]:
    """This process works on the module's own database, with secret keys of its own: services can be called."""
    secrets.make_key_file(settings.home)
    engine.engine.cache_clear()
    secrets.sealer.cache_clear()
    yield settings
    engine.engine().dispose()
    engine.engine.cache_clear()
    secrets.sealer.cache_clear()


@pytest.fixture
def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now."""
    return find_free_port()


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], list[int]]:
    """Several different free ports: `free_ports(3)`."""

    def choose(count: int) -> list[int]:
        ports: set[int] = set()
        while len(ports) < count:
            ports.add(find_free_port())
        return sorted(ports)

    return choose


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The system's Chromium for browser tests. Its absence is a failure, never a skip."""
    named = os.environ.get("CHROMIUM")
    found = named if named else next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "Chromium is missing: install the package chromium, or set CHROMIUM to a browser's path."
    return found


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def execute(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def migrate(url: str, home: Path) -> None:
    environment = os.environ | {"DATABASE_URL": url, "CROSSDOCK_HOME": str(home)}
    command = [sys.executable, "-m", "core.db.migrate"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"migration of the test database failed:\n{done.stdout}{done.stderr}"
