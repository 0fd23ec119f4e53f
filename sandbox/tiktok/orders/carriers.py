"""Carriers' tracking numbers, as far as TikTok Shop judges them: a number that fits nobody is a warning, no error."""

from __future__ import annotations

import re

from sandbox.tiktok.logistics import PROVIDERS

PATTERNS = {
    "Royal Mail": r"[A-Z]{2}\d{9}GB",
    "EVRi": r"[A-Z]\d{2}[A-Z0-9]{13}|\d{16}",
    "DPD UK": r"\d{14}",
    "Yodel UK": r"JD\d{16}",
    "DHL UK": r"\d{10}|JJD\d{16,18}",
    "USPS": r"9\d{21}",
    "UPS": r"1Z[A-Z0-9]{16}",
    "FedEx": r"\d{12}|\d{15}",
}
TRACKING_NUMBER = re.compile(r"[A-Za-z0-9-]{4,50}")


def provider(region: str, provider_id: str) -> tuple[str, str] | None:
    """Id and name of a provider that the region's sellers may name."""
    return next((one for one in PROVIDERS[region] if one[0] == provider_id), None)


def fitting(tracking_number: str) -> list[str]:
    """Carriers whose numbers look like this one."""
    return [name for name, pattern in PATTERNS.items() if re.fullmatch(pattern, tracking_number)]


def warning(tracking_number: str, provider_name: str) -> str:
    """What is doubtful about the number; empty when nothing is. Carriers without a known pattern take anything."""
    found = fitting(tracking_number)
    if provider_name in found or provider_name not in PATTERNS:
        return ""
    if not found:
        return "No carriers match the tracking number. Check it, or the parcel may never be tracked."
    return f"The tracking number belongs to {found[0]} and was taken as such."


def is_untrackable(tracking_number: str, provider_name: str) -> bool:
    """Whether no carrier will ever scan it."""
    return provider_name in PATTERNS and not fitting(tracking_number)
