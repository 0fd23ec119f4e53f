"""What the demo shops sell: the words, prices and sizes the demo catalogue is made of."""

from dataclasses import dataclass
from typing import Final

BRANDS: Final = (
    "Ashcombe", "Brackenfield", "Cotswold Kiln", "Dunmore & Pell", "Eastgate", "Fernhollow", "Gorse & Gale",
    "Hartwell", "Inglenook", "Juniper Row", "Kestrel Home", "Larkspur", "Marlowe Mills", "Nettlebed", "Oakhampton",
    "Pebble & Pine", "Quillstone", "Rushmere", "Saltmarsh", "Thistledown", "Upton Grey", "Verity Lane",
    "Wrenfield", "Yarrow & Co", "Zephyr Street",
)  # fmt: skip

SIZES_CLOTHES: Final = ("XS", "S", "M", "L", "XL", "XXL")
SIZES_SHOES: Final = ("UK 3", "UK 4", "UK 5", "UK 6", "UK 7", "UK 8", "UK 9", "UK 10")
SIZES_SOFT: Final = ("Small", "Medium", "Large")
VOLUMES: Final = ("100 ml", "250 ml", "500 ml")


@dataclass(frozen=True)
class Kind:
    """One thing a shop sells. Prices in pounds, weight in kilograms, box in centimetres."""

    noun: str
    shape: str
    materials: tuple[str, ...]
    prices: tuple[float, float]
    kilograms: tuple[float, float]
    box: tuple[float, float, float]
    sizes: tuple[str, ...] = SIZES_SOFT


def _kind(
    noun: str, shape: str, materials: str, prices: str, kilograms: str, box: str, sizes: tuple[str, ...] = SIZES_SOFT
) -> Kind:
    low, high = (float(part) for part in prices.split("-"))
    light, heavy = (float(part) for part in kilograms.split("-"))
    length, width, height = (float(part) for part in box.split("x"))
    return Kind(
        noun, shape, tuple(materials.split(",")), (low, high), (light, heavy), (length, width, height), tuple(sizes)
    )


