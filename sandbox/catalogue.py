"""The demo catalogue: products as a real shop would keep them, the same ones for the same numbers every time.

About 65 % are good, 20 % incomplete and 15 % odd (`DemoProduct.case` says which and why). Nothing here touches the
database: `sandbox.shopwired.seeding` gives the products their ids and stores them.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sandbox.catalogue_words import BRANDS, ODD_TITLES, OPENINGS, POINTS, SHELVES, Kind
from sandbox.picture_shapes import COLOURS
from sandbox.pictures import picture_path

# Stands for the sandbox's own address in stored text; replaced when a document is served.
BASE_MARK: Final = "http://sandbox.base"
BASE_BYTES: Final = BASE_MARK.encode()

LEAVES: Final = tuple((top, leaf, kind) for top, leaves in SHELVES.items() for leaf in leaves for kind in leaves[leaf])
COLOUR_NAMES: Final = tuple(COLOURS)
BAD_PICTURES: Final = ("small", "wide", "broken", "missing", "page", "empty", "heavy", "loop")
# Case and file format of pictures that a careful client can use once it converts them.
ODD_PICTURES: Final = (
    ("plain", "png"), ("plain", "webp"), ("plain", "gif"), ("plain", "bmp"), ("plain", "tiff"), ("plain", "heic"),
    ("plain", "svg"), ("transparent", "png"), ("rotated", "jpg"), ("cmyk", "jpg"), ("animated", "gif"),
    ("large", "jpg"), ("slow", "jpg"), ("redirect", "jpg"), ("duplicate", "jpg"), ("warning", "jpg"),
)  # fmt: skip
INCOMPLETE: Final = (
    "no_weight", "no_dimensions", "partial_dimensions", "no_picture", "empty_description", "no_sku",
    "sku_with_space", "long_sku", "duplicate_sku", "wrong_gtin", "does_not_apply_gtin", "variant_without_sku",
    *(f"{name}_picture" for name in BAD_PICTURES),
)  # fmt: skip
ODD: Final = (
    *(f"{name}_title" for name, _ in ODD_TITLES),
    "negative_stock", "huge_stock", "zero_price", "many_variants", "inactive", "no_category", "vat_exclusive",
    "dimension_words", "wild_description",
    *(f"{case}_{ext}_picture" for case, ext in ODD_PICTURES),
)  # fmt: skip
INCOMPLETE_SLOTS: Final = (3, 8, 13, 18)
ODD_SLOTS: Final = (5, 11, 16)
GTIN_PREFIX: Final = {1: "5060", 2: "5037"}
SKU_PREFIX: Final = {1: "HL", 2: "QC"}
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """One product before it has ids. Prices in pounds, weight in kilograms.

    `fields` are the plain API fields, `variations` hold `values` as (option, value) pairs, `images` are pairs of
    path below the base address and alternative text, `shelf` is (top category, sub-category) or None.
    """

    case: str
    fields: dict[str, Any]
    variations: list[dict[str, Any]]
    images: list[tuple[str, str]]
    shelf: tuple[str, str] | None
    brand: str | None
    custom_fields: dict[str, str] = field(default_factory=dict)


def demo_products(business: int, count: int) -> Iterator[DemoProduct]:
    """The first `count` products of a business (1 or 2), one at a time."""
    for number in range(count):
        yield demo_product(business, number)


def demo_product(business: int, number: int) -> DemoProduct:
    """Product `number` (from 0) of a business; the same for the same arguments."""
    rng = random.Random(business * 1_000_003 + number)
    good = _good_product(business, number, rng)
    case = case_of(number)
    kind, _, name = case.partition(":")
    if kind == "incomplete":
        return _spoil(good, case, name, business, number)
    return _make_odd(good, case, name, _single(good, business, number)) if kind == "odd" else good


def case_of(number: int) -> str:
    """`good`, `incomplete:<name>` or `odd:<name>` for a product number."""
    rest, slot = divmod(number, 20)
    if slot in INCOMPLETE_SLOTS:
        return "incomplete:" + INCOMPLETE[(rest * 4 + INCOMPLETE_SLOTS.index(slot)) % len(INCOMPLETE)]
    if slot in ODD_SLOTS:
        return "odd:" + ODD[(rest * 3 + ODD_SLOTS.index(slot)) % len(ODD)]
    return "good"


def gtin13(prefix: str, number: int) -> str:
    """A GTIN-13 with its right check digit (GS1 General Specifications, section 7.9)."""
    body = f"{prefix}{number:0{12 - len(prefix)}d}"
    total = sum(map(int, body[::2])) + 3 * sum(map(int, body[1::2]))
    return body + str(-total % 10)


def _good_product(business: int, number: int, rng: random.Random) -> DemoProduct:
    top, leaf, kind = LEAVES[rng.randrange(len(LEAVES))]
    colour, brand, material = rng.choice(COLOUR_NAMES), rng.choice(BRANDS), rng.choice(kind.materials)
    title = f"{brand} {material} {kind.noun} in {colour.capitalize()}"
    sku = f"{SKU_PREFIX[business]}-{kind.shape[:5].upper()}-{number + 1:06d}"
    price = round(rng.uniform(*kind.prices)) - 0.05 + rng.choice((0.0, 0.04, 0.05))
    varied = rng.random() < 0.27
    variations = _variations(business, number, kind, colour, sku, price, rng) if varied else []
    fields = {
        "title": title,
        "description": _description(title, kind, material, colour, rng),
        "sku": None if varied else sku,
        "stock": 0 if varied else _stock(rng),
        "price": round(price, 2),
        "salePrice": round(price * 0.8, 2) if rng.random() < 0.15 else None,
        "comparePrice": round(price * 1.25, 2) if rng.random() < 0.1 else None,
        "costPrice": round(price * 0.42, 2),
        "gtin": None if varied else gtin13(GTIN_PREFIX[business], number * 130),
        "mpn": f"{brand[:3].upper()}{number + 1:05d}",
        "weight": round(rng.uniform(*kind.kilograms), 3),
        "metaTitle": title,
        "slug": f"{slug_of(title)}-{number + 1}",
        "sortOrder": number % 97,
    }
    images = _pictures(kind, colour, variations, business, number, rng, title)
    return DemoProduct("good", fields, variations, images, (top, leaf), brand, _dimensions(kind, rng))


def slug_of(title: str) -> str:
    """The last path segment a shop makes of a title: lower-case ASCII words joined by hyphens."""
    return _NOT_IN_SLUG.sub("-", title.lower()).strip("-") or "product"


def _stock(rng: random.Random) -> int:
    return 0 if rng.random() < 0.05 else rng.randrange(1, 120)


def _dimensions(kind: Kind, rng: random.Random) -> dict[str, str]:
    inches = rng.random() < 0.15
    sides = [f"{side / 2.54:.1f}" if inches else f"{side:g}" for side in kind.box]
    values = dict(zip(("tiktok_length", "tiktok_width", "tiktok_height"), sides, strict=True))
    values["tiktok_unit"] = "INCH" if inches else "CENTIMETER"
    if rng.random() < 0.05:
        values["tiktok_video"] = f"{BASE_MARK}/media/{kind.shape}.mp4"
    return values


def _variations(
    business: int, number: int, kind: Kind, colour: str, sku: str, price: float, rng: random.Random
) -> list[dict[str, Any]]:
    """2 to 12 variations by size, by colour, by both, or by pack; every one with its own SKU and GTIN."""
    style = rng.choice(("size", "size", "colour", "both", "pack"))
    sizes = [("Size", value) for value in kind.sizes[: rng.randrange(2, len(kind.sizes) + 1)]]
    colours = [("Colour", name.capitalize()) for name in _other_colours(colour, rng.randrange(2, 4))]
    packs = [("Pack", value) for value in ("Single", "Pack of 2", "Pack of 4")]
    if style == "both":
        rows = [[size, shade] for size in sizes[:4] for shade in colours]
    else:
        rows = [[pair] for pair in {"size": sizes, "colour": colours, "pack": packs}[style]]
    return [
        {
            "sku": f"{sku}-{place + 1:02d}",
            "price": round(price * (1 + 0.9 * place), 2) if style == "pack" else None,
            "salePrice": None,
            "costPrice": None,
            "stock": _stock(rng),
            "weight": None,
            "gtin": gtin13(GTIN_PREFIX[business], number * 130 + 1 + place),
            "mpn": None,
            "image": _image_index(pairs, colours),
            "rewardPoints": None,
            "values": pairs,
        }
        for place, pairs in enumerate(rows)
    ]


def _other_colours(colour: str, count: int) -> list[str]:
    start = COLOUR_NAMES.index(colour)
    return [COLOUR_NAMES[(start + step) % len(COLOUR_NAMES)] for step in range(count)]


def _image_index(pairs: list[tuple[str, str]], colours: list[tuple[str, str]]) -> int:
    shades = [pair for pair in pairs if pair[0] == "Colour"]
    return colours.index(shades[0]) if shades else 0


def _pictures(
    kind: Kind, colour: str, variations: list[dict[str, Any]], business: int, number: int, rng: random.Random, alt: str
) -> list[tuple[str, str]]:
    tag = f"{business}{number:06d}"
    shades = {value for row in variations for option, value in row["values"] if option == "Colour"}
    if shades:
        names = _other_colours(colour, len(shades))
        return [(picture_path("plain", kind.shape, name, tag), f"{alt}, {name}") for name in names]
    case = rng.choices(("plain", "portrait", "landscape"), (84, 8, 8))[0]
    views = range(1, rng.choice((1, 2, 2, 3, 3)) + 1)
    return [(picture_path(case, kind.shape, colour, tag, view), f"{alt}, view {view}") for view in views]


def _description(title: str, kind: Kind, material: str, colour: str, rng: random.Random) -> str:
    points = "".join(f"<li>{point}</li>" for point in rng.sample(POINTS, 3))
    parts = [
        f"<p><strong>{rng.choice(OPENINGS)}</strong> The {title} is our {material.lower()} {kind.noun.lower()} "
        f"in a soft {colour}, chosen to go with the rest of the range.</p>",
        f"<ul>{points}</ul>",
    ]
    if rng.random() < 0.3:
        length, width, height = kind.box
        parts.append(
            f"<h3>Details</h3><table><tr><th>Material</th><td>{material}</td></tr>"
            f"<tr><th>Packed size</th><td>{length:g} x {width:g} x {height:g} cm</td></tr></table>"
        )
    if rng.random() < 0.1:
        path = picture_path("plain", kind.shape, colour, "detail", 2)
        parts.append(f'<p><img src="{BASE_MARK}{path}" alt="{kind.noun} close up" width="800"></p>')
    parts.append("<p>Sent within two working days from our warehouse in <em>Whitby</em>.<br>Free returns.</p>")
    return "\n".join(parts)


def _with(product: DemoProduct, case: str, **changes: Any) -> DemoProduct:
    return replace(product, case=case, fields={**product.fields, **changes})


def _single(product: DemoProduct, business: int, number: int) -> DemoProduct:
    """The same product without variations, so that a fault of its own SKU or GTIN shows."""
    if not product.variations:
        return product
    sku, gtin = product.variations[0]["sku"][:-3], gtin13(GTIN_PREFIX[business], number * 130)
    return replace(product, variations=[], fields={**product.fields, "sku": sku, "gtin": gtin, "stock": 12})


def _spoil(good: DemoProduct, case: str, name: str, business: int, number: int) -> DemoProduct:
    plain = _single(good, business, number)
    if name.removesuffix("_picture") in BAD_PICTURES:
        path, alt = good.images[0]
        return replace(plain, case=case, images=[(_recase(path, name.removesuffix("_picture"), "jpg"), alt)])
    fields = plain.fields
    spoiled: dict[str, dict[str, Any]] = {
        "no_weight": {"weight": None},
        "empty_description": {"description": ""},
        "no_sku": {"sku": None, "stock": 0},
        "sku_with_space": {"sku": f"{fields['sku']} A"},
        "long_sku": {"sku": f"{fields['sku']}-" + "EXTRA-LONG-" * 5},
        "duplicate_sku": {"sku": f"{SKU_PREFIX[business]}-TWICE-{number // 200}"},
        "wrong_gtin": {"gtin": _wrong_check(fields["gtin"])},
        "does_not_apply_gtin": {"gtin": "Does not apply"},
    }
    if name in spoiled:
        return _with(plain, case, **spoiled[name])
    if name == "variant_without_sku":
        return _lose_variant_sku(plain, case)
    if name == "no_picture":
        return replace(plain, case=case, images=[])
    kept = {"tiktok_length": "20"} if name == "partial_dimensions" else {}
    return replace(plain, case=case, custom_fields=kept)


def _wrong_check(gtin: str) -> str:
    return gtin[:-1] + str((int(gtin[-1]) + 4) % 10)


def _lose_variant_sku(plain: DemoProduct, case: str) -> DemoProduct:
    rows = _grid(plain.fields["sku"], (("Size", ("Small", "Large")),))
    rows[1] = {**rows[1], "sku": ""}
    return replace(_with(plain, case, sku=None, gtin=None, stock=0), variations=rows)


def _grid(sku: str, options: tuple[tuple[str, tuple[str, ...]], ...]) -> list[dict[str, Any]]:
    """Every combination of the options' values as a plain variation with a SKU and no GTIN."""
    rows: list[list[tuple[str, str]]] = [[]]
    for option, values in options:
        rows = [[*row, (option, value)] for row in rows for value in values]
    blank = {"price": None, "salePrice": None, "costPrice": None, "weight": None, "gtin": None, "mpn": None}
    return [
        {"sku": f"{sku}-{place + 1:03d}", **blank, "stock": 5, "image": 0, "rewardPoints": None, "values": pairs}
        for place, pairs in enumerate(rows)
    ]


