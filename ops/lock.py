"""One supervisor per home: who holds it, taking it, and asking its holder to stop."""

import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import IO

from ops.problems import StartProblem

STOP_SECONDS = 20.0


def take(home: Path, console_url: str) -> IO[str]:
    """Hold the home until the returned file is closed or this process ends. Raises StartProblem when it is held."""
    try:
        file = open(home / "run.lock", "a+")  # noqa: SIM115  the caller holds it
    except PermissionError as problem:
        raise StartProblem(
            f"{home / 'run.lock'} cannot be written: {problem.strerror}; set CROSSDOCK_HOME elsewhere."
        ) from None
    for _ in range(20):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if found := holder(home):
                file.close()
                raise StartProblem(
                    f"Crossdock already runs (process {found[0]}), its console is {found[1]}; "
                    "stop it with: python3 run.py stop"
                ) from None
            time.sleep(0.05)  # somebody was only looking
        else:
            file.truncate(0)
            json.dump({"pid": os.getpid(), "console": console_url}, file)
            file.flush()
            return file
    file.close()
    raise StartProblem(f"{home / 'run.lock'} is held by another program: end it, or set CROSSDOCK_HOME elsewhere.")


def holder(home: Path) -> tuple[int, str] | None:
    """(process id, console URL) of the supervisor that runs on this home, or None.

    Raises StartProblem for a home that may not be read.
    """
    try:
        with open(home / "run.lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except PermissionError:
        raise StartProblem(
            f"{home / 'run.lock'} is another user's: act as that user or root, or set CROSSDOCK_HOME to your own home."
        ) from None
    except BlockingIOError:
        told = json.loads((home / "run.lock").read_text() or "{}")
        return int(told.get("pid", 0)), str(told.get("console", ""))


def stop_holder(home: Path) -> bool:
    """Ask the supervisor of this home to stop and wait until it has. False when there is none."""
    found = holder(home)
    if found is None:
        return False
    try:
        os.kill(found[0], signal.SIGTERM)
    except ProcessLookupError:
        return False  # it ended meanwhile
    except PermissionError:
        raise StartProblem(f"Process {found[0]} is another user's: stop it as that user or root.") from None
    deadline = time.monotonic() + STOP_SECONDS
    while holder(home) is not None:
        if time.monotonic() > deadline:
            raise StartProblem(
                f"Process {found[0]} has not stopped within {STOP_SECONDS:g} s; end it with: kill -9 {found[0]}"
            )
        time.sleep(0.1)
    return True
