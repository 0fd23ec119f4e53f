"""The real thing from one command: everything answers, the dead come back, and nothing is left behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from core.db import embedded
from tests.waiting import status_of, wait_until

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"ready console=(\S+) gateway=(\S+) sandbox=(\S+) sign-in=(\S+)\n")


@dataclass
class Running:
    """A Crossdock of this file's own; what it says goes to files beside its home."""

    variables: dict[str, str]
    place: Path
    supervisor: subprocess.Popen[bytes] | None = None
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return Path(self.variables["CROSSDOCK_HOME"])

    @property
    def said(self) -> str:
        return (self.place / "said").read_text()

    def start(self) -> float:
        """Run `python3 run.py` until it is ready; the seconds that took."""
        began = time.monotonic()
        with open(self.place / "said", "wb") as said, open(self.place / "grumbled", "wb") as grumbled:
            command = [sys.executable, str(ROOT / "run.py")]
            environment = os.environ | self.variables
            self.supervisor = subprocess.Popen(command, env=environment, stdout=said, stderr=grumbled)
        wait_until(lambda: READY.match(self.said) or self.has_ended())
        found = READY.fullmatch(self.said)
        assert found, self.said + (self.place / "grumbled").read_text()
        self.addresses = dict(zip(("console", "gateway", "sandbox", "sign-in"), found.groups(), strict=True))
        return time.monotonic() - began

    def has_ended(self) -> bool:
        return self.supervisor is None or self.supervisor.poll() is not None

    def run(self, verb: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "run.py"), verb]
        environment = os.environ | self.variables
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def processes(self) -> list[psutil.Process]:
        """Every living process that knows this home, the database's apart."""
        return [process for process in psutil.process_iter() if knows(process, self.home)]

    def one(self, word: str) -> psutil.Process:
        return next(process for process in self.processes() if any(word in part for part in process.cmdline()))


def knows(process: psutil.Process, home: Path) -> bool:
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and process.pid != os.getpid() and process.environ().get("CROSSDOCK_HOME") == str(home)
    except psutil.Error:
        return False


@pytest.fixture(scope="module")
def system(free_ports: Callable[[int], list[int]]) -> Iterator[Running]:
    place = Path(tempfile.mkdtemp(prefix="crossdock-whole-"))
    place.chmod(0o711)
    console, gateway, sandbox = map(str, free_ports(3))
    running = Running(
        {
            "CROSSDOCK_HOME": str(place / "home"),
            "CROSSDOCK_CONSOLE_PORT": console,
            "CROSSDOCK_GATEWAY_PORT": gateway,
            "CROSSDOCK_SANDBOX_PORT": sandbox,
            "CROSSDOCK_DEMO_PRODUCTS": "20",
            "CROSSDOCK_WORKERS": "2",
        },
        place,
    )
    yield running
    running.run("stop")
    if running.supervisor is not None:
        running.supervisor.kill()
        running.supervisor.wait()
    shutil.rmtree(place)


def test_one_command_and_everything_answers(system: Running) -> None:
    system.start()
    assert status_of(system.addresses["console"] + "/login") in (200, 303)
    assert status_of(system.addresses["gateway"] + "/healthz") == 200
    assert status_of(system.addresses["sandbox"] + "/_sandbox/state") == 200
    assert status_of(system.addresses["sign-in"]) == 200
    assert system.said.count("\n") == 1, "one line and no more on standard output"
    workers = [process for process in system.processes() if any("worker.py" in part for part in process.cmdline())]
    assert len(workers) == 2


def test_secrets_are_for_the_owner_alone(system: Running) -> None:
    private = [system.home / "secret.keys", system.home / "postgres" / "password"]
    wait_until(private[0].exists)  # made when the demo's first secret is kept
    assert [oct(path.stat().st_mode & 0o077) for path in private] == ["0o0"] * len(private)


def test_second_command_says_where_the_first_is(system: Running) -> None:
    second = system.run("start")
    assert second.returncode == 1
    assert f"its console is {system.addresses['console']};" in second.stderr


def test_sign_in_prints_another_link(system: Running) -> None:
    link = system.run("sign-in").stdout.strip()
    assert link.startswith(system.addresses["console"])
    assert link != system.addresses["sign-in"]


@pytest.mark.parametrize("word", ["gateway.py", "serve.py", "sandbox", "worker.py"])
def test_the_dead_come_back(system: Running, word: str) -> None:
    victim = system.one(word)
    victim.kill()
    wait_until(lambda: not victim.is_running() and any_like(system, word, victim.pid))
    paths = {
        "gateway.py": ("gateway", "/healthz"),
        "serve.py": ("console", "/login"),
        "sandbox": ("sandbox", "/_sandbox/state"),
    }
    if word in paths:
        name, path = paths[word]
        wait_until(lambda: status_of(system.addresses[name] + path) in (200, 303))


def any_like(system: Running, word: str, not_pid: int) -> bool:
    try:
        return system.one(word).pid != not_pid
    except (StopIteration, psutil.Error):
        return False


def test_postgres_comes_back_too(system: Running) -> None:
    cluster = embedded.Cluster(system.home)
    before = embedded.read_pid_file(cluster)
    assert before is not None
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: (embedded.read_pid_file(cluster) or before)[0] != before[0])
    wait_until(lambda: status_of(system.addresses["gateway"] + "/healthz") == 200)
    assert embedded.read_pid_file(cluster) != before


def test_sigterm_stops_everything_soon(system: Running) -> None:
    assert system.supervisor is not None
    system.supervisor.terminate()
    assert system.supervisor.wait(timeout=60) == 0
    assert system.processes() == []
    assert not embedded.is_alive(embedded.Cluster(system.home))


def test_after_a_second_start_a_kill_leaves_only_the_database(system: Running) -> None:
    system.start()
    assert system.supervisor is not None
    system.supervisor.kill()
    system.supervisor.wait()
    wait_until(lambda: system.processes() == [])
    assert embedded.is_alive(embedded.Cluster(system.home)), "its data is safe, and the next start attaches to it"


def test_start_after_a_kill_and_stop(system: Running) -> None:
    system.start()
    assert system.run("stop").stderr == "Crossdock has stopped.\n"
    wait_until(lambda: system.processes() == [])
    assert not embedded.is_alive(embedded.Cluster(system.home))
    assert system.supervisor is not None
    assert system.supervisor.wait(timeout=60) == 0