def _recase(path: str, case: str, ext: str) -> str:
    """The same picture's path in another case and format."""
    _, start, _, what, name = path.split("/")
    return f"/{start}/{case}/{what}/{name.rsplit('.', 1)[0]}.{ext}"


def _make_odd(good: DemoProduct, case: str, name: str, plain: DemoProduct) -> DemoProduct:
    """One of `ODD`; `plain` is the same product without variations."""
    if name.endswith("_title"):
        title = dict(ODD_TITLES)[name[:-6]].format(title=good.fields["title"])
        return _with(good, case, title=(title * 20)[:300].strip() if name == "long_title" else title)
    if name.endswith("_picture"):
        return _odd_picture(plain, case, name)
    changes: dict[str, dict[str, Any]] = {
        "negative_stock": {"stock": -3},
        "huge_stock": {"stock": 2_500_000},
        "zero_price": {"price": 0.0, "salePrice": None},
        "inactive": {"active": False},
        "vat_exclusive": {"vatExclusive": True},
        "wild_description": {"description": _wild(good.fields["description"])},
    }
    if name in changes:
        return _with(plain, case, **changes[name])
    if name == "no_category":
        return replace(good, case=case, shelf=None)
    if name == "dimension_words":
        return replace(good, case=case, custom_fields={**good.custom_fields, "tiktok_length": "12 cm approx"})
    shades = tuple(colour.capitalize() for colour in COLOUR_NAMES[:10])
    sizes = tuple(f"Size {size}" for size in range(1, 13))
    rows = _grid(plain.fields["sku"], (("Colour", shades), ("Size", sizes)))
    return replace(_with(plain, case, sku=None, gtin=None, stock=0), variations=rows)


def _odd_picture(good: DemoProduct, case: str, name: str) -> DemoProduct:
    picture, ext = name.split("_")[:2]
    path, alt = good.images[0]
    images = [(_recase(path, picture, ext), alt)]
    if picture == "duplicate":
        images.append((images[0][0].replace("-1.jpg", "again-1.jpg"), f"{alt}, again"))
    return replace(good, case=case, images=images)


def _wild(description: str) -> str:
    return (
        '<div style="position:fixed" onclick="alert(1)"><font color="red">SALE</font></div><script>alert(2)</script>'
        '<iframe src="https://video.example/embed/1"></iframe><style>p{display:none}</style>'
        f"{description}<p>Unclosed <b>bold<p>&nbsp;&pound;5 &amp; &#x1F600;</p>" + "<p>" + "Long text. " * 400 + "</p>"
    )
