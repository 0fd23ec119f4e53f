"""The coverage table has every planned feature once, and the tests it names are there."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "coverage.md").read_text()
ROW = re.compile(r"^\| ([A-Z]\d+) \|(.*)\|$", re.MULTILINE)
NAMED_TEST = re.compile(r"`(tests/[\w/.-]+)(?:::(\w+))?`")
STATES = ("yes", "partly", "not yet")


def numbered(letter: str, last: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in range(1, last + 1))


# The features keep their ids for good; a new one is added to the end of its group.
IDS = (
    *numbered("C", 15),
    *numbered("G", 15),
    *numbered("M", 11),
    *numbered("P", 27),
    *numbered("E", 7),
    *numbered("O", 18),
    *numbered("F", 12),
    *numbered("K", 9),
    *numbered("V", 5),
    *numbered("L", 2),
    *numbered("T", 6),
    *numbered("R", 17),
)


def rows() -> dict[str, list[str]]:
    """Name, state, test and screen of each feature."""
    return {feature: [cell.strip() for cell in rest.split("|")] for feature, rest in ROW.findall(TABLE)}


def test_every_feature_has_one_row() -> None:
    listed = Counter(feature for feature, _ in ROW.findall(TABLE))
    assert listed == Counter(IDS)


def test_every_row_is_whole() -> None:
    assert {feature: cells for feature, cells in rows().items() if len(cells) != 4 or not all(cells)} == {}


def test_every_row_begins_with_a_known_state() -> None:
    assert [feature for feature, cells in rows().items() if not cells[1].startswith(STATES)] == []


def test_what_is_said_to_be_there_names_its_proof() -> None:
    claimed = {feature: cells[2] for feature, cells in rows().items() if cells[1] == "yes"}
    assert [feature for feature, proof in claimed.items() if not NAMED_TEST.search(proof)] == []


def test_every_named_test_exists() -> None:
    missing = []
    for path, function in NAMED_TEST.findall(TABLE):
        file = ROOT / path
        if not file.exists() or (function and f"def {function}(" not in file.read_text()):
            missing.append(f"{path}::{function}" if function else path)
    assert missing == []
