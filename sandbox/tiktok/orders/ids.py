"""Ids of orders, lines, packages and cancellations: decimal text that no double can hold."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator

_EPOCH_MILLISECONDS = 1_577_836_800_000
_lock = threading.Lock()
_last = 0


def take(count: int) -> Iterator[int]:
    """So many numbers of 15 digits that no run of the sandbox has given before, rising with time."""
    global _last
    with _lock:
        first = max(_last + 1, (int(time.time() * 1000) - _EPOCH_MILLISECONDS) * 1000)
        _last = first + count
    return iter(range(first, first + count))


def order_id(number: int) -> str:
    """18 digits, for orders and their lines."""
    return f"577{number:015d}"


def package_id(number: int) -> str:
    """19 digits."""
    return f"1153{number:015d}"


def cancel_id(number: int) -> str:
    """19 digits beginning with 403, as seen in live shops."""
    return f"4035{number:015d}"


def foreign_id(*names: str) -> str:
    """The id of a product or SKU that is not on the sandbox's shelf: the same for the same names."""
    digest = hashlib.sha256("\x1f".join(names).encode()).hexdigest()
    return f"1729{int(digest[:15], 16) % 10**15:015d}"


def user_id(text: str) -> str:
    """The 19-digit id of a buyer."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"7101{int(digest[:15], 16) % 10**15:015d}"
