"""The category tree of TikTok Shop UK (2023 export of 1,571 leaves in data/), with parents of our own making."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CSV = Path(__file__).parent / "data" / "tiktok_uk_categories.csv"
FIRST_PARENT_ID = 600001
INVITE_ONLY_WORDS = ("health", "medical", "jade", "amber", "ruby", "tobacco", "weapon", "knives", "feminine")
INVITE_ONLY_LEAVES = 37  # about one leaf in so many elsewhere
NOT_MAIN_FOR_NEW_SELLERS = ("Muslim Fashion", "Collections")


@dataclass(frozen=True)
class Category:
    """One node. `path` holds the names from the root down to this one."""

    id: str
    parent_id: str
    name: str
    level: int
    is_leaf: bool
    path: tuple[str, ...]

    @property
    def root(self) -> str:
        """Name of the top category it belongs to."""
        return self.path[0]

    @property
    def branch(self) -> tuple[str, ...]:
        """The two top levels, which share their rules."""
        return self.path[:2]


@cache
def tree() -> dict[str, Category]:
    """All categories by id, parents before children."""
    # Some names of the export end in a space or a written-out tab.
    leaves = [(row[0], tuple(part.replace("\\t", "").strip() for part in row[1].split(">"))) for row in _rows()]
    taken = {leaf_id for leaf_id, _ in leaves}
    ids: dict[tuple[str, ...], str] = {}
    found: dict[str, Category] = {}
    next_id = FIRST_PARENT_ID
    for leaf_id, path in leaves:
        for depth in range(1, len(path)):
            if path[:depth] in ids:
                continue
            while str(next_id) in taken:
                next_id += 1
            ids[path[:depth]] = str(next_id)
            found[str(next_id)] = _category(str(next_id), path[:depth], ids, is_leaf=False)
            next_id += 1
        found[leaf_id] = _category(leaf_id, path, ids, is_leaf=True)
    return found


def _rows() -> list[list[str]]:
    with CSV.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))[1:]


def _category(id: str, path: tuple[str, ...], ids: dict[tuple[str, ...], str], *, is_leaf: bool) -> Category:
    return Category(id, ids.get(path[:-1], "0"), path[-1], len(path), is_leaf, path)


def chain(category_id: str) -> list[Category]:
    """From the root down to this category."""
    links: list[Category] = []
    while category_id != "0":
        links.insert(0, tree()[category_id])
        category_id = links[0].parent_id
    return links


def permission_statuses(category: Category, *, is_new_seller: bool) -> list[str]:
    """`AVAILABLE`, or why this shop may not use it: `INVITE_ONLY`, `NON_MAIN_CATEGORY`."""
    if any(word in " ".join(category.path).lower() for word in INVITE_ONLY_WORDS):
        return ["INVITE_ONLY"]
    if category.is_leaf and number_of("invite", category.path) % INVITE_ONLY_LEAVES == 0:
        return ["INVITE_ONLY"]
    if is_new_seller and category.root in NOT_MAIN_FOR_NEW_SELLERS:
        return ["NON_MAIN_CATEGORY"]
    return ["AVAILABLE"]


def number_of(subject: str, path: tuple[str, ...]) -> int:
    """A number that is always the same for these names, to vary rules without chance."""
    return int(hashlib.sha256(f"{subject}:{'>'.join(path)}".encode()).hexdigest()[:8], 16)


def words(text: str) -> set[str]:
    """Lower-case words without plural s, for matching titles with category names."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z]{3,}", text.lower())}


@cache
def _leaf_words() -> list[tuple[Category, set[str], set[str]]]:
    leaves = [category for category in tree().values() if category.is_leaf]
    return [(leaf, words(leaf.name), words(" ".join(leaf.path[:-1]))) for leaf in leaves]


def recommend(title: str) -> Category | None:
    """The leaf whose own name shares most words with the title; names above it break ties."""
    wanted = words(title)
    best, best_score = None, 0.0
    for leaf, own, above in _leaf_words():
        hits = len(own & wanted)
        if not hits:
            continue
        score = hits * 10 + len(above & wanted) * 3 + hits / len(own)
        if score > best_score:
            best, best_score = leaf, score
    return best
