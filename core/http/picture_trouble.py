"""What keeps a picture from being used."""

from __future__ import annotations


class BadPicture(Exception):
    """The bytes are no picture that can be used; ``reason`` goes on from the picture's name: ``it is empty.``"""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
