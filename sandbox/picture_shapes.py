"""Simple drawings of products, as data in `assets/drawings.txt`.

Every drawing is a text of steps on a grid of 100 by 100, painted in order:
`e role x0 y0 x1 y1` ellipse, `r role x0 y0 x1 y1 radius` rounded rectangle,
`p role x y x y ...` polygon, `l role x y x y width` line.
Roles are body, dark, light, accent and ground, resolved to colours per picture.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

COLOURS: dict[str, str] = {
    "teal": "#2f8f8b",
    "navy": "#2c3e66",
    "rust": "#b5532f",
    "sage": "#8ba888",
    "mustard": "#d9a62e",
    "blush": "#dba6a0",
    "charcoal": "#4a4f57",
    "cream": "#e6dcc3",
    "plum": "#7a3f63",
    "sky": "#7fb2d6",
    "olive": "#75773a",
    "coral": "#e4725f",
}


def _load() -> dict[str, str]:
    text = (Path(__file__).parent / "assets" / "drawings.txt").read_text(encoding="utf-8")
    lines = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: steps.strip() for name, _, steps in lines}


_DRAWINGS = _load()


@dataclass(frozen=True)
class Step:
    """One painted step: what to paint, in which role's colour, where on the 100 grid; `size` is radius or width."""

    kind: str
    role: str
    points: tuple[float, ...]
    size: float


def shape_names() -> tuple[str, ...]:
    """Names of all drawings, in a fixed order."""
    return tuple(_DRAWINGS)


@cache
def steps_of(shape: str) -> tuple[Step, ...]:
    """The steps of one drawing; an unknown name draws a plain box."""
    text = _DRAWINGS.get(shape, _DRAWINGS["box"])
    return tuple(_step(part.split()) for part in text.split(";"))


def _step(words: list[str]) -> Step:
    numbers = tuple(float(word) for word in words[2:])
    if words[0] in ("r", "l"):
        return Step(words[0], words[1], numbers[:-1], numbers[-1])
    return Step(words[0], words[1], numbers, 0.0)


def palette(colour: str) -> dict[str, tuple[int, int, int]]:
    """RGB of every role for one of `COLOURS`; an unknown name is charcoal."""
    text = COLOURS.get(colour, COLOURS["charcoal"])
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    body = (red, green, blue)
    return {
        "body": body,
        "dark": _blend(body, (20, 22, 28), 0.38),
        "light": _blend(body, (255, 255, 255), 0.62),
        "accent": _blend((214, 158, 70), body, 0.25),
        "ground": _blend((246, 245, 241), body, 0.06),
        "ink": (58, 60, 66),
    }


def _blend(first: tuple[int, int, int], second: tuple[int, int, int], part: float) -> tuple[int, int, int]:
    mixed = [round(a * (1 - part) + b * part) for a, b in zip(first, second, strict=True)]
    return (mixed[0], mixed[1], mixed[2])
