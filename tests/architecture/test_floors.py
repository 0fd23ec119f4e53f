"""Each room imports only the rooms below it, and everything stays small enough to be read."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOOR_1 = ("core.ports", "core.config", "core.logs", "core.secrets")
BELOW_3 = ("core.domain", *FLOOR_1)
FACES = ("core.domain", "core.config", "core.logs", "core.services", "core.reads", "core.wiring")

# room: what of ours it may import besides itself (docs/architecture.md explains each floor)
ROOMS: dict[str, tuple[str, ...]] = {
    "core.domain": (),
    **dict.fromkeys(FLOOR_1, BELOW_3),
    "core.http": BELOW_3,
    "core.stores": (*BELOW_3, "core.http"),
    "core.tiktok": (*BELOW_3, "core.http"),
    "core.db": BELOW_3,
    "core.queue": (*BELOW_3, "core.db"),
    "core.services": (*BELOW_3, "core.db", "core.queue"),
    "core.reads": (*BELOW_3, "core.db"),
    "core.wiring": (*BELOW_3, "core.http", "core.stores", "core.tiktok", "core.db", "core.queue", "core.services"),
    "core.jobs": (*FACES, "core.queue", "core.ports"),
    "gateway": FACES,
    "console": FACES,
    "worker": (*FACES, "core.jobs", "core.queue"),
    "sandbox": (),
    "ops": ("core.config", "core.db.embedded", "core.db.programs"),
    "run": ("ops",),
}
SANDBOX_LIBRARIES = {"starlette", "uvicorn", "httpx", "PIL", "pillow_heif"}
OURS = {"core", "console", "sandbox", "ops", "gateway", "worker", "run", "bench", "tests"}
BROAD_CATCHES = {"core/jobs/handlers.py": 1, "core/jobs/clock.py": 1}
BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common", "misc"}
BANNED_WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|HA" r"CK|XX" r"X)\b")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(*, tests: bool = False) -> list[Path]:
    """Every Python file of the project, by path; those under tests only when asked for."""
    found = [
        path for path in ROOT.rglob("*.py") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    ]
    return sorted(path for path in found if tests or path.relative_to(ROOT).parts[0] != "tests")


TREES = {path: ast.parse(path.read_text(), str(path)) for path in sources(tests=True)}
OWN_SOURCES = sources()
# Migrations are written down by a tool once and never edited, so their length is nobody's burden.
READ_BY_PEOPLE = [path for path in OWN_SOURCES if "versions" not in path.parts]


def imports(path: Path) -> Iterator[str]:
    """The full names a file imports, also inside functions; `from a import b` gives `a.b`."""
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            yield from (".".join([*start, *filter(None, [node.module]), alias.name]) for alias in node.names)


def is_within(name: str, rooms: tuple[str, ...] | set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def room_of(name: str) -> str | None:
    return next((room for room in ROOMS if is_within(name, (room,))), None)


@pytest.mark.parametrize("path", OWN_SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_what_lies_below(path: Path) -> None:
    room = room_of(module_name(path))
    if room is None:
        assert module_name(path) == "core" or is_within(module_name(path), {"bench"}), "a new room needs a row in ROOMS"
        return
    allowed = (room, *ROOMS[room])
    ours = [name for name in imports(path) if name.split(".")[0] in OURS]
    assert [name for name in ours if not is_within(name, allowed)] == []


def test_only_the_console_knows_streamlit() -> None:
    knowing = {path for path in OWN_SOURCES if any(is_within(name, {"streamlit"}) for name in imports(path))}
    assert {path.relative_to(ROOT).parts[0] for path in knowing} <= {"console"}


def test_fragments_and_dialogs_ask_who_looks() -> None:
    """Streamlit draws them again without the frame, so they are made in the one file that asks for the session."""
    used = {
        str(path.relative_to(ROOT))
        for path in OWN_SOURCES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Attribute) and node.attr in ("fragment", "dialog") and ast.unparse(node.value) == "st"
    }
    assert used == {"console/components/watched.py"}


def test_stores_do_not_know_each_other() -> None:
    stores = {f"core.stores.{folder.name}" for folder in (ROOT / "core" / "stores").iterdir() if folder.is_dir()}
    for path in (path for path in OWN_SOURCES if is_within(module_name(path), stores)):
        others = {store for store in stores if not is_within(module_name(path), {store})}
        assert [name for name in imports(path) if is_within(name, others)] == [], path


def test_sandbox_is_an_independent_witness() -> None:
    for path in (path for path in OWN_SOURCES if is_within(module_name(path), {"sandbox"})):
        roots = {name.split(".")[0] for name in imports(path)}
        assert roots - set(sys.stdlib_module_names) - SANDBOX_LIBRARIES - {"sandbox"} == set(), path


def test_functions_are_short() -> None:
    functions = [
        (path, node)
        for path in READ_BY_PEOPLE
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, node in functions
        if (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in READ_BY_PEOPLE}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_exactly_two_catch_everything() -> None:
    found: dict[str, int] = {}
    for path in OWN_SOURCES:
        broad = [node for node in ast.walk(TREES[path]) if isinstance(node, ast.ExceptHandler) and catches_all(node)]
        if broad:
            found[str(path.relative_to(ROOT))] = len(broad)
    assert found == BROAD_CATCHES


def catches_all(handler: ast.ExceptHandler) -> bool:
    """Whether it swallows whatever comes; one that tidies up and raises the same again does not."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in ("Exception", "BaseException") for name in caught)


def test_names_say_what_is_inside() -> None:
    parts = {part for path in TREES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & BANNED_NAMES == set()


def test_nothing_is_left_for_later() -> None:
    files = [*TREES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert [str(path.relative_to(ROOT)) for path in files if BANNED_WORDS.search(path.read_text())] == []


def test_jobs_package_is_empty() -> None:
    """The queue imports it by name in every process, so it must cost nothing."""
    assert (ROOT / "core" / "jobs" / "__init__.py").read_text() == ""
