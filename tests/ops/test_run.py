"""run.py says in one sentence what stands in its way, and ends with a failing code."""

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from importlib.util import cache_from_source
from pathlib import Path

import pytest
import sqlalchemy

from core import config
from ops import checks, install, lock, processes, system
from ops.install import InstallProblem
from ops.problems import StartProblem

ROOT = Path(__file__).resolve().parents[2]


def run_py(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "run.py"), *words]
    environment = os.environ | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def refusal(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one sentence it ended with."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


@pytest.fixture
def own_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="crossdock-run-"))
    home.chmod(0o711)
    yield home
    shutil.rmtree(home)


@pytest.fixture
def own(own_home: Path, free_ports: Callable[[int], list[int]]) -> dict[str, str]:
    """The variables of a system of this test's own."""
    console, gateway, sandbox = map(str, free_ports(3))
    ports = {
        "CROSSDOCK_CONSOLE_PORT": console,
        "CROSSDOCK_GATEWAY_PORT": gateway,
        "CROSSDOCK_SANDBOX_PORT": sandbox,
    }
    return ports | {"CROSSDOCK_HOME": str(own_home)}


def test_old_python_is_told_what_to_use() -> None:
    pretend = f"import sys, runpy; sys.version_info = (3, 10, 2); runpy.run_path({str(ROOT / 'run.py')!r})"
    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True, check=False)
    assert refusal(done).startswith("Crossdock needs Python 3.11 or newer and this is ")


def test_unknown_verb() -> None:
    assert "There is no 'sing'" in refusal(run_py("sing"), code=2)


@pytest.mark.parametrize("verb", ["start", "stop", "migrate", "sign-in", "console", "worker", "gateway", "help"])
def test_words_that_would_be_ignored_are_refused(own: dict[str, str], verb: str) -> None:
    said = refusal(run_py(verb, "--products", "1000", **own), code=2)
    assert said == f"python3 run.py {verb} takes no further words, and '--products 1000' was given."


def test_words_after_sandbox_are_the_sandboxes(own: dict[str, str]) -> None:
    done = run_py("sandbox", "--products", "1000", "--orders-per-minute", "-1", **own)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("argument --orders-per-minute: '-1' is not a number from 0 to 600")
    done = run_py("sandbox", "--products", "0", **own)
    assert done.stderr.splitlines()[-1].endswith("argument --products: '0' is not a whole number from 1 to 200000")


def test_help_is_what_the_file_says() -> None:
    done = run_py("help")
    assert done.returncode == 0
    assert "python3 run.py sign-in" in done.stdout


@pytest.mark.parametrize("name", ["console", "gateway", "sandbox"])
def test_taken_port_names_the_port_and_the_variable(own: dict[str, str], name: str) -> None:
    variable = f"CROSSDOCK_{name.upper()}_PORT"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refusal(run_py(**own | {variable: str(port)}))
    assert said == f"Port {port} is taken by another program: set {variable} to a free one."


def test_an_address_of_another_machine_is_not_a_taken_port(own: dict[str, str]) -> None:
    said = refusal(run_py(**own, CROSSDOCK_CONSOLE_ADDRESS="192.0.2.1"))
    assert said.startswith("CROSSDOCK_CONSOLE_ADDRESS is '192.0.2.1', where this machine cannot listen (")
    said = refusal(run_py(**own, CROSSDOCK_CONSOLE_ADDRESS="hello"))
    assert said.startswith("CROSSDOCK_CONSOLE_ADDRESS is 'hello': must be an IP address of this machine")


def without_the_right_to_low_ports() -> None:
    """Root has it by a capability, which is taken from the program that follows; others never had it."""
    if os.geteuid() == 0:
        drop, bind_service = 24, 10  # PR_CAPBSET_DROP and CAP_NET_BIND_SERVICE of Linux
        assert ctypes.CDLL(None).prctl(drop, bind_service, 0, 0, 0) == 0


def test_a_port_that_only_root_may_have_is_not_a_taken_one(own: dict[str, str]) -> None:
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("this machine gives port 80 to everybody")
    command = [sys.executable, str(ROOT / "run.py")]
    environment = os.environ | own | {"CROSSDOCK_CONSOLE_PORT": "80"}
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=without_the_right_to_low_ports,
    )
    assert refusal(done) == (
        "Nobody but root may listen at port 80 here: set CROSSDOCK_CONSOLE_PORT to one from 1024 on."
    )


def test_two_equal_ports(own: dict[str, str]) -> None:
    own["CROSSDOCK_GATEWAY_PORT"] = own["CROSSDOCK_CONSOLE_PORT"]
    said = refusal(run_py(**own))
    assert said.startswith("CROSSDOCK_CONSOLE_PORT and CROSSDOCK_GATEWAY_PORT are both ")


def test_unknown_setting(own: dict[str, str]) -> None:
    said = refusal(run_py(**own, CROSSDOCK_CONSOLE_PROT="8501"))
    assert said == "Unknown setting CROSSDOCK_CONSOLE_PROT: the known ones are listed in docs/settings.md."


def test_malformed_setting(own: dict[str, str]) -> None:
    said = refusal(run_py(**own | {"CROSSDOCK_CONSOLE_PORT": "eighty"}))
    assert said.startswith("CROSSDOCK_CONSOLE_PORT is 'eighty': ")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_database_out_of_reach_names_host_and_port(own: dict[str, str], free_port: int, scheme: str) -> None:
    said = refusal(run_py(**own, DATABASE_URL=f"{scheme}://someone:secret@127.0.0.1:{free_port}/shop"))
    assert said.startswith(f"The database at 127.0.0.1 port {free_port} cannot be reached (Connection refused): ")
    assert "secret" not in said