# Top category, then its sub-categories with the kinds sold in each.
SHELVES: Final[dict[str, dict[str, tuple[Kind, ...]]]] = {
    "Kitchen": {
        "Mugs and cups": (
            _kind("Mug", "mug", "Stoneware,Enamel,Bone China", "6-18", "0.3-0.5", "13x10x10"),
            _kind("Espresso Cup", "cup", "Porcelain,Stoneware", "5-14", "0.15-0.3", "12x12x7"),
        ),
        "Bowls and plates": (
            _kind("Serving Bowl", "bowl", "Acacia,Stoneware,Glass", "12-38", "0.6-1.4", "28x28x12"),
            _kind("Dinner Plate", "plate", "Porcelain,Stoneware", "7-20", "0.5-0.9", "28x28x4"),
        ),
        "Pans and bakeware": (
            _kind("Frying Pan", "pan", "Cast Iron,Non-Stick,Copper", "18-75", "1-2.8", "48x28x9"),
            _kind("Loaf Tin", "bakeware", "Carbon Steel,Enamel", "8-22", "0.4-0.8", "30x16x9"),
        ),
        "Knives and utensils": (
            _kind("Bread Knife", "knife", "Stainless Steel,Damascus", "12-60", "0.2-0.4", "36x6x3"),
            _kind("Spatula", "spatula", "Beech,Silicone,Olive Wood", "4-15", "0.08-0.2", "32x8x3"),
        ),
        "Storage": (
            _kind("Storage Jar", "jar", "Glass,Ceramic", "5-19", "0.4-0.9", "14x14x20", VOLUMES),
            _kind("Cake Tin", "tin", "Tinplate,Enamel", "9-24", "0.5-0.9", "26x26x14"),
        ),
        "Kettles and teapots": (
            _kind("Stovetop Kettle", "kettle", "Stainless Steel,Enamel", "28-85", "1-1.8", "26x22x26"),
            _kind("Teapot", "teapot", "Stoneware,Cast Iron,Glass", "18-48", "0.7-1.5", "26x18x17"),
        ),
        "Boards and trays": (_kind("Chopping Board", "board", "Oak,Walnut,Bamboo", "14-55", "0.8-2", "40x28x4"),),
    },
    "Home": {
        "Cushions and throws": (
            _kind("Cushion", "cushion", "Linen,Velvet,Cotton", "14-45", "0.4-0.8", "45x45x15"),
            _kind("Throw", "throw", "Lambswool,Cotton,Recycled Wool", "25-95", "0.7-1.4", "40x32x12"),
        ),
        "Candles and scent": (
            _kind("Candle", "candle", "Soy Wax,Beeswax", "8-32", "0.3-0.7", "10x10x12", VOLUMES),
            _kind("Reed Diffuser", "diffuser", "Fig,Sea Salt,Cedar", "12-36", "0.3-0.5", "10x10x28", VOLUMES),
        ),
        "Lighting": (_kind("Table Lamp", "lamp", "Brass,Ceramic,Rattan", "32-120", "1.2-2.8", "32x32x52"),),
        "Rugs and mats": (_kind("Rug", "rug", "Jute,Wool,Cotton", "35-190", "1.8-6", "80x22x22"),),
        "Frames and mirrors": (
            _kind("Photo Frame", "frame", "Oak,Brass,Painted", "9-40", "0.4-1", "34x28x4"),
            _kind("Wall Mirror", "mirror", "Rattan,Brass,Ash", "35-140", "2-5", "62x46x6"),
        ),
        "Clocks": (_kind("Wall Clock", "clock", "Ash,Metal,Cork", "22-70", "0.7-1.5", "34x34x6"),),
        "Vases and planters": (
            _kind("Vase", "vase", "Glass,Stoneware,Terracotta", "12-52", "0.6-1.6", "18x18x30"),
            _kind("Planter", "planter", "Terracotta,Fibreclay,Zinc", "10-48", "0.8-2.4", "24x24x22"),
        ),
        "Baskets": (_kind("Storage Basket", "basket", "Seagrass,Willow,Rope", "15-58", "0.6-1.5", "40x32x28"),),
        "Towels": (_kind("Bath Towel", "towel", "Egyptian Cotton,Bamboo,Waffle", "10-36", "0.5-0.9", "34x26x10"),),
    },
    "Clothing": {
        "T-shirts": (
            _kind("T-Shirt", "tshirt", "Organic Cotton,Bamboo", "12-32", "0.15-0.25", "30x24x3", SIZES_CLOTHES),
        ),
        "Hoodies": (
            _kind("Hoodie", "hoodie", "Loopback Cotton,Fleece", "28-65", "0.5-0.8", "36x30x8", SIZES_CLOTHES),
        ),
        "Dresses": (_kind("Dress", "dress", "Linen,Viscose,Cotton", "32-85", "0.25-0.5", "36x28x4", SIZES_CLOTHES),),
        "Trousers": (
            _kind("Trousers", "trousers", "Corduroy,Linen,Denim", "30-75", "0.4-0.7", "36x28x5", SIZES_CLOTHES),
        ),
        "Socks": (_kind("Socks", "socks", "Merino,Bamboo,Cotton", "6-18", "0.06-0.12", "22x12x4", SIZES_SOFT),),
        "Hats and scarves": (
            _kind("Beanie Hat", "hat", "Merino,Recycled Wool", "12-30", "0.08-0.15", "24x22x5"),
            _kind("Scarf", "scarf", "Lambswool,Cashmere", "18-80", "0.15-0.3", "30x22x6"),
        ),
        "Bags": (_kind("Tote Bag", "bag", "Canvas,Leather,Jute", "12-95", "0.3-0.9", "42x38x8"),),
        "Shoes": (_kind("Trainers", "shoe", "Canvas,Suede,Leather", "35-95", "0.7-1.1", "32x20x12", SIZES_SHOES),),
    },
    "Beauty": {
        "Soap": (_kind("Soap Bar", "soap", "Oat,Lavender,Charcoal", "4-12", "0.1-0.15", "9x6x4"),),
        "Hand and body cream": (
            _kind("Hand Cream", "tube", "Shea,Rose,Almond", "6-24", "0.08-0.3", "16x6x4", VOLUMES),
        ),
        "Bath and shower": (_kind("Body Wash", "bottle", "Citrus,Sea Kelp,Oat", "7-26", "0.3-0.6", "8x8x20", VOLUMES),),
        "Brushes": (_kind("Powder Brush", "brush", "Vegan,Bamboo", "6-28", "0.05-0.1", "20x5x4"),),
    },
    "Toys": {
        "Soft toys": (_kind("Teddy Bear", "teddy", "Plush,Organic Cotton", "12-38", "0.2-0.5", "30x20x16"),),
        "Puzzles": (_kind("Jigsaw Puzzle", "puzzle", "Wooden,Recycled Card", "9-30", "0.4-0.8", "30x22x6"),),
        "Building blocks": (
            _kind("Building Blocks", "blocks", "Beech,Cork,Painted Wood", "14-45", "0.7-1.6", "28x22x10"),
        ),
        "Balls and games": (_kind("Play Ball", "ball", "Rubber,Felt", "5-18", "0.2-0.4", "22x22x22"),),
        "Vehicles": (_kind("Toy Car", "car", "Wooden,Die-Cast", "6-26", "0.2-0.5", "18x10x9"),),
        "Notebooks": (_kind("Notebook", "book", "Recycled,Linen-Bound", "5-18", "0.2-0.5", "22x16x3"),),
    },
    "Pets": {
        "Pet beds": (_kind("Pet Bed", "petbed", "Sherpa,Corduroy,Linen", "28-95", "1-2.6", "60x50x18"),),
        "Collars and leads": (_kind("Dog Collar", "collar", "Leather,Waxed Cotton", "9-32", "0.08-0.2", "20x12x4"),),
        "Pet bowls": (_kind("Pet Bowl", "petbowl", "Stoneware,Bamboo,Steel", "8-28", "0.4-0.9", "20x20x8"),),
        "Pet toys": (_kind("Chew Bone", "bone", "Natural Rubber,Rope", "4-14", "0.1-0.3", "20x8x6"),),
    },
}  # fmt: skip

