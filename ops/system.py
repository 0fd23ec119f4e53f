"""The verbs that start and stop Crossdock."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from core import config
from ops import lock, processes
from ops.database import Database, check_reachable
from ops.install import ROOT
from ops.problems import StartProblem
from ops.supervisor import Supervisor, say

FREE_BYTES = 500_000_000
PENDING_DATABASE = "postgresql://127.0.0.1/not-started-yet"  # lets settings be checked before there is a database


class StopRequested(Exception):
    """Ctrl+C, or a signal that asks us to end."""


@dataclass(frozen=True)
class System:
    """The settings of this start, and its database."""

    settings: config.Settings
    database: Database

    @property
    def home(self) -> Path:
        return self.settings.home


def default_home() -> Path:
    """Root's home must be reachable for the account that runs Postgres, so it is not below /root."""
    return Path("/var/lib/crossdock") if os.geteuid() == 0 else Path.home() / ".local/share/crossdock"


def read_system() -> System:
    """The system the environment asks for. Raises StartProblem for an unknown or malformed setting."""
    environ = dict(os.environ)
    own_database = not environ.get("DATABASE_URL")
    if own_database:
        environ["DATABASE_URL"] = PENDING_DATABASE
    home = Path(environ.get("CROSSDOCK_HOME") or default_home()).expanduser().absolute()
    environ["CROSSDOCK_HOME"] = str(home)
    try:
        settings = config.load(environ)
    except config.SettingsError as problem:
        raise StartProblem(str(problem)) from problem
    return System(settings, Database.embedded(home) if own_database else Database.named(settings.database_url))


def start() -> int:
    """Start everything, print the ready line, keep it all alive until told to stop."""
    system = read_system()
    make_home(system.home)
    with lock.take(system.home, system.settings.console_url):
        processes.check_ports(system.settings)
        supervisor: Supervisor | None = None
        listen_to_signals()
        try:
            environment = environment_with_database(system)
            link = prepare_database(environment)
            supervisor = Supervisor(
                processes.all_of(system.settings), environment, system.home / "logs", system.database.ensure
            )
            run(system.settings, supervisor, link)
        except StopRequested:
            return 0
        finally:
            ignore_signals()
            if supervisor is not None:
                supervisor.stop()
            system.database.stop()


def run(settings: config.Settings, supervisor: Supervisor, link: str) -> NoReturn:
    (settings.home / "worker.ready").unlink(missing_ok=True)
    supervisor.start()
    supervisor.wait_until_ready()
    sandbox = processes.sandbox_url(settings) if settings.sandbox == "on" else "off"
    console, gateway = settings.console_url, processes.gateway_url(settings)
    print(f"ready console={console} gateway={gateway} sandbox={sandbox} sign-in={link}", flush=True)
    supervisor.watch()
    raise AssertionError("only a signal ends the watch")


def run_alone(name: str, words: list[str]) -> NoReturn:
    """Become one process of the system, in the foreground. An embedded database it starts keeps running.

    ``words`` follow its own and go before them where both say something.
    """
    system = read_system()
    make_home(system.home)
    if name == "sandbox":
        environment = processes.environment_of(system.settings, "")
    else:
        if system.database.is_embedded and lock.holder(system.home) is None:
            say("The database keeps running afterwards; python3 run.py stop stops it.")
        environment = environment_with_database(system)
        prepare_database(environment)
    command = (*processes.command_of(name, system.settings), *words)
    os.chdir(ROOT)
    os.execve(command[0], command, environment)


def stop() -> int:
    """Stop the supervisor of this home and all it runs, and a database left over from one that was killed."""
    system = read_system()
    stopped = lock.stop_holder(system.home)
    stopped = system.database.stop() or stopped
    say("Crossdock has stopped." if stopped else f"Crossdock was not running on {system.home}.")
    return 0


def migrate() -> int:
    system = read_system()
    with briefly(system) as environment:
        migrate_database(environment)
    say("The database has this version's schema.")
    return 0


def sign_in() -> int:
    system = read_system()
    with briefly(system) as environment:
        print(sign_in_link(environment))
    return 0


@contextmanager
def briefly(system: System) -> Iterator[dict[str, str]]:
    """The environment with the database up; one that was started for this alone is stopped again."""
    make_home(system.home)
    was_running = system.database.is_running
    try:
        yield environment_with_database(system)
    finally:
        if not was_running:
            system.database.stop()


def environment_with_database(system: System) -> dict[str, str]:
    """What the processes get, once the database is there. Raises StartProblem when it cannot be."""
    if not system.database.is_embedded:
        check_reachable(system.database.url)
    return processes.environment_of(system.settings, system.database.ensure())


def prepare_database(environment: dict[str, str]) -> str:
    """This version's schema, and the keys that open what it holds; returns a link that signs the administrator in."""
    return output_of(environment, "core.services.prepare", "Crossdock cannot start").strip()


def migrate_database(environment: dict[str, str]) -> None:
    output_of(environment, "core.db.migrate", "The database could not be migrated")


def sign_in_link(environment: dict[str, str]) -> str:
    return output_of(environment, "console.sign_in", "No sign-in link could be made").strip()


def output_of(environment: dict[str, str], module: str, failed: str) -> str:
    """What a module prints when it is run; its last words in a StartProblem when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise StartProblem(f"{failed}: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout


def listen_to_signals() -> None:
    """Ctrl+C, SIGTERM and a closed terminal end us in order; nohup's wish to survive the terminal is kept."""
    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, request_stop)


def ignore_signals() -> None:
    """From here on we are stopping, which ends by itself."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def request_stop(number: int, frame: object) -> None:
    raise StopRequested


def make_home(home: Path) -> None:
    """The home directory, private to us except that the database's account may pass through it as root."""
    is_new = not home.exists()
    try:
        home.mkdir(parents=True, exist_ok=True)
        if is_new:
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as problem:
        raise StartProblem(
            f"The home {home} cannot be made: {problem.strerror}; set CROSSDOCK_HOME to a directory of yours."
        ) from problem
    if not os.access(home, os.W_OK):
        raise StartProblem(f"The home {home} cannot be written; set CROSSDOCK_HOME to a directory of yours.")
    free = shutil.disk_usage(home).free
    if free < FREE_BYTES:
        raise StartProblem(
            f"{home} has {free // 1_000_000} MB free and Crossdock needs {FREE_BYTES // 1_000_000} MB: "
            "make room, or set CROSSDOCK_HOME to a larger disk."
        )