def test_second_start_names_the_first(own: dict[str, str], own_home: Path) -> None:
    with lock.take(own_home, "http://127.0.0.1:1234"):
        said = refusal(run_py(**own))
    expected = f"Crossdock already runs (process {os.getpid()}), its console is http://127.0.0.1:1234; "
    assert said == f"{expected}stop it with: python3 run.py stop"


def test_stop_without_anything_running(own: dict[str, str], own_home: Path) -> None:
    done = run_py("stop", **own)
    assert (done.returncode, done.stderr) == (0, f"Crossdock was not running on {own_home}.\n")


def test_stop_of_somebody_elses_home(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root every file may be read, so the system's refusals are put in their place."""

    def refuse(*arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with lock.take(own_home, "http://127.0.0.1:1234"):
        monkeypatch.setattr(os, "kill", refuse)
        with pytest.raises(StartProblem, match=rf"^Process {os.getpid()} is another user's: stop it as that user"):
            lock.stop_holder(own_home)
    monkeypatch.setattr(lock, "open", refuse, raising=False)
    with pytest.raises(StartProblem, match=rf"^{own_home}/run.lock is another user's: "):
        lock.stop_holder(own_home)


def test_full_disk(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(own_home)._replace(free=499_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StartProblem, match=r"has 499 MB free and Crossdock needs 500 MB: make room"):
        system.make_home(own_home)
    with pytest.raises(InstallProblem, match=r"has 499 MB free and installing needs 1500 MB"):
        install.check_disk()


def test_home_that_cannot_be_made(own_home: Path) -> None:
    (own_home / "file").write_text("")
    with pytest.raises(StartProblem, match=r"file/home cannot be made: Not a directory"):
        system.make_home(own_home / "file" / "home")


def test_tests_without_chromium_fail_with_a_sentence(tmp_path: Path) -> None:
    """As anybody but root, or where there is no apt-get to ask; here the path shows neither."""
    said = run_py("test", PATH=str(tmp_path), CHROMIUM="")
    assert said.returncode == 1
    assert said.stderr.startswith("The browser tests need Chromium and there is none: install ")


def test_root_gets_chromium_from_the_systems_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stand-in for apt-get notes what it is asked for and installs a stand-in for Chromium."""
    notes, browser = tmp_path / "notes", tmp_path / "chromium"
    apt = tmp_path / "apt-get"
    apt.write_text(f'#!/bin/sh\necho "$*" >> {notes}\n[ "$2" = update ] || /bin/cp /bin/true {browser}\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CHROMIUM", "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StartProblem, match=r"there is none: install your system's package chromium"):
        checks.find_browser()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    checks.find_browser()
    assert os.environ["CHROMIUM"] == str(browser)
    assert notes.read_text().splitlines() == [
        "-qq update",
        "-qq install -y --no-install-recommends chromium fonts-liberation",
    ]


def test_missing_venv_module_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "PYTHON", tmp_path / "none")
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InstallProblem, match=r"install it with: apt-get install -y python3\.\d+-venv"):
        install.make_venv()


def test_stamp_knows_the_lock_and_developers_keep_their_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The stamp decides whether to install; what is installed is noted in place of uv's work."""
    locks = {"runtime": tmp_path / "requirements.txt", "developer": tmp_path / "requirements-dev.txt"}
    for level, path in locks.items():
        path.write_text(level)
    venv.create(tmp_path / ".venv", with_pip=False)
    done: list[str] = []
    for name, value in {
        "ROOT": tmp_path,
        "PYTHON": tmp_path / ".venv/bin/python",
        "STAMP": tmp_path / ".venv/stamp.json",
        "LOCKS": locks,
        "make_venv": lambda: None,
        "install_lock": lambda path: done.append(path.name),
    }.items():
        monkeypatch.setattr(install, name, value)
    for developer in (False, False, True, False):
        install.ensure(developer=developer)
    assert done == ["requirements.txt", "requirements-dev.txt"]
    locks["runtime"].write_text("changed")
    install.ensure(developer=False)
    assert done[2:] == ["requirements-dev.txt"]


def test_what_is_installed_is_compiled() -> None:
    """A module that nobody imports, so that only the installation can have compiled it."""
    driver = Path(sqlalchemy.__file__).parent / "dialects" / "mssql" / "pymssql.py"
    assert driver.exists()
    assert Path(cache_from_source(str(driver))).exists()


def test_sandbox_addresses_are_given_unless_set(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK_HOME", str(own_home))
    monkeypatch.setenv("CROSSDOCK_SANDBOX_PORT", "7777")
    monkeypatch.setenv("CROSSDOCK_EVENTS_URL", "https://events.example")
    given = processes.environment_of(system.read_system().settings, "postgresql://x")
    assert given["CROSSDOCK_TIKTOK_API_URL"] == "http://127.0.0.1:7777"
    assert given["CROSSDOCK_SHOPWIRED_URL"] == "http://127.0.0.1:7777/v1"
    assert given["CROSSDOCK_EVENTS_URL"] == "https://events.example"
    monkeypatch.setenv("CROSSDOCK_EVENTS_URL", "")
    given = processes.environment_of(system.read_system().settings, "postgresql://x")
    assert given["CROSSDOCK_EVENTS_URL"] == "http://127.0.0.1:7777"
    monkeypatch.setenv("CROSSDOCK_SANDBOX", "off")
    given = processes.environment_of(system.read_system().settings, "postgresql://x")
    assert "CROSSDOCK_TIKTOK_API_URL" not in given


def test_reachable_addresses_for_every_listening_address() -> None:
    assert config.local_url("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert config.local_url("::", 80) == "http://[::1]:80"
    assert config.local_url("192.168.0.7", 80) == "http://192.168.0.7:80"
