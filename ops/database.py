"""The database of a system: the embedded one, kept alive, or the one that DATABASE_URL names."""

import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.db import embedded
from core.db.programs import DatabaseProblem
from ops.problems import StartProblem
from ops.supervisor import say


@dataclass
class Database:
    """`cluster` is None for a named database. `url` is empty until the embedded one was started or attached to."""

    cluster: embedded.Cluster | None
    url: str

    @classmethod
    def embedded(cls, home: Path) -> "Database":
        return cls(embedded.Cluster(home), "")

    @classmethod
    def named(cls, url: str) -> "Database":
        return cls(None, url)

    @property
    def is_embedded(self) -> bool:
        return self.cluster is not None

    @property
    def is_running(self) -> bool:
        return self.cluster is None or embedded.is_alive(self.cluster)

    def ensure(self) -> str:
        """The URL of a database that was seen to answer; cheap to call again. Raises StartProblem."""
        if self.cluster is None:
            return self.url
        if self.url and embedded.is_alive(self.cluster):
            return self.url
        if self.url:
            say("Postgres ended; starting it again.")
        try:
            self.url = embedded.start(self.cluster)
        except DatabaseProblem as problem:
            raise StartProblem(str(problem)) from problem
        return self.url

    def stop(self) -> bool:
        """Stop the embedded database; False when there is none or it did not run."""
        if self.cluster is None or not embedded.is_alive(self.cluster):
            return False
        try:
            embedded.stop(self.cluster)
        except DatabaseProblem as problem:
            raise StartProblem(str(problem)) from problem
        self.url = ""
        return True


def check_reachable(url: str) -> None:
    """Raises StartProblem naming host and port when nothing answers at a named database's address."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port or 5432
    if host is None:
        return  # a local socket: the migration that follows will tell
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as problem:
        raise StartProblem(
            f"The database at {host} port {port} cannot be reached ({problem.strerror or problem}): "
            "start it, correct DATABASE_URL, or unset DATABASE_URL to use the database Crossdock brings."
        ) from problem
