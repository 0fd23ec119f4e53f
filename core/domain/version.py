"""What version this is, and which versions of the vendors' interfaces it speaks."""

VERSION = "0.1.0"
BUILT = "2026-11-21"
TIKTOK_API = "202309"
