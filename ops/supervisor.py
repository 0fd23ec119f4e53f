"""Start processes, wait until they answer, restart the ones that die, stop them all in order."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ops.problems import StartProblem

LAUNCHER = Path(__file__).with_name("launch.py")
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0  # seconds before a restart; doubles with every death
STEADY_SECONDS = 60.0  # alive for so long, a process is taken to be well and its delay starts anew
DEATHS_WHILE_STARTING = 3
LOG_BYTES = 10_000_000
TICK = 0.2


@dataclass(frozen=True)
class Process:
    """One process to keep alive. `answers` tells whether it is up; lower `stop_rank`s are stopped first."""

    name: str
    command: tuple[str, ...]
    answers: Callable[[], bool]
    stop_rank: int = 0
    stop_seconds: float = 3.0


@dataclass
class Child:
    """A process and what has become of it. Times are of time.monotonic()."""

    process: Process
    popen: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = 0.0
    due: float = 0.0
    deaths: int = 0

    @property
    def alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None


@dataclass
class Supervisor:
    """Keeps `processes` running with `environment`, their output in `logs`.

    `keep_database` is called at every tick; it returns the database's URL, having restarted it if it had died. A URL
    other than the one the children know restarts them all. Must be used from one thread, the main one: on Linux a
    child dies with the thread that started it.
    """

    processes: list[Process]
    environment: dict[str, str]
    logs: Path
    keep_database: Callable[[], str] | None = None
    children: list[Child] = field(default_factory=list)

    def start(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        self.children = [Child(process) for process in self.processes]
        for child in self.children:
            self.spawn(child)

    def wait_until_ready(self, seconds: float = 120.0) -> None:
        """Return once every process answers. Raises StartProblem when one keeps dying or stays silent."""
        deadline = time.monotonic() + seconds
        silent = list(self.children)
        while silent:
            self.tick()
            for child in silent:
                if child.deaths >= DEATHS_WHILE_STARTING:
                    raise StartProblem(self.last_words(child, f"{child.process.name} does not stay up"))
            silent = [child for child in silent if not (child.alive and child.process.answers())]
            silent += [child for child in self.children if not child.alive and child not in silent]
            if silent and time.monotonic() > deadline:
                raise StartProblem(
                    self.last_words(silent[0], f"{silent[0].process.name} is silent after {seconds:g} s")
                )
            time.sleep(TICK)

    def watch(self) -> None:
        """Keep everything alive until a signal handler raises."""
        while True:
            self.tick()
            time.sleep(TICK)

    def tick(self) -> None:
        if self.keep_database is not None:
            self.follow_database(self.keep_database())
        now = time.monotonic()
        for child in self.children:
            rotate(self.log_path(child))
            if child.alive:
                continue
            if child.popen is not None:
                self.note_death(child, now)
            elif now >= child.due:
                self.spawn(child)

    def follow_database(self, url: str) -> None:
        if url == self.environment.get("DATABASE_URL"):
            return
        self.environment["DATABASE_URL"] = url
        for child in self.children:
            end([child], child.process.stop_seconds)
            child.popen, child.due = None, 0.0

    def note_death(self, child: Child, now: float) -> None:
        assert child.popen is not None
        steady = now - child.started > STEADY_SECONDS
        child.delay = FIRST_DELAY if steady or not child.delay else min(LONGEST_DELAY, child.delay * 2)
        child.due = now + child.delay
        child.deaths += 1
        say(f"{child.process.name} ended (code {child.popen.returncode}); starting it again in {child.delay:g} s.")
        child.popen = None

    def spawn(self, child: Child) -> None:
        path = self.log_path(child)
        command = [sys.executable, str(LAUNCHER), str(os.getpid()), *child.process.command]
        with open(path, "ab") as log:
            child.popen = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl+C reaches us alone, and we stop the others in order
            )
        child.started = time.monotonic()

    def stop(self) -> None:
        """Stop everything, rank by rank; who does not go in time is killed."""
        for rank in sorted({child.process.stop_rank for child in self.children}):
            group = [child for child in self.children if child.process.stop_rank == rank]
            end(group, max(child.process.stop_seconds for child in group))

    def log_path(self, child: Child) -> Path:
        return self.logs / f"{child.process.name}.log"

    def last_words(self, child: Child, what: str) -> str:
        path = self.log_path(child)
        lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
        return f"{what}; it said last: {lines[-1] if lines else 'nothing'} (its log is {path})"


def end(children: list[Child], seconds: float) -> None:
    """SIGTERM to all, then SIGKILL to the process groups of those still there after so many seconds."""
    running = [child.popen for child in children if child.popen is not None and child.alive]
    for popen in running:
        popen.terminate()
    deadline = time.monotonic() + seconds
    for popen in running:
        try:
            popen.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()


def rotate(path: Path) -> None:
    """Move a log's text to one older file when it has grown long. Its writers append, so they go on at the top.

    Where the disk is full the text is dropped: that makes room, and the supervisor is worth more than old lines.
    """
    older = path.with_suffix(".log.1")
    with suppress(OSError):
        if path.stat().st_size <= LOG_BYTES:
            return
        try:
            shutil.copyfile(path, older)
        except OSError:
            older.unlink(missing_ok=True)
        os.truncate(path, 0)


def say(words: str) -> None:
    """One line to whoever watches. That it may not be writable, on a full disk or a closed terminal, stops nothing."""
    with suppress(OSError):
        print(words, file=sys.stderr, flush=True)