OPENINGS: Final = (
    "Made in small batches and finished by hand.",
    "An everyday favourite that earns its place.",
    "Simple, sturdy and made to be used daily.",
    "A quiet piece that suits any room.",
    "Thoughtfully made, kind to the planet and good to live with.",
    "Designed in our studio by the sea.",
)
POINTS: Final = (
    "Responsibly sourced materials", "Arrives in plastic-free packaging", "Easy to clean and built to last",
    "Makes a lovely gift", "Two-year guarantee", "Designed in the United Kingdom", "Tested to current UK standards",
    "Colours may vary slightly from screen to screen", "No harsh chemicals or finishes",
)  # fmt: skip
ODD_TITLES: Final = (
    ("emoji", "🎁✨ {title} ✨🔥 best seller 🇬🇧"),
    ("right_to_left", "{title} ‏كوب أزرق‏ שלום"),
    ("zero_width", "{title}\u200b\u200d with\u200b hidden\ufeff characters"),
    ("html", "<b>{title}</b> &amp; <i>more</i> &lt;new&gt;"),
    ("script", "{title} <script>alert('title')</script><img src=x onerror=alert(1)>"),
    ("sql", "{title}'; DROP TABLE products; -- \" OR 1=1"),
    ("long", "{title} "),  # repeated up to 300 characters
    ("formula", "=HYPERLINK(\"http://example.test\",\"{title}\")"),
)  # fmt: skip
