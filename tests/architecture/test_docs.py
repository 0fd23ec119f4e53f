"""What the documents say is so: commands, links, settings, dependencies."""

import re
from pathlib import Path

import pytest

import run
from core import config

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMAND = re.compile(r"(?:python3 |\./|`)run\.py(?: ([a-z][a-z-]*))?")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_readme_gives_the_two_commands() -> None:
    given = [verb or "start" for verb in COMMAND.findall((ROOT / "README.md").read_text())]
    assert {"start", "test"} <= set(given)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_command_exists(path: Path) -> None:
    assert [verb for verb in COMMAND.findall(path.read_text()) if verb and verb not in run.VERBS] == []


def test_help_names_every_verb() -> None:
    shown = run.__doc__ or ""
    assert [verb for verb in run.VERBS if verb != "start" and verb not in shown] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_relative_links_resolve(path: Path) -> None:
    targets = [link.split("#")[0] for link in LINK.findall(path.read_text()) if "://" not in link]
    assert [target for target in targets if target and not (path.parent / target).exists()] == []


def test_settings_table_is_the_settings() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    documented = {name: default for name, default, _ in rows}
    real = {variable(name): default(name) for name in config.Settings.model_fields}
    assert documented == real


def variable(field: str) -> str:
    return "DATABASE_URL" if field == "database_url" else config.PREFIX + field.upper()


def default(field: str) -> str:
    """A field's default as the table shows it."""
    info = config.Settings.model_fields[field]
    if info.is_required():
        return "the embedded database"
    if field == "home":
        return "`~/.local/share/crossdock`; as root `/var/lib/crossdock`"
    value = info.get_default()
    shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return f"`{shown}`" if shown not in ("", ()) else "empty"


def test_every_direct_dependency_is_explained() -> None:
    explained = (ROOT / "docs" / "architecture.md").read_text().lower()
    lines = (ROOT / "requirements.in").read_text().splitlines()
    names = [re.split(r"[\[~=<>!; ]", line)[0].lower() for line in lines if line and line[0] not in "#-"]
    assert [name for name in names if f"`{name}`" not in explained] == []
