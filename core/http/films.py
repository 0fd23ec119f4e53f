"""Product videos: which bytes are an MP4 film. It is not decoded, so its length and shape stay unknown."""

from __future__ import annotations

from typing import Final

# Major brands of MP4 files (ISO/IEC 14496-12 and the registry at mp4ra.org); pictures such as HEIC have others.
_BRANDS: Final = frozenset(
    (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash")
)


def is_film(data: bytes) -> bool:
    """Whether the bytes begin as an MP4 film does."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS
