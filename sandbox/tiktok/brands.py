"""About two hundred brands: some authorised for a shop, some famous ("T1") ones that nobody may use unasked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from sandbox.tiktok.categories import Category, number_of

FIRST_ID = 7082427311584347905
HEADS = (
    "Alder", "Birch", "Cove", "Dune", "Elm", "Fern", "Glen", "Harbour", "Iris", "Juniper", "Kestrel", "Linden",
    "Marlow", "Nettle", "Oak", "Pebble", "Quill", "Rowan", "Sable", "Thistle",
)  # fmt: skip
TAILS = ("& Co", "Home", "Works", "Studio", "Goods", "Outdoor", "Kitchen", "Living", "Supply", "Craft")
T1 = (
    "Adonia", "Bellmare", "Cartesse", "Dyveson", "Estelle Noir", "Guessart", "Hermesian", "Kickers Royal", "Lancaster",
    "Nikora", "Omegane", "Pradelle", "Rolani", "Sonique", "Vuittane",
)  # fmt: skip


@dataclass(frozen=True)
class Brand:
    """A brand; T1 ones need the owner's authorization."""

    id: str
    name: str
    is_t1: bool


@cache
def all_brands() -> dict[str, Brand]:
    """By id."""
    names = [(f"{head} {tail}", False) for head in HEADS for tail in TAILS[: 9 if head < "K" else 10]]
    names += [(name, True) for name in T1]
    return {str(FIRST_ID + place * 17): Brand(str(FIRST_ID + place * 17), *one) for place, one in enumerate(names)}


@cache
def authorised(shop_id: str) -> frozenset[str]:
    """Ids of the brands this shop may show: ten ordinary ones and one T1."""
    ordinary = [brand.id for brand in all_brands().values() if not brand.is_t1]
    famous = [brand.id for brand in all_brands().values() if brand.is_t1]
    draw = Random(f"brands:{shop_id}")
    return frozenset(draw.sample(ordinary, 10) + draw.sample(famous, 1))


def is_available(brand: Brand, category: Category) -> bool:
    """Whether the brand may be used in this category; a tenth of the pairs may not."""
    return number_of(f"brand:{brand.id}", category.branch) % 10 != 0
