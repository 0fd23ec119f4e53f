"""Which product and which picture a refusal of an order is about, as far as its words and the pictures tell (O17).

No platform documents what it says when a picture breaks an order, so the words are searched for the picture's address
or file name, then for the product's SKU or title; what is known to be wrong with a picture tells apart the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_ABOUT: Final = re.compile(r"\b(image|picture|photo)s?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shown:
    """A product of the order. ``pictures``: (address, what is known to be wrong with it, or empty)."""

    title: str
    sku: str
    pictures: tuple[tuple[str, str], ...]

    def named(self) -> str:
        return f'"{self.title}" (SKU {self.sku})' if self.sku else f'"{self.title}"'


def is_about_pictures(said: str) -> bool:
    return _ABOUT.search(said) is not None


def blamed(said: str, products: Sequence[Shown]) -> str:
    """The pictures and products that are meant, in words: one where the refusal tells, else those that may be."""
    exact = [
        _picture(address, wrong, one) for one in products for address, wrong in one.pictures if _names(said, address)
    ]
    if exact:
        return "; ".join(exact)
    meant = [one for one in products if _mentions(said, one)] or list(products)
    known = [_picture(address, wrong, one) for one in meant for address, wrong in one.pictures if wrong]
    return "; ".join(known) or "; ".join(_any_picture(one) for one in meant)


def _names(said: str, address: str) -> bool:
    return bool(address) and (address in said or _has_word(said, _file_name(address)))


def _mentions(said: str, product: Shown) -> bool:
    return _has_word(said, product.sku) or _has_word(said, product.title)


def _has_word(said: str, word: str) -> bool:
    """As a whole: ``1.jpg`` is not meant where ``11.jpg`` stands."""
    return bool(word) and re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", said, re.IGNORECASE) is not None


def _file_name(address: str) -> str:
    return urlsplit(address).path.rpartition("/")[2]


def _picture(address: str, wrong: str, product: Shown) -> str:
    why = f", of which is known: {wrong.rstrip('.')}" if wrong else ""
    return f"picture {_file_name(address) or address} of {product.named()}{why}"


def _any_picture(product: Shown) -> str:
    count = len(product.pictures)
    return f"the pictures of {product.named()}" if count != 1 else _picture(*product.pictures[0], product)
