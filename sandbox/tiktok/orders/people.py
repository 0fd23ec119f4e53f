"""Buyers: names, addresses in all 124 postcode areas of the United Kingdom, notes to the seller. Nobody is real."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from sandbox.tiktok.orders import ids

AREAS_FILE = Path(__file__).parents[1] / "data" / "gb_postcode_areas.csv"
FIRST = (
    "Aisha", "Alice", "Amara", "Arjun", "Beth", "Callum", "Carys", "Chidi", "Chloe", "Connor", "Daniel", "Ewan",
    "Fatima", "Freya", "George", "Grace", "Hannah", "Harry", "Imogen", "Isla", "Jack", "Jasmin", "Kofi", "Leah",
    "Liam", "Megan", "Mohammed", "Niamh", "Oliver", "Olivia", "Poppy", "Priya", "Rhys", "Rosie", "Samuel", "Seán",
    "Sophie", "Tomasz", "William", "Zoë",
)  # fmt: skip
LAST = (
    "Adeyemi", "Ahmed", "Bailey", "Begum", "Brown", "Campbell", "Clarke", "Davies", "Edwards", "Evans", "Fitzgerald",
    "Fraser", "Green", "Hall", "Hughes", "Iqbal", "Jones", "Kaur", "Kelly", "Khan", "Lewis", "MacDonald", "Mitchell",
    "Morgan", "Nowak", "O'Connor", "O'Neill", "Patel", "Popescu", "Price", "Reid", "Roberts", "Singh", "Smith-Hughes",
    "Taylor", "Thomas", "Walker", "White", "Williams", "Wright",
)  # fmt: skip
STREETS = (
    "Albert Road", "Beech Avenue", "Bridge Street", "Cedar Close", "Chapel Lane", "Church Street", "Clarence Road",
    "Elm Grove", "Ferry Road", "George Street", "Grange Road", "Heath Drive", "High Street", "Hill View", "Kings Road",
    "Lime Walk", "Manor Way", "Mill Lane", "New Street", "North Parade", "Orchard Close", "Park Road", "Queen Street",
    "Richmond Terrace", "School Lane", "South View", "Springfield Road", "St John's Road", "Station Road",
    "The Crescent", "The Green", "Union Street", "Victoria Road", "Water Lane", "West Street", "Willow Gardens",
)  # fmt: skip
SECOND_LINES = ("Flat {n}", "Flat {n}a", "Apartment {n}", "Unit {n}", "Tŷ Gwyn", "Rear entrance", "c/o Number {n}")
NOTES = (
    "Please leave it with number 12 if I am out.", "It is a present, no receipt in the box please.",
    "Ring the top bell!", "Thank you 😊", "Needed before Saturday if you can.",
    "Mind the dog.\nHe is friendly.", "=please gift wrap", "Could it be the darker shade? If not, send it anyway.",
)  # fmt: skip
SCOTLAND = frozenset(["AB", "DD", "DG", "EH", "FK", "G", "HS", "IV", "KA", "KW", "KY", "ML", "PA", "PH", "TD", "ZE"])
WALES = frozenset(["CF", "LD", "LL", "NP", "SA"])
OTHER = {"BT": "Northern Ireland", "GY": "Guernsey", "JE": "Jersey", "IM": "Isle of Man"}
INWARD = "ABDEFGHJLNPQRSTUWXYZ"
# Central London districts carry a letter after the number.
LETTERED = frozenset({"EC", "WC"})
US_PLACES = (
    ("Columbus", "Ohio", "Franklin County", "43004"), ("Austin", "Texas", "Travis County", "73301"),
    ("Portland", "Oregon", "Multnomah County", "97201"), ("Boulder", "Colorado", "Boulder County", "80301"),
    ("Albany", "New York", "Albany County", "12201"),
)  # fmt: skip


@dataclass(frozen=True)
class Buyer:
    """Who buys, and where it goes: `address` in the shape of `recipient_address`, unmasked."""

    id: str
    email: str
    nickname: str
    note: str
    address: dict[str, Any]


@cache
def areas() -> tuple[tuple[str, str], ...]:
    """Postcode area and its post town, 124 of them."""
    with AREAS_FILE.open(newline="") as file:
        return tuple((row["area"], row["town"].removesuffix(" " + row["area"])) for row in csv.DictReader(file))


def buyer(chance: Random, region: str) -> Buyer:
    """Somebody. One in 30 has a single name; one in 8 leaves a note."""
    first, last = chance.choice(FIRST), chance.choice(LAST)
    if chance.random() < 1 / 30:
        last = ""
    address = uk_address(chance) if region == "GB" else us_address(chance)
    number = chance.randrange(10**9)
    whole = f"{first} {last}".strip()
    return Buyer(
        id=ids.user_id(f"{whole}{number}"),
        email=f"v{number:09d}{chance.choice(('', 'x', 'qk7'))}@chat.seller.tiktok.com",
        nickname=f"{first.lower()}_{number % 1000}",
        note=chance.choice(NOTES) if chance.random() < 1 / 8 else "",
        address={"name": whole, "first_name": first, "last_name": last} | address,
    )


def uk_address(chance: Random) -> dict[str, Any]:
    """Where parcels go in one of the 124 areas, each as likely as any other."""
    area, town = chance.choice(areas())
    code = f"{area}{chance.randrange(1, 10)}{chance.choice('AMV') if area in LETTERED else ''}"
    postcode = f"{code} {chance.randrange(10)}{chance.choice(INWARD)}{chance.choice(INWARD)}"
    country = OTHER.get(area) or ("Scotland" if area in SCOTLAND else "Wales" if area in WALES else "England")
    line1, line2 = _street(chance), _second_line(chance)
    districts = [("Country", "United Kingdom"), ("Constituent country", country), ("Region", town), ("Town", town)]
    parts = [line1, line2, town, postcode, "United Kingdom"]
    # 07700 900xxx is kept free of subscribers for use in fiction.
    phone = f"(+44)7700900{chance.randrange(1000):03d}"
    return _address(phone, line1, line2, postcode, "GB", parts, districts) | {"post_town": town}


def us_address(chance: Random) -> dict[str, Any]:
    """Where parcels go in the United States."""
    city, state, county, zip_code = chance.choice(US_PLACES)
    line1, line2 = _street(chance), _second_line(chance)
    districts = [("Country", "United States"), ("State", state), ("County", county), ("City", city)]
    parts = [line1, line2, city, state, zip_code, "United States"]
    return _address(f"(+1)20255501{chance.randrange(100):02d}", line1, line2, zip_code, "US", parts, districts)


def _street(chance: Random) -> str:
    return f"{chance.randrange(1, 180)} {chance.choice(STREETS)}"


def _second_line(chance: Random) -> str:
    if chance.random() < 0.75:
        return ""
    return chance.choice(SECOND_LINES).format(n=chance.randrange(1, 40))


def _address(
    phone: str, line1: str, line2: str, postcode: str, region: str, parts: list[str], districts: list[tuple[str, str]]
) -> dict[str, Any]:
    return {
        "first_name_local_script": "",
        "last_name_local_script": "",
        "phone_number": phone,
        "full_address": ", ".join(part for part in parts if part),
        "address_detail": " ".join(part for part in (line1, line2) if part),
        "address_line1": line1,
        "address_line2": line2,
        "address_line3": "",
        "address_line4": "",
        "postal_code": postcode,
        "region_code": region,
        "district_info": [
            {"address_level": f"L{level}", "address_level_name": name, "address_name": value}
            for level, (name, value) in enumerate(districts)
        ],
        "delivery_preferences": {"drop_off_location": ""},
    }
