"""The virtual environment: made once, filled from the lock, known by a stamp to be current. Standard library only."""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "crossdock-installed.json"
LOCKS = {"runtime": ROOT / "requirements.txt", "developer": ROOT / "requirements-dev.txt"}
FREE_BYTES = 1_500_000_000  # the packages take about 700 MB, and as much again while they are unpacked


class InstallProblem(Exception):
    """The packages cannot be installed; the text is one sentence with the way out."""


def inside() -> bool:
    """Whether this Python is the virtual environment's own."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def ensure(*, developer: bool) -> Path:
    """Make the virtual environment hold the locked packages; return its Python. Quick when it already does.

    Packages for developers stay once they are there, so that start and test can take turns without reinstalling.
    Raises InstallProblem.
    """
    if is_current(developer):
        return PYTHON
    with exclusive():
        if not is_current(developer):
            level = "developer" if developer or "developer" in read_stamp() else "runtime"
            check_disk()
            make_venv()
            STAMP.unlink(missing_ok=True)
            install_lock(LOCKS[level])
            levels = ("runtime", "developer") if level == "developer" else ("runtime",)
            STAMP.write_text(json.dumps({name: lock_hash(name) for name in levels}))
    return PYTHON


def is_current(developer: bool) -> bool:
    level = "developer" if developer else "runtime"
    return PYTHON.exists() and read_stamp().get(level) == lock_hash(level)


def read_stamp() -> dict[str, str]:
    """The hashes of the locks that were installed; empty when none was, or none to the end."""
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def lock_hash(level: str) -> str:
    return hashlib.sha256(LOCKS[level].read_bytes()).hexdigest()


@contextmanager
def exclusive() -> Iterator[None]:
    """One installer at a time in this directory."""
    try:
        file = open(ROOT / ".venv.lock", "w")  # noqa: SIM115  held until the with below ends
    except OSError as problem:
        raise InstallProblem(
            f"The packages have to be installed and {ROOT} cannot be written ({problem.strerror}): "
            "run this once as the owner of that directory, or use a copy of your own."
        ) from problem
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check_disk() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < FREE_BYTES:
        raise InstallProblem(
            f"{ROOT} has {free // 1_000_000} MB free and installing needs {FREE_BYTES // 1_000_000} MB: make room."
        )


def make_venv() -> None:
    """A virtual environment at .venv, unless a working one is there."""
    if PYTHON.exists() and works([PYTHON, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]):
        return
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise InstallProblem(
            "This Python lacks its venv module: install it with: apt-get install -y "
            f"python{sys.version_info[0]}.{sys.version_info[1]}-venv (or your system's like)."
        )
    say("Making a virtual environment in .venv …")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise InstallProblem(f"The virtual environment {VENV} cannot be made: {(made.stdout + made.stderr).strip()}")


def install_lock(lock: Path) -> None:
    """Install a hashed lock with uv, or with pip when uv fails for any reason.

    Both compile what they install, even where Python is told to write no bytecode: every start of every process would
    compile it all again otherwise.
    """
    say(f"Installing the packages of {lock.name} …")
    uv = VENV / "bin" / "uv"
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "-qq",
        "install",
        "--require-hashes",
        "-r",
    ]
    if works([*pip, ROOT / "ops" / "uv.txt"]) and works(
        [uv, "--quiet", "pip", "sync", "--require-hashes", "--compile-bytecode", "--python", PYTHON, lock]
    ):
        return
    say("uv did not do it; installing the same packages with pip, which takes a minute or two …")
    if subprocess.run([*pip, lock], check=False).returncode != 0:
        raise InstallProblem(
            f"The packages of {lock.name} could not be installed (pip's words are above): "
            "check that this machine reaches a package index, then run the same command again."
        )


def works(command: list[str | Path]) -> bool:
    """Whether a command ends well; what it has to say is kept to itself."""
    environment = os.environ | {"PYTHONNOUSERSITE": "1"}
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
