"""The verbs for those who change Crossdock: check, test, bench, soak."""

import os
import shutil
import subprocess
import sys

from ops.install import ROOT
from ops.problems import StartProblem
from ops.supervisor import say

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_PACKAGES = ("chromium", "fonts-liberation")


def check(words: list[str]) -> int:
    """Format, lint, types, then the tests that need no database. All are run; the first failure's code is given."""
    results = [
        module("ruff", "format", "--check", "."),
        module("ruff", "check", "."),
        module("mypy"),
        module("pytest", "-q", "tests/unit", "tests/architecture", *words),
    ]
    return next((code for code in results if code), 0)


def test(words: list[str]) -> int:
    """Every test, the browser's too. Further words go to pytest in place of the whole."""
    find_browser()
    return module("pytest", *(words or ["tests"]))


def soak(words: list[str]) -> int:
    """The long seeded runs."""
    find_browser()
    return module("pytest", "-m", "soak", "--timeout=0", *(words or ["tests"]))


def bench(words: list[str]) -> int:
    """Measured comparisons, all or the named ones."""
    return module("bench", *words)


def module(name: str, *words: str) -> int:
    """Run a module in this Python with nothing of the person's own system in its environment."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("CROSSDOCK_")}
    own.pop("DATABASE_URL", None)
    say(f"→ {name} {' '.join(words)}")
    return subprocess.run([sys.executable, "-m", name, *words], cwd=ROOT, env=own, check=False).returncode


def find_browser() -> None:
    """Leave a browser's path in CHROMIUM, having installed one as root. Raises StartProblem when there is none."""
    if browser := os.environ.get("CHROMIUM"):
        if not shutil.which(browser):
            raise StartProblem(f"CHROMIUM is {browser}, which is no program: correct or unset it.")
        return
    if not installed_browser() and os.geteuid() == 0 and shutil.which("apt-get"):
        install_browser()
    found = installed_browser()
    if found is None:
        raise StartProblem(
            "The browser tests need Chromium and there is none: install your system's package chromium "
            "(as root: apt-get install -y chromium), or set CHROMIUM to a browser's path, then run this again."
        )
    os.environ["CHROMIUM"] = found


def installed_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def install_browser() -> None:
    say("Installing Chromium from the system's packages …")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *BROWSER_PACKAGES]):
        done = subprocess.run(["apt-get", "-qq", *words], env=environment, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise StartProblem(f"Chromium could not be installed: apt-get {words[0]} failed, its words are above.")
