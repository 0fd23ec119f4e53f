"""The supervisor with stand-ins for our processes: starting, restarting, stopping in order, dying outright."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops import supervisor
from ops.problems import StartProblem
from ops.supervisor import Process, Supervisor
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / "tests" / "ops" / "stand_in.py"
SUPERVISE = """
import signal
import sys
from pathlib import Path
from ops.supervisor import Process, Supervisor
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it starts in the background ignore it
folder = Path(sys.argv[1])
processes = [
    Process(name, (sys.executable, sys.argv[2], str(folder / name), "stays"), (folder / name).exists)
    for name in ("one", "two")
]
supervised = Supervisor(processes, {}, folder / "logs")
supervised.start()
supervised.wait_until_ready(30)
print("ready", flush=True)
supervised.watch()
"""


def stand_in(folder: Path, name: str, mode: str = "stays", *, rank: int = 0, seconds: float = 5.0) -> Process:
    file = folder / name
    return Process(name, (sys.executable, str(STAND_IN), str(file), mode), file.exists, rank, seconds)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    """Start a supervisor of these processes; whatever it runs is stopped at the end."""
    made: list[Supervisor] = []

    def start(*processes: Process, keep_database: Callable[[], str] | None = None) -> Supervisor:
        made.append(Supervisor(list(processes), {"DATABASE_URL": "a"}, tmp_path / "logs", keep_database))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()


def test_stops_in_order_of_rank(tmp_path: Path, supervise: Callable[..., Supervisor]) -> None:
    supervised = supervise(stand_in(tmp_path, "last", rank=1), stand_in(tmp_path, "first", rank=0))
    supervised.wait_until_ready(20)
    supervised.stop()
    ends = {name: float(lines_of(tmp_path / name)[-1].split()[1]) for name in ("first", "last")}
    assert ends["first"] < ends["last"]


def test_stubborn_family_is_killed_in_time(tmp_path: Path, supervise: Callable[..., Supervisor]) -> None:
    supervised = supervise(stand_in(tmp_path, "deaf", "stubborn", seconds=1.0))
    supervised.wait_until_ready(20)
    pid = int(lines_of(tmp_path / "deaf")[0])
    began = time.monotonic()
    supervised.stop()
    assert time.monotonic() - began < 20
    assert not psutil.pid_exists(pid)


def test_dead_process_comes_back(tmp_path: Path, supervise: Callable[..., Supervisor]) -> None:
    supervised = supervise(stand_in(tmp_path, "one"), stand_in(tmp_path, "two"))
    supervised.wait_until_ready(20)
    os.kill(int(lines_of(tmp_path / "one")[0]), signal.SIGKILL)

    def came_back() -> bool:
        supervised.tick()
        return len(lines_of(tmp_path / "one")) == 2

    wait_until(came_back)
    assert len(lines_of(tmp_path / "two")) == 1, "the others are left alone"


def test_restart_delay_doubles_to_a_limit_and_starts_anew_after_a_steady_minute(
    tmp_path: Path, supervise: Callable[..., Supervisor]
) -> None:
    supervised = supervise(stand_in(tmp_path, "one"))
    child = supervised.children[0]
    delays = []
    for _ in range(7):
        child.popen = child.popen or subprocess.Popen(["true"])
        child.started = time.monotonic()
        supervised.note_death(child, child.started + 1)
        delays.append(child.delay)
    assert delays == [1, 2, 4, 8, 16, 30, 30]
    child.popen = subprocess.Popen(["true"])
    supervised.note_death(child, child.started + supervisor.STEADY_SECONDS + 1)
    assert child.delay == 1


def test_one_that_never_stays_up_ends_the_start_with_its_last_words(
    tmp_path: Path, supervise: Callable[..., Supervisor]
) -> None:
    lame = stand_in(tmp_path, "lame", "dies")
    supervised = supervise(Process(lame.name, lame.command, lambda: False))
    with pytest.raises(StartProblem, match=r"lame does not stay up; it said last: it cannot find its shoes"):
        supervised.wait_until_ready(60)
    assert len(lines_of(tmp_path / "lame")) == supervisor.DEATHS_WHILE_STARTING


def test_one_that_never_answers_is_named(tmp_path: Path, supervise: Callable[..., Supervisor]) -> None:
    mute = stand_in(tmp_path, "mute")
    supervised = supervise(Process(mute.name, mute.command, lambda: False))
    with pytest.raises(StartProblem, match=r"mute is silent after 1 s"):
        supervised.wait_until_ready(1)


def test_another_database_address_restarts_everyone_with_it(
    tmp_path: Path, supervise: Callable[..., Supervisor]
) -> None:
    addresses = ["a"]
    supervised = supervise(stand_in(tmp_path, "one"), keep_database=lambda: addresses[-1])
    supervised.wait_until_ready(20)
    addresses.append("b")

    def restarted() -> bool:
        supervised.tick()
        return len(lines_of(tmp_path / "one")) == 3  # its id, that it was stopped, its new id

    wait_until(restarted)
    child = supervised.children[0]
    assert child.popen is not None
    assert psutil.Process(child.popen.pid).environ()["DATABASE_URL"] == "b"


def test_long_log_moves_aside_and_its_writer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_BYTES", 100)
    log = tmp_path / "one.log"
    with open(log, "ab") as writer:
        writer.write(b"x" * 101)
        writer.flush()
        supervisor.rotate(log)
        writer.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "one.log.1").read_bytes() == b"x" * 101


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_costs_the_older_lines_and_not_the_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOG_BYTES", 100)
    log = tmp_path / "one.log"
    log.write_bytes(b"x" * 101)
    (tmp_path / "one.log.1").symlink_to("/dev/full")
    supervisor.rotate(log)
    assert log.read_bytes() == b""
    code = "from ops import supervisor; supervisor.say('one ended.'); print('goes on')"
    with open("/dev/full", "w") as full:
        said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=full, check=False)
    assert said.stdout == b"goes on\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_children_end_with_their_supervisor(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", SUPERVISE, str(tmp_path), str(STAND_IN)]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    children = [int(lines_of(tmp_path / name)[0]) for name in ("one", "two")]
    try:
        parent.send_signal(number)
        parent.communicate(timeout=120)
    finally:
        parent.kill()
    wait_until(lambda: not any(map(is_running, children)))


def test_where_the_kernel_does_not_help_the_launcher_watches(tmp_path: Path) -> None:
    """The way of systems other than Linux, taken here by calling it."""
    code = (
        "import subprocess, sys, time; sys.path.insert(0, sys.argv[1]);"
        "inner = 'import sys; from ops import launch; launch.watch(int(sys.argv[1]), sys.argv[2:])';"
        "import os;"
        "subprocess.Popen([sys.executable, '-c', inner, str(os.getpid()), *sys.argv[2:]], cwd=sys.argv[1]);"
        "time.sleep(300)"
    )
    note = tmp_path / "watched"
    words = [sys.executable, str(STAND_IN), str(note), "stubborn"]
    parent = subprocess.Popen([sys.executable, "-c", code, str(ROOT), *words])
    wait_until(lambda: lines_of(note))
    child = int(lines_of(note)[0])
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_running(child))


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
