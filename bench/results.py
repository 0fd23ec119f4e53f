"""What a comparison found, and where it is kept: ``results.json``, and the raw samples beside it in ``raw/``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
RAW = HERE / "raw"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ``ratio`` is what ``goal`` is about; ``other`` is None where there is nothing to compare with.

    ``taken`` says when and on what; ``work`` says everything somebody needs to believe or repeat it.
    """

    name: str
    work: str
    ours: float
    other: float | None
    ratio: float
    goal: str
    holds: bool
    units: str
    taken: str
    raw: dict[str, Any] = field(default_factory=dict)


def compared(name: str, work: str, *, ours: Sequence[float], other: Sequence[float], at_least: float, units: str,
             raw: dict[str, Any]) -> Row:  # fmt: skip
    """Medians of two sets of speeds; the goal is a share of the other's speed."""
    mine, its = median(ours), median(other)
    ratio = mine / its
    goal = f"ours / other >= {at_least}"
    return Row(name, work, _short(mine), _short(its), _short(ratio), goal, ratio >= at_least, units, _taken(), raw)


def bounded(name: str, work: str, *, ours: float, below: float, units: str, raw: dict[str, Any]) -> Row:
    """One number that must stay below a bound; the ratio is the share of the bound that is used."""
    ratio = ours / below
    return Row(name, work, _short(ours), None, _short(ratio), f"ours < {below:g}", ours < below, units, _taken(), raw)


def at_most(name: str, work: str, *, ours: Sequence[float], other: Sequence[float], ratio_at_most: float, units: str,
            raw: dict[str, Any]) -> Row:  # fmt: skip
    """Medians of two sets of times; the goal is a multiple of the other's time."""
    mine, its = median(ours), median(other)
    goal = f"ours / other <= {ratio_at_most}"
    holds = mine / its <= ratio_at_most
    return Row(name, work, _short(mine), _short(its), _short(mine / its), goal, holds, units, _taken(), raw)


def keep(rows: Sequence[Row]) -> None:
    """Put these rows in the place of earlier ones of the same names; the others stay."""
    earlier = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    names = {row.name for row in rows}
    kept = [row for row in earlier if row["name"] not in names]
    RAW.mkdir(exist_ok=True)
    for row in rows:
        (RAW / f"{row.name}.json").write_text(json.dumps(row.raw, indent=1) + "\n")
        kept.append({key: value for key, value in asdict(row).items() if key != "raw"})
    kept.sort(key=lambda row: str(row["name"]))
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def described(row: Row) -> str:
    other = "" if row.other is None else f", other {row.other:,} {row.units}"
    verdict = "holds" if row.holds else "FAILS"
    return f"{row.name}: ours {row.ours:,} {row.units}{other}, ratio {row.ratio}, {row.goal}: {verdict}"


def _short(value: float) -> float:
    return round(value, 3 if value < 10 else 1)


def _taken() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_machine()}"


def _machine() -> str:
    processors = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in processors.splitlines() if line.startswith("model name")]
    load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc/loadavg").exists() else "unknown"
    return f"{len(models) or '?'} x {models[0] if models else 'unknown processor'}, load {load} at the end"
