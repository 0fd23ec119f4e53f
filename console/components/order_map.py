"""Orders on a map, drawn from outlines we keep: nothing outside is asked for anything."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import Any

import pydeck
import streamlit as st

from console import context
from console.components import empty
from core.domain.counting import counted
from core.domain.filters import OrderFilter
from core.reads import order_map

DATA = Path(__file__).resolve().parents[1] / "data"
BLANK = "/app/static/blank-style.json"
_VIEWS = {"GB": (54.9, -3.4, 4.5), "US": (39.5, -97.0, 2.9)}
_LARGEST_M = {"GB": 42_000, "US": 210_000}


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    lat: float
    lon: float


@lru_cache(maxsize=1)
def places() -> dict[tuple[str, str], Place]:
    """Where an area is, by country and area; a state also by its name."""
    found = {}
    with (DATA / "gb_postcode_areas.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found["GB", row["area"]] = Place(f"{row['area']} {row['town']}", float(row["lat"]), float(row["lon"]))
    with (DATA / "us_states.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            place = Place(row["name"], float(row["lat"]), float(row["lon"]))
            found["US", row["state"]] = found["US", row["name"]] = place
    return found


@lru_cache(maxsize=1)
def outlines() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "outlines.geojson").read_text(encoding="utf-8"))
    return found


def show(wanted: OrderFilter, *, customers: bool) -> None:
    """The map for the filter of the page, and the same as a table."""
    found = order_map.order_map(context.current_id(), wanted, customers=customers)
    if not found.orders:
        empty.state("No orders on the map", "No order matches the filter, or none has come yet.")
        return
    known = places()
    dots, elsewhere = [], 0
    for area in found.areas:
        place = known.get((area.country, area.area))
        if place is None:
            elsewhere += area.orders
        else:
            dots.append((area, place))
    said = counted(found.orders, "order") + (", the newest that match" if found.capped else "")
    hidden = counted(elsewhere, "of them has no place", "of them have no place")
    st.caption(said + (f"; {hidden} that is known: TikTok hides it." if elsewhere else ""))
    if dots:
        _draw(dots)
    rows = [{"Area": place.name, "Orders": area.orders, "Total": float(area.total)} for area, place in dots]
    st.dataframe(rows, hide_index=True, height=300, lazy=False, alt="Orders by area")


def _draw(dots: list[tuple[order_map.Area, Place]]) -> None:
    country = dots[0][0].country
    most = max(area.orders for area, _ in dots)
    largest = _LARGEST_M.get(country, 60_000)
    points = [
        {"name": place.name, "orders": area.orders, "position": [place.lon, place.lat],
         "radius": largest * max(sqrt(area.orders / most), 0.12)}
        for area, place in dots
    ]  # fmt: skip
    lat, lon, zoom = _VIEWS.get(country, (49.0, 8.0, 3.2))
    ground = pydeck.Layer(
        "GeoJsonLayer", id="outlines", data=outlines(), filled=True, stroked=True,
        get_fill_color=[222, 227, 235], get_line_color=[150, 160, 175], line_width_min_pixels=1,
    )  # fmt: skip
    circles = pydeck.Layer(
        "ScatterplotLayer", id="orders", data=points, get_position="position", get_radius="radius", pickable=True,
        get_fill_color=[27, 100, 216, 150], get_line_color=[27, 100, 216], stroked=True, line_width_min_pixels=1,
    )  # fmt: skip
    deck = pydeck.Deck(
        map_style=BLANK, map_provider=None, layers=[ground, circles], tooltip={"text": "{name}\nOrders: {orders}"},
        initial_view_state=pydeck.ViewState(latitude=lat, longitude=lon, zoom=zoom),
    )  # fmt: skip
    st.pydeck_chart(deck, key="order_map", height=520, alt="Orders by area on a map")
