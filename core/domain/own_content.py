"""Content for TikTok only (P9, P24): what a person says of one product there; what is empty follows the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from core.domain.parcels import parcel_document, parcel_refusal, read_parcel
from core.domain.plaintext import one_line, quoted

LONGEST_TITLE: Final = 1_000  # what is too long for the market is said when the product is judged
LONGEST_DESCRIPTION: Final = 100_000
SIDES: Final = ("length_cm", "width_cm", "height_cm")
FIELDS: Final = ("title", "description", "weight_kg", *SIDES)


class OwnContentRefused(Exception):
    """It cannot be kept; ``sentence`` names the field, its value and the fix."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class OwnContent:
    """What a product says on TikTok only; None or empty means the store's own value is sent. Sizes in centimetres."""

    title: str = ""
    description: str = ""
    picture_urls: tuple[str, ...] = ()
    sizes_cm: tuple[str, str, str] | None = None
    weight_kg: Decimal | None = None


def read_own(document: Mapping[str, Any]) -> OwnContent | None:
    """The content from its stored document, None when there is none."""
    if not document:
        return None
    sizes = [str(document.get(side) or "") for side in SIDES]
    weight = document.get("weight_kg")
    return OwnContent(
        title=str(document.get("title") or ""),
        description=str(document.get("description") or ""),
        picture_urls=tuple(document.get("pictures") or ()),
        sizes_cm=(sizes[0], sizes[1], sizes[2]) if all(sizes) else None,
        weight_kg=Decimal(str(weight)) if weight else None,
    )


def own_document(entered: Mapping[str, str]) -> dict[str, Any]:
    """What is stored for texts as a person entered them, by the names of ``FIELDS``; the empty ones are left out.

    Raises ``OwnContentRefused``.
    """
    given = {name: text.strip() for name in FIELDS if (text := entered.get(name) or "").strip()}
    if len(given.get("title", "")) > LONGEST_TITLE:
        raise OwnContentRefused(f"The title has {len(given['title']):,} characters; give at most {LONGEST_TITLE:,}.")
    if len(given.get("description", "")) > LONGEST_DESCRIPTION:
        length = len(given["description"])
        raise OwnContentRefused(f"The description has {length:,} characters; give at most {LONGEST_DESCRIPTION:,}.")
    found: dict[str, Any] = {"title": one_line(given["title"])} if "title" in given else {}
    if "description" in given:
        found["description"] = given["description"]
    return found | _parcel(given)


def _parcel(given: Mapping[str, str]) -> dict[str, Any]:
    parcel: dict[str, Any] = {name: _whole(given[name]) for name in SIDES if name in given}
    if "weight_kg" in given:
        parcel["weight_kg"] = given["weight_kg"]
    if not parcel:
        return {}
    if refusal := parcel_refusal(parcel):
        raise OwnContentRefused(refusal)
    return parcel_document(read_parcel(parcel))


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise OwnContentRefused(f"Length, width and height must be whole centimetres, not {quoted(text)}.")
    return int(text)
