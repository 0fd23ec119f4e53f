"""Which part of the buyer's address a seller sees (Partner Center, Order API, desensitisation). Nothing reveals it."""

from __future__ import annotations

import re
from typing import Any

Address = dict[str, Any]
MASKED = (
    "name", "first_name", "last_name", "phone_number", "full_address", "address_detail", "address_line1",
    "address_line2", "address_line3", "address_line4", "postal_code",
)  # fmt: skip
US_HIDDEN = ("UNPAID", "ON_HOLD", "CANCELLED")
_WORD = re.compile(r"\w+")
_PHONE = re.compile(r"(?<=.{6})\d(?=.{3})")


def shown_address(document: dict[str, Any], address: Address) -> Address:
    """What reads show of the address in the order's present state."""
    if document["status"] == "ON_HOLD":
        return empty(address)
    if document["fulfillment_type"] == "FULFILLMENT_BY_TIKTOK" or document["shipping_type"] == "TIKTOK":
        return masked(address)
    is_us = address["region_code"] == "US"
    return masked(address) if is_us and document["status"] in US_HIDDEN else address


def empty(address: Address) -> Address:
    """On hold: every member is there and says nothing."""
    blank: Address = {name: "" for name in address if isinstance(address[name], str)}
    return blank | {"district_info": [], "delivery_preferences": {"drop_off_location": ""}}


def masked(address: Address) -> Address:
    """Asterisks inside the words; town, region and the upper district levels stay clear."""
    hidden = {name: _mask(address[name]) for name in MASKED if name != "phone_number"}
    hidden["phone_number"] = _PHONE.sub("*", address["phone_number"])
    return (
        address | hidden | {"district_info": [one for one in address["district_info"] if one["address_level"] < "L3"]}
    )


def _mask(text: str) -> str:
    return _WORD.sub(lambda word: word[0][0] + "*" * (len(word[0]) - 1 or 1), text)
