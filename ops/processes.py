"""The processes of a system: their commands, ports, environment, and how each tells that it is up."""

import errno
import http.client
import os
import sys
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from core import config
from core.db import embedded
from ops.install import ROOT
from ops.problems import StartProblem
from ops.supervisor import Process


def all_of(settings: config.Settings) -> list[Process]:
    """Everything run.py keeps alive. What people reach stops first, the outside world they talk to last."""
    found: list[Process] = []
    if settings.sandbox == "on":
        found.append(process("sandbox", settings, answers_at(sandbox_url(settings) + "/_sandbox/state"), 2))
    ready_file = settings.home / "worker.ready"
    for number in range(1, settings.workers + 1):
        name = "worker" if number == 1 else f"worker-{number}"
        command = command_of("worker", settings)
        found.append(Process(name, command, ready_file.exists, stop_rank=1, stop_seconds=5.0))
    found.append(process("gateway", settings, answers_at(gateway_url(settings) + "/healthz"), 0))
    found.append(process("console", settings, answers_at(settings.console_url + "/login"), 0))
    return found


def process(name: str, settings: config.Settings, answers: Callable[[], bool], stop_rank: int) -> Process:
    return Process(name, command_of(name, settings), answers, stop_rank, stop_seconds=2.0)


def command_of(name: str, settings: config.Settings) -> tuple[str, ...]:
    """The command line of one process, its program first."""
    if name == "sandbox":
        demo = ("--home", str(settings.home), "--products", str(settings.demo_products))
        return (sys.executable, "-m", "sandbox", "--port", str(settings.sandbox_port), *demo)
    file = {"worker": "worker.py", "gateway": "gateway.py", "console": "console/serve.py"}[name]
    return (sys.executable, str(ROOT / file))


def environment_of(settings: config.Settings, database_url: str) -> dict[str, str]:
    """What every process gets: this environment, the database, and the sandbox's addresses where none are set."""
    environment = {name: value for name, value in os.environ.items() if value or not name.startswith(config.PREFIX)}
    environment |= {"CROSSDOCK_HOME": str(settings.home), "DATABASE_URL": database_url}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "TZ": "UTC"}
    if settings.sandbox == "on":
        base = sandbox_url(settings)
        for name in ("SANDBOX_URL", "TIKTOK_API_URL", "TIKTOK_AUTH_URL", "TIKTOK_AUTHORIZE_URL", "EVENTS_URL"):
            environment.setdefault(f"CROSSDOCK_{name}", base)
        environment.setdefault("CROSSDOCK_SHOPWIRED_URL", f"{base}/v1")
        environment.setdefault("CROSSDOCK_TRUSTED_ORIGINS", base)
    return environment


def check_ports(settings: config.Settings) -> None:
    """Every port free and no two alike. Raises StartProblem naming the port and the variable to change."""
    wanted = [
        ("CROSSDOCK_CONSOLE_PORT", settings.console_address, settings.console_port),
        ("CROSSDOCK_GATEWAY_PORT", settings.gateway_address, settings.gateway_port),
    ]
    if settings.sandbox == "on":
        wanted.append(("CROSSDOCK_SANDBOX_PORT", "127.0.0.1", settings.sandbox_port))
    seen: dict[int, str] = {}
    for variable, host, port in wanted:
        if port in seen:
            raise StartProblem(f"{seen[port]} and {variable} are both {port}: give each a port of its own.")
        seen[port] = variable
        if problem := embedded.why_not_free(port, host):
            raise StartProblem(_in_words(problem, variable, host, port))


def _in_words(problem: OSError, variable: str, host: str, port: int) -> str:
    if problem.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program: set {variable} to a free one."
    if problem.errno in (errno.EACCES, errno.EPERM):
        return f"Nobody but root may listen at port {port} here: set {variable} to one from 1024 on."
    address = variable.replace("_PORT", "_ADDRESS")
    return f"{address} is {host!r}, where this machine cannot listen ({problem.strerror}): give one of its addresses."


def gateway_url(settings: config.Settings) -> str:
    return config.local_url(settings.gateway_address, settings.gateway_port)


def sandbox_url(settings: config.Settings) -> str:
    return config.local_url("127.0.0.1", settings.sandbox_port)


def answers_at(url: str) -> Callable[[], bool]:
    """A question that is true once the URL answers 200, or 303 as a login page may."""
    return partial(answers, url)


def answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status in (200, 303)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
