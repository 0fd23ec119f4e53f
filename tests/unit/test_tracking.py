"""Where a carrier shows a parcel, by the name that TikTok gives the carrier."""

from __future__ import annotations

import pytest

from core.domain.tracking import Tracked


@pytest.mark.parametrize(
    ("carrier", "host"),
    [
        ("Royal Mail", "www.royalmail.com"),
        ("EVRi", "www.evri.com"),
        ("DHL UK", "www.dhl.com"),
        ("FedEx", "www.fedex.com"),
        ("USPS", "tools.usps.com"),
        ("UPS", "www.ups.com"),
    ],
)
def test_known_carriers_have_a_page_that_names_the_number(carrier: str, host: str) -> None:
    page = Tracked("AB 1/2", carrier).page
    assert page.startswith(f"https://{host}/")
    assert page.endswith("AB%201%2F2")


@pytest.mark.parametrize("carrier", ["", "DPD UK", "Bicycle"])
def test_other_carriers_have_none(carrier: str) -> None:
    assert Tracked("AB1", carrier).page == ""
